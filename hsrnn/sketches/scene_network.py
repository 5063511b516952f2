"""A small network of modules that reads pictures of rooms with handwritten digits (decision S5).

    picture -> locator: where is something?        (says where to look; makes no objects)
    window 8 x 8 at each place, cut into 4 quarters
    quarter -> stroke module -> 8 numbers           decoded back to 4 x 4 points
    4 strokes and the place -> digit module -> 20 numbers: which digit, how it looks, where it lies
    digits -> scene module -> 10 numbers: which room, which time of day

What a module gives is its objects' attribute vector as the theory wants it: non-negative, of length below 1.
So a recorder turns the forward pass into trees scene <- digits <- strokes as it stands, and both kinds of
attributes can be decoded back to a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CANVAS, WINDOW, QUARTER = 32, 8, 4
STROKES = (WINDOW // QUARTER) ** 2
FULL = 16.0  # the darkest point
MOST_DIGITS = 4
CLASSES = 10
SHARES = (0.7, 0.5, 0.36)  # of class, look and place in a digit's attributes: squares and 2 places sum to 1
SCENE_SHARES = (0.8, 0.6)  # of room and time of day in a scene's attributes
MODULES = {"stroke": "stroke", "digit": "digit", "scene": "scene"}
"""Path of each recorded submodule -> its name in the trees, for :class:`~hsrnn.sketches.Recorder`."""


@dataclass(frozen=True)
class SceneSizes:
    """Sizes of the network.

    Attributes:
        stroke_code: numbers that stand for a quarter of a window.
        digit_code: numbers that stand for how a digit looks.
        hidden: units of the hidden layers of the digit and the scene module.
        features: channels of the locator.
        rooms: rooms that the scene module tells apart.
        periods: times of day that it tells apart.
    """

    stroke_code: int = 10
    digit_code: int = 8
    hidden: int = 128
    features: int = 24
    rooms: int = 6
    periods: int = 4

    @property
    def modules(self) -> dict[str, int]:
        """Name of each module -> number of its attributes, for a ``Mechanism``."""
        return {
            "stroke": self.stroke_code, "digit": CLASSES + self.digit_code + 2,
            "scene": self.rooms + self.periods,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Places:
    """Where the locator found something, from left to right.

    Attributes:
        counts: ``(batch,)`` how many places, 1 to 4.
        rows, columns: ``(batch, 4)`` corners of the windows, -1 where there is none.
    """

    counts: Tensor
    rows: Tensor
    columns: Tensor

    def of(self, numbers: Tensor) -> Places:
        """Return the places of some of the scenes."""
        return Places(self.counts[numbers], self.rows[numbers], self.columns[numbers])


def shorten(vectors: Tensor) -> Tensor:
    """Return ``(..., a)`` non-negative and shorter than 1: ReLU, then r / sqrt(1 + |r|^2)."""
    kept = vectors.relu()
    return kept / (1.0 + kept.square().sum(-1, keepdim=True)).sqrt()


class StrokeModule(nn.Module):
    """A quarter of a window as a few numbers, and back.

    Args:
        sizes: of the network.
    """

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.encode = nn.Linear(QUARTER**2, sizes.stroke_code)
        self.decode = nn.Linear(sizes.stroke_code, QUARTER**2)

    def forward(self, quarters: Tensor) -> Tensor:
        """Return codes ``(n, stroke_code)`` of quarters ``(n, 16)`` of points in [0, 1]."""
        return shorten(self.encode(quarters))


class DigitModule(nn.Module):
    """Four strokes and a place as a digit: which one, how it looks, where it lies.

    Args:
        sizes: of the network.
    """

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.hidden = nn.Linear(STROKES * sizes.stroke_code, sizes.hidden)
        self.classes = nn.Linear(sizes.hidden, CLASSES)
        self.code = nn.Linear(sizes.hidden, sizes.digit_code)
        self.decode = nn.Sequential(
            nn.Linear(CLASSES + sizes.digit_code, sizes.hidden), nn.ReLU(),
            nn.Linear(sizes.hidden, WINDOW**2),
        )  # fmt: skip

    def logits(self, strokes: Tensor) -> Tensor:
        """Return logits ``(n, 10)`` of the classes from strokes ``(n, 4 * stroke_code)``."""
        return self.classes(self.hidden(strokes).relu())

    def forward(self, strokes: Tensor, places: Tensor) -> Tensor:
        """Return attributes ``(n, 10 + digit_code + 2)``: class probabilities, look, place, each times its
        share.

        Args:
            strokes: ``(n, 4 * stroke_code)``.
            places: ``(n, 2)`` row and column as shares of the canvas in [0, 1].
        """
        hidden = self.hidden(strokes).relu()
        parts = self.classes(hidden).softmax(-1), shorten(self.code(hidden)), places
        return torch.cat([share * part for share, part in zip(SHARES, parts, strict=True)], -1)


class SceneModule(nn.Module):
    """The digits of a room as a guess which room it is, and at what time of day.

    Args:
        sizes: of the network.
    """

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.each = nn.Linear(sizes.modules["digit"], sizes.hidden)
        self.all = nn.Linear(sizes.hidden + 1, sizes.hidden)
        self.rooms = nn.Linear(sizes.hidden, sizes.rooms)
        self.periods = nn.Linear(sizes.hidden, sizes.periods)

    def logits(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of rooms ``(batch, rooms)`` and times of day ``(batch, periods)`` from digits
        ``(batch, count, a)``."""
        count = torch.full_like(digits[:, 0, :1], digits.shape[1] / MOST_DIGITS)
        made = self.all(torch.cat([self.each(digits).relu().mean(1), count], -1)).relu()
        return self.rooms(made), self.periods(made)

    def forward(self, digits: Tensor) -> Tensor:
        """Return attributes ``(batch, rooms + periods)``, probabilities times their shares."""
        parts = self.logits(digits)
        return torch.cat(
            [share * part.softmax(-1) for share, part in zip(SCENE_SHARES, parts, strict=True)], -1
        )


