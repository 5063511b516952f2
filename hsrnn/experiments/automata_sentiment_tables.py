"""Tables of ``automata.sentiment``, made from the ledger. The paper's own numbers are not known to us
(decision A13), so no column is named after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np

from hsrnn.ledger import Record, Table, group

from .automata_networks import bootstrap, interval, networks, percent
from .claims import HEADLINE_SEEDS, NOT_RUN, made_by, shown_of, undecided

METHODS = {"kmeans": "k-means", "kmeans-x": "k-means-x"}
NAMES = {"reviews": "generated reviews", "sst2": "SST-2"}


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset and data set: accuracies, accuracy by k, words on edges, and (where the truth is
    known) exactness; then the claim."""
    shown = shown_of(records)
    made = []
    for (preset, dataset), part in group(shown, lambda r: (r.preset, r.config["dataset"])).items():
        made += [accuracy_table(preset, part), clusters_table(preset, part), words_table(preset, part)]
        if dataset == "reviews":
            made.append(exactness_table(preset, part))
    return [*made, claims_table(shown)]


def _at(*path: str) -> Callable[[dict[str, Any]], float | None]:
    """Return what takes from a network the value at a path of keys."""

    def value(network: Any) -> float | None:
        found = reduce(getitem, path, network)
        return None if found is None else float(found)

    return value


def _title(preset: str, records: Sequence[Record]) -> str:
    return f"{NAMES[records[0].config['dataset']]}, preset {preset}"


def _by_cell(records: Sequence[Record]) -> dict[str, list[dict[str, Any]]]:
    found = networks(records)
    return {
        cell: [network for network in found if network["cell"] == cell] for cell in records[0].config["cells"]
    }


def accuracy_table(preset: str, records: Sequence[Record]) -> Table:
    """Networks and their automata on the test part, in per cent: the table alone by both rules for unseen
    transitions, the cluster of the last state, and the share on which table and network agree."""
    rows = []
    for cell, found in _by_cell(records).items():
        for method, name in METHODS.items():
            rows.append((
                cell, name, interval(found, lambda n: n["test_accuracy"], ".1f", 100.0),
                *(
                    interval(found, _at(method, rule, "test_accuracy"), ".1f", 100.0)
                    for rule in ("reject", "nearest")
                ),
                interval(found, _at(method, "nearest", "state_accuracy"), ".1f", 100.0),
                interval(found, _at(method, "nearest", "faithfulness"), ".1f", 100.0),
                interval(found, _at(method, "nearest", "k"), ".1f"),
                interval(found, _at(method, "nearest", "states"), ".1f"),
            ))  # fmt: skip
    metrics = [{"seed": record.seed, **record.metrics} for record in records]
    plain = [
        interval(metrics, _at(key), ".1f", 100.0) for key in ("majority_accuracy", "bag_of_words_accuracy")
    ]
    return Table(
        f"{_title(preset, records)}: accuracy of networks and of their automata, %",
        (
            "cell", "clusters", "network", "table, unseen rejects", "table, unseen nearest", "last state",
            "faithful", "k", "states",
        ),
        tuple(rows),
        "Test part; k is chosen on the validation part for each rule on its own; last state, faithful, k and "
        f"states belong to the rule nearest. The more frequent class alone is right on {plain[0]} %, a "
        f"logistic regression on a bag of words on {plain[1]} %. 95 % intervals by resampling seeds. "
        f"{made_by(records)}",
    )  # fmt: skip


def clusters_table(preset: str, records: Sequence[Record]) -> Table:
    """Validation accuracy of the table alone for every k, k-means, in per cent: unseen rejects / nearest."""
    cells = _by_cell(records)
    rows = []
    for place, k in enumerate(records[0].config["clusters"]):
        row = [str(k)]
        for found in cells.values():
            both = [
                100 * float(np.mean([network["kmeans"]["sweep"][place][rule] for network in found]))
                for rule in ("reject", "nearest")
            ]
            row.append(f"{both[0]:.1f} / {both[1]:.1f}")
        rows.append(tuple(row))
    return Table(
        f"{_title(preset, records)}: accuracy of the table alone by k, validation part, %",
        ("k", *cells),
        tuple(rows),
        f"k-means; means over seeds; unseen transitions reject / go to the nearest cluster. "
        f"{made_by(records)}",
    )


