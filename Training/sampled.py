"""Labels what a model said through the engine, and filters it on two levels (DDF, arXiv 2501.05662).

    python sampled.py PROBLEMS.jsonl OUT.jsonl RESULTS.jsonl…

PROBLEMS is what make_problems.py wrote; RESULTS are the results.jsonl of `emllm-eval run` on it, with several seeds above
temperature 0. Each line of OUT is a chain with the label of each step.

First level, puzzles: left out is what is there twice, what no chain solved (the truth is beyond the model) and what every
chain got right in every step (there is nothing to judge). Second level, chains: left out are those that were cut off, that
say the answer before the reasoning, that are there twice, and those in which no step has a label.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

from steps import NAMES, label, wordings

ANSWER = "The answer is "


def lines_of(text):
    return [line.strip() for line in text.strip().split("\n") if line.strip()]


def labelled(problem, response):
    """(step, label) of a response, or the reason why it teaches nothing."""
    steps = lines_of(response)
    if not steps or not steps[-1].startswith(ANSWER):
        return None, "cut off"
    if any(step.startswith(ANSWER) for step in steps[:-1]):
        return None, "the answer before the reasoning"
    if len(steps) != len(NAMES):
        return None, "more or fewer steps"
    known = wordings(problem["category"], problem["seed"], problem["plain"])
    labels = [label(step, texts) for step, texts in zip(steps, known)]
    if all(value is None for value in labels):
        return None, "no step with a label"
    return list(zip(steps, labels)), None


def defect(chains):
    """Why a puzzle teaches nothing."""
    if not any(steps[-1][1] for steps in chains):
        return "never solved"
    if all(value is not False for steps in chains for _, value in steps):
        return "no mistake in any chain"
    return None


def main(problems, out, results):
    by_problem = {}
    rows = [json.loads(line) for line in problems.read_text().splitlines()]
    for row in rows:
        by_problem[Path(row["image"]).with_suffix("").as_posix()] = row
    said = defaultdict(list)
    for file in results:
        for line in file.read_text().splitlines():
            result = json.loads(line)
            said[result["problem"]].append(result["response"])
    counts, written = Counter(), Counter()
    with out.open("w") as file:
        for name, responses in said.items():
            problem, chains = by_problem[name], []
            for response in dict.fromkeys(responses):
                steps, reason = labelled(problem, response)
                if steps:
                    chains.append(steps)
                else:
                    counts[f"chain: {reason}"] += 1
            counts["chain: there twice"] += len(responses) - len(set(responses))
            reason = defect(chains) if chains else "no chain with labels"
            if reason:
                counts[f"puzzle: {reason}"] += 1
                continue
            counts["puzzle: kept"] += 1
            for steps in chains:
                for place, (_, value) in zip(NAMES, steps):
                    written[f"{place}: {'right' if value else 'no label' if value is None else 'wrong'}"] += 1
                record = {"kind": problem["category"], "seed": problem["seed"], "plain": problem["plain"], "steps": steps}
                file.write(json.dumps(record) + "\n")
                counts["chain: kept"] += 1
    for name, count in sorted(counts.items()) + sorted(written.items()):
        print(f"{count:7} {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("results", type=Path, nargs="+")
    arguments = parser.parse_args()
    main(arguments.problems, arguments.out, arguments.results)
