"""Writes problems again with their pictures disturbed, to see how much a model bears.

    python disturb.py PROBLEMS.jsonl FOLDER [--every N]

FOLDER gets a subfolder for each disturbance, with problems.jsonl and pictures; `--every 5` takes each fifth problem only.
Disturbances: rotated by 5 and by 15 degrees, cropped by a tenth on each side, noise of 10 and of 30 of 255, JPEG of quality
50 and of 10, grey.
"""

import argparse
import json
from pathlib import Path

import numpy
from PIL import Image


def rotated(degrees):
    return lambda image, rng: image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")


def cropped(share):
    def crop(image, rng):
        x, y = image.width * share, image.height * share
        return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))

    return crop


def noisy(deviation):
    def add(image, rng):
        pixels = numpy.asarray(image).astype(numpy.float32)
        pixels += rng.normal(0, deviation, pixels.shape)
        return Image.fromarray(pixels.clip(0, 255).round().astype(numpy.uint8))

    return add


DISTURBANCES = {
    "plain": (lambda image, rng: image, {}),
    "rotated-5": (rotated(5), {}),
    "rotated-15": (rotated(15), {}),
    "cropped": (cropped(0.1), {}),
    "noise-10": (noisy(10), {}),
    "noise-30": (noisy(30), {}),
    "jpeg-50": (lambda image, rng: image, {"quality": 50}),
    "jpeg-10": (lambda image, rng: image, {"quality": 10}),
    "grey": (lambda image, rng: image.convert("L").convert("RGB"), {}),
}


def main(problems, folder, every):
    rows = [json.loads(line) for line in problems.read_text().splitlines()][::every]
    for name, (change, encoding) in DISTURBANCES.items():
        rng = numpy.random.default_rng(1)
        (folder / name).mkdir(parents=True, exist_ok=True)
        with (folder / name / "problems.jsonl").open("w") as file:
            for row in rows:
                image = Image.open(problems.parent / row["image"]).convert("RGB")
                place = Path(row["image"]).with_suffix(".jpg" if encoding else ".png")
                (folder / name / place).parent.mkdir(parents=True, exist_ok=True)
                change(image, rng).save(folder / name / place, **encoding)
                file.write(json.dumps(row | {"image": place.as_posix()}) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.problems, arguments.folder, arguments.every)
