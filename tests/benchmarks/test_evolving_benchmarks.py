"""The benchmark of the room evolving runs at a small size and says what it must."""

from __future__ import annotations

import json

import jaxtyping
import pytest

from hsrnn.experiments import benchmarks, evolving_benchmarks


def test_a_line_has_all_fields(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert set(evolving_benchmarks.BENCHMARKS) <= set(benchmarks.BENCHMARKS)
    (line,) = benchmarks.BENCHMARKS["evolving.update"](count=40, hidden=4, repeats=1)
    assert line["name"] == "evolving.update/loop" and line["unit"] == "s"
    assert line["ours"] > 0 and line["ratio"] == pytest.approx(line["reference"] / line["ours"])
    assert line["nodes"] > line["waves"] > 1 and line["largest_difference"] < 1e-5
    assert json.loads(json.dumps(line)) == line


def test_a_step_says_what_python_costs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    (line,) = benchmarks.BENCHMARKS["evolving.step"](images=1, count=30, levels=2, hidden=4, repeats=1)
    assert line["name"] == "evolving.step/backbone" and 0 < line["outside"] < 1
    assert line["ours"] > 0 and line["ratio"] == pytest.approx(line["reference"] / line["ours"])
    assert line["proposals"] >= 1 and json.loads(json.dumps(line)) == line


def test_a_wrong_answer_is_not_timed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)

    def other(layer, features, graph, plan, state=None):
        after, gates = evolving_benchmarks.GraphLSTM.forward(layer, features, graph, plan, state)
        return type(after)(after.hidden + 1e-3, after.memory), gates

    monkeypatch.setattr(evolving_benchmarks.GraphLSTM, "loop", other)
    with pytest.raises(RuntimeError, match="waves and loop differ by 0.001"):
        list(benchmarks.BENCHMARKS["evolving.update"](count=40, hidden=4, repeats=1))
