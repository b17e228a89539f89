"""What a model is taught beside chains: to judge its own steps, say what is wrong with them, and write them again.

Mistakes come from two sides. Some the model itself has made: chains that it said, labelled by the generator's truth
(`steps.py`). Others are invented (`invented.py`): true steps in which one fact is another. Mistakes are read, never learnt.
"""

from invented import mistaken
from packs import pack
from puzzles import generate
from sequences import Sequence
from steps import NAMES, NO_MISTAKE, chain_steps, closest, mistakes, reflection, wordings
from tokenizer import END, prompt_text, turn

# A verdict is one token of hundreds, and what is to be learnt.
VERDICT_WEIGHT = 5.0
# Of the rows that are not of chains alone, those about what a model said.
SAID_SHARE = 0.5


def plain_chain(puzzle, prompts):
    """The puzzle's own chain, as every base model learns it."""
    sequence = Sequence()
    sequence.add(prompt_text(prompts.asked(puzzle.prompt)))
    sequence.add(puzzle.chain + END, 1)
    return sequence


# Of these kinds the caption is not enough; their explanation says what else is to be seen.
SEEN_LATER = ["polygon_sides_color", "shape_morph"]
# Of these the deduction needs the picture too.
NEVER_BLIND = ["polygon_sides_number"]


def steps_seen(puzzle):
    """How many steps say what is seen; the others can be reasoned from these."""
    return 2 if puzzle.kind in SEEN_LATER else 1


def blind_chain(puzzle, prompts):
    """What follows from the steps that say what is seen, without the picture: reasoning alone, at half the price."""
    steps, seen = chain_steps(puzzle), steps_seen(puzzle)
    sequence = Sequence()
    sequence.add(prompt_text(prompts.asked(puzzle.prompt), is_blind=True))
    sequence.add("".join(step + "\n" for step in steps[:seen]))
    sequence.add("\n".join(steps[seen:]) + END, 1)
    return sequence


class Pool:
    """Chains that a model said to puzzles, with labels."""

    def __init__(self, by_puzzle):
        self.by_puzzle = by_puzzle
        self.keys = list(by_puzzle)
        self.counts = {}
        for key, chains in by_puzzle.items():
            for place, (_, label) in (step for chain in chains for step in enumerate(chain)):
                if label is not None:
                    self.counts.setdefault((key[0], place), {True: 0, False: 0})[label] += 1

    def draw(self, rng, most):
        """A puzzle and some of the chains about it."""
        key = rng.choice(self.keys)
        chains = self.by_puzzle[key]
        return key, rng.sample(chains, min(most, len(chains)))

    def weight(self, kind, place, label):
        """How much a verdict counts, so that right and wrong count the same within each kind and place.

        Else it would be learnt from the kind alone: the model fails at some kinds and places far oftener than at others.
        """
        counts = self.counts[kind, place]
        return min(4.0, 0.5 * sum(counts.values()) / counts[label]) if counts[True] and counts[False] else 0.0


class Chains:
    """Base: chains of thought, nothing else."""

    is_judging = False

    def __init__(self):
        self.prompts = pack("cas-seat")

    def sequence(self, rng, puzzle, pool):
        """The puzzle that it is about, and the pieces; `pool` is what a model said, or nothing."""
        return puzzle, plain_chain(puzzle, self.prompts)

    def blind(self, rng, puzzle):
        """What is said without a picture behind the steps that say what is seen."""
        return blind_chain(puzzle, self.prompts)


