"""Puzzles about numbers: sums in rows, products in triangles, sums where circles overlap, numbers that grow with size."""

import math

from .puzzle import Draft, joined, listed, numbers, options_of
from .registry import kind
from .scene import Scene

MISSING_NUMBER = "What is the missing number of the part denoted with a question mark?"


@kind("grid_number")
def grid_number(rng, style, talk):
    total = rng.randint(9, 21)
    ways = [(x, y, total - x - y) for x in range(1, 10) for y in range(1, 10) if 1 <= total - x - y <= 9]
    rows = [list(map(str, way)) for way in rng.sample(ways, 3)]
    gap_row, gap_column = rng.randrange(3), rng.randrange(3)
    answer = rows[gap_row][gap_column]
    rows[gap_row][gap_column] = "?"

    scene = Scene(style)
    cell = 126 if style.plain else rng.uniform(96, 140)
    space = 1 if style.plain else rng.choice([0, 2, rng.uniform(0, 24)])
    corner = 24 if style.plain else rng.uniform(0, 40)
    size = 66 if style.plain else cell * rng.uniform(0.4, 0.62)
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            x, y = 256 + (column - 1) * (cell + space), 256 + (row - 1) * (cell + space)
            half = cell / 2
            scene.rectangle(x - half, y - half, x + half, y + half, corner, style.neutral)
            scene.text(x, y, value, size)
            scene.mark(x, y, shape="square", text=value)

    whole = [values for row, values in enumerate(rows) if row != gap_row]
    known = [value for value in rows[gap_row] if value != "?"]
    part = int(known[0]) + int(known[1])
    pattern = "the numbers in each row add up to the same value"
    return Draft(
        scene,
        MISSING_NUMBER,
        options_of(rng, answer, numbers(1, 9)),
        answer,
        talk(
            f"There is a 3x3 grid of numbers. The first row is {listed(rows[0])}. The second row is {listed(rows[1])}. "
            f"The third and last row is {listed(rows[2])}.",
            f"The image shows a 3x3 grid of numbers with the rows {listed(rows[0])}, {listed(rows[1])} and "
            f"{listed(rows[2])}.",
        ),
        talk(
            f"The rows add up to {summed(whole[0])} and {summed(whole[1])}.",
            f"Both {listed(whole[0])} and {listed(whole[1])} sum to {total}. The pattern is that {pattern}.",
        ),
        talk(
            f"The row {listed(rows[gap_row])} should add up to {total} too. As {known[0]} + {known[1]} = {part} and {total} - "
            f"{part} = {answer}, the missing number should be {answer}.",
            f"As {pattern}, the row {listed(rows[gap_row])} has to sum to {total}, so the missing number is {answer}.",
        ),
    )


def summed(values):
    """The sum of three numbers, one after the other."""
    first, second, third = map(int, values)
    return f"{first} + {second} + {third} = {first + second} + {third} = {first + second + third}"


@kind("triangle")
def triangle(rng, style, talk):
    groups = []
    while len(groups) < 3:
        x, y = rng.randint(1, 9), rng.randint(1, 9)
        if [str(x), str(y), str(x * y)] not in groups:
            groups.append([str(x), str(y), str(x * y)])
    gap = rng.randrange(3)
    place = rng.randrange(3)
    answer = groups[gap][place]
    groups[gap][place] = "?"

    scene = Scene(style)
    radius = 32 if style.plain else rng.uniform(28, 40)
    rise = 46 if style.plain else rng.uniform(44, 58)
    reach = 76 if style.plain else rng.uniform(72, 96)
    size = 36 if style.plain else radius * rng.uniform(1.0, 1.2)
    drift = 0 if style.plain else rng.uniform(-10, 20)
    for values, (x, y) in zip(groups, [(164, 146 - drift), (164, 366 + drift), (354 + drift, 256)]):
        spots = [(x, y - rise), (x, y + rise), (x + reach, y)]
        for index in range(3):
            scene.line(spots[index - 1], spots[index])
        for value, (left, top) in zip(values, spots):
            scene.circle(left, top, radius, style.neutral)
            scene.text(left, top, value, size)
            scene.mark(left, top, shape="circle", text=value)

    whole = [values for index, values in enumerate(groups) if index != gap]
    pattern = "the rightmost number in each group is the product of the other two numbers"
    others = numbers(0, 9) if place < 2 else numbers(10, 81) if int(answer) > 9 else numbers(1, 9)
    first, second = whole
    known, sign = ([value for value in groups[gap] if value != "?"][::-1], "/") if place < 2 else (groups[gap], "*")
    return Draft(
        scene,
        MISSING_NUMBER,
        options_of(rng, answer, others),
        answer,
        talk(
            "There are three groups of numbers with a triangle arrangement in the image. The first group is "
            f"{listed(groups[0])}, the second group is {listed(groups[1])}, and the third group is {listed(groups[2])}.",
            f"The image shows numbers in three triangles: {listed(groups[0])}, {listed(groups[1])} and "
            f"{listed(groups[2])}.",
        ),
        talk(
            f"The groups show that {first[0]} * {first[1]} = {first[2]} and {second[0]} * {second[1]} = {second[2]}.",
            f"We see that {first[0]} times {first[1]} is {first[2]}, and {second[0]} times {second[1]} is {second[2]}. "
            f"So the pattern is that {pattern}.",
        ),
        talk(
            f"In the group {listed(groups[gap])}, {known[0]} {sign} {known[1]} = {answer}, so the missing number should be "
            f"{answer}.",
            f"As {pattern}, the number that is missing in {listed(groups[gap])} is {answer}.",
        ),
    )


