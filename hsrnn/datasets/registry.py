"""The data sets by name: load one, list them, fetch one, check one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hsrnn.datasets import ccp, cifar, corpora, iam, idx, labelled, parts, pictures, scenes, strokes
from hsrnn.datasets.cards import NAMES, Card, read_card
from hsrnn.datasets.errors import DatasetError, MissingFileError
from hsrnn.datasets.fetching import fetch_card
from hsrnn.datasets.labelled import Reviews
from hsrnn.datasets.parts import Parts
from hsrnn.datasets.pictures import Pictures
from hsrnn.datasets.scenes import Scenes
from hsrnn.datasets.storage import Location, Place, cache_folder, locate, locate_brought, verify
from hsrnn.datasets.strokes import Strokes
from hsrnn.datasets.text import SPLITS, Corpus

Loaded = Corpus | Strokes | Reviews | Pictures | Scenes | Parts
GENERATED: Mapping[str, Callable[..., Loaded]] = {
    "generated": corpora.generated,
    "strokes": strokes.generated,
    "reviews": labelled.generated_reviews,
    "digits": pictures.digits,
    "scenes": lambda card, digits="digits", **days: scenes.generated_scenes(card, load(digits), **days),
    "figures": parts.generated_figures,
}
_OPTIONS: Mapping[str, tuple[str, ...]] = {"sst2": ("min_count",), "ccp": ("size", "seed")}
_BUILD: Mapping[str, Callable[..., Corpus | Reviews | Pictures]] = {
    "ptb": corpora.ptb,
    "text8": corpora.byte_stream,
    "enwik8": corpora.byte_stream,
    "text8-prefix": corpora.byte_stream,
    "enwik8-prefix": corpora.byte_stream,
    "sst2": labelled.sst2,
    "mnist": idx.idx_pictures,
    "fashion-mnist": idx.idx_pictures,
    "cifar10": cifar.binary,
    "cifar10-jpg": cifar.jpeg_copy,
}


class _Brought(NamedTuple):
    """How a data set of thousands of files that users bring is found and read."""

    holds: Callable[[Path], object]
    how: Callable[[Card], str]
    read: Callable[..., Loaded]

    def required(self, card: Card) -> Location:
        """Return where the files are, or raise a MissingFileError that says how to get them."""
        location = locate_brought(card, self.holds)
        if location is None:
            raise MissingFileError(self.how(card))
        return location


_BROUGHT: Mapping[str, _Brought] = {
    "iam-ondb": _Brought(
        iam.lines_in, iam.how_to_bring, lambda card, at: iam.iam_ondb(card, iam.read_ink(at))
    ),
    "ccp": _Brought(ccp.labels_in, ccp.how_to_bring, ccp.load_ccp),
}


@dataclass(frozen=True)
class Availability:
    """One line of `hsrnn data list`: `size` in bytes; `folder` is None unless the files are here.

    `problem` says what is wrong with `HSRNN_DATA` for this data set, and is empty where nothing is.
    """

    name: str
    title: str
    place: Place
    folder: Path | None
    size: int
    problem: str = ""


@dataclass(frozen=True)
class CheckReport:
    """What `check` found: hashes by file (or split), counts of `unit` by split, types, and all problems."""

    name: str
    place: Place
    hashes: Mapping[str, str]
    counts: Mapping[str, int]
    types: int
    problems: tuple[str, ...]
    unit: str = "symbols"

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems


def load(name: str, **options: Any) -> Loaded:
    """Return a data set, fetched first if it is not on this machine; every file is verified each time.

    Args:
        name: a text, "generated" (needs no file), "ptb", "text8", "enwik8", "text8-prefix" or
            "enwik8-prefix"; or handwriting, "strokes" (generated, needs no file) or "iam-ondb" (files of
            your own); or labelled sentences, "reviews" (generated, needs no file) or "sst2"; or labelled
            pictures, "digits" (inside scikit-learn, needs no file), "mnist", "fashion-mnist", "cifar10", or
            "cifar10-jpg" (a lossy copy of your own); or pictures of rooms, "scenes" (generated, needs no
            file); or pictures with a part for every pixel, "figures" (generated, needs no file) or "ccp"
            (files of your own).
        options: for "generated" only: `length` in characters over all splits (1,000,000), `seed` (0) and
            `spaces` (True; False leaves out the spaces between words). For "strokes" only: `lines` over all
            splits (2,000), `letters` a line (12) and `seed` (0). For "reviews" only: the numbers of reviews
            `train` (4000), `valid` (1000) and `test` (1000), and `seed` (0). For "sst2" only: `min_count`
            (2); rarer words are `<unk>`. For "scenes" only: `digits` ("digits", or "mnist"), the numbers of
            days `train` (125), `valid` (20) and `days` of the year (365), and `seed` (0). For "figures" only:
            the numbers of pictures `train` (400), `valid` (100) and `test` (100), their `size` (64 pixels)
            and `seed` (0). For "ccp" only: `size`, (height, width) to bring all to ((150, 100); None: as
            they are), and the `seed` (0) of the split.

    Returns:
        A `Corpus` for a text, `Strokes` for handwriting, `Reviews` for labelled sentences, `Pictures` for
        labelled pictures, `Scenes` for pictures of rooms, `Parts` for those with a part for every pixel.

    Raises:
        UnknownDatasetError: no such name.
        DatasetError: a file is missing, wrong or cannot be fetched; the subclass says which.
        TypeError: an option that this data set does not have.
    """
    card = read_card(name)
    if name in GENERATED:
        return GENERATED[name](card, **options)
    allowed = _OPTIONS.get(name, ())
    if set(options) - set(allowed):
        raise TypeError(
            f"load({name!r}) takes {' and '.join(allowed) or 'no options'}, got {', '.join(options)}; only "
            f"{', '.join([*GENERATED, *_OPTIONS])} have some"
        )
    if name in _BROUGHT:
        brought = _BROUGHT[name]
        return brought.read(card, brought.required(card), **options)
    location = locate(card) or _fetched(card)
    return _BUILD[name](card, location.folder, verify(card, location), **options)


def fetch(name: str) -> Path | None:
    """Make sure that the files of `name` are here and right; return their folder (None: needs no file).

    For "iam-ondb", which may not be passed on, and "ccp" the files have to be there already.

    Raises:
        DatasetError: as for `load`.
    """
    card = read_card(name)
    if name in GENERATED:
        return None
    if name in _BROUGHT:
        return _BROUGHT[name].required(card).folder
    location = locate(card) or _fetched(card)
    verify(card, location)
    return location.folder


def available() -> tuple[Availability, ...]:
    """Return every data set and where it is here, without reading the data or using the network."""
    return tuple(_availability(read_card(name)) for name in NAMES)


def _availability(card: Card) -> Availability:
    size = sum(card.sizes.values())
    if card.name in GENERATED:
        return Availability(card.name, card.title, "embedded", None, size)
    try:
        brought = _BROUGHT.get(card.name)
        location = locate_brought(card, brought.holds) if brought else locate(card)
    except MissingFileError as error:
        return Availability(card.name, card.title, "not here", None, size, str(error))
    if location is None:
        return Availability(card.name, card.title, "not here", None, size)
    return Availability(card.name, card.title, location.place, location.folder, size)


def check(name: str) -> CheckReport:
    """Verify the hashes and counts of a data set that is on this machine; nothing is fetched.

    Raises:
        UnknownDatasetError: no such name.
    """
    card = read_card(name)
    location = None
    try:
        if name in GENERATED:
            made = GENERATED[name](card)
            return _report(made, "embedded", _differences(card, made))
        if name in _BROUGHT:
            location = _BROUGHT[name].required(card)
            found = _BROUGHT[name].read(card, location)
            skipped = [
                f"{path} is left out: {fault}" for path, fault in getattr(found, "skipped", {}).items()
            ]
            return _report(found, location.place, skipped + _differences(card, found))
        location = locate(card)
        if location is None:
            problem = f"{name} is not on this machine; get it with: hsrnn data get {name}"
            return CheckReport(name, "not here", {}, {}, 0, (problem,))
        return _report(_BUILD[name](card, location.folder, verify(card, location)), location.place, [])
    except DatasetError as error:
        place = location.place if location else "not here"
        return CheckReport(name, place, {}, {}, 0, (str(error),), card.unit)


def _differences(card: Card, found: Loaded) -> list[str]:
    """Name every hash that is not the card's."""
    return [
        f"{key} must have SHA-256 {expected}, got {found.hashes.get(key, 'nothing of that name')}"
        for key, expected in card.files.items()
        if found.hashes.get(key) != expected
    ]


def _report(found: Loaded, place: Place, problems: list[str]) -> CheckReport:
    counts = {split: len(getattr(found, split)) for split in SPLITS}
    types = 0
    if not isinstance(found, Strokes | Scenes):
        types = len(found.classes if isinstance(found, Pictures | Parts) else found.vocabulary)
    return CheckReport(found.name, place, found.hashes, counts, types, tuple(problems), found.card.unit)


def _fetched(card: Card) -> Location:
    if not card.sources:
        raise MissingFileError(
            f"{card.name} is not on this machine and cannot be fetched; put {', '.join(card.files)} into "
            f"<HSRNN_DATA>/{card.folder}. {card.note}"
        )
    folder = cache_folder() / card.folder
    fetch_card(card, folder)
    return Location("cache", folder)