class Cascade:
    """Cas-SEAT: a chain, and short turns that are branches of it, one for each task."""

    is_judging = True
    # Chains about one puzzle in a row, and steps of a true chain that get a twin with a mistake.
    CHAINS, TWINS = 2, 2
    REWORK_SHARE = 0.4

    def __init__(self):
        self.prompts = pack("cas-seat")

    def sequence(self, rng, puzzle, pool):
        if pool and rng.random() < SAID_SHARE:
            key, chains = pool.draw(rng, self.CHAINS)
            puzzle = generate(*key)
            return puzzle, self.said(rng, puzzle, chains, pool)
        return puzzle, self.twins(rng, puzzle)

    def blind(self, rng, puzzle):
        """Judgements on what follows from the steps that say what is seen, without the picture."""
        return self.twins(rng, puzzle, steps_seen(puzzle))

    def twins(self, rng, puzzle, seen=0):
        """A true chain; some of its steps are judged, and so are their twins with a mistake, behind the same steps before.

        The first `seen` steps are given, and there is no picture, where `seen` is above 0.
        """
        sequence = Sequence()
        before = sequence.add(prompt_text(self.prompts.asked(puzzle.prompt), is_blind=seen > 0))
        places = rng.sample(range(seen, len(NAMES)), self.TWINS)
        mend = rng.choice(places)
        for place, step in enumerate(chain_steps(puzzle)):
            is_last = place == len(NAMES) - 1
            if is_last:
                sequence.add(step + END, 1, before)
            wrong = mistaken(rng, puzzle, place) if place in places else None
            is_learnt = seen <= place and not is_last
            right = None if is_last and not wrong else sequence.add(step + "\n", int(is_learnt), before, ())
            if wrong:
                twin = sequence.add(wrong + "\n", 0, before, flaws(puzzle, place, wrong, False))
                for piece, is_right in ((right, True), (twin, False)):
                    self.asks(sequence, piece, self.prompts.evaluate, self.verdict(is_right), VERDICT_WEIGHT)
                    if is_last:
                        self.asks(sequence, piece, self.prompts.evaluate_chain, self.verdict(is_right), VERDICT_WEIGHT)
                if place == mend:
                    self.asks(sequence, right, self.prompts.reflect, NO_MISTAKE)
                    self.refines(sequence, twin, puzzle, place, wrong)
            before = right
        return sequence

    def said(self, rng, puzzle, chains, pool):
        """What a model said to a puzzle, every step of it judged; a mistake named and mended, a chain solved again."""
        sequence, ends, wrong = Sequence(), {}, []
        prompt = sequence.add(prompt_text(self.prompts.asked(puzzle.prompt)))
        for chain in chains:
            before, said, is_clean = prompt, (), True
            for place, (step, is_right) in enumerate(chain):
                said, is_clean = (*said, step), is_clean and bool(is_right)
                if said not in ends:
                    # What is right is learnt again, up to the first mistake.
                    ends[said] = sequence.add(step + "\n", int(is_clean), before, flaws(puzzle, place, step, is_right))
                    self.judges(sequence, ends[said], puzzle, place, is_right, pool)
                    if is_right is False:
                        wrong.append((ends[said], place, step))
                before = ends[said]
            if all(is_right for _, is_right in chain):
                self.asks(sequence, before, self.prompts.reflect, NO_MISTAKE)
            elif rng.random() < self.REWORK_SHARE and any(is_right is False for _, is_right in chain):
                self.reworks(sequence, before, puzzle, chain)
        if wrong:
            piece, place, step = rng.choice(wrong)
            self.refines(sequence, piece, puzzle, place, step)
        return sequence

    def judges(self, sequence, piece, puzzle, place, is_right, pool):
        """Verdicts on a step; behind the last one, on the whole chain too: whether its answer is right."""
        weight = 0.0 if is_right is None else VERDICT_WEIGHT * pool.weight(puzzle.kind, place, is_right)
        if weight:
            self.asks(sequence, piece, self.prompts.evaluate, self.verdict(is_right), weight)
            if place == len(NAMES) - 1:
                self.asks(sequence, piece, self.prompts.evaluate_chain, self.verdict(is_right), weight)

    def refines(self, sequence, piece, puzzle, place, step):
        """What is wrong with a step, and the step again."""
        mistake, better = mended(puzzle, place, step)
        piece = self.asks(sequence, piece, self.prompts.reflect, mistake)
        self.asks(sequence, piece, self.prompts.refine, better + "\n")

    def reworks(self, sequence, piece, puzzle, chain):
        """What is wrong with a chain, and all of it again."""
        place = next(place for place, (_, is_right) in enumerate(chain) if is_right is False)
        piece = self.asks(sequence, piece, self.prompts.reflect, mended(puzzle, place, chain[place][0])[0])
        self.asks(sequence, piece, self.prompts.rework, puzzle.chain)

    def asks(self, sequence, piece, request, response, weight=1.0):
        """A turn behind a piece; returns the piece that its response is."""
        asked = sequence.add(END + "\n" + turn("user", request) + turn("assistant"), 0, piece)
        said = sequence.add(response, weight, asked)
        sequence.add(END, 1)
        return said

    def verdict(self, is_right):
        return self.prompts.positive if is_right else self.prompts.negative


