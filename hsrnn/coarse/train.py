"""Training a classifier of images: one explicit loop, resumable at any moment, for every network of the room.

Cross-entropy, AdamW, a learning rate that rises and then falls along a cosine to zero, and light shifts of
the pictures. Nothing is chosen by a test set: the weights after the last update are the result.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from hsrnn.training import JsonLog, keep_training, resume_training

from .augment import mirrored, shifted

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        batch_size: images of an update; what is left over at the end of an epoch makes a smaller one.
        learning_rate: largest step of AdamW.
        warmup: share of all updates in which the rate rises in a straight line.
        weight_decay: of all weights but biases and normalisation, as a share of the learning rate.
        clip: largest norm of the gradient.
        shift: most pixels that an image is moved by, down and across; 0 moves none.
        mirror: swap left and right in half of the images.
        smoothing: share of the target that is spread over all classes.
        checkpoint_every: updates between two checkpoints.

    Raises:
        ValueError: for a number out of its range.
    """

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 5e-3
    warmup: float = 0.2
    weight_decay: float = 0.01
    clip: float = 1.0
    shift: int = 0
    mirror: bool = False
    smoothing: float = 0.0
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("epochs", "batch_size", "learning_rate", "clip", "checkpoint_every"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("weight_decay", "shift"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("warmup", "smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {getattr(self, name)}")

    def rate(self, update: int, updates: int) -> float:
        """Return the learning rate of an update, 0 first, of so many."""
        rise = self.warmup * updates
        if update < rise:
            return self.learning_rate * (update + 1) / (rise + 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (update - rise) / (updates - rise)))


class Score(NamedTuple):
    """What a classifier does on labelled images.

    Attributes:
        accuracy: share of images put into their class, in [0, 1].
        loss: cross-entropy, nats an image.
    """

    accuracy: float
    loss: float


@torch.no_grad()
def evaluate(
    model: nn.Module,
    images: Float[Tensor, "images channels rows columns"],
    labels: Int[Tensor, " images"],
    *,
    batch_size: int = 1000,
) -> Score:
    """Score a classifier in evaluation mode, and leave its mode as it was."""
    _check(images, labels, "images")
    device, training = _device(model), model.training
    model.eval()
    right, nats = 0, 0.0
    for part, truth in zip(images.split(batch_size), labels.split(batch_size)):
        logits, truth = model(part.to(device)), truth.to(device)
        right += int((logits.argmax(1) == truth).sum())
        nats += float(F.cross_entropy(logits, truth, reduction="sum"))
    model.train(training)
    return Score(right / len(images), nats / len(images))


def train(
    model: nn.Module,
    images: Float[Tensor, "images channels rows columns"],
    labels: Int[Tensor, " images"],
    config: TrainingConfig,
    *,
    valid: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
    folder: Path | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train ``model`` in place; it is left in evaluation mode with the weights of the last update.

    Args:
        model: images to logits, on the device to train on; batches are moved there.
        images: pixels scaled as the network shall see them.
        labels: class numbers.
        config: how to train.
        valid: images and labels to score after every epoch, for the log alone.
        seed: of the order of the images and of their shifts.
        folder: where the checkpoint and ``log.jsonl`` go; training goes on from there bit for bit. ``None``
            keeps nothing.
        progress: show a progress bar.

    Returns:
        One line an epoch: ``epoch, loss, train_accuracy`` (on the changed images, while training),
        ``valid_loss, valid_accuracy`` where there are some, ``learning_rate, gradient_norm, seconds``. Only
        seconds differ between an undisturbed and a resumed run.

    Raises:
        ValueError: for images without labels, or none.
        hsrnn.training.CheckpointError: if the checkpoint in ``folder`` is damaged or of another run.
        FloatingPointError: if the loss is no longer finite; the last checkpoint stays.
    """
    _check(images, labels, "images")
    device = _device(model)
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1 and not name.endswith("bias")]
    others = [p for name, p in model.named_parameters() if p.ndim <= 1 or name.endswith("bias")]
    optimizer = torch.optim.AdamW(
        [{"params": decayed}, {"params": others, "weight_decay": 0.0}],
        lr=config.learning_rate, weight_decay=config.weight_decay,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    a_pass = -(-len(images) // config.batch_size)
    updates, update = config.epochs * a_pass, 0
    order = torch.randperm(len(images), generator=generator)
    nats, right, before = torch.zeros((), device=device), torch.zeros((), device=device), 0.0

    run = {"config": json.loads(json.dumps(vars(config))), "seed": seed, "images": len(images)}
    file = folder / CHECKPOINT if folder else None
    lines = 0
    if file is not None and file.exists():
        tensors, values = resume_training(file, run, model, optimizer, generator)
        order, nats, right = tensors["order"], tensors["nats"].to(device), tensors["right"].to(device)
        update, lines, before = values["update"], values["lines"], values["seconds"]
    log = JsonLog(folder / "log.jsonl" if folder else None, keep=lines)
    began = time.perf_counter()

    bar = tqdm(total=updates, initial=update, disable=not progress, unit="update")
    model.train()
    while update < updates:
        # --- one update -----------------------------------------------------------------
        epoch, position = divmod(update, a_pass)
        rows = order[position * config.batch_size : (position + 1) * config.batch_size]
        batch, truth = images[rows].to(device), labels[rows].to(device)
        batch = shifted(batch, config.shift, generator)
        if config.mirror:
            batch = mirrored(batch, generator)
        logits = model(batch)
        loss = F.cross_entropy(logits, truth, label_smoothing=config.smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = clip_grad_norm_(model.parameters(), config.clip)
        for group in optimizer.param_groups:
            group["lr"] = config.rate(update, updates)
        optimizer.step()
        nats += loss.detach() * len(rows)
        right += (logits.detach().argmax(1) == truth).sum()
        update += 1
        bar.update()

        # --- look at it -----------------------------------------------------------------
        ended, keep = update % a_pass == 0, update % config.checkpoint_every == 0 or update == updates
        if (ended or keep) and not math.isfinite(float(nats) + float(norm)):
            raise FloatingPointError(
                f"the loss is no longer finite in epoch {epoch}: lower learning_rate "
                f"({config.learning_rate:g}), or normalise the levels"
            )
        if ended:
            line = {"epoch": epoch, "loss": float(nats) / len(images)}
            line["train_accuracy"] = float(right) / len(images)
            if valid is not None:
                score = evaluate(model, *valid)
                line |= {"valid_loss": score.loss, "valid_accuracy": score.accuracy}
                bar.set_postfix(accuracy=f"{score.accuracy:.4f}")
            line |= {"learning_rate": optimizer.param_groups[0]["lr"], "gradient_norm": float(norm)}
            log.write(**line, seconds=round(before + time.perf_counter() - began, 1))
            nats, right = torch.zeros_like(nats), torch.zeros_like(right)
            order = torch.randperm(len(images), generator=generator)

        # --- keep it --------------------------------------------------------------------
        if file is not None and keep:
            tensors = {"order": order, "nats": nats, "right": right}
            seconds = before + time.perf_counter() - began
            values = {"update": update, "lines": len(log.lines), "seconds": seconds}
            keep_training(file, run, model, optimizer, generator, tensors, values)
    bar.close()
    model.eval()
    return log.lines


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _check(images: Tensor, labels: Tensor, what: str) -> None:
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"{what} and labels must be as many, and some, got {len(images)} and {len(labels)}")
