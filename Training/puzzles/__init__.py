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


def generate(kind, seed, plain_share=0.4, wording=None):
    """The puzzle of a kind with a number. The same arguments give the same puzzle.

    Its texts can be had in other words: `wording` is a number, or "canonical".
    """
    rng = random.Random(f"{kind}/{seed}")
    look = style(rng, plain_share)
    words = random.Random(f"{kind}/{seed}/words {wording}")
    draft = MAKERS[kind](rng, look, Talk(words, 1.0 if wording == "canonical" else 0.85 if wording is None else 0.0))
    draft.scene.place(rng)
    return Puzzle(kind, seed, **vars(draft), plain_share=plain_share)
