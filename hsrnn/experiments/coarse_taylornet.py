"""Experiment ``coarse.taylornet``: polynomials that coarse-grain, by size, order and sharing, beside others.

Yang, Xie and Yang (2023, arXiv 2211.01779) report in words a TaylorNet near the state of the art on MNIST
with far fewer parameters; their layers, sizes and accuracies could not be read, so nothing here is called the
paper's. Every network has a budget of parameters and is as wide as the budget allows. The validation part is
carved from the training pictures; the test part is scored once, with the weights of the last update.

The presets are for MNIST. Smaller budgets, with other orders and other sharing, are a run of their own.
CIFAR-10 takes two runs on a desk, with blocks that do not overlap and with such that do, and one on a GPU,
whose TaylorNet has a step on the same grid before each coarse one:

    hsrnn reproduce coarse.taylornet --preset desk --seeds 0-4 --sizes 2600 8600 --orders 1 3
        --sharings none --norms batch --baselines mlp cnn flat --ridge 0
    hsrnn reproduce coarse.taylornet --preset desk --seeds 0-2 --dataset cifar10-jpg --sizes 100000
        --orders --norms batch --ridge 0 --mirror
    hsrnn reproduce coarse.taylornet --preset desk --seeds 0-2 --dataset cifar10-jpg --sizes 100000
        --orders --norms batch --ridge 0 --mirror --baselines --block 3 --stride 2
    hsrnn reproduce coarse.taylornet --preset paper --seeds 0-2 --dataset cifar10-jpg --sizes 1000000
        --orders --sharings --norms batch --ridge 0 --mirror --epochs 60 --shift 4 --smoothing 0.1
        --baselines linear cnn --block 3 --stride 2 --depth 1 --reach 3 --device cuda
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hsrnn import coarse, datasets

from .pieces import each_piece

FULL_BELOW = 20_000  # parameters: smaller networks take the full quadratic, larger ones the CP form (T1)
WIDEST = 256  # channels of a site, at most
RIDGE = "quadratic ridge"
KEY = ("kind", "most", "order", "sharing", "norm")
Key = tuple[str, int, int, str, str]


@dataclass(frozen=True)
class TaylorNetExperimentConfig:
    """Settings of one run.

    Attributes:
        dataset: of pictures, e.g. ``"digits"``, ``"mnist"`` or ``"cifar10-jpg"``.
        pictures: training pictures to use at most; 0 uses all.
        sizes: budgets of parameters; every network of order 2 and every baseline is made for each.
        orders: other orders, within the largest budget.
        sharings: other ways to share weights, within the largest budget: ``"all"``, ``"none"``.
        norms: after each step, ``"batch"`` or ``"scale"`` (one fixed number, hence no BatchNorm anywhere).
        baselines: of ``coarse.BASELINES``; each for every size that it fits.
        ridge: principal components of the quadratic ridge, 0 leaves it out.
        block: sites along a side of a block.
        stride: from block to block; 2 with a block of 3 overlaps, ``None`` does not.
        depth: steps on the same grid before each coarse one.
        reach: sites along a side of what these read; 3 overlaps.
        epochs: passes over the training pictures.
        batch_size: pictures of an update.
        learning_rate: the largest, of every network alike.
        weight_decay: as a share of the learning rate.
        shift: pixels that a picture is moved by at most while training.
        mirror: swap left and right in half of the pictures while training.
        smoothing: of the labels.
    """

    dataset: str = "mnist"
    pictures: int = 0
    sizes: tuple[int, ...] = (62_000,)
    orders: tuple[int, ...] = (1,)
    sharings: tuple[str, ...] = ()
    norms: tuple[str, ...] = ("batch", "scale")
    baselines: tuple[str, ...] = ("linear", "mlp", "cnn", "flat")
    ridge: int = 40
    block: int = 2
    stride: int | None = None
    depth: int = 0
    reach: int = 1
    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 0.005
    weight_decay: float = 0.01
    shift: int = 2
    mirror: bool = False
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        if self.dataset not in datasets.PICTURES:
            raise ValueError(f"dataset must be one of {', '.join(datasets.PICTURES)}, got {self.dataset!r}")
        if not self.sizes or not self.norms:
            raise ValueError("sizes and norms must each name at least one")
        for name, allowed in (("norms", ("batch", "scale")), ("sharings", ("all", "none"))):
            for value in getattr(self, name):
                if value not in allowed:
                    raise ValueError(f"{name} must be of {', '.join(allowed)}, got {value!r}")
        for name in self.baselines:
            if name not in coarse.BASELINES:
                raise ValueError(f"baselines must be of {', '.join(coarse.BASELINES)}, got {name!r}")
        if self.pictures < 0 or self.ridge < 0:
            raise ValueError(f"pictures and ridge must not be negative, got {self.pictures}, {self.ridge}")
        if any(order not in (1, 3) for order in self.orders):
            raise ValueError(f"orders must be of 1 and 3, order 2 is always there, got {self.orders}")


# Processor minutes a seed of the desk preset, on one core: 4.6 for order 2 with BatchNorm, 3.9 with a fixed
# scale, 3.7 for order 1, 2.1 for the CNN, 0.2 each for the MLP and the flat polynomial: about 15 in all. The
# smaller budgets: about 14. The two runs on CIFAR-10: about 8 with blocks that do not overlap and all
# baselines, 7 with such that do.
PRESETS: dict[str, TaylorNetExperimentConfig] = {
    "smoke": TaylorNetExperimentConfig(
        dataset="digits", sizes=(1500,), norms=("batch",), baselines=("mlp",), ridge=5, epochs=2, shift=0
    ),
    "book": TaylorNetExperimentConfig(
        dataset="digits", sizes=(3000,), orders=(1, 3), baselines=("linear", "mlp", "flat"), ridge=10,
        shift=1, epochs=20, batch_size=32,
    ),
    "desk": TaylorNetExperimentConfig(),
    # The paper's own setting is not known to us; this is everything, with more passes, for a GPU.
    "paper": TaylorNetExperimentConfig(
        sizes=(2_600, 8_600, 18_200, 62_000), orders=(1, 3), sharings=("all", "none"),
        baselines=("linear", "mlp", "cnn", "strided", "flat"), epochs=40,
    ),
}  # fmt: skip


def keys(config: TaylorNetExperimentConfig) -> list[Key]:
    """Return what tells the networks of a run apart: kind, budget, order, sharing, norm."""
    largest, norm = max(config.sizes), config.norms[0]
    return [
        *(("taylor", most, 2, "level", n) for most in config.sizes for n in config.norms),
        *(("taylor", largest, order, "level", norm) for order in config.orders),
        *(("taylor", largest, 2, sharing, norm) for sharing in config.sharings),
        *((name, most, 0, "", "") for name in config.baselines for most in _budgets(config, name)),
        *([(RIDGE, 0, 0, "", "")] if config.ridge else []),
    ]


def fits(key: Key, image: tuple[int, int, int]) -> bool:
    """Return whether a baseline has a size within the budget of its key; anything else must have one."""
    if key[0] not in coarse.BASELINES:
        return True
    try:
        coarse.baseline(key[0], image, 10, key[1])
    except ValueError:
        return False
    return True


def _budgets(config: TaylorNetExperimentConfig, name: str) -> tuple[int, ...]:
    """Return the budgets of a baseline: a linear map has one size only."""
    return (max(config.sizes),) if name == "linear" else config.sizes


def run(
    config: TaylorNetExperimentConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train every network and score it.

    Each finished network is a line of ``networks.jsonl`` in ``folder``, and the one in training keeps its
    checkpoint there: a run that was interrupted goes on where it stopped, bit for bit.

    Returns:
        The metrics, the hashes of the data, and the seconds of all networks.

    Raises:
        hsrnn.datasets.DatasetError: the pictures cannot be had.
        ValueError: settings that do not fit the pictures.
    """
    pictures = datasets.load(config.dataset)
    assert isinstance(pictures, datasets.Pictures)
    image = pictures.train.images.shape[1:]
    networks = each_piece(
        folder / "networks.jsonl", config, [key for key in keys(config) if fits(key, image)],
        partial(one_network, config, pictures, seed=seed, folder=folder / "network", device=device),
        names=KEY, title=f"coarse.taylornet, seed {seed}", progress=progress,
    )  # fmt: skip
    metrics = {
        "dataset": pictures.card.title,
        "networks": networks,
        "test_accuracy": networks[0]["test_accuracy"],
    }
    return metrics, dict(pictures.hashes), sum(network["seconds"] for network in networks)


