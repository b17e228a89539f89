"""Tiny random models that take pictures, and what transformers makes of pictures and prompts with them.

    python vision_fixtures.py FOLDER

Writes

- FOLDER/pictures: small picture files of awkward shapes and kinds, drawn here;
- FOLDER/<family>: a random checkpoint (F32) of each family in the layout of its published repositories;
- FOLDER/<family>.gguf and FOLDER/<family>.mmproj.gguf: the same weights as llama.cpp's converter lays them out, for the
  families that it converts;
- FOLDER/reference.json: of each family the pixel values of every picture (as a digest), and of four conversations the
  prompt, the tokens after the expansion of pictures, the features of the pictures, the logits after the prompt and 32
  tokens of greedy continuation;
- FOLDER/preprocessing.json: digests of the pixel values of every picture, with the sizes that published models have,
  and of the pictures' decoded pixels (RGB, eight bits, transparency on white).

Pictures are opened with Pillow, turned as EXIF says, and handed to transformers' processors (those that work with
Pillow: torchvision must not be installed). The processors for text and pictures are transformers' own, too, only made
without processors for videos. Weights are drawn wide, so that every part of a model moves the logits. Ran with
transformers 5.23, torch 2.13 (CPU), Pillow 13.0, gguf 0.19 and num2words 0.5.14.
"""

import hashlib
import json
import pathlib
import sys
from functools import partial

import gguf
import numpy
import PIL
import torch
import transformers
from PIL import Image, ImageDraw, ImageOps
from safetensors.torch import load_file, save_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import (
    GotOcr2ImageProcessorPil,
    get_optimal_tiled_canvas,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from fixture_models import (
    CHATML,
    INTERNLM2_SETTINGS,
    add_tokenizer,
    finish,
    internlm2_tensors,
    permuted,
    randomize,
    tokenizer_json,
    vocabulary,
)

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5, 0.5, 0.5]
RESCALE = 0.00392156862745098
BICUBIC, LANCZOS = 3, 1

# Pictures


def drawn(width, height, seed, levels=15):
    """Slow waves of color with a few shapes: it has details, and still compresses well."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    channels = []
    for _ in range(3):
        across, down, start = random.uniform(0.5, 2.5), random.uniform(0.5, 2.5), random.uniform(0, 6.28)
        wave = numpy.sin(6.28 * (across * x / max(width, 2) + down * y / max(height, 2)) + start)
        channels.append(numpy.round((wave * 0.5 + 0.5) * levels) * (255 // levels))
    picture = Image.fromarray(numpy.stack(channels, axis=-1).astype(numpy.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        left, top = int(random.integers(0, width)), int(random.integers(0, height))
        right, bottom = left + int(random.integers(0, width)) // 3, top + int(random.integers(0, height)) // 3
        color = tuple(int(value) for value in random.integers(0, 256, 3))
        (draw.rectangle if random.integers(0, 2) else draw.ellipse)((left, top, right, bottom), fill=color)
    draw.line((0, 0, width - 1, height - 1), fill=(255, 255, 255))
    return picture


def write_pictures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    drawn(90, 60, 1).save(folder / "landscape.png")
    drawn(50, 70, 2).save(folder / "portrait.png")
    drawn(197, 139, 3).save(folder / "wide.png")
    drawn(1, 1, 4).save(folder / "1x1.png")
    drawn(1, 4000, 5).save(folder / "1x4000.png")
    drawn(4000, 3, 6).save(folder / "4000x3.png")
    drawn(513, 511, 7, levels=5).save(folder / "513x511.png")
    drawn(61, 47, 8).convert("L").save(folder / "gray.png")
    transparent = drawn(66, 58, 9)
    alpha = Image.fromarray(numpy.linspace(0, 255, 66 * 58).reshape(58, 66).astype(numpy.uint8))
    transparent.putalpha(alpha)
    transparent.save(folder / "alpha.png")
    drawn(72, 44, 10).convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    turned = Image.Exif()
    turned[0x0112] = 6
    drawn(80, 52, 11).save(folder / "turned.jpg", quality=90, exif=turned)
    palette = drawn(57, 63, 12).quantize(16)
    palette.save(folder / "palette.png", transparency=bytes([0, 128, 64] + [255] * 13))


def opened(path):
    return ImageOps.exif_transpose(Image.open(path))


# Tokenizers and templates

QWEN_SPECIAL = CHATML + [f"<|{n}|>" for n in ("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad")]
INTERNVL_SPECIAL = CHATML + ["<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
INTERNLM_SPECIAL = ["<s>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
LLAVA_SPECIAL = ["<s>", "</s>", "<image>", "<pad>"]
TILE_SPECIAL = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
SMOLVLM_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fake_token_around_image>", "<image>",
                   "<global-img>", "<end_of_utterance>"] + TILE_SPECIAL
IDEFICS_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<fake_token_around_image>", "<image>", "<global-img>",
                   "<end_of_utterance>"] + TILE_SPECIAL

QWEN_TEMPLATE = """\
{%- for message in messages %}
{%- if loop.first and message['role'] != 'system' %}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}
{%- for part in message['content'] %}
{%- if part['type'] == 'image' or 'image' in part or 'image_url' in part %}
{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif 'text' in part %}{{ part['text'] }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
INTERNVL_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}
{%- for part in message['content'] %}
{%- if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\\n' }}
{%- elif part['type'] == 'text' %}{{ part['text'] }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
INTERNVL_ORIGINAL_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
LLAVA_TEMPLATE = """\
{%- for message in messages %}
{%- if message['role'] != 'system' %}{{ message['role'].upper() + ': ' }}{% endif %}
{%- if message['content'] is string %}{{ message['content'] + ' ' }}
{%- else %}
{%- for part in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\\n' }}{% endfor %}
{%- for part in message['content'] | selectattr('type', 'equalto', 'text') %}{{ part['text'] + ' ' }}{% endfor %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}
"""
IDEFICS_TEMPLATE = """\
{{- 'BEGINNING' }}
{%- for message in messages %}
{{- message['role'] | capitalize }}
{%- if message['content'] is string %}{{ ': ' + message['content'] }}
{%- else %}
{{- ':' if message['content'][0]['type'] == 'image' else ': ' }}
{%- for part in message['content'] %}
{%- if part['type'] == 'text' %}{{ part['text'] }}
{%- elif part['type'] == 'image' %}{{ '<image>' }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<end_of_utterance>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}
"""
SMOLVLM_TEMPLATE = IDEFICS_TEMPLATE.replace("BEGINNING", "<|im_start|>")
IDEFICS_TEMPLATE = IDEFICS_TEMPLATE.replace("BEGINNING", "<|begin_of_text|>")

# Families. Sizes of the text decoder are the same everywhere.

TEXT = dict(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=2048,
    rms_norm_eps=1e-6,
)


def ids_of(special):
    return {token: 256 + index for index, token in enumerate(special)}


def qwen_ids(tied):
    ids = ids_of(QWEN_SPECIAL)
    return dict(
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=tied,
    )


def text_of(special, bos, eos, **settings):
    ids = ids_of(special)
    size = 256 + len(special) + 1
    return TEXT | dict(vocab_size=size, bos_token_id=ids[bos], eos_token_id=ids[eos]) | settings


def qwen_text(**settings):
    return text_of(QWEN_SPECIAL, "<|endoftext|>", "<|im_end|>", rope_theta=1000000.0, **settings)


def qwen2_vl():
    vision = dict(depth=2, embed_dim=32, hidden_size=32, num_heads=2, mlp_ratio=2, patch_size=14, spatial_merge_size=2,
                  temporal_patch_size=2)
    text = qwen_text(rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]})
    return transformers.Qwen2VLConfig(vision_config=vision, text_config=text, **qwen_ids(True))


