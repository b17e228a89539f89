"""Training: data from numbers alone, a schedule, and runs that go on exactly where they were interrupted."""

import csv
import operator
import random
import re
import subprocess
import sys
from pathlib import Path

import drills
import numpy
import pytest
import torch
from data import FIRST_TRAINING_SEED, GROUP, Batches, normalized, pixels_of, training_puzzle
from drills import drill
from model import Sizes, Trainee, grown, reading_accuracy, reading_loss, whiten
from muon import Muon, orthogonalized
from puzzles.puzzle import ORDINALS
from sequences import tokenized
from tokenizer import END, IMAGE, train
from train import Run, Schedule, options

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
    for row in range(4):
        text = tokenizer.decode(batch["ids"][row][batch["weights"][row] > 0])
        assert text.endswith(f".{END}") and text.count("\n") == 3 and "The answer is" in text


def test_blind_batches_give_the_caption_and_ask_for_the_rest(tokenizer):
    batches = Batches(tokenizer, run=4, batch=3, reading=0, groups=1, blind=2)[0]
    blind = [batch for batch in batches if "pixels" not in batch]
    assert len(batches) == GROUP and len(blind) == 2
    for batch in blind:
        assert len(batch["ids"]) == 6 and IMAGE not in tokenizer.decode(batch["ids"].flatten())
        for row in range(6):
            learnt = tokenizer.decode(batch["ids"][row][batch["weights"][row] > 0])
            assert learnt.count("\n") in (1, 2) and learnt.endswith(f".{END}")


def test_pages_among_chains_are_for_the_eye_alone(tokenizer):
    batches = Batches(tokenizer, run=4, batch=3, reading=0, groups=1, blind=2, pages=3)[0]
    pages = [batch for batch in batches if "ids" not in batch]
    assert len(batches) == GROUP and len(pages) == 3
    whole = [batch for batch in batches if "ids" in batch and "pixels" in batch]
    assert len(whole) == 3
    read, seen = (sum(int((batch["labels"] > 0).sum()) for batch in some) for some in (pages, whole))
    assert read > 2 * seen


def test_exercises_have_no_pictures_and_are_cut_where_the_tokenizer_cuts(tokenizer):
    batches = Batches(tokenizer, run=4, batch=3, reading=0, groups=1, blind=1, pages=1, drills=2)[0]
    assert len(batches) == GROUP and sum("pixels" not in batch for batch in batches) == 3
    for seed in range(100):
        sequence = drill(random.Random(seed))
        row = tokenized(tokenizer, sequence)
        assert row.ids == tokenizer("".join(piece.text for piece in sequence.pieces))["input_ids"]
        assert row.is_line and sum(row.weights) > 12


def exercise(make, seed):
    """What is read, and what follows from it."""
    read, learnt = [], []
    make(random.Random(seed), lambda text, weight: (learnt if weight else read).append(text.strip()))
    return read, learnt


def test_what_follows_in_an_exercise_is_right():
    for seed in range(50):
        read, learnt = exercise(drills.reckoned, seed)
        for left, right in zip([text for text in read if "=" in text], learnt):
            one, sign, two, _ = left.split()
            result = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign]
            assert result(int(one), int(two)) == int(right)
        (shown, *asked), values = exercise(drills.looked_up, seed)
        known = shown.strip("[]").split(", ")
        keys = [text.removesuffix(" is") for text in asked if text]
        assert keys and all({f"{key} {value}", f"{value} {key}"} & set(known) for key, value in zip(keys, values))
        (shown, *asked), times = exercise(drills.counted, seed)
        shown, keys = shown.strip("[]").split(", "), [text for text in asked if text]
        assert set(keys) == set(shown) - {"?"}
        assert times == [{1: "once", 2: "twice"}[shown.count(key)] for key in keys] and times.count("once") == 1
        read, learnt = exercise(drills.added, seed)
        for left, right in zip([text for text in read if "=" in text], learnt):
            one, two, three = map(int, left.removesuffix(" =").split(" + "))
            assert right == f"{one + two} + {three} = {one + two + three}"
        (shown, *asked), (said, *hues) = exercise(drills.found_in_rows, seed)
        key, hue = said.split(" is ")
        assert f"{key} ?" in shown and f"{key} {hue}" in shown
        keys = [text.removesuffix(" is") for text in asked if text]
        assert len(keys) == len(hues) == 2 and all(f"{key} {hue}" in shown for key, hue in zip(keys, hues))
        (shown,), (partner,) = exercise(drills.partnered, seed)
        assert f"? and {partner}" in shown or f"{partner} and ?" in shown
        (shown,), (said,) = exercise(drills.asked, seed)
        key, value = said.split(" is ")
        assert shown.startswith(f"missing {key} ") and f"{key} {value}" in shown
        (shown,), (said,) = exercise(drills.found_again, seed)
        key, value = said.split(" is ")
        assert f"{key} {value}" in shown and f"{key} ?" in shown or f"{value} {key}" in shown and f"? {key}" in shown
        (rows,), (place,) = exercise(drills.located, seed)
        values = [row.split(", ") for row in re.findall(r"\[(.*?)\]", rows)]
        row, _, column, _ = place.split()
        assert values[ORDINALS.index(row)][ORDINALS.index(column)] == "?"


