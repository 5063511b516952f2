"""The model that runs in the page is the model that runs in PyTorch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.experiments.hmrnn_language import load_model
from hsrnn.figures.weights import pack, unpack
from hsrnn.hmrnn import CharLanguageModel

from .conftest import SEQUENCES, RunNode, arrays, small_model

pytestmark = pytest.mark.needs_node

READ = """
import { Reading, buildModel, decodeWeights } from "@static/hmlstm.js";
const model = buildModel(decodeWeights(data.weights), { layerNorm: data.layerNorm });
const results = data.sequences.map((codes, n) => {
  const options = { topDown: data.topDown, forced: data.forced[n] };
  const steps = new Reading(model).read(codes, options);
  return steps.map(({ z, preactivation, operation, gates, probabilities, h, c }) =>
    ({ z, preactivation, operation, gates: [...gates], p: [...probabilities], h: [...h[2]], c: [...c[1]] }));
});
console.log(JSON.stringify(results));
"""


def codes_of(texts: list[str]) -> list[list[int]]:
    number = {symbol: code for code, symbol in enumerate(SEQUENCES["symbols"])}
    return [[number[symbol] for symbol in text] for text in texts]


def forced_boundaries(sequences: list[list[int]], layers: int) -> list[dict[str, int]]:
    """Force about one boundary in five, by a fixed seed."""
    random = np.random.default_rng(3)
    return [
        {
            f"{layer}:{t}": int(random.integers(2))
            for t in range(len(codes))
            for layer in range(layers - 1)
            if random.random() < 0.2
        }
        for codes in sequences
    ]


def compare(
    model: CharLanguageModel, run_node: RunNode, *, layer_norm: bool, top_down: bool, forced: bool
) -> list[Any]:
    """Run both on the 100 stored sequences with the same unpacked weights; return JavaScript's answer."""
    sequences = codes_of(SEQUENCES["texts"])
    layers = len(model.core.cells)
    choices = forced_boundaries(sequences, layers) if forced else [{} for _ in sequences]
    packed = pack(arrays(model))
    answer = run_node(
        READ,
        {
            "weights": packed,
            "layerNorm": layer_norm,
            "topDown": top_down,
            "sequences": sequences,
            "forced": choices,
        },
    )

    model = model.double()
    model.load_state_dict({name: torch.from_numpy(array).double() for name, array in unpack(packed).items()})
    model.core.top_down = top_down
    longest = max(map(len, sequences))
    codes = torch.tensor([row + [0] * (longest - len(row)) for row in sequences])
    imposed = torch.full((len(sequences), longest, layers - 1), float("nan"), dtype=torch.float64)
    for n, table in enumerate(choices):
        for place, value in table.items():
            layer, t = map(int, place.split(":"))
            imposed[n, t, layer] = value
    with torch.no_grad():
        output, _ = model(codes, forced_boundaries=imposed)
    probabilities = output.logits.softmax(-1).numpy()
    for n, steps in enumerate(answer):
        length = len(sequences[n])
        assert len(steps) == length
        z = np.array([step["z"][:-1] for step in steps])
        np.testing.assert_array_equal(z, output.core.boundaries[n, :length].numpy())
        operations = np.array([step["operation"] for step in steps])
        np.testing.assert_array_equal(operations, output.core.operations[n, :length].numpy())
        for key, expected in (
            ("p", probabilities),
            ("gates", output.gates.numpy()),
            ("h", output.core.hidden[2].numpy()),
        ):
            np.testing.assert_allclose([step[key] for step in steps], expected[n, :length], rtol=0, atol=1e-9)
        s = np.array([step["preactivation"][:-1] for step in steps])
        np.testing.assert_allclose(s, output.core.preactivations[n, :length].numpy(), rtol=0, atol=1e-9)
    return answer


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize(("top_down", "forced"), [(True, False), (False, False), (True, True)])
def test_random_weights(run_node: RunNode, layer_norm: bool, top_down: bool, forced: bool) -> None:
    model = small_model(layer_norm, len(SEQUENCES["symbols"]))
    answer = compare(model, run_node, layer_norm=layer_norm, top_down=top_down, forced=forced)
    operations = np.concatenate([[step["operation"] for step in steps] for steps in answer])
    # The comparison means something only if every operation occurs in the layers that have it.
    assert [sorted(set(operations[:, layer])) for layer in range(3)] == [[1, 2], [0, 1, 2], [0, 1]]


