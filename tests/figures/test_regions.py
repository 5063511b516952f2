"""Pictures of regions, and the text alternatives made from the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.figures import Picture, borders, plot_levels, plot_waves

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
