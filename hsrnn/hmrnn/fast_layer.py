"""One layer of the fast path, forward.

Symbols as in the paper; a dash marks the value one step ago. With ``flush = z_own``, ``update = (1 - z_own)
z_below``, ``copy = (1 - z_own) (1 - z_below)``, ``renew = 1 - copy`` and ``w = i g``:

    c = copy c' + update (f c' + w) + flush w = (copy + update f) c' + renew w
    q = tanh(c)            or tanh(norm(c))
    h = renew o q + copy h'

Rows of a step are sorted by what they need (:mod:`hsrnn.hmrnn.fast_rows`) and packed: the rows of step t lie
at ``start[t]:start[t + 1]`` of ``gates``, ``shown`` (q) and so on. States lie unpacked: ``h[t]`` is the state
before step t, ``h[t + 1]`` the one after it.

A boundary's pre-activation is a sum of dot products, of three hidden states with a row z~ each. Seen from the
hidden state, up to three detectors listen: that of its own layer, and those of the two neighbours. So every
new h is multiplied once by the few rows of ``ears``.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import fast_kernels as kernels
from .cell import HMLSTMCell
from .fast_memory import Lease
from .fast_products import Products
from .fast_rows import sort_rows

EPSILON = 1e-5  # of layer norm
NORMS = ("gate_norm.weight", "gate_norm.bias", "cell_norm.weight", "cell_norm.bias")
_OWN, _ABOVE, _BELOW = "recurrent", "bottom_up", "top_down"


class Source:
    """What a layer finds below: hidden states ``h[t + 1]``, what the detector above ``heard[t + 1]`` of them,
    and boundaries ``z[t + 1]`` with their codes."""

    h: NDArray
    heard: dict[str, NDArray]
    z: NDArray
    codes: NDArray[np.int8]


class Input(Source):
    """The input, whose boundary is 1 at every step.

    Args:
        input: ``(batch, time, columns)``, or the table ``(types, columns)`` whose rows it is made of.
        kinds: which row ``(batch, time)``, or ``None``.
        detector: the row z~ ``(columns,)`` that listens to it.

    Attributes:
        rows: all rows of the input in the order of time, ``(time * batch, columns)``, or the table.
        kinds: which row of the table, ``(time, batch)``; empty without one. ``h`` is empty with one.
    """

    def __init__(self, input: Tensor, kinds: Tensor | None, detector: Tensor) -> None:
        self.kinds = np.zeros((0, 0), np.int64)
        if kinds is None:
            input = input.transpose(0, 1).contiguous()
            self.h = np.empty((len(input) + 1, *input.shape[1:]), input.numpy().dtype)
            self.h[1:] = input.numpy()
            self.rows = input.flatten(0, 1)
            heard = (input @ detector).numpy()
        else:
            self.rows, self.kinds = input, kinds.t().long().contiguous().numpy()
            heard = (input @ detector).numpy()[self.kinds]
            self.h = np.empty((0, 0, 0), heard.dtype)
        self.heard = {_ABOVE: np.concatenate((heard[:1], heard))}
        self.z = np.ones_like(self.heard[_ABOVE])
        self.codes = np.ones(self.z.shape, np.int8)

    def by_row(self, x: NDArray) -> Tensor:
        """Return ``x`` ``(time, batch)``, one number for each step of each row, as a sum for each of
        ``rows``."""
        if not len(self.kinds):
            return torch.from_numpy(x).flatten()
        sums = np.bincount(self.kinds.ravel(), x.ravel(), len(self.rows))
        return torch.from_numpy(sums.astype(x.dtype))


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
        input: what the lowest layer reads, which never copies; ``None`` in the others.
        mixed: whether operations may be mixed (boundaries other than 0 and 1).
        train: whether a backward pass will follow.
        lease: source of memory.
        counter: multiplications done are added to it.
    """

    def __init__(
        self, cell: HMLSTMCell, weights: dict[str, Tensor], ears: dict[str, Tensor],
        state: tuple[Tensor, Tensor, Tensor], time: int, *,
        input: Input | None, mixed: bool, train: bool, lease: Lease, counter: Counter[str],
    ) -> None:  # fmt: skip
        self.cell, self.weights, self.train, self.counter = cell, weights, train, counter
        self.input = input
        self.units, self.is_top = cell.hidden_size, cell.is_top
        self.redraws_hidden = cell.is_top and cell.top_layer == "author"
        self.layer_norm = cell.gate_norm is not None
        self.time, self.batch = time, len(state[0])
        n, batch = self.units, self.batch
        self.all_h = lease.empty(time + 1, batch, n)
        self.h, self.c = self.all_h.numpy(), lease.empty(time + 1, batch, n).numpy()
        self.h[0], self.c[0] = state[0].numpy(), state[1].numpy()
        self.z, self.s_z = np.zeros((time + 1, batch), self.h.dtype), np.zeros((time, batch), self.h.dtype)
        self.z[0] = state[2][:, 0].numpy()
        # The gradient of the initial boundary passes no hard sigmoid: it is always wanted.
        self.codes = np.zeros((time + 1, batch), np.int8)
        self.codes[0] = (self.z[0] != 0) + 2 * train
        self.ears = torch.stack(list(ears.values())) if ears else state[0].new_zeros(0, n)
        self.all_heard = np.empty((len(ears), time + 1, batch), self.h.dtype)
        self.all_heard[:, 0] = (self.ears @ state[0].t()).numpy()
        self.counter["forward"] += batch * self.ears.numel()
        self.heard = dict(zip(ears, self.all_heard))
        self.products = {
            name: Products(weights[name][: 4 * n], time, lease)
            for name in (_OWN, _ABOVE, _BELOW)
            if name in weights
        }
        self.bias = weights["bias"][: 4 * n]
        self.bias_z = weights["bias"][4 * n :].numpy()
        # Packed rows. Without a backward pass, one step's room is enough.
        room = time * batch if train else batch
        none = self.none = np.zeros((0, 0), self.h.dtype)
        self.gates, self.shown = lease.empty(room, 4 * n), lease.empty(room, n)
        # An input of few kinds: all its products with the matrix, and which of them each row takes.
        self.of_kinds, self.kinds = none, np.zeros((time, 0), np.int64)
        if input is not None and len(input.kinds):
            self.of_kinds, self.kinds = (input.rows @ self.products[_ABOVE].matrix.t()).numpy(), input.kinds
            self.count("forward", len(input.rows), _ABOVE)
        self.before = lease.empty(room, n)
        self.from_below = lease.empty(0 if len(self.of_kinds) else room, cell.input_size)
        self.from_above = lease.empty(0 if self.is_top else room, cell.above_size or 0)
        self.gate_gain, self.gate_bias, self.cell_gain, self.cell_bias = (
            weights[name].numpy() if name in weights else none[0:0].reshape(0) for name in NORMS
        )
        norms = room if self.layer_norm else 0
        self.normal = lease.empty(norms, 4 * n).numpy()
        self.gate_scale, self.cell_moments = lease.empty(norms, 4).numpy(), lease.empty(norms, 2).numpy()
        # The same memory as numbers.
        self.at_gates, self.at_shown = self.gates.numpy(), self.shown.numpy()
        self.at_packed = self.before.numpy(), self.from_below.numpy()
        self.at_above, self.at_ears = self.from_above.numpy(), self.ears.numpy()
        # What later steps use again: U h' + b, with room for the states after the last step, and T h_above
        # with the place of each row's latest.
        copies = train and input is None and not self.redraws_hidden
        self.own_terms = lease.empty(room + batch if copies else 0, 4 * n)
        self.at_own_terms, self._rests = self.own_terms.numpy(), np.zeros(batch, np.bool_)
        recalls = room if train and not self.is_top and not mixed else 0
        self.above_terms, self.recalled = lease.empty(recalls, 4 * n).numpy(), np.zeros(recalls, np.int64)
        self._latest = np.full(batch, -1)
        self.order, self.ends = np.empty((time, batch), np.int64), np.empty((time, 8), np.int64)
        self.start, self.start_above = np.zeros(time + 1, np.int64), np.zeros(time + 1, np.int64)

    def active(self, t: int) -> NDArray[np.integer]:
        """Return the rows computed in step ``t``."""
        return self.order[t, : self.start[t + 1] - self.start[t]]

    def count(self, kind: str, rows: int, name: str) -> None:
        """Add the multiplications of ``rows`` rows by the matrix ``name``."""
        self.counter[kind] += rows * self.products[name].matrix.numel()

    def step(self, t: int, below: Source, above: Layer | None) -> None:
        """Compute h and c of step ``t``; ``above=None`` leaves the top-down term out."""
        if above is not None and t > 0:
            self._latest[above.active(t - 1)] = -1
        order, ends = self.order[t], self.ends[t]
        sort_rows(self.codes[t], below.codes[t + 1], self._latest, order, ends)
        count = self.batch if self.redraws_hidden else int(ends[5])
        self.start[t + 1], self.start_above[t + 1] = self.start[t] + count, self.start_above[t] + ends[2]
        a, first = (int(self.start[t]), int(self.start_above[t])) if self.train else (0, 0)
        kernels.gather(
            t, a, count, first, order, ends, self.h, self.c, self.all_heard, below.h, below.z,
            self.h if above is None else above.h, self.z, *self.at_packed,
            self.none if above is None else self.at_above, self._rests,
        )  # fmt: skip
        if not count:
            return
        gates, shown = self.at_gates, self.at_shown
        kernels.add_terms(
            a, count, first, order, ends, *self._terms(a, count, first, ends, above is not None),
            self.kinds[t], self.at_own_terms, self._rests, self.above_terms, self._latest, self.recalled,
            self.normal, self.gate_scale, self.gate_gain, self.gate_bias, gates, EPSILON,
        )  # fmt: skip
        squash(self.gates[a : a + count], self.units)
        kernels.new_cells(
            t, a, count, order, self.z, below.z, gates, self.c, self.cell_moments,
            self.cell_gain, self.cell_bias, shown, EPSILON,
        )  # fmt: skip
        self.shown[a : a + count].tanh_()
        kernels.new_hidden(
            t, a, count, order, self.z, below.z, gates, shown, self.h, self.at_ears, self.all_heard,
            self.redraws_hidden,
        )  # fmt: skip
        self.counter["forward"] += count * self.ears.numel()

    def _terms(self, a: int, count: int, first: int, ends: NDArray, top_down: bool) -> list[NDArray]:
        """Return the products of Eq. 4-7 for f, i, o, g: of all active rows, of those with a boundary below
        (or of all kinds of input) and of those with one of their own."""
        terms = [self.products[_OWN].times(self.before[a : a + count], self.bias).numpy()]
        self.count("forward", count, _OWN)
        lower, upper = slice(a + int(ends[1]), a + int(ends[5])), slice(first, first + int(ends[2]))
        packed = {_ABOVE: self.from_below[lower], _BELOW: self.from_above[upper if top_down else slice(0)]}
        for name, rows in packed.items():
            if name == _ABOVE and len(self.of_kinds):
                terms.append(self.of_kinds)
            elif len(rows):
                terms.append(self.products[name].times(rows).numpy())
                self.count("forward", len(rows), name)
            else:
                terms.append(self.none)
        return terms

    def detect(
        self, t: int, below: Source, above: Layer | None, slope: float, draws: NDArray[np.floating],
        forced: NDArray[np.floating],
    ) -> None:  # fmt: skip
        """Compute s_z and z of step ``t`` in all rows (decision D3); ``draws`` and ``forced``
        ``(time, batch)``, empty if nothing is drawn or forced."""
        kernels.detect(
            t, self.z, below.z, self.heard[_OWN], below.heard[_ABOVE],
            self.none if above is None else above.heard[_BELOW], self.bias_z, self.s_z, self.codes,
            self.cell.boundary == "soft", slope, draws, forced, self.train,
        )  # fmt: skip

    def band(self, slope: float, forced: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return where a gradient passes from z to s_z, ``(time, batch)``."""
        band = kernels.bands(self.s_z, slope, self.cell.boundary == "soft")
        return band & np.isnan(forced) if len(forced) else band


def squash(gates: Tensor, units: int) -> None:
    """Take f, i, o through the sigmoid and g through tanh."""
    gates[:, : 3 * units].sigmoid_()
    gates[:, 3 * units :].tanh_()
