#!/usr/bin/env python3
"""Writes Tests/EvaluationTests/Fixtures/statistics/: what SciPy, scikit-learn and statsmodels make of the same numbers.

    statistics_fixtures.py Tests/EvaluationTests/Fixtures/statistics

The files:

  * calibration.json    Platt scaling as the optimum that SciPy finds for the smoothed cross-entropy, isotonic
                        regression from scikit-learn, and thresholds of conformal risk control by trying every
                        candidate in exact fractions;
  * regression.json     logistic regressions with several features: statsmodels' fit, made exact by SciPy;
  * penalized.json      logistic regressions with an L2 penalty and weighted samples, from scikit-learn;
  * metrics.json        intervals, the paired bootstrap, areas under curves, calibration errors, risk and coverage,
                        McNemar's test and the first-error score.

Made with Python 3.11, NumPy 2.4.6, SciPy 1.17.1, scikit-learn 1.9.1, statsmodels 0.15.0. Never needed to run the tests.
"""

import itertools
import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from scipy import optimize, special, stats
from sklearn import metrics
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

random = np.random.default_rng(20240229)


def rounded(values, digits=6):
    return [round(float(value), digits) for value in values]


# Calibration


def platt(logits, labels):
    """The optimum of Platt's smoothed cross-entropy, as a root of its gradient. It has one class or both."""
    logits, labels = np.array(logits), np.array(labels, dtype=bool)
    positives, negatives = labels.sum(), (~labels).sum()
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def gradient(parameters):
        difference = special.expit(parameters[0] * logits + parameters[1]) - targets
        return [(difference * logits).sum(), difference.sum()]

    def loss(parameters):
        z = parameters[0] * logits + parameters[1]
        return (np.logaddexp(0, z) - targets * z).sum()

    start = optimize.minimize(loss, [0, 0], method="Nelder-Mead", options={"maxiter": 20000}).x
    found = optimize.root(gradient, start, tol=1e-14)
    assert np.abs(gradient(found.x)).max() < 1e-8, found
    # scikit-learn stops early; it has to be near nevertheless.
    if 0 < positives < len(labels):
        theirs = _sigmoid_calibration(logits, labels)
        assert np.allclose(-np.array(theirs), found.x, rtol=2e-2, atol=2e-2), (theirs, found.x)
    return {"slope": float(found.x[0]), "intercept": float(found.x[1])}


def calibration_case(name, logits, labels, has_platt=True):
    logits = rounded(logits)
    regression = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(logits, labels)
    points = rounded(np.concatenate([np.linspace(min(logits) - 1, max(logits) + 1, 41), logits[:20]]))
    return {
        "name": name,
        "logits": logits,
        "labels": [bool(label) for label in labels],
        "platt": platt(logits, labels) if has_platt else None,
        "points": points,
        "isotonic": regression.predict(points).tolist(),
        "thresholds": regression.X_thresholds_.tolist(),
        "values": regression.y_thresholds_.tolist(),
    }


def logistic_sample(count, slope, intercept, digits=6):
    logits = np.round(random.normal(0.5, 2.5, count), digits)
    return logits, random.random(count) < special.expit(slope * logits + intercept)


def regression_case(name, rows, labels):
    """A binomial model of smoothed labels: statsmodels' fit, made exact as a root of the gradient."""
    rows = [rounded(row) for row in rows]
    labels = np.array(labels, dtype=bool)
    positives = labels.sum()
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    columns = sm.add_constant(np.array(rows))
    found = optimize.root(
        lambda weights: columns.T @ (special.expit(columns @ weights) - targets),
        sm.GLM(targets, columns, family=sm.families.Binomial()).fit().params,
        jac=lambda weights: (columns.T * special.expit(columns @ weights) * special.expit(-columns @ weights)) @ columns,
        tol=1e-13,
    )
    assert found.success and abs(found.fun).max() < 1e-6, (name, found)
    intercept, *coefficients = map(float, found.x)
    return {
        "name": name,
        "features": rows,
        "labels": labels.tolist(),
        "coefficients": coefficients,
        "intercept": intercept,
    }


