"""Exercises in looking up and reckoning: what reasoning over a caption is made of, without anything around it.

A decoder that sees puzzles alone learns their phrases first and for long only guesses what stands in the blanks: whether a colour is
the one that was said of a shape can be seen from a few tokens of a chain. Here about one in three is such a blank. What is read
has weight 0, what follows from it has weight 1.
"""

from invented import exchanged
from puzzles.puzzle import ORDINALS, POLYGONS, joined, listed, numbers, pairs
from puzzles.sizes import LENGTHS, SIZES
from puzzles.style import HUES
from sequences import Sequence
from steps import mistakes
from tokenizer import START

GROUPS = [list(HUES), list(POLYGONS.values()), numbers(1, 9), SIZES, LENGTHS]
WORDS = sorted({word for group in GROUPS for word in group} | {"circle"})


def two_groups(rng):
    return rng.sample(GROUPS, 2)


def repeated(rng, add):
    """A list again."""
    text = listed(rng.choices([*WORDS, "?"], k=rng.randint(5, 14)))
    add(text + "\n", 0)
    add(text + "\n", 1)


def looked_up(rng, add):
    """The value of a key, for every key."""
    keys, values = two_groups(rng)
    value_of = {key: rng.choice(values) for key in rng.sample(keys, min(len(keys), rng.randint(3, 6)))}
    shown = list(value_of) * rng.randint(1, 2)
    rng.shuffle(shown)
    seen = [value_of[key] for key in shown]
    add(pairs(*((shown, seen) if rng.random() < 0.7 else (seen, shown))), 0)
    for key in rng.sample(list(value_of), len(value_of)):
        add(f" {key} is", 0)
        add(f" {value_of[key]}", 1)
    add("\n", 0)


def found_again(rng, add):
    """The key whose value is missing, and the value that it has elsewhere."""
    keys, values = two_groups(rng)
    value_of = dict(zip(rng.sample(keys, 3), rng.sample(values, 3)))
    shown = list(value_of) * 2
    rng.shuffle(shown)
    gap = rng.randrange(6)
    seen = ["?" if place == gap else value_of[key] for place, key in enumerate(shown)]
    is_key_first = rng.random() < 0.5
    add(pairs(*((shown, seen) if is_key_first else (seen, shown))) + " ?", 0)
    add(f" {shown[gap]} is {value_of[shown[gap]]}\n", 1)


def counted(rng, add):
    """How often each of a list is there: all twice, but for the one that is hidden."""
    group = rng.choice(GROUPS)
    values = rng.sample(group, min(len(group), rng.randint(3, 5)))
    hidden = rng.choice(values)
    shown = [value for value in values if value != hidden] * 2 + [hidden, "?"]
    rng.shuffle(shown)
    add(listed(shown), 0)
    for value in sorted(values, key=group.index):
        add(f" {value}", 0)
        add(" once" if value == hidden else " twice", 1)
    add("\n", 0)


def added(rng, add):
    """Sums of three, in two steps."""
    for _ in range(rng.randint(2, 4)):
        one, two, three = (rng.randint(1, 9) for _ in range(3))
        add(f"{one} + {two} + {three} =", 0)
        add(f" {one + two} + {three} = {one + two + three}", 1)
        add(", ", 0)
    add("\n", 0)


