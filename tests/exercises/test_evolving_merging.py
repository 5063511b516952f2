"""The exercises on merging: solutions pass, the empty stub and the usual mistakes fail with a reason."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn import exercises


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


SOLUTIONS = {"evolving.03.1": matching, "evolving.03.2": log_ratio, "evolving.03.3": chance}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_solutions_pass_and_nothing_fails(name, capsys):
    for seed in range(3):
        assert exercises.check(name, SOLUTIONS[name], seed=seed)
    assert not exercises.check(name, ...)
    assert "not solved yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("evolving.03.1", lambda n, e, c, o: matching(n, e, ~c, o), "coin did not come up"),
        ("evolving.03.1", lambda n, e, c, o: c, "taken twice"),
        ("evolving.03.1", lambda n, e, c, o: matching(n, e, c, np.arange(len(c))), "in the given order"),
        ("evolving.03.1", lambda n, e, c, o: np.zeros(len(c)), "is taken: both its ends are still free"),
        ("evolving.03.1", lambda n, e, c, o: [True], "should have the shape"),
        ("evolving.03.2", lambda p, b, a: -log_ratio(p, b, a), "That is the inverse"),
        ("evolving.03.2", lambda p, b, a: np.log1p(-p)[a & ~b].sum(), "restores are missing"),
        ("evolving.03.2", lambda p, b, a: np.exp(log_ratio(p, b, a)), "logarithm is asked for"),
        ("evolving.03.2", lambda p, b, a: np.log(p)[a & ~b].sum(), "yours is"),
        ("evolving.03.3", lambda p, n: 1 - (1 - p) ** n, "accepted for sure"),
        ("evolving.03.3", lambda p, n: 1.0 if p >= 0.5 else 1 - (1 - p) ** n, "the ODDS"),
        ("evolving.03.3", lambda p, n: min(1, p / (1 - p)), "of a single proposal"),
        ("evolving.03.3", lambda p, n: 1.0 if p >= 0.5 else 0.123, "yours is 0.1230"),
    ],
)
def test_usual_mistakes_are_named(name, answer, words, capsys):
    assert not exercises.check(name, answer, seed=0)
    assert words in " ".join(capsys.readouterr().out.split())
