"""Exercises of the chapter on parsing: solutions pass, stubs and plausible mistakes do not."""

from __future__ import annotations

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def levels_of(features, hidden, groups):
    at, found = np.arange(len(features)), [features, hidden[0]]
    for level, states in zip(groups, hidden[1:]):
        at = level[at]
        found.append(states[at])
    return found


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def loss(logits, counts):
    return -(counts * log_softmax(logits)).sum() / counts.sum()


def of_majority(logits, counts):
    return -log_softmax(logits)[np.arange(len(logits)), counts.argmax(1)].mean()


def members(groups, region):
    found = [region]
    for level in reversed(groups):
        found = np.flatnonzero(np.isin(level, found))
    return found


RIGHT = {
    "evolving.04.1": lambda *given: sum(levels_of(*given)),
    "evolving.04.2": loss,
    "evolving.04.3": members,
}
WRONG = {
    "evolving.04.1": [
        (lambda *given: sum(levels_of(*given)[1:]), "the features belong to the sum"),
        (lambda *given: np.mean(levels_of(*given), 0), "added, not averaged"),
        (lambda f, h, g: f + levels_of(f, h, g)[-1], "the last level alone"),
        (lambda f, h, g: h[-1], "should have the shape"),
    ],
    "evolving.04.2": [
        (lambda *given: loss(*given) * given[1].sum(), "divide by the number"),
        (of_majority, "not each region with its majority"),
        (lambda *given: loss(*given) / np.log(2), "in bits"),
    ],
    "evolving.04.3": [
        (lambda groups, region: np.flatnonzero(groups[-1] == region), "go on down to the superpixels"),
        (lambda groups, region: region, "should be a list of numbers"),
        (lambda groups, region: [], "holds superpixels"),
    ],
}