def regression():
    # A generator of its own, so that the other files stay as they are.
    own = np.random.default_rng(20261122)

    def sample(count, weights, intercept, scales, shifts):
        rows = own.normal(0, 1, (count, len(weights))) * scales + shifts
        return rows, own.random(count) < special.expit(rows @ np.array(weights) + intercept)

    mixed = own.normal(0, 1, (250, 1)) + own.normal(0, 0.3, (250, 2))
    return {
        "cases": [
            regression_case("two signals", *sample(300, [0.8, -0.5], 0.3, [1, 1], [0, 0])),
            regression_case("other scales", *sample(400, [1.5, 0.02, -8], 10, [1, 40, 0.1], [0, -300, 0.5])),
            regression_case("much alike", mixed, own.random(250) < special.expit(2 * mixed[:, 0])),
            regression_case("few", [[0, 1], [1, 0], [2, 2], [3, 1], [4, 5]], [0, 1, 0, 1, 1]),
        ]
    }


def conformal_threshold(confidences, correct, risk):
    """The smallest double that satisfies the bound, by trying each that changes anything; None where none does."""
    alpha, count = Fraction(str(risk)), len(confidences)
    for threshold in sorted({0.0} | {float(np.nextafter(c, 2)) for c in confidences}):
        wrong = sum(c >= threshold and not right for c, right in zip(confidences, correct))
        mean = Fraction(wrong, count) if count else Fraction(0)
        if Fraction(count, count + 1) * mean + Fraction(1, count + 1) <= alpha:
            return threshold
    return None


def conformal_cases():
    cases = []
    for count, digits in [(0, 2), (1, 2), (9, 1), (9, 6), (20, 1), (99, 2), (99, 6), (250, 3)]:
        confidences = rounded(random.random(count), digits)
        correct = [bool(random.random() < c) for c in confidences]
        for risk in [0.005, 0.01, 0.05, 0.1, 0.29, 0.3, 0.5, 1]:
            cases.append(
                {
                    "confidences": confidences,
                    "isCorrect": correct,
                    "risk": risk,
                    "threshold": conformal_threshold(confidences, correct, risk),
                }
            )
    return cases


def calibration():
    separable = np.array([-3, -2.5, -1, -0.5, 0.5, 1.5, 2, 4])
    return {
        "cases": [
            calibration_case("logistic", *logistic_sample(300, 0.7, -0.4)),
            calibration_case("many ties", *logistic_sample(400, 1.2, 0.3, digits=0)),
            calibration_case("upside down", *logistic_sample(200, -0.5, 0.2)),
            calibration_case("far from zero", *(lambda l, y: (l * 10 + 500, y))(*logistic_sample(150, 1, 0))),
            calibration_case("separable", separable, separable > 0),
            calibration_case("outliers", [-100, -2, -1, 0, 1, 2, 100], [1, 0, 1, 0, 1, 1, 0]),
            calibration_case("two samples", [-1, 1], [0, 1]),
            calibration_case("right only", [-1, 0, 2], [1, 1, 1], has_platt=False),
            calibration_case("wrong only", [-1, 0, 2], [0, 0, 0], has_platt=False),
            calibration_case("one sample", [0.3], [1], has_platt=False),
            calibration_case("one logit", [0.5] * 5, [1, 1, 0, 1, 0], has_platt=False),
        ],
        "conformal": conformal_cases(),
    }


# Metrics


def wilson_cases():
    pairs = [(0, 1), (1, 1), (0, 50), (50, 50), (1, 2), (3, 7), (41, 100), (999, 1000), (123, 4567)]
    cases = []
    for successes, trials in pairs:
        interval = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        cases.append({"successes": successes, "trials": trials, "lower": interval.low, "upper": interval.high})
    return cases


