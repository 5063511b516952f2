"""Small networks and automata for the tests of their figures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from hsrnn.automata import LANGUAGES, LISOR, SequenceClassifier, Sequences
from hsrnn.datasets.reviews import truth
from hsrnn.figures import Automaton, Reviews

from .conftest import arrays

CELLS = ("srn", "mgu", "gru", "lstm")
LANGUAGE = "contains-0110"


def random_net(cell: str, symbols: int, embedding: int | None = None, seed: int = 0) -> SequenceClassifier:
    """Return a network with weights so large that its verdicts change from word to word; it accepts half."""
    alphabet = [chr(97 + code) for code in range(symbols)]
    net = SequenceClassifier(alphabet, cell, 9, embedding_size=embedding, seed=seed)
    with torch.no_grad():
        for parameter in net.cell.parameters():
            parameter.mul_(4.0)
        words = padded(random_words(symbols, 200, 12, seed=9))
        last = net.states(words)[np.cumsum(words.lengths) - 1]
        reject, accept = net.output(torch.from_numpy(last)).unbind(1)
        net.output.bias[0] += (accept - reject).median()
    return net


def random_words(symbols: int, number: int, longest: int, seed: int = 0) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(0, symbols, random.integers(1, longest + 1)).tolist() for _ in range(number)]


def padded(words: list[list[int]]) -> Sequences:
    lengths = np.array([len(word) for word in words])
    codes = np.zeros((len(words), lengths.max()), np.int64)
    for row, word in zip(codes, words, strict=True):
        row[: len(word)] = word
    return Sequences(codes, lengths)


def machine_of(automaton: Any) -> dict[str, Any]:
    """Return an automaton of the room as the arrays that figures take."""
    return {"table": automaton.table, "accepting": automaton.accepting, "start": automaton.start}


@cache
def net_data(cell: str, clusters: tuple[int, ...] = (4, 7)) -> dict[str, Any]:
    """Return an untrained network over 0 and 1 and the automata that LISOR reads from it."""
    net = SequenceClassifier("01", cell, 6, seed=3)
    with torch.no_grad():
        for parameter in net.cell.parameters():
            parameter.mul_(3.0)
    words = [format(n, "b")[1:] for n in range(2, 64)]
    machines = []
    for k in clusters:
        extracted = LISOR(k).fit(net, words)
        machines.append({"k": k, "clusters": extracted.labels_, **machine_of(extracted.automaton_)})
    return {"cell": cell, "weights": arrays(net), "points": net.states(words), "machines": machines}


def true_net() -> dict[str, Any]:
    """Return a network whose automaton is exactly the language's."""
    exact = LANGUAGES[LANGUAGE].automaton
    return {**net_data("gru", (4,)), "machines": [{"k": 5, **machine_of(exact)}], "name": "exact"}


@cache
def automaton_figure() -> Automaton:
    return Automaton.from_nets(
        [net_data("gru"), net_data("srn"), true_net()], "01", word="1011",
        target=machine_of(LANGUAGES[LANGUAGE].automaton), language="the words that contain 0110",
        empty_word=False,
    )  # fmt: skip


POLARITY = {"positive": 2.0, "negative": -2.0}
REVIEW = "the plot was not boring but the cast was dull"


@cache
def review_words() -> tuple[tuple[str, ...], dict[str, Any], np.ndarray]:
    """Return the vocabulary of the generated reviews, their true rule over it, and polarities."""
    rule = truth()
    words = tuple(word for name in rule.classes for word in rule.classes[name])
    number = [code for code, name in enumerate(rule.classes) for _ in rule.classes[name]]
    accepting = np.isin(np.arange(len(rule.table)), rule.accepting)
    machine = {"table": np.array(rule.table)[:, number], "accepting": accepting, "start": rule.start}
    polarity = [POLARITY.get(name, 0.0) for name in rule.classes for _ in rule.classes[name]]
    return words, machine, np.array(polarity) + np.linspace(0.4, 0.0, len(words))


def review_net(cell: str = "gru") -> SequenceClassifier:
    words, _, _ = review_words()
    net = SequenceClassifier(words, cell, 8, embedding_size=6, seed=2)
    with torch.no_grad():
        for parameter in net.cell.parameters():
            parameter.mul_(3.0)
    return net


@cache
def reviews_figure() -> Reviews:
    words, machine, polarity = review_words()
    names = ["negative", "positive", "negative,\nnegated", "positive,\nnegated"]
    return Reviews.from_net(
        "gru", arrays(review_net()), words, machine, text=REVIEW, names=names, polarity=polarity,
        truth=machine, examples=("nobody said the acting wasn't superb",),
    )  # fmt: skip
