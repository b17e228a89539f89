"""What a puzzle's picture holds, and how it becomes pixels.

A scene is a list of drawing commands in units of a square of 512 × 512, and a list of marks: what an eye should read at
which place. The marks are the exact ground truth that perception is trained on; tests solve puzzles from them alone.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

SIDE = 512
MARGIN = 3


@dataclass(frozen=True)
class Mark:
    """Something to be read at a place.

    `shape` is one of `SHAPES`, `hue` one of the six colour names, `shade` 0 (lightest) to 3 (darkest) where a puzzle is
    about shades, `size` one of `SIZES`, `text` a number or "?". `None` where there is nothing of the kind to read.
    """

    x: float
    y: float
    shape: str | None = None
    hue: str | None = None
    shade: int | None = None
    size: str | None = None
    text: str | None = None


@lru_cache(maxsize=512)
def font(path, pixels):
    return ImageFont.truetype(path, pixels, layout_engine=ImageFont.Layout.BASIC)


def regular_polygon(x, y, radius, sides, turn=0.0):
    """Corners of a regular polygon; with `turn` 0 one of them points to the right. Angles grow clockwise."""
    steps = [turn + 2 * math.pi * corner / sides for corner in range(sides)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in steps]


class Scene:
    """Drawing commands and marks, in the order of drawing."""

    def __init__(self, style):
        self.style = style
        self.commands = []
        self.marks = []
        self.scale = 1.0
        self.shift = (0.0, 0.0)

    # Commands. Each knows its points (which move and scale) and its lengths (which scale).

    def _add(self, command, points, lengths=(), **look):
        self.commands.append((command, list(points), list(lengths), look))

    def polygon(self, points, fill, outline=True, width=1.0):
        self._add("polygon", points, [self.style.stroke * width if outline else 0], fill=fill)

    def circle(self, x, y, radius, fill, outline=True, width=1.0):
        box = [(x - radius, y - radius), (x + radius, y + radius)]
        self._add("ellipse", box, [self.style.stroke * width if outline else 0], fill=fill)

    def ring(self, x, y, radius):
        """A circle's line without its inside."""
        self.circle(x, y, radius, None)

    def rectangle(self, left, top, right, bottom, corner, fill):
        self._add("rectangle", [(left, top), (right, bottom)], [self.style.stroke, corner], fill=fill)

    def line(self, start, end, width=1.0):
        self._add("line", [start, end], [self.style.stroke * width])

    def dashed_circle(self, x, y, radius, fill):
        box = [(x - radius, y - radius), (x + radius, y + radius)]
        self._add("dashes", box, [self.style.stroke], fill=fill)

    def text(self, x, y, text, size):
        """Text with its middle at a point; `size` is the font's."""
        self._add("text", [(x, y)], [size * self.style.text_scale], text=text)

    def mark(self, x, y, **reads):
        self.marks.append(Mark(x, y, **reads))

    # Placement

    def bounds(self):
        """Left, top, right, bottom of everything drawn, in the units of the commands."""
        xs, ys = [], []
        for command, points, lengths, look in self.commands:
            reach = lengths[0] * (0.35 if command == "text" else 0.5)
            wide = reach * len(look["text"]) if command == "text" else reach
            xs += [x + side for x, _ in points for side in (-wide, wide)]
            ys += [y + side for _, y in points for side in (-reach, reach)]
        return min(xs), min(ys), max(xs), max(ys)

    def place(self, rng):
        """Scales and moves the whole, as the style says, without leaving the picture."""
        left, top, right, bottom = self.bounds()
        room = SIDE - 2 * MARGIN
        self.scale = min(self.style.zoom, room / (right - left), room / (bottom - top))

        def shift(low, high):
            low, high = low * self.scale, high * self.scale
            least, most = MARGIN - low, SIDE - MARGIN - high
            usual = (SIDE - SIDE * self.scale) / 2
            wander = self.style.wander
            return min(max(usual + rng.uniform(-wander, wander), least), most)

        self.shift = (shift(left, right), shift(top, bottom))

    def placed(self, point):
        return (point[0] * self.scale + self.shift[0], point[1] * self.scale + self.shift[1])

    def placed_marks(self):
        """The marks, where they are in the picture of 512 × 512."""
        return [replace(mark, x=x, y=y) for mark in self.marks for x, y in [self.placed((mark.x, mark.y))]]

    # Pixels

    def render(self, side=SIDE, oversampling=2, is_sharp=False):
        """The picture, drawn larger by `oversampling` and scaled down, which smooths its edges.

        A sharp picture is scaled with Lanczos' filter, as processors of pictures do; means of pixels take a tenth of
        its time.
        """
        pixels = side * oversampling
        unit = pixels / SIDE
        image = Image.new("RGB", (pixels, pixels), self.style.background)
        pen = ImageDraw.Draw(image)
        for command, points, lengths, look in self.commands:
            spots = [(x * unit, y * unit) for x, y in map(self.placed, points)]
            sizes = [length * self.scale * unit for length in lengths]
            _DRAW[command](pen, self.style, spots, sizes, look)
        if oversampling == 1:
            return image
        if is_sharp:
            return image.resize((side, side), Image.Resampling.LANCZOS)
        return image.reduce(oversampling)


def _stroke(length):
    return max(1, round(length))


def _polygon(pen, style, spots, sizes, look):
    pen.polygon(spots, fill=look["fill"])
    if sizes[0]:
        pen.line(spots + spots[:2], fill=style.ink, width=_stroke(sizes[0]), joint="curve")


def _ellipse(pen, style, spots, sizes, look):
    # Pillow's outline lies inside the box; half of a pen's line lies outside.
    half = sizes[0] / 2
    (left, top), (right, bottom) = spots
    box = [left - half, top - half, right + half, bottom + half]
    outline = style.ink if sizes[0] else None
    pen.ellipse(box, fill=look["fill"], outline=outline, width=_stroke(sizes[0]) if sizes[0] else 0)


def _rectangle(pen, style, spots, sizes, look):
    pen.rounded_rectangle(spots, sizes[1], fill=look["fill"], outline=style.ink, width=_stroke(sizes[0]))


def _line(pen, style, spots, sizes, look):
    pen.line(spots, fill=style.ink, width=_stroke(sizes[0]))


def _dashes(pen, style, spots, sizes, look):
    pen.ellipse(spots, fill=look["fill"])
    for start in range(0, 360, 18):
        pen.arc(spots, start, start + 11, fill=style.ink, width=_stroke(sizes[0]))


def _text(pen, style, spots, sizes, look):
    pen.text(spots[0], look["text"], fill=style.text_ink, font=font(style.font, max(6, round(sizes[0]))), anchor="mm")


_DRAW = {
    "polygon": _polygon,
    "ellipse": _ellipse,
    "rectangle": _rectangle,
    "line": _line,
    "dashes": _dashes,
    "text": _text,
}
