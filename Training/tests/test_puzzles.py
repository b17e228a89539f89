"""The generator: the same from the same seed, answers that follow from the picture, texts that tell the truth."""

import inspect
import re
from collections import Counter

import pytest
import solver
from puzzles import CANNOT, KINDS, NEGATIVE_KINDS, generate
from puzzles.labels import HEADS, cell_labels
from puzzles.scene import SIDE

SEEDS = range(60)
EVERY = KINDS + NEGATIVE_KINDS


def seen_in(caption):
    """The lists that a caption shows, without brackets."""
    return [text.split(", ") for text in re.findall(r"\[(.*?)\]", caption)]


def radius_in(scene):
    """The radius of the circle drawn around a mark, from the commands of drawing."""
    circles = {points[0]: points for name, points, *_ in scene.commands if name == "ellipse"}
    by_centre = {}
    for (left, top), (right, bottom) in circles.values():
        by_centre[round((left + right) / 2, 3), round((top + bottom) / 2, 3)] = (right - left) / 2
    return lambda mark: by_centre[round(mark.x, 3), round(mark.y, 3)]


def solve(puzzle):
    method = getattr(solver, puzzle.kind)
    extra = [radius_in(puzzle.scene)] if len(inspect.signature(method).parameters) == 3 else []
    return method(puzzle.scene.marks, puzzle.question, *extra)


def test_there_are_twenty_kinds():
    assert len(KINDS) == 20


@pytest.mark.parametrize("kind", EVERY)
def test_a_seed_always_gives_the_same_puzzle(kind):
    for seed in range(5):
        one, two, other = generate(kind, seed), generate(kind, seed), generate(kind, seed + 1000)
        assert (one.prompt, one.chain, one.scene.marks) == (two.prompt, two.chain, two.scene.marks)
        assert one.image(128).tobytes() == two.image(128).tobytes()
        assert one.image(128).tobytes() != other.image(128).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_one_of_the_options_and_no_option_is_there_twice(kind):
    count = 3 if "size" in generate(kind, 0).question else 4
    for seed in SEEDS:
        puzzle = generate(kind, seed)
        assert puzzle.answer in puzzle.options
        assert len(set(puzzle.options)) == len(puzzle.options) == count


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "shape_morph"])
def test_the_answer_and_the_caption_follow_from_what_is_drawn(kind):
    for seed in SEEDS:
        puzzle = generate(kind, seed)
        answer, lists = solve(puzzle)
        assert answer == puzzle.answer, seed
        # Two lists about the same things may be one list of pairs.
        paired = [[" ".join(order) for order in zip(*way)] for way in (lists, lists[::-1])]
        assert seen_in(puzzle.caption) in (lists, paired[:1], paired[1:]), seed


def test_a_morph_ends_where_its_shapes_lead():
    """The neighbours of the gap are closer to the answer's outline than to that of any other option."""
    from puzzles.shapes import SHAPES, outline

    for seed in SEEDS:
        puzzle = generate("shape_morph", seed)
        polygons = [points for name, points, *_ in puzzle.scene.commands if name == "polygon"]
        (gap,) = [mark for mark in puzzle.scene.marks if mark.text == "?"]
        shapes = [(sum(x for x, _ in points) / len(points), points) for points in polygons]

        def distance(points):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            return abs((min(xs) + max(xs)) / 2 - gap.x) + abs((min(ys) + max(ys)) / 2 - gap.y)

        near = min((points for _, points in shapes), key=distance)
        # The marks say where shapes are centred; that of this one is the nearest to its points.
        mark = min(
            (mark for mark in puzzle.scene.marks if mark.text is None),
            key=lambda mark: sum((x - mark.x) ** 2 + (y - mark.y) ** 2 for x, y in near),
        )
        lengths = [((x - mark.x) ** 2 + (y - mark.y) ** 2) ** 0.5 for x, y in near]
        most = max(lengths)
        (start,) = [mark.shape for mark in puzzle.scene.marks if mark.shape not in (None, "between")]

        def error(shape, turn):
            mixed = [0.25 * one + 0.75 * two for one, two in zip(outline(start, 120, turn), outline(shape, 120, turn))]
            return sum((one / max(mixed) - two / most) ** 2 for one, two in zip(mixed, lengths))

        errors = {
            shape: min(error(shape, turn) for turn in (0.0, -1.5707963267948966))
            for shape in SHAPES + ["circle"]
            if shape != start
        }
        assert min(errors, key=errors.get) == puzzle.answer, seed
        assert puzzle.answer in puzzle.deduction and start in puzzle.caption


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_lead_to_the_answer(kind):
    for seed in SEEDS:
        puzzle = generate(kind, seed)
        lines = puzzle.chain.split("\n")
        assert len(lines) == 4 and lines[3] == f"The answer is {puzzle.answer}."
        assert re.search(rf"\b{puzzle.answer}\.$", lines[2]), seed
        assert not re.search(r"\ba [aeo]", puzzle.chain)


