"""Regions, members, edges, proposals and ratios in the page are the room's: `static/merging.js` in Node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.evolving import (
    Graph,
    Hierarchy,
    Proposal,
    components,
    graph_from_edges,
    log_transition,
    match,
    merges,
)
from hsrnn.figures.merges import READINGS

from .conftest import RunNode
from .merges_figures import COUNTS, output, pictures, small_merges

pytestmark = [pytest.mark.needs_node, pytest.mark.usefixtures("plain_calls")]

LEVELS = """
import { levelsOf, outcome, purity, unrolled } from "@static/merging.js";
const levels = levelsOf(data);
console.log(JSON.stringify(levels.map(({ map, nodes, members, places, edges, proposals, ...at }) => ({
  map: [...map], nodes, members, places, edges,
  outcomes: proposals.map((each) => outcome({ nodes, edges, odds: at.odds }, each.edges)),
  purity: data.labels ? purity(map, unrolled(data.labels)) : null,
}))));
"""

DRAWS = """
import { draw, outcome } from "@static/merging.js";
import { uniform } from "@static/sampling.js";
console.log(JSON.stringify(data.seeds.map((seed) => {
  const chosen = draw(data.kind, data.level, seed);
  const numbers = data.level.odds.flatMap((_, e) => [uniform(seed, 2 * e), uniform(seed, 2 * e + 1)]);
  return { chosen, numbers, ...outcome(data.level, chosen) };
})));
"""


def picture_of(name: str) -> dict[str, Any]:
    return next(each for each in small_merges().data["pictures"] if each["name"] == name)


@pytest.mark.parametrize("name", COUNTS)
def test_levels_are_those_of_the_hierarchy(run_node: RunNode, name: str) -> None:
    """Maps, sizes, centres, edges, members and purity of every level; and every proposal of the log."""
    found, tree, parts = run_node(LEVELS, picture_of(name)), output(name).hierarchy, output(name).parts
    assert len(found) == len(tree) == 4
    for level, (page, graph) in enumerate(zip(found, tree.graphs, strict=True)):
        of_base = tree.assignment(level)
        assert page["map"] == of_base[parts.map[0]].flatten().tolist()
        assert page["edges"] == graph.edges.T.tolist()
        assert [place["pixels"] for place in page["places"]] == graph.sizes.tolist()
        weighted = parts.centres * parts.graph.sizes[:, None]
        centres = torch.zeros(graph.nodes, 2).index_add_(0, of_base, weighted) / graph.sizes[:, None]
        own = [[place["row"], place["column"]] for place in page["places"]]
        np.testing.assert_allclose(own, centres.numpy(), atol=1e-4)
        if level:
            members = [torch.nonzero(tree.groups[level - 1] == k)[:, 0].tolist() for k in range(graph.nodes)]
            assert page["members"] == members
        if pictures()[name].get("labels") is not None:
            labels = torch.from_numpy(pictures()[name]["labels"].astype(np.int64))[None]
            assert page["purity"] == pytest.approx(tree.purity(parts.histogram(labels, 9), level), abs=1e-12)
        if level < 3:
            compare_log(page["outcomes"], tree, level)


def compare_log(outcomes: list[dict[str, Any]], tree: Hierarchy, level: int) -> None:
    log, graph = tree.logs[level], tree.graphs[level]
    assert len(outcomes) == len(log)
    last = list(range(graph.nodes))
    for row, made in enumerate(outcomes):
        assert len(made["gone"]) == log.eliminated[row] and graph.nodes - made["left"] == log.merges[row]
        assert made["logs"]["normalised"] == pytest.approx(log.transition[row], abs=1e-3)
        last = made["groups"] if log.accepted[row] else last
    assert last == tree.groups[level].tolist(), "the level above is what the accepted proposal gives"


def test_both_kinds_of_verdict_are_there_to_be_replayed() -> None:
    verdicts = [yes for name in COUNTS for log in output(name).hierarchy.logs for yes in log.accepted]
    assert any(verdicts) and not all(verdicts)


@pytest.mark.parametrize("kind", ["matching", "bernoulli"])
def test_proposals_and_ratios_are_the_rooms(run_node: RunNode, kind: str) -> None:
    """The same random numbers choose the same edges, and all four readings say the same."""
    raw, graph = picture_of("a figure"), output("a figure").hierarchy.graphs[0]
    odds = torch.tensor(raw["log_odds"][0], dtype=torch.float64)
    level = {"nodes": graph.nodes, "edges": graph.edges.T.tolist(), "odds": odds.tolist()}
    seeds, sizes = [0, 1, 7], set()
    for page in run_node(DRAWS, {"kind": kind, "level": level, "seeds": seeds}):
        expected = drawn(graph, odds, kind, torch.tensor(page["numbers"], dtype=torch.float64))
        assert page["chosen"] == torch.nonzero(expected.merged)[:, 0].tolist()
        assert page["groups"] == expected.groups.tolist()
        eliminated = expected.eliminated(graph)
        assert page["gone"] == torch.nonzero(eliminated)[:, 0].tolist()
        assert page["left"] == graph.nodes - int(merges(graph, expected.groups))
        for reading in READINGS:
            ratio = log_transition(reading, odds.sigmoid(), eliminated, graph.edge_batch, 1)
            assert page["logs"][reading] == pytest.approx(float(ratio), rel=1e-9, abs=1e-9)
        sizes.add(len(page["chosen"]))
    assert len(sizes) > 1, "another seed, another proposal"


def drawn(graph: Graph, odds: torch.Tensor, kind: str, numbers: torch.Tensor) -> Proposal:
    """Propose by the room's functions with the page's random numbers: a coin an edge, then a place an
    edge."""
    count = len(odds)
    merged = numbers[:count] < odds.sigmoid()
    if kind == "matching":
        merged = match(graph, merged, numbers[count:])
    return Proposal(merged, components(graph.nodes, graph.edges[:, merged]))


def test_components_and_a_picture_of_one_region(run_node: RunNode) -> None:
    source = """
import { components, edgesOf, levelsOf, outcome } from "@static/merging.js";
const [one] = levelsOf({ width: 2, regions: [0, 4], groups: [], log_odds: [], proposals: [] });
console.log(JSON.stringify({
  found: components(data.nodes, data.edges), edges: edgesOf([0, 1, 2, 2], 2), one: [one.nodes, one.edges],
  nothing: outcome({ nodes: 3, edges: [[0, 1], [1, 2]], odds: [0, 0] }, []),
}));
"""
    random = np.random.default_rng(0)
    pairs = np.stack([random.integers(0, 20, 15), random.integers(20, 40, 15)])
    graph = graph_from_edges(40, pairs)
    found = run_node(source, {"nodes": 40, "edges": graph.edges.T.tolist()})
    assert found["found"] == components(40, graph.edges).tolist()
    assert found["edges"] == [[0, 1], [0, 2], [1, 2]] and found["one"] == [1, []]
    assert found["nothing"] == {
        "groups": [0, 1, 2], "gone": [], "left": 3,
        "logs": {"normalised": 0, "inverse": 0, "product": 0, "always": 0},
    }  # fmt: skip
