"""Power series whose coefficients are tensors: what a polynomial network computes with instead of numbers.

A polynomial is sums, products and linear maps. So a network that uses nothing else can be fed a series, say
``0 + x t`` for an image ``x``, and what comes out is a series too: the coefficient of ``t^k`` in a logit is
the part of that logit that is homogeneous of degree k in ``x``. Nothing is differentiated or interpolated;
products of series are truncated, everything up to the limit is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor


class Series:
    """A truncated power series in one variable or several.

    Args:
        terms: coefficients ``(powers of the first variable, ..., batch, ...)``, the power 0 first.
        limits: highest power of each variable; what lies beyond is dropped.

    Raises:
        ValueError: for more powers than the limits allow.
    """

    def __init__(self, terms: Tensor, limits: Sequence[int]) -> None:
        self.terms, self.limits = terms, tuple(limits)
        if any(powers > limit + 1 for powers, limit in zip(self.powers, self.limits)):
            raise ValueError(f"powers {self.powers} go beyond the limits {self.limits}")

    @property
    def powers(self) -> tuple[int, ...]:
        """How many powers of each variable are stored, 0 included."""
        return tuple(self.terms.shape[: len(self.limits)])

    def __add__(self, other: Series | Tensor) -> Series:
        """Add a series, or a tensor, which is a constant."""
        if isinstance(other, Tensor):
            terms = self.terms.clone()
            terms[(0,) * len(self.limits)] += other
            return Series(terms, self.limits)
        most = tuple(map(max, self.powers, other.powers))
        tail = torch.broadcast_shapes(self._tail, other._tail)
        terms = self.terms.new_zeros(*most, *tail)
        for part in (self, other):
            terms[tuple(map(slice, part.powers))] += part.terms
        return Series(terms, self.limits)

    def __mul__(self, other: Series) -> Series:
        """Multiply: the coefficient of a power is the sum over all ways to share it between the factors."""
        sizes = [min(a + b - 1, limit + 1) for a, b, limit in zip(self.powers, other.powers, self.limits)]
        terms = self.terms.new_zeros(*sizes, *torch.broadcast_shapes(self._tail, other._tail))
        for power in product(*map(range, self.powers)):
            here = tuple(slice(k, min(k + b, size)) for k, b, size in zip(power, other.powers, sizes))
            there = tuple(slice(0, part.stop - part.start) for part in here)
            terms[here].addcmul_(self.terms[power], other.terms[there])
        return Series(terms, self.limits)

    @property
    def _tail(self) -> tuple[int, ...]:
        return tuple(self.terms.shape[len(self.limits) :])


def term_by_term(function: Callable[..., Any], series: Series) -> Any:
    """Send every coefficient through a linear function of tensors, all at once as one large batch."""
    variables = len(series.limits)
    batch = series.terms.shape[: variables + 1]
    found = function(series.terms.flatten(0, variables))
    if isinstance(found, tuple):
        return tuple(Series(part.unflatten(0, batch), series.limits) for part in found)
    return Series(found.unflatten(0, batch), series.limits)
