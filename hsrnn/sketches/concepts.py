"""Concepts: clusters of sketches, named by their members; a cluster without a name is a new concept.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730): new concepts appear as new clusters of sketches.
Two ways to cluster: density (HDBSCAN; Campello, Moulavi and Sander 2013), which finds its own scale and looks
at all pairs, and a graph of nearest neighbours above a similarity, which asks the repository's index
and so goes on to millions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import HDBSCAN

from .repository import Repository

Way = Literal["density", "graph"]
MOST_PAIRWISE = 10_000


@dataclass(frozen=True, eq=False)
class Concept:
    """A cluster of sketches.

    Attributes:
        name: the commonest name of its members, or "new concept 1", "new concept 2", ... where most have
        none.
        members: ``(n,)`` numbers of its sketches.
        new: whether most of its members have no name.
        agreement: the share of its named members that have the commonest name; 1 where none has a name.
    """

    name: str
    members: NDArray[np.int64]
    new: bool
    agreement: float


def concepts(
    repository: Repository, way: Way = "density", *, least: int = 5, neighbours: int = 10,
    threshold: float | None = None,
) -> list[Concept]:  # fmt: skip
    """Return the clusters of a repository's sketches, the largest first; sketches in none are noise.

    Args:
        repository: what to cluster.
        way: "density" for up to 10,000 sketches, "graph" for any number.
        least: the fewest sketches of a cluster.
        neighbours: for "graph", how many of its nearest ones a sketch is joined to.
        threshold: for "graph", the least cosine; four sds of unrelated sketches, 4 / sqrt(d), if ``None``.

    Raises:
        ValueError: for another way, fewer than 2 sketches to a cluster, or too many for "density".
    """
    if way not in get_args(Way):
        raise ValueError(f"way must be one of {', '.join(get_args(Way))}, got {way!r}")
    if least < 2:
        raise ValueError(f"least must be at least 2 sketches, got {least}")
    count = len(repository)
    if count < least:
        return []
    if way == "density":
        if count > MOST_PAIRWISE:
            raise ValueError(
                f"way 'density' compares all pairs of at most {MOST_PAIRWISE:,} sketches, got {count:,}; "
                "take 'graph'"
            )
        units = np.asarray(repository.vectors, np.float64) / repository.lengths[:, None]
        labels = HDBSCAN(min_cluster_size=least, min_samples=min(least, 5), copy=True).fit_predict(units)
    else:
        labels = _graph(repository, neighbours, threshold)
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    order = [int(k) for k in np.argsort(-sizes, kind="stable") if sizes[k] >= least]
    found, unnamed = [], 0
    for label in order:
        members = np.flatnonzero(labels == label)
        named = Counter(repository.names[k] for k in members if repository.names[k])
        new = 2 * sum(named.values()) < len(members)
        unnamed += new
        name, votes = named.most_common(1)[0] if named else ("", 0)
        agreement = votes / sum(named.values()) if named else 1.0
        found.append(Concept(f"new concept {unnamed}" if new else name, members, new, agreement))
    return found


def _graph(repository: Repository, neighbours: int, threshold: float | None) -> NDArray[np.intp]:
    least = 4.0 / repository.dimension**0.5 if threshold is None else threshold
    count, sources, targets = len(repository), [], []
    for start in range(0, count, 1024):
        rows = np.arange(start, min(start + 1024, count))
        hits = repository.query(repository[rows], neighbours + 1)
        source = np.repeat(rows, hits.numbers.shape[1])
        target, close = hits.numbers.ravel(), hits.similarity.ravel()
        good = (target >= 0) & (target != source) & (close >= least)
        sources.append(source[good])
        targets.append(target[good])
    source, target = np.concatenate(sources), np.concatenate(targets)
    links = coo_matrix((np.ones(len(source)), (source, target)), (count, count)).tocsr()
    return connected_components(links, directed=False)[1]
