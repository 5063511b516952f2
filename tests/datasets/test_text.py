"""Vocabularies, splits, the EOS form and a file of one's own, good and bad."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsrnn.datasets import (
    InvalidTextError,
    MissingFileError,
    TooFewSymbolsError,
    UnknownSymbolError,
    Vocabulary,
    load_text,
)
from hsrnn.datasets import text as text_module
from hsrnn.datasets.text import eos_form, split_text


@given(st.text(min_size=1, max_size=300))
def test_encode_and_decode_are_inverse(text):
    vocabulary = Vocabulary.of(text)
    codes = vocabulary.encode(text)
    assert vocabulary.decode(codes) == text
    assert len(codes) == len(text)
    assert codes.dtype == (np.uint8 if len(set(text)) <= 256 else np.uint16)
    assert list(vocabulary.symbols) == sorted(set(text))


def test_more_than_256_symbols_need_two_bytes():
    text = "".join(map(chr, range(100, 400)))
    vocabulary = Vocabulary.of(text)
    codes = vocabulary.encode(text)
    assert codes.dtype == np.uint16
    assert codes.tolist() == list(range(300))
    assert vocabulary.decode(codes) == text


def test_blocks_join_without_a_seam(monkeypatch):
    text = "the quick brown fox jumps over the lazy dog" * 3
    whole = Vocabulary.of(text).encode(text)
    monkeypatch.setattr(text_module, "BLOCK", 7)
    np.testing.assert_array_equal(Vocabulary.of(text).encode(text), whole)
    with pytest.raises(UnknownSymbolError, match="'!' .* at position 100 of") as caught:
        Vocabulary.of(text).encode(text[:100] + "!" + text[100:])
    assert caught.value.position == 100


@pytest.mark.parametrize(
    ("symbol", "point"), [("é", "U\\+00E9"), ("\U0001f600", "U\\+1F600"), ("A", "U\\+0041")]
)
def test_an_unknown_symbol_is_named_with_its_position(symbol, point):
    with pytest.raises(
        UnknownSymbolError, match=f"{point}.* at position 3 of the prompt .* 3 symbols"
    ) as caught:
        Vocabulary.of("abc").encode("abc" + symbol, "the prompt")
    assert (caught.value.symbol, caught.value.position) == (symbol, 3)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.symbol, copy.position) == (str(caught.value), symbol, 3)


def test_a_replacement_takes_every_unknown_symbol():
    vocabulary = Vocabulary(("a", "b", "?"), replacement="?")
    assert vocabulary.decode(vocabulary.encode("aéb\U0001f600!")) == "a?b??"


@pytest.mark.parametrize(
    ("symbols", "replacement", "message"),
    [
        ((), None, "at least one"),
        (("a", "bc"), None, "single characters"),
        (("a", "b", "a"), None, "must not repeat"),
        (("a", "b"), "?", "replacement must be one of the symbols"),
    ],
)
def test_bad_vocabularies(symbols, replacement, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(symbols, replacement)


@pytest.mark.parametrize("codes", [[0, 3], [-1, 0]])
def test_codes_outside_the_vocabulary_are_not_decoded(codes):
    with pytest.raises(ValueError, match="codes must lie between 0 and 2"):
        Vocabulary.of("abc").decode(np.array(codes))


def test_the_eos_form_strips_lines_and_keeps_one_newline_for_each():
    assert eos_form(" no it was n't \n the  <unk>\tN \n") == "no it was n't\nthe <unk> N\n"


@given(st.text(min_size=20, max_size=500))
def test_the_split_is_90_5_5_and_loses_nothing(text):
    parts = split_text(text)
    assert "".join(parts.values()) == text
    assert list(parts) == ["train", "valid", "test"]
    assert len(parts["train"]) == len(text) * 90 // 100
    assert 1 <= len(parts["valid"]) <= len(parts["test"]) <= len(parts["valid"]) + 2


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "novel.txt"
    text = "Ein Käse\r\nund ein Brot. " * 50
    path.write_bytes(text.encode("utf-8"))
    corpus = load_text(path)
    joined = np.concatenate([corpus.train, corpus.valid, corpus.test])
    assert corpus.vocabulary.decode(joined) == text
    assert corpus.name == "novel.txt"
    assert corpus.hashes == {"novel.txt": hashlib.sha256(path.read_bytes()).hexdigest()} == corpus.card.files
    assert corpus.card.counts == {"train": 1080, "valid": 60, "test": 60}
    assert corpus.boundaries == {} and corpus.floor == {}
    with pytest.raises(ValueError, match="read-only"):
        corpus.train[0] = 1


def test_a_symbol_first_seen_at_test_time_is_an_error_or_replaced(tmp_path):
    path = tmp_path / "late.txt"
    path.write_text("ab" * 99 + "aé", encoding="utf-8")
    with pytest.raises(UnknownSymbolError, match="'é' .* position 9 of the test part of late.txt"):
        load_text(path)
    corpus = load_text(path, unknown="replace")
    assert corpus.vocabulary.symbols == ("a", "b", "\ufffd")
    assert corpus.vocabulary.decode(corpus.test) == "abababab" + "a\ufffd"
    assert 2 not in corpus.train
    with pytest.raises(ValueError, match='unknown must be "error" or "replace", got \'skip\''):
        load_text(path, unknown="skip")


def test_invalid_utf8_names_the_offset(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 " * 10)
    with pytest.raises(InvalidTextError, match="byte 0xe9 at offset 3"):
        load_text(path)


def test_an_empty_missing_or_tiny_file(tmp_path):
    path = tmp_path / "text.txt"
    with pytest.raises(MissingFileError, match="text.txt is not a file"):
        load_text(path)
    path.write_bytes(b"")
    with pytest.raises(InvalidTextError, match="text.txt is empty"):
        load_text(path)
    path.write_bytes(b"x" * 19)
    with pytest.raises(TooFewSymbolsError, match="at least 20 symbols, got 19"):
        load_text(path)
