"""Training: data from numbers alone, a schedule, and runs that go on exactly where they were interrupted."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from data import FIRST_TRAINING_SEED, GROUP, Batches, training_puzzle
from model import Sizes, Trainee, reading_accuracy, reading_loss
from tokenizer import END, train
from train import Schedule

TRAINING = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tokenizer():
    return train()


def test_a_group_of_batches_follows_from_its_number(tokenizer):
    data = Batches(tokenizer, run=4, batch=3, reading=1, groups=3)
    for group in range(3):
        first, second = data[group], data[group]
        assert len(first) == GROUP
        for one, two in zip(first, second):
            assert set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)
    assert "ids" not in data[0][0] and "ids" in data[1][0]
    assert not torch.equal(data[1][0]["pixels"], data[2][0]["pixels"])


def test_targets_are_the_chain_and_its_end(tokenizer):
    batch = Batches(tokenizer, run=4, batch=4, reading=0, groups=1)[0][0]
    following = batch["ids"].roll(-1, 1)
    for row in range(4):
        text = tokenizer.decode(following[row][batch["targets"][row]])
        assert text.endswith(f".{END}") and text.count("\n") == 3 and "The answer is" in text


def test_evaluation_and_training_share_no_seed():
    assert all(training_puzzle(1, index)[0].seed >= FIRST_TRAINING_SEED for index in range(200))


def test_the_schedule_rises_twice_and_falls_to_nearly_nothing():
    rate = Schedule(1.0, reading_steps=1000, steps=5000, rise=100)
    assert rate(0) < 0.02 and rate(1000) < 0.02 and rate(99) > 0.97
    assert max(map(rate, range(5000))) <= 1.0 and rate(4999) < 0.03
    assert all(rate(step) > rate(step + 1) for step in range(1100, 4998))


def test_the_reading_loss_falls_only_with_the_right_classes(tokenizer):
    torch.manual_seed(1)
    trainee = Trainee(Sizes(1, 64, 1, 64, 64), tokenizer)
    batch = Batches(tokenizer, run=4, batch=4, reading=1, groups=1)[0][0]
    logits = trainee.read(torch.zeros(4, 64, 64))
    right = {
        name: 20.0 * torch.nn.functional.one_hot(batch["labels"][..., index], logits[name].shape[-1])
        for index, name in enumerate(logits)
    }
    assert reading_loss(right, batch["labels"]) < 1e-3 < 1 < reading_loss(logits, batch["labels"])
    assert all(share == count for share, count in reading_accuracy(right, batch["labels"]).values())


@pytest.mark.slow
def test_an_interrupted_run_ends_where_one_without_interruption_does(tmp_path):
    def run(folder, *more):
        tiny = "--pictures 256 --reading 128 --batch 8 --threads 1 --vision-layers 1 --vision-width 64 --text-layers 1"
        tiny += " --text-width 64 --text-inner 64 --minutes 100"
        subprocess.run(
            [sys.executable, "train.py", str(tmp_path / folder), *tiny.split(), *more], cwd=TRAINING, check=True
        )
        return torch.load(tmp_path / folder / "last.pt", weights_only=True)

    whole = run("whole", "--stop-after", "27")
    run("parts", "--stop-after", "19")
    parts = run("parts", "--stop-after", "27")
    assert whole["step"] == parts["step"] == 27
    assert all(torch.equal(whole["trainee"][name], parts["trainee"][name]) for name in whole["trainee"])
    for one, two in zip(whole["optimizer"]["state"].values(), parts["optimizer"]["state"].values()):
        assert all(torch.equal(one[name], two[name]) for name in one)
    with (tmp_path / "parts" / "train.csv").open() as file:
        assert csv.DictReader(file).fieldnames[0] == "step"
