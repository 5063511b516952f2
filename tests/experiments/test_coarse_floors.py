"""The closed forms from end to end on the smoke preset, and their table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hsrnn import datasets, experiments, ledger
from hsrnn.experiments import coarse_floors
from hsrnn.experiments.coarse_floors import PRESETS, FloorsConfig


def test_a_run_and_its_table(tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HSRNN_RESULTS", str(tmp_path / "results"))
    (record,) = experiments.reproduce("coarse.floors", "smoke", PRESETS["smoke"], [0], progress=False)
    assert ledger.read("coarse.floors")[0].metrics == record.metrics
    pixels, blocks, components = record.metrics["floors"]
    # 64 pixels; 16 blocks of 4 with 10 products each; 5 components with 15 products; a constant each.
    assert [f["parameters"] for f in (pixels, blocks, components)] == [650, 10 * (1 + 64 + 160), 210]
    assert 0.85 < pixels["test_accuracy"] < blocks["test_accuracy"]
    digits = datasets.load("digits")
    x, y = (np.concatenate([np.ones((len(p), 1)), p.scaled().reshape(len(p), -1)], 1)
            for p in (digits.train, digits.test))  # fmt: skip
    truth = 2 * np.eye(10)[digits.train.labels] - 1
    penalty = np.diag([1e-12, *[1.0] * 64])
    plain = (y @ np.linalg.solve(x.T @ x + penalty, x.T @ truth)).argmax(1)
    assert pixels["test_accuracy"] == pytest.approx((plain == digits.test.labels).mean(), abs=0.003)

    (table,) = coarse_floors.tables([record, replace(record, preset="desk")])
    assert table.title.startswith("Digits") and table.title.endswith("preset desk: closed forms, accuracy, %")
    assert table.rows[1][:2] == ("ridge on products in 2 x 2 blocks", "2,250")
    assert [coarse_floors.name(f) for f in record.metrics["floors"]] == [row[0] for row in table.rows]
    found = coarse_floors.points([record], "digits")
    assert found["ridge on pixels"] == (650, 100 * pixels["test_accuracy"]) and len(found) == 3
    assert coarse_floors.points([record], "mnist") == {}


def test_presets_and_errors():
    assert set(PRESETS) == {"smoke", "book", "desk", "paper"} and PRESETS["desk"].dataset == "mnist"
    with pytest.raises(ValueError, match="dataset must be one of digits"):
        FloorsConfig(dataset="ptb")
    with pytest.raises(ValueError, match="at least 2 pixels wide, got \\(1,\\)"):
        FloorsConfig(blocks=(1,))
