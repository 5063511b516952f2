"""The exercises on merging: solutions pass, the empty stub and the usual mistakes fail with a reason."""

from __future__ import annotations

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def matching(nodes, edges, coins, order):
    free, taken = np.ones(nodes, bool), np.zeros(len(coins), bool)
    for e in order:
        if coins[e] and free[edges[:, e]].all():
            taken[e], free[edges[:, e]] = True, False
    return taken


def log_ratio(p, before, after):
    logs = np.log1p(-p)
    return logs[after & ~before].sum() - logs[before & ~after].sum()


def chance(p, tries):
    return 1 - (1 - min(1, p / (1 - p))) ** tries


RIGHT = {"evolving.03.1": matching, "evolving.03.2": log_ratio, "evolving.03.3": chance}


WRONG = {
    "evolving.03.1": [
        (lambda n, e, c, o: matching(n, e, ~c, o), "coin did not come up"),
        (lambda n, e, c, o: c, "taken twice"),
        (lambda n, e, c, o: matching(n, e, c, np.arange(len(c))), "in the given order"),
        (lambda n, e, c, o: np.zeros(len(c)), "is taken: both its ends are still free"),
        (lambda n, e, c, o: [True], "should have the shape"),
    ],
    "evolving.03.2": [
        (lambda p, b, a: -log_ratio(p, b, a), "That is the inverse"),
        (lambda p, b, a: np.log1p(-p)[a & ~b].sum(), "restores are missing"),
        (lambda p, b, a: np.exp(log_ratio(p, b, a)), "logarithm is asked for"),
        (lambda p, b, a: np.log(p)[a & ~b].sum(), "yours is"),
    ],
    "evolving.03.3": [
        (lambda p, n: 1 - (1 - p) ** n, "accepted for sure"),
        (lambda p, n: 1.0 if p >= 0.5 else 1 - (1 - p) ** n, "the ODDS"),
        (lambda p, n: min(1, p / (1 - p)), "of a single proposal"),
        (lambda p, n: 1.0 if p >= 0.5 else 0.123, "yours is 0.1230"),
    ],
}
