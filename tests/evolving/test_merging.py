"""Merging: probabilities and their loss, proposals against plain loops, acceptance against brute force."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.evolving import (
    MergeLog,
    MergeRule,
    MergeScore,
    Proposal,
    accept,
    at_random,
    canonical,
    coarsen,
    components,
    evolve,
    graph_from_edges,
    log_transition,
    match,
    merge,
    merge_loss,
    merges,
    propose,
    sample_edges,
    union,
    unmerge,
)

pytestmark = pytest.mark.usefixtures("plain_calls")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_probability_is_the_mean_of_both_directions():
    score = MergeScore(2, generator=seeded(0)).double()
    gates = torch.rand(6, 2, generator=seeded(1), dtype=torch.float64)  # 3 edges forth, then back
    each = 1 / (1 + torch.exp(-(gates @ score.weight + score.bias)))
    assert torch.allclose(score(gates), torch.stack([(each[e] + each[e + 3]) / 2 for e in range(3)]))
    assert score(gates[:0]).shape == (0,)
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        MergeScore(0, generator=seeded(0))


def test_the_loss_wants_one_where_labels_are_equal():
    graph = graph_from_edges(4, [[0, 1, 2], [1, 2, 3]])
    p = torch.tensor([0.9, 0.3, 0.5])
    labels = torch.tensor([1, 1, 2, -1])
    assert float(merge_loss(p, graph, labels)) == pytest.approx((0.1**2 + 0.3**2) / 2)
    assert float(merge_loss(p, graph, torch.full((4,), -1))) == 0
    alone = graph_from_edges(1, [])
    assert float(merge_loss(p[:0], alone, labels[:1])) == 0
    with pytest.raises(ValueError, match=r"need 3 probabilities and 4 labels, got \(2,\) and \(4,\)"):
        merge_loss(p[:2], graph, labels)


@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(0, 10**6))
def test_coarsening_against_plain_loops(any_graph, data, seed: int):
    graph = union(data.draw(st.lists(any_graph(8), min_size=1, max_size=3)))
    kept = torch.rand(graph.edges.shape[1], generator=seeded(seed)) < 0.4
    groups = components(graph.nodes, graph.edges[:, kept])
    above = coarsen(graph, groups)
    pairs = {tuple(sorted((int(groups[a]), int(groups[b])))) for a, b in graph.edges.T.tolist()}
    assert {tuple(pair) for pair in above.edges.T.tolist()} == {(a, b) for a, b in pairs if a != b}
    values = torch.randn(graph.nodes, 2, generator=seeded(seed), dtype=torch.float64, requires_grad=True)
    for weights in (graph.sizes, None):
        merged = merge(values, groups, weights)
        for number in range(above.nodes):
            inside = torch.nonzero(groups == number)[:, 0]
            w = torch.ones(len(inside)) if weights is None else weights[inside]
            assert int(above.sizes[number]) == int(graph.sizes[inside].sum())
            assert torch.allclose(merged[number], (values[inside] * w[:, None]).sum(0) / w.sum())
    assert torch.allclose(merge(unmerge(merged, groups), groups, graph.sizes), merged)
    assert above.graphs == graph.graphs and torch.equal(above.batch[groups], graph.batch)
    assert torch.equal(merges(graph, groups), graph.count() - above.count())
    assert torch.autograd.gradcheck(lambda v: unmerge(merge(v, groups, graph.sizes), groups), (values,))


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 10**6))
def test_a_matching_is_what_one_edge_after_the_other_gives(any_graph, data, seed: int):
    graph = data.draw(any_graph(12))
    count = graph.edges.shape[1]
    allowed = torch.rand(count, generator=seeded(seed)) < 0.7
    priority = torch.randint(5, (count,), generator=seeded(seed + 1)).double()  # with ties
    used: set[int] = set()
    expected = [False] * count
    for e in sorted(range(count), key=lambda e: (-float(priority[e]), e)):
        a, b = graph.edges[:, e].tolist()
        if allowed[e] and not {a, b} & used:
            expected[e] = True
            used |= {a, b}
    assert match(graph, allowed, priority).tolist() == expected


@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(0, 10**6))
def test_every_kind_of_proposal_keeps_its_promise(any_graph, data, seed: int):
    graph = union(data.draw(st.lists(any_graph(8), min_size=1, max_size=3)))
    p = torch.rand(graph.edges.shape[1], generator=seeded(seed))
    made = {kind: propose(kind, graph, p, generator=seeded(seed)) for kind in
            ("none", "bernoulli", "matching", "threshold", "random")}  # fmt: skip
    coins = sample_edges(p, seeded(seed))
    assert not made["none"].merged.any() and len(set(made["none"].groups.tolist())) == graph.nodes
    assert torch.equal(made["bernoulli"].merged, coins)
    assert not (made["matching"].merged & ~coins).any(), "only sampled edges merge"
    assert bool((p[made["threshold"].merged] >= 0.5).all())
    assert torch.equal(made["threshold"].merged, match(graph, p >= 0.5, p))
    for kind, proposal in made.items():
        assert torch.equal(proposal.groups, components(graph.nodes, graph.edges[:, proposal.merged]))
        first, second = proposal.groups[graph.edges]
        assert torch.equal(proposal.eliminated(graph), first == second)
        assert not (proposal.merged & ~proposal.eliminated(graph)).any()
        if kind != "bernoulli":
            assert int(torch.bincount(proposal.groups).max()) <= 2
    wanted, got = (merges(graph, made[kind].groups) for kind in ("matching", "random"))
    assert bool((got <= wanted).all())


def test_the_control_merges_as_many_edges_without_regard_to_probability(grid):
    graph = union([grid(6), grid(5)])
    within = torch.zeros(graph.edges.shape[1])
    within[::4] = 1.0
    hits = torch.zeros(graph.edges.shape[1])
    for seed in range(60):
        generator = seeded(seed)
        model = propose("matching", graph, within, generator=generator)
        other = at_random(graph, model, generator)
        assert isinstance(other, Proposal)
        assert torch.equal(merges(graph, model.groups), merges(graph, other.groups))
        hits += other.merged
    chance = float(hits.sum() / 60 / len(hits))
    assert float(hits[within == 1].mean() / 60) == pytest.approx(chance, rel=0.25)


def test_coins_fall_as_their_probabilities_say():
    p = torch.tensor([0.0, 0.25, 1.0])
    drawn = torch.stack([sample_edges(p, seeded(seed)) for seed in range(600)]).double().mean(0)
    assert drawn[0] == 0 and drawn[2] == 1 and float(drawn[1]) == pytest.approx(0.25, abs=0.075)


def test_components_of_coins_percolate_and_a_matching_does_not(grid):
    """The trap of the literal reading: p of 0.9 on every edge leaves one giant region in one level."""
    graph = grid(20)
    p = torch.full((graph.edges.shape[1],), 0.9)
    largest = {
        kind: int(torch.bincount(propose(kind, graph, p, generator=seeded(0)).groups).max())
        for kind in ("bernoulli", "matching")
    }
    assert largest["bernoulli"] > 0.95 * graph.nodes and largest["matching"] == 2


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 10**6))
def test_acceptance_formulas_against_brute_force(any_graph, data, seed: int):
    graph = union(data.draw(st.lists(any_graph(7), min_size=1, max_size=3)))
    p = 0.02 + 0.96 * torch.rand(graph.edges.shape[1], generator=seeded(seed), dtype=torch.float64)
    proposal = propose("bernoulli", graph, p, generator=seeded(seed + 1))
    groups = proposal.groups.tolist()
    for part in range(graph.graphs):
        gone, left = [], []
        for (a, b), chance, owner in zip(graph.edges.T.tolist(), p.tolist(), graph.edge_batch.tolist()):
            if owner == part:
                (gone if groups[a] == groups[b] else left).append(chance)
        mean = sum(math.log(c / (1 - c)) for c in gone) / max(1, len(gone))
        surviving, every = math.prod(1 - c for c in left), math.prod(1 - c for c in gone + left)
        expected = {
            "inverse": surviving / every,  # T(G' -> G) / T(G -> G') as products over E' and E
            "product": math.prod(gone),
            "normalised": math.exp(mean),
            "always": 1.0,
            "swendsen-wang": math.prod(1 - c for c in gone),
        }
        for kind, ratio in expected.items():
            found = log_transition(kind, p, proposal.eliminated(graph), graph.edge_batch, graph.graphs)
            assert math.exp(float(found[part])) == pytest.approx(ratio, rel=1e-9), kind
            back = log_transition(
                kind, p, torch.zeros_like(proposal.merged), graph.edge_batch, graph.graphs,
                restored=proposal.eliminated(graph),
            )  # fmt: skip
            assert float(back[part]) == pytest.approx(-float(found[part])), kind


def test_sure_edges_are_not_infinite():
    owner, both = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.bool)
    for kind in ("inverse", "product", "normalised"):
        assert bool(torch.isfinite(log_transition(kind, torch.tensor([0.0, 1.0]), both, owner, 1)).all())


def test_accepting_happens_with_probability_alpha():
    log_ratio = torch.log(torch.tensor([0.3, 1.0, 5.0], dtype=torch.float64)).repeat(3000)
    won = accept(log_ratio, seeded(0)).double().unflatten(0, (-1, 3)).mean(0)
    assert float(won[0]) == pytest.approx(0.3, abs=0.035) and won[1] == won[2] == 1
    with pytest.raises(ValueError, match="must not be NaN"):
        accept(torch.tensor([float("nan")]), seeded(0))


def test_likely_merges_are_accepted_and_doubtful_ones_by_their_odds(grid):
    graph = union([grid(3)] * 200)
    likely, doubtful = (torch.full((graph.edges.shape[1],), p) for p in (0.7, 0.2))
    _, log = evolve(graph, likely, MergeRule(attempts=1), generator=seeded(0))
    assert log.acceptance_rate == 1.0 and len(log) == 200
    _, log = evolve(graph, doubtful, MergeRule(attempts=1), generator=seeded(0))
    assert log.acceptance_rate == pytest.approx(0.25, abs=0.1)
    decided = log.log_ratio[log.merges > 0]
    assert decided == pytest.approx(math.log(0.2 / 0.8))
    groups, log = evolve(graph, doubtful, MergeRule(), generator=seeded(0))
    assert len(log) > 200 and log.attempt.max() < 50
    won = log.accepted.nonzero()[0]
    assert len(set(log.graph[won].tolist())) == len(won), "a graph rests once it has accepted"
    assert merges(graph, groups).tolist() == [
        int(log.merges[(log.graph == part) & log.accepted].sum()) for part in range(200)
    ]


@pytest.mark.parametrize("kind", ["bernoulli", "matching"])
def test_the_log_tells_every_proposal_edge_by_edge(grid, kind: str):
    graph = union([grid(3), grid(4), graph_from_edges(1, []), grid(2)])
    p = torch.full((graph.edges.shape[1],), 0.3)
    groups, log = evolve(graph, p, MergeRule(kind, attempts=6), generator=seeded(4))
    assert len(log.edges) == len(log) and 0 < log.acceptance_rate < 1
    kept = []
    for part, edges, shrinks, gone, accepted in zip(
        log.graph, log.edges, log.merges, log.eliminated, log.accepted
    ):
        assert (graph.edge_batch[edges] == part).all()
        found = components(graph.nodes, graph.edges[:, edges])
        assert graph.nodes - len(found.unique()) == shrinks
        assert int((found[graph.edges[0]] == found[graph.edges[1]]).sum()) == gone
        kept += edges.tolist() if accepted else []
    assert torch.equal(components(graph.nodes, graph.edges[:, kept]), groups)


def test_the_loss_has_its_say(grid):
    graph = union([grid(3)] * 50)
    p = torch.full((graph.edges.shape[1],), 0.6)

    def worse(groups: torch.Tensor) -> torch.Tensor:
        return merges(graph, groups).double()  # every merge costs 1 a pixel

    rule = MergeRule(beta=1000.0, attempts=3)
    groups, log = evolve(graph, p, rule, generator=seeded(0), loss=worse)
    assert not merges(graph, groups).any() and log.acceptance_rate == 0 and len(log) == 150
    assert log.loss == pytest.approx(-1000.0 * log.merges)
    _, log = evolve(graph, p, MergeRule(beta=0.0), generator=seeded(0), loss=worse)
    assert not log.loss.any()


def test_rules_at_their_limits(grid):
    graph = union([grid(4), graph_from_edges(1, [])])
    p = torch.rand(graph.edges.shape[1], generator=seeded(3))
    rules = [
        MergeRule(kind, how, threshold=0.5, attempts=8)
        for kind, how in itertools.product(
            ("bernoulli", "matching", "threshold", "random", "none"),
            ("inverse", "product", "normalised", "always"),
        )
    ]
    for rule in rules:
        groups, log = evolve(graph, p, rule, generator=seeded(1))
        again, _ = evolve(graph, p, rule, generator=seeded(1))
        assert torch.equal(groups, again) and torch.equal(groups, canonical(groups))
        assert len(log) <= 100 and isinstance(log, MergeLog)
        assert int(merges(graph, groups)[1]) == 0, "one node stays alone"
    none, log = evolve(graph, p, MergeRule("none"), generator=seeded(1))
    assert len(log) == 0 and math.isnan(log.acceptance_rate) and len(none.unique()) == graph.nodes
    first, _ = evolve(graph, p, MergeRule("threshold", "always"), generator=seeded(1))
    other, _ = evolve(graph, p, MergeRule("threshold", "always"), generator=seeded(2))
    assert torch.equal(first, other)
    model, _ = evolve(graph, p, MergeRule("matching"), generator=seeded(1))
    control, _ = evolve(graph, p, MergeRule("random"), generator=seeded(1))
    assert torch.equal(merges(graph, model), merges(graph, control)) and not torch.equal(model, control)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proposal": "all"}, "proposal must be one of bernoulli, matching"),
        ({"acceptance": "never"}, "acceptance must be one of inverse, product"),
        ({"beta": -1}, "beta must not be negative, got -1"),
        ({"threshold": 2}, r"threshold must lie in \[0, 1\], got 2"),
        ({"attempts": 0}, "attempts must be at least 1, got 0"),
    ],
)
def test_bad_rules_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MergeRule(**options)


def test_other_bad_input_is_refused(grid):
    graph, generator = grid(2), seeded(0)
    with pytest.raises(ValueError, match="kind must be one of bernoulli"):
        propose("all", graph, torch.ones(4), generator=generator)
    for p in (torch.ones(3), torch.full((4,), 1.5), torch.full((4,), float("nan"))):
        with pytest.raises(ValueError, match=r"probabilities must be 4 numbers in \[0, 1\]"):
            propose("matching", graph, p, generator=generator)
    none = torch.zeros(4, dtype=torch.bool)
    with pytest.raises(ValueError, match="got 'sometimes'"):
        log_transition("sometimes", torch.ones(4), none, graph.edge_batch, 1)
    for groups in (torch.tensor([0, 0, 1]), torch.tensor([1, 0, 0, 0])):
        with pytest.raises(ValueError, match=r"groups must be \(4,\), numbered from 0"):
            coarsen(graph, groups)
    with pytest.raises(ValueError, match="within one graph of the union"):
        coarsen(union([graph_from_edges(1, [])] * 2), torch.tensor([0, 0]))
