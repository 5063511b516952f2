"""What the tables of sketches share: curves over seeds, log-log slopes with an interval, and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsrnn.ledger import Record

from .claims import HEADLINE_SEEDS, RESAMPLES, undecided

SLOPE_TOLERANCE = 0.05
Floats = NDArray[np.float64]
Checks = Mapping[str, bool]


class Fit(NamedTuple):
    """A number over ``seeds`` with the ends of its 95 % interval, from drawing whole seeds anew."""

    value: float
    low: float
    high: float
    seeds: int

    def text(self, form: str = "+.3f") -> str:
        """Write ``value (low to high)``; of one seed the value alone."""
        interval = f" ({self.low:{form}} to {self.high:{form}})" if self.seeds > 1 else ""
        return f"{self.value:{form}}{interval}"

    def near(self, theory: float, tolerance: float = SLOPE_TOLERANCE) -> bool:
        """Return whether the value lies within ``tolerance`` of the theory."""
        return abs(self.value - theory) <= tolerance


def cells(record: Record, part: str, **where: Any) -> list[dict[str, Any]]:
    """Return the cells of a part of one record that have the given values."""
    return [cell for cell in record.metrics[part] if all(cell[k] == v for k, v in where.items())]


def curve(
    records: Sequence[Record], part: str, x: str, y: str, **where: Any
) -> tuple[Floats, NDArray[np.float64]]:
    """Return where a part was measured and what, ``(n,)`` and ``(seeds, n, settings)``.

    Cells that agree in ``x`` and ``where`` are settings, in their order; each x must have equally many.

    Raises:
        ValueError: if there is no such cell.
    """
    rows = []
    for record in records:
        found: dict[float, list[float]] = {}
        for cell in cells(record, part, **where):
            found.setdefault(cell[x], []).append(cell[y])
        if not found:
            raise ValueError(f"no cell of {part!r} has {where}")
        rows.append(found)
    at = sorted(rows[0])
    return np.array(at, float), np.array([[found[place] for place in at] for found in rows])


def pooled(values: Floats) -> Floats:
    """Return the root mean square over seeds, ``(..., seeds, n, settings) -> (..., n)``; settings as a
    geometric mean."""
    return np.exp(np.log(np.sqrt((values**2).mean(-3))).mean(-1))


def resampled(values: Floats, statistic: Callable[[Floats], Floats], resamples: int = RESAMPLES) -> Fit:
    """Return a statistic of ``values`` ``(seeds, ...)`` with the 95 % interval from drawing whole seeds anew.

    Args:
        values: one entry a seed.
        statistic: takes ``(draws, seeds, ...)`` and returns ``(draws,)``.
        resamples: number of draws.
    """
    drawn = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(statistic(values[drawn]), [0.025, 0.975])
    return Fit(float(statistic(values[None])[0]), float(low), float(high), len(values))


def slope(records: Sequence[Record], part: str, x: str, y: str, **where: Any) -> Fit:
    """Return the slope of log y over log x of the root mean square over seeds."""
    at, values = curve(records, part, x, y, **where)
    centred = np.log(at) - np.log(at).mean()
    return resampled(values, lambda drawn: np.log(pooled(drawn)) @ centred / (centred @ centred))


def ratio(records: Sequence[Record], part: str, top: str, bottom: str, **where: Any) -> Fit:
    """Return the geometric mean over cells of the root mean square of ``top`` over that of ``bottom``."""
    both = np.array([
        [[cell[top], cell[bottom]] for cell in cells(record, part, **where)] for record in records
    ])  # fmt: skip

    def statistic(drawn: Floats) -> Floats:
        roots = np.log((drawn**2).mean(-3)) / 2
        return np.exp((roots[..., 0] - roots[..., 1]).mean(-1))

    return resampled(both, statistic)


def mean(records: Sequence[Record], part: str, y: str, **where: Any) -> Fit:
    """Return the mean over cells and seeds."""
    values = np.array([np.mean([cell[y] for cell in cells(r, part, **where)]) for r in records])
    return resampled(values, lambda drawn: drawn.mean(-1))


def unbiased(records: Sequence[Record], part: str, y: str = "bias", width: float = 4.0) -> bool:
    """Return whether in every cell the mean over seeds lies within ``width`` standard errors of 0."""
    values = np.array([[cell[y] for cell in record.metrics[part]] for record in records])
    errors = values.std(0, ddof=1) / np.sqrt(len(values))
    return bool((np.abs(values.mean(0)) <= width * errors).all())


def verdict(records: Sequence[Record], checks: Checks) -> str:
    """Return "holds" if all checks pass, "partly" if at least half do, else "does not hold"; what failed is
    named."""
    seeds = len({record.seed for record in records})
    if seeds < HEADLINE_SEEDS:
        return undecided(seeds)
    failed = [name for name, passed in checks.items() if not passed]
    if not failed:
        return "holds"
    word = "partly" if 2 * len(failed) <= len(checks) else "does not hold"
    return f"{word}; not: {', '.join(failed)}"
