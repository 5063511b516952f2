"""One layer of the fast path: a step forward, a step backward, and the weight gradients at the end.

Symbols as in the paper; a dash marks the value one step ago. With ``flush = z_own``, ``update = (1 - z_own) z_below``,
``copy = (1 - z_own) (1 - z_below)``, ``renew = 1 - copy`` and ``w = i g``:

    c = copy c' + update (f c' + w) + flush w = (copy + update f) c' + renew w
    q = tanh(c)            or tanh(norm(c))
    h = renew o q + copy h'

Rows of a step are sorted by what they need (:mod:`hsrnn.hmrnn.fast_rows`) and packed: the rows of step t lie at
``start[t]:start[t + 1]`` of ``gates``, ``squashed`` and so on. A dashed or plain state lies unpacked at ``h[t]``,
``h[t + 1]``.
"""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor
from torch.ops import aten

from .cell import HMLSTMCell, hard_sigmoid
from .fast_memory import Lease
from .fast_rows import Rows, boundary_codes, sort_rows

_EPSILON = 1e-5


class Source:
    """What a layer reads from below: hidden states ``h[t + 1]``, boundaries ``z[t + 1]`` and their gradients.

    For layer 1 that is the input, whose boundary is 1 at every step.
    """

    def __init__(self, input: Tensor) -> None:
        time, batch, _ = input.shape
        self.h = (input[0], *input.unbind(0))
        ones = input.new_ones(batch)
        self.z = (ones,) * (time + 1)
        self.codes = [boundary_codes(ones, None)] * (time + 1)
        self.dh: tuple[Tensor, ...] | None = None
        self.dz: tuple[Tensor, ...] | None = None