def words_table(preset: str, records: Sequence[Record]) -> Table:
    """Words on edges: how often a word of positive (negative) polarity leads into an accepting (rejecting)
    state, from the start and from every state, beside chance, in per cent."""
    rows = []
    for cell, found in _by_cell(records).items():
        row = [cell]
        for where in ("start", "states"):
            row += [
                interval(found, _at("kmeans", "edges", where, key), ".1f", 100.0)
                for key in ("agreement", "chance")
            ]
        row.append(interval(found, lambda n: n["kmeans"]["edges"]["states"]["words"], ".0f"))
        rows.append(tuple(row))
    config = records[0].config
    return Table(
        f"{_title(preset, records)}: words on edges against their polarity, %",
        ("cell", "from the start", "chance", "from every state", "chance", "words"),
        tuple(rows),
        "Polarity: log-odds of a word between positive and negative training reviews; words of at least "
        f"{config['threshold']} nats in at least {config['occurrences']} reviews. Chance: signs shuffled. "
        f"{made_by(records)}",
    )


def exactness_table(preset: str, records: Sequence[Record]) -> Table:
    """How often the automaton is the true one: on every sequence of words, on sentences whose neighbouring
    words occur together in training, and over word classes by vote."""
    rows = []
    for cell, found in _by_cell(records).items():
        for method, name in METHODS.items():
            made = [network[method]["nearest"] for network in found]
            wrong = [one["natural_counterexample"] for one in made if one["natural_counterexample"]]
            rows.append((
                cell, name,
                *(percent([one[key] for one in made]) for key in ("exact", "natural_exact", "class_exact")),
                " ".join(min(wrong, key=len)) if wrong else "-",
            ))  # fmt: skip
    return Table(
        f"{_title(preset, records)}: is it the true automaton?",
        ("cell", "clusters", "all sequences", "sentences", "over classes", "a sentence it gets wrong"),
        tuple(rows),
        "Unseen transitions go to the nearest cluster. Sentences: of at least four words, neighbours as in "
        f"training. Over classes: the words of each true class vote. {made_by(records)}",
    )


def claims_table(records: Sequence[Record]) -> Table:
    """The paper's claim C5 and a verdict on it, for each data set."""
    rows = []
    for dataset, name in NAMES.items():
        desk = [r for r in records if r.preset == "desk" and r.config["dataset"] == dataset]
        claim = (f"C5 states gather meaning: words lead where their polarity says ({name})", "in words only")
        if not desk:
            rows.append((*claim, NOT_RUN, "not tested"))
            continue
        above: dict[int, list[float]] = {}
        for network in networks(desk):
            edges = network["kmeans"]["edges"]["states"]
            if edges["agreement"] is not None:
                above.setdefault(network["seed"], []).append(100 * (edges["agreement"] - edges["chance_97"]))
        made, seeds = bootstrap(above), len({record.seed for record in desk})
        if made is None:
            rows.append((*claim, "no words of both polarities", "not tested"))
            continue
        agreed = interval(networks(desk), lambda n: n["kmeans"]["edges"]["states"]["agreement"], ".1f", 100.0)
        chance = interval(networks(desk), lambda n: n["kmeans"]["edges"]["states"]["chance_97"], ".1f", 100.0)
        verdict = "reproduced" if made[1] > 0 else "not reproduced"
        rows.append((
            *claim, f"{agreed} % of edges, against {chance} % at the 97.5th percentile of chance",
            verdict if seeds >= HEADLINE_SEEDS else undecided(seeds),
        ))  # fmt: skip
    return Table(
        "Claims on words",
        ("claim", "paper", "ours (desk)", "verdict"),
        tuple(rows),
        "The paper's numbers are not known to us, so there are none in its column. Reproduced: the interval "
        "of the agreement above the 97.5th percentile of shuffled signs lies above 0, all cells taken "
        f"together; a verdict needs at least {HEADLINE_SEEDS} seeds.",
    )
