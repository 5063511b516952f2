"""Training on whole lines of handwriting: one explicit loop, resumable at any moment.

As :mod:`~hsrnn.hmrnn.train`, with three differences: lines stand alone, so every batch starts from a zero
state and is read to its end (the paper names no truncation for handwriting); what is maximised is the
log-likelihood, in nats a point, so that the largest gradient norm means the same for long lines and for short
ones; and a batch is lines of like length, the shorter ones padded and masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn.training import Processes

from .descent import Descent, TrainingConfig
from .handwriting import HandwritingModel, evaluate_lines, padded

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
    run = Descent(model, config, "points", seed=seed, folder=folder, processes=processes, progress=progress)
    epoch, position = run.place(epoch=0, position=0)
    nats, read_lines, read_points = run.place(nats=0.0, read_lines=0, read_points=0)
    batches = batches_of_epoch(epoch)
    while run.update < config.updates:
        # --- one update -----------------------------------------------------------------
        if position == len(batches):
            epoch, position = epoch + 1, 0
            batches = batches_of_epoch(epoch)
        run.anneal(epoch + position / len(batches))
        chosen = batches[position]
        points = sum(len(lines[k]) for k in chosen)
        share = chosen[processes.share(len(chosen))]
        batch, lengths = padded([lines[k] for k in share], model.device, model.output.bias.dtype)
        likelihoods, _ = model.log_likelihood(batch, lengths, generator=run.generator)
        # Each process divides by its share of all points, so that the mean over processes is that of one.
        mean = run.descend(-likelihoods.sum() * processes.count / points, read=points)
        position, nats = position + 1, nats - mean * points
        read_lines, read_points = read_lines + len(chosen), read_points + points

        # --- look at it -----------------------------------------------------------------
        if run.evaluates:
            score = evaluate_lines(model, valid, seed=seed)
            run.judge(
                -score.log_likelihood, score.boundary_rates, epoch=epoch + position / len(batches),
                train_log_likelihood=nats / read_lines, train_per_point=nats / read_points,
                valid_log_likelihood=score.log_likelihood, valid_per_point=score.per_point,
            )  # fmt: skip
            nats, read_lines, read_points = 0.0, 0, 0

        # --- keep it --------------------------------------------------------------------
        if run.keeps:
            run.keep(
                epoch=epoch, position=position, nats=nats, read_lines=read_lines, read_points=read_points
            )
    return run.finish()
