"""The experiment from end to end on the smoke preset, its measurements against theory, its verdicts."""

from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

from hsrnn import ledger
from hsrnn.experiments import sketches_curves, sketches_theorems, sketches_theorems_tables
from hsrnn.experiments.sketches_slopes import (
    Fit,
    curve,
    mean,
    pooled,
    ratio,
    resampled,
    slope,
    unbiased,
    verdict,
)
from hsrnn.experiments.sketches_theorems import PARTS, PRESETS, TheoremsConfig
from hsrnn.training import CheckpointError

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    return reproduced("sketches.theorems", SMOKE, typed=False)[0]


def test_a_record_holds_every_part(finished):
    assert set(finished.metrics) == set(PARTS) and finished.data == {}
    recovery = finished.metrics["recovery"]
    assert {(c["depth"], c["d"]) for c in recovery} == {(h, d) for h in (0, 1) for d in (64, 256)}
    for cell in recovery:
        if cell["decoder"] in ("least squares", "pursuit"):
            assert cell["rms"] < 1e-4
        else:
            assert 0.3 < cell["rms"] / cell["predicted"] < 3 and cell["linf"] >= cell["rms"]
    for cell in finished.metrics["change"]:
        assert cell["family"] == "block" or 0 < cell["worst"] <= 1 + 1e-4
    few = {(c["kept"], c["decoder"]): c["rms"] for c in finished.metrics["few"]}
    assert few[64, "least squares"] < 1e-4 < 0.1 < few[16, "least squares"]


def test_what_is_measured_can_be_measured_again(finished, tmp_path):
    for name in ("erasure", "count"):
        assert PARTS[name](SMOKE, 0, tmp_path) == finished.metrics[name]
    assert PARTS["erasure"](SMOKE, 1, tmp_path) != finished.metrics["erasure"]


