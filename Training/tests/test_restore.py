"""A converted model becomes a checkpoint again."""

import json
import struct
from dataclasses import asdict
from pathlib import Path

import numpy
import pytest
import torch
from data import normalized, pixels_of
from export import load
from model import Sizes
from puzzles import KINDS, generate
from restore import METADATA, Refused, checkpoint, eight_bits, published, sections, sizes_of
from tokenizer import END, SPECIAL, prompt_text

MODEL = Path(__file__).parents[2] / "Sources" / "cli" / "Shared" / "Models" / "puzzles.emllm"


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    file = tmp_path_factory.mktemp("restored") / "model.pt"
    torch.save(checkpoint(MODEL.read_bytes()), file)
    return load(file)


def test_eight_bit_strips_are_read_as_the_format_says():
    """Written here byte by byte, as weights-format.md puts each value; the last strip has rows that are not there."""
    rows, columns = 20, 64
    generator = numpy.random.default_rng(1)
    values = generator.integers(-127, 128, (rows, columns))
    scales = generator.uniform(0.1, 2, (rows, columns // 32)).astype(numpy.float16)
    stride = 544 * columns // 32
    data = bytearray(2 * stride)
    for row in range(rows):
        strip, lane = divmod(row, 16)
        for column in range(columns):
            block, (group, place) = column // 32, divmod(column % 32, 4)
            data[strip * stride + 512 * block + 64 * group + 4 * lane + place] = values[row, column] + 128
        for block in range(columns // 32):
            struct.pack_into("<e", data, strip * stride + 512 * columns // 32 + 32 * block + 2 * lane, scales[row, block])
    expected = values * scales.astype(numpy.float32).repeat(32, axis=1)
    assert numpy.array_equal(eight_bits(bytes(data), rows, columns), expected.astype(numpy.float32))


def test_the_model_of_the_package_says_true_chains(restored):
    """With a matrix turned or rows exchanged it would say noise."""
    trainee, tokenizer = restored
    right = total = 0
    for kind in KINDS:
        puzzle = generate(kind, 7, 1.0, "canonical")
        start = len(tokenizer(prompt_text(puzzle.prompt))["input_ids"])
        ids = torch.tensor([tokenizer(prompt_text(puzzle.prompt) + puzzle.chain + END)["input_ids"]])
        with torch.no_grad():
            features = trainee.see(normalized(torch.from_numpy(pixels_of(puzzle, True))[None]))
            states = trainee.follow(features, {"ids": ids})[-1]
            said = trainee.model.lm_head(states[0, start - 1 : -1]).argmax(-1)
        right += int((said == ids[0, start:]).sum())
        total += len(said)
    assert right / total > 0.9


def test_the_tokenizer_says_what_it_is_told(restored):
    _, tokenizer = restored
    assert [tokenizer.convert_tokens_to_ids(token) for token in SPECIAL] == list(range(len(SPECIAL)))
    for kind in KINDS:
        text = prompt_text(generate(kind, 9).prompt)
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer("1234")["input_ids"]) == 4


def test_names_are_those_of_transformers(restored):
    weights = checkpoint(MODEL.read_bytes())["trainee"]
    assert set(weights) == {name for name in restored[0].state_dict() if name.startswith("model.")}
    assert published("vision.layers.3.attention.k_bias").endswith("encoder.layers.3.self_attn.k_proj.bias")


def test_other_files_are_refused():
    with pytest.raises(Refused, match="another beginning"):
        checkpoint(b"GGUF" + bytes(100))
    with pytest.raises(Refused, match="another beginning"):
        checkpoint(MODEL.read_bytes()[:20])
    with pytest.raises(Refused, match="another end"):
        checkpoint(MODEL.read_bytes()[:-1])
    configuration = json.loads(sections(MODEL.read_bytes())[METADATA])["configuration"]
    assert asdict(sizes_of(configuration)) == asdict(Sizes(text_keys=3))
    with pytest.raises(Refused, match="found llama"):
        sizes_of({"family": "llama", "decoder": configuration["decoder"]})
    configuration["vision"]["tower"]["patchSize"] = 14
    with pytest.raises(Refused, match="patchSize 14 instead of 16"):
        sizes_of(configuration)
