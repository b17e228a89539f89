"""A contact sheet of generated puzzles: one row for each kind.

    python sheet.py FILE.png [--kinds venn triangle …] [--columns N] [--first SEED]
"""

import argparse

from PIL import Image
from puzzles import KINDS, NEGATIVE_KINDS, generate

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--kinds", nargs="+", default=KINDS + NEGATIVE_KINDS + ["scatter"])
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    side, gap = 192, 4
    sheet = Image.new("RGB", (arguments.columns * (side + gap), len(arguments.kinds) * (side + gap)), "grey")
    for row, kind in enumerate(arguments.kinds):
        for column in range(arguments.columns):
            picture = generate(kind, arguments.first + column).image(side)
            sheet.paste(picture, (column * (side + gap), row * (side + gap)))
    sheet.save(arguments.file)
