"""Packing weights for a page, and reading back what the page computes with."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as array_strategy

from hsrnn.figures.weights import pack, unpack
from hsrnn.hmrnn import HMLSTM, CharLanguageModel

from .conftest import RunNode, arrays, small_model

finite = st.floats(-1e4, 1e4, width=32)


@given(
    array_strategy(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=finite),
    st.sampled_from([8, 16]),
)
def test_matrix_is_off_by_at_most_half_a_step_of_its_row(matrix: np.ndarray, bits: int) -> None:
    back = unpack(pack({"weight": matrix}, bits))["weight"]
    largest = np.abs(matrix).max(axis=1, keepdims=True).astype(np.float64)
    assert back.dtype == np.float32
    limit = 2 ** (bits - 1) - 1
    assert np.all(np.abs(back.astype(np.float64) - matrix) <= largest / limit * 0.5 + largest * 1e-6 + 1e-40)


@given(array_strategy(np.float32, st.integers(1, 20), elements=finite))
def test_vector_stays_as_it_is(vector: np.ndarray) -> None:
    np.testing.assert_array_equal(unpack(pack({"bias": vector}))["bias"], vector)


def test_thirty_two_bits_change_nothing() -> None:
    weights = arrays(small_model(False, 30))
    for name, array in unpack(pack(weights, 32)).items():
        np.testing.assert_array_equal(array, weights[name])


def test_packing_again_changes_nothing() -> None:
    once = unpack(pack(arrays(small_model(True, 30))))
    twice = unpack(pack(once))
    for name, array in once.items():
        np.testing.assert_allclose(twice[name], array, rtol=1e-6, atol=0)


@pytest.mark.needs_node
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_the_page_reads_the_same_numbers_bit_for_bit(run_node: RunNode, bits: int) -> None:
    packed = pack(arrays(small_model(True, 30)), bits)
    source = """
import { decodeWeights } from "@static/hmlstm.js";
const weights = decodeWeights(data);
const bits = (values) => [...new Uint32Array(values.buffer)];
console.log(JSON.stringify(Object.fromEntries(Object.entries(weights).map(([name, { values }]) => [name,
bits(values)]))));
"""
    read = run_node(source, packed)
    expected = unpack(packed)
    assert set(read) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(np.array(read[name], dtype=np.uint32), array.ravel().view(np.uint32))


def test_a_model_for_the_page_stays_below_one_megabyte() -> None:
    model = CharLanguageModel(50, 64, HMLSTM(64, (128, 128, 128), layer_norm=True), 128)
    weights = arrays(model)
    assert sum(array.size for array in weights.values()) > 500_000
    assert len(json.dumps(pack(weights))) < 1_000_000


@pytest.mark.parametrize(
    ("weights", "bits", "message"),
    [
        ({"w": np.zeros((2, 2))}, 4, "bits must be 8, 16 or 32, got 4"),
        ({"w": np.array([[1.0, np.nan]])}, 8, "w has entries that are not finite"),
        ({"w": np.zeros((2, 2, 2))}, 8, r"one or two dimensions, got shape \(2, 2, 2\)"),
    ],
)
def test_bad_weights_are_refused(weights: dict[str, np.ndarray], bits: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pack(weights, bits)


def test_foreign_json_is_refused() -> None:
    with pytest.raises(ValueError, match="hsrnn-weights-1"):
        unpack({"format": "other", "arrays": {}})
