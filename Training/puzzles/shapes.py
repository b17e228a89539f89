"""Puzzles about shapes: sides with colours or numbers, morphing, reflection."""

import math

from .puzzle import POLYGONS, SIDES, Draft, a, joined, listed, numbers, options_of, pairs
from .registry import kind
from .scene import Scene, regular_polygon
from .style import HUES

SHAPES = ["hexagon", "pentagon", "square", "triangle"]
# Rows of a triangle of six: places as (row, number of places in the row, place).
PYRAMID = [(row, row + 1, place) for row in range(3) for place in range(row + 1)]


def pyramid(rng, style):
    """Six points in rows of one, two and three, and a radius that fits."""
    wide = 150 if style.plain else rng.uniform(140, 165)
    high = 131 if style.plain else rng.uniform(122, 160)
    radius = 58 if style.plain else min(wide, high) * rng.uniform(0.36, 0.45)
    points = [(256 + (place - (count - 1) / 2) * wide, 82 + row * high) for row, count, place in PYRAMID]
    return points, radius


@kind("polygon_sides_color")
def polygon_sides_color(rng, style, talk):
    sides = rng.sample(range(3, 10), 3) if rng.random() < 0.3 else rng.sample(range(4, 10), 3)
    hue_of = dict(zip(sides, rng.sample(HUES, 3)))
    cells = sides * 2
    rng.shuffle(cells)
    gap = rng.randrange(6)
    asked = cells[gap]
    answer = hue_of[asked]
    hues = [hue_of[count] for count in cells]
    hues[gap] = "?"

    scene = Scene(style)
    points, radius = pyramid(rng, style)
    turn = 0.0 if style.plain else rng.choice([0.0, -math.pi / 2, rng.uniform(0, 2 * math.pi)])
    for count, hue, (x, y) in zip(cells, hues, points):
        corners = regular_polygon(x, y, radius, count, turn)
        scene.polygon(corners, style.blank if hue == "?" else style.fills[hue], width=0.6)
        if hue == "?":
            scene.text(x, y, "?", 50 if style.plain else radius * rng.uniform(0.75, 0.95))
            scene.mark(x, y, shape=POLYGONS[count], text="?")
        else:
            scene.mark(x, y, shape=POLYGONS[count], hue=hue)

    first, second = sorted((count for count in sides if count != asked), key=hue_of.get)
    rows = [listed(hues[:1]), listed(hues[1:3]), listed(hues[3:])]
    pattern = "the polygons with the same number of sides have the same color"
    return Draft(
        scene,
        "What is the missing color of the part denoted with a question mark?",
        options_of(rng, answer, HUES),
        answer,
        talk(
            f"There are 6 colored polygons arranged in a triangle with color {rows[0]} in the top row, {rows[1]} in the "
            f"middle row, and {rows[2]} in the bottom row.",
            f"Six polygons form a triangle. Their colors from top to bottom are {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"The sides and colors are {pairs(cells[:1], hues[:1])} in the top row, {pairs(cells[1:3], hues[1:3])} in the "
            f"middle row, and {pairs(cells[3:], hues[3:])} in the bottom row, so the same number of sides has the same color.",
            f"Polygons with {first} sides are {hue_of[first]} and polygons with {second} sides are {hue_of[second]}. So "
            f"the pattern is that {pattern}.",
        ),
        talk(
            f"The missing part has {asked} sides, so its color should be {answer}.",
            f"The missing part has {asked} sides, so its color should be {answer}.",
        ),
    )


@kind("polygon_sides_number")
def polygon_sides_number(rng, style, talk):
    cells = rng.sample(range(3, 10), 6)
    gap = rng.randrange(6)
    asked = cells[gap]
    answer = str(asked)
    shown = [str(count) for count in cells]
    shown[gap] = "?"

    scene = Scene(style)
    points, radius = pyramid(rng, style)
    turn = 0.0 if style.plain else rng.choice([0.0, -math.pi / 2, rng.uniform(0, 2 * math.pi)])
    size = 50 if style.plain else radius * rng.uniform(0.7, 0.9)
    for count, value, (x, y) in zip(cells, shown, points):
        scene.polygon(regular_polygon(x, y, radius, count, turn), style.neutral, width=1.2)
        scene.text(x, y, value, size)
        scene.mark(x, y, shape=POLYGONS[count], text=value)

    rows = [listed(shown[:1]), listed(shown[1:3]), listed(shown[3:])]
    known = [count for count in cells if count != asked]
    return Draft(
        scene,
        "What is the missing number of the part denoted with a question mark?",
        options_of(rng, answer, numbers(3, 9)),
        answer,
        talk(
            f"There are 6 numbered polygons arranged in a triangle with number {rows[0]} in the top row, {rows[1]} in "
            f"the middle row, and {rows[2]} in the bottom row.",
            f"Six polygons form a triangle. Their numbers from top to bottom are {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"Each polygon contains the number of its sides: {listed(known)}.",
            f"Each polygon contains the number of its sides: {listed(known)}. So the pattern is that the number "
            "represents the number of sides.",
        ),
        talk(
            f"The polygon with the question mark has {asked} sides, so its number should be {answer}.",
            f"The polygon with the question mark has {asked} sides, so its number should be {answer}.",
        ),
    )


def outline(shape, steps=72, turn=0.0):
    """Distances from the middle to the edge of a shape in a circle of radius 1, all around."""
    if shape == "circle":
        return [1.0] * steps
    sides = SIDES[shape]
    sector = 2 * math.pi / sides
    angles = ((2 * math.pi * step / steps - turn) % sector for step in range(steps))
    return [math.cos(sector / 2) / math.cos(angle - sector / 2) for angle in angles]


