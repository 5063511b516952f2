"""The batched sketch against the plain recursion, and the invariants of the mechanism."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.sketches import (
    Erased,
    Family,
    Forest,
    Mechanism,
    Object,
    Path,
    Paths,
    Recursion,
    Sketcher,
    SketchError,
    Vectors,
    erase,
    merge,
    overall,
)
from hsrnn.sketches import sketch as sketch_module

from .conftest import SIZES, draw_attributes, draw_dag

pytestmark = pytest.mark.usefixtures("plain_calls")
FAMILIES = {"hadamard": Family(), "haar": Family("haar"), "block": Family("block", block=32, density=0.3)}


def mechanism(kind: str = "hadamard", d: int = 64, **settings) -> Mechanism:
    return Mechanism(SIZES, dimension=d, seed=11, family=FAMILIES[kind], **{"max_depth": 20} | settings)


# The recursion ------------------------------------------------------------------------------------


def test_one_object_by_hand():
    m = mechanism()
    matrices = m.matrices()
    thing = Object("edge", torch.tensor([0.5, 0.0, 0.25]))
    r = {role: matrices.operator("edge", role).matrix() for role in ("attributes", "marker", "object")}
    eye = torch.eye(64, dtype=torch.float64)
    x = 0.5 * eye[0] + 0.25 * eye[2]
    attribute = r["attributes"] @ x / 2 + r["marker"] @ eye[0] / 2
    first = matrices.operator("", "position 1").matrix()
    expected = (eye + r["object"]) / 2 @ (0.5 * (eye + first) / 2 @ attribute)
    recursion: Recursion = Vectors(m)
    torch.testing.assert_close(recursion.object_sketch(thing), expected)
    torch.testing.assert_close(Sketcher(m, dtype=torch.float64).encode([thing])[0], expected)


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"object_factor": False, "transparency": 0.3, "attribute_weight": 0.2, "marker_share": 0.9}],
)
def test_batches_equal_the_plain_recursion(kind, settings):
    m = mechanism(kind, **settings)
    tops = [draw_dag(seed) for seed in range(6)] + [overall([draw_dag(7), draw_dag(8)]), overall([])]
    reference = Vectors(m)
    expected = torch.stack([reference.object_sketch(top) for top in tops])
    torch.testing.assert_close(Sketcher(m, dtype=torch.float64).encode(tops), expected, atol=1e-13, rtol=0)
    torch.testing.assert_close(Sketcher(m).encode(tops).double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["COLUMNS_KEPT", "WORKING_BYTES"])
def test_ways_to_compute_agree(name, monkeypatch):
    tops, m = [draw_dag(seed) for seed in range(7)], mechanism()
    plain = Sketcher(m, dtype=torch.float64).encode(tops)
    vectors = Sketcher(m).adjoint(Forest.of(tops), plain)
    monkeypatch.setattr(sketch_module, name, 64 * 8 * 10 if name == "WORKING_BYTES" else 0)
    torch.testing.assert_close(Sketcher(m, dtype=torch.float64).encode(tops), plain, atol=1e-14, rtol=0)
    again = Sketcher(m).adjoint(Forest.of(tops), plain)
    for module in vectors:
        torch.testing.assert_close(vectors[module], again[module], atol=1e-14, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(FAMILIES)), st.integers(1, 12))
def test_the_transpose_is_adjoint(seed, kind, objects):
    sketcher = Sketcher(mechanism(kind), dtype=torch.float64)
    forest = Forest.of([draw_dag(seed, max(2, objects)), draw_dag(seed + 1)])
    generator = torch.Generator().manual_seed(seed)
    vectors = {
        name: torch.randn(len(numbers), SIZES[name] + 1, generator=generator, dtype=torch.float64)
        for name, numbers in forest.members.items()
    }
    sketches = torch.randn(2, 64, generator=generator, dtype=torch.float64)
    back = sketcher.adjoint(forest, sketches)
    left = float((sketcher.linear(forest, vectors) * sketches).sum())
    assert left == pytest.approx(
        sum(float((vectors[name] * back[name]).sum()) for name in vectors), abs=1e-10
    )


def test_gradients_reach_the_attributes():
    sketcher = Sketcher(mechanism(), dtype=torch.float64)
    x = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64, requires_grad=True)
    top = overall([Object("edge", x), Object("cat", torch.zeros(5, dtype=torch.float64))])
    weights = torch.randn(64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (sketcher.encode([top])[0] @ weights).backward()
    back = sketcher.adjoint(Forest.of([top]), weights[None])
    torch.testing.assert_close(x.grad, back["edge"][0, :3])


def test_the_ways_on_symbols_are_the_ways_of_vectors():
    """With R = 0 every factor is its share: the sketch becomes a number, the sum over all ways."""
    top = draw_dag(21)
    m = mechanism(transparency=0.4, input_weight=0.6)
    paths = Paths(m).object_sketch(top)
    forest = Forest.of([top])
    constants = m.attribute_weight * m.input_weight ** np.arange(20)
    assert len(paths) == len(forest.module)
    for found in paths.values():
        for path in found:
            assert isinstance(path, Path) and path.factors[-1] == (top.module, "object")
            assert (len(path.factors) - 2) % 3 == 0  # 3 h + 2 factors at depth h
    total = {
        key: sum(p.coefficient / constants[len(p.factors) // 3] for p in found)
        for key, found in paths.items()
    }
    np.testing.assert_allclose(sorted(total.values()), sorted(forest.effective), atol=1e-12)


# Invariants ---------------------------------------------------------------------------------------


def changed(thing: Object, eps: float, generator: np.random.Generator, known: dict) -> Object:
    """Return the same tree with every attribute vector moved by at most eps in l2, kept non-negative."""
    if id(thing) not in known:
        step = torch.from_numpy(generator.normal(size=len(thing.attributes)))
        step = step / max(1e-12, float(step.norm())) * eps * generator.choice([1.0, 0.3])
        inputs = tuple(changed(part, eps, generator, known) for part in thing.inputs)
        known[id(thing)] = Object(thing.module, thing.attributes + step, inputs, thing.weights)
    return known[id(thing)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.floats(0.0, 1.0), st.sampled_from(["hadamard", "haar"]), st.integers(0, 50),
    st.integers(2, 12),
)  # fmt: skip
def test_t2_iii_near_identical_inputs_have_near_identical_sketches(seed, eps, kind, network, objects):
    """|s - s'| <= eps / 2, always, for orthonormal matrices."""
    top = draw_dag(seed, objects)
    m = Mechanism(SIZES, dimension=32, seed=network, family=FAMILIES[kind], max_depth=20)
    sketcher = Sketcher(m, dtype=torch.float64)
    forest, moved = (Forest.of([tree]) for tree in (top, changed(top, eps, np.random.default_rng(seed), {})))

    def plain(f):
        return {
            name: torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1) for name, x in f.attributes.items()
        }

    gap = sketcher.linear(forest, plain(forest)) - sketcher.linear(moved, plain(moved))
    assert float(gap.norm()) <= eps / 2 + 1e-12
    assert float(gap.norm()) <= m.change_bound(eps, int(forest.depth.max())) + 1e-12 <= eps / 2 + 2e-12


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(sorted(FAMILIES)), st.floats(-3, 3), st.floats(-3, 3),
    st.integers(2, 12),
)  # fmt: skip
def test_linear_in_attributes_and_markers(seed, kind, one, other, objects):
    generator = np.random.default_rng(seed)
    sketcher = Sketcher(mechanism(kind), dtype=torch.float64)
    forest = Forest.of([draw_dag(seed, objects)])
    a, b = (
        {
            n: torch.from_numpy(generator.normal(size=(len(v), SIZES[n] + 1)))
            for n, v in forest.attributes.items()
        }
        for _ in range(2)
    )
    both = {name: one * a[name] + other * b[name] for name in a}
    expected = one * sketcher.linear(forest, a) + other * sketcher.linear(forest, b)
    torch.testing.assert_close(sketcher.linear(forest, both), expected, atol=1e-12, rtol=0)


