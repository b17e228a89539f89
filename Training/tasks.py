"""What a model is taught beside chains: to judge its own steps, say what is wrong with them, and write them again.

A sequence is a list of pieces (text, weight); text of weight 0 is read, not learnt. Chains with mistakes were said by the
model itself, labelled by the generator's truth (`steps.py`); mistakes are read, never learnt.
"""

from packs import pack
from puzzles import generate
from steps import NAMES, NO_MISTAKE, chain_steps, closest, reflection, wordings
from tokenizer import END, prompt_text, turn

# One verdict decides as much as a line of a chain.
VERDICT_WEIGHT = 12.0


def plain_chain(puzzle, prompts):
    """The puzzle's own chain, as every base model learns it."""
    return [(prompt_text(prompts.asked(puzzle.prompt)), 0), (puzzle.chain + END, 1)]


def blind_chain(puzzle, prompts):
    """What follows from a caption, without the picture: reasoning alone, at less than half of the price."""
    caption, rest = puzzle.chain.split("\n", 1)
    prompt = prompt_text(prompts.asked(puzzle.prompt), is_blind=True)
    return [(prompt + caption + "\n", 0), (rest + END, 1)]


class Pool:
    """Chains that a model said to puzzles, with labels, to be drawn from."""

    def __init__(self, by_puzzle):
        self.all = [(key, chain) for key, chains in by_puzzle.items() for chain in chains]
        judged = {}
        for key, chain in self.all:
            for place, (_, label) in enumerate(chain):
                if label is not None:
                    judged.setdefault((key[0], place), {True: [], False: []})[label].append((key, chain))
        # Where all steps of a kind are right, or all wrong, a verdict would be learnt from the kind alone.
        self.judged = {where: sides for where, sides in sorted(judged.items()) if sides[True] and sides[False]}

    def any(self, rng):
        return rng.choice(self.all)

    def step(self, rng, right_share=0.5, only=None):
        """A puzzle, a chain and the place of a step: every kind and place as often, right and wrong within each.

        `only` is a place.
        """
        kind, place = rng.choice([where for where in self.judged if only in (None, where[1])])
        return *rng.choice(self.judged[kind, place][rng.random() < right_share]), place


class Chains:
    """Base: chains of thought, nothing else."""

    def __init__(self):
        self.prompts = pack("cas-seat")

    def sequence(self, rng, puzzle, pool):
        """The puzzle that it is about, and the pieces; `pool` is what a model said, or nothing."""
        return puzzle, plain_chain(puzzle, self.prompts)