def split(config: TaylorNetExperimentConfig, pictures: datasets.Pictures) -> dict[str, tuple[Tensor, Tensor]]:
    """Return images and labels of each split, an empty pixel at 0 and the training pixels of mean square 1.

    Zero stays zero because the split of logits by order is taken there, and pictures are padded with it.
    """
    root = float((pictures.train.scaled().astype("float64") ** 2).mean() ** 0.5)
    limit = config.pictures or None
    return {
        name: (torch.from_numpy(part.scaled() / root)[:most], torch.from_numpy(part.labels.copy())[:most])
        for name, part, most in (
            ("train", pictures.train, limit),
            ("valid", pictures.valid, None),
            ("test", pictures.test, None),
        )
    }


def made(config: TaylorNetExperimentConfig, image: tuple[int, int, int], key: Key, *, seed: int) -> nn.Module:
    """Return a network within its budget, as wide as that allows.

    Raises:
        ValueError: if even the narrowest has more parameters.
    """
    kind, most, order, sharing, norm = key
    if kind != "taylor":
        return coarse.baseline(kind, image, 10, most, seed=seed)
    step = config.stride or config.block
    levels = 1
    while step ** (levels + 1) < step * max(image[1:]):
        levels += 1

    def shape(width: int) -> coarse.TaylorNetConfig:
        return coarse.TaylorNetConfig(
            image=image, classes=10, channels=(width,) * levels, block=config.block, stride=config.stride,
            order=order, form="full" if most < FULL_BELOW else "cp", sharing=sharing, depth=config.depth,
            reach=config.reach, norm=norm,
        )  # fmt: skip

    def size(width: int) -> int:
        with torch.device("meta"):
            return coarse.parameters(coarse.TaylorNet(shape(width)))

    low, high = 0, 1
    while high <= WIDEST and size(high) <= most:
        low, high = high, 2 * high
    high = min(high, WIDEST + 1)
    while high - low > 1:  # width low fits, high does not
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= most else (low, middle)
    if not low:
        raise ValueError(f"the narrowest TaylorNet of {key} has {size(1)} parameters: allow more than {most}")
    return coarse.TaylorNet(shape(low), seed=seed)


