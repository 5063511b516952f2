"""Exercises of the verdicts on coarse graining: solutions pass, stubs and plausible mistakes do not."""

from math import comb

import numpy as np
import pytest
from scipy import stats

from hsrnn import exercises


def interval(ours, theirs, *, ddof=1, share=0.975, normal=False):
    gaps = np.subtract(ours, theirs)
    factor = stats.norm.ppf(share) if normal else stats.t.ppf(share, len(gaps) - 1)
    half = factor * gaps.std(ddof=ddof) / np.sqrt(len(gaps))
    return gaps.mean(), gaps.mean() - half, gaps.mean() + half


def unpaired(ours, theirs):
    gap, n = np.mean(ours) - np.mean(theirs), len(ours)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / n)
    return gap, gap - half, gap + half


RIGHT = {
    "coarse.04.1": lambda pixels, degree: comb(pixels + degree, degree),
    "coarse.04.2": interval,
    "coarse.04.3": lambda p, n: (p * (1 - p) / n) ** 0.5,
}
WRONG = {
    "coarse.04.1": [
        (lambda pixels, degree: comb(pixels + degree, degree) - 1, "Is the constant counted"),
        (lambda pixels, degree: (pixels + 1) ** degree, "order of the factors"),
        (lambda pixels, degree: [1], "shape"),
    ],
    "coarse.04.2": [
        (lambda a, b: interval(a, b, normal=True), "Student's t"),
        (lambda a, b: interval(a, b, ddof=0), "one less than"),
        (lambda a, b: interval(a, b, share=0.95), "2.5 % at each end"),
        (unpaired, "cancels"),
        (lambda a, b: np.mean(a) - np.mean(b), "shape"),
    ],
    "coarse.04.3": [
        (lambda p, n: p * (1 - p) / n, "variance"),
        (lambda p, n: (p * (1 - p) * n) ** 0.5, "share is asked"),
        (lambda p: p, "raised TypeError"),
    ],
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("seed", [0, 1, None])
def test_solutions_pass(name, seed):
    assert exercises.check(name, RIGHT[name], seed=seed) is True


@pytest.mark.parametrize(
    ("name", "answer", "reason"), [(name, *wrong) for name, answers in WRONG.items() for wrong in answers]
)
def test_mistakes_are_found(name, answer, reason, capsys):
    assert exercises.check(name, answer, seed=0) is False
    said = " ".join(capsys.readouterr().out.split())
    assert "not yet" in said and reason in said


@pytest.mark.parametrize("name", RIGHT)
def test_stubs_are_not_solved(name, capsys):
    assert exercises.check(name, ...) is False
    assert "not solved yet" in capsys.readouterr().out
