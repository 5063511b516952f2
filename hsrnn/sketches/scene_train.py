"""Training of the network of scenes: one explicit loop, and how well it reads scenes it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .scene_network import CANVAS, WINDOW, Places, SceneNetwork, loss


@dataclass(frozen=True)
class SceneTraining:
    """Settings of the training.

    Attributes:
        epochs: passes over the scenes.
        batch_size: scenes of a parameter update.
        learning_rate: Adam's first step; it falls to 0 along half a cosine.
        moved: share of windows that are looked at one point off.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 4e-3
    moved: float = 0.2

    def __post_init__(self) -> None:
        """Check; raises ValueError."""
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if not 0 <= self.moved <= 1:
            raise ValueError(f"moved must be a share in [0, 1], got {self.moved}")


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """Scenes with all that is known of them; ``(n, 4)`` entries beyond a scene's count are -1.

    Attributes:
        images: ``(n, 32, 32)`` of 0 to 16.
        counts: ``(n,)`` digits in each.
        labels, rows, columns: ``(n, 4)`` what the digits are and where, from left to right.
        room, period: ``(n,)`` indices.
    """

    images: Tensor
    counts: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor
    room: Tensor
    period: Tensor

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)


def by_count(counts: Tensor) -> dict[int, Tensor]:
    """Return count -> numbers of the scenes with so many digits, so that parts fold into a batch."""
    return {count: (counts == count).nonzero()[:, 0] for count in sorted(set(counts.tolist()))}


def train_scenes(
    network: SceneNetwork, scenes: SceneBatch, training: SceneTraining, *, seed: int
) -> Iterator[float]:
    """Train, and yield the mean loss of each epoch.

    Raises:
        ValueError: for a scene with a label that is no digit.
    """
    for count, at in by_count(scenes.counts).items():
        if not ((scenes.labels[at, :count] >= 0) & (scenes.labels[at, :count] <= 9)).all():
            raise ValueError("labels must be digits 0 to 9 to be learnt, got others among them")
    draws = np.random.default_rng(seed)
    updates = sum(-(-len(at) // training.batch_size) for at in by_count(scenes.counts).values())
    optimizer = torch.optim.Adam(network.parameters(), lr=training.learning_rate)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, training.epochs * updates)
    for _ in range(training.epochs):
        losses = []
        for at in _batches(scenes.counts, training.batch_size, draws):
            count = int(scenes.counts[at[0]])
            moves = draws.integers(-1, 2, (2, len(at), count))
            moves[:, draws.random((len(at), count)) >= training.moved] = 0
            value = loss(
                network, scenes.images[at], scenes.rows[at, :count], scenes.columns[at, :count],
                scenes.labels[at, :count], scenes.room[at], scenes.period[at], torch.from_numpy(moves),
            )  # fmt: skip
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            fall.step()
            losses.append(value.item())
        yield float(np.mean(losses))


def _batches(counts: Tensor, size: int, draws: np.random.Generator) -> list[Tensor]:
    """Return numbers of scenes, batch by batch, all of a batch with equally many digits."""
    made = []
    for at in by_count(counts).values():
        made += at[torch.from_numpy(draws.permutation(len(at)))].split(size)
    return [made[k] for k in draws.permutation(len(made))]


@dataclass(frozen=True)
class SceneScores:
    """How well a network reads scenes; all are shares in [0, 1].

    Attributes:
        found: scenes with the right number of digits, each within one point of its place.
        digits: digits named rightly at their true places.
        read: digits named rightly at the place where the locator found them, of all true digits.
        room, period: scenes whose room and time of day are named rightly.
    """

    found: float
    digits: float
    read: float
    room: float
    period: float


@torch.no_grad()
def score_scenes(network: SceneNetwork, scenes: SceneBatch, *, chunk: int = 512) -> SceneScores:
    """Measure a network on scenes of digits."""
    right = {name: 0 for name in ("found", "digits", "read", "room", "period")}
    for numbers in torch.arange(len(scenes)).split(chunk):
        images, counts = scenes.images[numbers], scenes.counts[numbers]
        places = network.locate(images)
        right["found"] += int(_found(places, scenes, numbers).sum())
        right["read"] += _read(network, images, places, scenes, numbers)
        for count, at in by_count(counts).items():
            own = numbers[at]
            corners = scenes.rows[own, :count], scenes.columns[own, :count]
            strokes = network.stroke(network.quarters(images[at], *corners)).view(len(own) * count, -1)
            named = network.digit.logits(strokes).argmax(-1).view(len(own), count)
            right["digits"] += int((named == scenes.labels[own, :count]).sum())
        for count, at in by_count(places.counts).items():
            own = numbers[at]
            made = network(images[at], places.rows[at, :count], places.columns[at, :count])
            rooms = network.sizes.rooms
            right["room"] += int((made[:, :rooms].argmax(1) == scenes.room[own]).sum())
            right["period"] += int((made[:, rooms:].argmax(1) == scenes.period[own]).sum())
    digits = int(scenes.counts.sum())
    return SceneScores(**{
        name: value / (digits if name in ("digits", "read") else len(scenes)) for name, value in right.items()
    })  # fmt: skip


def _near(places: Places, scenes: SceneBatch, numbers: Tensor) -> Tensor:
    """Return ``(n, true, found)`` whether a found place is within one point of a true one."""
    rows = (scenes.rows[numbers][:, :, None] - places.rows[:, None]).abs()
    columns = (scenes.columns[numbers][:, :, None] - places.columns[:, None]).abs()
    there = (scenes.rows[numbers] >= 0)[:, :, None] & (places.rows >= 0)[:, None]
    return (rows <= 1) & (columns <= 1) & there


def _found(places: Places, scenes: SceneBatch, numbers: Tensor) -> Tensor:
    near = _near(places, scenes, numbers)
    return (places.counts == scenes.counts[numbers]) & (near.any(2).sum(1) == scenes.counts[numbers])


def _read(network: SceneNetwork, images: Tensor, places: Places, scenes: SceneBatch, numbers: Tensor) -> int:
    rows, columns = (part.clamp(0, CANVAS - WINDOW) for part in (places.rows, places.columns))
    strokes = network.stroke(network.quarters(images, rows, columns)).view(rows.numel(), -1)
    named = network.digit.logits(strokes).argmax(-1).view(rows.shape)
    alike = named[:, None] == scenes.labels[numbers][:, :, None]
    return int((_near(places, scenes, numbers) & alike).any(2).sum())