def test_slopes_of_a_fast_part_are_the_theory_s(tmp_path, monkeypatch, finished):
    """The computation behind the ledger's slopes: one level over d, and over the kept share."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    config = replace(
        SMOKE, dimensions=(64, 256, 1024), fixed=512, objects=(4,), fractions=(1.0, 0.25, 0.0625)
    )
    records = [
        replace(finished, seed=seed, metrics={
            "objects": sketches_curves.objects(config, seed, tmp_path),
            "erasure": sketches_curves.erasure(config, seed, tmp_path),
        })
        for seed in range(12)
    ]  # fmt: skip
    assert slope(records, "objects", "d", "rms", k=8).near(-0.5)
    for how in ("prefix", "random"):
        assert slope(records, "erasure", "f", "rms", how=how).near(-0.5)
    beside = ratio(records, "objects", "rms", "predicted", k=8)
    assert beside.low < beside.value < beside.high and beside.value == pytest.approx(1.0, abs=0.1)
    assert unbiased(records, "objects")
    biased = [replace(r, metrics={"objects": [{"bias": 1.0 + 0.01 * r.seed}]}) for r in records]
    assert not unbiased(biased, "objects")


def test_curves_and_fits():
    def record(seed, factor):
        cells = [{"x": x, "k": k, "y": factor * k * x**-0.5} for x in (4, 1, 16) for k in (1, 3)]
        return ledger.Record.of("e", "desk", seed, config={}, metrics={"part": cells}, data={}, seconds=1.0,
                                commit="c")  # fmt: skip

    records = [record(0, 1.0), record(1, 2.0)]
    at, values = curve(records, "part", "x", "y")
    assert at.tolist() == [1, 4, 16] and values.shape == (2, 3, 2)
    np.testing.assert_allclose(pooled(values), np.sqrt(2.5 * 3) * at**-0.5)
    found = slope(records, "part", "x", "y", k=3)
    assert found.value == pytest.approx(-0.5) and found.near(-0.5) and not found.near(-0.6)
    assert found.text() == "-0.500 (-0.500 to -0.500)"
    assert mean(records, "part", "y", x=1, k=1).value == 1.5
    assert slope(records[:1], "part", "x", "y", k=3).text() == "-0.500", "one seed has no interval"
    assert resampled(np.array([1.0, 3.0]), lambda drawn: drawn.mean(-1)) == Fit(2.0, 1.0, 3.0, seeds=2)
    with pytest.raises(ValueError, match="no cell of 'part' has {'k': 7}"):
        curve(records, "part", "x", "y", k=7)


def test_verdicts(finished):
    records = [replace(finished, seed=seed) for seed in range(5)]
    assert verdict(records[:4], {"a": True}) == "not tested (4 seeds)"
    assert verdict(records, {"a": True, "b": True}) == "holds"
    assert verdict(records, {"a": True, "b": False}) == "partly; not: b"
    assert verdict(records, {"a": False, "b": False, "c": True}) == "does not hold; not: a, b"


def test_tables(finished):
    desk = [replace(finished, preset="desk", seed=seed) for seed in range(5)]
    slopes, decoders, counts, similar, near, claims = sketches_theorems_tables.tables(desk)
    assert ("attributes, random erased: kept share", "-0.5") in [row[:2] for row in slopes.rows]
    assert decoders.rows[1][:2] == ("1", "3") and float(decoders.rows[1][4]) < 1e-4
    assert [row[:2] for row in counts.rows] == [("1", "64"), ("1", "256"), ("4", "64"), ("4", "256")]
    assert similar.rows[0][0] == "1/2" and "hadamard" in similar.note
    assert [row[0] for row in near.rows] == ["64", "128"]
    assert [row[0][:2] for row in claims.rows] == ["C1", "C2", "C3", "C4", "C6"]
    assert all(row[-1].split(";")[0] in ("holds", "partly", "does not hold") for row in claims.rows)
    (empty,) = sketches_theorems_tables.tables([finished])
    assert {row[2:] for row in empty.rows} == {("no run yet", "not tested")}


def test_a_bound_that_is_broken_is_seen(finished):
    broken = [
        {**cell, "worst": 1.01} if cell["family"] == "haar" else cell for cell in finished.metrics["change"]
    ]
    desk = [
        replace(finished, preset="desk", seed=seed, metrics={**finished.metrics, "change": broken})
        for seed in range(5)
    ]
    assert sketches_theorems_tables.farthest(desk)["haar"] == 1.01
    assert "T2.iii" in sketches_theorems_tables.claims_table(desk).rows[1][-1]


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    made = []

    def part(name):
        def measure(config, seed, folder):
            if len(made) == 3:
                raise KeyboardInterrupt
            made.append(name)
            return [{"x": seed}]

        return measure

    for name in PARTS:
        monkeypatch.setitem(sketches_theorems.PARTS, name, part(name))
    with pytest.raises(KeyboardInterrupt):
        sketches_theorems.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    first = list(made)
    for name in PARTS:
        monkeypatch.setitem(sketches_theorems.PARTS, name, lambda config, seed, folder: [{"x": seed}])
    metrics, data, _ = sketches_theorems.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    assert first == list(PARTS)[:3] and metrics == {name: [{"x": 1}] for name in PARTS} and data == {}
    with pytest.raises(CheckpointError, match="belongs to a run with other settings"):
        sketches_theorems.run(replace(SMOKE, pairs=9), seed=1, folder=tmp_path, progress=False)


def test_errors():
    for options, message in (
        ({"dimensions": (256, 64)}, r"dimensions must grow, at least one, got \(256, 64\)"),
        ({"sparse": 9}, r"sparse must lie in \[1, 8\]"),
        ({"counted": (3,)}, r"counted must divide scene = 16, got \(3,\)"),
        ({"fractions": (1.5,)}, "fractions must keep at least one coordinate"),
        ({"repeats": 0}, "repeats must be at least 1"),
        ({"members": 5}, "members at least 12"),
        ({"signature": 2}, r"ones must lie in \[1, 2\]"),
    ):
        with pytest.raises(ValueError, match=message):
            TheoremsConfig(**options)
