"""Checkers of the exercises of the chapters on TaylorNet, `coarse.01` and `coarse.02`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.coarse import TaylorLayer, neighbourhoods, parameters
from hsrnn.exercises.verdict import Wrong, array_of, call


def contrast(answer: Any, random: np.random.Generator) -> str:
    """01.1: the coefficients (b, w1, w2, w11, w12, w22) of (u1 - u2 - s)^2 for any shift s, by a function."""
    for _ in range(5):
        shift = float(random.normal())
        found = array_of(call(answer, shift), (6,), "The six coefficients")
        for u1, u2 in random.normal(size=(6, 2)):
            value = float(found @ [1, u1, u2, u1 * u1, u1 * u2, u2 * u2])
            expected = (u1 - u2 - shift) ** 2
            if abs(value - expected) > 1e-6 * (1 + abs(expected)):
                halved = found * [1, 1, 1, 1, 2, 1] @ [1, u1, u2, u1 * u1, u1 * u2, u2 * u2]
                hint = " There are two products u1 u2." if abs(halved - expected) < 1e-6 else ""
                raise Wrong(
                    f"For s = {shift:.2f}, u1 = {u1:.2f} and u2 = {u2:.2f} the square is {expected:.4f}, but "
                    f"your polynomial gives {value:.4f}.{hint}"
                )
    return "It is the square, for random shifts and pixels."


def blocks(answer: Any, random: np.random.Generator) -> str:
    """01.2: a function (map (rows, columns, channels), block) -> all blocks, (rows', columns', numbers)."""
    for _ in range(6):
        block, channels = int(random.integers(2, 5)), int(random.integers(1, 4))
        down, across = (int(size) for size in random.integers(1, 4, 2))
        maps = random.normal(size=(down * block, across * block, channels))
        expected = neighbourhoods(torch.from_numpy(maps)[None], block, block)[0].numpy()
        what = f"The blocks of {block} x {block} of a map of the shape {maps.shape}"
        found = array_of(call(answer, maps.copy(), block), expected.shape, what)
        if not np.array_equal(found, expected):
            i, j, at = np.argwhere(found != expected)[0]
            hint = ""
            if np.array_equal(np.sort(found.ravel()), np.sort(expected.ravel())):
                hint = " All numbers are there, but not in the order (row, column, channel)."
            raise Wrong(
                f"In block ({i}, {j}) of a map {maps.shape} number {at} should be "
                f"{expected[i, j, at]:.3f}, but it is {found[i, j, at]:.3f}.{hint}"
            )
    return "It cuts maps into blocks as the package does."


def size(answer: Any, random: np.random.Generator) -> str:
    """01.3: a function (channels below, above, block, form, rank) -> parameters of a quadratic step."""
    for _ in range(12):
        below, above, rank = (int(value) for value in random.integers(1, 7, 3))
        block, form = int(random.integers(1, 4)), str(random.choice(["full", "cp"]))
        expected = parameters(TaylorLayer(below, above, block=block, form=form, rank=rank))
        found = float(array_of(call(answer, below, above, block, form, rank), (), "The number of parameters"))
        if found != expected:
            n = block * block * below
            hint = ""
            if found == expected - above:
                hint = " Is the constant counted?"
            elif form == "full" and found == above * (1 + n + n * n):
                hint = " A product u_i u_j is there once, not twice."
            raise Wrong(
                f"A step from {below} to {above} channels with blocks of {block} x {block} (n = {n}), "
                f"form {form!r}, rank {rank}, has {expected} parameters, but the answer says {found:g}.{hint}"
            )
    return "It agrees with the layers of the package."


def product_of_series(answer: Any, random: np.random.Generator) -> str:
    """02.1: a function of two rows of coefficients to those of the product, cut off behind a limit."""
    for _ in range(12):
        a, b = (random.normal(size=int(length)) for length in random.integers(1, 7, 2))
        limit = int(random.integers(0, 12))
        expected = np.convolve(a, b)[: limit + 1]
        found = call(answer, a.copy(), b.copy(), limit)
        found = array_of(found, np.shape(found) if np.ndim(found) == 1 else (len(expected),), "The product")
        if len(found) != len(expected):
            raise Wrong(
                f"Factors of degree {len(a) - 1} and {len(b) - 1}, cut off behind {limit}, have "
                f"{len(expected)} coefficients, but the answer has {len(found)}."
            )
        if not np.allclose(found, expected, atol=1e-8):
            k = int(np.argmax(np.abs(found - expected) > 1e-8))
            raise Wrong(
                f"The coefficient of t^{k} should be {expected[k]:.4f}, the sum over all ways to share {k} "
                f"between the two factors, but it is {found[k]:.4f}."
            )
    return "It multiplies as polynomials do, and drops what lies beyond the limit."


def orders_by_measuring(answer: Any, random: np.random.Generator) -> str:
    """02.2: a function (f, degree) -> coefficients of the polynomial f(t), from values of f alone."""
    for _ in range(6):
        degree = int(random.integers(0, 6))
        coefficients = random.normal(size=degree + 1)
        asked: list[float] = []

        def f(t: float, own: np.ndarray = coefficients, seen: list[float] = asked) -> float:
            seen.append(float(t))
            return float(np.polynomial.polynomial.polyval(t, own))

        found = array_of(call(answer, f, degree), (degree + 1,), f"The coefficients of degree {degree}")
        if not np.allclose(found, coefficients, atol=1e-5):
            hint = (
                " They come in the other order." if np.allclose(found[::-1], coefficients, atol=1e-5) else ""
            )
            raise Wrong(
                f"The coefficients should be {np.round(coefficients, 3).tolist()}, but the answer gives "
                f"{np.round(found, 3).tolist()}.{hint}"
            )
        if len(set(asked)) < degree + 1:
            raise Wrong("These are right, but found from fewer values than there are unknowns.")
    return "It finds all orders from values alone, up to degree 5."


def accuracy_without(answer: Any, random: np.random.Generator) -> str:
    """02.3: a function (parts (images, orders, classes), labels, k) -> accuracy with order k left out."""
    for _ in range(6):
        images, orders, classes = (int(value) for value in random.integers((20, 3, 3), (60, 7, 8)))
        parts, labels = random.normal(size=(images, orders, classes)), random.integers(classes, size=images)
        k = int(random.integers(orders))
        left = np.delete(parts, k, axis=1).sum(1)
        expected = float((left.argmax(1) == labels).mean())
        found = float(array_of(call(answer, parts.copy(), labels.copy(), k), (), "The accuracy"))
        if abs(found - expected) > 1e-9:
            hint = ""
            if abs(found - float((parts[:, k].argmax(1) == labels).mean())) < 1e-9:
                hint = " That is the accuracy of order k alone."
            elif abs(found - float((parts[:, : k + 1].sum(1).argmax(1) == labels).mean())) < 1e-9:
                hint = " That is the accuracy up to order k."
            raise Wrong(
                f"Without order {k} of {orders}, {expected:.3f} of {images} images are right, but the answer "
                f"says {found:.3f}.{hint}"
            )
    return "It leaves out one order and nothing else."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "coarse.01.1": contrast,
    "coarse.01.2": blocks,
    "coarse.01.3": size,
    "coarse.02.1": product_of_series,
    "coarse.02.2": orders_by_measuring,
    "coarse.02.3": accuracy_without,
}
