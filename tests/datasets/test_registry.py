"""Where `load` looks and in which order, and what list, get and check say."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from hsrnn import datasets
from hsrnn.datasets import registry
from hsrnn.datasets.cards import Card, Download

TEXT = b"all work and no play " * 100


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, server) -> Card:
    """The card of text8-prefix with a text of 2,100 bytes that the local server offers."""
    server.pages["/text8"] = TEXT + b"and so on"
    card = dataclasses.replace(
        datasets.read_card("text8-prefix"),
        files={"text8.prefix": hashlib.sha256(TEXT).hexdigest()},
        sizes={"text8.prefix": len(TEXT)},
        counts={"train": 1890, "valid": 105, "test": 105},
        types=len(set(TEXT)),
        sources=((Download(server.address + "/text8", "plain", {"text8.prefix": ""}, prefix=True),),),
    )
    monkeypatch.setattr(registry, "read_card", lambda name: card)
    return card


def own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes = TEXT) -> Path:
    path = tmp_path / "own" / "text8" / "text8.prefix"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "own"))
    return path


def whole_text(corpus: datasets.Corpus) -> bytes:
    codes = np.concatenate([corpus.train, corpus.valid, corpus.test])
    return corpus.vocabulary.decode(codes).encode("latin-1")


def test_load_fetches_once_and_then_finds_the_cache(tiny, server, cache):
    corpus = datasets.load("text8-prefix")
    assert whole_text(corpus) == TEXT
    assert corpus.hashes == {"text8.prefix": hashlib.sha256(TEXT).hexdigest()}
    assert whole_text(datasets.load("text8-prefix")) == TEXT
    assert datasets.fetch("text8-prefix") == cache / "text8"
    assert server.requests == ["/text8"]
    report = datasets.check("text8-prefix")
    assert (
        report.ok and report.place == "cache" and report.counts == tiny.counts and report.types == tiny.types
    )


def test_hsrnn_data_comes_before_the_cache(tiny, server, cache, tmp_path, monkeypatch):
    (cache / "text8").mkdir(parents=True)
    (cache / "text8" / "text8.prefix").write_bytes(b"wrong")
    own_copy(tmp_path, monkeypatch)
    assert whole_text(datasets.load("text8-prefix")) == TEXT
    assert datasets.check("text8-prefix").place == "HSRNN_DATA"
    assert server.requests == []


def test_a_wrong_file_in_the_cache_is_set_aside_and_fetched_anew(tiny, server, cache):
    folder = cache / "text8"
    folder.mkdir(parents=True)
    (folder / "text8.prefix").write_bytes(TEXT[:-1])
    with pytest.raises(
        datasets.WrongHashError, match=r"2,099 bytes, expected 2,100\); it is set aside as .*\.bad"
    ):
        datasets.load("text8-prefix")
    assert (folder / "text8.prefix.bad").read_bytes() == TEXT[:-1]
    assert not (folder / "text8.prefix").exists()
    assert whole_text(datasets.load("text8-prefix")) == TEXT


def test_a_wrong_file_in_hsrnn_data_is_left_alone(tiny, server, cache, tmp_path, monkeypatch):
    path = own_copy(tmp_path, monkeypatch, b"other")
    with pytest.raises(datasets.WrongHashError, match="replace it with the file from http"):
        datasets.load("text8-prefix")
    report = datasets.check("text8-prefix")
    assert not report.ok and report.place == "HSRNN_DATA" and "must have SHA-256" in report.problems[0]
    assert [entry.name for entry in path.parent.iterdir()] == ["text8.prefix"]
    assert path.read_bytes() == b"other"
    assert server.requests == [] and not cache.exists()


def test_a_count_that_differs_from_the_card_is_an_error(tiny, cache, monkeypatch):
    monkeypatch.setattr(registry, "read_card", lambda name: dataclasses.replace(tiny, types=27))
    with pytest.raises(datasets.WrongCountError, match="of 27 types, got .* of 11"):
        datasets.load("text8-prefix")


def test_hsrnn_data_that_is_not_a_folder(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "typing-error"))
    with pytest.raises(datasets.MissingFileError, match="HSRNN_DATA must name an existing folder"):
        datasets.load("ptb")


def test_part_of_a_data_set_is_not_enough(cache, tmp_path, monkeypatch):
    (tmp_path / "ptb").mkdir()
    (tmp_path / "ptb" / "ptb.train.txt").write_bytes(b"x")
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path))
    with pytest.raises(datasets.MissingFileError, match="without ptb.valid.txt, ptb.test.txt"):
        datasets.load("ptb")


def test_available_lists_every_name(tiny, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "read_card", datasets.read_card)
    (cache / "text8").mkdir(parents=True)
    (cache / "text8" / "text8").write_bytes(b"not read")
    own_copy(tmp_path, monkeypatch)
    found = {entry.name: entry.place for entry in datasets.available()}
    assert found == {
        "generated": "embedded",
        "ptb": "not here",
        "text8": "cache",
        "enwik8": "not here",
        "text8-prefix": "HSRNN_DATA",
        "enwik8-prefix": "not here",
        "strokes": "embedded",
        "iam-ondb": "not here",
        "reviews": "embedded",
        "sst2": "not here",
        "digits": "embedded",
        "mnist": "not here",
        "fashion-mnist": "not here",
        "cifar10": "not here",
        "cifar10-jpg": "not here",
        "scenes": "embedded",
        "figures": "embedded",
        "ccp": "not here",
    }


def test_available_tells_of_a_wrong_hsrnn_data_and_goes_on(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "typing-error"))
    found = {entry.name: entry for entry in datasets.available()}
    title = datasets.read_card("generated").title
    assert found["generated"] == datasets.Availability("generated", title, "embedded", None, 1_000_000)
    assert found["ptb"].place == "not here" and "must name an existing folder" in found["ptb"].problem


def test_check_of_what_is_not_here_says_how_to_get_it(cache):
    report = datasets.check("enwik8")
    problem = "enwik8 is not on this machine; get it with: hsrnn data get enwik8"
    assert report == datasets.CheckReport("enwik8", "not here", {}, {}, 0, (problem,))
    assert not report.ok


def test_the_default_corpus_needs_no_file_and_has_the_bytes_of_its_card(cache):
    report = datasets.check("generated")
    assert report.ok, report.problems
    assert report.counts == {"train": 900_000, "valid": 50_000, "test": 50_000} and report.types == 28
    assert datasets.fetch("generated") is None
    assert not cache.exists()


def test_the_default_handwriting_needs_no_file_and_has_the_bytes_of_its_card(cache):
    report = datasets.check("strokes")
    assert report.ok, report.problems
    assert report.counts == {"train": 1800, "valid": 100, "test": 100} and report.unit == "lines"
    assert datasets.fetch("strokes") is None
    assert not cache.exists()


def test_the_default_reviews_need_no_file_and_have_the_bytes_of_their_card(cache):
    report = datasets.check("reviews")
    assert report.ok, report.problems
    assert report.counts == {"train": 4000, "valid": 1000, "test": 1000} and report.unit == "reviews"
    assert report.types == len(datasets.load("reviews").vocabulary)
    assert datasets.fetch("reviews") is None
    assert not cache.exists()


def test_a_changed_generator_would_be_noticed(cache, monkeypatch):
    card = datasets.read_card("generated")
    spoilt = dataclasses.replace(card, files={name: "0" * 64 for name in card.files})
    monkeypatch.setattr(registry, "read_card", lambda name: spoilt)
    report = datasets.check("generated")
    assert len(report.problems) == 3 and "must have SHA-256 000" in report.problems[0]


@pytest.mark.parametrize("spaces", [True, False])
def test_a_generated_corpus(spaces):
    corpus = datasets.load("generated", length=20_000, seed=5, spaces=spaces)
    sizes = {"train": 18_000, "valid": 1_000, "test": 1_000}
    assert {split: len(getattr(corpus, split)) for split in sizes} == sizes
    assert len(corpus.vocabulary) == (28 if spaces else 27)
    for split in sizes:
        codes, ends = getattr(corpus, split), corpus.boundaries[split]
        assert all(
            ends[level].shape == codes.shape and ends[level].any() for level in ("word", "phrase", "sentence")
        )
        assert not codes.flags.writeable
        text = corpus.vocabulary.decode(codes)
        key = f"generated(length=20000, seed=5, spaces={spaces})/{split}"
        assert corpus.hashes[key] == hashlib.sha256(text.encode()).hexdigest()
        assert 0.9 < corpus.floor[split] < 1.6
    assert len(set(corpus.hashes.values())) == 3
    other = datasets.load("generated", length=20_000, seed=6, spaces=spaces)
    assert not np.array_equal(other.train, corpus.train)


def test_bad_options_of_the_generated_corpus():
    with pytest.raises(datasets.TooFewSymbolsError, match="at least 20 characters .* got 19"):
        datasets.load("generated", length=19)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        datasets.load("generated", seed=-1)
    with pytest.raises(TypeError, match=r"load\('ptb'\) takes no options, got length.*strokes, re"):
        datasets.load("ptb", length=5)
    with pytest.raises(TypeError, match=r"load\('sst2'\) takes min_count, got seed"):
        datasets.load("sst2", seed=5)
    with pytest.raises(datasets.UnknownDatasetError, match="got 'pbt'"):
        datasets.load("pbt")
