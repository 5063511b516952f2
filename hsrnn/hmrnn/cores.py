"""Baselines that share the HM-LSTM's interface, so that the same language model can be built on any of them.

* :class:`LSTMCore`: a stack of ``torch.nn.LSTM`` layers (Hochreiter and Schmidhuber 1997).
* :class:`LayerNormLSTM`: the same with the layer norm of decision D4, one step at a time.
* :class:`ClockworkRNN`: a simple recurrent network in modules of fixed periods (Koutnik et al. 2014).

Each maps ``(batch, time, input_size)`` to a :class:`~hsrnn.hmrnn.model.CoreOutput` whose ``hidden``
holds one tensor a layer (a module, for the clockwork RNN), so that the gated output module sees every
one of them. They take a ``generator`` like the HM-LSTM does, and draw nothing from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cell import Affine, initialise
from .model import CoreOutput, check_input


def _check_sizes(name: str, sizes: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(sizes)
    if not sizes or min(sizes) < 1:
        raise ValueError(f"{name} must be at least one positive size, got {sizes}")
    return sizes


class LSTMCore(nn.Module):
    """A stack of ``torch.nn.LSTM`` layers of any sizes, hidden states of every layer shown.

    Args:
        input_size: width of the input.
        hidden_sizes: units of each layer, bottom first.
        seed: seed of the initial weights (uniform in +-1/sqrt(units), as torch does).
    """

    def __init__(self, input_size: int, hidden_sizes: Sequence[int], *, seed: int = 0) -> None:
        super().__init__()
        self.input_size, self.hidden_sizes = input_size, _check_sizes("hidden_sizes", hidden_sizes)
        columns = (input_size, *self.hidden_sizes[:-1])
        self.layers = nn.ModuleList(
            nn.LSTM(d, h, batch_first=True) for d, h in zip(columns, self.hidden_sizes)
        )
        generator = torch.Generator().manual_seed(seed)
        for layer in self.layers:
            for weight in layer.parameters():
                weight.data.uniform_(-(layer.hidden_size**-0.5), layer.hidden_size**-0.5, generator=generator)

    def initial_state(self, batch: int) -> tuple[tuple[Tensor, Tensor], ...]:
        """Return zeros ``(h, c)``, each ``(1, batch, units)``, for every layer."""
        like = self.layers[0].weight_hh_l0
        return tuple((like.new_zeros(1, batch, n), like.new_zeros(1, batch, n)) for n in self.hidden_sizes)

    def forward(
        self, input: Tensor, state: Any = None, *, generator: torch.Generator | None = None
    ) -> tuple[CoreOutput, Any]:
        """Run over ``(batch, time, input_size)``; see :meth:`hsrnn.hmrnn.model.HMLSTM.forward`."""
        check_input(input, self.input_size)
        state = self.initial_state(input.shape[0]) if state is None else state
        hidden, after = [], []
        for layer, before in zip(self.layers, state):
            input, new = layer(input, before)
            hidden.append(input)
            after.append(new)
        return CoreOutput(tuple(hidden)), tuple(after)


class LayerNormLSTM(nn.Module):
    """A stack of LSTM layers with one layer norm a gate on the summed pre-activation, and one on c
    inside the tanh.

    Args:
        input_size: width of the input.
        hidden_sizes: units of each layer, bottom first.
        seed: seed of the initial weights.
    """

    def __init__(self, input_size: int, hidden_sizes: Sequence[int], *, seed: int = 0) -> None:
        super().__init__()
        self.input_size, self.hidden_sizes = input_size, _check_sizes("hidden_sizes", hidden_sizes)
        columns = (input_size, *self.hidden_sizes[:-1])
        sizes = list(zip(columns, self.hidden_sizes))
        self.bottom_up = nn.ParameterList(nn.Parameter(torch.empty(4 * h, d)) for d, h in sizes)
        self.recurrent = nn.ParameterList(nn.Parameter(torch.empty(4 * h, h)) for _, h in sizes)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(4 * h)) for _, h in sizes)
        self.gate_norms = nn.ModuleList(Affine(4 * h) for _, h in sizes)
        self.cell_norms = nn.ModuleList(Affine(h) for _, h in sizes)
        generator = torch.Generator().manual_seed(seed)
        for l, units in enumerate(self.hidden_sizes):
            initialise(self.bottom_up[l], units, generator)
            initialise(self.recurrent[l], units, generator)

    def initial_state(self, batch: int) -> tuple[tuple[Tensor, Tensor], ...]:
        """Return zeros ``(h, c)``, each ``(batch, units)``, for every layer."""
        like = self.biases[0]
        return tuple((like.new_zeros(batch, n), like.new_zeros(batch, n)) for n in self.hidden_sizes)

    def forward(
        self, input: Tensor, state: Any = None, *, generator: torch.Generator | None = None
    ) -> tuple[CoreOutput, Any]:
        """Run over ``(batch, time, input_size)``; see :meth:`hsrnn.hmrnn.model.HMLSTM.forward`."""
        check_input(input, self.input_size)
        state = self.initial_state(input.shape[0]) if state is None else state
        hidden, after = [], []
        for l, (h, c) in enumerate(state):
            steps = []
            # What comes from below needs no memory of this layer: one product for all time steps.
            from_below = F.linear(input, self.bottom_up[l], self.biases[l])
            for s in from_below.unbind(1):
                s = s + F.linear(h, self.recurrent[l])
                s = self.gate_norms[l](F.layer_norm(s.unflatten(1, (4, -1)), (h.shape[1],)).flatten(1))
                f, i, o, g = s.chunk(4, dim=1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * self.cell_norms[l](F.layer_norm(c, c.shape[-1:])).tanh()
                steps.append(h)
            input = torch.stack(steps, 1)
            hidden.append(input)
            after.append((h, c))
        return CoreOutput(tuple(hidden)), tuple(after)


class ClockworkRNN(nn.Module):
    """A tanh network cut into modules; module k is renewed only at steps divisible by its period.

    A module hears the input, itself and the slower modules, never the faster ones.

    Args:
        input_size: width of the input.
        hidden_sizes: units of each module, fastest first.
        periods: period of each module in steps, increasing, each a multiple of the one before; powers of 2 if
            ``None``.
        seed: seed of the initial weights.

    Raises:
        ValueError: for periods that do not fit.
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        *,
        periods: Sequence[int] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_sizes = input_size, _check_sizes("hidden_sizes", hidden_sizes)
        self.periods = (
            tuple(2**k for k in range(len(self.hidden_sizes))) if periods is None else tuple(periods)
        )
        nested = all(slow % fast == 0 and slow > fast for fast, slow in zip(self.periods, self.periods[1:]))
        if len(self.periods) != len(self.hidden_sizes) or min(self.periods) < 1 or not nested:
            raise ValueError(
                f"periods must be {len(self.hidden_sizes)} increasing steps, "
                f"each a multiple of the one before, got {self.periods}"
            )
        total = sum(self.hidden_sizes)
        self.bottom_up = nn.Parameter(torch.empty(total, input_size))
        self.recurrent = nn.Parameter(torch.empty(total, total))
        self.bias = nn.Parameter(torch.zeros(total))
        module = torch.repeat_interleave(
            torch.arange(len(self.hidden_sizes)), torch.tensor(self.hidden_sizes)
        )
        self.register_buffer("mask", (module[:, None] <= module[None, :]).float(), persistent=False)
        generator = torch.Generator().manual_seed(seed)
        for weight in (self.bottom_up, self.recurrent):
            bound = (3 / weight.shape[1]) ** 0.5
            weight.data.uniform_(-bound, bound, generator=generator)

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor]:
        """Return zeros ``(batch, units)`` and the step count 0 (int64): the clock goes on between chunks."""
        return self.bias.new_zeros(batch, sum(self.hidden_sizes)), torch.zeros((), dtype=torch.int64)

    def forward(
        self, input: Tensor, state: Any = None, *, generator: torch.Generator | None = None
    ) -> tuple[CoreOutput, Any]:
        """Run over ``(batch, time, input_size)``; see :meth:`hsrnn.hmrnn.model.HMLSTM.forward`."""
        check_input(input, self.input_size)
        h, clock = self.initial_state(input.shape[0]) if state is None else state
        first = int(clock)
        recurrent = self.recurrent * self.mask
        ends = [0]
        for units in self.hidden_sizes:
            ends.append(ends[-1] + units)
        from_below = F.linear(input, self.bottom_up, self.bias)
        steps = []
        for t in range(input.shape[1]):
            # Periods are nested, so the modules that are due are always the fastest ones: one slice.
            due = ends[max(k + 1 for k, period in enumerate(self.periods) if (first + t) % period == 0)]
            new = torch.tanh(from_below[:, t, :due] + F.linear(h, recurrent[:due]))
            h = torch.cat((new, h[:, due:]), 1)
            steps.append(h)
        hidden = torch.stack(steps, 1).split(self.hidden_sizes, dim=2)
        return CoreOutput(tuple(hidden)), (h, clock + input.shape[1])
