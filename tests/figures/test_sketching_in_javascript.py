"""The sketches that the page reads are those of the room: matrices from the seed, least squares, pictures."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn.figures.weights import pack, unpack
from hsrnn.sketches import Decoder, Family, Forest, Mechanism, Object, Sketcher, erase, least_squares, overall
from hsrnn.sketches import scene_tree as tree_of
from hsrnn.sketches.streams import stream

from .conftest import RunNode
from .sketch_figures import LAYOUT, MECHANISM, MOST, SIZES, network, scenes, weights

pytestmark = pytest.mark.needs_node
KEEPS = [(256, "prefix"), (170, "prefix"), (150, "random"), (120, "prefix"), (40, "random")]
DECODER = Decoder(Sketcher(MECHANISM, dtype=torch.float64))


@pytest.fixture(autouse=True)
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch run-time type checks off: small functions of the room are called many times here."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


READ = """
import { Reader, mapOf, stored } from "@static/sketch_reader.js";
import { keptCoordinates } from "@static/shake.js";
const map = mapOf(data);
const plain = (object) => JSON.parse(JSON.stringify(object, (_, x) => (ArrayBuffer.isView(x) ? [...x] : x)));
console.log(JSON.stringify(data.keeps.map(([keep, how]) => {
  const kept = keptCoordinates(keep, map.mechanism.dimension, how);
  const eye = new Reader(map, kept);
  const rows = data.sketches.map((row) => stored(Float64Array.from(row), data.bits));
  const question = eye.sum(data.digit, data.share, data.scenes);
  return plain({
    kept, noise: rows.map(({ noise }) => noise), values: rows.map(({ values }) => values),
    read: rows.map(({ values, noise }) => eye.read(values, noise)),
    answers: question && rows.map(({ values, noise }) => eye.answer(question, values, noise)),
    likeness: eye.likeness(rows[0].values, rows.map(({ values }) => values)),
  });
})));
"""


def test_shake_256_and_streams_are_those_of_the_room(run_node: RunNode) -> None:
    source = """
import { shake256, stream } from "@static/shake.js";
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
console.log(JSON.stringify([
  data.map((text) => hex(shake256(new TextEncoder().encode(text), 300))),
  hex(stream(7, "digit", "attributes", "round 1", 64)),
]));
"""
    texts = ["", "a", "b" * 135, "c" * 136, "d" * 137, "é" * 200]  # around one block of 136 bytes
    digests, bits = run_node(source, texts)
    assert digests == [hashlib.shake_256(text.encode()).hexdigest(300) for text in texts]
    assert bits == stream(7, "digit", "attributes", "round 1", 64).hex()


@pytest.mark.parametrize(
    "settings",
    [{}, {"object_factor": False, "transparency": 0.3, "attribute_weight": 0.2, "family": Family(rounds=1)}],
)
def test_columns_are_sketches_of_single_numbers(run_node: RunNode, settings: dict[str, Any]) -> None:
    mechanism = Mechanism({"edge": 2, "cat": 3}, dimension=64, seed=11, **settings)
    blank = {name: torch.zeros(size) for name, size in mechanism.modules.items()}
    cat = Object("cat", blank["cat"], (Object("edge", blank["edge"]), Object("edge", blank["edge"])))
    forest = Forest.of([overall([cat, Object("edge", blank["edge"])])])
    tree = {
        "module": "overall",
        "inputs": [{"module": "cat", "inputs": [{"module": "edge"}] * 2}, {"module": "edge"}],
    }
    source = """
import { columnsOf } from "@static/sketching.js";
console.log(JSON.stringify(columnsOf(data.mechanism, data.tree).map(({ module, columns }) =>
  [module, columns.map((column) => [...column])])));