class SceneNetwork(nn.Module):
    """Locator, stroke, digit and scene module together.

    Args:
        sizes: of the modules.
    """

    def __init__(self, sizes: SceneSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or SceneSizes()
        channels = self.sizes.features
        self.locator = nn.Sequential(
            nn.Conv2d(1, channels, WINDOW + 2, padding=1), nn.ReLU(),
            nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, 1, 1),
        )  # fmt: skip
        self.stroke = StrokeModule(self.sizes)
        self.digit = DigitModule(self.sizes)
        self.scene = SceneModule(self.sizes)

    def heat(self, images: Tensor) -> Tensor:
        """Return logits ``(batch, 25, 25)`` that a digit's window begins there."""
        return self.locator(self._points(images)[:, None])[:, 0]

    @torch.no_grad()
    def locate(self, images: Tensor) -> Places:
        """Return where digits are in images ``(batch, 32, 32)``: the highest logits above 0 whose windows do
        not overlap by more than 2 rows or columns, at least one and at most four."""
        heat = self.heat(images)
        batch, height, width = heat.shape
        left, rows, columns = heat.clone(), [], []
        vertical, horizontal = torch.arange(height)[:, None], torch.arange(width)
        for _ in range(MOST_DIGITS):
            best, place = left.flatten(1).max(1)
            row, column = place // width, place % width
            found = best > (0 if rows else -torch.inf)
            rows.append(torch.where(found, row, -1))
            columns.append(torch.where(found, column, -1))
            near = ((vertical - row[:, None, None]).abs() < WINDOW - 2) & (
                (horizontal - column[:, None, None]).abs() < WINDOW - 2
            )
            left = left.masked_fill(near, -torch.inf)
        rows, columns = torch.stack(rows, 1), torch.stack(columns, 1)
        order = torch.where(columns < 0, CANVAS, columns).sort(dim=1, stable=True).indices
        return Places((rows >= 0).sum(1), rows.gather(1, order), columns.gather(1, order))

    def forward(self, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the scene's attributes ``(batch, rooms + periods)``.

        Args:
            images: ``(batch, 32, 32)`` of 0 to 16.
            rows, columns: ``(batch, count)`` corners of the windows; the same count for all, so that parts
                fold into the batch.
        """
        batch, count = rows.shape
        strokes = self.stroke(self.quarters(images, rows, columns))
        places = torch.stack([rows, columns], -1).flatten(0, 1) / (CANVAS - WINDOW)
        digits = self.digit(strokes.view(batch * count, -1), places.to(strokes.dtype))
        return self.scene(digits.view(batch, count, -1))

    def windows(self, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the windows ``(batch * count, 8, 8)`` at given corners, points in [0, 1]."""
        span = torch.arange(WINDOW)
        at = (
            torch.arange(len(images))[:, None, None, None],
            (rows[:, :, None] + span)[:, :, :, None], (columns[:, :, None] + span)[:, :, None, :],
        )  # fmt: skip
        return self._points(images)[at].flatten(0, 1)

    def quarters(self, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the quarters ``(batch * count * 4, 16)`` of the windows: upper left, upper right, lower
        left, lower right."""
        return cut(self.windows(images, rows, columns))

    def picture_of_strokes(self, strokes: Tensor) -> Tensor:
        """Return windows ``(n, 8, 8)``, points in [0, 1], from stroke attributes ``(n, 4, stroke_code)``."""
        quarters = self.stroke.decode(strokes).clamp(0, 1)
        halves = quarters.unflatten(-1, (QUARTER, QUARTER)).unflatten(1, (2, 2))
        return halves.transpose(2, 3).reshape(-1, WINDOW, WINDOW)

    def picture_of_digit(self, digits: Tensor) -> Tensor:
        """Return windows ``(n, 8, 8)``, points in [0, 1], from digit attributes ``(n, a)``: what the digit
        module kept of them."""
        known, code = digits[:, :CLASSES] / SHARES[0], digits[:, CLASSES:-2] / SHARES[1]
        return self.digit.decode(torch.cat([known, code], -1)).clamp(0, 1).unflatten(-1, (WINDOW, WINDOW))

    def _points(self, images: Tensor) -> Tensor:
        if images.ndim != 3 or images.shape[1:] != (CANVAS, CANVAS):
            raise ValueError(f"images must be (batch, {CANVAS}, {CANVAS}), got {tuple(images.shape)}")
        return images.to(self.stroke.encode.weight.dtype) / FULL


def cut(windows: Tensor) -> Tensor:
    """Return the quarters ``(n * 4, 16)`` of windows ``(n, 8, 8)``."""
    halves = windows.unflatten(1, (2, QUARTER)).unflatten(3, (2, QUARTER))
    return halves.transpose(2, 3).reshape(-1, QUARTER**2)


def loss(
    network: SceneNetwork, images: Tensor, rows: Tensor, columns: Tensor, labels: Tensor, room: Tensor,
    period: Tensor, moved: Tensor,
) -> Tensor:  # fmt: skip
    """Return the sum of what all modules are trained for, averaged over the batch.

    The locator has to be hot at true corners only, the stroke and the digit module have to give the window
    back, the digit module has to know the class, the scene module room and time of day.

    Args:
        network: to train.
        images: ``(batch, 32, 32)``.
        rows, columns, labels: ``(batch, count)`` true corners and classes.
        room, period: ``(batch,)`` true indices.
        moved: ``(2, batch, count)`` how far the windows are moved from the true corners, so that modules
            bear a locator that is off by a point.
    """
    heat = network.heat(images)
    truth = torch.zeros_like(heat)
    truth[torch.arange(len(images))[:, None], rows, columns] = 1.0
    rarity = truth.numel() / truth.sum() / 4.0
    located = functional.binary_cross_entropy_with_logits(heat, truth, pos_weight=rarity)
    seen = [(corner + move).clamp(0, CANVAS - WINDOW) for corner, move in zip((rows, columns), moved)]
    windows = network.windows(images, *seen)
    quarters = cut(windows)
    strokes = network.stroke(quarters)
    drawn = functional.mse_loss(network.stroke.decode(strokes), quarters)
    folded = strokes.view(len(windows), -1)
    places = torch.stack(seen, -1).flatten(0, 1) / (CANVAS - WINDOW)
    digits = network.digit(folded, places.to(strokes.dtype))
    inside = torch.cat([digits[:, :CLASSES] / SHARES[0], digits[:, CLASSES:-2] / SHARES[1]], -1)
    looked = functional.mse_loss(network.digit.decode(inside), windows.flatten(1))
    named = functional.cross_entropy(network.digit.logits(folded), labels.flatten())
    rooms, periods = network.scene.logits(digits.view(*rows.shape, -1))
    understood = functional.cross_entropy(rooms, room) + functional.cross_entropy(periods, period)
    return located + 20.0 * looked + 40.0 * drawn + 2.0 * named + 0.3 * understood
