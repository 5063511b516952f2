"""Checkers of the exercises of the chapter with the verdicts on the HM-LSTM, `hmrnn.05`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.exercises.verdict import Wrong, array_of, call
from hsrnn.hmrnn import COPY
from hsrnn.hmrnn.model import operations_of

STEPS = 200_000
"""Steps of the simulation that an answer about products is compared with."""


def seeds_needed(answer: Any, random: np.random.Generator) -> str:
    """05.1: a function of standard deviation and difference: the fewest seeds with which two intervals are
    apart."""
    from scipy.stats import t

    for _ in range(12):
        sd = float(random.uniform(0.005, 0.05))
        difference = sd * float(random.uniform(0.5, 4))
        n = 2
        while 2 * t.ppf(0.975, n - 1) * sd / math.sqrt(n) >= difference:
            n += 1
        found = float(array_of(call(answer, sd, difference), (), "The number of seeds"))
        if found != n:
            normal = max(2, math.floor((2 * 1.96 * sd / difference) ** 2) + 1)
            hint = (
                " With 1.96 in place of Student's t it comes out too small for few seeds."
                if found == normal
                else ""
            )
            raise Wrong(
                f"With a standard deviation of {sd:.4f} and a difference of {difference:.4f} it takes {n} "
                f"seeds, not {found:g}.{hint}"
            )
    return "Fewer seeds leave the two intervals overlapping, on twelve pairs of numbers."


def interval_of_r(answer: Any, random: np.random.Generator) -> str:
    """05.2: a function of r and n: the ends of the 95 % interval of a correlation, against scipy's."""
    from scipy.stats import pearsonr

    for _ in range(10):
        n, r = int(random.integers(5, 40)), float(random.uniform(-0.95, 0.95))
        # Two samples whose correlation is r exactly: y is made of x and of what is left of noise without x.
        x, noise = random.normal(size=(2, n))
        x = (x - x.mean()) / x.std()
        noise = noise - noise.mean() - x * (noise @ x) / n
        y = r * x + math.sqrt(1 - r * r) * noise / noise.std()
        expected = pearsonr(x, y).confidence_interval(0.95)
        found = array_of(call(answer, r, n), (2,), "The two ends")
        if not np.allclose(found, (expected.low, expected.high), rtol=0, atol=2e-3):
            hint = " Take tanh of both ends to come back from z to r." if np.abs(found).max() > 1 else ""
            raise Wrong(
                f"For r = {r:+.3f} from {n} pairs the interval is {expected.low:+.3f} to "
                f"{expected.high:+.3f}, not {found[0]:+.3f} to {found[1]:+.3f}.{hint}"
            )
    return "It agrees with scipy on ten correlations."


def share_of_products(answer: Any, random: np.random.Generator) -> str:
    """05.3: a function of two boundary rates: products of an HM-LSTM that skips what it can, as a share of an
    LSTM's, against counting."""
    for _ in range(6):
        rates = random.uniform(0.05, 0.95, 2)
        z = np.concatenate(
            [np.ones((STEPS, 1)), random.random((STEPS, 2)) < rates, np.zeros((STEPS, 1))], axis=1
        )
        own, below = z[:-1, 1:], z[1:, :-1]  # of the step before, and of the layer below now
        recurrent = operations_of(torch.from_numpy(own), torch.from_numpy(below)).numpy() != COPY
        products = recurrent.sum() + below[:, 1:].sum() + own[:, :2].sum()
        counted = products / (5 * len(own))
        found = float(array_of(call(answer, *map(float, rates)), (), "The share"))
        if abs(found - counted) > 0.01:
            raise Wrong(
                f"At rates of {rates[0]:.2f} and {rates[1]:.2f}, {STEPS:,} steps take {counted:.3f} of an "
                f"LSTM's products; the answer says {found:.3f}."
            )
    return "It agrees with counting at six pairs of rates."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "hmrnn.05.1": seeds_needed,
    "hmrnn.05.2": interval_of_r,
    "hmrnn.05.3": share_of_products,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
