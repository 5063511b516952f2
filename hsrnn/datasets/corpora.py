"""From verified files (or a seed) to a `Corpus`: one short function for each kind of text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import TooFewSymbolsError, WrongCountError
from hsrnn.datasets.grammar import ALPHABET, generate, stream_seed
from hsrnn.datasets.text import SPLITS, Corpus, Vocabulary, corpus_of, eos_form, read_utf8, split_text


def ptb(card: Card, folder: Path, hashes: Mapping[str, str]) -> Corpus:
    """Return the Penn Treebank in the EOS form; its vocabulary is built from the training part."""
    texts = {split: eos_form(read_utf8(folder / f"ptb.{split}.txt")) for split in SPLITS}
    return _counted(corpus_of(texts, Vocabulary.of(texts["train"]), card, hashes))


def byte_stream(card: Card, folder: Path, hashes: Mapping[str, str]) -> Corpus:
    """Return one file (text8, enwik8 or a prefix) split 90/5/5 %, each byte read as a latin-1 character.

    The vocabulary is that of the whole file: the alphabet of these benchmarks is part of their definition.
    """
    (file,) = card.files
    text = (folder / file).read_bytes().decode("latin-1")
    return _counted(corpus_of(split_text(text), Vocabulary.of(text), card, hashes))


def generated(card: Card, *, length: int = 1_000_000, seed: int = 0, spaces: bool = True) -> Corpus:
    """Return `length` generated characters in all, split 90/5/5 %, each split drawn from its own stream.

    Raises:
        TooFewSymbolsError: `length` is below 20, so that a split would be empty.
        ValueError: `seed` is negative.
    """
    if length < 20:
        raise TooFewSymbolsError(f"length must be at least 20 characters for a 90/5/5 % split, got {length}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    train, valid = length * 90 // 100, length * 5 // 100
    lengths = {"train": train, "valid": valid, "test": length - train - valid}
    vocabulary = Vocabulary(tuple(symbol for symbol in ALPHABET if spaces or symbol != " "))
    texts, boundaries, hashes, floor = {}, {}, {}, {}
    for split in SPLITS:
        sample = generate(lengths[split], stream_seed(seed, split), spaces=spaces)
        texts[split] = sample.text
        boundaries[split] = sample.boundaries
        floor[split] = sample.bits_per_character
        specification = f"generated(length={length}, seed={seed}, spaces={spaces})/{split}"
        hashes[specification] = hashlib.sha256(sample.text.encode("ascii")).hexdigest()
    return corpus_of(texts, vocabulary, card, hashes, boundaries, floor)


def _counted(corpus: Corpus) -> Corpus:
    """Return `corpus` if its sizes are those of its card."""
    found = {split: len(getattr(corpus, split)) for split in SPLITS}
    expected = dict(corpus.card.counts)
    if found != expected or len(corpus.vocabulary) != corpus.card.types:
        raise WrongCountError(
            f"{corpus.name} must have {expected} symbols of {corpus.card.types} types, got {found} of "
            f"{len(corpus.vocabulary)}; this is a fault of hsrnn or of its card, the file's hash being right"
        )
    return corpus
