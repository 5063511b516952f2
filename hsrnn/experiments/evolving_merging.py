"""Experiment ``evolving.merging``: one network under every rule of merging, and networks trained with each.

Liang et al. (2017, arXiv 1703.03055) merge superpixels by proposals that are accepted or rejected. Here every
proposal (decision E4) and acceptance (E5) is applied to the graphs and probabilities of ONE trained network,
and networks are trained with each that merges differently. The control that decides claim C3 merges at random
down to EXACTLY as many nodes as the learned merges leave, in every picture at every level
(:class:`hsrnn.evolving.Twin`); merging by colour and by the true labels stand beside it, below and above.

The backbone is trained once, by a network without a graph, and is the same for all: what differs between two
networks is the merging alone. All numbers of a record are on the test part; nothing was chosen by it.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hsrnn import datasets, evolving
from hsrnn.evolving import MergeRule, Parser, ParserConfig, Twin

from . import evolving_merging_measures as measures
from .evolving_parsing import ParsingConfig, Prepared, fitted, pictures, prepared
from .pieces import each_piece

MAIN = "matching-normalised"
RANDOM = "random-twin"
TWINS = {RANDOM: "random", "colour-twin": "colour", "label-twin": "labels"}
COUNTED = (MAIN, "none")  # rules whose multiplications are counted
KEY = ("part", "name")


@dataclass(frozen=True)
class MergingConfig:
    """Settings of one run; pictures and both stages of training are those of ``evolving.parsing``.

    Attributes:
        dataset: ``"figures"`` (drawn anew for every seed) or ``"ccp"`` (split anew for every seed).
        train: pictures to train on; of photographs at most as many as there are.
        test: to test on, likewise.
        size: rows of a picture; figures are square, photographs two thirds as wide.
        superpixels: of a picture, asked for.
        compactness: of them, see `evolving.superpixels`; on figures 30 leaves a higher ceiling than 10.
        levels: of the default network's hierarchy, superpixels counted.
        hidden: units of its layers; networks of other depths have as many as give equal parameters.
        width: channels of the backbone.
        beta: weight of the difference in loss a pixel.
        thresholds: of the deterministic rules; claim C2 asks for all that networks are trained with.
        trained: rules to train networks with, beside the default one and its random twin.
        depths: numbers of levels to train the default network with, beside ``levels``.
        first_epochs: passes over the training pictures in stage one, of the backbone.
        epochs: passes in stage two, for each network.
        batch_size: pictures of an update.
        optimizer: ``"adamw"`` or ``"sgd"``.
        first_rate: the largest learning rate of stage one.
        learning_rate: the largest of stage two.
        backbone_rate: of the backbone in stage two, as a share of it.
        weight_decay: as a share of the learning rate.
        crop: rows and columns cut off at random in training.

    Raises:
        ValueError: for a number out of its range, or an unknown data set or rule.
    """

    dataset: str = "figures"
    train: int = 1200
    test: int = 200
    size: int = 48
    superpixels: int = 120
    compactness: float = 30.0
    levels: int = 5
    hidden: int = 24
    width: int = 12
    beta: float = 1.0
    thresholds: tuple[float, ...] = (0.5, 0.8, 0.95)
    trained: tuple[str, ...] = ("bernoulli-normalised", "threshold-0.5", "threshold-0.8", "none")
    depths: tuple[int, ...] = (1, 2, 3, 4)
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
        """Check what ``evolving.parsing`` and the room do not."""
        self.parsing()
        known = rules(self)
        for name in self.trained:
            if name not in known or name == MAIN:
                raise ValueError(f"trained must be of {', '.join(known)}, without {MAIN}, got {name!r}")
        if any(not 1 <= depth < self.levels for depth in self.depths):
            raise ValueError(f"depths must lie in 1 to {self.levels - 1}, got {self.depths}")

    def parsing(self) -> ParsingConfig:
        """Return the settings of ``evolving.parsing`` with the same pictures and training."""
        names = ParsingConfig.__dataclass_fields__.keys() & MergingConfig.__dataclass_fields__.keys()
        return ParsingConfig(valid=1, **{name: getattr(self, name) for name in names})


def rules(config: MergingConfig) -> dict[str, MergeRule]:
    """Return every rule of merging by name: two kinds of proposal with four of acceptance, thresholds, and
    the two that need no acceptance."""
    found = {
        f"{proposal}-{acceptance}": MergeRule(proposal, acceptance, beta=config.beta)
        for proposal in ("matching", "bernoulli")
        for acceptance in ("normalised", "always", "inverse", "product")
    }
    for threshold in config.thresholds:
        found[f"threshold-{threshold:g}"] = MergeRule("threshold", "always", threshold=threshold)
    # `random` moves what a matching by the probabilities of its own graph merges; a twin has equal counts.
    return found | {"random": MergeRule("random", beta=config.beta), "none": MergeRule("none")}


# Processor minutes a seed, on one core: smoke 0.1, book 0.9, desk 12. On photographs about 11, by `--dataset
# ccp --train 804 --test 100 --size 150 --superpixels 300 --compactness 10 --crop 12 --first-epochs 8 --epochs
# 2 --batch-size 4 --trained threshold-0.5 --depths`. Desk trains no network with another acceptance: where
# probabilities are above a half, as they soon are, all but `product` accept whatever is proposed, and
# `product` nothing.
PRESETS: dict[str, MergingConfig] = {
    "smoke": MergingConfig(
        train=6, test=4, size=32, superpixels=40, levels=3, hidden=6, width=3, thresholds=(0.5,),
        trained=("threshold-0.5",), depths=(1,), first_epochs=1, epochs=1, batch_size=3,
    ),
    "book": MergingConfig(
        train=200, test=30, levels=3, thresholds=(0.5,), trained=(), depths=(), batch_size=8,
    ),
    "desk": MergingConfig(),
    # The sizes and the schedule of the paper, on the photographs that can be had; for a GPU.
    "paper": MergingConfig(
        dataset="ccp", train=804, test=100, size=321, superpixels=1000, compactness=10.0,
        hidden=64, width=32, first_epochs=60, epochs=60, batch_size=2, optimizer="sgd",
        first_rate=1e-3, learning_rate=1e-3, backbone_rate=0.1, weight_decay=5e-4, crop=32,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """What every network is trained and scored with: the pictures and the backbone of stage one, and the
    default network, trained."""

    ready: Prepared
    network: Parser


def run(
    config: MergingConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train the backbone and the default network, apply every rule to it, and train the other networks.

    Each finished part is a line of ``parts.jsonl`` in ``folder``, and the network in training keeps its
    checkpoint there: a run that was interrupted goes on where it stopped, bit for bit.

    Returns:
        The metrics, the hashes of the data, and the seconds of all parts.

    Raises:
        hsrnn.datasets.DatasetError: the pictures cannot be had.
        ValueError: settings that do not fit the pictures.
    """
    parts = pictures(config.parsing(), seed)
    networks = folder / "networks"
    # Trained inside `each_piece`, which first makes sure that `folder` is of a run with these settings.
    bench: list[Bench] = []

    def part(kind: str, name: str) -> dict[str, Any]:
        began = time.perf_counter()
        if not bench:
            bench.append(trained_once(config, parts, seed=seed, folder=networks, device=device))
        if kind == "study":
            found = study(config, bench[0], seed)
        elif kind == "rule":
            found = ruled(config, bench[0], name, seed)
        else:
            found = trained(config, bench[0], name, seed=seed, folder=networks)
        return {"part": kind, "name": name, **found, "seconds": round(time.perf_counter() - began, 1)}

    keys = [
        ("study", MAIN),
        *(("rule", name) for name in (*rules(config), *TWINS)),
        *(("trained", name) for name in (RANDOM, *config.trained, *map(depth_name, config.depths))),
    ]
    found = each_piece(
        folder / "parts.jsonl", config, keys, part, names=KEY,
        title=f"evolving.merging, seed {seed}", progress=progress,
    )  # fmt: skip
    shutil.rmtree(networks, ignore_errors=True)  # finished: the lines in parts.jsonl are what counts
    metrics: dict[str, Any] = {"dataset": parts.card.title, "classes": list(parts.classes)}
    metrics |= {key: value for key, value in found[0].items() if key not in (*KEY, "seconds")}
    for kind in ("rule", "trained"):
        metrics[kind] = [line for line in found if line["part"] == kind]
    metrics["test_miou"] = next(line["test"]["mean_iou"] for line in metrics["rule"] if line["name"] == MAIN)
    return metrics, dict(parts.hashes), sum(line["seconds"] for line in found)


