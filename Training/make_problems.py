"""Writes generated puzzles to a folder, in the layout of the development problems.

    python make_problems.py FOLDER [--per-kind N] [--first SEED] [--negatives] [--plain SHARE]

Writes problems.jsonl and images/<kind>/…png of 512 × 512; with `--negatives` also negatives.jsonl, questions whose answer is that
they have none, in the harness's own layout. Seeds below 1,000,000 are never trained on as they are; chains
that a model said to those from 500,000 on are (sampled.py), so that what is measured stays below that.
"""

import argparse
import json
from pathlib import Path

from puzzles import KINDS, NEGATIVE_KINDS, generate

STEPS = ["question", "options", "answer", "caption", "explanation", "deduction"]


def main(folder, per_kind, first, plain, has_negatives):
    folder.mkdir(parents=True, exist_ok=True)
    # Seed after seed: kind after kind would make a run that is cut short one-sided.
    write(folder, "problems.jsonl", KINDS, range(first, first + per_kind), plain, row)
    if has_negatives:
        write(folder, "negatives.jsonl", NEGATIVE_KINDS, range(first, first + per_kind), plain, negative_row)


def write(folder, name, kinds, seeds, plain, row_of):
    with (folder / name).open("w") as file:
        for puzzle in (generate(kind, seed, plain) for seed in seeds for kind in kinds):
            image = f"images/{puzzle.kind}/{puzzle.kind}_{puzzle.seed:06}.png"
            (folder / image).parent.mkdir(parents=True, exist_ok=True)
            puzzle.image().save(folder / image)
            file.write(json.dumps({"image": image} | row_of(puzzle)) + "\n")


def row(puzzle):
    place = {"category": puzzle.kind, "seed": puzzle.seed, "plain": puzzle.plain_share}
    return {name: getattr(puzzle, name) for name in STEPS} | place


def negative_row(puzzle):
    """An answer that is not among the options would be refused; they are in the question."""
    return {"id": f"{puzzle.kind}-{puzzle.seed}", "question": puzzle.prompt, "answer": puzzle.answer, "kind": puzzle.kind}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-kind", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--plain", type=float, default=0.4, help="the share of puzzles that look like the development ones")
    parser.add_argument("--negatives", action="store_true")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.per_kind, arguments.first, arguments.plain, arguments.negatives)
