"""One coarse-graining step: every block of sites becomes one site, by a polynomial and nothing else.

Sites carry vectors of ``c`` numbers on a grid, ``(batch, rows, columns, channels)``. The numbers of a block
side by side make ``u``, with ``n`` entries in the order (row, column, channel), and a truncated Taylor series
of ``u`` is the vector of the new site, k = 1 .. c':

    y_k = b_k + sum_i W1[i,k] u_i + sum_{i<=j} W2[i,j,k] u_i u_j + sum_{i<=j<=l} W3[i,j,l,k] u_i u_j u_l.

An expansion about another point ``u - a`` is the same family of functions: multiplied out, ``a`` goes into
``b`` and ``W1``. Two forms of the quadratic and cubic tensors:

* ``"full"``: every coefficient with i <= j <= l is a parameter. Evaluated by Horner's scheme,
  ``u . (W1 + W2 u + W3 (u u))``, so that no cubic monomial, and for order 2 no monomial at all, is stored.
* ``"cp"``: a sum of ``rank`` products of linear forms (canonical polyadic form),
  ``y = b + W1 u + C2 [(A u) * (B u)] + C3 [(D u) * (E u) * (F u)]``.

The idea is that of Yang, Xie and Yang (2023, arXiv 2211.01779); these equations are a reconstruction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement, permutations
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Form = Literal["full", "cp"]
ORDERS = (1, 2, 3)
LARGEST_TENSOR = 50_000_000  # coefficients of a full form; beyond it, the low-rank form is meant


def output_size(size: int, block: int, stride: int) -> int:
    """Return how many blocks of ``block`` sites, ``stride`` apart, lie along ``size`` sites.

    Disjoint blocks have to fill the grid; overlapping ones are padded with zeros at its border.

    Raises:
        ValueError: if disjoint blocks leave sites over.
    """
    if block == stride and size % block:
        raise ValueError(
            f"blocks of {block} x {block} do not fill {size} sites; pad the grid to a multiple of {block}"
        )
    return (size + 2 * margin(block, stride) - block) // stride + 1


def margin(block: int, stride: int) -> int:
    """Return the zeros on each side of the grid: none for disjoint blocks."""
    return (block - stride + 1) // 2


def neighbourhoods(maps: Float[Tensor, "batch rows columns channels"], block: int, stride: int) -> Tensor:
    """Return the numbers of every block side by side, ``(batch, rows', columns', block * block *
    channels)``, in the order (row, column, channel)."""
    batch, rows, columns, channels = maps.shape
    down, across = output_size(rows, block, stride), output_size(columns, block, stride)
    if block == stride:  # a view and one copy; the general way below is slower to differentiate
        blocks = maps.view(batch, down, block, across, block, channels).transpose(2, 3)
    else:
        padding = margin(block, stride)
        padded = F.pad(maps, (0, 0, padding, padding, padding, padding))
        blocks = padded.unfold(1, block, stride).unfold(2, block, stride).permute(0, 1, 2, 4, 5, 3)
    return blocks.reshape(batch, down, across, block * block * channels)


def plain(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a linear function to tensors; :mod:`hsrnn.coarse.series` has the same for power series."""
    return function(*values)


