"""Pictures of regions, and the text alternatives made from the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.figures import Picture, borders, plot_graph, plot_levels, plot_nodes, plot_waves

REGIONS = np.array([[0, 0, 1], [2, 2, 1]])
IMAGE = np.random.default_rng(0).random((2, 3, 3))


def test_borders_lie_before_the_next_region():
    assert borders(REGIONS).tolist() == [[True, True, False], [False, True, False]]
    assert not borders(np.zeros((3, 4), dtype=int)).any()


def test_levels_say_how_many_regions_and_how_large():
    one = np.zeros((2, 3), dtype=int)
    picture = plot_levels(IMAGE, {"superpixels": REGIONS, "level 1": one}, title="A cup")
    assert isinstance(picture, Picture) and picture.image_format == "png"
    assert picture.alt == (
        "A cup. Regions by level. superpixels: 3 regions, the largest 33 % of all; "
        "level 1: 1 regions, the largest 100 % of all."
    )
    assert (
        picture.image != plot_levels(IMAGE, {"superpixels": REGIONS, "level 1": REGIONS}, title="A cup").image
    )
    as_bytes = np.rint(255 * IMAGE).astype(np.uint8)
    assert plot_levels(as_bytes, {"a": one}).image == plot_levels(as_bytes / 255, {"a": one}).image


def test_waves_say_how_wide_they_are():
    picture = plot_waves(REGIONS, [0, 1, 1], title="Order")
    assert picture.alt == "Order. 3 regions in 2 waves; the widest holds 2 regions, the first 1, the last 2."
    assert picture.image != plot_waves(REGIONS, [0, 1, 0], title="Order").image


def test_a_graph_says_how_many_neighbours():
    edges = [[0, 0, 1], [1, 2, 2]]
    picture = plot_graph(REGIONS, edges, image=IMAGE, title="A triangle")
    assert picture.image_format == "png" and picture.alt == (
        "A triangle. 3 regions joined by 3 edges; a region has 2.0 neighbours on average, at most 2."
    )
    valued = plot_graph(REGIONS, edges, values=[0.25, 0.5, 1], label="probability")
    assert valued.alt.endswith("at most 2; probability of edges from 0.25 to 1.00.")
    assert valued.image != plot_graph(REGIONS, edges, values=[1, 0.5, 0.25], label="probability").image
    alone = plot_graph(np.zeros((2, 2), dtype=int), np.zeros((2, 0), dtype=int))
    assert alone.alt == "1 regions joined by 0 edges; a region has 0.0 neighbours on average, at most 0."


def test_values_of_nodes_share_one_scale():
    picture = plot_nodes(REGIONS, {"a": [0, 1, 2], "b": [2, 2, 4]}, label="size", title="Sizes")
    assert picture.alt == "Sizes. size of 3 regions. a: from 0 to 2; b: from 2 to 4."
    same = plot_nodes(REGIONS, {"a": [0, 1, 2], "b": [2, 2, 2]}, label="size", title="Sizes")
    assert picture.image != same.image


def test_bad_arrays_are_refused():
    with pytest.raises(ValueError, match=r"regions must be \(height, width\), got \(3,\)"):
        borders([1, 2, 3])
    with pytest.raises(ValueError, match="at least one, got none"):
        plot_levels(IMAGE, {})
    with pytest.raises(ValueError, match=r"levels\['a'\] must be \(2, 3\) like the image, got \(3, 2\)"):
        plot_levels(IMAGE, {"a": REGIONS.T})
    with pytest.raises(ValueError, match=r"image must be \(height, width, 3\), got \(2, 3\)"):
        plot_levels(REGIONS, {"a": REGIONS})
    with pytest.raises(ValueError, match="uint8 or lie between 0 and 1"):
        plot_levels(2 * IMAGE, {"a": REGIONS})
    with pytest.raises(ValueError, match="each a node of waves"):
        plot_waves(REGIONS, [0, 1])
    with pytest.raises(ValueError, match=r"edges must be \(2, edges\) between nodes 0 to 2, got \(2, 1\)"):
        plot_graph(REGIONS, [[0], [3]])
    with pytest.raises(ValueError, match=r"values must be \(1,\), one an edge, got \(2,\)"):
        plot_graph(REGIONS, [[0], [1]], values=[1, 2])
    with pytest.raises(ValueError, match=r"image must be \(2, 3\) like the regions, got \(1, 3\)"):
        plot_graph(REGIONS, [[0], [1]], image=IMAGE[:1])
    with pytest.raises(ValueError, match=r"each a node from 0, got \(3,\)"):
        plot_graph([0, 1, 2], [[0], [1]])
    with pytest.raises(ValueError, match="at least one panel, got none"):
        plot_nodes(REGIONS, {}, label="size")
    for wrong in ([0, 1], [0, 1, np.nan]):
        with pytest.raises(ValueError, match=r"each a node of values\['a'\], finite"):
            plot_nodes(REGIONS, {"a": wrong}, label="size")
