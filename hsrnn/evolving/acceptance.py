"""Accept or reject: the Metropolis-Hastings ratio of a proposed graph, in four readings (decision E5).

    alpha(G -> G') = min(1, transition * exp(beta * (loss of G - loss of G')))

``transition`` multiplies over the eliminated edges: the edges of G that lie within a clique of G'. The
sources can be read as ``1 / prod(1 - p)`` or as ``prod p``. Over the hundreds of edges of a picture the first
is astronomically large, the second astronomically small, so neither leaves the loss a say; the mean log odds
can have either sign and is the default.

Which of them is right depends on the proposal. For a Markov chain over partitions that can also split, the
ratio is known (Barbu and Zhu 2005): ``prod(1 - p)`` over eliminated edges divided by that over restored ones,
``"swendsen-wang"`` here. :mod:`.chain` runs that chain by these functions, and :mod:`.exact` measures how far
the other readings are off.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

AcceptanceKind = Literal["inverse", "product", "normalised", "always"]
Transition = Literal["inverse", "product", "normalised", "always", "swendsen-wang"]
TINY = 1e-6  # probabilities are kept this far from 0 and 1, so that one sure edge is not infinite


def log_transition(
    kind: Transition,
    probabilities: Float[Tensor, "edges"],
    eliminated: Bool[Tensor, "edges"],
    owner: Int64[Tensor, "edges"],
    graphs: int,
    *,
    restored: Bool[Tensor, "edges"] | None = None,
) -> Float[Tensor, "graphs"]:
    """Return the log of the transition factor of each graph of a union; 0 where no edge changes.

    ``"inverse"`` is minus the sum of log(1 - p) over the eliminated edges, ``"product"`` the sum of log p,
    ``"normalised"`` the mean of log(p / (1 - p)), ``"always"`` 0, ``"swendsen-wang"`` the sum of log(1 - p).
    Edges that a move restores (merging never does) count the other way round.

    Args:
        kind: which reading.
        probabilities: of each edge.
        eliminated: edges that come to lie within a clique.
        owner: ``(edges,)`` the graph of each edge.
        graphs: how many graphs.
        restored: edges that no longer lie within a clique.

    Raises:
        ValueError: for an unknown kind.
    """
    # Deviation E5: the sources allow several readings of the transition factor; the default is none of them.
    p = probabilities.detach().double().clamp(TINY, 1 - TINY)
    if kind in ("inverse", "swendsen-wang"):
        each = torch.log1p(-p) * (1 if kind == "swendsen-wang" else -1)
    elif kind == "product":
        each = p.log()
    elif kind == "normalised":
        each = torch.logit(p)
    elif kind == "always":
        each = torch.zeros_like(p)
    else:
        raise ValueError(
            f"kind must be 'inverse', 'product', 'normalised', 'always' or 'swendsen-wang', got {kind!r}"
        )
    sign = eliminated.double() if restored is None else eliminated.double() - restored.double()
    total = p.new_zeros(graphs).index_add(0, owner, each * sign)
    if kind == "normalised":
        total = total / p.new_zeros(graphs).index_add(0, owner, sign.abs()).clamp_min(1)
    return total


def accept(log_ratio: Float[Tensor, "graphs"], generator: torch.Generator) -> Bool[Tensor, "graphs"]:
    """Accept each with probability min(1, exp(log ratio)).

    Raises:
        ValueError: for NaN.
    """
    if bool(log_ratio.isnan().any()):
        raise ValueError("log_ratio must not be NaN; a loss that is not finite?")
    coins = torch.rand(log_ratio.shape, generator=generator, dtype=torch.float64).to(log_ratio.device)
    return coins < log_ratio.clamp(max=0).exp()
