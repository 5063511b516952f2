"""The experiment from end to end on the smoke preset, its networks within their budgets, and its tables."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

import jaxtyping
import pytest
import torch

from hsrnn import coarse, datasets, experiments, ledger
from hsrnn.experiments import coarse_taylornet, coarse_taylornet_tables
from hsrnn.experiments.coarse_taylornet import PRESETS, RIDGE, TaylorNetExperimentConfig

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> ledger.Record:
    """One record of a smoke run."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        patch.setenv("HSRNN_RUNS", str(folder / "runs"))
        patch.setenv("HSRNN_RESULTS", str(folder / "results"))
        (record,) = experiments.reproduce("coarse.taylornet", "smoke", SMOKE, [0], progress=False)
        assert not [path for path in (folder / "runs").rglob("*.safetensors")], (
            "finished: no checkpoint is left"
        )
    return record


def test_a_record_holds_every_network(finished):
    networks = finished.metrics["networks"]
    assert [network["kind"] for network in networks] == ["taylor", "taylor", "mlp", RIDGE]
    assert [network["order"] for network in networks[:2]] == [2, 1]
    for network in networks[:3]:
        assert 1000 < network["parameters"] <= 1500 and network["test_accuracy"] > 0.2
    assert networks[3]["test_accuracy"] > 0.5 and networks[3]["parameters"] == 10 * (1 + 5 + 15)
    assert finished.metrics["test_accuracy"] == networks[0]["test_accuracy"]


def test_an_interrupted_network_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    config = replace(SMOKE, pictures=60, batch_size=20, epochs=6, shift=1)  # 18 updates
    key, pictures = coarse_taylornet.keys(config)[0], datasets.load("digits")
    loop = sys.modules["hsrnn.coarse.train"]
    shifted, calls = loop.shifted, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 14:
            raise KeyboardInterrupt
        return shifted(*args)

    monkeypatch.setattr(coarse, "TrainingConfig", partial(coarse.TrainingConfig, checkpoint_every=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "shifted", interrupted)
        with pytest.raises(KeyboardInterrupt):
            coarse_taylornet.one_network(config, pictures, *key, seed=0, folder=tmp_path)
        again = coarse_taylornet.one_network(config, pictures, *key, seed=0, folder=tmp_path)
        assert len(calls) == 14 + 8, "it went on from the checkpoint after 10 updates"
    whole = coarse_taylornet.one_network(config, pictures, *key, seed=0, folder=tmp_path / "other")
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}


@pytest.mark.parametrize(
    ("key", "options"),
    [
        (("taylor", 62_000, 2, "level", "batch"), {}),
        (("taylor", 18_200, 2, "level", "scale"), {}),
        (("taylor", 62_000, 1, "level", "batch"), {}),
        (("taylor", 62_000, 3, "all", "batch"), {}),
        (("taylor", 62_000, 2, "none", "batch"), {}),
        (("taylor", 62_000, 2, "level", "batch"), {"block": 3, "stride": 2}),
        (("cnn", 62_000, 0, "", ""), {}),
    ],
)  # fmt: skip
def test_networks_are_as_wide_as_their_budget_allows(key, options):
    config = TaylorNetExperimentConfig(**options)
    made = coarse_taylornet.made(config, (1, 28, 28), key, seed=0)
    count = coarse.parameters(made)
    assert 0.8 * key[1] < count <= key[1]
    if key[0] == "taylor":
        assert len(made.config.channels) == 5 and made.config.form == ("cp" if key[1] > 20_000 else "full")
        # A network that is drawn for its size alone is the one of its seed.
        again = coarse.TaylorNet(made.config, seed=0)
        assert all(torch.equal(a, b) for a, b in zip(made.parameters(), again.parameters()))


def test_a_budget_that_is_too_small():
    with pytest.raises(ValueError, match="allow more than 50"):
        coarse_taylornet.made(SMOKE, (1, 8, 8), ("taylor", 50, 2, "level", "batch"), seed=0)


