"""Labels of steps, words on what is wrong with them, and the sequences that teach self-evaluation."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
import tokenizer as tokens
from data import asked
from packs import FOLDER, pack
from puzzles import CANNOT, KINDS, NEGATIVE_KINDS, generate
from sampled import defect, labelled
from steps import NO_MISTAKE, chain_steps, closest, facts, label, reflection, wordings
from tasks import TASKS, Cascade, Inline, Pool, tokens_of

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
def test_the_prompts_beside_the_default_model_are_these(name):
    models = Path(__file__).parents[2] / "Sources/cli/Shared/Models"
    assert (models / f"puzzles.{name}.yaml").read_text() == (FOLDER / f"{name}.yaml").read_text()


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


@pytest.mark.parametrize("task", [Cascade(), Inline()])
def test_mistakes_are_read_and_never_learnt(pool, task):
    for draw in range(400):
        puzzle, pieces = task.sequence(random.Random(draw), generate("venn", draw, 1.0), pool)
        known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)
        right = set(sum(known, []))
        wrong = {step for step, value in chains(puzzle.kind, puzzle.seed) if value is False} - right
        for text, weight in pieces:
            lines = set(text.replace(tokens.END, "").split("\n"))
            assert not weight or not lines & wrong


def test_verdicts_are_what_the_labels_say(pool):
    task, seen = Cascade(), Counter()
    for draw in range(400):
        key, chain, place = pool.step(random.Random(draw))
        *begun, request, (verdict, weight), _ = task.evaluate(generate(*key), chain, place)
        step = begun[-1][0].rstrip("\n")
        assert step == chain[place][0] and "Is the last step correct?" in request[0]
        assert verdict == ("Yes" if label(step, wordings(*key)[place]) else "No") and weight > 1
        seen[place, verdict] += 1
    # Neither a place nor a kind tells the verdict.
    assert all(seen[place, "Yes"] > 20 and seen[place, "No"] > 20 for place in range(4))
    assert all(sides[True] and sides[False] for sides in pool.judged.values())


@pytest.mark.parametrize("task", sorted(TASKS))
def test_pieces_are_cut_where_the_tokenizer_cuts(tokenizer, pool, task):
    for draw in range(200):
        _, pieces = TASKS[task]().sequence(random.Random(draw), generate("venn", draw, 1.0), pool)
        ids, weights = tokens_of(tokenizer, pieces)
        assert ids == tokenizer("".join(text for text, _ in pieces))["input_ids"]
        assert len(ids) == len(weights) < tokens.CONTEXT and sum(weights) > 0


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