def grouped_cases():
    """Wilson's interval at the sample size that the cluster-robust variance of an intercept amounts to."""
    cases = []
    for problems, seeds in [(40, [5]), (30, [1, 2, 3, 8]), (25, [1])]:
        groups = []
        for problem in range(problems):
            ease = random.beta(0.6, 0.6)
            groups.append([bool(random.random() < ease) for _ in range(seeds[problem % len(seeds)])])
        outcomes = np.array([float(right) for group in groups for right in group])
        names = [index for index, group in enumerate(groups) for _ in group]
        fit = sm.OLS(outcomes, np.ones_like(outcomes)).fit(
            cov_type="cluster", cov_kwds={"groups": names, "use_correction": False}
        )
        share, variance = outcomes.mean(), float(fit.cov_params()[0, 0])
        effective = min(share * (1 - share) / variance, len(outcomes))
        lower, upper = proportion_confint(share * effective, effective, method="wilson")
        cases.append({"groups": groups, "value": float(share), "lower": float(lower), "upper": float(upper)})
    return cases


class SplitMix64:
    def __init__(self, state):
        self.state = state

    def below(self, bound):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) * bound) >> 64


def bootstrap_cases():
    # The first outputs for the state 1234567, as published with several implementations.
    generator = SplitMix64(1234567)
    assert [generator.below(1 << 64) for _ in range(2)] == [6457827717110365317, 3203168211198807973]
    cases = []
    for problems, seeds, shift, seed in [(60, 3, 0.15, 0), (25, 1, 0.4, 7), (30, 2, 0.0, 99)]:
        groups = []
        for _ in range(problems):
            ease = random.random()
            pair = lambda: [int(random.random() < ease), int(random.random() < min(1, ease + shift))]
            groups.append([pair() for _ in range(seeds)])
        gains = np.array([sum(other - base for base, other in group) for group in groups])
        counts = np.array([len(group) for group in groups])
        resamples, generator, differences = 2000, SplitMix64(seed), []
        for _ in range(resamples):
            drawn = [generator.below(problems) for _ in range(problems)]
            differences.append(gains[drawn].sum() / counts[drawn].sum())
        differences = np.array(differences)
        smaller = min((differences <= 0).sum(), (differences >= 0).sum())
        theirs = stats.bootstrap(
            (gains, counts),
            lambda g, c, axis: g.sum(axis=axis) / c.sum(axis=axis),
            paired=True,
            method="percentile",
            n_resamples=200_000,
            batch=10_000,
            rng=np.random.default_rng(1),
        ).confidence_interval
        cases.append(
            {
                "problems": groups,
                "seed": seed,
                "resamples": resamples,
                "value": gains.sum() / counts.sum(),
                "lower": np.percentile(differences, 2.5),
                "upper": np.percentile(differences, 97.5),
                "pValue": min(1, 2 * (smaller + 1) / (resamples + 1)),
                "scipyLower": theirs.low,
                "scipyUpper": theirs.high,
            }
        )
    return cases


def outcome_cases():
    """Scores with their truth: ranking, reliability, risk and coverage."""
    cases = []
    for name, count, digits in [("continuous", 400, 6), ("ties", 300, 1), ("few", 7, 1), ("rare", 120, 2)]:
        scores = np.round(random.beta(1.5, 1, count), digits)
        labels = random.random(count) < (scores**2 if name != "rare" else scores**12)
        labels[:2] = [True, False]
        cases.append(outcome_case(name, scores, labels))
    cases.append(outcome_case("one score", [0.3] * 6, [1, 1, 0, 0, 0, 1]))
    cases.append(outcome_case("perfect", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))
    cases.append(outcome_case("worst", [0.9, 1.0, 0.0, 0.1], [0, 0, 1, 1]))
    return cases


def outcome_case(name, scores, labels):
    scores, labels = np.array(scores, dtype=float), np.array(labels, dtype=bool)
    false_rate, true_rate, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    targets = [0.5, 0.8, 0.95, 1.0]
    bins = {}
    for strategy in ["uniform", "quantile"]:
        frequencies, means = calibration_curve(labels, scores, n_bins=10, strategy=strategy)
        edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.percentile(scores, np.linspace(0, 1, 11) * 100)
        members = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=10)
        members = members[members > 0]
        error = (np.abs(frequencies - means) * members).sum() / len(scores)
        bins[strategy] = {
            "frequencies": frequencies.tolist(),
            "means": means.tolist(),
            "counts": members.tolist(),
            "error": float(error),
        }
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "areaUnderROC": metrics.roc_auc_score(labels, scores),
        "averagePrecision": metrics.average_precision_score(labels, scores),
        "truePositiveRates": targets,
        "trueNegativeRates": [float((1 - false_rate)[true_rate >= target].max()) for target in targets],
        "brierScore": metrics.brier_score_loss(labels, scores),
        "uniform": bins["uniform"],
        "quantile": bins["quantile"],
        **risk_coverage(scores, labels),
    }


