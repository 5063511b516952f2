"""The control: as many nodes as the leader at every level, merged at random, by colour or by the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hsrnn.evolving import (
    MergeRule,
    Parser,
    ParserConfig,
    Superpixels,
    Twin,
    canonical,
    coarsen,
    first_merges,
    from_map,
    graph_from_edges,
    guided_groups,
    match,
    merges,
    stack,
    union,
)

pytestmark = pytest.mark.usefixtures("plain_calls")
SMALL = ParserConfig(classes=2, hidden=6, width=3, levels=4)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Superpixels, Tensor]:
    """Three images of 12 x 12 blocks of 2 x 2 pixels; the right half is brighter and has another label."""
    number = torch.arange(144).reshape(12, 12).repeat_interleave(2, 0).repeat_interleave(2, 1)
    labels = (number % 12 >= 6).long().repeat(3, 1, 1)
    noise = torch.rand(3, 3, 24, 24, generator=seeded(0)) * 0.3
    return 0.6 * labels[:, None] + noise, stack([from_map(number.numpy())] * 3), labels


@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(0, 10**6))
def test_the_first_merges_of_a_matching_are_those_of_one_edge_after_the_other(
    any_graph, data, seed: int
) -> None:
    graph = union(data.draw(st.lists(any_graph(8), min_size=1, max_size=3)))
    priority = torch.rand(graph.edges.shape[1], generator=seeded(seed), dtype=torch.float64)
    whole = torch.bincount(
        graph.edge_batch[match(graph, torch.ones(len(priority), dtype=torch.bool), priority)],
        minlength=graph.graphs,
    )
    wanted = torch.randint(5, (graph.graphs,), generator=seeded(seed + 1))
    found = first_merges(graph, wanted, lambda: priority)
    assert torch.equal(merges(graph, found.groups), torch.minimum(wanted, whole))
    taken, used = [0] * graph.graphs, set()
    for e in sorted(range(len(priority)), key=lambda e: -float(priority[e])):
        a, b = graph.edges[:, e].tolist()
        owner = int(graph.batch[a])
        expected = not {a, b} & used and taken[owner] < int(wanted[owner])
        used |= {a, b} if not {a, b} & used else set()
        taken[owner] += expected
        assert bool(found.merged[e]) == expected


def test_a_hierarchy_has_the_counts_that_are_asked_for(grid):
    graph = union([grid(6), grid(5)])
    counts = [torch.tensor([25, 20]), torch.tensor([25, 14]), torch.tensor([15, 9])]
    values = torch.rand(graph.nodes, 3, generator=seeded(0))
    for by in ("random", "colour", "labels"):
        above = graph
        for groups, count in zip(guided_groups(graph, counts, by, values, seeded(1)), counts):
            assert torch.equal(groups, canonical(groups))
            above = coarsen(above, groups)
            assert torch.equal(above.count(), count), by
    # A level can at most halve; what is missing comes one level later.
    short = [graph.count() // 4, graph.count() // 4]
    first, second = guided_groups(graph, short, "random", values, seeded(1))
    assert bool((coarsen(graph, first).count() > short[0]).any())
    assert bool((coarsen(coarsen(graph, first), second).count() <= coarsen(graph, first).count()).all())
    with pytest.raises(ValueError, match="by must be one of random, colour, labels, got 'size'"):
        guided_groups(graph, counts, "size", values, seeded(1))


def test_colours_merge_the_nearest_and_labels_the_equal_ones():
    line = graph_from_edges(6, [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
    colour = torch.tensor([[0.0], [0.1], [0.9], [1.0], [5.0], [7.0]])
    (groups,) = guided_groups(line, [torch.tensor([4])], "colour", colour, seeded(0))
    assert groups.tolist() == [0, 0, 1, 1, 2, 3]
    pixels = torch.tensor([[3, 0], [0, 3], [1, 2], [4, 0], [0, 9], [0, 9]])  # labels 0 1 1 0 1 1
    for seed in range(10):
        (groups,) = guided_groups(line, [torch.tensor([4])], "labels", pixels, seeded(seed))
        assert groups.tolist() == [0, 1, 1, 2, 3, 3], "no merge across labels while one within is left"
    # Then pixels add up: the pair of nodes 1 and 2 is of label 1, and next to it there are only zeros.
    two = guided_groups(line, [torch.tensor([4]), torch.tensor([3])], "labels", pixels, seeded(0))
    assert [len(groups.unique()) for groups in two] == [4, 3]


@pytest.mark.parametrize("by", ["random", "colour", "labels"])
def test_a_twin_has_the_counts_of_its_leader_to_the_node(by, batch):
    images, parts, labels = batch
    leader = Parser(SMALL, seed=1).eval()
    twin = Twin(SMALL, leader, by=by, seed=2).eval()
    ours, theirs = seeded(3), seeded(3)
    for _ in range(2):  # also where the generator has been used before
        led = leader(images, parts, generator=theirs).hierarchy
        found = twin(images, parts, labels, generator=ours).hierarchy
        for level, (one, other) in enumerate(zip(found.graphs, led.graphs)):
            assert torch.equal(one.count(), other.count())
            assert level == 0 or not torch.equal(found.groups[level - 1], led.groups[level - 1])
        assert torch.equal(ours.get_state(), theirs.get_state())
    histogram = parts.histogram(labels, 2)
    purity = [found.purity(histogram, level) for level in range(4)]
    if by == "random":
        assert purity[3] < 0.99
    else:
        assert purity == [1.0] * 4, "the halves differ in colour and in label, and never have to be joined"


def test_a_twin_learns_without_its_leader(batch):
    images, parts, labels = batch
    leader = Parser(SMALL, seed=1)
    before = {name: value.clone() for name, value in leader.state_dict().items()}
    twin = Twin(replace(SMALL, hidden=5), leader, seed=2)
    assert set(twin.state_dict()) == set(before), "the leader is not saved with it"
    assert leader.training
    output = twin(images, parts, labels, generator=seeded(0))
    output.loss.backward()
    assert leader.training and all(p.grad is None for p in leader.parameters())
    assert all(p.grad is not None for p in twin.parameters())
    assert all(torch.equal(value, before[name]) for name, value in leader.state_dict().items())
    assert all(len(log) == 0 for log in output.hierarchy.logs)


def test_a_hierarchy_can_be_given_to_a_parser(batch):
    images, parts, labels = batch
    net = Parser(SMALL, seed=1).eval()
    own = net(images, parts, labels, generator=seeded(3))
    again = net(images, parts, labels, generator=seeded(3), groups=own.hierarchy.groups)
    for one, other in zip(own.hierarchy.groups, again.hierarchy.groups, strict=True):
        assert torch.equal(one, other)
    # Orders are drawn, and an own proposal draws in between; the first level has drawn nothing else.
    assert torch.equal(own.hierarchy.probabilities[0], again.hierarchy.probabilities[0])
    assert again.losses["merging"] > 0
    still = Parser(replace(SMALL, order="confidence"), seed=1).eval()
    own = still(images, parts, generator=seeded(3))
    again = still(images, parts, generator=seeded(4), groups=own.hierarchy.groups)
    assert torch.equal(own.logits, again.logits), "without chance in the order nothing differs"


def test_bad_twins_are_refused(batch):
    images, parts, labels = batch
    leader = Parser(SMALL)
    with pytest.raises(ValueError, match=r"equal levels, got \('evolving', 3\) and \('evolving', 4\)"):
        Twin(replace(SMALL, levels=3), leader)
    with pytest.raises(ValueError, match=r"must be 'evolving' with equal levels, got \('graph-lstm', 4\)"):
        Twin(replace(SMALL, kind="graph-lstm"), leader)
    with pytest.raises(ValueError, match="by must be one of random, colour, labels, got 'size'"):
        Twin(SMALL, leader, by="size")
    twin = Twin(SMALL, leader, by="labels")
    with pytest.raises(ValueError, match="a twin that merges by labels needs them"):
        twin.eval()(images, parts)
    with pytest.raises(ValueError, match="a twin finds its groups itself"):
        twin(images, parts, labels, groups=[])
    with pytest.raises(ValueError, match="training draws random numbers"):
        twin.train()(images, parts, labels)
    with pytest.raises(
        ValueError, match="groups must be 3 for a network of the kind 'evolving' with 4 levels"
    ):
        leader(images, parts, generator=seeded(0), groups=[torch.arange(parts.graph.nodes)])
    fixed = Parser(replace(SMALL, kind="graph-lstm", rule=MergeRule("none")))
    with pytest.raises(ValueError, match="for the kind 'graph-lstm'"):
        fixed(images, parts, generator=seeded(0), groups=[torch.arange(parts.graph.nodes)] * 3)
