"""One layer of Graph LSTM: the equations of Liang et al. (ECCV 2016), visited node by node or in waves.

=================================================  =======================================================
Equation of the paper (node i, neighbours j)       Here
=================================================  =======================================================
Wu f_i, Wf f_i, Wo f_i, Wc f_i                     ``input``, ``(4 * hidden, features)``, rows u, o, c, f
Uu h_i, Uf h_i, Uo h_i, Uc h_i                     ``own``, ``(4 * hidden, hidden)``
Uun, Uon, Ucn times the mean of the neighbours     ``neighbour``, ``(3 * hidden, hidden)``
gf_ij = sg(Wf f_i + Ufn h_j + bf)                  ``forget``, ``(hidden, hidden)``; :meth:`pair_gates`
m_i, h_i = tanh(go_i * m_i)                        :meth:`GraphLSTM.loop`, in one visit
the same in waves                                  :meth:`GraphLSTM.forward` by :mod:`.waves`
=================================================  =======================================================

Three points are easy to get wrong (decision E1): the output is the tanh of the PRODUCT of output gate and
memory; gf_ij reads the OLD state of j, visited or not; the mean of the neighbours and the sum over their
memories take the NEW state of a visited j. Source: arXiv 1603.07063.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .graph import Graph, check_features
from .schedule import Schedule
from .waves import run_waves


class NodeState(NamedTuple):
    """State of every node after a layer: ``hidden`` and ``memory``, each ``(nodes, hidden)``."""

    hidden: Tensor
    memory: Tensor


class GraphLSTM(nn.Module):
    """One layer of Graph LSTM; its weights serve every node.

    Args:
        feature_size: columns of a node's input.
        hidden_size: units. Residual sums need ``feature_size == hidden_size``.
        identical: the ablation of the paper: one forget gate a node, read from the mean of the neighbours,
            and no neighbour's memory (it changes two things at once).
        generator: source of the initial weights, uniform in -0.1 to 0.1 as in the paper; biases start at 0.

    Raises:
        ValueError: for a size below 1.
    """

    def __init__(
        self, feature_size: int, hidden_size: int, *, identical: bool = False, generator: torch.Generator
    ) -> None:
        super().__init__()
        if feature_size < 1 or hidden_size < 1:
            raise ValueError(f"sizes must be at least 1, got {feature_size} and {hidden_size}")
        self.feature_size, self.hidden_size, self.identical = feature_size, hidden_size, identical
        self.input = nn.Parameter(torch.empty(4 * hidden_size, feature_size))
        self.own = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.neighbour = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.forget = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        for weight in (self.input, self.own, self.neighbour, self.forget):
            weight.data.uniform_(-0.1, 0.1, generator=generator)

    def initial_state(self, nodes: int) -> NodeState:
        """Return zeros: what the first layer starts from."""
        zeros = self.bias.new_zeros(nodes, self.hidden_size)
        return NodeState(zeros, zeros)

    def pair_gates(
        self, features: Float[Tensor, "nodes features"], hidden: Float[Tensor, "nodes units"], graph: Graph
    ) -> Float[Tensor, "pairs units"]:
        """Return gf_ij in (0, 1) for every directed pair, in the order of ``graph.receiver``.

        It depends on nothing new, so one product for all nodes serves a whole layer.
        """
        H = self.hidden_size
        of_receiver = F.linear(features, self.input[3 * H :], self.bias[3 * H :])
        of_sender = F.linear(hidden, self.forget)
        return (of_receiver[graph.receiver] + of_sender[graph.sender]).sigmoid()

    def forward(
        self,
        features: Float[Tensor, "nodes features"],
        graph: Graph,
        plan: Schedule,
        state: NodeState | None = None,
    ) -> tuple[NodeState, Float[Tensor, "pairs units"]]:
        """Update every node once, in the waves of ``plan``; equal to :meth:`loop` in values and gradients.

        Args:
            features: input of each node.
            graph: who neighbours whom.
            plan: from :func:`.schedule.schedule`, of this graph and any order.
            state: states before the layer; zeros if ``None``.

        Returns:
            The states after the layer, and the adaptive forget gates of all directed pairs in the order of
            ``graph.receiver`` (with ``identical`` too: merging reads them).

        Raises:
            ValueError: for features or a plan of another graph, or features that are not finite.
        """
        state = self._checked(features, graph, plan, state)
        H = self.hidden_size
        degree = graph.degree.clamp_min(1)[:, None]  # an isolated node hears zeros
        before = F.linear(features, self.input, self.bias) + F.linear(state.hidden, self.own)
        gates = self.pair_gates(features, state.hidden, graph)
        old = ~plan.fresh
        stale, heard = graph.receiver[old], graph.sender[old]
        # What later neighbours say is known beforehand: their old states.
        mean = torch.zeros_like(state.hidden).index_add(0, stale, state.hidden[heard]) / degree
        if self.identical:
            rows = torch.cat([self.neighbour, self.forget])
            base, weighed = state.memory, gates[plan.pairs][:0]
            before = before + F.linear(mean, rows)
        else:
            rows = self.neighbour
            said = gates[old] * state.memory[heard]
            base = torch.zeros_like(state.memory).index_add(0, stale, said) / degree
            base = base + before[:, 3 * H :].sigmoid() * state.memory
            weighed = gates[plan.pairs] / degree[graph.receiver[plan.pairs]]
            before = before[:, : 3 * H] + F.linear(mean, rows)
        hidden, memory = run_waves(before, base, weighed, rows, 1 / degree.to(before), graph, plan)
        return NodeState(hidden, memory), gates

    def loop(
        self,
        features: Float[Tensor, "nodes features"],
        graph: Graph,
        plan: Schedule,
        state: NodeState | None = None,
    ) -> tuple[NodeState, Float[Tensor, "pairs units"]]:
        """Update every node once, one at a time in the order of ``plan.rank``: the equations at their
        plainest.

        Arguments, results and errors as in :meth:`forward`.
        """
        state = self._checked(features, graph, plan, state)
        H = self.hidden_size
        near: list[list[int]] = [[] for _ in range(graph.nodes)]
        for first, second in graph.edges.T.tolist():
            near[first].append(second)
            near[second].append(first)
        # `hidden` and `memory` hold new states of visited nodes and old states of the others.
        hidden, memory = list(state.hidden), list(state.memory)
        nothing = state.hidden.new_zeros(H)
        for i in plan.rank.argsort().tolist():
            f, h, m, js = features[i], state.hidden[i], state.memory[i], near[i]
            mean = torch.stack([hidden[j] for j in js]).mean(0) if js else nothing
            wf, uf = F.linear(f, self.input, self.bias), F.linear(h, self.own)
            s = wf[: 3 * H] + uf[: 3 * H] + F.linear(mean, self.neighbour)
            u, o, c = s[:H].sigmoid(), s[H : 2 * H].sigmoid(), s[2 * H :].tanh()
            if self.identical:
                forget = (wf[3 * H :] + uf[3 * H :] + F.linear(mean, self.forget)).sigmoid()
                memory[i] = forget * m + u * c
            else:
                forget = (wf[3 * H :] + uf[3 * H :]).sigmoid()
                kept = nothing
                if js:
                    old = torch.stack([state.hidden[j] for j in js])
                    each = (wf[3 * H :] + F.linear(old, self.forget)).sigmoid()
                    kept = (each * torch.stack([memory[j] for j in js])).mean(0)
                memory[i] = kept + forget * m + u * c
            hidden[i] = torch.tanh(o * memory[i])
        gates = self.pair_gates(features, state.hidden, graph)
        return NodeState(torch.stack(hidden), torch.stack(memory)), gates

    def _checked(self, features: Tensor, graph: Graph, plan: Schedule, state: NodeState | None) -> NodeState:
        check_features(features, graph)
        if features.shape[1] != self.feature_size:
            raise ValueError(f"features must have {self.feature_size} columns, got {features.shape[1]}")
        if plan.rank.shape[0] != graph.nodes or plan.fresh.shape != graph.receiver.shape:
            raise ValueError("the plan is of another graph: make it by schedule(graph, rank)")
        if state is None:
            return self.initial_state(graph.nodes)
        for name, part in zip(NodeState._fields, state):
            if part.shape != (graph.nodes, self.hidden_size):
                raise ValueError(
                    f"{name} must be ({graph.nodes}, {self.hidden_size}), got {tuple(part.shape)}"
                )
        return state
