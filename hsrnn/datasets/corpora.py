"""From verified files (or a seed) to a `Corpus`: one short function for each kind of text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import TooFewSymbolsError, WrongCountError
from hsrnn.datasets.grammar import ALPHABET, generate, stream_seed
from hsrnn.datasets.text import SPLITS, Corpus, Vocabulary, corpus_of, eos_form, read_utf8, split_text


def ptb(card: Card, folder: Path, hashes: Mapping[str, str]) -> Corpus:
    """Return the Penn Treebank in the EOS form; its vocabulary is built from the training part."""
    texts = {split: eos_form(read_utf8(folder / f"ptb.{split}.txt")) for split in SPLITS}
    return _counted(corpus_of(card.name, texts, Vocabulary.of(texts["train"]), card, hashes))


def byte_stream(card: Card, folder: Path, hashes: Mapping[str, str]) -> Corpus:
    """Return a single file (text8, enwik8 or a prefix) byte by byte, split 90/5/5 %, each byte a latin-1 character.

    The vocabulary is that of the whole file: the alphabet of these benchmarks is part of their definition.
    """
    (file,) = card.files
    text = (folder / file).read_bytes().decode("latin-1")
    return _counted(corpus_of(card.name, split_text(text), Vocabulary.of(text), card, hashes))


def generated(card: Card, *, length: int = 1_000_000, seed: int = 0, spaces: bool = True) -> Corpus:
    """Return the generated corpus of `length` characters in all, split 90/5/5 %, each split drawn from its own stream.

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
    codes, boundaries, hashes, floor = {}, {}, {}, {}
    for split in SPLITS:
        sample = generate(lengths[split], stream_seed(seed, split), spaces=spaces)
        codes[split] = _frozen(vocabulary.encode(sample.text))
        boundaries[split] = sample.boundaries
        floor[split] = sample.bits_per_character
        specification = f"generated(length={length}, seed={seed}, spaces={spaces})/{split}"
        hashes[specification] = hashlib.sha256(sample.text.encode("ascii")).hexdigest()
    return Corpus(
        name=card.name,
        vocabulary=vocabulary,
        card=card,
        hashes=hashes,
        boundaries=boundaries,
        floor=floor,
        **codes,
    )


def _frozen(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    codes.flags.writeable = False
    return codes


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
