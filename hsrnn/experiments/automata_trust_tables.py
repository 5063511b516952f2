"""Tables of ``automata.trust``, made from the ledger. The paper's own numbers are not known to us (decision
A13), so no column is named after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hsrnn.ledger import Record, Table, group, newest

from .automata_networks import interval, made_by, networks, percent

NAMES = {
    "kmeans": "k-means",
    "kmeans-faithful": "k-means, most faithful k",
    "lstar": "L*",
    "kv": "KV",
    "quantised": "quantised states",
}


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset: accuracy by length, automaton less network, the same by cell and language, and
    the extractors compared."""
    shown = [record for record in newest(records) if record.preset != "smoke"]
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [
            accuracy_table(preset, part), difference_table(preset, part), where_table(preset, part),
            extractor_table(preset, part),
        ]  # fmt: skip
    return made


def _accuracy(reader: str, factor: int) -> Callable[[dict[str, Any]], float | None]:
    """Return what takes from a network its own accuracy (reader ``"network"``) or that of an automaton."""

    def value(network: dict[str, Any]) -> float | None:
        found = network if reader == "network" else network["extractors"].get(reader, {})
        return found.get("accuracy", {}).get(str(factor))

    return value


def _difference(reader: str, factor: int) -> Callable[[dict[str, Any]], float | None]:
    """Return what takes from a network the accuracy of an automaton less its own."""
    theirs, own = _accuracy(reader, factor), _accuracy("network", factor)

    def value(network: dict[str, Any]) -> float | None:
        first, second = theirs(network), own(network)
        return None if first is None or second is None else first - second

    return value


def _readers(records: Sequence[Record]) -> list[str]:
    return [name for name in NAMES if any(name in n["extractors"] for n in networks(records))]


def _lengths(records: Sequence[Record]) -> tuple[str, ...]:
    longest = records[0].config["longest"]
    return tuple(f"{factor}x: {factor * longest}" for factor in records[0].config["factors"])


def accuracy_table(preset: str, records: Sequence[Record]) -> Table:
    """Accuracy on clean words by their length, of the networks and of each kind of automaton, per noise."""
    rows = []
    for noise in records[0].config["noises"]:
        own = [network for network in networks(records) if network["noise"] == noise]
        known = [network for network in own if network["learned"]]
        for reader in ("network", *_readers(records)):
            rows.append((
                f"{100 * noise:g} %", percent([network["learned"] for network in own]),
                NAMES.get(reader, reader),
                *(interval(known, _accuracy(reader, f), ".1f", 100.0) for f in records[0].config["factors"]),
            ))  # fmt: skip
    return Table(
        f"preset {preset}: accuracy in per cent on clean words, by their length",
        ("flipped labels", "learned", "who decides", *_lengths(records)),
        tuple(rows),
        "Length: times longer than trained on, and the greatest length. Means over networks that have "
        f"learned, with 95 % intervals by resampling seeds. {made_by(records, preset)}",
    )


def difference_table(preset: str, records: Sequence[Record]) -> Table:
    """Accuracy of each automaton less that of the network it was read from, per noise."""
    rows = [
        (
            f"{100 * noise:g} %", NAMES[reader],
            *(
                interval(
                    [network for network in networks(records) if network["noise"] == noise],
                    _difference(reader, factor), "+.1f", 100.0,
                )
                for factor in records[0].config["factors"]
            ),
        )
        for noise in records[0].config["noises"]
        for reader in _readers(records)
    ]  # fmt: skip
    return Table(
        f"preset {preset}: accuracy of the automaton less that of its network, in points",
        ("flipped labels", "automaton", *_lengths(records)),
        tuple(rows),
        "Above 0: the automaton is more often right. Paired within each network; 95 % intervals by "
        f"resampling seeds. {made_by(records, preset)}",
    )


def where_table(preset: str, records: Sequence[Record]) -> Table:
    """The difference between k-means and its network on the longest words, by cell and by language."""
    config, found = records[0].config, networks(records)
    factor = max(config["factors"])
    rows = [
        (
            name,
            *(
                interval(
                    [network for network in found if network["noise"] == noise and network[kind] == name],
                    _difference("kmeans", factor), "+.1f", 100.0,
                )
                for noise in config["noises"]
            ),
        )
        for kind, names in (("cell", config["cells"]), ("language", config["languages"]))
        for name in names
    ]  # fmt: skip
    return Table(
        f"preset {preset}: k-means less its network on words {factor}x longer, in points",
        ("cell or language", *(f"{100 * noise:g} % flipped" for noise in config["noises"])),
        tuple(rows),
        f"Paired within each network; 95 % intervals by resampling seeds. {made_by(records, preset)}",
    )


def extractor_table(preset: str, records: Sequence[Record]) -> Table:
    """The extractors on the same networks, trained with the least noise: size, truth, faithfulness, time."""
    config = records[0].config
    noise, factor = min(config["noises"]), min(config["factors"])
    known = [n for n in networks(records) if n["noise"] == noise and n["learned"]]
    rows = []
    for reader in _readers(records):
        found = [{**n["extractors"][reader], "seed": n["seed"]} for n in known if reader in n["extractors"]]
        rows.append((
            NAMES[reader],
            percent([one["states"] is not None for one in found]),
            interval(found, lambda one: one["states"], ".1f"),
            percent([one.get("exact", False) for one in found]),
            interval(found, lambda one: one.get("accuracy", {}).get(str(factor)), ".1f", 100.0),
            interval(found, lambda one: one.get("faithfulness"), ".1f", 100.0),
            interval(found, lambda one: one["seconds"]),
        ))  # fmt: skip
    true = interval(known, lambda network: network["true_states"], ".1f").split(" (")[0]
    return Table(
        f"preset {preset}: extractors on the same networks, {100 * noise:g} % of the labels flipped",
        ("automaton", "found", "states", "exactly the language", "accuracy", "faithfulness", "seconds"),
        tuple(rows),
        f"Accuracy and agreement with the network in per cent, on new words as long as trained on. States "
        f"after minimising; the languages have {true} on average. Seconds: of k-means for its whole "
        f"sweep over k. {made_by(records, preset)}",
    )
