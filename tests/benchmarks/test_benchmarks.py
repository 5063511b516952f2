"""The benchmarks run at small sizes, say what they must, and time models that do what they are said to do."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import torch

from hsrnn import hmrnn
from hsrnn.experiments import benchmarks
from hsrnn.experiments.hmrnn_language import load_model

FIELDS = {"name", "ours", "reference", "unit", "ratio", "multiplications", "what"}


@pytest.mark.parametrize(
    ("name", "options", "variants"),
    [
        ("hmrnn.train", {"units": 128, "rows": 4, "length": 6, "repeats": 1},
         ["trained", "trained-slope-5", "fresh", "fresh-layer-norm"]),
        ("hmrnn.cost", {"units": [128], "rows": [], "shifts": [], "length": 2, "repeats": 1}, ["128-64-0"]),
        ("hmrnn.generate", {"units": 128, "steps": 8, "repeats": 1}, ["trained"]),
    ],
)  # fmt: skip
def test_lines_have_all_fields(
    name: str, options: dict[str, Any], variants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "THREADS", 1)
    threads = torch.get_num_threads()
    lines = list(benchmarks.BENCHMARKS[name](**options))
    assert [line["name"] for line in lines] == [f"{name}/{variant}" for variant in variants]
    for line in lines:
        assert FIELDS <= line.keys()
        assert line["unit"] == "s" and line["ours"] > 0 and line["reference"] > 0
        assert line["ratio"] == pytest.approx(line["reference"] / line["ours"])
        assert line["multiplications"]["ours"] > 0
        assert json.loads(json.dumps(line)) == line
    assert torch.get_num_threads() == threads


def test_a_widened_core_fires_at_the_same_symbols() -> None:
    model, _, _ = load_model(benchmarks.CHECKPOINT)
    text = benchmarks.write(model, 3, 40)
    wide = benchmarks.widen(model.core, 2, 4).double()
    model.core.double()
    with torch.no_grad():
        input = model.embedding(text).double()
        narrow, _ = model.core(input)
        output, _ = wide(input.repeat(1, 1, 4))
    assert torch.equal(output.operations, narrow.operations)
    torch.testing.assert_close(output.preactivations, narrow.preactivations, rtol=0, atol=1e-9)
    for a, b in zip(output.hidden, narrow.hidden):
        torch.testing.assert_close(a, b.repeat(1, 1, 2), rtol=0, atol=1e-9)
    assert 0 < float(narrow.boundaries.mean()) < 1


def test_a_shift_moves_the_rates_and_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "THREADS", 1)
    found = []
    for shift in (-30.0, 0.0, 30.0):
        core, input, state = benchmarks.trained(1, 3, 6, shift=shift)
        counter: Counter[str] = Counter()
        output, _ = hmrnn.fast_forward(core, input, state, counter=counter)
        found.append((output.boundaries.detach().mean((0, 1)).tolist(), counter.total()))
    assert found[0][0] == [0, 0] and found[2][0] == [1, 1] and 0 < min(found[1][0]) <= max(found[1][0]) < 1
    assert found[0][1] < found[1][1] < found[2][1]


def test_lstm_multiplications_are_those_of_its_weights() -> None:
    lstm = hmrnn.LSTMCore(7, (5, 3))
    matrices = sum(weight.numel() for weight in lstm.parameters() if weight.ndim == 2)
    assert benchmarks.lstm_multiplications(7, (5, 3)) == matrices


def test_written_text_is_reproducible() -> None:
    model, _, _ = load_model(benchmarks.CHECKPOINT)
    assert torch.equal(benchmarks.write(model, 2, 5), benchmarks.write(model, 2, 5))
