"""Checkers of the exercises of the chapter on gates, `automata.03`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call

RESAMPLES = 4000
"""Draws of the intervals that an answer is compared with."""


def stable_k(answer: Any, random: np.random.Generator) -> str:
    """03.1: a function of k and accuracies to the first k of three right ones in a row, or None."""
    seen_none = seen_late = False
    for round_ in range(200):
        if round_ > 20 and seen_none and seen_late:
            break
        start, length = int(random.integers(2, 6)), int(random.integers(1, 16))
        accuracies = np.where(random.random(length) < 0.6, 1.0, random.uniform(0.5, 0.999, length)).tolist()
        k = list(range(start, start + length))
        right = [accuracy == 1.0 for accuracy in accuracies]
        expected = next((k[at] for at in range(length - 2) if all(right[at : at + 3])), None)
        first = next((number for number, good in zip(k, right) if good), None)
        seen_none |= expected is None and first is not None
        seen_late |= expected is not None and expected != first
        found = call(answer, list(k), list(accuracies))
        if not (found is None or isinstance(found, (int, float, np.number))):
            raise Wrong(f"k should be a number, or None, but the answer is of type {type(found).__name__}.")
        if found == expected and (found is None) == (expected is None):
            continue
        hint = ""
        if found == first:
            hint = " That is the first right one; the two behind it have to be right as well."
        elif expected is not None and found == expected + 2:
            hint = " That is the last of the three."
        shown = ", ".join(f"{accuracy:.3g}" for accuracy in accuracies)
        raise Wrong(
            f"For k = {k[0]} to {k[-1]} and accuracies {shown} it should be {expected}, but the answer gives "
            f"{found!r}.{hint}"
        )
    return "It agrees on random sweeps, also on those that have no such k."


def interval_by_seed(answer: Any, random: np.random.Generator) -> str:
    """03.2: a function of values by seed to mean and 95 % interval, against resampling whole seeds."""
    for _ in range(4):
        seeds = int(random.integers(12, 25))
        middles = random.normal(8.0, 3.0, seeds)  # values of one seed are alike: that is the point
        values = {
            seed: (middle + random.normal(0.0, 0.5, int(random.integers(6, 13)))).tolist()
            for seed, middle in enumerate(middles)
        }
        found = array_of(call(answer, {seed: list(own) for seed, own in values.items()}), (3,), "The answer")
        every = np.concatenate([np.array(own) for own in values.values()])
        low, high = _resampled([np.array(own) for own in values.values()], random)
        narrow = _resampled([np.array([value]) for value in every], random)
        width = high - low
        if abs(found[0] - every.mean()) > 1e-6:
            raise Wrong(
                f"The mean of all values is {every.mean():.4f}, but the answer begins with {found[0]:.4f}."
            )
        if max(abs(found[1] - low), abs(found[2] - high)) > 0.15 * width:
            hint = ""
            if max(abs(found[1] - narrow[0]), abs(found[2] - narrow[1])) < 0.15 * width:
                hint = " That is what resampling single values gives; draw whole seeds."
            raise Wrong(
                f"Resampling {seeds} seeds gives {low:.2f} to {high:.2f}, but the answer says "
                f"{found[1]:.2f} to {found[2]:.2f}.{hint}"
            )
    return "Its intervals are those of resampling whole seeds, within the noise of drawing."


def _resampled(groups: list[np.ndarray], random: np.random.Generator) -> tuple[float, float]:
    """Return the middle 95 % of the means of groups drawn with replacement."""
    sums, counts = np.array([group.sum() for group in groups]), np.array([len(group) for group in groups])
    drawn = random.integers(len(groups), size=(RESAMPLES, len(groups)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


def wins(answer: Any, random: np.random.Generator) -> str:
    """03.3: a function of two dictionaries (seed, language) -> k or None, to how often the first is smaller,
    equal, larger; None is larger than any k."""
    for _ in range(12):
        keys = [(seed, name) for seed in range(int(random.integers(3, 8))) for name in ("000", "tomita-5")]
        first, second = (
            {key: int(k) if (k := random.integers(2, 9)) < 7 else None for key in keys} for _ in range(2)
        )
        size = {key: tuple(99 if one[key] is None else one[key] for one in (first, second)) for key in keys}
        expected = [
            sum(a < b for a, b in size.values()), sum(a == b for a, b in size.values()),
            sum(a > b for a, b in size.values()),
        ]  # fmt: skip
        found = array_of(call(answer, dict(first), dict(second)), (3,), "The three counts")
        if found.tolist() != expected:
            hint = ""
            if found.sum() < len(keys):
                hint = " Some pairs are missing: a sweep that never got there counts too, as the larger one."
            elif found.tolist() == expected[::-1]:
                hint = " That is the other way round."
            raise Wrong(
                f"Among {len(keys)} pairs the first is smaller, equal and larger {expected} times, but the "
                f"answer says {found.astype(int).tolist()}.{hint}"
            )
    return "It counts every pair, also those in which a sweep found nothing."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "automata.03.1": stable_k,
    "automata.03.2": interval_by_seed,
    "automata.03.3": wins,
}