"""
    answer = run_node(source, {"mechanism": json.loads(mechanism.to_json()), "tree": tree})
    assert [module for module, _ in answer] == ["edge", "edge", "cat", "edge"]
    sketcher, seen = Sketcher(mechanism, dtype=torch.float64), {"edge": 0, "cat": 0}
    for module, columns in answer:
        for j, column in enumerate(columns):
            vectors = {
                name: torch.zeros(len(forest.members[name]), size + 1, dtype=torch.float64)
                for name, size in mechanism.modules.items()
            }
            vectors[module][seen[module], j] = 1.0
            expected = sketcher.linear(forest, vectors)[0].numpy()
            np.testing.assert_allclose(column, expected, rtol=0, atol=1e-16)
        seen[module] += 1


@pytest.mark.parametrize(("bits", "keeps"), [(16, KEEPS), (8, KEEPS[2:3])])
def test_rooms_are_read_as_the_room_reads_them(run_node: RunNode, bits: int, keeps: list[Any]) -> None:
    """Count, attributes, errors and likeness for scenes of 1 to 4 digits, whatever is erased."""
    sketches = np.stack([scenes(count, 2, count)[1][0].numpy() for count in (3, 1, 2, 4)])
    if bits == 16:
        sketches = unpack(pack({"rows": sketches}, 16))["rows"].astype(float)
    data = {
        "mechanism": json.loads(MECHANISM.to_json()), "most": MOST, "strokes": 4, "keeps": keeps,
        "bits": bits, "sketches": sketches.tolist(), "digit": 3, "share": 0.7, "scenes": 24,
    }  # fmt: skip
    limit = {16: 32767, 8: 127}[bits]
    for (keep, how), found in zip(keeps, run_node(READ, data), strict=True):
        scale = np.abs(sketches).max(1) / limit
        rounded = sketches if bits == 16 else np.rint(sketches / scale[:, None]) * scale[:, None]
        np.testing.assert_allclose(found["values"], rounded, rtol=0, atol=1e-15)
        np.testing.assert_allclose(found["noise"], scale / 12**0.5, rtol=1e-12)
        left = erase(torch.from_numpy(rounded), keep, how)
        assert found["kept"] == left.kept.tolist()
        compare_likeness(found["likeness"], left)
        compare_sums(found["answers"], left, scale / 12**0.5)
        for row, read in enumerate(found["read"]):
            one = erase(torch.from_numpy(rounded[row : row + 1]), keep, how)
            compare_read(read, one, keep, scale[row] / 12**0.5)


def compare_likeness(found: dict[str, Any], left: Any) -> None:
    alike = DECODER.similarity(erase_one(left, 0), left)
    scale = alike.value[0, 0].sqrt() * alike.value.new_tensor([v.square().sum() for v in left.values]).sqrt()
    scale = scale / left.fraction**0.5
    np.testing.assert_allclose(found["cosines"], (alike.value[0] / scale).numpy(), rtol=1e-9)
    np.testing.assert_allclose(found["error"], (alike.error[0] / scale).numpy(), rtol=1e-9)


def erase_one(left: Any, row: int) -> Any:
    return type(left)(left.values[row : row + 1], left.kept, left.dimension)


def compare_read(read: dict[str, Any] | None, one: Any, keep: int, noise: float) -> None:
    """Every structure is solved by the room; the page takes the one that leaves least."""
    solved = {}
    for count in range(1, MOST + 1):
        unknowns = 4 + count * (14 + 12)
        if keep - unknowns >= 16:
            solution = least_squares(DECODER, one, tree_of(SIZES, count), noise=noise, method="dense")
            solved[count] = (float(solution.residual) / (keep - unknowns) ** 0.5, solution)
    if not solved:
        assert read is None
        return
    assert read is not None
    np.testing.assert_allclose(
        [fit["left"] for fit in read["fits"]], [left for left, _ in solved.values()], rtol=1e-6, atol=1e-12
    )
    count = min(solved, key=lambda each: solved[each][0])
    assert read["count"] == count
    values: dict[str, list[list[float]]] = {"digit": [], "stroke": [], "scene": []}
    errors: dict[str, list[float]] = {"digit": [], "stroke": [], "scene": []}
    for slot in read["slots"]:
        values[slot["module"]].append(slot["values"])
        errors[slot["module"]].append(slot["error"])
    for module, estimate in solved[count][1].attributes.items():
        np.testing.assert_allclose(values[module], estimate.value.numpy(), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(errors[module], estimate.error[:, 0].numpy(), rtol=1e-5)


@cache
def columns() -> tuple[list[tuple[str, int]], torch.Tensor]:
    """Return module and place of every number of the largest tree, markers included, and its sketch."""
    shape, places, made = tree_of(SIZES, MOST), [], []
    for name, size in SIZES.modules.items():
        for place in range(len(shape.members[name]) * (size + 1)):
            parts = {n: torch.zeros(len(shape.members[n]), k + 1).double() for n, k in SIZES.modules.items()}
            parts[name].view(-1)[place] = 1.0
            places.append((name, place))
            made.append(DECODER.sketcher.linear(shape, parts)[0])
    return places, torch.stack(made, 1)


def compare_sums(answers: list[dict[str, float]] | None, left: Any, noise: np.ndarray) -> None:
    """An answer is the sum over the places of the largest tree; its error is the noise through one vector."""
    places, matrix = columns()
    if len(left.kept) < len(places):
        assert answers is None
        return
    assert answers is not None
    shape, first = tree_of(SIZES, MOST), erase_one(left, 0)
    solution = least_squares(DECODER, first, shape, markers_known=False, method="dense")
    expected = 24 / 0.7 * float(solution.attributes["digit"].value[:, 3].sum())
    assert answers[0]["value"] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    asked = [k for k, (name, place) in enumerate(places) if name == "digit" and place % 15 == 3]
    vector = 24 / 0.7 * torch.linalg.pinv(matrix[left.kept])[asked].sum(0)
    assert len(asked) == MOST
    for answer, sketch, sd in zip(answers, left.values, noise, strict=True):
        assert answer["value"] == pytest.approx(float(sketch @ vector), rel=1e-5, abs=1e-6)
        assert answer["error"] == pytest.approx(sd * float(vector.norm()), rel=1e-5)


def test_pictures_are_the_networks(run_node: RunNode) -> None:
    source = """
