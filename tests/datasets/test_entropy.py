"""The exact entropy rate against a grammar solved by hand and against the mean of many sentences."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.datasets import GrammarEntropy, entropy, generate, grammar_entropy


def test_a_grammar_solved_by_hand(monkeypatch):
    # A sentence is one or more words "b", with a fair coin after each: two choices of one bit on average.
    coin = {"Sentence": ((1, ("b", "|", ".")), (1, ("b", "Sentence")))}
    monkeypatch.setattr(entropy, "rules", lambda: coin)
    spaced = entropy.grammar_entropy.__wrapped__(spaces=True)
    assert spaced.bits_per_sentence == pytest.approx(2.0)
    assert spaced.characters_per_sentence == pytest.approx(4.0)
    joined = entropy.grammar_entropy.__wrapped__(spaces=False)
    assert joined.characters_per_sentence == pytest.approx(3.0)
    assert joined.rate == pytest.approx(2 / 3)


@pytest.mark.parametrize("spaces", [True, False])
def test_samples_agree_with_the_exact_rate(spaces):
    exact = grammar_entropy(spaces=spaces)
    samples = [generate(50_000, seed, spaces=spaces).bits_per_character for seed in range(20)]
    standard_error = np.std(samples, ddof=1) / np.sqrt(len(samples))
    assert abs(np.mean(samples) - exact.rate) < 4 * standard_error
    assert standard_error < 0.005


def test_the_rate_is_bits_by_characters():
    assert GrammarEntropy(bits_per_sentence=10.0, characters_per_sentence=8.0).rate == 1.25


def test_the_published_rate():
    assert grammar_entropy().rate == pytest.approx(1.146228, abs=1e-6)
    assert grammar_entropy(spaces=False).bits_per_sentence == pytest.approx(
        grammar_entropy().bits_per_sentence
    )
