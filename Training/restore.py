"""A checkpoint from a converted model, to train on from the weights that are in the package.

    python restore.py MODEL.emllm CHECKPOINT.pt

Reads F32 and Q8_0 tensors (weights-format.md, sections 5 and 6). What an export leaves out, the heads of training, is not in the
checkpoint: a run that begins with it has new ones.
"""

import json
import struct
import sys
from pathlib import Path

import numpy
import torch
from model import HEAD, MERGE, PATCH, PICTURE, Sizes
from tokenizer import SPECIAL, pieces
from tokenizers import Tokenizer, models

MAGIC, HEADER = b"EMLLM\0\r\n", 64
METADATA, TOKENIZER, INDEX, DATA = 1, 2, 3, 4
F32, Q8_0 = 0, 3
PANEL, BLOCK, GROUP = 16, 32, 4

TEXT, VISION = "model.model.text_model.", "model.model.vision_model."
OUTSIDE = {
    "token_embedding": TEXT + "embed_tokens.weight",
    "output_norm": TEXT + "norm.weight",
    "vision.patch_embedding": VISION + "embeddings.patch_embedding.weight",
    "vision.patch_bias": VISION + "embeddings.patch_embedding.bias",
    "vision.positions": VISION + "embeddings.position_embedding.weight",
    "vision.post_norm": VISION + "post_layernorm.weight",
    "vision.post_norm_bias": VISION + "post_layernorm.bias",
    "vision.connector.first": "model.model.connector.modality_projection.proj.weight",
}
IN_TEXT = {
    "attention_norm": "input_layernorm",
    "attention.q": "self_attn.q_proj",
    "attention.k": "self_attn.k_proj",
    "attention.v": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "feed_forward_norm": "post_attention_layernorm",
    "feed_forward.gate": "mlp.gate_proj",
    "feed_forward.up": "mlp.up_proj",
    "feed_forward.down": "mlp.down_proj",
}
IN_VISION = IN_TEXT | {
    "attention_norm": "layer_norm1",
    "attention.output": "self_attn.out_proj",
    "feed_forward_norm": "layer_norm2",
    "feed_forward.up": "mlp.fc1",
    "feed_forward.down": "mlp.fc2",
}


class Refused(Exception):
    """A file that is not what is wanted."""


def published(name):
    """The name that transformers has for a tensor."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    sees = name.startswith("vision.")
    _, number, part = name.removeprefix("vision.").split(".", 2)
    names, layers = (IN_VISION, VISION + "encoder.layers.") if sees else (IN_TEXT, TEXT + "layers.")
    kind = "bias" if part.endswith("_bias") else "weight"
    return f"{layers}{number}.{names[part.removesuffix('_bias')]}.{kind}"


def sections(file):
    if len(file) < HEADER or file[:8] != MAGIC:
        raise Refused("expected a file in the .emllm format (emllm-convert writes it); found another beginning")
    count, length = struct.unpack_from("<IQ", file, 12)
    if len(file) != length:
        raise Refused(f"expected {length} bytes, as its header says; found another end, after {len(file)}")
    entries = [struct.unpack_from("<IIQQ", file, HEADER + 64 * number) for number in range(count)]
    return {kind: file[offset : offset + length] for kind, _, offset, length in entries}


def weights_of(index, data):
    """name → array of every tensor."""
    count, length = struct.unpack_from("<II", index)
    names, found = index[8 + 80 * count :][:length], {}
    for number in range(count):
        entry = struct.unpack_from("<IIIIQQQQ", index, 8 + 80 * number)
        place, size, kind, rank, rows, columns, offset, length = entry
        name = names[place : place + size].decode()
        if kind not in (F32, Q8_0):
            raise Refused(f"expected F32 or Q8_0 tensors; {name} is of type {kind}")
        read = floats if kind == F32 else eight_bits
        array = read(data[offset : offset + length], rows, columns)
        found[name] = array[0] if rank == 1 else array
    return found


def floats(data, rows, columns):
    return numpy.frombuffer(data, "<f4").reshape(rows, columns).copy()


def eight_bits(data, rows, columns):
    """Panels of 16 rows: blocks of eight groups of 16 rows × 4 columns, then the scales of each block's rows."""
    panels, blocks = -(-rows // PANEL), columns // BLOCK
    panel = numpy.frombuffer(data, numpy.uint8).reshape(panels, -1)
    values = panel[:, : 512 * blocks].reshape(panels, blocks, BLOCK // GROUP, PANEL, GROUP)
    scales = panel[:, 512 * blocks : 544 * blocks].copy().view("<f2").reshape(panels, blocks, 1, PANEL, 1)
    array = (values.astype(numpy.float32) - 128) * scales.astype(numpy.float32)
    return array.transpose(0, 3, 1, 2, 4).reshape(panels * PANEL, columns)[:rows]


def texts(data, ends):
    return [data[start:end].decode() for start, end in zip((0, *ends), ends)]


def tokenizer_of(section):
    """The tokenizer of training from tokens and merges."""
    tokens, merges, ending, name, token_bytes, merge_bytes = struct.unpack_from("<6I", section, 24)
    place = 48 + 4 * ending
    ends = numpy.frombuffer(section, "<u4", tokens + merges, place).tolist()
    place += 4 * len(ends) + tokens + name
    vocabulary = texts(section[place : place + token_bytes], ends[:tokens])
    pairs = texts(section[place + token_bytes :][:merge_bytes], ends[tokens:])
    numbers = {text: number for number, text in enumerate(vocabulary)}
    made = pieces(Tokenizer(models.BPE(numbers, [tuple(pair.split(" ")) for pair in pairs])))
    made.add_special_tokens(SPECIAL)
    return made


def sizes_of(configuration):
    if configuration["family"] != "idefics3":
        raise Refused(f"expected a model as model.py makes it, of the family idefics3; found {configuration['family']}")
    decoder, tower = configuration["decoder"], configuration["vision"]["tower"]
    fixed = {"headDimension": HEAD, "merge": MERGE, "patchSize": PATCH, "side": PICTURE // PATCH}
    found = decoder | tower | configuration["vision"]["connector"] | tower["positions"]
    other = [f"{name} {found[name]} instead of {value}" for name, value in fixed.items() if found[name] != value]
    if other:
        raise Refused(f"expected a model as model.py makes it; found {', '.join(other)}")
    return Sizes(
        vision_layers=tower["layerCount"],
        vision_width=tower["hiddenSize"],
        text_layers=decoder["layerCount"],
        text_width=decoder["hiddenSize"],
        text_inner=decoder["feedForwardSize"],
        text_keys=decoder["keyValueHeadCount"],
    )


def checkpoint(file):
    """What `train.py --begin` and `export.py` read, of the bytes of a converted model."""
    parts = sections(file)
    sizes = sizes_of(json.loads(parts[METADATA])["configuration"])
    weights = {published(name): torch.from_numpy(array) for name, array in weights_of(parts[INDEX], parts[DATA]).items()}
    patches = OUTSIDE["vision.patch_embedding"]
    weights[patches] = weights[patches].unflatten(1, (3, PATCH, PATCH))
    weights["model.lm_head.weight"] = weights[OUTSIDE["token_embedding"]]
    return {"arguments": vars(sizes), "tokenizer": tokenizer_of(parts[TOKENIZER]).to_str(), "trainee": weights}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        torch.save(checkpoint(Path(sys.argv[1]).read_bytes()), sys.argv[2])
    except Refused as refusal:
        raise SystemExit(f"{sys.argv[1]}: {refusal}") from None
    except OSError as error:
        raise SystemExit(f"{error.filename}: {error.strerror}") from None
