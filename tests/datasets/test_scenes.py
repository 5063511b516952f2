"""Rooms with digits: the house and its habits, pictures that are what their labels say, splits apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hsrnn import datasets
from hsrnn.datasets import (
    HABITS,
    PERIODS,
    ROOMS,
    STRANGE,
    PictureSplit,
    Scenes,
    SceneSplit,
    Visits,
    mark,
    paint,
    period_of,
    rooms,
    scenes,
    visit,
)
from hsrnn.datasets.scenes import reduced


@pytest.fixture(scope="module")
def small() -> Scenes:
    return datasets.load("scenes", train=6, valid=2, days=8, seed=3)


def test_digits_of_28_points_become_8(small):
    """A white square in the inner 24 x 24 is reduced block by block; the border is left out."""
    images = np.zeros((2, 1, 28, 28), np.uint8)
    images[0, 0, 5:8, 2:8] = 255
    images[1, 0, :2] = 255
    made = reduced(PictureSplit(images, np.array([3, 4]), 255))
    expected = np.zeros((2, 8, 8))
    expected[0, 1, :2] = 16
    np.testing.assert_array_equal(made, expected)
    with pytest.raises(ValueError, match=r"28 of 0 to 255, got \(1, 28, 28, 16\); use digits or mnist"):
        reduced(PictureSplit(images, np.array([3, 4]), 16))


@pytest.mark.needs_data("mnist")
def test_scenes_of_mnist():
    made = datasets.load("scenes", digits="mnist", train=1, valid=1, days=2)
    assert made.test.images.max() == 16 and all("digits=mnist" in name for name in made.hashes)


def test_the_habits_of_the_house():
    assert set(HABITS) == set(ROOMS) == set(rooms.PLACES) and len(PERIODS) == 4
    assert HABITS["study"] == HABITS["studio"] and rooms.PLACES["study"] == rooms.PLACES["studio"]
    with_seven = [(room, PERIODS[p]) for room in ROOMS for p in range(4) if "7" in HABITS[room][p]]
    assert with_seven == [("hall", "evening")]
    assert sum(rooms.COUNTS) == pytest.approx(1.0)
    assert period_of(np.array([0, 5, 6, 17, 23])).tolist() == [0, 0, 1, 2, 3]


def test_visits_follow_the_habits_but_for_one_digit_in_ten():
    made = visit(200, np.random.RandomState(0), strange=False)
    assert isinstance(made, Visits) and made.strange_day == -1
    assert (made.day * 24 + made.hour == np.arange(4800)).all()
    known = made.labels >= 0
    habit = [set(map(int, HABITS[ROOMS[r]][p])) for r, p in zip(made.room, period_of(made.hour))]
    kept = [label in habit[k] for k in range(4800) for label in made.labels[k][known[k]]]
    # A stray digit is one of the habit's by chance: each of ten is as likely.
    by_chance = np.mean([len(h) / 10 for h, n in zip(habit, known.sum(1)) for _ in range(n)])
    expected = 1 - rooms.STRAY * (1 - by_chance)
    assert np.mean(kept) == pytest.approx(expected, abs=4 * (expected * (1 - expected) / len(kept)) ** 0.5)
    shares = np.bincount(known.sum(1), minlength=5)[1:] / 4800
    np.testing.assert_allclose(shares, rooms.COUNTS, atol=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_the_strange_day(seed):
    made = visit(10, np.random.RandomState(seed), strange=True)
    seen = (made.labels == STRANGE).any(1)
    assert 5 <= made.strange_day < 10 and set(made.day[seen]) == {made.strange_day} and 3 <= seen.sum() <= 24


def test_marks_are_no_digits_and_differ():
    marks = [mark(k) for k in range(len(rooms.MARKS))]
    assert len({m.tobytes() for m in marks}) == len(marks)
    digits = datasets.load("digits")
    known = np.concatenate([reduced(getattr(digits, split)) for split in ("train", "test")]).astype(int)
    for m in marks:
        assert m.shape == (8, 8) and m.max() == 16
        # Farther from every digit than half of all digits' distances to one another.
        apart = ((known - m) ** 2).sum((1, 2)).min()
        assert apart > np.median(((known[:500, None] - known[None, 500:900]) ** 2).sum((2, 3)).min(1))


def test_a_picture_is_its_digits_and_nothing_else(small):
    for split in ("train", "test"):
        part, pool = getattr(small, split), getattr(datasets.load("digits"), split)
        assert isinstance(part, SceneSplit)
        for k in range(len(part)):
            again = np.zeros((32, 32), np.uint8)
            for place in range(part.counts[k]):
                row, column, source = part.rows[k, place], part.columns[k, place], part.sources[k, place]
                strange = part.labels[k, place] == STRANGE
                image = mark(int(source)) if strange else pool.images[source, 0]
                if not strange:
                    assert pool.labels[source] == part.labels[k, place]
                box = again[row : row + 8, column : column + 8]
                np.maximum(box, image, out=box)
            np.testing.assert_array_equal(part.images[k], again)
            assert (part.labels[k, part.counts[k] :] == -1).all()
            assert (np.diff(part.columns[k, : part.counts[k]]) >= 0).all()  # from left to right


def test_boxes_overlap_by_one_point_at_most_and_lie_where_the_room_puts_them(small):
    part, inside = small.train, 0
    for k in range(len(part)):
        corners = list(zip(part.rows[k], part.columns[k]))[: part.counts[k]]
        for j, (row, column) in enumerate(corners):
            assert all(abs(row - r) >= 7 or abs(column - c) >= 7 for r, c in corners[:j])
        top, bottom, left, right = (round(32 * share) for share in rooms.PLACES[ROOMS[part.room[k]]])
        inside += all(top <= r <= bottom - 8 and left <= c <= right - 8 for r, c in corners)
    assert inside / len(part) > 0.9


def test_equal_seeds_give_equal_scenes_and_others_do_not(small):
    again = datasets.load("scenes", train=6, valid=2, days=8, seed=3)
    assert again.hashes == small.hashes and len(set(small.hashes.values())) == 3
    np.testing.assert_array_equal(again.test.images, small.test.images)
    assert datasets.load("scenes", train=6, valid=2, days=8, seed=4).hashes.values() != small.hashes.values()
    assert repr(small) == "Scenes('scenes', train 144, valid 48, test 192 scenes)"
    assert small.train.strange_day == small.valid.strange_day == -1 < small.test.strange_day
    for name in (field.name for field in dataclasses.fields(SceneSplit)):
        array = getattr(small.test, name)
        assert name == "strange_day" or (len(array) == 192 and not array.flags.writeable)


def test_the_default_scenes_need_no_file_and_have_the_bytes_of_their_card():
    report = datasets.check("scenes")
    assert report.ok, report.problems
    assert report.counts == {"train": 3000, "valid": 480, "test": 8760} and report.unit == "scenes"


def test_bad_numbers_are_refused_at_the_door():
    with pytest.raises(ValueError, match="days must be at least 2 days, got 1"):
        datasets.load("scenes", days=1)
    with pytest.raises(ValueError, match="train must be at least 1 day, got 0"):
        datasets.load("scenes", train=0)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        datasets.load("scenes", seed=-1)
    pool = datasets.load("digits").valid
    without = pool.labels != 7
    random = np.random.RandomState(0)
    with pytest.raises(ValueError, match=r"all ten classes, got none of \[7\]"):
        paint(
            visit(1, random, strange=False),
            PictureSplit(pool.images[without], pool.labels[without], 16),
            random,
        )


def test_a_crowded_corner_gives_up_its_habit():
    random = np.random.RandomState(0)
    assert len(scenes._places(4, (0.0, 0.3, 0.0, 0.3), random)) == 4