class Layer(Source):
    """A layer during one chunk.

    Args:
        cell: the layer's options.
        weights: its parameters by name.
        state: h, c ``(batch, units)`` and z ``(batch, 1)`` before the first step.
        time: number of steps.
        mixed: whether operations may be mixed (boundaries other than 0 and 1).
        train: whether a backward pass will follow.
        lease: source of memory.
        counter: multiplications done are added to it.
    """

    def __init__(
        self, cell: HMLSTMCell, weights: dict[str, Tensor], state: tuple[Tensor, Tensor, Tensor], time: int, *,
        mixed: bool, train: bool, lease: Lease, counter: Counter[str],
    ) -> None:  # fmt: skip
        self.cell, self.weights, self.train, self.counter = cell, weights, train, counter
        self.units, self.is_top = cell.hidden_size, cell.is_top
        self.redraws_hidden = cell.is_top and cell.top_layer == "author"
        self.mixed = mixed or self.redraws_hidden
        self.layer_norm = cell.gate_norm is not None
        self.time, self.batch = time, state[0].shape[0]
        n, rows = self.units, time * self.batch
        self.all_h, self.all_c = lease.empty(time + 1, self.batch, n), lease.empty(time + 1, self.batch, n)
        self.all_z, self.all_s_z = state[0].new_zeros(time + 1, self.batch), state[0].new_zeros(time, self.batch)
        self.all_h[0], self.all_c[0], self.all_z[0] = state[0], state[1], state[2][:, 0]
        self.h, self.c = self.all_h.unbind(0), self.all_c.unbind(0)
        self.z, self.s_z = self.all_z.unbind(0), self.all_s_z.unbind(0)
        # The gradient of the initial boundary passes no hard sigmoid: it is always wanted.
        self.codes = [boundary_codes(self.z[0], torch.ones_like(self.z[0]) if train else None)]
        if self.is_top:
            none = torch.zeros_like(self.codes[0])
            self.codes += [none] * time
        self.matrices = {name: weights[name][: 4 * n] for name in ("recurrent", "bottom_up", "top_down") if name in weights}
        self.forward_matrices = {name: self._columns(matrix, lease) for name, matrix in self.matrices.items()}
        self.detectors = {} if self.is_top else {name: weights[name][4 * n] for name in self.matrices}
        # Packed rows. Without a backward pass, one step's room is enough.
        room = rows if train else self.batch
        self.sum = lease.empty(self.batch, 4 * n)
        self.gates, self.squashed = lease.empty(room, 4 * n), lease.empty(room, n)
        self.normal = lease.empty(room, 4 * n) if self.layer_norm else self.gates
        self.from_own = lease.empty(room, n)
        self.from_below = lease.empty(room, cell.input_size)
        self.from_above = None if self.is_top else lease.empty(room, cell.above_size)
        self.rows: list[Rows] = []
        self.start, self.start_above = [0], [0]
        self.gate_scale: list[Tensor] = []
        self.cell_statistics: list[tuple[Tensor, Tensor]] = []
        self.below_z: list[Tensor] = []
        self.above_z: list[Tensor] = []

    def _columns(self, matrix: Tensor, lease: Lease) -> Tensor:
        """Return the transpose, laid out for small products; not worth copying for a few steps."""
        if self.time < 8:
            return matrix.t()
        return lease.empty(matrix.shape[1], matrix.shape[0]).copy_(matrix.t())

    def _count(self, kind: str, rows: int, matrix: Tensor) -> None:
        self.counter[kind] += rows * matrix.numel()

    # Forward

    def step(self, t: int, below: Source, above: Layer | None) -> None:
        """Compute h and c of step ``t``; ``above=None`` leaves the top-down term out."""
        rows = sort_rows(self.codes[t], below.codes[t + 1], compute_copies=self.redraws_hidden)
        active = rows.active
        a = self.start[-1] if self.train else 0
        b = a + len(active)
        h_new, c_new = self.h[t + 1], self.c[t + 1]
        h_new.copy_(self.h[t])
        c_new.copy_(self.c[t])
        if self.train:
            self.rows.append(rows)
            self.start.append(b)
        if b > a:
            self._pre_activate(t, rows, a, b, below, above)
            self._renew(t, active, a, b, below)
        elif self.train:
            self.gate_scale.append(self.sum[:0])
            self.cell_statistics.append((self.sum[:0], self.sum[:0]))
            self.start_above.append(self.start_above[-1])

    def _pre_activate(self, t: int, rows: Rows, a: int, b: int, below: Source, above: Layer | None) -> None:
        """Eq. 4-7 for f, i, o, g of the active rows."""
        n, active = self.units, rows.active
        bias = self.weights["bias"][: 4 * n]
        own = torch.index_select(self.h[t], 0, active, out=self.from_own[a:b])
        s = (self.sum if self.layer_norm else self.gates[a:])[: b - a]
        torch.addmm(bias, own, self.forward_matrices["recurrent"], out=s)
        self._count("forward", b - a, self.matrices["recurrent"])
        lower = self.from_below[a:b]
        if rows.below.start:
            lower[: rows.below.start].zero_()
        if rows.below.stop < b - a:
            lower[rows.below.stop :].zero_()
        chosen = active[rows.below]
        if len(chosen):
            lower = torch.index_select(below.h[t + 1], 0, chosen, out=lower[rows.below])
            if self.mixed:
                lower *= below.z[t + 1].index_select(0, chosen)[:, None]
            s[rows.below].addmm_(lower, self.forward_matrices["bottom_up"])
            self._count("forward", len(chosen), self.matrices["bottom_up"])
        if above is not None:
            chosen = active[rows.above]
            first = self.start_above[-1] if self.train else 0
            last = first + len(chosen)
            if self.train:
                self.start_above.append(last)
            if len(chosen):
                upper = torch.index_select(above.h[t], 0, chosen, out=self.from_above[first:last])
                if self.mixed:
                    upper *= self.z[t].index_select(0, chosen)[:, None]
                s[rows.above].addmm_(upper, self.forward_matrices["top_down"])
                self._count("forward", len(chosen), self.matrices["top_down"])
        gates = self.gates[a:b]
        if self.layer_norm:
            self._normalise(s, a, b)
        gates[:, : 3 * n].sigmoid_()
        gates[:, 3 * n :].tanh_()

    def _normalise(self, s: Tensor, a: int, b: int) -> None:
        """One layer norm a gate (decision D4), then gain and bias."""
        n = self.units
        normal, _, scale = torch.native_layer_norm(s.view(-1, 4, n), (n,), None, None, _EPSILON)
        normal = normal.view(-1, 4 * n)
        if self.train:
            self.normal[a:b] = normal
            self.gate_scale.append(scale)
        torch.addcmul(
            self.weights["gate_norm.bias"], normal, self.weights["gate_norm.weight"], out=self.gates[a:b]
        )

    def _renew(self, t: int, active: Tensor, a: int, b: int, below: Source) -> None:
        """Eq. 2 and 3 in the active rows."""
        f, i, o, g = self.gates[a:b].chunk(4, 1)
        c = self.c[t].index_select(0, active)
        write = i * g
        if self.mixed:
            copy, update = self._choice(t, active, below)
            renew = 1 - copy
            c_new = torch.addcmul(copy, update, f).mul_(c).addcmul_(renew, write)
        else:
            # FLUSH where the own boundary fired, else UPDATE: there is no COPY among these rows.
            c_new = torch.addcmul(write, f * (1 - self.z[t].index_select(0, active))[:, None], c)
        q = self.squashed[a:b]
        if self.layer_norm:
            gain, bias = self.weights["cell_norm.weight"], self.weights["cell_norm.bias"]
            normal, mean, scale = torch.native_layer_norm(c_new, (self.units,), gain, bias, _EPSILON)
            if self.train:
                self.cell_statistics.append((mean, scale))
            torch.tanh(normal, out=q)
        else:
            torch.tanh(c_new, out=q)
        h_new = o * q
        if self.mixed and not self.redraws_hidden:
            h_new = torch.lerp(self.h[t].index_select(0, active), h_new, renew)
        self.c[t + 1].index_copy_(0, active, c_new)
        self.h[t + 1].index_copy_(0, active, h_new)

    def _choice(self, t: int, active: Tensor, below: Source) -> tuple[Tensor, Tensor]:
        """Return the coefficients ``copy`` and ``update`` ``(active, 1)``."""
        stay = 1 - self.z[t].index_select(0, active)[:, None]
        z_below = below.z[t + 1].index_select(0, active)[:, None]
        return stay * (1 - z_below), stay * z_below

    def detect(
        self, t: int, below: Source, above: Layer | None, slope: float, generator: torch.Generator | None,
        forced: Tensor | None,
    ) -> None:  # fmt: skip
        """Compute s_z and z of step ``t`` in all rows (decision D3); ``forced`` ``(batch,)`` as in the cell."""
        s, z = self.s_z[t], self.z[t + 1]
        torch.addmv(self.weights["bias"][4 * self.units :], self.h[t], self.detectors["recurrent"], out=s)
        from_below = torch.mv(below.h[t + 1], self.detectors["bottom_up"])
        s.addcmul_(from_below, below.z[t + 1])
        self.below_z.append(from_below)
        self._count("forward", self.batch, self.detectors["recurrent"])
        self._count("forward", self.batch, self.detectors["bottom_up"])
        if above is not None:
            from_above = torch.mv(above.h[t], self.detectors["top_down"])
            s.addcmul_(from_above, self.z[t])
            self.above_z.append(from_above)
            self._count("forward", self.batch, self.detectors["top_down"])
        if self.cell.boundary == "step":
            torch.gt(s, 0, out=z)
        elif self.cell.boundary == "soft":
            z.copy_(hard_sigmoid(s, slope))
        else:
            draw = torch.rand((self.batch, 1), generator=generator, device=s.device, dtype=s.dtype)[:, 0]
            torch.lt(draw, hard_sigmoid(s, slope), out=z)
        if forced is not None:
            z.copy_(torch.where(forced.isnan(), z, forced))
        self.codes.append(boundary_codes(z, self.band(s, slope, forced) if self.train else None))

    def band(self, s: Tensor, slope: float, forced: Tensor | None) -> Tensor:
        """Return where a gradient passes from z to ``s`` (bool, shape of ``s``): the clip of the hard sigmoid, which
        counts its two ends in for soft boundaries, as torch's clamp does."""
        if self.cell.boundary == "soft":
            linear = (slope * s + 1) / 2
            band = (linear >= 0) & (linear <= 1)
        else:
            band = s.abs() < 1 / slope
        return band if forced is None else band & forced.isnan()
