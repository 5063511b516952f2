"""The exact entropy rate of the generated corpus: the floor of any model's bits per character.

Sentences are drawn independently, so by the renewal-reward theorem the rate is the expected bits of one
sentence divided by its expected number of characters. For a symbol A with alternatives i of probability p_i,

    bits(A)   = sum_i p_i * (-log2 p_i + sum over the symbols B of alternative i of bits(B))
    length(A) = sum_i p_i * sum over the symbols B of alternative i of length(B)

which are two systems of linear equations with the same matrix (a relative clause may hold another one). Only
the choices are counted: where two series of choices write the same text, the entropy of the text is smaller.
With spaces the grammar has no such pair, and the rate is exact; without spaces it is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hsrnn.datasets.grammar import PHRASE_END, SENTENCE_END, START, rules


@dataclass(frozen=True)
class GrammarEntropy:
    """Exact expectations over the sentences of the grammar; `rate` is in bits per character."""

    bits_per_sentence: float
    characters_per_sentence: float

    @property
    def rate(self) -> float:
        """The entropy rate in bits per character: the best score that a model can reach on average."""
        return self.bits_per_sentence / self.characters_per_sentence


@lru_cache(maxsize=2)
def grammar_entropy(*, spaces: bool = True) -> GrammarEntropy:
    """Return the exact expected bits and characters of a sentence, its newline included."""
    grammar = rules()
    place = {symbol: index for index, symbol in enumerate(grammar)}
    expected = np.zeros((len(place), len(place)))
    bits = np.zeros(len(place))
    characters = np.zeros(len(place))
    for symbol, alternatives in grammar.items():
        row = place[symbol]
        weights = np.array([weight for weight, _ in alternatives])
        probabilities = weights / weights.sum()
        bits[row] = -np.sum(probabilities * np.log2(probabilities))
        for probability, (_, expansion) in zip(probabilities, alternatives, strict=True):
            for part in expansion:
                if part in place:
                    expected[row, place[part]] += probability
                elif part == SENTENCE_END:
                    # With spaces the newline takes the place of the space that the last word would have.
                    characters[row] += probability * (0 if spaces else 1)
                elif part != PHRASE_END:
                    characters[row] += probability * (len(part) + (1 if spaces else 0))
    system = np.eye(len(place)) - expected
    solved = np.linalg.solve(system, np.stack([bits, characters], axis=1))
    return GrammarEntropy(*(float(value) for value in solved[place[START]]))
