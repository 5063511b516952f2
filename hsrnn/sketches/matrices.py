"""Random matrices as operators: a matrix and its transpose on batches, remade from a seed whenever needed.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed. The mechanism needs matrices R that
send any fixed vector to a direction unrelated to it (leaky desynchronisation) and keep lengths and angles
(isometry). Three families, decision S2:

* :class:`Haar`: orthonormal, uniform over all rotations; written out, for small d;
* :class:`Hadamard`: ``H D_k ... H D_1`` with random signs D and the orthonormal Walsh-Hadamard matrix H,
which
  is never written out: O(d log d) time and d bytes a round; exactly orthonormal;
* :class:`~hsrnn.sketches.blocks.BlockSparse`: the distribution D(b, q, d) that can be learnt from samples.

:class:`Transparent` is T(R) = (I + R) / 2: half of what enters passes unchanged, so that what lies deep in a
recursion can be found without knowing its path. With R orthonormal it never lengthens a vector.

Deviation S2: three families can be chosen, the fast one by default; the transform of random signs is not
uniform over rotations, and tests hold it to what the theorems need of one.

Every operator takes tensors ``(..., d)`` in float32 or float64 and is differentiable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .streams import normals, signs

LARGEST_FAST = 2**20
LARGEST_DENSE = 4096
RADIX = 16  # butterflies of 16 at once, as products with a 16 x 16 matrix
CHUNK_BYTES = 2**18  # rows worked on at once, so that they stay in a core's cache


class Operator(ABC):
    """A fixed d x d matrix: ``operator(x)`` is R x and ``operator.transpose(y)`` is R^T y on ``(..., d)``.

    Attributes:
        dimension: the number d of rows and columns.
    """

    dimension: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return R x for each vector of ``x`` ``(..., d)``.

        Raises:
            ValueError: for vectors of another dimension.
            TypeError: for vectors that are not float32 or float64.
        """
        self._check(x)
        return self._forward(x)

    def transpose(self, y: Tensor) -> Tensor:
        """Return R^T y for each vector of ``y`` ``(..., d)``; raises as a call does."""
        self._check(y)
        return self._backward(y)

    def matrix(self) -> Tensor:
        """Return the matrix written out, ``(d, d)`` float64, for looking and for tests.

        Raises:
            ValueError: for d above 4,096.
        """
        check_dense(self.dimension)
        return self(torch.eye(self.dimension, dtype=torch.float64)).T

    @abstractmethod
    def _forward(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def _backward(self, y: Tensor) -> Tensor: ...

    def _check(self, x: Tensor) -> None:
        if x.ndim < 1 or x.shape[-1] != self.dimension:
            raise ValueError(f"vectors must be (..., {self.dimension}), got {tuple(x.shape)}")
        if x.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"vectors must be float32 or float64, got {x.dtype}; convert them first")


def check_dense(dimension: int) -> None:
    """Check that a matrix of this dimension may be written out.

    Raises:
        ValueError: for a dimension below 1 or above 4,096.
    """
    if not 1 <= dimension <= LARGEST_DENSE:
        raise ValueError(
            f"a matrix that is written out must have a dimension in [1, {LARGEST_DENSE}], got {dimension}; "
            "take the family 'hadamard', which is not"
        )


class Dense(Operator):
    """A matrix that is written out.

    Args:
        matrix: ``(d, d)``, any numbers.

    Raises:
        ValueError: if it is not square, or d is above 4,096.
    """

    def __init__(self, matrix: Tensor) -> None:
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"matrix must be (d, d), got {tuple(matrix.shape)}")
        check_dense(len(matrix))
        self.dimension = len(matrix)
        self._matrix = matrix.double()
        self._copies: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def matrix(self) -> Tensor:
        """Return the matrix, ``(d, d)`` float64."""
        return self._matrix.clone()

    def _as(self, x: Tensor) -> Tensor:
        key = (x.dtype, x.device)
        if key not in self._copies:
            self._copies[key] = self._matrix.to(x.device, x.dtype)
        return self._copies[key]

    def _forward(self, x: Tensor) -> Tensor:
        return x @ self._as(x).T

    def _backward(self, y: Tensor) -> Tensor:
        return y @ self._as(y)


class Haar(Dense):
    """An orthonormal matrix, uniform over all of them: Q of a Gaussian matrix's QR with a positive diagonal.

    Args:
        dimension: d, at most 4,096 (the cost is O(d^3) to make and O(d^2) to apply).
        seed: seed of the network.
        module: name of the module it belongs to.
        role: what it is for in that module.
    """

    def __init__(self, dimension: int, seed: int, module: str, role: str) -> None:
        check_dense(dimension)
        gaussian = normals(seed, module, role, "haar", dimension * dimension).reshape(dimension, dimension)
        q, r = np.linalg.qr(gaussian)
        super().__init__(torch.from_numpy(q * np.where(np.diag(r) < 0, -1.0, 1.0)))


