"""Words as numbers: a batch of words of any lengths over a finite alphabet, padded to one array.

A symbol is a string (one character, or a whole word of a text); a word is a string of one-character symbols
or any sequence of symbols. Every part of the room takes words in either form and turns them into
:class:`Sequences` once, at its door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sequences:
    """Padded words.

    Attributes:
        codes: ``(words, time)`` int64, indices into the alphabet; what stands behind a word's end is never
            read.
        lengths: ``(words,)`` int64, number of symbols of each word, 0 for the empty word.
    """

    codes: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check shapes and lengths; raises ValueError."""
        if self.codes.ndim != 2 or self.lengths.shape != (len(self.codes),):
            raise ValueError(
                f"codes must be (words, time) and lengths (words,), got {self.codes.shape} and "
                f"{self.lengths.shape}"
            )
        if len(self.lengths) and not 0 <= self.lengths.min() <= self.lengths.max() <= self.codes.shape[1]:
            raise ValueError(
                f"lengths must lie in [0, {self.codes.shape[1]}], got {self.lengths.min()} to "
                f"{self.lengths.max()}"
            )

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.lengths)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """``(words, time)``, true where a symbol stands and false behind the end of its word."""
        return np.arange(self.codes.shape[1]) < self.lengths[:, None]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Sequences:
        """Return the words of ``rows`` (indices, a mask or a slice), padded to the longest of them."""
        lengths = self.lengths[rows]
        return Sequences(self.codes[rows, : int(lengths.max(initial=0))], lengths)


Words: TypeAlias = Sequences | Sequence[str] | Sequence[Sequence[str]]


def check_alphabet(alphabet: Iterable[str]) -> tuple[str, ...]:
    """Return the alphabet as a tuple.

    Raises:
        ValueError: for an empty alphabet, an empty symbol, or a symbol named twice.
    """
    symbols = tuple(alphabet)
    if not symbols or not all(isinstance(symbol, str) and symbol for symbol in symbols):
        raise ValueError(f"alphabet must be at least one non-empty string, got {symbols[:20]!r}")
    if len(set(symbols)) < len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise ValueError(f"alphabet must name each symbol once, got {twice!r} twice")
    return symbols


def encode(words: Words, alphabet: Sequence[str]) -> Sequences:
    """Turn words into numbers.

    Args:
        words: strings (where every symbol is one character) or sequences of symbols; :class:`Sequences` pass
            through, checked.
        alphabet: the symbols; a symbol's code is its index.

    Raises:
        ValueError: for a symbol outside the alphabet (it names the word and the symbol), for one string in
            place of several words, and for a string over symbols longer than one character.
    """
    if isinstance(words, Sequences):
        used = words.codes[words.mask]
        if used.size and not 0 <= used.min() <= used.max() < len(alphabet):
            raise ValueError(
                f"codes must lie in [0, {len(alphabet)}), one for each symbol of the alphabet, got "
                f"{used.min()} to {used.max()}"
            )
        return words
    if isinstance(words, str):
        raise ValueError(f"words must be several words, got the string {words!r}; write [{words!r}]")
    single = all(len(symbol) == 1 for symbol in alphabet)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    if single and all(isinstance(word, str) for word in words):
        flat = _codes_of_text("".join(words), alphabet)
    else:
        for word in words:
            if isinstance(word, str) and word and not single:
                raise ValueError(
                    f"{word!r} is a string, but the alphabet has symbols longer than one character; give "
                    f"words as lists of symbols, for example {word.split()!r}"
                )
        index = {symbol: code for code, symbol in enumerate(alphabet)}
        flat = np.fromiter(
            (index.get(symbol, -1) for word in words for symbol in word), np.int64, int(lengths.sum())
        )
    if flat.size and flat.min() < 0:
        at = int(np.argmax(flat < 0))
        number = int(np.searchsorted(np.cumsum(lengths), at, side="right"))
        symbol = words[number][at - int(lengths[:number].sum())]
        shown = ", ".join(map(repr, alphabet[:10])) + (", ..." if len(alphabet) > 10 else "")
        raise ValueError(
            f"word {number} has the symbol {symbol!r}, which is not in the alphabet ({shown}); leave the "
            "word out, or make the alphabet larger"
        )
    codes = np.zeros((len(lengths), int(lengths.max(initial=0))), np.int64)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = flat
    return Sequences(codes, lengths)


def _codes_of_text(text: str, alphabet: Sequence[str]) -> NDArray[np.int64]:
    """Return the code of each character, -1 where it is not in the alphabet."""
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known = np.array([ord(symbol) for symbol in alphabet], np.uint32)
    order = np.argsort(known)
    slot = np.minimum(np.searchsorted(known[order], points), len(known) - 1)
    return np.where(known[order][slot] == points, order[slot], -1)


def decode(sequences: Sequences, alphabet: Sequence[str]) -> list[str] | list[tuple[str, ...]]:
    """Return the words: strings if every symbol is one character, else tuples of symbols."""
    symbols = np.array(list(alphabet), dtype=object)
    rows = (symbols[row[:n]] for row, n in zip(sequences.codes, sequences.lengths))
    if all(len(symbol) == 1 for symbol in alphabet):
        return ["".join(row) for row in rows]
    return [tuple(row) for row in rows]


def from_codes(blocks: Sequence[NDArray[np.int64]]) -> Sequences:
    """Put blocks of equally long words, each ``(words, time)``, one below the other into one padded array."""
    return concatenate([Sequences(block, np.full(len(block), block.shape[1], np.int64)) for block in blocks])


def concatenate(parts: Sequence[Sequences]) -> Sequences:
    """Put batches of words one below the other."""
    width = max((part.codes.shape[1] for part in parts), default=0)
    codes = [np.pad(part.codes, ((0, 0), (0, width - part.codes.shape[1]))) for part in parts]
    lengths = [part.lengths for part in parts]
    return Sequences(
        np.concatenate([np.zeros((0, width), np.int64), *codes]),
        np.concatenate([np.zeros(0, np.int64), *lengths]),
    )


def require_words(sequences: Sequences, what: str) -> None:
    """Check a set that a network reads or learns from.

    Raises:
        ValueError: if it is empty or holds an empty word.
    """
    if len(sequences) == 0:
        raise ValueError(f"{what} must have at least one word, got none")
    if sequences.lengths.min() == 0:
        raise ValueError(
            f"{what} must have words of at least one symbol, but word {int(sequences.lengths.argmin())} has "
            "length 0; leave empty words out (the network's verdict on them is that on its zero state)"
        )


def require_labels(labels: object, sequences: Sequences, what: str) -> NDArray[np.bool_]:
    """Return labels ``(words,)`` as booleans, true for words of the language.

    Raises:
        ValueError: unless there is one label, 0 or 1, for each word.
    """
    array = np.asarray(labels)
    if array.shape != (len(sequences),) or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"{what} must hold one label, 0 or 1, for each of the {len(sequences)} words, got an array "
            f"of shape {array.shape} with values {np.unique(array)[:5].tolist()}"
        )
    return array.astype(bool)