class Cascade:
    """Cas-SEAT: one short turn for each task."""

    # What a sequence teaches, and how often.
    SHARES = {"chain": 0.25, "evaluate": 0.45, "review": 0.12, "refine": 0.12, "rework": 0.06}

    def __init__(self):
        self.prompts = pack("cas-seat")

    def sequence(self, rng, puzzle, pool):
        task = rng.choices(list(self.SHARES), self.SHARES.values())[0] if pool else "chain"
        if task == "chain":
            return puzzle, plain_chain(puzzle, self.prompts)
        if task in ("evaluate", "refine"):
            key, chain, place = pool.step(rng, 0.5 if task == "evaluate" else 0.2)
        elif task == "review":
            key, chain, place = pool.step(rng, only=len(NAMES) - 1)
        else:
            (key, chain), place = pool.any(rng), None
        puzzle = generate(*key)
        return puzzle, getattr(self, task)(puzzle, chain, place)

    def evaluate(self, puzzle, chain, place):
        """A verdict on one step."""
        return self.begun(puzzle, chain[: place + 1]) + self.asks(self.prompts.evaluate, self.verdict(chain[place][1]))

    def review(self, puzzle, chain, place):
        """A verdict on the whole chain: whether its answer is right."""
        return self.begun(puzzle, chain) + self.asks(self.prompts.review, self.verdict(chain[-1][1]))

    def refine(self, puzzle, chain, place):
        """What is wrong with a step, and the step again."""
        step, is_right = chain[place]
        mistake, better = mended(puzzle, place, step, is_right)
        pieces = self.begun(puzzle, chain[: place + 1]) + self.asks(self.prompts.reflect, mistake)
        return pieces if is_right else pieces + self.asks(self.prompts.refine, better + "\n")

    def rework(self, puzzle, chain, place):
        """What is wrong with a chain, and all of it again."""
        wrong = [place for place, (_, label) in enumerate(chain) if label is False]
        if not wrong:
            return self.begun(puzzle, chain) + self.asks(self.prompts.reflect, NO_MISTAKE)
        mistake, _ = mended(puzzle, wrong[0], chain[wrong[0]][0], False)
        pieces = self.begun(puzzle, chain) + self.asks(self.prompts.reflect, mistake)
        return pieces + self.asks(self.prompts.rework, puzzle.chain)

    def begun(self, puzzle, chain):
        """The puzzle and what the model said: what is right is learnt again, up to the first mistake."""
        pieces, is_clean = [(prompt_text(self.prompts.asked(puzzle.prompt)), 0)], True
        for step, is_right in chain:
            is_clean = is_clean and bool(is_right)
            pieces.append((step + "\n", int(is_clean)))
        return pieces

    def asks(self, request, response):
        weight = VERDICT_WEIGHT if response in (self.prompts.positive, self.prompts.negative) else 1
        return [(END + "\n" + turn("user", request) + turn("assistant"), 0), (response, weight), (END, 1)]

    def verdict(self, is_right):
        return self.prompts.positive if is_right else self.prompts.negative


class Inline:
    """SEAT: one long prompt, and an evaluation behind every step."""

    # Puzzles whose own chain is evaluated, beside those whose sampled chains are.
    TRUE_SHARE = 0.5

    def __init__(self):
        self.prompts = pack("seat")

    def sequence(self, rng, puzzle, pool):
        chain = [(step, True) for step in chain_steps(puzzle)]
        if pool and rng.random() >= self.TRUE_SHARE:
            key, chain = pool.any(rng)
            puzzle = generate(*key)
        return puzzle, self.evaluated(puzzle, chain)

    def evaluated(self, puzzle, chain):
        pieces = [(prompt_text(self.prompts.asked(puzzle.prompt)), 0)]
        for place, (step, is_right) in enumerate(chain):
            if is_right is None:
                break
            mistake, better = mended(puzzle, place, step, is_right)
            pieces.append((step + "\n", 1 if is_right else 0))
            last = place == len(chain) - 1
            if not (last and is_right):
                pieces += [(self.prompts.judged(mistake, is_right) + "\n", 1)]
            if not is_right:
                # The engine goes on without the flawed step and what was said about it.
                pieces += [(better + "\n", 1)]
                return pieces
        return pieces + [(END, 1)] if len(pieces) > 1 else plain_chain(puzzle, self.prompts)


def mended(puzzle, place, step, is_right):
    """What is wrong with a step of a puzzle, and what it should be."""
    if is_right:
        return NO_MISTAKE, step
    known = wordings(puzzle.kind, puzzle.seed, puzzle.plain_share)[place]
    return reflection(step, known), closest(step, known)


TASKS = {"base": Chains, "cas-seat": Cascade, "seat": Inline}


def tokens_of(tokenizer, pieces):
    """Token ids and the weight of each as something to predict.

    Neighbouring pieces meet at line ends and special tokens, where the tokenizer cuts anyway.
    """
    ids, weights = [], []
    for text, weight in pieces:
        part = tokenizer(text)["input_ids"]
        ids += part
        weights += [weight] * len(part)
    return ids, weights


def sampled(records):
    """Chains by puzzle: (kind, seed, plain) → chains, in the order of the file."""
    by_puzzle = {}
    for record in records:
        steps = [tuple(step) for step in record["steps"]]
        by_puzzle.setdefault((record["kind"], record["seed"], record["plain"]), []).append(steps)
    return by_puzzle
