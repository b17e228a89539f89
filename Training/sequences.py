"""What a row of a batch is made of: pieces of text, each behind another piece, most of them in one line, some as branches.

A verdict is a branch in the engine: it forks after a step, asks, and drops the branch. So it is here: all that can be asked about a
chain hangs on the chain, and a picture and a question that are read once serve for all of it. A token sees the pieces on
its own way from the beginning, and its position is its distance from there, as if every way were a row of its own.
"""

import itertools
from dataclasses import dataclass, field

import torch


STRIDE = 16


@dataclass(frozen=True)
class Piece:
    """A text, how much each of its tokens counts as something to predict (0: read, not learnt), and what it stands behind.

    `mistakes` are the parts (first character, end) of it that are wrong; nothing where that is not known.
    """

    text: str
    weight: float
    after: int
    mistakes: tuple[tuple[int, int], ...] | None = None


@dataclass
class Sequence:
    pieces: list[Piece] = field(default_factory=list)

    def add(self, text, weight=0.0, after=None, mistakes=None):
        """Adds a piece behind another one, or behind the last, and returns its number."""
        self.pieces.append(Piece(text, weight, len(self.pieces) - 1 if after is None else after, mistakes))
        return len(self.pieces) - 1

    def way_to(self, piece):
        """The pieces from the beginning to one of them."""
        way = []
        while piece >= 0:
            way.append(self.pieces[piece])
            piece = way[-1].after
        return way[::-1]

    def leaves(self):
        return sorted(set(range(len(self.pieces))) - {piece.after for piece in self.pieces})


@dataclass(frozen=True)
class Row:
    """Token by token: id, weight, mistakes, the place of the token before it (-1: none), and its piece.

    `wrong` is whether a token is a mistake (1, 0; -1: not known), `spoilt` whether it or one before it in its piece is one.
    """

    ids: list[int]
    weights: list[float]
    wrong: list[int]
    spoilt: list[int]
    before: list[int]
    piece: list[int]
    after: list[int]

    @property
    def is_line(self):
        return all(place == index - 1 for index, place in enumerate(self.before))

    def positions(self):
        """Distances from the beginning."""
        positions = []
        for place in self.before:
            positions.append(positions[place] + 1 if place >= 0 else 0)
        return positions

    def visible(self):
        """What each token sees: [tokens, tokens]."""
        count = len(self.after)
        ways = torch.zeros(count, count, dtype=torch.bool)
        for piece, before in enumerate(self.after):
            if before >= 0:
                ways[piece] = ways[before]
            ways[piece, piece] = True
        return ways[self.piece][:, self.piece].tril()


def tokenized(tokenizer, sequence):
    """The row of a sequence.

    Pieces meet at line ends and special tokens, where the tokenizer cuts anyway; so each is cut by itself.
    """
    ids, weights, wrong, spoilt, before, of, ends = [], [], [], [], [], [], []
    for number, piece in enumerate(sequence.pieces):
        encoded = tokenizer(piece.text, return_offsets_mapping=True)
        part = encoded["input_ids"]
        before += [ends[piece.after] if piece.after >= 0 else -1, *range(len(ids), len(ids) + len(part) - 1)]
        of += [number] * len(part)
        weights += [piece.weight] * len(part)
        flaws = [-1] * len(part)
        if piece.mistakes is not None:
            flaws = [int(any(first < stop and start < end for start, stop in piece.mistakes)) for first, end in encoded["offset_mapping"]]
        wrong += flaws
        spoilt += itertools.accumulate(flaws, max)
        ids += part
        ends.append(len(ids) - 1)
    return Row(ids, weights, wrong, spoilt, before, of, [piece.after for piece in sequence.pieces])


def collated(rows, pad):
    """Tensors of rows padded to one length, and what tokens see where a row has branches.

    Lengths are multiples of STRIDE: what multiplies matrices is made anew for each shape, and kept.
    """
    length = -(-max(len(row.ids) for row in rows) // STRIDE) * STRIDE

    def padded(name, value):
        return torch.tensor([getattr(row, name) + [value] * (length - len(row.ids)) for row in rows])

    batch = {"ids": padded("ids", pad), "weights": padded("weights", 0.0).float(), "before": padded("before", 0)}
    batch |= {"wrong": padded("wrong", -1), "spoilt": padded("spoilt", -1)}
    if all(row.is_line for row in rows):
        return batch
    visible = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1)
    positions = torch.zeros(len(rows), length, dtype=torch.long)
    for index, row in enumerate(rows):
        count = len(row.ids)
        visible[index, :count, :count] = row.visible()
        positions[index, :count] = torch.tensor(row.positions())
    return batch | {"visible": visible, "positions": positions}
