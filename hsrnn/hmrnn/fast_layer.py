"""One layer of the fast path, forward.

Symbols as in the paper; a dash marks the value one step ago. With ``flush = z_own``, ``update = (1 - z_own)
z_below``, ``copy = (1 - z_own) (1 - z_below)``, ``renew = 1 - copy`` and ``w = i g``:

    c = copy c' + update (f c' + w) + flush w = (copy + update f) c' + renew w
    q = tanh(c)            or tanh(norm(c))
    h = renew o q + copy h'

Rows of a step are sorted by what they need (:mod:`hsrnn.hmrnn.fast_rows`) and packed: the rows of step t lie
at ``start[t]:start[t + 1]`` of ``gates``, ``squashed`` and so on. States lie unpacked, h and c side by side:
``hc[t]`` is the state before step t, ``hc[t + 1]`` the one after it.

A boundary's pre-activation is a sum of dot products, of three hidden states with a row z~ each. Seen from the
hidden state, up to three detectors listen: that of its own layer, and those of the two neighbours. So every
new h is multiplied once by the few columns of ``ears``. What follows concerns one number a row and is done in
numpy, whose calls on so little cost a third of torch's.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .cell import HMLSTMCell
from .fast_memory import Lease
from .fast_products import Products
from .fast_rows import Rows, boundary_codes, sort_rows

_EPSILON = 1e-5
_OWN, _ABOVE, _BELOW = "recurrent", "bottom_up", "top_down"


class Source:
    """What a layer finds below: hidden states ``h[t + 1]``, what the detector above ``heard[t + 1]`` of them,
    and boundaries ``z[t + 1]`` with their codes. This one is the input, whose boundary is 1 at every step."""

    def __init__(self, input: Tensor, detector: Tensor) -> None:
        time, batch, _ = input.shape
        self.h = (input[0], *input.unbind(0))
        heard = input @ detector
        self.heard = {_ABOVE: torch.cat((heard[:1], heard)).numpy()}
        self.z = np.ones_like(self.heard[_ABOVE])
        self.codes = [boundary_codes(self.z[0], None)] * (time + 1)


class Layer(Source):
    """A layer during one chunk.

    Args:
        cell: the layer's options.
        weights: its parameters by name.
        ears: z~ rows ``(units,)`` that listen to this layer: of its own ``recurrent``, of the ``bottom_up``
            matrix of the layer above, of the ``top_down`` matrix of the layer below; as far as there are
            such.
        state: h, c ``(batch, units)`` and z ``(batch, 1)`` before the first step.
        time: number of steps.
        bottom: whether it is the lowest layer, which never copies.
        mixed: whether operations may be mixed (boundaries other than 0 and 1).
        train: whether a backward pass will follow.
        lease: source of memory.
        counter: multiplications done are added to it.
    """

    def __init__(
        self, cell: HMLSTMCell, weights: dict[str, Tensor], ears: dict[str, Tensor],
        state: tuple[Tensor, Tensor, Tensor], time: int, *,
        bottom: bool, mixed: bool, train: bool, lease: Lease, counter: Counter[str],
    ) -> None:  # fmt: skip
        self.cell, self.weights, self.train, self.counter = cell, weights, train, counter
        self.units, self.is_top = cell.hidden_size, cell.is_top
        self.redraws_hidden = cell.is_top and cell.top_layer == "author"
        self.mixed = mixed or self.redraws_hidden
        self.layer_norm = cell.gate_norm is not None
        self.time, self.batch = time, len(state[0])
        n, batch = self.units, self.batch
        self.all_hc = lease.empty(time + 1, batch, 2 * n)
        self.all_h, self.all_c = self.all_hc[..., :n], self.all_hc[..., n:]
        self.hc, self.h, self.c = self.all_hc.unbind(0), self.all_h.unbind(0), self.all_c.unbind(0)
        self.h[0].copy_(state[0])
        self.c[0].copy_(state[1])
        self.all_z, self.all_s_z = state[0].new_zeros(time + 1, batch), state[0].new_zeros(time, batch)
        self.z, self.s_z = self.all_z.numpy(), self.all_s_z.numpy()
        self.z[0] = state[2][:, 0].numpy()
        # The gradient of the initial boundary passes no hard sigmoid: it is always wanted.
        self.codes = [boundary_codes(self.z[0], np.ones(batch, bool) if train else None)]
        if self.is_top:
            self.codes += [np.zeros(batch, np.intp)] * time
        self.ears = torch.stack(list(ears.values()), 1) if ears else state[0].new_zeros(n, 0)
        all_heard = state[0].new_zeros(time + 1, batch, len(ears))
        self._heard = all_heard.unbind(0)
        self.heard = dict(zip(ears, all_heard.numpy().transpose(2, 0, 1)))
        self.products = {
            name: Products(weights[name][: 4 * n], time, lease)
            for name in (_OWN, _ABOVE, _BELOW)
            if name in weights
        }
        self.bias = weights["bias"][: 4 * n]
        self.bias_z = 0.0 if self.is_top else float(weights["bias"][4 * n])
        # Packed rows. Without a backward pass, one step's room is enough; with one, the states after the last
        # step follow those before each.
        room = time * batch if train else batch
        self.gates, self.squashed = lease.empty(room, 4 * n), lease.empty(room, n)
        self.before, self.after = lease.empty(room + batch, 2 * n), lease.empty(room, 2 * n)
        self.from_below = lease.empty(room, cell.input_size)
        self.from_above = None if self.is_top else lease.empty(room, cell.above_size)
        self.normal = lease.empty(room, 4 * n) if self.layer_norm and train else None
        # What later steps use again: U h' + b, and T h_above with the place of each row's latest.
        copies = train and not bottom and not self.redraws_hidden
        self.own_terms = lease.empty(room + batch, 4 * n) if copies else None
        recalls = train and not self.is_top and not self.mixed
        self.above_terms = lease.empty(room, 4 * n) if recalls else None
        self._latest = np.full(batch, -1)
        self.recalled: dict[int, Tensor] = {}
        self.rows: list[Rows] = []
        self.start, self.start_above = [0], [0]
        self.gate_scale: dict[int, Tensor] = {}
        self.cell_statistics: dict[int, tuple[Tensor, Tensor]] = {}
        self._listen(0)

    def _listen(self, t: int) -> None:
        """Take the dot products of ``h[t]`` with all z~ rows that it meets."""
        if self.heard:
            torch.mm(self.h[t], self.ears, out=self._heard[t])
            self.counter["forward"] += self.batch * self.ears.numel()

    def count(self, kind: str, rows: int, name: str) -> None:
        """Add the multiplications of ``rows`` rows by the matrix ``name``."""
        self.counter[kind] += rows * self.products[name].matrix.numel()

    def step(self, t: int, below: Source, above: Layer | None) -> None:
        """Compute h and c of step ``t``; ``above=None`` leaves the top-down term out."""
        if above is not None and above.rows:
            self._latest[above.rows[-1].active.numpy()] = -1
        known = None if self.above_terms is None else self._latest >= 0
        rows = sort_rows(self.codes[t], below.codes[t + 1], known=known, compute_copies=self.redraws_hidden)
        a, first = (self.start[-1], self.start_above[-1]) if self.train else (0, 0)
        b = a + rows.active.numel()
        if self.train:
            self.rows.append(rows)
            self.start.append(b)
            self.start_above.append(first + rows.above.stop)
        if rows.copying.numel():
            self.hc[t + 1].copy_(self.hc[t])
        if b > a:
            self._pre_activate(t, rows, a, b, first, below, above)
            self._renew(t, rows, a, b, below)
        self._listen(t + 1)

    def _pre_activate(
        self, t: int, rows: Rows, a: int, b: int, first: int, below: Source, above: Layer | None
    ) -> None:
        """Eq. 4-7 for f, i, o, g of the active rows."""
        n, active = self.units, rows.active
        before = torch.index_select(self.hc[t], 0, active, out=self.before[a:b])
        gates = self.gates[a:b]
        s = self.products[_OWN].times(before[:, :n], self.bias)
        self.count("forward", b - a, _OWN)
        if self.own_terms is not None:
            self.own_terms[a:b] = s
        chosen, lower = active[rows.below], self.from_below[a:b]
        if chosen.numel() < b - a:
            lower.zero_()
        if chosen.numel():
            lower = torch.index_select(below.h[t + 1], 0, chosen, out=lower[rows.below])
            if self.mixed:
                lower *= column(below.z[t + 1], chosen, lower)
            s[rows.below] += self.products[_ABOVE].times(lower)
            self.count("forward", chosen.numel(), _ABOVE)
        chosen = active[rows.above]
        if above is not None and chosen.numel():
            upper = self.from_above[first : first + chosen.numel()]
            torch.index_select(above.h[t], 0, chosen, out=upper)
            if self.mixed:
                upper *= column(self.z[t], chosen, upper)
            term = self.products[_BELOW].times(upper)
            self.count("forward", chosen.numel(), _BELOW)
            s[rows.above] += term
            if self.above_terms is not None:
                self.above_terms[first : first + len(term)] = term
                self._latest[chosen.numpy()] = np.arange(first, first + len(term))
        if rows.recalling.stop > rows.recalling.start:
            self.recalled[t] = torch.from_numpy(self._latest[active[rows.recalling].numpy()])
        if self.layer_norm:
            # One norm a gate (decision D4), then gain and bias.
            normal, _, scale = torch.native_layer_norm(s.view(-1, 4, n), (n,), None, None, _EPSILON)
            normal = normal.view(-1, 4 * n)
            if self.train:
                self.normal[a:b] = normal
                self.gate_scale[t] = scale
            torch.addcmul(self.weights["gate_norm.bias"], normal, self.weights["gate_norm.weight"], out=s)
        torch.sigmoid(s[:, : 3 * n], out=gates[:, : 3 * n])
        torch.tanh(s[:, 3 * n :], out=gates[:, 3 * n :])

    def _renew(self, t: int, rows: Rows, a: int, b: int, below: Source) -> None:
        """Eq. 2 and 3 in the active rows."""
        f, i, o, g = self.gates[a:b].chunk(4, 1)
        h_before, c_before = self.before[a:b].chunk(2, 1)
        after = self.after[a:b]
        h, c = after.chunk(2, 1)
        torch.mul(i, g, out=c)
        if self.mixed:
            copy, update = self.choice(t, rows.active, below, h)
            c.mul_(1 - copy).addcmul_(torch.addcmul(copy, update, f), c_before)
        else:
            # FLUSH in the first rows, UPDATE in the others; there is no COPY among them.
            update = slice(rows.above.stop, None)
            c[update].addcmul_(f[update], c_before[update])
        q = self.squashed[a:b]
        if self.layer_norm:
            gain, bias = self.weights["cell_norm.weight"], self.weights["cell_norm.bias"]
            normal, mean, scale = torch.native_layer_norm(c, (self.units,), gain, bias, _EPSILON)
            if self.train:
                self.cell_statistics[t] = mean, scale
            torch.tanh(normal, out=q)
        else:
            torch.tanh(c, out=q)
        torch.mul(o, q, out=h)
        if self.mixed and not self.redraws_hidden:
            torch.lerp(h, h_before, copy, out=h)
        self.hc[t + 1].index_copy_(0, rows.active, after)

    def choice(self, t: int, index: Tensor, below: Source, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coefficients ``copy`` and ``update``, each ``(rows, 1)``."""
        stay, z_below = 1 - column(self.z[t], index, like), column(below.z[t + 1], index, like)
        return stay * (1 - z_below), stay * z_below

    def what_if(self, s: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        """Return f, i, o, g and q of rows that copied, from ``s = U h' + b`` and ``c``. Neither a term from
        above nor one from below: both boundaries are 0."""
        n = self.units
        if self.layer_norm:
            normal = F.layer_norm(s.view(-1, 4, n), (n,), eps=_EPSILON).view(-1, 4 * n)
            s = torch.addcmul(self.weights["gate_norm.bias"], normal, self.weights["gate_norm.weight"])
            gain, bias = self.weights["cell_norm.weight"], self.weights["cell_norm.bias"]
            c = F.layer_norm(c, (n,), gain, bias, _EPSILON)
        fio, g = s.split((3 * n, n), 1)
        return *fio.sigmoid_().chunk(3, 1), g.tanh_(), c.tanh()

    def detect(
        self, t: int, below: Source, above: Layer | None, slope: float, generator: torch.Generator | None,
        forced: NDArray[np.floating] | None,
    ) -> None:  # fmt: skip
        """Compute s_z and z of step ``t`` in all rows (decision D3); ``forced`` ``(batch,)`` as in the
        cell."""
        s = self.heard[_OWN][t] + below.z[t + 1] * below.heard[_ABOVE][t + 1] + self.bias_z
        if above is not None:
            s += self.z[t] * above.heard[_BELOW][t]
        self.s_z[t] = s
        z = self.z[t + 1]
        if self.cell.boundary == "step":
            np.greater(s, 0, out=z)
        elif self.cell.boundary == "soft":
            np.clip((slope * s + 1) / 2, 0, 1, out=z)
        else:
            draw = torch.rand((self.batch, 1), generator=generator, dtype=self.all_z.dtype)[:, 0].numpy()
            np.less(draw, np.clip((slope * s + 1) / 2, 0, 1), out=z)
        if forced is not None:
            np.copyto(z, forced, where=~np.isnan(forced))
        self.codes.append(boundary_codes(z, self.band(s, slope, forced) if self.train else None))

    def band(self, s: NDArray, slope: float, forced: NDArray | None) -> NDArray[np.bool_]:
        """Return where a gradient passes from z to ``s``, same shape: the clip of the hard sigmoid, which
        counts its two ends in for soft boundaries, as torch's clamp does."""
        if self.cell.boundary == "soft":
            linear = (slope * s + 1) / 2
            band = (linear >= 0) & (linear <= 1)
        else:
            band = np.abs(s) < 1 / slope
        return band if forced is None else band & np.isnan(forced)


def column(values: NDArray[np.floating], index: Tensor, like: Tensor) -> Tensor:
    """Return ``values[index]`` as a column ``(rows, 1)`` of the dtype of ``like``."""
    return torch.from_numpy(values[index.numpy()]).to(like.dtype)[:, None]
