"""Writes generated puzzles to a folder, in the layout of the development problems.

    python make_problems.py FOLDER [--per-kind N] [--first SEED] [--negatives]

Writes problems.jsonl and images/<kind>/…png of 512 × 512. Seeds below 1,000,000 are never trained on.
"""

import argparse
import json
from pathlib import Path

from puzzles import KINDS, NEGATIVE_KINDS, generate

STEPS = ["question", "options", "answer", "caption", "explanation", "deduction"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-kind", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--negatives", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (arguments.folder / "problems.jsonl").open("w") as file:
        for kind in KINDS + (NEGATIVE_KINDS if arguments.negatives else []):
            (arguments.folder / "images" / kind).mkdir(parents=True, exist_ok=True)
            for seed in range(arguments.first, arguments.first + arguments.per_kind):
                puzzle = generate(kind, seed)
                image = f"images/{kind}/{kind}_{seed:06}.png"
                puzzle.image().save(arguments.folder / image)
                row = {"image": image} | {name: getattr(puzzle, name) for name in STEPS} | {"category": kind}
                file.write(json.dumps(row) + "\n")
