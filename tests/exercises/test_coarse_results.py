"""Exercises of the verdicts on coarse graining: solutions pass, stubs and plausible mistakes do not."""

from math import comb

import numpy as np
from scipy import stats

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


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
