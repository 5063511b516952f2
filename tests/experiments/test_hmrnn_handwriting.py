"""The experiment on handwriting from end to end on the smoke preset, and the tables made of records."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hsrnn import datasets, hmrnn, ledger
from hsrnn.experiments import claims, hmrnn_handwriting, hmrnn_handwriting_tables
from hsrnn.experiments.hmrnn_handwriting import PRESETS, HandwritingConfig
from hsrnn.training import CheckpointError, save_checkpoint

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run, with the file of its model."""
    record, folder = reproduced("hmrnn.handwriting", SMOKE)
    record.metrics["model"] = str(folder / "model.safetensors")
    return record


def test_a_record_holds_what_the_tables_need(finished):
    m = finished.metrics
    strokes = hmrnn_handwriting.load_lines(SMOKE)
    assert finished.data == dict(strokes.hashes)
    assert m["test_lines"] == 3 and m["test_points"] == sum(map(len, strokes.test))
    assert m["test_per_point"] * m["test_points"] == pytest.approx(m["test_log_likelihood"] * 3)
    assert m["baseline_per_point"] * m["test_points"] == pytest.approx(m["baseline_log_likelihood"] * 3)
    model = hmrnn_handwriting.build_model(SMOKE)
    assert m["parameters"] == sum(p.numel() for p in model.parameters())
    assert sum(m["operations"]["COPY"]) / (3 * m["test_points"]) == pytest.approx(m["saving"])
    golds = ("pen-up", "letter", "word")
    assert set(m["segmentation"]) == {name + late for name in golds for late in ("", ", one later")}
    scores = m["segmentation"]["letter"]
    assert set(scores) == {"layer1", "layer2", "random1", "random2", "pen-up"}
    assert scores["layer1"]["rate"] == pytest.approx(m["boundary_rates"][0])
    assert m["segmentation"]["pen-up"]["pen-up"]["f1"] == 1
    # Every word ends with a pen-up, so the rule finds them all, and is wrong where a letter was lifted.
    assert (
        m["segmentation"]["word"]["pen-up"]["recall"] == 1 > m["segmentation"]["word"]["pen-up"]["precision"]
    )
    assert m["curve"]["update"] == [4, 8, 12] and m["curve"]["train_per_point"][-1] > -6


def test_a_saved_model_is_the_model_that_was_scored(finished):
    model, config, mean, sd = hmrnn_handwriting.load_model(Path(finished.metrics["model"]))
    assert config == SMOKE
    strokes = hmrnn_handwriting.load_lines(config)
    np.testing.assert_array_equal((mean, sd), (strokes.mean, strokes.sd))
    score = hmrnn.evaluate_lines(model, strokes.test)
    assert score.log_likelihood == pytest.approx(finished.metrics["test_log_likelihood"], rel=1e-6)


def test_baseline_is_the_density_it_says():
    """With one Gaussian it is the normal of the lines' mean and covariance, beside the share of pen-ups."""
    strokes = hmrnn_handwriting.load_lines(SMOKE)
    train, test = (np.concatenate(part).astype(float) for part in (strokes.train, strokes.test))
    normal = torch.distributions.MultivariateNormal(
        torch.from_numpy(train[:, :2].mean(0)), torch.from_numpy(np.cov(train[:, :2].T, bias=True))
    )
    pen = torch.distributions.Bernoulli(torch.tensor(train[:, 2].mean()))
    expected = normal.log_prob(torch.from_numpy(test[:, :2])) + pen.log_prob(torch.from_numpy(test[:, 2]))
    np.testing.assert_allclose(hmrnn_handwriting.baseline(strokes, 1), expected, atol=1e-4)


def test_gold_boundaries_stay_within_their_line():
    strokes = hmrnn_handwriting.load_lines(SMOKE)
    golds = hmrnn_handwriting.gold_boundaries(strokes)
    for k, line in enumerate(strokes.test):
        for name in ("pen-up", "letter", "word"):
            now, later = golds[name][k], golds[f"{name}, one later"][k]
            assert now.shape == later.shape == (len(line),)
            assert now[-1] and not later[0] and np.array_equal(later[1:], now[:-1])


@pytest.mark.parametrize("core", ["hmlstm", "lstm"])
def test_every_core_can_be_built(core):
    model = hmrnn_handwriting.build_model(replace(SMOKE, core=core))
    output, _ = model(torch.zeros(2, 3, 3))
    assert output.mixture.means.shape == (2, 3, 4, 2)


def test_paper_preset_is_the_papers_network():
    config = PRESETS["paper"]
    model = hmrnn_handwriting.build_model(config)
    first, upper = 3, 400
    layers = [
        (4 * 400 + 1) * (400 + first + 400 + 1),
        (4 * 400 + 1) * (400 + upper + 400 + 1),
        4 * 400 * (400 + upper + 1),
    ]
    output = (1200 + 1) * 3 + 3 * 400 * 400 + 400 + 401 * 121
    assert sum(p.numel() for p in model.parameters()) == sum(layers) + output
    assert (config.rows, config.learning_rate, config.mixtures) == (32, 3e-4, 20)
    assert (config.slope_per_epoch, config.slope_max) == (0.004, 3.0)
    with pytest.raises(ValueError, match="evaluate_lines must not be negative, got -1"):
        replace(config, evaluate_lines=-1)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.zeros(1)}, {"config": {}})
    with pytest.raises(CheckpointError, match="not a model of hmrnn.handwriting"):
        hmrnn_handwriting.load_model(path)


