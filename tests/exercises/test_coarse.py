"""Exercises of the chapters on TaylorNet: solutions pass, stubs and plausible mistakes do not."""

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def cut(maps, block):
    rows, columns, channels = maps.shape
    parts = maps.reshape(rows // block, block, columns // block, block, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(rows // block, columns // block, -1)


def wrong_cut(maps, block):
    rows, columns, channels = maps.shape
    parts = maps.reshape(rows // block, block, columns // block, block, channels)
    return parts.transpose(0, 2, 4, 1, 3).reshape(rows // block, columns // block, -1)


def count(below, above, block, form, rank):
    n = block * block * below
    if form == "full":
        return above * (1 + n + n * (n + 1) // 2)
    return above * (1 + n) + 2 * n * rank + rank * above


def multiply(a, b, limit):
    found = np.zeros(min(len(a) + len(b) - 1, limit + 1))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if i + j < len(found):
                found[i + j] += x * y
    return found


def fit(f, degree):
    t = np.linspace(-1, 1, degree + 1) if degree else np.zeros(1)
    return np.linalg.solve(np.vander(t, increasing=True), [f(x) for x in t])


def without(parts, labels, k):
    return ((parts.sum(1) - parts[:, k]).argmax(1) == labels).mean()


RIGHT = {
    "coarse.01.1": lambda s: (s * s, -2 * s, 2 * s, 1, -2, 1),
    "coarse.01.2": cut,
    "coarse.01.3": count,
    "coarse.02.1": multiply,
    "coarse.02.2": fit,
    "coarse.02.3": without,
}
WRONG = {
    "coarse.01.1": [
        (lambda s: (s * s, -2 * s, 2 * s, 1, -1, 1), "two products u1 u2"),
        (lambda s: (s * s, 2 * s, -2 * s, 1, -2, 1), "your polynomial gives"),
        (lambda s: (1, 2), "should have the shape"),
        ((0, 0, 0, 1, -2, 1), "a function is asked for"),
    ],
    "coarse.01.2": [
        (wrong_cut, "not in the order (row, column, channel)"),
        (lambda maps, block: cut(maps[::-1], block), "should be"),
        (lambda maps, block: maps, "should have the shape"),
    ],
    "coarse.01.3": [
        (lambda *a: count(*a) - a[1], "is the constant counted"),
        (lambda c, d, b, form, r: d * (1 + b * b * c + (b * b * c) ** 2), "has"),
        (lambda *a: "many", "should be numbers"),
    ],
    "coarse.02.1": [
        (lambda a, b, limit: np.convolve(a, b), "coefficients, but the answer has"),
        (lambda a, b, limit: multiply(a, b, limit) * 2, "the sum over all ways"),
        (lambda a, b, limit: 3.0, "should have the shape"),
    ],
    "coarse.02.2": [
        (lambda f, degree: fit(f, degree)[::-1], "should be"),
        (lambda f, degree: np.zeros(degree + 1), "should be"),
        (lambda f, degree: f("t"), "your function raised"),
    ],
    "coarse.02.3": [
        (lambda parts, labels, k: (parts[:, k].argmax(1) == labels).mean(), "without order"),
        (lambda parts, labels, k: (parts[:, : k + 1].sum(1).argmax(1) == labels).mean(), "without order"),
        (lambda parts, labels, k: parts.sum(1), "should have the shape"),
    ],
}
