"""Exercises of the chapter on handwriting: solutions pass, stubs and plausible mistakes do not."""

import math

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def log_gaussian(x, mean, sd, r):
    u, v = (x - mean) / sd
    squares = (u * u - 2 * r * u * v + v * v) / (1 - r * r)
    return -0.5 * squares - math.log(2 * math.pi * sd[0] * sd[1] * math.sqrt(1 - r * r))


def sharpened(weights, sharpness):
    powers = weights ** (1 + sharpness)
    return powers / powers.sum()


def rows(readings, lifted, mean, sd):
    return np.column_stack([(np.diff(readings, axis=0) - mean) / sd, lifted[1:]])


RIGHT = {"hmrnn.04.1": log_gaussian, "hmrnn.04.2": sharpened, "hmrnn.04.3": rows}
WRONG = {
    "hmrnn.04.1": [
        lambda x, mean, sd, r: log_gaussian(x, mean, sd, 0.0),
        (lambda x, mean, sd, r: log_gaussian(x, mean, sd, r) + math.log(2 * math.pi), "log(2 pi)"),
        (lambda x, mean, sd, r: log_gaussian(x, mean, sd, r) + 0.5 * math.log(1 - r * r), "half of"),
        1.5,
    ],
    "hmrnn.04.2": [
        (lambda weights, sharpness: weights ** (1 + sharpness), "do not sum to 1"),
        lambda weights, sharpness: weights,
        lambda weights, sharpness: weights[:1],
    ],
    "hmrnn.04.3": [
        lambda readings, lifted, mean, sd: np.column_stack([np.diff(readings, axis=0), lifted[1:]]),
        lambda readings, lifted, mean, sd: rows(readings, np.roll(lifted, 1), mean, sd),
        lambda readings, lifted, mean, sd: (np.diff(readings, axis=0) - mean) / sd,
    ],
}  # fmt: skip
