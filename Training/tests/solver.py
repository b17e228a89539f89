"""Solves puzzles from what is to be seen: the marks of a scene and the question, nothing else of the generator.

Each function returns the answer and the lists that the caption has to show.
"""

import math
import re

SIDES = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6, "heptagon": 7, "octagon": 8, "nonagon": 9}
PAINT = {"green": {"blue", "yellow"}, "purple": {"blue", "red"}, "orange": {"red", "yellow"}}
ORDER = ["small", "medium", "large", "extra large"]


def rows_of(marks, counts=(3, 3, 3)):
    """Marks from top to bottom in rows of given lengths, each from left to right."""
    marks, rows = sorted(marks, key=lambda mark: mark.y), []
    for count in counts:
        rows.append(sorted(marks[:count], key=lambda mark: mark.x))
        marks = marks[count:]
    return rows


def middle(marks):
    return sum(mark.x for mark in marks) / len(marks), sum(mark.y for mark in marks) / len(marks)


def angle(mark, centre):
    """Clockwise from the right, 0 to 2π."""
    return math.atan2(mark.y - centre[1], mark.x - centre[0]) % (2 * math.pi)


def around(marks, start, is_clockwise):
    """Marks in a circle's order, beginning with the one nearest to the angle `start`."""
    centre = middle(marks)
    sign = 1 if is_clockwise else -1
    slack = 0.35
    return sorted(marks, key=lambda mark: (sign * (angle(mark, centre) - start) + slack) % (2 * math.pi))


def hidden(marks):
    (mark,) = [mark for mark in marks if mark.text == "?"]
    return mark


def grid_number(marks, question):
    rows = [[mark.text for mark in row] for row in rows_of(marks)]
    (total,) = {sum(map(int, row)) for row in rows if "?" not in row}
    (row,) = [row for row in rows if "?" in row]
    return str(total - sum(int(text) for text in row if text != "?")), rows


