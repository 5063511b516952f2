"""The loop learns, resumes bit for bit and says what went wrong; batches and scores are what they claim."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hsrnn.evolving import (
    Batch,
    Evaluation,
    Examples,
    LevelScore,
    MergeRule,
    Parser,
    ParserConfig,
    TrainingConfig,
    ceiling,
    evaluate,
    examples,
    from_map,
    mirrored,
    optimizer_of,
    stack,
    train,
)
from hsrnn.training import CheckpointError

pytestmark = pytest.mark.usefixtures("plain_calls")

SMALL = ParserConfig(classes=3, hidden=6, width=3, levels=3)
CONFIG = TrainingConfig(epochs=3, batch_size=4, learning_rate=0.01, crop=2, checkpoint_every=2)


def blocks(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Noise with a red and a green rectangle, each a class of its own."""
    random = np.random.RandomState(seed)
    images, labels = [], []
    for _ in range(count):
        image, label = random.randint(60, 90, (20, 24, 3)), np.zeros((20, 24), np.int8)
        for part in (1, 2):
            top, left = random.randint(0, 9, 2)
            window = slice(top, top + 9), slice(left + 2, left + 12)
            image[(*window, part - 1)] += 100
            image[(*window, 2 - part)] -= 40
            label[window] = part
        label[0, 0] = -1
        images.append(image.astype(np.uint8))
        labels.append(label)
    return images, labels


