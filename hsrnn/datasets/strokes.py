"""Handwriting as sequences of pen movements: the `Strokes` object, and the generated default.

A line of writing is an array (T, 3), float32, one row a reading of the pen after the first:

    dx, dy      how far the pen has come since the reading before, standardised by the mean and standard
                deviation of all rows of the training lines (decision D9); y grows DOWNWARD, as on a screen
    pen         1 where a pen stroke ends, so that the next row jumps without ink; else 0

The first reading of a line only says where the line stands on the board, so it is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import TooFewSymbolsError
from hsrnn.datasets.grammar import generate, stream_seed
from hsrnn.datasets.pen import Hand, write
from hsrnn.datasets.text import SPLITS

Line = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Strokes:
    """Lines of handwriting in three splits, each a tuple of read-only (T, 3) float32 arrays: dx, dy, pen.

    `mean` and `sd`, each (2,), undo the standardisation: see `positions`. `boundaries[split][level]` holds
    one bool array (T,) a line, True at the LAST POINT of each unit, for the levels "letter" and "word"; it
    is empty unless the lines are generated, and so is `texts[split]`, what each line says. `names[split]`
    names each line. `skipped` maps a file that could not be used to the reason, `short` counts the lines
    left out for having too few points. `hashes` maps each input to its SHA-256.
    """

    name: str
    train: tuple[Line, ...]
    valid: tuple[Line, ...]
    test: tuple[Line, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    card: Card
    hashes: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]
    boundaries: Mapping[str, Mapping[str, tuple[NDArray[np.bool_], ...]]] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    short: int = 0

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        return f"Strokes({self.name!r}, {sizes} lines)"

    def positions(self, line: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where the pen is after each row of a standardised `line` (T, 3): (T, 2), in the units of the
        data set, from an origin at the dropped first reading."""
        return np.cumsum(np.asarray(line, dtype=np.float64)[:, :2] * self.sd + self.mean, axis=0)


def strokes_of(
    card: Card,
    lines: Mapping[str, Sequence[tuple[NDArray[np.integer], NDArray[np.bool_]]]],
    names: Mapping[str, Sequence[str]],
    hashes: Mapping[str, str],
    *,
    boundaries: Mapping[str, Mapping[str, tuple[NDArray[np.bool_], ...]]] | None = None,
    texts: Mapping[str, tuple[str, ...]] | None = None,
    skipped: Mapping[str, str] | None = None,
    short: int = 0,
) -> Strokes:
    """Turn readings into standardised offsets.

    `lines[split]` holds a pair a line: positions (T + 1, 2) and where strokes end (T + 1,); T is at least 1.

    Raises:
        TooFewSymbolsError: a split holds no line.
    """
    for split in SPLITS:
        if not lines[split]:
            raise TooFewSymbolsError(
                f"the {split} part of {card.name} has no line; give more lines, so that 5 % of them are one"
            )
    offsets = {split: [np.diff(p.astype(np.int64), axis=0) for p, _ in lines[split]] for split in SPLITS}
    every = np.concatenate(offsets["train"])
    mean, sd = every.mean(axis=0), every.std(axis=0)
    splits = {}
    for split in SPLITS:
        made = []
        for moved, (_, pen_up) in zip(offsets[split], lines[split], strict=True):
            line = np.empty((len(moved), 3), dtype=np.float32)
            line[:, :2] = (moved - mean) / sd
            line[:, 2] = pen_up[1:]
            line.flags.writeable = False
            made.append(line)
        splits[split] = tuple(made)
    return Strokes(
        name=card.name,
        **splits,
        mean=mean,
        sd=sd,
        card=card,
        hashes=dict(hashes),
        names={split: tuple(names[split]) for split in SPLITS},
        boundaries=boundaries or {},
        texts=texts or {},
        skipped=skipped or {},
        short=short,
    )


def generated(card: Card, *, lines: int = 2000, letters: int = 12, seed: int = 0) -> Strokes:
    """Write `lines` lines of the generated sentences, split 90/5/5 %, each line by a hand of its own.

    A line holds as many whole words as fit into `letters` letters, at least one. The splits are separate
    draws of text and of hands.

    Raises:
        TooFewSymbolsError: fewer than 20 lines, so that a split would be empty.
        ValueError: `letters` is below 1 or `seed` is negative.
    """
    if lines < 20:
        raise TooFewSymbolsError(f"lines must be at least 20 for a 90/5/5 % split, got {lines}")
    if letters < 1:
        raise ValueError(f"letters must be at least 1 a line, got {letters}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    train, valid = lines * 90 // 100, lines * 5 // 100
    counts = {"train": train, "valid": valid, "test": lines - train - valid}
    written, boundaries, texts, names, hashes = {}, {}, {}, {}, {}
    for split, count in counts.items():
        drawn = stream_seed(seed, f"strokes {split}")
        texts[split] = tuple(" ".join(words) for words in _lines_of_text(count, letters, drawn))
        # RandomState, because its streams are frozen: the same seed gives the same numbers for good.
        random = np.random.RandomState([drawn >> 32, drawn & 0xFFFFFFFF])
        found = [write(text.split(), Hand.drawn(random), random) for text in texts[split]]
        written[split] = [(writing.points, writing.pen_up) for writing in found]
        boundaries[split] = {
            "letter": tuple(_read_only(writing.letter[1:]) for writing in found),
            "word": tuple(_read_only(writing.word[1:]) for writing in found),
        }
        names[split] = [f"{split}-{number}" for number in range(count)]
        digest = hashlib.sha256()
        for writing in found:
            digest.update(writing.points.astype("<i4").tobytes())
            for marks in (writing.pen_up, writing.letter, writing.word):
                digest.update(marks.tobytes())
        hashes[f"strokes(lines={lines}, letters={letters}, seed={seed})/{split}"] = digest.hexdigest()
    return strokes_of(card, written, names, hashes, boundaries=boundaries, texts=texts)


def _lines_of_text(count: int, letters: int, seed: int) -> list[list[str]]:
    """Return `count` lines of words from the generated sentences; a new sentence begins a new line."""
    characters = 4 * count * max(letters, 8)
    while True:
        lines: list[list[str]] = []
        # The last sentence may be cut off in the middle of a word: leave it out.
        for sentence in generate(characters, seed).text.split("\n")[:-1]:
            room = 0
            for word in sentence.split():
                if len(word) > room:
                    lines.append([])
                    room = letters
                lines[-1].append(word)
                room -= len(word)
        if len(lines) >= count:
            return lines[:count]
        characters *= 2


def _read_only(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    marks = marks.copy()
    marks.flags.writeable = False
    return marks
