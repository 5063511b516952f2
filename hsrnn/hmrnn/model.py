"""The hierarchical multiscale LSTM: a stack of cells unrolled over time, with its boundaries laid open.

Source: Chung, Ahn and Bengio, ICLR 2017 (arXiv 1609.01704), section 3. At every time step the layers are
evaluated from the bottom to the top; layer l reads layer l + 1 as it was one step ago.

:meth:`HMLSTM.loop` says just that, and is the reference. :meth:`HMLSTM.forward` gives the same results; on
the processor it takes the faster way of :mod:`hsrnn.hmrnn.fast`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from .cell import COPY, FLUSH, UPDATE, Boundary, CellState, HMLSTMCell, TopLayer

State = TypeVar("State")
SHORT = 16  # shorter inputs gain little from the fast path; the loop gives them the same bits however cut


class Embedded(NamedTuple):
    """An input of few kinds of columns: row ``codes[b, t]`` of ``table`` at each step. Products with such an
    input need no more multiplications than the table has rows.

    Attributes:
        codes: ``(batch, time)``, integers in ``[0, types)``.
        table: ``(types, columns)``, for instance the weights of an embedding.
    """

    codes: Int[Tensor, "batch time"]
    table: Float[Tensor, "types columns"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of :meth:`dense`."""
        return (*self.codes.shape, *self.table.shape[1:])

    def dense(self) -> Float[Tensor, "batch time columns"]:
        """Return the input itself."""
        return F.embedding(self.codes, self.table)


class CoreOutput(NamedTuple):
    """What a recurrent core shows for every time step.

    Attributes:
        hidden: one ``(batch, time, units_l)`` tensor a layer.
        boundaries: z of every layer but the top, ``(batch, time, layers - 1)``, in [0, 1]; ``None`` for
            a core that has none.
        preactivations: s_z of the same layers, same shape; ``None`` likewise.
        operations: ``(batch, time, layers)`` uint8 with 0 COPY, 1 UPDATE, 2 FLUSH; ``None`` likewise.
    """

    hidden: tuple[Tensor, ...]
    boundaries: Float[Tensor, "batch time layers_below_top"] | None = None
    preactivations: Float[Tensor, "batch time layers_below_top"] | None = None
    operations: UInt8[Tensor, "batch time layers"] | None = None


def operations_of(own: Tensor, below: Tensor) -> Tensor:
    """Return the operation (uint8: 0 COPY, 1 UPDATE, 2 FLUSH) for a layer's boundary one step ago and
    the boundary below it now; soft boundaries count as 1 above one half. Any equal shapes."""
    flush, update = own > 0.5, below > 0.5
    return torch.where(flush, FLUSH, torch.where(update, UPDATE, COPY)).to(torch.uint8)


