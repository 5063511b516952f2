"""Crops and mirrored copies of pictures with labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsrnn.datasets import LabelledImages, crops
from hsrnn.datasets.parts import labelled_images

ROWS, COLUMNS = 30, 20


def split(count: int = 3, side: int = 6) -> LabelledImages:
    """Pictures whose red and green say where a pixel lay; a foreground square, a corner without labels."""
    rows, columns = np.indices((ROWS, COLUMNS))
    images = [np.stack([8 * rows, 8 * columns, 0 * rows + k], 2).astype(np.uint8) for k in range(count)]
    label = np.zeros((ROWS, COLUMNS), dtype=np.int8)
    label[:2, :2] = -1
    label[12 : 12 + side, 7 : 7 + side] = 5
    return labelled_images(images, [label.copy() for _ in range(count)], [f"{k:04}" for k in range(count)])


@given(seed=st.integers(0, 10**6), least=st.floats(0.3, 1))
def test_a_copy_is_a_box_of_its_picture_at_full_size(seed: int, least: float):
    pictures = split(1)
    made = crops(pictures, 1, least=least, seed=seed)
    assert made.names == ("0000", "0000+1") and made.images[0] is pictures.images[0]
    image, label = made.images[1].astype(float), made.labels[1]
    assert image.shape == (ROWS, COLUMNS, 3) and label.shape == (ROWS, COLUMNS) and label.dtype == np.int8
    assert not made.images[1].flags.writeable and set(np.unique(label)) <= {-1, 0, 5}
    # Averaging keeps a ramp a ramp: rows grow downward, columns rightward or, mirrored, leftward.
    down, across = np.diff(image[..., 0].mean(1)), np.diff(image[..., 1].mean(0))
    assert (down >= 0).all() and ((across >= 0).all() or (across <= 0).all())
    assert (image[..., 2] == 0).all()
    # How much of the picture a box shows is what its foreground has grown by, within a pixel's rounding.
    span = (np.ptp(image[..., 0]) + 8) / (8 * ROWS)
    assert span >= least - 2 / ROWS
    assert (label == 5).sum() >= 0.5 * 36 * 0.8


def test_labels_go_with_their_pixels():
    made = crops(split(1, side=9), 40, seed=3)
    for image, label in zip(made.images, made.labels):
        where_row, where_column = image[..., 0] / 8, image[..., 1] / 8
        inside = (np.abs(where_row - 16) < 3.4) & (np.abs(where_column - 11) < 3.4)
        assert (label[inside] == 5).all() and inside.any()
        assert not (label[(where_row > 22.5) | (where_column > 17.5)] == 5).any()


def test_half_are_mirrored_and_none_where_left_and_right_mean_something():
    def mirrored(**options: object) -> float:
        made = crops(split(1), 200, **options)
        return float(np.mean([image[0, 0, 1] > image[0, -1, 1] for image in made.images[1:]]))

    assert 0.35 < mirrored() < 0.65 and mirrored(mirror=False) == 0


def test_same_seed_same_copies_whatever_else_there_is():
    one, again, other = crops(split(), 2, seed=1), crops(split(5), 2, seed=1), crops(split(), 2, seed=2)
    assert len(one) == 9 and one.names[:4] == ("0000", "0000+1", "0000+2", "0001")
    for k in range(9):
        assert np.array_equal(one.images[k], again.images[k])
    assert not np.array_equal(one.images[1], other.images[1])
    assert crops(split(), 0).names == split().names


def test_a_picture_without_foreground_is_cut_too():
    bare = split(1)
    nothing = labelled_images(bare.images, [np.full((ROWS, COLUMNS), -1, dtype=np.int8)], bare.names)
    made = crops(nothing, 3, least=0.5)
    assert all((label == -1).all() for label in made.labels)
    assert not np.array_equal(made.images[1], made.images[0])


def test_bad_crops_are_refused():
    with pytest.raises(ValueError, match="copies and seed must not be negative, got -1 and 0"):
        crops(split(), -1)
    with pytest.raises(ValueError, match="copies and seed must not be negative, got 1 and -2"):
        crops(split(), 1, seed=-2)
    for least in (0.0, 1.5):
        with pytest.raises(ValueError, match=r"least must lie in \(0, 1\]"):
            crops(split(), 1, least=least)
