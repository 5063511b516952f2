"""Questions that nobody had in mind when the year of rooms was stored, and how well a memory answers them.

A :class:`Year` holds what the network made of each hour. :func:`answers` takes what a memory gives back of it
and scores every answer against the truth of the rooms. The same questions put to the network's own attributes
show what is lost in the network, and what in the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hsrnn import datasets
from hsrnn.sketches import Forest, SceneNetwork, record_scenes
from hsrnn.sketches.scene_network import CLASSES, MOST_DIGITS, SHARES, STROKES

from .sketches_memories import widths
from .sketches_scenes import images_of

HOURS = 24
STRANGEST = 3  # digits of a day that say how strange it was
KNOWN = 3000  # digits of the first half of the year that a later one is compared with

Remembered = dict[int, Tensor]  # number of digits -> values (n, numbers)


@dataclass(frozen=True, eq=False)
class Digits:
    """All digits of the year as they are remembered, in order of time and from left to right.

    Attributes:
        attributes: ``(m, 20)``.
        strokes: ``(m, 4 x stroke_code)``.
    """

    attributes: Tensor
    strokes: Tensor

    @cached_property
    def named(self) -> Tensor:
        """``(m,)`` which digit each is taken for."""
        return self.attributes[:, :CLASSES].argmax(1)


class Year:
    """What a network made of the scenes of a split.

    Args:
        network: trained.
        scenes: of whole days.
    """

    def __init__(self, network: SceneNetwork, scenes: datasets.SceneSplit) -> None:
        self.network, self.scenes, self.sizes = network, scenes, network.sizes
        self.forest = Forest.of(record_scenes(network, images_of(scenes)))
        self.days = len(scenes) // HOURS
        owner = torch.from_numpy(self.forest.tree[self.forest.members["digit"]])
        self.owner, self.counts = owner, torch.bincount(owner, minlength=len(scenes))
        self.at = {
            count: (self.counts == count).nonzero()[:, 0] for count in range(1, MOST_DIGITS + 1)
            if bool((self.counts == count).any())
        }  # fmt: skip
        starts = torch.cumsum(self.counts, 0) - self.counts
        self.place = torch.arange(len(owner)) - starts[owner]
        own, strokes = self.forest.attributes["digit"], self.forest.attributes["stroke"].view(len(owner), -1)
        self.values: Remembered = {}
        for count, at in self.at.items():
            numbers = starts[at][:, None] + torch.arange(count)
            self.values[count] = torch.cat(
                [own[numbers].flatten(1), self.forest.attributes["scene"][at], strokes[numbers].flatten(1)], 1
            )

    def digits(self, remembered: Remembered) -> Digits:
        """Return the digits of what a memory gave back."""
        attributes = torch.zeros(len(self.owner), self.sizes.modules["digit"])
        strokes = torch.zeros(len(self.owner), STROKES * self.sizes.stroke_code)
        for count, at in self.at.items():
            digit, _, stroke = remembered[count].split(list(widths(self.sizes, count).values()), 1)
            rows = (self.counts[self.owner] == count).nonzero()[:, 0]
            attributes[rows] = digit.reshape(len(rows), -1)
            strokes[rows] = stroke.reshape(len(rows), -1)
        return Digits(attributes, strokes)

    def sevens(self, digits: Digits, which: int = 7) -> Tensor:
        """Return ``(n,)`` how many 7s (or other digits) each scene is said to hold."""
        return torch.bincount(self.owner, (digits.named == which).float(), minlength=len(self.counts))

    def true(self, which: int) -> Tensor:
        """Return ``(n,)`` how many digits of a kind each scene does hold."""
        return torch.from_numpy((self.scenes.labels == which).sum(1)).float()

    @cached_property
    def seconds(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scenes in which the right number of digits, two or more, was seen and the second is a digit: number
        of that digit among all, its class, and its true window ``(m, 8, 8)``."""
        true = torch.from_numpy(self.scenes.counts.copy())
        label = torch.from_numpy(self.scenes.labels[:, 1].copy())
        scene = ((self.counts == true) & (true >= 2) & (label < CLASSES)).nonzero()[:, 0]
        starts = torch.cumsum(self.counts, 0) - self.counts
        corners = [
            torch.from_numpy(part[:, 1:2].copy())[scene] for part in (self.scenes.rows, self.scenes.columns)
        ]
        windows = self.network.windows(images_of(self.scenes)[scene], *corners)
        return starts[scene] + 1, label[scene], windows


