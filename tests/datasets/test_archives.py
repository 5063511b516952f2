"""Hostile and damaged archives: nothing is written outside the folder, nothing larger than declared."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from hsrnn.datasets.archives import extract, members
from hsrnn.datasets.cards import Download
from hsrnn.datasets.errors import ArchiveTooLargeError, DamagedArchiveError, UnsafeArchiveError

CONTENT = bytes(range(256)) * 40
SIZES = {"wanted.txt": len(CONTENT)}


def tar_of(*entries: tuple[tarfile.TarInfo | str, bytes]) -> bytes:
    """A tar.gz of files (a name and its bytes) and of ready-made members such as links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for entry, content in entries:
            member = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry)
            member.size = len(content)
            bundle.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zip_of(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for entry, content in entries:
            bundle.writestr(entry, content)
    return buffer.getvalue()


def unpack(tmp_path: Path, data: bytes, format: str, *, prefix: bool = False, limit: int = 10**6) -> bytes:
    """Extract `data` and return the wanted file; check that nothing else appeared anywhere."""
    archive = tmp_path / f"archive.{format}"
    archive.write_bytes(data)
    into = tmp_path / "into"
    into.mkdir()
    member = "" if format in ("plain", "gz") else "folder/wanted.txt"
    download = Download(
        "http://127.0.0.1/", format, {"wanted.txt": member}, unpacked_limit=limit, prefix=prefix
    )
    try:
        extract(archive, download, SIZES, into)
    finally:
        assert {path.name for path in tmp_path.rglob("*")} <= {archive.name, "into", "wanted.txt"}
    return (into / "wanted.txt").read_bytes()


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("plain", CONTENT),
        ("gz", gzip.compress(CONTENT)),
        ("zip", zip_of(("other.txt", b"x"), ("folder/wanted.txt", CONTENT))),
        ("tar.gz", tar_of(("./folder/other.txt", b"x"), ("./folder/wanted.txt", CONTENT), ("last", b"y"))),
    ],
)
def test_the_wanted_file_comes_out(tmp_path, format, data):
    assert unpack(tmp_path, data, format) == CONTENT


@pytest.mark.parametrize("format", ["plain", "gz", "zip", "tar.gz"])
def test_a_prefix_is_cut_and_anything_longer_is_refused(tmp_path, format):
    longer = CONTENT + b"!"
    data = {
        "plain": longer,
        "gz": gzip.compress(longer),
        "zip": zip_of(("folder/wanted.txt", longer)),
        "tar.gz": tar_of(("folder/wanted.txt", longer)),
    }[format]
    (tmp_path / "cut").mkdir()
    assert unpack(tmp_path / "cut", data, format, prefix=True) == CONTENT
    (tmp_path / "refused").mkdir()
    with pytest.raises(ArchiveTooLargeError, match="must have 10,240 bytes, but more come out"):
        unpack(tmp_path / "refused", data, format)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "folder/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:\\evil.txt"]
)
@pytest.mark.parametrize("format", ["zip", "tar.gz"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, name, format):
    make = zip_of if format == "zip" else tar_of
    with pytest.raises(UnsafeArchiveError, match="leaves the folder"):
        unpack(tmp_path, make((name, b"evil"), ("folder/wanted.txt", CONTENT)), format)


@pytest.mark.parametrize(
    "member",
    [
        link("folder/wanted.txt", "/etc/passwd"),
        link("folder/wanted.txt", "other.txt"),
        link("folder/wanted.txt", "folder/other.txt", tarfile.LNKTYPE),
        link("folder/elsewhere", "../../outside"),
        link("folder/elsewhere", "/etc"),
    ],
    ids=["absolute", "inside", "hard", "climbs", "absolute-elsewhere"],
)
def test_a_link_for_a_file_or_out_of_the_folder_is_refused(tmp_path, member):
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, tar_of((member, b""), ("folder/wanted.txt", CONTENT)), "tar.gz")


def test_a_harmless_link_beside_the_wanted_file_is_passed_over(tmp_path):
    data = tar_of((link("folder/latest", "../readme"), b""), ("folder/wanted.txt", CONTENT))
    assert unpack(tmp_path, data, "tar.gz") == CONTENT


