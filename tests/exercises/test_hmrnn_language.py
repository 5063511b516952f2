"""Exercises of the chapter on language: solutions pass, stubs and plausible mistakes do not."""

import math

import torch
import torch.nn.functional as F

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved

RIGHT = {
    "hmrnn.03.1": lambda logits, targets: F.cross_entropy(logits, targets) / math.log(2),
    "hmrnn.03.2": lambda rate, gold: 2 * gold * rate / (gold + rate),
    "hmrnn.03.3": lambda r1, r2: ((1 - r2) * (1 - r1) + (1 - r2)) / 3,
}
WRONG = {
    "hmrnn.03.1": [
        (lambda logits, targets: F.cross_entropy(logits, targets), "nats"),
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
