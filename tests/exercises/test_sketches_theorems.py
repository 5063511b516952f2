"""Exercises on recursion, erasing and verdicts: solutions pass, stubs and plausible mistakes do not."""

from math import ceil, erf, sqrt

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved

RIGHT = {
    "sketches.02.1": lambda w, h: w / 2 ** (4 * h + 4),
    "sketches.02.2": lambda d, e, h, f: d * (e * 32**h / f) ** 2,
    "sketches.04.1": lambda d, e, f: ceil(d * (e / f) ** 2 - 1e-9),
    "sketches.04.2": lambda q, s: (1 - q) ** (s - 1),
    "sketches.05.1": lambda k, d, length: erf(0.5 * sqrt(d) / (2 * k * length) / sqrt(2)),
    "sketches.05.2": lambda k, a, e: a > 2 / e**2,
}
WRONG = {
    "sketches.02.1": [
        (lambda w, h: w / 2 ** (4 * h + 3), "own share of 1/2"),
        (lambda w, h: w**2 / 2 ** (4 * h + 4), "The weight counts once"),
        (lambda w: w, "raised TypeError"),
    ],
    "sketches.02.2": [
        (lambda d, e, h, f: d * (e * 16**h / f) ** 2, "halved at each level"),
        (lambda d, e, h, f: d * e * 32**h / f, "the ROOT of d"),
        (lambda d, e, h, f: d, "it takes"),
    ],
    "sketches.04.1": [
        (lambda d, e, f: ceil(d * e / f), "Fewer than"),
        (lambda d, e, f: 1, "grows beyond"),
        (lambda d, e, f: d * (e / f) ** 2, "is whole"),
    ],
    "sketches.04.2": [(lambda q, s: (1 - q) ** (s + 3), "of the blocks are clean")],
    "sketches.05.1": [(lambda k, d, length: 1.0, "and the chance is")],
    "sketches.05.2": [
        (lambda k, a, e: k * a > 2 / e**2, "the list"),
        (lambda k, a, e: True, "the sketch takes"),
    ],
}
