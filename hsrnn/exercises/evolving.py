"""Checkers of the exercises on superpixels and on Graph LSTM, `evolving.01` and `evolving.02`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hsrnn.evolving import Graph, ceiling, confusion, depths, from_map, graph_from_edges, score
from hsrnn.exercises.verdict import Wrong, array_of, call


def regions_of(random: np.random.Generator) -> NDArray[np.int64]:
    """Return a small map of regions, numbered from 0 without a gap."""
    height, width = (int(size) for size in random.integers(2, 6, 2))
    drawn = random.integers(int(random.integers(2, 7)), size=(height, width))
    return np.unique(drawn, return_inverse=True)[1].reshape(height, width)


def borders(answer: Any, random: np.random.Generator) -> str:
    """01.1: a function (map (height, width)) -> edges (edges, 2), sorted, each pair once."""
    for _ in range(12):
        regions = regions_of(random)
        expected = from_map(regions).graph.edges.T.numpy()
        found = call(answer, regions.copy())
        found = array_of(found, (len(found), 2) if np.ndim(found) == 2 else expected.shape, "The edges")
        if found.shape == expected.shape and np.array_equal(found, expected):
            continue
        pairs, wanted = {tuple(pair) for pair in found.tolist()}, {tuple(p) for p in expected.tolist()}
        if pairs == wanted:
            raise Wrong("All edges are there, but not each once and in growing order.")
        if {tuple(sorted(pair)) for pair in pairs} == wanted:
            raise Wrong(
                "All borders are found, but the smaller number of a pair comes first, and it is once."
            )
        first = sorted(pairs ^ wanted)[0]
        shown = tuple(int(node) for node in first)
        if first in wanted:
            raise Wrong(f"The edge {shown} is missing on the map {regions.tolist()}.")
        hint = " Regions that touch in a corner only share no border." if first[0] != first[1] else ""
        raise Wrong(f"The edge {shown} is too much on the map {regions.tolist()}.{hint}")
    return "It finds the graphs that the package finds."


def best_accuracy(answer: Any, random: np.random.Generator) -> str:
    """01.2: a function (map, labels with -1) -> the best pixel accuracy."""
    for _ in range(12):
        regions = regions_of(random)
        labels = random.integers(-1, 4, size=regions.shape)
        labels[0, 0] = 0  # at least one pixel is known
        counts = from_map(regions).histogram(torch.from_numpy(labels)[None], 4)
        expected = ceiling(counts).accuracy
        found = float(array_of(call(answer, regions.copy(), labels.copy()), (), "The accuracy"))
        if abs(found - expected) > 1e-9:
            most = counts.max(1).values.sum().item()
            shares = (counts.max(1).values / counts.sum(1)).nanmean().item()
            hint = ""
            if abs(found - most / labels.size) < 1e-9:
                hint = " Pixels that nobody knows do not count."
            elif abs(found - shares) < 1e-6:
                hint = " A large region counts more than a small one: share of pixels, not mean of shares."
            raise Wrong(
                f"The best accuracy is {expected:.4f} for regions {regions.tolist()} and labels "
                f"{labels.tolist()}, but the answer says {found:.4f}.{hint}"
            )
    return "No labels of these regions do better."


def mean_iou(answer: Any, random: np.random.Generator) -> str:
    """01.3: a function (predicted, true with -1, classes) -> mean IoU over the classes that occur."""
    for _ in range(12):
        classes, size = int(random.integers(2, 7)), int(random.integers(4, 20))
        predicted, true = random.integers(classes, size=size), random.integers(-1, classes, size=size)
        true[0] = predicted[0]
        counts = confusion(torch.from_numpy(predicted), torch.from_numpy(true), classes)
        result = score(counts)
        found = float(array_of(call(answer, predicted.copy(), true.copy(), classes), (), "The mean IoU"))
        if not abs(found - result.mean_iou) < 1e-9:
            ious = np.array(result.iou)
            hint = ""
            if abs(found - np.nan_to_num(ious).mean()) < 1e-9:
                hint = " A class that does not occur is left out, not counted as 0."
            elif abs(found - np.nan_to_num(ious, nan=1.0).mean()) < 1e-9:
                hint = " A class that does not occur is left out, not counted as 1."
            elif abs(found - result.accuracy) < 1e-9:
                hint = " That is the share of right pixels."
            raise Wrong(
                f"For predicted {predicted.tolist()} and true {true.tolist()} the mean is "
                f"{result.mean_iou:.4f}, but the answer says {found:.4f}.{hint}"
            )
    return "It is the score that the room reports."


def one_unit(
    f: float, h: float, m: float, old: NDArray, now: NDArray, memories: NDArray, wrong: str = ""
) -> tuple[float, float]:
    """Return the new memory and hidden state of a node of one unit, all weights 1; ``wrong`` names a slip."""

    def sigma(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    gather = np.sum if wrong == "sum" else np.mean
    s = f + h + gather(old if wrong == "mean" else now)
    kept = gather(sigma(f + (now if wrong == "gate" else old)) * memories)
    memory = float(kept + (0 if wrong == "own" else sigma(f + h) * m) + sigma(s) * np.tanh(s))
    hidden = sigma(s) * np.tanh(memory) if wrong == "output" else np.tanh(sigma(s) * memory)
    return memory, float(hidden)


SLIPS = {
    "output": "The output is the tanh of the product of gate and memory.",
    "gate": "The forget gates read the old states of the neighbours.",
    "mean": "The mean takes what the neighbours say now.",
    "sum": "Neighbours are averaged, not added up.",
    "own": "A node also keeps a share of its own memory.",
}


def update(answer: Any, random: np.random.Generator) -> str:
    """02.1: a function (f, h, m, old hidden, hidden now, memory now) -> (memory, hidden), weights 1."""
    for _ in range(8):
        f, h, m = (float(x) for x in random.normal(size=3))
        near = random.normal(size=(3, int(random.integers(2, 6))))
        expected = one_unit(f, h, m, *near)
        found = array_of(call(answer, f, h, m, *near.copy()), (2,), "Memory and hidden state")
        if not np.allclose(found, expected, atol=1e-6):
            hints = [words for slip, words in SLIPS.items()
                     if np.allclose(found, one_unit(f, h, m, *near, wrong=slip), atol=1e-6)]  # fmt: skip
            if np.allclose(found[::-1], expected, atol=1e-6):
                hints = ["The memory comes first."]
            raise Wrong(
                f"For f = {f:.2f}, h = {h:.2f}, m = {m:.2f} and {near.shape[1]} neighbours memory and hidden "
                f"state are {expected[0]:.4f} and {expected[1]:.4f}, but the answer says {found[0]:.4f} and "
                f"{found[1]:.4f}.{' ' + hints[0] if hints else ''}"
            )
    return "It updates a node as the package does."


def connected(random: np.random.Generator) -> Graph:
    """Return a connected graph of 2 to 9 nodes, numbered at random."""
    nodes = int(random.integers(2, 10))
    name = random.permutation(nodes)
    pairs = [(node, int(random.integers(node))) for node in range(1, nodes)]
    extra = random.integers(nodes, size=(int(random.integers(nodes)), 2)).tolist()
    pairs += [(a, b) for a, b in extra if a != b]
    return graph_from_edges(nodes, torch.from_numpy(name[np.array(pairs)].T))


def waves(answer: Any, random: np.random.Generator) -> str:
    """02.2: a function (edges (edges, 2), ranks) -> the wave of each node, from 0."""
    for _ in range(12):
        graph = connected(random)
        rank = random.permutation(graph.nodes)
        expected = depths(graph, torch.from_numpy(rank)).numpy()
        edges = graph.edges.T.numpy()
        found = call(answer, edges.copy(), rank.copy())
        found = array_of(found, (graph.nodes,), "The waves")
        if not np.array_equal(found, expected):
            hint = ""
            if np.array_equal(found, expected + 1):
                hint = " The first wave has the number 0."
            elif np.array_equal(found, np.array([(rank[edges[(edges == i).any(1)]] < rank[i]).sum()
                                                 for i in range(graph.nodes)])):  # fmt: skip
                hint = " That is the number of earlier neighbours; asked for is the longest path of them."
            raise Wrong(
                f"For edges {edges.tolist()} and ranks {rank.tolist()} the waves are {expected.tolist()}, "
                f"but the answer says {found.astype(int).tolist()}.{hint}"
            )
    return "These are the waves in which the package updates nodes."


def heard_by_last(graph: Graph, rank: NDArray) -> int:
    """Return how many nodes the last one hears: those with a path of growing rank to it, itself included."""
    heard = {int(rank.argmax())}
    for node in rank.argsort()[::-1]:  # whoever listens to a heard node comes before it in this loop
        if int(node) in heard:
            for pair in graph.edges.T.tolist():
                if node in pair:
                    heard |= {other for other in pair if rank[other] < rank[node]}
    return len(heard)


def far(answer: Any, random: np.random.Generator) -> str:
    """02.3: a function (nodes, edges (edges, 2)) -> ranks for which the last node hears all."""
    for _ in range(12):
        graph = connected(random)
        edges = graph.edges.T.numpy()
        found = array_of(call(answer, graph.nodes, edges.copy()), (graph.nodes,), "The ranks")
        if not np.array_equal(np.sort(found), np.arange(graph.nodes)):
            raise Wrong(
                f"Ranks hold each of 0 to {graph.nodes - 1} once, but the answer says {found.tolist()}."
            )
        heard = heard_by_last(graph, found)
        if heard < graph.nodes:
            turned = heard_by_last(graph, found.max() - found) == graph.nodes
            hint = " It would with the reverse order." if turned else ""
            raise Wrong(
                f"For edges {edges.tolist()} and your ranks {found.astype(int).tolist()} the last node hears "
                f"{heard} of {graph.nodes} nodes.{hint}"
            )
    return "One layer brings everything to the last node."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "evolving.01.1": borders,
    "evolving.01.2": best_accuracy,
    "evolving.01.3": mean_iou,
    "evolving.02.1": update,
    "evolving.02.2": waves,
    "evolving.02.3": far,
}
