"""One step of one layer of the HM-LSTM: the equations of Chung, Ahn and Bengio (ICLR 2017).

======================================  ==================================================
Equation of the paper                   Here
======================================  ==================================================
Eq. 2  c by UPDATE, COPY or FLUSH       :func:`select_cell`
Eq. 3  h by COPY or from c              :func:`select_hidden`
Eq. 4-7  pre-activations and gates      :meth:`HMLSTMCell.preactivation`, :meth:`HMLSTMCell.gates`
sec. 3 hard sigmoid with slope a        :func:`hard_sigmoid`
       z from z~                        :func:`step_boundary`; :func:`sample_boundary` and
                                        :func:`soft_boundary` for the other two kinds
======================================  ==================================================

Source: arXiv 1609.01704. Symbols: ``h`` hidden state, ``c`` memory cell, ``z`` boundary, ``s``
pre-activation.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Boundary = Literal["step", "sample", "soft"]
TopLayer = Literal["copy", "author"]
COPY, UPDATE, FLUSH = 0, 1, 2
OPERATION_NAMES = ("COPY", "UPDATE", "FLUSH")


class CellState(NamedTuple):
    """State of one layer after one step.

    ``hidden`` and ``cell`` are ``(batch, units)``; ``boundary`` is ``(batch, 1)`` with entries in [0, 1]
    (exactly 0 or 1 unless boundaries are soft). The top layer carries a boundary that is always 0.
    """

    hidden: Tensor
    cell: Tensor
    boundary: Tensor


def hard_sigmoid(s: Tensor, slope: float = 1.0) -> Tensor:
    """Return ``clip((slope * s + 1) / 2, 0, 1)``, same shape as ``s``, values in [0, 1]."""
    return ((slope * s + 1) / 2).clamp(0, 1)


class _StraightThrough(torch.autograd.Function):
    """A 0/1 decision forward; the derivative of the hard sigmoid backward: slope/2 where |s| < 1/slope,
    else 0."""

    @staticmethod
    def forward(ctx, s: Tensor, decision: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(s)
        ctx.slope = slope
        return decision.to(s.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (s,) = ctx.saved_tensors
        return gradient * (s.abs() < 1 / ctx.slope) * (ctx.slope / 2), None, None


def step_boundary(s: Tensor, slope: float = 1.0) -> Tensor:
    """Return 1 where ``s > 0`` (z~ > 0.5) and 0 elsewhere, with the straight-through gradient of the
    hard sigmoid.

    The slope cannot alter the value, only the gradient. At ``s == 0`` the boundary is 0: the paper says
    ``>``.
    """
    return _StraightThrough.apply(s, s > 0, slope)


def sample_boundary(s: Tensor, slope: float = 1.0, *, generator: torch.Generator) -> Tensor:
    """Draw a Bernoulli boundary of probability ``hard_sigmoid(s, slope)``, with the same gradient as the
    step."""
    draw = torch.rand(s.shape, generator=generator, device=s.device, dtype=s.dtype)
    return _StraightThrough.apply(s, draw < hard_sigmoid(s, slope), slope)


def soft_boundary(s: Tensor, slope: float = 1.0) -> Tensor:
    """Return z~ itself, in [0, 1], by plain autograd: the operations are then mixed, not chosen."""
    return hard_sigmoid(s, slope)


def select_cell(
    flush: Tensor, update: Tensor, copy: Tensor, f: Tensor, i: Tensor, g: Tensor, cell: Tensor
) -> Tensor:
    """Return the new memory cell ``(batch, units)`` by Eq. 2, written as arithmetic in the boundaries.

    ``flush``, ``update`` and ``copy`` are ``(batch, 1)`` and sum to 1. Being products of boundaries,
    they carry the gradient of the choice itself back to z (decision D1). The three-term sum keeps a
    copied cell bit-identical, which the shorter ``ig + copy * (c - ig) + update * f * c`` does not.
    """
    write = i * g
    return flush * write + update * (f * cell + write) + copy * cell


def select_hidden(copy: Tensor, o: Tensor, squashed: Tensor, hidden: Tensor) -> Tensor:
    """Return the new hidden state ``(batch, units)`` by Eq. 3: the old one under COPY, else ``o *
    squashed``."""
    return (1 - copy) * (o * squashed) + copy * hidden


class HMLSTMCell(nn.Module):
    """One layer of an HM-LSTM, one step at a time.

    Rows of every weight are in the order f, i, o, g, z~: ``(4 * units + 1, columns)``. The top layer
    (``above_size=None``) has neither the z~ row nor a top-down weight (decision D2).

    Args:
        input_size: columns of the input from below (the embedding, or the hidden state of the layer below).
        hidden_size: units of this layer.
        above_size: units of the layer above; ``None`` for the top layer.
        boundary: ``"step"``, ``"sample"`` or ``"soft"``.
        layer_norm: normalise each gate's pre-activation, and the cell inside the tanh (decision D4).
        top_layer: ``"copy"`` copies c and h in a COPY step; ``"author"`` copies c and recomputes ``h = o
            * tanh(c)``, as the authors' later code does. Only the top layer looks at it.
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below 1 or an unknown ``boundary`` or ``top_layer``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        above_size: int | None,
        *,
        boundary: Boundary = "step",
        layer_norm: bool = False,
        top_layer: TopLayer = "copy",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, size in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("above_size", above_size),
        ):
            if size is not None and size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        if boundary not in ("step", "sample", "soft"):
            raise ValueError(f"boundary must be 'step', 'sample' or 'soft', got {boundary!r}")
        if top_layer not in ("copy", "author"):
            raise ValueError(f"top_layer must be 'copy' or 'author', got {top_layer!r}")
        self.input_size, self.hidden_size, self.above_size = input_size, hidden_size, above_size
        self.boundary, self.top_layer = boundary, top_layer
        self.is_top = above_size is None
        rows = 4 * hidden_size + (0 if self.is_top else 1)
        self.recurrent = nn.Parameter(torch.empty(rows, hidden_size))
        self.bottom_up = nn.Parameter(torch.empty(rows, input_size))
        self.top_down = None if above_size is None else nn.Parameter(torch.empty(rows, above_size))
        # Deviation D7: the paper does not speak of biases; all start at zero, the forget gate's too.
        self.bias = nn.Parameter(torch.zeros(rows))
        if layer_norm and boundary != "step":
            # A sampled or soft boundary can FLUSH a layer that is still all (or nearly) zero. The norm of
            # a zero vector multiplies its gradient by 1/sqrt(1e-5) = 316 at each such step, which
            # overflows; a small bias keeps the vector off zero.
            self.bias.data[: 4 * hidden_size].uniform_(-0.1, 0.1, generator=generator)
        self.gate_norm = Affine(4 * hidden_size) if layer_norm else None
        self.cell_norm = Affine(hidden_size) if layer_norm else None
        for weight in (self.recurrent, self.bottom_up, self.top_down):
            if weight is not None:
                initialise(weight, hidden_size, generator)

    def preactivation(self, below: Tensor, z_below: Tensor, state: CellState, above: Tensor | None) -> Tensor:
        """Return ``s`` of shape ``(batch, 4 * units + 1)`` (top layer: ``4 * units``), rows f, i, o, g,
        z~ (Eq. 4-7).

        The recurrent term carries no gate; the top-down term is gated by this layer's own boundary one
        step ago, the bottom-up term by the boundary of the layer below now.
        """
        s = F.linear(state.hidden, self.recurrent, self.bias)
        s = s + z_below * F.linear(below, self.bottom_up)
        if above is not None and self.top_down is not None:
            s = s + state.boundary * F.linear(above, self.top_down)
        return s

    def gates(self, s: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return f, i, o in (0, 1) and g in (-1, 1), each ``(batch, units)``, from the pre-activation
        ``s``."""
        s = s[:, : 4 * self.hidden_size]
        if self.gate_norm is not None:
            # Deviation D4: the paper only says "applied". One norm a gate, on the sum; z~ stays outside.
            s = self.gate_norm(F.layer_norm(s.unflatten(1, (4, -1)), (self.hidden_size,)).flatten(1))
        fio, g = s[:, : 3 * self.hidden_size].sigmoid(), s[:, 3 * self.hidden_size :].tanh()
        f, i, o = fio.chunk(3, dim=1)
        return f, i, o, g

    def forward(
        self,
        below: Float[Tensor, "batch columns"],
        z_below: Float[Tensor, "batch 1"],
        state: CellState,
        above: Float[Tensor, "batch units_above"] | None,
        *,
        slope: float = 1.0,
        generator: torch.Generator | None = None,
        forced: Float[Tensor, "batch 1"] | None = None,
    ) -> tuple[CellState, Tensor]:
        """Advance one step.

        Args:
            below: input from below, ``(batch, input_size)``.
            z_below: boundary of the layer below at this step, ``(batch, 1)``; all ones under layer 1.
            state: this layer's state one step ago.
            above: hidden state of the layer above one step ago, ``(batch, above_size)``; ``None`` leaves
                the top-down term out.
            slope: slope of the hard sigmoid, at least 1 in the paper's schedule.
            generator: needed by ``"sample"`` boundaries.
            forced: boundaries to impose, ``(batch, 1)``; NaN leaves a row free.

        Returns:
            The new state, and z~'s pre-activation ``(batch, 1)`` (zeros in the top layer).

        Raises:
            ValueError: if ``"sample"`` boundaries get no generator.
        """
        s = self.preactivation(below, z_below, state, above)
        f, i, o, g = self.gates(s)
        flush = state.boundary
        update = (1 - flush) * z_below
        copy = (1 - flush) * (1 - z_below)
        cell = select_cell(flush, update, copy, f, i, g, state.cell)
        squashed = torch.tanh(
            cell if self.cell_norm is None else self.cell_norm(F.layer_norm(cell, cell.shape[-1:]))
        )
        if self.is_top:
            # Deviation D2: Eq. 3 is kept in the top layer; the authors' later code lets o change h under
            # COPY.
            hidden = (
                o * squashed if self.top_layer == "author" else select_hidden(copy, o, squashed, state.hidden)
            )
            return CellState(hidden, cell, torch.zeros_like(flush)), torch.zeros_like(flush)
        hidden = select_hidden(copy, o, squashed, state.hidden)
        # Deviation D3: z~ is computed at every step, also when the layer copies.
        s_z = s[:, 4 * self.hidden_size :]
        z = self.decide(s_z, slope, generator)
        if forced is not None:
            z = torch.where(forced.isnan(), z, forced)
        return CellState(hidden, cell, z), s_z

    def decide(self, s_z: Tensor, slope: float, generator: torch.Generator | None) -> Tensor:
        """Return the boundary ``(batch, 1)`` for the pre-activation ``s_z`` by this cell's kind of
        boundary."""
        if self.boundary == "step":
            return step_boundary(s_z, slope)
        if self.boundary == "soft":
            return soft_boundary(s_z, slope)
        if generator is None:
            raise ValueError(
                "boundary='sample' draws random numbers: pass generator=torch.Generator().manual_seed(...)"
            )
        return sample_boundary(s_z, slope, generator=generator)


class Affine(nn.Module):
    """Gain and bias of a layer norm, ``(..., size) -> (..., size)``; kept apart from the normalisation
    itself because one gain vector serves four normalised gates."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, normalised: Tensor) -> Tensor:
        """Return ``normalised * weight + bias``."""
        return normalised * self.weight + self.bias


def initialise(weight: Tensor, units: int, generator: torch.Generator) -> None:
    """Fill a ``(4 * units [+ 1], columns)`` weight in place: a square gate block orthogonal, any other
    block Glorot uniform, the z~ row Glorot with fan-out 1 (after the authors' later code; the paper does
    not say)."""
    for block in weight.data.split(units):
        if block.shape == (units, units):
            nn.init.orthogonal_(block, generator=generator)
        else:
            bound = math.sqrt(6 / sum(block.shape))
            block.uniform_(-bound, bound, generator=generator)
