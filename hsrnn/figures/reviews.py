"""Reviews: the living figure in which a sentence walks, word by word, through a small automaton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.automata_walk import check_weights, drawn, trace
from hsrnn.figures.automaton import check_machine, plot_automaton
from hsrnn.figures.living import LivingFigure
from hsrnn.figures.weights import pack

LONGEST_REVIEW = 60
"""Words that the figure reads."""

MOST_STATES = 12


class Reviews(LivingFigure):
    """A review, typed or edited by the reader, walks through a small automaton read from a network, and
    through the network itself; every word's polarity, the state that it leads to and both verdicts are shown.

    Make one with `from_net`. Its `state` has the keys `text` and `at` (the word up to which the review is
    read, counted from 1, or None for all; 0 is before the first).
    """

    module = "reviews.js"
    styles = ("automata.css",)

    @classmethod
    def from_net(
        cls,
        cell: str,
        weights: Mapping[str, ArrayLike],
        vocabulary: Sequence[str],
        machine: Mapping[str, Any],
        *,
        text: str,
        names: Sequence[str] | None = None,
        labels: Mapping[tuple[int, int], str] | None = None,
        polarity: ArrayLike | None = None,
        truth: Mapping[str, Any] | None = None,
        examples: Sequence[str] = (),
        unknown: str | None = None,
        bits: int = 8,
        name: str | None = None,
    ) -> Reviews:
        """Return the figure for a network that reads reviews and a small automaton of it.

        Args:
            cell: "srn", "mgu", "gru" or "lstm".
            weights: state dict of a `hsrnn.automata.SequenceClassifier` as arrays.
            vocabulary: the word of each code.
            machine: `table` `(states, words)`, `accepting` and `start`, at most 12 states; accepting is
                positive.
            text: the review that the figure opens with: words of the vocabulary, separated by spaces.
            names: what each state means, in a few words; a newline starts a new line.
            labels: (state, next state) -> what stands on the edge; by default its words of largest polarity.
            polarity: `(words,)`, above 0 for words of positive reviews, in nats.
            truth: `table`, `accepting` and `start` of the true rule over the same words, if it is known.
            examples: other reviews to choose from.
            unknown: the word of the vocabulary that stands for all others, "<unk>"; without one, the figure
                leaves out words it does not know.
            bits: width of a stored weight, 8, 16 or 32. The page computes with the rounded weights.
            name: see `LivingFigure`.

        Raises:
            ValueError: for weights, automaton, names or polarity that do not fit the vocabulary, too many
                states, or a text with a word that is not in it.
        """
        words = [str(word) for word in vocabulary]
        code = {word: number for number, word in enumerate(words)}
        if len(code) < len(words):
            raise ValueError("vocabulary must name each word once")
        if unknown is not None and unknown not in code:
            raise ValueError(f"unknown must be a word of the vocabulary, got {unknown!r}")
        arrays = {key: np.asarray(value) for key, value in weights.items()}
        check_weights(arrays, cell, len(words), "weights")
        table, accepting = check_machine(machine["table"], machine["accepting"], machine["start"], words)
        if len(table) > MOST_STATES:
            raise ValueError(f"machine must have at most {MOST_STATES} states to be read, got {len(table)}")
        for review in (text, *examples):
            strange = [word for word in review.split() if word not in code]
            if len(review.split()) > LONGEST_REVIEW or (strange and unknown is None):
                raise ValueError(
                    f"reviews must be at most {LONGEST_REVIEW} words of the vocabulary, got {review!r} with "
                    f"the strange words {strange}"
                )
        score = np.zeros(len(words)) if polarity is None else np.asarray(polarity, float)
        if score.shape != (len(words),) or not np.isfinite(score).all():
            raise ValueError(f"polarity must be ({len(words)},) finite numbers, got shape {score.shape}")
        meanings = [str(each) for each in (range(len(table)) if names is None else names)]
        if len(meanings) != len(table):
            raise ValueError(f"names must be {len(table)}, one a state, got {len(meanings)}")
        start = int(machine["start"])
        columns, classes = word_classes(table)
        texts = class_texts(classes, words, score)
        chosen = edge_words(table, words, score) | dict(labels or {})
        data: dict[str, Any] = {
            "cell": cell, "weights": pack(arrays, bits), "vocabulary": words, "classes": classes,
            "machine": drawn(columns, accepting, start, texts, meanings, chosen),
            "examples": list(examples), "unknown": None if unknown is None else code[unknown],
            "polarity": None if polarity is None else np.round(score, 2), "longest": LONGEST_REVIEW,
            "telling": _telling(classes, words, score), "truth": None,
        }  # fmt: skip
        if truth is not None:
            rule, positive = check_machine(truth["table"], truth["accepting"], truth["start"], words)
            short, number = word_classes(rule)
            data["truth"] = {
                "table": short, "accepting": positive, "start": int(truth["start"]), "classes": number,
            }  # fmt: skip
        read = [code.get(word, code.get(unknown or "", -1)) for word in text.split()]
        path = trace(table, start, read)
        picture = plot_automaton(
            columns, accepting, start, texts, names=meanings, labels=chosen, highlight=path if read else None
        )
        said = "positive" if accepting[path[-1]] else "negative"
        return cls(
            data,
            state={"text": text, "at": None},
            alt=f"The review “{text}” walks through an automaton, which calls it {said}. {picture.alt}",
            fallback=picture,
            name=name,
        )


def word_classes(table: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Return the distinct columns of a table `(states, classes)` and the class of each word `(words,)`: two
    words are of one class if no state tells them apart. Classes are numbered as they first appear."""
    _, first, inverse = np.unique(table, axis=1, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return table[:, np.sort(first)], rank[inverse.ravel()]


def class_texts(classes: NDArray[np.intp], words: Sequence[str], score: NDArray[np.floating]) -> list[str]:
    """Return what to call each class of words: its most telling ones, and how many there are."""
    return [
        _shortened(np.flatnonzero(classes == number), words, score).replace("\n", " ")
        for number in range(classes.max() + 1)
    ]


def edge_words(
    table: NDArray[np.integer], words: Sequence[str], score: NDArray[np.floating]
) -> dict[tuple[int, int], str]:
    """Return (state, next state) -> the edge's most telling words, and how many there are."""
    return {
        (state, int(target)): _shortened(np.flatnonzero(row == target), words, score)
        for state, row in enumerate(table)
        for target in np.unique(row)
    }


def _shortened(codes: NDArray[np.intp], words: Sequence[str], score: NDArray[np.floating]) -> str:
    order = codes[np.argsort(-np.abs(score[codes]), kind="stable")]
    shown = ", ".join(words[number] for number in order[:3])
    return shown if len(codes) <= 3 else f"{shown}\nand {len(codes) - 3} more"


def _telling(classes: NDArray[np.intp], words: Sequence[str], score: NDArray[np.floating]) -> list[list[int]]:
    """Return the codes of some words of each class, offered in exchange for others; large classes first."""
    order = np.argsort(-np.bincount(classes), kind="stable")[:8]
    kept = []
    for number in order:
        codes = np.flatnonzero(classes == number)
        kept.append(codes[np.argsort(-np.abs(score[codes]), kind="stable")][:3].tolist())
    return kept
