"""The polynomial and the embedding that the page computes are those of PyTorch: logits, orders, regions,
straight levels, similarities; and the pencil leaves the ink that it should."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsrnn import coarse
from hsrnn.experiments.coarse_figure import folded, rounded_embedder, taylor_orders_figure
from hsrnn.figures.pencil import DIGITS, pencil_drawing
from hsrnn.figures.weights import pack, unpack

from .conftest import RunNode
from .taylor_figures import SCALE, drawings, random_distiller, random_net

pytestmark = pytest.mark.needs_node

SPLIT = """
import { decodeWeights } from "@static/hmlstm.js";
import { buildTaylorNet, logits, orders, split } from "@static/taylor_series.js";
const net = buildTaylorNet(decodeWeights(data.weights), data);
console.log(JSON.stringify(data.pictures.map((pixels) => {
  const parts = split(net, pixels, 28, data.straight);
  return {
    orders: orders(parts).map((row) => [...row]),
    logits: [...logits(orders(parts))],
    regions: data.regions.map((out) => orders(parts, out).map((row) => [...row])),
    without: [...logits(orders(parts, data.regions[0]), [2, 5])],
    single: parts.parts.map((sites) => sites.map((site) => [...site])),
  };
})));
"""


def exact(net: coarse.TaylorNet) -> coarse.TaylorNet:
    """Return the network in double precision."""
    made = coarse.TaylorNet(net.config).double()
    made.load_state_dict(net.state_dict())
    return made.eval().requires_grad_(False)


def mask(out: list[int]) -> torch.Tensor:
    """Return where a sheet is not blank when some of its 4 x 4 regions are: 8 pixels, or 6 at the border."""
    place = (torch.arange(28) + 2) // 8
    return ~torch.isin(4 * place[:, None] + place, torch.tensor(out, dtype=torch.long))


@pytest.mark.parametrize(("norm", "form"), [("scale", "full"), ("batch", "full"), ("none", "cp")])
def test_orders_and_regions_are_pytorchs(run_node: RunNode, norm: str, form: str) -> None:
    net, pictures, regions = random_net(norm, form), drawings(4) / SCALE, [[0, 5, 10], [3], []]
    data = {
        "weights": pack(folded(net), 32), "block": 2, "lattice": 32, "straight": [], "regions": regions,
        "pictures": pictures.reshape(4, -1).tolist(),
    }  # fmt: skip
    net, sheets = exact(net), torch.from_numpy(pictures)[:, None]
    whole, logits = coarse.orders(net, sheets).numpy(), net(sheets).numpy()
    size = np.abs(whole).max()
    close = {"rtol": 0, "atol": 1e-6 * size}  # weights travel as float32, folded with their scales
    for number, found in enumerate(run_node(SPLIT, data)):
        np.testing.assert_allclose(found["orders"], whole[number], **close)
        np.testing.assert_allclose(found["logits"], logits[number], **close)
        for out, rows in zip(regions, found["regions"], strict=True):
            inside = coarse.orders(net, sheets[number : number + 1], region=mask(out))[0].numpy()
            np.testing.assert_allclose(rows, inside, **close)
        blank = coarse.orders(net, sheets[number : number + 1] * mask(regions[0]))[0].numpy()
        np.testing.assert_allclose(found["without"], np.delete(blank, [2, 5], 0).sum(0), **close)
        # Each part by itself: one region of ink on an otherwise blank sheet.
        for r in (0, 6, 9):
            alone = coarse.orders(net, sheets[number : number + 1], region=~mask([r]))[0].numpy()
            np.testing.assert_allclose(np.array(found["single"])[1:, r], alone[1:], **close)
    assert np.abs(whole[:, 8]).max() > 1e-3 * size and not np.allclose(logits[0], logits[1])


@pytest.mark.parametrize("straight", [[0], [1, 2]])
def test_straight_levels_are_pytorchs(run_node: RunNode, straight: list[int]) -> None:
    net, pictures = random_net(), drawings(2) / SCALE
    data = {
        "weights": pack(folded(net), 32), "block": 2, "lattice": 32, "straight": straight, "regions": [[]],
        "pictures": pictures.reshape(2, -1).tolist(),
    }  # fmt: skip
    net = exact(net)
    for level in straight:
        net = coarse.straighten(net, level)
    expected = coarse.orders(net, torch.from_numpy(pictures)[:, None]).numpy()
    degree = 2 ** (3 - len(straight))
    for found, own in zip(run_node(SPLIT, data), expected, strict=True):
        assert len(found["orders"]) == degree + 1 and np.abs(own[degree + 1 :]).max() < 1e-12
        np.testing.assert_allclose(found["orders"], own[: degree + 1], rtol=0, atol=1e-6 * np.abs(own).max())


@pytest.mark.parametrize("bits", [8, 32])
def test_similarities_are_the_distillers(run_node: RunNode, bits: int) -> None:
    distiller, pictures = random_distiller(), drawings(3)
    data = taylor_orders_figure(random_net(), SCALE, distiller, eye_bits=bits).data["looking"]
    source = """
