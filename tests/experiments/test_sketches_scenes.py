"""The shipped network of scenes, and the way from pictures of rooms to trees."""

from __future__ import annotations

import pytest
import torch

from hsrnn import datasets
from hsrnn.experiments import sketches_scenes
from hsrnn.sketches import SceneTraining, score_scenes
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def scenes() -> datasets.Scenes:
    return datasets.load("scenes", train=2, valid=1, days=6)


def test_the_shipped_network_reads_digits_it_has_not_seen(scenes):
    """Of a year of its own: other digits, other rooms, and the scores of its file come from the default."""
    network = sketches_scenes.load_network()
    test = sketches_scenes.batch_of(scenes.test)
    known = (test.labels != datasets.STRANGE).all(1)
    ordinary = type(test)(*(getattr(test, name)[known] for name in test.__dataclass_fields__))
    found = score_scenes(network, ordinary)
    assert found.found > 0.93 and found.read > 0.88 and found.room > 0.6
    path = datasets.shipped(f"checkpoints/{sketches_scenes.SHIPPED}.safetensors")
    assert path.stat().st_size < 500_000
    assert load_checkpoint(path)[1]["scores"]["read"] == pytest.approx(found.read, abs=0.06)


def test_training_repeats_itself_and_a_file_brings_it_back(scenes, tmp_path):
    training = SceneTraining(epochs=1)
    made = [sketches_scenes.train_network(scenes, training, seed=seed) for seed in (1, 1, 2)]
    weights = [network.stroke.encode.weight for network in made]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    scores = score_scenes(made[0], sketches_scenes.batch_of(scenes.valid))
    sketches_scenes.save_network(tmp_path / "n.safetensors", made[0], scores)
    again = sketches_scenes.load_network(tmp_path / "n.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), made[0].parameters()))
    assert again.sizes == made[0].sizes and not any(p.requires_grad for p in again.parameters())
    assert sketches_scenes.mechanism_of(again, dimension=64, seed=3).modules == again.sizes.modules


def test_another_file_is_refused(tmp_path):
    save_checkpoint(tmp_path / "other.safetensors", {"a": torch.zeros(1)}, {"config": {}})
    with pytest.raises(CheckpointError, match="not a network of scenes"):
        sketches_scenes.load_network(tmp_path / "other.safetensors")


def test_images_are_as_they_were_painted(scenes):
    images = sketches_scenes.images_of(scenes.valid)
    assert images.dtype == torch.uint8 and (images.numpy() == scenes.valid.images).all()
    assert sketches_scenes.batch_of(scenes.valid).period.tolist() == [k // 6 for k in range(24)]
