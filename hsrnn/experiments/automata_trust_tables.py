"""Tables of ``automata.trust``, made from the ledger. The paper's own numbers are not known to us (decision
A13), so no column is named after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hsrnn.ledger import Record, Table, group

from .automata_networks import bootstrap, by_seed, interval, mean_and_interval, networks, percent
from .claims import HEADLINE_SEEDS, NOT_RUN, made_by, shown_of, undecided

FAITHFUL = 99.0  # per cent of new words on which an automaton has to agree with its network to reproduce it
NAMES = {
    "kmeans": "k-means",
    "kmeans-faithful": "k-means, most faithful k",
    "lstar": "L*",
    "kv": "KV",
    "quantised": "quantised states",
}


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset: accuracy by length, automaton less network, the same by cell and language, and
    the extractors compared; then the claims."""
    shown = shown_of(records)
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [
            accuracy_table(preset, part), difference_table(preset, part), where_table(preset, part),
            extractor_table(preset, part),
        ]  # fmt: skip
    return [*made, claims_table(shown)]


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
        f"learned, with 95 % intervals by resampling seeds. {made_by(records)}",
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
        f"resampling seeds. {made_by(records)}",
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
        f"Paired within each network; 95 % intervals by resampling seeds. {made_by(records)}",
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
        f"sweep over k. {made_by(records)}",
    )


def claims_table(records: Sequence[Record]) -> Table:
    """The paper's claims C1 and C2, the comparison C6 with other extractors, and a verdict on each."""
    desk = [record for record in records if record.preset == "desk"]
    names = (
        ("C1 an automaton of few states reproduces its network", "in words only"),
        ("C2 the automaton is to be trusted more: right on words much longer", "in words only"),
        ("C6 k-means beside L* and KV on the same networks", "not compared"),
    )
    if not desk:
        rows = [(*name, NOT_RUN, "not tested") for name in names]
    else:
        judged = (_reproduces(desk), _trusted(desk), _beside_learners(desk))
        rows = [(*name, *one) for name, one in zip(names, judged)]
        seeds = len({record.seed for record in desk})
        if seeds < HEADLINE_SEEDS:
            rows = [(*row[:3], undecided(seeds)) for row in rows]
    return Table(
        "Claims on trust",
        ("claim", "paper", "ours (desk)", "verdict"),
        tuple(rows),
        "The paper's numbers are not known to us, so there are none in its column. Reproduced: C1, the "
        f"interval of the agreement with the network on new words lies above {FAITHFUL:g} %; C2, the "
        "intervals of the difference on the longest words lie above 0 at every share of flipped labels. "
        f"A verdict needs at least {HEADLINE_SEEDS} seeds.",
    )


def _reproduces(desk: Sequence[Record]) -> tuple[str, str]:
    """C1: agreement and size of the most faithful k-means automaton where no label was flipped."""
    least = min(desk[0].config["noises"])
    known = [network for network in networks(desk) if network["learned"] and network["noise"] == least]
    read = "kmeans-faithful"
    found = [{**n["extractors"][read], "seed": n["seed"]} for n in known if read in n["extractors"]]
    agreed = by_seed(found, lambda one: one["faithfulness"], 100.0)
    states = interval(found, lambda one: one["states"], ".1f").split(" (")[0]
    measured = f"agrees on {mean_and_interval(agreed, '.1f')} % of new words with {states} states"
    made = bootstrap(agreed)
    if made is None:
        return NOT_RUN, "not tested"
    _, low, high = made
    return measured, "reproduced" if low > FAITHFUL else "partly" if high > FAITHFUL else "not reproduced"


def _trusted(desk: Sequence[Record]) -> tuple[str, str]:
    """C2: the paired difference between k-means and its network on the longest words, at every noise."""
    config = desk[0].config
    factor, parts, made = max(config["factors"]), [], []
    for noise in config["noises"]:
        own = [network for network in networks(desk) if network["noise"] == noise]
        gained = by_seed(own, _difference("kmeans", factor), 100.0)
        parts.append(f"{mean_and_interval(gained, '+.1f')} at {100 * noise:g}\u00a0% flipped")
        made.append(bootstrap(gained))
    measured = f"points gained on words {factor}x longer: {', '.join(parts)}"
    known = [one for one in made if one is not None]
    if not known:
        return NOT_RUN, "not tested"
    if all(low > 0 for _, low, _ in known):
        return measured, "reproduced"
    return measured, "not reproduced" if all(high < 0 for _, _, high in known) else "partly"


def _beside_learners(desk: Sequence[Record]) -> tuple[str, str]:
    """C6: how often each extractor finds exactly the language where no label was flipped, in pairs."""
    least = min(desk[0].config["noises"])
    known = [network for network in networks(desk) if network["learned"] and network["noise"] == least]
    exact = {
        name: [bool(network["extractors"].get(name, {}).get("exact")) for network in known]
        for name in ("kmeans", "lstar", "kv")
    }
    measured = "exactly the language: " + ", ".join(
        f"{NAMES[name]} {percent(flags)}" for name, flags in exact.items()
    )
    verdicts = []
    for name in ("lstar", "kv"):
        pairs: dict[int, list[float]] = {}
        for network, ours, theirs in zip(known, exact["kmeans"], exact[name]):
            pairs.setdefault(network["seed"], []).append(float(ours) - float(theirs))
        made = bootstrap(pairs)
        if made is not None and not made[1] <= 0 <= made[2]:
            verdicts.append(f"{'more' if made[0] > 0 else 'less'} often than {NAMES[name]}")
    return measured, f"k-means is exact {' and '.join(verdicts)}" if verdicts else "no clear difference"