def qwen2_5_vl():
    vision = dict(depth=3, hidden_size=16, out_hidden_size=32, num_heads=2, intermediate_size=40, window_size=56,
                  fullatt_block_indexes=[1], patch_size=14, spatial_merge_size=2, temporal_patch_size=2,
                  tokens_per_second=2)
    text = qwen_text(rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]})
    return transformers.Qwen2_5_VLConfig(vision_config=vision, text_config=text, **qwen_ids(True))


def qwen3_vl():
    vision = dict(depth=3, hidden_size=16, out_hidden_size=32, num_heads=2, intermediate_size=40, patch_size=16,
                  spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=16,
                  deepstack_visual_indexes=[0, 1])
    rope = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [2, 1, 1]}
    text = qwen_text(head_dim=8, rope_scaling=rope) | dict(num_hidden_layers=3)
    return transformers.Qwen3VLConfig(vision_config=vision, text_config=text, **qwen_ids(False))


def llava():
    vision = dict(model_type="clip_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=3,
                  num_attention_heads=2, image_size=28, patch_size=7, projection_dim=32)
    text = text_of(LLAVA_SPECIAL, "<s>", "</s>", model_type="llama", rope_theta=10000.0, tie_word_embeddings=False)
    return transformers.LlavaConfig(vision_config=vision, text_config=text, image_seq_length=16,
                                    image_token_index=ids_of(LLAVA_SPECIAL)["<image>"])


INTERNVL_VISION = dict(model_type="internvl_vision", hidden_size=16, intermediate_size=40, num_hidden_layers=2,
                       num_attention_heads=2, image_size=28, patch_size=7, attention_bias=True)


def internvl(special=INTERNVL_SPECIAL, decoder="qwen2"):
    text = text_of(special, special[0], "<|im_end|>", model_type=decoder, rope_theta=1000000.0,
                   tie_word_embeddings=False)
    return transformers.InternVLConfig(vision_config=INTERNVL_VISION, text_config=text, downsample_ratio=0.5,
                                       image_seq_length=4, tie_word_embeddings=False,
                                       image_token_id=ids_of(special)["<IMG_CONTEXT>"])


def internvl_internlm2():
    return internvl(INTERNLM_SPECIAL, "llama")


def smolvlm():
    vision = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                  patch_size=8)
    text = text_of(SMOLVLM_SPECIAL, "<|im_start|>", "<end_of_utterance>", model_type="llama", rope_theta=100000.0,
                   tie_word_embeddings=False)
    return transformers.SmolVLMConfig(vision_config=vision, text_config=text, scale_factor=2,
                                      pad_token_id=ids_of(SMOLVLM_SPECIAL)["<|im_end|>"],
                                      image_token_id=ids_of(SMOLVLM_SPECIAL)["<image>"])


def idefics3():
    vision = dict(hidden_size=16, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                  patch_size=4)
    text = text_of(IDEFICS_SPECIAL, "<|begin_of_text|>", "<end_of_utterance>", model_type="llama", rope_theta=500000.0,
                   tie_word_embeddings=False)
    return transformers.Idefics3Config(vision_config=vision, text_config=text, scale_factor=4,
                                       pad_token_id=ids_of(IDEFICS_SPECIAL)["<|end_of_text|>"],
                                       image_token_id=ids_of(IDEFICS_SPECIAL)["<image>"])


def qwen_pictures(name, **settings):
    shared = dict(temporal_patch_size=2, merge_size=2, image_processor_type="Qwen2VLImageProcessor",
                  processor_class=name)
    return settings | shared


def tiled_pictures(kind, **settings):
    shared = dict(do_convert_rgb=True, do_image_splitting=True, do_normalize=True, do_pad=True, do_rescale=True,
                  do_resize=True, image_mean=HALF, image_std=HALF, resample=LANCZOS, rescale_factor=RESCALE,
                  image_processor_type=kind + "ImageProcessor", processor_class=kind + "Processor")
    return settings | shared


