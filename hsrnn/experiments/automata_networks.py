"""What the tables of many networks share: means with intervals over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hsrnn.ledger import Record

from .claims import RESAMPLES


def networks(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return every network of the records, each with its ``seed``."""
    return [{**network, "seed": record.seed} for record in records for network in record.metrics["networks"]]


def bootstrap(values: dict[int, list[float]]) -> tuple[float, float, float] | None:
    """Return the mean of all values, given by seed, and a 95 % interval by resampling whole seeds; ``None``
    without values."""
    seeds = [np.array(found, float) for found in values.values() if found]
    if not seeds:
        return None
    sums, counts = np.array([found.sum() for found in seeds]), np.array([len(found) for found in seeds])
    drawn = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(sums.sum() / counts.sum()), float(low), float(high)


def interval(
    found: Sequence[dict[str, Any]],
    value: Callable[[dict[str, Any]], float | None],
    text: str = ".2f",
    scale: float = 1.0,
) -> str:
    """Write the mean of a value over networks with its interval, or ``-`` where none has it.

    Args:
        found: networks with their ``seed``.
        value: taken from each; ``None`` leaves the network out.
        text: format of the three numbers.
        scale: 100 for per cent.
    """
    return mean_and_interval(by_seed(found, value, scale), text)


def by_seed(
    found: Sequence[dict[str, Any]], value: Callable[[dict[str, Any]], float | None], scale: float = 1.0
) -> dict[int, list[float]]:
    """Return ``scale`` times a value of each network that has it, by the network's seed."""
    made: dict[int, list[float]] = {}
    for network in found:
        if (taken := value(network)) is not None:
            made.setdefault(network["seed"], []).append(scale * float(taken))
    return made


def mean_and_interval(values: dict[int, list[float]], text: str = ".2f") -> str:
    """Write the mean of values, given by seed, with its interval, or ``-`` without values; the values of one
    seed have no interval."""
    made = bootstrap(values)
    if made is None:
        return "-"
    mean, low, high = made
    seeds = sum(map(bool, values.values()))
    return f"{mean:{text}}" + (f" ({low:{text}} to {high:{text}})" if seeds > 1 else "")


def percent(flags: Sequence[bool]) -> str:
    """Write the share of flags that are true, and of how many."""
    return f"{100 * sum(flags) / len(flags):.1f} % of {len(flags)}" if flags else "-"
