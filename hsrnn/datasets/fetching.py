"""Fetch the files of a card: the official source first, then each mirror, until one delivers the right bytes.

Everything happens in a temporary folder inside the cache; a file gets its final name, by one atomic rename,
only after its SHA-256 has been verified. A download that fails a check is kept beside as `<name>.bad` for
inspection.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pooch
import requests

from hsrnn.datasets.archives import extract
from hsrnn.datasets.cards import Card, Download
from hsrnn.datasets.errors import DatasetError, FetchError, OfflineError, WrongHashError
from hsrnn.datasets.storage import set_aside, sha256_of

TIMEOUT = 30.0
_log = logging.getLogger(__name__)


def offline() -> bool:
    """Return whether `HSRNN_OFFLINE` forbids the network (any value but empty, 0, false and no)."""
    return os.environ.get("HSRNN_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


def fetch_card(card: Card, folder: Path, *, progress: bool = True) -> None:
    """Fetch all files of `card` into `folder`, which is created; shows a progress bar on standard error.

    Raises:
        OfflineError: `HSRNN_OFFLINE` forbids the network.
        FetchError: no source delivered the right files; `causes` holds what went wrong with each.
    """
    if offline():
        raise OfflineError(
            f"{card.name} is neither in HSRNN_DATA nor in the cache, and HSRNN_OFFLINE forbids the network; "
            f"unset HSRNN_OFFLINE, or put {', '.join(card.files)} from {card.source} into {folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    causes: list[Exception] = []
    report = []
    for source in card.sources:
        addresses = " and ".join(dict.fromkeys(urlsplit(download.url).netloc for download in source))
        try:
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as work:
                _fetch_source(card, source, Path(work), folder, progress)
            return
        except (DatasetError, requests.RequestException, OSError) as error:
            _log.warning("%s could not be fetched from %s: %s", card.name, addresses, error)
            causes.append(error)
            report.append(f"  {addresses}: {type(error).__name__}: {error}")
    raise FetchError(
        f"no source delivered {card.name}; put {', '.join(card.files)} into <HSRNN_DATA>/{card.folder} "
        "yourself, or try again later. Tried in this order:\n" + "\n".join(report),
        tuple(causes),
    )


def _fetch_source(card: Card, source: tuple[Download, ...], work: Path, folder: Path, progress: bool) -> None:
    for download in source:
        archive = work / "archive" / PurePosixPath(unquote(urlsplit(download.url).path)).name
        archive.parent.mkdir(exist_ok=True)
        pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT)(download.url, str(archive), None)
        try:
            _check_download(archive, download)
            extract(archive, download, card.sizes, work)
            for name in download.members:
                _check_file(work / name, card.files[name], download)
        except DatasetError:
            set_aside(archive, folder)
            raise
    for name in card.files:
        os.replace(work / name, folder / name)


def _check_download(archive: Path, download: Download) -> None:
    algorithm, _, expected = download.hash.partition(":")
    if not expected:
        return
    actual = pooch.file_hash(str(archive), alg=algorithm)
    if actual != expected:
        raise WrongHashError(
            f"{archive.name} from {download.url} must have {algorithm} {expected}, got {actual} "
            f"({archive.stat().st_size:,} bytes)"
        )


def _check_file(path: Path, expected: str, download: Download) -> None:
    actual = sha256_of(path)
    if actual != expected:
        raise WrongHashError(
            f"{path.name} from {download.url} must have SHA-256 {expected}, got {actual} "
            f"({path.stat().st_size:,} bytes)"
        )