class Hadamard(Operator):
    """A randomised Hadamard matrix ``H D_k ... H D_1``: signs, transform, signs, transform.

    One round is not enough here: it would send the basis vector that marks "one object" to the same vector in
    every module, up to sign. Two are the default.

    Args:
        dimension: d, a power of two up to 2^20.
        seed: seed of the network.
        module: name of the module it belongs to.
        role: what it is for in that module.
        rounds: k, at least 1.

    Raises:
        ValueError: for another dimension, or no rounds.
    """

    def __init__(self, dimension: int, seed: int, module: str, role: str, *, rounds: int = 2) -> None:
        check_fast(dimension)
        if rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {rounds}")
        self.dimension, self.rounds = dimension, rounds
        drawn = [signs(seed, module, role, f"round {k}", dimension) for k in range(rounds)]
        self._signs = torch.from_numpy(np.stack(drawn))

    def _forward(self, x: Tensor) -> Tensor:
        return self._in_chunks(x, lambda rows, flips: self._run(rows, flips, backward=False))

    def _backward(self, y: Tensor) -> Tensor:
        return self._in_chunks(y, lambda rows, flips: self._run(rows, flips, backward=True))

    @staticmethod
    def _run(rows: Tensor, flips: Sequence[Tensor], *, backward: bool) -> Tensor:
        for flip in reversed(flips) if backward else flips:
            rows = _transform(rows) * flip if backward else _transform(rows * flip)
        return rows

    def _in_chunks(self, x: Tensor, run) -> Tensor:
        flips = self._signs.to(x.device, x.dtype).unbind()
        rows = x.reshape(-1, self.dimension)
        size = max(1, CHUNK_BYTES // (self.dimension * x.element_size()))
        if len(rows) <= size or x.device.type != "cpu" or (torch.is_grad_enabled() and x.requires_grad):
            return run(rows, flips).reshape(x.shape)
        result = torch.empty(len(rows), self.dimension, dtype=x.dtype)
        for start in range(0, len(rows), size):
            result[start : start + size] = run(rows[start : start + size], flips)
        return result.reshape(x.shape)


def check_fast(dimension: int) -> None:
    """Check that a fast transform of this dimension exists.

    Raises:
        ValueError: unless it is a power of two in [1, 2^20].
    """
    if not 1 <= dimension <= LARGEST_FAST or dimension & (dimension - 1):
        below = 1 << max(0, min(dimension, LARGEST_FAST).bit_length() - 1)
        raise ValueError(
            f"a randomised Hadamard matrix needs a dimension that is a power of two up to {LARGEST_FAST:,}, "
            f"got {dimension}; {below} is one, or take the family 'haar'"
        )


def walsh_hadamard(x: Tensor) -> Tensor:
    """Return the orthonormal Walsh-Hadamard transform of each vector of ``x`` ``(..., d)``, in O(d log d).

    H is Sylvester's matrix divided by sqrt(d); it is symmetric and its own inverse. As a Kronecker product of
    16 x 16 matrices it is a few small matrix products instead of log2 d passes over memory: for d = 4,096
    three of them take 48 multiplications a number, where two of 64 x 64 would take 128 and be slower.

    Raises:
        ValueError: unless d is a power of two in [1, 2^20].
    """
    check_fast(x.shape[-1])
    return _transform(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def _transform(rows: Tensor) -> Tensor:
    """Transform ``(n, d)``: first along the fastest axis, then along slower ones."""
    n, dimension = rows.shape
    inner = 1
    while inner < dimension:
        radix = min(RADIX, dimension // inner)
        small = _sylvester(radix, rows.dtype, rows.device)
        if inner == 1:
            rows = rows.reshape(-1, radix) @ small
        else:
            rows = torch.matmul(small, rows.reshape(-1, radix, inner))
        inner *= radix
    return rows.reshape(n, dimension)


@lru_cache(maxsize=64)
def _sylvester(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the orthonormal Hadamard matrix of a small size."""
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return (matrix / size**0.5).to(device, dtype)


class Transparent(Operator):
    """The transparent matrix ``T(R) = share I + (1 - share) R``, (I + R) / 2 by default.

    Args:
        operator: R.
        share: what passes unchanged, in [0, 1].

    Raises:
        ValueError: for a share outside [0, 1].
    """

    def __init__(self, operator: Operator, share: float = 0.5) -> None:
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"share must lie in [0, 1], got {share}")
        self.operator, self.share, self.dimension = operator, share, operator.dimension

    def _forward(self, x: Tensor) -> Tensor:
        return self._mix(x, self.operator)

    def _backward(self, y: Tensor) -> Tensor:
        return self._mix(y, self.operator.transpose)

    def _mix(self, x: Tensor, apply) -> Tensor:
        if self.share == 1.0:
            return x
        return torch.lerp(apply(x), x, self.share)
