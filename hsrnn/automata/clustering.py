"""K-means over hidden states: plain, and next to positions in time (k-means-x).

Source: Hou and Zhou (2020, arXiv 1810.10708). LISOR-k clusters the points alone. LISOR-x writes beside each
hidden vector one column for each sequence, holding ``weight * t`` in the column of its own sequence at step
t (1 first) and 0 elsewhere, so that points of one sequence that are near in time are drawn together. With
20,000 points of 2,000 sequences that block would have 40 million entries, all but 20,000 of them zero.
:class:`PositionKMeans` never writes it down: with n_i the centre's entry in the column of sequence i,

    |x - c|^2 = |h - h_c|^2 + weight^2 t^2 - 2 weight t n_i + sum_j n_j^2,

and the labels equal scikit-learn's on the written-out matrix, from the same first centres.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans


class Distinct(NamedTuple):
    """Equal rows of an array told together: ``first`` index and ``count`` of each distinct row, and the
    ``number`` of the distinct row that each row is."""

    first: NDArray[np.intp]
    count: NDArray[np.intp]
    number: NDArray[np.intp]


def distinct_rows(points: NDArray[np.floating]) -> Distinct:
    """Find the distinct rows of ``points`` ``(points, features)``, equal to the last bit.

    Words with a common beginning share its hidden states, so a few thousand rows often stand for many more.
    """
    rows = np.ascontiguousarray(points)
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, number, count = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return Distinct(first, count, number.ravel())


def check_clusters(n_clusters: int, points: int, kind: str = "hidden states") -> None:
    """Check that ``n_clusters`` clusters can be made of so many points.

    Raises:
        ValueError: for fewer than 1, or more than there are points.
    """
    if n_clusters < 1:
        raise ValueError(f"n_clusters must be at least 1, got {n_clusters}")
    if n_clusters > points:
        raise ValueError(
            f"n_clusters = {n_clusters} is more than the {points} {kind} to cluster; give more or longer "
            "sequences, or take fewer clusters"
        )


def kmeans(
    points: NDArray[np.floating],
    n_clusters: int,
    *,
    n_init: int = 1,
    random_state: int | None = 0,
    distinct: Distinct | None = None,
) -> NDArray[np.intp]:
    """Return the cluster of each of ``points`` ``(points, features)`` by scikit-learn's k-means++ and Lloyd.

    Equal points are clustered once, weighted by their number: the same sum of squares is made small, in less
    time.

    Args:
        points: hidden states.
        n_clusters: number of clusters k.
        n_init: runs from different first centres; the one of least inertia counts.
        random_state: seed of the first centres.
        distinct: what :func:`distinct_rows` found, for those who cluster the same points often.

    Raises:
        ValueError: for fewer than 1 cluster, or more than there are distinct points.
    """
    check_clusters(n_clusters, len(points))
    distinct = distinct_rows(points) if distinct is None else distinct
    check_clusters(n_clusters, len(distinct.first), "distinct hidden states")
    fitted = KMeans(n_clusters, n_init=n_init, random_state=random_state)
    labels = fitted.fit(points[distinct.first], sample_weight=distinct.count.astype(points.dtype)).labels_
    return labels.astype(np.intp)[distinct.number]


class PositionKMeans:
    """K-means-x: k-means over hidden states next to weighted positions, without writing the positions out.

    Args:
        n_clusters: number of clusters k.
        weight: weight of a position against a unit's activation, at least 0; 0 is plain k-means.
        n_init: runs from different first centres; the one of least inertia counts.
        max_iter: most rounds of a run.
        tol: a run stops when the centres move by less than ``tol`` times the variance of the features.
        random_state: seed of the first centres.

    Raises (by ``fit``):
        ValueError: for more clusters than points, or a negative weight.
    """

    def __init__(
        self,
        n_clusters: int,
        weight: float,
        *,
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int | None = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.weight = weight
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(
        self,
        points: NDArray[np.floating],
        sequence: NDArray[np.integer],
        position: NDArray[np.integer],
        first: NDArray[np.integer] | None = None,
    ) -> PositionKMeans:
        """Cluster ``points`` ``(points, features)``; learns ``labels_``, ``inertia_``, ``n_iter_``.

        Args:
            points: hidden states.
            sequence: ``(points,)`` number of the sequence of each, 0 first.
            position: ``(points,)`` step in that sequence, 1 first.
            first: ``(k,)`` indices of the points that are the first centres, instead of k-means++.
        """
        check_clusters(self.n_clusters, len(points))
        if self.weight < 0:
            raise ValueError(f"weight must not be negative, got {self.weight}")
        sizes = np.bincount(sequence)
        if (np.diff(sequence) < 0).any() or (sizes == 0).any():
            raise ValueError("sequence must number the sequences 0, 1, ... in order, none of them empty")
        # Centred like scikit-learn does, for accuracy; distances do not change.
        self._h = np.ascontiguousarray(points - points.mean(0), np.float64)
        self._place = self.weight * position.astype(np.float64)
        self._sequence = sequence
        self._starts = np.r_[0, np.cumsum(sizes)[:-1]]
        self._norms = (self._h**2).sum(1) + self._place**2
        generator = np.random.default_rng(self.random_state)
        self.inertia_ = np.inf
        for _ in range(1 if first is not None else self.n_init):
            chosen = self._plus_plus(generator) if first is None else np.asarray(first)
            labels, inertia, rounds = self._lloyd(chosen)
            if inertia < self.inertia_:
                self.labels_, self.inertia_, self.n_iter_ = labels, inertia, rounds
        del self._h, self._place, self._sequence, self._starts, self._norms
        return self

    def _lloyd(self, chosen: NDArray[np.integer]) -> tuple[NDArray[np.intp], float, int]:
        k, points = self.n_clusters, len(self._h)
        sequences, features = len(self._starts), self._h.shape[1]
        # A column for each sequence has mean and variance of its own, as scikit-learn's tolerance counts
        # them.
        sums = np.bincount(self._sequence, self._place, sequences)
        squares = np.bincount(self._sequence, self._place**2, sequences)
        variance = (self._h.var(0).sum() + (squares / points - (sums / points) ** 2).sum()) / (
            features + sequences
        )
        centres = self._h[chosen].copy()
        columns = np.zeros((sequences, k))
        columns[self._sequence[chosen], np.arange(k)] = self._place[chosen]
        labels = np.full(points, -1, np.intp)
        for rounds in range(1, self.max_iter + 1):
            before = labels
            distances = self._distances(centres, columns)
            labels = distances.argmin(1)
            counts = np.bincount(labels, minlength=k)
            for empty in np.flatnonzero(counts == 0):
                # An empty cluster takes the point that is farthest from its centre.
                far = int((distances[np.arange(points), labels] + self._norms).argmax())
                counts[labels[far]] -= 1
                labels[far], counts[empty] = empty, 1
                distances[far] = -np.inf
            member = np.zeros((points, k))
            member[np.arange(points), labels] = 1.0
            old = centres, columns
            centres = (member.T @ self._h) / counts[:, None]
            columns = np.add.reduceat(member * self._place[:, None], self._starts, axis=0) / counts
            if np.array_equal(labels, before):
                break
            shift = ((centres - old[0]) ** 2).sum() + ((columns - old[1]) ** 2).sum()
            if shift <= self.tol * variance:
                labels = self._distances(centres, columns).argmin(1)
                break
        nearest = self._distances(centres, columns)[np.arange(points), labels]
        return labels, float((nearest + self._norms).sum()), rounds

    def _distances(self, centres: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return squared distances ``(points, k)`` less each point's own squared norm."""
        result = self._h @ (-2.0 * centres.T)
        result += (centres**2).sum(1) + (columns**2).sum(0)
        if self.weight:
            result -= 2.0 * self._place[:, None] * columns[self._sequence]
        return result

    def _plus_plus(self, generator: np.random.Generator) -> NDArray[np.intp]:
        """Choose first centres far apart (Arthur and Vassilvitskii 2007), the best of a few candidates each
        time."""
        trials = 2 + int(np.log(self.n_clusters))
        chosen = [int(generator.integers(len(self._h)))]
        nearest = self._from_point(np.array(chosen))[0]
        for _ in range(self.n_clusters - 1):
            total = nearest.sum()
            if total > 0:
                drawn = np.searchsorted(np.cumsum(nearest), generator.random(trials) * total)
                candidates = np.minimum(drawn, len(nearest) - 1)
            else:
                candidates = generator.integers(len(nearest), size=1)
            closer = np.minimum(nearest, self._from_point(candidates))
            best = int(closer.sum(1).argmin())
            nearest = closer[best]
            chosen.append(int(candidates[best]))
        return np.array(chosen)

    def _from_point(self, chosen: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return squared distances from the chosen points to all, ``(chosen, points)``."""
        same = self._sequence[chosen][:, None] == self._sequence
        products = self._h[chosen] @ self._h.T + same * self._place[chosen][:, None] * self._place
        return np.maximum(self._norms[chosen][:, None] + self._norms - 2.0 * products, 0.0)
