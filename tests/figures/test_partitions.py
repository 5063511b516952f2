"""Pictures of percolation and of partitions, and the text alternatives made from the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.figures import Picture, plot_partitions, plot_percolation

X = [0.0, 0.5, 1.0]
PATH = dict(edges=[[0, 1], [1, 2]], places=[[0, 0], [0.5, 1], [1, 0]])
BLOCKS = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 2)]
WANTED = np.array([0.1, 0.4, 0.3, 0.2])


def test_percolation_says_where_half_is_reached():
    picture = plot_percolation(
        X, {"a": [0, 0.4, 1], "b": [0, 0.5, 1], "c": [0, 0.1, 0.2]}, thresholds={"exact": 0.347}, title="T"
    )
    assert isinstance(picture, Picture)
    assert picture.alt == (
        "T. Largest component by probability. a: half of all nodes at 1.00; b: half of all nodes at 0.50; "
        "c: never half; exact is marked at 0.347."
    )
    assert picture.image != plot_percolation(X, {"a": [0, 0.4, 1], "b": [0, 0.5, 1]}, title="T").image


def test_partitions_say_how_far_off_visits_are():
    far = WANTED[::-1]
    picture = plot_partitions(**PATH, blocks=BLOCKS, wanted=WANTED, visited={"chain": WANTED, "other": far})
    assert picture.alt == (
        "Partitions by exact probability; the most likely of 4 has 0.400; chain is off by a total variation "
        "of 0.000; other is off by a total variation of 0.200."
    )
    alone = plot_partitions(**PATH, blocks=BLOCKS, wanted=WANTED, visited={})
    other = plot_partitions(**PATH, blocks=BLOCKS[::-1], wanted=WANTED, visited={})
    assert picture.image != alone.image != other.image


def test_bad_arrays_are_refused():
    with pytest.raises(ValueError, match="1 to 6 graphs, got 0"):
        plot_percolation(X, {})
    with pytest.raises(ValueError, match=r"shares\['a'\] must be \(3,\) numbers in \[0, 1\], got \(2,\)"):
        plot_percolation(X, {"a": [0, 1]})
    with pytest.raises(ValueError, match=r"shares\['a'\] must be \(3,\) numbers in \[0, 1\]"):
        plot_percolation(X, {"a": [0, 1, 2]})
    with pytest.raises(ValueError, match=r"each of 4 partitions, and visited at most 6 such, got \(2,\)"):
        plot_partitions(**PATH, blocks=BLOCKS, wanted=[0.5, 0.5], visited={})
    with pytest.raises(ValueError, match=r"visited\['a'\] must be \(4,\), got \(1,\)"):
        plot_partitions(**PATH, blocks=BLOCKS, wanted=WANTED, visited={"a": [1.0]})
