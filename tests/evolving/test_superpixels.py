"""An image becomes a graph and comes back: means, adjacency, labels and ceiling against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import coffee

from hsrnn.evolving import (
    Score,
    Superpixels,
    ceiling,
    confusion,
    from_map,
    majority,
    score,
    stack,
    superpixels,
)

pytestmark = pytest.mark.usefixtures("plain_calls")

maps = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(6, size=np.random.default_rng(seed).integers(1, 6, 2))
)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3))


@settings(max_examples=40, deadline=None)
@given(maps)
def test_a_map_of_regions_becomes_a_graph(labels: np.ndarray):
    parts = from_map(labels)
    _, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.reshape(labels.shape)
    assert np.array_equal(parts.map[0].numpy(), numbers)
    edges = set()
    for (r, c), one in np.ndenumerate(numbers):
        for other in (numbers[r + 1 : r + 2, c], numbers[r, c + 1 : c + 2]):
            edges |= {tuple(sorted((int(one), int(two)))) for two in other if two != one}
    assert {tuple(pair) for pair in parts.graph.edges.T.tolist()} == edges
    for node in range(parts.graph.nodes):
        inside = np.argwhere(numbers == node)
        assert parts.graph.sizes[node] == len(inside)
        assert np.allclose(parts.centres[node], inside.mean(0))


def test_features_are_means_with_gradients_and_go_back_exactly():
    both = stack([from_map([[0, 0, 1], [2, 2, 1]]), from_map([[5, 5, 5], [3, 3, 5]])])
    features = torch.randn(2, 4, 2, 3, dtype=torch.float64, requires_grad=True)
    pooled = both.pool(features)
    for node in range(both.graph.nodes):
        image, row, column = torch.nonzero(both.map == node, as_tuple=True)
        assert torch.allclose(pooled[node], features[image, :, row, column].mean(0))
    assert torch.autograd.gradcheck(both.pool, (features,))
    assert torch.autograd.gradcheck(both.spread, (pooled.detach().requires_grad_(),))
    assert torch.allclose(both.pool(both.spread(pooled)), pooled)
    moved = both.to("cpu")
    assert isinstance(moved, Superpixels) and torch.equal(moved.map, both.map)
    assert both.graph.batch.tolist() == [0, 0, 0, 1, 1]


def test_slic_gives_connected_regions_of_the_whole_image():
    parts = superpixels(coffee()[::10, ::12], 60)
    assert 30 <= parts.graph.nodes <= 90 and int(parts.graph.sizes.sum()) == 40 * 50
    assert int(parts.graph.degree.min()) >= 1
    as_bytes = (255 * noise(20, 20)).astype(np.uint8)
    assert torch.equal(superpixels(as_bytes, 9).map, superpixels(as_bytes / 255, 9).map)


def test_an_image_of_one_superpixel():
    parts = superpixels(noise(3, 3), 1)
    assert (parts.graph.nodes, parts.graph.edges.shape[1]) == (1, 0)
    assert torch.equal(parts.spread(torch.ones(1, 2)), torch.ones(1, 2, 3, 3))


def test_histogram_and_majority():
    parts = from_map([[0, 0, 1], [0, 1, 2]])
    counts = parts.histogram(torch.tensor([[[1, 2, 0], [2, 0, -1]]]), 3)
    assert counts.tolist() == [[0, 1, 2], [2, 0, 0], [0, 0, 0]]
    assert majority(counts).tolist() == [2, 0, -1]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_no_labels_of_nodes_beat_the_ceiling(seed: int):
    generator = torch.Generator().manual_seed(seed)
    parts = from_map(torch.randint(4, (4, 5), generator=generator).numpy())
    labels = torch.randint(3, (1, 4, 5), generator=generator)
    best = ceiling(parts.histogram(labels, 3))
    chosen = majority(parts.histogram(labels, 3))
    of_majority = score(confusion(parts.spread(chosen[:, None])[:, 0], labels, 3))
    assert best.iou == pytest.approx(of_majority.iou, nan_ok=True) and best.accuracy == of_majority.accuracy
    for each in itertools.product(range(3), repeat=parts.graph.nodes):
        other = score(confusion(parts.spread(torch.tensor(each)[:, None])[:, 0], labels, 3))
        assert other.accuracy <= best.accuracy + 1e-12


def test_scores_by_hand():
    true = torch.tensor([0, 0, 0, 1, 1, -1])
    predicted = torch.tensor([0, 0, 1, 1, 0, 2])
    counts = confusion(predicted, true, 4)
    assert counts.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]
    found = score(counts)
    assert isinstance(found, Score)
    assert found.iou == pytest.approx((2 / 4, 1 / 3, float("nan"), float("nan")), nan_ok=True)
    assert found.mean_iou == pytest.approx(5 / 12) and found.foreground_iou == pytest.approx(1 / 3)
    assert found.accuracy == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("image", "count", "options", "message"),
    [
        (noise(4, 5), 21, {}, "count must be 1 to 20, the pixels of a 4 x 5 image, got 21"),
        (noise(4, 5), 0, {}, "got 0"),
        (noise(4, 5)[:, :, 0], 3, {}, "repeat a grey image three times"),
        (np.zeros((0, 5, 3)), 3, {}, r"\(height, width, 3\)"),
        (np.zeros((4, 5, 3), dtype=int), 3, {}, "uint8 or floats"),
        (np.full((4, 5, 3), np.nan), 3, {}, "must be finite and lie in"),
        (255 * noise(4, 5), 3, {}, "divide by 255"),
        (noise(4, 5), 3, {"compactness": 0}, "compactness must be above 0, got 0"),
    ],
)
def test_bad_images_are_refused(image, count, options, message):
    with pytest.raises(ValueError, match=message):
        superpixels(image, count, **options)


def test_other_bad_input_is_refused():
    parts = from_map([[0, 0, 1]])
    with pytest.raises(ValueError, match="features must cover 1 images of 1 x 3 pixels .* got 1 of 2 x 3"):
        parts.pool(torch.zeros(1, 1, 2, 3))
    with pytest.raises(ValueError, match="labels must cover 1 images of 1 x 3 .* got 1 of 3 x 1; resize"):
        parts.histogram(torch.zeros(1, 3, 1, dtype=torch.int64), 2)
    for value in (2, -2):
        with pytest.raises(ValueError, match=r"labels must lie in -1 \(none\) to 1"):
            parts.histogram(torch.full((1, 1, 3), value), 2)
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        from_map([[0.5]])
    with pytest.raises(ValueError, match=r"images of one size, got \[\(1, 2\), \(1, 3\)\]"):
        stack([parts, from_map([[0, 1]])])
    with pytest.raises(ValueError, match="no image"):
        stack([])
    with pytest.raises(ValueError, match="no labelled pixel"):
        score(torch.zeros(2, 2, dtype=torch.int64))
    ones = torch.ones(3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"predicted must be \(3,\)"):
        confusion(ones[:2], ones, 2)
    with pytest.raises(ValueError, match="predicted labels must lie in 0 to 1, got 2 to 2"):
        confusion(2 * ones, ones, 2)
    with pytest.raises(ValueError, match="true labels must lie in 0 to 1, got 2 to 2"):
        confusion(ones, 2 * ones, 2)
