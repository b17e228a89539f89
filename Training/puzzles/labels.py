"""What each cell of a picture should be read as: the dense supervision of perception."""

from .puzzle import POLYGONS
from .scene import SIDE
from .style import HUES

SHAPE_NAMES = ["none", *POLYGONS.values(), "circle", "rectangle", "sector", "between"]
SIZE_NAMES = ["none", "small", "medium", "large", "extra large"]
UNIT_NAMES = ["none", *"0123456789", "?"]
TEN_NAMES = ["none", *"123456789"]
HUE_NAMES = ["none", *HUES]
SHADE_NAMES = ["none", 0, 1, 2, 3]
# In the order of the last axis of the labels.
HEADS = {
    "shape": SHAPE_NAMES,
    "size": SIZE_NAMES,
    "units": UNIT_NAMES,
    "tens": TEN_NAMES,
    "hue": HUE_NAMES,
    "shade": SHADE_NAMES,
}


def cell_labels(scene, cells=8):
    """Classes per cell, row by row, in the order of `HEADS`: one list of numbers for each cell, all 0 where nothing is.

    A mark belongs to the cell that its point is in. Where two share one, that with more to read is kept.
    """
    labels = [[0] * len(HEADS) for _ in range(cells * cells)]
    for mark in scene.placed_marks():
        column, row = (min(cells - 1, max(0, int(value * cells / SIDE))) for value in (mark.x, mark.y))
        text = mark.text or ""
        classes = [
            SHAPE_NAMES.index(mark.shape or "none"),
            SIZE_NAMES.index(mark.size or "none"),
            UNIT_NAMES.index(text[-1] if text else "none"),
            TEN_NAMES.index(text[0] if len(text) == 2 else "none"),
            HUE_NAMES.index(mark.hue or "none"),
            SHADE_NAMES.index("none" if mark.shade is None else mark.shade),
        ]
        cell = row * cells + column
        if sum(map(bool, classes)) > sum(map(bool, labels[cell])):
            labels[cell] = classes
    return labels
