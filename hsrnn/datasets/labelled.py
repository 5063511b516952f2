"""Labelled sentences: lists of words with a label 0 or 1, in three splits, over one vocabulary of words.

Two sets come in this form: the generated reviews, whose labels follow a known rule
(`hsrnn.datasets.reviews`), and SST-2, the sentences of the Stanford Sentiment Treebank (Socher et al. 2013)
without the neutral ones.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import InvalidLineError, WrongCountError
from hsrnn.datasets.grammar import stream_seed
from hsrnn.datasets.reviews import Review, ReviewTruth, draw_reviews, truth
from hsrnn.datasets.text import SPLITS, read_utf8

UNKNOWN = "<unk>"
Words = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ReviewSplit:
    """The reviews of one split.

    Attributes:
        words: one tuple of words a review, words outside the vocabulary written `<unk>`.
        labels: (reviews,) int64, 1 positive and 0 negative; read-only.
        original: the words as they stand in the source.
    """

    words: tuple[Words, ...]
    labels: NDArray[np.int64]
    original: tuple[Words, ...]

    def __len__(self) -> int:
        """Return the number of reviews."""
        return len(self.words)


@dataclass(frozen=True, eq=False)
class Reviews:
    """Labelled reviews in three splits.

    Attributes:
        name: of the data set.
        vocabulary: every word that a split may hold, each once.
        train, valid, test: the splits.
        card: what there is to know about the source.
        hashes: file (or generated split) -> SHA-256.
        truth: the rule that made the labels; None for reviews by people, whose rule nobody knows.
    """

    name: str
    vocabulary: tuple[str, ...]
    train: ReviewSplit
    valid: ReviewSplit
    test: ReviewSplit
    card: Card
    hashes: Mapping[str, str]
    truth: ReviewTruth | None = None

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        return f"Reviews({self.name!r}, {len(self.vocabulary):,} words, {sizes})"

    def known(self, words: Iterable[str]) -> Words:
        """Return the words, those outside the vocabulary as `<unk>`.

        Raises:
            KeyError: a word is not in the vocabulary, which has no `<unk>` (the generated reviews).
        """
        made = tuple(words)
        unknown = [word for word in made if word not in self.vocabulary]
        if unknown and UNKNOWN not in self.vocabulary:
            raise KeyError(f"{unknown[0]!r} is not one of the {len(self.vocabulary)} words of {self.name}")
        return tuple(UNKNOWN if word in unknown else word for word in made)


def frequent_words(texts: Iterable[Sequence[str]], min_count: int) -> tuple[str, ...]:
    """Return `<unk>`, then every word that occurs at least `min_count` times, the most frequent first, equals
    in alphabetical order.

    Raises:
        ValueError: `min_count` is below 1, or no word is frequent enough.
    """
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, got {min_count}")
    counts = Counter(word for words in texts for word in words)
    kept = [word for word, count in counts.items() if count >= min_count and word != UNKNOWN]
    if not kept:
        raise ValueError(f"no word occurs {min_count} times; take a smaller min_count")
    return (UNKNOWN, *sorted(kept, key=lambda word: (-counts[word], word)))


def read_labelled(path: Path) -> tuple[tuple[Words, ...], NDArray[np.int64]]:
    """Read a file with one review a line, `text<TAB>label`, words separated by spaces, labels 0 and 1.

    Raises:
        MissingFileError, InvalidTextError: there is no such file, or it is empty or not UTF-8.
        InvalidLineError: a line that has not this form; the error names the file and the line, 1 first.
    """
    texts: list[Words] = []
    labels: list[int] = []
    for number, line in enumerate(read_utf8(path).removesuffix("\n").split("\n"), start=1):
        text, tab, label = line.rstrip("\r").partition("\t")
        if not tab:
            raise InvalidLineError(
                f"line {number} of {path} must be text<TAB>label, but has no tab: {line!r}"
            )
        if label not in ("0", "1"):
            raise InvalidLineError(
                f"line {number} of {path} must end in a tab and the label 0 or 1, got {label!r}"
            )
        if not text.split():
            raise InvalidLineError(f"line {number} of {path} has a label but no words")
        texts.append(tuple(text.split()))
        labels.append(int(label))
    return tuple(texts), np.array(labels, np.int64)


def sst2(card: Card, folder: Path, hashes: Mapping[str, str], *, min_count: int = 2) -> Reviews:
    """Return SST-2; words that occur fewer than `min_count` times in its training part are `<unk>`.

    Raises:
        WrongCountError: the files do not have the numbers of sentences (or, by default, words) of the card.
        ValueError: `min_count` is below 1.
    """
    read = {split: read_labelled(folder / file) for split, file in zip(SPLITS, card.files)}
    vocabulary = frequent_words(read["train"][0], min_count)
    known = frozenset(vocabulary)
    splits = {
        split: _split([tuple(w if w in known else UNKNOWN for w in words) for words in texts], labels, texts)
        for split, (texts, labels) in read.items()
    }
    # The card counts the words that its own default keeps.
    types = len(vocabulary) if min_count == 2 else card.types
    return _counted(Reviews(card.name, vocabulary, **splits, card=card, hashes=dict(hashes)), types)


def generated_reviews(
    card: Card, *, train: int = 4000, valid: int = 1000, test: int = 1000, seed: int = 0
) -> Reviews:
    """Return generated reviews, each split drawn from its own stream, none in two splits.

    The vocabulary is every word that the grammar can write, seen or not.

    Raises:
        ValueError: a number of reviews is odd or below 2, or `seed` is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    splits, hashes, before = {}, {}, set()
    for split, count in zip(SPLITS, (train, valid, test)):
        drawn = draw_reviews(count, stream_seed(seed, f"reviews {split}"), without=before)
        before |= {review.words for review in drawn}
        texts = tuple(review.words for review in drawn)
        splits[split] = _split(texts, np.array([review.label for review in drawn], np.int64), texts)
        specification = f"reviews(train={train}, valid={valid}, test={test}, seed={seed})/{split}"
        hashes[specification] = hashlib.sha256(as_lines(drawn)).hexdigest()
    vocabulary = tuple(word for words in truth().classes.values() for word in words)
    return Reviews(card.name, vocabulary, **splits, card=card, hashes=hashes, truth=truth())


def as_lines(reviews: Iterable[Review]) -> bytes:
    """Return reviews in the form that `read_labelled` reads."""
    return "".join(f"{review}\t{review.label}\n" for review in reviews).encode("ascii")


def _split(words: Iterable[Words], labels: NDArray[np.int64], original: tuple[Words, ...]) -> ReviewSplit:
    labels.setflags(write=False)
    return ReviewSplit(tuple(words), labels, original)


def _counted(reviews: Reviews, types: int) -> Reviews:
    """Return `reviews` if its sizes are those of its card."""
    found = {split: len(getattr(reviews, split)) for split in SPLITS}
    expected = dict(reviews.card.counts)
    if found != expected or types != reviews.card.types:
        raise WrongCountError(
            f"{reviews.name} must have {expected} sentences and {reviews.card.types} words, got {found} and "
            f"{types}; this is a fault of hsrnn or of its card, the files' hashes being right"
        )
    return reviews