def fake(config: HandwritingConfig, seed: int, nats: float | int, preset: str = "desk") -> ledger.Record:
    score = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "rate": 0.2}
    boundaries = {
        "boundary_rates": [0.2, 0.05], "saving": 0.5,
        "segmentation": {"pen-up": {r: score for r in ("layer1", "layer2", "random1", "random2", "pen-up")}},
    }  # fmt: skip
    metrics = {
        "test_log_likelihood": float(nats), "test_per_point": nats / 650, "baseline_log_likelihood": -900.0,
        "baseline_per_point": -1.4, "parameters": 7,
    } | (boundaries if config.core == "hmlstm" else {})  # fmt: skip
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}
    machine = {"processor": "p", "threads": 1}
    return ledger.Record(
        "hmrnn.handwriting", preset, seed, settings, metrics, {}, "abc", {}, machine, 60.0, ""
    )


def verdict(records: list[ledger.Record], row: int = 0) -> str:
    return hmrnn_handwriting_tables.tables(records)[-1].rows[row][-1]


def test_verdicts_need_seeds_and_separate_intervals():
    step = PRESETS["desk"]
    lstm, annealed = replace(step, core="lstm"), replace(step, slope_max=3.0)
    assert verdict([]) == "not tested"
    few = [fake(c, s, n + s) for c, n in ((step, 1100), (lstm, 1000)) for s in range(3)]
    assert verdict(few) == "not tested (3 seeds, points to yes)"
    many = [fake(c, s, n + s) for c, n in ((step, 1100), (lstm, 1000)) for s in range(5)]
    assert verdict(many) == "reproduced" and verdict(many, 1) == "not tested"
    reverse = [fake(c, s, n + s) for c, n in ((step, 1000), (lstm, 1100)) for s in range(5)]
    assert verdict(reverse) == "not reproduced"
    wide = [fake(c, s, n + 50 * s) for c, n in ((annealed, 1030), (step, 1000)) for s in range(5)]
    assert verdict(wide, 1) == "partly: the intervals overlap"
    # Records of the generated hand say nothing about the claim, and presets are not mixed.
    generated = [replace_data(record) for record in many]
    assert verdict(generated) == "not tested"
    large = replace(PRESETS["paper"], core="lstm", slope_max=1.0)
    mixed = [fake(step, s, 1100 + s) for s in range(5)] + [fake(large, s, 1000, "paper") for s in range(5)]
    assert verdict(mixed) == "not tested"


def replace_data(record: ledger.Record) -> ledger.Record:
    return replace(record, config=record.config | {"data": "strokes"})


def test_score_table_gives_mean_spread_paper_baseline_and_command():
    records = [fake(replace(PRESETS["desk"], core="lstm"), s, 1000.0 + 10 * s) for s in range(3)]
    records += [fake(replace(PRESETS["desk"], slope_max=3.0), 0, 1200.0)]
    table = hmrnn_handwriting_tables.tables(records)[0]
    lstm, annealed, rule = table.rows
    assert lstm[:4] == ("LSTM", "3 x 128", "7", "1081") and lstm[4] == "1010.0 ± 10.0 (3 seeds)"
    assert (
        annealed[0] == "HM-LSTM, step, annealed by 1.8 an epoch"
        and annealed[3] == "1167"
        and annealed[-2] == "0.200 / 0.050"
    )
    assert rule[0] == "one mixture for all points" and rule[4] == "-900.0 ± 0.0 (3 seeds)"
    assert "`hsrnn reproduce hmrnn.handwriting --preset desk --seed 0 --core lstm`" in table.note
    assert "never published" in table.note


def test_the_printed_command_repeats_the_run():
    import shlex

    import tyro

    config = replace(PRESETS["book"], core="lstm", hidden_sizes=(32, 64), layer_norm=True, updates=5)
    words = shlex.split(claims.command(fake(config, 3, 1.0, preset="book")))
    assert words[:7] == ["hsrnn", "reproduce", "hmrnn.handwriting", "--preset", "book", "--seed", "3"]
    assert tyro.cli(HandwritingConfig, default=PRESETS["book"], args=words[7:]) == config


@pytest.mark.needs_data("iam-ondb")
def test_a_few_updates_on_real_lines(plain_calls: None):
    config = replace(SMOKE, data="iam-ondb", updates=6, evaluate_every=6, evaluate_lines=4, rows=4)
    strokes = hmrnn_handwriting.load_lines(config)
    small = replace(strokes, train=strokes.train[:40], valid=strokes.valid[:4], test=strokes.test[:4])
    model = hmrnn_handwriting.build_model(config)
    lengths = [len(line) for line in small.train]
    log = hmrnn.train_handwriting(
        model,
        small.train,
        lambda epoch: datasets.length_batches(lengths, 4, random=np.random.RandomState(epoch)),
        small.valid,
        config.training,
        progress=False,
    )
    assert np.isfinite(log[-1]["gradient_norm"])
    metrics, _ = hmrnn_handwriting.describe(model, small)
    assert set(metrics["segmentation"]) == {"pen-up", "pen-up, one later"}
