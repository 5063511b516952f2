"""Merges takes what fits, says what does not, and draws the same levels without JavaScript."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.evolving import from_map
from hsrnn.experiments.evolving_figure import level_maps, picture_data
from hsrnn.figures import Merges
from hsrnn.figures.merges import log_odds, region_edges, run_lengths
from hsrnn.figures.style import CATEGORIES

from .merges_figures import COUNTS, network, output, pictures, small_merges

REGIONS = np.array([[0, 0, 1], [2, 2, 1]])


def given(**changes: Any) -> dict[str, Any]:
    """Return a picture of three regions, of which the first two merge."""
    picture = {
        "image": np.zeros((2, 3, 3), np.uint8), "regions": REGIONS, "groups": [np.array([0, 0, 1])],
        "probabilities": [np.array([0.9, 0.5, 0.0])], "parts": [1, 0, 1], "labels": REGIONS - 1,
        "proposals": [[{"edges": [1], "accepted": False}, {"edges": [0], "accepted": True}]],
    }  # fmt: skip
    return picture | changes


def test_a_picture_travels_in_few_characters() -> None:
    figure = Merges.from_pictures({"cup": given()}, classes=("table", "cup"), state={"level": 1})
    (cup,) = figure.data["pictures"]
    assert base64.b64decode(cup["pixels"]) == bytes(18) and (cup["width"], cup["height"]) == (3, 2)
    assert cup["regions"] == [0, 2, 1, 1, 2, 2, 1, 1] and cup["labels"] == [-1, 2, 0, 1, 1, 2, 0, 1]
    assert cup["log_odds"] == [[2.197, 0.0, -13.816]] and cup["groups"] == [[0, 0, 1]]
    assert figure.data["colours"] == [*CATEGORIES[:2]]
    assert figure.state["level"] == 1 and figure.state["kind"] == "network"
    assert figure.alt.startswith("cup. Regions by level. superpixels: 3 regions")
    assert "level 1: 2 regions, the largest 67 % of all" in figure.alt
    assert len(json.dumps(small_merges().data)) < 30_000


def test_borders_runs_and_log_odds_against_plain_ways(plain_calls: None) -> None:
    random = np.random.default_rng(0)
    regions = random.integers(0, 9, (7, 5)).repeat(2, 1)
    regions.flat[:9] = range(9)
    assert region_edges(regions).T.tolist() == from_map(regions).graph.edges.tolist()
    assert region_edges(np.zeros((3, 3), int)).shape == (0, 2)
    runs = run_lengths(regions)
    assert np.repeat(runs[::2], runs[1::2]).tolist() == regions.ravel().tolist()
    p = random.random(50)
    np.testing.assert_allclose(log_odds(p), torch.logit(torch.from_numpy(p)), atol=5e-4)
    assert np.isfinite(log_odds([0, 1])).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": np.zeros((2, 3, 3))}, r"cup: image must be \(height, width, 3\) uint8"),
        ({"regions": REGIONS + 1}, r"cup: regions must be \(2, 3\) numbers from 0 on without a gap"),
        ({"regions": REGIONS.T}, r"got \(3, 2\)"),
        ({"groups": [np.array([0, 2, 2])]}, r"groups\[0\] must be \(3,\) numbers from 0 on without a gap"),
        ({"groups": []}, "groups, probabilities and proposals must be one a level"),
        ({"probabilities": [np.array([0.9, 0.5])]}, r"probabilities\[0\] must be 3 numbers in \[0, 1\]"),
        ({"probabilities": [np.array([0.9, 0.5, 1.5])]}, r"probabilities\[0\] must be 3 numbers"),
        ({"proposals": [[{"edges": [3], "accepted": True}]]}, "must choose among edges 0 to 2"),
        ({"parts": [1, 0]}, r"parts must be \(3,\) classes of 0 to 1, got shape \(2,\)"),
        ({"labels": REGIONS}, r"labels must be \(2, 3\) classes of -1 to 1, got shape \(2, 3\), 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Merges.from_pictures({"cup": given(**changes)}, classes=("table", "cup"))


def test_no_picture_and_an_unknown_reading_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one, got none"):
        Merges.from_pictures({})
    with pytest.raises(ValueError, match="normalised, inverse, product, always, got 'swendsen-wang'"):
        Merges.from_pictures({"cup": given()}, acceptance="swendsen-wang")


def test_the_network_fills_the_figure() -> None:
    found = output("a figure")
    maps = level_maps(found)
    assert list(maps) == ["superpixels", "level 1", "level 2", "level 3"]
    assert [len(np.unique(each)) for each in maps.values()] == [g.nodes for g in found.hierarchy.graphs]
    data = picture_data(found, pictures()["a figure"]["image"], words="by chance")
    assert data["words"] == "by chance" and data["labels"] is None
    assert len(data["parts"]) == found.hierarchy.graphs[0].nodes
    assert small_merges().data["acceptance"] == network().config.rule.acceptance
    assert [each["name"] for each in small_merges().data["pictures"]] == list(COUNTS)
    both = torch.cat([found.parts.map, found.parts.map])
    two = replace(found, parts=replace(found.parts, map=both))
    with pytest.raises(ValueError, match="output must be of 1 picture, got 2; parse them apart"):
        picture_data(two, pictures()["a figure"]["image"])
