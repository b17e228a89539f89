"""Copies problems to a folder of examples: NAME.png, NAME.txt with the question as emllm-eval puts it, and problems.jsonl.

    python make_examples.py PROBLEMS.jsonl FOLDER IMAGE…

IMAGE names a problem by its picture, as "venn_0003"; the example is called after its category.
"""

import json
import shutil
import sys
from pathlib import Path

from puzzles import prompt


def main(problems, folder, names):
    rows = {Path(row["image"]).stem: row for row in map(json.loads, problems.read_text().splitlines())}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "problems.jsonl").open("w") as file:
        for name in names:
            row = rows[name]
            image = f"{row['category']}.png"
            shutil.copyfile(problems.parent / row["image"], folder / image)
            (folder / image).with_suffix(".txt").write_text(prompt(row["question"], row["options"]) + "\n")
            file.write(json.dumps(row | {"image": image, "origin": row["image"]}) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
