"""Least squares and matching pursuit: exact where they can be, honest where they cannot."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.sketches import (
    Decoder,
    Family,
    Forest,
    Mechanism,
    Object,
    Sketcher,
    SketchError,
    Solution,
    erase,
    least_squares,
    overall,
    pursuit,
)

from .conftest import SIZES, draw_dag, grow

pytestmark = pytest.mark.usefixtures("plain_calls")
SKETCHERS: dict[str, Sketcher] = {}


def worst(solution: Solution, forest: Forest) -> float:
    return max(
        float((solution.attributes[n].value - forest.attributes[n]).abs().max())
        for n in solution.attributes if forest.attributes[n].numel()
    )  # fmt: skip


def rms(solution: Solution, forest: Forest) -> float:
    gaps = [(solution.attributes[n].value - forest.attributes[n]).flatten() for n in solution.attributes]
    return float(torch.cat(gaps).square().mean().sqrt())


@pytest.mark.parametrize("method", ["dense", "iterative"])
def test_round_trip_of_depth_3_in_512_coordinates(method):
    """15 objects, 120 unknowns: to 1e-5 in float32, and with a quarter of the coordinates to 1e-4."""
    forest = Forest.of([grow(3, 8, np.random.default_rng(0))])
    decoder = Decoder(Mechanism(dict.fromkeys(forest.modules, 8), dimension=512, seed=3))
    s = decoder.sketcher.encode(forest)
    solution = least_squares(decoder, s, forest, method=method)
    assert rms(solution, forest) < 1e-5 and solution.determined.all()
    assert (solution.iterations > 0) == (method == "iterative")
    if method == "dense":
        for how in ("prefix", "random"):
            part = least_squares(decoder, erase(s, 160, how), forest, method=method)
            assert rms(part, forest) < 1e-4
            assert rms(part, forest) > rms(solution, forest)


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 8), st.sampled_from(["hadamard", "haar"]),
    st.sampled_from(["distinct", "one a level", "one"]),
)  # fmt: skip
def test_round_trip_to_1e_4_at_depth_3_for_any_tree(seed, size, family, modules):
    """15 objects of 1 to 8 attributes in 512 float32 coordinates, whether they share modules or not."""

    def renamed(thing: Object, depth: int = 0) -> Object:
        name = {"distinct": thing.module, "one a level": f"level {depth}", "one": "m"}[modules]
        return Object(name, thing.attributes, tuple(renamed(part, depth + 1) for part in thing.inputs))

    forest = Forest.of([renamed(grow(3, size, np.random.default_rng(seed)))])
    m = Mechanism(
        dict.fromkeys(forest.modules, size), dimension=512, seed=seed % 3, family=Family(family)
    )  # few seeds, for writing out a Haar matrix takes its time
    sketcher = SKETCHERS.setdefault(m.to_json(), Sketcher(m))
    solution = least_squares(Decoder(sketcher), sketcher.encode(forest), forest)
    assert solution.determined.all() and worst(solution, forest) < 1e-4


def test_equals_the_normal_equations_written_out():
    tops = [draw_dag(1, 4), draw_dag(1, 4), draw_dag(2, 5)]
    forest = Forest.of(tops)
    decoder = Decoder(Sketcher(Mechanism(SIZES, dimension=128, max_depth=20), dtype=torch.float64))
    noisy = decoder.sketcher.encode(forest)
    noisy += 1e-3 * torch.randn(noisy.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = [
        least_squares(decoder, noisy, forest, method=method, markers_known=False)
        for method in ("dense", "iterative")
    ]
    for k in range(3):
        own, columns = forest.trees(k, k + 1), []
        shapes = {n: (len(v), SIZES[n] + 1) for n, v in own.attributes.items()}
        for name, (rows, width) in shapes.items():
            for place in range(rows * width):
                parts = {n: torch.zeros(shape, dtype=torch.float64) for n, shape in shapes.items()}
                parts[name].view(-1)[place] = 1.0
                columns.append(decoder.sketcher.linear(own, parts)[0])
        plain = torch.linalg.lstsq(torch.stack(columns, 1), noisy[k][:, None]).solution[:, 0]
        for solution in found:
            ours = []
            for name in shapes:
                at = torch.from_numpy(forest.tree[forest.members[name]] == k)
                ours.append(
                    torch.cat([solution.attributes[name].value[at], solution.markers[name][at, None]], 1)
                )
            torch.testing.assert_close(
                torch.cat([part.flatten() for part in ours]), plain, atol=1e-6, rtol=1e-6
            )


@pytest.mark.parametrize("method", ["dense", "iterative"])
def test_error_bars_are_what_noise_does(method):
    generator = torch.Generator().manual_seed(1)
    single = Forest.of([overall([grow(1, 6, np.random.default_rng(k), f"t{k}") for k in range(2)])])
    attributes = {n: v[None].expand(20, -1, -1) for n, v in single.attributes.items() if n != "overall"}
    forest = single.like(attributes)
    decoder = Decoder(Sketcher(Mechanism(dict.fromkeys(attributes, 6), dimension=128), dtype=torch.float64))
    s = decoder.sketcher.encode(forest)
    noisy = s + 1e-3 * torch.randn(s.shape, generator=generator, dtype=torch.float64)
    solution = least_squares(decoder, noisy, forest, noise=1e-3, method=method)
    for name, estimate in solution.attributes.items():
        gap = float((estimate.value - forest.attributes[name]).square().mean().sqrt())
        assert gap == pytest.approx(float(estimate.error.square().mean().sqrt()), rel=0.3), name


def test_an_absent_object_is_seen_by_its_marker():
    generator = np.random.default_rng(2)
    x = torch.from_numpy(generator.dirichlet(np.ones(5)))
    both = Forest.of([overall([Object("cat", x), Object("cat", x / 2)])])
    decoder = Decoder(Mechanism({"cat": 5}, dimension=64))
    one = decoder.sketcher.linear(both, {"cat": torch.tensor([[*x.tolist(), 1.0], [0.0] * 6])})
    solution = least_squares(decoder, one, both, markers_known=False)
    torch.testing.assert_close(solution.markers["cat"], torch.tensor([1.0, 0.0]).double(), atol=1e-5, rtol=0)


def test_too_few_coordinates_are_said_so():
    forest = Forest.of([grow(2, 8, np.random.default_rng(3))])  # 56 unknowns
    decoder = Decoder(Mechanism(dict.fromkeys(forest.modules, 8), dimension=128))
    s = decoder.sketcher.encode(forest)
    solution = least_squares(decoder, erase(s, 40), forest)
    assert not solution.determined.any() and all(e.error.isinf().all() for e in solution.attributes.values())
    assert least_squares(decoder, erase(s, 60), forest).determined.all()


def sparse_tree(generator: np.random.Generator, size: int) -> Object:
    def thing(name, inputs=()):
        vector = torch.zeros(size, dtype=torch.float64)
        vector[generator.choice(size, 2, replace=False)] = 0.6
        return Object(name, vector, inputs)

    return overall([thing("cat", (thing("edge"), thing("wall"))), thing("dog")])


@pytest.mark.parametrize("keep", [None, 96])
def test_pursuit_reads_more_numbers_than_there_are_coordinates(keep):
    """4 objects with 100 attributes each, 8 of the 400 not zero, from 128 or 96 coordinates."""
    right = 0
    for seed in range(4):
        forest = Forest.of([sparse_tree(np.random.default_rng(seed), 100)])
        decoder = Decoder(
            Mechanism(dict.fromkeys(["cat", "dog", "edge", "wall"], 100), dimension=128, seed=seed)
        )
        s = decoder.sketcher.encode(forest)
        solution = pursuit(decoder, s if keep is None else erase(s, keep, "random"), forest, 8)
        right += worst(solution, forest) < 1e-4
        assert not solution.determined.any() and solution.iterations <= 8
        if worst(solution, forest) < 1e-4:
            errors = [float(e.error.max()) for e in solution.attributes.values()]
            assert max(errors) < 1e-3 and float(solution.residual) < 1e-5
    assert right >= 3


def test_errors():
    forest = Forest.of([Object("cat", torch.zeros(3))])
    decoder = Decoder(Mechanism({"cat": 3}, dimension=64))
    for bad, message in (
        (lambda: least_squares(decoder, torch.zeros(2, 64), forest), r"must be \(1, 64\), got \(2, 64\)"),
        (lambda: pursuit(decoder, torch.zeros(1, 64), forest, 65), r"numbers must lie in \[1, 64\]"),
        (lambda: pursuit(decoder, torch.zeros(2, 64), Forest.of([forest_top()] * 2), 3), "got a forest of 2"),
        (
            lambda: least_squares(decoder, torch.zeros(1, 64), Forest.of([draw_dag(0)])),
            "module must be one of cat",
        ),
    ):
        with pytest.raises(SketchError, match=message):
            bad()


def forest_top() -> Object:
    return Object("cat", torch.zeros(3))