class Inline:
    """SEAT: one long prompt, and an evaluation behind every step."""

    is_judging = True
    # Puzzles whose own chain is evaluated that get an invented mistake.
    MISTAKEN_SHARE = 0.5

    def __init__(self):
        self.prompts = pack("seat")

    def sequence(self, rng, puzzle, pool):
        if pool and rng.random() < SAID_SHARE:
            key, (chain,) = pool.draw(rng, 1)
            puzzle = generate(*key)
        else:
            chain = self.invented(rng, puzzle)
        return puzzle, self.evaluated(puzzle, chain)

    def blind(self, rng, puzzle):
        """Judgements on what follows from the steps that say what is seen, without the picture."""
        seen = steps_seen(puzzle)
        return self.evaluated(puzzle, self.invented(rng, puzzle, seen), seen)

    def invented(self, rng, puzzle, first=0):
        """The puzzle's own chain, or the beginning of it and a mistake."""
        chain = [(step, True) for step in chain_steps(puzzle)]
        if rng.random() >= self.MISTAKEN_SHARE:
            return chain
        place = rng.randrange(first, len(NAMES))
        wrong = mistaken(rng, puzzle, place)
        return chain[:place] + [(wrong, False)] if wrong else chain

    def evaluated(self, puzzle, chain, seen=0):
        """A chain with evaluations, up to the first step without a label, or to the first mistake and the step that is better.

        The first `seen` steps and what is said of them are given, and there is no picture, where `seen` is above 0.
        """
        sequence = Sequence()
        sequence.add(prompt_text(self.prompts.asked(puzzle.prompt), is_blind=seen > 0))
        for place, (step, is_right) in enumerate(chain):
            if is_right is None:
                break
            is_learnt = is_right and seen <= place
            sequence.add(step + "\n", int(is_learnt), mistakes=flaws(puzzle, place, step, is_right))
            if not is_right:
                mistake, better = mended(puzzle, place, step)
                sequence.add(self.prompts.judged(mistake, False) + "\n", 1)
                # The engine goes on without the flawed step and what was said about it.
                sequence.add(better + "\n", 1)
                return sequence
            if place < len(chain) - 1:
                sequence.add(self.prompts.judged(NO_MISTAKE, True) + "\n", int(seen <= place))
        if len(sequence.pieces) == 1:
            return plain_chain(puzzle, self.prompts)
        sequence.add(END, 1)
        return sequence


def mended(puzzle, place, step):
    """What is wrong with a step of a puzzle, and what it should be."""
    known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)[place]
    return reflection(step, known), closest(step, known)


def flaws(puzzle, place, step, is_right):
    """The parts of a step that are wrong; nothing where it has no label."""
    if is_right is not False:
        return () if is_right else None
    return mistakes(step, wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)[place]) or None


TASKS = {"base": Chains, "cas-seat": Cascade, "seat": Inline}


def sampled(records):
    """Chains by puzzle: (kind, seed, plain) → chains, in the order of the file."""
    by_puzzle = {}
    for record in records:
        steps = [tuple(step) for step in record["steps"]]
        by_puzzle.setdefault((record["kind"], record["seed"], record["plain"]), []).append(steps)
    return by_puzzle