def test_evaluation_and_training_share_no_seed():
    assert all(training_puzzle(1, index)[0].seed >= FIRST_TRAINING_SEED for index in range(200))


def test_the_schedule_rises_twice_and_falls_to_nearly_nothing():
    rate = Schedule(1.0, reading_steps=1000, steps=5000, rise=100)
    assert rate(0) < 0.02 and rate(1000) < 0.02 and rate(99) > 0.97
    assert max(map(rate, range(5000))) <= 1.0 and rate(4999) < 0.03
    assert all(rate(step) > rate(step + 1) for step in range(1100, 4998))


def test_more_heads_of_keys_and_values_begin_by_saying_the_same(tokenizer):
    torch.manual_seed(2)
    small = Trainee(Sizes(1, 64, 2, 128, 64, text_keys=1), tokenizer).eval()
    large = Trainee(Sizes(1, 64, 2, 128, 64, text_keys=2), tokenizer).eval()
    large.load_state_dict(grown(small.state_dict(), large))
    text = Batches(tokenizer, 4, 3, 0, 1, blind=GROUP)[0][0]
    with torch.no_grad():
        one, two = (model.say(model.follow(None, text), text) for model in (small, large))
    assert one.std() > 0.1 and torch.allclose(one, two, atol=1e-5)


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


def test_muon_makes_singular_values_equal():
    torch.manual_seed(1)
    for shape in ((3, 24, 24), (2, 16, 40), (2, 40, 16)):
        values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)))
        assert 0.3 < values.min() and values.max() < 1.3
    weight = torch.nn.Parameter(torch.randn(8, 12))
    goal, optimizer = torch.randn(8, 12), Muon([weight], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss = (weight - goal).square().sum()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_whitened_patches_have_no_mean_and_no_correlation(tokenizer):
    torch.manual_seed(1)
    trainee = Trainee(Sizes(1, 64, 1, 64, 64), tokenizer)
    pixels = normalized(torch.from_numpy(numpy.stack([pixels_of(training_puzzle(1, n, "scatter")[0]) for n in range(12)])))
    whiten(trainee, pixels)
    with torch.no_grad():
        embedded = trainee.model.model.vision_model.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2).flatten(0, 1)
    assert embedded.mean(0).abs().max() < 0.02 and abs(embedded.std() - 1) < 0.05
    correlation = torch.corrcoef(embedded.T) - torch.eye(64)
    assert correlation.abs().mean() < 0.1


def test_a_frozen_eye_stays_as_it_is_while_readers_learn(tmp_path, monkeypatch):
    tiny = "--pictures 64 --reading 0 --pages 1 --batch 2 --frozen --vision-layers 1 --vision-width 64 --text-layers 1"
    tiny += f" --text-width 64 --text-inner 64 --threads {torch.get_num_threads()}"
    monkeypatch.setattr(sys, "argv", ["train.py", str(tmp_path), *tiny.split()])
    run = Run(options())
    before = {name: weight.clone() for name, weight in run.trainee.state_dict().items()}
    data = Batches(run.tokenizer, 1, 2, 0, 4, pages=1)
    for batch in data[0][:8]:
        run.update(batch)
    changed = {name for name, weight in run.trainee.state_dict().items() if not torch.equal(weight, before[name])}
    assert not any("vision_model" in name or "modality_projection" in name for name in changed)
    assert any("readers" in name for name in changed) and any("text_model.layers" in name for name in changed)


def test_of_a_checkpoint_the_eye_alone_can_be_taken(tmp_path, monkeypatch):
    tiny = "--vision-layers 1 --vision-width 64 --text-layers 1 --text-width 64 --text-inner 64"
    monkeypatch.setattr(sys, "argv", ["train.py", str(tmp_path / "first"), *tiny.split()])
    first = Run(options())
    first.checkpoint()
    begin = f"--seed 2 --eye --begin {tmp_path / 'first' / 'last.pt'}"
    monkeypatch.setattr(sys, "argv", ["train.py", str(tmp_path / "second"), *tiny.split(), *begin.split()])
    before, after = first.trainee.state_dict(), Run(options()).trainee.state_dict()
    is_same = {name: torch.equal(before[name], after[name]) for name in before if before[name].std(correction=0) > 0}
    assert all(is_same[name] == any(part in name for part in ("vision_model", "connector", "reader")) for name in is_same)


@pytest.mark.slow
def test_an_interrupted_run_ends_where_one_without_interruption_does(tmp_path):
    def run(folder, *more):
        tiny = "--blind 2 --pictures 256 --reading 128 --batch 8 --threads 1 --vision-layers 1 --vision-width 64 --text-layers 1"
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
    for whole_state, part_state in zip(whole["optimizers"], parts["optimizers"]):
        assert whole_state["state"]
        for one, two in zip(whole_state["state"].values(), part_state["state"].values()):
            assert all(torch.equal(one[name], two[name]) for name in one)
    with (tmp_path / "parts" / "train.csv").open() as file:
        assert csv.DictReader(file).fieldnames[0] == "step"