def test_a_device_in_the_place_of_the_file_is_refused(tmp_path):
    member = link("folder/wanted.txt", "", tarfile.FIFOTYPE)
    with pytest.raises(UnsafeArchiveError, match="not a regular file"):
        unpack(tmp_path, tar_of((member, b"")), "tar.gz")


def test_a_link_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo("folder/wanted.txt")
    entry.external_attr = 0o120777 << 16
    with pytest.raises(UnsafeArchiveError, match="is a link"):
        unpack(tmp_path, zip_of((entry, b"/etc/passwd")), "zip")


def test_an_encrypted_member_is_refused(tmp_path):
    data = bytearray(zip_of(("folder/wanted.txt", CONTENT)))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DamagedArchiveError, match="encrypted"):
        unpack(tmp_path, bytes(data), "zip")


@pytest.mark.parametrize("format", ["plain", "gz", "zip", "tar.gz"])
@pytest.mark.parametrize("kept", [0.0, 0.2, 0.9, 0.99])
def test_a_truncated_archive_is_an_error(tmp_path, format, kept):
    noise = random.Random(0).randbytes(len(CONTENT))  # does not compress, so that every part of it matters
    data = {
        "plain": noise,
        "gz": gzip.compress(noise),
        "zip": zip_of(("folder/wanted.txt", noise)),
        "tar.gz": tar_of(("folder/wanted.txt", noise)),
    }[format]
    with pytest.raises(DamagedArchiveError):
        unpack(tmp_path, data[: int(kept * len(data))], format)


def test_a_changed_byte_breaks_the_checksum(tmp_path):
    data = bytearray(zip_of(("folder/wanted.txt", CONTENT)))
    data[data.index(b"PK\x01\x02") + 16] ^= 1
    with pytest.raises(DamagedArchiveError, match="truncated or damaged"):
        unpack(tmp_path, bytes(data), "zip")


@pytest.mark.parametrize("format", ["zip", "tar.gz"])
def test_an_archive_without_the_file(tmp_path, format):
    make = zip_of if format == "zip" else tar_of
    with pytest.raises(DamagedArchiveError, match="does not hold folder/wanted.txt"):
        unpack(tmp_path, make(("folder/another.txt", CONTENT)), format)


def test_a_bomb_stops_at_the_limit(tmp_path):
    data = tar_of(("folder/zeros", bytes(3 * 10**6)), ("folder/wanted.txt", CONTENT))
    assert len(data) < 20_000
    with pytest.raises(ArchiveTooLargeError, match="unpacks to more than 1,000,000 bytes"):
        unpack(tmp_path, data, "tar.gz")


def read(tmp_path: Path, archive: bytes, *, limit: int = 10**6, largest: int = 10**5) -> dict[str, bytes]:
    path = tmp_path / "many.tar.gz"
    path.write_bytes(archive)
    return {str(name): content for name, content in members(path, limit=limit, largest=largest)}


def test_members_are_read_in_memory_and_links_passed_over(tmp_path):
    archive = tar_of(("a/one", CONTENT), (link("a/two", "/etc/passwd"), b""), ("a/../b", b"x"))
    assert read(tmp_path, archive) == {"a/one": CONTENT, "b": b"x"}
    assert [path.name for path in tmp_path.iterdir()] == ["many.tar.gz"]


def test_members_that_are_hostile_or_damaged_are_refused(tmp_path):
    archive = tar_of(("a/one", CONTENT))
    with pytest.raises(ArchiveTooLargeError, match="more than 100"):
        read(tmp_path, archive, largest=100)
    with pytest.raises(ArchiveTooLargeError, match="unpacks to more than 5,000 bytes"):
        read(tmp_path, archive, limit=5000)
    with pytest.raises(UnsafeArchiveError, match="leaves the folder"):
        read(tmp_path, tar_of(("../evil", b"x")))
    noise = random.Random(0).randbytes(50_000)
    for cut in (100, 20_000, 5):
        with pytest.raises(DamagedArchiveError, match="truncated or damaged"):
            read(tmp_path, tar_of(("a", noise))[:-cut])
