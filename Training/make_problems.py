"""Writes generated puzzles to a folder, in the layout of the development problems.

    python make_problems.py FOLDER [--per-kind N] [--first SEED] [--negatives] [--plain SHARE]

Writes problems.jsonl and images/<kind>/…png of 512 × 512. Seeds below 1,000,000 are never trained on as they are; chains
that a model said to those from 500,000 on are (sampled.py), so that what is measured stays below that.
"""

import argparse
import json
from pathlib import Path

from puzzles import KINDS, NEGATIVE_KINDS, generate

STEPS = ["question", "options", "answer", "caption", "explanation", "deduction"]


def main(folder, per_kind, first, plain, has_negatives):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "problems.jsonl").open("w") as file:
        # Kind after kind would make a run that is cut short one-sided.
        for seed in range(first, first + per_kind):
            for kind in KINDS + (NEGATIVE_KINDS if has_negatives else []):
                puzzle = generate(kind, seed, plain)
                image = f"images/{kind}/{kind}_{seed:06}.png"
                (folder / image).parent.mkdir(parents=True, exist_ok=True)
                puzzle.image().save(folder / image)
                row = {"image": image} | {name: getattr(puzzle, name) for name in STEPS}
                row |= {"category": kind, "seed": seed, "plain": plain}
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-kind", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--plain", type=float, default=0.4, help="the share of puzzles that look like the development ones")
    parser.add_argument("--negatives", action="store_true")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.per_kind, arguments.first, arguments.plain, arguments.negatives)