def test_merging_is_a_weighted_sum():
    sketcher = Sketcher(mechanism(), dtype=torch.float64)
    sketches = sketcher.encode([draw_dag(seed) for seed in range(3)])
    torch.testing.assert_close(merge(sketches), sketches.mean(0))
    torch.testing.assert_close(merge(sketches, [0.5, 0.5, 0.0]), (sketches[0] + sketches[1]) / 2)


def test_position_counts():
    generator = np.random.default_rng(0)
    a, b = (Object("edge", draw_attributes(generator, 3)) for _ in range(2))
    s, swapped = Sketcher(mechanism(d=256)).encode([overall([a, b]), overall([b, a])])
    assert float((s - swapped).norm()) > 0.1 * float(s.norm())


def test_same_seed_same_sketch_and_only_then():
    tops = [draw_dag(1)]
    one, two = (Sketcher(mechanism()).encode(tops) for _ in range(2))
    assert torch.equal(one, two)
    other = Sketcher(Mechanism(SIZES, dimension=64, seed=12, max_depth=20)).encode(tops)
    assert abs(float(torch.cosine_similarity(one, other))) < 0.6


def test_a_sketch_is_the_same_to_the_last_bit_in_every_year():
    """All numbers are sums of powers of two that float64 holds exactly, so that no processor, library or
    order of summing changes a bit. Another hash means that sketches of former years cannot be read any
    more."""
    m = Mechanism({"cat": 3, "room": 2}, dimension=64, seed=7)
    x, y = torch.tensor([0.5, 0.25, 0.0]), torch.tensor([0.0, 0.75])
    room = Object("room", y, (Object("cat", x), Object("cat", x / 2)))
    made = Sketcher(m, dtype=torch.float64).encode([room])[0]
    assert torch.equal(made, Vectors(m).object_sketch(room))
    steps = made * 2.0**56
    assert torch.equal(steps, steps.round()) and float(steps.abs().max()) < 2**53  # exact, then
    digest = hashlib.sha256((made + 0.0).numpy().astype("<f8").tobytes()).hexdigest()
    assert digest == "af9b4aacb7c08280ec313ae97f68a5bf6c7a368518109de87dacb3980eb210cb"


