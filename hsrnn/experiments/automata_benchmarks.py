"""Speed of the room automata beside what it cannot do without: what ``hsrnn bench automata.NAME`` runs.

A line has the fields of :mod:`hsrnn.experiments.benchmarks`. The networks are trained on the spot, in
seconds, for hidden states of a network that knows its language cluster in another way than random ones, and
k-means takes another number of rounds on them. What is timed is checked first: a fast wrong answer raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from hsrnn import automata
from hsrnn.automata import Automaton, SequenceClassifier, Sequences, Split
from hsrnn.experiments.timing import alternate, threads


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch, k-means and numpy use one thread.

    Several meet at a barrier in every step of a GRU and every round of Lloyd, and where a core is busy they
    wait there for most of the time; one thread measures the work.
    """
    with threads(1), threadpool_limits(1):
        yield


def knowing(
    name: str, cell: str, hidden_size: int, *, words: int = 4000, seed: int = 0
) -> tuple[SequenceClassifier, Split]:
    """Return a network trained until it knows a language, and the words it was trained and tested on.

    Raises:
        RuntimeError: if it does not learn the language.
    """
    language = automata.language(name)
    split = automata.split(language, range(1, 15), words, 1000, np.random.default_rng(seed))
    classifier = SequenceClassifier(language.alphabet, cell, hidden_size, seed=seed)
    config = automata.TrainingConfig(epochs=100, learning_rate=0.01)
    result = automata.train(
        classifier, split.train, split.train_labels, split.test, split.test_labels, config,
        empty=bool(language.accepts([""])[0]), seed=seed,
    )  # fmt: skip
    if not result.learned:
        raise RuntimeError(f"the {cell} did not learn {name}: accuracy {result.accuracy}")
    return classifier, split


def sweep(
    *, states: int = 20_000, hidden_size: int = 20, largest: int = 40, repeats: int = 5
) -> Iterator[dict[str, Any]]:
    """Time a whole sweep k = 2 .. ``largest``, hidden states collected anew, beside its KMeans fits alone."""
    language = automata.language("000")
    classifier, split = knowing("000", "gru", hidden_size)
    ends = np.cumsum(split.train.lengths)
    if ends[-1] < states:
        raise ValueError(
            f"states must be at most {ends[-1]}, the symbols of all training words, got {states}"
        )
    words = split.train.take(slice(0, int(np.searchsorted(ends, states)) + 1))
    points = automata.collect(classifier, words)
    ks = range(2, largest + 1)
    found = automata.sweep(
        classifier, words, split.test, split.test_labels, n_clusters=ks, target=language.automaton
    )

    def ours() -> None:
        automata.sweep(
            classifier, words, split.test, split.test_labels, n_clusters=ks, target=language.automaton
        )

    def reference() -> None:
        for k in ks:
            KMeans(k, n_init=1, random_state=0).fit(points.features)

    with one_thread():
        seconds = alternate(ours, reference, repeats)
    yield {
        "name": "automata.sweep/kmeans", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "states": len(points), "first_k": found.first_k, "exact_k": found.exact_k,
        "what": f"collect {len(points)} hidden states of a GRU with {hidden_size} units, then cluster, "
        f"count, accept, score {len(split.test)} words, minimise and compare for k = 2 .. {largest}; "
        f"{len(points.distinct.first)} of the states are distinct. Reference: the "
        f"{len(ks)} KMeans fits of all states alone. One thread",
    }  # fmt: skip


def run(
    *, words: int = 10_000, length: int = 100, hidden_size: int = 50, repeats: int = 7
) -> Iterator[dict[str, Any]]:
    """Time an automaton on a batch of words beside the GRU that it was read from.

    Raises:
        RuntimeError: if the automaton disagrees with a plain loop over the words.
    """
    classifier, split = knowing("000", "gru", hidden_size)
    found = automata.sweep(
        classifier, split.train.take(slice(0, 1500)), split.test, split.test_labels, n_clusters=range(4, 31)
    )
    automaton = found.automata[-1] if found.first_k is None else found.at(found.first_k)[1]
    generator = np.random.default_rng(1)
    batch = Sequences(generator.integers(2, size=(words, length)), np.full(words, length))
    accepted = automaton.accepts(batch)
    for row, verdict in zip(batch.codes[:100].tolist(), accepted):
        state = automaton.start
        for code in row:
            state = automaton.table[state, code]
        if automaton.accepting[state] != verdict:
            raise RuntimeError("the batch run disagrees with a plain loop")
    with one_thread():
        seconds = alternate(lambda: automaton.accepts(batch), lambda: classifier.predict(batch), repeats)
    yield {
        "name": "automata.run/gru", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "states": automaton.n_states, "agreement": float((classifier.predict(batch) == accepted).mean()),
        "what": f"{words} words of {length} symbols through an automaton of {automaton.n_states} states. "
        f"Reference: its GRU of {hidden_size} units (torch's fused kernel). One thread",
    }  # fmt: skip


def minimise(*, states: int = 20, symbols: int = 18_000, repeats: int = 1) -> Iterator[dict[str, Any]]:
    """Time minimising an automaton over a vocabulary beside automata-lib.

    Half of the states have a twin, so there is something to merge.

    Raises:
        RuntimeError: if the two results have different languages or sizes.
    """
    generator = np.random.default_rng(0)
    half = states // 2
    kernel = generator.integers(half, size=(half, symbols))
    table = np.concatenate([kernel, kernel]) + half * generator.integers(2, size=(2 * half, symbols))
    accepting = np.tile(np.arange(half) % 3 == 0, 2)
    automaton = Automaton(tuple(f"word{code}" for code in range(symbols)), table, accepting)
    theirs = automata.to_automata_lib(automaton)
    small = automaton.minimise()
    other = automata.from_automata_lib(theirs.minify(), automaton.alphabet)
    if not small.equivalent(other) or small.n_states != other.n_states:
        raise RuntimeError(f"minimised to {small.n_states} states, automata-lib to {other.n_states}")
    with one_thread():
        seconds = alternate(automaton.minimise, theirs.minify, repeats)
    yield {
        "name": "automata.minimise/vocabulary", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "states": small.n_states,
        "what": f"{2 * half} states x {symbols} symbols to {small.n_states} states. Reference: "
        "automata-lib's minify (Hopcroft), its DFA made before. One thread",
    }  # fmt: skip


BENCHMARKS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "automata.sweep": sweep,
    "automata.run": run,
    "automata.minimise": minimise,
}
