"""Training data: what picture number i of a run is, and batches of it. Nothing is stored; all follows from numbers."""

import itertools
import random
from dataclasses import replace

import numpy
import torch
from drills import drill
from model import PICTURE
from puzzles import KINDS, NEGATIVE_KINDS, generate
from puzzles.labels import cell_labels
from sequences import collated, tokenized
from tasks import NEVER_BLIND, TASKS, Pool
from tokenizer import PAD

# Seeds below this are for evaluation; training never draws them.
FIRST_TRAINING_SEED = 1_000_000
NEGATIVE_SHARE = 0.06
SHARP_SHARE = 0.15
PLAIN_SHARE = 0.65
PAGE_SHARE = 0.75
# Kinds that are drawn so many times as often as others, because they take longer to learn (lines.py shows which).
OFTEN = {
    "circle_size_number": 3,
    "color_number_hexagon": 3,
    "grid_number": 3,
    "grid_number_color": 3,
    "polygon_sides_color": 3,
    "polygon_sides_number": 2,
    "rectangle_height_color": 2,
    "rectangle_height_number": 2,
    "shape_morph": 2,
    "size_cycle": 2,
    "triangle": 3,
    "venn": 3,
}
# A batch without pictures has so many times the rows, unless they are long, with judgements.
BLIND_ROWS = 2
# Questions put as the harness puts them.
USUAL_SHARE = 0.8
# Batches that are made together, so that chains of like length can share one.
GROUP = 8


def training_puzzle(run, index, only=None):
    """Puzzle number `index` of the run with the seed `run`; `only` names a kind for all."""
    rng = random.Random(f"run {run}, picture {index}")
    often = [OFTEN.get(kind, 1) for kind in KINDS]
    kind = rng.choice(NEGATIVE_KINDS) if rng.random() < NEGATIVE_SHARE else rng.choices(KINDS, often)[0]
    puzzle = generate(only or kind, rng.randrange(FIRST_TRAINING_SEED, 1 << 48), PLAIN_SHARE)
    return puzzle, rng.random() < SHARP_SHARE


def pixels_of(puzzle, is_sharp=False):
    return numpy.array(puzzle.image(PICTURE, is_sharp=is_sharp)).transpose(2, 0, 1)


def normalized(pixels):
    """Bytes to the range from -1 to 1, as the processor's mean and deviation of one half do."""
    return pixels.float() / 127.5 - 1


def asked(rng, puzzle):
    """A puzzle with its question put otherwise in some cases."""
    if rng.random() < USUAL_SHARE:
        return puzzle
    question, _, options = puzzle.prompt.removeprefix("Question: ").partition("\nOptions:\n")
    between = rng.choice(["\n", " Options: ", "\nOptions: ", "\nChoices:\n"])
    text = question + between + options.replace("\n", rng.choice(["\n", " "]))
    return replace(puzzle, asked=text)


class Batches(torch.utils.data.Dataset):
    """Groups of batches by number, for a loader without batching of its own.

    The first `reading` groups are for the eye alone: most of their pictures are pages full of things to read, and there
    is no text.
    """

    def __init__(self, tokenizer, run, batch, reading, groups, task="base", chains=None, blind=0, pages=0, drills=0):
        self.tokenizer, self.run, self.batch, self.reading, self.groups = tokenizer, run, batch, reading, groups
        self.teacher = TASKS[task]()
        self.pool = Pool(chains) if chains else None
        # Of the GROUP batches of a group: reasoning without pictures, pages for the eye alone, exercises.
        self.blind, self.pages, self.drills = blind, pages, drills

    def __len__(self):
        return self.groups

    def __getitem__(self, group):
        torch.set_num_threads(1)
        count = self.batch * GROUP
        first = group * count
        puzzles = []
        for index in range(first, first + count):
            puzzles.append(training_puzzle(self.run, index, "scatter" if self.is_page(group, index) else None))
        if group < self.reading:
            rows, pages = [], [(*puzzle, None) for puzzle in puzzles]
        else:
            read = self.pages * self.batch
            said = read + (self.blind + self.drills) * self.batch
            rows = [self.row(first + place, *puzzle) for place, puzzle in list(enumerate(puzzles))[said:]]
            pages = [(*puzzle, None) for puzzle in puzzles[:read]]
        batches = self.batches(rows, self.batch) + self.batches(pages, self.batch)
        if group >= self.reading:
            blind_rows = 1 if self.teacher.is_judging else BLIND_ROWS
            for row, share, times in ((self.blind_row, self.blind, blind_rows), (self.drill_row, self.drills, BLIND_ROWS)):
                numbers = range(first * times, (first + share * self.batch) * times)
                batches += self.batches([row(number) for number in numbers], self.batch * times)
        random.Random(f"run {self.run}, group {group}").shuffle(batches)
        return batches

    def is_page(self, group, index):
        """Whether a picture is a page full of things to read instead of a puzzle."""
        if group < self.reading:
            return index % 4 < 4 * PAGE_SHARE
        return index - group * self.batch * GROUP < self.pages * self.batch

    def batches(self, rows, size):
        """Rows of like length together."""
        if rows and rows[0][2] is not None:
            rows = sorted(rows, key=lambda row: len(row[2].ids))
        return [self.collate(rows[start : start + size]) for start in range(0, len(rows), size)]

    def blind_row(self, index):
        tries = (training_puzzle(f"{self.run}, blind {attempt}", index)[0] for attempt in itertools.count())
        puzzle = next(puzzle for puzzle in tries if puzzle.kind not in NEVER_BLIND)
        rng = random.Random(f"run {self.run}, blind text {index}")
        return None, False, tokenized(self.tokenizer, self.teacher.blind(rng, asked(rng, puzzle)))

    def drill_row(self, index):
        rng = random.Random(f"run {self.run}, drill {index}")
        return None, False, tokenized(self.tokenizer, drill(rng, is_judged=self.teacher.is_judging))

    def row(self, index, puzzle, is_sharp):
        """A picture with the text about it: of this puzzle, or of one that a model said something to."""
        rng = random.Random(f"run {self.run}, text {index}")
        puzzle, sequence = self.teacher.sequence(rng, asked(rng, puzzle), self.pool)
        return puzzle, is_sharp, tokenized(self.tokenizer, sequence)

    def collate(self, rows):
        """Tensors of (puzzle or nothing, whether its picture is sharp, tokens or nothing)."""
        batch = {}
        if rows[0][0] is not None:
            batch["pixels"] = torch.from_numpy(numpy.stack([pixels_of(puzzle, sharp) for puzzle, sharp, _ in rows]))
            batch["labels"] = torch.tensor([cell_labels(puzzle.scene) for puzzle, *_ in rows])
        if rows[0][2] is not None:
            batch |= collated([row for *_, row in rows], self.tokenizer.convert_tokens_to_ids(PAD))
        return batch