@kind("venn")
def venn(rng, style, talk):
    circles = [rng.randint(1, 9) for _ in range(3)]
    sums = [circles[0] + circles[1], circles[1] + circles[2]]
    gap = rng.choice([0, 2])
    answer = str(circles[gap])
    shown = [str(value) for value in circles]
    shown[gap] = "?"

    scene = Scene(style)
    radius = 92 if style.plain else rng.uniform(84, 104)
    step = 118 if style.plain else radius * rng.uniform(1.2, 1.45)
    size = 33 if style.plain else rng.uniform(32, 42)
    centres = [256 + (index - 1) * step for index in range(3)]
    for x in centres:
        scene.circle(x, 256, radius, style.neutral)
    for x in centres:
        scene.ring(x, 256, radius)
    # Numbers stand in the middle of what does not overlap.
    outer = step / 2
    places = [centres[0] - radius + outer, centres[1], centres[2] + radius - outer]
    for x, value in zip(places, shown):
        scene.text(x, 256, value, size)
        scene.mark(x, 256, shape="circle", text=value)
    for x, value in zip([256 - step / 2, 256 + step / 2], map(str, sums)):
        scene.text(x, 256, value, size)
        scene.mark(x, 256, text=value)

    known = [0, 1] if gap == 2 else [1, 2]
    x, y = (circles[index] for index in known)
    overlap, other = (sums[0], sums[1]) if gap == 2 else (sums[1], sums[0])
    pattern = "the numbers in the overlapping parts are the sum of the numbers in the corresponding circles"
    return Draft(
        scene,
        MISSING_NUMBER,
        options_of(rng, answer, numbers(0, 9)),
        answer,
        talk(
            f"There are 3 overlapping circles containing the numbers {listed(shown)}. The overlapping part between the "
            f"first and second circle contains the number {sums[0]}. The overlapping part between the second and third "
            f"circle contains the number {sums[1]}.",
            f"Three circles overlap in the image. They contain the numbers {listed(shown)}, and the overlapping parts "
            f"contain {sums[0]} and {sums[1]}.",
        ),
        talk(
            f"The circles with {x} and {y} overlap in {overlap}, and {x} + {y} = {overlap}.",
            f"The circles with {x} and {y} overlap in a part with {overlap}, and {x} + {y} = {overlap}. So the pattern "
            f"is that {pattern}.",
        ),
        talk(
            f"The missing number and {circles[1]} add up to {other}, and {other} - {circles[1]} = {answer}, so it should be "
            f"{answer}.",
            f"As {pattern}, the missing number is {other} - {circles[1]} = {answer}.",
        ),
    )


@kind("circle_size_number")
def circle_size_number(rng, style, talk):
    values = rng.sample(range(1, 7), 3) * 2
    rng.shuffle(values)
    gap = rng.randrange(6)
    answer = str(values[gap])
    size_of = dict(zip(sorted(set(values)), ("small", "medium", "large")))
    shown = [str(value) for value in values]
    shown[gap] = "?"

    scene = Scene(style)
    ring = 148 if style.plain else rng.uniform(140, 165)
    turn = 0.0 if style.plain else rng.uniform(-0.2, 0.2)
    least = 48 if style.plain else rng.uniform(38, 50)
    growth = 5 if style.plain else rng.uniform(4.5, 6.5)
    size = 54 if style.plain else rng.uniform(44, 62)
    fill = style.blank if style.plain else rng.choice([style.blank, style.neutral])
    for index, value in enumerate(values):
        angle = turn + index * math.pi / 3
        x, y = 256 + ring * math.cos(angle), 256 + ring * math.sin(angle)
        scene.circle(x, y, least + growth * value, fill, width=0.6)
        scene.text(x, y, shown[index], size)
        scene.mark(x, y, shape="circle", size=size_of[value], text=shown[index])

    # What is there once is the other of the pair that is asked for; so the caption is enough for all that follows.
    times = [f"{value} {'once' if value == values[gap] else 'twice'}" for value in size_of]
    pattern = "the larger the number the larger the circle"
    return Draft(
        scene,
        MISSING_NUMBER,
        options_of(rng, answer, numbers(1, 6)),
        answer,
        talk(
            f"There are 6 numbered circles with varying sizes arranged in a ring with number {listed(shown)} in a "
            "clockwise order.",
            f"Six circles of different sizes form a ring. Clockwise they have the numbers {listed(shown)}.",
        ),
        talk(
            f"There are {joined(times)}, so {pattern}.",
            f"The biggest circle has the number {max(values)} and the smallest circle has the number {min(values)}. So "
            f"the pattern is that {pattern}.",
        ),
        talk(
            f"The missing number belongs to a {size_of[int(answer)]} circle, so it should be {answer}.",
            f"As {pattern}, the circle with the question mark should have the number {answer}.",
        ),
    )