@kind("shape_morph")
def shape_morph(rng, style, talk):
    start, end = rng.sample(SHAPES + ["circle"], 2)
    is_last_missing = rng.random() < 0.5
    answer = end if is_last_missing else start

    scene = Scene(style)
    step = 127 if style.plain else rng.uniform(112, 150)
    radius = 48 if style.plain else step * rng.uniform(0.33, 0.43)
    turn = 0.0 if style.plain else rng.choice([0.0, -math.pi / 2])
    # The corners of every outline are among the angles: 120 is a multiple of 3, 4, 5, 6 and 8.
    first, last = outline(start, 120, turn), outline(end, 120, turn)
    for row in range(3):
        for column in range(3):
            if (row, column) == (1, 1):
                continue
            x, y = 256 + (column - 1) * step, 256 + (row - 1) * step
            part = (row + column) / 4
            if part == (1 if is_last_missing else 0):
                scene.text(x, y, "?", 60 if style.plain else rng.uniform(48, 68))
                scene.mark(x, y, text="?")
                continue
            lengths = [radius * (one * (1 - part) + two * part) for one, two in zip(first, last)]
            angles = [2 * math.pi * index / 120 for index in range(120)]
            points = [
                (x + length * math.cos(angle), y + length * math.sin(angle)) for length, angle in zip(lengths, angles)
            ]
            scene.polygon(points, style.neutral)
            shape = start if part == 0 else end if part == 1 else "between"
            scene.mark(x, y, shape=shape)

    seen, where = (start, "bottom right") if is_last_missing else (end, "top left")
    top, bottom = (start, "?") if is_last_missing else ("?", end)
    names = [top if top == "?" else a(top), bottom if bottom == "?" else a(bottom)]
    names = [name if name != "?" else "a ?" for name in names]
    way = "top left to bottom right" if is_last_missing else "bottom right to top left"
    pattern = f"the shapes are morphing between {seen} and {answer} shapes"
    return Draft(
        scene,
        "What is the missing shape of the part denoted with a question mark?",
        options_of(rng, answer, SHAPES + ["circle"]),
        answer,
        talk(
            f"There are eight shapes arranged in a grid. The top left shape is {names[0]} and the bottom right shape is "
            f"{names[1]}. The other shapes do not appear to be regular shapes.",
            f"Eight shapes form a grid. The top left shape is {names[0]}, the bottom right shape is {names[1]}, and the "
            "shapes between them are not regular.",
        ),
        talk(
            f"From the {way}, {a(seen)} gradually turns into {a(answer)}.",
            f"From the {way}, {a(seen)} gradually turns into something like {a(answer)}. So the pattern is that "
            f"{pattern}.",
        ),
        talk(
            f"The missing shape at the {where} should be {a(answer)}.",
            f"As {pattern}, the shape at the {where} should be {a(answer)}.",
        ),
    )


@kind("shape_reflect")
def shape_reflect(rng, style, talk):
    shapes = rng.sample(SHAPES, 3)
    is_top_missing = rng.random() < 0.5
    gap = rng.randrange(3)
    answer = shapes[gap]

    scene = Scene(style)
    wide = 127 if style.plain else rng.uniform(110, 150)
    high = 86 if style.plain else rng.uniform(72, 110)
    radius = 50 if style.plain else min(wide / 2, high) * rng.uniform(0.62, 0.85)
    scene.line((256 - 1.5 * wide, 256), (256 + 1.5 * wide, 256))
    rows = [list(shapes), list(shapes)]
    rows[0 if is_top_missing else 1][gap] = "?"
    for row, sign in ((0, -1), (1, 1)):
        for column, shape in enumerate(rows[row]):
            x, y = 256 + (column - 1) * wide, 256 + sign * high
            if shape == "?":
                scene.dashed_circle(x, y, radius, style.background)
                scene.text(x, y, "?", 50 if style.plain else radius * rng.uniform(0.9, 1.15))
                scene.mark(x, y, shape="circle", text="?")
                continue
            # The top row stands on its base, the bottom row is its mirror image.
            corners = regular_polygon(x, y, radius, SIDES[shape], sign * (math.pi / 2 if shape != "square" else math.pi / 4))
            scene.polygon(corners, style.neutral, width=0.8)
            scene.mark(x, y, shape=shape)

    first, second = (shape for index, shape in enumerate(shapes) if index != gap)
    pattern = "each shape in the top part is reflected in the bottom part"
    return Draft(
        scene,
        "What is the missing shape denoted by a question mark?",
        options_of(rng, answer, SHAPES),
        answer,
        talk(
            f"There are six shapes in the image separated by a line. In the top part there are {listed(rows[0])}. In the "
            f"bottom part there are {listed(rows[1])}.",
            f"A line separates six shapes. Above it there are {listed(rows[0])}, and below it there are "
            f"{listed(rows[1])}.",
        ),
        talk(
            "Across the line from each other are "
            + joined([f"{top} and {bottom}" for top, bottom in zip(*rows)])
            + ", so each shape is reflected.",
            f"The {first} is reflected as {a(first)} and the {second} as {a(second)}. So the pattern is that {pattern}.",
        ),
        talk(
            f"The missing shape is reflected from {a(answer)}, so it should be {a(answer)}.",
            f"The missing shape is reflected from {a(answer)}, so it should be {a(answer)}.",
        ),
    )
