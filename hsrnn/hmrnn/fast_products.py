"""Products of a few rows at a time with one matrix, hundreds of times over.

A recurrent step multiplies some thirty rows. torch's default product lays the matrix out anew for each, which
then costs almost as much as the arithmetic; oneDNN, which torch carries as well, takes a matrix that was laid
out once.
"""

from __future__ import annotations

from functools import cache

import torch
from llvmlite.binding import get_host_cpu_name
from torch import Tensor

from .fast_memory import Lease

_FEW_STEPS = 8  # not worth laying a matrix out for
_SMALL = 2**17  # entries below which the longer way into oneDNN costs more than it saves


def packs() -> bool:
    """Whether this build of torch has products with matrices laid out beforehand."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Products:
    """Products with ``matrix`` ``(rows, columns)`` and its transpose, during one chunk.

    Args:
        matrix: must not change meanwhile.
        steps: how many products to expect.
        lease: source of memory.

    Attributes:
        laid_out: whether oneDNN does the products; else torch's default way.
    """

    def __init__(self, matrix: Tensor, steps: int, lease: Lease) -> None:
        self.matrix = matrix
        worth = steps >= _FEW_STEPS
        self.laid_out = worth and matrix.dtype == torch.float32 and matrix.numel() >= _SMALL and packs()
        self._back: Tensor | None = None
        self._forward: Tensor | None = None
        self._columns = matrix.t()
        if worth and not self.laid_out:
            self._columns = lease.empty(*self._columns.shape).copy_(self._columns)

    def times(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return ``x @ matrix.T + bias`` for ``x`` ``(few, columns)``."""
        if not self.laid_out:
            return x @ self._columns if bias is None else torch.addmm(bias, x, self._columns)
        if self._forward is None:
            self._forward = _packed(self.matrix)
        return _linear(x, self._forward, bias)

    def back(self, ds: Tensor) -> Tensor:
        """Return ``ds @ matrix`` for ``ds`` ``(few, rows)``."""
        if not self.laid_out:
            return ds @ self.matrix
        if self._back is None:
            self._back = _packed(self.matrix.t())
        return _linear(ds, self._back, None)


def product_of_transpose(left: Tensor, right: Tensor, out: Tensor) -> None:
    """Write ``left.T @ right`` of two tall matrices to ``out``."""
    small = left.dtype != torch.float32 or left.shape[1] * right.shape[1] < _SMALL or not len(left)
    if small or not packs() or not _amd():
        torch.mm(left.t(), right, out=out)
    else:  # of the two ways round, the faster
        out.copy_(_linear(right.t(), left.t(), None).t())


@cache
def _amd() -> bool:
    """Whether the processor is one of AMD's, on which oneDNN's large products are faster than MKL's; on one
    of Intel's they are slower."""
    return get_host_cpu_name().startswith(("zn", "bd", "bt"))


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")


def _packed(matrix: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(matrix.detach().contiguous(), 32)
