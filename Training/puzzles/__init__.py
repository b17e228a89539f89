"""Visual puzzles without end: pictures, questions, answers and the steps between, all from a kind and a seed.

    puzzle = generate("venn", 7)
    puzzle.image().save("venn.png")
    print(puzzle.prompt, puzzle.chain, sep="\\n")
"""

import random

from . import arithmetic, colours, shapes, sizes  # noqa: F401  (they register their kinds)
from . import negatives
from .puzzle import CANNOT, Puzzle, Talk, prompt
from .registry import MAKERS
from .style import style

KINDS = sorted(negatives.PUZZLE_KINDS)
NEGATIVE_KINDS = ["no_puzzle", "no_option"]

__all__ = ["CANNOT", "KINDS", "NEGATIVE_KINDS", "Puzzle", "generate", "prompt"]


def generate(kind, seed, plain_share=0.4):
    """The puzzle of a kind with a number. The same arguments give the same puzzle."""
    rng = random.Random(f"{kind}/{seed}")
    look = style(rng, plain_share)
    draft = MAKERS[kind](rng, look, Talk(rng))
    draft.scene.place(rng)
    return Puzzle(kind, seed, **vars(draft))
