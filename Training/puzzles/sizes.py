"""Puzzles about sizes: circles in a grid and in a spiral, shapes in a grid and around a centre, rectangles."""

import math

from .puzzle import ORDINALS, SIDES, Draft, a, joined, listed, numbers, options_of, pairs, plural
from .registry import kind
from .scene import Scene, regular_polygon
from .shapes import SHAPES
from .style import HUES

SIZES = ["small", "medium", "large"]
LENGTHS = ["short", "medium", "long"]


def radii(rng, style, plain, smallest, largest):
    """A radius for each size, far enough from each other to be told apart."""
    if style.plain:
        return dict(zip(SIZES, plain))
    small, large = rng.uniform(*smallest), rng.uniform(*largest)
    part = rng.uniform(0.38, 0.58)
    return dict(zip(SIZES, (small, small ** (1 - part) * large**part, large)))


@kind("size_grid")
def size_grid(rng, style, talk):
    corner, side, centre = rng.sample(SIZES, 3)
    sizes = [corner, side, corner, side, centre, side, corner, side, corner]
    gap = rng.choice([0, 1, 2, 3, 5, 6, 7, 8])
    answer, sizes[gap] = sizes[gap], "?"

    scene = Scene(style)
    step = 127 if style.plain else rng.uniform(115, 150)
    radius = radii(rng, style, (16, 25, 50), (12, 18), (46, 56))
    for index, size in enumerate(sizes):
        x, y = 256 + (index % 3 - 1) * step, 256 + (index // 3 - 1) * step
        if size == "?":
            scene.text(x, y, "?", 52 if style.plain else rng.uniform(44, 64))
            scene.mark(x, y, text="?")
        else:
            scene.circle(x, y, radius[size], style.neutral)
            scene.mark(x, y, shape="circle", size=size)

    rows = [listed(sizes[start : start + 3]) for start in (0, 3, 6)]
    where = "at the corner" if gap in (0, 2, 6, 8) else "adjacent to the center"
    pattern = "the circles alternate in size depending on if they are at the corner or adjacent to the center"
    return Draft(
        scene,
        "What is the size of the missing part denoted with a question mark?",
        options_of(rng, answer, SIZES),
        answer,
        talk(
            "There are circles arranged in a grid formation with varying sizes in the image. The sizes in the first row "
            f"are {rows[0]}, the sizes in the second row are {rows[1]}, and the sizes in the third row are {rows[2]}.",
            f"The image shows a grid of circles. Row by row, the sizes are {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"The corners are {corner}, the parts adjacent to the center are {side}, and the center is {centre}.",
            f"The circles at the corners are {corner}, those next to the center are {side}, and the center is {centre}. "
            f"So the pattern is that {pattern}.",
        ),
        talk(
            f"The missing part is {where}, so it should be {answer}.",
            f"The missing part is {where}, so its size should be {answer}.",
        ),
    )


@kind("size_cycle")
def size_cycle(rng, style, talk):
    gap_arm, gap_place = rng.randrange(3), rng.randrange(3)
    answer = SIZES[gap_place]

    scene = Scene(style)
    radius = radii(rng, style, (25, 37, 50), (17, 25), (46, 56))
    reach = [58, 120, 205] if style.plain else [rng.uniform(52, 68), rng.uniform(112, 135), rng.uniform(195, 220)]
    bend = 0.38 if style.plain else rng.choice([-1, 1]) * rng.uniform(0.1, 0.5)
    # The first arm begins next after twelve o'clock, the others follow clockwise.
    start = -math.pi / 2 + rng.uniform(0.15, 2 * math.pi / 3 - 0.15)
    arms = [list(SIZES) for _ in range(3)]
    arms[gap_arm][gap_place] = "?"
    for arm, sizes in enumerate(arms):
        for place, size in enumerate(sizes):
            angle = start + arm * 2 * math.pi / 3 + place * bend
            x, y = 256 + reach[place] * math.cos(angle), 256 + reach[place] * math.sin(angle)
            if size == "?":
                scene.text(x, y, "?", 52 if style.plain else rng.uniform(44, 62))
                scene.mark(x, y, text="?")
            else:
                scene.circle(x, y, radius[size], style.neutral)
                scene.mark(x, y, shape="circle", size=size)

    places = ["closest to center", "neither closest nor farthest from center", "farthest from center"]
    pattern = "the circles in each arm get bigger as they progress away from the center of the spiral"
    return Draft(
        scene,
        "What is the size of the missing circle denoted with a question mark?",
        options_of(rng, answer, SIZES),
        answer,
        talk(
            "There are circles arranged in a spiral with three arms. The first arm has circles of sizes "
            f"{listed(arms[0])}, the second arm has circles of sizes {listed(arms[1])}, and the third arm has circles of "
            f"sizes {listed(arms[2])}.",
            f"The image shows a spiral of circles. Clockwise, its arms have the sizes {listed(arms[0])}, "
            f"{listed(arms[1])} and {listed(arms[2])}.",
        ),
        talk(
            "The sizes in each arm are small, medium and large.",
            f"In each arm the sizes are small, medium and large. So the pattern is that {pattern}.",
        ),
        talk(
            f"The missing part is {places[gap_place]}, so it should be {answer}.",
            f"The missing part is {places[gap_place]}, so its size should be {answer}.",
        ),
    )


def upright(scene, x, y, radius, shape, fill, width):
    """A polygon that stands on its base."""
    sides = SIDES[shape]
    turn = math.pi / 4 if shape == "square" else 0.0 if shape == "hexagon" else -math.pi / 2
    scene.polygon(regular_polygon(x, y, radius, sides, turn), fill, width=width)


@kind("shape_size_grid")
def shape_size_grid(rng, style, talk):
    shapes = rng.sample(SHAPES, 3)
    sizes = SIZES if rng.random() < 0.6 else SIZES[::-1]
    is_shape_by_row = rng.random() < 0.6
    gap = rng.randrange(9)

    scene = Scene(style)
    step = 127 if style.plain else rng.uniform(118, 145)
    radius = radii(rng, style, (23, 45, 64), (16, 23), (54, 64))
    names = []
    for index in range(9):
        row, column = divmod(index, 3)
        shape, size = (shapes[row], sizes[column]) if is_shape_by_row else (shapes[column], sizes[row])
        x, y = 256 + (column - 1) * step, 256 + (row - 1) * step
        if index == gap:
            missing, answer = shape, size
            names.append("?")
            scene.text(x, y, "?", 56 if style.plain else rng.uniform(46, 64))
            scene.mark(x, y, text="?")
        else:
            names.append(f"{size} {shape}")
            upright(scene, x, y, radius[size], shape, style.neutral, 1.7)
            scene.mark(x, y, shape=shape, size=size)

    rows = [listed(names[start : start + 3]) for start in (0, 3, 6)]
    by_shape, by_size = ("row", "column") if is_shape_by_row else ("column", "row")
    pattern = (
        f"the shapes within each {by_shape} are the same, while each {by_size} progresses the size of the shapes"
    )
    return Draft(
        scene,
        "What is the size of the missing part denoted by a question mark?",
        options_of(rng, answer, SIZES),
        answer,
        talk(
            "There are 9 shapes arranged in a grid with different sizes in the image, of which there is 1 missing shape. "
            f"The first row is {rows[0]}, the second row is {rows[1]}, and the third row is {rows[2]}.",
            f"The image shows a grid of shapes, one of them missing. The rows are {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"The {by_shape}s are {joined([plural(shape) for shape in shapes])}, and the {by_size}s are {joined(sizes)}.",
            f"The {by_shape}s contain {joined([plural(shape) for shape in shapes])}, and the {by_size}s contain "
            f"{joined([f'{size} shapes' for size in sizes])}. So the pattern is that {pattern}.",
        ),
        talk(
            f"The part missing in the {ORDINALS[gap // 3]} row and the {ORDINALS[gap % 3]} column is {a(missing)}, and its size "
            f"should be {answer}.",
            f"As {pattern}, the missing {missing} should be {answer}.",
        ),
    )


@kind("shape_size_hexagon")
def shape_size_hexagon(rng, style, talk):
    shapes = rng.sample(SHAPES, 3)
    size_of = dict(zip(shapes, rng.sample(SIZES, 3)))
    missing = rng.choice(shapes)
    answer = size_of[missing]

    scene = Scene(style)
    ring = 169 if style.plain else rng.uniform(155, 180)
    radius = radii(rng, style, (23, 48, 74), (16, 24), (62, 76))
    turn = 0.0 if style.plain else rng.uniform(-0.2, 0.2)
    around = shapes * 2
    for index, shape in enumerate(around):
        angle = turn + index * math.pi / 3
        x, y = 256 + ring * math.cos(angle), 256 + ring * math.sin(angle)
        upright(scene, x, y, radius[size_of[shape]], shape, style.neutral, 1.7)
        scene.mark(x, y, shape=shape, size=size_of[shape])
    scene.text(256, 256, "?", 84 if style.plain else rng.uniform(54, 90))
    scene.mark(256, 256, text="?")

    sizes = [size_of[shape] for shape in around]
    # In another order than the caption's: then each has to be looked up.
    names = sorted(shapes)
    pattern = "each shape appears with a distinct size"
    return Draft(
        scene,
        f"What is the size of the missing shape denoted with a question mark if it is a {missing}?",
        options_of(rng, answer, SIZES),
        answer,
        talk(
            "There are 7 shapes with different sizes in the image, of which there is a missing "
            f"{missing} in the center. The other shapes are arranged around the center in clockwise order. With their "
            f"sizes they are {pairs(around, sizes)}.",
            f"Six shapes surround a missing {missing}. Clockwise they are {listed(around)} with the sizes "
            f"{listed(sizes)}.",
        ),
        talk(
            f"By name they are {pairs(names, [size_of[name] for name in names])}, so {pattern}.",
            "All "
            + joined([f"{plural(shape)} are {size_of[shape]}" for shape in shapes])
            + f". So the pattern is that {pattern}.",
        ),
        talk(
            f"As {missing} {answer} says, the missing {missing} should be {answer}.",
            f"The other {plural(missing)} are {answer}, so the missing {missing} should be {answer}.",
        ),
    )


def rectangles(rng, style):
    """Seven lengths, three of them twice and one three times, and the place of the missing one."""
    lengths = LENGTHS * 2
    rng.shuffle(lengths)
    lengths.append(rng.choice(LENGTHS))
    gap = 6
    if rng.random() < 0.3:
        gap = rng.randrange(7)
        lengths.insert(gap, lengths.pop())
    return lengths, gap


def draw_rectangles(rng, style, scene, lengths, look):
    """Draws rectangles side by side; `look` gives a place's fill, text and what is to be read there."""
    width = 63 if style.plain else rng.uniform(50, 64)
    space = 1 if style.plain else rng.choice([0, rng.uniform(0, 8)])
    half = [62, 127, 190] if style.plain else [rng.uniform(45, 66), rng.uniform(110, 136), rng.uniform(180, 215)]
    corner = width * (0.42 if style.plain else rng.uniform(0, 0.45))
    size = 50 if style.plain else width * rng.uniform(0.6, 0.8)
    for place, length in enumerate(lengths):
        x = 256 + (place - 3) * (width + space)
        high = half[LENGTHS.index(length)]
        fill, text, reads = look(place)
        scene.rectangle(x - width / 2, 256 - high, x + width / 2, 256 + high, corner, fill)
        if text:
            scene.text(x, 256, text, size)
        scene.mark(x, 256, shape="rectangle", size=SIZES[LENGTHS.index(length)], **reads)


@kind("rectangle_height_color")
def rectangle_height_color(rng, style, talk):
    lengths, gap = rectangles(rng, style)
    hue_of = dict(zip(LENGTHS, rng.sample(HUES, 3)))
    asked = lengths[gap]
    answer = hue_of[asked]
    hues = [hue_of[length] for length in lengths]
    hues[gap] = "?"

    def look(place):
        if place == gap:
            return style.blank, "?", {"text": "?"}
        return style.fills[hues[place]], None, {"hue": hues[place]}

    scene = Scene(style)
    draw_rectangles(rng, style, scene, lengths, look)
    first, second = (length for length in dict.fromkeys(lengths) if length != asked)
    pattern = "the color of each rectangle corresponds to its length"
    return Draft(
        scene,
        "What is the missing color of the part denoted with a question mark?",
        options_of(rng, answer, HUES),
        answer,
        talk(
            "There are 7 rectangles in the image with varying colors and lengths. The lengths and colors from left to "
            f"right are {pairs(lengths, hues)}.",
            f"Seven rectangles stand side by side. From left to right, their lengths are {listed(lengths)} and their "
            f"colors are {listed(hues)}.",
        ),
        talk(
            "The "
            + joined([f"{length} rectangles are {hue_of[length]}" for length in LENGTHS])
            + ".",
            f"The {first} rectangles are {hue_of[first]} and the {second} rectangles are {hue_of[second]}. So the pattern "
            f"is that {pattern}.",
        ),
        talk(
            f"The part with the question mark is {asked}, so its color should be {answer}.",
            f"The part with the question mark is {asked}, so its color should be {answer}.",
        ),
    )


@kind("rectangle_height_number")
def rectangle_height_number(rng, style, talk):
    lengths, gap = rectangles(rng, style)
    values = [str(LENGTHS.index(length) + 1) for length in lengths]
    answer, values[gap] = values[gap], "?"

    scene = Scene(style)
    draw_rectangles(rng, style, scene, lengths, lambda place: (style.neutral, values[place], {"text": values[place]}))
    pattern = "the number in each rectangle corresponds to its length"
    return Draft(
        scene,
        "What is the missing number of the part denoted with a question mark?",
        options_of(rng, answer, numbers(1, 4)),
        answer,
        talk(
            "There are 7 rectangles in the image with varying lengths and numbers inside them. The numbers and lengths "
            f"from left to right are {pairs(values, lengths)}.",
            f"Seven rectangles stand side by side. From left to right, their numbers are {listed(values)} and their "
            f"lengths are {listed(lengths)}.",
        ),
        talk(
            "The short rectangles are 1, the medium rectangles are 2, and the long rectangles are 3.",
            f"Short rectangles have a 1, medium ones a 2 and long ones a 3. So the pattern is that {pattern}.",
        ),
        talk(
            f"The rectangle with the question mark is {lengths[gap]}, so its number should be {answer}.",
            f"The rectangle with the question mark is {lengths[gap]}, so its number should be {answer}.",
        ),
    )