@pytest.fixture(scope="module")
def data() -> Examples:
    return examples(*blocks(14), 60)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def without_seconds(lines):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_it_learns(data):
    model = Parser(SMALL)
    config = TrainingConfig(epochs=10, batch_size=4, learning_rate=0.03)
    lines = train(model, data, config, valid=data.first(4), progress=False)
    found = evaluate(model, data.first(4))
    assert not model.training and [line["epoch"] for line in lines] == list(range(10))
    assert found.score.mean_iou == lines[-1]["valid_iou"] and found.score.accuracy > 0.82
    assert found.ceiling.mean_iou > found.score.mean_iou > 0.45 > 1.5 * lines[0]["valid_iou"]
    assert lines[-1]["parsing"] < 0.5 * lines[0]["parsing"] and lines[-1]["merging"] < lines[0]["merging"]
    assert all(0 <= line["acceptance"] <= 1 for line in lines)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_it_goes_on_bit_for_bit(data, tmp_path: Path, monkeypatch, optimizer):
    config = replace(CONFIG, optimizer=optimizer)
    calm = Parser(SMALL)
    lines = train(calm, data, config, valid=data.first(3), progress=False)
    # Killed in the middle of the second epoch, between two checkpoints: 4 updates an epoch, the 8th fails.
    draws, whole = itertools.count(), Examples.batch

    def failing(self, rows, **options):
        if options and next(draws) == 7:
            raise KeyboardInterrupt
        return whole(self, rows, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Examples, "batch", failing)
        with pytest.raises(KeyboardInterrupt):
            train(Parser(SMALL), data, config, valid=data.first(3), folder=tmp_path, progress=False)
    resumed = Parser(SMALL, seed=5)  # its own weights are replaced
    again = train(resumed, data, config, valid=data.first(3), folder=tmp_path, progress=False)
    for a, b in zip(calm.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert without_seconds(again) == without_seconds(lines)
    # A finished run is only read, and another run does not take its checkpoint.
    assert len(train(Parser(SMALL), data, config, folder=tmp_path, progress=False)) == 3
    for model, options in (
        (Parser(SMALL), {"seed": 1}),
        (Parser(replace(SMALL, rule=MergeRule(beta=2))), {}),
    ):
        with pytest.raises(CheckpointError, match="a run with other"):
            train(model, data, config, folder=tmp_path, progress=False, **options)


def test_the_backbone_has_a_rate_of_its_own(data):
    model = Parser(SMALL)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    config = replace(CONFIG, epochs=1, backbone_rate=0.0)
    train(model, data, config, progress=False)
    moved = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert "head.weight" in moved and not any(name.startswith("backbone.") for name in moved)
    assert all(weight.requires_grad for weight in model.parameters())
    largest = {}
    for group in optimizer_of(model, replace(config, backbone_rate=0.1)).param_groups:
        for weight in group["params"]:
            largest[id(weight)] = (group["largest"], group["weight_decay"])
    assert largest[id(model.backbone.down[0].convolutions[0].weight)] == pytest.approx((0.001, 0.01))
    assert largest[id(model.backbone.down[0].convolutions[0].bias)] == pytest.approx((0.001, 0.0))
    assert largest[id(model.head.weight)] == pytest.approx((0.01, 0.01))
    assert len(largest) == len(list(model.parameters()))


def test_the_rate_rises_and_falls_to_nothing():
    config = TrainingConfig(warmup=0.25)
    shares = [config.share(update, 100) for update in range(100)]
    assert max(shares) == shares[25] == pytest.approx(1) and 0 < shares[0] < 0.1 and shares[-1] < 0.01
    assert all(a < b for a, b in zip(shares[:25], shares[1:26]))
    assert all(a > b for a, b in zip(shares[25:], shares[26:]))


def test_a_loss_that_is_not_finite_stops_it(data):
    model = Parser(replace(SMALL, kind="superpixels"))
    with torch.no_grad():
        model.head.weight.fill_(float("inf"))
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        train(model, data, CONFIG, progress=False)


def test_a_mirrored_image_has_mirrored_superpixels(data):
    for part in data.parts[:4]:
        fresh = from_map(part.map[0].flip(1).numpy())
        turned = mirrored(part)
        # The same regions, numbered otherwise: compare what each pixel's region says.
        for ours, theirs in (
            (turned.centres, fresh.centres), (turned.graph.sizes[:, None], fresh.graph.sizes[:, None]),
            (turned.graph.degree[:, None], fresh.graph.degree[:, None]),
        ):  # fmt: skip
            assert torch.allclose(turned.spread(ours.float()), fresh.spread(theirs.float()), atol=1e-4)


def test_batches_mirror_and_crop_image_labels_and_superpixels_together(data):
    plain = data.batch(torch.tensor([3, 1]))
    assert isinstance(plain, Batch) and plain.images.max() <= 1
    assert torch.equal(plain.images, data.images[[3, 1]].float() / 255)
    assert torch.equal(plain.labels, data.labels[[3, 1]].long()) and plain.parts.graph.graphs == 2
    rows = torch.arange(14)
    changed = data.batch(rows, mirror=True, crop=4, generator=seeded(2)).to("cpu")
    assert changed.images.shape == (14, 3, 16, 20) and changed.parts.map.shape == (14, 16, 20)
    seen = set()
    for row in rows.tolist():
        image, label = data.images[row].float() / 255, data.labels[row].long()
        own = stack([data.parts[row]]).map[0]
        places = []
        for turned, top, left in itertools.product((False, True), range(5), range(5)):
            window = slice(top, top + 16), slice(left, left + 20)
            shown = image.flip(2) if turned else image
            if torch.equal(shown[:, *window], changed.images[row]):
                places.append((turned, top, left))
                assert torch.equal((label.flip(1) if turned else label)[window], changed.labels[row])
                regions = (own.flip(1) if turned else own)[window]
                pairs = torch.stack([regions.flatten(), changed.parts.map[row].flatten()]).unique(dim=1)
                assert pairs.shape[1] == len(pairs[0].unique()) == len(pairs[1].unique()), "the same regions"
        assert len(places) == 1
        seen.add(places[0])
    assert {turned for turned, *_ in seen} == {False, True} and len(seen) > 8


def test_an_evaluation_is_that_of_all_pixels_together(data):
    model = Parser(SMALL, seed=1).train()
    found = evaluate(model, data.first(6), batch_size=4, seed=3, count=True)
    assert isinstance(found, Evaluation) and isinstance(found.levels[0], LevelScore) and model.training
    model.eval()
    generator, right, intersection, union, nodes = seeded(3), 0, torch.zeros(3), torch.zeros(3), [0, 0, 0]
    histograms, accepted, decided, products = [], 0, 0, 0
    for rows in (torch.arange(4), torch.arange(4, 6)):
        batch = data.batch(rows)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            output = model(batch.images, batch.parts, generator=generator)
        products += counter.get_total_flops() / 2
        guess, known = output.predicted(), batch.labels >= 0
        right += int((guess == batch.labels)[known].sum())
        for part in range(3):
            is_true, is_said = (batch.labels == part), (guess == part) & known
            intersection[part] += (is_true & is_said).sum()
            union[part] += (is_true | is_said).sum()
        histograms.append(batch.parts.histogram(batch.labels, 3))
        for level, graph in enumerate(output.hierarchy.graphs):
            nodes[level] += graph.nodes
        log = output.hierarchy.logs[0]
        accepted, decided = accepted + int(log.accepted.sum()), decided + int((log.merges > 0).sum())
    assert found.score.accuracy == pytest.approx(right / (6 * (20 * 24 - 1)))
    assert found.score.iou == pytest.approx((intersection / union).tolist())
    assert found.ceiling == ceiling(torch.cat(histograms)) == found.levels[0].ceiling
    assert [level.nodes for level in found.levels] == [count / 6 for count in nodes]
    assert found.levels[0].log.acceptance_rate == pytest.approx(accepted / decided)
    assert set(found.levels[0].log.graph.tolist()) == set(range(6))
    assert found.levels[0].purity >= found.levels[1].purity >= found.levels[2].purity
    assert found.multiplications == pytest.approx(products / 6)
    # Within a level, by the equations: at least 12 products of hidden x hidden a node.
    for level in found.levels:
        assert level.multiplications >= 12 * 6 * 6 * level.nodes
        assert 0 < level.seconds < found.seconds and 0 < level.same < 1
    assert sum(level.multiplications for level in found.levels) < found.multiplications
    assert math.isfinite(sum(found.losses.values()))


@pytest.mark.parametrize(
    ("kind", "levels"), [("graph-lstm", 1), ("edge-pooling", 3), ("superpixels", 1), ("backbone", 1)]
)
def test_every_kind_is_trained_and_scored(data, kind, levels):
    model = Parser(replace(SMALL, kind=kind))
    lines = train(model, data.first(4), replace(CONFIG, epochs=1), progress=False)
    found = evaluate(model, data.first(4), count=True)
    assert lines[0]["acceptance"] is None and len(found.levels) == levels
    assert found.levels[-1].multiplications > 0 == len(found.levels[-1].log)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be above 0, got 0"),
        ({"clip": -1.0}, "clip must be above 0"),
        ({"crop": -1}, "crop must not be negative, got -1"),
        ({"backbone_rate": -0.1}, "backbone_rate must not be negative"),
        ({"warmup": 1.0}, r"warmup must lie in \[0, 1\), got 1.0"),
        ({"optimizer": "adam"}, "optimizer must be 'adamw' or 'sgd', got 'adam'"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**options)


def test_bad_examples_are_refused(data):
    images, labels = blocks(2)
    for call, message in (
        (lambda: examples([], [], 9), "must be as many, and some, got 0 and 0"),
        (lambda: examples(images, labels[:1], 9), "as many, and some, got 2 and 1"),
        (lambda: examples([images[0], images[1][:9]], labels, 9), "must all have one size"),
        (lambda: examples(images, [labels[0], labels[1][:9]], 9), "must all have one size"),
        (lambda: examples([image / 255 for image in images], labels, 9), "must be uint8, got torch.float64"),
        (lambda: data.batch(torch.arange(2), crop=20), "crop must be 0 to 19, got 20"),
        (lambda: data.batch(torch.arange(2), mirror=True), "pass a generator"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
