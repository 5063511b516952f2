"""Every card is complete, and an odd one is an error."""

from __future__ import annotations

import json
import re

import pytest

from hsrnn.datasets import (
    NAMES,
    PARTS,
    PICTURES,
    REVIEWS,
    DatasetError,
    UnknownDatasetError,
    cards,
    read_card,
    shipped,
)

NOT_FETCHED = ("generated", "strokes", "iam-ondb", "reviews", "digits", "cifar10-jpg", "scenes", *PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_all_there_is_to_say(name):
    card = read_card(name)
    assert card.name == name
    assert all((card.title, card.source, card.licence, card.shape))
    assert set(card.counts) == {"train", "valid", "test"}
    assert card.unit in ("symbols", "reviews", "pictures", "lines", "scenes", "parts")
    assert card.types == 0 if card.unit in ("lines", "scenes") else card.types > 1
    assert (card.unit == "reviews") == (name in REVIEWS) and (card.unit == "pictures") == (name in PICTURES)
    assert (card.unit == "parts") == (name in PARTS)
    assert card.files and set(card.files) == set(card.sizes)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in card.files.values())
    assert sum(card.counts.values()) <= sum(card.sizes.values())


@pytest.mark.parametrize("name", [n for n in NAMES if n not in NOT_FETCHED])
def test_each_source_of_a_card_delivers_every_file(name):
    card = read_card(name)
    assert len(card.sources) >= 2, "an official source and a mirror"
    assert card.sources[0][0].url == card.source
    for source in card.sources:
        assert sorted(file for download in source for file in download.members) == sorted(card.files)
        for download in source:
            assert download.format == "plain" or download.unpacked_limit >= sum(card.sizes.values())
            assert re.fullmatch("|md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", download.hash)


@pytest.mark.parametrize("name", NOT_FETCHED)
def test_what_is_made_here_or_may_not_be_passed_on_has_no_source_to_fetch_from(name):
    assert read_card(name).sources == ()


@pytest.mark.parametrize("name", ["text8", "enwik8", "text8-prefix", "enwik8-prefix"])
def test_wikipedia_splits_are_proportional(name):
    card = read_card(name)
    (size,) = card.sizes.values()
    train, valid = size * 90 // 100, size * 5 // 100
    assert dict(card.counts) == {"train": train, "valid": valid, "test": size - train - valid}


def test_there_is_a_card_for_each_name_and_no_other():
    assert {path.stem for path in shipped("cards").glob("*.json")} == set(NAMES)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownDatasetError, match="one of generated, ptb, .* got 'pbt'"):
        read_card("pbt")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"name": "ptb"}', '{"colour": "red"}', '{"files": {"a": {}}}']
)
def test_a_spoilt_card_is_an_error(content, tmp_path, monkeypatch):
    (tmp_path / "ptb.json").write_text(content, encoding="utf-8")
    monkeypatch.setattr(cards, "shipped", lambda relative: tmp_path / "ptb.json")
    with pytest.raises(DatasetError, match="ptb.json is not a valid card"):
        read_card("ptb")


def test_cards_are_written_as_json_dumps_writes_them():
    for name in NAMES:
        text = shipped(f"cards/{name}.json").read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
