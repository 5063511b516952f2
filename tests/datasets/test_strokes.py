"""Generated handwriting: the alphabet, the pen, the lines, and their true boundaries."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from hsrnn import datasets
from hsrnn.datasets import Hand, Letter, Strokes, Writing, grammar, letters, pen, strokes, write

STEADY = Hand(
    slant=0.0, width=1.0, size=1.0, joined=1.0, jitter=0.0, tremor=0.0, drift=0.0, wave=5.0, space=0.8,
    gap=0.05, pace=0.05,
)  # fmt: skip


def random(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


@pytest.fixture(scope="module")
def small() -> Strokes:
    return datasets.load("strokes", lines=40, seed=3)


def test_every_letter_is_within_its_lines():
    alphabet = letters()
    assert "".join(alphabet) == "abcdefghijklmnopqrstuvwxyz"
    for name, letter in alphabet.items():
        assert isinstance(letter, Letter) and letter.lift[-1] and letter.lift[letter.body - 1]
        assert -0.1 <= letter.points[:, 0].min() and 0.5 < letter.advance < 1.4, name
        top, bottom = letter.points[:, 1].max(), letter.points[:, 1].min()
        assert (top > 1.3) == (name in "bdfhijklt") and top <= 2.06, name
        assert (bottom < -0.5) == (name in "fgjpqy") and bottom >= -1.0, name
        assert letter.lift.sum() == (2 if name in "ijtx" else 1), name


def test_the_pen_passes_every_waypoint_of_a_steady_hand():
    """Read often enough, the curve comes close to each point of the skeleton, y turned downward."""
    for name, letter in letters().items():
        found = write([name], dataclasses.replace(STEADY, pace=0.005), random())
        wanted = letter.points * [1, -1] * pen.GRID
        distance = np.hypot(*(found.points[None] - wanted[:, None]).transpose(2, 0, 1)).min(axis=1)
        assert distance.max() < 0.03 * pen.GRID, name


def test_letters_and_words_end_where_the_text_says():
    words = ["jixt", "the", "quick", "a"]
    found = write(words, STEADY, random())
    assert isinstance(found, Writing)
    assert found.letter.sum() == sum(map(len, words)) and found.word.sum() == len(words)
    assert not (found.word & ~found.letter).any() and not (found.word & ~found.pen_up).any()
    ends = np.flatnonzero(found.letter)
    starts = np.r_[-1, ends[:-1]] + 1
    # What lies between two ends are the strokes of one letter: as wide as the letter, dots and bars included.
    per_letter = [found.pen_up[a : b + 1].sum() for a, b in zip(starts, ends)]
    text = "".join(words)
    last = np.cumsum([len(word) for word in words]) - 1
    assert per_letter == [
        # j, i, t, x lift the pen before and after what they add; other letters only end a word.
        2 if letter in "ijtx" else int(k in last)
        for k, letter in enumerate(text)
    ]


def test_an_unjoined_hand_lifts_the_pen_at_every_letter():
    found = write(["garden"], dataclasses.replace(STEADY, joined=0.0), random())
    assert np.array_equal(found.letter, found.pen_up) and found.letter.sum() == 6


def test_a_joined_letter_goes_on_where_the_body_of_a_dotted_one_ended():
    found = write(["in"], STEADY, random())
    body, dot, rest = np.split(found.points, np.flatnonzero(found.pen_up)[:2] + 1)
    np.testing.assert_allclose(rest[0], body[-1], atol=2)
    assert dot[:, 1].max() < -1.2 * pen.GRID


def test_slant_size_and_width_are_what_they_say():
    plain = write(["hill"], STEADY, random()).points / pen.GRID
    leaning = write(["hill"], dataclasses.replace(STEADY, slant=0.5, size=2.0), random()).points / pen.GRID
    np.testing.assert_allclose(leaning[:, 1], 2 * plain[:, 1], atol=2e-3)
    np.testing.assert_allclose(leaning[:, 0], 2 * (plain[:, 0] - 0.5 * plain[:, 1]), atol=3e-3)
    wide = write(["hill"], dataclasses.replace(STEADY, width=1.5), random()).points / pen.GRID
    assert np.ptp(wide[:, 0]) == pytest.approx(1.5 * np.ptp(plain[:, 0]), rel=0.05)


def test_the_pen_is_slower_where_the_curve_is_tighter():
    """The two-thirds power law, up to what rounds it off: log speed falls with log curvature by about 1/3."""
    found = write(["ooooo"], dataclasses.replace(STEADY, pace=0.02), random()).points.astype(float)
    v = np.gradient(found, axis=0)
    a = np.gradient(v, axis=0)
    speed = np.hypot(*v.T)
    curvature = np.abs(v[:, 0] * a[:, 1] - v[:, 1] * a[:, 0]) / speed**3 * pen.GRID
    inner = slice(40, -40)
    tight = curvature[inner] > 1.5
    slope = np.polyfit(np.log(curvature[inner][tight]), np.log(speed[inner][tight]), 1)[0]
    assert -0.45 < slope < -0.15


@pytest.mark.parametrize("words", [[], [""], ["Hello"], ["naïve"], ["two words"]])
def test_what_cannot_be_written_is_an_error(words):
    with pytest.raises(ValueError, match="each of letters a to z"):
        write(words, STEADY, random())


def test_lines_hold_offsets_pen_and_true_boundaries(small):
    assert [len(getattr(small, split)) for split in ("train", "valid", "test")] == [36, 2, 2]
    for split in ("train", "valid", "test"):
        for k, line in enumerate(getattr(small, split)):
            letter, word = (small.boundaries[split][level][k] for level in ("letter", "word"))
            text = small.texts[split][k]
            assert line.dtype == np.float32 and line.shape == (len(letter), 3) and not line.flags.writeable
            assert letter.sum() == len(text.replace(" ", "")) and word.sum() == len(text.split())
            assert not (word & ~letter).any() and not (word & (line[:, 2] == 0)).any()
            assert set(line[:, 2]) == {0.0, 1.0} and line[-1, 2] == 1
            assert re.fullmatch("[a-z]+( [a-z]+)*", text) and len(text.replace(" ", "")) <= 12


def test_offsets_are_standardised_by_the_training_lines_and_can_be_undone(small):
    every = np.concatenate(small.train)[:, :2].astype(float)
    np.testing.assert_allclose(every.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(every.std(0), 1, atol=1e-5)
    drawn = grammar.stream_seed(3, "strokes test")
    source = np.random.RandomState([drawn >> 32, drawn & 0xFFFFFFFF])
    for line, text in zip(small.test, small.texts["test"]):
        written = write(text.split(), Hand.drawn(source), source)
        np.testing.assert_allclose(small.positions(line), written.points[1:] - written.points[0], atol=0.05)


def test_the_same_seed_gives_the_same_lines_and_another_gives_others(small):
    again, other = (datasets.load("strokes", lines=40, seed=seed) for seed in (3, 4))
    assert again.hashes == small.hashes and set(other.hashes.values()).isdisjoint(small.hashes.values())
    assert all(np.array_equal(a, b) for a, b in zip(again.train, small.train))
    assert set(small.hashes) == {
        f"strokes(lines=40, letters=12, seed=3)/{s}" for s in ("train", "valid", "test")
    }
    assert set(small.texts["train"]).isdisjoint(small.texts["test"])
    assert repr(small) == "Strokes('strokes', train 36, valid 2, test 2 lines)"


def test_many_letters_a_line_need_more_text():
    long = datasets.load("strokes", lines=20, letters=30)
    assert all(len(text.replace(" ", "")) <= 30 for text in long.texts["train"])
    assert max(map(len, long.texts["train"])) > 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lines": 19}, "at least 20 for a 90/5/5 % split, got 19"),
        ({"letters": 0}, "at least 1 a line, got 0"),
        ({"seed": -1}, "must not be negative, got -1"),
    ],
)
def test_bad_options_of_the_generated_strokes(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.load("strokes", **options)


def test_a_split_without_a_line_is_an_error():
    card = datasets.read_card("strokes")
    line = (np.array([[0, 0], [1, 2]]), np.array([False, True]))
    with pytest.raises(datasets.TooFewSymbolsError, match="the valid part of strokes has no line"):
        strokes.strokes_of(card, {"train": [line], "valid": [], "test": [line]}, {}, {})
