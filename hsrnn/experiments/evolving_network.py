"""The structure-evolving LSTM that ships: trained on generated figures, five levels of regions.

    python -m hsrnn.experiments.evolving_network     # about 3 minutes of one core; goes on where it stopped

As in the papers it is trained in two stages: first the backbone and the confidences, pixel by pixel and fast,
then everything. The chapters and the living figure load it by :func:`load_network`; nothing that is measured
for a claim uses it.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from hsrnn import datasets, evolving
from hsrnn.datasets import Parts
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint

SHIPPED = "evolving-parsing"
SIZE, SUPERPIXELS = 48, 200  # pixels of a side; superpixels asked for
PICTURES = {"train": 1200, "valid": 100, "test": 200}
STAGES = (
    evolving.TrainingConfig(epochs=8, learning_rate=4e-3, checkpoint_every=75),
    evolving.TrainingConfig(epochs=4, learning_rate=3e-3, checkpoint_every=75),
)
"""How the backbone is trained, then the whole network."""


def examples_of(split: datasets.LabelledImages) -> evolving.Examples:
    """Cut every picture of a split of 48 x 48 figures into the superpixels that the network is trained on."""
    return evolving.examples(split.images, split.labels, SUPERPIXELS)


def train_network(
    figures: Parts,
    stages: tuple[evolving.TrainingConfig, evolving.TrainingConfig] = STAGES,
    *,
    levels: int = 5,
    folder: Path | None = None,
    progress: bool = True,
) -> evolving.Parser:
    """Return a network trained on the training part of ``figures``.

    Args:
        figures: pictures with parts.
        stages: how to train the backbone with its confidences, and then everything.
        levels: of the hierarchy, superpixels counted.
        folder: where checkpoints go; training goes on from there. ``None`` keeps nothing.
        progress: show a progress bar.
    """
    train, valid = examples_of(figures.train), examples_of(figures.valid)
    config = evolving.ParserConfig(len(figures.classes), levels=levels)
    first = evolving.Parser(replace(config, kind="backbone", levels=1, hidden=4))
    network = evolving.Parser(config)
    for name, model, stage in zip(("backbone", "network"), (first, network), stages):
        place = folder / name if folder else None
        evolving.train(model, train, stage, valid=valid, folder=place, progress=progress)
        if model is first:
            network.backbone.load_state_dict(first.backbone.state_dict())
            network.confidence.load_state_dict(first.confidence.state_dict())
    return network


def save_network(path: Path, network: evolving.Parser, classes: tuple[str, ...], scores: dict[str, Any]):
    """Write a network to one safetensors file, with the names of its classes and what it scored."""
    values = {"config": asdict(network.config), "classes": list(classes), "scores": scores}
    save_checkpoint(path, network.state_dict(), values)


def load_network(name: str | Path = SHIPPED) -> tuple[evolving.Parser, tuple[str, ...]]:
    """Return a trained network, not to be trained further, and the names of its classes.

    Args:
        name: of a shipped checkpoint, or the path of one.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a parser.
    """
    path = name if isinstance(name, Path) else datasets.shipped(f"checkpoints/{name}.safetensors")
    tensors, values = load_checkpoint(path)
    if "rule" not in values.get("config", {}):
        raise CheckpointError(f"{path} holds no configuration of a parser")
    settings = values["config"]
    settings["rule"] = evolving.MergeRule(**settings["rule"])
    network = evolving.Parser(evolving.ParserConfig(**settings))
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False), tuple(values["classes"])


def main() -> None:
    """Train the network that ships and write it: ``python -m hsrnn.experiments.evolving_network``."""
    torch.set_num_threads(1)
    figures = datasets.load("figures", size=SIZE, **PICTURES)
    folder = Path(os.environ.get("HSRNN_RUNS", "runs")) / SHIPPED
    network = train_network(figures, folder=folder)
    found = evolving.evaluate(network, examples_of(figures.test))
    scores = {
        "mean_iou": found.score.mean_iou, "accuracy": found.score.accuracy,
        "ceiling": found.ceiling.mean_iou,
    }  # fmt: skip
    path = datasets.shipped("checkpoints") / f"{SHIPPED}.safetensors"
    save_network(path, network, figures.classes, scores)
    print(f"{path}: {scores}")


if __name__ == "__main__":
    main()