class TaylorLayer(nn.Module):
    """Map every block of sites to one site by a polynomial of order 1, 2 or 3.

    Args:
        in_channels: numbers c of a site below.
        out_channels: numbers c' of a site above.
        block: sites along each side of a block, 1 to 4; 1 leaves the grid as it is.
        stride: sites between neighbouring blocks. ``None``: ``block``, blocks that do not overlap.
            Otherwise 2 (or 1 for odd blocks), and the border is padded with zeros.
        order: highest power.
        form: ``"full"`` or ``"cp"``.
        rank: products of a CP form; ``None`` for ``out_channels``.
        grid: rows and columns of blocks, where every block has weights of its own; ``None``: all blocks
            share one set.
        nonlinear_scale: standard deviation that each order above the first has at the start, beside a
            linear part of 1, for entries of ``u`` that are independent and standard normal. 0 starts linear.
        generator: of the initial weights.

    Attributes:
        bias: b, ``(c',)``, or ``(rows', columns', c')`` without sharing; initially 0.
        linear: W1, ``(n, c')``, with the blocks in front where they do not share; entries of variance 1/n,
            so that the mean square of the sites is kept from level to level.

    Raises:
        ValueError: for a size below 1, another order or form, blocks that leave gaps, or a full form of more
            than 50 million coefficients.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        block: int = 2,
        stride: int | None = None,
        order: int = 2,
        form: Form = "cp",
        rank: int | None = None,
        grid: tuple[int, int] | None = None,
        nonlinear_scale: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        stride, rank = block if stride is None else stride, out_channels if rank is None else rank
        _check(in_channels, out_channels, block, stride, order, form, rank, grid, nonlinear_scale)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.block, self.stride, self.order, self.form, self.rank = block, stride, order, form, rank
        self.grid = grid
        n = self.inputs
        # Deviation T1: the paper's layer could not be read. Blocks of 2 x 2 that do not overlap, order 2, one
        # set of weights a level are our default, and every one of these is a switch.
        own = () if grid is None else (grid[0] * grid[1],)

        def drawn(*shape: int, deviation: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*own, *shape, generator=generator) * deviation)

        self.bias = nn.Parameter(torch.zeros(*(grid or ()), out_channels))
        self.linear = drawn(n, out_channels, deviation=n**-0.5)
        if form == "cp":
            for power in range(2, order + 1):
                lines = drawn(n, power * rank, deviation=n**-0.5)
                mix = drawn(rank, out_channels, deviation=nonlinear_scale * rank**-0.5)
                self.register_parameter(f"lines{power}", lines)
                self.register_parameter(f"mix{power}", mix)
            return
        for power in range(2, order + 1):
            index = torch.tensor(list(combinations_with_replacement(range(n), power))).T
            self.register_buffer(f"index{power}", index, persistent=False)
            deviation = nonlinear_scale * index.shape[1] ** -0.5
            self.register_parameter(
                f"tensor{power}", drawn(index.shape[1], out_channels, deviation=deviation)
            )

    @property
    def inputs(self) -> int:
        """Numbers n of a block."""
        return self.block**2 * self.in_channels

    def extra_repr(self) -> str:
        """Return the sizes, for ``print``."""
        return (
            f"{self.in_channels} -> {self.out_channels}, block={self.block}, stride={self.stride}, "
            f"order={self.order}, form={self.form!r}, shared={self.grid is None}"
        )

    def forward(
        self, maps: Float[Tensor, "batch rows columns channels"]
    ) -> Float[Tensor, "batch rows_out columns_out channels_out"]:
        """Return the sites above.

        Raises:
            ValueError: for another number of channels, or a grid that the blocks do not fill.
        """
        return self.polynomial(maps)

    def polynomial(self, maps: Any, apply: Callable[..., Any] = plain) -> Any:
        """Return the polynomial of ``maps``, which are tensors, or anything else that can be added and
        multiplied and that ``apply(function, value)`` sends through a linear function of tensors."""
        if self.form == "cp":
            linear, *lines = apply(self._lines, maps)
            y = linear + self.bias
            if self.order >= 2:
                y = y + apply(self._mix2, lines[0] * lines[1])
            if self.order == 3:
                y = y + apply(self._mix3, lines[2] * lines[3] * lines[4])
            return y
        if self.order == 1:
            return apply(lambda m: self._times(self._blocks(m), self.linear), maps) + self.bias
        linear, u, slope = apply(self._slopes, maps)
        if self.order == 3:
            first, second = apply(self._pairs, maps)
            slope = slope + apply(self._slope_of_pairs, first * second)
        return linear + self.bias + apply(lambda products: products.sum(-2), u * slope)

    def coefficients(self) -> list[Tensor]:
        """Return the Taylor coefficients at zero, order by order: b ``(c',)``, ``(c', n)``, symmetric
        ``(c', n, n)`` and ``(c', n, n, n)``, where ``y = b + t1 u + u t2 u + ...``; blocks in front where
        they do not share. Dense, for reading: the layer itself never builds them."""
        tensors = [self.bias.flatten(0, 1) if self.grid else self.bias, self.linear.mT]
        for power in range(2, self.order + 1):
            if self.form == "cp":
                lines = self.get_parameter(f"lines{power}").chunk(power, -1)
                letters = "ijl"[:power]
                formula = ",".join(f"...{letter}r" for letter in letters)
                dense = torch.einsum(
                    f"{formula},...rk->...k{letters}", *lines, self.get_parameter(f"mix{power}")
                )
            else:
                flat = self._dense(power)
                dense = flat.movedim(-1, -1 - power)
            axes = range(-power, 0)
            ways = [dense.permute(*range(dense.ndim - power), *way) for way in permutations(axes)]
            tensors.append(torch.stack(ways).mean(0))
        return tensors

    # Linear pieces: what a power series can be sent through term by term ---------------------------------

    def _blocks(self, maps: Tensor) -> Tensor:
        if maps.shape[-1] != self.in_channels:
            raise ValueError(
                f"maps must have {self.in_channels} channels last, got shape {tuple(maps.shape)}"
            )
        u = maps if self.block == 1 else neighbourhoods(maps, self.block, self.stride)
        if self.grid is not None and tuple(u.shape[1:3]) != self.grid:
            raise ValueError(f"this layer has weights for {self.grid} blocks, got {tuple(u.shape[1:3])}")
        return u

    def _times(self, values: Tensor, weight: Tensor) -> Tensor:
        """Return ``values @ weight`` at every site, with the site's own weight where they do not share."""
        if self.grid is None:
            return values @ weight
        batch, rows, columns, n = values.shape
        sites = values.reshape(batch, rows * columns, n).transpose(0, 1)
        return (sites @ weight).transpose(0, 1).reshape(batch, rows, columns, -1)

    def _lines(self, maps: Tensor) -> tuple[Tensor, ...]:
        """Return W1 u, A u, B u, D u, E u, F u: one product of matrices."""
        powers = [self.get_parameter(f"lines{power}") for power in range(2, self.order + 1)]
        together = self._times(self._blocks(maps), torch.cat([self.linear, *powers], -1))
        sizes = [self.out_channels, *[self.rank] * sum(range(2, self.order + 1))]
        return together.split(sizes, -1)

    def _mix2(self, products: Tensor) -> Tensor:
        return self._times(products, self.get_parameter("mix2"))

    def _mix3(self, products: Tensor) -> Tensor:
        return self._times(products, self.get_parameter("mix3"))

    def _dense(self, power: int) -> Tensor:
        """Return the stored coefficients in a tensor ``(n, ..., n, c')`` with zeros where not i <= j <= l."""
        values = self.get_parameter(f"tensor{power}")
        index = self.get_buffer(f"index{power}")
        shape = (*values.shape[:-2], *[self.inputs] * power, self.out_channels)
        dense = values.new_zeros(shape)
        dense[(..., *index, slice(None))] = values
        return dense

    def _slopes(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return W1 u, u itself as a column ``(..., n, 1)``, and W2 u ``(..., n, c')``."""
        u = self._blocks(maps)
        # Rows of the product are the second index of W2, columns the first and the output.
        second_first = self._dense(2).transpose(-2, -3).flatten(-2)
        together = self._times(u, torch.cat([self.linear, second_first], -1))
        linear, slope = together.split([self.out_channels, second_first.shape[-1]], -1)
        return linear, u[..., None], slope.unflatten(-1, (self.inputs, self.out_channels))

    def _pairs(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self.get_buffer("index2")
        u = self._blocks(maps)
        return u[..., first], u[..., second]

    def _slope_of_pairs(self, pairs: Tensor) -> Tensor:
        """Return W3 (u u), ``(..., n, c')``: the pair is the second and third index, j <= l."""
        first, second = self.get_buffer("index2")
        dense = self._dense(3)[..., first, second, :].transpose(-2, -3).flatten(-2)
        return self._times(pairs, dense).unflatten(-1, (self.inputs, self.out_channels))


def _check(
    in_channels: int,
    out_channels: int,
    block: int,
    stride: int,
    order: int,
    form: str,
    rank: int,
    grid: Sequence[int] | None,
    nonlinear_scale: float,
) -> None:
    for name, value in (("in_channels", in_channels), ("out_channels", out_channels), ("rank", rank)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if not 1 <= block <= 4:
        raise ValueError(f"block must be 1 to 4 sites wide, got {block}")
    if not (stride == block or (stride < block and (stride == 2 or (stride == 1 and block % 2)))):
        raise ValueError(
            f"stride must be the block ({block}), or smaller: 2, or 1 for odd blocks; got {stride}"
        )
    if order not in ORDERS:
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    if form not in get_args(Form):
        raise ValueError(f"form must be 'full' or 'cp', got {form!r}")
    if grid is not None and min(grid) < 1:
        raise ValueError(f"grid must have at least one row and one column of blocks, got {tuple(grid)}")
    if nonlinear_scale < 0:
        raise ValueError(f"nonlinear_scale must not be negative, got {nonlinear_scale}")
    coefficients = out_channels * (block**2 * in_channels) ** order * (grid[0] * grid[1] if grid else 1)
    if form == "full" and coefficients > LARGEST_TENSOR:
        raise ValueError(
            f"the full form of order {order} would have a tensor of {coefficients:,} coefficients; "
            "use form='cp', or fewer channels"
        )
