"""Where the files of a data set may lie on this machine: the folder `HSRNN_DATA` first, then the user cache.

`HSRNN_DATA` belongs to the user and is only ever read. The cache belongs to hsrnn: there a file that fails
its check is set aside under the name `<file>.bad`, so that the next fetch starts clean.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pooch

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import DamagedArchiveError, MissingFileError, WrongHashError

Place = Literal["HSRNN_DATA", "cache", "embedded", "not here"]


@dataclass(frozen=True)
class Location:
    """A folder that holds all files of a data set, and what kind of place it is."""

    place: Place
    folder: Path


def data_folder() -> Path | None:
    """Return the folder that `HSRNN_DATA` names, or None where the variable is unset or empty.

    Raises:
        MissingFileError: the variable names something that is not a folder.
    """
    value = os.environ.get("HSRNN_DATA", "")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise MissingFileError(
            f"HSRNN_DATA must name an existing folder, got {value!r}; correct it or unset it"
        )
    return folder


def cache_folder() -> Path:
    """Return the folder of the user cache, which need not exist yet."""
    return Path(pooch.os_cache("hsrnn"))


def locate(card: Card) -> Location | None:
    """Return the first place that holds the files of `card`, or None; nothing is read or verified.

    Raises:
        MissingFileError: `HSRNN_DATA` holds some of the files but not all.
    """
    folder = data_folder()
    if folder is not None:
        own = folder / card.folder
        missing = [name for name in card.files if not stored(own, name).is_file()]
        if not missing:
            return Location("HSRNN_DATA", own)
        if len(missing) < len(card.files):
            raise MissingFileError(
                f"{own} holds {card.name} without {', '.join(missing)}; add what is missing"
            )
    cached = cache_folder() / card.folder
    if all(stored(cached, name).is_file() for name in card.files):
        return Location("cache", cached)
    return None


def locate_brought(card: Card, holds: Callable[[Path], object]) -> Location | None:
    """Return the first place whose folder `holds` the thousands of files that users bring, or None.

    Args:
        card: names the folder.
        holds: from a folder to anything that is true where it holds them, in any of their forms.

    Raises:
        MissingFileError: `HSRNN_DATA` names something that is not a folder.
    """
    own = data_folder()
    if own is not None and holds(own / card.folder):
        return Location("HSRNN_DATA", own / card.folder)
    cached = cache_folder() / card.folder
    return Location("cache", cached) if holds(cached) else None


def stored(folder: Path, name: str) -> Path:
    """Return where the file `name` lies in `folder`: under its own name or, where only that exists, packed as
    `<name>.gz`."""
    packed = folder / f"{name}.gz"
    return packed if packed.is_file() and not (folder / name).is_file() else folder / name


def content(path: Path) -> bytes:
    """Return the bytes of a file, unpacked if its name ends in `.gz`.

    Raises:
        DamagedArchiveError: a gzip file that is truncated or damaged.
    """
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedArchiveError(
            f"{path} is truncated or damaged ({type(error).__name__}: {error}); get it again"
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, reading it in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(card: Card, location: Location) -> dict[str, str]:
    """Check the SHA-256 of every file of `card` at `location` and return file name -> hash.

    Raises:
        WrongHashError: a file differs. In the cache it has been renamed `<file>.bad` before the error is
            raised.
        DamagedArchiveError: a file that lies there packed by gzip is truncated or damaged.
    """
    for name, expected in card.files.items():
        path = stored(location.folder, name)
        if path.name == name:
            actual, size = sha256_of(path), path.stat().st_size
        else:
            # The card's hash is of the content: how a file was packed does not count.
            unpacked = content(path)
            actual, size = hashlib.sha256(unpacked).hexdigest(), len(unpacked)
        if actual == expected:
            continue
        if location.place == "cache":
            aside = set_aside(path)
            remedy = f"it is set aside as {aside}; load {card.name} again to fetch it afresh"
        else:
            remedy = f"replace it with the file from {card.source}, or unset HSRNN_DATA"
        raise WrongHashError(
            f"{path} must have SHA-256 {expected}, got {actual} ({size:,} bytes, "
            f"expected {card.sizes[name]:,}); {remedy}"
        )
    return dict(card.files)


def set_aside(path: Path, folder: Path | None = None) -> Path:
    """Rename `path` to `<name>.bad`, in `folder` or where it lies, replacing an older one."""
    target = (folder or path.parent) / f"{path.name}.bad"
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)
    return target
