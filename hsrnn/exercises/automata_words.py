"""Checkers of the exercises of the chapter on words, `automata.04`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call

CLASSES = ("positive", "negative", "neutral", "negation", "turn")


def two_bits(answer: Any, random: np.random.Generator) -> str:
    """04.1: a function of a list of word classes to the verdict, 1 or 0, by the rule of the generated
    reviews."""
    sequences = [["negation", "turn", "positive"], ["negation", "negation", "positive"]]
    sequences += [["negation", "negative", "negative"], ["positive", "negation", "neutral"], []]
    for length in random.integers(1, 13, 300):
        sequences.append([CLASSES[code] for code in random.integers(5, size=length)])
    for sequence in sequences:
        expected = verdict(sequence)
        found = call(answer, list(sequence))
        if not isinstance(found, (bool, int, np.bool_, np.integer)):
            raise Wrong(f"The verdict should be 1 or 0, but the answer is of type {type(found).__name__}.")
        if int(found) == expected:
            continue
        hint = ""
        if int(found) == verdict(sequence, turns=False):
            hint = " Does your rule forget a waiting negation at a turn?"
        elif int(found) == verdict(sequence, cancels=False):
            hint = " Two negations cancel."
        elif int(found) == verdict(sequence, once=False):
            hint = " A negation flips one opinion, and is used up by it."
        raise Wrong(f"For {sequence} the verdict is {expected}, but the answer is {int(found)}.{hint}")
    return "It agrees with the rule on 305 sequences, of all states and classes."


def verdict(sequence: list[str], *, turns: bool = True, cancels: bool = True, once: bool = True) -> int:
    """Return the verdict on a sequence of word classes; the switches make typical mistakes."""
    good, waits = False, False
    for word in sequence:
        if word == "negation":
            waits = not waits if cancels else True
        elif word == "turn":
            waits = waits and not turns
        elif word != "neutral":
            good = (word == "positive") != waits
            waits = waits and not once
    return int(good)


def smoothed_odds(answer: Any, random: np.random.Generator) -> str:
    """04.2: a function of (positive reviews with the word, negative ones, all positive, all negative) to the
    smoothed log-odds."""
    for round_ in range(100):
        positive, negative = (int(n) for n in random.integers(5, 5000, 2))
        held = int(random.integers(positive + 1)), int(random.integers(negative + 1))
        if round_ % 4 == 0:
            held = (0, held[1]) if round_ % 8 else (held[0], 0)
        shares = (held[0] + 1) / (positive + 2), (held[1] + 1) / (negative + 2)
        expected = math.log(shares[0] / shares[1])
        found = float(array_of(call(answer, *held, positive, negative), (), "The polarity"))
        if math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-9):
            continue
        hint = ""
        if math.isclose(found, -expected, rel_tol=1e-6):
            hint = " The sign is the other way round."
        elif math.isclose(found, math.log2(shares[0] / shares[1]), rel_tol=1e-6):
            hint = " That is in bits; nats are asked for."
        elif math.isclose(found, math.log((held[0] + 1) / (held[1] + 1)), rel_tol=1e-6, abs_tol=1e-9):
            hint = " Divide by the numbers of reviews: there may be more of one kind."
        raise Wrong(
            f"A word in {held[0]} of {positive} positive and {held[1]} of {negative} negative reviews has "
            f"the polarity {expected:.4f}, but the answer is {found:.4f}.{hint}"
        )
    return "It agrees on random counts, also where one of them is 0."


def deciding_words(answer: Any, random: np.random.Generator) -> str:
    """04.3: a function of (table, accepting, start, codes) to the places whose word, left out alone, would
    turn the verdict."""
    seen_some = 0
    for _ in range(120):
        states, symbols = int(random.integers(2, 6)), int(random.integers(2, 6))
        table = random.integers(states, size=(states, symbols))
        accepting = random.random(states) < 0.5
        start = int(random.integers(states))
        codes = random.integers(symbols, size=int(random.integers(1, 9)))

        def end(read: np.ndarray, table: np.ndarray = table, start: int = start) -> int:
            state = start
            for code in read:
                state = int(table[state, code])
            return state

        before = accepting[end(codes)]
        expected = [n for n in range(len(codes)) if accepting[end(np.delete(codes, n))] != before]
        seen_some += bool(expected)
        found = call(answer, table.copy(), accepting.copy(), start, codes.copy())
        try:
            places = sorted(int(n) for n in found)
        except (TypeError, ValueError) as error:
            raise Wrong(f"Places should be a list of numbers, got {found!r}.") from error
        if places == expected:
            continue
        hint = ""
        if places == [n + 1 for n in expected]:
            hint = " Places are counted from 0."
        elif places == [n for n in range(len(codes)) if end(np.delete(codes, n)) != end(codes)]:
            hint = " Another state is not yet another verdict: two states may both accept."
        raise Wrong(
            f"Table {table.tolist()}, accepting {accepting.tolist()}, start {start}, codes {codes.tolist()}: "
            f"the places are {expected}, but the answer gives {places}.{hint}"
        )
    assert seen_some
    return "It agrees on 120 random machines."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "automata.04.1": two_bits,
    "automata.04.2": smoothed_odds,
    "automata.04.3": deciding_words,
}
