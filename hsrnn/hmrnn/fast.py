"""The HM-LSTM over a whole chunk as ONE differentiable function that skips what COPY makes superfluous.

:func:`fast_forward` equals the readable loop :meth:`hsrnn.hmrnn.model.HMLSTM.loop` in values and in all
gradients, for every kind of boundary, with and without layer norm; the loop stays the reference, and tests
compare the two. It is faster for five reasons:

* Rows that COPY are left out of every product but the dot product of z~, forward and backward; the top-down
  product runs only where the layer's own boundary fired; each row gets exactly the products that its values
  and gradients need, and none twice (:mod:`~hsrnn.hmrnn.fast_rows` works out which). Nothing is approximated.
* Forward and backward are written by hand (:mod:`~hsrnn.hmrnn.fast_layer`,
  :mod:`~hsrnn.hmrnn.fast_backward`): no graph of small operations is recorded. What lies between two products
  is compiled at its first use and kept (:mod:`~hsrnn.hmrnn.fast_kernels`): one pass over each row.
* The weight gradients of all time steps are one product a matrix, at the end.
* An input of few kinds (:class:`~hsrnn.hmrnn.model.Embedded`) is multiplied once a kind, not once a step, in
  all three directions.
* Large matrices are laid out once a chunk (:mod:`~hsrnn.hmrnn.fast_products`), and memory goes round from
  chunk to chunk (:mod:`~hsrnn.hmrnn.fast_memory`).

The price: what one call leaves behind serves one backward pass, and it runs on the CPU only, where rows can
be sorted at no cost.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from .cell import CellState
from .fast_backward import Backward, Below
from .fast_layer import Input, Layer, Source
from .fast_memory import Lease
from .model import HMLSTM, CoreOutput, Embedded, check_forced, check_input, operations_of

_FEW_KINDS = 0.5  # of rows of the input: more are not worth looking up


def is_open(input: Tensor | Embedded, forced_boundaries: Tensor | None = None) -> bool:
    """Whether :func:`fast_forward` can take these arguments: float32 or float64 on the CPU, and no gradient
    wanted of forced boundaries."""
    wanted = forced_boundaries is not None and forced_boundaries.requires_grad and torch.is_grad_enabled()
    numbers = _numbers(input)
    return numbers.device.type == "cpu" and numbers.dtype in (torch.float32, torch.float64) and not wanted


def fast_forward(
    core: HMLSTM,
    input: Float[Tensor, "batch time columns"] | Embedded,
    state: tuple[CellState, ...] | None = None,
    *,
    forced_boundaries: Float[Tensor, "batch time layers_below_top"] | None = None,
    generator: torch.Generator | None = None,
    counter: Counter[str] | None = None,
) -> tuple[CoreOutput, tuple[CellState, ...]]:
    """Run ``core`` over a whole input: the same results, gradients and random draws as ``core.loop``,
    sooner.

    Args:
        core: the model; its parameters and ``slope`` are used as they are.
        input: ``(batch, time, input_size)``, at least one time step; or the rows of a table.
        state: state to start from; zeros if ``None``. Gradients flow into it.
        forced_boundaries: boundaries to impose, ``(batch, time, layers - 1)``; NaN leaves one free. No
            gradient flows into them.
        generator: source of ``"sample"`` boundaries.
        counter: if given, the multiplications done are added to it under ``"forward"``, ``"backward, data"``
            and ``"backward, weights"``.

    Returns:
        The :class:`~hsrnn.hmrnn.model.CoreOutput` over all steps, and the state after the last one.

    Raises:
        ValueError: for an input or forced boundaries of the wrong shape, codes that the table does not have,
            no time step, ``"sample"`` boundaries without a generator, or numbers other than float32 or
            float64 on the CPU.
        RuntimeError: (later) if backward runs twice through one call.
    """
    check_input(input, core.input_size)
    if not is_open(input):
        numbers = _numbers(input)
        raise ValueError(
            f"the fast path runs in float32 or float64 on the CPU, got {numbers.dtype} on {numbers.device}: "
            "use HMLSTM.loop"
        )
    if isinstance(input, Embedded) and len(input.table) > _FEW_KINDS * input.codes.numel():
        input = input.dense()
    layers = len(core.cells)
    check_forced(forced_boundaries, input, layers)
    if forced_boundaries is not None:
        forced_boundaries = forced_boundaries.detach()
    if core.cells[0].boundary == "sample" and generator is None:
        raise ValueError(
            "boundary='sample' draws random numbers: pass generator=torch.Generator().manual_seed(...)"
        )
    state = core.initial_state(input.shape[0]) if state is None else state
    tensors = (_numbers(input), *(part for layer in state for part in layer), *core.parameters())
    train = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    kinds = input.codes if isinstance(input, Embedded) else None
    run = _Run(core, kinds, forced_boundaries, generator, Counter() if counter is None else counter, train)
    output = _Chunk.apply(run, *tensors)
    hidden, (z, s_z, operations), after = output[:layers], output[layers : layers + 3], output[layers + 3 :]
    states = tuple(CellState(*after[k : k + 3]) for k in range(0, len(after), 3))
    return CoreOutput(hidden, z, s_z, operations), states


class _Run:
    """One call of :func:`fast_forward`: what its forward pass keeps for its backward pass."""

    def __init__(
        self, core: HMLSTM, kinds: Tensor | None, forced: Tensor | None, generator: torch.Generator | None,
        counter: Counter[str], train: bool,
    ) -> None:  # fmt: skip
        self.core, self.generator, self.counter, self.train = core, generator, counter, train
        self.kinds, self.slope = kinds, core.slope
        # (layers - 1, time, batch)
        none = core.cells[0].bias.new_zeros(len(core.cells) - 1, 0, 0)
        self.forced = (none if forced is None else forced.permute(2, 1, 0).contiguous()).detach().numpy()
        self.layers: list[Layer] = []
        self.spent = False

    def forward(
        self, input: Tensor, state: tuple[Tensor, ...], parameters: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Return hidden states, boundaries, their pre-activations, operations, and the new state, flat;
        ``input`` is the table where there are kinds."""
        core = self.core
        batch, time = (input if self.kinds is None else self.kinds).shape[:2]
        self.lease = Lease(core, input)
        mixed = core.cells[0].boundary == "soft" or not _binary(*state[2::3])
        mixed = mixed or not _binary(torch.from_numpy(self.forced))
        values = iter(parameters)
        weights = [{name: next(values) for name, _ in cell.named_parameters()} for cell in core.cells]
        self.source = Input(input, self.kinds, weights[0]["bottom_up"][-1])
        for l, cell in enumerate(core.cells):
            layer = Layer(
                cell, weights[l], self._ears(l, weights), state[3 * l : 3 * l + 3], time,
                input=None if l else self.source, mixed=mixed, train=self.train, lease=self.lease,
                counter=self.counter,
            )  # fmt: skip
            self.layers.append(layer)
        draws = np.zeros((len(self.layers) - 1, 0, 0), self.forced.dtype)
        if core.cells[0].boundary == "sample":
            # In the order in which the loop draws them.
            shape = (time, len(self.layers) - 1, batch)
            draws = torch.rand(shape, generator=self.generator, dtype=input.dtype).transpose(0, 1).numpy()
            draws = np.ascontiguousarray(draws)
        for t in range(time):
            lower: Source = self.source
            for l, layer in enumerate(self.layers):
                above = self.layers[l + 1] if core.top_down and not layer.is_top else None
                layer.step(t, lower, above)
                if not layer.is_top:
                    layer.detect(t, lower, above, self.slope, draws[l], self.forced[l])
                lower = layer
        # Copies, for the memory of the layers goes on to the next chunk.
        by_row = [layer.all_h[1:].transpose(0, 1) for layer in self.layers]
        hidden = [h.clone(memory_format=torch.contiguous_format) for h in by_row]
        own = torch.from_numpy(np.stack([layer.z.T for layer in self.layers], 2))
        boundaries = own[:, 1:, :-1].contiguous()
        preactivations = torch.from_numpy(np.stack([layer.s_z.T for layer in self.layers[:-1]], 2))
        below = torch.cat((torch.ones_like(boundaries[..., :1]), boundaries), 2)
        operations = operations_of(own[:, :-1], below)
        after = []
        for layer in self.layers:
            after += [
                torch.from_numpy(x.copy()) for x in (layer.h[time], layer.c[time], layer.z[time, :, None])
            ]
        if not self.train:
            self.lease.end()
        return (*hidden, boundaries, preactivations, operations, *after)

    def _ears(self, l: int, weights: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the z~ rows that layer ``l``'s hidden state meets, by the name of their matrix."""
        below_top = len(weights) - 1
        ears = {}
        if l < below_top:
            ears["recurrent"] = weights[l]["recurrent"][-1]
        if l + 1 < below_top:
            ears["bottom_up"] = weights[l + 1]["bottom_up"][-1]
        if l > 0 and self.core.top_down:
            ears["top_down"] = weights[l - 1]["top_down"][-1]
        return ears

    def backward(self, gradients: tuple[Tensor, ...], *, input_wanted: bool) -> list[Tensor | None]:
        """Return the gradients of input, state and parameters from those of :meth:`forward`'s results."""
        if self.spent:
            raise RuntimeError(
                "the fast path keeps what it computed for one backward pass; to run backward twice "
                "(retain_graph=True), use HMLSTM.loop"
            )
        self.spent = True
        core, layers = self.core, self.layers
        count, time = len(layers), layers[0].time
        hidden, (z, s_z, _), state = gradients[:count], gradients[count : count + 3], gradients[count + 3 :]
        flows = []
        for l, layer in enumerate(layers):
            below_top = not layer.is_top
            flows.append(
                Backward(
                    layer, hidden[l], z[..., l] if below_top else None, s_z[..., l] if below_top else None,
                    state[3 * l : 3 * l + 3], self.slope,
                    self.forced[l] if below_top else self.forced[0], self.lease,
                )
            )  # fmt: skip
        bottom = Below(self.source)
        for t in reversed(range(time)):
            for l in reversed(range(count)):
                upper = flows[l + 1] if core.top_down and l + 1 < count else None
                flows[l].step(t, flows[l - 1] if l else bottom, upper)
        result: list[Tensor | None] = [flows[0].input_gradient(bottom) if input_wanted else None]
        for flow in flows:
            flow.hear(0)
            result += [torch.from_numpy(x.copy()) for x in (flow.dh[0], flow.dc[0], flow.dz[0, :, None])]
        heard = [flow.heard_gradients() for flow in flows]
        first = torch.mv(self.source.rows.t(), self.source.by_row(bottom.d_heard["bottom_up"][1:]))
        for l, flow in enumerate(flows):
            detectors = {}
            if l + 1 < count:
                detectors["recurrent"] = heard[l]["recurrent"]
                detectors["bottom_up"] = heard[l - 1]["bottom_up"] if l else first
                if core.top_down:
                    detectors["top_down"] = heard[l + 1]["top_down"]
            by_name = flow.weights(detectors)
            result += [by_name.get(name) for name in layers[l].weights]
        self.layers = []
        self.lease.end()
        return result


class _Chunk(torch.autograd.Function):
    """The bridge to autograd: tensors in, tensors out; the work is :class:`_Run`'s."""

    @staticmethod
    def forward(ctx: Any, run: _Run, input: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.run = run if run.train else None
        cut = 3 * len(run.core.cells)
        output = run.forward(input, tensors[:cut], tensors[cut:])
        ctx.mark_non_differentiable(output[len(run.core.cells) + 2])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *ctx.run.backward(gradients, input_wanted=ctx.needs_input_grad[1]))


def _numbers(input: Tensor | Embedded) -> Tensor:
    """Return what gradients of an input flow to: itself or its table."""
    return input.table if isinstance(input, Embedded) else input


def _binary(*boundaries: Tensor) -> bool:
    """Whether all given boundaries are 0, 1 or NaN."""
    return all(bool(((z == 0) | (z == 1) | z.isnan()).all()) for z in boundaries)
