"""Files that ship with the project are found, and nothing outside `data/` is."""

from __future__ import annotations

import json
import sys

import pytest

from hsrnn.datasets import MissingFileError, shipped


def test_a_card_is_found():
    assert json.loads(shipped("cards/ptb.json").read_text(encoding="utf-8"))["types"] == 50


@pytest.mark.parametrize("relative", ["", "/etc/passwd", "../README.md", "cards/../../README.md"])
def test_paths_that_leave_data_are_refused(relative):
    with pytest.raises(ValueError, match="inside data/"):
        shipped(relative)


def test_an_installed_package_carries_its_own_data(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "hsrnn"
    (package / "data").mkdir(parents=True)
    (package / "data" / "note.txt").write_text("inside the wheel", encoding="utf-8")
    monkeypatch.setattr(sys.modules["hsrnn.datasets.shipped"], "PACKAGE", package)
    assert shipped("note.txt").read_text(encoding="utf-8") == "inside the wheel"


def test_what_does_not_ship_is_an_error():
    with pytest.raises(MissingFileError, match="data/cards/nothing.json does not ship"):
        shipped("cards/nothing.json")
