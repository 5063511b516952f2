"""Experiment ``coarse.floors``: classifiers in closed form that a trained polynomial has to beat.

Ridge regression on the pixels, on all products of two pixels inside blocks, and on all products of two
principal components. All problems are convex, so there is nothing to draw and a seed changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hsrnn import coarse, datasets
from hsrnn.ledger import Record, Table, group, newest

from .claims import made_by, shown_of
from .pieces import each_piece


@dataclass(frozen=True)
class FloorsConfig:
    """Settings of one run.

    Attributes:
        dataset: of pictures, e.g. ``"digits"``, ``"mnist"`` or ``"cifar10-jpg"``.
        blocks: pixels along a side of the blocks; products inside 4 x 4 of three colours are too many.
        components: principal components whose products are taken.
        alpha: weight of the squared norm of ridge regression.
    """

    dataset: str = "mnist"
    blocks: tuple[int, ...] = (2, 4)
    components: int = 40
    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        if self.dataset not in datasets.PICTURES:
            raise ValueError(f"dataset must be one of {', '.join(datasets.PICTURES)}, got {self.dataset!r}")
        if any(block < 2 for block in self.blocks):
            raise ValueError(f"blocks must be at least 2 pixels wide, got {self.blocks}")


# Processor minutes on one core: 5 for MNIST, nearly all of them for blocks of 4 x 4.
PRESETS: dict[str, FloorsConfig] = {
    "smoke": FloorsConfig(dataset="digits", blocks=(2,), components=5),
    "book": FloorsConfig(dataset="digits", components=20),
    "desk": FloorsConfig(),
    "paper": FloorsConfig(),  # there is nothing that more time would buy
}


def run(
    config: FloorsConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Solve and score every classifier; each that is finished is a line of ``floors.jsonl`` in ``folder``.

    Returns:
        The metrics, the hashes of the data, and the seconds of all classifiers.

    Raises:
        hsrnn.datasets.DatasetError: the pictures cannot be had.
        ValueError: for blocks that do not fill the pictures, or make too many products.
    """
    pictures = datasets.load(config.dataset)
    assert isinstance(pictures, datasets.Pictures)
    kinds = [
        ("pixels", 0),
        *(("blocks", block) for block in config.blocks),
        ("components", config.components),
    ]
    floors = each_piece(
        folder / "floors.jsonl", config, kinds, partial(floor, config, pictures), names=("kind", "size"),
        title="coarse.floors", progress=progress,
    )  # fmt: skip
    metrics = {"dataset": pictures.card.title, "floors": floors}
    return metrics, dict(pictures.hashes), sum(found["seconds"] for found in floors)


def floor(config: FloorsConfig, pictures: datasets.Pictures, kind: str, size: int) -> dict[str, Any]:
    """Solve one classifier; return its parameters and accuracies."""
    began = time.perf_counter()
    splits = {"train": pictures.train, "valid": pictures.valid, "test": pictures.test}
    images = {name: part.scaled() for name, part in splits.items()}
    if kind == "components":
        model = coarse.quadratic_ridge(size, alpha=config.alpha)
        images = {name: part.reshape(len(part), -1) for name, part in images.items()}
    else:
        model = coarse.MonomialRidge(size, alpha=config.alpha)
    model.fit(images["train"], pictures.train.labels)
    features = size * (size + 3) // 2 if kind == "components" else len(model.weights_)
    scores = {f"{name}_accuracy": float(model.score(images[name], splits[name].labels)) for name in splits}
    return {
        "kind": kind, "size": size, "parameters": len(pictures.classes) * (1 + features), **scores,
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip


def name(floor: dict[str, Any]) -> str:
    """Return what a classifier is called in tables and figures."""
    size = floor["size"]
    return {
        "pixels": "ridge on pixels", "blocks": f"ridge on products in {size} x {size} blocks",
        "components": f"ridge on products of {size} components",
    }[floor["kind"]]  # fmt: skip


def points(records: Sequence[Record], dataset: str) -> dict[str, tuple[int, float]]:
    """Return what the figure of sizes draws: classifier -> parameters and test accuracy in per cent."""
    return {
        name(one): (one["parameters"], 100 * one["test_accuracy"])
        for record in newest(records)
        if record.config["dataset"] == dataset
        for one in record.metrics["floors"]
    }


def tables(records: Sequence[Record]) -> list[Table]:
    """Return a table of accuracies for each preset and data set."""
    shown = shown_of(records)
    made = []
    for (preset, _), part in group(shown, lambda r: (r.preset, r.config["dataset"])).items():
        record = part[-1]
        rows = tuple(
            (name(one), f"{one['parameters']:,}",
             *(f"{100 * one[f'{split}_accuracy']:.2f}" for split in ("train", "valid", "test")))
            for one in record.metrics["floors"]
        )  # fmt: skip
        title = record.metrics["dataset"].partition(":")[0]
        made.append(Table(
            f"{title}, preset {preset}: closed forms, accuracy, %",
            ("classifier", "parameters", "train", "valid", "test"), rows,
            f"Parameters are weights and constants; principal components are not counted. No seed has any "
            f"effect. {made_by([record])}",
        ))  # fmt: skip
    return made
