"""Peers of LISOR on the same networks: L* and KV, which only ask, and quantised states (Omlin and Giles).

L* (Angluin 1987) and KV (Kearns and Vazirani 1994), run by AALpy, learn from membership queries (what does
the network say of this word?) and equivalence queries. The latter are answered here by :class:`PoolOracle`:
the network's verdicts on a fixed pool, all words up to a length and random longer ones, are computed once, in
one batch; a hypothesis is run over the whole pool and a shortest disagreement is returned. So an automaton
that comes back as complete agrees with the network on every word of the pool, with no luck involved. Both
need bounds: a network that is wrong somewhere on long words has no small automaton, and more testing finds
ever more states.

Omlin and Giles (1996) cut the range (-1, 1) of each hidden unit into q equal bins, explore from the start,
take all states of one cell of that grid for one, and raise q until the automaton fits the training words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .automaton import Automaton
from .classifier import SequenceClassifier
from .convert import aalpy_module, from_aalpy
from .sequences import Sequences, Words, concatenate, encode, require_labels, require_words


@dataclass(frozen=True, eq=False)
class PeerResult:
    """What an extraction gave.

    Attributes:
        name: ``"lstar"``, ``"kv"`` or ``"quantised"``.
        automaton: minimised; ``None`` if nothing within the bounds was found.
        complete: whether it agrees with the network on all that the method checks (the pool of the oracle;
            for quantised states, the training labels), rather than being the last hypothesis within the
            bounds.
        seconds: wall-clock time.
        queries: words that the network was asked about (quantised states: steps it was asked for).
        detail: what else there is to say: rounds, pool, bins, states before minimising.
    """

    name: str
    automaton: Automaton | None
    complete: bool
    seconds: float
    queries: int
    detail: dict[str, Any]

    @property
    def n_states(self) -> int | None:
        """States of the minimised automaton."""
        return None if self.automaton is None else self.automaton.n_states

    def accuracy(self, words: Words, labels: ArrayLike) -> float | None:
        """Return the share of labelled words it gets right, in [0, 1]; ``None`` without an automaton."""
        if self.automaton is None:
            return None
        sequences = encode(words, self.automaton.alphabet)
        targets = require_labels(labels, sequences, "labels")
        return float((self.automaton.accepts(sequences) == targets).mean())

    def faithfulness(self, classifier: SequenceClassifier, words: Words) -> float | None:
        """Return the share of words on which it agrees with the network; ``None`` without an automaton."""
        if self.automaton is None:
            return None
        sequences = encode(words, self.automaton.alphabet)
        return float((self.automaton.accepts(sequences) == classifier.predict(sequences)).mean())


class PoolOracle:
    """Equivalence queries against a fixed pool of words, whose verdicts are computed once.

    Args:
        classifier: the network.
        exhaustive: at most so many words, all those up to the greatest length for which they are no more.
        random_words: number of random words beside them.
        longest: greatest length of a random word; lengths are uniform in [1, longest]. Words much longer than
            those the network was trained on find its errors there, and the learner's automaton grows by them.
        extra: further words, for example those that the network was trained on.
        seed: seed of the random words.

    Attributes:
        words: the pool, shortest first.
        verdicts: ``(words,)`` the network's.
        all_up_to: the length up to which the pool holds every word.
    """

    def __init__(
        self,
        classifier: SequenceClassifier,
        *,
        exhaustive: int = 2**13,
        random_words: int = 2000,
        longest: int = 40,
        extra: Words | None = None,
        seed: int = 0,
    ) -> None:
        symbols = len(classifier.alphabet)
        parts, self.all_up_to, total = [], -1, 0
        while total + symbols ** (self.all_up_to + 1) <= max(1, exhaustive):
            self.all_up_to += 1
            total += symbols**self.all_up_to
            if symbols == 1 and self.all_up_to >= longest:
                break
        for length in range(self.all_up_to + 1):
            every = np.indices((symbols,) * length).reshape(length, symbols**length).T.astype(np.int64)
            parts.append(Sequences(every, np.full(len(every), length, np.int64)))
        generator = np.random.default_rng(seed)
        lengths = generator.integers(1, longest + 1, random_words)
        parts.append(Sequences(generator.integers(symbols, size=(random_words, longest)), lengths))
        if extra is not None:
            parts.append(encode(extra, classifier.alphabet))
        pool = concatenate(parts)
        self.words = pool.take(np.argsort(pool.lengths, kind="stable"))
        self.verdicts = classifier.predict(self.words)

    def counterexample(self, hypothesis: Automaton) -> tuple[str, ...] | None:
        """Return the first, hence a shortest, word of the pool on which hypothesis and network differ."""
        differ = hypothesis.accepts(self.words) != self.verdicts
        if not differ.any():
            return None
        at = int(differ.argmax())
        codes = self.words.codes[at, : self.words.lengths[at]]
        return tuple(hypothesis.alphabet[code] for code in codes)


def learn(
    classifier: SequenceClassifier,
    algorithm: str = "kv",
    *,
    oracle: PoolOracle | None = None,
    max_rounds: int = 20,
    max_states: int = 200,
    max_queries: int | None = None,
) -> PeerResult:
    """Learn an automaton from queries to the network.

    Args:
        classifier: a trained network.
        algorithm: ``"lstar"`` or ``"kv"``.
        oracle: what answers equivalence queries; a :class:`PoolOracle` of default size if ``None``.
        max_rounds: most equivalence queries that may fail.
        max_states: a larger hypothesis is not tested any more, and is returned as incomplete.
        max_queries: most words that the network is asked about beside the pool; a learner that wants more is
            stopped, and its last hypothesis is returned as incomplete (``None`` if it had none yet). One
            round of L* may ask for very many.

    Raises:
        ValueError: for an unknown algorithm or bounds below 1.
        ModuleNotFoundError: if AALpy is not installed.
    """
    if algorithm not in ("lstar", "kv"):
        raise ValueError(f'algorithm must be "lstar" or "kv", got {algorithm!r}')
    if max_rounds < 1 or max_states < 1:
        raise ValueError(f"max_rounds and max_states must be at least 1, got {max_rounds} and {max_states}")
    if max_queries is not None and max_queries < 1:
        raise ValueError(f"max_queries must be at least 1, or None for no limit, got {max_queries}")
    began = time.perf_counter()
    oracle = PoolOracle(classifier) if oracle is None else oracle
    system, tester = _aalpy_pair(classifier, oracle, max_states, max_queries)
    run: Callable[..., Any] = getattr(
        aalpy_module("aalpy.learning_algs"), {"lstar": "run_Lstar", "kv": "run_KV"}[algorithm]
    )
    try:
        learned = run(
            list(classifier.alphabet), system, tester, automaton_type="dfa", max_learning_rounds=max_rounds,
            print_level=0,
        )  # fmt: skip
        automaton = from_aalpy(learned, classifier.alphabet).minimise()
    except _TooManyQueriesError:
        automaton = None if tester.last is None else tester.last.minimise()
    seconds = time.perf_counter() - began
    return PeerResult(
        algorithm, automaton, automaton is not None and oracle.counterexample(automaton) is None, seconds,
        len(system.verdicts) + len(oracle.words),
        {"rounds": tester.rounds, "pool": len(oracle.words), "all_words_up_to": oracle.all_up_to},
    )  # fmt: skip


class _TooManyQueriesError(Exception):
    """Stops a learner of AALpy from within."""


def _aalpy_pair(
    classifier: SequenceClassifier, oracle: PoolOracle, max_states: int, max_queries: int | None
) -> tuple[Any, Any]:
    """Return the network and the oracle in the form that AALpy asks for.

    The classes are made here, for AALpy is only needed, and only imported, by those who call it.
    """
    base = aalpy_module("aalpy.base")
    index = {symbol: code for code, symbol in enumerate(classifier.alphabet)}

    class Network(base.SUL):
        """The network as a system under learning; every state it reached is kept by its word."""

        def __init__(self) -> None:
            super().__init__()
            self.states = {(): np.zeros((1, classifier.cell.state_size), np.float32)}
            self.verdicts = {(): classifier.accepts_empty}
            self.word: tuple[str, ...] = ()

        def pre(self) -> None:
            self.word = ()

        def post(self) -> None:
            pass

        def step(self, letter: str | None) -> bool:
            if letter is not None:
                longer = (*self.word, letter)
                if longer not in self.verdicts:
                    if max_queries is not None and len(self.verdicts) >= max_queries:
                        raise _TooManyQueriesError
                    state = classifier.advance(self.states[self.word], np.array([index[letter]]))
                    self.states[longer] = state
                    self.verdicts[longer] = bool(
                        classifier.accepts_hidden(state[:, : classifier.hidden_size])[0]
                    )
                self.word = longer
            return self.verdicts[self.word]

    class Tester(base.Oracle):
        """The pool, asked about a hypothesis of AALpy."""

        rounds = 0
        last: Automaton | None = None

        def find_cex(self, hypothesis: Any) -> tuple[str, ...] | None:
            self.last = from_aalpy(hypothesis, classifier.alphabet)
            if hypothesis.size > max_states:
                return None
            self.rounds += 1
            return oracle.counterexample(self.last)

    system = Network()
    return system, Tester(list(classifier.alphabet), system)


def quantise(
    classifier: SequenceClassifier,
    words: Words,
    labels: ArrayLike,
    *,
    bins: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10),
    max_states: int = 10_000,
) -> PeerResult:
    """Extract an automaton by quantising every hidden unit, in the manner of Omlin and Giles (1996).

    A cell of the grid is stood for by the first state that reached it in a breadth-first search from the zero
    state (for an LSTM with its c; the grid is on h, whose range is known). The first number of bins whose
    automaton gets all training words right is taken, else the most accurate one; a number that reaches more
    than ``max_states`` cells is given up, and there are up to q^H of them.

    Args:
        classifier: a trained network.
        words: training words.
        labels: ``(words,)``.
        bins: the numbers q of bins to try, in this order.
        max_states: bound on the cells.

    Raises:
        ValueError: for no words, labels that do not fit, or fewer than 2 bins.
    """
    began = time.perf_counter()
    sequences = encode(words, classifier.alphabet)
    require_words(sequences, "words")
    targets = require_labels(labels, sequences, "labels")
    if not bins or min(bins) < 2:
        raise ValueError(f"bins must be at least one number, each at least 2, got {bins}")
    best: tuple[float, Automaton | None, dict[str, Any]] = (-1.0, None, {"bins": None, "cells": None})
    given_up, steps = [], 0
    for q in bins:
        explored, taken = _explore(classifier, q, max_states)
        steps += taken
        if explored is None:
            given_up.append(q)
            continue
        accuracy = float((explored.accepts(sequences) == targets).mean())
        if accuracy > best[0]:
            best = accuracy, explored.minimise(), {"bins": q, "cells": explored.n_states}
        if accuracy == 1.0:
            break
    detail = {**best[2], "training_accuracy": max(best[0], 0.0), "given_up": given_up}
    return PeerResult("quantised", best[1], best[0] == 1.0, time.perf_counter() - began, steps, detail)


def _explore(classifier: SequenceClassifier, q: int, max_states: int) -> tuple[Automaton | None, int]:
    """Return the automaton of the grid of q bins a unit, ``None`` if it has more than ``max_states`` cells,
    and the number of steps that the network took; the start is cell 0, layer by layer."""
    symbols, hidden = len(classifier.alphabet), classifier.hidden_size
    state = np.zeros((1, classifier.cell.state_size), np.float32)
    number = {_cells(state[:, :hidden], q)[0].tobytes(): 0}
    rows: list[NDArray[np.intp]] = []
    accepting, taken = [classifier.accepts_hidden(state[:, :hidden])], 0
    while len(state):
        reached = classifier.advance(np.repeat(state, symbols, 0), np.tile(np.arange(symbols), len(state)))
        taken += len(reached)
        targets, fresh = np.empty(len(reached), np.intp), []
        for k, cell in enumerate(_cells(reached[:, :hidden], q)):
            key = cell.tobytes()
            if key not in number:
                number[key] = len(number)
                fresh.append(k)
            targets[k] = number[key]
        rows.append(targets.reshape(-1, symbols))
        if len(number) > max_states:
            return None, taken
        state = reached[fresh]
        if fresh:
            accepting.append(classifier.accepts_hidden(state[:, :hidden]))
    return Automaton(classifier.alphabet, np.concatenate(rows), np.concatenate(accepting)), taken


def _cells(hidden: NDArray[np.floating], q: int) -> NDArray[np.uint8]:
    """Return the bin of each unit, ``(points, H)`` in [0, q)."""
    return np.clip(np.floor((hidden + 1.0) * (q / 2.0)), 0, q - 1).astype(np.uint8)
