"""Exercises of the verdicts on the HM-LSTM: solutions pass, stubs and plausible mistakes do not."""

import math

from scipy.stats import t

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def seeds(quantile):
    def fewest(sd, difference):
        n = 2
        while 2 * quantile(n) * sd / math.sqrt(n) >= difference:
            n += 1
        return n

    return fewest


def interval(r, n):
    half = 1.959964 / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


RIGHT = {
    "hmrnn.05.1": seeds(lambda n: t.ppf(0.975, n - 1)),
    "hmrnn.05.2": interval,
    "hmrnn.05.3": lambda r1, r2: (1 + r1 + 1 - (1 - r1) * (1 - r2) + r1 + r2 + 2 * r2) / 5,
}
WRONG = {
    "hmrnn.05.1": [
        (seeds(lambda n: 1.96), "Student's t"),
        (seeds(lambda n: t.ppf(0.95, n - 1)), "seeds, not"),
        (seeds(lambda n: t.ppf(0.975, n - 1) / 2), "seeds, not"),
        (lambda sd, difference: None, "nothing"),
    ],
    "hmrnn.05.2": [
        (lambda r, n: (r - 1.96 / math.sqrt(n - 3), r + 1.96 / math.sqrt(n - 3)), "the interval is"),
        (lambda r, n: (math.atanh(r) - 1, math.atanh(r) + 1), "the interval is"),
        (lambda r, n: 0.5, "shape"),
        (lambda r: (r, r), "raised TypeError"),
    ],
    "hmrnn.05.3": [
        (lambda r1, r2: (1 + 1 - (1 - r1) * (1 - r2) + r1 + 2 * r2) / 5, "the answer says"),  # no top-down
        (lambda r1, r2: (1 + 2 * r1 + 2 * r2) / 5, "the answer says"),
        (7, "A function is asked for"),
    ],
}
