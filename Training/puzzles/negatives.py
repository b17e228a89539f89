"""Questions without an answer: a picture that is no puzzle, options that leave the answer out. And pages of perception."""

import math
from dataclasses import replace

from .puzzle import CANNOT, POLYGONS, SIDES, Draft, numbers
from .registry import MAKERS, kind
from .scene import Scene, regular_polygon
from .style import HUES

PUZZLE_KINDS = list(MAKERS)


def scatter(rng, style, across, fill_share):
    """A page of shapes, numbers and circles on a loose grid, with everything marked."""
    scene = Scene(style)
    step = 512 / across
    names = list(POLYGONS.values()) + ["circle", "square", "circle"]
    for index in range(across * across):
        if rng.random() > fill_share:
            continue
        wobble = step * 0.1
        x = (index % across + 0.5) * step + rng.uniform(-wobble, wobble)
        y = (index // across + 0.5) * step + rng.uniform(-wobble, wobble)
        radius = step * rng.uniform(0.3, 0.48)
        shape = hue = text = None
        if rng.random() < 0.8:
            shape = rng.choice(names)
            hue = rng.choice([None, *HUES])
            fill = style.neutral if hue is None else rng.choice([style.fills, style.tints])[hue]
            if shape == "circle":
                scene.circle(x, y, radius, fill)
            else:
                upright = -math.pi / 2 if shape != "square" else math.pi / 4
                turn = rng.choice([0.0, upright, -upright, rng.uniform(0, 2 * math.pi)])
                scene.polygon(regular_polygon(x, y, radius, SIDES[shape], turn), fill)
        if shape is None or rng.random() < 0.85:
            draw = rng.random()
            text = "?" if draw < 0.1 else str(rng.randint(10, 81)) if draw < 0.25 else str(rng.randint(0, 9))
            room = radius if shape != "triangle" else 0.75 * radius
            scene.text(x, y, text, min(room * rng.uniform(0.95, 1.3), 70) * (0.85 if len(text) > 1 else 1))
        scene.mark(x, y, shape=shape, hue=hue, text=text)
    if not scene.commands:
        scene.text(256, 256, "8", 40)
        scene.mark(256, 256, text="8")
    return scene


@kind("scatter")
def scatter_page(rng, style, talk):
    """Not a puzzle: a full page of things to read, for the training of the eye alone."""
    scene = scatter(rng, style, rng.choice([4, 5, 5, 6]), 0.97)
    return Draft(scene, "", [], CANNOT, "", "", "")


@kind("no_puzzle")
def no_puzzle(rng, style, talk):
    """A question of one kind about a picture where nothing is missing."""
    asked = MAKERS[rng.choice(PUZZLE_KINDS)](rng, style, talk)
    if rng.random() < 0.5:
        scene = scatter(rng, style, rng.choice([2, 3, 4]), 0.6)
        without_question_marks(scene)
    else:
        scene = asked.scene
        without_question_marks(scene)
    return Draft(
        scene,
        asked.question,
        asked.options,
        CANNOT,
        talk(
            "There is no part denoted with a question mark in the image.",
            "The image does not show a question mark anywhere.",
        ),
        talk(
            "We observe that no part of the image is missing. Hence, there is no pattern to complete.",
            "Nothing is missing in the image, so there is nothing to complete.",
        ),
        talk(
            "Based on the image without a missing part, the answer cannot be determined.",
            "Without a missing part, the answer cannot be determined.",
        ),
    )


def without_question_marks(scene):
    scene.commands = [command for command in scene.commands if command[3].get("text") != "?"]
    scene.marks = [replace(mark, text=None) if mark.text == "?" else mark for mark in scene.marks]
    if not scene.commands:
        scene.text(256, 256, "8", 40)
        scene.mark(256, 256, text="8")


@kind("no_option")
def no_option(rng, style, talk):
    """A puzzle whose answer is not among the options."""
    draft = MAKERS[rng.choice(PUZZLE_KINDS)](rng, style, talk)
    options = [option for option in draft.options if option != draft.answer]
    if draft.answer.isdigit():
        low, high = (10, 81) if int(draft.answer) > 9 else (1, 9)
        pool = [number for number in numbers(low, high) if number not in options and number != draft.answer]
        options.append(rng.choice(pool))
        rng.shuffle(options)
    draft.options = options
    draft.deduction += talk(
        f" However, {draft.answer} is not among the options.", f" But the options do not contain {draft.answer}."
    )
    draft.answer = CANNOT
    return draft
