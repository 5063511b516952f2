"""Contiguous rows: every symbol but the first is a target exactly once, whatever the cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsrnn.datasets import ContiguousRows, TooFewSymbolsError, length_batches

sizes = st.integers(1, 9)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[np.ndarray, int, int, int]:
    """Distinct codes, rows, length, offset; distinct codes make every prediction recognisable."""
    rows, length = draw(sizes), draw(sizes)
    symbols = draw(st.integers(rows * length + 1, rows * length + 120))
    offset = draw(st.integers(0, symbols - 1))
    return np.arange(symbols, dtype=np.uint16), rows, length, offset


@given(cuts())
def test_each_symbol_after_the_first_is_predicted_once_from_the_one_before_it(cut):
    codes, rows, length, offset = cut
    chunks = ContiguousRows(codes, rows, length, offset)
    rolled = np.concatenate([codes[offset:], codes[:offset]])
    pairs = np.concatenate([np.stack([x, y], axis=-1).reshape(-1, 2) for x, y in chunks])
    covered = len(rolled) - chunks.remainder
    expected = np.stack([rolled[: covered - 1], rolled[1:covered]], axis=-1)
    place = np.empty(len(codes), dtype=int)
    place[rolled] = np.arange(len(codes))
    pairs = pairs[np.argsort(place[pairs[:, 0]], kind="stable")]
    np.testing.assert_array_equal(pairs, expected)
    assert chunks.predictions == len(pairs)


@given(cuts())
def test_the_remainder_is_less_than_one_symbol_a_row(cut):
    codes, rows, length, offset = cut
    chunks = ContiguousRows(codes, rows, length, offset)
    assert 0 <= chunks.remainder < rows
    assert 1 + chunks.predictions + chunks.remainder == len(codes)


@given(cuts())
def test_chunks_overlap_by_one_symbol_and_restore_the_rows(cut):
    codes, rows, length, offset = cut
    chunks = list(ContiguousRows(codes, rows, length, offset))
    for (_, before), (after, _) in zip(chunks, chunks[1:]):
        np.testing.assert_array_equal(before[:, -1], after[:, 0])
    laid_out = np.concatenate([chunks[0][0][:, :1], *(targets for _, targets in chunks)], axis=1)
    np.testing.assert_array_equal(laid_out[1:, 0], laid_out[:-1, -1])
    stream = np.concatenate([laid_out[0, :1], laid_out[:, 1:].reshape(-1)])
    np.testing.assert_array_equal(stream, np.roll(codes, -offset)[: len(stream)])


@given(cuts())
def test_every_chunk_but_the_last_has_the_full_length(cut):
    codes, rows, length, offset = cut
    chunks = ContiguousRows(codes, rows, length, offset)
    lengths = [inputs.shape[1] for inputs, _ in chunks]
    assert len(lengths) == len(chunks)
    assert lengths[:-1] == [length] * (len(lengths) - 1)
    assert 1 <= lengths[-1] <= length
    assert all(
        x.shape == y.shape == (rows, t) and x.dtype == y.dtype == np.int64
        for (x, y), t in zip(chunks, lengths)
    )


def test_a_small_example_by_hand():
    chunks = ContiguousRows(np.arange(12, dtype=np.uint8), rows=2, length=3)
    assert chunks.remainder == 1
    inputs, targets = chunks[0]
    assert inputs.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert targets.tolist() == [[1, 2, 3], [6, 7, 8]]
    inputs, targets = chunks[-1]
    assert inputs.tolist() == [[3, 4], [8, 9]]
    assert targets.tolist() == [[4, 5], [9, 10]]


def test_too_few_symbols_names_the_numbers():
    with pytest.raises(TooFewSymbolsError, match=r"4 rows of chunks of 5 .* = 21 symbols, got 20"):
        ContiguousRows(np.zeros(20, dtype=np.uint8), rows=4, length=5)
    assert len(ContiguousRows(np.zeros(21, dtype=np.uint8), rows=4, length=5)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, "rows must be at least 1, got 0"),
        ({"length": -1}, "length must be at least 1, got -1"),
        ({"offset": 50}, "offset must lie between 0 and 49 for 50 symbols, got 50"),
        ({"codes": np.zeros((5, 10), dtype=np.uint8)}, r"got shape \(5, 10\)"),
        ({"codes": np.zeros(50)}, "of float64"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"codes": np.zeros(50, dtype=np.uint8), "rows": 2, "length": 5} | change
    with pytest.raises(ValueError, match=message):
        ContiguousRows(**arguments)


def test_a_chunk_that_does_not_exist():
    with pytest.raises(IndexError, match="chunk 5 does not exist, there are 5 chunks"):
        ContiguousRows(np.zeros(50, dtype=np.uint8), rows=2, length=5)[5]


@given(st.lists(st.integers(1, 500), min_size=1, max_size=300), st.integers(1, 12), st.integers(1, 5))
def test_length_batches_hold_every_sequence_at_most_once(lengths, rows, pool):
    if len(lengths) < rows:
        with pytest.raises(TooFewSymbolsError, match="needs as many sequences"):
            length_batches(lengths, rows, random=np.random.RandomState(0), pool=pool)
        return
    batches = length_batches(lengths, rows, random=np.random.RandomState(0), pool=pool)
    flat = np.concatenate(batches)
    assert {batch.shape for batch in batches} == {(rows,)} and len(batches) == len(lengths) // rows
    assert len(set(flat.tolist())) == len(flat) and flat.min() >= 0 and flat.max() < len(lengths)
    again = length_batches(lengths, rows, random=np.random.RandomState(0), pool=pool)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


def test_length_batches_need_little_padding_and_change_with_the_draw():
    lengths = np.random.RandomState(1).randint(300, 1500, 2000)

    def padding(pool: int, seed: int = 2) -> float:
        batches = length_batches(lengths, 20, random=np.random.RandomState(seed), pool=pool)
        return 1 - lengths.sum() / sum(20 * lengths[batch].max() for batch in batches)

    assert padding(20) < 0.05 < 0.3 < padding(1)
    first, second = (length_batches(lengths, 20, random=np.random.RandomState(s)) for s in (2, 3))
    assert {tuple(sorted(b)) for b in first} != {tuple(sorted(b)) for b in second}
    with pytest.raises(ValueError, match="rows and pool must be at least 1, got 0 and 20"):
        length_batches(lengths, 0, random=np.random.RandomState(0))
