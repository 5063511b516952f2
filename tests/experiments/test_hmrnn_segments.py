"""Correlation of segments with scores, against simulation and against what must hold."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hsrnn.experiments import hmrnn_language_tables, hmrnn_segments
from hsrnn.experiments.hmrnn_language import PRESETS
from hsrnn.experiments.hmrnn_segments import correlation, gain, verdict_on_none
from tests.experiments.test_hmrnn_language import fake


def test_correlation_is_scipys():
    random = np.random.default_rng(0)
    for n in (4, 9, 30):
        x, y = random.normal(size=(2, n))
        expected = stats.pearsonr(x, y)
        interval = expected.confidence_interval(0.95)
        np.testing.assert_allclose(correlation(x, y), (expected.statistic, interval.low, interval.high))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    truth, hits = 0.6, 0
    for _ in range(2000):
        x = random.normal(size=10)
        y = truth * x + np.sqrt(1 - truth**2) * random.normal(size=10)
        _, low, high = correlation(x, y)
        hits += low < truth < high
    assert 0.93 < hits / 2000 < 0.97


def test_what_has_no_correlation_is_refused():
    assert correlation([1, 2, 3, 4], [2, 4, 6, 8]) == (1, 1, 1)
    for x, y in (([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4], [1, 2, 3]), ([[1, 2, 3, 4]], [[1, 2, 3, 4]])):
        with pytest.raises(ValueError, match="at least 4"):
            correlation(x, y)
    with pytest.raises(ValueError, match="must vary"):
        correlation([1, 1, 1, 1], [1, 2, 3, 4])


def test_gain_is_of_the_better_layer_above_its_own_chance():
    record = fake(PRESETS["desk"], 0, 1.6, f1=0.8)
    assert gain(record) == (pytest.approx(0.3), "layer2")
    scores = record.metrics["segmentation"][hmrnn_segments.GOLD]
    scores["random2"] = scores["random2"] | {
        "f1": 0.9
    }  # a layer that fires everywhere has chance on its side
    assert gain(record) == (0.0, "layer1")
    with pytest.raises(ValueError, match="no boundaries scored against 'word, one later'"):
        gain(fake(replace(PRESETS["desk"], core="lstm"), 0, 1.6))


def test_none_is_shown_only_by_a_narrow_interval():
    assert verdict_on_none(-0.4, 0.45) == "reproduced" and verdict_on_none(-0.6, 0.2) == "undecided"
    assert verdict_on_none(-0.9, -0.1) == "not reproduced: better scores go with better segments"
    assert verdict_on_none(0.1, 0.3) == "not reproduced: worse scores go with better segments"


def test_the_table_takes_each_setting_by_itself():
    step = PRESETS["desk"]
    random = np.random.default_rng(2)
    noise = 0.01 * random.normal(size=8)
    together = [fake(step, s, 1.6 - s / 100 + noise[s], f1=0.5 + s / 20) for s in range(8)]
    other = [fake(replace(step, boundary="sample"), s, 1.7, f1=0.6) for s in range(4)]
    lstm = [fake(replace(step, core="lstm"), s, 1.7) for s in range(5)]
    (table,) = (
        t for t in hmrnn_language_tables.tables(together + other + lstm) if "better segments" in t.title
    )
    assert [row[1] for row in table.rows] == ["8", "4"]
    r, low, high = correlation([s / 20 for s in range(8)], [r.metrics["test_bpc"] for r in together])
    assert f"r = {r:+.2f} ({low:+.2f} to {high:+.2f})" in table.rows[0][2] and r < -0.5
    assert table.rows[0][-1] == "not reproduced: better scores go with better segments"
    assert table.rows[1][-1] == "not tested (4 seeds)"
