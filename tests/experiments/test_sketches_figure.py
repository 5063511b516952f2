"""Sketch memory on two days of rooms: merged sketches hold sums over scenes, and the truth beside them is."""

from __future__ import annotations

from collections import Counter

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn import datasets, sketches
from hsrnn.experiments.sketches_figure import digit_counts, memory_figure, merged, painted
from hsrnn.experiments.sketches_scenes import images_of, load_network, mechanism_of
from hsrnn.figures.weights import unpack


@pytest.fixture(scope="module")
def days():
    """Network, mechanism, two days of scenes, their trees and sketches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        split = datasets.load("scenes", train=1, valid=1, days=2).test
        network = load_network()
        mechanism = mechanism_of(network, dimension=512)
        forest = sketches.Forest.of(sketches.record_scenes(network, images_of(split)))
        yield network, mechanism, split, forest, sketches.Sketcher(mechanism).encode(forest)


def test_merged_sketches_hold_sums_over_their_scenes(days) -> None:
    """Read as one scene of four digits, a day's sketch gives the mean of what stands at each place."""
    network, mechanism, split, forest, made = days
    tree = forest.tree[forest.members["digit"]]
    day = merged(made.double(), torch.from_numpy(np.bincount(tree)), split.day, 2)
    shape = sketches.scene_tree(network.sizes, 4)
    shape = shape.like({n: torch.stack([x, x]) for n, x in shape.attributes.items() if n != "overall"})
    found = sketches.least_squares(sketches.Decoder(mechanism), day, shape, markers_known=False)
    read = 24 * found.attributes["digit"].value.view(2, 4, -1).sum(1)
    attributes = forest.attributes["digit"].double()
    expected = torch.stack([attributes[split.day[tree] == k].sum(0) for k in range(2)])
    torch.testing.assert_close(read, expected, atol=0.01, rtol=0)


def test_the_truth_is_counted(days) -> None:
    split = days[2]
    counts = digit_counts(split, split.hour, 24)
    for hour in range(24):
        real = Counter(split.labels[split.hour == hour].ravel().tolist())
        assert counts[hour].tolist() == [real[digit] for digit in range(10)]


def test_the_figure_shows_the_scenes_that_were_asked_for(days) -> None:
    network, mechanism, split, forest, made = days
    figure = memory_figure(network, mechanism, split, forest, made, shown=[30, 31], state={"room": 1})
    rooms = figure.data["rooms"]
    assert rooms["names"] == ["day 2, 06:00", "day 2, 07:00"] and figure.state["room"] == 1
    assert rooms["labels"][1] == split.labels[31, : split.counts[31]].tolist()
    sketch = unpack(figure.data["sketches"])["rooms"][1]
    np.testing.assert_allclose(sketch, made[31].numpy(), rtol=0, atol=float(made[31].abs().max()) / 65_000)
    own = forest.attributes["digit"][forest.tree[forest.members["digit"]] == 31]
    read = sketches.digits_read(own)
    np.testing.assert_allclose(rooms["classes"][1], read.classes.numpy(), atol=0.001)
    names = " ".join(str(int(each)) for each in read.classes.argmax(1))
    assert f"with 512 numbers digits {names} (error " in figure.alt
    points = painted(network, own)
    assert points.shape == (32, 32) and points.max() > 0.5
    with pytest.raises(ValueError, match="sketches and trees must be 48, one a scene, got 3 and 48"):
        memory_figure(network, mechanism, split, forest, made[:3])
