"""What Pillow's resize makes of generated pictures: Tests/EMLLMCoreTests/Fixtures/images/resized.json.

    python resize_fixtures.py FILE

The pictures are made by a formula that the tests repeat, so that only results are stored: in full where they are small,
as SHA-256 where they are not. Needs Pillow and numpy; ran with Pillow 13.0 and numpy 2.4.
"""

import base64
import hashlib
import json
import sys

import numpy
import PIL
from PIL import Image

FILTERS = ["box", "bilinear", "hamming", "bicubic", "lanczos"]
SIZES = [
    ((37, 23), (16, 16)),
    ((16, 16), (41, 31)),
    ((7, 5), (1, 1)),
    ((1, 1), (9, 4)),
    ((200, 3), (20, 20)),
    ((3, 200), (5, 7)),
    ((23, 37), (23, 11)),
    ((23, 37), (50, 37)),
    ((64, 64), (44, 20)),
    ((64, 64), (42, 20)),
    ((100, 100), (60, 20)),
    ((640, 427), (224, 224)),
    ((513, 511), (384, 384)),
    ((1000, 7), (378, 378)),
]


def picture(width, height):
    """A linear congruential sequence's upper bytes, over a slope."""
    state = width * 1000 + height
    samples = []
    for index in range(width * height * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        samples.append(((state >> 24) + index // 3 % width) % 256)
    return Image.fromarray(numpy.array(samples, dtype=numpy.uint8).reshape(height, width, 3))


def main():
    cases = []
    for (width, height), size in SIZES:
        source = picture(width, height)
        for name in FILTERS:
            data = source.resize(size, getattr(Image.Resampling, name.upper())).tobytes()
            case = {"from": [width, height], "to": size, "filter": name, "sha256": hashlib.sha256(data).hexdigest()}
            if len(data) <= 1300:
                case["pixels"] = base64.b64encode(data).decode()
            cases.append(case)
    with open(sys.argv[1], "w") as file:
        json.dump({"made with": f"Pillow {PIL.__version__}, numpy {numpy.__version__}", "cases": cases}, file, indent=0)
        file.write("\n")


main()
