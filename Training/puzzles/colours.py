"""Puzzles about colours: patterns in a grid, in a hexagon, of mixing, of shades, of numbers with colours."""

import math

from .puzzle import Draft, a, joined, listed, numbers, options_of, pairs
from .registry import kind
from .scene import Scene, regular_polygon
from .style import HUES

MISSING_COLOUR = "What is the missing color of the part denoted with a question mark?"
MIXED = {
    frozenset(("blue", "yellow")): "green",
    frozenset(("blue", "red")): "purple",
    frozenset(("red", "yellow")): "orange",
}
# Sectors of a hexagon: the angle of their middle, anti-clockwise from the top.
SECTORS = [math.radians(angle) for angle in (270, 210, 150, 90, 30, 330)]


@kind("color_grid")
def color_grid(rng, style, talk):
    corner, side, centre = rng.sample(HUES, 3)
    hues = [corner, side, corner, side, centre, side, corner, side, corner]
    gap = rng.choice([0, 1, 2, 3, 5, 6, 7, 8])
    answer, hues[gap] = hues[gap], "?"

    scene = Scene(style)
    step = 127 if style.plain else rng.uniform(110, 150)
    radius = 50 if style.plain else step * rng.uniform(0.28, 0.46)
    for index, hue in enumerate(hues):
        x, y = 256 + (index % 3 - 1) * step, 256 + (index // 3 - 1) * step
        if hue == "?":
            scene.text(x, y, "?", 54 if style.plain else rng.uniform(44, 66))
            scene.mark(x, y, text="?")
        else:
            scene.circle(x, y, radius, style.fills[hue])
            scene.mark(x, y, shape="circle", hue=hue)

    rows = [listed(hues[start : start + 3]) for start in (0, 3, 6)]
    where = "at the corner" if gap in (0, 2, 6, 8) else "adjacent to the center"
    pattern = "the circles alternate in color depending on if they are at the corner or adjacent to the center"
    return Draft(
        scene,
        "What is the color of the missing part denoted with a question mark?",
        options_of(rng, answer, HUES),
        answer,
        talk(
            "There are circles with different colors arranged with a grid formation in the image. The colors in the "
            f"first row are {rows[0]}, the colors in the second row are {rows[1]}, and the colors in the third row are "
            f"{rows[2]}.",
            f"The image shows a grid of colored circles. Row by row, the colors are {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"The corners are {corner}, the parts adjacent to the center are {side}, and the center is {centre}.",
            f"The circles at the corners are {corner}, those next to the center are {side}, and the center is {centre}. "
            f"So the pattern is that {pattern}.",
        ),
        talk(
            f"The missing part is {where}, so it should be {answer}.",
            f"The missing part is {where}, so its color should be {answer}.",
        ),
    )


def hexagon_sectors(scene, radius):
    """Corners of the six triangles that make a hexagon, and points to write at; in the order of `SECTORS`."""
    corners = regular_polygon(256, 256, radius, 6)
    for middle in SECTORS:
        index = round(math.degrees(middle) - 30) // 60
        triangle = [(256, 256), corners[index], corners[(index + 1) % 6]]
        yield triangle, tuple(sum(axis) / 3 for axis in zip(*triangle))


@kind("color_hexagon")
def color_hexagon(rng, style, talk):
    hues = rng.sample(HUES, 3) * 2
    gap = rng.randrange(6)
    answer = hues[gap]
    shown = list(hues)
    shown[gap] = "?"

    scene = Scene(style)
    radius = 168 if style.plain else rng.uniform(150, 235)
    size = 50 if style.plain else radius * rng.uniform(0.25, 0.36)
    for hue, (triangle, (x, y)) in zip(shown, hexagon_sectors(scene, radius)):
        scene.polygon(triangle, style.blank if hue == "?" else style.fills[hue], width=1.4)
        if hue == "?":
            scene.text(x, y, "?", size)
            scene.mark(x, y, shape="sector", text="?")
        else:
            scene.mark(x, y, shape="sector", hue=hue)

    first, second = dict.fromkeys(hue for hue in hues if hue != answer)
    return Draft(
        scene,
        MISSING_COLOUR,
        options_of(rng, answer, HUES),
        answer,
        talk(
            f"There is a hexagon split into six parts with the colors {listed(shown)} in an anti-clockwise order.",
            f"A hexagon is split into six parts. From the top, anti-clockwise, they have the colors {listed(shown)}.",
        ),
        talk(
            "Opposite parts are "
            + joined([f"{one} and {other}" for one, other in zip(shown[:3], shown[3:])])
            + ", so they have the same color.",
            f"The {first} parts are opposite each other, and so are the {second} parts. The pattern is that opposite "
            "parts have the same color.",
        ),
        talk(
            f"The missing part is opposite {a(answer)} part, so it should be {answer}.",
            f"The missing part is opposite {a(answer)} part, so it should be {answer}.",
        ),
    )


@kind("color_number_hexagon")
def color_number_hexagon(rng, style, talk):
    total = rng.randint(7, 14)
    ways = [(x, total - x) for x in range(1, 10) if 1 <= total - x <= 9]
    hues = rng.sample(HUES, 3) * 2
    rng.shuffle(hues)
    values = [None] * 6
    for hue, pair in zip(sorted(set(hues)), [rng.choice(ways) for _ in range(3)]):
        for index, value in zip([place for place in range(6) if hues[place] == hue], pair):
            values[index] = str(value)
    gap = rng.randrange(6)
    answer, values[gap] = values[gap], "?"

    scene = Scene(style)
    radius = 168 if style.plain else rng.uniform(150, 235)
    size = 54 if style.plain else radius * rng.uniform(0.27, 0.36)
    for hue, value, (triangle, (x, y)) in zip(hues, values, hexagon_sectors(scene, radius)):
        scene.polygon(triangle, style.tints[hue], width=1.4)
        scene.text(x, y, value, size)
        scene.mark(x, y, shape="sector", hue=hue, text=value)

    first, second = dict.fromkeys(hue for hue in hues if hue != hues[gap])
    of = {hue: [value for place, value in enumerate(values) if hues[place] == hue and place != gap] for hue in hues}
    known = of[hues[gap]][0]
    pattern = f"the numbers in the parts of the same color add up to {total}"
    return Draft(
        scene,
        "What is the missing number of the part denoted with a question mark?",
        options_of(rng, answer, numbers(0, 9)),
        answer,
        talk(
            f"There is a hexagon split into six parts. In an anti-clockwise order, their colors and numbers are "
            f"{pairs(hues, values)}.",
            f"A hexagon is split into six parts. From the top, anti-clockwise, they have the colors {listed(hues)} and "
            f"the numbers {listed(values)}.",
        ),
        talk(
            f"The {first} parts add up to {of[first][0]} + {of[first][1]} = {total}, and the {second} parts add up to "
            f"{of[second][0]} + {of[second][1]} = {total}.",
            f"The numbers in the {first} parts and those in the {second} parts both add up to {total}. The pattern is "
            f"that {pattern}.",
        ),
        talk(
            f"The {hues[gap]} parts should add up to {total} too, and {total} - {known} = {answer}, so the missing number "
            f"should be {answer}.",
            f"The {hues[gap]} parts have to add up to {total}, so the missing number is {answer}.",
        ),
    )


@kind("color_overlap_squares")
def color_overlap_squares(rng, style, talk):
    hues = rng.sample(["blue", "red", "yellow"], 3)
    if rng.random() < 0.15:
        hues[2] = hues[0]
    mixes = [MIXED[frozenset(hues[:2])], MIXED[frozenset(hues[1:])]]
    gap = rng.choice([0, 2])
    answer = hues[gap]
    shown = list(hues)
    shown[gap] = "?"

    scene = Scene(style)
    half = 89 if style.plain else rng.uniform(75, 92)
    reach = 1.0 if style.plain else rng.uniform(1.0, 1.15)
    mirrored = not style.plain and rng.random() < 0.3
    # Two squares stand on a corner, below left and above right of the middle one (or mirrored, but always the first
    # one on the left); each covers one of its corners with the half that a diagonal line cuts off.
    tilt = half * math.sqrt(2)

    def at(x, y):
        return (256 + x * half, 256 + (y if mirrored else -y) * half)

    fills = [style.blank if hue == "?" else style.fills[hue] for hue in shown]
    centre = [at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)]
    ends = {}
    for index, sign in ((0, -1), (2, 1)):
        x, y = at(sign * reach, sign * reach)
        square = [(x + tilt, y), (x, y + tilt), (x - tilt, y), (x, y - tilt)]
        ends[index] = (x, y)
        scene.polygon(square, fills[index])
    scene.polygon(centre, fills[1])
    for index, sign in ((0, -1), (2, 1)):
        # The tilted square's edge runs along x + y = ±(2 reach - √2); it cuts two sides of the middle one.
        cut = 2 * reach - math.sqrt(2) - 1
        corner = [at(sign, sign), at(sign, sign * cut), at(sign * cut, sign)]
        scene.polygon(corner, style.fills[mixes[0 if index == 0 else 1]])
        x, y = (sum(axis) / 3 for axis in zip(*corner))
        scene.mark(x, y, hue=mixes[0 if index == 0 else 1])
    middle = at(0, 0)
    scene.mark(*middle, shape="square", hue=hues[1])
    for index, sign in ((0, -1), (2, 1)):
        x, y = at(sign * (reach + 0.42), sign * (reach + 0.42))
        if index == gap:
            scene.text(x, y, "?", 54 if style.plain else rng.uniform(46, 64))
            scene.mark(x, y, shape="square", text="?")
        else:
            scene.mark(x, y, shape="square", hue=hues[index])

    known = hues[:2] if gap == 2 else hues[1:]
    mix, other = (mixes[0], mixes[1]) if gap == 2 else (mixes[1], mixes[0])
    pattern = "the color of the part where two squares overlap is determined by mixing the two colors"
    return Draft(
        scene,
        MISSING_COLOUR,
        options_of(rng, answer, HUES),
        answer,
        talk(
            f"There are 3 squares which overlap each other in the image. The color of the squares are {listed(shown)}. "
            f"The part where the first and second squares overlap is {mixes[0]}. The part where the second and third "
            f"squares overlap is {mixes[1]}.",
            f"Three squares overlap in the image. Their colors are {listed(shown)}, and the overlapping parts are "
            f"{mixes[0]} and {mixes[1]}.",
        ),
        talk(
            f"The colors {known[0]} and {known[1]} mix to {mix}, and the overlapping parts show mixed colors.",
            f"Where the {known[0]} and {known[1]} squares overlap, the color is {mix}. So the pattern is that {pattern}.",
        ),
        talk(
            f"The missing color mixes with {hues[1]} to {other}, so it should be {answer}.",
            f"The missing square mixes with {hues[1]} to form {other}, so it should be {answer}.",
        ),
    )