def found_in_rows(rng, add):
    """The number whose colour is missing in one of three rows, and the colour that it has elsewhere."""
    lengths = rng.choice([(1, 2, 3), (3, 3, 3)])
    keys = rng.sample(numbers(1, 9), sum(lengths) // 2)
    hue_of = {key: rng.choice(HUES) for key in keys}
    shown = keys * 2 + rng.choices(keys, k=sum(lengths) % 2)
    rng.shuffle(shown)
    gap = rng.randrange(len(shown))
    cells = [f"{key} {'?' if place == gap else hue_of[key]}" for place, key in enumerate(shown)]
    ends = [sum(lengths[:row]) for row in range(4)]
    add(joined([listed(cells[start:end]) for start, end in zip(ends, ends[1:])]) + " ?", 0)
    add(f" {shown[gap]} is {hue_of[shown[gap]]}", 1)
    for key in rng.sample(keys, 2):
        add(f" {key} is", 0)
        add(f" {hue_of[key]}", 1)
    add("\n", 0)


def paired(rng, add):
    """Two lists as one list of pairs."""
    count = rng.randint(4, 8)
    one, other = ([rng.choice(group) for _ in range(count)] for group in two_groups(rng))
    one[rng.randrange(count)] = "?"
    add(f"{listed(one)} {listed(other)}\n", 0)
    add(pairs(one, other) + "\n", 1)


def opposite(rng, add):
    """Of six in a ring, those that are opposite each other; of two rows, those above each other."""
    values = rng.choices(rng.choice(GROUPS), k=6)
    values[rng.randrange(6)] = "?"
    if rng.random() < 0.5:
        add(listed(values), 0)
    else:
        add(f"{listed(values[:3])} {listed(values[3:])}", 0)
    add(" " + joined([f"{one} and {two}" for one, two in zip(values, values[3:])]) + "\n", 1)


def gathered(rng, add):
    """The two values of each key, in the order in which the keys appear, and their sum."""
    keys = rng.sample(HUES + list(POLYGONS.values()), 3)
    shown = keys * 2
    rng.shuffle(shown)
    values = [rng.randint(1, 9) for _ in shown]
    add(pairs(shown, values), 0)
    for key in dict.fromkeys(shown):
        one, two = (value for name, value in zip(shown, values) if name == key)
        add(f" {key}", 0)
        add(f" {one} + {two} = {one + two}", 1)
    add("\n", 0)


def located(rng, add):
    """The row and the column of a gap."""
    values = rng.choices(WORDS, k=9)
    gap = rng.randrange(9)
    values[gap] = "?"
    add(f"{listed(values[:3])} {listed(values[3:6])} {listed(values[6:])}", 0)
    add(f" {ORDINALS[gap // 3]} row {ORDINALS[gap % 3]} column\n", 1)


def partnered(rng, add):
    """What stands beside the question mark."""
    values = [rng.sample(rng.choice(GROUPS), 2) for _ in range(3)]
    gap, side = rng.randrange(3), rng.randrange(2)
    values[gap][side] = "?"
    add(joined([f"{one} and {two}" for one, two in values]) + " ?", 0)
    add(f" {values[gap][1 - side]}\n", 1)


def crossed(rng, add):
    """What is in a row and in a column."""
    rows, columns = (rng.sample(group, 3) for group in two_groups(rng))
    add(f"rows {listed(rows)} columns {listed(columns)}", 0)
    for place in rng.sample(range(9), 3):
        add(f" {ORDINALS[place // 3]} row {ORDINALS[place % 3]} column", 0)
        add(f" {rows[place // 3]} {columns[place % 3]}", 1)
    add("\n", 0)


def asked(rng, add):
    """The value of a key that was asked for before the list."""
    keys, values = two_groups(rng)
    value_of = dict(zip(rng.sample(keys, 3), rng.sample(values, 3)))
    key = rng.choice(list(value_of))
    shown = [*value_of, *value_of, key]
    rng.shuffle(shown)
    gap = rng.choice([None, *(place for place, name in enumerate(shown) if name == key)])
    seen = ["?" if place == gap else value_of[name] for place, name in enumerate(shown)]
    add(f"missing {key} {pairs(shown, seen)} missing", 0)
    add(f" {key} is {value_of[key]}\n", 1)


def reckoned(rng, add):
    """Sums, differences, products and quotients as the puzzles have them."""
    for _ in range(rng.randint(4, 10)):
        sign = rng.choice("+-*/")
        one, two = rng.randint(1, 9), rng.randint(1, 9)
        if sign in "+-" and rng.random() < 0.5:
            one += rng.randint(1, 9)
        result = one * two if sign in "*/" else one + two
        first, last = (one, result) if sign in "+*" else (result, one)
        add(f"{first} {sign} {two} =", 0)
        add(f" {last}", 1)
        add(", ", 0)
    add("\n", 0)


DRILLS = [repeated, paired, opposite, gathered, reckoned, looked_up, found_again, asked, partnered, located, crossed, counted]
DRILLS += [added, found_in_rows]


def drill(rng, most=420, is_judged=False):
    """Several exercises, one after another, until there are about so many characters.

    If it is judged, what follows from what is read has a twin with a mistake, and of both is known what is wrong.
    """
    sequence, read = Sequence(), [START]
    last = sequence.add(START)

    def add(text, weight):
        nonlocal last
        before, last = last, sequence.add(text, weight, last, () if weight and is_judged else None)
        wrong = exchanged(rng, text, "".join(read)) if weight and is_judged else None
        if wrong:
            sequence.add(wrong, 0, before, mistakes(wrong, [text]))
        read.append(text)

    while sum(map(len, read)) < most:
        rng.choice(DRILLS)(rng, add)
    return sequence
