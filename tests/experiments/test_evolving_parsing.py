"""The experiment from end to end on the smoke preset, its networks of equal size, and its tables."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import jaxtyping
import pytest
import torch

from hsrnn import datasets, evolving
from hsrnn.experiments import evolving_parsing, evolving_parsing_tables
from hsrnn.experiments.evolving_parsing import CONTRASTS, FIRST, NETWORKS, PRESETS, ParsingConfig

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced):
    """One record of a smoke run, and its folder."""
    return reproduced("evolving.parsing", SMOKE, typed=False)


def test_a_record_holds_every_network_beside_the_ceiling(finished, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    record, folder = finished
    networks = record.metrics["networks"]
    assert [network["network"] for network in networks] == [FIRST, *SMOKE.networks]
    assert not list(folder.rglob("*.safetensors")), "finished: no checkpoint is left"
    assert record.metrics["classes"] == list(datasets.load("figures").classes)
    parts = evolving_parsing.pictures(SMOKE, 0)
    assert len(parts.test) == 3 and parts.test.images[0].shape == (32, 32, 3)
    truth = evolving.examples(
        parts.test.images, parts.test.labels, SMOKE.superpixels, compactness=SMOKE.compactness
    )
    batch = truth.batch(torch.arange(3))
    wanted = evolving.ceiling(batch.parts.histogram(batch.labels, len(parts.classes)))
    for network in networks[1:]:
        assert network["ceiling"]["mean_iou"] == pytest.approx(wanted.mean_iou)
        assert network["by_level"][0]["nodes"] == pytest.approx(batch.parts.graph.nodes / 3)
        assert network["parameters"] == pytest.approx(networks[1]["parameters"], rel=0.05)
        assert 0 <= network["test"]["mean_iou"] <= 1 and network["multiplications"] > 0
    evolved = networks[1]["by_level"]
    assert [level["acceptance"] is None for level in evolved] == [False, False, True]
    assert evolved[0]["nodes"] > evolved[1]["nodes"] > evolved[2]["nodes"]
    assert record.metrics["test_miou"] == networks[1]["test"]["mean_iou"]


def test_an_interrupted_run_ends_as_an_undisturbed_one(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    config = replace(SMOKE, networks=SMOKE.networks[:2])
    # 6 pictures in batches of 3: stage one makes 2 updates, each network 2; the 6th of them fails.
    calls, whole = itertools.count(1), evolving.Examples.batch

    def failing(self, rows, **options):
        if options and next(calls) == 6:
            raise KeyboardInterrupt
        return whole(self, rows, **options)

    with monkeypatch.context() as patch:
        patch.setattr(evolving.Examples, "batch", failing)
        with pytest.raises(KeyboardInterrupt):
            evolving_parsing.run(config, seed=0, folder=tmp_path, progress=False)
        again, hashes, _ = evolving_parsing.run(config, seed=0, folder=tmp_path, progress=False)
        assert next(calls) == 6 + 2 + 1, "stage one and the first network were not trained again"
    timed = ("seconds", "milliseconds")

    def plain(values):
        if isinstance(values, dict):
            return {name: plain(value) for name, value in values.items() if name not in timed}
        return [plain(value) for value in values] if isinstance(values, (list, tuple)) else values

    record, _ = finished
    assert hashes == record.data
    assert plain(again["networks"]) == plain(record.metrics["networks"][:3])


def test_all_networks_of_a_seed_stand_on_one_backbone(tmp_path, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    ready = evolving_parsing.prepared(
        SMOKE, evolving_parsing.pictures(SMOKE, 1), seed=1, folder=tmp_path / "first"
    )
    kept = {name: weight.clone() for name, weight in ready.first.state_dict().items()}
    seen, trained = [], evolving.train

    def watched(network, *values, **options):
        seen.append(all(
            torch.equal(weight, kept[name])
            for name, weight in network.state_dict().items() if name.startswith(("backbone.", "confidence."))
        ))  # fmt: skip
        return trained(network, *values, **options)

    monkeypatch.setattr(evolving, "train", watched)
    for name in ("evolving", "edge-pooling"):
        evolving_parsing.one_network(SMOKE, ready, name, seed=1, folder=tmp_path)
    assert seen == [True, True]
    assert all(torch.equal(weight, kept[name]) for name, weight in ready.first.state_dict().items())
    assert not torch.equal(evolving.Parser(ready.first.config, seed=1).head.weight, kept["head.weight"])
    found = evolving_parsing.one_network(SMOKE, ready, FIRST, seed=1, folder=tmp_path)
    batch = ready.test.batch(torch.arange(3))
    with torch.no_grad():
        guess = ready.first.confidence(ready.first.backbone(batch.images)).argmax(1)
    assert found["test"]["accuracy"] == pytest.approx(float((guess == batch.labels).float().mean()))


def test_all_networks_have_equal_parameters_and_words(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert set(CONTRASTS) <= set(NETWORKS) and list(evolving_parsing_tables.WORDS) == [FIRST, *NETWORKS]
    assert {name for pair in evolving_parsing_tables.PAIRS for name in pair} == set(NETWORKS)
    desk = PRESETS["desk"]
    shapes = {name: evolving_parsing.shape_of(desk, name, 9) for name in NETWORKS}
    assert shapes["evolving"].hidden == desk.hidden and shapes["graph-lstm-2"].hidden > desk.hidden
    assert shapes["evolving-literal"].rule.acceptance == "inverse" and shapes["graph-lstm-5"].levels == 5
    counts = {evolving.parameters(evolving.Parser(shape)) for shape in shapes.values()}
    assert max(counts) < 1.05 * min(counts)


def network(name, miou):
    score = {"mean_iou": miou, "foreground_iou": None, "accuracy": 0.9, "iou": [0.9, None, miou]}
    level = {
        "nodes": 100.0, "edges": 250.0, "purity": 0.95, "same": 0.8, "ceiling": 0.7, "milliseconds": 2.0,
        "multiplications": 1e6, "proposals": 20, "acceptance": 1.0, "eliminated": 40.0, "log_transition": 1.5,
    }  # fmt: skip
    top = level | {"nodes": 60.0, "acceptance": None, "eliminated": None, "log_transition": None}
    found = {"network": name, "parameters": 9000, "test": score, "seconds": 1.0}
    if name == FIRST:
        return found
    levels = [level, top] if NETWORKS[name].get("kind") is None else [level]
    return found | {
        "ceiling": score | {"mean_iou": 0.7}, "milliseconds": 5.0, "multiplications": 4e7, "by_level": levels,
    }  # fmt: skip


def judged(finished, seeds, scores, preset="desk", **config):
    """Tables of records whose networks score as told; the seed moves all of them alike."""
    record, _ = finished
    records = [
        replace(record, preset=preset, seed=seed, config=record.config | config, metrics={
            "dataset": "Figures, generated", "classes": ["background", "tail", "head"],
            "networks": [network(name, value + 0.02 * seed) for name, value in scores.items()],
        })
        for seed in range(seeds)
    ]  # fmt: skip
    return evolving_parsing_tables.tables(records)


GOOD = dict.fromkeys((FIRST, *NETWORKS), 0.3) | {"evolving": 0.5, "graph-lstm-2": 0.4}


def verdicts(tables):
    return [row[-1] for row in tables[-1].rows]


def test_verdicts(finished):
    tables = judged(finished, 5, GOOD)
    assert verdicts(tables) == ["reproduced"] * 3
    scores, parts, levels, differences, claims = tables
    assert scores.title == "Figures, preset desk: parsing, test part, %"
    assert scores.rows[0][:2] == ("backbone after stage one, pixels", "9,000") and scores.rows[0][-1] == "-"
    assert scores.rows[1][2].startswith("54.0 ± ") and "70.0 ± 0.0 mean IoU" in scores.note
    assert parts.rows[1] == ("tail", "-", "-", "-", "-", "-", "-") and parts.rows[2][0] == "head"
    assert levels.rows[0][:6] == ("structure-evolving LSTM", "0", "100.0 ± 0.0", *levels.rows[0][3:6])
    assert levels.rows[0][5] == "100.0 ± 0.0" and levels.rows[1][5:8] == ("-", "-", "-")
    assert differences.rows[0] == (
        "structure-evolving LSTM", "Graph LSTM, 2 layers", "+10.00 (+10.00 to +10.00)", "5",
    )  # fmt: skip
    assert "no superpixels" not in claims.rows[0][2] and "+20.00 (+20.00 to +20.00)" in claims.rows[0][2]
    assert verdicts(judged(finished, 4, GOOD)) == ["not tested (4 seeds)"] * 3
    assert verdicts(judged(finished, 5, GOOD | {"superpixels": 0.45, "graph-lstm-identical": 0.41,
                                               "graph-lstm-depth-first": 0.4})) == ["partly"] * 3  # fmt: skip
    worse = GOOD | {"evolving": 0.2, "graph-lstm-2": 0.2}
    assert verdicts(judged(finished, 5, worse)) == ["not reproduced"] * 3
    some = {name: value for name, value in GOOD.items() if name != "graph-lstm-depth-first"}
    assert verdicts(judged(finished, 5, some)) == ["reproduced", "reproduced", "not tested"]


def test_other_runs_decide_nothing(finished):
    assert verdicts(judged(finished, 5, GOOD, preset="book")) == ["not tested"] * 3
    assert verdicts(evolving_parsing_tables.tables([])) == ["not tested"] * 3
    record, _ = finished
    assert len(evolving_parsing_tables.tables([record])) == 1, "smoke runs are not shown"


def test_runs_of_one_setting_are_pooled_whatever_networks_they_have(finished):
    record, _ = finished
    whole = [
        replace(record, preset="desk", seed=seed, config=record.config | {"networks": [name]}, metrics={
            "dataset": "Figures", "classes": ["background"], "networks": [network(name, 0.1 * (1 + seed))],
        })
        for seed, name in ((0, "evolving"), (0, "superpixels"), (1, "evolving"))
    ]  # fmt: skip
    found = evolving_parsing_tables.gap(whole, "evolving", "superpixels")
    assert found is None, "paired within a record"
    scores = evolving_parsing_tables.tables(whole)[0]
    assert scores.rows[0][2].startswith("15.0") and scores.rows[1][2] == "10.0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "mnist"}, "dataset must be one of figures, ccp, got 'mnist'"),
        ({"networks": ("crf",)}, "networks must be of evolving, graph-lstm-2"),
        ({"networks": ()}, "must name at least one"),
        ({"test": 0}, "test must be at least 1, got 0"),
        ({"levels": 1}, "levels must be at least 2"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ParsingConfig(**options)


def test_photographs_are_split_by_the_seed_and_figures_drawn_by_it(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    asked, figures = [], datasets.load("figures", train=4, valid=2, test=2, size=30)

    def load(name, **options):
        asked.append((name, options))
        return figures

    monkeypatch.setattr(datasets, "load", load)
    for name in ("ccp", "figures"):
        evolving_parsing.pictures(replace(SMOKE, dataset=name, size=150), 7)
    assert asked == [
        ("ccp", {"size": (150, 100), "seed": 7}),
        ("figures", {"train": 6, "valid": 2, "test": 3, "size": 150, "seed": 7}),
    ]
    # There may be fewer photographs than asked for, or more.
    config = replace(SMOKE, train=9, valid=1, test=2, first_epochs=1)
    monkeypatch.setattr(evolving, "train", lambda *_, **__: [{"seconds": 1.5}])
    ready = evolving_parsing.prepared(config, figures, seed=0, folder=Path("nowhere"))
    assert (len(ready.train), len(ready.valid), len(ready.test), ready.seconds) == (4, 1, 2, 1.5)
