"""Checkers of the exercises of the chapter on distillation, `coarse.03`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call


def looking(answer: Any, random: np.random.Generator) -> str:
    """03.1: a function of (query, references) to the class with the reference of the largest cosine."""
    for _ in range(100):
        classes, count, size = (int(n) for n in random.integers(2, 7, 3))
        query = random.standard_normal(size) * random.uniform(0.1, 9)
        lengths = random.uniform(0.1, 9, (classes, count, 1))
        references = random.standard_normal((classes, count, size)) * lengths
        cosines = references @ query / np.linalg.norm(references, axis=2) / np.linalg.norm(query)
        expected = int(cosines.max(1).argmax())
        found = int(array_of(call(answer, query.copy(), references.copy()), (), "The class"))
        if found == expected:
            continue
        hint = ""
        if found == int((references @ query).max(1).argmax()):
            hint = " The length of a vector must not count: divide by it."
        elif found == int(cosines.mean(1).argmax()):
            hint = " That is the mean over a class's references; the most similar one decides."
        elif found == int(cosines.argmax()):
            hint = " That is the place of the reference in the whole list, not its class."
        raise Wrong(
            f"With {count} references for each of {classes} classes the class is {expected}, but the answer "
            f"is {found}.{hint}"
        )
    return "It agrees on 100 random sets of references, of all lengths."


def shrinking(answer: Any, random: np.random.Generator) -> str:
    """03.2: a function of (spread, members, levels) to the spread after so many levels of plain averages of
    random groups."""
    for _ in range(60):
        spread = float(random.uniform(0.05, 0.4))
        members, levels = int(random.integers(2, 12)), int(random.integers(0, 5))
        expected = spread / members ** (levels / 2)
        found = float(array_of(call(answer, spread, members, levels), (), "The spread"))
        if math.isclose(found, expected, rel_tol=1e-6):
            continue
        hint = ""
        if math.isclose(found, spread / members**levels, rel_tol=1e-6):
            hint = " The variance is divided by the number of members, not the spread."
        elif math.isclose(found, spread / math.sqrt(members), rel_tol=1e-6):
            hint = " That is one level."
        raise Wrong(
            f"A spread of {spread:.3f} becomes {expected:.5f} after {levels} levels of groups of {members}, "
            f"but the answer is {found:.5f}.{hint}"
        )
    return "It agrees on random groups and depths; with no level nothing changes."


def herd(answer: Any, random: np.random.Generator) -> str:
    """03.3: a function of (points, count) to the places that herding chooses, in their order."""
    for _ in range(60):
        number, size = int(random.integers(4, 15)), int(random.integers(2, 5))
        points = random.standard_normal((number, size)) + random.standard_normal(size)
        count = int(random.integers(2, number))
        expected = herded(points, count)
        found = call(answer, points.copy(), count)
        try:
            places = [int(n) for n in found]
        except (TypeError, ValueError) as error:
            raise Wrong(f"Places should be a list of numbers, got {found!r}.") from error
        if places == expected:
            continue
        hint = ""
        if len(set(places)) < len(places):
            hint = " A picture can be chosen only once."
        elif places == herded(points, count, forget=True):
            hint = " After each choice the mean is added to the weight and the chosen point taken off it."
        raise Wrong(f"Of {number} points {expected} are chosen, but the answer gives {places}.{hint}")
    return "It agrees on 60 random clouds of points."


def herded(points: np.ndarray, count: int, *, forget: bool = False) -> list[int]:
    """Return the places that herding chooses; with `forget` the weight stays the mean, a typical mistake."""
    mean = points.mean(0)
    weight, chosen = mean.copy(), []
    for _ in range(count):
        scores = points @ weight
        scores[chosen] = -np.inf
        chosen.append(int(scores.argmax()))
        if not forget:
            weight = weight + mean - points[chosen[-1]]
    return chosen


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "coarse.03.1": looking,
    "coarse.03.2": shrinking,
    "coarse.03.3": herd,
}
