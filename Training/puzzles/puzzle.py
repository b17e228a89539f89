"""A puzzle: a picture, a question with options, the answer, and the three steps that lead to it."""

from dataclasses import dataclass

from .scene import Scene

CANNOT = "cannot be determined"
ORDINALS = ["first", "second", "third"]
POLYGONS = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon", 9: "nonagon"}
SIDES = {name: sides for sides, name in POLYGONS.items()}


@dataclass
class Puzzle:
    """Everything that is known about a puzzle."""

    kind: str
    seed: int
    question: str
    options: list[str]
    answer: str
    caption: str
    explanation: str
    deduction: str
    scene: Scene
    plain_share: float
    # The question in other words, where it is put so.
    asked: str | None = None

    def image(self, side=512, oversampling=2, is_sharp=False):
        """The picture, a square of `side` pixels."""
        return self.scene.render(side, oversampling, is_sharp)

    @property
    def prompt(self):
        """What a user asks beside the picture."""
        return self.asked or prompt(self.question, self.options)

    @property
    def chain(self):
        """What a model should say: three steps and the answer, each on a line of its own."""
        return "\n".join([self.caption, self.explanation, self.deduction, f"The answer is {self.answer}."])


def prompt(question, options):
    """The question as the engine's harness puts it."""
    letters = [f"({chr(65 + index)}) {option}" for index, option in enumerate(options)]
    return "\n".join([f"Question: {question}", "Options:", *letters])


@dataclass
class Draft:
    """What the module of a kind makes."""

    scene: Scene
    question: str
    options: list[str]
    answer: str
    caption: str
    explanation: str
    deduction: str


class Talk:
    """Chooses words. Most chains are canonical throughout, so that a small model has one way to say a thing.

    The canonical explanation and deduction are short, and say what follows from what: every word costs a token in training and
    in use, and a value that can be looked up in what was said before is learnt far sooner than one that cannot.
    """

    def __init__(self, rng, canonical_share=0.85):
        self.rng = rng
        self.is_canonical = rng.random() < canonical_share

    def __call__(self, canonical, *variants):
        return canonical if self.is_canonical else self.rng.choice((canonical, *variants))


def listed(values):
    """A list as the captions write it."""
    return "[" + ", ".join(map(str, values)) + "]"


def pairs(firsts, seconds):
    """A list of pairs as the captions write it."""
    return listed(f"{first} {second}" for first, second in zip(firsts, seconds))


def joined(parts):
    """a, b, and c"""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f", and {parts[-1]}"


def a(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def plural(word):
    return word + "s"


def options_of(rng, answer, others, count=4):
    """The answer among others, shuffled."""
    pool = sorted({other for other in others if other != answer})
    options = rng.sample(pool, min(count - 1, len(pool))) + [answer]
    rng.shuffle(options)
    return options


def numbers(low, high):
    return [str(number) for number in range(low, high + 1)]