def test_pixels_keep_their_zero_and_get_a_mean_square_of_1():
    parts = coarse_taylornet.split(replace(SMOKE, pictures=30), datasets.load("digits"))
    assert len(parts["train"][0]) == len(parts["train"][1]) == 30 and len(parts["test"][0]) == 500
    whole = coarse_taylornet.split(SMOKE, datasets.load("digits"))["train"][0]
    assert whole.min() == 0 and float(whole.square().mean()) == pytest.approx(1, rel=1e-5)


def test_every_preset_names_distinct_networks():
    for config in PRESETS.values():
        made = coarse_taylornet.keys(config)
        assert len(set(made)) == len(made) and made[0][:3] == ("taylor", config.sizes[0], 2)
    paper = coarse_taylornet.keys(PRESETS["paper"])
    assert {key[3] for key in paper} == {"level", "all", "none", ""} and {key[2] for key in paper} == {
        0,
        1,
        2,
        3,
    }


def network(kind, accuracy, order=2, norm="batch", most=62_000):
    return {
        "kind": kind, "most": most, "order": order, "sharing": "level" if kind == "taylor" else "",
        "norm": norm,
        "parameters": most - 1, "train_accuracy": 1.0, "valid_accuracy": 0.99, "test_accuracy": accuracy,
        "seconds": 1.0,
    }  # fmt: skip


def judged(finished, seeds, *made, **config):
    records = [
        replace(finished, preset="desk", seed=seed, metrics={
            "dataset": "MNIST: digits",
            "networks": [m | {"test_accuracy": m["test_accuracy"] + 1e-4 * seed} for m in made],
        }, config=finished.config | {"dataset": "mnist", "pictures": 0} | config)
        for seed in range(seeds)
    ]  # fmt: skip
    return records, [row[-1] for row in coarse_taylornet_tables.claims_table(records).rows]


def test_verdicts(finished):
    def made(batch, scale, cnn, flat, one):
        return (
            network("taylor", batch), network("taylor", 0.5, most=2_600),
            network("taylor", scale, norm="scale"),
            network("taylor", one, order=1), network("mlp", 0.98), network("cnn", cnn), network("flat", flat),
        )  # fmt: skip

    good = made(0.993, 0.991, 0.993, 0.97, 0.92)
    records, verdicts = judged(finished, 5, *good)
    assert verdicts == ["reproduced"] * 3
    accuracy, claims = coarse_taylornet_tables.tables(records)
    assert accuracy.title == "MNIST, preset desk, blocks that do not overlap: accuracy, %"
    assert accuracy.rows[0][:4] == ("TaylorNet", "order 2, shared by a level", "BatchNorm", "61,999")
    assert accuracy.rows[2][2] == "none" and accuracy.rows[4][:3] == ("mlp", "-", "-")
    assert "99.32 %" in claims.rows[0][2] and "+7.30 (+7.30 to +7.30) to order 1" in claims.rows[2][2]
    assert judged(finished, 4, *good)[1] == ["not tested (4 seeds)"] * 3
    assert judged(finished, 5, *made(0.993, 0.985, 0.993, 0.995, 0.995))[1] == [
        "partly", "not reproduced", "not reproduced",
    ]  # fmt: skip
    assert judged(finished, 5, *made(0.985, 0.985, 0.993, 0.97, 0.9))[1][0] == "not reproduced"
    for other in ({"dataset": "digits"}, {"stride": 2, "block": 3}, {"pictures": 100}):
        assert judged(finished, 5, *good, **other)[1] == ["not tested"] * 3
    overlapping = coarse_taylornet_tables.tables(judged(finished, 2, *good, block=3, stride=2)[0])[0]
    assert "blocks that overlap" in overlapping.title


def test_errors():
    for options, message in (
        ({"dataset": "ptb"}, "dataset must be one of digits"),
        ({"sizes": ()}, "sizes and norms must each name at least one"),
        ({"norms": ("layer",)}, "norms must be of batch, scale, got 'layer'"),
        ({"sharings": ("level",)}, "sharings must be of all, none, got 'level'"),
        ({"baselines": ("resnet",)}, "baselines must be of linear"),
        ({"orders": (2,)}, "orders must be of 1 and 3"),
        ({"pictures": -1}, "pictures and ridge must not be negative, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            TaylorNetExperimentConfig(**options)
