"""Texts as codes: the vocabulary, the corpus with its three splits, and any UTF-8 file of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import InvalidTextError, MissingFileError, TooFewSymbolsError, UnknownSymbolError

Codes = NDArray[np.unsignedinteger]
SPLITS = ("train", "valid", "test")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
BLOCK = 2**22


@dataclass(frozen=True)
class Vocabulary:
    """An ordered set of symbols (single characters); the code of a symbol is its place in `symbols`.

    With a `replacement`, which must be one of the symbols, `encode` maps every unknown symbol to it.
    """

    symbols: tuple[str, ...]
    replacement: str | None = None

    def __post_init__(self) -> None:
        if not self.symbols or any(len(symbol) != 1 for symbol in self.symbols):
            raise ValueError(f"symbols must be single characters, at least one, got {self.symbols[:10]!r}")
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols must not repeat")
        if len(self.symbols) > 2**16:
            raise ValueError(f"a vocabulary holds at most 65,536 symbols, got {len(self.symbols):,}")
        if self.replacement is not None and self.replacement not in self.symbols:
            raise ValueError(f"replacement must be one of the symbols, got {self.replacement!r}")

    @classmethod
    def of(cls, text: str, replacement: str | None = None) -> Vocabulary:
        """Return the vocabulary of all symbols of `text`, and of the replacement, in code point order."""
        symbols = set(text) if replacement is None else {*text, replacement}
        return cls(tuple(sorted(symbols)), replacement)

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.symbols

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The smallest unsigned integer type that holds every code."""
        return np.uint8 if len(self) <= 2**8 else np.uint16

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        points = np.array([ord(symbol) for symbol in self.symbols])
        unknown = -1 if self.replacement is None else self.symbols.index(self.replacement)
        table = np.full(points.max() + 2, unknown, dtype=np.int32)
        table[points] = np.arange(len(self))
        return table

    def encode(self, text: str, where: str = "the text") -> Codes:
        """Return the codes of `text`, shape (len(text),), uint8 up to 256 symbols and uint16 above.

        Raises:
            UnknownSymbolError: a symbol is not in the vocabulary and there is no replacement; `where` names
                the text.
        """
        codes = np.empty(len(text), dtype=self.dtype)
        # In blocks, because a code point takes four bytes and text8 has a hundred million.
        for start in range(0, len(text), BLOCK):
            block = text[start : start + BLOCK]
            points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), dtype="<u4")
            # The last entry of the table stands for every code point beyond the largest known one.
            found = self._table[np.minimum(points, len(self._table) - 1)]
            if found.min() < 0:
                position = int(np.argmax(found < 0))
                symbol = block[position]
                raise UnknownSymbolError(
                    f"symbol {symbol!r} (U+{ord(symbol):04X}) at position {start + position} of {where} "
                    f"is not among the {len(self)} symbols of the vocabulary; remove it, or load a file of "
                    f'your own with load_text(path, unknown="replace")',
                    symbol,
                    start + position,
                )
            codes[start : start + BLOCK] = found
        return codes

    def decode(self, codes: NDArray[Any]) -> str:
        """Return the text of 1-D `codes`.

        Raises:
            ValueError: `codes` is not a 1-D integer array, or a code is negative or not below `len(self)`.
        """
        codes = np.asarray(codes)
        if codes.ndim != 1 or (codes.size and not np.issubdtype(codes.dtype, np.integer)):
            raise ValueError(f"codes must be a 1-D integer array, got shape {codes.shape} of {codes.dtype}")
        if codes.size and not 0 <= codes.min() <= codes.max() < len(self):
            raise ValueError(
                f"codes must lie between 0 and {len(self) - 1}, got {int(codes.min())} to {int(codes.max())}"
            )
        return "".join(map(self.symbols.__getitem__, codes.tolist()))


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text in three splits of codes, read-only 1-D arrays of uint8 or uint16.

    `boundaries[split][level]` is a bool array as long as the split, True at the LAST LETTER of each unit, for
    the levels "word", "phrase" and "sentence"; it is empty unless the corpus is generated. `floor[split]` is
    the score in bits per character of the grammar that generated the split (see `hsrnn.datasets.grammar`);
    empty for texts by people, whose floor nobody knows. `hashes` maps each file (or each generated split) to
    its SHA-256.
    """

    name: str
    vocabulary: Vocabulary
    train: Codes
    valid: Codes
    test: Codes
    card: Card
    hashes: Mapping[str, str]
    boundaries: Mapping[str, Mapping[str, NDArray[np.bool_]]] = field(default_factory=dict)
    floor: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        return f"Corpus({self.name!r}, {len(self.vocabulary)} symbols, {sizes})"


def corpus_of(
    texts: Mapping[str, str],
    vocabulary: Vocabulary,
    card: Card,
    hashes: Mapping[str, str],
    boundaries: Mapping[str, Mapping[str, NDArray[np.bool_]]] | None = None,
    floor: Mapping[str, float] | None = None,
) -> Corpus:
    """Encode the texts of the three splits and return the corpus; an unknown symbol is an error."""
    train, valid, test = (
        vocabulary.encode(texts[split], f"the {split} part of {card.name}") for split in SPLITS
    )
    for codes in (train, valid, test):
        codes.flags.writeable = False
    return Corpus(
        name=card.name,
        vocabulary=vocabulary,
        train=train,
        valid=valid,
        test=test,
        card=card,
        hashes=dict(hashes),
        boundaries=boundaries or {},
        floor=floor or {},
    )


def split_text(text: str) -> dict[str, str]:
    """Cut `text` into its first 90 %, the next 5 % and the rest, in whole symbols.

    Raises:
        TooFewSymbolsError: fewer than 20 symbols, so that a split would be empty.
    """
    if len(text) < 20:
        raise TooFewSymbolsError(
            f"a 90/5/5 % split needs at least 20 symbols, got {len(text)}; use a longer text"
        )
    train, valid = len(text) * 90 // 100, len(text) * 5 // 100
    return {"train": text[:train], "valid": text[train : train + valid], "test": text[train + valid :]}


def eos_form(text: str) -> str:
    """Return the EOS form of a text: words separated by one space, each sentence (line) ended by a newline.

    The leading and trailing space of each line, which carry almost no information, are gone. Source: the
    character corpus of Mikolov et al. (2012), which writes the space as `_`; here symbols are natural, " "
    and "\\n" (EOS).
    """
    lines = text.removesuffix("\n").split("\n")
    return "".join(" ".join(line.split()) + "\n" for line in lines)


def read_utf8(path: Path) -> str:
    """Return the text of a UTF-8 file unchanged (no newline translation).

    Raises:
        MissingFileError: there is no such file.
        InvalidTextError: the file is empty, or is not UTF-8 (the error names the byte offset).
    """
    if not path.is_file():
        raise MissingFileError(f"{path} is not a file; give the path of a UTF-8 text file")
    data = path.read_bytes()
    if not data:
        raise InvalidTextError(f"{path} is empty; give a text of at least 20 symbols")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidTextError(
            f"{path} is not valid UTF-8: byte 0x{data[error.start]:02x} at offset {error.start} "
            f"({error.reason}); convert it first, for example with iconv -t UTF-8"
        ) from error


def load_text(path: str | PathLike[str], *, unknown: str = "error") -> Corpus:
    """Load any UTF-8 text file of your own, split 90/5/5 % in order; nothing is normalised.

    The vocabulary is built from the training part. A symbol that only occurs later is an
    `UnknownSymbolError`, or, with `unknown="replace"`, becomes U+FFFD, which then is one more symbol of the
    vocabulary. A model has never seen it in training, so it pays many bits for it: say so beside the score.

    Raises:
        MissingFileError, InvalidTextError, TooFewSymbolsError, UnknownSymbolError: as their names say.
        ValueError: `unknown` is neither "error" nor "replace".
    """
    if unknown not in ("error", "replace"):
        raise ValueError(f'unknown must be "error" or "replace", got {unknown!r}')
    path = Path(path)
    text = read_utf8(path)
    texts = split_text(text)
    vocabulary = Vocabulary.of(texts["train"], REPLACEMENT if unknown == "replace" else None)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    card = Card(
        name=path.name,
        title=f"A text file of your own: {path.name}",
        source=str(path),
        licence="the file's own",
        shape=f"{len(text):,} symbols, split 90/5/5 %",
        files={path.name: digest},
        sizes={path.name: path.stat().st_size},
        counts={split: len(text) for split, text in texts.items()},
        types=len(vocabulary),
    )
    return corpus_of(texts, vocabulary, card, {path.name: digest})
