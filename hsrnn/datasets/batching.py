"""Cut one long sequence into rows read side by side, and each row into chunks between which state is carried.

A language model predicts symbol t+1 from the symbols up to t. With `rows` rows of P predictions each, row r
reads symbols r*P .. (r+1)*P: it starts on the symbol that row r-1 ended on, and predicts from there. In the
same way each chunk starts on the symbol that the chunk before it ended on. So every symbol but the very first
is a target exactly once, however the sequence is cut, and only the remainder at the end (fewer than `rows`
symbols) is left out.

Sequences that stand alone, such as lines of handwriting, are put into batches of like length instead:
`length_batches`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.errors import TooFewSymbolsError


class ContiguousRows:
    """The chunks of a 1-D integer sequence, laid out in contiguous rows for truncated back-propagation.

    `rows[i]` is `(inputs, targets)`, both int64 of shape (rows, T_i), where `targets` are `inputs` shifted by
    one symbol. T_i is `length` for every chunk but the last, which holds what is left (1 to `length`
    predictions).

    Args:
        codes: (N,) symbol codes, of any integer dtype.
        rows: number of rows read side by side (the batch size).
        length: predictions a chunk, that is the number of time steps of truncated back-propagation.
        offset: 0 .. N-1; the sequence is rolled so that it starts at this symbol and wraps round to the
            beginning. A new offset for each epoch shifts where rows and chunks start. It makes one joint that
            is not in the text.

    Raises:
        TooFewSymbolsError: fewer than `rows * length + 1` symbols, so that not even one full chunk exists.
        ValueError: an argument is out of range or `codes` is not a 1-D integer array.
    """

    def __init__(self, codes: NDArray[Any], rows: int, length: int, offset: int = 0) -> None:
        codes = np.asarray(codes)
        if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(f"codes must be a 1-D integer array, got shape {codes.shape} of {codes.dtype}")
        if rows < 1:
            raise ValueError(f"rows must be at least 1, got {rows}")
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        needed = rows * length + 1
        if len(codes) < needed:
            raise TooFewSymbolsError(
                f"{rows} rows of chunks of {length} predictions need at least {rows} * {length} + 1 = "
                f"{needed} symbols, got {len(codes)}; use fewer rows, shorter chunks or a longer text"
            )
        if not 0 <= offset < len(codes):
            raise ValueError(
                f"offset must lie between 0 and {len(codes) - 1} for {len(codes)} symbols, got {offset}"
            )
        self.rows = rows
        self.length = length
        self.offset = offset
        rolled = np.roll(codes, -offset) if offset else codes
        self._steps = (len(codes) - 1) // rows
        starts = self._steps * np.arange(rows)
        self._symbols = np.stack([rolled[start : start + self._steps + 1] for start in starts])
        self.remainder = len(codes) - 1 - rows * self._steps

    @property
    def predictions(self) -> int:
        """The number of targets in all chunks together: every symbol but the first and the remainder."""
        return self.rows * self._steps

    def __len__(self) -> int:
        return -(-self._steps // self.length)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        position = operator.index(index)
        if position < 0:
            position += len(self)
        if not 0 <= position < len(self):
            raise IndexError(f"chunk {index} does not exist, there are {len(self)} chunks")
        start = position * self.length
        window = self._symbols[:, start : start + self.length + 1].astype(np.int64)
        return window[:, :-1], window[:, 1:]

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return (self[index] for index in range(len(self)))


def length_batches(
    lengths: Sequence[int] | NDArray[np.integer], rows: int, *, random: np.random.RandomState, pool: int = 20
) -> tuple[NDArray[np.int64], ...]:
    """Deal sequences out to batches of `rows` sequences of like length, so that little of a batch is padding.

    The sequences are shuffled and cut into pools of `pool * rows`; within a pool they are sorted by length
    and cut into batches; then the batches are shuffled. Another draw gives other batches. Fewer than `rows`
    sequences are left over and take no part.

    Args:
        lengths: (N,) steps of each sequence.
        rows: sequences a batch.
        random: source of the shuffling.
        pool: batches that are sorted together; 1 leaves the lengths unsorted.

    Returns:
        Index arrays (rows,), N // rows of them, no index twice.

    Raises:
        TooFewSymbolsError: fewer than `rows` sequences.
        ValueError: `rows` or `pool` is below 1.
    """
    lengths = np.asarray(lengths)
    if rows < 1 or pool < 1:
        raise ValueError(f"rows and pool must be at least 1, got {rows} and {pool}")
    if len(lengths) < rows:
        raise TooFewSymbolsError(
            f"a batch of {rows} rows needs as many sequences, got {len(lengths)}; use fewer rows"
        )
    order = random.permutation(len(lengths))[: len(lengths) // rows * rows]
    batches = []
    for start in range(0, len(order), pool * rows):
        part = order[start : start + pool * rows]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += np.split(part.astype(np.int64), len(part) // rows)
    return tuple(batches[k] for k in random.permutation(len(batches)))
