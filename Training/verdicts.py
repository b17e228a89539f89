"""How well a checkpoint tells right steps from wrong ones, on chains that it was not trained on.

    python verdicts.py CHECKPOINT CHAINS.jsonl [--puzzles N]

CHAINS is what sampled.py wrote. For each line of a chain the area under the ROC curve: of its verdict (the margin of Yes over No), of
what is collected at the end of the step, and of its most doubtful token. If verdicts are the worst, they do not collect what is known.
Beside them, what the model's own probabilities tell: of the step's least likely token, and of all that was said up to its end.
"""

import argparse
import json
from pathlib import Path

import torch
from data import normalized, pixels_of
from export import load
from puzzles import generate
from sequences import Sequence, collated, tokenized
from steps import NAMES
from tasks import Cascade, sampled
from tokenizer import prompt_text


SCORES = ["verdict", "end", "most doubtful token", "least likely token", "line"]


def area(right, wrong):
    """The share of pairs in which what is right scores higher; ties count half. Nothing without pairs."""
    if not len(right) or not len(wrong):
        return None
    difference = torch.tensor(right)[:, None] - torch.tensor(wrong)[None]
    return ((difference > 0).float() + 0.5 * (difference == 0)).mean().item()


def questioned(puzzle, chains, teacher):
    """A row with all steps of chains and a verdict behind each, and (piece of the step, piece of the verdict, place, label) of them."""
    sequence, ends, asked = Sequence(), {}, []
    prompt = sequence.add(prompt_text(teacher.prompts.asked(puzzle.prompt)))
    for chain in chains:
        before, said = prompt, ()
        for place, (step, label) in enumerate(chain):
            said = (*said, step)
            if said not in ends:
                ends[said] = sequence.add(step + "\n", 1, before, ())
                verdict = teacher.asks(sequence, ends[said], teacher.prompts.evaluate, teacher.verdict(True))
                if label is not None:
                    asked.append((ends[said], verdict, place, label))
            before = ends[said]
    return sequence, asked


@torch.no_grad()
def scores(trainee, tokenizer, puzzle, chains):
    """(place, label, scores) of every labelled step of chains about one puzzle.

    The scores are the margin of the verdict, how little is doubted at the end of the step and in its most doubtful token, and the
    log-probabilities of its least likely token and of all steps up to its end.
    """
    teacher = Cascade()
    sequence, asked = questioned(puzzle, chains, teacher)
    row = tokenized(tokenizer, sequence)
    batch = collated([row], pad=0)
    states = trainee.follow(trainee.see(normalized(torch.from_numpy(pixels_of(puzzle)))[None]), batch)
    (yes,), (no,) = (tokenizer(text)["input_ids"] for text in map(teacher.verdict, (True, False)))
    logits = trainee.say(states, batch)
    said = [piece for piece, weight in zip(row.piece, row.weights) if weight]
    margins = dict(zip(said, (logits[:, yes] - logits[:, no]).tolist()))
    wanted = batch["ids"][batch["weights"] > 0]
    likely = logits.log_softmax(-1).gather(-1, wanted[:, None])[:, 0].tolist()
    least, lines = {}, {}
    for piece, value in zip(said, likely):
        if piece not in lines:
            lines[piece] = lines.get(sequence.pieces[piece].after, 0.0)
        lines[piece] += value
        least[piece] = min(least.get(piece, value), value)
    worst, ends = {}, {}
    doubted = [piece for piece, wrong in zip(row.piece, row.wrong) if wrong >= 0]
    for piece, doubt, collected in zip(doubted, *(values.tolist() for values in trainee.doubt(states, batch))):
        worst[piece], ends[piece] = max(worst.get(piece, doubt), doubt), collected
    return [
        (place, label, (margins[verdict], -ends[step], -worst[step], least[step], lines[step]))
        for step, verdict, place, label in asked
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("chains", type=Path)
    parser.add_argument("--puzzles", type=int, default=200, help="from the end of the file")
    arguments = parser.parse_args()
    trainee, tokenizer = load(arguments.checkpoint)
    found = []
    by_puzzle = sampled(map(json.loads, arguments.chains.read_text().splitlines()))
    for key, chains in list(by_puzzle.items())[-arguments.puzzles :]:
        found += scores(trainee, tokenizer, generate(*key), chains)
    for name, places in [*((name, [place]) for place, name in enumerate(NAMES)), ("all", range(len(NAMES)))]:
        judged = [one for one in found if one[0] in places]
        right, wrong = ([one for one in judged if one[1] is label] for label in (True, False))
        areas = [area([one[2][score] for one in right], [one[2][score] for one in wrong]) for score in range(len(SCORES))]
        texts = [f"{score} {'–' if value is None else f'{value:.3f}'}" for score, value in zip(SCORES, areas)]
        print(f"{name:12}{len(right):6} right{len(wrong):6} wrong   {'   '.join(texts)}")


if __name__ == "__main__":
    main()
