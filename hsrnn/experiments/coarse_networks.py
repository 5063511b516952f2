"""Networks of ``coarse.taylornet`` over seeds: what its tables, its claims and the figure of sizes share.

A run trains TaylorNets of one shape of blocks, and others beside them. Another run on the same data, trained
in the same way, may have other blocks or sizes. So the networks of all such runs are pooled: a TaylorNet is
known by its blocks and its key, another network by its key alone, and each has at most one result a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hsrnn.ledger import Record, Summary, group, summarise

Network = dict[str, Any]
BY_SEED = dict[int, Network]
LESSONS = (
    "pictures", "epochs", "batch_size", "learning_rate", "weight_decay", "shift", "mirror", "smoothing",
)  # fmt: skip
"""Settings that must be equal for networks to be compared."""


class Which(NamedTuple):
    """What tells a network from the others of a pool.

    Attributes:
        kind: ``"taylor"``, a baseline, or the ridge.
        most: its budget of parameters.
        order: power of a step, 0 for others than a TaylorNet.
        sharing: ``"level"``, ``"all"`` or ``"none"``; empty for others.
        norm: ``"batch"`` or ``"scale"``; empty for others.
        block, stride, depth, reach: of a TaylorNet's steps; 0 for others.
    """

    kind: str
    most: int
    order: int
    sharing: str
    norm: str
    block: int = 0
    stride: int = 0
    depth: int = 0
    reach: int = 0

    @property
    def overlaps(self) -> bool:
        """Whether some blocks of a step share sites."""
        return self.stride < self.block or (self.depth > 0 and self.reach > 1)

    @property
    def blocks(self) -> str:
        """The blocks in words, for a table."""
        if self.kind != "taylor":
            return "-"
        words = f"{self.block} x {self.block}, {'overlapping' if self.stride < self.block else 'disjoint'}"
        if self.depth:
            words += f", after {self.depth} of {self.reach} x {self.reach} on the same grid"
        return words


Pool = dict[Which, BY_SEED]


def pools(records: Sequence[Record]) -> dict[tuple[str, str], list[tuple[list[Record], Pool]]]:
    """Return for each preset and data set the groups of records that were trained alike, with their pools."""
    alike = group(records, lambda r: (r.preset, r.config["dataset"], *(r.config[k] for k in LESSONS)))
    found: dict[tuple[str, str], list[tuple[list[Record], Pool]]] = {}
    for (preset, dataset, *_), part in alike.items():
        found.setdefault((preset, dataset), []).append((part, pooled(part)))
    return found


def desk_pools(records: Sequence[Record]) -> dict[str, Pool]:
    """Return for each data set the pool of the desk preset that claims are judged on: the whole training
    part, some TaylorNet whose blocks do not overlap, and of several ways to train the one with most seeds."""
    chosen: dict[str, Pool] = {}
    for (preset, _), groups in pools(records).items():
        found = []
        for part, pool in groups:
            which = standard(pool, overlaps=False)
            if preset == "desk" and not part[0].config["pictures"] and which is not None:
                found.append((len(pool[which]), part[0].metrics["dataset"].partition(":")[0], pool))
        if found:
            _, title, pool = max(found, key=lambda one: one[0])
            chosen[title] = pool
    return chosen


def pooled(records: Sequence[Record]) -> Pool:
    """Return every network of records that were trained alike; of two equal ones the later counts."""
    pool: Pool = {}
    for record in records:
        c = record.config
        steps = c["block"], c["stride"] or c["block"], c["depth"], c["reach"] if c["depth"] else 0
        for network in record.metrics["networks"]:
            key = (network[name] for name in ("kind", "most", "order", "sharing", "norm"))
            which = Which(*key, *(steps if network["kind"] == "taylor" else ()))
            pool.setdefault(which, {})[record.seed] = network
    return pool


def standard(pool: Mapping[Which, BY_SEED], *, overlaps: bool, norm: str = "batch") -> Which | None:
    """Return the TaylorNet that stands for its kind: order 2, weights shared by a level, the largest budget;
    of several shapes the one with most seeds, then with the best mean validation accuracy."""
    found = [
        which
        for which in pool
        if (which.kind, which.order, which.sharing, which.norm) == ("taylor", 2, "level", norm)
        and which.overlaps == overlaps
    ]

    def rank(which: Which) -> tuple[int, int, float]:
        runs = pool[which].values()
        return which.most, len(runs), float(np.mean([run["valid_accuracy"] for run in runs]))

    return max(found, key=rank, default=None)


def scores(runs: Mapping[int, Network], part: str = "test") -> list[float]:
    """Return the accuracies of one network over its seeds, in per cent."""
    return [100 * run[f"{part}_accuracy"] for run in runs.values()]


def gap(pool: Pool, ours: Which | None, theirs: Which | None) -> Summary | None:
    """Return the difference of two networks in test accuracy, in points, over the seeds that both have;
    ``None`` if there are none."""
    if ours is None or theirs is None or ours not in pool or theirs not in pool:
        return None
    one, two = pool[ours], pool[theirs]
    paired = [100 * (one[seed]["test_accuracy"] - two[seed]["test_accuracy"]) for seed in one if seed in two]
    return summarise(paired) if paired else None


def rival(pool: Pool, ours: Which | None, kind: str) -> Which | None:
    """Return the baseline of a kind with the budget of one of ours; a linear map or a ridge has no other."""
    if ours is None:
        return None
    found = [which for which in pool if which.kind == kind]
    return next((which for which in found if which.most in (ours.most, 0)), None)


NAMES = {
    "mlp": "ReLU units",
    "cnn": "CNN",
    "strided": "CNN, disjoint",
    "flat": "flat polynomial",
    "linear": "linear",
}
"""What baselines are called in the figure of sizes."""


def points(pool: Pool) -> dict[str, list[tuple[int, list[float]]]]:
    """Return what the figure of sizes draws: kind -> parameters and test accuracies in per cent, one a seed.

    TaylorNets are those of order 2 with BatchNorm whose blocks share weights in a level; the tables have the
    others.
    """
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for which, runs in pool.items():
        kind = NAMES.get(which.kind)
        if (which.kind, which.order, which.sharing, which.norm) == ("taylor", 2, "level", "batch"):
            kind = f"TaylorNet, {'overlapping' if which.overlaps else 'disjoint'}"
        if kind:
            size = next(iter(runs.values()))["parameters"]
            found.setdefault(kind, []).append((size, scores(runs)))
    return found
