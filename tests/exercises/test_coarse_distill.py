"""Exercises of the chapter on distillation: solutions pass, stubs and plausible mistakes do not."""

import numpy as np
from hsrnn.exercises.coarse_distill import herded

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def cosines(query, references):
    return references @ query / np.linalg.norm(references, axis=2) / np.linalg.norm(query)


def greedy(points, count):
    """Herding by its definition: keep the mean of the chosen as near to the mean as one step can."""
    chosen = []
    for step in range(1, count + 1):
        scores = [
            -np.inf if n in chosen else point @ (step * points.mean(0) - points[chosen].sum(0))
            for n, point in enumerate(points)
        ]
        chosen.append(int(np.argmax(scores)))
    return chosen


RIGHT = {
    "coarse.03.1": lambda query, references: cosines(query, references).max(1).argmax(),
    "coarse.03.2": lambda spread, members, levels: (spread**2 / members**levels) ** 0.5,
    "coarse.03.3": greedy,
}
WRONG = {
    "coarse.03.1": [
        (lambda q, r: (r @ q).max(1).argmax(), "The length of a vector must not count"),
        (lambda q, r: cosines(q, r).mean(1).argmax(), "the most similar one decides"),
        (lambda q, r: -1, "the class is"),
        (lambda q, r: None, "returned nothing"),
        (3, "A function is asked for"),
    ],
    "coarse.03.2": [
        (lambda spread, members, levels: spread / members**levels, "The variance is divided"),
        (lambda spread, members, levels: spread / members**0.5, "That is one level"),
        (lambda spread, members, levels: 0.0, "becomes"),
        (lambda spread, members, levels: "small", "should be numbers"),
    ],
    "coarse.03.3": [
        (lambda points, count: herded(points, count, forget=True), "After each choice the mean is added"),
        (lambda points, count: [0] * count, "can be chosen only once"),
        (lambda points, count: list(range(count)), "are chosen"),
        (lambda points, count: 5, "should be a list"),
    ],
}
