"""The experiment from end to end on the smoke preset, resumed after an interruption, and its tables."""

from __future__ import annotations

import copy
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn import coarse, datasets, ledger
from hsrnn.experiments import coarse_distill, coarse_distill_tables
from hsrnn.experiments.coarse_distill import JUDGES, METHODS, PRESETS, DistillConfig
from hsrnn.training import CheckpointError

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> tuple[ledger.Record, coarse.Distiller]:
    """The record of a smoke run, and the distiller that it kept."""
    record, folder = reproduced("coarse.distill", SMOKE, typed=False)
    return record, coarse.Distiller.load(folder / coarse_distill.DISTILLER)


def test_a_record_holds_every_method_at_every_level(finished):
    record, _ = finished
    methods = {made["method"]: made["levels"] for made in record.metrics["methods"]}
    assert tuple(methods) == METHODS and record.metrics["dataset"].startswith("Digits")
    for name, levels in methods.items():
        assert [level is None for level in levels] == [name == "class mean", name == "class mean", False]
        for level in filter(None, levels):
            assert all(0 <= level[judge] <= 1 for judge in JUDGES) and level["sharpness"] > 0
    # What must be so whatever was trained: copies are copies, and the mean of all is the class mean.
    assert methods["random"][0]["nearest_real"] < 1e-3 and methods["herding"][1]["nearest_real"] < 1e-3
    for name in ("k-means", "hierarchical k-means", "class mean"):
        assert methods[name][2]["to_mean"] < 1e-3
        assert methods[name][2]["pixels"] == methods["class mean"][2]["pixels"]
    assert record.metrics["distilled_test_accuracy"] == [level["own"] for level in methods["distilled"]]