@kind("color_size_circle")
def color_size_circle(rng, style, talk):
    hue = rng.choice(HUES)
    is_lighter_inside = rng.random() < 0.5
    strong, soft = ("dark", "light") if is_lighter_inside else ("light", "dark")
    answer = f"{soft} {hue}"
    names = ["?", f"medium {hue}", f"{strong} {hue}", f"very {strong} {hue}"]
    shades = [None, 1, 2, 3] if is_lighter_inside else [None, 2, 1, 0]
    sizes = ["small", "medium", "large", "extra large"]

    scene = Scene(style)
    radii = [50, 101, 152, 203]
    if not style.plain:
        step = rng.uniform(38, 58)
        core = rng.uniform(36, 56)
        radii = [core + index * step for index in range(4)]
    for radius, shade, inner, size in list(zip(radii, shades, [0] + radii, sizes))[::-1]:
        scene.circle(256, 256, radius, style.blank if shade is None else style.shades[hue][shade], width=1.2)
        if shade is not None:
            middle = (radius + inner) / 2
            for x, y in ((middle, 0), (-middle, 0), (0, middle), (0, -middle)):
                scene.mark(256 + x, 256 + y, hue=hue, shade=shade, size=size)
    scene.text(256, 256, "?", 54 if style.plain else rng.uniform(40, 60))
    scene.mark(256, 256, shape="circle", size="small", text="?")

    trend = "lighter" if is_lighter_inside else "darker"
    pattern = f"the circles become {trend} as they become smaller"
    twin = f"{strong} {hue}"
    others = [f"{shade} {other}" for shade in ("light", "dark") for other in HUES if other != hue]
    options = [answer, twin] + rng.sample(others, 2)
    rng.shuffle(options)
    return Draft(
        scene,
        MISSING_COLOUR,
        options,
        answer,
        talk(
            f"There are circles of various sizes and colors in the image. The circles are {listed(sizes)} size, and "
            f"their colors are {listed(names)}.",
            f"The image shows circles inside each other. From the inside, their sizes are {listed(sizes)} and their "
            f"colors are {listed(names)}.",
        ),
        talk(
            f"From the largest circle to the smallest, the colors are {joined(names[:0:-1])}, so the circles become {trend}.",
            f"From the largest circle inwards, the colors are {joined(names[:0:-1])}. So the pattern is that {pattern}.",
        ),
        talk(
            f"The smallest circle should be {answer}.",
            f"As {pattern}, the smallest circle should be {answer}.",
        ),
    )


