"""Checkers of the exercises of the chapters on recursion, erasing and learning, and verdicts of sketches."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call
from hsrnn.sketches import BlockCode, BlockSparse, Mechanism, chain_way, gain


def divisor(answer: Any, random: np.random.Generator) -> str:
    """02.1: a function of w and h: what R^T s is divided by to read an object of weight w at depth h."""
    mechanism = Mechanism({"m": 1})
    for depth in range(7):
        w = float(random.uniform(0.05, 1.0)) if depth else 1.0
        found = float(array_of(call(answer, w, depth), (), "The divisor"))
        true = mechanism.attribute_share * gain(chain_way(mechanism, w, depth), mechanism.transparency)
        if not np.isclose(found, true, rtol=1e-6, atol=0):
            hint = ""
            if np.isclose(found, 2 * true, rtol=1e-6):
                hint = " The attributes' own share of 1/2 is missing."
            if np.isclose(found, w * true, rtol=1e-6) and w < 1:
                hint = " The weight counts once."
            raise Wrong(f"At w = {w:.3f}, h = {depth} it is {true:.3e}, not {found:.3e}.{hint}")
    return "It agrees with the ways that the recursion writes down, for depths 0 to 6."


def dimension(answer: Any, random: np.random.Generator) -> str:
    """02.2: a function of d, e, h and f: the dimension in which depth h has the error f, if depth 0 has error
    e in dimension d; weights are halved from level to level and |s| stays the same."""
    for _ in range(20):
        d, depth = float(2 ** random.integers(6, 14)), int(random.integers(0, 5))
        e, f = (float(x) for x in random.uniform(0.01, 1.0, 2))
        found = float(array_of(call(answer, d, e, depth, f), (), "The dimension"))
        true = d * (e * 32.0**depth / f) ** 2
        if not np.isclose(found, true, rtol=1e-6, atol=0):
            hint = ""
            if np.isclose(found, d * (e * 16.0**depth / f) ** 2, rtol=1e-6):
                hint = " The weight is halved at each level as well."
            if np.isclose(found, d * e * 32.0**depth / f, rtol=1e-6):
                hint = " An error falls with the ROOT of d."
            raise Wrong(
                f"From error {e:.2f} at d = {d:g} to error {f:.2f} at depth {depth} it takes {true:.4g}, not "
                f"{found:.4g}.{hint}"
            )
    return "Each level multiplies the error by 32, and the dimension by 1,024."


def kept(answer: Any, random: np.random.Generator) -> str:
    """04.1: a function of d, e and f: how many of d coordinates to keep so that an error e grows to at most
    f."""
    for _ in range(30):
        d, e = int(random.integers(100, 5000)), float(random.uniform(0.01, 0.1))
        f = e * float(random.uniform(1.0, 8.0))
        found = float(array_of(call(answer, d, e, f), (), "The number of coordinates"))
        if found != round(found):
            raise Wrong(f"A number of coordinates is whole, got {found}.")
        if found < 1 or e / sqrt(found / d) > f * (1 + 1e-9):
            raise Wrong(f"With {found:g} of {d} coordinates an error of {e:.3f} grows beyond {f:.3f}.")
        if found > 1 and e / sqrt((found - 1) / d) <= f * (1 - 1e-9):
            raise Wrong(
                f"Fewer than {found:g} of {d} coordinates are enough for {e:.3f} to stay below {f:.3f}."
            )
    return "The error grows by one over the root of the kept share, and not a coordinate too many is kept."


def clean_chance(answer: Any, random: np.random.Generator) -> str:
    """04.2: a function of q and s: the chance that a block of one of s active columns is clean."""
    for _ in range(3):
        q, s = float(random.uniform(0.05, 0.6)), int(random.integers(1, 9))
        found = float(array_of(call(answer, q, s), (), "The chance"))
        code = BlockCode(192, 16)
        truth = BlockSparse(
            192, int(random.integers(2**20)), "m", "attributes", block=16, density=q, number=1
        )
        present = truth.present  # (blocks, columns)
        hits = []
        for _ in range(400):
            columns = random.permutation(code.dimension)[:s]
            own, others = present[:, columns[0]], present[:, columns[1:]].any(1)
            hits.append((own & ~others).sum() / max(1, own.sum()) if own.any() else np.nan)
        seen = float(np.nanmean(hits))
        if abs(found - seen) > 0.08:
            raise Wrong(f"At q = {q:.2f} with {s} active columns {seen:.2f} of the blocks are clean, not "
                        f"{found:.2f}.")  # fmt: skip
    return "It agrees with blocks counted in random matrices."


def rounds_right(answer: Any, random: np.random.Generator) -> str:
    """05.1: a function of k and d: the chance that the count of a module rounds to the right number, in a
    one-level scene of k objects of equal weight whose sketch has length L."""
    for _ in range(20):
        k, d = int(random.integers(2, 64)), float(2 ** random.integers(6, 15))
        length = float(random.uniform(0.05, 0.7))
        found = float(array_of(call(answer, k, d, length), (), "The chance"))
        sd = 2 * k * length / sqrt(d)
        true = erf(0.5 / sd / sqrt(2))
        if not np.isclose(found, true, rtol=0, atol=1e-6):
            raise Wrong(
                f"With k = {k}, d = {d:g} and |s| = {length:.2f} the error has sd {sd:.3f}, and the chance "
                f"is {true:.4f}, not {found:.4f}."
            )
    return "It agrees with the normal distribution of the error."


def cheaper(answer: Any, random: np.random.Generator) -> str:
    """05.2: a function of k, a and e: whether a one-level sketch read by projection to an error e takes fewer
    numbers than the list of the attributes of k objects with a attributes each."""
    for _ in range(60):
        k, a = int(random.integers(1, 200)), int(random.integers(1, 4000))
        e = float(10 ** random.uniform(-2, 0))
        if np.isclose(2 / e**2, a, rtol=0.01):
            continue
        found = call(answer, k, a, e)
        if bool(found) != (2 * k / e**2 < k * a):
            raise Wrong(
                f"For k = {k} objects of {a} attributes, error {e:.3f}: the sketch takes {2 * k / e**2:.0f} "
                f"numbers, the list {k * a}."
            )
    return "The number of objects cancels: a sketch is smaller only for more than 2 / error^2 attributes."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "sketches.02.1": divisor,
    "sketches.02.2": dimension,
    "sketches.04.1": kept,
    "sketches.04.2": clean_chance,
    "sketches.05.1": rounds_right,
    "sketches.05.2": cheaper,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
