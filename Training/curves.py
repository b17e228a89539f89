"""Draws the losses and accuracies of runs, one after another.

    python curves.py OUT.png RUN…

RUN is a folder that train.py wrote. Pictures are counted on from one run to the next; vertical lines are where one begins.
"""

import csv
import sys
from pathlib import Path

READ_COLUMNS = ["shape", "size", "units", "tens", "hue", "shade"]


def table(folders, name):
    """Rows of a table of all runs, with `at`: thousands of pictures since the first run began; and where the others began."""
    rows, before, begins = [], 0, []
    for folder in folders:
        with (folder / "train.csv").open(newline="") as file:
            trained = list(csv.DictReader(file))
        with (folder / name).open(newline="") as file:
            rows += [row | {"at": (before + int(row["pictures"])) / 1000} for row in csv.DictReader(file)]
        before += int(trained[-1]["pictures"]) if trained else 0
        begins.append(before / 1000)
    return rows, begins[:-1]


def plot(axes, rows, names):
    for name in names:
        points = [(row["at"], float(row[name])) for row in rows if row.get(name)]
        if points:
            axes.plot(*zip(*points), label=name.replace("_", " "))


def draw(folders, out):
    """A picture of train.csv and eval.csv of runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    (rows, begins), (results, _) = table(folders, "train.csv"), table(folders, "eval.csv")
    figure, (losses, reads, solved) = pyplot.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    plot(losses, rows, ["text_loss", "reading_loss"])
    losses.set(yscale="log", title="loss", xlabel="thousands of pictures")
    plot(reads, rows, [*READ_COLUMNS, "token_accuracy", "verdict_accuracy", "mistake_accuracy", "fact_accuracy"])
    title = "right: cells read, tokens, verdicts, doubts"
    reads.set(title=title, xlabel="thousands of pictures", ylim=(0, 1))
    by_place = {}
    for row in results:
        counts = by_place.setdefault(row["at"], [0, 0, 0])
        for index, name in enumerate(("solved", "seen", "count")):
            counts[index] += int(row[name])
    for index, label in enumerate(("solved", "caption without a mistake")):
        shares = [counts[index] / counts[2] for counts in by_place.values()]
        solved.plot(list(by_place), shares, marker=".", label=label)
    solved.set(title="fresh puzzles", xlabel="thousands of pictures", ylim=(0, 1))
    for axes in (losses, reads, solved):
        axes.grid(alpha=0.3)
        for begin in begins:
            axes.axvline(begin, color="gray", linestyle=":", linewidth=0.8)
        if axes.lines:
            axes.legend(fontsize=8)
    figure.savefig(out, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    draw([Path(folder) for folder in sys.argv[2:]], sys.argv[1])
