"""A year of rooms, the network that reads it, and its trees: where experiments, chapters and figures start.

    scenes = datasets.load("scenes")                            # scenes.test is the year, an hour a scene
    network = load_network()                                    # shipped, trained on scenes.train
    trees = sketches.record_scenes(network, images_of(scenes.test))     # one an hour: list[Object]
    forest = sketches.Forest.of(trees)                          # overall <- scene <- digits <- 4 strokes

    mechanism = mechanism_of(network, dimension=1024, seed=0)
    made = sketches.Sketcher(mechanism).encode(forest)          # (8760, 1024), one sketch an hour
    decoder, shape = sketches.Decoder(mechanism), sketches.scene_tree(network.sizes, 3)
    solution = sketches.least_squares(decoder, made[k : k + 1], shape)   # scene k has 3 digits
    digits = solution.attributes["digit"].value                 # (3, 20), from left to right
    sketches.digits_read(digits).classes                        # (3, 10); also .look, .place
    strokes = solution.attributes["stroke"].value.view(3, 4, -1)
    network.picture_of_strokes(strokes)                         # (3, 8, 8) in [0, 1]: how they looked
    network.picture_of_digit(digits)                            # the same, as the digit module kept it

Nothing of this needs a file or the network: the digits are scikit-learn's.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hsrnn import datasets
from hsrnn.sketches import (
    Mechanism,
    SceneBatch,
    SceneNetwork,
    SceneScores,
    SceneSizes,
    SceneTraining,
    score_scenes,
    train_scenes,
)
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint

SHIPPED = "sketches-scenes"
_log = logging.getLogger(__name__)


def images_of(split: datasets.SceneSplit) -> Tensor:
    """Return the pictures of a split, ``(n, 32, 32)`` uint8."""
    return torch.from_numpy(split.images.copy())


def batch_of(split: datasets.SceneSplit) -> SceneBatch:
    """Return a split with all that is known of it, as tensors."""
    columns = (split.counts, split.labels, split.rows, split.columns, split.room)
    return SceneBatch(
        images_of(split), *(torch.from_numpy(column.copy()) for column in columns),
        torch.from_numpy(datasets.period_of(split.hour).copy()),
    )  # fmt: skip


def mechanism_of(network: SceneNetwork, *, dimension: int, seed: int = 0, **settings: Any) -> Mechanism:
    """Return a mechanism for the network's trees; ``settings`` as :class:`~hsrnn.sketches.Mechanism` takes
    them."""
    return Mechanism(network.sizes.modules, dimension=dimension, seed=seed, **settings)


def train_network(
    scenes: datasets.Scenes, training: SceneTraining | None = None, *, seed: int = 0
) -> SceneNetwork:
    """Return a network trained on ``scenes.train``; the same seed gives the same network on one machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SceneNetwork()
    settings = training or SceneTraining()
    for epoch, loss in enumerate(train_scenes(network, batch_of(scenes.train), settings, seed=seed), 1):
        _log.info("epoch %d of %d: loss %.3f", epoch, settings.epochs, loss)
    return network.eval().requires_grad_(False)


def save_network(path: Path, network: SceneNetwork, scores: SceneScores) -> None:
    """Write a network with its sizes, and how well it reads the split that chose nothing, to one file."""
    save_checkpoint(path, network.state_dict(), {"sizes": asdict(network.sizes), "scores": asdict(scores)})


def load_network(name: str | Path = SHIPPED) -> SceneNetwork:
    """Return a trained network: the name of a shipped checkpoint or the path of one.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a network of scenes.
    """
    path = name if isinstance(name, Path) else datasets.shipped(f"checkpoints/{name}.safetensors")
    tensors, values = load_checkpoint(path)
    if "sizes" not in values:
        raise CheckpointError(f"{path} holds no sizes of modules: it is not a network of scenes")
    network = SceneNetwork(SceneSizes(**values["sizes"]))
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def main() -> None:
    """Train the network that ships, on the default scenes, and write it: ``python -m
    hsrnn.experiments.sketches_scenes``."""
    scenes = datasets.load("scenes")
    network = train_network(scenes)
    scores = score_scenes(network, batch_of(scenes.valid))
    path = datasets.shipped("checkpoints") / f"{SHIPPED}.safetensors"
    save_network(path, network, scores)
    print(f"{path}: {scores}")


if __name__ == "__main__":
    main()
