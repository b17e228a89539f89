#!/usr/bin/env python3
"""Writes Tests/EMLLMCoreTests/Fixtures/sampling.json: which tokens the filters of `transformers` leave of small sets of logits.

    sampling_fixture.py Tests/EMLLMCoreTests/Fixtures/sampling.json

The filters are written anew in NumPy, after TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper and
MinPLogitsWarper of transformers 4.5x, and applied in that order, as `GenerationMixin` applies them. Logits are distinct, so
that the order of equal ones does not matter. Made with Python 3.11 and NumPy 2.4.6. Never needed to run the tests.
"""

import json
import sys
from pathlib import Path

import numpy as np


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def top_k(logits, k):
    least = np.sort(logits)[-min(k, len(logits))]
    return np.where(logits < least, -np.inf, logits)


def top_p(logits, p):
    # Ascending: a token goes when what is below it and itself together reach no more than 1 - p.
    order = np.argsort(logits)
    removed = np.cumsum(softmax(logits)[order]) <= 1 - p
    removed[-1:] = False
    out = logits.copy()
    out[order[removed]] = -np.inf
    return out


def min_p(logits, share):
    probabilities = softmax(logits)
    out = np.where(probabilities < share * probabilities.max(), -np.inf, logits)
    out[logits.argmax()] = logits.max()
    return out


def main(path):
    random = np.random.default_rng(19)
    cases = []
    for _ in range(60):
        count = int(random.integers(2, 40))
        logits = np.round(random.normal(0, random.choice([0.5, 2, 6]), count), 3)
        if len(set(logits)) < count:
            continue
        logits = logits.astype(np.float32)
        temperature = float(random.choice([0.5, 0.8, 1, 2]))
        k = int(random.integers(1, count + 1)) if random.random() < 0.5 else None
        p = float(np.round(random.uniform(0.1, 0.99), 3)) if random.random() < 0.7 else None
        share = float(np.round(random.uniform(0.01, 0.5), 3)) if random.random() < 0.7 else 0
        warped = logits.astype(np.float64) / temperature
        if k is not None:
            warped = top_k(warped, k)
        if p is not None:
            warped = top_p(warped, p)
        if share > 0:
            warped = min_p(warped, share)
        kept = [int(token) for token in np.flatnonzero(warped > -np.inf)]
        cases.append({
            "logits": [float(value) for value in logits], "temperature": temperature, "topK": k, "topP": p, "minP": share,
            "kept": kept,
        })
    Path(path).write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
