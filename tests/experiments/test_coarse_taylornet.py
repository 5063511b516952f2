"""The experiment from end to end on the smoke preset, its networks within their budgets, and its tables."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import partial

import jaxtyping
import pytest
import torch
import tyro

from hsrnn import cli, coarse, datasets, ledger
from hsrnn.experiments import (
    coarse_anchors,
    coarse_networks,
    coarse_taylornet,
    coarse_taylornet_claims,
    coarse_taylornet_tables,
)
from hsrnn.experiments.coarse_taylornet import PRESETS, RIDGE, TaylorNetExperimentConfig

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    record, folder = reproduced("coarse.taylornet", SMOKE, typed=False)
    assert not list(folder.rglob("*.safetensors")), "finished: no checkpoint is left"
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


def network(kind, accuracy, order=2, norm="batch", most=62_000, valid=0.99):
    return {
        "kind": kind, "most": most, "order": order if kind == "taylor" else 0,
        "sharing": "level" if kind == "taylor" else "", "norm": norm if kind == "taylor" else "",
        "parameters": most - 1, "train_accuracy": 1.0, "valid_accuracy": valid, "test_accuracy": accuracy,
        "seconds": 1.0,
    }  # fmt: skip


def desk(finished, seeds, *made, **config):
    """Records of the desk preset, a seed each, in which every network is .01 points better than before."""
    return [
        replace(finished, preset="desk", seed=seed, metrics={
            "dataset": config.get("title", "MNIST: digits"),
            "networks": [m | {"test_accuracy": m["test_accuracy"] + 1e-4 * seed} for m in made],
        }, config=finished.config | {"dataset": "mnist", "pictures": 0} | config)
        for seed in range(seeds)
    ]  # fmt: skip


def verdicts(records):
    return [row[-1] for row in coarse_taylornet_claims.claims_table(records).rows]


def every(batch, scale, cnn, flat, one):
    return (
        network("taylor", batch), network("taylor", 0.5, most=2_600), network("taylor", scale, norm="scale"),
        network("taylor", one, order=1), network("mlp", 0.98), network("cnn", cnn), network("flat", flat),
    )  # fmt: skip


GOOD = every(0.993, 0.991, 0.993, 0.97, 0.92)


def test_verdicts(finished):
    claims = coarse_taylornet_claims.claims_table(desk(finished, 5, *GOOD))
    assert [row[-1] for row in claims.rows] == ["reproduced"] * 3
    assert "99.32 %" in claims.rows[0][2] and "+7.30 (+7.30 to +7.30) to order 1" in claims.rows[2][2]
    assert verdicts(desk(finished, 4, *GOOD)) == ["not tested (4 seeds)"] * 3
    mixed = desk(finished, 5, *every(0.993, 0.985, 0.993, 0.995, 0.995))
    assert verdicts(mixed) == ["partly", "not reproduced", "not reproduced"]
    assert verdicts(desk(finished, 5, *every(0.985, 0.985, 0.993, 0.97, 0.9)))[0] == "not reproduced"
    for other in ({"stride": 2, "block": 3}, {"depth": 1, "reach": 3}, {"pictures": 100}):
        assert verdicts(desk(finished, 5, *GOOD, **other)) == ["not tested"] * 3
    assert verdicts([replace(record, preset="book") for record in mixed]) == ["not tested"] * 3
    # Networks are told apart by data set, and one that is missing decides nothing.
    other = desk(finished, 3, GOOD[0], GOOD[5], dataset="cifar10-jpg", title="CIFAR-10, JPEG copy: colours")
    both = coarse_taylornet_claims.claims_table([*mixed, *other])
    assert [row[-1] for row in both.rows] == [
        "partly", "not tested", "not reproduced", "not tested", "not reproduced", "not tested",
    ]  # fmt: skip
    assert "CIFAR-10, JPEG copy: with BatchNorm 99.31 %: no mlp, " in both.rows[1][2]
    assert verdicts([]) == ["not tested"] * 3


def test_tables_pool_what_was_trained_alike(finished):
    overlapping = network("taylor", 0.995)
    records = desk(finished, 5, *GOOD) + desk(finished, 2, overlapping, block=3, stride=2)
    beside, accuracy, difference, targets, claims = coarse_taylornet_tables.tables(records)
    assert accuracy.title == "MNIST, preset desk: accuracy, %" and len(accuracy.rows) == len(GOOD) + 1
    assert accuracy.rows[0][:5] == (
        "TaylorNet", "order 2, shared by a level", "2 x 2, disjoint", "BatchNorm", "61,999",
    )  # fmt: skip
    assert accuracy.rows[2][3] == "none" and accuracy.rows[4][:4] == ("mlp", "-", "-", "-")
    assert accuracy.rows[-1][2] == "3 x 3, overlapping" and "(2 seeds)" in accuracy.rows[-1][-1]
    assert accuracy.note.count("Made by `hsrnn reproduce") == 2 and "--block 3 --stride 2" in accuracy.note
    found = {row[:2]: row[3:] for row in difference.rows}
    assert found["TaylorNet, disjoint blocks", "cnn"] == ("+0.00", "+0.00 to +0.00", "5")
    assert found["TaylorNet, disjoint blocks", "the same, order 1"][0] == "+7.30"
    assert found["TaylorNet, overlapping blocks", "disjoint blocks"] == ("+0.20", "+0.20 to +0.20", "2")
    assert found["TaylorNet, overlapping blocks", "flat"][2] == "2"  # the seeds that both have
    assert len(claims.rows) == 3 and len(targets.rows) == len(coarse_taylornet_claims.TARGETS)
    assert beside.header == ("network", "MNIST, 62,000")
    assert dict(beside.rows)["TaylorNet, overlapping blocks"] == "99.50 ± 0.01 (2 seeds)"
    assert dict(beside.rows)["CNN"] == "99.32 ± 0.02 (5 seeds)" and "linear" not in dict(beside.rows)
    cifar = {"dataset": "cifar10-jpg", "title": "CIFAR-10, JPEG copy: colours"}
    beside = coarse_taylornet_tables.tables([*records, *desk(finished, 1, network("taylor", 0.6), **cifar)])[
        0
    ]
    assert beside.header[2] == "CIFAR-10, JPEG copy, 62,000" and beside.rows[0][2] == "60.00 (1 seed)"
    assert beside.rows[1][2] == "-"
    assert coarse_taylornet_tables.overview_table([]).rows == () and coarse_networks.desk_pools([]) == {}
    # Another way to train is another table; a repeated run counts once.
    longer = desk(finished, 1, *GOOD, epochs=99)
    assert len(coarse_taylornet_tables.tables([*records, *records, *longer])) == 7
    again = coarse_networks.pooled([*records, *records])
    assert [len(runs) for runs in again.values()] == [5] * len(GOOD) + [2]
    drawn = coarse_networks.points(again)
    assert list(drawn) == [
        "TaylorNet, disjoint",
        "ReLU units",
        "CNN",
        "flat polynomial",
        "TaylorNet, overlapping",
    ]
    assert [size for size, _ in drawn["TaylorNet, disjoint"]] == [61_999, 2_599]  # order 2 with BatchNorm
    assert drawn["CNN"][0][1] == pytest.approx([99.3, 99.31, 99.32, 99.33, 99.34])
    steps = coarse_networks.Which("taylor", 9, 2, "level", "batch", 2, 2, 1, 3)
    assert steps.overlaps and steps.blocks == "2 x 2, disjoint, after 1 of 3 x 3 on the same grid"


def test_targets(finished):
    def rows(records):
        return [row[2:] for row in coarse_taylornet_claims.targets_table(records).rows]

    assert [row[1:] for row in rows([])] == [("-", "not tested")] * 5
    found = rows(desk(finished, 5, *GOOD))
    assert found[0][0] == "MNIST: 99.32 ± 0.02 (5 seeds), 61,999 parameters, blocks 2 x 2, disjoint"
    assert [row[1:] for row in found[:3]] == [("-", "met"), ("0.28 points", "not met"), ("-", "met")]
    assert [row[2] for row in rows(desk(finished, 4, *GOOD))[:2]] == ["not tested (4 seeds)"] * 2
    # The validation part chooses, not the test part; too large a network does not count.
    other = desk(finished, 5, network("taylor", 0.999, valid=0.98), epochs=40)
    large = desk(finished, 5, network("taylor", 0.999, valid=1.0, most=70_000), epochs=50)
    assert rows([*desk(finished, 5, *GOOD), *other, *large])[0] == found[0]
    cifar = {"dataset": "cifar10-jpg", "title": "CIFAR-10, JPEG copy: colours"}
    disjoint = desk(finished, 3, network("taylor", 0.9), **cifar)
    assert [row[-1] for row in rows(disjoint)] == ["not tested"] * 5
    overlapping = desk(finished, 3, network("taylor", 0.7), block=3, stride=2, **cifar)
    assert rows([*disjoint, *overlapping])[3][1:] == ("14.99 points", "not met")
    paper = [replace(record, preset="paper") for record in overlapping]
    assert [row[-1] for row in rows(paper)[3:]] == ["not tested", "not met"]


def test_every_preset_can_be_built(plain_calls):
    for name, config in PRESETS.items():
        image = (1, 8, 8) if config.dataset == "digits" else (1, 28, 28)
        left_out = []
        for key in coarse_taylornet.keys(config):
            if not coarse_taylornet.fits(key, image):
                left_out.append(key[:2])
            elif key[0] != RIDGE:
                network = coarse_taylornet.made(config, image, key, seed=0)
                assert 0 < coarse.parameters(network) <= key[1], (name, key)
        # One quadratic step over 784 pixels has 9,428 parameters at least.
        assert left_out == ([("flat", 2_600), ("flat", 8_600)] if name == "paper" else []), name
    book = coarse_taylornet.made(PRESETS["book"], (1, 8, 8), ("taylor", 3000, 3, "level", "batch"), seed=0)
    assert book.config.form == "full" and book.config.order == 3


def test_the_commands_say_what_they_promise(plain_calls):
    """Parse them as the command line does, and build what they would train, without its memory."""
    commands = re.findall(
        r"hsrnn (reproduce coarse.taylornet [^\n]*(?:\n {8}[^\n]*)*)", coarse_taylornet.__doc__
    )
    configs = []
    for command in commands:
        options = cli._parse("reproduce", command.split()[1:])
        config = tyro.cli(
            TaylorNetExperimentConfig, default=PRESETS[options.preset], args=list(options.settings)
        )
        configs.append((options, config))
    smaller, *cifar = configs
    assert smaller[0].seeds == "0-4" and smaller[1].dataset == "mnist"
    assert {key[1:4] for key in coarse_taylornet.keys(smaller[1]) if key[0] == "taylor"} == {
        (2600, 2, "level"), (8600, 2, "level"), (8600, 1, "level"), (8600, 3, "level"), (8600, 2, "none"),
    }  # fmt: skip
    made = {}
    for options, config in cifar:
        assert config.dataset == "cifar10-jpg" and config.mirror and options.seeds == "0-2"
        for key in coarse_taylornet.keys(config):
            with torch.device("meta"):
                network = coarse_taylornet.made(config, (3, 32, 32), key, seed=0)
            assert key[0] == "linear" or 0.8 * key[1] < coarse.parameters(network) <= key[1]
            made.setdefault((options.preset, config.block, config.depth), []).append((key[0], network))
    disjoint, overlapping, large = made.values()
    assert {"taylor", "linear", "cnn"} <= {kind for kind, _ in disjoint}
    assert [kind for kind, _ in overlapping] == ["taylor"] and large[0][0] == "taylor"
    assert list(made) == [("desk", 2, 0), ("desk", 3, 0), ("paper", 3, 1)]
    assert [nets[0][1].config.degree for nets in made.values()] == [2**5, 2**5, 2**10]


def test_anchors_name_their_source():
    table = coarse_anchors.anchors_table("mnist")
    assert table.title.startswith("MNIST: ")
    assert table.rows == tuple(sorted(table.rows))
    assert all(anchor.source and 50 < anchor.percent < 100 for anchor in coarse_anchors.ANCHORS)
    with pytest.raises(ValueError, match="dataset must be one of cifar10, mnist, got 'cifar10-jpg'"):
        coarse_anchors.anchors_table("cifar10-jpg")


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