LLAVA_CROP = dict(
    crop_size={"height": 28, "width": 28}, do_center_crop=True, do_convert_rgb=True, do_normalize=True,
    do_rescale=True, do_resize=True, image_mean=CLIP_MEAN, image_std=CLIP_STD, resample=BICUBIC,
    rescale_factor=RESCALE, size={"shortest_edge": 28}, image_processor_type="CLIPImageProcessor",
    processor_class="LlavaProcessor",
)
LLAVA_PAD = LLAVA_CROP | dict(do_pad=True, image_processor_type="LlavaImageProcessor")
GOT_OCR = dict(
    crop_to_patches=True, min_patches=1, max_patches=6, do_convert_rgb=True, do_normalize=True, do_rescale=True,
    do_resize=True, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD, resample=BICUBIC, rescale_factor=RESCALE,
    size={"height": 28, "width": 28}, image_processor_type="GotOcr2ImageProcessor",
    processor_class="InternVLProcessor",
)
CLIP_EXTRACTOR = dict(
    crop_size=28, do_center_crop=True, do_normalize=True, do_resize=True, feature_extractor_type="CLIPFeatureExtractor",
    image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD, resample=BICUBIC, size=28,
)
PROCESSORS = {
    "CLIPImageProcessor": CLIPImageProcessorPil,
    "LlavaImageProcessor": LlavaImageProcessorPil,
    "GotOcr2ImageProcessor": GotOcr2ImageProcessorPil,
    "Qwen2VLImageProcessor": Qwen2VLImageProcessorPil,
    "SmolVLMImageProcessor": SmolVLMImageProcessorPil,
    "Idefics3ImageProcessor": Idefics3ImageProcessorPil,
    "SiglipImageProcessor": SiglipImageProcessorPil,
}
INTERNVL_NAMED = dict(start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>",
                      video_token="<video>")
LLAVA_PROCESSOR = dict(image_token="<image>", num_additional_image_tokens=1, patch_size=7,
                       processor_class="LlavaProcessor", vision_feature_select_strategy="default")

# Of each family: its model and configuration, the seed of its weights (one with which the most likely token is always
# clearly ahead of the next one, and never one that stands for a picture), its tokens (with the tokenizer's
# pre-tokenizer, first and last token), its template, and the settings of its processors.
FAMILIES = {
    "qwen2-vl": dict(
        model=transformers.Qwen2VLForConditionalGeneration, config=qwen2_vl, seed=521, special=QWEN_SPECIAL,
        splits="qwen", bos=None, eos="<|im_end|>", template=QWEN_TEMPLATE,
        pictures=qwen_pictures("Qwen2VLProcessor", min_pixels=56 * 56, max_pixels=140 * 140, patch_size=14,
                               image_mean=CLIP_MEAN, image_std=CLIP_STD),
    ),
    "qwen2.5-vl": dict(
        model=transformers.Qwen2_5_VLForConditionalGeneration, config=qwen2_5_vl, seed=962, special=QWEN_SPECIAL,
        splits="qwen", bos=None, eos="<|im_end|>", template=QWEN_TEMPLATE,
        pictures=qwen_pictures("Qwen2_5_VLProcessor", min_pixels=56 * 56, max_pixels=196 * 140, patch_size=14,
                               image_mean=CLIP_MEAN, image_std=CLIP_STD),
    ),
    "qwen3-vl": dict(
        model=transformers.Qwen3VLForConditionalGeneration, config=qwen3_vl, seed=783, special=QWEN_SPECIAL,
        splits="qwen", bos=None, eos="<|im_end|>", template=QWEN_TEMPLATE,
        pictures=qwen_pictures("Qwen3VLProcessor", size={"shortest_edge": 64 * 64, "longest_edge": 160 * 160},
                               patch_size=16, image_mean=HALF, image_std=HALF)
        | dict(image_processor_type="Qwen2VLImageProcessorFast"),
    ),
    "llava": dict(
        model=transformers.LlavaForConditionalGeneration, config=llava, seed=504, special=LLAVA_SPECIAL, splits=None,
        bos="<s>", eos="</s>", template=LLAVA_TEMPLATE, pictures=LLAVA_CROP, processor=LLAVA_PROCESSOR,
    ),
    "llava-pad": dict(
        model=transformers.LlavaForConditionalGeneration, config=llava, seed=105, special=LLAVA_SPECIAL, splits=None,
        bos="<s>", eos="</s>", template=LLAVA_TEMPLATE, pictures=LLAVA_PAD, processor=LLAVA_PROCESSOR,
    ),
    "internvl": dict(
        model=transformers.InternVLForConditionalGeneration, config=internvl, seed=1126, special=INTERNVL_SPECIAL,
        splits="qwen", bos=None, eos="<|im_end|>", template=INTERNVL_TEMPLATE, named=INTERNVL_NAMED, pictures=GOT_OCR,
        processor=dict(image_seq_length=4, processor_class="InternVLProcessor"),
    ),
    "internvl-original": dict(
        model=transformers.InternVLForConditionalGeneration, config=internvl, seed=1126, special=INTERNVL_SPECIAL,
        splits="qwen", bos=None, eos="<|im_end|>", template=INTERNVL_ORIGINAL_TEMPLATE, named=INTERNVL_NAMED,
        pictures=GOT_OCR, processor=dict(image_seq_length=4, processor_class="InternVLProcessor"),
    ),
    "internvl-internlm2": dict(
        model=transformers.InternVLForConditionalGeneration, config=internvl_internlm2, seed=368,
        special=INTERNLM_SPECIAL, splits=None, bos=None, eos="<|im_end|>", template=INTERNVL_ORIGINAL_TEMPLATE,
        named=INTERNVL_NAMED, pictures=GOT_OCR,
        processor=dict(image_seq_length=4, processor_class="InternVLProcessor"),
    ),
    "smolvlm": dict(
        model=transformers.SmolVLMForConditionalGeneration, config=smolvlm, seed=769, special=SMOLVLM_SPECIAL,
        splits="smollm", bos=None, eos="<end_of_utterance>", template=SMOLVLM_TEMPLATE,
        pictures=tiled_pictures("SmolVLM", size={"longest_edge": 96}, max_image_size={"longest_edge": 32}),
        processor=dict(image_seq_len=4, processor_class="SmolVLMProcessor"),
    ),
    "idefics3": dict(
        model=transformers.Idefics3ForConditionalGeneration, config=idefics3, seed=250, special=IDEFICS_SPECIAL,
        splits=None, bos=None, eos="<end_of_utterance>", template=IDEFICS_TEMPLATE,
        pictures=tiled_pictures("Idefics3", size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        processor=dict(image_seq_len=4, processor_class="Idefics3Processor"),
    ),
}


def spread(name, drawn, tied):
    """Values for a parameter of a model that takes pictures, from normally distributed ones."""
    if name.endswith("bias"):
        return 0.5 * drawn
    if "norm" in name or "ln_q" in name:
        return 1 + 0.3 * drawn
    if "lambda" in name:
        return 0.5 + 0.3 * drawn
    if any(part in name for part in ("position_embedding", "pos_embed", "class_embedding", "cls_token")):
        return 0.5 * drawn
    if "embed_tokens" in name:
        # Where it is the head as well, a token with a long vector would only repeat itself.
        return drawn * (0.2 if tied else 1)
    # Queries and keys are longer: with attention spread evenly, pictures would hardly matter at the end.
    sharper = 2 if "q_proj" in name or "k_proj" in name else 1
    return sharper * drawn / drawn[0].numel() ** 0.5


# The folders


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_tokenizer(folder, family):
    special = family["special"]
    tokenizer = tokenizer_json(vocabulary(special), special, family["splits"], family["bos"])
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": family["bos"],
        "eos_token": family["eos"],
        "add_bos_token": family["bos"] is not None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
    }
    if "named" in family:
        settings["extra_special_tokens"] = family["named"]
    write_json(folder / "tokenizer_config.json", settings)
    (folder / "chat_template.jinja").write_text(family["template"])


