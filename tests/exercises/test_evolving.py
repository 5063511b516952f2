"""Exercises on superpixels and on Graph LSTM: solutions pass, stubs and plausible mistakes do not."""

import numpy as np

from .answers import test_mistakes_are_found, test_solutions_pass, test_stubs_are_not_solved


def pairs(regions, corners=False):
    shifts = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if corners else [])
    found = set()
    for (row, column), here in np.ndenumerate(regions):
        for down, across in shifts:
            r, c = row + down, column + across
            if r < regions.shape[0] and 0 <= c < regions.shape[1] and regions[r, c] != here:
                found.add((min(here, regions[r, c]), max(here, regions[r, c])))
    return np.array(sorted(found)).reshape(-1, 2)


def most(regions, labels):
    return [
        np.bincount(labels[(regions == r) & (labels >= 0)], minlength=1).max() for r in np.unique(regions)
    ]


def share_of_each(regions, labels):
    counts = [((regions == r) & (labels >= 0)).sum() for r in np.unique(regions)]
    return np.mean([a / n for a, n in zip(most(regions, labels), counts) if n])


def ious(predicted, true, classes, absent):
    predicted, true = predicted[true >= 0], true[true >= 0]
    found = []
    for c in range(classes):
        union = ((predicted == c) | (true == c)).sum()
        found.append(((predicted == c) & (true == c)).sum() / union if union else absent)
    return np.array(found, float)


def node(f, h, m, old, now, memories, *, output=False, gates=None, heard=None, gather=np.mean, own=1):
    def sg(x):
        return 1 / (1 + np.exp(-x))

    s = f + h + gather(now if heard is None else heard(old, now))
    kept = gather(sg(f + (old if gates is None else gates(old, now))) * memories)
    memory = kept + own * sg(f + h) * m + sg(s) * np.tanh(s)
    return memory, sg(s) * np.tanh(memory) if output else np.tanh(sg(s) * memory)


def of_old(old, now):
    return old


def of_new(old, now):
    return now


def longest(edges, rank):
    depth = np.zeros(len(rank), int)
    for _ in rank:
        for a, b in edges:
            a, b = (a, b) if rank[a] < rank[b] else (b, a)
            depth[b] = max(depth[b], depth[a] + 1)
    return depth


def earlier(edges, rank):
    return [sum(rank[a] < rank[i] for e in edges for a in e if i in e) for i in range(len(rank))]


def discovered(nodes, edges):
    found = [nodes - 1]
    for here in found:
        for pair in edges.tolist():
            found += [other for other in pair if here in pair and other not in found]
    return np.argsort(found)


RIGHT = {
    "evolving.01.1": pairs,
    "evolving.01.2": lambda regions, labels: sum(most(regions, labels)) / (labels >= 0).sum(),
    "evolving.01.3": lambda *a: np.nanmean(ious(*a, np.nan)),
    "evolving.02.1": node,
    "evolving.02.2": longest,
    "evolving.02.3": lambda nodes, edges: nodes - 1 - discovered(nodes, edges),
}
WRONG = {
    "evolving.01.1": [
        (lambda regions: pairs(regions, corners=True), "in a corner only"),
        (lambda regions: pairs(regions)[::-1], "in growing order"),
        (lambda regions: pairs(regions)[:, ::-1], "the smaller number of a pair comes first"),
        (lambda regions: pairs(regions)[1:], "is missing"),
        (lambda regions: 3, "should have the shape"),
    ],
    "evolving.01.2": [
        (lambda regions, labels: sum(most(regions, labels)) / labels.size, "nobody knows do not count"),
        (share_of_each, "not mean of shares"),
        (lambda regions, labels: 1.0, "the best accuracy is"),
    ],
    "evolving.01.3": [
        (lambda *a: ious(*a, 0.0).mean(), "left out, not counted as 0"),
        (lambda *a: ious(*a, 1.0).mean(), "left out, not counted as 1"),
        (lambda p, t, n: (p == t)[t >= 0].mean(), "the share of right pixels"),
        (lambda p, t, n: "much", "should be numbers"),
    ],
    "evolving.02.1": [
        (lambda *a: node(*a, output=True), "the tanh of the product"),
        (lambda *a: node(*a, gates=of_new), "gates read the old states"),
        (lambda *a: node(*a, heard=of_old), "what the neighbours say now"),
        (lambda *a: node(*a, gather=np.sum), "averaged, not added up"),
        (lambda *a: node(*a, own=0), "a share of its own memory"),
        (lambda *a: node(*a)[::-1], "the memory comes first"),
        (lambda *a: 1.0, "should have the shape"),
    ],
    "evolving.02.2": [
        (lambda edges, rank: longest(edges, rank) + 1, "has the number 0"),
        (earlier, "the longest path of them"),
        (lambda edges, rank: rank, "the waves are"),
    ],
    "evolving.02.3": [
        (discovered, "with the reverse order"),
        (lambda nodes, edges: np.arange(nodes), "the last node hears"),
        (lambda nodes, edges: np.zeros(nodes), "each of 0 to"),
    ],
}
