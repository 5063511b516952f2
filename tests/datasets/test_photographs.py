"""Photographs that come with scikit-image and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from sklearn.datasets import load_sample_image

from hsrnn.datasets import PHOTOGRAPHS, MissingFileError, UnknownDatasetError, photograph, photographs


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_is_there_without_a_network(name: str):
    image = photograph(name)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and min(image.shape[:2]) > 200
    assert image.std() > 20, "a photograph has light and dark"
    small = photograph(name, longest=120)
    assert max(small.shape) == 120
    assert small.shape[0] / small.shape[1] == pytest.approx(image.shape[0] / image.shape[1], rel=0.01)
    assert small.mean() == pytest.approx(image.mean(), abs=0.5), "pixels are averaged"


def test_they_are_what_their_packages_give():
    assert np.array_equal(photograph("astronaut"), skimage.data.astronaut())
    assert np.array_equal(photograph("cat"), skimage.data.chelsea())
    assert np.array_equal(photograph("flower"), load_sample_image("flower.jpg"))


def test_bad_photographs_are_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UnknownDatasetError, match="no photograph 'dog'; there are: astronaut, cat"):
        photograph("dog")
    for longest in (0, 10_000):
        with pytest.raises(ValueError, match=f"longest must be 1 to 451 pixels for 'cat', got {longest}"):
            photograph("cat", longest=longest)
    monkeypatch.setitem(photographs._FILES, "cat", ("skimage", "data/gone.png"))
    with pytest.raises(MissingFileError, match="gone.png did not come with the installed skimage"):
        photograph("cat")
