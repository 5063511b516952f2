"""The living figure Automaton with trained networks and what LISOR reads from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsrnn import automata, figures
from hsrnn.automata.sequences import Words


def automaton_figure(
    classifiers: Mapping[str, automata.SequenceClassifier],
    words: Words,
    target: automata.Automaton,
    *,
    n_clusters: Sequence[int] = (4, 6, 8, 12, 16),
    seed: int = 0,
    **options: Any,
) -> figures.Automaton:
    """Return the figure in which a word walks through networks and their automata.

    Args:
        classifiers: trained networks over one alphabet, by the name that the figure gives them.
        words: words whose hidden states are clustered.
        target: the automaton of the language that the networks were taught.
        n_clusters: the k that the reader can choose; the figure opens with the first whose automaton is
            exactly the language, or else with the last.
        seed: seed of k-means.
        options: passed to :meth:`hsrnn.figures.Automaton.from_nets`, e.g. ``language`` or ``word``.

    Raises:
        ValueError: for no network or k, or networks that do not share the alphabet of ``target``.
    """
    if not classifiers or not n_clusters:
        raise ValueError("classifiers and n_clusters must each hold at least one, got none")
    nets = []
    for name, classifier in classifiers.items():
        if classifier.alphabet != target.alphabet:
            raise ValueError(
                f"network {name!r} must read the target's alphabet {target.alphabet}, got "
                f"{classifier.alphabet}"
            )
        lisor = automata.LISOR(random_state=seed)
        points = lisor.collect(classifier, words)
        machines, right = [], []
        for k in sorted(set(n_clusters)):
            lisor = automata.LISOR(k, random_state=seed).fit_points(classifier, points)
            machine = lisor.automaton_
            exact = lisor.minimal_.equivalent(target)
            right.append(exact)
            machines.append({
                "k": k, "name": f"{k}{' (exact)' if exact else ''}", "clusters": lisor.labels_,
                "table": machine.table, "accepting": machine.accepting, "start": machine.start,
            })  # fmt: skip
        if not nets:
            opens = right.index(True) if any(right) else len(right) - 1
        nets.append({
            "name": name, "cell": classifier.cell_name, "points": points.features, "machines": machines,
            "weights": {key: value.numpy() for key, value in classifier.state_dict().items()},
        })  # fmt: skip
    truth = {"table": target.table, "accepting": target.accepting, "start": target.start}
    return figures.Automaton.from_nets(nets, target.alphabet, target=truth, machine=opens, **options)
