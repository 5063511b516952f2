"""Take named files out of a downloaded archive without trusting it.

Nothing in an archive decides where a file is written: only the members that the card names are read, and they
are written under the card's own file names. An archive that holds a path outside its folder is refused as a
whole, and so is a link in the place of a wanted file. Reading stops as soon as more comes out than the card
declares, so a small archive that unpacks to a huge file (a "bomb") does no harm.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, runtime_checkable

from hsrnn.datasets.cards import Download
from hsrnn.datasets.errors import ArchiveTooLargeError, DamagedArchiveError, UnsafeArchiveError

BLOCK = 2**20
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


@runtime_checkable
class Readable(Protocol):
    """What all the readers here have in common: files, and the members of archives."""

    def read(self, size: int, /) -> bytes: ...


def extract(archive: Path, download: Download, sizes: Mapping[str, int], into: Path) -> None:
    """Write the files of `download.members` out of `archive` into the existing folder `into`.

    `sizes` gives the bytes that each file must have (with `download.prefix`: the bytes to take).

    Raises:
        DamagedArchiveError: truncated, damaged, encrypted, without a wanted member, or with too short a one.
        UnsafeArchiveError: a path leaves the folder, or a wanted member is not a regular file.
        ArchiveTooLargeError: more bytes come out than declared.
    """
    readers = {"plain": _from_plain, "gz": _from_gzip, "zip": _from_zip, "tar.gz": _from_tar}
    try:
        written = readers[download.format](archive, download, sizes, into)
    except _DAMAGED as error:
        raise DamagedArchiveError(
            f"{archive.name} is truncated or damaged ({type(error).__name__}: {error}); fetch it again"
        ) from error
    missing = sorted(set(download.members) - written)
    if missing:
        raise DamagedArchiveError(
            f"{archive.name} does not hold {', '.join(download.members[m] for m in missing)}"
        )


def members(archive: Path, *, limit: int, largest: int) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield path and content of every regular file of a tar.gz archive, in its order; nothing is written.

    `limit` is the largest number of bytes that the whole archive may unpack to, `largest` that of one file.

    Raises:
        DamagedArchiveError: the archive is truncated or damaged.
        UnsafeArchiveError: a path leaves the archive's folder. Links are passed over.
        ArchiveTooLargeError: more bytes come out than allowed.
    """
    try:
        with gzip.open(archive) as unpacked:
            limited = io.BufferedReader(_Limited(unpacked, limit, archive.name), BLOCK)
            with tarfile.open(fileobj=limited, mode="r|") as bundle:
                for entry in bundle:
                    path = _inside(entry.name)
                    if not entry.isreg():
                        continue
                    if entry.size > largest:
                        raise ArchiveTooLargeError(
                            f"{archive.name}: {entry.name} has {entry.size:,} bytes, more than {largest:,}"
                        )
                    source = bundle.extractfile(entry)
                    content = source.read() if source else b""
                    if len(content) != entry.size:
                        raise DamagedArchiveError(f"{archive.name} is truncated within {entry.name}")
                    yield path, content
            # Reading on to the end makes gzip compare its checksum.
            while limited.read(BLOCK):
                pass
    except _DAMAGED as error:
        raise DamagedArchiveError(
            f"{archive.name} is truncated or damaged ({type(error).__name__}: {error}); get it again"
        ) from error


def _from_plain(archive: Path, download: Download, sizes: Mapping[str, int], into: Path) -> set[str]:
    (name,) = download.members
    with archive.open("rb") as source:
        _copy(source, into / name, sizes[name], download.prefix)
    return {name}


def _from_gzip(archive: Path, download: Download, sizes: Mapping[str, int], into: Path) -> set[str]:
    (name,) = download.members
    with gzip.open(archive) as source:
        _copy(source, into / name, sizes[name], download.prefix)
    return {name}


def _from_zip(archive: Path, download: Download, sizes: Mapping[str, int], into: Path) -> set[str]:
    wanted = {_inside(member): name for name, member in download.members.items()}
    written = set()
    with zipfile.ZipFile(archive) as bundle:
        for entry in bundle.infolist():
            name = wanted.get(_inside(entry.filename))
            if name is None or entry.is_dir():
                continue
            # The upper half of external_attr holds the Unix mode; 0o120000 is a symbolic link.
            if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                raise UnsafeArchiveError(f"{archive.name}: {entry.filename} is a link, not a file")
            if entry.flag_bits & 0x1:
                raise DamagedArchiveError(f"{archive.name}: {entry.filename} is encrypted")
            with bundle.open(entry) as source:
                _copy(source, into / name, sizes[name], download.prefix)
            written.add(name)
    return written


def _from_tar(archive: Path, download: Download, sizes: Mapping[str, int], into: Path) -> set[str]:
    wanted = {_inside(member): name for name, member in download.members.items()}
    written = set()
    with gzip.open(archive) as unpacked:
        limited = io.BufferedReader(_Limited(unpacked, download.unpacked_limit, archive.name), BLOCK)
        # "r|" reads forward only, so everything that is unpacked passes the limit once.
        with tarfile.open(fileobj=limited, mode="r|") as bundle:
            for entry in bundle:
                name = wanted.get(_inside(entry.name))
                if entry.issym() or entry.islnk():
                    if name is not None:
                        raise UnsafeArchiveError(f"{archive.name}: {entry.name} is a link, not a file")
                    start = PurePosixPath(entry.name).parent if entry.issym() else PurePosixPath()
                    _inside(str(start / entry.linkname))
                if name is None or entry.isdir():
                    continue
                source = bundle.extractfile(entry)
                if source is None:
                    raise UnsafeArchiveError(f"{archive.name}: {entry.name} is not a regular file")
                _copy(source, into / name, sizes[name], download.prefix)
                written.add(name)
    return written


def _inside(member: str) -> PurePosixPath:
    """Return the normal form of a path in an archive; refuse one that leaves the folder."""
    parts: list[str] = []
    path = PurePosixPath(member.replace("\\", "/"))
    for part in path.parts:
        if part == "..":
            if not parts:
                raise UnsafeArchiveError(f"the path {member!r} leaves the folder of the archive")
            parts.pop()
        else:
            parts.append(part)
    if path.is_absolute() or (parts and parts[0].endswith(":")):
        raise UnsafeArchiveError(f"the path {member!r} is absolute and leaves the folder of the archive")
    return PurePosixPath(*parts)


def _copy(source: Readable, target: Path, limit: int, prefix: bool) -> None:
    """Copy exactly `limit` bytes; fewer is an error, and so is more unless only a prefix is wanted."""
    left = limit
    with target.open("wb") as out:
        while left and (block := source.read(min(left, BLOCK))):
            out.write(block)
            left -= len(block)
    if left:
        raise DamagedArchiveError(
            f"{target.name} must have {limit:,} bytes, but only {limit - left:,} come out"
        )
    # Reading on to the end also makes gzip and zip compare their own checksums.
    if not prefix and source.read(1):
        raise ArchiveTooLargeError(
            f"{target.name} must have {limit:,} bytes, but more come out of the archive"
        )


class _Limited(io.RawIOBase):
    """A raw stream that raises once more than `limit` bytes have been read from it."""

    def __init__(self, source: Readable, limit: int, name: str) -> None:
        self._source = source
        self._left = limit
        self._limit = limit
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._source.read(len(buffer))
        self._left -= len(block)
        if self._left < 0:
            raise ArchiveTooLargeError(f"{self._name} unpacks to more than {self._limit:,} bytes")
        buffer[: len(block)] = block
        return len(block)
