"""Accuracy of an exported model on problems in a file, with transformers alone.

    python evaluate_dev.py MODEL PROBLEMS.jsonl [--limit N] [--answers FILE]

Each line of PROBLEMS holds "image" (a path beside the file), "question", "options", "answer", "category". The prompt is
made by the model's own chat template, the picture by its own processor, the chain greedily; an answer counts if it is
exactly the expected one. `--answers` writes what was said, one line a problem, to compare other engines with.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from evaluate import answer_of
from PIL import Image
from puzzles import prompt
from transformers import AutoModelForImageTextToText, AutoProcessor


def on_white(image):
    """Without transparency."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def batches(problems, size):
    for start in range(0, len(problems), size):
        yield problems[start : start + size]


@torch.no_grad()
def answers(model, processor, folder, problems, longest=300, size=50):
    """What the model says to each problem."""
    for part in batches(problems, size):
        texts = [
            processor.apply_chat_template(
                [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image"},
                            {"type": "text", "text": prompt(problem["question"], problem["options"])},
                        ],
                    }
                ],
                add_generation_prompt=True,
            )
            for problem in part
        ]
        pictures = [[on_white(Image.open(folder / problem["image"]))] for problem in part]
        inputs = processor(text=texts, images=pictures, padding=True, return_tensors="pt").to(model.device)
        said = model.generate(**inputs, max_new_tokens=longest, do_sample=False)[:, inputs["input_ids"].shape[1] :]
        yield from zip(part, processor.batch_decode(said, skip_special_tokens=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--limit", type=int, help="problems of each category")
    parser.add_argument("--answers", type=Path)
    arguments = parser.parse_args()

    by_category = defaultdict(list)
    for line in arguments.problems.read_text().splitlines():
        problem = json.loads(line)
        by_category[problem["category"]].append(problem)
    problems = [problem for group in by_category.values() for problem in group[: arguments.limit]]
    processor = AutoProcessor.from_pretrained(arguments.model)
    model = AutoModelForImageTextToText.from_pretrained(arguments.model).eval()

    right, seen, lines = defaultdict(int), defaultdict(int), []
    count = defaultdict(int)
    for problem, chain in answers(model, processor, arguments.problems.parent, problems):
        category = problem["category"]
        count[category] += 1
        right[category] += answer_of(chain) == problem["answer"]
        seen[category] += chain.split("\n")[0] == problem["caption"]
        lines.append(json.dumps({"image": problem["image"], "chain": chain, "is_right": answer_of(chain) == problem["answer"]}))
    for category in count:
        print(f"{category:26} {right[category]:3} of {count[category]:3}, caption as written {seen[category]:3}")
    print(f"{'all':26} {sum(right.values()):3} of {sum(count.values()):3} ({sum(right.values()) / sum(count.values()):.1%})")
    if arguments.answers:
        arguments.answers.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
