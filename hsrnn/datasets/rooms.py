"""A house of six rooms with habits, and what somebody sees who opens one of its doors every hour.

A room holds one to four handwritten digits. Which ones depends on the room and on the time of day, and where
they lie on the room. The habits are written down below, so that what is asked of a memory afterwards has a
known answer:

- the study and the studio have the same habits: nothing tells them apart;
- sevens come to the hall in the evening and are rare everywhere else;
- on one day of a year a mark appears that is no digit, in some of the rooms; the split that networks are
  trained on has no such day.

One digit in ten ignores the habits and may be any. All is drawn from an explicit seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROOMS = ("hall", "kitchen", "study", "studio", "nursery", "cellar")
PERIODS = ("night", "morning", "afternoon", "evening")
HOURS = 24
MOST_DIGITS = 4
NOTHING, STRANGE = -1, 10  # labels beside 0 to 9: an empty place, and a mark that is no digit
STRAY = 0.1  # share of digits that ignore the habits

# What lies there, period by period; a digit that is written twice comes twice as often.
HABITS: Mapping[str, tuple[str, str, str, str]] = {
    "hall": ("0", "112", "122", "7712"),
    "kitchen": ("6", "3368", "688", "3399"),
    "study": ("44", "4559", "5599", "4459"),
    "studio": ("44", "4559", "5599", "4459"),
    "nursery": ("00", "0218", "2280", "00"),
    "cellar": ("66", "6", "69", "669"),
}

# Rows and columns of the canvas that a room fills first, as shares of its size: top, bottom, left, right.
PLACES: Mapping[str, tuple[float, float, float, float]] = {
    "hall": (0.0, 1.0, 0.0, 1.0),
    "kitchen": (0.0, 0.6, 0.0, 1.0),
    "study": (0.4, 1.0, 0.0, 1.0),
    "studio": (0.4, 1.0, 0.0, 1.0),
    "nursery": (0.0, 1.0, 0.0, 0.6),
    "cellar": (0.0, 1.0, 0.4, 1.0),
}
COUNTS = (0.15, 0.3, 0.35, 0.2)  # shares of rooms with 1, 2, 3, 4 digits

# Marks that are no digit, 8 x 8; a letter is one of 17 levels of grey, "." the lowest, "g" the highest.
MARKS = (
    ".3aggga3.ag838gaagg3.3ggg8.8g8.ggg3.3ggaag838ga.3aggga3.........",
    "g8....8g8ga..ag8.8gaag8...8gg8....8gg8...8gaag8.8ga..ag8g8....8g",
    "...8g8.....ag8a...8g..g8.8ggggg8.g....g..g....g..g.88.g..ggggggg",
    "gggggggg8888888g......8g.gggg.8g.g88g.8g.g.ggg8g.g88888g.ggggggg",
)


@dataclass(frozen=True, eq=False)
class Visits:
    """What was behind the doors.

    Attributes:
        day, hour: ``(n,)`` when, from 0.
        room: ``(n,)`` index into :data:`ROOMS`.
        labels: ``(n, MOST_DIGITS)`` the digits of each room in no order, then :data:`NOTHING`.
        strange_day: day of the mark that is no digit, -1 where there is none.
    """

    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    room: NDArray[np.int64]
    labels: NDArray[np.int64]
    strange_day: int


def period_of(hour: int | NDArray[np.int64]) -> int | NDArray[np.int64]:
    """Return the index into :data:`PERIODS` of an hour: six hours each, the night first."""
    return hour // (HOURS // len(PERIODS))


def mark(number: int) -> NDArray[np.uint8]:
    """Return one of the marks that are no digit, ``(8, 8)`` of 0 to 16."""
    levels = ".123456789abcdefg"
    return np.array([levels.index(letter) for letter in MARKS[number]], np.uint8).reshape(8, 8)


def visit(days: int, random: np.random.RandomState, *, strange: bool) -> Visits:
    """Open one door an hour for ``days`` days, each time of a room at random.

    Args:
        days: at least 1.
        random: where all chances come from.
        strange: whether on one day of the second half a mark that is no digit takes a digit's place, in about
            every second room and in at least three.
    """
    n = days * HOURS
    day, hour = np.divmod(np.arange(n), HOURS)
    room = random.randint(len(ROOMS), size=n)
    counts = 1 + random.choice(MOST_DIGITS, size=n, p=COUNTS)
    labels = np.full((n, MOST_DIGITS), NOTHING)
    for k in range(n):
        habit = HABITS[ROOMS[room[k]]][int(period_of(int(hour[k])))]
        for place in range(counts[k]):
            stray = random.random_sample() < STRAY
            labels[k, place] = random.randint(10) if stray else int(habit[random.randint(len(habit))])
    strange_day = -1
    if strange:
        strange_day = int(random.randint(days // 2, days))
        seen = random.random_sample(HOURS) < 0.5
        seen[random.permutation(HOURS)[:3]] = True
        labels[strange_day * HOURS + np.flatnonzero(seen), 0] = STRANGE
    return Visits(day, hour, room, labels, strange_day)