def answers(year: Year, remembered: Remembered) -> dict[str, float]:
    """Return how well each question is answered.

    Returns:
        ``seven``: was there a 7? mean of the shares of right answers where there was one and where not.
        ``threes``: how many 3s on a day? mean size of the error.
        ``hours``: at what time of day do 7s come? half the sum of differences between the true and the
            answered shares of the 24 hours (0 right, 1 nothing in common).
        ``alike``: which two rooms are alike? 1 if study and studio, else 0.
        ``second``: what was the second digit? share named rightly.
        ``picture``: what did it look like? root mean square error of a point, points being in [0, 1].
        ``strange``: on which day did something appear that was never seen before? 1 if right, else 0.
        ``digit_rms``, ``stroke_rms``: root mean square error of an attribute, against the network's own.
    """
    digits, own = year.digits(remembered), year.digits(year.values)
    said, true = year.sevens(digits) > 0, year.true(7) > 0
    threes = year.sevens(digits, 3) - year.true(3)
    at, label, windows = year.seconds
    pictures = year.network.picture_of_strokes(digits.strokes[at].unflatten(1, (STROKES, -1)))
    return {
        "seven": float((said[true].float().mean() + (~said[~true]).float().mean()) / 2),
        "threes": float(threes.view(-1, HOURS).sum(1).abs().mean()),
        "hours": spread(by_hour(year.true(7)), by_hour(year.sevens(digits))),
        "alike": float(alike(room_means(year, digits)) == (2, 3)),
        "second": float((digits.named[at] == label).float().mean()),
        "picture": float((pictures - windows).square().mean().sqrt()),
        "strange": float(strange_day(year, digits) == year.scenes.strange_day),
        "digit_rms": float((digits.attributes - own.attributes).square().mean().sqrt()),
        "stroke_rms": float((digits.strokes - own.strokes).square().mean().sqrt()),
    }


def by_hour(per_scene: Tensor) -> Tensor:
    """Return ``(24,)`` the sum over all days of what each scene has."""
    return per_scene.view(-1, HOURS).sum(0)


def spread(true: Tensor, said: Tensor) -> float:
    """Return half the sum of the differences of two distributions, 1 where the second one is empty."""
    if float(said.clamp_min(0).sum()) <= 0:
        return 1.0
    said = said.clamp_min(0)
    return float((true / true.sum() - said / said.sum()).abs().sum() / 2)


def room_means(year: Year, digits: Digits) -> Tensor:
    """Return ``(rooms, 10)`` how often each digit was seen in each room, as shares."""
    room = torch.from_numpy(year.scenes.room.copy())[year.owner]
    seen = torch.zeros(len(datasets.ROOMS), CLASSES)
    seen.index_put_((room, digits.named), torch.ones(len(room)), accumulate=True)
    return seen / seen.sum(1, keepdim=True).clamp_min(1)


def alike(rows: Tensor) -> tuple[int, int]:
    """Return the two rows ``(n, m)`` that point most nearly the same way, measured from the mean of all."""
    centred = rows - rows.mean(0)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)
    likeness = (unit @ unit.T).fill_diagonal_(-torch.inf)
    first, second = divmod(int(likeness.argmax()), len(rows))
    return min(first, second), max(first, second)


def strangeness(year: Year, digits: Digits) -> NDArray[np.float64]:
    """Return ``(days,)`` how strange each day of the second half was: the mean distance of its three
    strangest digits to the nearest of some digits of the first half; 0 for days of the first half."""
    features = torch.cat([digits.attributes[:, :-2] / SHARES[0], digits.strokes], 1)
    day, half = (year.owner // HOURS).numpy(), year.days // 2
    early = np.flatnonzero(day < half)
    known = np.random.default_rng(0).choice(early, min(KNOWN, len(early)), replace=False)
    late = np.flatnonzero(day >= half)
    nearest = torch.cdist(features[late], features[known]).min(1).values.numpy()
    result = np.zeros(year.days)
    for each in range(half, year.days):
        result[each] = np.sort(nearest[day[late] == each])[-STRANGEST:].mean()
    return result


def strange_day(year: Year, digits: Digits) -> int:
    """Return the strangest day of the second half."""
    return int(strangeness(year, digits).argmax())