def write_folder(folder, name, family, model):
    ids = ids_of(family["special"])
    ends = [ids[family["eos"]], 256] if name.startswith(("qwen", "internvl")) else [ids[family["eos"]]]
    model.generation_config.eos_token_id = ends
    model.generation_config.bos_token_id = model.config.get_text_config().bos_token_id
    model.save_pretrained(folder)
    write_tokenizer(folder, family)
    write_json(folder / "preprocessor_config.json", family["pictures"])
    if "processor" in family:
        write_json(folder / "processor_config.json", family["processor"])
    if name == "qwen2-vl":
        flatten_config(folder)
    if name == "llava-pad":
        rename_to_published_llava(folder)
    if name in ("internvl-original", "internvl-internlm2"):
        rename_to_original_internvl(folder, model)
    (folder / "model.safetensors").chmod(0o644)


def flatten_config(folder):
    """Qwen2-VL's configuration as published: the text decoder's settings are at the top, and older names."""
    config = json.loads((folder / "config.json").read_text())
    text, vision = config.pop("text_config"), config["vision_config"]
    rope = text.pop("rope_parameters")
    text.pop("layer_types")
    config = text | config
    config |= {"rope_theta": rope["rope_theta"]}
    config |= {"rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]}}
    config["torch_dtype"] = config.pop("dtype")
    config["vision_config"] = {
        "depth": vision["depth"], "embed_dim": vision["embed_dim"], "mlp_ratio": vision["mlp_ratio"],
        "num_heads": vision["num_heads"], "in_chans": 3, "hidden_size": vision["hidden_size"],
        "patch_size": vision["patch_size"], "spatial_merge_size": 2, "spatial_patch_size": vision["patch_size"],
        "temporal_patch_size": 2,
    }
    write_json(folder / "config.json", config)


def rename_to_published_llava(folder):
    """The published checkpoints still have a part "vision_model" in the names of the vision tower."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {name.replace("vision_tower.", "vision_tower.vision_model."): tensors[name] for name in tensors}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


INTERNVL_LAYER_NAMES = {
    "attention.projection_layer": "attn.proj",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "lambda_1": "ls1",
    "lambda_2": "ls2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
INTERNVL_NAMES = {
    "vision_tower.embeddings.cls_token": "vision_model.embeddings.class_embedding",
    "vision_tower.embeddings.patch_embeddings.projection": "vision_model.embeddings.patch_embedding",
    "vision_tower.embeddings.position_embeddings": "vision_model.embeddings.position_embedding",
    "multi_modal_projector.layer_norm": "mlp1.0",
    "multi_modal_projector.linear_1": "mlp1.1",
    "multi_modal_projector.linear_2": "mlp1.3",
}


def original_internvl_vision(state, layers):
    """The vision part and the connector with the names of the authors' repositories."""
    tensors = {}
    for name, tensor in state.items():
        for part, renamed in INTERNVL_NAMES.items():
            if name.startswith(part):
                tensors[name.replace(part, renamed)] = tensor
    for layer in range(layers):
        source, target = f"vision_tower.encoder.layer.{layer}.", f"vision_model.encoder.layers.{layer}."
        for kind in ("weight", "bias"):
            parts = [state[f"{source}attention.{part}_proj.{kind}"] for part in "qkv"]
            tensors[f"{target}attn.qkv.{kind}"] = torch.cat(parts)
        for name, tensor in state.items():
            for part, renamed in INTERNVL_LAYER_NAMES.items():
                if name.startswith(source + part):
                    tensors[name.replace(source + part, target + renamed)] = tensor
    return tensors


def rename_to_original_internvl(folder, model):
    """The checkpoint and its configuration as the authors of InternVL lay them out."""
    config, text, vision = model.config, model.config.text_config, model.config.vision_config
    state = load_file(folder / "model.safetensors")
    tensors = original_internvl_vision(state, vision.num_hidden_layers)
    settings = json.loads((folder / "config.json").read_text())["text_config"]
    settings["rope_theta"] = settings.pop("rope_parameters")["rope_theta"]
    if text.model_type == "qwen2":
        tensors |= {name: tensor for name, tensor in state.items() if name.startswith("language_model.")}
        settings |= {"architectures": ["Qwen2ForCausalLM"]}
        settings.pop("layer_types")
    else:
        settings |= INTERNLM2_SETTINGS
        tensors |= internlm2_tensors(state, text, "language_model.")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", {
        "architectures": ["InternVLChatModel"],
        "downsample_ratio": config.downsample_ratio,
        "dynamic_image_size": True,
        "force_image_size": vision.image_size[0],
        "llm_config": settings,
        "max_dynamic_patch": GOT_OCR["max_patches"],
        "min_dynamic_patch": GOT_OCR["min_patches"],
        "model_type": "internvl_chat",
        "ps_version": "v2",
        "select_layer": -1,
        "template": "internvl2_5",
        "torch_dtype": "float32",
        "use_backbone_lora": 0,
        "use_llm_lora": 0,
        "use_thumbnail": True,
        "vision_config": {
            "architectures": ["InternVisionModel"], "attention_dropout": 0.0, "drop_path_rate": 0.0, "dropout": 0.0,
            "hidden_act": "gelu", "hidden_size": vision.hidden_size, "image_size": vision.image_size[0],
            "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": vision.intermediate_size,
            "layer_norm_eps": vision.layer_norm_eps, "model_type": "intern_vit_6b", "norm_type": "layer_norm",
            "num_attention_heads": vision.num_attention_heads, "num_channels": 3,
            "num_hidden_layers": vision.num_hidden_layers, "patch_size": vision.patch_size[0],
            "qk_normalization": False, "qkv_bias": True, "use_flash_attn": True,
        },
    })
    write_json(folder / "preprocessor_config.json", CLIP_EXTRACTOR)
    (folder / "processor_config.json").unlink()


