"""The real files, where they are: exact counts, exact content, and no byte lost on the way."""

from __future__ import annotations

import collections
import os
from pathlib import Path

import numpy as np
import pytest

from hsrnn import datasets


def folder(name: str) -> Path:
    return Path(os.environ["HSRNN_DATA"]) / name


@pytest.mark.needs_data("ptb")
def test_penn_treebank_in_the_eos_form():
    corpus = datasets.load("ptb")
    assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (5_017_482, 393_042, 442_423)
    assert len(corpus.vocabulary) == 50 and corpus.train.dtype == np.uint8
    end = corpus.vocabulary.symbols.index("\n")
    lines = [int(np.sum(codes == end)) for codes in (corpus.train, corpus.valid, corpus.test)]
    assert lines == [42_068, 3_370, 3_761]
    assert len(np.unique(corpus.test)) == 48
    for split in ("train", "valid", "test"):
        text = corpus.vocabulary.decode(getattr(corpus, split))
        original = (folder("ptb") / f"ptb.{split}.txt").read_text(encoding="ascii")
        assert text == "".join(line.strip() + "\n" for line in original.splitlines())
    assert datasets.check("ptb").ok


@pytest.mark.needs_data("ptb")
def test_penn_treebank_rows():
    corpus = datasets.load("ptb")
    rows = datasets.ContiguousRows(corpus.train, rows=64, length=100)
    assert (len(rows), rows.remainder, rows[-1][0].shape) == (784, 9, (64, 98))


@pytest.mark.needs_data("text8-prefix")
def test_the_beginning_of_text8():
    corpus = datasets.load("text8-prefix")
    assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (2_709_264, 150_514, 150_516)
    assert corpus.vocabulary.symbols == tuple(" abcdefghijklmnopqrstuvwxyz")
    codes = np.concatenate([corpus.train, corpus.valid, corpus.test])
    assert corpus.vocabulary.decode(codes).encode("ascii") == (folder("text8") / "text8.prefix").read_bytes()


@pytest.mark.needs_data("enwik8-prefix")
def test_the_beginning_of_enwik8_is_read_as_bytes():
    corpus = datasets.load("enwik8-prefix")
    assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (3_738_959, 207_719, 207_721)
    assert len(corpus.vocabulary) == 200
    codes = np.concatenate([corpus.train, corpus.valid, corpus.test])
    assert (
        corpus.vocabulary.decode(codes).encode("latin-1") == (folder("enwik8") / "enwik8.prefix").read_bytes()
    )


@pytest.mark.needs_data("text8-prefix")
def test_text8_as_a_file_of_ones_own_is_the_same_text():
    own = datasets.load_text(folder("text8") / "text8.prefix")
    np.testing.assert_array_equal(own.test, datasets.load("text8-prefix").test)


@pytest.mark.needs_data("iam-ondb")
def test_iam_ondb_has_the_papers_lines(plain_calls: None):
    strokes = datasets.load("iam-ondb")
    lengths = [len(line) + 1 for split in ("train", "valid", "test") for line in getattr(strokes, split)]
    # Chung, Ahn and Bengio (2017): 10,465 + 581 + 582 lines of at least 300 points, 648 on average.
    assert len(lengths) == 10_465 + 581 + 582 and round(sum(lengths) / len(lengths)) == 648
    assert (min(lengths), strokes.short, strokes.skipped) == (300, 567, {})
    assert [len(strokes.train), len(strokes.valid), len(strokes.test)] == [10_460, 586, 582]
    forms = [{name[:-3] for name in strokes.names[split]} for split in ("train", "valid", "test")]
    assert not forms[0] & forms[1] and not forms[0] & forms[2] and not forms[1] & forms[2]
    every = np.concatenate(strokes.train).astype(np.float64)
    np.testing.assert_allclose(every[:, :2].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(every[:, :2].std(0), 1, atol=1e-4)
    assert datasets.check("iam-ondb").ok


@pytest.mark.needs_data("sst2")
def test_sst2():
    reviews = datasets.load("sst2")
    assert (len(reviews.train), len(reviews.valid), len(reviews.test)) == (6_920, 872, 1_821)
    assert int(reviews.train.labels.sum()) == 3_610
    assert max(map(len, reviews.train.words)) == 51
    assert round(np.mean(list(map(len, reviews.train.words)))) == 19
    counted = collections.Counter(word for words in reviews.train.original for word in words)
    assert set(reviews.vocabulary[1:]) == {word for word, count in counted.items() if count > 1}
    for split, file in (("train", "train"), ("valid", "dev"), ("test", "test")):
        own, known = getattr(reviews, split), set(reviews.vocabulary)
        lines = [f"{' '.join(w)}\t{label}" for w, label in zip(own.original, own.labels)]
        assert lines == (folder("sst2") / f"{file}.tsv").read_text(encoding="ascii").split("\n")
        assert all(
            (kept == word) if word in known else (kept == datasets.UNKNOWN)
            for words, original in zip(own.words, own.original)
            for kept, word in zip(words, original, strict=True)
        )
    assert len(datasets.load("sst2", min_count=3).vocabulary) < len(reviews.vocabulary) == reviews.card.types
    assert datasets.check("sst2").ok and reviews.truth is None


@pytest.mark.needs_data("mnist")
def test_mnist():
    pictures = datasets.load("mnist")
    assert [len(part) for part in (pictures.train, pictures.valid, pictures.test)] == [55_000, 5_000, 10_000]
    assert np.bincount(pictures.valid.labels).tolist() == [500] * 10
    assert np.bincount(pictures.test.labels).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    every = np.concatenate([pictures.train.images, pictures.valid.images]) / 255
    assert (round(every.mean(), 4), round(every.std(), 4)) == (0.1307, 0.3081)