def risk_coverage(scores, labels):
    """Points of the curve, and its area: the mean over orders of equal scores, by all orders where these are few."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        kept = scores >= threshold
        points.append([float(kept.mean()), float((~labels[kept]).mean())])

    def area(order):
        return float((np.cumsum(~labels[list(order)]) / np.arange(1, len(labels) + 1)).mean())

    ties = [np.flatnonzero(scores == score).tolist() for score in sorted(set(scores), reverse=True)]
    orders = math.prod(math.factorial(len(tie)) for tie in ties)
    if orders <= 5000:
        every = itertools.product(*(itertools.permutations(tie) for tie in ties))
        areas = [area(itertools.chain(*order)) for order in every]
        tolerance = 1e-12
    else:
        shuffled = (itertools.chain(*(random.permutation(tie) for tie in ties)) for _ in range(2000))
        areas = [area(order) for order in shuffled]
        tolerance = 5 * np.std(areas) / math.sqrt(len(areas)) + 1e-12
    risks = [0.05, 0.1, 0.2, 0.4]
    return {
        "points": points,
        "area": float(np.mean(areas)),
        "areaTolerance": float(tolerance),
        "risks": risks,
        "coverages": [max([c for c, r in points if r <= risk], default=0) for risk in risks],
    }


def mcnemar_cases():
    cases = []
    for mended, spoilt in [(0, 0), (1, 0), (5, 5), (12, 3), (3, 12), (0, 10), (150, 110), (2000, 2100)]:
        p = mcnemar([[7, spoilt], [mended, 9]], exact=True).pvalue
        if mended + spoilt:
            assert math.isclose(p, stats.binomtest(mended, mended + spoilt).pvalue, rel_tol=1e-6)
        cases.append({"mended": mended, "spoilt": spoilt, "pValue": float(p)})
    return cases


def first_error_cases():
    cases = []
    for count in [10, 200]:
        actual = [None if random.random() < 0.4 else int(random.integers(0, 6)) for _ in range(count)]
        predicted = [a if random.random() < 0.5 else int(random.integers(0, 6)) for a in actual]
        predicted = [None if random.random() < 0.2 else p for p in predicted]
        found = [p == a for p, a in zip(predicted, actual) if a is not None]
        spared = [p == a for p, a in zip(predicted, actual) if a is None]
        f1 = float(stats.hmean([np.mean(found), np.mean(spared)]))
        cases.append({"predicted": predicted, "actual": actual, "f1": f1})
    return cases


def penalized():
    """Logistic regression with an L2 penalty and weighted samples, as scikit-learn fits it."""
    own = np.random.default_rng(20261130)
    cases = []
    for count, width, penalty in [(60, 5, 0.5), (40, 60, 3.0), (200, 30, 100.0)]:
        rows = np.round(own.normal(0, 1, (count, width)), 3)
        labels = own.random(count) < special.expit(rows[:, 0] - 0.5 * rows[:, 1] + 0.3)
        weights = rounded(own.uniform(0.2, 2, count), 3)
        fit = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10000)
        fit.fit(rows, labels, sample_weight=weights)
        cases.append(
            {
                "features": [[float(value) for value in row] for row in rows],
                "labels": labels.tolist(),
                "weights": weights,
                "penalty": penalty,
                "coefficients": rounded(fit.coef_[0], 8),
                "intercept": float(fit.intercept_[0]),
            }
        )
    return {"cases": cases}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "calibration": calibration(),
        "regression": regression(),
        "penalized": penalized(),
        "metrics": {
            "wilson": wilson_cases(),
            "grouped": grouped_cases(),
            "bootstrap": bootstrap_cases(),
            "outcomes": outcome_cases(),
            "mcnemar": mcnemar_cases(),
            "firstError": first_error_cases(),
        },
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