# GGUF: one file with the text decoder and one with the rest, as llama.cpp's converter writes them. It has one layout
# of InternVL, made from the authors' repositories. LLaVA's has names of an older converter, which took the two halves
# of a feed-forward block for each other, and left out the block after the last one that is used. Such a file does not say
# whether pictures are cropped or padded; llama.cpp pads, and so only "llava-pad" has one.

ARCHITECTURES = {
    "qwen2-vl": ("qwen2vl", "qwen2vl_merger"),
    "qwen2.5-vl": ("qwen2vl", "qwen2.5vl_merger"),
    "qwen3-vl": ("qwen3vl", "qwen3vl_merger"),
    "llava-pad": ("llama", "mlp"),
    "internvl": ("qwen2", "internvl"),
    "internvl-internlm2": ("internlm2", "internvl"),
    "smolvlm": ("llama", "idefics3"),
}
LLAVA_NAMES = {
    "embeddings.class_embedding": "class_embd",
    "embeddings.patch_embedding": "patch_embd",
    "embeddings.position_embedding": "position_embd",
    "pre_layrnorm": "pre_ln",
    "encoder.layers.": "blk.",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out",
    "layer_norm1": "ln1",
    "layer_norm2": "ln2",
    "mlp.fc1": "ffn_down",
    "mlp.fc2": "ffn_up",
}


def add_tensors(writer, kind, tensors):
    """Adds tensors, under the names that gguf knows for them unless they have those already."""
    names = gguf.get_tensor_name_map(kind, 8)
    for name, tensor in tensors.items():
        if not name.startswith(("v.", "mm.")):
            published, name = name, names.get_name(name, try_suffixes=(".weight", ".bias"))
            assert name, published
        writer.add_tensor(name, numpy.ascontiguousarray(tensor.numpy(), dtype=numpy.float32))


def write_text_gguf(path, name, family, model):
    architecture, config = ARCHITECTURES[name][0], model.config.get_text_config()
    head = config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(f"tiny random {name}")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    if sections := config.rope_parameters.get("mrope_section"):
        writer.add_rope_dimension_sections([*sections, 0])
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture in ("llama", "qwen3vl"):
        writer.add_key_length(head)
        writer.add_value_length(head)
    if architecture == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(head)
    if architecture == "qwen3vl":
        writer.add_num_deepstack_layers(len(model.config.vision_config.deepstack_visual_indexes))
    special = family["special"]
    tokens, has_bos = vocabulary(special), family["bos"] is not None
    add_tokenizer(writer, tokens, special, family["splits"], family["eos"], has_bos)
    writer.add_chat_template(INTERNVL_ORIGINAL_TEMPLATE if name == "internvl" else family["template"])
    tensors = {}
    for published, tensor in model.state_dict().items():
        if published.startswith(("model.language_model.", "model.text_model.")):
            target = "model." + published.split(".", 2)[2]
        elif published == "lm_head.weight" and not model.config.tie_word_embeddings:
            target = published
        else:
            continue
        if architecture in ("llama", "internlm2"):
            if "q_proj" in target:
                tensor = permuted(tensor, config.num_attention_heads)
            if "k_proj" in target:
                tensor = permuted(tensor, config.num_key_value_heads)
        tensors[target] = tensor
    # The names of Llama's parts do for InternLM2 as well, where gguf only knows the authors' own.
    kind = gguf.MODEL_ARCH.LLAMA if architecture == "internlm2" else writer_kind(architecture)
    add_tensors(writer, kind, tensors)
    finish(writer)


