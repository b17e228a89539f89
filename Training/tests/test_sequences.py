"""Rows with branches: a branch is learnt as if it were a row of its own."""

import pytest
import tokenizer as tokens
import torch
from model import Sizes, Trainee
from sequences import Sequence, collated, tokenized
from torch.nn import functional


def tree():
    sequence = Sequence()
    step = sequence.add("The first step.\n", 1, sequence.add("A question?\n"))
    for text, weight in (("Yes", 3), ("No", 2)):
        asked = sequence.add(f"{tokens.END}\nIs it {text}?\n", 0, step)
        sequence.add(text, weight, asked)
    last = sequence.add("The second step.\n", 1, step)
    sequence.add("A twin.\n", 0, step)
    sequence.add("The end." + tokens.END, 1, last)
    return sequence


def line(pieces):
    sequence = Sequence()
    for piece in pieces:
        sequence.add(piece.text, piece.weight)
    return sequence


def losses(trainee, tokenizer, sequences):
    """Weighted losses of the tokens that are learnt, by piece of text."""
    rows = [tokenized(tokenizer, sequence) for sequence in sequences]
    batch = collated(rows, pad=0)
    is_learnt = batch["weights"] > 0
    with torch.no_grad():
        logits = trainee.say(trainee.follow(None, batch), batch)
    values = functional.cross_entropy(logits, batch["ids"][is_learnt], reduction="none") * batch["weights"][is_learnt]
    places = [(row, sequence.pieces[piece].text) for row, sequence in zip(rows, sequences) for piece in row.piece]
    learnt = [text for (row, text), weight in zip(places, [weight for row in rows for weight in row.weights]) if weight]
    found = {}
    for text, value in zip(learnt, values.tolist()):
        found.setdefault(text, []).append(value)
    return found


@pytest.fixture(scope="module")
def tokenizer():
    return tokens.train()


def test_a_branch_is_learnt_as_a_row_of_its_own(tokenizer):
    torch.manual_seed(1)
    trainee = Trainee(Sizes(1, 64, 2, 64, 64), tokenizer).eval()
    sequence = tree()
    whole = losses(trainee, tokenizer, [sequence])
    assert set(whole) == {piece.text for piece in sequence.pieces if piece.weight}
    for leaf in sequence.leaves():
        for text, values in losses(trainee, tokenizer, [line(sequence.way_to(leaf))]).items():
            assert values == pytest.approx(whole[text], rel=1e-4)


def test_padding_changes_nothing(tokenizer):
    torch.manual_seed(1)
    trainee = Trainee(Sizes(1, 64, 2, 64, 64), tokenizer).eval()
    alone, longer = losses(trainee, tokenizer, [tree()]), line(tree().way_to(1) * 9)
    beside = losses(trainee, tokenizer, [tree(), longer])
    assert beside["Yes"] == pytest.approx(alone["Yes"], rel=1e-4) and beside["No"] == pytest.approx(alone["No"], rel=1e-4)


def test_a_token_sees_its_own_way_alone(tokenizer):
    row = tokenized(tokenizer, tree())
    visible = row.visible()
    for token, place in enumerate(row.before):
        before = visible[place].clone() if place >= 0 else torch.zeros(len(row.ids), dtype=torch.bool)
        before[token] = True
        assert torch.equal(visible[token], before)
    assert visible.sum(1).tolist() == [position + 1 for position in row.positions()]
    assert not row.is_line and tokenized(tokenizer, line(tree().way_to(3))).is_line
