"""The generated corpus against two oracles: a chart parser, and the rule that a phrase ends with its head."""

from __future__ import annotations

import hashlib
import lzma
import math
from functools import cache as remember

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.datasets import Sample, generate, grammar, lexicon
from hsrnn.datasets.grammar import ALPHABET, LEVELS, START, rules, stream_seed


def test_the_bytes_are_pinned():
    sample = generate(100_000, 0)
    assert (
        hashlib.sha256(sample.text.encode("ascii")).hexdigest()
        == "25d9b54b3f57ed62f3deadfbea66a0acd63b0fbe0f71e940f7f562c71a10ac1d"
    )
    ends = np.packbits(np.stack([sample.boundaries[level] for level in LEVELS]))
    assert (
        hashlib.sha256(ends.tobytes()).hexdigest()
        == "0adeed343d635da5c61c4ec75c22f9b1abfe1f11f80c480b829bc59c0dce7d60"
    )
    joined = generate(100_000, 0, spaces=False)
    assert (
        hashlib.sha256(joined.text.encode("ascii")).hexdigest()
        == "39cc15a6b4d5c3f81f05f56949f904b9a6b4ce6b122d555f8aab6364eebf481f"
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 3000), st.integers(0, 2**64), st.booleans())
def test_a_shorter_text_is_the_beginning_of_a_longer_one(length, more, seed, spaces):
    short, long = generate(length, seed, spaces=spaces), generate(length + more, seed, spaces=spaces)
    assert len(short.text) == length
    assert long.text.startswith(short.text)
    for level in LEVELS:
        marks = short.boundaries[level]
        assert marks.shape == (length,)
        # Where the short text stops inside a unit its end is not known; elsewhere both agree.
        np.testing.assert_array_equal(marks[: short.whole], long.boundaries[level][: short.whole])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5000), st.integers(0, 2**32))
def test_word_ends_are_the_letters_before_a_separator(length, seed):
    sample = generate(length, seed)
    symbols = np.array(list(sample.text + generate(length + 1, seed).text[-1]))
    separator = (symbols == " ") | (symbols == "\n")
    np.testing.assert_array_equal(sample.boundaries["word"], ~separator[:-1] & separator[1:])
    newline = symbols == "\n"
    np.testing.assert_array_equal(sample.boundaries["sentence"], ~newline[:-1] & newline[1:])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5000), st.integers(0, 2**32), st.booleans())
def test_levels_are_nested_and_ends_are_letters(length, seed, spaces):
    sample = generate(length, seed, spaces=spaces)
    word, phrase, sentence = (sample.boundaries[level] for level in LEVELS)
    assert not (phrase & ~word).any() and not (sentence & ~phrase).any()
    assert all(sample.text[place].isalpha() for place in np.flatnonzero(word))


def test_without_spaces_the_same_letters_carry_the_same_ends():
    spaced, joined = generate(60_000, 3), generate(40_000, 3, spaces=False)
    keep = np.array([symbol != " " for symbol in spaced.text])
    text = spaced.text.replace(" ", "")
    assert len(text) > 40_000 and text[:40_000] == joined.text
    for level in LEVELS:
        ends = spaced.boundaries[level][keep][: joined.whole]
        np.testing.assert_array_equal(ends, joined.boundaries[level][: joined.whole])


def test_every_symbol_of_the_alphabet_is_used():
    assert sorted(set(generate(200_000, 1).text)) == sorted(ALPHABET)


def heads() -> set[str]:
    """The nouns, names, pronouns and main verbs in all their forms."""
    verbs = [*lexicon.verb_forms(lexicon.INTRANSITIVE_VERBS), *lexicon.verb_forms(lexicon.TRANSITIVE_VERBS)]
    pronouns = lexicon.PRONOUNS_SINGULAR + lexicon.PRONOUNS_PLURAL + lexicon.PRONOUNS_OBJECT
    nouns = [*lexicon.NOUNS, *map(lexicon.plural, lexicon.NOUNS), *lexicon.names()]
    return {*nouns, *pronouns, *sum(verbs, [])}


def test_each_phrase_ends_with_its_head():
    sample = generate(100_000, 7)
    known = heads()
    expected = np.zeros(sample.whole, dtype=bool)
    position = 0
    for word in sample.text[: sample.whole].split():
        position += len(word)
        expected[position - 1] = word in known
        position += 1
    np.testing.assert_array_equal(sample.boundaries["phrase"][: sample.whole], expected)


