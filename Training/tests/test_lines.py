"""Which lines of a chain are said rightly: told by a speaker that knows what it says wrong."""

import lines
import pytest
import tokenizer as tokens
import torch
from puzzles import generate
from steps import chain_steps


class Speaker:
    """Says what is learnt; of the row `row` it says the learnt token number `wrong` otherwise."""

    def __init__(self, vocabulary, row=None, wrong=None):
        self.vocabulary, self.row, self.wrong = vocabulary, row, wrong

    def see(self, pixels):
        return None

    def follow(self, features, batch):
        return None

    def say(self, states, batch):
        is_learnt = batch["weights"] > 0
        said, rows = batch["ids"][is_learnt].clone(), is_learnt.nonzero()[:, 0]
        if self.row is not None:
            place = (rows == self.row).nonzero()[self.wrong, 0]
            said[place] = (said[place] + 1) % self.vocabulary
        return torch.nn.functional.one_hot(said, self.vocabulary).float()


@pytest.fixture(scope="module")
def tokenizer():
    return tokens.train()


@pytest.mark.parametrize("is_blind", [False, True])
def test_a_line_is_right_when_all_of_its_tokens_are(tokenizer, is_blind):
    expected = ["explanation", "deduction"] if is_blind else ["caption", "explanation", "deduction"]
    shares = lines.lines(Speaker(len(tokenizer)), tokenizer, "venn", 4, is_blind)
    assert shares == dict.fromkeys(expected, 1.0)
    steps = chain_steps(generate("venn", lines.FIRST_SEED + 2, 0.65, "canonical"))
    # The last token of the first line that is learnt, and the first one of the line after it.
    length = len(tokenizer(steps[1 if is_blind else 0] + "\n")["input_ids"])
    for wrong, place in ((length - 1, 0), (length, 1)):
        shares = lines.lines(Speaker(len(tokenizer), 2, wrong), tokenizer, "venn", 4, is_blind)
        assert shares == {name: 0.75 if name == expected[place] else 1.0 for name in expected}


def test_an_exercise_counts_values_alone(tokenizer):
    assert set(lines.exercises(Speaker(len(tokenizer)), tokenizer, 2).values()) == {1.0}
    shares = lines.exercises(Speaker(len(tokenizer), 1, 0), tokenizer, 2)
    assert shares["asked"] < 1 and shares["located"] < 1 and all(share >= 0.5 for share in shares.values())
