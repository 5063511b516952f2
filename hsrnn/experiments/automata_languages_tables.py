"""Tables of ``automata.languages``, made from the ledger. The paper's own numbers are not known to us
(decision A13), so no column is named after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hsrnn.ledger import Record, Table, group, newest

RESAMPLES = 2000


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


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset: cells compared, languages compared, and k-means beside k-means-x."""
    shown = [record for record in newest(records) if record.preset != "smoke"]
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [cell_table(preset, part), language_table(preset, part), method_table(preset, part)]
    return made


def _interval(found: list[dict[str, Any]], key: str) -> str:
    by_seed: dict[int, list[float]] = {}
    for network in found:
        if network["kmeans"][key] is not None:
            by_seed.setdefault(network["seed"], []).append(float(network["kmeans"][key]))
    made = bootstrap(by_seed)
    return "-" if made is None else f"{made[0]:.2f} ({made[1]:.2f} to {made[2]:.2f})"


def _percent(flags: list[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f} % of {len(flags)}" if flags else "-"


def _note(records: Sequence[Record], preset: str) -> str:
    seconds = [record.seconds for record in records]
    return (
        f"{len(records)} seed(s), {min(seconds):.0f} to {max(seconds):.0f} s each. Made by `hsrnn reproduce "
        f"automata.languages --preset {preset} --seed {records[0].seed}` (and further seeds)."
    )


def cell_table(preset: str, records: Sequence[Record]) -> Table:
    """Each cell over all languages: how often it learned, how often the exact automaton was found, and how
    small."""
    rows = []
    for cell in records[0].config["cells"]:
        own = [network for network in networks(records) if network["cell"] == cell]
        known = [network for network in own if network["learned"]]
        rows.append((
            cell, _percent([network["learned"] for network in own]),
            _percent([network["kmeans"]["exact_k"] is not None for network in known]),
            *(_interval(known, key) for key in ("first_k", "stable_k", "exact_k")),
        ))  # fmt: skip
    return Table(
        f"preset {preset}: cells, over all languages, k-means",
        ("cell", "learned", "exact automaton", "first k", "stable k", "exact k"),
        tuple(rows),
        f"Means over networks that know their language, with 95 % intervals by resampling seeds. "
        f"{_note(records, preset)}",
    )


def language_table(preset: str, records: Sequence[Record]) -> Table:
    """Each language: true size, how often it was learned and exactly recovered, and the first k of each
    cell."""
    cells = records[0].config["cells"]
    rows = []
    for name in records[0].config["languages"]:
        own = [network for network in networks(records) if network["language"] == name]
        known = [network for network in own if network["learned"]]
        rows.append((
            name, str(own[0]["true_states"]), _percent([network["learned"] for network in own]),
            _percent([network["kmeans"]["exact_k"] is not None for network in known]),
            *(_interval([n for n in known if n["cell"] == cell], "first_k") for cell in cells),
        ))  # fmt: skip
    return Table(
        f"preset {preset}: languages, and the first k of each cell, k-means",
        ("language", "states", "learned", "exact automaton", *cells),
        tuple(rows),
        _note(records, preset),
    )


def method_table(preset: str, records: Sequence[Record]) -> Table:
    """K-means beside k-means-x at each weight, on the same networks."""
    known = [network for network in networks(records) if network["learned"]]
    weights = [str(weight) for weight in records[0].config["weights"]]
    rows = []
    for name in ("kmeans", *weights):
        found = [{**n, "kmeans": n["kmeans"] if name == "kmeans" else n["kmeans-x"][name]} for n in known]
        rows.append((
            "k-means" if name == "kmeans" else f"k-means-x, weight {name}",
            _percent([network["kmeans"]["exact_k"] is not None for network in found]),
            *(_interval(found, key) for key in ("first_k", "stable_k")),
            "-" if not found else f"{np.mean([network['kmeans']['seconds'] for network in found]):.2f}",
        ))  # fmt: skip
    return Table(
        f"preset {preset}: k-means and k-means-x on the same networks",
        ("clustering", "exact automaton", "first k", "stable k", "seconds a sweep"),
        tuple(rows),
        _note(records, preset),
    )
