"""IAM-OnDB: real handwriting from a whiteboard, read from the raw XML of its users' own copy.

Liwicki and Bunke (2005). The files may not be passed on and can only be had after a registration, so
nothing is ever fetched: they are looked for in `<HSRNN_DATA>/iam-ondb`, then in the user cache, as one of
the archives in `ARCHIVES` or as the unpacked folder `lineStrokes`. Twelve thousand files cannot all be
hashed by name in a card. Instead the card holds ONE hash of what was read from them: name, positions and
pen-ups of every line.

XML from anywhere is read with care: a document type or an entity is refused (no bombs, no foreign files), an
archive is unpacked in memory only, and a file that is damaged is named and left out.

Decision D9: lines of fewer than 300 points are left out; 90/5/5 % of the rest by form (one sheet of one
writer), so that no form is in two splits. The paper's own division was never published. With these two
rules the number of lines (11,628) and their mean length (648) are the paper's.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.archives import members
from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import DamagedFileError, MissingFileError
from hsrnn.datasets.storage import Location, cache_folder, sha256_of
from hsrnn.datasets.strokes import Strokes, strokes_of
from hsrnn.datasets.text import SPLITS

FOLDER = "lineStrokes"
ARCHIVES = ("lineStrokes-all.tar.gz", "iam_ondb_raw_lineStrokes_ascii.tar.gz")
CONTENT = "lines"  # the name of the one hash
SHORTEST = 300  # points
UNPACKED, LARGEST = 4 * 10**9, 8 * 10**6  # bytes
FARTHEST = 10**6  # no whiteboard is larger
_NAME = re.compile(r"([a-z]\d\d-\d\d\d[a-z]?)-\d\d")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Ink:
    """All lines that could be read, in the order of their names: `points[i]` (T, 2) int32, y downward, and
    `pen_up[i]` (T,) bool, True at the last point of a pen stroke. `skipped` maps a file to its fault."""

    names: tuple[str, ...]
    points: tuple[NDArray[np.int32], ...]
    pen_up: tuple[NDArray[np.bool_], ...]
    skipped: Mapping[str, str]

    def digest(self) -> str:
        """Return the SHA-256 of names, positions and pen-ups; how the files were packed does not count."""
        total = hashlib.sha256()
        for name, points, pen_up in zip(self.names, self.points, self.pen_up, strict=True):
            total.update(f"{name} {len(points)}\n".encode())
            total.update(points.astype("<i4").tobytes())
            total.update(pen_up.tobytes())
        return total.hexdigest()


def read_line(content: bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Read one file of IAM-OnDB: positions (T, 2) and where pen strokes end (T,).

    Raises:
        DamagedFileError: not well-formed XML, a document type or an entity, a point outside a stroke or
        without
            whole coordinates up to a million, a stroke without a point, or no stroke at all.
    """
    found: list[str] = []
    ends: list[int] = []
    inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if name == "Point":
            if not inside:
                raise DamagedFileError("a point lies outside every stroke")
            found.extend((attributes["x"], attributes["y"]))
        elif name == "Stroke":
            if inside:
                raise DamagedFileError("a stroke lies within a stroke")
            inside = True

    def end(name: str) -> None:
        nonlocal inside
        if name == "Stroke":
            inside = False
            ends.append(len(found) // 2)

    def refuse(*_: object) -> None:
        raise DamagedFileError("it declares a document type or an entity, which these files never do")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(content, True)
        points = np.array(found, dtype=object).astype(np.int64).reshape(-1, 2)
    except expat.ExpatError as error:
        raise DamagedFileError(f"it is not well-formed XML ({error})") from error
    except KeyError as error:
        raise DamagedFileError(f"a point has no {error.args[0]}") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(f"a coordinate is not a whole number ({error})") from error
    if not len(points) or np.any(np.diff([0, *ends]) == 0):
        raise DamagedFileError("it has no point" if not len(points) else "a stroke has no point")
    if np.abs(points).max() > FARTHEST:
        raise DamagedFileError(f"a coordinate is larger than {FARTHEST:,}")
    pen_up = np.zeros(len(points), dtype=np.bool_)
    pen_up[np.array(ends) - 1] = True
    return points.astype(np.int32), pen_up


def how_to_bring(card: Card) -> str:
    """Say how a user gets the files and where to put them."""
    return (
        f"{card.name} may not be passed on, so hsrnn cannot fetch it: register at {card.source}, "
        f"download {ARCHIVES[0]}, put it (or the folder {FOLDER} unpacked from it) into "
        f"<folder>/{card.folder}, and set HSRNN_DATA to <folder>"
    )


def lines_in(folder: Path) -> Path | None:
    """Return the unpacked folder of lines or the archive inside `folder`, or None."""
    if (folder / FOLDER).is_dir():
        return folder / FOLDER
    return next((folder / name for name in ARCHIVES if (folder / name).is_file()), None)


def read_ink(location: Location) -> Ink:
    """Read every line; what an archive gave is kept in the user cache, so that the next time takes seconds.

    Raises:
        DamagedArchiveError, UnsafeArchiveError, ArchiveTooLargeError: the archive as a whole cannot be used.
        MissingFileError: there is not a single line in it.
    """
    source = lines_in(location.folder)
    if source is None:
        raise MissingFileError(f"{location.folder} no longer holds {FOLDER} or {' or '.join(ARCHIVES)}")
    if source.is_dir():
        return _parse(_files(source), source)
    kept = cache_folder() / location.folder.name / f"parsed-{sha256_of(source)[:16]}.npz"
    ink = _kept(kept)
    if ink is None:
        ink = _parse(members(source, limit=UNPACKED, largest=LARGEST), source)
        _keep(ink, kept)
    return ink


def _files(folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for path in sorted(folder.rglob("*.xml")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            yield PurePosixPath(path.relative_to(folder.parent)), path.read_bytes()


def _parse(files: Iterator[tuple[PurePosixPath, bytes]], source: Path) -> Ink:
    lines, skipped = {}, {}
    for path, content in files:
        if path.suffix != ".xml":
            continue
        try:
            if not _NAME.fullmatch(path.stem):
                raise DamagedFileError("its name is not that of a line, such as a01-000u-01.xml")
            if path.stem in lines:
                raise DamagedFileError("there is another file of this name")
            lines[path.stem] = read_line(content)
        except DamagedFileError as error:
            skipped[str(path)] = str(error)
            _log.warning("%s is left out: %s", path, error)
    if not lines:
        raise MissingFileError(f"{source} holds no readable line of IAM-OnDB; get {ARCHIVES[0]} again")
    names = tuple(sorted(lines))
    return Ink(
        names, tuple(lines[name][0] for name in names), tuple(lines[name][1] for name in names), skipped
    )


def _keep(ink: Ink, path: Path) -> None:
    """Write `ink` to the cache, under its own hash; a cache that cannot be written is no obstacle."""
    partial = path.with_name(f"{path.stem}.{os.getpid()}.partial.npz")  # two processes may do this at once
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            partial,
            digest=np.array(ink.digest()),
            names=np.array(ink.names),
            lengths=np.array([len(points) for points in ink.points]),
            points=np.concatenate(ink.points),
            pen_up=np.concatenate(ink.pen_up),
            skipped=np.array([[name, fault] for name, fault in ink.skipped.items()])
            .reshape(-1, 2)
            .astype(str),
        )
        partial.replace(path)
    except OSError as error:
        _log.warning("%s is not kept: %s", path, error)


def _kept(path: Path) -> Ink | None:
    """Return what `_keep` wrote, or None where it is missing or spoilt."""
    try:
        with np.load(path) as file:
            cuts = np.cumsum(file["lengths"])[:-1]
            ink = Ink(
                tuple(file["names"].tolist()),
                tuple(np.split(file["points"], cuts)),
                tuple(np.split(file["pen_up"], cuts)),
                dict(file["skipped"].tolist()),
            )
            return ink if ink.digest() == str(file["digest"]) else None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        return None


def form_of(name: str) -> str:
    """Return the form (sheet) that the line `name` stands on: `a01-000u` for `a01-000u-01`."""
    return name.rsplit("-", 1)[0]


def split_by_form(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Deal the lines `names` out to the splits, form by form, in the order of a fixed hash of their names.

    Test and validation lines are filled up to 5 % each; all others are training lines. Each list is sorted.
    """
    forms: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        forms.setdefault(form_of(name), []).append(index)
    shuffled = sorted(forms, key=lambda form: hashlib.sha256(f"hsrnn iam-ondb {form}".encode()).digest())
    splits: dict[str, list[int]] = {split: [] for split in SPLITS}
    for form in shuffled:
        wanted = (split for split in ("test", "valid") if 20 * len(splits[split]) < len(names))
        splits[next(wanted, "train")] += forms[form]
    return {split: sorted(indices) for split, indices in splits.items()}


def iam_ondb(card: Card, ink: Ink) -> Strokes:
    """Return the lines of at least 300 points in the split of decision D9."""
    long = [k for k, points in enumerate(ink.points) if len(points) >= SHORTEST]
    chosen = split_by_form(tuple(ink.names[k] for k in long))
    picked = {split: [long[k] for k in places] for split, places in chosen.items()}
    return strokes_of(
        card,
        {split: [(ink.points[k], ink.pen_up[k]) for k in picked[split]] for split in SPLITS},
        {split: [ink.names[k] for k in picked[split]] for split in SPLITS},
        {CONTENT: ink.digest()},
        skipped=ink.skipped,
        short=len(ink.names) - len(long),
    )
