"""What the boundaries did: operations counted, segments as a tree, and scores against any gold segmentation.

Source of the measures: Chung, Ahn and Bengio (ICLR 2017), section 4.3 counts updates and looks at
boundaries by eye; Kadar et al. (2018) score them by precision and recall. A score means little alone:
each stands beside the expectation of random boundaries of the same rate, and beside rules anyone could
write.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cell import OPERATION_NAMES


@dataclass(frozen=True)
class OperationCounts:
    """How often each layer copied, updated and flushed.

    Attributes:
        counts: ``(layers, 3)`` int64, columns COPY, UPDATE, FLUSH.
    """

    counts: NDArray[np.int64]

    @property
    def updates(self) -> NDArray[np.int64]:
        """Steps in which each layer did anything but copy, ``(layers,)``; the paper's 270 / 56 / 9."""
        return self.counts[:, 1:].sum(1)

    @property
    def saving(self) -> float:
        """Share of all layer steps that are copies, in [0, 1]: the updates an exact sparse machine need
        not do."""
        return float(self.counts[:, 0].sum() / self.counts.sum())

    def as_dict(self) -> dict[str, list[int]]:
        """Return ``{"COPY": [one count a layer], ...}``."""
        return {name: self.counts[:, k].tolist() for k, name in enumerate(OPERATION_NAMES)}


def count_operations(operations: ArrayLike) -> OperationCounts:
    """Count ``operations`` ``(..., layers)`` with 0 COPY, 1 UPDATE, 2 FLUSH, over all leading axes.

    Raises:
        ValueError: for an empty array or another code.
    """
    array = np.asarray(operations)
    if array.size == 0 or array.min() < 0 or array.max() > 2:
        raise ValueError("operations must be a non-empty array of 0 (COPY), 1 (UPDATE) and 2 (FLUSH)")
    flat = array.reshape(-1, array.shape[-1])
    return OperationCounts(np.stack([(flat == k).sum(0) for k in range(3)], axis=1))


@dataclass(frozen=True)
class Segment:
    """A stretch ``[start, stop)`` of the stream that a layer took as one unit.

    Attributes:
        start: index of the first symbol.
        stop: index behind the last symbol.
        level: 0 for a single symbol, l for a segment of layer l, and the number of layers for the whole
            stream.
        children: the segments one level down, in order; empty for a symbol.
    """

    start: int
    stop: int
    level: int
    children: tuple[Segment, ...] = field(default=(), repr=False)


def segment_tree(boundaries: ArrayLike) -> Segment:
    """Cut a stream into nested segments.

    A segment of layer l ends at every symbol where z of layer l is 1. A boundary of a higher layer ends
    the segments of all layers below it too, even where their own z is 0 (z is computed while copying, so
    this does happen): without that the segments would overlap rather than nest.

    Args:
        boundaries: ``(time, layers - 1)``, true or 1 where a layer's segment ends.

    Returns:
        The root: a segment over the whole stream.

    Raises:
        ValueError: unless ``boundaries`` is 2-D with at least one step and one layer.
    """
    z = np.asarray(boundaries) > 0.5
    if z.ndim != 2 or 0 in z.shape:
        raise ValueError(f"boundaries must be (time, layers - 1), neither empty, got {z.shape}")
    ends = np.logical_or.accumulate(z[:, ::-1], axis=1)[:, ::-1]
    below = [Segment(t, t + 1, 0) for t in range(len(z))]
    for level in range(1, z.shape[1] + 1):
        grouped, members = [], []
        for child in below:
            members.append(child)
            if ends[child.stop - 1, level - 1] or child is below[-1]:
                grouped.append(Segment(members[0].start, members[-1].stop, level, tuple(members)))
                members = []
        below = grouped
    return Segment(0, len(z), z.shape[1] + 1, tuple(below))


@dataclass(frozen=True)
class BoundaryScore:
    """Agreement of predicted with gold boundaries; all values in [0, 1].

    Attributes:
        precision: share of predicted boundaries that are gold; 0 if none was predicted.
        recall: share of gold boundaries that were predicted.
        f1: harmonic mean of the two.
        rate: share of positions predicted to be a boundary.
    """

    precision: float
    recall: float
    f1: float
    rate: float


