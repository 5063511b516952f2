"""The benchmarks of the room automata run at small sizes and say what they must."""

from __future__ import annotations

import json

import jaxtyping
import pytest

from hsrnn.experiments import automata_benchmarks, benchmarks

FIELDS = {"name", "ours", "reference", "unit", "ratio", "states", "what"}


@pytest.mark.parametrize(
    ("name", "options", "variant"),
    [
        ("automata.sweep", {"states": 500, "hidden_size": 6, "largest": 6, "repeats": 1}, "kmeans"),
        ("automata.run", {"words": 200, "length": 20, "hidden_size": 8, "repeats": 1}, "gru"),
        ("automata.minimise", {"states": 6, "symbols": 30, "repeats": 1}, "vocabulary"),
    ],
)
def test_lines_have_all_fields(
    name: str, options: dict[str, int], variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert set(automata_benchmarks.BENCHMARKS) <= set(benchmarks.BENCHMARKS)
    (line,) = benchmarks.BENCHMARKS[name](**options)
    assert line["name"] == f"{name}/{variant}" and line.keys() >= FIELDS and line["unit"] == "s"
    assert line["ours"] > 0 and line["reference"] > 0
    assert line["ratio"] == pytest.approx(line["reference"] / line["ours"])
    assert json.loads(json.dumps(line)) == line


def test_more_states_than_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="states must be at most"):
        list(benchmarks.BENCHMARKS["automata.sweep"](states=10**9, hidden_size=8))
