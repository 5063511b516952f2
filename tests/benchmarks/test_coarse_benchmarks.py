"""The benchmarks of the room coarse run at small sizes and say what they must."""

from __future__ import annotations

import json

import jaxtyping
import pytest

from hsrnn.experiments import benchmarks, coarse_benchmarks


def test_lines_have_all_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    monkeypatch.setattr(coarse_benchmarks, "THREADS", 1)
    assert set(coarse_benchmarks.BENCHMARKS) <= set(benchmarks.BENCHMARKS)
    lines = list(benchmarks.BENCHMARKS["coarse.forward"](batch=4, repeats=1, widths=(4, 8, 16)))
    lines += benchmarks.BENCHMARKS["coarse.orders"](batch=4, repeats=1)
    for line in lines:
        assert line.keys() >= {"name", "ours", "reference", "unit", "ratio", "parameters", "what"}
        assert line["ratio"] == pytest.approx(line["reference"] / line["ours"]) and line["ours"] > 0
        assert json.loads(json.dumps(line)) == line
        if line["unit"] == "s" and "reference" in line["parameters"]:
            assert line["parameters"]["reference"] > 0.8 * line["parameters"]["ours"]
    by_name = {line["name"]: line for line in lines}
    assert by_name["coarse.orders/five-levels"]["orders"] == 33
    narrow, middle, wide = (by_name[f"coarse.forward/memory-{width}"] for width in (4, 8, 16))
    assert wide["ours"] == 2 * middle["ours"] == 4 * narrow["ours"]  # the low-rank form grows in a line
    assert wide["reference"] > 3.5 * middle["reference"] > 12 * narrow["reference"]  # the full one does not
