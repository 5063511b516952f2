"""Handwriting: the page writes the line that PyTorch writes, and the picture says what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.experiments.hmrnn_handwriting_figure import handwriting_figure
from hsrnn.figures import Handwriting, pack, plot_handwriting, unpack
from hsrnn.figures.handwriting import LONGEST, numbers_of, positions
from hsrnn.hmrnn import HandwritingModel, evaluate_lines, mixture_of

from .conftest import RunNode, arrays
from .handwriting_figures import MEAN, SD, random_model, small_figure

WRITE = """
import { buildModel, decodeWeights } from "@static/hmlstm.js";
import { numbersOf, writeLine } from "@static/pen.js";
const model = buildModel(decodeWeights(data.weights), { layerNorm: data.layerNorm });
console.log(JSON.stringify(data.lines.map(({ numbers, sharpness, longest }) => writeLine(model, {
  sharpness, smallestScale: data.smallestScale, longest, numbers: (t) => numbers[t],
}).map(({ row, nats, z, operation }) => ({ row, nats, z, operation })))));
"""


def compare(model: HandwritingModel, run_node: RunNode, *, layer_norm: bool, longest: int) -> np.ndarray:
    """Write lines in both with the same weights and numbers; return the operations, all lines together."""
    packed = pack(arrays(model))
    random = np.random.default_rng(0)
    lines = [
        {"sharpness": sharpness, "longest": longest, "numbers": np.column_stack([
            random.random(longest), random.standard_normal((longest, 2)), random.random(longest)
        ]).tolist()}
        for sharpness in (0.0, 0.5, 2.0)
    ]  # fmt: skip
    data = {"weights": packed, "layerNorm": layer_norm, "smallestScale": model.smallest_scale, "lines": lines}
    answers = run_node(WRITE, data)
    model = model.double()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in unpack(packed).items()})
    operations = []
    for line, answer in zip(lines, answers, strict=True):
        # The package's own loop, step after step, and not its writer: the reference has nothing in common
        # with the page but the numbers.
        rows, state = [], None
        last = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
        with torch.no_grad():
            for numbers in line["numbers"]:
                core, state = model.core.loop(last[None, None], state)
                output = model.output(core.hidden)[0][0, 0]
                density = mixture_of(output, smallest_scale=model.smallest_scale)
                sharp = density.sharpened(line["sharpness"])
                last = sharp.place(torch.tensor(numbers, dtype=torch.float64))
                rows.append(last)
        strokes = torch.stack(rows).numpy()
        np.testing.assert_allclose([step["row"] for step in answer], strokes, rtol=0, atol=1e-8)
        score = evaluate_lines(model, [strokes])
        assert sum(step["nats"] for step in answer) == pytest.approx(score.log_likelihood, abs=1e-6)
        np.testing.assert_array_equal([step["z"][:-1] for step in answer], score.boundaries[0])
        np.testing.assert_array_equal([step["operation"] for step in answer], score.operations[0])
        operations.append(score.operations[0])
    return np.concatenate(operations)


@pytest.mark.needs_node
@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_page_writes_what_pytorch_writes(run_node: RunNode, layer_norm: bool) -> None:
    operations = compare(random_model(layer_norm), run_node, layer_norm=layer_norm, longest=60)
    # The comparison means something only if every operation occurs in the layers that have it.
    assert [sorted(set(operations[:, layer])) for layer in range(3)] == [[1, 2], [0, 1, 2], [0, 1]]


@pytest.mark.needs_node
def test_the_shipped_network_writes_the_same_line_in_the_page_and_in_the_picture(run_node: RunNode) -> None:
    figure = handwriting_figure(seed=5, sharpness=1.0)
    source = """
