"""The network of scenes: what its modules give, where it looks, its trees, and pictures from attributes."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from hsrnn.sketches import (
    OVERALL,
    Decoder,
    DigitsRead,
    Forest,
    Mechanism,
    Places,
    SceneBatch,
    SceneNetwork,
    SceneScores,
    SceneSizes,
    SceneTraining,
    Sketcher,
    digits_read,
    least_squares,
    record_scenes,
    scene_tree,
    scenes_read,
    score_scenes,
    train_scenes,
)
from hsrnn.sketches.scene_network import SCENE_SHARES, SHARES, cut, shorten

pytestmark = pytest.mark.usefixtures("plain_calls")


@pytest.fixture(scope="module")
def network() -> SceneNetwork:
    torch.manual_seed(0)
    return SceneNetwork(SceneSizes(stroke_code=5, digit_code=4, hidden=12, features=6)).eval()


def blocks(n: int, seed: int = 0) -> SceneBatch:
    """Rooms of two "digits", a full and a hollow square, one in each half."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, 2, (n, 2))
    rows, columns = draws.integers(0, 25, (n, 2)), np.array([2, 20]) + draws.integers(-2, 3, (n, 2))
    images = np.zeros((n, 32, 32), np.uint8)
    for k in range(n):
        for label, row, column in zip(labels[k], rows[k], columns[k]):
            images[k, row : row + 8, column : column + 8] = 16
            if label:
                images[k, row + 2 : row + 6, column + 2 : column + 6] = 0
    padded = [torch.from_numpy(np.hstack([part, np.full((n, 2), -1)])) for part in (labels, rows, columns)]
    room = torch.from_numpy(labels.sum(1) * 2)
    return SceneBatch(torch.from_numpy(images), torch.full((n,), 2), *padded, room, room // 2)


def test_squares_of_shares_sum_to_one_at_most():
    classes, look, place = SHARES
    assert classes**2 + look**2 + 2 * place**2 <= 1 and sum(s**2 for s in SCENE_SHARES) <= 1 + 1e-12


def test_attributes_are_what_the_theory_wants(network):
    """Non-negative and of length at most 1, whatever the picture."""
    images = torch.randint(0, 17, (40, 32, 32), generator=torch.Generator().manual_seed(0))
    forest = Forest.of(record_scenes(network, images))
    assert set(forest.attributes) == {"stroke", "digit", "scene", OVERALL}
    for vectors in forest.attributes.values():
        assert vectors.numel() == 0 or float(vectors.min()) >= 0
        assert float(vectors.norm(dim=1).max()) <= 1 + 1e-5
    Mechanism(network.sizes.modules, dimension=64).check(forest)
    far = shorten(torch.tensor([[3e4, -5.0, 4e4]]))
    torch.testing.assert_close(far, torch.tensor([[0.6, 0.0, 0.8]]))


def test_windows_and_quarters_are_the_pictures_parts(network):
    scenes = blocks(5)
    corners = scenes.rows[:, :2], scenes.columns[:, :2]
    windows = network.windows(scenes.images, *corners).view(5, 2, 8, 8)
    for k in range(5):
        for j in range(2):
            row, column = int(corners[0][k, j]), int(corners[1][k, j])
            part = scenes.images[k, row : row + 8, column : column + 8] / 16
            torch.testing.assert_close(windows[k, j], part)
    quarters = cut(windows[0])
    torch.testing.assert_close(quarters.view(2, 4, 4, 4)[1, 2], windows[0, 1, 4:, :4])
    # The way back: with a module that gives quarters as they are, the windows come back whole.
    same = SceneNetwork(SceneSizes(stroke_code=16))
    same.stroke.decode.weight.data = torch.eye(16)
    same.stroke.decode.bias.data.zero_()
    torch.testing.assert_close(same.picture_of_strokes(quarters.view(2, 4, 16)), windows[0])


def test_the_locator_takes_the_hottest_places_that_do_not_overlap(network, monkeypatch):
    heat = torch.full((2, 25, 25), -9.0)
    for row, column, height in ((3, 20, 5.0), (5, 15, 4.0), (4, 19, 4.5), (20, 1, 1.0), (12, 12, -1.0)):
        heat[0, row, column] = height
    monkeypatch.setattr(network, "heat", lambda images: heat)
    places = network.locate(torch.zeros(2, 32, 32))
    # (4, 19) and (5, 15) lie under the window of (3, 20); nothing of the second picture is above 0.
    assert isinstance(places, Places) and places.counts.tolist() == [2, 1]
    assert places.rows[0].tolist() == [20, 3, -1, -1] and places.columns[0].tolist() == [1, 20, -1, -1]
    assert places.of(torch.tensor([1])).counts.tolist() == [1]


def test_trees_are_scene_digits_strokes_in_the_order_of_the_pictures(network):
    scenes = blocks(7)
    places = Places(torch.tensor([1, 2, 1, 2, 2, 1, 2]), scenes.rows, scenes.columns)
    trees = record_scenes(network, scenes.images, places, chunk=3)
    assert [len(tree.inputs[0].inputs) for tree in trees] == places.counts.tolist()
    for k, tree in enumerate(trees):
        (scene,) = tree.inputs
        count = len(scene.inputs)
        at = scenes.rows[k : k + 1, :count], scenes.columns[k : k + 1, :count]
        torch.testing.assert_close(scene.attributes, network(scenes.images[k : k + 1], *at)[0])
        for j, digit in enumerate(scene.inputs):
            place = torch.stack([at[0][0, j], at[1][0, j]]) / 24
            torch.testing.assert_close(digits_read(digit.attributes).place, place)
            quarters = network.quarters(scenes.images[k : k + 1], *at).view(count, 4, 16)[j]
            for quarter, stroke in zip(quarters, digit.inputs, strict=True):
                torch.testing.assert_close(stroke.attributes, network.stroke(quarter[None])[0])


def test_a_scene_comes_back_from_its_sketch(network):
    scenes = blocks(3)
    mechanism = Mechanism(network.sizes.modules, dimension=256)
    forest = Forest.of(record_scenes(network, scenes.images[:1]))
    sketch = Sketcher(mechanism, dtype=torch.float64).encode(forest)
    count = len(forest.members["digit"])
    shape = scene_tree(network.sizes, count)
    assert [tuple(forest.effective[m]) for m in forest.members.values()] == [
        tuple(shape.effective[m]) for m in shape.members.values()
    ]
    found = least_squares(Decoder(mechanism), sketch, shape).attributes
    for name, estimate in found.items():
        torch.testing.assert_close(estimate.value.float(), forest.attributes[name], atol=1e-5, rtol=0)
    read = digits_read(found["digit"].value)
    assert isinstance(read, DigitsRead)
    torch.testing.assert_close(read.classes.sum(-1), torch.ones(count).double())
    assert read.look.shape == (count, 4)
    room, period = scenes_read(found["scene"].value, network.sizes)
    torch.testing.assert_close(torch.stack([room.sum(), period.sum()]), torch.ones(2).double())
    assert network.picture_of_digit(found["digit"].value.float()).shape == (count, 8, 8)


def test_it_learns_squares_in_a_moment():
    """A task that any network of this kind must solve: full or hollow, where, and how many of each."""
    torch.manual_seed(0)
    network = SceneNetwork(SceneSizes(hidden=24, features=8))
    train, test = blocks(300), blocks(60, seed=1)
    before = score_scenes(network, test)
    losses = list(
        train_scenes(network, train, SceneTraining(epochs=10, batch_size=12, learning_rate=1e-2), seed=0)
    )
    after = score_scenes(network, test, chunk=25)
    assert losses[-1] < losses[0] / 3
    assert isinstance(after, SceneScores) and before.read < 0.6 and before.found < 0.2
    assert min(asdict(after).values()) > 0.95, after


def test_errors_at_the_door(network):
    with pytest.raises(ValueError, match=r"images must be \(batch, 32, 32\), got \(1, 28, 28\)"):
        network.heat(torch.zeros(1, 28, 28))
    for name, value in (("epochs", 0), ("batch_size", 0), ("learning_rate", 0.0), ("moved", 1.5)):
        with pytest.raises(ValueError, match=name):
            SceneTraining(**{name: value})
    with pytest.raises(ValueError, match="count must be at least 1 digit, got 0"):
        scene_tree(SceneSizes(), 0)
    scenes = blocks(4)
    scenes.labels[0, 0] = 10
    with pytest.raises(ValueError, match="labels must be digits 0 to 9 to be learnt"):
        next(train_scenes(network, scenes, SceneTraining(), seed=0))
