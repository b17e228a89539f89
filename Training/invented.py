"""Mistakes that no model made: a step of a true chain in which one fact is another.

A step and the same step with a mistake, behind the same picture, question and steps, differ in nothing but what a verdict should
look at.
"""

import re

from puzzles.puzzle import POLYGONS, numbers
from puzzles.sizes import LENGTHS, SIZES
from puzzles.style import HUES
from steps import NAMES, chain_steps, label, wordings

# A word is exchanged for another of the first group that it is in.
GROUPS = [list(HUES), list(POLYGONS.values()), numbers(1, 9), SIZES, LENGTHS, ["sum", "product"], ["same", "opposite"]]
GROUPS += [["light", "medium", "dark"], ["lighter", "darker"], ["smaller", "larger"], ["first", "second", "third"], ["once", "twice"]]
WORD = re.compile(r"(?<![\w])[a-z]+(?!\w)|(?<!\d)\d+(?!\d)")
# Two values of a list that change places instead of one that becomes another, and what is drawn from the chain itself.
SWAP_SHARE, NEAR_SHARE = 0.35, 0.6


def group_of(word, text):
    """The words that one could be mistaken for."""
    singular = word.removesuffix("s")
    found = [group for group in GROUPS if singular in group]
    if word.isdigit() and not found:
        return [str(int(word) + change) for change in (-10, -2, -1, 1, 2, 10) if int(word) + change > 0]
    # "medium" is a size, a length or a shade.
    found = [group for group in found if any(other != singular and other in text for other in group)] or found
    return found[0] if found else []


def mistaken(rng, puzzle, place, tries=12):
    """A step of a puzzle's chain with a mistake, or nothing where none is found."""
    step = chain_steps(puzzle)[place]
    if NAMES[place] == "answer":
        others = [option for option in puzzle.options if option != puzzle.answer]
        return f"The answer is {rng.choice(others)}." if others else None
    known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)[place]
    for _ in range(tries):
        changed = exchanged(rng, step, puzzle.chain, NAMES[place] == "caption")
        if changed and label(changed, known) is False:
            return changed
    return None


def exchanged(rng, text, around, may_swap=False):
    """A text with one of its words exchanged for another, rather one from the text around it; or nothing where it has none."""
    words = [found for found in WORD.finditer(text) if group_of(found.group(), text)]
    return changed_in(rng, text, words, around, may_swap) if words else None


def changed_in(rng, step, words, chain, may_swap):
    """A step with one of its words exchanged for another, or with two that changed places."""
    one = rng.choice(words)
    group = group_of(one.group(), step)
    if may_swap and rng.random() < SWAP_SHARE:
        others = [word for word in words if word.group() in group and word.group() != one.group()]
        if not others:
            return None
        first, second = sorted([one, rng.choice(others)], key=lambda word: word.start())
        between = step[first.end() : second.start()]
        return step[: first.start()] + second.group() + between + first.group() + step[second.end() :]
    singular = one.group().removesuffix("s")
    others = [word for word in group if word != singular]
    near = [word for word in others if re.search(rf"\b{word}\b", chain)]
    word = rng.choice(near if near and rng.random() < NEAR_SHARE else others)
    return step[: one.start()] + word + one.group()[len(singular) :] + step[one.end() :]