@pytest.mark.parametrize("kind", ["color_number_hexagon", "grid_number", "triangle", "venn"])
def test_sums_and_products_in_the_steps_are_right(kind):
    for seed in SEEDS:
        text = generate(kind, seed).chain
        for x, y, z in re.findall(r"(?<!\+ )\b(\d+) \+ (\d+) = (\d+)", text):
            assert int(x) + int(y) == int(z)
        for x, y, z in re.findall(r"(\d+) - (\d+) = (\d+)", text):
            assert int(x) - int(y) == int(z)
        for z, x, y in re.findall(r"number (\d+) is the product of (\d+) and (\d+)", text):
            assert int(x) * int(y) == int(z)
        for x, y, z, part, last, total in re.findall(r"(\d+) \+ (\d+) \+ (\d+) = (\d+) \+ (\d+) = (\d+)", text):
            assert int(x) + int(y) == int(part) and z == last and int(part) + int(z) == int(total)
        for x, y, z in re.findall(r"(\d+) [*/] (\d+) = (\d+)", text):
            assert int(z) in (int(x) * int(y), int(x) / int(y))


@pytest.mark.parametrize("kind", NEGATIVE_KINDS)
def test_questions_without_an_answer_say_so(kind):
    for seed in SEEDS:
        puzzle = generate(kind, seed)
        assert puzzle.answer == CANNOT and CANNOT not in puzzle.options and puzzle.options
        if kind == "no_puzzle":
            assert all(mark.text != "?" for mark in puzzle.scene.marks)
        else:
            rejected = re.search(r"(?:However, (.*) is not among|do not contain (.*)\.$)", puzzle.deduction)
            assert (rejected[1] or rejected[2]) not in puzzle.options


@pytest.mark.parametrize("kind", EVERY + ["scatter"])
def test_everything_lies_in_the_picture_and_is_labelled(kind):
    for seed in SEEDS:
        scene = generate(kind, seed).scene
        marks = scene.placed_marks()
        assert all(0 <= mark.x <= SIDE and 0 <= mark.y <= SIDE for mark in marks)
        left, top, right, bottom = scene.bounds()
        low, high = scene.placed((left, top)), scene.placed((right, bottom))
        assert min(low) >= 0 and max(high) <= SIDE, seed
        labels = cell_labels(scene)
        assert len(labels) == 64
        sizes = [len(names) for names in HEADS.values()]
        assert all(0 <= value < size for cell in labels for value, size in zip(cell, sizes))


def test_labels_hold_what_marks_say_where_cells_are_not_shared():
    scene = generate("grid_number", 3).scene
    labels = cell_labels(scene)
    units = list(HEADS)
    for mark in scene.placed_marks():
        cell = labels[int(mark.y * 8 / SIDE) * 8 + int(mark.x * 8 / SIDE)]
        assert HEADS["units"][cell[units.index("units")]] == mark.text
        assert HEADS["shape"][cell[units.index("shape")]] == mark.shape


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_stands_at_every_place_among_the_options(kind):
    places = Counter(generate(kind, seed).options.index(generate(kind, seed).answer) for seed in SEEDS)
    assert len(places) == len(generate(kind, 0).options)
    assert max(places.values()) < 0.6 * len(SEEDS)


def test_the_drawn_text_is_the_text_of_the_marks():
    for kind in KINDS:
        scene = generate(kind, 11).scene
        drawn = Counter(look["text"] for name, _, _, look in scene.commands if name == "text")
        assert drawn == Counter(mark.text for mark in scene.marks if mark.text), kind
