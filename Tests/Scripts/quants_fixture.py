#!/usr/bin/env python3
"""Writes the fixture of Tests/CTensorTests/QuantizationFixtureTests.swift with the reference code of GGUF's formats.

    pip install gguf numpy
    python3 quants_fixture.py OUTPUT_FOLDER

For every block type: random blocks and what they dequantize to; for the types that the package can write: random floats
and the blocks that ggml's reference quantizer makes of them. One file per type:

    uint32 count, blocks, float32 values[count] (dequantized), float32 source[count], blocks (quantized; absent for K-quants)
"""

import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

READ = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]
WRITTEN = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"}
BLOCKS = {32: 24, 256: 4}


def random_blocks(rng, name, count, size):
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    # Random bits are bad scales: write plausible half-precision numbers where the format keeps them.
    halves = {"Q6_K": [208], "Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2]}.get(name, [0])
    for at in halves:
        scales = rng.normal(0, 0.05, count).astype(np.float16)
        scales[0] = 6e-8  # subnormal
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20261121)
    for name in READ:
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        blocks = random_blocks(rng, name, BLOCKS[elements], size)
        values = quants.dequantize(blocks, kind).astype(np.float32).reshape(-1)
        source = rng.normal(0, 1, values.size).astype(np.float32)
        source[: elements] = 0  # a block without extent
        parts = [np.uint32(values.size).tobytes(), blocks.tobytes(), values.tobytes(), source.tobytes()]
        if name in WRITTEN:
            parts.append(quants.quantize(source.reshape(-1, elements), kind).tobytes())
        (folder / f"{name.lower()}.bin").write_bytes(b"".join(parts))


if __name__ == "__main__":
    main()
