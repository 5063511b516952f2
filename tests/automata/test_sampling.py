"""Samples are balanced, uniform, distinct, and training and test words have as little in common as can be."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.automata import LANGUAGES, Language, Split, decode, draw_words, language, sample, split

LENGTHS = range(1, 13)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("inside", [True, False])
def test_all_words_of_a_length_are_found(name, inside):
    target = language(name)
    for length in range(7):
        every = ["".join(word) for word in product("01", repeat=length)]
        wanted = {word for word, verdict in zip(every, target.accepts(every)) if verdict == inside}
        drawn = draw_words(target, length, inside, 1000, generator())
        assert drawn.shape == (len(wanted), length)
        assert {"".join(map(str, word)) for word in drawn.tolist()} == wanted


def test_draws_are_uniform():
    target, rng = language("tomita-4"), generator()
    counts = Counter(
        "".join(map(str, word)) for _ in range(400) for word in draw_words(target, 6, True, 10, rng).tolist()
    )
    words = target.automaton.counts(6)[6]
    assert len(counts) == words == 44
    expected = 4000 / words
    # Without replacement each round: at most binomial spread; 5 standard deviations.
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in counts.values())


@pytest.mark.parametrize("inside", [True, False])
def test_long_words_are_drawn_by_chance(inside):
    target = language("tomita-3")
    drawn = draw_words(target, 200, inside, 50, generator())
    words = ["".join(map(str, word)) for word in drawn.tolist()]
    assert len(set(words)) == 50 and (target.accepts(words) == inside).all()


def test_very_long_words_do_not_overflow():
    words, labels = sample(language("000"), [3000], 10, generator())
    assert (words.lengths == 3000).all() and (language("000").accepts(words) == labels).all()
    assert labels.sum() == 5


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_sample_is_balanced(name):
    words, labels = sample(language(name), LENGTHS, 301, generator())
    assert len(words) == 301 and labels.sum() == 151
    assert (language(name).accepts(words) == labels).all()


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(sorted(LANGUAGES)),
    st.integers(10, 400),
    st.integers(10, 200),
    st.booleans(),
    st.integers(0, 99),
)
def test_splits_share_no_word_that_they_need_not(name, n_train, n_test, share, seed):
    target = language(name)
    try:
        made = split(target, LENGTHS, n_train, n_test, generator(seed), share=share)
    except ValueError as error:
        assert not share and "choose other lengths, or let the sets share" in str(error)
        return
    assert isinstance(made, Split)
    for words, labels, number in (
        (made.train, made.train_labels, n_train), (made.test, made.test_labels, n_test),
    ):  # fmt: skip
        assert len(words) == number and labels.sum() == (number + 1) // 2
        assert (target.accepts(words) == labels).all()
    both = set(decode(made.train, "01")) & set(decode(made.test, "01"))
    assert len(both) == made.n_shared
    assert share or not both
    each = {
        True: -(-((n_train + 1) // 2 + (n_test + 1) // 2) // 12),
        False: -(-(n_train // 2 + n_test // 2) // 12),
    }
    for word in both:
        inside = bool(target.accepts([word])[0])
        words = target.automaton.counts(len(word))[-1]
        there_are = words if inside else 2 ** len(word) - words
        assert there_are == 1 or there_are < each[inside]


def test_the_seed_decides():
    one, other = (sample(language("000"), LENGTHS, 50, generator(3)) for _ in range(2))
    assert decode(one[0], "01") == decode(other[0], "01") and (one[1] == other[1]).all()


def test_predicates_are_asked():
    balanced = Language.from_predicate(lambda word: word.count("0") == word.count("1"), name="balanced")
    words, labels = sample(balanced, [4, 10, 24], 200, generator())
    assert labels.sum() == 100 and (balanced.accepts(words) == labels).all()
    assert len(set(decode(words, "01"))) > 150
    never = Language.from_predicate(lambda word: False, name="never")
    with pytest.raises(ValueError, match="never has no word inside it for a set of words of length 20"):
        sample(never, [20], 4, generator())


def test_errors():
    with pytest.raises(ValueError, match="0110 has no word inside it for a set of words of length 5, 6"):
        sample(language("0110"), [5, 6], 10, generator())
    with pytest.raises(ValueError, match="lengths must be distinct, at least one, and each at least 1"):
        sample(language("000"), [0, 4], 10, generator())
    with pytest.raises(ValueError, match="number of words must be at least 1"):
        split(language("000"), [4], 10, 0, generator())
