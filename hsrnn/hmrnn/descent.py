"""One training run: optimiser, schedules, log and checkpoints, resumable at any moment.

Chung, Ahn and Bengio (ICLR 2017), section 4.1: Adam, gradients clipped, the slope of the boundaries annealed,
the learning rate divided when validation stops improving. The two loops of the room, over chunks of text
(:mod:`~hsrnn.hmrnn.train`) and over lines of handwriting (:mod:`~hsrnn.hmrnn.handwriting_train`), say what is
read, what the loss is and what is evaluated; all else is the same for both and stands here.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from hsrnn.training import (
    JsonLog,
    PlateauDecay,
    Processes,
    flatten,
    keep_training,
    linear_slope,
    restore,
    resume_training,
)

COLLAPSE = 1e-3


class CollapseWarning(UserWarning):
    """A layer's boundary fires (almost) never or (almost) always: the hierarchy below or above it is idle."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        updates: number of parameter updates.
        learning_rate: Adam's initial step.
        betas: Adam's decay rates (decision D7: 0.99, as in the authors' later code).
        clip: largest gradient norm, of the loss in nats per character.
        l2: weight of the squared norm of all weights but biases, added to the loss (the paper names none).
        patience: evaluations without improvement before the learning rate is divided (decision D8).
        decay: what it is divided by.
        slope_per_epoch: growth of the slope a per epoch, fractions of an epoch included; the paper's 0.04.
        slope_max: largest slope; 1 switches annealing off.
        evaluate_every: updates between two evaluations on the validation data.
        checkpoint_every: updates between two checkpoints.
    """

    updates: int
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    l2: float = 0.0
    patience: int = 2
    decay: float = 50.0
    slope_per_epoch: float = 0.04
    slope_max: float = 1.0
    evaluate_every: int = 200
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        for name in (
            "updates",
            "learning_rate",
            "clip",
            "decay",
            "slope_max",
            "evaluate_every",
            "checkpoint_every",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.slope_max < 1:
            raise ValueError(f"slope_max must be at least 1, got {self.slope_max}")


class Descent:
    """What a training loop holds besides its data.

    Args:
        model: trained in place.
        config: how to train.
        unit: what is read, for the log: ``"characters"`` or ``"points"``.
        seed: seed of the draws of ``"sample"`` boundaries.
        folder: where ``checkpoint-*.safetensors`` and ``log.jsonl`` go; ``None`` keeps nothing.
        processes: the group that shares every batch; gradients are averaged.
        progress: show a progress bar.

    Attributes:
        update: parameter updates so far; above 0 from the start where a checkpoint was found.
        generator: source of the draws of ``"sample"`` boundaries.

    Raises:
        hsrnn.training.CheckpointError: if the checkpoint in ``folder`` is damaged or of another run.
    """

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        unit: str,
        *,
        seed: int,
        folder: Path | None,
        processes: Processes,
        progress: bool,
    ) -> None:
        self.model, self.config, self.unit = model, config, unit
        self.folder, self.processes = folder, processes
        device = next(model.parameters()).device
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=config.betas)
        self.plateau = PlateauDecay(config.patience, config.decay)
        self.generator = torch.Generator(device).manual_seed(seed + processes.rank)
        self.weights = [p for name, p in model.named_parameters() if not name.endswith("bias")]
        self.best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.update, self.slope, self.norm = 0, 1.0, 0.0

        self.run = {
            "config": json.loads(json.dumps(vars(config))),
            "seed": seed,
            "processes": processes.count,
        }
        self.state: dict[str, Tensor] = {}
        self.values: dict[str, Any] = {}
        file = newest_checkpoint(folder, processes)
        if file is not None:
            tensors, self.values = resume_training(file, self.run, model, self.optimizer, self.generator)
            self.best = restore("best", self.best, tensors)
            self.plateau = PlateauDecay(**self.values["plateau"])
            self.state = {name: tensor for name, tensor in tensors.items() if name.startswith("state")}
            self.update = self.values["update"]
        self.log = JsonLog(
            folder / "log.jsonl" if folder and processes.first else None, keep=self.values.get("lines", 0)
        )
        self.total, self.timed = self.values.get(unit, 0), 0
        self.began = self.started = time.perf_counter()
        self.bar = tqdm(
            total=config.updates,
            initial=self.update,
            disable=not (progress and processes.first),
            unit="update",
        )

    @property
    def seconds(self) -> float:
        """Wall-clock time of the run so far, what was before an interruption included."""
        return self.values.get("seconds", 0.0) + time.perf_counter() - self.began

    def place(self, **fresh: Any) -> tuple[Any, ...]:
        """Return where the loop stood when the checkpoint was made, as it was given to :meth:`keep`; without
        a checkpoint, ``fresh``."""
        return tuple(self.values.get(name, value) for name, value in fresh.items())

    def carried(self, like: Any) -> Any:
        """Return the recurrent state of the checkpoint, shaped ``like`` this one; ``None`` if it has none."""
        return restore("state", like, self.state) if self.state else None

    def anneal(self, epoch: float) -> None:
        """Set the slope a of the model's boundaries by the current epoch, fractions included."""
        config = self.config
        self.slope = linear_slope(epoch, per_epoch=config.slope_per_epoch, maximum=config.slope_max)
        self.model.core.slope = self.slope

    def descend(self, loss: Tensor, *, read: int) -> float:
        """Make one update against the gradient of ``loss``, for which ``read`` units were read; return the
        loss, averaged over all processes.

        Raises:
            FloatingPointError: if the gradient is not finite; the last checkpoint stays.
        """
        config, optimizer = self.config, self.optimizer
        objective = loss + config.l2 * sum(w.square().sum() for w in self.weights) if config.l2 else loss
        optimizer.zero_grad()
        objective.backward()
        self.processes.average_gradients(self.model)
        self.norm = float(clip_grad_norm_(self.model.parameters(), config.clip))
        if not math.isfinite(self.norm):
            raise FloatingPointError(
                f"the gradient is not finite at update {self.update} (loss {float(loss.detach()):.3f}, "
                f"learning rate {optimizer.param_groups[0]['lr']:g}); lower learning_rate or clip and resume"
            )
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate / config.decay**self.plateau.decays
        optimizer.step()
        self.update += 1
        self.total, self.timed = self.total + read, self.timed + read
        self.bar.update()
        return float(self.processes.average(loss.detach().double()))

    @property
    def evaluates(self) -> bool:
        """Whether it is time to evaluate."""
        return self.update % self.config.evaluate_every == 0 or self.update == self.config.updates

    def judge(self, loss: float, boundary_rates: Sequence[float], *, epoch: float, **measured: float) -> None:
        """Log an evaluation; keep the weights if they are the best; let the learning rate decay.

        Args:
            loss: the validation loss that decides.
            boundary_rates: share of steps at which each layer below the top has a boundary.
            epoch: where the training stands.
            measured: what else the line of the log says.
        """
        collapsed = [l + 1 for l, z in enumerate(boundary_rates) if not COLLAPSE < z < 1 - COLLAPSE]
        if loss < self.plateau.best:
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.log.write(
            update=self.update, epoch=round(epoch, 4), **measured, boundary_rates=boundary_rates,
            collapsed=collapsed, learning_rate=self.optimizer.param_groups[0]["lr"], slope=self.slope,
            gradient_norm=self.norm, seconds=round(self.seconds, 1),
            **{self.unit: self.total,
               f"{self.unit}_per_second": round(self.timed / (time.perf_counter() - self.started), 1)},
        )  # fmt: skip
        if collapsed and self.processes.first:
            rates = ", ".join(f"{z:.4f}" for z in boundary_rates)
            warnings.warn(
                f"boundaries of layer {collapsed} collapsed (rates {rates})", CollapseWarning, stacklevel=3
            )
        self.bar.set_postfix(loss=f"{loss:.3f}", z=[round(z, 3) for z in boundary_rates])
        if self.plateau.step(loss):
            self.bar.write(
                f"update {self.update}: no improvement, learning rate divided by {self.config.decay:g}"
            )
        self.started, self.timed = time.perf_counter(), 0

    @property
    def keeps(self) -> bool:
        """Whether it is time for a checkpoint."""
        due = self.update % self.config.checkpoint_every == 0 or self.update == self.config.updates
        return self.folder is not None and due

    def keep(self, state: Any = (), **place: Any) -> None:
        """Write a checkpoint: the recurrent ``state``, and the loop's ``place``, plain numbers by name."""
        assert self.folder is not None
        tensors = flatten("best", self.best) | flatten("state", state)
        values = {"plateau": vars(self.plateau), "lines": len(self.log.lines)}
        values |= {"update": self.update, self.unit: self.total, "seconds": self.seconds} | place
        rank = self.processes.rank
        path = checkpoint_path(self.folder, rank, self.update)
        keep_training(path, self.run, self.model, self.optimizer, self.generator, tensors, values)
        for old in checkpoints(self.folder, rank)[:-2]:
            checkpoint_path(self.folder, rank, old).unlink()

    def finish(self) -> list[dict[str, Any]]:
        """Put the best weights into the model and return the lines of the log."""
        self.bar.close()
        self.model.load_state_dict(self.best)
        return self.log.lines


def checkpoint_path(folder: Path, rank: int, update: int) -> Path:
    """Return the file of one process's checkpoint after ``update`` updates."""
    return folder / f"checkpoint-{rank}-{update}.safetensors"


def checkpoints(folder: Path, rank: int) -> list[int]:
    """Return the update numbers of one process's checkpoints in ``folder``, oldest first."""
    return sorted(
        int(path.stem.rsplit("-", 1)[1]) for path in folder.glob(f"checkpoint-{rank}-*.safetensors")
    )


def newest_checkpoint(folder: Path | None, processes: Processes) -> Path | None:
    """Return this process's newest checkpoint that every other process has too, or ``None``.

    Processes that are killed together may differ by one checkpoint, so each keeps its newest two."""
    if folder is None:
        return None
    own = checkpoints(folder, processes.rank)
    newest = torch.tensor(own[-1] if own else 0)
    if processes.count > 1:
        torch.distributed.all_reduce(newest, op=torch.distributed.ReduceOp.MIN)
    return checkpoint_path(folder, processes.rank, int(newest)) if newest else None
