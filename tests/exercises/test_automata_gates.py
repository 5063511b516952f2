"""Exercises of the chapter on gates: solutions pass, stubs and plausible mistakes do not."""

import numpy as np
import pytest

from hsrnn import exercises


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
        lambda k, accuracies: next((n for n, a in zip(k, accuracies) if a == 1), None),
        lambda k, accuracies: None if stable(k, accuracies) is None else stable(k, accuracies) + 2,
        lambda k, accuracies: stable(k, accuracies) or 0,
        lambda k, accuracies: k[accuracies.index(1.0)],
        lambda k, accuracies: np.array(k)[np.array(accuracies) == 1],
        7,
    ],
    "automata.03.2": [
        lambda values: resample([np.array([value]) for own in values.values() for value in own]),
        lambda values: (np.mean(sum(values.values(), [])), -1.0, 1.0),
        lambda values: resample([np.array(own) for own in values.values()])[:2],
        lambda values: (0.0, *resample([np.array(own) for own in values.values()])[1:]),
        lambda values: "8 to 9",
    ],
    "automata.03.3": [
        count_where_both,
        lambda first, second: count(second, first),
        lambda first, second: count(first, second)[0],
        lambda first, second: sum(first[key] < second[key] for key in first),
    ],
}
HINTS = {
    ("automata.03.1", 0): "the two behind it have to be right as well",
    ("automata.03.1", 1): "the last of the three",
    ("automata.03.1", 3): "your function raised",
    ("automata.03.2", 0): "draw whole seeds",
    ("automata.03.2", 3): "the mean of all values is",
    ("automata.03.3", 0): "some pairs are missing",
    ("automata.03.3", 1): "the other way round",
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
    said = " ".join(capsys.readouterr().out.split()).lower()
    assert "not yet" in said and HINTS.get((name, k), "") in said


@pytest.mark.parametrize("name", RIGHT)
def test_stubs_are_not_solved(name, capsys):
    assert exercises.check(name, ...) is False
    assert "not solved yet" in capsys.readouterr().out