def depth_name(levels: int) -> str:
    """Return how a record calls the default rule with so many levels."""
    return f"{levels}-level" if levels == 1 else f"{levels}-levels"


def shape_of(config: MergingConfig, classes: int, name: str) -> ParserConfig:
    """Return what a network is made of: another rule, or another depth at as many parameters."""
    main = ParserConfig(classes, levels=config.levels, hidden=config.hidden, width=config.width)
    known = rules(config) | dict.fromkeys(TWINS, MergeRule(beta=config.beta))
    if name in known:
        return replace(main, rule=known[name])
    depth = next(levels for levels in config.depths if depth_name(levels) == name)
    shape = replace(main, rule=known[MAIN], levels=depth)
    return evolving.matched(shape, evolving.parameters(Parser(main)))


def trained_once(
    config: MergingConfig, parts: datasets.Parts, *, seed: int, folder: Path, device: str = "cpu"
) -> Bench:
    """Train the backbone and the default network, or take them from ``folder``."""
    ready = prepared(config.parsing(), parts, seed=seed, folder=folder / "backbone", device=device)
    network = Parser(shape_of(config, len(parts.classes), MAIN), seed=seed).to(device)
    fitted(config.parsing(), network, ready, seed=seed, folder=folder / "main")
    return Bench(ready, network)


