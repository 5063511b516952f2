"""Words become numbers and come back; what is no word of the alphabet is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.automata import Sequences, decode, encode
from hsrnn.automata.sequences import check_alphabet, concatenate, from_codes, require_labels, require_words


@settings(deadline=None)
@given(st.lists(st.text("aλ0", max_size=6), max_size=8))
def test_strings_come_back(words):
    alphabet = ("λ", "a", "0")
    encoded = encode(words, alphabet)
    assert decode(encoded, alphabet) == words
    assert encoded.lengths.tolist() == [len(word) for word in words]
    as_lists = encode([list(word) for word in words], alphabet)
    assert np.array_equal(encoded.codes, as_lists.codes)


def test_symbols_may_be_words():
    alphabet = ("not", "good", "bad")
    encoded = encode([["not", "bad"], ["good"]], alphabet)
    assert encoded.codes.tolist() == [[0, 2], [1, 0]] and encoded.mask.tolist() == [
        [True, True],
        [True, False],
    ]
    assert decode(encoded, alphabet) == [("not", "bad"), ("good",)]


def test_a_symbol_outside_the_alphabet_is_named():
    with pytest.raises(ValueError, match="word 1 has the symbol '2', which is not in the alphabet"):
        encode(["01", "0210"], "01")
    with pytest.raises(ValueError, match="word 0 has the symbol 'ugly'"):
        encode([["ugly"]], ("good", "bad"))
    with pytest.raises(ValueError, match="several words, got the string '01'"):
        encode("01", "01")
    with pytest.raises(ValueError, match=r"lists of symbols, for example \['not', 'good'\]"):
        encode(["not good"], ("not", "good"))
    with pytest.raises(ValueError, match=r"codes must lie in \[0, 2\).*got 0 to 5"):
        encode(Sequences(np.array([[0, 5]]), np.array([2])), "01")


def test_numbers_pass_through_and_padding_is_not_read():
    given_ = Sequences(np.array([[0, 7]]), np.array([1]))
    assert encode(given_, "01") is given_


def test_take_and_join():
    words = encode(["0", "011", "", "10"], "01")
    assert decode(words.take(np.array([3, 0])), "01") == ["10", "0"]
    assert words.take(np.array([3, 0])).codes.shape == (2, 2)
    joined = concatenate([words, encode(["1111"], "01")])
    assert decode(joined, "01") == ["0", "011", "", "10", "1111"]
    assert len(concatenate([])) == 0
    blocks = from_codes([np.array([[1, 0]]), np.array([[1], [0]])])
    assert decode(blocks, "01") == ["10", "1", "0"]


def test_alphabets_are_checked():
    assert check_alphabet("ab") == ("a", "b")
    with pytest.raises(ValueError, match="each symbol once, got 'a' twice"):
        check_alphabet("aba")
    for bad in ("", ("a", "")):
        with pytest.raises(ValueError, match="at least one non-empty string"):
            check_alphabet(bad)


def test_sets_and_labels_are_checked():
    words = encode(["0", ""], "01")
    with pytest.raises(
        ValueError, match="the set must have words of at least one symbol, but word 1 has length 0"
    ):
        require_words(words, "the set")
    with pytest.raises(ValueError, match="the set must have at least one word, got none"):
        require_words(encode([], "01"), "the set")
    assert require_labels([1, 0], words, "labels").tolist() == [True, False]
    with pytest.raises(ValueError, match="one label, 0 or 1, for each of the 2 words"):
        require_labels([1], words, "labels")
    with pytest.raises(ValueError, match=r"values \[0, 2\]"):
        require_labels([0, 2], words, "labels")
    with pytest.raises(ValueError, match="lengths must lie in"):
        Sequences(np.zeros((1, 2), int), np.array([3]))
    with pytest.raises(ValueError, match="codes must be"):
        Sequences(np.zeros((1, 2), int), np.array([1, 1]))
