"""The experiment from end to end on the smoke preset, resumed after an interruption, and its tables."""

from dataclasses import asdict, replace

import pytest

from hsrnn import ledger
from hsrnn.experiments import automata_languages, automata_languages_tables, automata_networks
from hsrnn.experiments.automata_languages import PRESETS, LanguagesConfig
from hsrnn.training import CheckpointError

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    return reproduced("automata.languages", SMOKE, typed=False)[0]


def test_a_record_holds_every_network(finished):
    networks = finished.metrics["networks"]
    assert [(n["cell"], n["language"]) for n in networks] == [
        ("srn", "000"), ("mgu", "000"), ("srn", "tomita-1"), ("mgu", "tomita-1"),
    ]  # fmt: skip
    for network in networks:
        assert network["learned"] == (network["accuracy"] == 1.0)
        assert network["true_states"] == {"000": 4, "tomita-1": 2}[network["language"]]
        if network["learned"]:
            assert set(network["kmeans-x"]) == {"0.02"}
            for found in (network["kmeans"], network["kmeans-x"]["0.02"]):
                assert (found["exact_k"] is None) == ("counterexample" in found)
                assert ("first_states" in found) == (found["first_k"] is not None)
                if found["first_k"] is not None:
                    assert 2 <= found["first_k"] <= 12 and found["first_states"] <= found["first_k"] + 2
                    assert found["first_faithfulness"] == 1.0  # both are right on all held-out words
    assert finished.metrics["learned"] == sum(n["learned"] for n in networks) / 4
    assert 0 < finished.metrics["exact"] <= finished.metrics["exact_any"] <= 1
    assert finished.metrics["srn"]["learned"] > 0 and finished.seconds > 0


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch, plain_calls):
    config = replace(SMOKE, languages=("tomita-1",), weights=())
    made, plain = [], automata_languages.one_network

    def one_network(config, cell, name, **options):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(cell)
        return plain(config, cell, name, **options)

    monkeypatch.setattr(automata_languages, "one_network", one_network)
    with pytest.raises(KeyboardInterrupt):
        automata_languages.run(config, seed=1, folder=tmp_path, progress=False)
    monkeypatch.setattr(
        automata_languages, "one_network", lambda *a, **o: made.append("again") or plain(*a, **o)
    )
    metrics, _, _ = automata_languages.run(config, seed=1, folder=tmp_path, progress=False)
    assert made == ["srn", "again"]

    def without_seconds(network):
        inner = {k: v for k, v in network.get("kmeans", {}).items() if k != "seconds"}
        return {k: v for k, v in network.items() if "seconds" not in k} | {"kmeans": inner}

    whole, _, _ = automata_languages.run(config, seed=1, folder=tmp_path / "new", progress=False)
    assert [without_seconds(n) for n in metrics["networks"]] == [
        without_seconds(n) for n in whole["networks"]
    ]
    with pytest.raises(CheckpointError, match="belongs to a run with other settings"):
        automata_languages.run(replace(config, largest=9), seed=1, folder=tmp_path, progress=False)
    (tmp_path / "networks.jsonl").write_text("{")
    with pytest.raises(CheckpointError, match="is damaged"):
        automata_languages.run(config, seed=1, folder=tmp_path, progress=False)


def test_a_network_that_did_not_learn_is_reported(tmp_path, plain_calls):
    config = replace(SMOKE, cells=("srn",), languages=("tomita-5",), by_length=(), epochs=1, attempts=2)
    metrics, _, _ = automata_languages.run(config, seed=0, folder=tmp_path, progress=False)
    (network,) = metrics["networks"]
    assert not network["learned"] and network["attempts"] == 2 and "kmeans" not in network
    assert metrics["exact"] is None and metrics["srn"]["mean_first_k"] is None


def test_tables(finished):
    records = [replace(finished, preset="desk", seed=seed) for seed in range(3)]
    cells, pairs, languages, methods, claims = automata_languages_tables.tables(records)
    assert [row[0] for row in cells.rows] == ["srn", "mgu"]
    assert [row[0] for row in languages.rows] == ["000", "tomita-1"]
    assert [row[0] for row in methods.rows] == ["k-means", "k-means-x, weight 0.02"]
    assert "of 6" in cells.rows[0][1] and "3 seed(s)" in cells.note
    assert [row[0] for row in pairs.rows] == ["srn"]
    assert [row[-1] for row in claims.rows] == ["not tested", "not tested (3 seeds)"]
    (only,) = automata_languages_tables.tables([finished])
    assert all(row[2:] == ("no run yet", "not tested") for row in only.rows)


def _network(seed, cell, language, first_k, exact_x=5):
    found = {"first_k": first_k, "stable_k": None, "exact_k": None, "seconds": 1.0}
    return {
        "seed": seed, "cell": cell, "language": language, "learned": True, "true_states": 2,
        "kmeans": found, "kmeans-x": {"0.02": found | {"exact_k": exact_x}},
    }  # fmt: skip


def test_pairs_share_seed_and_language(finished):
    found = [
        _network(0, "mgu", "000", 5), _network(0, "srn", "000", 8), _network(1, "mgu", "000", 4),
        _network(1, "srn", "tomita-1", 9), _network(1, "srn", "000", None), _network(1, "gru", "000", 2),
    ]  # fmt: skip
    assert automata_languages_tables.differences(found, "mgu", "srn") == {0: [3.0]}
    assert automata_languages_tables.differences(found, "mgu", "gru") == {1: [-2.0]}
    assert automata_languages_tables.differences(found, "mgu", "srn", "stable_k") == {}


@pytest.mark.parametrize(
    ("k", "verdict"),
    [
        ((6, 7, 8), "reproduced"),
        ((5, 7, 8), "partly: some intervals include 0"),
        ((4, 7, 8), "not reproduced"),
    ],
)
def test_verdicts(finished, k, verdict):
    cells = dict(zip(("srn", "gru", "lstm"), k)) | {"mgu": 5}
    records = [
        replace(finished, preset="desk", seed=seed, metrics={
            "networks": [_network(seed, cell, "000", value) for cell, value in cells.items()]
        }) for seed in range(5)
    ]  # fmt: skip
    claims = automata_languages_tables.claims_table(records)
    assert [row[-1] for row in claims.rows] == [verdict, "k-means-x finds more at weight 0.02"]


def test_the_interval_resamples_seeds():
    assert automata_networks.bootstrap({}) is None
    assert automata_networks.bootstrap({0: [4.0, 4.0], 1: [4.0]}) == (4.0, 4.0, 4.0)
    mean, low, high = automata_networks.bootstrap({s: [float(s)] for s in range(20)})
    assert mean == 9.5 and 6 < low < 8 and 11 < high < 13
    assert automata_networks.mean_and_interval({0: [4.0], 1: [4.0]}) == "4.00 (4.00 to 4.00)"
    assert automata_networks.mean_and_interval({0: [3.0, 4.0], 1: []}) == "3.50", "one seed has no interval"


def test_errors():
    for options, message in (
        ({"cells": ("rnn",)}, "cells must be of srn, mgu, gru, lstm, got 'rnn'"),
        ({"languages": ()}, "languages must name at least one"),
        ({"languages": ("tomita-9",)}, "no language 'tomita-9'"),
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"largest": 1}, "largest must be at least smallest = 2, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            LanguagesConfig(**options)
    assert asdict(PRESETS["desk"])["weights"] == (0.01, 0.02, 0.05, 0.1, 1.0)