def test_shipped_checkpoint(run_node: RunNode) -> None:
    """The model that opens the book, on the same sequences; its vocabulary has to hold all their symbols."""
    model, vocabulary, config = load_model("hmrnn-language-ptb")
    reorder = [vocabulary.symbols.index(symbol) for symbol in SEQUENCES["symbols"]]
    rest = [code for code in range(len(vocabulary)) if code not in reorder]
    with torch.no_grad():
        for parameter in (model.embedding.weight, model.output.softmax.weight, model.output.softmax.bias):
            parameter.copy_(parameter[reorder + rest].clone())
    assert len(json.dumps(pack(arrays(model)))) < 1_000_000
    compare(model, run_node, layer_norm=config.layer_norm, top_down=True, forced=False)


def test_editing_recomputes_only_from_the_edit_on_and_gives_the_same(run_node: RunNode) -> None:
    model = small_model(True, len(SEQUENCES["symbols"]))
    source = """
import { Reading, buildModel, decodeWeights } from "@static/hmlstm.js";
const model = buildModel(decodeWeights(data.weights), { layerNorm: true });
const reading = new Reading(model);
const results = data.visits.map(([codes, options]) => {
  const before = [...reading.steps];
  const steps = reading.read(codes, options);
  const fresh = new Reading(model).read(codes, options);
  const kept = steps.findIndex((step, t) => step !== before[t]);
  const same = steps.length === fresh.length
    && steps.every((step, t) => step.probabilities.every((p, v) => p === fresh[t].probabilities[v]));
  return { kept: kept === -1 ? steps.length : kept, same };
});
console.log(JSON.stringify(results));
"""
    text = codes_of([next(text for text in SEQUENCES["texts"] if len(text) >= 50)])[0][:50]
    edited = [*text[:20], (text[20] + 1) % 40, *text[21:]]
    visits = [
        (text[:49], {}),
        (text, {}),  # one letter typed
        (edited, {}),  # one letter changed in the middle
        (edited, {"forced": {"0:30": 1}}),
        (edited, {"forced": {"0:30": 0}}),
        (edited, {}),
        (edited, {"topDown": False}),
        (edited[:10], {"topDown": False}),  # the end deleted
    ]
    results = run_node(source, {"weights": pack(arrays(model)), "visits": visits})
    assert [each["kept"] for each in results] == [0, 49, 20, 30, 30, 30, 0, 10]
    assert all(each["same"] for each in results)


def test_work_counts_the_multiplications_of_the_operation_chosen(run_node: RunNode) -> None:
    model = small_model(False, len(SEQUENCES["symbols"]))
    source = """
import { buildModel, decodeWeights, initialState, step } from "@static/hmlstm.js";
const model = buildModel(decodeWeights(data), { layerNorm: false });
const first = step(model, initialState(model), 3, { forced: [1, 0] });
const second = step(model, first, 4, { forced: [0, 0] });
console.log(JSON.stringify({
  dense: model.layers.map((layer) => layer.denseWork), work: [first.work, second.work],
  operation: [first.operation, second.operation],
}));
"""
    result = run_node(source, pack(arrays(model)))
    # Layers of 20, 16 and 14 units over an embedding of 12; rows are 4 * units, and one for the boundary.
    assert result["dense"] == [81 * (20 + 12 + 16), 65 * (16 + 20 + 14), 56 * (14 + 16)]
    assert result["operation"] == [[1, 1, 0], [2, 0, 0]]
    assert result["work"] == [
        [81 * (20 + 12), 65 * (16 + 20), 0],  # UPDATE, UPDATE, COPY: the top layer has no boundary row
        [81 * (20 + 12 + 16), 1 * 16, 0],  # FLUSH listens to the layer above, COPY evaluates one row
    ]
