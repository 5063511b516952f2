"""Exercises of the chapter on gates: solutions pass, stubs and plausible mistakes do not."""

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def stable(k, accuracies):
    for at in range(len(k) - 2):
        if min(accuracies[at : at + 3]) == 1:
            return k[at]
    return None


def resample(groups, seed=3):
    random = np.random.default_rng(seed)
    means = []
    for _ in range(2000):
        drawn = [groups[at] for at in random.integers(len(groups), size=len(groups))]
        means.append(np.concatenate(drawn).mean())
    return np.concatenate(groups).mean(), *np.quantile(means, [0.025, 0.975])


def size(k):
    return float("inf") if k is None else k


def count(first, second):
    pairs = [(size(first[key]), size(second[key])) for key in first]
    return sum(a < b for a, b in pairs), sum(a == b for a, b in pairs), sum(a > b for a, b in pairs)


def count_where_both(first, second):
    keys = [key for key in first if first[key] is not None and second[key] is not None]
    return count({key: first[key] for key in keys}, {key: second[key] for key in keys})


RIGHT = {
    "automata.03.1": stable,
    "automata.03.2": lambda values: resample([np.array(own) for own in values.values()]),
    "automata.03.3": count,
}
WRONG = {
    "automata.03.1": [
        (
            lambda k, accuracies: next((n for n, a in zip(k, accuracies) if a == 1), None),
            "the two behind it have to be right as well",
        ),
        (
            lambda k, accuracies: None if stable(k, accuracies) is None else stable(k, accuracies) + 2,
            "the last of the three",
        ),
        lambda k, accuracies: stable(k, accuracies) or 0,
        (lambda k, accuracies: k[accuracies.index(1.0)], "your function raised"),
        lambda k, accuracies: np.array(k)[np.array(accuracies) == 1],
        7,
    ],
    "automata.03.2": [
        (
            lambda values: resample([np.array([value]) for own in values.values() for value in own]),
            "draw whole seeds",
        ),
        lambda values: (np.mean(sum(values.values(), [])), -1.0, 1.0),
        lambda values: resample([np.array(own) for own in values.values()])[:2],
        (
            lambda values: (0.0, *resample([np.array(own) for own in values.values()])[1:]),
            "the mean of all values is",
        ),
        lambda values: "8 to 9",
    ],
    "automata.03.3": [
        (count_where_both, "some pairs are missing"),
        (lambda first, second: count(second, first), "the other way round"),
        lambda first, second: count(first, second)[0],
        lambda first, second: sum(first[key] < second[key] for key in first),
    ],
}
