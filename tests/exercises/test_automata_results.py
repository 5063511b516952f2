"""Exercises of the verdicts on automata: solutions pass, stubs and plausible mistakes do not."""

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def verdicts(network, automaton):
    """A truth of zeros, and the words on which network and automaton err."""
    made = np.zeros((3, 10), int)
    made[1, network], made[2, automaton] = 1, 1
    return made


RIGHT = {
    "automata.05.1": verdicts([0, 1], [2]),
    "automata.05.2": lambda n, p: (1 + (1 - 2 * p) ** n) / 2,
}
WRONG = {
    "automata.05.1": [
        (verdicts([0, 1], [1]), "the faithfulness is 0.9"),
        (verdicts([0], [1, 2]), "the network's accuracy is 0.9"),
        (verdicts([0, 1], [2])[:, :9], "shape"),
        (2 * verdicts([0, 1], [2]), "0 or 1"),
    ],
    "automata.05.2": [
        (lambda n, p: (1 - p) ** n, "turned round twice"),
        (lambda n, p: 1 - n * p, "the accuracy is"),
        (lambda n, p: np.full(2, 0.5), "shape"),
        (lambda n: 0.5, "raised TypeError"),
    ],
}
