"""What is right about a step, and what is wrong with one that is not: both from the generator's truth.

A step is a line of a chain: caption, explanation, deduction, answer. The generator has several wordings for the same; a
step in one of them is right. One whose facts (numbers, colours, shapes, sizes, relations) are those of no wording is
wrong. What is left says the same in words that the generator does not know, and has no label.
"""

import re
from difflib import SequenceMatcher
from functools import lru_cache

from puzzles import generate

NAMES = ["caption", "explanation", "deduction", "answer"]
WORDINGS = 24
FACTS = set(
    "blue green orange purple red yellow triangle square pentagon hexagon heptagon octagon nonagon circle rectangle "
    "small medium large extra short long very light dark darker lighter sum product add multiply smaller larger bigger "
    "smallest largest biggest corner adjacent center closest farthest neither top bottom left right middle first second "
    "third increase decrease same opposite no not cannot missing leftmost rightmost "
    "once twice".split()
)
PART = re.compile(r"[a-z]+|\d|[^\sa-z\d]")
WORD = re.compile(r"[a-zA-Z]+|\d+|[^\sa-zA-Z\d]")
NO_MISTAKE = "There is no mistake."


def chain_steps(puzzle):
    return puzzle.chain.split("\n")


@lru_cache(maxsize=4096)
def wordings(kind, seed, plain):
    """All known wordings of each step of a puzzle, the canonical one first: four lists of texts."""
    texts = [chain_steps(generate(kind, seed, plain, wording)) for wording in ["canonical", None, *range(WORDINGS)]]
    return [list(dict.fromkeys(step)) for step in zip(*texts)]


def facts(text):
    """Numbers and words with content in their order, plurals as singulars."""
    words = re.findall(r"[a-z]+|\d+|\?", text.lower())
    words = [word[:-1] if word.endswith("s") and word[:-1] in FACTS else word for word in words]
    return [word for word in words if word in FACTS or not word.isalpha()]


def label(step, known):
    """Whether a step is right: true or false, or nothing where it cannot be said. `known` are its wordings."""
    text = " ".join(step.split())
    if text in known:
        return True
    said = facts(text)
    return None if any(said == facts(other) for other in known) else False


def closest(step, known):
    """The wording that a step most likely meant."""
    parts = PART.findall(step.lower())
    return max(known, key=lambda other: SequenceMatcher(None, parts, PART.findall(other.lower()), False).ratio())


def mistakes(step, known):
    """The parts (first character, end) of a step that its closest wording has otherwise."""
    said, meant = list(WORD.finditer(step)), WORD.findall(closest(step, known))
    words = [word.group() for word in said]
    wrong = [place for place, (word, other) in enumerate(zip(words, meant)) if word != other]
    if len(words) != len(meant) or len(wrong) > len(words) / 2:
        changes = SequenceMatcher(None, words, meant, False).get_opcodes()
        wrong = [place for kind, start, end, *_ in changes if kind != "equal" for place in range(start, end)]
    return tuple(said[place].span() for place in wrong)


def reflection(step, known, most=2):
    """One sentence on what is wrong with a step: its words that should be others."""
    right = closest(step, known)
    said, meant = step.split(), right.split()
    matcher = SequenceMatcher(None, said, meant, False)
    if matcher.ratio() < 0.5:
        return "It should say something else altogether."
    mistakes = []
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        wrong, better = (" ".join(part).strip(".,;[]()'") for part in (said[start:end], meant[other_start:other_end]))
        if end - start > 6 or other_end - other_start > 6:
            mistakes.append("more than a word is wrong")
        elif wrong == better:
            continue
        elif not better:
            mistakes.append(f"it should not say {wrong}")
        elif not wrong:
            mistakes.append(f"it leaves out {better}")
        else:
            mistakes.append(f"it says {wrong} instead of {better}")
    mistakes = list(dict.fromkeys(mistakes))
    if not mistakes:
        return "Its form is wrong."
    text = " and ".join(mistakes[:most]) + (" and more" if len(mistakes) > most else "")
    return text[0].upper() + text[1:] + "."
