"""Checkers of the exercises of the chapter with the verdicts on coarse graining, `coarse.04`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy import stats

from hsrnn.exercises.verdict import Wrong, array_of, call


def monomials(answer: Any, random: np.random.Generator) -> str:
    """04.1: a function (pixels, degree) -> coefficients of a polynomial in so many pixels."""
    for _ in range(10):
        pixels, degree = int(random.integers(1, 7)), int(random.integers(0, 6))
        # Multiply out (1 + x1 + ... + xn)^degree and look at what is there; no formula is needed.
        expected = sum(1 for _ in combinations_with_replacement(range(pixels + 1), degree))
        found = float(array_of(call(answer, pixels, degree), (), "The number of coefficients"))
        if found != expected:
            hint = ""
            if found == expected - 1:
                hint = " Is the constant counted?"
            elif found == (pixels + 1) ** degree:
                hint = " The order of the factors makes no other monomial."
            raise Wrong(
                f"A polynomial of degree {degree} in {pixels} pixels has {expected} coefficients, but the "
                f"answer says {found:g}.{hint}"
            )
    return "It agrees with lists of all monomials."


def paired(answer: Any, random: np.random.Generator) -> str:
    """04.2: a function (ours, theirs), one accuracy a seed -> mean difference and ends of its interval."""
    for _ in range(8):
        seeds = int(random.integers(3, 9))
        level = random.normal(90, 3, seeds)  # what a seed does to both networks
        ours, theirs = level + random.normal(0.3, 0.2, seeds), level + random.normal(0, 0.2, seeds)
        expected = _interval(ours - theirs)
        found = array_of(call(answer, ours.copy(), theirs.copy()), (3,), "Mean, lower and upper end")
        if not np.allclose(found, expected, atol=1e-6):
            difference, hint = ours - theirs, ""
            half = (found[2] - found[1]) / 2
            error = difference.std(ddof=1) / np.sqrt(seeds)
            if np.isclose(half, stats.norm.ppf(0.975) * error):
                hint = " That is the normal distribution; with so few seeds it is Student's t."
            elif np.isclose(half, stats.t.ppf(0.975, seeds - 1) * difference.std() / np.sqrt(seeds)):
                hint = " The standard deviation of a sample divides by one less than the number of seeds."
            elif np.isclose(half, stats.t.ppf(0.95, seeds - 1) * error):
                hint = " A 95 % interval leaves 2.5 % at each end."
            elif half > 2 * (expected[2] - expected[1]) / 2:
                hint = " Take the difference of each seed first: what a seed does to both cancels."
            raise Wrong(
                f"With {seeds} seeds it should be {expected[0]:.3f} ({expected[1]:.3f} to {expected[2]:.3f}) "
                f"and not {found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f}).{hint}"
            )
    return "It agrees with scipy's interval, for 3 to 8 seeds."


def _interval(values: np.ndarray) -> np.ndarray:
    error = stats.sem(values)
    return np.array([values.mean(), *stats.t.interval(0.95, len(values) - 1, values.mean(), error)])


def by_chance(answer: Any, random: np.random.Generator) -> str:
    """04.3: a function (accuracy, pictures) -> standard deviation of the share of right pictures, by
    chance."""
    for _ in range(6):
        accuracy, pictures = float(random.uniform(0.5, 0.99)), int(random.integers(50, 2000))
        found = float(array_of(call(answer, accuracy, pictures), (), "The standard deviation"))
        # Tests of as many pictures, each right with that probability.
        drawn = random.binomial(pictures, accuracy, 40_000).std() / pictures
        if not np.isclose(found, drawn, rtol=0.03):
            hint = ""
            if np.isclose(found, drawn**2, rtol=0.06):
                hint = " That is the variance."
            elif np.isclose(found, drawn * pictures, rtol=0.03):
                hint = " That is of the number of right pictures; the share is asked for."
            raise Wrong(
                f"With accuracy {accuracy:.3f} on {pictures} pictures, 40,000 tests drawn at random vary by "
                f"{drawn:.5f}, but the answer says {found:.5f}.{hint}"
            )
    return "It agrees with 40,000 tests drawn at random."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "coarse.04.1": monomials,
    "coarse.04.2": paired,
    "coarse.04.3": by_chance,
}
