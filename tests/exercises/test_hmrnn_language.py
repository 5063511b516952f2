"""Exercises of the chapter on language: solutions pass, stubs and plausible mistakes do not."""

import math

import pytest
import torch
import torch.nn.functional as F

from hsrnn import exercises

RIGHT = {
    "hmrnn.03.1": lambda logits, targets: F.cross_entropy(logits, targets) / math.log(2),
    "hmrnn.03.2": lambda rate, gold: 2 * gold * rate / (gold + rate),
    "hmrnn.03.3": lambda r1, r2: ((1 - r2) * (1 - r1) + (1 - r2)) / 3,
}
WRONG = {
    "hmrnn.03.1": [
        lambda logits, targets: F.cross_entropy(logits, targets),
        lambda logits, targets: -torch.log2(torch.softmax(logits, 0)[range(len(targets)), targets]).mean(),
        lambda logits, targets: None,
        3.2,
    ],
    "hmrnn.03.2": [lambda rate, gold: rate * gold, lambda rate, gold: (rate + gold) / 2],
    "hmrnn.03.3": [
        lambda r1, r2: ((1 - r1) + (1 - r2)) / 3,
        lambda r1, r2: ((1 - r2) * (1 - r1) + (1 - r2)) / 2,
        lambda r1: r1,
    ],
}


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


@pytest.mark.parametrize("name", RIGHT)
def test_stubs_are_not_solved(name, capsys):
    assert exercises.check(name, ...) is False
    assert "not solved yet" in capsys.readouterr().out


def test_nats_are_recognised(capsys):
    exercises.check("hmrnn.03.1", WRONG["hmrnn.03.1"][0], seed=0)
    assert "nats" in capsys.readouterr().out