import { buildModel, decodeWeights } from "@static/hmlstm.js";
import { numbersOf, writeLine } from "@static/pen.js";
const { weights, layerNorm, smallestScale, longest } = data;
const model = buildModel(decodeWeights(weights), { layerNorm });
const numbers = (t) => numbersOf(5, t);
const steps = writeLine(model, { sharpness: 1.0, smallestScale, longest, numbers });
console.log(JSON.stringify(steps.map(({ row, z }) => ({ row, z }))));
"""
    steps = run_node(source, figure.data)
    strokes = np.array([step["row"] for step in steps])
    z = np.array([step["z"][0] for step in steps])
    title = "sharpness 1"
    again = plot_handwriting(
        {title: strokes}, np.array(figure.data["mean"]), np.array(figure.data["sd"]), {title: z},
        mark="boundary of layer 1",
    )  # fmt: skip
    assert again.alt in figure.alt
    assert 0 < z.mean() < 1 and 0 < strokes[:, 2].sum()


@pytest.mark.needs_node
def test_random_numbers_are_those_of_the_page(run_node: RunNode) -> None:
    source = """
import { numbersOf } from "@static/pen.js";
console.log(JSON.stringify(data.map((seed) => Array.from({ length: 50 }, (_, t) => numbersOf(seed, t)))));
"""
    for seed, found in zip((0, 7, 9999), run_node(source, [0, 7, 9999]), strict=True):
        np.testing.assert_allclose(found, numbers_of(seed, 50), rtol=0, atol=1e-12)


def test_random_numbers_are_uniform_and_normal() -> None:
    numbers = np.concatenate([numbers_of(seed, 500) for seed in range(20)])
    assert ((numbers[:, [0, 3]] >= 0) & (numbers[:, [0, 3]] < 1)).all()
    np.testing.assert_allclose(numbers.mean(0), [0.5, 0, 0, 0.5], atol=0.04)
    np.testing.assert_allclose(numbers.std(0), [12**-0.5, 1, 1, 12**-0.5], atol=0.04)
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.04


def test_positions_add_the_movements_up() -> None:
    line = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 1.0]])
    np.testing.assert_allclose(positions(line, MEAN, SD), [[0, 0], [32, -1], [34, 88]])


def test_a_picture_counts_points_strokes_and_boundaries() -> None:
    line = np.array([[1, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1], [1, 1, 0]], dtype=np.float32)
    z = np.array([0, 1, 0, 1, 0])
    picture = plot_handwriting({"a": line, "b": line[:2]}, MEAN, SD, {"a": z}, mark="letter end")
    assert "“a”: 5 points in 3 pen strokes, letter end at 2 of them" in picture.alt
    assert "“b”: 2 points in 1 pen strokes" in picture.alt and picture.image_format == "png"
    other = plot_handwriting({"a": line, "b": line[:2]}, MEAN, SD, {"a": 1 - z}, mark="letter end")
    assert other.image != picture.image


def test_the_figure_opens_as_it_was_asked() -> None:
    figure = small_figure()
    assert figure.state == {"seed": 3, "sharpness": 0.5, "layer": 2, "at": LONGEST}
    assert "boundary of layer 2" in figure.alt and f"{LONGEST} points" in figure.alt


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {}}, "core.cells.1.recurrent, output.gate.weight missing"),
        ({"layer_norm": False}, "layer_norm=False does not fit"),
        ({"strokes": np.zeros((3, 3))}, "must have 160 rows, got shapes"),
        ({"layer": 3}, "layer must be one of 1 to 2, got 3"),
    ],
)
def test_bad_figures_are_refused(change: dict[str, Any], message: str) -> None:
    options = {
        "weights": arrays(random_model(True)), "layer_norm": True, "smallest_scale": 1e-4, "mean": MEAN,
        "sd": SD, "strokes": np.zeros((LONGEST, 3)), "boundaries": np.zeros((LONGEST, 2)),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        Handwriting.from_weights(**(options | change))


@pytest.mark.parametrize(
    ("lines", "boundaries", "message"),
    [
        ({}, None, "lines must be at least one"),
        ({"a": np.zeros((0, 3))}, None, r"line 'a' must be \(T, 3\)"),
        ({"a": np.zeros((4, 3))}, {"a": np.zeros(3)}, r"boundaries of line 'a' must be \(4,\)"),
    ],
)
def test_bad_lines_are_refused(lines: Any, boundaries: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_handwriting(lines, MEAN, SD, boundaries)
