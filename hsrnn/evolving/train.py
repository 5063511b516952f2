"""Training a parser: one explicit loop, resumable at any moment, for every network of the room.

Cross-entropy of the pixels, of the confidences, and the squared error of the merging probabilities, summed
by the model; AdamW or the plain descent with momentum of the papers, a learning rate that rises and then
falls along a cosine to zero, one of its own for the backbone. Nothing is chosen by a test set: the weights
after the last update are the result.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from hsrnn.training import JsonLog, keep_training, resume_training

from .evaluation import evaluate
from .evolution import MergeLog
from .examples import Examples
from .model import Parser

CHECKPOINT = "checkpoint.safetensors"
MOMENTUM = 0.9  # of plain descent, as in the papers


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        batch_size: images of an update; what is left over at the end of an epoch makes a smaller one.
        optimizer: ``"adamw"``, or ``"sgd"`` with momentum 0.9 as in the papers.
        learning_rate: the largest step, of everything but the backbone.
        backbone_rate: the largest step of the backbone, as a share of ``learning_rate``: 0.1 in the papers,
            whose backbone was trained before; 1 for one from scratch; 0 leaves it as it is, and is fast.
        warmup: share of all updates in which the rates rise in a straight line.
        weight_decay: of all weights but biases and normalisation, as a share of the learning rate.
        clip: largest norm of the gradient.
        mirror: swap left and right in half of the images.
        crop: rows and columns to cut off at random.
        checkpoint_every: updates between two checkpoints.

    Raises:
        ValueError: for a number out of its range or an unknown optimiser.
    """

    epochs: int = 20
    batch_size: int = 8
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 3e-3
    backbone_rate: float = 1.0
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    mirror: bool = True
    crop: int = 0
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("epochs", "batch_size", "learning_rate", "clip", "checkpoint_every"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("backbone_rate", "weight_decay", "crop"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup must lie in [0, 1), got {self.warmup}")
        if self.optimizer not in ("adamw", "sgd"):
            raise ValueError(f"optimizer must be 'adamw' or 'sgd', got {self.optimizer!r}")

    def share(self, update: int, updates: int) -> float:
        """Return the share of the largest step that an update takes, 0 first, of so many."""
        rise = self.warmup * updates
        if update < rise:
            return (update + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * (update - rise) / (updates - rise)))


def optimizer_of(model: Parser, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser: groups of parameters of the backbone and of the rest, decayed and not, each with
    its own largest step in ``group["largest"]``; without the backbone if its share is 0."""
    groups = []
    for largest, inside in (
        (config.learning_rate, False),
        (config.learning_rate * config.backbone_rate, True),
    ):
        named = [(n, p) for n, p in model.named_parameters() if n.startswith("backbone.") == inside]
        named = named if largest else []
        for decay, matrices in ((config.weight_decay, True), (0.0, False)):
            own = [p for name, p in named if (p.ndim > 1 and not name.endswith("bias")) == matrices]
            if own:
                groups.append({"params": own, "lr": largest, "largest": largest, "weight_decay": decay})
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def train(
    model: Parser,
    examples: Examples,
    config: TrainingConfig,
    *,
    valid: Examples | None = None,
    seed: int = 0,
    folder: Path | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train ``model`` in place; it is left in evaluation mode with the weights of the last update.

    Args:
        model: the network, on the device to train on; batches are moved there.
        examples: what to train on.
        config: how to train.
        valid: what to score after every epoch, for the log alone.
        seed: of the order of the images, of mirroring and cropping, of orders and proposals.
        folder: where the checkpoint and ``log.jsonl`` go; training goes on from there bit for bit. ``None``
            keeps nothing.
        progress: show a progress bar.

    Returns:
        One line an epoch: ``epoch``, the mean losses ``parsing, confidence, merging``, ``acceptance`` (share
        of the proposals that were accepted; ``None`` without any), ``valid_iou, valid_accuracy`` where there
        are some, ``learning_rate, gradient_norm, seconds``. Only seconds differ between an undisturbed and a
        resumed run.

    Raises:
        hsrnn.training.CheckpointError: if the checkpoint in ``folder`` is damaged or of another run.
        FloatingPointError: if the loss is no longer finite; the last checkpoint stays.
    """
    device = next(model.parameters()).device
    optimizer = optimizer_of(model, config)
    generator = torch.Generator().manual_seed(seed)
    a_pass = -(-len(examples) // config.batch_size)
    updates, update, before = config.epochs * a_pass, 0, 0.0
    order = torch.randperm(len(examples), generator=generator)
    # Sums of the epoch: losses of parsing, confidence and merging; accepted and decided proposals.
    sums = torch.zeros(5, dtype=torch.float64)

    run = {
        "training": json.loads(json.dumps(vars(config))), "seed": seed, "examples": len(examples),
        "model": json.loads(json.dumps(vars(model.config), default=vars)),
    }  # fmt: skip
    file = folder / CHECKPOINT if folder else None
    lines = 0
    if file is not None and file.exists():
        tensors, values = resume_training(file, run, model, optimizer, generator)
        order, sums = tensors["order"], tensors["sums"]
        update, lines, before = values["update"], values["lines"], values["seconds"]
    log = JsonLog(folder / "log.jsonl" if folder else None, keep=lines)
    began = time.perf_counter()

    bar = tqdm(total=updates, initial=update, disable=not progress, unit="update")
    model.train()
    model.backbone.requires_grad_(config.backbone_rate > 0)
    while update < updates:
        # --- one update -----------------------------------------------------------------
        epoch, position = divmod(update, a_pass)
        rows = order[position * config.batch_size : (position + 1) * config.batch_size]
        batch = examples.batch(rows, mirror=config.mirror, crop=config.crop, generator=generator).to(device)
        output = model(batch.images, batch.parts, batch.labels, generator=generator)
        optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        norm = clip_grad_norm_(model.parameters(), config.clip)
        for group in optimizer.param_groups:
            group["lr"] = group["largest"] * config.share(update, updates)
        optimizer.step()
        losses = torch.stack([value.detach() for value in output.losses.values()]).cpu()
        decided, accepted = _decided(output.hierarchy.logs)
        sums += torch.tensor([*(losses * len(rows)).tolist(), accepted, decided], dtype=torch.float64)
        update += 1
        bar.update()

        # --- look at it -----------------------------------------------------------------
        ended, keep = update % a_pass == 0, update % config.checkpoint_every == 0 or update == updates
        if (ended or keep) and not math.isfinite(float(sums.sum()) + float(norm)):
            raise FloatingPointError(
                f"the loss is no longer finite in epoch {epoch}: lower learning_rate "
                f"({config.learning_rate:g}) or clip ({config.clip:g})"
            )
        if ended:
            line: dict[str, Any] = {"epoch": epoch}
            line |= dict(zip(output.losses, (sums[:3] / len(examples)).tolist(), strict=True))
            line["acceptance"] = float(sums[3] / sums[4]) if sums[4] else None
            if valid is not None:
                found = evaluate(model, valid).score
                line |= {"valid_iou": found.mean_iou, "valid_accuracy": found.accuracy}
                bar.set_postfix(iou=f"{found.mean_iou:.3f}")
            line |= {"learning_rate": optimizer.param_groups[0]["lr"], "gradient_norm": float(norm)}
            log.write(**line, seconds=round(before + time.perf_counter() - began, 1))
            sums = torch.zeros_like(sums)
            order = torch.randperm(len(examples), generator=generator)

        # --- keep it --------------------------------------------------------------------
        if file is not None and keep:
            tensors = {"order": order, "sums": sums}
            seconds = before + time.perf_counter() - began
            values = {"update": update, "lines": len(log.lines), "seconds": seconds}
            keep_training(file, run, model, optimizer, generator, tensors, values)
    bar.close()
    model.eval()
    model.backbone.requires_grad_(True)
    return log.lines


def _decided(logs: tuple[MergeLog, ...]) -> tuple[int, int]:
    """Return how many proposals would merge anything, and how many of them were accepted."""
    return sum(int((log.merges > 0).sum()) for log in logs), sum(int(log.accepted.sum()) for log in logs)
