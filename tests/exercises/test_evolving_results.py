"""The exercises on the verdicts on merges: solutions pass, the stub and the usual mistakes fail."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def interval(first, second, quantile=None, ddof=1):
    gaps = first - second
    t = stats.t.ppf(0.975, len(gaps) - 1) if quantile is None else quantile
    return gaps.mean(), t * gaps.std(ddof=ddof) / len(gaps) ** 0.5


def unpaired(first, second):
    t = stats.t.ppf(0.975, len(first) - 1)
    return first.mean() - second.mean(), t * np.sqrt(stats.sem(first) ** 2 + stats.sem(second) ** 2)


def shares(first, second):
    return (first - second) / (first - second).sum()


RIGHT = {"evolving.05.1": interval, "evolving.05.2": shares}


WRONG = {
    "evolving.05.1": [
        (lambda a, b: a.mean() - b.mean(), "A pair is asked for"),
        (lambda a, b: interval(b, a), "first minus second is"),
        (unpaired, "nothing to do with each other"),
        (lambda a, b: (interval(a, b)[0], 2 * interval(a, b)[1]), "whole width"),
        (lambda a, b: interval(a, b, 1.96), "1.96 is for very many seeds"),
        (lambda a, b: interval(a, b, ddof=0), "less one"),
        (lambda a, b: (interval(a, b)[0], 0.01), "yours is 0.010"),
    ],
    "evolving.05.2": [
        (lambda a, b: (a - b) / len(a), "shares add up to 1"),
        (lambda a, b: abs(a - b) / abs(a - b).sum(), "its share is negative"),
        (lambda a, b: a / a.sum(), "has a share of"),
        (lambda a, b: 1.0, "should have the shape"),
    ],
}
