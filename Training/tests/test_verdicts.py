"""How well right and wrong steps are told apart: the area, and rows with a verdict behind each step."""

import pytest
import tokenizer as tokens
import torch
import verdicts
from model import Sizes, Trainee
from puzzles import generate
from steps import chain_steps
from tasks import Cascade


def test_the_area_counts_pairs():
    assert verdicts.area([3.0, 2.0], [1.0]) == 1 and verdicts.area([0.0], [1.0, 0.0]) == 0.25
    assert verdicts.area([], [1.0]) is None


def test_every_labelled_step_is_judged_once():
    torch.manual_seed(1)
    puzzle, tokenizer = generate("venn", 3, 1.0), tokens.train()
    steps = chain_steps(puzzle)
    right, wrong = [(step, True) for step in steps], [(steps[0], True), ("Else.", None), ("So 3.", False), ("The answer is 3.", False)]
    sequence, asked = verdicts.questioned(puzzle, [right, wrong], Cascade())
    assert [(place, label) for *_, place, label in asked] == [(0, True), (1, True), (2, True), (3, True), (2, False), (3, False)]
    for step, verdict, place, label in asked:
        texts = [piece.text for piece in sequence.way_to(verdict)]
        assert texts[1 : 2 + place] == [text + "\n" for text, _ in (right if label else wrong)[: place + 1]]
        assert sequence.pieces[step].text == texts[-3] and "Is the last step correct?" in texts[-2]
    trainee = Trainee(Sizes(1, 64, 2, 64, 64), tokenizer).eval()
    found = verdicts.scores(trainee, tokenizer, puzzle, [right, wrong])
    assert [one[:2] for one in found] == [(place, label) for *_, place, label in asked]
    # What is said is the less likely the longer the line is, and no likelier than its least likely token.
    lines = [one[2][4] for one in found[:4]]
    assert lines == sorted(lines, reverse=True) and all(one[2][4] <= one[2][3] < 0 for one in found)
    # Each by itself, behind its own way alone.
    alone = verdicts.scores(trainee, tokenizer, puzzle, [wrong])
    assert [one[2] for one in alone] == [pytest.approx(found[index][2], abs=1e-4) for index in (0, 4, 5)]
