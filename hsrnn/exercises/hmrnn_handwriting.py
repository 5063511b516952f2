"""Checkers of the exercises of the chapter on handwriting, `hmrnn.04`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.exercises.verdict import Wrong, array_of, call, drawn
from hsrnn.hmrnn import mixture_of


def log_gaussian(answer: Any, random: np.random.Generator) -> str:
    """04.1: the log density of a correlated pair, against `torch.distributions`."""
    for _ in range(8):
        x, mean = random.normal(size=2), random.normal(size=2)
        sd, r = random.uniform(0.2, 3.0, 2), float(random.uniform(-0.95, 0.95))
        covariance = torch.tensor([[sd[0] ** 2, r * sd[0] * sd[1]], [r * sd[0] * sd[1], sd[1] ** 2]])
        true = torch.distributions.MultivariateNormal(torch.from_numpy(mean), covariance)
        expected = float(true.log_prob(torch.from_numpy(x)))
        found = float(array_of(call(answer, x.copy(), mean.copy(), sd.copy(), r), (), "The log density"))
        if abs(found - expected) > 1e-6 * max(1.0, abs(expected)):
            missed = expected - found
            hint = ""
            if abs(missed + math.log(2 * math.pi)) < 1e-6:
                hint = " The difference is log(2 pi)."
            elif abs(missed + 0.5 * math.log(1 - r * r)) < 1e-6:
                hint = " The difference is half of log(1 - r^2)."
            raise Wrong(
                f"At x = {x.round(2).tolist()}, mean {mean.round(2).tolist()}, sd {sd.round(2).tolist()} and "
                f"r = {r:.2f} it should be {expected:.4f} nats, but the answer gives {found:.4f}.{hint}"
            )
    return "It agrees with torch.distributions at eight random Gaussians."


def sharpened_weights(answer: Any, random: np.random.Generator) -> str:
    """04.2: a function from weights and a sharpness to sharpened weights, against the package."""
    for _ in range(6):
        count = int(random.integers(2, 7))
        density = mixture_of(drawn(random, 6 * count + 1).double())
        sharpness = float(random.uniform(0.2, 3.0))
        expected = density.sharpened(sharpness).log_weights.exp().numpy()
        weights = density.log_weights.exp().numpy()
        found = array_of(call(answer, weights.copy(), sharpness), (count,), "The weights")
        if np.abs(found - expected).max() > 1e-6:
            hint = ""
            if np.abs(found / found.sum() - expected).max() < 1e-6:
                hint = " They do not sum to 1 yet."
            raise Wrong(
                f"Sharpened by {sharpness:.2f}, the weights {weights.round(3).tolist()} should become "
                f"{expected.round(3).tolist()}, but the answer gives {found.round(3).tolist()}.{hint}"
            )
    return "It agrees with the package at six densities."


def standardised_rows(answer: Any, random: np.random.Generator) -> str:
    """04.3: from readings of a pen to rows, against adding the movements up again."""
    for _ in range(6):
        length = int(random.integers(3, 12))
        readings = random.integers(-500, 500, (length, 2)).astype(np.float64)
        lifted = random.random(length) < 0.4
        mean, sd = random.normal(0, 20, 2), random.uniform(5, 90, 2)
        given = (readings.copy(), lifted.copy(), mean.copy(), sd.copy())
        rows = array_of(call(answer, *given), (length - 1, 3), "The rows")
        back = readings[0] + np.cumsum(rows[:, :2] * sd + mean, axis=0)
        if np.abs(back - readings[1:]).max() > 1e-3:
            raise Wrong(
                "Undone, the movements do not lead back to the readings: each row should be the way from the "
                "reading before, less the mean, over the standard deviation."
            )
        if not np.array_equal(rows[:, 2] > 0.5, lifted[1:]):
            raise Wrong(
                "The third column should say, for each reading after the first, whether its stroke ends."
            )
    return "Six random lines come back as they were."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "hmrnn.04.1": log_gaussian,
    "hmrnn.04.2": sharpened_weights,
    "hmrnn.04.3": standardised_rows,
}
