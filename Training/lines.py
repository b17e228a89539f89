"""What a checkpoint has learnt, line by line: each line of a chain behind the true lines before it.

    python lines.py CHECKPOINT [--count N]

For each kind the share of captions, explanations and deductions whose tokens are all the likeliest ones; "blind" without the picture.
Before that, the share of right values in each exercise.
"""

import argparse
import random
from collections import Counter
from pathlib import Path

import torch
from data import normalized, pixels_of
from drills import DRILLS
from export import load
from packs import pack
from puzzles import KINDS, generate
from sequences import Sequence, collated, tokenized
from steps import NAMES
from tasks import NEVER_BLIND, blind_chain, plain_chain, steps_seen
from tokenizer import START

FIRST_SEED = 700_000


@torch.no_grad()
def right(trainee, tokenizer, sequences, pixels=None):
    """For each learnt token of each sequence: the number of the sequence, the token, and whether it is the likeliest one."""
    batch = collated([tokenized(tokenizer, sequence) for sequence in sequences], pad=0)
    is_learnt = batch["weights"] > 0
    features = None if pixels is None else trainee.see(normalized(pixels))
    logits = trainee.say(trainee.follow(features, batch), batch)
    wanted = batch["ids"][is_learnt]
    return is_learnt.nonzero()[:, 0].tolist(), wanted.tolist(), (logits.argmax(-1) == wanted).tolist()


def exercises(trainee, tokenizer, count):
    """Exercise → the share of its values that are right; commas and brackets aside."""
    shares = {}
    for make in DRILLS:
        sequences = []
        for number in range(count):
            sequences.append(Sequence())
            sequences[-1].add(START)
            make(random.Random(f"{make.__name__} {number}"), sequences[-1].add)
        _, tokens, is_right = right(trainee, tokenizer, sequences)
        values = [value for token, value in zip(tokens, is_right) if any(map(str.isalnum, tokenizer.decode([token])))]
        shares[make.__name__] = sum(values) / len(values)
    return shares


def lines(trainee, tokenizer, kind, count, is_blind):
    """Name of a line → the share of a kind's lines that are right throughout."""
    puzzles = [generate(kind, FIRST_SEED + number, 0.65, "canonical") for number in range(count)]
    pixels = None if is_blind else torch.stack([torch.from_numpy(pixels_of(puzzle, True)) for puzzle in puzzles])
    prompts = pack("cas-seat")
    sequences = [(blind_chain if is_blind else plain_chain)(puzzle, prompts) for puzzle in puzzles]
    wrong, place, before = Counter(), 0, -1
    end_of_line = tokenizer("\n")["input_ids"][0]
    first = steps_seen(puzzles[0]) if is_blind else 0
    for row, token, is_right in zip(*right(trainee, tokenizer, sequences, pixels)):
        place = first if row != before else place
        if not is_right:
            wrong[place, row] = 1
        before, place = row, place + (token == end_of_line)
    misses = Counter(place for place, _ in wrong)
    return {NAMES[place]: 1 - misses[place] / count for place in range(first, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--count", type=int, default=10, help="puzzles of each kind")
    arguments = parser.parse_args()
    trainee, tokenizer = load(arguments.checkpoint)
    print(", ".join(f"{name} {share:.0%}" for name, share in exercises(trainee, tokenizer, 4 * arguments.count).items()))
    sums = {}
    for kind in KINDS:
        for is_blind in (False, True):
            if is_blind and kind in NEVER_BLIND:
                continue
            shares = lines(trainee, tokenizer, kind, arguments.count, is_blind)
            for name, share in shares.items():
                sums.setdefault(("blind " if is_blind else "") + name, []).append(share)
            text = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
            print(f"{kind:24}{'blind: ' if is_blind else ''}{text}")
    print("all: " + ", ".join(f"{name} {sum(shares) / len(shares):.0%}" for name, shares in sums.items()))


if __name__ == "__main__":
    main()
