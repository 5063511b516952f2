"""The exercises on sketches: solutions pass, the empty stub and the usual mistakes fail with a reason."""

from __future__ import annotations

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def one_level(vectors, weights, matrices):
    return np.einsum("k,kij,kj->i", weights, matrices, vectors)


def read_back(s, w, R):
    return R.T @ s / w, np.linalg.norm(s) / (w * len(s) ** 0.5)


def dimension(k, error):
    return 2 ** int(np.ceil(np.log2(2 * k / error**2)))


def by_hour(sketches, hours, counts):
    return np.stack([(counts[hours == h, None] * sketches[hours == h]).sum(0) for h in range(24)])


def of_a_year(counts):
    numbers = 10 + 60 * counts
    return int(numbers.sum()), 4 * 2 ** int(np.ceil(np.log2(numbers.max()))) * len(counts)


def nearest(known, new):
    return np.linalg.norm(new[:, None] - known[None], axis=2).min(1)


RIGHT = {
    "sketches.01.1": one_level,
    "sketches.01.2": read_back,
    "sketches.01.3": dimension,
    "sketches.03.1": by_hour,
    "sketches.03.2": of_a_year,
    "sketches.03.3": nearest,
}


WRONG = {
    "sketches.01.1": [
        (lambda x, w, R: np.einsum("kij,kj->i", R, x), "weights are left out"),
        (lambda x, w, R: np.einsum("k,kji,kj->i", w, R, x), "transposed matrices"),
        (lambda x, w, R: x[0], "it is off by"),
    ],
    "sketches.01.2": [
        (lambda s, w, R: R.T @ s / w, "A pair is asked for"),
        (lambda s, w, R: (R @ s / w, 0), "transpose rotates back"),
        (lambda s, w, R: (R.T @ s, 0), "weight in it"),
        (lambda s, w, R: (s, 0), "estimate is off by"),
        (lambda s, w, R: (R.T @ s / w, 1.0), "error to be expected is"),
    ],
    "sketches.01.3": [
        (lambda k, e: 2 * k / e**2, "power of two"),
        (lambda k, e: 2 * dimension(k, e), "is enough"),
        (lambda k, e: dimension(k, e) // 2, "which is above"),
    ],
    "sketches.03.1": [
        (lambda s, h, c: by_hour(s, h, np.ones(len(c))), "every digit that should"),
        (lambda s, h, c: np.zeros((24, s.shape[1])), "sum of them is another"),
    ],
    "sketches.03.2": [
        (lambda c: 5, "A pair is asked for"),
        (lambda c: (1, 1), "you say 1"),
        (lambda c: (of_a_year(c)[0], 1), "coordinates of 4 bytes"),
    ],
    "sketches.03.3": [
        (lambda known, new: nearest(known, new) ** 2, "squared"),
        (lambda k, n: np.linalg.norm(n[:, None] - k, axis=2).mean(1), "nearest one decides"),
        (lambda k, n: np.ones(6), "third row is known"),
    ],
}
