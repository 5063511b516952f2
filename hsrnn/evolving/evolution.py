"""One step up: propose, accept or reject, and keep a log of it.

In a union every graph decides for itself: graphs whose proposal was accepted rest while the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from .acceptance import AcceptanceKind, accept, log_transition
from .graph import Graph, components
from .proposals import Proposal, ProposalKind, at_random, merges, propose

GroupsLoss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class MergeRule:
    """How a graph becomes coarser.

    Attributes:
        proposal: kind of proposal (decision E4), see :func:`.proposals.propose`.
        acceptance: kind of acceptance (decision E5), see :func:`.acceptance.log_transition`.
        beta: weight of the difference in loss a pixel.
        threshold: least probability that a ``"threshold"`` proposal merges.
        attempts: proposals a level before the graph is kept as it is (decision E10).

    Raises:
        ValueError: for an unknown kind or a number out of its range.
    """

    proposal: ProposalKind = "matching"
    acceptance: AcceptanceKind = "normalised"
    beta: float = 1.0
    threshold: float = 0.5
    attempts: int = 50

    def __post_init__(self) -> None:
        """Check the values."""
        for name, kinds in (("proposal", ProposalKind), ("acceptance", AcceptanceKind)):
            if getattr(self, name) not in get_args(kinds):
                raise ValueError(
                    f"{name} must be one of {', '.join(get_args(kinds))}, got {getattr(self, name)!r}"
                )
        if self.beta < 0:
            raise ValueError(f"beta must not be negative, got {self.beta}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {self.threshold}")
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {self.attempts}")


@dataclass(frozen=True, eq=False)
class MergeLog:
    """What happened to every proposal, a row each, all ``(rows,)``; numbers of edges in a tuple as long.

    Attributes:
        graph: of which graph of the union.
        attempt: how many proposals of this level it had before.
        merges: by how many nodes the graph would shrink; nothing is decided about a proposal of 0.
        eliminated: edges that would vanish within cliques.
        transition: log of the transition factor.
        loss: beta times (loss of G - loss of G'); 0 where the loss is not known.
        accepted: whether it was.
        edges: numbers of the edges that it chose to merge, in the union; edges swallowed with them not
            counted.
    """

    graph: NDArray[np.int64]
    attempt: NDArray[np.int64]
    merges: NDArray[np.int64]
    eliminated: NDArray[np.int64]
    transition: NDArray[np.float64]
    loss: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    edges: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        """Number of proposals."""
        return len(self.graph)

    @property
    def log_ratio(self) -> NDArray[np.float64]:
        """Log of the Metropolis-Hastings ratio of each proposal, ``(rows,)``."""
        return self.transition + self.loss

    @property
    def acceptance_rate(self) -> float:
        """Share of accepted proposals among those that would merge anything; NaN without any."""
        decided = self.merges > 0
        return float(self.accepted[decided].mean()) if decided.any() else float("nan")

    @staticmethod
    def empty() -> MergeLog:
        """Return a log of no proposal."""
        whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
        return MergeLog(whole, whole, whole, whole, real, real, np.zeros(0, dtype=np.bool_), ())

    @staticmethod
    def joined(logs: list[MergeLog]) -> MergeLog:
        """Return all rows of several logs."""
        columns = [field.name for field in fields(MergeLog) if field.name != "edges"]
        return MergeLog(
            *(np.concatenate([getattr(log, name) for log in logs]) for name in columns),
            edges=tuple(edges for log in logs for edges in log.edges),
        )


def evolve(
    graph: Graph,
    probabilities: Float[Tensor, "edges"],
    rule: MergeRule,
    *,
    generator: torch.Generator,
    loss: GroupsLoss | None = None,
) -> tuple[Int64[Tensor, "nodes"], MergeLog]:
    """Return the groups of the next level, and the log of all proposals.

    Args:
        graph: the graph to coarsen, a union of any number.
        probabilities: merging probability of each edge.
        rule: kinds of proposal and acceptance.
        generator: source of all chance.
        loss: from groups ``(nodes,)`` to the loss a pixel of each graph, ``(graphs,)``. Without one, as at
            test time, the transition factor alone decides (decision E6).

    Raises:
        ValueError: for probabilities that do not fit the graph.
    """
    device = graph.batch.device
    kept = torch.zeros(graph.edges.shape[1], dtype=torch.bool, device=device)
    waiting = torch.ones(graph.graphs, dtype=torch.bool, device=device)
    rows: list[MergeLog] = []
    # `random` is a control at equal node count: a matching is proposed and judged, then moved elsewhere.
    kind: ProposalKind = "matching" if rule.proposal == "random" else rule.proposal
    # Deviation E10: as we recall it, at most 50 proposals, after which the graph is kept as it is.
    # Chance must not get several tries at one and the same proposal.
    attempts = {"none": 0, "threshold": 1}.get(kind, rule.attempts)
    before = None
    for attempt in range(attempts):
        drawn = propose(kind, graph, probabilities, generator=generator, threshold=rule.threshold)
        merged = drawn.merged & waiting[graph.edge_batch]
        proposal = Proposal(merged, components(graph.nodes, graph.edges[:, merged]))
        transition = log_transition(
            rule.acceptance, probabilities, proposal.eliminated(graph), graph.edge_batch, graph.graphs
        )
        gain = torch.zeros_like(transition)
        # Deviation E6: the loss needs the true labels, so at test time only the transition is left.
        if loss is not None and rule.acceptance != "always" and rule.beta > 0:
            with torch.no_grad():
                if before is None:
                    before = loss(torch.arange(graph.nodes, device=device))
                gain = rule.beta * (before - loss(proposal.groups)).to(transition)
        shrinks = merges(graph, proposal.groups)
        won = accept(transition + gain, generator) & (shrinks > 0)
        rows.append(_log(waiting, attempt, graph, shrinks, proposal, transition, gain, won))
        kept |= merged & won[graph.edge_batch]
        waiting &= ~won
        if not bool(waiting.any()):
            break
    final = Proposal(kept, components(graph.nodes, graph.edges[:, kept]))
    if rule.proposal == "random":
        final = at_random(graph, final, generator)
    return final.groups, MergeLog.joined(rows) if rows else MergeLog.empty()


def _log(
    waiting: Tensor, attempt: int, graph: Graph, shrinks: Tensor, proposal: Proposal, transition: Tensor,
    gain: Tensor, won: Tensor,
) -> MergeLog:  # fmt: skip
    who = torch.nonzero(waiting)[:, 0]
    gone = torch.bincount(graph.edge_batch[proposal.eliminated(graph)], minlength=graph.graphs)
    columns = (shrinks, gone, transition, gain, won)
    chosen = torch.nonzero(proposal.merged)[:, 0]
    ends = torch.bincount(graph.edge_batch[chosen], minlength=graph.graphs).cumsum(0)  # edges come by graph
    edges = np.split(chosen.cpu().numpy(), ends[:-1].cpu().numpy())
    return MergeLog(
        who.cpu().numpy(),
        np.full(len(who), attempt),
        *(column[who].cpu().numpy() for column in columns),
        edges=tuple(edges[number] for number in who.tolist()),
    )
