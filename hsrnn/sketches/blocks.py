"""Block-sparse random matrices D(b, q, d), whose blocks tell to which column and matrix they belong.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), the distribution behind their dictionary learning;
reconstructed, with the inside of a block our own. Each column is cut into d / b blocks of length b; a block
is non-zero with probability q on its own and is then a pattern of signs times 1 / sqrt(d q), so that a column
has squared length 1 on average. A block of b signs, :class:`BlockCode`, is

    [ +1 | e | random string | e * column number | e * matrix number ]

The first sign settles the sign of what multiplies the block. The polarity e, fair for each block, multiplies
the signatures, so that they cancel between blocks and different columns stay nearly orthogonal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from .matrices import Dense, check_dense
from .streams import chances, signs


@dataclass(frozen=True)
class BlockCode:
    """Where the parts of a block lie.

    Attributes:
        dimension: d.
        block: b, the length of a block; divides d.

    Raises:
        ValueError: if b does not divide d, or has no room for the parts.
    """

    dimension: int
    block: int

    def __post_init__(self) -> None:
        """Check."""
        if self.block < 1 or self.dimension % self.block:
            raise ValueError(
                f"block must divide the dimension {self.dimension}, got {self.block}: a column is whole "
                "blocks"
            )
        if self.block < self.column_bits + 4:
            raise ValueError(
                f"block must be at least {self.column_bits + 4} for dimension {self.dimension}, got "
                f"{self.block}: two signs, a column number of {self.column_bits} bits and a matrix number"
            )

    @cached_property
    def column_bits(self) -> int:
        """Bits of a column number."""
        return max(1, (self.dimension - 1).bit_length())

    @cached_property
    def matrix_bits(self) -> int:
        """Bits of a matrix number: half of what the column number leaves."""
        return max(2, (self.block - 2 - self.column_bits) // 2)

    @property
    def random_bits(self) -> int:
        """Bits of the random string."""
        return self.block - 2 - self.column_bits - self.matrix_bits

    @property
    def blocks(self) -> int:
        """Number of blocks in a column, d / b."""
        return self.dimension // self.block

    def number(self, module: str, role: str) -> int:
        """Return the matrix number of a role of a module, a hash of the names to ``matrix_bits`` bits."""
        digest = hashlib.sha256(f"{module}\0{role}".encode()).digest()
        return int.from_bytes(digest[:8], "little") % 2**self.matrix_bits

    def write(self, seed: int, module: str, role: str, matrix: int) -> NDArray[np.int8]:
        """Return the signs of all blocks, ``(d / b, b, d)``: block, place in the block, column."""
        count, d = self.blocks, self.dimension
        drawn = signs(seed, module, role, "strings", count * (1 + self.random_bits) * d)
        drawn = drawn.reshape(count, 1 + self.random_bits, d)
        polarity = drawn[:, :1]
        signature = np.concatenate([
            _signs_of(np.arange(d), self.column_bits), _signs_of(np.full(d, matrix), self.matrix_bits)
        ])  # fmt: skip
        return np.concatenate([np.ones_like(polarity), drawn, polarity * signature], axis=1)

    def read(self, pattern: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the matrix number and the column number that patterns of signs ``(..., b)`` carry; patterns
        that are no block of this code may give a column number of d or more."""
        signature = pattern[..., 1:2] * pattern[..., 2 + self.random_bits :]
        return _number(signature[..., self.column_bits :]), _number(signature[..., : self.column_bits])


def _signs_of(numbers: NDArray[np.integer], bits: int) -> NDArray[np.int8]:
    """Return ``(bits, n)`` signs, +1 for a 0, the lowest bit first."""
    return (1 - 2 * ((numbers >> np.arange(bits)[:, None]) & 1)).astype(np.int8)


def _number(signature: NDArray[np.integer]) -> NDArray[np.intp]:
    bits = signature.shape[-1]
    return np.asarray((signature < 0) @ (1 << np.arange(bits, dtype=np.intp)))


class BlockSparse(Dense):
    """A matrix of D(b, q, d).

    Its columns have squared length 1 only on average (sd sqrt((1 - q) b / (d q))), so the guarantee that
    holds with probability one for orthonormal matrices does not hold here.

    Args:
        dimension: d, at most 4,096.
        seed: seed of the network.
        module: name of the module it belongs to.
        role: what it is for in that module.
        block: b.
        density: q, in (0, 1].
        number: the matrix number; ``None`` for the hash of module and role.

    Attributes:
        code: the :class:`BlockCode`.
        number: the matrix number its blocks carry.
        density: q.
        present: ``(d / b, d)`` flags: which blocks are not zero.

    Raises:
        ValueError: for a block length or density that does not fit.
    """

    def __init__(
        self, dimension: int, seed: int, module: str, role: str, *,
        block: int, density: float, number: int | None = None,
    ) -> None:  # fmt: skip
        check_dense(dimension)
        if not 0.0 < density <= 1.0:
            raise ValueError(f"density must lie in (0, 1], got {density}")
        self.code = BlockCode(dimension, block)
        self.number = self.code.number(module, role) if number is None else number
        if not 0 <= self.number < 2**self.code.matrix_bits:
            raise ValueError(f"number must lie in [0, {2**self.code.matrix_bits}), got {number}")
        self.density = density
        count = self.code.blocks
        self.present = chances(seed, module, role, "blocks", count * dimension, density).reshape(count, -1)
        self.patterns = self.code.write(seed, module, role, self.number)
        columns = (self.patterns * self.present[:, None]).reshape(dimension, dimension)
        super().__init__(torch.from_numpy(columns / np.sqrt(dimension * density)))
