"""Tables of ``automata.languages``, made from the ledger. The paper's own numbers are not known to us
(decision A13), so no column is named after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hsrnn.ledger import Record, Table, group

from .automata_networks import bootstrap, interval, mean_and_interval, networks, percent
from .claims import HEADLINE_SEEDS, NOT_RUN, made_by, shown_of, undecided


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset: cells compared, in pairs too, languages compared, and k-means beside k-means-x;
    then the claims."""
    shown = shown_of(records)
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [cell_table(preset, part), pair_table(preset, part)]
        made += [language_table(preset, part), method_table(preset, part)]
    return [*made, claims_table(shown)]


def differences(
    found: Sequence[dict[str, Any]], first: str, second: str, key: str = "first_k"
) -> dict[int, list[float]]:
    """Return by seed how much smaller a k is for cell ``first`` than for cell ``second``: second minus first
    on each language where both know it and have that k."""
    k = {
        (network["cell"], network["seed"], network["language"]): network["kmeans"][key]
        for network in found
        if network["learned"] and network["kmeans"][key] is not None
    }
    made: dict[int, list[float]] = {}
    for (cell, seed, language), value in k.items():
        if cell == first and (other := k.get((second, seed, language))) is not None:
            made.setdefault(seed, []).append(float(other - value))
    return made


def pair_table(preset: str, records: Sequence[Record]) -> Table:
    """The one-gate cell beside each other cell, language by language and seed by seed: the k it saves."""
    found, rows = networks(records), []
    for cell in records[0].config["cells"]:
        if cell != "mgu":
            made = [differences(found, "mgu", cell, key) for key in ("first_k", "stable_k", "exact_k")]
            rows.append((cell, str(sum(map(len, made[0].values()))), *map(mean_and_interval, made)))
    return Table(
        f"preset {preset}: how many fewer clusters the MGU needs, k-means",
        ("than", "pairs", "first k", "stable k", "exact k"),
        tuple(rows),
        "Means of the differences on the same language and seed, where both found such a k; above 0 the MGU "
        f"needs fewer. 95 % intervals by resampling seeds. {made_by(records)}",
    )


def claims_table(records: Sequence[Record]) -> Table:
    """The paper's claims C3 and C4 and a verdict on each."""
    desk = [record for record in records if record.preset == "desk"]
    found, seeds = networks(desk), len({record.seed for record in desk})
    saved = {cell: bootstrap(differences(found, "mgu", cell)) for cell in ("srn", "gru", "lstm")}
    against = [value for value in saved.values() if value is not None]
    first = ("C3 few gates are best: the MGU's automaton is the smallest", "in words only")
    if len(against) < len(saved):
        rows = [(*first, NOT_RUN, "not tested")]
    else:
        measured = ", ".join(f"{cell.upper()} {mean_and_interval(differences(found, 'mgu', cell))}"
                             for cell in saved)  # fmt: skip
        rows = [(*first, f"clusters saved by the MGU: {measured}", _smallest(against, seeds))]
    known = [network for network in found if network["learned"]]
    second = ("C4 k-means-x beside k-means", "two methods, no order known")
    weights = [str(weight) for weight in desk[0].config["weights"]] if desk else []
    if not known or not weights:
        return _claims([*rows, (*second, NOT_RUN, "not tested")])
    shares = {
        weight: 100 * float(np.mean([n["kmeans-x"][weight]["exact_k"] is not None for n in known]))
        for weight in weights
    }
    plain = 100 * float(np.mean([n["kmeans"]["exact_k"] is not None for n in known]))
    text = ", ".join(f"{share:.1f}\u00a0% at weight {weight}" for weight, share in shares.items())
    gained = {weight: bootstrap(_gains(known, weight)) for weight in weights}
    better = [weight for weight, made in gained.items() if made is not None and made[1] > 0]
    verdict = f"k-means-x finds more at weight {', '.join(better)}" if better else "no gain over k-means"
    rows.append((
        *second, f"exact automaton found: k-means {plain:.1f}\u00a0%, k-means-x {text}",
        verdict if seeds >= HEADLINE_SEEDS else undecided(seeds),
    ))  # fmt: skip
    return _claims(rows)


def _claims(rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(
        "Claims on gates and clusterings",
        ("claim", "paper", "ours (desk)", "verdict"),
        tuple(rows),
        "The paper's numbers are not known to us, so there are none in its column. Reproduced: every "
        f"interval lies on the paper's side; a verdict needs at least {HEADLINE_SEEDS} seeds.",
    )


def _smallest(saved: Sequence[tuple[float, float, float]], seeds: int) -> str:
    """Say whether every other cell needs more clusters than the MGU."""
    if seeds < HEADLINE_SEEDS:
        return undecided(seeds)
    if all(low > 0 for _, low, _ in saved):
        return "reproduced"
    return "not reproduced" if any(high < 0 for _, _, high in saved) else "partly: some intervals include 0"


def _gains(known: Sequence[dict[str, Any]], weight: str) -> dict[int, list[float]]:
    """Return by seed, for each network, 1 where only k-means-x found the exact automaton, -1 where only
    k-means did."""
    made: dict[int, list[float]] = {}
    for network in known:
        plain, other = (
            found["exact_k"] is not None for found in (network["kmeans"], network["kmeans-x"][weight])
        )
        made.setdefault(network["seed"], []).append(float(other) - float(plain))
    return made


def _interval(found: list[dict[str, Any]], key: str) -> str:
    return interval(found, lambda network: network["kmeans"][key])


def cell_table(preset: str, records: Sequence[Record]) -> Table:
    """Each cell over all languages: how often it learned, how often the exact automaton was found, and how
    small."""
    rows = []
    for cell in records[0].config["cells"]:
        own = [network for network in networks(records) if network["cell"] == cell]
        known = [network for network in own if network["learned"]]
        rows.append((
            cell, percent([network["learned"] for network in own]),
            percent([network["kmeans"]["exact_k"] is not None for network in known]),
            *(_interval(known, key) for key in ("first_k", "stable_k", "exact_k")),
        ))  # fmt: skip
    return Table(
        f"preset {preset}: cells, over all languages, k-means",
        ("cell", "learned", "exact automaton", "first k", "stable k", "exact k"),
        tuple(rows),
        f"Means over networks that know their language, with 95 % intervals by resampling seeds. "
        f"{made_by(records)}",
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
            name, str(own[0]["true_states"]), percent([network["learned"] for network in own]),
            percent([network["kmeans"]["exact_k"] is not None for network in known]),
            *(_interval([n for n in known if n["cell"] == cell], "first_k") for cell in cells),
        ))  # fmt: skip
    return Table(
        f"preset {preset}: languages, and the first k of each cell, k-means",
        ("language", "states", "learned", "exact automaton", *cells),
        tuple(rows),
        made_by(records),
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
            percent([network["kmeans"]["exact_k"] is not None for network in found]),
            *(_interval(found, key) for key in ("first_k", "stable_k")),
            "-" if not found else f"{np.mean([network['kmeans']['seconds'] for network in found]):.2f}",
        ))  # fmt: skip
    return Table(
        f"preset {preset}: k-means and k-means-x on the same networks",
        ("clustering", "exact automaton", "first k", "stable k", "seconds a sweep"),
        tuple(rows),
        made_by(records),
    )
