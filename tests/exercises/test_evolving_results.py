"""The exercises on the verdicts on merges: solutions pass, the stub and the usual mistakes fail."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hsrnn import exercises


def interval(first, second, quantile=None, ddof=1):
    gaps = first - second
    t = stats.t.ppf(0.975, len(gaps) - 1) if quantile is None else quantile
    return gaps.mean(), t * gaps.std(ddof=ddof) / len(gaps) ** 0.5


def unpaired(first, second):
    t = stats.t.ppf(0.975, len(first) - 1)
    return first.mean() - second.mean(), t * np.sqrt(stats.sem(first) ** 2 + stats.sem(second) ** 2)


def shares(first, second):
    return (first - second) / (first - second).sum()


SOLUTIONS = {"evolving.05.1": interval, "evolving.05.2": shares}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_solutions_pass_and_nothing_fails(name, capsys):
    for seed in range(3):
        assert exercises.check(name, SOLUTIONS[name], seed=seed)
    assert not exercises.check(name, ...)
    assert "not solved yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("evolving.05.1", lambda a, b: a.mean() - b.mean(), "A pair is asked for"),
        ("evolving.05.1", lambda a, b: interval(b, a), "first minus second is"),
        ("evolving.05.1", unpaired, "nothing to do with each other"),
        ("evolving.05.1", lambda a, b: (interval(a, b)[0], 2 * interval(a, b)[1]), "whole width"),
        ("evolving.05.1", lambda a, b: interval(a, b, 1.96), "1.96 is for very many seeds"),
        ("evolving.05.1", lambda a, b: interval(a, b, ddof=0), "less one"),
        ("evolving.05.1", lambda a, b: (interval(a, b)[0], 0.01), "yours is 0.010"),
        ("evolving.05.2", lambda a, b: (a - b) / len(a), "shares add up to 1"),
        ("evolving.05.2", lambda a, b: abs(a - b) / abs(a - b).sum(), "its share is negative"),
        ("evolving.05.2", lambda a, b: a / a.sum(), "has a share of"),
        ("evolving.05.2", lambda a, b: 1.0, "should have the shape"),
    ],
)
def test_usual_mistakes_are_named(name, answer, words, capsys):
    assert not exercises.check(name, answer, seed=0)
    assert words in " ".join(capsys.readouterr().out.split())