def study(config: MergingConfig, bench: Bench, seed: int) -> dict[str, Any]:
    """Return what is measured of the default network once: its probabilities, both terms of the ratio with
    the labels known, and percolation."""
    known, network, test = rules(config), bench.network, bench.ready.test
    judged = {f"matching-{kind}": known[f"matching-{kind}"] for kind in ("normalised", "inverse", "product")}
    p = measures.level_one(network, test, seed)
    return {
        "parameters": evolving.parameters(network),
        "probabilities": measures.probabilities(network, test, seed),
        "terms": measures.both_terms(network, test, judged, seed),
        "percolation": measures.percolation(test, network.config.classes, p, seed),
    }


def ruled(config: MergingConfig, bench: Bench, name: str, seed: int) -> dict[str, Any]:
    """Score the one trained network under another rule, or under a twin's merges at its own node counts."""
    shape = shape_of(config, bench.network.config.classes, name)
    network = Twin(shape, bench.network, by=TWINS[name]) if name in TWINS else Parser(shape)
    network.load_state_dict(bench.network.state_dict())
    network.to(next(bench.network.parameters()).device)
    return measures.evaluated(
        network, bench.ready.test, seed, batch_size=config.batch_size, count=name in COUNTED
    )


def trained(config: MergingConfig, bench: Bench, name: str, *, seed: int, folder: Path) -> dict[str, Any]:
    """Train a network with another rule, with the random twin's merges, or of another depth; score it."""
    shape = shape_of(config, bench.network.config.classes, name)
    network = Twin(shape, bench.network, seed=seed) if name == RANDOM else Parser(shape, seed=seed)
    network.to(next(bench.network.parameters()).device)
    own = folder / name
    fitted(config.parsing(), network, bench.ready, seed=seed, folder=own)
    shutil.rmtree(own)
    return {
        "parameters": evolving.parameters(network),
        **measures.evaluated(
            network, bench.ready.test, seed, batch_size=config.batch_size, count=name != RANDOM
        ),
    }
