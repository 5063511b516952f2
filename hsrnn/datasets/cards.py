"""A card says what a data set is, where it comes from, on what terms, and how to recognise its files.

The cards are the JSON files of `data/cards/`. They are the only place where an address, a hash or an expected
count is written down; loading, fetching and checking all read them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hsrnn.datasets.errors import DatasetError, UnknownDatasetError
from hsrnn.datasets.shipped import shipped

REVIEWS = ("reviews", "sst2")
PICTURES = ("digits", "mnist", "fashion-mnist", "cifar10", "cifar10-jpg")
PARTS = ("figures", "ccp")
NAMES = (
    *("generated", "ptb", "text8", "enwik8", "text8-prefix", "enwik8-prefix"),
    *("strokes", "iam-ondb"),
    *REVIEWS,
    *PICTURES,
    "scenes",
    *PARTS,
)

Format = Literal["plain", "gz", "zip", "tar.gz"]


@dataclass(frozen=True)
class Download:
    """One address and the files that come out of it.

    `members` maps a file of the card to its path inside the archive ("" for `plain` and `gz`: one file).
    `hash` is `"sha256:..."` or `"md5:..."` of the download, or "" where only the content's hash is known.
    `unpacked_limit` is the largest number of bytes that the whole archive may unpack to.
    `prefix` says that a file is only the first bytes of its member, as many as the card gives it.
    """

    url: str
    format: Format
    members: Mapping[str, str]
    hash: str = ""
    unpacked_limit: int = 0
    prefix: bool = False


@dataclass(frozen=True)
class Card:
    """What there is to know about one data set; `files` maps a file name to its SHA-256.

    `sizes` holds bytes for each file, `counts` what `unit` says (symbols, lines of handwriting, reviews,
    pictures or scenes) for each split, `types` the number of distinct symbols, words or classes, 0 where
    there are none. Each entry of `sources` is a complete way to fetch the data: the official source first,
    then the mirrors; none where users must get it themselves.
    """

    name: str
    title: str
    source: str
    licence: str
    shape: str
    citation: str = ""
    note: str = ""
    folder: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    types: int = 0
    unit: str = "symbols"
    sources: tuple[tuple[Download, ...], ...] = ()


def read_card(name: str) -> Card:
    """Return the card of the data set `name`.

    Raises:
        UnknownDatasetError: there is no such data set.
        DatasetError: the card is not a JSON object with the fields of `Card`.
    """
    if name not in NAMES:
        raise UnknownDatasetError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    path = shipped(f"cards/{name}.json")
    try:
        return card_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path} is not a valid card: {error}; reinstall the package") from error


def card_from_json(entry: Mapping[str, Any]) -> Card:
    """Build a `Card` from the parsed JSON of `data/cards/<name>.json`."""
    files = entry.get("files", {})
    plain = {key: value for key, value in entry.items() if key not in ("files", "sources")}
    return Card(
        files={name: file["sha256"] for name, file in files.items()},
        sizes={name: file["bytes"] for name, file in files.items()},
        sources=tuple(tuple(Download(**each) for each in source) for source in entry.get("sources", [])),
        **plain,
    )