import { decodeWeights } from "@static/hmlstm.js";
import { paint, pictureOfDigit, pictureOfStrokes } from "@static/sketch_reader.js";
const weights = decodeWeights(data.weights);
console.log(JSON.stringify({
  digits: data.digits.map((values) => pictureOfDigit(weights, values, data.layout)),
  strokes: data.strokes.map((each) => pictureOfStrokes(weights, each, data.layout)),
  painted: paint(data.windows, [[0, 1], [0.5, 0.51]], data.layout),
}));
"""
    random = np.random.default_rng(0)
    digits, strokes = random.normal(size=(5, 14)), random.normal(size=(5, 4, 3))
    windows = random.random((2, 64))
    exact = {"weights": pack(weights(), 32), "layout": {**LAYOUT, "scene_shares": []}}
    found = run_node(
        source, exact | {"digits": digits.tolist(), "strokes": strokes.tolist(), "windows": windows.tolist()}
    )
    net = network()
    expected = net.picture_of_digit(torch.from_numpy(digits).float()).flatten(1).numpy()
    np.testing.assert_allclose(found["digits"], expected, rtol=0, atol=1e-5)
    expected = net.picture_of_strokes(torch.from_numpy(strokes).float()).flatten(1).numpy()
    np.testing.assert_allclose(found["strokes"], expected, rtol=0, atol=1e-5)
    canvas = np.zeros((32, 32))
    for window, (top, left) in zip(windows.reshape(2, 8, 8), [(0, 24), (12, 12)], strict=True):
        canvas[top : top + 8, left : left + 8] = np.maximum(canvas[top : top + 8, left : left + 8], window)
    np.testing.assert_allclose(found["painted"], canvas.ravel())
