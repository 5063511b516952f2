"""Checkers of the exercises of the chapter on language, `hmrnn.03`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.exercises.verdict import Wrong, array_of, call, drawn
from hsrnn.hmrnn import boundary_score, count_operations
from hsrnn.hmrnn.model import operations_of

STEPS = 200_000
"""Steps of the simulations that answers about rates are compared with."""


def bits_per_character(answer: Any, random: np.random.Generator) -> str:
    """03.1: a function from logits `(T, V)` and targets `(T,)` to bits per character, against its
    definition."""
    for _ in range(8):
        length, symbols = int(random.integers(1, 20)), int(random.integers(2, 12))
        logits = drawn(random, length, symbols) * 3
        targets = torch.from_numpy(random.integers(0, symbols, length))
        found = array_of(call(answer, logits.clone(), targets.clone()), (), "Bits per character")
        weights = np.exp(logits.numpy())
        p = weights / weights.sum(1, keepdims=True)
        expected = float(-np.log2(p[np.arange(length), targets.numpy()]).mean())
        if abs(found - expected) > 1e-5 * max(1.0, expected):
            nats = abs(found - expected * np.log(2)) < 1e-5
            hint = " That is the value in nats: divide by ln 2." if nats else ""
            raise Wrong(
                f"For {length} letters it should be {expected:.4f} bits, "
                f"but the answer gives {found:.4f}.{hint}"
            )
    return "It is the mean of -log2 p of the letters that really came."


def random_f1(answer: Any, random: np.random.Generator) -> str:
    """03.2: a function from rate and gold rate to the F1 of random boundaries, against a simulation."""
    for _ in range(6):
        rate, gold = random.uniform(0.05, 0.95, 2)
        truth, guess = random.random(STEPS) < gold, random.random(STEPS) < rate
        found = array_of(call(answer, float(rate), float(gold)), (), "F1")
        simulated = boundary_score(guess, truth).f1
        if abs(found - simulated) > 0.015:
            raise Wrong(
                f"Thrown at a rate of {rate:.2f} where {gold:.2f} of all positions are boundaries, "
                f"{STEPS:,} positions give F1 = {simulated:.3f}; the answer says {found:.3f}."
            )
    return "It agrees with a simulation at six pairs of rates. It is largest for a boundary everywhere."


def expected_saving(answer: Any, random: np.random.Generator) -> str:
    """03.3: a function from two boundary rates to the share of copies, against counting operations."""
    for _ in range(6):
        rates = random.uniform(0.05, 0.95, 2)
        z = np.concatenate(
            [np.ones((STEPS, 1)), random.random((STEPS, 2)) < rates, np.zeros((STEPS, 1))], axis=1
        )
        own, below = torch.from_numpy(z[:-1, 1:]), torch.from_numpy(z[1:, :-1])
        counted = count_operations(operations_of(own, below)).saving
        found = array_of(call(answer, *map(float, rates)), (), "The saving")
        if abs(found - counted) > 0.01:
            raise Wrong(
                f"At rates of {rates[0]:.2f} and {rates[1]:.2f}, a share of {counted:.3f} "
                f"of {3 * STEPS:,} layer steps are copies; the answer says {found:.3f}."
            )
    return "It agrees with counting operations at six pairs of rates."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "hmrnn.03.1": bits_per_character,
    "hmrnn.03.2": random_f1,
    "hmrnn.03.3": expected_saving,
}
