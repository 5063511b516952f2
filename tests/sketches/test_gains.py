"""Coefficients of decoding against brute force and against what random matrices really do."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.sketches import (
    Family,
    Forest,
    Mechanism,
    Object,
    Path,
    Sketcher,
    SketchError,
    chain_way,
    expected_similarity,
    gain,
    overall,
    overlap,
    ways,
)
from hsrnn.sketches.gains import Coefficients, common_words

from .conftest import SIZES, draw_dag

pytestmark = pytest.mark.usefixtures("plain_calls")
letters = st.lists(st.sampled_from([("", "a"), ("", "b"), ("m", "a")]), max_size=6).map(tuple)


def words(factors: tuple, t: float) -> dict[tuple, float]:
    """Multiply out a product of t I + (1 - t) R: word of random parts -> weight."""
    result: dict[tuple, float] = {}
    for picks in product((False, True), repeat=len(factors)):
        word = tuple(letter for letter, picked in zip(factors, picks, strict=True) if picked)
        weight = np.prod([1 - t if picked else t for picked in picks])
        result[word] = result.get(word, 0.0) + weight
    return result


@settings(max_examples=100, deadline=None)
@given(letters, letters, st.floats(0, 1))
def test_common_words_are_the_product_multiplied_out(first, second, t):
    a, b = words(first, t), words(second, t)
    assert common_words(first, second, t) == pytest.approx(sum(a[w] * b.get(w, 0.0) for w in a), abs=1e-12)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_coefficient_of_the_sheet(depth):
    """beta = 2^(4 h + 4) / w, from the recursion and not from a formula."""
    way = chain_way(Mechanism({"cat": 1}), 2.0**-depth if depth else 1.0, depth)
    weight = 2.0**-depth
    assert len(way) == 1 and len(way[0].factors) == 3 * depth + 2
    assert 0.5 * gain(way, 0.5) == pytest.approx(weight / 2 ** (4 * depth + 4), rel=1e-12)
    c = way[0].coefficient
    assert overlap(way, way, 0.5) >= c**2 * 0.5 ** (3 * depth + 2) * (1 - 1e-12)


def test_gains_are_effective_weights_by_depth():
    m = Mechanism(SIZES, dimension=64, max_depth=20, transparency=0.3)
    top = overall([Object("room", torch.zeros(2), (draw_dag(1, 5), draw_dag(2, 5)))])
    forest = Forest.of([top])
    found = ways(m, forest)
    ours = Coefficients(m, forest).gains()
    for k, paths in enumerate(found):
        lengths = [len(path.factors) for path in paths]
        constants = [0.5 * 0.5 ** ((n - 2) // 3) for n in lengths]
        weight = sum(p.coefficient / c for p, c in zip(paths, constants, strict=True))
        assert weight == pytest.approx(forest.effective[k], abs=1e-12)
        assert ours[k] == pytest.approx(
            sum(p.coefficient * 0.3**n for p, n in zip(paths, lengths, strict=True))
        )


@pytest.mark.parametrize("kind", ["haar", "hadamard"])
def test_gains_and_overlaps_are_what_matrices_do(kind):
    """Traces over 40 networks: tr(R^T P) / d is the gain, tr(P^T Q) / d the overlap of two places."""
    x = torch.zeros(16)
    leaf = [Object("edge", x) for _ in range(3)]
    cat = Object("cat", x, (leaf[0], leaf[1]), (0.3, 0.7))
    forest = Forest.of([overall([cat, leaf[2], leaf[0]], [0.5, 0.3, 0.2])])
    d, seeds = 128, 40
    grams, gains = [], []
    for seed in range(seeds):
        m = Mechanism({"edge": 16, "cat": 16}, dimension=d, seed=seed, family=Family(kind))
        sketcher = Sketcher(m, dtype=torch.float64)
        unit = forest.like({"edge": torch.zeros(48, 3, 16), "cat": torch.zeros(48, 1, 16)})
        vectors = {
            "edge": torch.cat([torch.eye(48).view(48, 3, 16), torch.zeros(48, 3, 1)], 2)
            .flatten(0, 1)
            .double(),
            "cat": torch.zeros(48, 17).double(),
        }
        columns = sketcher.linear(unit, vectors).view(3, 16, d)
        grams.append(torch.einsum("uid,vid->uv", columns, columns) / 16)
        read = sketcher.matrices.operator("edge", "attributes").transpose(columns)[..., :16]
        gains.append(torch.einsum("uii->u", read) / 16)
    coefficients = Coefficients(m, forest)
    for drawn, expected in (
        (torch.stack(grams), coefficients.gram(0, "edge") * 0.25),
        (torch.stack(gains), coefficients.gains()[forest.members["edge"]] * 0.5),
    ):
        z = (drawn.mean(0) - torch.from_numpy(expected)) / (drawn.std(0) / seeds**0.5)
        assert float(z.abs().max()) < 4.5
        assert float((drawn.mean(0) - torch.from_numpy(expected)).abs().max()) < 0.12 * np.max(expected)


def test_expected_similarity_is_the_mean_over_networks():
    generator = np.random.default_rng(0)

    def edge() -> Object:
        return Object("edge", torch.from_numpy(generator.dirichlet(np.ones(3))))

    shared = edge()
    first = Forest.of([overall([Object("cat", torch.zeros(5), (shared,)), edge()])])
    second = Forest.of(
        [overall([Object("room", torch.zeros(2), (edge(), shared)), Object("wall", torch.zeros(0))])]
    )
    apart = Forest.of([overall([Object("wall", torch.zeros(0))])])
    products, unrelated = [], []
    for seed in range(150):
        m = Mechanism(SIZES, dimension=128, seed=seed)
        sketcher = Sketcher(m)
        a, b, c = (sketcher.encode(forest)[0] for forest in (first, second, apart))
        products.append(float(a @ b))
        unrelated.append(float(a @ c))
    for drawn, expected in (
        (products, expected_similarity(m, first, second)), (unrelated, expected_similarity(m, first, apart)),
    ):  # fmt: skip
        assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.std(drawn) / 150**0.5)
    assert expected_similarity(m, first, second) > 0 == expected_similarity(m, first, apart)


def test_errors():
    m = Mechanism(SIZES, max_depth=30)
    thing = Object("edge", torch.zeros(3))
    for _ in range(13):
        thing = Object("edge", torch.zeros(3), (thing, thing))
    with pytest.raises(SketchError, match="at most 4096 ways to be decoded by projection, got 16383"):
        ways(m, Forest.of([thing]))
    for bad, message in (
        (lambda: chain_way(m, 0.0, 1), r"weight must lie in \(0, 1\], got 0"),
        (lambda: chain_way(m, 0.5, 31), r"depth must lie in \[0, 30\]"),
        (lambda: chain_way(m, 0.5, 0), "the top object .* has weight 1, got 0.5"),
        (
            lambda: expected_similarity(m, Forest.of([draw_dag(0)] * 2), Forest.of([thing])),
            "forests of 2 and 1",
        ),
    ):
        with pytest.raises(SketchError, match=message):
            bad()
    assert gain((Path(0.5, (("", "a"),)),), 0.5) == 0.25
