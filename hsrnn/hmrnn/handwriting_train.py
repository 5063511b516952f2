"""Training on whole lines of handwriting: one explicit loop, resumable at any moment.

As :mod:`~hsrnn.hmrnn.train`, with three differences: lines stand alone, so every batch starts from a zero
state and is read to its end (the paper names no truncation for handwriting); what is maximised is the
log-likelihood, in nats a point, so that the largest gradient norm means the same for long lines and for short
ones; and a batch is lines of like length, the shorter ones padded and masked.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from hsrnn.training import (
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

from .handwriting import HandwritingModel, evaluate_lines, padded
from .train import (
    COLLAPSE,
    CollapseWarning,
    TrainingConfig,
    check_same_run,
    checkpoint_path,
    checkpoints,
    newest_checkpoint,
)

Lines = Sequence[NDArray[np.floating]]


def train_handwriting(
    model: HandwritingModel,
    lines: Lines,
    batches_of_epoch: Callable[[int], Sequence[NDArray[np.integer]]],
    valid: Lines,
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
        lines: the training lines, ``(T_i, 3)`` each.
        batches_of_epoch: for epoch 0, 1, ... the batches, each the indices of its lines.
        valid: the validation lines.
        config: how to train.
        seed: seed of the draws of ``"sample"`` boundaries.
        folder: where ``checkpoint-*.safetensors`` and ``log.jsonl`` go; training resumes bit for bit
            from the newest checkpoint there. ``None`` keeps nothing.
        processes: the group that shares every batch's lines; gradients are averaged.
        progress: show a progress bar.

    Returns:
        One line an evaluation: ``update, epoch, train_log_likelihood`` (nats a line), ``train_per_point,
        valid_log_likelihood, valid_per_point, boundary_rates, collapsed, learning_rate, slope, gradient_norm,
        points, points_per_second, seconds``. Only the last two, speed and wall-clock time, differ between an
        undisturbed and a resumed run.

    Raises:
        hsrnn.training.CheckpointError: if the checkpoint in ``folder`` is damaged or of another run.
        FloatingPointError: if the gradient is no longer finite; the last checkpoint stays.
    """
    processes = processes or Processes()
    device, dtype = model.device, model.output.bias.dtype
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=config.betas)
    plateau = PlateauDecay(config.patience, config.decay)
    generator = torch.Generator(device).manual_seed(seed + processes.rank)
    weights = [p for name, p in model.named_parameters() if not name.endswith("bias")]
    epoch, position, update, points = 0, 0, 0, 0
    nats, read_lines, read_points = 0.0, 0, 0
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    run = {"config": json.loads(json.dumps(vars(config))), "seed": seed, "processes": processes.count}
    file = newest_checkpoint(folder, processes)
    if file is not None:
        tensors, values = load_checkpoint(file)
        check_same_run(file, values["run"], run)
        model.load_state_dict(restore("model", model.state_dict(), tensors))
        best = restore("best", best, tensors)
        restore_optimizer(optimizer, tensors)
        generator.set_state(tensors["generator"])
        plateau = PlateauDecay(**values["plateau"])
        epoch, position, update, points = (values[k] for k in ("epoch", "position", "update", "points"))
        nats, read_lines, read_points = (values[k] for k in ("nats", "read_lines", "read_points"))
    log = JsonLog(
        folder / "log.jsonl" if folder and processes.first else None, keep=values["lines"] if file else 0
    )
    batches = batches_of_epoch(epoch)
    before = values["seconds"] if file else 0.0
    began = started = time.perf_counter()
    timed = 0

    bar = tqdm(
        total=config.updates, initial=update, disable=not (progress and processes.first), unit="update"
    )
    while update < config.updates:
        # --- one update -----------------------------------------------------------------
        if position == len(batches):
            epoch, position = epoch + 1, 0
            batches = batches_of_epoch(epoch)
        slope = linear_slope(
            epoch + position / len(batches), per_epoch=config.slope_per_epoch, maximum=config.slope_max
        )
        model.core.slope = slope
        chosen = batches[position]
        total = sum(len(lines[k]) for k in chosen)
        share = chosen[processes.share(len(chosen))]
        batch, lengths = padded([lines[k] for k in share], device, dtype)
        likelihoods, _ = model.log_likelihood(batch, lengths, generator=generator)
        # Each process divides by its share of all points, so that the mean over processes is that of one.
        loss = -likelihoods.sum() * processes.count / total
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
        nats -= float(processes.average(loss.detach().double())) * total
        read_lines, read_points = read_lines + len(chosen), read_points + total
        points, timed = points + total, timed + total
        bar.update()

        # --- look at it -----------------------------------------------------------------
        if update % config.evaluate_every == 0 or update == config.updates:
            score = evaluate_lines(model, valid, seed=seed)
            collapsed = [l + 1 for l, z in enumerate(score.boundary_rates) if not COLLAPSE < z < 1 - COLLAPSE]
            if -score.log_likelihood < plateau.best:
                best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            log.write(
                update=update, epoch=round(epoch + position / len(batches), 4),
                train_log_likelihood=nats / read_lines, train_per_point=nats / read_points,
                valid_log_likelihood=score.log_likelihood, valid_per_point=score.per_point,
                boundary_rates=score.boundary_rates, collapsed=collapsed,
                learning_rate=optimizer.param_groups[0]["lr"], slope=slope, gradient_norm=norm,
                points=points, points_per_second=round(timed / (time.perf_counter() - started), 1),
                seconds=round(before + time.perf_counter() - began, 1),
            )  # fmt: skip
            if collapsed and processes.first:
                rates = ", ".join(f"{z:.4f}" for z in score.boundary_rates)
                warnings.warn(
                    f"boundaries of layer {collapsed} collapsed (rates {rates})",
                    CollapseWarning,
                    stacklevel=2,
                )
            bar.set_postfix(nats=f"{score.log_likelihood:.1f}", z=[round(z, 3) for z in score.boundary_rates])
            if plateau.step(-score.log_likelihood):
                bar.write(f"update {update}: no improvement, learning rate divided by {config.decay:g}")
            nats, read_lines, read_points = 0.0, 0, 0
            started, timed = time.perf_counter(), 0

        # --- keep it --------------------------------------------------------------------
        if folder is not None and (update % config.checkpoint_every == 0 or update == config.updates):
            tensors = flatten("model", model.state_dict()) | flatten("best", best)
            tensors |= optimizer_tensors(optimizer) | {"generator": generator.get_state()}
            values = dict(
                run=run, plateau=vars(plateau), lines=len(log.lines), epoch=epoch, position=position,
                update=update, points=points, nats=nats, read_lines=read_lines, read_points=read_points,
                seconds=before + time.perf_counter() - began,
            )  # fmt: skip
            save_checkpoint(checkpoint_path(folder, processes.rank, update), tensors, values)
            for old in checkpoints(folder, processes.rank)[:-2]:
                checkpoint_path(folder, processes.rank, old).unlink()
    bar.close()
    model.load_state_dict(best)
    return log.lines
