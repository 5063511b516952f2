"""Words on edges: is a word that leads to "accept" one that positive reviews use?

Polarity is learned from label counts alone, no lexicon and no network: the log-odds of a word between
positive and negative training reviews. An automaton read from a network never sees it. Their agreement is set
beside chance, which is what is left when the signs of the words are shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn import automata

SMOOTHING = 1.0  # reviews added to either count of a word


def polarity(
    sequences: automata.Sequences, labels: NDArray[np.integer], symbols: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the polarity of each word in nats, ``(symbols,)``, and in how many reviews it occurs.

    With n+ of P positive reviews and n- of N negative ones holding the word, the polarity is
    log((n+ + 1) / (P + 2)) - log((n- + 1) / (N + 2)): 0 for a word that says nothing.
    """
    review = np.repeat(np.arange(len(sequences)), sequences.lengths)
    pairs = np.unique(review * symbols + sequences.codes[sequences.mask])
    positive = np.asarray(labels)[pairs // symbols] == 1
    counts = [np.bincount(pairs[side] % symbols, minlength=symbols) for side in (positive, ~positive)]
    reviews = int((np.asarray(labels) == 1).sum()), int((np.asarray(labels) == 0).sum())
    odds = [
        np.log((count + SMOOTHING) / (n + 2 * SMOOTHING)) for count, n in zip(counts, reviews, strict=True)
    ]
    return odds[0] - odds[1], counts[0] + counts[1]


def agreement(
    accepts: NDArray[np.floating], signs: NDArray[np.bool_], *, shuffles: int, seed: int
) -> dict[str, Any]:
    """Compare where words lead with the signs of their polarity.

    Args:
        accepts: ``(words,)`` share of a word's edges that lead into an accepting state, in [0, 1].
        signs: ``(words,)``, true for positive words.
        shuffles: random orders of the signs that make up chance.
        seed: of the shuffles.

    Returns:
        ``words``; ``agreement``, the mean share of right edges; ``chance``, its mean over shuffles, and
        ``chance_97``, the 97.5 % quantile; ``p``, the share of shuffles that do as well (with the real order
        counted in). ``None`` for all but ``words`` where words of one sign are missing.
    """
    if not signs.any() or signs.all():
        return {"words": len(signs), "agreement": None, "chance": None, "chance_97": None, "p": None}
    generator = np.random.default_rng(seed)
    orders = generator.permuted(np.tile(signs, (shuffles, 1)), axis=1)

    def score(chosen: NDArray[np.bool_]) -> Any:
        return np.where(chosen, accepts, 1 - accepts).mean(-1)

    real, drawn = float(score(signs)), score(orders)
    return {
        "words": len(signs),
        "agreement": round(real, 4),
        "chance": round(float(drawn.mean()), 4),
        "chance_97": round(float(np.quantile(drawn, 0.975)), 4),
        "p": round(float((1 + (drawn >= real - 1e-12).sum()) / (1 + shuffles)), 5),
    }


def edge_scores(
    automaton: automata.Automaton,
    seen: NDArray[np.bool_],
    score: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    *,
    shuffles: int,
    seed: int,
) -> dict[str, Any]:
    """Compare the edges of an automaton with polarities, from the start alone and from every state.

    Args:
        automaton: not minimised, so that its states are those of ``seen``.
        seen: ``(states, symbols)``: which transitions a training word took; the start state is the last row.
        score: ``(symbols,)`` polarity.
        chosen: ``(symbols,)``: the words that are looked at.
        shuffles: see :func:`agreement`.
        seed: see :func:`agreement`.

    Returns:
        ``start`` and ``states``, each as :func:`agreement` returns it. From the start every chosen word
        counts; from the states those edges that were seen, start left out, each word by its mean.
    """
    into = automaton.accepting[automaton.table[: len(seen)]]
    inner = seen[:-1] & chosen
    taken = inner.sum(0)
    words = np.flatnonzero(taken > 0)
    share = (into[:-1] & inner).sum(0)[words] / taken[words]
    options: dict[str, Any] = {"shuffles": shuffles, "seed": seed}
    return {
        "start": agreement(into[-1][chosen].astype(float), score[chosen] > 0, **options),
        "states": agreement(share, score[words] > 0, **options),
    }


def readable(
    fitted: automata.LISOR, points: automata.HiddenPoints, score: NDArray[np.float64], *, top: int
) -> dict[str, Any]:
    """Return a small automaton as a page can show it: states, edges with their words, largest word classes.

    A word class is the set of words with the same column (decision A12). Of each edge and class the ``top``
    most telling words are kept: those of largest polarity times the square root of how often they took it.
    """
    k, symbols = fitted.n_clusters, len(fitted.alphabet_)
    counts = fitted.transition_counts_.sum(2)
    table = fitted.automaton_.table[: k + 1]
    steps = int(counts.sum())

    def telling(words: NDArray[np.intp], often: NDArray[np.int64]) -> list[str]:
        order = np.argsort(-np.abs(score[words]) * np.sqrt(often), kind="stable")[:top]
        return [fitted.alphabet_[word] for word in words[order] if score[word] != 0]

    edges = []
    for state in range(k + 1):
        for target in range(k):
            words = np.flatnonzero((table[state] == target) & (counts[state] > 0))
            if words.size:
                often = counts[state, words]
                edges.append({
                    "from": state, "to": target, "words": int(words.size),
                    "share": round(float(often.sum()) / steps, 4),
                    "polarity": round(float((score[words] * often).sum() / often.sum()), 4),
                    "top": telling(words, often),
                })  # fmt: skip
    columns, inverse = np.unique(table, axis=1, return_inverse=True)
    total = counts.sum(0)
    by_class = np.bincount(inverse.ravel(), total, columns.shape[1])
    classes = []
    for number in np.argsort(-by_class, kind="stable")[:12]:
        words = np.flatnonzero(inverse.ravel() == number)
        classes.append({
            "column": columns[:, number].tolist(), "words": int(words.size),
            "share": round(float(by_class[number]) / steps, 4), "top": telling(words, total[words]),
            "frequent": [fitted.alphabet_[w] for w in words[np.argsort(-total[words], kind="stable")[:top]]],
        })  # fmt: skip
    size = np.bincount(fitted.labels_, minlength=k)
    positive = np.bincount(fitted.labels_, points.accepted, k)
    return {
        "start": k,
        "accepting": np.flatnonzero(fitted.automaton_.accepting[: k + 1]).tolist(),
        "states": [
            {"share": round(float(n / size.sum()), 4), "network_positive": round(float(p / n), 4)}
            for n, p in zip(size, positive, strict=True)
        ],
        "edges": edges,
        "classes": classes,
        "n_classes": int(columns.shape[1]),
        "symbols": symbols,
    }


def by_class(fitted: automata.LISOR, classes: Sequence[Sequence[str]]) -> automata.Automaton:
    """Return the automaton over word classes: every state lets the words of a class vote on where it leads.

    Votes are the counts of :attr:`~hsrnn.automata.LISOR.transition_counts_`; a class that no state's word
    took stays where it is. The symbols are "0", "1", ... in the order of ``classes``.
    """
    index = {word: number for number, words in enumerate(classes) for word in words}
    of_symbol = np.array([index[word] for word in fitted.alphabet_])
    counts, k = fitted.transition_counts_, fitted.n_clusters
    table = np.empty((k + 1, len(classes)), np.intp)
    for number in range(len(classes)):
        votes = counts[:, of_symbol == number].sum(1)
        table[:, number] = np.where(votes.any(1), votes.argmax(1), np.arange(k + 1))
    names = tuple(str(number) for number in range(len(classes)))
    return automata.Automaton(names, table, fitted.automaton_.accepting[: k + 1], k)
