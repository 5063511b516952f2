"""Four recurrent cells with 0, 1, 2 and 3 gates behind one interface.

Source: Hou and Zhou (2020, arXiv 1810.10708), section on gated units. With sigma the logistic function, * the
product of elements, h and c the states before the step:

* :class:`SRN`, no gate: h = tanh(W x + U h + b)
* :class:`MGU`, one gate: f = sigma(Wf x + Uf h + bf),  g = tanh(Wh x + Uh (f * h) + bh),
  h = (1 - f) * h + f * g
* :class:`GRU`, two gates: r, z = sigma(affine in x, h),  g = tanh(W x + b + r * (U h + b')),
  h = (1 - z) * g + z * h
* :class:`LSTM`, three gates: i, f, o = sigma(affine in x, h),  g = tanh(affine in x, h),
  c = f * c + i * g,  h = o * tanh(c)

Weights lie as in ``torch.nn`` (``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``; blocks r, z, g for the
GRU and i, f, g, o for the LSTM), so a ``state_dict`` of ``torch.nn.GRU`` can be copied over.
:meth:`RecurrentCell.loop` is the equations, one step at a time; :meth:`RecurrentCell.forward` takes torch's
fused kernel where there is one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RecurrentCell(nn.Module):
    """What the cells share: weights, masks for lengths, the loop.

    Args:
        input_size: width D of the input.
        hidden_size: number H of units.
        seed: seed of the initial weights, uniform in +-1/sqrt(H) as in torch.

    Raises:
        ValueError: for a size below 1.
    """

    gates = 0
    blocks = 1
    parts = 1  # width of the state in units of H: 2 where a memory cell stands beside the hidden state
    hidden_bias = True

    def __init__(self, input_size: int, hidden_size: int, *, seed: int = 0) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.blocks * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows)) if self.hidden_bias else None
        generator = torch.Generator().manual_seed(seed)
        for weight in self.parameters():
            weight.data.uniform_(-(hidden_size**-0.5), hidden_size**-0.5, generator=generator)

    @property
    def state_size(self) -> int:
        """Width S of the state: H, or 2 H for the LSTM (h, then c)."""
        return self.parts * self.hidden_size

    def initial_state(self, batch: int) -> Tensor:
        """Return the zero state, ``(batch, S)``."""
        return self.weight_hh.new_zeros(batch, self.state_size)

    def forward(
        self, input: Tensor, lengths: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run over a batch of sequences.

        Args:
            input: ``(B, T, D)``.
            lengths: ``(B,)`` integers in [0, T]; ``None`` if all sequences have length T.
            state: ``(B, S)`` to start from, zeros if ``None``.

        Returns:
            Hidden states ``(B, T, H)``, zero behind the end of a sequence, and the state ``(B, S)`` after the
            last symbol of each sequence (the start's, for a sequence of length 0).

        Raises:
            ValueError: for an input or lengths of another shape.
        """
        self._check(input, lengths)
        fused = self._fused(input, lengths, self.initial_state(len(input)) if state is None else state)
        if fused is not None:
            return fused
        states, last = self.loop(input, lengths, state)
        return states[..., : self.hidden_size], last

    def loop(
        self, input: Tensor, lengths: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Do the same step by step by the equations; returns whole states ``(B, T, S)`` and the last one."""
        self._check(input, lengths)
        state = self.initial_state(len(input)) if state is None else state
        projected = F.linear(input, self.weight_ih, self.bias_ih).unbind(1)
        ended = None if lengths is None else _ended(lengths, input.shape[1])
        states = []
        for t, x in enumerate(projected):
            new = self.step(x, state)
            state = new if ended is None else torch.where(ended[:, t, None], state, new)
            states.append(state)
        stacked = torch.stack(states, 1) if states else input.new_zeros(len(input), 0, self.state_size)
        return (stacked if ended is None else stacked.masked_fill(ended[..., None], 0.0)), state

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Take one step: ``projected`` ``(B, blocks H)`` is the input behind its affine map, ``state`` is
        ``(B, S)``."""
        raise NotImplementedError

    def _fused(self, input: Tensor, lengths: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Do :meth:`forward` by a kernel of torch, or return ``None`` where there is none."""
        return None

    def _check(self, input: Tensor, lengths: Tensor | None) -> None:
        if input.ndim != 3 or input.shape[2] != self.input_size:
            raise ValueError(f"input must be (batch, time, {self.input_size}), got {tuple(input.shape)}")
        if lengths is not None:
            if lengths.shape != input.shape[:1]:
                raise ValueError(f"lengths must be ({len(input)},), got {tuple(lengths.shape)}")
            if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= input.shape[1]:
                raise ValueError(
                    f"lengths must lie in [0, {input.shape[1]}], got {int(lengths.min())} to "
                    f"{int(lengths.max())}"
                )

    def _weights(self) -> list[Tensor]:
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]


def _ended(lengths: Tensor, time: int) -> Tensor:
    """Return ``(B, T)``, true behind the end of each sequence."""
    return torch.arange(time, device=lengths.device) >= lengths[:, None]


def _cut(hidden: Tensor, lengths: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor]:
    """Make of hidden states that ran on over the padding the masked ones and the last; what comes later never
    reaches back."""
    if lengths is None:
        return hidden, hidden[:, -1] if hidden.shape[1] else state
    last = hidden[torch.arange(len(hidden), device=hidden.device), lengths.clamp_min(1) - 1]
    last = torch.where(lengths[:, None] > 0, last, state)
    return hidden.masked_fill(_ended(lengths, hidden.shape[1])[..., None], 0.0), last


class SRN(RecurrentCell):
    """Simple recurrent network (Elman 1990), no gate: h = tanh(W x + U h + b); ``torch.nn.RNN``."""

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Take one step; see :meth:`RecurrentCell.step`."""
        return torch.tanh(projected + F.linear(state, self.weight_hh, self.bias_hh))

    def _fused(self, input: Tensor, lengths: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor] | None:
        if 0 in input.shape:
            return None
        hidden, _ = torch.rnn_tanh(
            input, state[None], self._weights(), True, 1, 0.0, self.training, False, True
        )
        return _cut(hidden, lengths, state)


class MGU(RecurrentCell):
    """Minimal gated unit (Zhou, Wu, Zhang and Zhou 2016), one gate f that forgets and lets in.

    Its weights lie in blocks f, g.
    """

    gates = 1
    blocks = 2
    hidden_bias = False

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Take one step; see :meth:`RecurrentCell.step`."""
        n = self.hidden_size
        forget = torch.sigmoid(projected[:, :n] + F.linear(state, self.weight_hh[:n]))
        candidate = torch.tanh(projected[:, n:] + F.linear(forget * state, self.weight_hh[n:]))
        return torch.lerp(state, candidate, forget)


class GRU(RecurrentCell):
    """Gated recurrent unit in torch's form, gates r and z: r is applied behind the hidden map, and z keeps.

    The paper writes g = tanh(W x + U (r * h) + b) and h = (1 - z) * h + z * g: the same family, other
    weights.
    """

    gates = 2
    blocks = 3

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Take one step; see :meth:`RecurrentCell.step`."""
        x_gates, x_new = projected.split([2 * self.hidden_size, self.hidden_size], 1)
        recurrent = F.linear(state, self.weight_hh, self.bias_hh)
        h_gates, h_new = recurrent.split([2 * self.hidden_size, self.hidden_size], 1)
        reset, keep = torch.sigmoid(x_gates + h_gates).chunk(2, 1)
        return torch.lerp(torch.tanh(x_new + reset * h_new), state, keep)

    def _fused(self, input: Tensor, lengths: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor] | None:
        if 0 in input.shape:
            return None
        hidden, _ = torch.gru(input, state[None], self._weights(), True, 1, 0.0, self.training, False, True)
        return _cut(hidden, lengths, state)


class LSTM(RecurrentCell):
    """Long short-term memory, gates i, f, o; its state is h and c side by side, ``(B, 2 H)``.

    Only h is the hidden state that a classifier reads and that is clustered by default (decision A8).
    """

    gates = 3
    blocks = 4
    parts = 2

    def step(self, projected: Tensor, state: Tensor) -> Tensor:
        """Take one step; see :meth:`RecurrentCell.step`."""
        h, c = state.chunk(2, 1)
        i, f, g, o = (projected + F.linear(h, self.weight_hh, self.bias_hh)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], 1)

    def _fused(self, input: Tensor, lengths: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor] | None:
        if 0 in input.shape or (lengths is not None and int(lengths.min()) < input.shape[1]):
            return None  # the kernel keeps c of the last step only, and that step may be padding
        h, c = (part.contiguous()[None] for part in state.chunk(2, 1))
        hidden, _, c = torch.lstm(input, (h, c), self._weights(), True, 1, 0.0, self.training, False, True)
        return hidden, torch.cat([hidden[:, -1], c[0]], 1)


CELLS: dict[str, type[RecurrentCell]] = {"srn": SRN, "mgu": MGU, "gru": GRU, "lstm": LSTM}
