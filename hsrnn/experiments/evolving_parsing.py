"""Experiment ``evolving.parsing``: networks that parse pictures into parts, at equal numbers of parameters.

As in the papers, training has two stages: the backbone and its confidences alone, once a seed; then every
network from there, with its own layers on top. So all networks of a seed see the same features, and their
differences are those of what stands on them. Pictures, weights and every draw come from the seed; the test
part is scored once, with the weights of the last update. Sources: arXiv 1703.03055 and 1603.07063.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hsrnn import datasets, evolving
from hsrnn.evolving import Examples, LevelScore, MergeRule, Parser, ParserConfig, Score

from .pieces import each_piece

FIRST = "stage-one"
# What each network changes in the structure-evolving one; levels that are not named are the experiment's.
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "evolving": {},
    "graph-lstm-2": {"kind": "graph-lstm", "levels": 2},
    "graph-lstm-5": {"kind": "graph-lstm", "levels": 5},
    "superpixels": {"kind": "superpixels"},
    "backbone": {"kind": "backbone"},
    "edge-pooling": {"kind": "edge-pooling"},
    "evolving-identical": {"identical": True},
    "graph-lstm-identical": {"kind": "graph-lstm", "levels": 2, "identical": True},
    "graph-lstm-breadth-first": {"kind": "graph-lstm", "levels": 2, "order": "breadth-first"},
    "graph-lstm-depth-first": {"kind": "graph-lstm", "levels": 2, "order": "depth-first"},
    "graph-lstm-random-order": {"kind": "graph-lstm", "levels": 2, "order": "random"},
    "evolving-confidence": {"order": "confidence"},
    "evolving-threshold": {"rule": MergeRule("threshold", "always")},
    "evolving-random": {"rule": MergeRule("random")},
    "evolving-literal": {"rule": MergeRule("bernoulli", "inverse")},
}
CONTRASTS = (  # what the claims C1 to C3 and C5 need
    "evolving", "graph-lstm-2", "graph-lstm-5", "superpixels", "evolving-identical",
    "graph-lstm-identical", "evolving-threshold", "evolving-random",
)  # fmt: skip
GENERATED = "figures"


@dataclass(frozen=True)
class ParsingConfig:
    """Settings of one run.

    Attributes:
        dataset: ``"figures"`` (drawn anew for every seed) or ``"ccp"`` (split anew for every seed).
        networks: of :data:`NETWORKS`.
        train: pictures to train on; of photographs at most as many as there are.
        valid: to validate on, likewise.
        test: to test on, likewise.
        size: rows of a picture; figures are square, photographs two thirds as wide.
        superpixels: of a picture, asked for.
        compactness: of them, see `evolving.superpixels`; on figures 30 leaves a higher ceiling than 10.
        levels: of the hierarchy, superpixels counted.
        hidden: units of the structure-evolving network; the others have as many as give equal parameters.
        width: channels of the backbone.
        first_epochs: passes over the training pictures in stage one.
        epochs: passes in stage two, for each network.
        batch_size: pictures of an update.
        optimizer: ``"adamw"`` or ``"sgd"``.
        first_rate: the largest learning rate of stage one.
        learning_rate: the largest of stage two.
        backbone_rate: of the backbone in stage two, as a share of it.
        weight_decay: as a share of the learning rate.
        crop: rows and columns cut off at random in training; left and right are swapped at random always.
    """

    dataset: str = GENERATED
    networks: tuple[str, ...] = tuple(NETWORKS)
    train: int = 1200
    valid: int = 100
    test: int = 200
    size: int = 48
    superpixels: int = 120
    compactness: float = 30.0
    levels: int = 5
    hidden: int = 24
    width: int = 12
    first_epochs: int = 16
    epochs: int = 3
    batch_size: int = 16
    optimizer: str = "adamw"
    first_rate: float = 0.005
    learning_rate: float = 0.01
    backbone_rate: float = 0.0
    weight_decay: float = 0.01
    crop: int = 4

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        if self.dataset not in datasets.PARTS:
            raise ValueError(f"dataset must be one of {', '.join(datasets.PARTS)}, got {self.dataset!r}")
        for name in self.networks:
            if name not in NETWORKS:
                raise ValueError(f"networks must be of {', '.join(NETWORKS)}, got {name!r}")
        if not self.networks:
            raise ValueError("networks must name at least one")
        for name in ("train", "valid", "test", "superpixels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.levels < 2:
            raise ValueError(f"levels must be at least 2, so that something merges, got {self.levels}")


# Processor minutes a seed, on one core: smoke 0.1, book 0.9, desk 14. On photographs about 11, by
# `--dataset ccp --train 804 --test 100 --size 150 --superpixels 300 --compactness 10 --crop 12
# --first-epochs 8 --epochs 2 --batch-size 4 --networks` and the names of CONTRASTS.
PRESETS: dict[str, ParsingConfig] = {
    "smoke": ParsingConfig(
        networks=("evolving", "graph-lstm-2", "superpixels", "backbone"), train=6, valid=2, test=3,
        size=32, superpixels=30, levels=3, hidden=6, width=3, first_epochs=1, epochs=1, batch_size=3,
    ),
    "book": ParsingConfig(
        networks=("evolving", "graph-lstm-2", "superpixels"), train=400, valid=20, test=40,
        levels=3, first_epochs=10, epochs=2, batch_size=8,
    ),
    "desk": ParsingConfig(),
    # The paper's sizes and schedule, on the photographs that can be had; for a GPU. Its backbone was trained
    # on other pictures before, ours is not, so stage one is as long as stage two.
    "paper": ParsingConfig(
        dataset="ccp", train=804, valid=100, test=100, size=321, superpixels=1000, compactness=10.0,
        hidden=64, width=32, first_epochs=60, epochs=60, batch_size=2, optimizer="sgd",
        first_rate=1e-3, learning_rate=1e-3, backbone_rate=0.1, weight_decay=5e-4, crop=32,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """What every network is given: the pictures with their superpixels, and the backbone of stage one with
    the seconds of its training."""

    train: Examples
    valid: Examples
    test: Examples
    first: Parser
    seconds: float


def run(
    config: ParsingConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
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
    parts = pictures(config, seed)
    first = folder / "stage-one"
    # Prepared inside `each_piece`, which first makes sure that `folder` is of a run with these settings.
    ready: list[Prepared] = []

    def made(name: str) -> dict[str, Any]:
        if not ready:
            ready.append(prepared(config, parts, seed=seed, folder=first, device=device))
        return one_network(config, ready[0], name, seed=seed, folder=folder / "network")

    networks = each_piece(
        folder / "networks.jsonl", config, [(name,) for name in (FIRST, *config.networks)], made,
        names=("network",), title=f"evolving.parsing, seed {seed}", progress=progress,
    )  # fmt: skip
    shutil.rmtree(first, ignore_errors=True)  # finished: the lines in networks.jsonl are what counts
    metrics = {
        "dataset": parts.card.title,
        "classes": list(parts.classes),
        "networks": networks,
        "test_miou": networks[1]["test"]["mean_iou"],
    }
    return metrics, dict(parts.hashes), sum(network["seconds"] for network in networks)


def pictures(config: ParsingConfig, seed: int) -> datasets.Parts:
    """Return the pictures of a run: figures are drawn, photographs split by its seed."""
    if config.dataset == GENERATED:
        options: dict[str, Any] = {
            "train": config.train, "valid": config.valid, "test": config.test, "size": config.size,
        }  # fmt: skip
    else:
        options = {"size": (config.size, config.size * 2 // 3)}
    found = datasets.load(config.dataset, seed=seed, **options)
    assert isinstance(found, datasets.Parts)
    return found


def prepared(
    config: ParsingConfig, parts: datasets.Parts, *, seed: int, folder: Path, device: str = "cpu"
) -> Prepared:
    """Cut the superpixels, and train the backbone with its confidences, or go on with what ``folder`` keeps
    of it."""
    splits = [
        evolving.examples(
            split.images[:most], split.labels[:most], config.superpixels, compactness=config.compactness
        )
        for split, most in (
            (parts.train, config.train), (parts.valid, config.valid), (parts.test, config.test),
        )
    ]  # fmt: skip
    classes = len(parts.classes)
    shape = ParserConfig(classes, kind="superpixels", levels=1, hidden=config.hidden, width=config.width)
    first = Parser(shape, seed=seed).to(device)
    training = replace(
        training_of(config),
        epochs=config.first_epochs,
        learning_rate=config.first_rate,
        backbone_rate=1.0,
    )
    lines = evolving.train(first, splits[0], training, seed=seed, folder=folder, progress=False)
    return Prepared(*splits, first, lines[-1]["seconds"])


def training_of(config: ParsingConfig) -> evolving.TrainingConfig:
    """Return how stage two trains."""
    return evolving.TrainingConfig(
        epochs=config.epochs, batch_size=config.batch_size, optimizer=config.optimizer,
        learning_rate=config.learning_rate, backbone_rate=config.backbone_rate,
        weight_decay=config.weight_decay, crop=config.crop,
    )  # fmt: skip


def shape_of(config: ParsingConfig, name: str, classes: int) -> ParserConfig:
    """Return what the network ``name`` is made of, as wide as gives the parameters of the
    structure-evolving one."""
    base = ParserConfig(classes, levels=config.levels, hidden=config.hidden, width=config.width)
    wanted = replace(base, **NETWORKS[name])
    return evolving.matched(wanted, evolving.parameters(Parser(base)))


def fitted(
    config: ParsingConfig, network: Parser, ready: Prepared, *, seed: int, folder: Path
) -> list[dict[str, Any]]:
    """Train a network in place, from the backbone of stage one on; return a line for each epoch."""
    network.backbone.load_state_dict(ready.first.backbone.state_dict())
    network.confidence.load_state_dict(ready.first.confidence.state_dict())
    return evolving.train(network, ready.train, training_of(config), seed=seed, folder=folder, progress=False)


def one_network(
    config: ParsingConfig, ready: Prepared, name: str, *, seed: int, folder: Path
) -> dict[str, Any]:
    """Train one network from stage one on; return what a record keeps of it. ``"stage-one"`` is the
    confidences alone, pixel by pixel."""
    began = time.perf_counter()
    if name == FIRST:
        used = (ready.first.backbone, ready.first.confidence)
        return {
            "network": name, "parameters": sum(map(evolving.parameters, used)),
            "valid": scored(confidences(ready.first, ready.valid)),
            "test": scored(confidences(ready.first, ready.test)), "seconds": ready.seconds,
        }  # fmt: skip
    shape = shape_of(config, name, ready.first.config.classes)
    network = Parser(shape, seed=seed).to(next(ready.first.parameters()).device)
    own = folder / name.replace(",", "").replace(" ", "-")
    lines = fitted(config, network, ready, seed=seed, folder=own)
    valid = evolving.evaluate(network, ready.valid, batch_size=config.batch_size, seed=seed)
    test = evolving.evaluate(network, ready.test, batch_size=config.batch_size, seed=seed, count=True)
    shutil.rmtree(own, ignore_errors=True)  # finished: the line in networks.jsonl is what counts
    return {
        "network": name, "parameters": evolving.parameters(network), "hidden": shape.hidden,
        "levels": shape.levels, "valid": scored(valid.score), "test": scored(test.score),
        "ceiling": scored(test.ceiling), "losses": test.losses, "acceptance": lines[-1]["acceptance"],
        "by_level": [of_level(level) for level in test.levels],
        "milliseconds": 1000 * test.seconds, "multiplications": test.multiplications,
        "seconds": max(lines[-1]["seconds"], time.perf_counter() - began),
    }  # fmt: skip


@torch.no_grad()
def confidences(network: Parser, examples: Examples, *, batch_size: int = 16) -> Score:
    """Score the confidences of the backbone by themselves, pixel by pixel."""
    classes = network.config.classes
    device = next(network.parameters()).device
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    for rows in torch.arange(len(examples)).split(batch_size):
        batch = examples.batch(rows).to(device)
        guess = network.confidence(network.backbone(batch.images)).argmax(1)
        counts += evolving.confusion(guess, batch.labels, classes).cpu()
    return evolving.score(counts)


def scored(score: Score) -> dict[str, Any]:
    """Return a score as plain values; ``None`` for a class that does not occur."""
    return {
        "mean_iou": score.mean_iou,
        "foreground_iou": _number(score.foreground_iou),
        "accuracy": score.accuracy,
        "iou": [_number(value) for value in score.iou],
    }


def of_level(level: LevelScore) -> dict[str, Any]:
    """Return what a record keeps of a level; what concerns proposals is ``None`` where there are none."""
    log = level.log
    decided = log.merges > 0
    some = bool(decided.any())
    return {
        "nodes": level.nodes, "edges": level.edges, "purity": level.purity, "same": level.same,
        "ceiling": level.ceiling.mean_iou, "milliseconds": 1000 * level.seconds,
        "multiplications": level.multiplications,
        "proposals": int(decided.sum()), "acceptance": log.acceptance_rate if some else None,
        "eliminated": float(log.eliminated[decided].mean()) if some else None,
        "log_transition": float(np.median(log.transition[decided])) if some else None,
    }  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