class HMLSTM(nn.Module):
    """Hierarchical multiscale LSTM over ``(batch, time, input_size)``.

    Args:
        input_size: width of the input at each time step.
        hidden_sizes: units of each layer, bottom first; at least 2 layers, of any sizes.
        boundary: ``"step"`` (deterministic), ``"sample"`` (Bernoulli) or ``"soft"`` (z~ itself).
        layer_norm: see :class:`~hsrnn.hmrnn.cell.HMLSTMCell`.
        top_layer: ``"copy"``, or ``"author"`` for the variant of the authors' later code.
        top_down: whether layers listen to the layer above after a boundary of their own.
        seed: seed of the initial weights.

    Attributes:
        slope: slope a of the hard sigmoid, at least 1. With ``"step"`` it shows in gradients only.
            Training sets it.

    Raises:
        ValueError: for fewer than 2 layers, a size below 1, or an unknown option.
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        *,
        boundary: Boundary = "step",
        layer_norm: bool = False,
        top_layer: TopLayer = "copy",
        top_down: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        hidden_sizes = tuple(hidden_sizes)
        if len(hidden_sizes) < 2:
            raise ValueError(f"hidden_sizes must have at least 2 layers, got {hidden_sizes}")
        generator = torch.Generator().manual_seed(seed)
        self.input_size, self.hidden_sizes = input_size, hidden_sizes
        self.top_down = top_down
        self.slope = 1.0
        columns = (input_size, *hidden_sizes[:-1])
        above = (*hidden_sizes[1:], None)
        self.cells = nn.ModuleList(
            HMLSTMCell(
                columns[l], hidden_sizes[l], above[l],
                boundary=boundary, layer_norm=layer_norm, top_layer=top_layer, generator=generator,
            )
            for l in range(len(hidden_sizes))
        )  # fmt: skip

    def initial_state(self, batch: int) -> tuple[CellState, ...]:
        """Return the all-zero state of ``batch`` rows: h = c = 0 and no boundary yet."""
        like = self.cells[0].bias
        return tuple(
            CellState(like.new_zeros(batch, units), like.new_zeros(batch, units), like.new_zeros(batch, 1))
            for units in self.hidden_sizes
        )

    def forward(
        self,
        input: Float[Tensor, "batch time columns"] | Embedded,
        state: tuple[CellState, ...] | None = None,
        *,
        forced_boundaries: Float[Tensor, "batch time layers_below_top"] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[CoreOutput, tuple[CellState, ...]]:
        """Run over a whole input, by the fast path where it is open, else by :meth:`loop`.

        The fast path serves float32 and float64 on the CPU, inputs of at least 16 steps, and one backward
        pass a call; for a second one (``retain_graph=True``) call :meth:`loop`.

        Args:
            input: ``(batch, time, input_size)``, at least one time step; or the rows of a table as
                :class:`Embedded`, which the fast path multiplies once each.
            state: state to start from, as returned by an earlier call; zeros if ``None``. Gradients flow
                into it: detach it (:func:`detach`) to truncate backpropagation.
            forced_boundaries: boundaries to impose, ``(batch, time, layers - 1)``; NaN leaves one free.
            generator: source of ``"sample"`` boundaries.

        Returns:
            The :class:`CoreOutput` over all steps, and the state after the last one.

        Raises:
            ValueError: for an input or forced boundaries of the wrong shape, codes that the table does not
                have, no time step, or ``"sample"`` boundaries without a generator.
        """
        from .fast import fast_forward, is_open  # they read this module

        check_input(input, self.input_size)
        way = fast_forward if input.shape[1] >= SHORT and is_open(input, forced_boundaries) else HMLSTM.loop
        return way(self, input, state, forced_boundaries=forced_boundaries, generator=generator)

    def loop(
        self,
        input: Float[Tensor, "batch time columns"] | Embedded,
        state: tuple[CellState, ...] | None = None,
        *,
        forced_boundaries: Float[Tensor, "batch time layers_below_top"] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[CoreOutput, tuple[CellState, ...]]:
        """Run over a whole input step by step and layer by layer: :meth:`forward` at its plainest, on any
        device and with any gradients."""
        check_input(input, self.input_size)
        if isinstance(input, Embedded):
            input = input.dense()
        layers = len(self.cells)
        check_forced(forced_boundaries, input, layers)
        states = list(self.initial_state(input.shape[0]) if state is None else state)
        always = input.new_ones(input.shape[0], 1)
        hidden: list[list[Tensor]] = [[] for _ in range(layers)]
        boundaries: list[Tensor] = []
        preactivations: list[Tensor] = []
        operations: list[Tensor] = []
        for t, x in enumerate(input.unbind(1)):
            before = tuple(states)
            below, z_below = x, always
            for l, cell in enumerate(self.cells):
                above = before[l + 1].hidden if self.top_down and l + 1 < layers else None
                free = forced_boundaries is None or l + 1 == layers
                forced = None if free else forced_boundaries[:, t, l : l + 1]
                operations.append(operations_of(before[l].boundary, z_below))
                states[l], s_z = cell(
                    below, z_below, before[l], above, slope=self.slope, generator=generator, forced=forced
                )
                below, z_below = states[l].hidden, states[l].boundary
                hidden[l].append(below)
                if l + 1 < layers:
                    boundaries.append(z_below)
                    preactivations.append(s_z)
        output = CoreOutput(
            tuple(torch.stack(steps, 1) for steps in hidden),
            torch.cat(boundaries, 1).unflatten(1, (-1, layers - 1)),
            torch.cat(preactivations, 1).unflatten(1, (-1, layers - 1)),
            torch.cat(operations, 1).unflatten(1, (-1, layers)),
        )
        return output, tuple(states)


def check_input(input: Tensor | Embedded, columns: int) -> None:
    """Raise ``ValueError`` unless ``input`` is ``(batch, time, columns)`` with at least one row and one
    step, and all its codes stand in its table."""
    if len(input.shape) != 3 or input.shape[2] != columns or 0 in input.shape[:2]:
        raise ValueError(
            f"input must be (batch, time, {columns}) with at least one row and one step, "
            f"got {tuple(input.shape)}"
        )
    if isinstance(input, Embedded):
        low, high = int(input.codes.min()), int(input.codes.max())
        if low < 0 or high >= len(input.table):
            raise ValueError(f"codes must lie in [0, {len(input.table)}), got {low} to {high}")


def check_forced(forced: Tensor | None, input: Tensor | Embedded, layers: int) -> None:
    """Raise ``ValueError`` unless ``forced`` is ``None`` or ``(batch, time, layers - 1)``."""
    shape = (*input.shape[:2], layers - 1)
    if forced is not None and forced.shape != shape:
        raise ValueError(
            f"forced_boundaries must be {shape} (batch, time, layers - 1), got {tuple(forced.shape)}"
        )


def detach(state: State) -> State:
    """Return the same nested tuple of tensors, cut off from the graph that made them."""
    if isinstance(state, Tensor):
        return state.detach()
    parts = [detach(part) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