def test_the_numbers_can_be_made_again(finished, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    record, distiller = finished
    digits = datasets.load("digits")
    distilled = record.metrics["methods"][0]["levels"]
    for level, kept in enumerate(distilled):
        assert kept["own"] == distiller.score(digits.test.scaled(), digits.test.labels, level=level)
        references = torch.from_numpy(distiller.references_[level])
        test = torch.from_numpy(digits.test.scaled()), torch.from_numpy(digits.test.labels.copy())
        assert kept["pixels"] == coarse.accuracy_by_looking(coarse.pixels, *test, references)
    means = np.stack([digits.train.scaled()[digits.train.labels == k].mean((0, 1)) for k in range(10)])
    flat = (
        digits.test.scaled().reshape(-1, 64)
        @ (means / np.linalg.norm(means, axis=(1, 2))[:, None, None]).reshape(10, 64).T
    )
    assert (
        record.metrics["methods"][-1]["levels"][-1]["pixels"] == (flat.argmax(1) == digits.test.labels).mean()
    )


def test_the_study_of_the_fixed_point(finished):
    record, _ = finished
    for study in record.metrics["fixed_point"].values():
        assert len(study["moved"]) == 2 and len(study["spread"]) == len(study["apart"]) == 3
        assert len(study["moved_by_class"]) == 10 and len(study["accuracy"]) == 2
    average = record.metrics["fixed_point"]["average"]
    assert average["spread"][2] < average["spread"][1] < average["spread"][0]


def test_an_interrupted_run_goes_on(finished, tmp_path, monkeypatch):
    made = []

    def one_method(config, parts, method, *, seed):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(method)
        return {"method": method, "levels": [{"own": 0.5}], "seconds": 1.0}

    monkeypatch.setattr(coarse_distill, "one_method", one_method)
    monkeypatch.setattr(coarse_distill, "prepared", lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt):
        coarse_distill.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    assert made == ["study", *METHODS[:2]]
    made[:] = made[:1]
    monkeypatch.setattr(coarse_distill, "one_method", lambda c, p, m, *, seed: made.append(m) or {
        "method": m, "levels": [{"own": 0.5}], "seconds": 1.0})  # fmt: skip
    metrics, hashes, seconds = coarse_distill.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    assert made == ["study", *METHODS[2:]] and seconds == 1.0 + len(METHODS)
    assert hashes == datasets.load("digits").card.files
    assert [m["method"] for m in metrics["methods"]] == list(METHODS)
    with pytest.raises(CheckpointError, match="belongs to a run with other settings"):
        coarse_distill.run(replace(SMOKE, steps=5), seed=1, folder=tmp_path, progress=False)


def judged(record, seeds, **changes):
    """Verdicts on records of the preset desk whose metrics every one of ``changes`` has changed."""
    records = []
    for seed in range(seeds):
        metrics = copy.deepcopy(record.metrics)
        for change in changes.values():
            change(metrics)
        records.append(replace(record, preset="desk", seed=seed, metrics=metrics))
    return [row[-1] for row in coarse_distill_tables.claims_table(records).rows]


def setting(method, key, *values):
    def change(metrics):
        for made in metrics["methods"]:
            if made["method"] == method:
                for level, value in zip(made["levels"], values):
                    level[key] = value

    return change


def study(**values):
    return lambda metrics: metrics["fixed_point"]["G"].update(values)


def test_verdicts(finished):
    record, _ = finished
    beaten = {name: setting(name, "new", 0.5, 0.5, 0.5) for name in coarse_distill_tables.CONTROLS}
    looks = {
        "near": setting("distilled", "nearest_real", 0.1, 0.1, 0.1),
        "sharp": setting("distilled", "sharpness", 3, 2, 1),
        "spread": setting("distilled", "spread", 3, 2, 0), "mean": setting("distilled", "to_mean", 9, 9, 9),
    }  # fmt: skip
    still = study(moved=[0.1, 0.001], apart=[0.3, 0.3], starts_apart=[0.02, 0.005])
    won = setting("distilled", "new", 0.6, 0.6, 0.6)
    assert judged(record, 4, **beaten, won=won, **looks, still=still) == ["not tested (4 seeds)"] * 3
    assert judged(record, 5, **beaten, won=won, **looks, still=still) == ["reproduced"] * 3
    some = setting("distilled", "new", 0.6, 0.5, 0.6)
    copies = looks | {"mean": setting("distilled", "to_mean", 9, 9, 0.001)}
    kept = study(moved=[0.1, 0.001], apart=[0.3, 0.3], starts_apart=[0.02, 0.019])
    assert judged(record, 5, **beaten, won=some, **copies, still=kept) == ["partly"] * 3
    none = setting("distilled", "new", 0.5, 0.5, 0.5)
    noise = looks | {"near": setting("distilled", "nearest_real", 0.1, 0.1, 0.9)}
    for moving in (study(moved=[0.1, 0.1]), study(moved=[0.1, 0.0], apart=[0.3, 0.1])):
        assert judged(record, 5, **beaten, won=none, **noise, still=moving) == ["not reproduced"] * 3


def test_the_target(finished):
    record, _ = finished
    for ours, verdict in (((0.6, 0.6, 0.6), "met"), ((0.6, 0.5, 0.6), "not met")):
        metrics = copy.deepcopy(record.metrics)
        setting("k-means", "new", 0.5, 0.5, 0.5)(metrics)
        setting("distilled", "new", *ours)(metrics)
        records = [replace(record, preset="desk", seed=seed, metrics=metrics) for seed in range(5)]
        (row,) = coarse_distill_tables.targets_table(records).rows
        assert row[-1] == verdict and row[1].startswith("6: +10.0 (+10.0 to +10.0), 2: ")


def test_tables(finished):
    record, _ = finished
    records = [replace(record, preset="desk", seed=seed) for seed in range(2)]
    accuracy, gaps, looks, fixed, targets, claims = coarse_distill_tables.tables(records)
    assert len(accuracy.rows) == 3 * 7 + 1 and accuracy.rows[-1][:2] == ("1", "class mean")
    first = record.metrics["methods"][0]["levels"][0]
    assert accuracy.rows[0][:3] == ("6", "distilled", f"{100 * first['own']:.1f} ± 0.0")
    assert "2 seed(s)" in accuracy.note and looks.header[2] == "to nearest real" and len(fixed.rows) == 10
    assert "no column" not in claims.note and len(claims.rows) == 3
    gap = coarse_distill_tables.paired(records, "random", 1)
    expected = first_difference(record)
    assert gap.mean == pytest.approx(expected) and gap.sd == 0
    row = next(row for row in gaps.rows if row[:2] == ("2", "random"))
    assert row[3] == f"{expected:+.1f} ({expected:+.1f} to {expected:+.1f})"  # under the new E
    assert len(gaps.rows) == 3 * 6 + 1 and targets.rows[0][-1] == "not tested (2 seeds)"
    # Runs with other settings have tables of their own, and verdicts come from those with most seeds.
    other = replace(record, preset="desk", config=record.config | {"width": 5})
    assert len(coarse_distill_tables.tables([*records, other])) == 10
    assert list(coarse_distill_tables.desk_records([other, *records]).values()) == [records]
    assert coarse_distill_tables.claims_table([other, *records]).rows[0][-1] == "not tested (2 seeds)"
    none, empty = coarse_distill_tables.tables([record])
    assert none.rows == (("references above k-means", "no run yet", "not tested"),)
    assert [row[2:] for row in empty.rows] == [("no run yet", "not tested")] * 3


def first_difference(record) -> float:
    levels = {made["method"]: made["levels"] for made in record.metrics["methods"]}
    return 100 * (levels["distilled"][1]["new"] - levels["random"][1]["new"])


def test_errors():
    for options, message in (
        ({"dataset": "ptb"}, "dataset must be one of digits, mnist.* got 'ptb'"),
        ({"pictures": 50}, "pictures must be 0 or enough for levels"),
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            DistillConfig(**options)
