"""The waves of a Graph LSTM layer, forward and backward by hand.

All that needs no fresh neighbour was computed before, for all nodes at once; a wave adds what the earlier
neighbours say. Writing each wave into one tensor in place, autograd would copy that tensor at every wave; the
backward pass below goes through the waves in reverse instead, and leaves the gradient of the weights to one
product at the end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .graph import Graph
from .schedule import Schedule


def run_waves(
    before: Tensor, base: Tensor, weighed: Tensor, rows: Tensor, share: Tensor, graph: Graph, plan: Schedule
) -> tuple[Tensor, Tensor]:
    """Return the new hidden states and memories, ``(nodes, hidden)`` each, with gradients (once).

    Args:
        before: ``(nodes, 3 * hidden)`` pre-activations of u, o and c without what fresh neighbours say;
            ``(nodes, 4 * hidden)`` with f last where there is one forget gate a node.
        base: ``(nodes, hidden)`` memories without what fresh neighbours give; with one forget gate a node,
            the memories that it is to weigh.
        weighed: ``(pairs, hidden)`` share of each fresh sender's memory, pairs in the order of
            ``plan.pairs``; no row where neighbours give no memory.
        rows: ``(3 or 4 times hidden, hidden)`` weights of the mean of the neighbours.
        share: ``(nodes, 1)``, 1 / number of neighbours.
    """
    sender, receiver = plan.place[graph.sender[plan.pairs]], plan.place[graph.receiver[plan.pairs]]
    order = plan.nodes
    hidden, memory = _Waves.apply(
        before[order], base[order], weighed, rows, share[order], sender, receiver, plan.waves
    )
    return hidden[plan.place], memory[plan.place]


class _Waves(torch.autograd.Function):
    """Nodes are sorted by wave here."""

    @staticmethod
    def forward(
        ctx: Any, before: Tensor, base: Tensor, weighed: Tensor, rows: Tensor, share: Tensor,
        sender: Tensor, receiver: Tensor, waves: tuple[tuple[int, int, int, int], ...],
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        H = base.shape[1]
        single = before.shape[1] == 4 * H
        hidden, memory = torch.empty_like(base), torch.empty_like(base)
        mean = torch.zeros_like(base)  # what fresh neighbours add to the mean of the neighbours
        gates = torch.empty_like(before)
        columns = rows.t()
        for start, stop, first, last in waves:
            j, i = sender[first:last], receiver[first:last]
            s = before[start:stop]
            m = base[start:stop]
            if last > first:
                mean.index_add_(0, i, hidden.index_select(0, j))
                mean[start:stop] *= share[start:stop]
                s = torch.addmm(s, mean[start:stop], columns)
                if not single:
                    given = weighed[first:last] * memory.index_select(0, j)
                    m = m.index_add(0, i - start, given)
            now = gates[start:stop]
            torch.sigmoid(s[:, : 2 * H], out=now[:, : 2 * H])
            torch.tanh(s[:, 2 * H : 3 * H], out=now[:, 2 * H : 3 * H])
            u, o, c = now[:, :H], now[:, H : 2 * H], now[:, 2 * H : 3 * H]
            if single:
                torch.sigmoid(s[:, 3 * H :], out=now[:, 3 * H :])
                m = now[:, 3 * H :] * m
            torch.addcmul(m, u, c, out=memory[start:stop])
            torch.tanh(o * memory[start:stop], out=hidden[start:stop])
        ctx.save_for_backward(base, weighed, rows, share, sender, receiver, hidden, memory, mean, gates)
        ctx.waves = waves
        return hidden, memory

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_hidden: Tensor, to_memory: Tensor) -> tuple[Tensor | None, ...]:
        base, weighed, rows, share, sender, receiver, hidden, memory, mean, gates = ctx.saved_tensors
        H = base.shape[1]
        single = gates.shape[1] == 4 * H
        dh, dm = to_hidden.clone(), to_memory.clone()
        ds = torch.empty_like(gates)
        u, o, c = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H]
        # Derivatives that need no gradient from a later wave, for all nodes at once.
        squash = 1 - hidden**2
        by_memory = squash * o
        by_o = squash * memory * o * (1 - o)
        by_u = c * u * (1 - u)
        by_c = u * (1 - c**2)
        if single:
            f = gates[:, 3 * H :]
            by_f = base * f * (1 - f)
        for start, stop, first, last in reversed(ctx.waves):
            wave = slice(start, stop)
            at_hidden, at_memory = dh[wave], dm[wave]
            at_memory.addcmul_(at_hidden, by_memory[wave])
            torch.mul(at_memory, by_u[wave], out=ds[wave, :H])
            torch.mul(at_hidden, by_o[wave], out=ds[wave, H : 2 * H])
            torch.mul(at_memory, by_c[wave], out=ds[wave, 2 * H : 3 * H])
            if single:
                torch.mul(at_memory, by_f[wave], out=ds[wave, 3 * H :])
            if last > first:
                j, i = sender[first:last], receiver[first:last] - start
                heard = (ds[wave] @ rows) * share[wave]
                dh.index_add_(0, j, heard.index_select(0, i))
                if not single:
                    dm.index_add_(0, j, at_memory.index_select(0, i) * weighed[first:last])
        if single:
            return ds, dm * f, torch.zeros_like(weighed), ds.t() @ mean, None, None, None, None
        to_weighed = dm.index_select(0, receiver) * memory.index_select(0, sender)
        return ds, dm, to_weighed, ds.t() @ mean, None, None, None, None
