"""What the two experiments of the room ``hmrnn`` do alike around a training: its settings taken from theirs,
what a finished run says of training and operations, and the file of a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hsrnn import datasets, hmrnn
from hsrnn.training import CheckpointError, load_checkpoint


def training_of(config: Any) -> hmrnn.TrainingConfig:
    """Return the part of an experiment's settings that the training loop reads."""
    names = hmrnn.TrainingConfig.__dataclass_fields__
    return hmrnn.TrainingConfig(**{name: getattr(config, name) for name in names})


def training_metrics(
    log: Sequence[Mapping[str, Any]], best: Mapping[str, Any], score: str, unit: str, curve: Sequence[str]
) -> dict[str, Any]:
    """Say how a training went.

    Args:
        log: its evaluations.
        best: the one whose weights were kept.
        score: the field that decided.
        unit: what was read, ``"characters"`` or ``"points"``.
        curve: fields to keep of every evaluation, beside update, units, boundary rates, slope and learning
            rate.
    """
    every = ("update", unit, *curve, "boundary_rates", "slope", "learning_rate")
    speed = f"{unit}_per_second"
    return {
        score: best[score],
        "best_update": best["update"],
        unit: log[-1][unit],
        speed: float(np.median([line[speed] for line in log])),
        "collapsed": log[-1]["collapsed"],
        "curve": {name: [line[name] for line in log] for name in every},
    }


def operation_metrics(operations: NDArray[np.uint8]) -> dict[str, Any]:
    """Say which operations each layer took, from ``(steps, layers)``, and what share of all was copied."""
    counted = hmrnn.count_operations(operations)
    return {
        "operations": counted.as_dict(),
        "updates": counted.updates.tolist(),
        "saving": counted.saving,
    }


def read_model(
    name: str | Path, experiment: str, needed: Sequence[str]
) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Read a model's file: the name of a shipped checkpoint or the path of a ``model.safetensors``.

    Args:
        name: which.
        experiment: its experiment, for the error.
        needed: the values it must carry beside its settings.

    Returns:
        The weights, the settings (lists as tuples), and all values.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a model of this experiment.
    """
    path = name if isinstance(name, Path) else datasets.shipped(f"checkpoints/{name}.safetensors")
    tensors, values = load_checkpoint(path)
    missing = [value for value in ("config", *needed) if value not in values]
    if missing:
        raise CheckpointError(f"{path} holds no {', '.join(missing)}: it is not a model of {experiment}")
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in values["config"].items()}
    return tensors, settings, values
