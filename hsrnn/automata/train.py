"""Training a classifier of words: one explicit loop over padded batches.

A network is worth reading an automaton from only once it knows its language, so the loop stops when every
word of a held-out set of both classes is right, and says when that never happened.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from .classifier import SequenceClassifier
from .sequences import Sequences, Words, encode, require_labels, require_words


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        epochs: most passes over the training words.
        batch_size: words of a parameter update.
        learning_rate: Adam's step.
        clip: largest gradient norm.
        settle: epochs to go on for after all held-out words were right for the first time; hidden states draw
            closer together meanwhile (Merrill and Tsilivis 2022), and the last epoch must be all right again.
        curriculum: growing lengths; training starts with words up to the first of them and takes in longer
            ones each time an epoch made no mistake. Empty: all words from the first epoch on. Languages that
            count (Tomita 5 and 6) are rarely learned without it.
        pace: most epochs at one stage of the curriculum, mistakes or not; where labels are noisy no epoch is
            free of them. ``None``: no limit.
        quick: stop at the first epoch that is all right on the held-out set; ``False`` uses all epochs.
        patience: epochs without a better held-out accuracy (of equals, one right on the empty word is
            better), once all lengths are in, after which to stop. The weights of the best such epoch come
            back, also where the epochs run out first. ``None``: never stop for that, and keep the last
            epoch's weights.
        dropout: share of what the cell and the linear layer read that is set to zero in training, the rest
            scaled up.
        weight_decay: decay of all weights a step, as a share of the learning rate (AdamW).

    Raises:
        ValueError: for a number that is out of its range, or a curriculum that does not grow.
    """

    epochs: int = 200
    batch_size: int = 128
    learning_rate: float = 0.005
    clip: float = 5.0
    settle: int = 0
    curriculum: tuple[int, ...] = ()
    pace: int | None = None
    quick: bool = True
    patience: int | None = None
    dropout: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("epochs", "batch_size", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("pace", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, or None for no limit, got {value}")
        if self.settle < 0:
            raise ValueError(f"settle must not be negative, got {self.settle}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")
        steps = list(self.curriculum)
        if steps and (steps[0] < 1 or any(a >= b for a, b in zip(steps, steps[1:]))):
            raise ValueError(f"curriculum must be growing lengths from 1 on, got {self.curriculum}")


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    Attributes:
        learned: whether the epoch whose weights are kept (the last; with patience, the best) got every
            held-out word right, and the empty word where it was taught.
        accuracy: share of held-out words that it got right.
        epochs: epochs run.
        seconds: wall-clock time.
        lines: one dictionary an epoch: ``epoch, longest, loss`` (nats per word), train_accuracy,
            held_out_accuracy``.
    """

    learned: bool
    accuracy: float
    epochs: int
    seconds: float
    lines: list[dict[str, Any]] = field(repr=False)


def train(
    classifier: SequenceClassifier,
    words: Words,
    labels: ArrayLike,
    held_out: Words,
    held_out_labels: ArrayLike,
    config: TrainingConfig | None = None,
    *,
    empty: bool | None = None,
    seed: int = 0,
    progress: bool = False,
) -> TrainingResult:
    """Train ``classifier`` in place.

    Args:
        classifier: on the device to train on.
        words: training words, none empty.
        labels: ``(words,)``, 1 for words of the language.
        held_out: words that decide when it knows the language; best as many of either class.
        held_out_labels: their labels.
        config: how to train.
        empty: whether the empty word belongs to the language, to teach the verdict on the zero state too
            (decision A7: an extracted automaton takes its verdict on the empty word from there); ``None``
            leaves that to chance, as training on words alone does.
        seed: seed of the order of the words.
        progress: show a progress bar.

    Raises:
        ValueError: for no words, words of length 0, symbols outside the alphabet, labels of one class only.
        FloatingPointError: if the loss is no longer finite.
    """
    config = config or TrainingConfig()
    sequences, targets = _labelled(words, labels, classifier, "the training set")
    test, test_targets = _labelled(held_out, held_out_labels, classifier, "the held-out set")
    codes, lengths, classes = (
        torch.as_tensor(array, device=classifier.device)
        for array in (
            np.where(sequences.mask, sequences.codes, 0), sequences.lengths, targets.astype(np.int64),
        )
    )  # fmt: skip
    # Without decay this is Adam.
    optimizer = torch.optim.AdamW(
        classifier.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    generator = torch.Generator().manual_seed(seed)
    stages = [limit for limit in config.curriculum if limit < int(lengths.max())] + [int(lengths.max())]
    stages = [limit for limit in stages if len(classes[lengths <= limit].unique()) == 2]
    stage, entered, first_right, lines, began = 0, 0, None, [], time.perf_counter()
    best: tuple[tuple[float, bool], int, dict[str, torch.Tensor]] | None = None
    bar = tqdm(range(config.epochs), disable=not progress, desc=f"{classifier.cell_name}, epochs")
    for epoch in bar:
        rows = torch.nonzero(lengths <= stages[stage])[:, 0]
        # Every epoch reads as many words, however few of them are short enough for its stage.
        rows = rows.repeat(-(-len(classes) // len(rows)))
        rows = rows[torch.randperm(len(rows), generator=generator).to(rows.device)[: len(classes)]]
        total, right = 0.0, 0
        for batch in rows.split(config.batch_size):
            length = lengths[batch]
            logits = classifier(codes[batch, : int(length.max())], length, config.dropout, generator)
            loss = F.cross_entropy(logits, classes[batch])
            if empty is not None:
                # The empty word counts as one more word of the batch; its logits are those of the zero state.
                verdict = classifier.output(classifier.output.weight.new_zeros(1, classifier.hidden_size))
                target = torch.tensor([int(empty)], device=classifier.device)
                loss = loss + F.cross_entropy(verdict, target) / len(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            clip_grad_norm_(classifier.parameters(), config.clip)
            optimizer.step()
            total += float(loss.detach()) * len(batch)
            right += int((logits.argmax(1) == classes[batch]).sum())
        if not np.isfinite(total):
            raise FloatingPointError(
                f"the loss is no longer finite in epoch {epoch}: lower the learning rate "
                f"({config.learning_rate})"
            )
        accuracy = float((classifier.predict(test) == test_targets).mean())
        knows = accuracy == 1.0 and empty in (None, classifier.accepts_empty)
        lines.append(dict(
            epoch=epoch, longest=stages[stage], loss=total / len(rows), train_accuracy=right / len(rows),
            held_out_accuracy=accuracy,
        ))  # fmt: skip
        bar.set_postfix(accuracy=f"{accuracy:.3f}", longest=stages[stage])
        if knows and first_right is None:
            first_right = epoch
        if config.quick and knows and epoch - (first_right or 0) >= config.settle:
            best = None  # this epoch's weights are the ones to keep
            break
        if stage + 1 < len(stages):
            if right == len(rows) or epoch - entered + 1 == config.pace:
                stage, entered = stage + 1, epoch + 1
        elif config.patience is not None:
            quality = accuracy, empty in (None, classifier.accepts_empty)
            if best is None or quality > best[0]:
                kept = {name: value.clone() for name, value in classifier.state_dict().items()}
                best = quality, epoch, kept
            elif epoch - best[1] >= config.patience:
                break
    bar.close()
    if best is not None:
        (accuracy, right_on_empty), _, kept = best
        classifier.load_state_dict(kept)
        knows = accuracy == 1.0 and right_on_empty
    return TrainingResult(knows, accuracy, len(lines), time.perf_counter() - began, lines)


def _labelled(
    words: Words, labels: ArrayLike, classifier: SequenceClassifier, what: str
) -> tuple[Sequences, NDArray[np.bool_]]:
    """Encode and check words with labels of both classes."""
    sequences = encode(words, classifier.alphabet)
    require_words(sequences, what)
    targets = require_labels(labels, sequences, f"labels of {what}")
    if targets.all() or not targets.any():
        raise ValueError(
            f"{what} must have words of both classes, but all {len(targets)} are "
            f"{'in' if targets[0] else 'outside'} the language; add words of the other class"
        )
    return sequences, targets
