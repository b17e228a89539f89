"""Labels of steps, words on what is wrong with them, and the sequences that teach self-evaluation."""

import json
import random
import re
import struct
from collections import Counter
from pathlib import Path

import pytest
import tokenizer as tokens
import yaml
from data import asked
from drills import drill
from invented import mistaken
from packs import FOLDER, pack
from puzzles import CANNOT, KINDS, NEGATIVE_KINDS, generate
from sampled import defect, labelled
from sequences import Sequence, tokenized
from steps import NO_MISTAKE, chain_steps, closest, facts, label, mistakes, reflection, wordings
from tasks import TASKS, Cascade, Inline, Pool, steps_seen

EVERY = KINDS + NEGATIVE_KINDS
OTHERS = {"blue": "green", "red": "orange", "small": "large", "triangle": "square", "circle": "square"}


@pytest.fixture(scope="module")
def tokenizer():
    return tokens.train()


def test_the_packs_are_those_of_the_engine():
    short, long = pack("cas-seat"), pack("seat")
    assert short.evaluate.endswith("Answer Yes or No.") and "{" not in short.evaluate
    assert long.asked("What?").startswith("What?\n\nReason step by step")
    assert long.judged("It says 1 instead of 2.", False) == (
        "[self-evaluation-start: It says 1 instead of 2. Evaluation: Refine self-evaluation-end]"
    )


@pytest.mark.parametrize("name", ["cas-seat", "seat"])
def test_the_prompts_in_the_default_model_are_these(name):
    models = Path(__file__).parents[2] / "Sources/EMLLMCore/ModelStore/Models"
    bundled = recipe(models / "puzzles.emllm")["prompts"][name]
    known = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    keys = {"evaluate_chain": "evaluateChain", "answer_pattern": "answerPattern"}
    for key in ("reason", "evaluate", "evaluate_chain", "reflect", "refine", "rework", "answer", "answer_pattern", "verdict"):
        assert bundled[keys.get(key, key)] == known[key], key


def recipe(path):
    """The recipe in an .emllm file: its section of kind 5 (weights-format.md)."""
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data, 12)
    for index in range(count):
        kind, _, offset, length = struct.unpack_from("<IIQQ", data, 64 + 64 * index)
        if kind == 5:
            return json.loads(data[offset : offset + length])
    raise AssertionError(f"{path} has no recipe")


@pytest.mark.parametrize("kind", EVERY)
def test_the_generators_own_wordings_are_right(kind):
    for seed in range(20):
        for wording in (None, "canonical", 3):
            puzzle = generate(kind, seed, 0.4, wording)
            known = wordings(kind, seed, 0.4)
            assert [label(step, texts) for step, texts in zip(chain_steps(puzzle), known)] == [True] * 4


@pytest.mark.parametrize("kind", EVERY)
def test_other_words_leave_the_scene_as_it_is(kind):
    one, two = generate(kind, 4, 0.4, "canonical"), generate(kind, 4, 0.4, 7)
    assert (one.scene.marks, one.options, one.answer) == (two.scene.marks, two.options, two.answer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_fact_is_wrong_and_named(kind):
    rng = random.Random(1)
    for seed in range(12):
        known = wordings(kind, seed, 0.4)
        for place in range(3):
            step = known[place][0]
            words = [word for word in facts(step) if word.isdigit() or word in OTHERS and word in re.findall("[a-z]+", step)]
            if not words:
                continue
            word = rng.choice(words)
            other = str(int(word) + 1) if word.isdigit() else OTHERS[word]
            changed = re.sub(rf"\b{word}\b", other, step, count=1)
            if changed == step:
                continue
            assert label(changed, known[place]) is False
            assert closest(changed, known[place]) == step
            said = reflection(changed, known[place])
            assert said != NO_MISTAKE and said.endswith(".") and ("instead of" in said or "leaves out" in said)


def test_other_words_for_the_same_have_no_label():
    known = wordings("venn", 3, 1.0)[0]
    assert label(known[0].replace("There are", "One sees"), known) is None


@pytest.mark.parametrize("kind", EVERY)
def test_questions_put_otherwise_keep_their_options(kind):
    rng = random.Random(2)
    puzzle = generate(kind, 3)
    for _ in range(30):
        other = asked(rng, puzzle)
        assert puzzle.question in other.prompt
        assert all(f"({chr(65 + place)}) {option}" in other.prompt for place, option in enumerate(puzzle.options))


def chains(kind, seed):
    """A chain with a mistake from another puzzle, labelled."""
    known = wordings(kind, seed, 1.0)
    said = chain_steps(generate(kind, seed + 1, 1.0))
    return [(step, label(step, texts)) for step, texts in zip(said, known)]


def truth(kind, seed):
    return [(step, True) for step in chain_steps(generate(kind, seed, 1.0))]


@pytest.fixture(scope="module")
def pool():
    by_puzzle = {(kind, seed, 1.0): [chains(kind, seed), truth(kind, seed)] for kind in KINDS for seed in range(6)}
    return Pool(by_puzzle)


def lines_learnt(sequence):
    return {line for piece in sequence.pieces if piece.weight for line in piece.text.replace(tokens.END, "").split("\n")}


@pytest.mark.parametrize("task", [Cascade(), Inline()])
def test_mistakes_are_read_and_never_learnt(pool, task):
    for draw in range(200):
        puzzle, sequence = task.sequence(random.Random(draw), generate("venn", draw, 1.0), pool)
        known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)
        judged = {piece.text.rstrip("\n") for piece in sequence.pieces}
        wrong = {text for text in judged for texts in known if label(text, texts) is False} - set(sum(known, []))
        steps = {step for step, value in chains(puzzle.kind, puzzle.seed) if value is False}
        assert not lines_learnt(sequence) & steps & wrong