def test_prototypes_are_their_formulas():
    generator = np.random.default_rng(3)
    things = [Object(name, draw_attributes(generator, SIZES[name])) for name in ("edge", "cat", "edge")]
    weights = (0.5, 0.2, 0.3)
    for make, share, marker in ((Mechanism.prototype_a, 1.0, 0.0), (Mechanism.prototype_b, 0.5, 0.5)):
        m = make(SIZES, dimension=64, seed=5)
        matrices, expected = m.matrices(), torch.zeros(64, dtype=torch.float64)
        for thing, weight in zip(things, weights):
            x = torch.nn.functional.pad(thing.attributes, (0, 64 - len(thing.attributes)))
            expected += weight * share * matrices.operator(thing.module, "attributes")(x)
            one = torch.eye(64, dtype=torch.float64)[0]
            expected += weight * marker * matrices.operator(thing.module, "marker")(one)
        made = Sketcher(m, dtype=torch.float64).encode([overall(things, weights)])[0]
        torch.testing.assert_close(made, expected)


# Erasing ------------------------------------------------------------------------------------------


def test_erasing_keeps_what_it_says_and_filled_inner_products_are_unbiased():
    sketches = torch.randn(2, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    prefix = erase(sketches, 128)
    assert isinstance(prefix, Erased) and prefix.fraction == 0.25
    assert torch.equal(prefix.values, sketches[:, :128])
    assert torch.equal(prefix.filled(rescale=False)[:, :128], prefix.values)
    drawn = [erase(sketches, 128, "random", seed=seed) for seed in range(300)]
    assert (
        torch.equal(drawn[0].values, sketches[:, drawn[0].kept]) and len(set(drawn[0].kept.tolist())) == 128
    )
    counts = torch.bincount(torch.cat([left.kept for left in drawn]), minlength=512)
    assert abs(counts.double().mean() - 75) < 1e-9 and counts.max() < 75 + 6 * 7.5
    products = [float(left.filled()[0] @ sketches[1]) for left in drawn]
    sd = np.std(products) / np.sqrt(len(products))
    assert np.mean(products) == pytest.approx(float(sketches[0] @ sketches[1]), abs=4 * sd)


# Errors -------------------------------------------------------------------------------------------


def test_errors():
    m = mechanism(max_depth=2)
    sketcher = Sketcher(m)
    x = torch.zeros(3)
    deep = overall([Object("edge", x, (Object("edge", x, (Object("edge", x),)),))])
    for bad, message in (
        (lambda: sketcher.encode([deep]), r"at most 2 deep \(max_depth\), got one of depth 3"),
        (
            lambda: sketcher.encode([Object("dog", x)]),
            "module must be one of cat, edge, room, wall, got 'dog'",
        ),
        (lambda: sketcher.encode([Object("cat", x)]), "module 'cat' must have 5 attributes, got 3"),
        (lambda: sketcher.encode([Object("edge", x - 0.1)]), "must not be negative, got -0.1; split"),
        (lambda: sketcher.encode([Object("edge", x + 1)]), "of length at most 1, got 1.732"),
        (lambda: sketcher.encode([Object("edge", x + torch.nan)]), "must be finite"),
        (lambda: sketcher.adjoint(Forest.of([Object("edge", x)]), torch.zeros(1, 32)), r"must be \(1, 64\)"),
        (lambda: Mechanism({}), "at least one module"),
        (lambda: Mechanism({"overall": 3}), "must not be called 'overall'"),
        (lambda: Mechanism({"cat": 99}, dimension=64), "0 to 64 attributes"),
        (lambda: Mechanism({"cat": 9}, transparency=1.2), r"transparency must lie in \[0, 1\], got 1.2"),
        (lambda: Mechanism({"cat": 9}, max_depth=-1), "max_depth must not be negative"),
        (lambda: Mechanism.from_json("{}"), "not the text of a mechanism"),
    ):
        with pytest.raises(SketchError, match=message):
            bad()
    for bad, message in (
        (lambda: merge(torch.zeros(3)), r"sketches must be \(n, d\)"),
        (lambda: merge(torch.zeros(3, 4), [1.0]), "weights must be 3 numbers"),
        (lambda: erase(torch.zeros(3, 4), 5), r"keep must lie in \[1, 4\], got 5"),
        (lambda: erase(torch.zeros(3, 4), 2, "middle"), "how must be one of prefix, random"),
    ):
        with pytest.raises(ValueError, match=message):
            bad()


def test_mechanisms_as_text():
    m = mechanism("block", marker_share=0.25)
    assert (
        Mechanism.from_json(m.to_json()) == m
        and Mechanism.from_json(m.to_json()).fingerprint() == m.fingerprint()
    )
    other = Mechanism(SIZES, dimension=64, seed=12, family=m.family, marker_share=0.25)
    assert other.fingerprint() != m.fingerprint()
    with pytest.raises(SketchError, match="old.bin was made with another mechanism: seed 12 instead of 11"):
        m.require_same(other, "old.bin")
    assert m.change_bound(0.2) == pytest.approx(0.1) and m.change_bound(0.2, 0) == pytest.approx(0.05)
