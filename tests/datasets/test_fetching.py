"""Fetching from a server on this machine: hashes, mirrors, broken transfers, the offline switch."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from hsrnn.datasets import load
from hsrnn.datasets.cards import Card, Download
from hsrnn.datasets.errors import (
    ArchiveTooLargeError,
    DamagedArchiveError,
    FetchError,
    OfflineError,
    UnsafeArchiveError,
    WrongHashError,
)
from hsrnn.datasets.fetching import fetch_card, offline

TRAIN, TEST = b"the old dog slept\n" * 100, b"a queen sang\n" * 20
FILES = {"train.txt": TRAIN, "test.txt": TEST}


def tar_of(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            bundle.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def card_of(*sources: tuple[Download, ...]) -> Card:
    return Card(
        name="small",
        title="A small text",
        source="http://127.0.0.1/official",
        licence="none",
        shape="two files",
        folder="small",
        files={name: sha256(content) for name, content in FILES.items()},
        sizes={name: len(content) for name, content in FILES.items()},
        sources=sources,
    )


def archive_at(server, path: str, data: bytes, hash: str = "") -> Download:
    server.pages[path] = data
    members = {"train.txt": "data/train.txt", "test.txt": "data/test.txt"}
    return Download(server.address + path, "tar.gz", members, hash, unpacked_limit=10**6)


def good_archive() -> bytes:
    return tar_of(("./data/train.txt", TRAIN), ("./data/readme", b"x"), ("./data/test.txt", TEST))


def left_over(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def assert_complete(folder: Path) -> None:
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize("algorithm", ["", "md5", "sha256"])
def test_an_archive_is_fetched_verified_and_unpacked(server, cache, algorithm):
    data = good_archive()
    hash = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" if algorithm else ""
    fetch_card(card_of((archive_at(server, "/data.tgz", data, hash),)), cache)
    assert_complete(cache)
    assert left_over(cache) == set(FILES)
    assert server.requests == ["/data.tgz"]


def test_a_progress_bar_is_shown(server, cache, capsys):
    fetch_card(card_of((archive_at(server, "/data.tgz", good_archive()),)), cache)
    assert "100%" in capsys.readouterr().err


def test_plain_and_gzip_files_make_one_source(server, cache):
    server.pages |= {"/train.txt": TRAIN, "/test.txt.gz": gzip.compress(TEST)}
    source = (
        Download(server.address + "/train.txt", "plain", {"train.txt": ""}),
        Download(server.address + "/test.txt.gz", "gz", {"test.txt": ""}),
    )
    fetch_card(card_of(source), cache, progress=False)
    assert_complete(cache)


def failure(card: Card, folder: Path) -> Exception:
    """Fetch, which must fail at its only source, and return the cause."""
    with pytest.raises(FetchError, match="no source delivered small") as caught:
        fetch_card(card, folder, progress=False)
    (cause,) = caught.value.causes
    assert f"{type(cause).__name__}: {cause}" in str(caught.value)
    return cause


def test_a_wrong_archive_hash_sets_the_archive_aside(server, cache):
    download = archive_at(server, "/data.tgz", good_archive(), "md5:" + "0" * 32)
    cause = failure(card_of((download,)), cache)
    assert isinstance(cause, WrongHashError) and "must have md5 000" in str(cause)
    assert left_over(cache) == {"data.tgz.bad"}
    assert (cache / "data.tgz.bad").read_bytes() == good_archive()


def test_a_wrong_file_inside_a_good_archive_is_not_kept(server, cache):
    data = tar_of(("data/train.txt", TRAIN), ("data/test.txt", TEST.replace(b"queen", b"quine")))
    cause = failure(card_of((archive_at(server, "/data.tgz", data),)), cache)
    assert isinstance(cause, WrongHashError) and sha256(TEST) in str(cause)
    assert left_over(cache) == {"data.tgz.bad"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (good_archive()[:-40], DamagedArchiveError),
        (b"<html>moved</html>", DamagedArchiveError),
        (
            tar_of(("../../evil", b"x"), ("data/train.txt", TRAIN), ("data/test.txt", TEST)),
            UnsafeArchiveError,
        ),
        (tar_of(("data/train.txt", TRAIN + b"!"), ("data/test.txt", TEST)), ArchiveTooLargeError),
    ],
    ids=["truncated", "not-an-archive", "traversal", "too-large"],
)
def test_bad_archives_leave_nothing_but_the_bad_file(server, cache, data, kind):
    cause = failure(card_of((archive_at(server, "/data.tgz", data),)), cache)
    assert isinstance(cause, kind)
    assert left_over(cache) == {"data.tgz.bad"}
    assert left_over(cache.parent) == {"cache"}


def test_a_transfer_that_breaks_off_leaves_nothing(server, cache):
    download = archive_at(server, "/data.tgz", good_archive())
    server.cut["/data.tgz"] = 10
    failure(card_of((download,)), cache)
    assert left_over(cache) == set()


def test_the_mirror_is_used_when_the_official_source_fails(server, cache, caplog):
    missing = Download(server.address + "/gone.tgz", "tar.gz", {}, unpacked_limit=1)
    wrong = archive_at(server, "/wrong.tgz", good_archive()[:-40])
    good = archive_at(server, "/good.tgz", good_archive())
    unused = archive_at(server, "/unused.tgz", good_archive())
    fetch_card(card_of((missing,), (wrong,), (good,), (unused,)), cache, progress=False)
    assert_complete(cache)
    assert server.requests == ["/gone.tgz", "/wrong.tgz", "/good.tgz"]
    assert "404" in caplog.text and "truncated or damaged" in caplog.text


def test_when_all_sources_fail_each_is_named(server, cache):
    missing = Download(server.address + "/gone.tgz", "tar.gz", {}, unpacked_limit=1)
    with pytest.raises(FetchError, match="(?s)404.*DamagedArchiveError") as caught:
        fetch_card(card_of((missing,), (archive_at(server, "/bad.tgz", b"bad"),)), cache, progress=False)
    assert len(caught.value.causes) == 2


def test_a_file_that_was_there_before_is_not_lost_to_a_failed_fetch(server, cache):
    cache.mkdir()
    (cache / "train.txt").write_bytes(TRAIN)
    failure(card_of((archive_at(server, "/data.tgz", b"bad"),)), cache)
    assert (cache / "train.txt").read_bytes() == TRAIN


def test_offline_forbids_the_network(server, cache, monkeypatch):
    monkeypatch.setenv("HSRNN_OFFLINE", "1")
    with pytest.raises(
        OfflineError, match="small is neither in HSRNN_DATA nor in the cache, and HSRNN_OFFLINE"
    ):
        fetch_card(card_of((archive_at(server, "/data.tgz", good_archive()),)), cache)
    with pytest.raises(OfflineError, match="put ptb.train.txt"):
        load("ptb")
    assert server.requests == [] and not cache.exists()


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("true", True), ("0", False), ("", False), ("No", False)]
)
def test_the_offline_switch(monkeypatch, value, expected):
    monkeypatch.setenv("HSRNN_OFFLINE", value)
    assert offline() is expected
