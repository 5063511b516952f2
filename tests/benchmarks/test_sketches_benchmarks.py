"""The benchmarks of the room sketches run at small sizes, say what they must, and keep to the memory."""

from __future__ import annotations

import json
import sys

import jaxtyping
import pytest
import torch

from hsrnn.experiments import benchmarks, sketches_benchmarks
from hsrnn.sketches import Dense, Matrices

SMALL = {"count": 6, "dense_count": 3, "dimension": 64, "attributes": 4, "repeats": 1, "large": 128}


@pytest.mark.parametrize(
    ("name", "options", "variants"),
    [
        ("sketches.encode", SMALL, ["dense", "torchhd", "torchhd-tree", "memory"]),
        ("sketches.query", {"count": 300, "queries": 5, "dimension": 128, "repeats": 1}, ["scenes", "noise"]),
    ],
)
def test_lines_have_all_fields(
    name: str, options: dict[str, int], variants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    monkeypatch.setattr(sketches_benchmarks, "memory_of_one_tree", lambda d, a: 50.0)
    assert set(sketches_benchmarks.BENCHMARKS) <= set(benchmarks.BENCHMARKS)
    lines = list(benchmarks.BENCHMARKS[name](**options))
    assert [line["name"] for line in lines] == [f"{name}/{variant}" for variant in variants]
    for line in lines:
        assert line["ours"] > 0 and line["reference"] > 0 and line["unit"] in ("s", "MB") and line["what"]
        assert line["ratio"] == pytest.approx(line["reference"] / line["ours"])
        assert json.loads(json.dumps(line)) == line
        assert line.get("recall", 1.0) == 1.0  # 300 sketches are few enough to be compared one by one


def test_the_reference_has_the_same_matrices_written_out() -> None:
    fast, dense = Matrices(3, 64), sketches_benchmarks.DenseMatrices(3, 64)
    x = torch.randn(2, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert isinstance(dense.position(2).operator, Dense)
    torch.testing.assert_close(dense.position(2)(x), fast.position(2)(x), atol=1e-12, rtol=0)
    assert dense.transparent("cat", "object") is dense.transparent("cat", "object")


def test_torchhd_encodes_the_same_tree_both_ways() -> None:
    forest, _ = sketches_benchmarks.trees(3, 4)
    batched, one_by_one = sketches_benchmarks.torchhd_trees(forest, 3, 4, 256)
    torch.testing.assert_close(batched()[:2], torch.stack(one_by_one(2)))


def test_without_torchhd_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchhd", None)
    with pytest.raises(ModuleNotFoundError, match=r"beside torchhd.*install hsrnn\[test\]"):
        sketches_benchmarks.torchhd_trees(sketches_benchmarks.trees(1, 4)[0], 1, 4, 64)


def test_sketches_that_differ_from_the_reference_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sketches_benchmarks, "DenseMatrices", lambda seed, dimension: Matrices(seed + 1, dimension)
    )
    with pytest.raises(RuntimeError, match="differ from those of dense matrices"):
        next(sketches_benchmarks.encode(**SMALL))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_one_tree_of_65536_coordinates_fits_in_the_budget() -> None:
    """It takes about 87 MB."""
    assert sketches_benchmarks.memory_of_one_tree(65_536, 32) < sketches_benchmarks.BUDGET
