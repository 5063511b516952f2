"""The whole network: every kind learns, has equal parameters, uses all it owns, and is exact about pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.data import coffee
from torch import Tensor, nn

from hsrnn.evolving import (
    EdgePooling,
    MergeRule,
    Parser,
    ParserConfig,
    ParserOutput,
    SmallUNet,
    Superpixels,
    graph_from_edges,
    matched,
    parameters,
    stack,
    superpixels,
)

pytestmark = pytest.mark.usefixtures("plain_calls")

KINDS = ("evolving", "graph-lstm", "edge-pooling", "superpixels", "backbone")
SMALL = ParserConfig(classes=3, hidden=6, width=3, levels=3)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Superpixels, Tensor]:
    """Two crops of a photograph; the label of a pixel is how bright it is."""
    crops = [coffee()[r : r + 160 : 8, c : c + 192 : 8] / 255.0 for r, c in ((100, 120), (180, 260))]
    images = torch.tensor(np.stack(crops), dtype=torch.float32).permute(0, 3, 1, 2)
    grey = images.mean(1)
    labels = (grey > 0.35).long() + (grey > 0.6).long()
    labels[0, 0] = -1
    return images, stack([superpixels(crop, 40) for crop in crops]), labels


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_and_uses_all_its_weights(kind, batch):
    images, parts, labels = batch
    net = Parser(replace(SMALL, kind=kind), seed=1)
    generator, optimiser = seeded(0), torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(12):
        output = net(images, parts, labels, generator=generator)
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
        losses.append(float(output.losses["parsing"].detach()))
    assert losses[-1] < 0.8 * losses[0]
    of_zeros = {"layers.0.own", "layers.0.forget"}  # the first layer starts from states of zero
    for name, weight in net.named_parameters():
        if name not in of_zeros:
            assert weight.grad is not None and bool(weight.grad.any()), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_the_pixels_and_repeats_itself(kind, batch):
    images, parts, labels = batch
    net = Parser(replace(SMALL, kind=kind)).eval()
    output, again = net(images, parts, labels), net(images, parts)
    assert isinstance(output, ParserOutput)
    assert torch.equal(output.logits, again.logits) and again.loss is None and again.losses == {}
    logits = output.logits if output.logits.ndim == 4 else parts.spread(output.logits)
    assert torch.allclose(
        output.losses["parsing"], F.cross_entropy(logits, labels, ignore_index=-1), atol=1e-6
    )
    assert torch.equal(output.predicted(), logits.argmax(1))
    total = output.losses["parsing"] + output.losses["confidence"] + output.losses["merging"]
    assert torch.allclose(output.loss, total)
    assert output.confidence.shape == (2, 3, 20, 24)


def test_levels_shrink_where_the_structure_evolves(batch):
    images, parts, labels = batch
    for kind, levels in (("evolving", 3), ("edge-pooling", 3), ("graph-lstm", 1), ("superpixels", 1)):
        tree = Parser(replace(SMALL, kind=kind)).eval()(images, parts).hierarchy
        counts = [graph.nodes for graph in tree.graphs]
        assert len(counts) == levels and counts == sorted(set(counts), reverse=True)
        assert tree.graphs[-1].graphs == 2


def test_labels_never_touch_an_evaluation(batch):
    images, parts, labels = batch
    config = replace(SMALL, rule=MergeRule(beta=1e6, attempts=2))
    net = Parser(config).eval()
    with_labels, without = net(images, parts, labels), net(images, parts)
    assert torch.equal(with_labels.logits, without.logits)
    assert not any(log.loss.any() for log in with_labels.hierarchy.logs)
    net.train()
    logs = net(images, parts, labels, generator=seeded(0)).hierarchy.logs
    assert any(log.loss.any() for log in logs)


def test_the_judge_is_the_change_of_loss_when_states_are_averaged(batch):
    images, parts, labels = batch
    net = Parser(SMALL).double()
    counts = parts.histogram(labels, 3)
    hidden = torch.randn(parts.graph.nodes, 6, generator=seeded(0), dtype=torch.float64)
    before = torch.randn(parts.graph.nodes, 6, generator=seeded(1), dtype=torch.float64)
    back = torch.arange(parts.graph.nodes)
    loss = net.judge(before, hidden, back, parts.graph.sizes, counts, parts.graph)
    groups = parts.graph.batch  # everything of an image in one group
    for chosen, states in (
        (back, hidden),
        (groups, torch.stack([
            (hidden * parts.graph.sizes[:, None])[groups == k].sum(0) / (20 * 24) for k in (0, 1)
        ])[groups]),
    ):  # fmt: skip
        logits = parts.spread(net.head(before + states))
        wanted = [F.cross_entropy(logits[k : k + 1], labels[k : k + 1], ignore_index=-1) for k in (0, 1)]
        assert torch.allclose(loss(chosen), torch.stack(wanted))


@pytest.mark.parametrize(
    "options",
    [{"fusion": "last"}, {"shared": True}, {"identical": True}, {"by_pixels": False}, {"levels": 1},
     *({"order": order} for order in ("breadth-first", "depth-first", "random", "confidence")),
     *({"rule": MergeRule(kind)} for kind in ("bernoulli", "threshold", "random", "none"))],
    ids=str,
)  # fmt: skip
def test_every_option_runs_forward_and_backward(options, batch):
    images, parts, labels = batch
    output = Parser(replace(SMALL, **options))(images, parts, labels, generator=seeded(0))
    output.loss.backward()
    assert math.isfinite(float(output.loss.detach()))


def test_all_baselines_have_equal_parameters():
    budget = parameters(Parser(ParserConfig(classes=8, levels=3, width=6)))
    for kind in KINDS:
        for levels in (2, 5):
            config = matched(ParserConfig(classes=8, kind=kind, levels=levels, width=6), budget)
            assert parameters(Parser(config)) == pytest.approx(budget, rel=0.05), (kind, levels)
    with pytest.raises(ValueError, match="room for the backbone of width 12, got 100"):
        matched(ParserConfig(classes=8), 100)


def test_any_backbone_of_any_resolution_can_be_used(batch):
    images, parts, labels = batch
    torch.manual_seed(0)
    own = nn.Conv2d(3, 5, 4, stride=4)
    net = Parser(SMALL, backbone=own, channels=5).eval()
    assert net(images, parts, labels).confidence.shape == (2, 3, 20, 24)
    for options in ({"backbone": own}, {"channels": 5}):
        with pytest.raises(ValueError, match="together, or neither"):
            Parser(SMALL, **options)


def test_a_small_u_net_keeps_any_size():
    net = SmallUNet(2, generator=seeded(0))
    for size in ((4, 4), (7, 5), (9, 16)):
        assert net(torch.rand(1, 3, *size)).shape == (1, 2, *size)
    with pytest.raises(ValueError, match=r"at least 4 x 4 pixels, got \(3, 9\)"):
        net(torch.rand(1, 3, 3, 9))
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        SmallUNet(0, generator=seeded(0))


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(1)
    first = Parser(SMALL, seed=5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, other = Parser(SMALL, seed=5), Parser(SMALL, seed=6)
    assert torch.equal(state, torch.get_rng_state()), "the global generator is not touched"
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters()))


def test_edge_pooling_by_hand():
    pool = EdgePooling(1, generator=seeded(0)).double()
    graph = graph_from_edges(4, [[0, 1], [1, 2]])  # node 3 is isolated
    x = torch.tensor([[1.0], [2.0], [5.0], [7.0]], dtype=torch.float64)
    (a, b), c = pool.score.weight[0], pool.score.bias
    into_1 = torch.stack([a * x[1] + b * x[0] + c, a * x[1] + b * x[2] + c])[:, 0].softmax(0)
    scores = torch.stack([torch.maximum(into_1[0], torch.tensor(1.0)), into_1[1].clamp_min(1.0)]) + 0.5
    merged, groups, found = pool(x, graph)
    assert torch.allclose(found, scores)  # 0 and 2 have one edge each: its softmax is 1
    assert groups.tolist() == [0, 0, 1, 2]
    assert torch.allclose(merged[:, 0], torch.stack([3 * scores[0], x[2, 0], x[3, 0]]))
    alone = graph_from_edges(1, [])
    assert torch.equal(pool(x[:1], alone)[0], x[:1])


def test_a_one_superpixel_image_is_parsed():
    image = torch.rand(1, 3, 6, 6, generator=seeded(0))
    parts = superpixels(image[0].permute(1, 2, 0).double().numpy(), 1)
    assert parts.graph.nodes == 1
    for kind in KINDS:
        output = Parser(replace(SMALL, kind=kind))(
            image, parts, torch.ones(1, 6, 6, dtype=torch.int64), generator=seeded(0)
        )
        output.loss.backward()
        assert output.predicted().shape == (1, 6, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "classes must be at least 2, got 1"),
        ({"kind": "crf"}, "kind must be one of evolving, graph-lstm"),
        ({"order": "left"}, "order must be one of perturbed, confidence"),
        ({"fusion": "mean"}, "fusion must be 'sum' or 'last', got 'mean'"),
        ({"levels": 6}, "levels must be 1 to 5, got 6"),
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
        ({"merge_weight": -1}, "merge_weight must not be negative, got -1"),
    ],
)
def test_bad_configs_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **options)


def test_bad_batches_are_refused(batch):
    images, parts, labels = batch
    net = Parser(SMALL)
    with pytest.raises(ValueError, match="pass a generator, or call eval"):
        net(images, parts, labels)
    net.eval()
    with pytest.raises(ValueError, match=r"images must be \(2, 20, 24\) like the superpixels"):
        net(images[:1], parts)
    with pytest.raises(ValueError, match="images must be finite"):
        net(images.where(images < 0.5, float("nan")), parts)
    with pytest.raises(ValueError, match="labels must cover 2 images of 20 x 24 pixels"):
        net(images, parts, labels[:, :5])