def _pair(predicted: ArrayLike, gold: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    p, g = np.asarray(predicted) > 0.5, np.asarray(gold) > 0.5
    if p.ndim != 1 or p.shape != g.shape or not g.any():
        raise ValueError(
            f"predicted and gold must be 1-D of equal length with at least one gold boundary, "
            f"got shapes {p.shape} and {g.shape} with {int(g.sum())} gold boundaries"
        )
    return p, g


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_score(predicted: ArrayLike, gold: ArrayLike) -> BoundaryScore:
    """Score ``predicted`` against ``gold``, both ``(time,)`` booleans, position by position.

    Raises:
        ValueError: for unequal lengths or no gold boundary.
    """
    p, g = _pair(predicted, gold)
    hits = int((p & g).sum())
    precision = hits / int(p.sum()) if p.any() else 0.0
    recall = hits / int(g.sum())
    return BoundaryScore(precision, recall, _f1(precision, recall), float(p.mean()))


def random_score(rate: float, gold: ArrayLike) -> BoundaryScore:
    """Return the score expected of boundaries thrown at random at ``rate`` in [0, 1]: precision is the
    gold rate, recall is ``rate`` (exact in the limit of a long stream).

    Raises:
        ValueError: for a rate outside [0, 1].
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], got {rate}")
    _, g = _pair(gold, gold)
    precision = float(g.mean()) if rate else 0.0
    return BoundaryScore(precision, rate, _f1(precision, rate), rate)


class NgramEntropy:
    """A rule that needs no network: entropy of the next symbol after the last ``order - 1`` symbols, by
    counts.

    Probabilities are interpolated from the empty context up to the longest (Witten-Bell smoothing).
    Harris (1955): a unit ends where what follows becomes hard to foretell.

    Args:
        order: length of the n-grams, at least 2.
    """

    def __init__(self, order: int = 5) -> None:
        if order < 2:
            raise ValueError(f"order must be at least 2, got {order}")
        self.order = order

    def fit(self, codes: ArrayLike, vocabulary_size: int) -> NgramEntropy:
        """Count n-grams of ``codes`` ``(time,)``, integers in ``[0, vocabulary_size)``; learns ``tables_``.

        Raises:
            ValueError: for fewer symbols than the order, or so large a vocabulary that contexts overflow
            63 bits.
        """
        stream = np.asarray(codes).astype(np.int64)
        if len(stream) < self.order:
            raise ValueError(f"codes must have at least order = {self.order} symbols, got {len(stream)}")
        if vocabulary_size**self.order >= 2**63:
            raise ValueError(f"order {self.order} over {vocabulary_size} symbols overflows; lower the order")
        self.vocabulary_size_ = vocabulary_size
        self.tables_: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        lower: NDArray[np.float64] = np.full((1, vocabulary_size), 1 / vocabulary_size)
        for n in range(self.order):
            keys = _contexts(stream, n, vocabulary_size)[: len(stream) - n]
            known, inverse = np.unique(keys, return_inverse=True)
            cells = len(known) * vocabulary_size
            counts = np.bincount(inverse * vocabulary_size + stream[n:], minlength=cells).reshape(
                len(known), -1
            )
            types = (counts > 0).sum(1, keepdims=True)
            # Witten-Bell: as many virtual counts as types seen go to the context that is one symbol shorter.
            if n:
                shorter = np.searchsorted(self.tables_[-1][0], known % vocabulary_size ** (n - 1))
                lower = self.tables_[-1][1][shorter]
            self.tables_.append((known, (counts + types * lower) / (counts.sum(1, keepdims=True) + types)))
        return self

    def entropy(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the entropy in bits of the symbol after each of ``codes`` ``(time,)``, by the longest
        known context."""
        stream = np.asarray(codes).astype(np.int64)
        result = np.empty(len(stream))
        open_ = np.arange(len(stream))
        for n in range(self.order - 1, -1, -1):
            known, probabilities = self.tables_[n]
            entropies = -(probabilities * np.log2(np.maximum(probabilities, 1e-300))).sum(1)
            # The context of length n that ends AT position t.
            keys = _contexts(stream, n, self.vocabulary_size_)
            here = open_[open_ >= n - 1] if n else open_
            at = keys[here - n + 1]
            slot = np.minimum(np.searchsorted(known, at), len(known) - 1)
            found = known[slot] == at
            result[here[found]] = entropies[slot[found]]
            open_ = np.setdiff1d(open_, here[found], assume_unique=True)
        return result


def _contexts(stream: NDArray[np.int64], n: int, base: int) -> NDArray[np.int64]:
    """Return the key of the n symbols that start at each position, ``(len - n + 1,)``."""
    keys = np.zeros(len(stream) - n + 1, np.int64)
    for k in range(n):
        keys = keys * base + stream[k : len(stream) - n + 1 + k]
    return keys


def peaks(values: ArrayLike, rate: float | None = None) -> NDArray[np.bool_]:
    """Return where ``values`` ``(time,)`` has a local maximum; with ``rate``, the highest ``rate`` share
    of all positions instead, so that a rule can be given the rate of the network it stands beside.

    Raises:
        ValueError: for a rate outside [0, 1].
    """
    v = np.asarray(values, float)
    if rate is None:
        before, after = np.r_[-np.inf, v[:-1]], np.r_[v[1:], -np.inf]
        return (v > before) & (v >= after)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], got {rate}")
    chosen = np.zeros(len(v), bool)
    chosen[np.argsort(-v, kind="stable")[: round(rate * len(v))]] = True
    return chosen


def word_ends(text: str, separators: str = " \n") -> NDArray[np.bool_]:
    """Return ``(len(text),)``: true at the last letter of each word, i.e. before a separator or the end
    of the text."""
    is_separator = np.array([symbol in separators for symbol in text], bool)
    return ~is_separator & np.r_[is_separator[1:], True]


def separators(text: str, separators: str = " \n") -> NDArray[np.bool_]:
    """Return ``(len(text),)``: true at each separator, the rule "after every space"."""
    return np.array([symbol in separators for symbol in text], bool)
