"""Pictures of operations, gates and segments, and the text alternatives made from the same arrays."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsrnn.figures import Picture, plot_gates, plot_operation_table, plot_operations, plot_segment_tree
from hsrnn.figures.operations import OPERATION_NAMES, segments
from hsrnn.figures.ten_letters import operations_from_boundaries
from hsrnn.hmrnn import OPERATION_NAMES as MODEL_NAMES
from hsrnn.hmrnn import count_operations, segment_tree

from .conftest import RunNode

TEXT = "a cat sat\non it"
RANDOM = np.random.default_rng(0)
OPERATIONS = np.column_stack(
    [RANDOM.integers(1, 3, 15), RANDOM.integers(0, 3, 15), RANDOM.integers(0, 2, 15)]
)
BOUNDARIES = RANDOM.integers(0, 2, (15, 2))

zeros_and_ones = st.lists(st.integers(0, 1), min_size=1, max_size=30)


def test_codes_mean_what_they_mean_in_the_model() -> None:
    assert OPERATION_NAMES == tuple(MODEL_NAMES)


def test_alt_text_counts_like_the_model() -> None:
    picture = plot_operations(TEXT, OPERATIONS, BOUNDARIES)
    counted = count_operations(OPERATIONS)
    for layer, (copies, updates, flushes) in enumerate(counted.counts, start=1):
        assert f"layer {layer}: {updates} UPDATE, {flushes} FLUSH, {copies} COPY" in picture.alt
    assert f"{100 * counted.saving:.0f} % of all states are copied" in picture.alt
    assert "a cat sat↵on it" in picture.alt


def test_a_longer_text_takes_more_lines() -> None:
    def height(length: int) -> int:
        picture = plot_operations("a" * length, np.ones((length, 2), dtype=int))
        return int.from_bytes(picture.image[20:24], "big")

    assert height(48) < height(49) == height(96) < height(97)


def test_pictures_differ_where_the_arrays_do() -> None:
    other = OPERATIONS.copy()
    other[7, 1] = (other[7, 1] + 1) % 3
    assert plot_operations(TEXT, OPERATIONS).image != plot_operations(TEXT, other).image
    assert plot_operations(TEXT, OPERATIONS).image != plot_operations(TEXT, OPERATIONS, BOUNDARIES).image
    assert plot_operations(TEXT, OPERATIONS).image == plot_operations(TEXT, OPERATIONS.copy()).image


def test_gates_name_their_means() -> None:
    gates = np.column_stack([np.full(15, 0.25), np.linspace(0, 1, 15)])
    assert "0.25 for layer 1, 0.50 for layer 2" in plot_gates(TEXT, gates).alt


def test_segment_tree_names_its_segments() -> None:
    boundaries = np.zeros((15, 2), dtype=int)
    boundaries[[1, 5, 9], 0] = 1
    boundaries[9, 1] = 1
    boundaries[12, 1] = 1  # a boundary of layer 2 alone ends the segment of layer 1 too
    alt = plot_segment_tree(TEXT, boundaries).alt
    assert "layer 1 5 segments, layer 2 3 segments" in alt
    assert "“a ”, “cat ”, “sat↵”, “on ”, “it”" in alt


@given(zeros_and_ones)
def test_segments_tile_the_text(boundaries: list[int]) -> None:
    found = segments(np.array(boundaries))
    assert [t for first, last in found for t in range(first, last + 1)] == list(range(len(boundaries)))
    assert [last for _, last in found if boundaries[last] == 1] == np.flatnonzero(boundaries).tolist()


@pytest.mark.needs_node
def test_javascript_cuts_the_same_nested_segments_as_the_model(run_node: RunNode) -> None:
    random = np.random.default_rng(1)
    pairs = [random.integers(0, 2, (2, length)).tolist() for length in (1, 2, 7, 30, 30, 60)]
    source = """
import { nestedEnds, segmentsOf } from "@static/segments.js";
console.log(JSON.stringify(data.map((boundaries) => {
  const [lower, upper] = nestedEnds(boundaries).map(segmentsOf);
  return { lower, upper };
})));
"""
    for pair, found in zip(pairs, run_node(source, pairs), strict=True):
        root = segment_tree(np.array(pair).T)
        assert [(each["first"], each["last"] + 1) for each in found["upper"]] == [
            (c.start, c.stop) for c in root.children
        ]
        expected = [(c.start, c.stop) for parent in root.children for c in parent.children]
        assert [(each["first"], each["last"] + 1) for each in found["lower"]] == expected
        assert found["upper"][-1]["open"] == (pair[1][-1] == 0)


def test_table_of_operations_says_the_rule() -> None:
    alt = plot_operation_table().alt
    assert all(name in alt for name in OPERATION_NAMES)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_operations("", np.ones((0, 2))), "text must have at least one symbol"),
        (
            lambda: plot_operations("ab", np.ones((3, 2))),
            r"operations must be \(T, layers\) with T = 2 letters",
        ),
        (
            lambda: plot_operations("ab", np.full((2, 2), 3)),
            r"operations must be 0, 1 or 2, got values \[3\]",
        ),
        (
            lambda: plot_operations("ab", np.ones((2, 3)), np.ones((2, 3))),
            r"boundaries must be \(T, 2\) for 3 layers",
        ),
        (lambda: plot_gates("ab", np.full((2, 3), 1.5)), r"gates must lie in \[0, 1\], got 1.5 to 1.5"),
        (lambda: plot_segment_tree("ab", np.ones(2)), r"got shape \(2,\)"),
    ],
)
def test_bad_arrays_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_everything_is_a_picture() -> None:
    for picture in (
        plot_operations(TEXT, OPERATIONS),
        plot_segment_tree(TEXT, BOUNDARIES),
        plot_operation_table(),
    ):
        assert isinstance(picture, Picture)
        assert len(picture.image) > 1000


# ---------------------------------------------------------------- the ten-letter machine


def test_table_of_the_paper() -> None:
    """Every combination of own boundary before and boundary below now, in layer 2 of 3."""
    for own, below in product((0, 1), repeat=2):
        boundaries = np.array([[0, below], [own, 0]])
        expected = 2 if own == 1 else below
        assert operations_from_boundaries(boundaries)[1, 1] == expected


@pytest.mark.needs_node
def test_javascript_machine_follows_the_table_and_keeps_every_letter(run_node: RunNode) -> None:
    random = np.random.default_rng(2)
    cases = [random.integers(0, 2, (layers, 10)).tolist() for layers in (1, 2, 2, 3)]
    source = """
import { run } from "@static/ten_letters.js";
console.log(JSON.stringify(data.map((boundaries) => run([..."abcdefghij"], boundaries))));
"""
    for boundaries, steps in zip(cases, run_node(source, cases), strict=True):
        z = np.array(boundaries)
        expected = operations_from_boundaries(z)
        np.testing.assert_array_equal([step["operation"] for step in steps], expected)
        for t, step in enumerate(steps):
            since = max([s + 1 for s in np.flatnonzero(z[0, :t])], default=0)
            assert step["memory"][0] == list("abcdefghij"[since : t + 1])
            for layer in range(1, len(step["memory"])):
                before = steps[t - 1]["memory"][layer] if t else []
                heard = [step["memory"][layer - 1]] if z[layer - 1, t] else []
                kept = [] if expected[t, layer] == 2 else before
                assert step["memory"][layer] == kept + heard
