"""Labelled sentences: the vocabulary, files good and damaged, SST-2's counts, and the generated reviews."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from hsrnn import datasets
from hsrnn.datasets import Reviews, ReviewSplit, registry
from hsrnn.datasets.labelled import as_lines

FILES = {
    "train.tsv": "a fine film\t1\na poor film\t0\nfine , fine\t1\npoor thing\t0",
    "dev.tsv": "fine thing\t1\npoor plot\t0\n",
    "test.tsv": "a plot\t0\r\n",
}


@pytest.fixture
def sst2(cache, tmp_path, monkeypatch):
    """Return a function that writes files as HSRNN_DATA/sst2 with a card that fits them, changed as told."""

    def write(files=FILES, **changes):
        folder = tmp_path / "own" / "sst2"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_bytes(text.encode())
        card = dataclasses.replace(
            datasets.read_card("sst2"),
            files={name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
            counts={"train": 4, "valid": 2, "test": 1},
            types=5,
        )
        monkeypatch.setattr(registry, "read_card", lambda name: dataclasses.replace(card, **changes))
        monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "own"))
        return folder

    return write


def test_a_small_sst2(sst2):
    sst2()
    reviews = datasets.load("sst2")
    assert isinstance(reviews, Reviews) and isinstance(reviews.train, ReviewSplit)
    assert reviews.vocabulary == ("<unk>", "fine", "a", "film", "poor")
    assert reviews.train.words[3] == ("poor", "<unk>") and reviews.train.original[3] == ("poor", "thing")
    assert reviews.valid.words == (("fine", "<unk>"), ("poor", "<unk>"))
    assert reviews.test.words == (("a", "<unk>"),) and reviews.test.labels.tolist() == [0]
    assert reviews.train.labels.tolist() == [1, 0, 1, 0] and not reviews.train.labels.flags.writeable
    assert reviews.hashes == reviews.card.files and reviews.truth is None
    assert repr(reviews) == "Reviews('sst2', 5 words, train 4, valid 2, test 1)"
    assert reviews.known("a new film".split()) == ("a", "<unk>", "film")
    report = datasets.check("sst2")
    assert report.ok and report.unit == "reviews" and report.counts == {"train": 4, "valid": 2, "test": 1}
    assert len(datasets.load("sst2", min_count=1).vocabulary) == 7 == len({*reviews.vocabulary, ",", "thing"})
    with pytest.raises(ValueError, match="min_count must be at least 1, got 0"):
        datasets.load("sst2", min_count=0)
    with pytest.raises(ValueError, match="no word occurs 9 times; take a smaller min_count"):
        datasets.load("sst2", min_count=9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fine\t1\npoor 0\n", "line 2 of .*dev.tsv must be text<TAB>label, but has no tab: 'poor 0'"),
        ("fine\t1\npoor\t2\n", "line 2 of .*dev.tsv must end in a tab and the label 0 or 1, got '2'"),
        ("fine\tthing\t1\n", "line 1 of .* label 0 or 1, got 'thing.t1'"),
        ("fine\t1\n\t0\n", "line 2 of .*dev.tsv has a label but no words"),
        ("fine\t1\n\npoor\t0", "line 2 of .* has no tab: ''"),
    ],
)
def test_a_bad_line_is_named(sst2, text, message):
    folder = sst2(FILES | {"dev.tsv": text})
    with pytest.raises(datasets.InvalidLineError, match=message):
        datasets.load("sst2")
    with pytest.raises(datasets.InvalidLineError, match=message):
        datasets.read_labelled(folder / "dev.tsv")
    assert "line" in datasets.check("sst2").problems[0]


def test_a_damaged_or_missing_file(sst2):
    folder = sst2()
    (folder / "dev.tsv").write_bytes(b"fine\t1")
    with pytest.raises(datasets.WrongHashError, match="dev.tsv must have SHA-256"):
        datasets.load("sst2")
    (folder / "dev.tsv").unlink()
    with pytest.raises(datasets.MissingFileError, match="holds sst2 without dev.tsv"):
        datasets.load("sst2")
    sst2(FILES | {"dev.tsv": ""})
    with pytest.raises(datasets.InvalidTextError, match="dev.tsv is empty"):
        datasets.load("sst2")


def test_wrong_counts(sst2):
    sst2(counts={"train": 4, "valid": 3, "test": 1})
    with pytest.raises(datasets.WrongCountError, match="'valid': 3.* got .*'valid': 2"):
        datasets.load("sst2")
    sst2(types=6)
    with pytest.raises(datasets.WrongCountError, match="and 6 words, got .* and 5"):
        datasets.load("sst2")


def test_without_the_files_it_says_where_they_come_from(cache, monkeypatch):
    monkeypatch.setenv("HSRNN_OFFLINE", "1")
    with pytest.raises(datasets.OfflineError, match="sst2 is neither in HSRNN_DATA nor in the cache"):
        datasets.load("sst2")


def test_frequent_words_are_ordered():
    texts = ["b a a".split(), "c b a d".split(), ("<unk>",) * 9]
    assert datasets.frequent_words(texts, 1) == ("<unk>", "a", "b", "c", "d")
    assert datasets.frequent_words(texts, 2) == (datasets.UNKNOWN, "a", "b")


def test_generated_reviews(tmp_path):
    reviews = datasets.load("reviews", train=60, valid=20, test=20, seed=3)
    assert [len(part) for part in (reviews.train, reviews.valid, reviews.test)] == [60, 20, 20]
    texts = [words for part in (reviews.train, reviews.valid, reviews.test) for words in part.words]
    assert not set(reviews.train.words) & {*reviews.valid.words, *reviews.test.words}
    assert not set(reviews.valid.words) & set(reviews.test.words)
    assert {word for words in texts for word in words} <= set(reviews.vocabulary)
    assert reviews.truth is not None
    assert sorted(reviews.vocabulary) == sorted(w for own in reviews.truth.classes.values() for w in own)
    for part in (reviews.train, reviews.valid, reviews.test):
        assert part.words == part.original and part.labels.mean() == 0.5
        np.testing.assert_array_equal(part.labels, [reviews.truth.label(words) for words in part.words])
    # What is hashed is the form in which a file is read.
    path: Path = tmp_path / "own.tsv"
    drawn = [datasets.Review(w, int(n)) for w, n in zip(reviews.test.words, reviews.test.labels)]
    path.write_bytes(as_lines(drawn))
    texts, labels = datasets.read_labelled(path)
    assert texts == reviews.test.words and labels.tolist() == reviews.test.labels.tolist()
    key = "reviews(train=60, valid=20, test=20, seed=3)/test"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == reviews.hashes[key]
    assert datasets.load("reviews", train=60, valid=20, test=20, seed=4).train.words != reviews.train.words
    with pytest.raises(KeyError, match="'zebra' is not one of the .* words of reviews"):
        reviews.known(["zebra"])
    for options, message in (({"train": 5}, "even number"), ({"seed": -1}, "seed must not be negative")):
        with pytest.raises(ValueError, match=message):
            datasets.load("reviews", **options)
