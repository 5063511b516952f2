"""Training a character language model: one explicit loop, resumable at any moment.

Truncated backpropagation through time over contiguous rows: the state after a chunk starts the next one,
cut off from its graph (h, c AND z). Set-up of Chung, Ahn and Bengio (ICLR 2017), section 4.1, where the
paper says it; the rest are fields of :class:`~hsrnn.hmrnn.descent.TrainingConfig`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hsrnn.training import Processes

from .descent import Descent, TrainingConfig
from .evaluate import Chunks, chunk_tensors, evaluate_rows
from .language import CharLanguageModel
from .model import detach


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
    run = Descent(
        model, config, "characters", seed=seed, folder=folder, processes=processes, progress=progress
    )
    epoch, position, nats, counted = run.place(epoch=0, position=0, nats=0.0, counted=0)
    chunks = chunks_of_epoch(epoch)
    share, device = processes.share(chunks.rows), model.embedding.weight.device
    state = run.carried(model.initial_state(share.stop - share.start))
    while run.update < config.updates:
        # --- one update -----------------------------------------------------------------
        if position == len(chunks):
            epoch, position, state = epoch + 1, 0, None
            chunks = chunks_of_epoch(epoch)
        run.anneal(epoch + position / len(chunks))
        inputs, targets = chunk_tensors(chunks, position, share, device)
        loss, _, state = model.loss(inputs, targets, state, generator=run.generator)
        state = detach(state)
        mean = run.descend(loss, read=chunks.rows * inputs.shape[1])
        position, nats, counted = position + 1, nats + mean * targets.numel(), counted + targets.numel()

        # --- look at it -----------------------------------------------------------------
        if run.evaluates:
            score = evaluate_rows(model, valid, seed=seed, processes=processes)
            run.judge(
                score.bits_per_character, score.boundary_rates, epoch=epoch + position / len(chunks),
                train_bpc=nats / counted / math.log(2), valid_bpc=score.bits_per_character,
            )  # fmt: skip
            nats, counted = 0.0, 0

        # --- keep it --------------------------------------------------------------------
        if run.keeps:
            run.keep(state, epoch=epoch, position=position, nats=nats, counted=counted)
    return run.finish()
