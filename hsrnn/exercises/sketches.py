"""Checkers of the exercises on one vector and on the year of rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call
from hsrnn.sketches import SceneSizes


def one_level(answer: Any, random: np.random.Generator) -> str:
    """01.1: the sketch sum of w R x of several objects, against a plain loop."""
    for _ in range(4):
        d, k = int(random.integers(3, 9)), int(random.integers(1, 5))
        vectors, weights = random.random((k, d)), random.random(k)
        matrices = np.linalg.qr(random.standard_normal((k, d, d)))[0]
        expected = sum(w * (R @ x) for w, R, x in zip(weights, matrices, vectors))
        copies = vectors.copy(), weights.copy(), matrices.copy()
        found = array_of(call(answer, *copies), (d,), "The sketch")
        if np.allclose(found, expected, atol=1e-9):
            continue
        if np.allclose(found, sum(R @ x for R, x in zip(matrices, vectors)), atol=1e-9):
            raise Wrong("The weights are left out.")
        if np.allclose(found, sum(w * (R.T @ x) for w, R, x in zip(weights, matrices, vectors)), atol=1e-9):
            raise Wrong("You rotate by the transposed matrices: those are for reading.")
        raise Wrong(f"With {k} objects in {d} dimensions it is off by {np.abs(found - expected).max():.3g}.")
    return "It is the weighted sum of the rotated attributes, for any number of objects."


def read_back(answer: Any, random: np.random.Generator) -> str:
    """01.2: R^T s / w and the predicted error |s| / (w sqrt d)."""
    for _ in range(4):
        d, w = int(random.integers(3, 40)), float(random.uniform(0.1, 1.0))
        s, R = random.standard_normal(d), np.linalg.qr(random.standard_normal((d, d)))[0]
        result = call(answer, s.copy(), w, R.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise Wrong("A pair is asked for: the estimate, and the error that is to be expected.")
        estimate = array_of(result[0], (d,), "The estimate")
        error = float(array_of(result[1], (), "The expected error"))
        if np.allclose(estimate, R @ s / w):
            raise Wrong("You rotate once more in the same direction; the transpose rotates back.")
        if np.allclose(estimate, R.T @ s):
            raise Wrong("The estimate still has the object's weight in it.")
        if not np.allclose(estimate, R.T @ s / w, atol=1e-9):
            raise Wrong(f"The estimate is off by {np.abs(estimate - R.T @ s / w).max():.3g}.")
        expected = np.linalg.norm(s) / (w * d**0.5)
        if not np.isclose(error, expected, rtol=1e-6):
            raise Wrong(
                f"Rotated, the rest of s is spread over all {d} coordinates, and you divide by {w:.2f}: "
                f"the error "
                f"to be expected is {expected:.4f}, yours is {error:.4f}."
            )
    return "Estimate and error bar are right."


def dimension_needed(answer: Any, random: np.random.Generator) -> str:
    """01.3: the smallest power of two d with sqrt(2 k / d) at most an error."""
    for _ in range(8):
        k, error = int(random.integers(1, 60)), float(random.uniform(0.02, 0.5))
        expected = 1
        while (2 * k / expected) ** 0.5 > error:
            expected *= 2
        found = float(array_of(call(answer, k, error), (), "The dimension"))
        if found == expected:
            continue
        if found <= 0 or found != int(found) or int(found) & (int(found) - 1):
            raise Wrong(f"A power of two is asked for, got {found:g}.")
        if found > expected:
            raise Wrong(
                f"For {k} objects and an error of {error:.3f}, {expected} is enough; you say {found:g}."
            )
        left = (2 * k / found) ** 0.5
        raise Wrong(
            f"With {k} objects and d = {found:g} the error is {left:.3f}, which is above {error:.3f}."
        )
    return "Twice as many objects take twice, half the error four times the dimension."


def sums_by_hour(answer: Any, random: np.random.Generator) -> str:
    """03.1: sums of sketches by hour, each weighted by its number of digits."""
    for _ in range(3):
        n, d = int(random.integers(30, 60)), int(random.integers(2, 6))
        sketches, hours = random.standard_normal((n, d)), random.integers(0, 24, n)
        counts = random.integers(1, 5, n)
        expected, plain = np.zeros((2, 24, d))
        for sketch, hour, count in zip(sketches, hours, counts):
            expected[hour] += count * sketch
            plain[hour] += sketch
        found = array_of(call(answer, sketches.copy(), hours.copy(), counts.copy()), (24, d), "The sums")
        if np.allclose(found, expected):
            continue
        if np.allclose(found, plain):
            raise Wrong("Every scene counts the same here; it is every digit that should.")
        hour = int(np.abs(found - expected).max(1).argmax())
        raise Wrong(
            f"{int((hours == hour).sum())} sketches belong to hour {hour}; your sum of them is another."
        )
    return "Every digit has the same weight, whether it was alone in its room or one of four."


def bytes_of_a_year(answer: Any, random: np.random.Generator) -> str:
    """03.2: bytes of all scenes as a list, a byte a number, and as float32 sketches just large enough."""
    per = SceneSizes().modules
    for _ in range(4):
        counts = random.integers(1, 5, int(random.integers(5, 40)))
        numbers = per["scene"] + counts * (per["digit"] + 4 * per["stroke"])
        d = 2 ** int(np.ceil(np.log2(numbers.max())))
        result = call(answer, counts.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise Wrong("A pair is asked for: bytes of the list, bytes of the sketches.")
        raw, sketch = (float(array_of(value, (), "Each of the two")) for value in result)
        if raw != numbers.sum():
            raise Wrong(
                f"A scene of {counts[0]} digits has {per['scene']} numbers of its own and {per['digit']} "
                f"+ 4 x "
                f"{per['stroke']} for each digit, {numbers[0]} in all; the list of {len(counts)} scenes "
                f"takes "
                f"{numbers.sum()} bytes, you say {raw:g}."
            )
        if sketch != 4 * d * len(counts):
            raise Wrong(
                f"The largest of these scenes has {numbers.max()} numbers, so a sketch needs {d} "
                f"coordinates of 4 "
                f"bytes; {len(counts)} of them take {4 * d * len(counts)} bytes, you say {sketch:g}."
            )
    return "The list is smaller, every time: what a sketch buys is not bytes."


def never_seen(answer: Any, random: np.random.Generator) -> str:
    """03.3: distance of each row to the nearest known row."""
    for _ in range(3):
        known, new = random.random((int(random.integers(2, 9)), 4)), random.random((6, 4))
        new[2] = known[0]
        expected = np.sqrt(((new[:, None] - known[None]) ** 2).sum(2)).min(1)
        found = array_of(call(answer, known.copy(), new.copy()), (6,), "The distances")
        if np.allclose(found, expected, atol=1e-6):
            continue
        if np.allclose(found, expected**2, atol=1e-9):
            raise Wrong("These are squared distances.")
        if np.allclose(found, np.sqrt(((new[:, None] - known[None]) ** 2).sum(2)).mean(1), atol=1e-9):
            raise Wrong("You take the mean over all known rows; the nearest one decides.")
        raise Wrong(f"The third row is known, its distance is {expected[2]:.1f}; yours are {found.round(3)}.")
    return "What was seen before is at distance 0."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "sketches.01.1": one_level,
    "sketches.01.2": read_back,
    "sketches.01.3": dimension_needed,
    "sketches.03.1": sums_by_hour,
    "sketches.03.2": bytes_of_a_year,
    "sketches.03.3": never_seen,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
