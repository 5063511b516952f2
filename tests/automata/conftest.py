"""Fixtures of the room's tests: networks that were really trained, and random automata."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st

from hsrnn.automata import Automaton, SequenceClassifier, Split, TrainingConfig, language, split, train

CURRICULUM = {"tomita-6": tuple(range(2, 10))}


@cache
def _trained(cell: str, name: str, seed: int) -> tuple[SequenceClassifier, Split]:
    target = language(name)
    words = split(target, range(1, 11), 800, 400, np.random.default_rng(seed))
    classifier = SequenceClassifier(target.alphabet, cell, 12, seed=seed)
    config = TrainingConfig(
        epochs=150, batch_size=100, learning_rate=0.01, curriculum=CURRICULUM.get(name, ())
    )
    result = train(
        classifier, words.train, words.train_labels, words.test, words.test_labels, config,
        empty=bool(target.accepts([""])[0]), seed=seed,
    )  # fmt: skip
    assert result.learned, f"{cell} did not learn {name}: {result}"
    return classifier, words


@pytest.fixture
def trained(plain_calls: None) -> Callable[..., tuple[SequenceClassifier, Split]]:
    """Return ``trained(cell, language, seed=0)``: a network that knows the language, and its words."""

    def make(cell: str, name: str, seed: int = 0) -> tuple[SequenceClassifier, Split]:
        return _trained(cell, name, seed)

    return make


@st.composite
def automata(draw: st.DrawFn, alphabet: str = "ab", max_states: int = 8) -> Automaton:
    """Draw any complete automaton, with states that cannot be reached and states that are the same."""
    states = draw(st.integers(1, max_states))
    target = st.integers(0, states - 1)
    row = st.lists(target, min_size=len(alphabet), max_size=len(alphabet))
    table = draw(st.lists(row, min_size=states, max_size=states))
    accepting = draw(st.sets(target))
    return Automaton.of(alphabet, table, sorted(accepting), draw(target))


@pytest.fixture(scope="session")
def any_automaton() -> Callable[..., st.SearchStrategy[Automaton]]:
    """Return the strategy of random automata."""
    return automata