def writer_kind(architecture):
    return next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)


def qwen_vision_tensors(name, config, state):
    tensors = {}
    for published, tensor in state.items():
        if not published.startswith("model.visual."):
            continue
        target = published.removeprefix("model.")
        if ".qkv." in target and name != "qwen3-vl":
            for letter, part in zip("qkv", tensor.chunk(3)):
                tensors[target.replace("qkv", letter)] = part
        elif target == "visual.patch_embed.proj.weight":
            tensors["v.patch_embd.weight"] = tensor[:, :, 0]
            tensors["v.patch_embd.weight.1"] = tensor[:, :, 1]
        elif target.startswith("visual.deepstack_merger_list."):
            index, part = target.removeprefix("visual.deepstack_merger_list.").split(".", 1)
            layer = config.deepstack_visual_indexes[int(index)]
            tensors[f"v.deepstack.{layer}.{part.replace('linear_', '')}"] = tensor
        elif target.startswith("visual.merger.") and name == "qwen3-vl":
            part = target.removeprefix("visual.merger.")
            for old, new in (("norm", "v.post_ln"), ("linear_fc1", "mm.0"), ("linear_fc2", "mm.2")):
                part = part.replace(old, new)
            tensors[part] = tensor
        else:
            tensors[target] = tensor
    return tensors


def llava_vision_tensors(state, layers):
    tensors = {}
    for published, tensor in state.items():
        if published.startswith("model.multi_modal_projector."):
            part = published.removeprefix("model.multi_modal_projector.")
            tensors["mm." + part.replace("linear_1", "0").replace("linear_2", "2")] = tensor
        elif published.startswith("model.vision_tower.") and "post_layernorm" not in published:
            part = published.removeprefix("model.vision_tower.")
            for old, new in LLAVA_NAMES.items():
                part = part.replace(old, new)
            if not part.startswith("blk.") or int(part.split(".")[1]) < layers:
                tensors["v." + part] = tensor
    return tensors


def internvl_vision_tensors(state, layers):
    state = {name.removeprefix("model."): tensor for name, tensor in state.items()}
    tensors = {}
    for published, tensor in original_internvl_vision(state, layers).items():
        target = published.replace("vision_model.", "vision_tower.vision_model.")
        if target.endswith(("ls1", "ls2", "position_embedding")):
            target += ".weight"
        if ".qkv." in target:
            for letter, part in zip("qkv", tensor.chunk(3)):
                tensors[target.replace("attn.qkv", f"self_attn.{letter}_proj")] = part
        else:
            tensors[target] = tensor
    return tensors


def write_vision_gguf(path, name, family, model):
    projector, config, state = ARCHITECTURES[name][1], model.config.vision_config, model.state_dict()
    text, pictures = model.config.get_text_config(), family["pictures"]
    number = lambda value: value if isinstance(value, int) else value[0]
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name(f"tiny random {name}")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type(projector)
    layers, width, eps = config.num_hidden_layers, config.hidden_size, getattr(config, "layer_norm_eps", 1e-6)
    if projector == "mlp":
        writer.add_description("image encoder for LLaVA")
        writer.add_bool("clip.has_text_encoder", False)
        writer.add_bool("clip.has_llava_projector", True)
        writer.add_vision_use_gelu(False)
        layers += model.config.vision_feature_layer + 1
        tensors = llava_vision_tensors(state, layers)
        side, between, out = config.image_size, config.intermediate_size, config.projection_dim
    else:
        writer.add_type(gguf.GGUFType.MMPROJ)
        out = text.hidden_size
    if projector.startswith("qwen"):
        tensors = qwen_vision_tensors(name, config, state)
        # The converter does not write the limits of pictures' sizes; llama.cpp has its own. These are the fixture's.
        limits = pictures.get("size", {})
        writer.add_vision_min_pixels(pictures.get("min_pixels") or limits["shortest_edge"])
        writer.add_vision_max_pixels(pictures.get("max_pixels") or limits["longest_edge"])
    if projector == "qwen2vl_merger":
        # It is really embed_dim * mlp_ratio: the converter takes another width for it.
        width, side, between = config.embed_dim, 560, config.hidden_size
    if projector == "qwen2.5vl_merger":
        side, between = 560, config.intermediate_size
        writer.add_vision_use_silu(True)
        writer.add_vision_n_wa_pattern(config.fullatt_block_indexes[0] + 1)
        # Not written by the converter: all published models have windows of 112.
        writer.add_vision_window_size(config.window_size)
    if projector == "qwen3vl_merger":
        side, between = int(config.num_position_embeddings**0.5) * config.patch_size, config.intermediate_size
        writer.add_vision_use_gelu(True)
        writer.add_vision_spatial_merge_size(config.spatial_merge_size)
        deep = config.deepstack_visual_indexes
        writer.add_vision_is_deepstack_layers([layer in deep for layer in range(layers)])
    if projector == "internvl":
        side, between = number(config.image_size), config.intermediate_size
        writer.add_vision_use_gelu(True)
        writer.add_vision_projector_scale_factor(int(1 / model.config.downsample_ratio))
        writer.add_vision_preproc_min_tiles(pictures["min_patches"])
        writer.add_vision_preproc_max_tiles(pictures["max_patches"])
        tensors = internvl_vision_tensors(state, layers)
    if projector == "idefics3":
        side, between = config.image_size, config.intermediate_size
        writer.add_vision_use_gelu(True)
        writer.add_vision_projector_scale_factor(model.config.scale_factor)
        writer.add_vision_preproc_image_size(pictures["size"]["longest_edge"])
        tensors = {key: state[key] for key in state if key.startswith(("model.vision_model.", "model.connector."))}
    writer.add_vision_projection_dim(out)
    writer.add_vision_image_size(side)
    writer.add_vision_patch_size(number(config.patch_size))
    writer.add_vision_embedding_length(width)
    writer.add_vision_feed_forward_length(between)
    writer.add_vision_block_count(layers)
    writer.add_vision_head_count(config.num_attention_heads)
    writer.add_vision_attention_layernorm_eps(eps)
    writer.add_vision_image_mean(pictures["image_mean"])
    writer.add_vision_image_std(pictures["image_std"])
    add_tensors(writer, gguf.MODEL_ARCH.MMPROJ, tensors)
    finish(writer)


