"""Training data: what picture number i of a run is, and batches of it. Nothing is stored; all follows from numbers."""

import random

import numpy
import torch
from model import IMAGE_TOKENS, PICTURE
from puzzles import KINDS, NEGATIVE_KINDS, generate
from puzzles.labels import cell_labels
from tokenizer import AROUND, END, IMAGE, PAD, WHOLE

# Seeds below this are for evaluation; training never draws them.
FIRST_TRAINING_SEED = 1_000_000
NEGATIVE_SHARE = 0.06
SHARP_SHARE = 0.15
# Batches that are made together, so that chains of like length can share one.
GROUP = 8


def training_puzzle(run, index, only=None):
    """Puzzle number `index` of the run with the seed `run`; `only` names a kind for all."""
    rng = random.Random(f"run {run}, picture {index}")
    kind = rng.choice(NEGATIVE_KINDS) if rng.random() < NEGATIVE_SHARE else rng.choice(KINDS)
    puzzle = generate(only or kind, rng.randrange(FIRST_TRAINING_SEED, 1 << 48))
    return puzzle, rng.random() < SHARP_SHARE


def pixels_of(puzzle, is_sharp=False):
    return numpy.array(puzzle.image(PICTURE, is_sharp=is_sharp)).transpose(2, 0, 1)


def normalized(pixels):
    """Bytes to the range from -1 to 1, as the processor's mean and deviation of one half do."""
    return pixels.float() / 127.5 - 1


def prompt_text(prompt):
    """A user's turn with a picture and the beginning of the answer, with the picture's tokens in place."""
    picture = AROUND + WHOLE + IMAGE * IMAGE_TOKENS + AROUND
    return f"<|im_start|>user\n{picture}{prompt}{END}\n<|im_start|>assistant\n"


def conversation(tokenizer, puzzle):
    """Token ids, and how many of them are the prompt's."""
    prompt = tokenizer(prompt_text(puzzle.prompt))["input_ids"]
    return prompt + tokenizer(puzzle.chain + END)["input_ids"], len(prompt)


class Batches(torch.utils.data.Dataset):
    """Groups of batches by number, for a loader without batching of its own.

    The first `reading` groups are for the eye alone: half of their pictures are pages full of things to read, and there
    is no text.
    """

    def __init__(self, tokenizer, run, batch, reading, groups):
        self.tokenizer, self.run, self.batch, self.reading, self.groups = tokenizer, run, batch, reading, groups

    def __len__(self):
        return self.groups

    def __getitem__(self, group):
        torch.set_num_threads(1)
        count = self.batch * GROUP
        first = group * count
        puzzles = []
        for index in range(first, first + count):
            only = "scatter" if group < self.reading and index % 2 else None
            puzzles.append(training_puzzle(self.run, index, only))
        if group < self.reading:
            rows = [(puzzle, sharp, None, 0) for puzzle, sharp in puzzles]
        else:
            rows = [(puzzle, sharp, *conversation(self.tokenizer, puzzle)) for puzzle, sharp in puzzles]
            rows.sort(key=lambda row: len(row[2]))
        batches = [self.collate(rows[start : start + self.batch]) for start in range(0, count, self.batch)]
        random.Random(f"run {self.run}, group {group}").shuffle(batches)
        return batches

    def collate(self, rows):
        batch = {
            "pixels": torch.from_numpy(numpy.stack([pixels_of(puzzle, sharp) for puzzle, sharp, _, _ in rows])),
            "labels": torch.tensor([cell_labels(puzzle.scene) for puzzle, _, _, _ in rows]),
        }
        if rows[0][2] is not None:
            length = max(len(ids) for _, _, ids, _ in rows)
            pad = self.tokenizer.convert_tokens_to_ids(PAD)
            batch["ids"] = torch.tensor([ids + [pad] * (length - len(ids)) for _, _, ids, _ in rows])
            # The token after a marked one is to be predicted: those of the chain and the end of the turn.
            spans = [(start - 1, len(ids) - 1) for _, _, ids, start in rows]
            places = torch.arange(length)
            batch["targets"] = torch.stack([(places >= start) & (places < end) for start, end in spans])
        return batch
