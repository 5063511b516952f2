"""Merges: the living figure in which superpixels become parts, level by level."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.regions import plot_levels
from hsrnn.figures.style import CATEGORIES

READINGS = ("normalised", "inverse", "product", "always")
"""The readings of the transition factor that the page knows."""

_TINY = 1e-6  # as the room keeps probabilities from 0 and 1


class Merges(LivingFigure):
    """A picture cut into superpixels, and the levels that a network merges it into.

    The reader scrubs through the levels, points at a region to see its members and neighbours, and replays
    the network's proposals or makes new ones. The page finds regions, borders, matchings and ratios itself
    from one map of superpixels and the log odds of the edges. Make one with `from_pictures`. Its `state` has
    the keys `picture`, `level`, `region`, `fill` ("photo", "mean", "parts", "truth"), `edges` (shown or
    not), `kind` ("network", "matching", "bernoulli") and `draw`.
    """

    module = "merges.js"
    styles = ("merges.css",)

    @classmethod
    def from_pictures(
        cls,
        pictures: Mapping[str, Mapping[str, Any]],
        *,
        classes: Sequence[str] = (),
        acceptance: str = "normalised",
        state: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Merges:
        """Return the figure.

        Args:
            pictures: by name: `image` `(height, width, 3)` uint8; `regions` `(height, width)`, the superpixel
                of each pixel, numbered from 0; for every level but the last `groups` `(nodes,)`, the region
                above that each region goes to, `probabilities` `(edges,)` of merging across each border,
                and `proposals`, each with the numbers of its `edges` and whether it was `accepted`;
                optionally `parts` `(superpixels,)`, the class that the network found, `labels`
                `(height, width)`, the true one (-1 for none), and `words` to stand below.
            classes: name of each class.
            acceptance: which reading of the ratio decided, one of `READINGS`.
            state: what the reader starts from; the superpixels of the first picture by default.
            name: see `LivingFigure`.

        Raises:
            ValueError: for no picture, arrays that do not fit one another, or an unknown reading.
        """
        if acceptance not in READINGS:
            raise ValueError(f"acceptance must be one of {', '.join(READINGS)}, got {acceptance!r}")
        if not pictures:
            raise ValueError("pictures must hold at least one, got none")
        made = [_picture(key, given, len(classes)) for key, given in pictures.items()]
        title, first = next(iter(pictures.items()))
        maps = {"superpixels": np.asarray(first["regions"])}
        for level, groups in enumerate(first["groups"], start=1):
            maps[f"level {level}"] = np.asarray(groups)[list(maps.values())[-1]]
        fallback = plot_levels(first["image"], maps, title=title)
        start = {
            "picture": 0, "level": 0, "region": 0, "fill": "photo", "edges": False, "kind": "network",
            "draw": 0,
        }  # fmt: skip
        colours = [CATEGORIES[number % len(CATEGORIES)] for number in range(len(classes))]
        data = {"pictures": made, "classes": list(classes), "colours": colours, "acceptance": acceptance}
        return cls(data, state=start | dict(state or {}), alt=fallback.alt, fallback=fallback, name=name)


def region_edges(regions: ArrayLike) -> NDArray[np.int64]:
    """Return `(edges, 2)`: every pair of regions with a common border of pixels once, in growing order."""
    numbers = np.asarray(regions, np.int64)
    beside = np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()], 1)
    below = np.stack([numbers[:-1].ravel(), numbers[1:].ravel()], 1)
    pairs = np.sort(np.concatenate([beside, below]), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).reshape(-1, 2)


def run_lengths(values: ArrayLike) -> list[int]:
    """Return `[value, times, value, times, ...]` of an array read row by row."""
    flat = np.asarray(values).ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    return np.stack([flat[starts], np.diff(np.r_[starts, len(flat)])], 1).ravel().tolist()


def log_odds(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) to three decimals, p kept a millionth from 0 and 1."""
    p = np.clip(np.asarray(probabilities, float), _TINY, 1 - _TINY)
    return np.round(np.log(p / (1 - p)), 3)


def _picture(key: str, given: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """Return one picture as the page takes it, checked."""
    image, regions = np.asarray(given["image"]), np.asarray(given["regions"])
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"{key}: image must be (height, width, 3) uint8, got {image.shape} {image.dtype}")
    _numbered(f"{key}: regions", regions, image.shape[:2])
    counts = {name: len(given[name]) for name in ("groups", "probabilities", "proposals")}
    if len(set(counts.values())) != 1:
        raise ValueError(f"{key}: groups, probabilities and proposals must be one a level, got {counts}")
    made: dict[str, Any] = {
        "name": key, "words": given.get("words", ""), "width": image.shape[1], "height": image.shape[0],
        "pixels": base64.b64encode(image.tobytes()).decode("ascii"), "regions": run_lengths(regions),
        "groups": [], "log_odds": [], "proposals": [],
    }  # fmt: skip
    here = regions
    for level in range(counts["groups"]):
        groups, p = np.asarray(given["groups"][level]), np.asarray(given["probabilities"][level], float)
        _numbered(f"{key}: groups[{level}]", groups, (int(here.max()) + 1,))
        edges = len(region_edges(here))
        if p.shape != (edges,) or not ((p >= 0) & (p <= 1)).all():
            raise ValueError(
                f"{key}: probabilities[{level}] must be {edges} numbers in [0, 1], one a border, "
                f"got shape {p.shape}"
            )
        proposals = [
            {"edges": np.asarray(each["edges"], int).tolist(), "accepted": bool(each["accepted"])}
            for each in given["proposals"][level]
        ]
        if any(not 0 <= edge < edges for each in proposals for edge in each["edges"]):
            raise ValueError(f"{key}: proposals[{level}] must choose among edges 0 to {edges - 1}")
        made["groups"].append(groups.tolist())
        made["log_odds"].append(log_odds(p).tolist())
        made["proposals"].append(proposals)
        here = groups[here]
    for name, shape, low in (("parts", (int(regions.max()) + 1,), 0), ("labels", image.shape[:2], -1)):
        if given.get(name) is None:
            continue
        found = np.asarray(given[name], int)
        if found.shape != shape or found.min() < low or found.max() >= classes:
            raise ValueError(
                f"{key}: {name} must be {shape} classes of {low} to {classes - 1}, got shape {found.shape}, "
                f"{found.min()} to {found.max()}"
            )
        made[name] = found.tolist() if name == "parts" else run_lengths(found)
    return made


def _numbered(name: str, numbers: NDArray, shape: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless these are numbers of that shape from 0 on without a gap."""
    whole = np.issubdtype(numbers.dtype, np.integer)
    if numbers.shape != shape or not whole or len(np.unique(numbers)) != numbers.max() + 1 or numbers.min():
        raise ValueError(f"{name} must be {shape} numbers from 0 on without a gap, got {numbers.shape}")