# Preprocessing


def image_processor(settings):
    kind = settings["image_processor_type"].removesuffix("Fast")
    named = ("image_processor_type", "processor_class", "feature_extractor_type")
    return PROCESSORS[kind](**{key: value for key, value in settings.items() if key not in named})


def digest(values):
    return hashlib.sha256(numpy.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()


def processed(processor, path):
    """One picture's pixel values and what tells how it was cut, or the error that transformers raises."""
    settings = {"return_row_col_info": True} if "rows" in processor.wants else {}
    result = {"file": path.name}
    try:
        outcome = processor(opened(path), return_tensors="np", **settings)
    except Exception as error:
        return result | {"error": str(error).splitlines()[0]}
    values = outcome["pixel_values"]
    grid, tiles = None, None
    if "image_grid_thw" in outcome:
        grid = outcome["image_grid_thw"][0].tolist()
    if "rows" in processor.wants:
        values = values[0]
        tiles = [int(outcome["rows"][0][0]), int(outcome["cols"][0][0])]
    if "patches" in processor.wants:
        width, height = opened(path).size
        sizes = (height, width), (processor.size["height"], processor.size["width"])
        columns, rows = get_optimal_tiled_canvas(*sizes, processor.min_patches, processor.max_patches)
        tiles = [rows, columns]
    assert values.dtype == numpy.float32
    return result | {"shape": list(values.shape), "grid": grid, "tiles": tiles, "sha256": digest(values)}


def ready(settings):
    processor = image_processor(settings)
    processor.wants = {
        SmolVLMImageProcessorPil: ["rows"],
        Idefics3ImageProcessorPil: ["rows"],
        GotOcr2ImageProcessorPil: ["patches"],
    }.get(type(processor), [])
    return processor


# The settings of published models. Pictures whose resized pixels would take more than a GB are left out.

PUBLISHED = {
    "clip-336-crop": LLAVA_CROP | dict(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}),
    "llava-336-pad": LLAVA_PAD | dict(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}),
    "siglip-384": dict(
        do_normalize=True, do_rescale=True, do_resize=True, image_mean=HALF, image_std=HALF, resample=BICUBIC,
        rescale_factor=RESCALE, size={"height": 384, "width": 384}, image_processor_type="SiglipImageProcessor",
    ),
    "smolvlm": tiled_pictures("SmolVLM", size={"longest_edge": 2048}, max_image_size={"longest_edge": 512}),
    "internvl": GOT_OCR | dict(size={"height": 448, "width": 448}, max_patches=12),
    "qwen2-vl": qwen_pictures("Qwen2VLProcessor", min_pixels=56 * 56, max_pixels=28 * 28 * 1280, patch_size=14,
                              image_mean=CLIP_MEAN, image_std=CLIP_STD),
    "qwen3-vl": qwen_pictures("Qwen3VLProcessor", size={"shortest_edge": 65536, "longest_edge": 1003520},
                              patch_size=16, image_mean=HALF, image_std=HALF),
}


def resized_bytes(settings, path):
    """How much memory the resized pixels take, where only the shorter side is given."""
    width, height = opened(path).size
    if settings.get("do_pad") or "crop_size" not in settings:
        return 0
    side = settings["size"]["shortest_edge"]
    return side * side * max(width, height) // min(width, height) * 3


def published_preprocessing(folder):
    paths = sorted(folder.iterdir())
    methods = {}
    for name, settings in PUBLISHED.items():
        processor, results = ready(settings), []
        for path in paths:
            if resized_bytes(settings, path) > 10**9:
                results.append({"file": path.name, "skipped": "its resized pixels take more than a GB"})
            else:
                results.append(processed(processor, path))
        methods[name] = {"parameters": settings, "pictures": results}
    decoded = []
    for path in paths:
        picture = opened(path)
        pixels = transformers.image_transforms.convert_to_rgb(picture, return_numpy=True)
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        decoded.append({"file": path.name, "width": picture.width, "height": picture.height, "sha256": digest})
    return {"decoded": decoded, "methods": methods}


# Conversations


def joint_processor(family, tokenizer):
    """transformers' processor of text and pictures. None of those here is asked for videos."""
    kind = getattr(transformers, family["pictures"]["processor_class"])

    class Processor(kind):
        def check_argument_for_proper_class(self, name, argument):
            return None

    settings = {key: value for key, value in family.get("processor", {}).items() if key != "processor_class"}
    if "video_processor" in kind.get_attributes():
        settings["video_processor"] = None
    return Processor(image_processor=image_processor(family["pictures"]), tokenizer=tokenizer, **settings)


IMAGE = {"type": "image"}


def said(text):
    return {"type": "text", "text": text}


CONVERSATIONS = [
    (["landscape.png"], [{"role": "user", "content": [IMAGE, said("What is this?")]}]),
    (["portrait.png", "landscape.png"],
     [{"role": "user", "content": [IMAGE, IMAGE, said("Which one is bigger than the other?")]}]),
    (["wide.png"], [
        {"role": "user", "content": [IMAGE, said("Describe it.")]},
        {"role": "assistant", "content": [said("Three shapes on a wave.")]},
        {"role": "user", "content": [said("And the color of the 2nd?")]},
    ]),
    ([], [{"role": "user", "content": "Who are you, then?"}]),
]


