"""Do better segments go with better predictions? F1 against bits per character, over seeds of one setting.

Kadar, Cote, Chrupala and Alishahi (COLING 2018, of which we know the abstract) report that the quality of the
segments of an HM-LSTM does not go along with its quality as a language model. When the rule in the table's
note was written, seeds 0 to 4 of the generated text with spaces were in the ledger, and none without.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from hsrnn.ledger import Record, Table, group, metric

from .claims import HEADLINE_SEEDS, undecided

GOLD = "word, one later"
"""Words are scored at the symbol behind them: a reader from left to right cannot know sooner."""

WEAK = 0.5
"""A correlation within this of 0 counts as none: at most a quarter of the variance is shared."""


def gain(record: Record, gold: str = GOLD) -> tuple[float, str]:
    """Return how far the F1 of the better layer lies above random boundaries at its own rate, and the name of
    that layer.

    Raises:
        ValueError: if the run has no boundaries scored against ``gold``.
    """
    scores = record.metrics.get("segmentation", {}).get(gold)
    if scores is None:
        raise ValueError(
            f"{record.experiment}, seed {record.seed}, has no boundaries scored against {gold!r}"
        )
    layers = [name.removeprefix("layer") for name in scores if name.startswith("layer")]
    return max((scores[f"layer{l}"]["f1"] - scores[f"random{l}"]["f1"], f"layer{l}") for l in layers)


def correlation(x: ArrayLike, y: ArrayLike) -> tuple[float, float, float]:
    """Return Pearson's r of two samples and its 95 % interval by Fisher's z: atanh r is about normal with
    standard deviation 1 / sqrt(n - 3).

    Raises:
        ValueError: for fewer than 4 pairs, unequal lengths, or a sample that does not vary.
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 4:
        raise ValueError(f"x and y must be 1-D, of equal length, at least 4, got {a.shape} and {b.shape}")
    if not np.ptp(a) or not np.ptp(b):
        raise ValueError("x and y must vary: a constant has no correlation")
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-12:
        return r, r, r
    half = NormalDist().inv_cdf(0.975) / math.sqrt(len(a) - 3)
    return r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def correlation_table(records: Sequence[Record], name: Callable[[Record], str]) -> Table:
    """Correlation over seeds of the better layer's gain over chance with bits per character, for each setting
    with boundaries, and a verdict on "there is none"."""
    rows = []
    scored = [record for record in records if metric(record, "segmentation") is not None]
    for label, part in group(scored, name).items():
        gains, bits = [gain(record)[0] for record in part], [metric(record, "test_bpc") for record in part]
        measured = f"F1 above chance {min(gains):+.2f}" + (f" to {max(gains):+.2f}" if len(part) > 1 else "")
        verdict = undecided(len(part))
        if len(part) >= HEADLINE_SEEDS and min(gains) < max(gains) and min(bits) < max(bits):
            r, low, high = correlation(gains, bits)
            measured += f"; r = {r:+.2f} ({low:+.2f} to {high:+.2f})"
            verdict = verdict_on_none(low, high)
        rows.append((f"none on {label}", str(len(part)), measured, verdict))
    return Table(
        "Do better segments go with better predictions? Correlation with bits per character over seeds",
        ("claim (Kádár et al. 2018)", "seeds", "ours", "verdict"),
        tuple(rows),
        "F1 of the better of the layers at the symbol behind a word, less that of random boundaries at its "
        "rate. Below 0: seeds with better segments have fewer bits. Pearson's r with a 95 % interval by "
        f"Fisher's z. Reproduced: the whole interval lies within {WEAK:g} of 0; not reproduced: it does not "
        f"hold 0; else undecided. At least {HEADLINE_SEEDS} seeds; with no correlation at all it takes about "
        "20 to say so.",
    )


def verdict_on_none(low: float, high: float) -> str:
    """Return the verdict on "there is no correlation" from the ends of its interval."""
    if low > 0 or high < 0:
        return f"not reproduced: {'worse' if low > 0 else 'better'} scores go with better segments"
    return "reproduced" if -WEAK < low and high < WEAK else "undecided"
