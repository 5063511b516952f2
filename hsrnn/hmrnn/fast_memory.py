"""Blocks of memory that one chunk of text leaves for the next.

A chunk needs hundreds of megabytes for a moment. Freshly mapped, they cost more than the arithmetic done in
them: the kernel clears every page at its first touch. So the blocks go round.
"""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

from torch import Tensor, nn

_SPARE: WeakKeyDictionary[nn.Module, list[Tensor]] = WeakKeyDictionary()


class Lease:
    """Uninitialised tensors for one chunk of ``core``; :meth:`end` leaves them for its next chunk.

    A chunk asks for its tensors in a fixed order, so the k-th block of the last chunk serves the k-th request
    of this one, unless it is too small. At most one chunk's blocks are spare at any time. A lease that is
    never ended just goes the way of all garbage.
    """

    def __init__(self, core: nn.Module, like: Tensor) -> None:
        self._core, self._like = core, like
        self._spare = _SPARE.pop(core, [])
        self._blocks: list[Tensor] = []

    def empty(self, *shape: int) -> Tensor:
        """Return an uninitialised tensor of ``shape``, dtype and device as ``like``."""
        size, k = math.prod(shape), len(self._blocks)
        block = self._spare[k] if k < len(self._spare) else None
        kind = (self._like.dtype, self._like.device)
        if block is None or block.numel() < size or (block.dtype, block.device) != kind:
            block = self._like.new_empty(size)
        self._blocks.append(block)
        return block[:size].view(shape)

    def end(self) -> None:
        """Give all blocks back; what was taken from this lease must not be used any more."""
        _SPARE[self._core] = self._blocks
        self._blocks = []


def clear() -> None:
    """Let go of all spare blocks."""
    _SPARE.clear()
