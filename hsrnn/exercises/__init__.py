"""Checkers of the book's exercises: they test what an answer does on fresh random inputs, not how it looks.

    from hsrnn import exercises

    exercises.check("hmrnn.01.1", my_answer)     # prints a verdict, returns True or False
    exercises.names()                            # all exercises

An exercise is called `<room>.<chapter>.<number>`; every room has one module here, with its checkers in
`CHECKERS`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hsrnn.exercises import (
    automata,
    automata_gates,
    automata_results,
    automata_words,
    coarse,
    coarse_distill,
    coarse_results,
    evolving,
    evolving_merging,
    evolving_parsing,
    evolving_results,
    hmrnn,
    hmrnn_handwriting,
    hmrnn_language,
    hmrnn_results,
    sketches,
    sketches_theorems,
)
from hsrnn.exercises.verdict import Wrong

__all__ = ["Wrong", "check", "names"]

_CHECKERS: Mapping[str, Callable[[Any, np.random.Generator], str]] = {
    **automata.CHECKERS,
    **automata_gates.CHECKERS,
    **automata_results.CHECKERS,
    **automata_words.CHECKERS,
    **coarse.CHECKERS,
    **coarse_distill.CHECKERS,
    **coarse_results.CHECKERS,
    **evolving.CHECKERS,
    **evolving_merging.CHECKERS,
    **evolving_parsing.CHECKERS,
    **evolving_results.CHECKERS,
    **hmrnn.CHECKERS,
    **hmrnn_language.CHECKERS,
    **hmrnn_handwriting.CHECKERS,
    **hmrnn_results.CHECKERS,
    **sketches.CHECKERS,
    **sketches_theorems.CHECKERS,
}


def names() -> tuple[str, ...]:
    """Return the names of all exercises, in the order of the book."""
    return tuple(sorted(_CHECKERS))


def check(name: str, answer: Any, *, seed: int | None = None) -> bool:
    """Print a short verdict on an answer and return whether it is right.

    Args:
        name: the exercise, e.g. "hmrnn.01.1".
        answer: what the exercise asks for, a value or a function; `None` or `...` stands for no answer yet.
        seed: seed of the random inputs; fresh ones every time if None.

    Raises:
        ValueError: for an exercise that does not exist; it lists those that do. Wrong answers raise nothing.
    """
    if name not in _CHECKERS:
        raise ValueError(f"no exercise {name!r}; there are: {', '.join(names())}")
    if answer is None or answer is ...:
        _say(f"{name}: not solved yet. Put your answer in place of the dots.")
        return False
    try:
        praise = _CHECKERS[name](answer, np.random.default_rng(seed))
    except Wrong as reason:
        _say(f"{name}: not yet. {reason}")
        return False
    _say(f"{name}: right. {praise}")
    return True


def _say(verdict: str) -> None:
    """Print a verdict in lines that fit the column of a page."""
    print(textwrap.fill(verdict, 80, break_long_words=False, break_on_hyphens=False))
