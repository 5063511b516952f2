"""One layer of the fast path, backward: gradients of the data step by step, those of the weights at the end.

The derivation is plain calculus on the equations at the head of :mod:`hsrnn.hmrnn.fast_layer`; what each
class of rows needs stands in :mod:`hsrnn.hmrnn.fast_rows`. ``dx`` is the gradient of the loss by ``x``;
``ds`` that by the pre-activation of f, i, o, g and ``ds_z`` that by the one of z~.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .fast_layer import Layer, Source, column
from .fast_memory import Lease

aten = torch.ops.aten
_BLOCK = 16


class Below:
    """Gradients of what a layer read from below: ``dh[t + 1]`` and ``dz[t + 1]`` belong to step t, and so
    does ``d_heard``. This one is that of the input: it has no boundary, and may be unwanted (``dh`` is then
    ``None``)."""

    def __init__(self, source: Source, input: Tensor, *, wanted: bool) -> None:
        self.source = source
        self.all = torch.zeros_like(input) if wanted else None
        self.dh: Sequence[Tensor] | None = None if self.all is None else (input[0], *self.all.unbind(0))
        self.dz: NDArray | None = None
        self.all_d_heard = input.new_zeros(len(input) + 1, input.shape[1], 1)
        self.d_heard = {"bottom_up": self.all_d_heard[..., 0].numpy()}


class Backward(Below):
    """Gradients of one layer's data; those of step t are complete when :meth:`step` reaches it, for all who
    read them come earlier in the backward order.

    Args:
        layer: the layer after its forward pass. Its gates are overwritten by ``ds``.
        hidden: gradient of the hidden states, ``(batch, time, units)``.
        boundaries, preactivations: gradients ``(batch, time)``; ``None`` in the top layer.
        state: gradients of the state after the last step: h, c ``(batch, units)`` and z ``(batch, 1)``.
        slope: slope of the hard sigmoid.
        forced: ``(time, batch)`` forced boundaries, or ``None``.
        lease: source of memory.
    """

    def __init__(
        self, layer: Layer, hidden: Tensor, boundaries: Tensor | None, preactivations: Tensor | None,
        state: Sequence[Tensor], slope: float, forced: NDArray | None, lease: Lease,
    ) -> None:  # fmt: skip
        n, time, batch = layer.units, layer.time, layer.batch
        self.layer = self.source = layer
        all_dhc = lease.empty(time + 1, batch, 2 * n).zero_()
        all_dhc[1:, :, :n] = hidden.transpose(0, 1)
        all_dhc[time, :, :n] += state[0]
        all_dhc[time, :, n:] = state[1]
        self.dhc, self.dh = all_dhc.unbind(0), all_dhc[..., :n].unbind(0)
        self.dz = np.zeros_like(layer.z)
        self.dz[time] = state[2][:, 0].numpy()
        if boundaries is not None and preactivations is not None:
            self.dz[1:] += boundaries.t().numpy()
            # The hard sigmoid's derivative, slope / 2 inside the band, stands for that of step and draw.
            self.through = (layer.band(layer.s_z, slope, forced) * (slope / 2)).astype(layer.z.dtype)
            self.ds_z = preactivations.t().numpy().copy()
        self.all_d_heard = hidden.new_zeros(time + 1, batch, layer.ears.shape[1])
        self._d_heard = self.all_d_heard.unbind(0)
        self.d_heard = dict(zip(layer.heard, self.all_d_heard.numpy().transpose(2, 0, 1)))
        self._ears = layer.ears.t().contiguous()
        self.ds_above = None if layer.is_top else lease.empty(layer.start_above[-1], 4 * n)
        self.sum = lease.empty(batch, 4 * n)
        if layer.layer_norm:
            self.gate_gain, self.gate_bias = hidden.new_zeros(batch, 4 * n), hidden.new_zeros(batch, 4 * n)
            self.cell_gain, self.cell_bias = hidden.new_zeros(n), hidden.new_zeros(n)
            self.zero, self.one = hidden.new_zeros(batch, 4, 1), hidden.new_ones(batch, 4, 1)
        self._resting = self._rest()
        self._change = self._kept = hidden.new_zeros(0)
        self._place: dict[int, Tensor] = {}

    def _rest(self) -> list[NDArray]:
        """Return, for each step, where the rows of class 6 find ``U h' + b`` and their state: at their next
        active step, or behind the last of all, where this puts them."""
        layer = self.layer
        end = layer.start[-1]
        places = np.arange(end, end + layer.batch)
        resting = []
        for t in reversed(range(layer.time)):
            rows = layer.rows[t]
            resting.append(places[rows.choosing.numpy()])
            places[rows.active.numpy()] = np.arange(layer.start[t], layer.start[t + 1])
        if layer.own_terms is not None:
            left = np.unique(np.concatenate(resting))
            left = torch.from_numpy(left[left >= end])
            if left.numel():
                layer.before[left] = layer.hc[layer.time][left - end]
                h = layer.before[left, : layer.units]
                layer.own_terms[left] = layer.products["recurrent"].times(h, layer.bias)
                layer.count("backward, data", left.numel(), "recurrent")
        return resting[::-1]

    def _unused_gates(self, start: int, stop: int) -> None:
        """Compute, for all rows of class 6 in steps ``start`` to ``stop``, what their gates would have made
        of h and c; once for a run of copies. In blocks, for the sake of the processor's caches."""
        layer = self.layer
        counts = [len(places) for places in self._resting[start:stop]]
        if layer.own_terms is None or not sum(counts):
            return
        places, back = np.unique(np.concatenate(self._resting[start:stop]), return_inverse=True)
        index = torch.from_numpy(places)
        before = layer.before.index_select(0, index)
        c = before[:, layer.units :]
        f, i, o, g, q = layer.what_if(layer.own_terms.index_select(0, index), c)
        self._kept = f * c
        self._change = torch.cat((o * q, i * g), 1).sub_(before)
        self._place = dict(zip(range(start, stop), torch.from_numpy(back).split(counts)))

    def step(self, t: int, lower: Below, upper: Backward | None) -> None:
        """Take the gradients from step ``t`` to what it read; ``upper=None`` if there is no top-down term."""
        layer, rows = self.layer, self.layer.rows[t]
        a, b = layer.start[t], layer.start[t + 1]
        self.hear(t + 1)
        if t == layer.time - 1 or t % _BLOCK == _BLOCK - 1:
            self._unused_gates(t - t % _BLOCK, t + 1)
        if rows.copying.numel():
            self.dhc[t].index_add_(0, rows.copying, self.dhc[t + 1].index_select(0, rows.copying))
        if rows.choosing.numel():
            self._choose_copies(t, rows.choosing, lower)
        if b > a:
            self._gates(t, a, b, lower)
            self._products(t, a, b, lower, upper)
        if not layer.is_top:
            self._detector(t, lower, upper)

    def hear(self, t: int) -> None:
        """Pass the gradients of all dot products that the detectors took of ``h[t]`` on to it."""
        if self.d_heard:
            self.dh[t].addmm_(self._d_heard[t], self._ears)

    def _choose_copies(self, t: int, index: Tensor, lower: Below) -> None:
        """Gradient of the choice in rows that copied, though a boundary was in its band."""
        dhc = self.dhc[t + 1].index_select(0, index)
        place = self._place[t]
        change = _dot(dhc, self._change.index_select(0, place))
        rows = index.numpy()
        self.dz[t, rows] += change
        if lower.dz is not None:
            lower.dz[t + 1, rows] += change + _dot(
                dhc[:, self.layer.units :], self._kept.index_select(0, place)
            )

    def _gates(self, t: int, a: int, b: int, lower: Below) -> None:
        """From dh and dc of the active rows to their ds (left in the layer's gates), dc' and the choice's
        dz."""
        layer, rows, n = self.layer, self.layer.rows[t], self.layer.units
        active, gates, q = rows.active, layer.gates[a:b], layer.squashed[a:b]
        f, i, o, g = gates.chunk(4, 1)
        _, c_before = layer.before[a:b].chunk(2, 1)
        dh, dc = self.dhc[t + 1].index_select(0, active).chunk(2, 1)
        ds = self.sum[: b - a]
        df, di, do, dg = ds.chunk(4, 1)
        if layer.mixed:
            copy, update = layer.choice(t, active, lower.source, dh)
            renew = 1 - copy
        # h = renew o q + copy h' (the authors' top layer: h = o q)
        blends = layer.mixed and not layer.redraws_hidden
        d_shown = dh * renew if blends else dh
        torch.mul(d_shown, q, out=do)
        # q = tanh(c) or tanh(norm(c))
        dq = aten.tanh_backward(d_shown * o, q)
        if layer.layer_norm:
            mean, scale = layer.cell_statistics[t]
            dq, gain, bias = aten.native_layer_norm_backward(
                dq, layer.after[a:b, n:], (n,), mean, scale,
                layer.weights["cell_norm.weight"], layer.weights["cell_norm.bias"], (True, True, True),
            )  # fmt: skip
            self.cell_gain += gain
            self.cell_bias += bias
        dc += dq
        self._choose(t, a, b, dh, dc, (f, i, o, g, q), lower)
        # c = (copy + update f) c' + renew i g
        if layer.mixed:
            torch.mul(dc * update, c_before, out=df)
            dc_before = dc * torch.addcmul(copy, update, f)
            dc *= renew
        else:
            # FLUSH, in the first rows, has neither f nor c'.
            torch.mul(dc, c_before, out=df)
            dc_before = dc * f
            if rows.above.stop:
                df[rows.above] = 0
                dc_before[rows.above] = 0
        torch.mul(dc, g, out=di)
        torch.mul(dc, i, out=dg)
        fio = ds[:, : 3 * n]
        target = ds if layer.layer_norm else gates
        aten.sigmoid_backward.grad_input(fio, gates[:, : 3 * n], grad_input=target[:, : 3 * n])
        aten.tanh_backward.grad_input(dg, g, grad_input=target[:, 3 * n :])
        if layer.layer_norm:
            self._normalise(t, ds, layer.normal[a:b], gates)
        dh_before = layer.products["recurrent"].back(gates)
        layer.count("backward, data", b - a, "recurrent")
        if blends:
            dh_before.addcmul_(dh, copy)
        self.dhc[t].index_add_(0, active, torch.cat((dh_before, dc_before), 1))

    def _normalise(self, t: int, da: Tensor, normal: Tensor, ds: Tensor) -> None:
        """Backward through gain, bias and layer norm of the gates: ``da -> ds``."""
        count, n = len(da), self.layer.units
        self.gate_gain[:count].addcmul_(da, normal)
        self.gate_bias[:count] += da
        da *= self.layer.weights["gate_norm.weight"]
        # The norm of something already normal, then its scale: spares keeping what it was before.
        plain, _, _ = aten.native_layer_norm_backward(
            da.view(-1, 4, n), normal.view(-1, 4, n), (n,), self.zero[:count], self.one[:count], None, None,
            (True, False, False),
        )  # fmt: skip
        torch.mul(plain, self.layer.gate_scale[t], out=ds.view(-1, 4, n))

    def _choose(
        self, t: int, a: int, b: int, dh: Tensor, dc: Tensor, parts: tuple[Tensor, ...], lower: Below
    ) -> None:
        """Gradient of the choice between operations, in both boundaries (decision D1)."""
        layer, rows = self.layer, self.layer.rows[t].active.numpy()
        f, i, o, g, q = parts
        h_before, c_before = layer.before[a:b].chunk(2, 1)
        kept = _dot(dc, f * c_before)
        if lower.dz is None:
            # The boundary below is 1 for ever: the choice is between UPDATE and FLUSH.
            self.dz[t, rows] -= kept
            return
        change = _dot(dc, (i * g).sub_(c_before))
        if not layer.redraws_hidden:
            change += _dot(dh, (o * q).sub_(h_before))
        both = change + kept
        self.dz[t, rows] += change - lower.source.z[t + 1, rows] * both
        lower.dz[t + 1, rows] += (1 - layer.z[t, rows]) * both

    def _products(self, t: int, a: int, b: int, lower: Below, upper: Backward | None) -> None:
        """Gradients of h_below and of h_above, and of the boundaries that gate them."""
        layer, rows = self.layer, self.layer.rows[t]
        ds = layer.gates[a:b]
        if lower.dh is not None:
            dz = None if lower.dz is None else lower.dz[t + 1]
            z, h, dh = lower.source.z[t + 1], lower.source.h[t + 1], lower.dh[t + 1]
            self._gated("bottom_up", ds, rows.active, rows.below_gradient, rows.below, h, z, dh, dz)
        if upper is not None:
            if rows.above.stop:
                self.ds_above[layer.start_above[t] : layer.start_above[t + 1]] = ds[rows.above]
            z, h, dh, dz = layer.z[t], upper.layer.h[t], upper.dh[t], self.dz[t]
            self._gated("top_down", ds, rows.active, rows.above_gradient, rows.above, h, z, dh, dz)
            if t in layer.recalled:
                terms = layer.above_terms.index_select(0, layer.recalled[t])
                dz[rows.active[rows.recalling].numpy()] += _dot(ds[rows.recalling], terms)

    def _gated(
        self, name: str, ds: Tensor, active: Tensor, wanted: slice, gated: slice,
        h: Tensor, z: NDArray, dh: Tensor, dz: NDArray | None,
    ) -> None:  # fmt: skip
        """Gradients of ``z (matrix @ h)``: ``dz = <matrix^T ds, h>`` and ``dh = z matrix^T ds``."""
        index = active[wanted]
        if not index.numel():
            return
        product = self.layer.products[name].back(ds[wanted])
        self.layer.count("backward, data", index.numel(), name)
        if dz is not None:
            dz[index.numpy()] += _dot(product, h.index_select(0, index))
        if self.layer.mixed:
            product *= column(z, index, product)
        elif gated != wanted:
            # In the other rows the gate is 0.
            index, product = active[gated], product[gated.start - wanted.start : gated.stop - wanted.start]
        dh.index_add_(0, index, product)

    def _detector(self, t: int, lower: Below, upper: Backward | None) -> None:
        """Gradient of z~, in all rows."""
        layer, ds_z = self.layer, self.ds_z[t]
        ds_z += self.dz[t + 1] * self.through[t]
        self.d_heard["recurrent"][t] = ds_z
        lower.d_heard["bottom_up"][t + 1] = ds_z * lower.source.z[t + 1]
        if lower.dz is not None:
            lower.dz[t + 1] += ds_z * lower.source.heard["bottom_up"][t + 1]
        if upper is not None:
            upper.d_heard["top_down"][t] = ds_z * layer.z[t]
            self.dz[t] += ds_z * upper.layer.heard["top_down"][t]

    def heard_gradients(self) -> dict[str, Tensor]:
        """Return the gradients of the z~ rows that listened to this layer, each ``(units,)``, by matrix."""
        gradient = self.all_d_heard.flatten(0, 1).t() @ self.layer.all_h.flatten(0, 1)
        return dict(zip(self.d_heard, gradient))

    def weights(self, detectors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the gradients of the layer's parameters by name, each one product over all steps.

        Args:
            detectors: gradients of this layer's own z~ rows by matrix; empty in the top layer.
        """
        layer, n = self.layer, self.layer.units
        rows, rows_above = layer.start[-1], layer.start_above[-1]
        ds = layer.gates[:rows]
        factors = {"recurrent": (ds, layer.before[:rows, :n]), "bottom_up": (ds, layer.from_below[:rows])}
        if "top_down" in detectors:
            factors["top_down"] = self.ds_above, layer.from_above[:rows_above]
        gradients = {}
        for name, (left, right) in factors.items():
            gradient = torch.empty_like(layer.weights[name])
            torch.mm(left.t(), right, out=gradient[: 4 * n])
            layer.count("backward, weights", len(left), name)
            if detectors:
                gradient[4 * n] = detectors[name]
            gradients[name] = gradient
        gradients["bias"] = ds.sum(0)
        if detectors:
            gradients["bias"] = torch.cat((gradients["bias"], torch.from_numpy(self.ds_z).sum()[None]))
        if layer.layer_norm:
            gradients["gate_norm.weight"] = self.gate_gain.sum(0)
            gradients["gate_norm.bias"] = self.gate_bias.sum(0)
            gradients["cell_norm.weight"], gradients["cell_norm.bias"] = self.cell_gain, self.cell_bias
        return gradients


def _dot(x: Tensor, y: Tensor) -> NDArray:
    return torch.linalg.vecdot(x, y).numpy()
