"""How a puzzle looks: colours, fonts, strokes, place. A share of the styles is plain, the rest varies widely."""

import colorsys
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HUES = ["blue", "green", "orange", "purple", "red", "yellow"]

# Two fills of each colour: the usual one, and a lighter one that dark digits stand out from.
PLAIN = {
    "red": ((224, 102, 102), (234, 153, 153)),
    "orange": ((246, 178, 107), (249, 203, 156)),
    "yellow": ((255, 217, 102), (255, 229, 153)),
    "green": ((147, 196, 125), (182, 215, 168)),
    "blue": ((111, 168, 220), (159, 197, 232)),
    "purple": ((142, 124, 195), (180, 167, 214)),
}
# Shades from the lightest to the darkest.
PLAIN_SHADES = {
    "red": ((244, 204, 204), (234, 153, 153), (224, 102, 102), (204, 0, 0)),
    "orange": ((252, 229, 205), (249, 203, 156), (246, 178, 107), (230, 145, 56)),
    "yellow": ((255, 242, 204), (255, 229, 153), (255, 217, 102), (241, 194, 50)),
    "green": ((217, 234, 211), (182, 215, 168), (147, 196, 125), (106, 168, 79)),
    "blue": ((207, 226, 243), (159, 197, 232), (111, 168, 220), (61, 133, 198)),
    "purple": ((217, 210, 233), (180, 167, 214), (142, 124, 195), (103, 78, 167)),
}
PLAIN_NEUTRALS = [(207, 226, 243), (217, 234, 211), (244, 204, 204), (255, 242, 204), (217, 210, 233), (252, 229, 205)]

# Ranges of the hue's angle; what lies between them is left out because its name is disputed.
ANGLES = {
    "red": (-8, 6),
    "orange": (25, 34),
    "yellow": (45, 58),
    "green": (88, 140),
    "blue": (200, 226),
    "purple": (262, 284),
}

FONTS = [
    "OpenSans-Regular",
    "OpenSans-Light",
    "OpenSans-Semibold",
    "Lato-Regular",
    "Lato-Medium",
    "LiberationSans-Regular",
    "LiberationSans-Bold",
    "LiberationSerif-Regular",
    "Roboto-Regular",
    "Roboto-Light",
    "Roboto-Medium",
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSerif",
]
FONT_FOLDERS = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]


class MissingFonts(RuntimeError):
    """Pictures are only the same everywhere if the fonts are."""


@lru_cache(maxsize=1)
def font_files():
    """The files of `FONTS`, in that order; folders in `PUZZLE_FONTS` are searched first."""
    own = [Path(folder) for folder in os.environ.get("PUZZLE_FONTS", "").split(os.pathsep) if folder]
    found = {}
    for folder in own + FONT_FOLDERS:
        for file in sorted(folder.rglob("*.ttf")) if folder.is_dir() else []:
            found.setdefault(file.stem, str(file))
    missing = [name for name in FONTS if name not in found]
    if missing:
        raise MissingFonts(
            f"expected the fonts {', '.join(FONTS)}; not found: {', '.join(missing)}; install the packages named in "
            "Training/README.md or name folders of TrueType files in PUZZLE_FONTS"
        )
    return [found[name] for name in FONTS]


@dataclass(frozen=True)
class Style:
    """The look of one picture. Lengths are in units of a picture of 512 × 512."""

    plain: bool
    font: str
    text_scale: float
    stroke: float
    ink: tuple[int, int, int]
    text_ink: tuple[int, int, int]
    background: tuple[int, int, int]
    blank: tuple[int, int, int]
    neutral: tuple[int, int, int]
    fills: dict[str, tuple[int, int, int]]
    tints: dict[str, tuple[int, int, int]]
    shades: dict[str, tuple[tuple[int, int, int], ...]]
    zoom: float
    wander: float


def _rgb(angle, saturation, lightness):
    parts = colorsys.hls_to_rgb(angle % 360 / 360, lightness, saturation)
    return tuple(round(255 * part) for part in parts)


def _near(rng, colour, distance):
    return tuple(min(255, max(0, part + rng.randint(-distance, distance))) for part in colour)


def _grey(rng, low, high):
    return (rng.randint(low, high),) * 3


def plain_style(rng):
    """Close to what the development problems look like."""
    return Style(
        plain=True,
        font=font_files()[rng.choice([0, 0, 0, 1, 1, 2])],
        text_scale=rng.uniform(0.95, 1.06),
        stroke=rng.choice([1.3, 2.0, 2.0, 2.6]),
        ink=(0, 0, 0),
        text_ink=(0, 0, 0),
        background=(255, 255, 255),
        blank=(238, 238, 238),
        neutral=rng.choice(PLAIN_NEUTRALS),
        fills={hue: _near(rng, pair[0], 3) for hue, pair in PLAIN.items()},
        tints={hue: _near(rng, pair[1], 3) for hue, pair in PLAIN.items()},
        shades={hue: tuple(_near(rng, shade, 2) for shade in shades) for hue, shades in PLAIN_SHADES.items()},
        zoom=rng.uniform(0.97, 1.03),
        wander=12.0,
    )


def wide_style(rng):
    """Anything that still can be read."""
    angles = {hue: rng.uniform(*ANGLES[hue]) for hue in HUES}
    saturation = rng.choice([rng.uniform(0.45, 0.7), rng.uniform(0.7, 1.0)])
    lightness = rng.uniform(0.55, 0.7)
    levels = (0.89, 0.77, 0.63, rng.uniform(0.4, 0.48))

    def strong(hue):
        # Dull yellow and dull orange are called olive and brown.
        return max(saturation, {"yellow": 0.85, "orange": 0.8}.get(hue, 0))

    def lit(hue, light):
        return _rgb(angles[hue], strong(hue), light)

    paper = rng.random()
    background = (255, 255, 255)
    if paper < 0.25:
        background = _grey(rng, 240, 254)
    elif paper < 0.4:
        background = _near(rng, (250, 248, 244), 5)
    dark = rng.choice([(0, 0, 0), _grey(rng, 0, 70), _near(rng, (40, 40, 60), 20)])
    return Style(
        plain=False,
        font=rng.choice(font_files()),
        text_scale=rng.uniform(0.88, 1.2),
        stroke=rng.uniform(1.0, 4.0),
        ink=dark,
        text_ink=rng.choice([(0, 0, 0), dark]),
        background=background,
        blank=rng.choice([(238, 238, 238), _grey(rng, 225, 250), background]),
        neutral=rng.choice(PLAIN_NEUTRALS + [_rgb(rng.uniform(0, 360), 0.6, rng.uniform(0.83, 0.93)) for _ in range(6)]),
        fills={hue: lit(hue, lightness) for hue in HUES},
        tints={hue: lit(hue, 0.76) for hue in HUES},
        shades={hue: tuple(_rgb(angles[hue], strong(hue), level) for level in levels) for hue in HUES},
        zoom=rng.uniform(0.8, 1.14),
        wander=rng.choice([8.0, 60.0]),
    )


def style(rng, plain_share=0.4):
    return plain_style(rng) if rng.random() < plain_share else wide_style(rng)