def triangle(marks, question):
    groups, rest = [], sorted(marks, key=lambda mark: mark.x)
    right = [rest[-1]] + sorted(rest[:-1], key=lambda mark: math.dist((mark.x, mark.y), (rest[-1].x, rest[-1].y)))[:2]
    others = sorted((mark for mark in marks if mark not in right), key=lambda mark: mark.y)
    for group in (others[:3], others[3:], right):
        product = max(group, key=lambda mark: mark.x)
        factors = sorted((mark for mark in group if mark is not product), key=lambda mark: mark.y)
        groups.append([mark.text for mark in [*factors, product]])
    assert all(int(x) * int(y) == int(z) for x, y, z in groups if "?" not in (x, y, z))
    (group,) = [group for group in groups if "?" in group]
    x, y, z = (0 if text == "?" else int(text) for text in group)
    return str(x * y if group[2] == "?" else z // (x or y)), groups


def venn(marks, question):
    left, first, centre, second, right = (mark.text for mark in sorted(marks, key=lambda mark: mark.x))
    if left == "?":
        assert int(centre) + int(right) == int(second)
        return str(int(first) - int(centre)), [["?", centre, right]]
    assert int(left) + int(centre) == int(first)
    return str(int(second) - int(centre)), [[left, centre, "?"]]


def circle_size_number(marks, question, radius_at):
    known = {round(radius_at(mark), 3): mark.text for mark in marks if mark.text != "?"}
    return known[round(radius_at(hidden(marks)), 3)], [[mark.text for mark in around(marks, 0, True)]]


def color_grid(marks, question):
    return of_grid(marks, "hue")


def size_grid(marks, question):
    return of_grid(marks, "size")


def of_grid(marks, field):
    cells = sum(rows_of(marks), [])
    ring = [0, 2, 6, 8] if cells.index(hidden(marks)) in (0, 2, 6, 8) else [1, 3, 5, 7]
    (answer,) = {getattr(cells[index], field) for index in ring} - {None}
    values = [getattr(cell, field) or "?" for cell in cells]
    return answer, [values[:3], values[3:6], values[6:]]


def color_hexagon(marks, question):
    parts = around(marks, 3 * math.pi / 2, False)
    index = parts.index(hidden(marks))
    return parts[(index + 3) % 6].hue, [[part.hue or "?" for part in parts]]


def color_number_hexagon(marks, question):
    parts = around(marks, 3 * math.pi / 2, False)
    by_hue = {}
    for part in parts:
        by_hue.setdefault(part.hue, []).append(part.text)
    (total,) = {sum(map(int, texts)) for texts in by_hue.values() if "?" not in texts}
    (known,) = [text for text in by_hue[hidden(marks).hue] if text != "?"]
    return str(total - int(known)), [[part.hue for part in parts], [part.text for part in parts]]


def color_overlap_squares(marks, question):
    first, mix, centre, other, last = sorted(marks, key=lambda mark: mark.x)
    near, far = (mix, other) if first.text == "?" else (other, mix)
    (answer,) = PAINT[near.hue] - {centre.hue}
    whole = last if first.text == "?" else first
    assert PAINT[far.hue] == {centre.hue, whole.hue}
    return answer, [[first.hue or "?", centre.hue, last.hue or "?"]]


def color_size_circle(marks, question):
    rings = {mark.size: (mark.hue, mark.shade) for mark in marks if mark.shade is not None}
    (hue,) = {hue for hue, _ in rings.values()}
    shades = [rings[size][1] for size in ORDER[1:]]
    assert shades in ([1, 2, 3], [2, 1, 0])
    soft, strong = ("light", "dark") if shades[0] < shades[2] else ("dark", "light")
    return f"{soft} {hue}", [ORDER, ["?", f"medium {hue}", f"{strong} {hue}", f"very {strong} {hue}"]]


def grid_number_color(marks, question):
    (asked,) = re.findall(r"number (\d)", question)
    (answer,) = {mark.hue for mark in marks if mark.text == asked}
    rows = [[f"{asked if mark.text == '?' else mark.text} {mark.hue or '?'}" for mark in row] for row in rows_of(marks)]
    return answer, rows


def polygon_sides_color(marks, question):
    (answer,) = {mark.hue for mark in marks if mark.shape == hidden(marks).shape} - {None}
    return answer, [[mark.hue or "?" for mark in row] for row in rows_of(marks, (1, 2, 3))]


def polygon_sides_number(marks, question):
    assert all(SIDES[mark.shape] == int(mark.text) for mark in marks if mark.text != "?")
    return str(SIDES[hidden(marks).shape]), [[mark.text for mark in row] for row in rows_of(marks, (1, 2, 3))]


def shape_reflect(marks, question):
    top, bottom = rows_of(marks, (3, 3))
    for upper, lower in zip(top, bottom):
        if "?" in (upper.text, lower.text):
            answer = lower.shape if upper.text == "?" else upper.shape
    return answer, [[mark.text or mark.shape for mark in row] for row in (top, bottom)]


def shape_size_grid(marks, question):
    cells = rows_of(marks)
    gap = hidden(marks)
    (row,) = [index for index, marks_ in enumerate(cells) if gap in marks_]
    column = cells[row].index(gap)
    by_row, by_column = cells[row], [cells[index][column] for index in range(3)]
    is_shape_by_row = len({mark.shape for mark in by_row} - {None}) == 1
    (answer,) = {mark.size for mark in (by_column if is_shape_by_row else by_row)} - {None}
    return answer, [[mark.text or f"{mark.size} {mark.shape}" for mark in row] for row in cells]


def shape_size_hexagon(marks, question):
    (asked,) = re.findall(r"if it is a (\w+)", question)
    ring = around([mark for mark in marks if mark.text is None], 0, True)
    (answer,) = {mark.size for mark in ring if mark.shape == asked}
    return answer, [[mark.shape for mark in ring], [mark.size for mark in ring]]


def size_cycle(marks, question):
    arms = [[mark.size for mark in marks[start : start + 3]] for start in (0, 3, 6)]
    (missing,) = {"small", "medium", "large"} - set([arm for arm in arms if None in arm][0])
    return missing, [[size or "?" for size in arm] for arm in arms]


def rectangle_height_color(marks, question):
    (answer,) = {mark.hue for mark in marks if mark.size == hidden(marks).size} - {None}
    bars = sorted(marks, key=lambda mark: mark.x)
    return answer, [[length(bar) for bar in bars], [bar.hue or "?" for bar in bars]]


def rectangle_height_number(marks, question):
    (answer,) = {mark.text for mark in marks if mark.size == hidden(marks).size} - {"?"}
    bars = sorted(marks, key=lambda mark: mark.x)
    return answer, [[bar.text for bar in bars], [length(bar) for bar in bars]]


def length(mark):
    return {"small": "short", "medium": "medium", "large": "long"}[mark.size]