def verdicts(sequence):
    """(place, step as a piece, request, verdict, weight) of every verdict."""
    for number, piece in enumerate(sequence.pieces):
        if piece.text in ("Yes", "No"):
            _, *steps, request, _ = sequence.way_to(number)
            yield len(steps) - 1, steps[-1], request.text, piece.text, piece.weight


@pytest.mark.parametrize("has_pool", [False, True])
def test_verdicts_are_what_the_labels_say(pool, has_pool):
    seen = Counter()
    for draw in range(150):
        puzzle, sequence = Cascade().sequence(random.Random(draw), generate(KINDS[draw % 20], draw, 1.0), has_pool and pool)
        known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)
        for place, step, request, verdict, weight in verdicts(sequence):
            assert verdict == ("Yes" if label(step.text.rstrip("\n"), known[place]) else "No") and weight > 1
            assert verdict == "Yes" or not step.weight
            # What is wrong is known wherever a verdict is asked for.
            assert bool(step.mistakes) == (verdict == "No") and step.mistakes is not None
            assert "Is the last step correct?" in request or "Is the reasoning" in request and place == 3
            seen[place, verdict] += 1
    assert all(seen[place, "Yes"] > 20 and seen[place, "No"] > 20 for place in range(4))


def test_a_step_and_its_twin_stand_behind_the_same(pool):
    for draw in range(100):
        puzzle, sequence = Cascade().sequence(random.Random(draw), generate(KINDS[draw % 20], draw, 1.0), None)
        by_place = {}
        for number, piece in enumerate(sequence.pieces):
            if piece.text in ("Yes", "No"):
                way = [piece.text for piece in sequence.way_to(number)]
                by_place.setdefault((*way[:-3], way[-2]), []).append(way[-1])
        assert by_place and all(sorted(found) == ["No", "Yes"] for found in by_place.values())


@pytest.mark.parametrize("kind", KINDS)
def test_an_invented_mistake_is_wrong_and_small(kind):
    rng, found = random.Random(1), 0
    for seed in range(10):
        puzzle = generate(kind, seed, 1.0)
        for place, step in enumerate(chain_steps(puzzle)):
            wrong = mistaken(rng, puzzle, place)
            found += wrong is not None
            assert wrong is None or label(wrong, wordings(kind, seed, 1.0)[place]) is False
            assert wrong is None or len(set(wrong.split()) ^ set(step.split())) <= 4
    assert found >= 34


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_that_are_wrong_are_those_that_were_changed(kind):
    rng = random.Random(3)
    for seed in range(8):
        puzzle = generate(kind, seed, 1.0)
        for place, step in enumerate(chain_steps(puzzle)):
            known = wordings(kind, seed, 1.0)[place]
            assert mistakes(step, known) == ()
            wrong = mistaken(rng, puzzle, place)
            if wrong and place < 3 and len(wrong.split()) == len(step.split()):
                changed = {word for word, other in zip(wrong.split(), step.split()) if word != other}
                found = [wrong[first:end] for first, end in mistakes(wrong, [step])]
                assert all(any(part in word for word in changed) for part in found)
                assert all(any(part in word for part in found) for word in changed)


@pytest.mark.parametrize("task", [Cascade(), Inline()])
def test_what_is_judged_without_a_picture_stands_behind_what_is_seen(task):
    judged = Counter()
    for draw in range(100):
        puzzle = generate(KINDS[draw % 20], draw, 1.0)
        sequence, steps, seen = task.blind(random.Random(draw), puzzle), chain_steps(puzzle), steps_seen(puzzle)
        assert tokens.IMAGE not in sequence.pieces[0].text
        given = [piece for piece in sequence.pieces if piece.text.rstrip("\n") in steps[:seen]]
        assert [piece.text.rstrip("\n") for piece in given] == steps[:seen] and not any(piece.weight for piece in given)
        wrong = [piece for piece in sequence.pieces if piece.mistakes]
        judged["wrong"] += len(wrong)
        assert not any(piece.weight for piece in wrong)
        assert lines_learnt(sequence) & set(steps[seen:]) or wrong
    assert judged["wrong"] > 30


