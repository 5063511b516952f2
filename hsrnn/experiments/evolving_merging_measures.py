"""What ``evolving.merging`` measures: regions, proposals and probabilities of a network, and percolation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from hsrnn import evolving
from hsrnn.evolving import Examples, MergeLog, MergeRule, Parser

from .evolving_parsing import scored

# Merging probability of an edge within a label and across labels: section 8 of the fact sheet.
SETTINGS = ((0.9, 0.1), (0.9, 0.05), (0.9, 0.02), (0.95, 0.01), (0.5, 0.1), (0.3, 0.05), (0.2, 0.05))
BATCH = 16


def evaluated(
    model: Parser, examples: Examples, seed: int, *, batch_size: int, count: bool
) -> dict[str, Any]:
    """Return what a record keeps of an evaluation: scores, the ceiling, cost, and a line for each level."""
    found = evolving.evaluate(model, examples, batch_size=batch_size, seed=seed, count=count)
    return {
        "test": scored(found.score),
        "ceiling": scored(found.ceiling),
        "milliseconds": 1000 * found.seconds,
        "multiplications": found.multiplications if count else None,
        "by_level": [
            {
                "nodes": level.nodes, "edges": level.edges, "purity": level.purity, "same": level.same,
                "ceiling": level.ceiling.mean_iou, "milliseconds": 1000 * level.seconds,
                "multiplications": level.multiplications if count else None, **proposals(level.log),
            }
            for level in found.levels
        ],
    }  # fmt: skip


def proposals(log: MergeLog) -> dict[str, int | float | None]:
    """Summarise a log: decided proposals, the share accepted, and means over decided proposals of merges,
    eliminated edges, the log of the transition factor and the loss term; None without any."""
    decided = log.merges > 0
    if not decided.any():
        return {"proposals": 0} | dict.fromkeys(
            ("acceptance", "merges", "eliminated", "transition", "loss", "largest_loss")
        )
    return {
        "proposals": int(decided.sum()),
        "acceptance": log.acceptance_rate,
        "merges": float(log.merges[decided].mean()),
        "eliminated": float(log.eliminated[decided].mean()),
        "transition": float(log.transition[decided].mean()),
        "loss": float(log.loss[decided].mean()),
        "largest_loss": float(np.abs(log.loss[decided]).max()),
    }


def batches(model: Parser, examples: Examples, seed: int, *, labelled: bool) -> Iterator[Any]:
    """Yield batches with what the network made of them; with ``labelled``, labels enter acceptance as they
    do in training."""
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    mode = model.training
    model.train(labelled)
    with torch.no_grad():
        for start in range(0, len(examples), BATCH):
            rows = torch.arange(start, min(start + BATCH, len(examples)))
            batch = examples.batch(rows).to(device)
            yield batch, model(batch.images, batch.parts, batch.labels, generator=generator)
    model.train(mode)


def both_terms(model: Parser, examples: Examples, rules: dict[str, MergeRule], seed: int) -> dict[str, Any]:
    """Return, for each rule and level, a summary of its proposals when the labels are known, as in training:
    how large the transition and the loss are beside each other."""
    own, found = model.config, {}
    for name, rule in rules.items():
        logs: list[list[MergeLog]] = [[] for _ in range(own.levels - 1)]
        model.config = replace(own, rule=rule)
        try:
            for _, output in batches(model, examples, seed, labelled=True):
                for level, log in zip(logs, output.hierarchy.logs):
                    level.append(log)
        finally:
            model.config = own
        found[name] = [proposals(MergeLog.joined(level)) for level in logs]
    return found


def probabilities(model: Parser, examples: Examples, seed: int) -> list[dict[str, float | None]]:
    """Return, for each level but the last, how well merging probabilities tell edges within a label from
    edges across: area under the curve (0.5: not at all), and their means; None where one sort is missing."""
    chances: list[list[Tensor]] = [[] for _ in range(model.config.levels - 1)]
    truths: list[list[Tensor]] = [[] for _ in range(model.config.levels - 1)]
    for batch, output in batches(model, examples, seed, labelled=False):
        tree = output.hierarchy
        histogram = batch.parts.histogram(batch.labels, model.config.classes)
        for level, (graph, p) in enumerate(zip(tree.graphs, tree.probabilities)):
            above = histogram.new_zeros(graph.nodes, histogram.shape[1])
            above.index_add_(0, tree.assignment(level), histogram)
            first, second = evolving.majority(above)[graph.edges]
            chances[level].append(p.cpu())
            truths[level].append((first == second).cpu())
    found = []
    for p, same in ((torch.cat(a).numpy(), torch.cat(b).numpy()) for a, b in zip(chances, truths)):
        both = 0 < same.sum() < len(same)
        found.append(
            {
                "auc": float(roc_auc_score(same, p)) if both else None,
                "within": float(p[same].mean()) if same.any() else None,
                "across": float(p[~same].mean()) if not same.all() else None,
                "same": float(same.mean()) if len(same) else None,
            }
        )
    return found


def percolation(
    examples: Examples, classes: int, learned: Sequence[Tensor], seed: int
) -> list[dict[str, Any]]:
    """Return what one level of merging leaves of the superpixel graphs of all examples, for probabilities
    made from the true labels (:data:`SETTINGS`) and for a network's own.

    Args:
        examples: pictures with labels.
        classes: classes of pixels, the background included.
        learned: probabilities of the edges of each example, one tensor after the other.
        seed: of the coins.
    """
    parts = evolving.stack(examples.parts)
    graph, histogram = parts.graph, parts.histogram(examples.labels.long(), classes)
    first, second = evolving.majority(histogram)[graph.edges]
    known = [
        (f"{same:g} / {across:g}", torch.where(first == second, same, across)) for same, across in SETTINGS
    ]
    return [
        {"probabilities": name, "proposal": kind, **remains(parts.graph, histogram, p, kind, seed)}
        for name, p in (*known, ("the network's", torch.cat(list(learned))))
        for kind in ("bernoulli", "matching")
    ]


def remains(
    graph: evolving.Graph, histogram: Tensor, p: Tensor, kind: evolving.proposals.ProposalKind, seed: int
) -> dict[str, float]:
    """Return means over graphs of what one proposal leaves: nodes, the largest group's share of all nodes,
    accuracy of the majority labels on all pixels and on the foreground, and the two literal log ratios."""
    proposal = evolving.propose(kind, graph, p, generator=torch.Generator().manual_seed(seed))
    groups, eliminated = proposal.groups, proposal.eliminated(graph)
    members = torch.bincount(groups)
    owner = graph.batch.new_zeros(len(members)).scatter(0, groups, graph.batch)
    largest = graph.batch.new_zeros(graph.graphs).scatter_reduce(0, owner, members, "amax")
    above = histogram.new_zeros(len(members), histogram.shape[1]).index_add(0, groups, histogram)
    right = above.gather(1, above.argmax(1, keepdim=True))[:, 0]
    foreground = above[:, 1:].sum(1)
    logs = {
        name: evolving.log_transition(name, p, eliminated, graph.edge_batch, graph.graphs)
        for name in ("inverse", "product", "normalised")
    }
    return {
        "before": float(graph.count().double().mean()),
        "nodes": float(torch.bincount(owner).double().mean()),
        "largest": float((largest / graph.count()).mean()),
        "accuracy": float(right.sum() / above.sum()),
        "foreground_accuracy": float(right[above.argmax(1) > 0].sum() / foreground.sum()),
        "eliminated": float(eliminated.sum() / graph.graphs),
        **{name: float(value.mean()) for name, value in logs.items()},
    }


def level_one(model: Parser, examples: Examples, seed: int) -> list[Tensor]:
    """Return the network's merging probabilities of the edges of each batch's superpixels."""
    return [
        output.hierarchy.probabilities[0].cpu()
        for _, output in batches(model, examples, seed, labelled=False)
    ]