def one_network(
    config: TaylorNetExperimentConfig, pictures: datasets.Pictures, *key: Any, seed: int, folder: Path,
    device: str = "cpu",
) -> dict[str, Any]:  # fmt: skip
    """Train one network; return what a record keeps of it."""
    began = time.perf_counter()
    parts = split(config, pictures)
    named = dict(zip(KEY, key, strict=True))
    if key[0] == RIDGE:
        model = coarse.quadratic_ridge(config.ridge)
        flat = {name: images.flatten(1).numpy() for name, (images, _) in parts.items()}
        model.fit(flat["train"], parts["train"][1].numpy())
        scores = {f"{name}_accuracy": float(model.score(flat[name], parts[name][1].numpy())) for name in flat}
        numbers = 10 * (1 + config.ridge + config.ridge * (config.ridge + 1) // 2)
        return {**named, "parameters": numbers, **scores, "seconds": time.perf_counter() - began}
    network = made(config, pictures.train.images.shape[1:], key, seed=seed).to(device)
    images, labels = parts["train"]
    if key[-1] == "scale":
        network.calibrate(images[:1000].to(device))
    training = coarse.TrainingConfig(
        epochs=config.epochs, batch_size=config.batch_size, learning_rate=config.learning_rate,
        weight_decay=config.weight_decay, shift=config.shift, mirror=config.mirror,
        smoothing=config.smoothing,
    )  # fmt: skip
    own = folder / "-".join(map(str, key)).replace(" ", "-")
    lines = coarse.train(network, images, labels, training, seed=seed, folder=own, progress=False)
    scores = {f"{name}_accuracy": coarse.evaluate(network, *part).accuracy for name, part in parts.items()}
    shutil.rmtree(own, ignore_errors=True)  # finished: the line in networks.jsonl is what counts
    return {
        **named, "parameters": coarse.parameters(network), **scores,
        "channels": list(network.config.channels) if key[0] == "taylor" else [],
        "seconds": max(lines[-1]["seconds"], time.perf_counter() - began),
    }  # fmt: skip
