"""Training a character language model: one explicit loop, resumable at any moment.

Truncated backpropagation through time over contiguous rows: the state after a chunk starts the next one,
cut off from its graph (h, c AND z). Set-up of Chung, Ahn and Bengio (ICLR 2017), section 4.1, where the
paper says it; the rest are fields of :class:`TrainingConfig`.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from hsrnn.training import (
    CheckpointError,
    JsonLog,
    PlateauDecay,
    Processes,
    flatten,
    linear_slope,
    load_checkpoint,
    optimizer_tensors,
    restore,
    restore_optimizer,
    save_checkpoint,
)

from .evaluate import Chunks, chunk_tensors, evaluate_rows
from .language import CharLanguageModel
from .model import detach

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


def train(
    model: CharLanguageModel,
    chunks_of_epoch: Callable[[int], Chunks],
    valid: Chunks,
    config: TrainingConfig,
    *,
    seed: int = 0,
    folder: Path | None = None,
    processes: Processes | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train ``model`` in place and leave the weights of the best evaluation in it.

    Args:
        model: on the device to train on.
        chunks_of_epoch: the training data of epoch 0, 1, ...; epochs may start at different offsets.
        valid: the validation data.
        config: how to train.
        seed: seed of the draws of ``"sample"`` boundaries.
        folder: where ``checkpoint-*.safetensors`` and ``log.jsonl`` go; training resumes bit for bit
            from the newest checkpoint there. ``None`` keeps nothing.
        processes: the group that shares every batch's rows; gradients are averaged.
        progress: show a progress bar.

    Returns:
        One line an evaluation: ``update, epoch, train_bpc, valid_bpc, boundary_rates, collapsed,
        learning_rate, slope, gradient_norm, characters, characters_per_second, seconds``. Only the last
        two, speed and wall-clock time, differ between an undisturbed and a resumed run.

    Raises:
        hsrnn.training.CheckpointError: if the checkpoint in ``folder`` is damaged or of another run.
        FloatingPointError: if the loss is no longer finite; the last checkpoint stays.
    """
    processes = processes or Processes()
    device = model.embedding.weight.device
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=config.betas)
    plateau = PlateauDecay(config.patience, config.decay)
    generator = torch.Generator(device).manual_seed(seed + processes.rank)
    weights = [p for name, p in model.named_parameters() if not name.endswith("bias")]
    epoch, position, update, characters, nats, counted = 0, 0, 0, 0, 0.0, 0
    state: Any = None
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    run = {"config": json.loads(json.dumps(vars(config))), "seed": seed, "processes": processes.count}
    file = newest_checkpoint(folder, processes)
    if file is not None:
        tensors, values = load_checkpoint(file)
        check_same_run(file, values["run"], run)
        chunks = chunks_of_epoch(values["epoch"])
        model.load_state_dict(restore("model", model.state_dict(), tensors))
        best = restore("best", best, tensors)
        restore_optimizer(optimizer, tensors)
        if any(name.startswith("state") for name in tensors):
            state = restore(
                "state", model.initial_state(len(range(chunks.rows)[processes.share(chunks.rows)])), tensors
            )
        generator.set_state(tensors["generator"])
        plateau = PlateauDecay(**values["plateau"])
        epoch, position, update, characters = (
            values[k] for k in ("epoch", "position", "update", "characters")
        )
        nats, counted = values["nats"], values["counted"]
    log = JsonLog(
        folder / "log.jsonl" if folder and processes.first else None, keep=values["lines"] if file else 0
    )
    chunks = chunks_of_epoch(epoch)
    before = values["seconds"] if file else 0.0
    began = started = time.perf_counter()
    read = 0

    bar = tqdm(
        total=config.updates, initial=update, disable=not (progress and processes.first), unit="update"
    )
    while update < config.updates:
        # --- one update -----------------------------------------------------------------
        if position == len(chunks):
            epoch, position, state = epoch + 1, 0, None
            chunks = chunks_of_epoch(epoch)
        slope = linear_slope(
            epoch + position / len(chunks), per_epoch=config.slope_per_epoch, maximum=config.slope_max
        )
        model.core.slope = slope
        inputs, targets = chunk_tensors(chunks, position, processes.share(chunks.rows), device)
        loss, output, state = model.loss(inputs, targets, state, generator=generator)
        state = detach(state)
        objective = loss + config.l2 * sum(w.square().sum() for w in weights) if config.l2 else loss
        optimizer.zero_grad()
        objective.backward()
        processes.average_gradients(model)
        norm = float(clip_grad_norm_(model.parameters(), config.clip))
        if not math.isfinite(norm):
            raise FloatingPointError(
                f"the gradient is not finite at update {update} (loss {float(loss.detach()):.3f}, "
                f"learning rate {optimizer.param_groups[0]['lr']:g}); lower learning_rate or clip and resume"
            )
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate / config.decay**plateau.decays
        optimizer.step()
        position, update = position + 1, update + 1
        nats, counted = (
            nats + float(processes.average(loss.detach().double())) * targets.numel(),
            counted + targets.numel(),
        )
        characters, read = characters + chunks.rows * inputs.shape[1], read + chunks.rows * inputs.shape[1]
        bar.update()

        # --- look at it -----------------------------------------------------------------
        if update % config.evaluate_every == 0 or update == config.updates:
            score = evaluate_rows(model, valid, seed=seed, processes=processes)
            collapsed = [l + 1 for l, z in enumerate(score.boundary_rates) if not COLLAPSE < z < 1 - COLLAPSE]
            if score.bits_per_character < plateau.best:
                best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            log.write(
                update=update, epoch=round(epoch + position / len(chunks), 4),
                train_bpc=nats / counted / math.log(2), valid_bpc=score.bits_per_character,
                boundary_rates=score.boundary_rates, collapsed=collapsed,
                learning_rate=optimizer.param_groups[0]["lr"], slope=slope, gradient_norm=norm,
                characters=characters, characters_per_second=round(read / (time.perf_counter() - started), 1),
                seconds=round(before + time.perf_counter() - began, 1),
            )  # fmt: skip
            if collapsed and processes.first:
                rates = ", ".join(f"{z:.4f}" for z in score.boundary_rates)
                warnings.warn(
                    f"boundaries of layer {collapsed} collapsed (rates {rates})",
                    CollapseWarning,
                    stacklevel=2,
                )
            bar.set_postfix(
                bpc=f"{score.bits_per_character:.3f}", z=[round(z, 3) for z in score.boundary_rates]
            )
            if plateau.step(score.bits_per_character):
                bar.write(f"update {update}: no improvement, learning rate divided by {config.decay:g}")
            nats, counted = 0.0, 0
            started, read = time.perf_counter(), 0

        # --- keep it --------------------------------------------------------------------
        if folder is not None and (update % config.checkpoint_every == 0 or update == config.updates):
            tensors = flatten("model", model.state_dict()) | flatten("best", best) | flatten("state", state)
            tensors |= optimizer_tensors(optimizer) | {"generator": generator.get_state()}
            values = dict(
                run=run, plateau=vars(plateau), lines=len(log.lines), epoch=epoch, position=position,
                update=update, characters=characters, nats=nats, counted=counted,
                seconds=before + time.perf_counter() - began,
            )  # fmt: skip
            save_checkpoint(checkpoint_path(folder, processes.rank, update), tensors, values)
            for old in checkpoints(folder, processes.rank)[:-2]:
                checkpoint_path(folder, processes.rank, old).unlink()
    bar.close()
    model.load_state_dict(best)
    return log.lines


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


def check_same_run(file: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise :class:`~hsrnn.training.CheckpointError` if a checkpoint was made by a run with other
    settings."""
    if found != wanted:
        differ = [k for k in wanted if found.get(k) != wanted[k]]
        raise CheckpointError(
            f"{file} belongs to a run with other {', '.join(differ)}: use another folder, or delete it"
        )
