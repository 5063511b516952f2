"""Products of a few rows at a time with one matrix, hundreds of times over.

A recurrent step multiplies some thirty rows. torch's default product lays the matrix out anew for each, which
then costs almost as much as the arithmetic; oneDNN, which torch carries as well, takes a matrix that was laid
out once. With a 2048 x 512 matrix it does 100 instead of 60 thousand million operations a second on one core.
"""

from __future__ import annotations

import torch
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
        if self.laid_out:
            self._forward = _packed(matrix)
        else:
            columns = matrix.t()
            self._forward = lease.empty(*columns.shape).copy_(columns) if worth else columns

    def times(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return ``x @ matrix.T + bias`` for ``x`` ``(few, columns)``."""
        if self.laid_out:
            return torch.ops.mkldnn._linear_pointwise(x, self._forward, bias, "none", [], "")
        return x @ self._forward if bias is None else torch.addmm(bias, x, self._forward)

    def back(self, ds: Tensor) -> Tensor:
        """Return ``ds @ matrix`` for ``ds`` ``(few, rows)``."""
        if not self.laid_out:
            return ds @ self.matrix
        if self._back is None:
            self._back = _packed(self.matrix.t())
        return torch.ops.mkldnn._linear_pointwise(ds, self._back, None, "none", [], "")


def _packed(matrix: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(matrix.detach().contiguous(), 32)
