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

from . import fast_kernels_back as kernels
from .fast_layer import EPSILON, NORMS, Layer, Source, squash
from .fast_memory import Lease
from .fast_products import Products, product_of_transpose

_BLOCK = 16


class Below:
    """Gradients of what a layer read from below: ``dh[t + 1]`` and ``dz[t + 1]`` belong to step t, and so
    does ``d_heard``. This one is that of the input: it has no boundary, and ``dh`` comes at the end
    (:meth:`Backward.input_gradient`); both are empty here."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.dh, self.dz = np.zeros((0, 0, 0), source.h.dtype), np.zeros((0, 0), source.h.dtype)
        self.d_heard = {"bottom_up": np.zeros_like(source.z)}


class Backward(Below):
    """Gradients of one layer's data; those of step t are complete when :meth:`step` reaches it, for all who
    read them come earlier in the backward order.

    Args:
        layer: the layer after its forward pass. Its gates are overwritten by ``ds``.
        hidden: gradient of the hidden states, ``(batch, time, units)``.
        boundaries, preactivations: gradients ``(batch, time)``; ``None`` in the top layer.
        state: gradients of the state after the last step: h, c ``(batch, units)`` and z ``(batch, 1)``.
        slope: slope of the hard sigmoid.
        forced: ``(time, batch)`` forced boundaries, empty if there are none.
        lease: source of memory.
    """

    def __init__(
        self, layer: Layer, hidden: Tensor, boundaries: Tensor | None, preactivations: Tensor | None,
        state: Sequence[Tensor], slope: float, forced: NDArray, lease: Lease,
    ) -> None:  # fmt: skip
        n, time, batch = layer.units, layer.time, layer.batch
        self.layer = self.source = layer
        all_dh, all_dc = (lease.empty(time + 1, batch, n) for _ in range(2))
        all_dh[0], all_dh[1:] = 0, hidden.transpose(0, 1)
        all_dh[time] += state[0]
        all_dc[time] = state[1]  # the earlier ones are written once each
        self.dh, self.dc = all_dh.numpy(), all_dc.numpy()
        self.dz = np.zeros_like(layer.z)
        self.dz[time] = state[2][:, 0].numpy()
        if boundaries is not None and preactivations is not None:
            self.dz[1:] += boundaries.t().numpy()
            # The hard sigmoid's derivative, slope / 2 inside the band, stands for that of step and draw.
            self.through = (layer.band(slope, forced) * (slope / 2)).astype(layer.z.dtype)
            self.ds_z = preactivations.t().numpy().copy()
        self.all_d_heard = np.zeros_like(layer.all_heard)
        self.d_heard = dict(zip(layer.heard, self.all_d_heard))
        self.ds_above = lease.empty(0 if layer.is_top else int(layer.start_above[-1]), 4 * n)
        self._at_ds_above = self.ds_above.numpy()
        self.d_gates = np.zeros((2, 4 * n if layer.layer_norm else 0), self.dh.dtype)
        self.d_cell = np.zeros((2, n if layer.layer_norm else 0), self.dh.dtype)
        # One product for h' and h_below: hardly a row wants one of them only. That of the input can wait.
        names = ("recurrent", "bottom_up")[: 2 if layer.input is None else 1]
        matrices = [layer.products[name].matrix for name in names]
        self._both = Products(torch.cat(matrices, 1), time, lease)
        self._d_terms = np.zeros((max(1, len(layer.of_kinds)), 4 * n), self.dh.dtype)
        self._room = np.empty((3, n), self.dh.dtype)
        self._resting = self._rest() if len(layer.own_terms) else []

    def _rest(self) -> list[NDArray]:
        """Return, for each step, where the rows of class 6 find ``U h' + b``: at their next active step, or
        behind the last of all, where this puts them."""
        layer = self.layer
        end = int(layer.start[-1])
        places = np.arange(end, end + layer.batch)
        resting = []
        for t in reversed(range(layer.time)):
            resting.append(places[self._choosing(t)])
            places[layer.active(t)] = np.arange(layer.start[t], layer.start[t + 1])
        left = np.unique(np.concatenate(resting))
        left = torch.from_numpy(left[left >= end])
        if left.numel():
            h = layer.all_h[layer.time, left - end]
            layer.own_terms[left] = layer.products["recurrent"].times(h, layer.bias)
            layer.count("backward, data", left.numel(), "recurrent")
        return resting[::-1]

    def _choosing(self, t: int) -> NDArray[np.integer]:
        """Return the rows of class 6 in step ``t``."""
        return self.layer.order[t, self.layer.ends[t, 5] : self.layer.ends[t, 6]]

    def _unused_gates(self, start: int, stop: int) -> None:
        """Compute, for all rows of class 6 in steps ``start`` to ``stop``, what their gates would have been;
        once for a run of copies. In blocks, for the sake of the processor's caches."""
        layer = self.layer
        counts = [len(places) for places in self._resting[start:stop]]
        steps = np.repeat(np.arange(start, stop), counts)
        rows = np.concatenate([self._choosing(t) for t in range(start, stop)])
        places, one_of, back = np.unique(
            np.concatenate(self._resting[start:stop]), return_index=True, return_inverse=True
        )
        gates, shown = (layer.gates.new_empty(len(places), size) for size in (4 * layer.units, layer.units))
        kernels.rest(
            places, steps[one_of], rows[one_of], layer.at_own_terms, layer.c, gates.numpy(),
            shown.numpy(), layer.gate_gain, layer.gate_bias, layer.cell_gain, layer.cell_bias, EPSILON,
        )  # fmt: skip
        squash(gates, layer.units)
        self._unused = gates.numpy(), shown.tanh_().numpy()
        self._place = dict(zip(range(start, stop), np.split(back, np.cumsum(counts)[:-1])))

    def step(self, t: int, lower: Below, upper: Backward | None) -> None:
        """Take the gradients from step ``t`` to what it read; ``upper=None`` if there is no top-down term."""
        layer, source = self.layer, lower.source
        a, count, order = int(layer.start[t]), len(layer.active(t)), layer.order[t]
        self.hear(t + 1)
        kernels.pass_copies(t, count, order, self.dh, self.dc)
        if self._resting:
            if t == layer.time - 1 or t % _BLOCK == _BLOCK - 1:
                self._unused_gates(t - t % _BLOCK, t + 1)
            kernels.choose_copies(
                t, self._choosing(t), self._place[t], *self._unused, layer.h, layer.c, self.dh, self.dc,
                self.dz, lower.dz,
            )  # fmt: skip
        if count:
            kernels.gates_back(
                t, a, count, order, layer.z, source.z, layer.at_gates, layer.at_shown, layer.h,
                layer.c, self.dh, self.dc, self.dz, lower.dz, layer.normal, layer.gate_scale,
                layer.cell_moments, layer.gate_gain, layer.cell_gain,
                *self.d_gates, *self.d_cell, layer.kinds[t], self._d_terms, self._room, layer.redraws_hidden,
            )  # fmt: skip
            none = layer.none
            kernels.products_back(
                t, a, count, int(layer.start_above[t]), order, layer.ends[t], layer.z, source.z, source.h,
                layer.h if upper is None else upper.layer.h, layer.at_gates, layer.recalled,
                none if upper is None else layer.above_terms, *self._products(t, a, count, upper),
                self.dh, lower.dh, self.dh if upper is None else upper.dh, self.dz, lower.dz,
                none if upper is None else self._at_ds_above,
            )  # fmt: skip
        if not layer.is_top:
            kernels.detect_back(
                t, layer.z, source.z, self.through, self.dz, self.ds_z, self.d_heard["recurrent"],
                lower.d_heard["bottom_up"], layer.none if upper is None else upper.d_heard["top_down"],
                lower.dz, source.heard["bottom_up"],
                layer.none if upper is None else upper.layer.heard["top_down"],
            )  # fmt: skip

    def hear(self, t: int) -> None:
        """Pass the gradients of all dot products that the detectors took of ``h[t]`` on to it."""
        kernels.hear(t, self.dh, self.all_d_heard, self.layer.at_ears)

    def _products(self, t: int, a: int, count: int, upper: Backward | None) -> list[NDArray]:
        """Return the products with ds: for h' and h_below, and for h_above."""
        layer, wanted = self.layer, int(self.layer.ends[t, 3])
        both = self._both.back(layer.gates[a : a + count]).numpy()
        layer.counter["backward, data"] += count * self._both.matrix.numel()
        if upper is None or not wanted:
            return [both, layer.none]
        layer.count("backward, data", wanted, "top_down")
        return [both, layer.products["top_down"].back(layer.gates[a : a + wanted]).numpy()]

    def input_gradient(self, below: Below) -> Tensor:
        """Return the gradient of the input ``(batch, time, columns)`` that the lowest layer read, or of its
        table ``(types, columns)``."""
        layer, input = self.layer, self.layer.input
        assert input is not None
        by_kind = len(layer.of_kinds) > 0
        d_rows = layer.products["bottom_up"].back(torch.from_numpy(self._d_terms) if by_kind else layer.gates)
        layer.count("backward, data", len(d_rows), "bottom_up")
        if not by_kind:
            place = torch.from_numpy(layer.order + np.arange(layer.time)[:, None] * layer.batch).flatten()
            product, d_rows = d_rows, torch.empty_like(d_rows)
            d_rows[place] = product
        d_heard = input.by_row(below.d_heard["bottom_up"][1:])[:, None]
        d_rows.addcmul_(d_heard, layer.weights["bottom_up"][-1])
        return d_rows if by_kind else d_rows.view(layer.time, layer.batch, -1).transpose(0, 1)

    def heard_gradients(self) -> dict[str, Tensor]:
        """Return the gradients of the z~ rows that listened to this layer, each ``(units,)``, by matrix."""
        d_heard = torch.from_numpy(self.all_d_heard).flatten(1)
        return dict(zip(self.d_heard, d_heard @ self.layer.all_h.flatten(0, 1)))

    def weights(self, detectors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the gradients of the layer's parameters by name, each one product over all steps.

        Args:
            detectors: gradients of this layer's own z~ rows by matrix; empty in the top layer.
        """
        layer, n, rows = self.layer, self.layer.units, int(self.layer.start[-1])
        ds = layer.gates[:rows]
        factors = {"recurrent": (ds, layer.before[:rows]), "bottom_up": (ds, layer.from_below[:rows])}
        d_terms = torch.from_numpy(self._d_terms)
        if layer.input is not None and len(layer.of_kinds):
            factors["bottom_up"] = d_terms, layer.input.rows
        if "top_down" in detectors:
            factors["top_down"] = self.ds_above, layer.from_above[: len(self.ds_above)]
        gradients = {}
        for name, (left, right) in factors.items():
            gradient = torch.empty_like(layer.weights[name])
            product_of_transpose(left, right, gradient[: 4 * n])
            layer.count("backward, weights", len(left), name)
            if detectors:
                gradient[4 * n] = detectors[name]
            gradients[name] = gradient
        gradients["bias"] = d_terms.sum(0)
        if detectors:
            gradients["bias"] = torch.cat((gradients["bias"], torch.from_numpy(self.ds_z).sum()[None]))
        if layer.layer_norm:
            gradients |= zip(NORMS, map(torch.from_numpy, (*self.d_gates, *self.d_cell)))
        return gradients
