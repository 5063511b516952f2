"""Checkers of the exercises of the chapter with the verdicts on automata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call

WORDS = 10


def three_verdicts(answer: Any, random: np.random.Generator) -> str:
    """05.1: verdicts `(3, 10)` of truth, network and automaton: accuracies 0.8 and 0.9, faithfulness 0.7."""
    verdicts = array_of(answer, (3, WORDS), "The verdicts of truth, network and automaton")
    if not np.isin(verdicts, (0, 1)).all():
        raise Wrong("A verdict is 0 or 1.")
    truth, network, automaton = verdicts
    found = tuple(
        float((a == b).mean()) for a, b in ((network, truth), (automaton, truth), (automaton, network))
    )
    for name, value, wanted in zip(
        ("the network's accuracy", "the automaton's accuracy", "the faithfulness"), found, (0.8, 0.9, 0.7)
    ):
        if not np.isclose(value, wanted):
            raise Wrong(f"With these verdicts {name} is {value:.1f}; {wanted} is asked for.")
    return "The automaton is right more often than its network, and differs from it on three words."


def accuracy_after(answer: Any, random: np.random.Generator) -> str:
    """05.2: a function of n and p: accuracy after n symbols if each turns the verdict round with probability
    p."""
    for _ in range(20):
        n, p = int(random.integers(1, 300)), float(10 ** random.uniform(-4, -0.5))
        found = float(array_of(call(answer, n, p), (), "The accuracy"))
        # Right and wrong are the two states of a chain; no formula is needed to run it.
        chain = np.linalg.matrix_power(np.array([[1 - p, p], [p, 1 - p]]), n)
        if not np.isclose(found, chain[0, 0], rtol=0, atol=1e-9):
            hint = " A verdict that is turned round twice is right again." if found < chain[0, 0] else ""
            raise Wrong(
                f"After {n} symbols at p = {p:.4f} the accuracy is {chain[0, 0]:.4f}, not {found:.4f}.{hint}"
            )
    return "It agrees with a chain of two states, run for up to 300 symbols."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "automata.05.1": three_verdicts,
    "automata.05.2": accuracy_after,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