def test_exercises_are_judged_beside_their_twins():
    for draw in range(50):
        sequence = drill(random.Random(draw), is_judged=True)
        twins = [piece for piece in sequence.pieces if piece.mistakes]
        right = {(piece.after, piece.text) for piece in sequence.pieces if piece.weight}
        plain = drill(random.Random(draw))
        assert twins and not any(piece.mistakes is not None for piece in plain.pieces)
        for twin in twins:
            (text,) = [text for after, text in right if after == twin.after]
            assert twin.text != text and not twin.weight and len(twin.text.split()) == len(text.split())


def test_tokens_of_mistakes_are_marked(tokenizer):
    sequence = Sequence()
    sequence.add("A question?\n")
    sequence.add("The sum is 14, it is green.\n", mistakes=((11, 13), (21, 26)))
    sequence.add("So be it.\n", mistakes=())
    row = tokenized(tokenizer, sequence)
    marked = "".join(tokenizer.decode([token]) for token, wrong in zip(row.ids, row.wrong) if wrong == 1)
    assert marked.split() in (["14", "green"], ["1", "4", "green"])
    spoilt = [spoilt for spoilt, piece in zip(row.spoilt, row.piece) if piece == 1]
    assert spoilt == sorted(spoilt) and sum(spoilt) == len(spoilt) - row.wrong[row.piece.index(1) :].index(1)
    known = [wrong for wrong, piece in zip(row.wrong, row.piece) if piece == 2]
    assert set(known) == {0} and {wrong for wrong, piece in zip(row.wrong, row.piece) if piece == 0} == {-1}


def test_right_and_wrong_verdicts_count_the_same_within_a_kind_and_place():
    pool = Pool({("venn", seed, 1.0): [[("a", seed < 2), ("b", True), ("c", None), ("d", False)]] for seed in range(8)})
    assert 2 * pool.weight("venn", 0, True) == pytest.approx(6 * pool.weight("venn", 0, False)) == pytest.approx(4)
    # Where all are right, or all wrong, nothing can be learnt but the kind.
    assert pool.weight("venn", 1, True) == pool.weight("venn", 3, False) == 0


@pytest.mark.parametrize("task", sorted(TASKS))
def test_pieces_are_cut_where_the_tokenizer_cuts(tokenizer, pool, task):
    for draw in range(100):
        _, sequence = TASKS[task]().sequence(random.Random(draw), generate("venn", draw, 1.0), pool)
        row = tokenized(tokenizer, sequence)
        assert len(row.ids) == len(row.weights) and max(row.positions()) < tokens.CONTEXT and sum(row.weights) > 0
        for leaf in sequence.leaves():
            place, ids = max(place for place, piece in enumerate(row.piece) if piece == leaf), []
            while place >= 0:
                ids.append(row.ids[place])
                place = row.before[place]
            assert ids[::-1] == tokenizer("".join(piece.text for piece in sequence.way_to(leaf)))["input_ids"]


def test_responses_are_labelled_or_left_out():
    problem = {"category": "venn", "seed": 3, "plain": 1.0}
    chain = generate("venn", 3, 1.0).chain
    steps, reason = labelled(problem, chain)
    assert reason is None and [value for _, value in steps] == [True] * 4
    assert labelled(problem, chain.rsplit("\n", 1)[0])[1] == "cut off"
    assert labelled(problem, "The answer is 3.\n" + chain)[1] == "the answer before the reasoning"
    assert labelled(problem, "Some step.\n" + chain)[1] == "more or fewer steps"
    wrong = [("a", True), ("b", True), ("c", False), ("d", False)]
    right = [("a", True)] * 4
    assert defect([wrong]) == "never solved" and defect([right]) == "no mistake in any chain"
    assert defect([right, wrong]) is None


def test_a_question_without_an_answer_is_labelled_too():
    puzzle = generate("no_puzzle", 5, 1.0)
    known = wordings("no_puzzle", 5, 1.0)
    assert puzzle.answer == CANNOT and label("The answer is 3.", known[3]) is False


def test_packs_and_problems_agree_with_what_is_trained_on(tmp_path):
    import make_problems

    make_problems.main(tmp_path, 1, 0, 1.0, True)
    for line in (tmp_path / "negatives.jsonl").read_text().splitlines():
        assert json.loads(line)["answer"] == CANNOT
    for line in (tmp_path / "problems.jsonl").read_text().splitlines():
        row = json.loads(line)
        puzzle = generate(row["category"], row["seed"], row["plain"])
        assert row["answer"] == puzzle.answer and Path(tmp_path / row["image"]).exists()