@kind("grid_number_color")
def grid_number_color(rng, style, talk):
    digits = rng.sample(range(1, 10), 4)
    hue_of = dict(zip(digits, rng.sample(HUES, 4)))
    asked = rng.choice(digits)
    cells = digits * 2 + [asked]
    rng.shuffle(cells)
    gap = rng.choice([index for index, digit in enumerate(cells) if digit == asked])
    answer = hue_of[asked]

    scene = Scene(style)
    cell = 151 if style.plain else rng.uniform(110, 155)
    space = 0 if style.plain else rng.choice([0, 1, rng.uniform(0, 14)])
    corner = 20 if style.plain else rng.uniform(0, 30)
    size = 54 if style.plain else cell * rng.uniform(0.34, 0.56)
    hues = []
    for index, digit in enumerate(cells):
        x, y = 256 + (index % 3 - 1) * (cell + space), 256 + (index // 3 - 1) * (cell + space)
        half = cell / 2
        hues.append("?" if index == gap else hue_of[digit])
        fill = style.blank if index == gap else style.fills[hue_of[digit]]
        scene.rectangle(x - half, y - half, x + half, y + half, corner, fill)
        scene.text(x, y, "?" if index == gap else str(digit), size)
        if index == gap:
            scene.mark(x, y, shape="square", text="?")
        else:
            scene.mark(x, y, shape="square", hue=hue_of[digit], text=str(digit))

    rows = [pairs(cells[start : start + 3], hues[start : start + 3]) for start in (0, 3, 6)]
    order = [next(digit for digit in cells if digit != asked), asked]
    pattern = "the grid cell with the same number will have the same color"
    return Draft(
        scene,
        f"What is the missing color if the part denoted with the question mark has the number {asked}?",
        options_of(rng, answer, HUES),
        answer,
        talk(
            f"There is a 3x3 colored grid of numbers. The first row has number-color pair {rows[0]}, the second row is "
            f"{rows[1]}, and the third and final row is {rows[2]}.",
            f"The image shows a 3x3 grid with numbers and colors: {rows[0]}, {rows[1]} and {rows[2]}.",
        ),
        talk(
            f"Parts with the same number have the same color, as those with {order[0]} are {hue_of[order[0]]}.",
            "Cells with "
            + joined([f"number {digit} are {hue_of[digit]}" for digit in order])
            + f". So the pattern is that {pattern}.",
        ),
        talk(
            f"The other parts with {asked} are {answer}, so the missing color should be {answer}.",
            f"Cells with the number {asked} are {answer}, so the missing color is {answer}.",
        ),
    )