import { decodeWeights } from "@static/hmlstm.js";
import { buildEmbedder, embed, likest } from "@static/embedding.js";
const net = buildEmbedder(decodeWeights(data.weights), data);
console.log(JSON.stringify(data.drawings.map((pixels) => {
  const vector = embed(net, pixels, 28);
  return [[...vector], data.levels.map(({ count, vectors }) =>
    likest(vector, decodeWeights(vectors).vectors.values, count))];
})));
"""
    answer = run_node(source, data | {"drawings": pictures.reshape(3, -1).tolist()})
    _, distiller.embedder_ = rounded_embedder(distiller.embedder_, bits)
    sheets = pictures[:, None].astype(np.float32)
    expected = coarse.embedded(distiller.embedder_, torch.from_numpy(sheets)).numpy()
    for number, (vector, levels) in enumerate(answer):
        np.testing.assert_allclose(vector, expected[number], rtol=0, atol=1e-5)
        for level, found in enumerate(levels):
            cosines = distiller.decision_function(sheets[number : number + 1], level)[0]
            np.testing.assert_allclose([one["cosine"] for one in found], cosines, rtol=0, atol=1e-4)
            known = coarse.embedded(
                distiller.embedder_, torch.from_numpy(distiller.references_[level]).flatten(0, 1)
            )
            likest = (known @ torch.from_numpy(expected[number])).view(10, -1).argmax(1)
            assert [one["best"] for one in found] == likest.tolist()
    assert np.ptp(expected, 0).max() > 0.05  # the drawings do not all look alike to the net


def test_weights_with_their_scales_folded_in_are_those_of_the_levels() -> None:
    """Row by row: the page's coefficients against single blocks sent through the level."""
    net = random_net("batch")
    weights = unpack(pack(folded(net), 32))
    for number, level in enumerate(net.levels):
        generator = torch.Generator().manual_seed(number)
        maps = torch.randn(1, 2, 2, level.steps[0].in_channels, generator=generator)
        u, (i, j) = maps.flatten().numpy(), np.triu_indices(maps.numel())
        found = weights[f"level.{number}.bias"] + u @ weights[f"level.{number}.linear"]
        found = found + (u[i] * u[j]) @ weights[f"level.{number}.pairs"]
        np.testing.assert_allclose(found, level(maps).flatten().numpy(), rtol=1e-4, atol=1e-5)


def test_the_pencil_the_rubber_and_centring(run_node: RunNode) -> None:
    source = """
import { centred, pixelsOf, textOf, withLine } from "@static/drawing_pad.js";
const blank = "0".repeat(28 * 28);
const line = withLine(blank, 28, [5.5, 4.5], [9.5, 4.5]);
const rubbed = withLine(line, 28, [7.5, 4.5], [7.5, 4.5], true);
console.log(JSON.stringify({
  line: pixelsOf(line), rubbed: pixelsOf(rubbed), centred: pixelsOf(centred(line, 28)),
  same: centred(blank, 28) === blank && textOf(pixelsOf(line)) === line,
}));
"""
    found = run_node(source, None)
    line, rubbed, moved = (np.reshape(found[name], (28, 28)) for name in ("line", "rubbed", "centred"))
    assert found["same"] and (line[4, 5:10] == 1).all()
    for row in (3, 5):  # one pixel beside the line half of the ink is left, two pixels beside it none
        np.testing.assert_allclose(line[row, 5:10], 0.5, atol=1 / 15)
    assert line[:3].max() == line[6:].max() == 0 and line[4, 4] == pytest.approx(0.5, abs=1 / 15)
    assert rubbed[3:6, 6:9].max() <= 0.5 and rubbed[4, 7] == 0 and rubbed[4, 5] > 0
    assert (rubbed <= line).all() and rubbed.sum() < line.sum()
    assert moved.sum() == pytest.approx(line.sum())
    centre = [(moved.sum(1 - axis) * np.arange(28)).sum() / moved.sum() for axis in (0, 1)]
    np.testing.assert_allclose(centre, 13.5, atol=0.5)


def test_digits_of_the_package_are_drawn_with_the_pencil_of_the_page(run_node: RunNode) -> None:
    source = """
import { pixelsOf, withLine } from "@static/drawing_pad.js";
console.log(JSON.stringify(data.map((strokes) => pixelsOf(strokes.reduce((sheet, points) =>
  points.slice(1).reduce((text, to, k) => withLine(text, 28, points[k], to), sheet), "0".repeat(784))))));
"""
    for found, strokes in zip(run_node(source, DIGITS), DIGITS, strict=True):
        np.testing.assert_allclose(np.reshape(found, (28, 28)), pencil_drawing(strokes), atol=0.5 / 15 + 1e-9)
    with pytest.raises(ValueError, match="a stroke must have at least two points"):
        pencil_drawing([[(1, 1)]])
