"""A Markov chain over partitions that is reversible, from the same coins and the same acceptance as merging.

Merging only ever goes up, so it cannot sample a distribution. Swendsen-Wang cuts can (Barbu and Zhu 2005, the
method that the paper builds on): a state is a partition of the graph into connected blocks; a move takes a
piece of a block and joins it to a neighbouring block, or makes it a block of its own.

1. Toss a coin for every edge within a block (:func:`.proposals.sample_edges`); the components of those that
   came up are the pieces.
2. Draw a node; its piece is the one to move.
3. Draw where to, evenly: one of the blocks that the piece touches, its own included, or a block of its own.
4. Accept by :func:`.acceptance.log_transition` ``"swendsen-wang"``: prod (1 - p) over edges that come to lie
   within a block, divided by that over edges that no longer do, times exp(beta * difference in energy).

A move and its reverse draw the same piece, and step 3 then offers both the same choice, so only the coins
between piece and blocks are left in the ratio. The chain samples exp(-beta * energy) / Z exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .acceptance import Transition, accept, log_transition
from .graph import Graph, components, union
from .proposals import sample_edges

Energy = Callable[[Tensor], Tensor]


class PartitionChain:
    """Many copies of the chain side by side, one step at a time.

    Args:
        graph: one connected or unconnected graph.
        probabilities: ``(edges,)``, the chance of each coin; any in (0, 1) give the same distribution.
        energy: from blocks ``(copies, nodes)`` int64, numbered by :func:`blocks_in_order`, to the energy of
            each, ``(copies,)``.
        beta: inverse temperature.
        transition: how to accept; anything but ``"swendsen-wang"`` samples something else
            (:func:`.exact.bias` says how far off).
        copies: how many.
        generator: source of all chance.

    Raises:
        ValueError: for a union of several graphs, or fewer than 1 copy.
    """

    def __init__(
        self,
        graph: Graph,
        probabilities: Float[Tensor, "edges"],
        energy: Energy,
        *,
        beta: float = 1.0,
        transition: Transition = "swendsen-wang",
        copies: int = 1,
        generator: torch.Generator,
    ) -> None:
        if graph.graphs != 1 or copies < 1:
            raise ValueError(f"a chain needs 1 graph and at least 1 copy, got {graph.graphs} and {copies}")
        self.graph, self.energy, self.beta, self.transition = graph, energy, beta, transition
        self.copies, self.generator = copies, generator
        self.union = union([graph] * copies)
        self.probabilities = probabilities.detach().repeat(copies)
        # Every copy starts with each node a block of its own.
        self.blocks = torch.arange(graph.nodes).repeat(copies, 1)
        self.accepted = torch.zeros(copies, dtype=torch.int64)
        self._at = energy(self.blocks)

    def step(self) -> Int64[Tensor, "copies nodes"]:
        """Make one move in every copy and return the blocks, numbered by :func:`blocks_in_order`."""
        n, graph, first, second = self.graph.nodes, self.union, *self.union.edges
        everyone = torch.arange(self.copies)
        block = self.blocks.flatten()
        within = block[first] == block[second]  # edges never join two copies
        on = within & sample_edges(self.probabilities, self.generator)
        piece = components(graph.nodes, graph.edges[:, on])
        drawn = everyone * n + torch.randint(n, (self.copies,), generator=self.generator)
        moving = piece == piece[drawn].repeat_interleave(n)
        # Column b of `offered` is block b of the copy, column n a block of its own.
        offered = torch.zeros(self.copies, n + 1, dtype=torch.bool)
        offered[:, n] = True
        for here, there in ((first, second), (second, first)):
            border = moving[here] & ~moving[there]
            offered[there[border] // n, block[there[border]]] = True
        target = torch.multinomial(offered.double(), 1, generator=self.generator)[:, 0]
        moved = torch.where(moving, target.repeat_interleave(n), block)
        after = moved[first] == moved[second]
        log_ratio = log_transition(
            self.transition, self.probabilities, after & ~within, graph.edge_batch, self.copies,
            restored=within & ~after,
        )  # fmt: skip
        # A block that falls apart is outside of what the chain may visit.
        whole = components(graph.nodes, graph.edges[:, after]).unflatten(0, (-1, n))
        new = blocks_in_order(moved.unflatten(0, (-1, n)))
        broken = (blocks_in_order(whole) != new).any(1)
        at = self.energy(new)
        log_ratio = log_ratio + self.beta * (self._at - at).double()
        won = accept(log_ratio.masked_fill(broken, float("-inf")), self.generator)
        self.blocks = torch.where(won[:, None], new, self.blocks)
        self._at = torch.where(won, at, self._at)
        self.accepted += won
        return self.blocks


def blocks_in_order(blocks: Int64[Tensor, "copies nodes"]) -> Int64[Tensor, "copies nodes"]:
    """Renumber the blocks of every row from 0 in the order of their smallest nodes."""
    same = blocks[:, :, None] == blocks[:, None, :]
    smallest = same.int().argmax(2)  # the first node of one's block
    starts = smallest == torch.arange(blocks.shape[1])
    return (starts.cumsum(1) - 1).gather(1, smallest)
