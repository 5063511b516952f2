"""The two networks of the room that ship, both trained on MNIST and small enough to run in a page.

    net, scale = load_taylornet()               # net(pictures / scale) for pictures in [0, 1]
    distiller = load_distiller()                # references of three levels; distiller.predict(pictures)

The TaylorNet has three quadratic levels on a lattice of 32 x 32, so its logits are polynomials of degree 8,
and a head on 4 x 4 sites. It has one fixed number a level in place of normalisation. Strong weight decay is
to keep single orders at the size of the logits that they add up to; in the network that ships none is three
times as large.

``python -m hsrnn.experiments.coarse_shipped`` trains both, on the training part of MNIST alone, and scores
them once on the test part: about 5 processor minutes. A training that was interrupted goes on.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from hsrnn import coarse, datasets
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint

from . import runs_folder

TAYLORNET = "coarse-taylornet"
DISTILLER = "coarse-distiller"
SHAPE = coarse.TaylorNetConfig(channels=(8, 10, 12), form="full", norm="scale")
TRAINING = coarse.TrainingConfig(epochs=9, shift=2, weight_decay=1.0)
LEVELS = (16, 4, 1)


def parts_of(pictures: datasets.Pictures) -> dict[str, tuple[Tensor, Tensor]]:
    """Return pictures in [0, 1], ``(n, 1, 28, 28)``, and labels of the training and the test part."""
    splits = {"train": pictures.train, "test": pictures.test}
    return {
        name: (torch.from_numpy(part.scaled()), torch.from_numpy(part.labels.copy()))
        for name, part in splits.items()
    }


def train_taylornet(
    images: Tensor,
    labels: Tensor,
    *,
    shape: coarse.TaylorNetConfig = SHAPE,
    training: coarse.TrainingConfig = TRAINING,
    seed: int = 0,
    folder: Path | None = None,
) -> tuple[coarse.TaylorNet, float]:
    """Return a trained network, and the number by which pictures in [0, 1] are divided for it: the root mean
    square of their pixels.

    Args:
        images: ``(n, channels, rows, columns)`` in [0, 1].
        labels: ``(n,)``.
        shape: of the network; ``norm="scale"``.
        training: how to train.
        seed: of weights, order and shifts.
        folder: where the training keeps its checkpoint; ``None`` for nowhere.
    """
    scale = float(images.square().mean().sqrt())
    net = coarse.TaylorNet(shape, seed=seed).calibrate(images[:1000] / scale)
    coarse.train(net, images / scale, labels, training, seed=seed, folder=folder, progress=False)
    return net.requires_grad_(False), scale


def save_taylornet(path: Path, net: coarse.TaylorNet, scale: float, accuracy: float) -> None:
    """Write a network with its shape, the scale of its pictures, and its accuracy on the test part."""
    values = {"shape": asdict(net.config), "scale": scale, "test_accuracy": accuracy}
    save_checkpoint(path, net.state_dict(), values)


def load_taylornet(name: str | Path = TAYLORNET) -> tuple[coarse.TaylorNet, float]:
    """Return a trained network, in evaluation mode, and the number by which pictures in [0, 1] are divided
    for it: the name of a shipped checkpoint or the path of one.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a TaylorNet.
    """
    path = name if isinstance(name, Path) else datasets.shipped(f"checkpoints/{name}.safetensors")
    tensors, values = load_checkpoint(path)
    if "shape" not in values:
        raise CheckpointError(f"{path} holds no shape of a network: it is not a TaylorNet")
    shape = {key: tuple(v) if isinstance(v, list) else v for key, v in values["shape"].items()}
    net = coarse.TaylorNet(coarse.TaylorNetConfig(**shape))
    net.load_state_dict(tensors)
    return net.eval().requires_grad_(False), values["scale"]


def load_distiller(name: str | Path = DISTILLER) -> coarse.Distiller:
    """Return a trained distiller: the name of a shipped checkpoint or the path of one.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a distiller.
    """
    path = name if isinstance(name, Path) else datasets.shipped(f"checkpoints/{name}.safetensors")
    return coarse.Distiller.load(path)


def main() -> None:
    """Train both networks and write them where the shipped ones lie."""
    pictures = datasets.load("mnist")
    assert isinstance(pictures, datasets.Pictures)
    parts, folder = parts_of(pictures), runs_folder() / "coarse.shipped"
    where = datasets.shipped("checkpoints")
    test_images, truth = parts["test"]
    net, scale = train_taylornet(*parts["train"], folder=folder / "taylornet")
    accuracy = coarse.evaluate(net, test_images / scale, truth).accuracy
    save_taylornet(where / f"{TAYLORNET}.safetensors", net, scale, accuracy)
    print(f"{TAYLORNET}: test accuracy {accuracy:.4f}", flush=True)
    images, labels = (part.numpy() for part in parts["train"])
    distiller = coarse.Distiller(LEVELS, merge=4, width=8, steps=400).fit(images, labels)
    distiller.save(where / f"{DISTILLER}.safetensors")
    for level, count in enumerate(LEVELS):
        score = distiller.score(test_images.numpy(), truth.numpy(), level=level)
        print(f"{DISTILLER}: {count} references a class, test accuracy {score:.4f}", flush=True)


if __name__ == "__main__":
    main()
