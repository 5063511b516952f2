"""Hidden states of a network in the plane, with the automaton that their clusters make drawn over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.style import WIDTH, Picture, colour, drawing

CLUSTER_ROLES = ("update", "flush", "third", "changed", "second", "copy")
"""Roles of the palette for clusters 0 to 5; after them the colours begin again."""

MARKS = "osD^v<"
"""Marks of the first six clusters; the next six have them one further: each colour has another mark then."""


def project(points: ArrayLike) -> tuple[NDArray[np.floating], float]:
    """Return points in the plane of their two directions of greatest variance, and the share of the variance
    that lies there (principal component analysis by singular values).

    The sign of each direction makes its largest coordinate positive, so that the picture does not flip from
    run to run.

    Args:
        points: `(n, H)`, finite; at least one point. With H = 1 the second coordinate is 0.

    Returns:
        Coordinates `(n, 2)` and the share in [0, 1]; 1 if all points are the same.

    Raises:
        ValueError: for another shape or entries that are not finite.
    """
    centre, directions, share = plane(points)
    return (np.asarray(points, float) - centre) @ directions.T, share


def plane(points: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.floating], float]:
    """Return what `project` projects with: the mean `(H,)`, the two directions `(2, H)` and the share of the
    variance, so that other points can be brought into the same plane: `(others - mean) @ directions.T`.

    Raises:
        ValueError: as for `project`.
    """
    array = np.asarray(points, float)
    if array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
        raise ValueError(f"points must be (n, H) finite numbers, at least one, got shape {array.shape}")
    centre = array.mean(0)
    # The H x H covariance has the same directions as the points, and there are far fewer units than points.
    variances, vectors = np.linalg.eigh((array - centre).T @ (array - centre))
    directions = vectors[:, ::-1][:, :2].T
    largest = directions[np.arange(len(directions)), np.abs(directions).argmax(1)]
    directions = directions * np.where(largest < 0, -1.0, 1.0)[:, None]
    if len(directions) < 2:
        directions = np.vstack([directions, np.zeros((1, array.shape[1]))])
    total = float(variances.sum())
    share = float(variances[::-1][:2].sum()) / total if total > 1e-12 else 1.0
    return centre, directions, min(1.0, max(0.0, share))


def plot_hidden_states(
    points: ArrayLike,
    clusters: ArrayLike,
    *,
    accepting: ArrayLike | None = None,
    centres: ArrayLike | None = None,
    edges: Iterable[tuple[int, int]] | None = None,
    names: Sequence[str] | None = None,
    path: ArrayLike | None = None,
    share: float | None = None,
) -> Picture:
    """Draw hidden states coloured by cluster, each cluster's name at its centre, and the automaton's edges.

    Clusters are told apart by colour, by the shape of their marks and by the names at their centres; the disc
    round the name of an accepting cluster has a second ring.

    Args:
        points: `(n, 2)`, for example from `project`.
        clusters: `(n,)` integers from 0: the cluster of each point.
        accepting: `(k,)` booleans, which clusters accept.
        centres: `(k, 2)`, in the same plane; by default the mean of each cluster's points. More centres than
            clusters of points are allowed: a start state, for example.
        edges: (cluster, next cluster), drawn as arrows between centres; an edge to itself is left out.
        names: what to write at the centres; the numbers of the clusters if None.
        path: `(t, 2)`, points that one word passes, drawn as a line with its end marked.
        share: share of the variance in this plane, for the labels of the axes.

    Raises:
        ValueError: for shapes that do not fit, or an edge to a cluster that is none.
    """
    xy, number, middle, flags = _check(points, clusters, accepting, centres)
    k = len(middle)
    names = [str(cluster) for cluster in range(k)] if names is None else [str(name) for name in names]
    if len(names) != k:
        raise ValueError(f"names must be {k}, one a centre, got {len(names)}")
    arrows = sorted({(int(a), int(b)) for a, b in edges or () if a != b})
    for a, b in arrows:
        if not (0 <= a < k and 0 <= b < k):
            raise ValueError(f"edges must join clusters 0 to {k - 1}, got {(a, b)}")
    track = np.zeros((0, 2)) if path is None else np.asarray(path, float)
    if track.ndim != 2 or track.shape[1] != 2:
        raise ValueError(f"path must be (t, 2), got {track.shape}")
    many = len(xy) > 1500
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.68 * WIDTH), layout="constrained")
        axes = figure.subplots()
        for cluster in range(k):
            own = xy[number == cluster]
            turn, hue = divmod(cluster, len(CLUSTER_ROLES))
            axes.scatter(
                own[:, 0], own[:, 1], s=9 if many else 22, marker=MARKS[(hue + turn) % len(MARKS)],
                color=colour(CLUSTER_ROLES[hue]), alpha=0.35 if many else 0.6, linewidths=0, zorder=2,
            )  # fmt: skip
        for a, b in arrows:
            axes.add_patch(
                FancyArrowPatch(
                    middle[a], middle[b], connectionstyle="arc3,rad=0.16", shrinkA=10, shrinkB=10, zorder=4,
                    arrowstyle="-|>,head_length=5,head_width=2.4", color=colour("muted"), linewidth=1.2,
                )
            )  # fmt: skip
        if len(track):
            line = {"color": colour("ink"), "linewidth": 1.8, "zorder": 5}
            axes.plot(track[:, 0], track[:, 1], marker=".", markersize=7, **line)
            star = {"color": colour("ink"), "markeredgecolor": colour("paper"), "zorder": 7}
            axes.plot(*track[-1], marker="*", markersize=16, **star)
        ring = {"color": colour("ink"), "fillstyle": "none", "markeredgewidth": 1.0}
        disc = {"color": colour("paper"), "markeredgecolor": colour("ink"), "markeredgewidth": 1.3}
        written = {"ha": "center", "va": "center_baseline", "fontsize": 8.5, "fontweight": "bold"}
        for cluster, (x, y) in enumerate(middle):
            size = 17.0 + 6.0 * max(0, len(names[cluster]) - 2)  # room for the name
            axes.plot(x, y, "o", markersize=size, zorder=5, **disc)
            if flags is not None and flags[cluster]:
                axes.plot(x, y, "o", markersize=size - 4.5, zorder=6, **ring)
            axes.text(x, y, names[cluster], zorder=8, **written)
        suffix = "" if share is None else f" ({100 * share:.0f} % of the variance in both)"
        axes.set(xlabel=f"first principal component{suffix}", ylabel="second principal component")
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.08)
        return Picture(
            figure, _describe(number, k, names, flags, arrows, track, share), "png" if many else "svg"
        )


def _check(
    points: ArrayLike, clusters: ArrayLike, accepting: ArrayLike | None, centres: ArrayLike | None
) -> tuple[NDArray[np.floating], NDArray[np.intp], NDArray[np.floating], NDArray[np.bool_] | None]:
    """Return points, cluster numbers, centres and accepting flags as arrays that fit one another."""
    xy, number = np.asarray(points, float), np.asarray(clusters)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0 or not np.isfinite(xy).all():
        raise ValueError(
            f"points must be (n, 2) finite numbers, at least one, got {xy.shape}; hidden states of more "
            "units go through hsrnn.figures.project"
        )
    if number.shape != (len(xy),) or number.dtype.kind not in "iu" or number.min() < 0:
        raise ValueError(f"clusters must be ({len(xy)},) integers from 0, got {number.dtype} {number.shape}")
    number = number.astype(np.intp)
    if centres is None:
        k = max(int(number.max()) + 1, 0 if accepting is None else len(np.asarray(accepting)))
        counts = np.bincount(number, minlength=k)
        if (counts == 0).any():
            empty = int(np.argmin(counts))
            raise ValueError(f"cluster {empty} has no point: give centres, which says where it lies")
        middle = np.stack([np.bincount(number, xy[:, axis], k) for axis in range(2)], 1) / counts[:, None]
    else:
        middle = np.asarray(centres, float)
        if middle.ndim != 2 or middle.shape[1] != 2 or len(middle) <= number.max():
            raise ValueError(f"centres must be (k, 2) with k above {number.max()}, got {middle.shape}")
    flags = None if accepting is None else np.asarray(accepting, bool)
    if flags is not None and flags.shape != (len(middle),):
        raise ValueError(f"accepting must be ({len(middle)},), one flag a cluster, got {flags.shape}")
    return xy, number, middle, flags


def _describe(
    number: NDArray[np.intp],
    k: int,
    names: Sequence[str],
    flags: NDArray[np.bool_] | None,
    arrows: Sequence[tuple[int, int]],
    track: NDArray[np.floating],
    share: float | None,
) -> str:
    counts = np.bincount(number, minlength=k)
    sizes = ", ".join(f"{name} has {count}" for name, count in zip(names, counts, strict=True))
    text = f"{len(number)} hidden states in the plane, in {k} clusters: {sizes} points."
    if share is not None:
        text += f" The plane holds {100 * share:.0f} % of the variance."
    if flags is not None:
        accepts = [names[cluster] for cluster in np.flatnonzero(flags)]
        text += f" Accepting: {', '.join(accepts) if accepts else 'none'}."
    if arrows:
        text += f" Edges: {', '.join(f'{names[a]} to {names[b]}' for a, b in arrows[:60])}"
        text += f" and {len(arrows) - 60} more." if len(arrows) > 60 else "."
    if len(track):
        text += f" A line follows one word through {len(track)} points."
    return text