def test_no_word_belongs_to_two_classes():
    owners: dict[str, set[str]] = {}
    for symbol, alternatives in rules().items():
        for _, expansion in alternatives:
            if len(expansion) == 1 and expansion[0].isalpha() and expansion[0].islower():
                owners.setdefault(expansion[0], set()).add(
                    symbol.removesuffix(".vowel").removesuffix(".consonant")
                )
    shared = {word: classes for word, classes in owners.items() if len(classes) > 1}
    assert set(shared) == {"the", "his", "her", "our", "their"}
    assert all(classes == {"Determiner.singular", "Determiner.plural"} for classes in shared.values())
    assert not {"a", "an", "and", "that", "will"} & set(owners)


@remember
def normalised() -> tuple[dict, dict]:
    """The grammar with probabilities instead of weights, and word -> probability for each class of words."""
    grammar_rules = {}
    for symbol, alternatives in rules().items():
        total = sum(weight for weight, _ in alternatives)
        grammar_rules[symbol] = [(weight / total, expansion) for weight, expansion in alternatives]
    classes = {
        symbol: {expansion[0]: probability for probability, expansion in alternatives}
        for symbol, alternatives in grammar_rules.items()
        if all(len(expansion) == 1 and expansion[0] not in grammar_rules for _, expansion in alternatives)
    }
    return grammar_rules, classes


def text_probability(sentence: str) -> tuple[float, int]:
    """The probability that the grammar writes `sentence`, summed over all derivations, and their number."""
    grammar_rules, leaves = normalised()
    words = sentence.split(" ")

    @remember
    def spans(symbol: str, start: int) -> dict[int, tuple[float, int]]:
        if symbol in ("|", "."):
            return {start: (1.0, 1)}
        if symbol not in grammar_rules:
            return {start + 1: (1.0, 1)} if words[start : start + 1] == [symbol] else {}
        if symbol in leaves:
            found = leaves[symbol].get(words[start]) if start < len(words) else None
            return {start + 1: (found, 1)} if found else {}
        ends: dict[int, tuple[float, int]] = {}
        for probability, expansion in grammar_rules[symbol]:
            partial = {start: (probability, 1)}
            for part in expansion:
                extended: dict[int, tuple[float, int]] = {}
                for middle, (p, n) in partial.items():
                    for end, (q, m) in spans(part, middle).items():
                        before = extended.get(end, (0.0, 0))
                        extended[end] = (before[0] + p * q, before[1] + n * m)
                partial = extended
            for end, (p, n) in partial.items():
                before = ends.get(end, (0.0, 0))
                ends[end] = (before[0] + p, before[1] + n)
        return ends

    return spans(START, 0).get(len(words), (0.0, 0))


def test_each_sentence_has_one_derivation_and_its_bits_are_those_of_the_text():
    sample = generate(12_000, 11)
    sentences = sample.text[: sample.whole].splitlines()
    assert len(sentences) > 200
    found = [text_probability(sentence) for sentence in sentences]
    assert [number for _, number in found] == [1] * len(sentences)
    assert sample.bits == pytest.approx(-sum(math.log2(probability) for probability, _ in found), rel=1e-12)


def test_the_chart_parser_refuses_what_the_grammar_cannot_write():
    assert text_probability("she walked")[1] == 1
    assert text_probability("she walk")[1] == 0
    assert text_probability("they walks")[1] == 0
    assert text_probability("a apple walked")[1] == 0


def test_a_general_compressor_does_not_reach_the_floor():
    sample = generate(1_000_000, 0)
    packed = 8 * len(lzma.compress(sample.text.encode("ascii"), preset=6)) / len(sample.text)
    assert sample.bits_per_character < packed < 3.0


def test_a_text_shorter_than_a_sentence_has_no_score():
    sample = generate(3, 0)
    assert sample.whole == 0 and math.isnan(sample.bits_per_character)
    assert Sample("abcdef", {}, bits=6.0, whole=4).bits_per_character == 1.5


def test_streams_of_one_seed_differ_and_are_pinned():
    assert len({stream_seed(seed, split) for seed in range(5) for split in ("train", "valid", "test")}) == 15
    assert stream_seed(0, "train") == 7027647555866269530


@pytest.mark.parametrize(
    ("length", "seed", "message"), [(0, 0, "length must be at least 1"), (5, -1, "not be negative")]
)
def test_bad_arguments(length, seed, message):
    with pytest.raises(ValueError, match=message):
        generate(length, seed)


def test_weights_are_whole_positive_numbers():
    for symbol, alternatives in grammar.rules().items():
        assert symbol[0].isupper()
        assert all(isinstance(weight, int) and weight > 0 for weight, _ in alternatives)
