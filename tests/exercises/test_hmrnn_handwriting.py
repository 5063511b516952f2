"""Exercises of the chapter on handwriting: solutions pass, stubs and plausible mistakes do not."""

import math

import numpy as np
import pytest

from hsrnn import exercises


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
        lambda x, mean, sd, r: log_gaussian(x, mean, sd, r) + math.log(2 * math.pi),
        lambda x, mean, sd, r: log_gaussian(x, mean, sd, r) + 0.5 * math.log(1 - r * r),
        1.5,
    ],
    "hmrnn.04.2": [
        lambda weights, sharpness: weights ** (1 + sharpness),
        lambda weights, sharpness: weights,
        lambda weights, sharpness: weights[:1],
    ],
    "hmrnn.04.3": [
        lambda readings, lifted, mean, sd: np.column_stack([np.diff(readings, axis=0), lifted[1:]]),
        lambda readings, lifted, mean, sd: rows(readings, np.roll(lifted, 1), mean, sd),
        lambda readings, lifted, mean, sd: (np.diff(readings, axis=0) - mean) / sd,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("seed", [0, 1, None])
def test_solutions_pass(name, seed):
    assert exercises.check(name, RIGHT[name], seed=seed) is True


@pytest.mark.parametrize(
    ("name", "k"), [(name, k) for name, answers in WRONG.items() for k in range(len(answers))]
)
def test_mistakes_are_found(name, k, capsys):
    assert exercises.check(name, WRONG[name][k], seed=0) is False
    assert "not yet" in capsys.readouterr().out


def test_hints_name_what_is_missing(capsys):
    for k, hint in ((1, "log(2 pi)"), (2, "half of")):
        exercises.check("hmrnn.04.1", WRONG["hmrnn.04.1"][k], seed=0)
        assert hint in " ".join(capsys.readouterr().out.split())
    exercises.check("hmrnn.04.2", WRONG["hmrnn.04.2"][0], seed=0)
    assert "do not sum to 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", RIGHT)
def test_stubs_are_not_solved(name, capsys):
    assert exercises.check(name, ...) is False
    assert "not solved yet" in capsys.readouterr().out
