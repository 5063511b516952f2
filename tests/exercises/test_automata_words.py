"""Exercises of the chapter on words: solutions pass, stubs and plausible mistakes do not."""

import math
from itertools import product

import numpy as np
import pytest

from hsrnn import datasets, exercises
from hsrnn.exercises.automata_words import CLASSES, verdict


def polarity(with_positive, with_negative, positive, negative):
    return math.log((with_positive + 1) / (positive + 2)) - math.log((with_negative + 1) / (negative + 2))


def end(table, start, codes):
    state = start
    for code in codes:
        state = table[state, code]
    return state


def deciding(table, accepting, start, codes):
    before = accepting[end(table, start, codes)]
    return [n for n in range(len(codes)) if accepting[end(table, start, np.delete(codes, n))] != before]


RIGHT = {
    "automata.04.1": verdict,
    "automata.04.2": polarity,
    "automata.04.3": deciding,
}
WRONG = {
    "automata.04.1": [
        (lambda classes: verdict(classes, turns=False), "forget a waiting negation"),
        (lambda classes: verdict(classes, cancels=False), "Two negations cancel"),
        (lambda classes: verdict(classes, once=False), "is used up by it"),
        (lambda classes: int("positive" in classes), "the verdict is"),
        (lambda classes: "positive", "should be 1 or 0, but the answer is of type str"),
        (lambda classes: classes[99], "raised IndexError"),
        (1, "A function is asked for"),
    ],
    "automata.04.2": [
        (lambda a, b, p, n: -polarity(a, b, p, n), "The sign is the other way round"),
        (lambda a, b, p, n: polarity(a, b, p, n) / math.log(2), "in bits"),
        (lambda a, b, p, n: math.log((a + 1) / (b + 1)), "Divide by the numbers of reviews"),
        (lambda a, b, p, n: math.log(a / p) - math.log(b / n), "raised"),
        (lambda a, b, p, n: "high", "should be numbers"),
    ],
    "automata.04.3": [
        (lambda *machine: [n + 1 for n in deciding(*machine)], "counted from 0"),
        (
            lambda table, accepting, start, codes: [
                n for n in range(len(codes))
                if end(table, start, np.delete(codes, n)) != end(table, start, codes)
            ],
            "Another state is not yet another verdict",
        ),
        (lambda *machine: [], "the places are"),
        (lambda *machine: 3, "should be a list of numbers"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(RIGHT))
@pytest.mark.parametrize("seed", range(3))
def test_a_solution_passes(name, seed, capsys):
    assert exercises.check(name, RIGHT[name], seed=seed)
    assert f"{name}: right." in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(WRONG))
def test_mistakes_are_told(name, capsys):
    assert not exercises.check(name, ...)
    assert "not solved yet" in capsys.readouterr().out
    for answer, message in WRONG[name]:
        assert not exercises.check(name, answer, seed=0)
        assert message in " ".join(capsys.readouterr().out.split())


def test_the_rule_of_the_checker_is_that_of_the_reviews():
    rule = datasets.truth()
    assert tuple(rule.classes) == CLASSES
    example = {name: words[0] for name, words in rule.classes.items()}
    for length in range(5):
        for classes in product(CLASSES, repeat=length):
            assert verdict(list(classes)) == rule.label([example[name] for name in classes])
