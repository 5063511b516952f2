"""Checkers of the exercises of the chapter with the verdicts on merges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from hsrnn.exercises.verdict import Wrong, array_of, call


def paired_interval(answer: Any, random: np.random.Generator) -> str:
    """05.1: mean of the differences over seeds, and half of its 95 % interval by Student's t."""
    for _ in range(6):
        seeds = int(random.integers(3, 12))
        easy = random.normal(50, 8, seeds)  # some seeds draw easier pictures, for both networks
        first, second = easy + random.normal(1, 1, seeds), easy + random.normal(0, 1, seeds)
        gaps = first - second
        error = stats.sem(gaps)
        half = stats.t.ppf(0.975, seeds - 1) * error
        result = call(answer, first.copy(), second.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise Wrong("A pair is asked for: the mean difference, and half of the interval.")
        mean, found = (float(array_of(value, (), "Each of the two")) for value in result)
        if not np.isclose(mean, gaps.mean()):
            raise Wrong(f"The mean of first minus second is {gaps.mean():.3f}, yours is {mean:.3f}.")
        if np.isclose(found, half):
            continue
        unpaired = np.sqrt(stats.sem(first) ** 2 + stats.sem(second) ** 2)
        if np.isclose(found / unpaired, half / error, rtol=0.3) and found > 1.5 * half:
            raise Wrong(
                f"As if the two had nothing to do with each other: {found:.2f} in place of {half:.2f}. "
                f"Both saw the same pictures, so take the spread of the differences."
            )
        if np.isclose(found, 2 * half):
            raise Wrong("That is the whole width; half of it is asked for.")
        if np.isclose(found, 1.96 * error, rtol=1e-3):
            raise Wrong(f"1.96 is for very many seeds; with {seeds} it is {half / error:.2f}.")
        if np.isclose(found, half * np.sqrt(1 - 1 / seeds)):
            raise Wrong("The standard deviation of a sample divides by the number of seeds less one.")
        raise Wrong(f"With {seeds} seeds half of the interval is {half:.3f}, yours is {found:.3f}.")
    return "What both networks share is gone from the difference, and from its interval."


def shares_of_lead(answer: Any, random: np.random.Generator) -> str:
    """05.2: the share of each class in the difference of two means over classes."""
    for _ in range(6):
        classes = int(random.integers(2, 9))
        first = random.uniform(30, 90, classes)
        second = first - random.uniform(-3, 8, classes)
        second[0] = first[0] - 20  # the sum of the differences is not near 0
        gaps = first - second
        expected = gaps / gaps.sum()
        found = array_of(call(answer, first.copy(), second.copy()), (classes,), "The shares")
        if np.allclose(found, expected):
            continue
        if np.allclose(found, gaps / classes) or np.allclose(found, gaps):
            raise Wrong("Those are points; shares add up to 1.")
        if np.allclose(found, np.abs(gaps) / np.abs(gaps).sum()):
            raise Wrong("A class in which the first is worse takes from the lead: its share is negative.")
        raise Wrong(f"The first class has a share of {expected[0]:.3f}; yours is {found[0]:.3f}.")
    return "The shares add up to 1, and some may be negative."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "evolving.05.1": paired_interval,
    "evolving.05.2": shares_of_lead,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