def flattened(messages, image):
    """Messages with plain strings, where a picture is a marker in the text."""
    result = []
    for message in messages:
        parts = message["content"]
        if not isinstance(parts, str):
            parts = "".join(image if part["type"] == "image" else part["text"] for part in parts)
        result.append({"role": message["role"], "content": parts})
    return result


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def features_of(model, inputs):
    arguments = {key: value for key, value in inputs.items() if key in ("pixel_values", "image_grid_thw",
                                                                        "pixel_attention_mask")}
    outcome = model.get_image_features(**arguments, return_dict=True)
    features = outcome.pooler_output
    if not isinstance(features, torch.Tensor):
        features = torch.cat(list(features))
    return features.reshape(-1, features.shape[-1]), getattr(outcome, "deepstack_features", None)


def listed(features, limit=2000):
    """A table with its shape; of a large one only every so many rows."""
    rows, width = features.shape
    step = -(-rows * width // limit)
    result = {"shape": [rows, width]}
    if step > 1:
        result["rows"] = list(range(0, rows, step))
    return result | {"values": rounded(features[::step].flatten().tolist())}


def greedy(model, inputs, count=32):
    """The most likely tokens one after the other, and the smallest lead of one over the next."""
    inputs, lead = dict(inputs), float("inf")
    tokens = []
    for _ in range(count):
        logits = model(**inputs, use_cache=False).logits[0, -1]
        best = logits.topk(2)
        lead = min(lead, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
        for key in ("input_ids", "attention_mask", "mm_token_type_ids"):
            if key in inputs:
                more = tokens[-1] if key == "input_ids" else int(key == "attention_mask")
                inputs[key] = torch.cat([inputs[key], inputs[key].new_full((1, 1), more)], dim=1)
    return tokens, lead


def conversation(name, family, model, processor, folder, files, messages, is_first):
    tokenizer = processor.tokenizer
    case = {"messages": messages, "pictures": files}
    if family["template"] == INTERNVL_ORIGINAL_TEMPLATE:
        # The authors' code puts "<img>", as many "<IMG_CONTEXT>" as needed and "</img>" in place of each "<image>".
        plain = flattened(messages, "<image>\n")
        case["prompt"] = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
        text = case["prompt"].replace("<image>", "<IMG_CONTEXT>")
    else:
        case["prompt"] = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        text = case["prompt"]
    pictures = [opened(folder / "pictures" / file) for file in files]
    inputs = processor(text=text, images=pictures or None, return_tensors="pt")
    inputs = {key: value for key, value in inputs.items() if key != "num_patches"}
    if not isinstance(inputs["input_ids"], torch.Tensor) or inputs["input_ids"].ndim == 1:
        inputs |= {key: torch.as_tensor(inputs[key]).reshape(1, -1) for key in ("input_ids", "attention_mask")}
    case["tokens"] = inputs["input_ids"][0].tolist()
    case["features"] = None
    logits = model(**inputs, use_cache=False).logits[0, -1]
    if files:
        features, deeper = features_of(model, inputs)
        case["features"] = listed(features)
        if deeper is not None and is_first:
            case["deepstack"] = [rounded(torch.cat(tables).flatten().tolist()) for tables in deeper]
        others = inputs | {"pixel_values": inputs["pixel_values"].flip(-1) + 0.3}
        moved = float((model(**others, use_cache=False).logits[0, -1] - logits).abs().max())
        assert moved > 0.1, f"{name}: another picture moves the logits by {moved} only"
    case["logits"] = rounded(logits.tolist())
    case["greedy"], lead = greedy(model, inputs)
    print(f"{name}: {len(case['tokens'])} tokens, {len(set(case['greedy']))} different ones follow, lead {lead:.4f}")
    return case


def reference(name, family, folder):
    with torch.no_grad():
        model = family["model"](family["config"]()).eval()
        randomize(model.named_parameters(), family["seed"], partial(spread, tied=model.config.tie_word_embeddings))
        model.tie_weights()
        write_folder(folder / name, name, family, model)
        if name in ARCHITECTURES:
            write_text_gguf(folder / f"{name}.gguf", name, family, model)
            write_vision_gguf(folder / f"{name}.mmproj.gguf", name, family, model)
        tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder / name)
        processor = joint_processor(family, tokenizer)
        cases = []
        for index, (files, messages) in enumerate(CONVERSATIONS):
            cases.append(conversation(name, family, model, processor, folder, files, messages, index == 0))
        if name not in ("internvl-original", "internvl-internlm2"):
            check_folder(folder / name, family, cases[-1])
    plain = ready(family["pictures"])
    pictures = [processed(plain, path) for path in sorted((folder / "pictures").iterdir())]
    return {"pictures": pictures, "cases": cases}


def check_folder(folder, family, case):
    """What was written is read back as the same model."""
    model = family["model"].from_pretrained(folder).eval()
    logits = model(torch.tensor([case["tokens"]]), use_cache=False).logits[0, -1]
    assert torch.allclose(logits, torch.tensor(case["logits"]), atol=1e-4, rtol=1e-4), folder


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    chosen = sys.argv[2:]
    write_pictures(folder / "pictures")
    families = {}
    for name, family in FAMILIES.items():
        if not chosen or name in chosen:
            families[name] = reference(name, family, folder)
    note = f"transformers {transformers.__version__}, torch {torch.__version__}, Pillow {PIL.__version__}"
    text = json.dumps({"made with": note, "families": families}, separators=(",", ":"))
    (folder / "reference.json").write_text(text + "\n")
    preprocessing = {"made with": note} | published_preprocessing(folder / "pictures")
    (folder / "preprocessing.json").write_text(json.dumps(preprocessing, separators=(",", ":")) + "\n")


main()
