"""The written-out map against the sketcher and the decoder that never write it out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsrnn.sketches import (
    Decoder,
    Forest,
    Mechanism,
    Sketcher,
    SketchError,
    WrittenOut,
    erase,
    least_squares,
)

pytestmark = pytest.mark.usefixtures("plain_calls")
SIZES = {"edge": 3, "cat": 5, "wall": 0, "room": 2}


@pytest.fixture(scope="module")
def sketcher() -> Sketcher:
    return Sketcher(Mechanism(SIZES, dimension=128, seed=3), dtype=torch.float64)


def values_of(map_: WrittenOut, forest: Forest) -> torch.Tensor:
    return torch.cat([forest.attributes[name].flatten()[None] for name in map_.shapes], 1)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_map_of_the_sketcher(sketcher, any_dag, seed):
    forest = Forest.of([any_dag(seed)])
    map_ = WrittenOut(sketcher, forest)
    values = values_of(map_, forest)
    sketch = sketcher.encode(forest)
    torch.testing.assert_close(map_.encode(values), sketch)
    for name, part in map_.split(values).items():
        torch.testing.assert_close(part[0], forest.attributes[name].double())
    torch.testing.assert_close(map_.solve(sketch), values.double(), atol=1e-9, rtol=0)


def test_it_solves_as_least_squares_does_also_what_is_erased(sketcher, any_dag):
    forest = Forest.of([any_dag(1)])
    map_ = WrittenOut(sketcher, forest)
    left = erase(sketcher.encode(forest), 90, "random")
    found = map_.split(map_.solve(left))
    expected = least_squares(Decoder(sketcher), left, forest, method="dense").attributes
    for name, part in found.items():
        torch.testing.assert_close(part[0], expected[name].value, atol=1e-9, rtol=0)


def test_it_projects_as_the_decoder_does(sketcher, any_dag):
    forest = Forest.of([any_dag(3)])
    map_ = WrittenOut(sketcher, forest)
    for left in (sketcher.encode(forest), erase(sketcher.encode(forest), 70)):
        expected = Decoder(sketcher).project_paths(left, forest)
        for name, part in map_.split(map_.project(left)).items():
            torch.testing.assert_close(part[0], expected[name].value, atol=1e-8, rtol=1e-6)


def test_too_few_coordinates_give_the_shortest_answer_that_fits(sketcher, any_dag):
    forest = Forest.of([any_dag(2)])
    map_ = WrittenOut(sketcher, forest)
    left = erase(sketcher.encode(forest), 8)
    found = map_.solve(left)
    torch.testing.assert_close(map_.encode(found)[:, :8], left.values)
    assert float(found.norm()) <= float(values_of(map_, forest).norm()) + 1e-12  # may be the same point


def test_the_residual_tells_the_structure(sketcher, any_dag):
    trees = [Forest.of([any_dag(seed)]) for seed in range(4)]
    maps = [WrittenOut(sketcher, tree) for tree in trees]
    draws = torch.from_numpy(np.random.default_rng(0).random((6, maps[2].numbers)))
    left = torch.stack([map_.residual(maps[2].encode(draws)) for map_ in maps])
    assert left.argmin(0).tolist() == [2] * 6 and float(left[2].max()) < 1e-9


def test_errors_at_the_door(sketcher, any_dag):
    forest = Forest.of([any_dag(0), any_dag(1)])
    with pytest.raises(SketchError, match="one structure is written out at a time, got a forest of 2 trees"):
        WrittenOut(sketcher, forest)
    with pytest.raises(SketchError, match=r"sketches must be \(n, 128\), got \(1, 64\)"):
        WrittenOut(sketcher, Forest.of([any_dag(0)])).solve(torch.zeros(1, 64))
