"""The experiment from end to end on the smoke preset, resumed after an interruption, and its tables."""

from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

from hsrnn import automata, ledger
from hsrnn.experiments import automata_trust, automata_trust_tables
from hsrnn.experiments.automata_trust import EXTRACTORS, PRESETS, TrustConfig
from hsrnn.training import CheckpointError

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    return reproduced("automata.trust", SMOKE, typed=False)[0]


def test_a_record_holds_every_network(finished):
    networks = finished.metrics["networks"]
    assert [(n["cell"], n["noise"]) for n in networks] == [
        ("srn", 0.0), ("mgu", 0.0), ("srn", 0.1), ("mgu", 0.1),
    ]  # fmt: skip
    for network in networks:
        assert network["learned"] == (network["held_out_accuracy"] >= 0.95 - network["noise"])
        assert set(network["accuracy"]) == {"1", "3"} and network["true_states"] == 4
        assert tuple(network["extractors"]) == (EXTRACTORS if network["learned"] else ())
        for name, found in network["extractors"].items():
            assert found["exact"] == ("counterexample" not in found)
            if found["exact"]:
                assert found["states"] == 4 and found["accuracy"] == {"1": 1.0, "3": 1.0}
                assert found["faithfulness"] == network["accuracy"]["1"]
            assert found["seconds"] > 0 and (name not in ("lstar", "kv") or found["rounds"] <= 12)
    assert finished.metrics["learned"] == sum(n["learned"] for n in networks) / 4 > 0
    noiseless = [n for n in networks if n["learned"] and n["noise"] == 0.0]
    means = finished.metrics["longest_words_noise_0.0"]
    assert means["network"] == pytest.approx(sum(n["accuracy"]["3"] for n in noiseless) / len(noiseless))


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> tuple[TrustConfig, dict]:
    """The settings of a single network that learns, and what a run keeps of it."""
    config = replace(SMOKE, cells=("gru",), languages=("tomita-7",), noises=(0.0,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        return config, automata_trust.one_network(config, "gru", "tomita-7", 0.0, seed=0)


def test_the_numbers_can_be_made_again(one, plain_calls):
    config, kept = one
    target = automata.language("tomita-7")
    classifier, words, _, _ = automata_trust.trained(config, "gru", "tomita-7", 0.0, seed=0)
    _, tests = automata_trust.clean_words(config, "tomita-7", 0)
    for factor, (drawn, labels) in tests.items():
        assert (target.accepts(drawn) == labels).all()
        assert kept["accuracy"][str(factor)] == (classifier.predict(drawn) == labels).mean()
    made = automata_trust.extracted(config, classifier, words)
    for name, (automaton, _) in made.items():
        found = kept["extractors"][name]
        for factor, (drawn, labels) in tests.items():
            assert found["accuracy"][str(factor)] == (automaton.accepts(drawn) == labels).mean()
        assert found["exact"] == (automaton == target.automaton)
        if not found["exact"]:
            wrong = [found["counterexample"]]
            assert automaton.accepts(wrong) != target.accepts(wrong)
    # Each k is the smallest of the best ones, by what it is chosen for.
    swept = automata.sweep(
        classifier, words.train.take(slice(0, config.extract_words)), words.test, words.test_labels,
        n_clusters=range(config.smallest, config.largest + 1),
    )  # fmt: skip
    for name, quality in (("kmeans", "table_accuracy"), ("kmeans-faithful", "faithfulness")):
        best = max(getattr(row, quality) for row in swept.rows)
        first = next(row.n_clusters for row in swept.rows if getattr(row, quality) == best)
        assert made[name][1]["k"] == first


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.1])
def test_noise_flips_that_share(share):
    labels = np.random.default_rng(1).random(600) < 0.5
    noisy = automata_trust.flip(labels, share, np.random.default_rng(5))
    assert (noisy != labels).sum() == round(600 * share)
    more = automata_trust.flip(labels, 0.3, np.random.default_rng(5))
    assert set(np.flatnonzero(noisy != labels)) <= set(np.flatnonzero(more != labels))


def test_training_and_held_out_labels_are_both_flipped(plain_calls):
    config = replace(SMOKE, epochs=1, attempts=1)
    clean, _ = automata_trust.clean_words(config, "000", 0)
    _, words, result, attempts = automata_trust.trained(config, "srn", "000", 0.1, seed=0)
    assert (words.train_labels != clean.train_labels).mean() == 0.1
    assert (words.test_labels != clean.test_labels).mean() == 0.1
    target = automata.language("000")
    assert (clean.train_labels == target.accepts(clean.train)).all()
    assert words.train is clean.train and attempts == 1 and not result.learned


@pytest.mark.parametrize("name", ["000", "tomita-5"])
def test_test_words_are_new_balanced_and_of_the_stated_lengths(name):
    config = replace(SMOKE, factors=(1, 2, 20))
    words, tests = automata_trust.clean_words(config, name, 3)
    known = {word for part in (words.train, words.test) for word in automata.decode(part, "01")}
    assert list(tests) == [1, 2, 20]
    for factor, (drawn, labels) in tests.items():
        spelled = automata.decode(drawn, "01")
        lengths = {len(word) for word in spelled}
        assert max(lengths) == 8 * factor and min(lengths) >= 8 * factor - 2 and len(lengths) > 1
        assert 2 * labels.sum() == len(labels) <= 100
        assert (automata.language(name).accepts(drawn) == labels).all()
        assert known.isdisjoint(spelled) and len(set(spelled)) == len(spelled)
        assert factor == 1 or len(labels) == 100


def test_no_word_left_to_test_on():
    with pytest.raises(ValueError, match="000 has no word of length 3 to 3 on one side that is not trained"):
        automata_trust.clean_words(replace(SMOKE, longest=3, window=1), "000", 0)


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    made = []

    def one_network(config, cell, name, noise, *, seed, device):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append((cell, noise))
        return {
            "cell": cell, "language": name, "noise": noise, "learned": False, "seconds": 1.0, "seed": seed
        }  # fmt: skip

    monkeypatch.setattr(automata_trust, "one_network", one_network)
    with pytest.raises(KeyboardInterrupt):
        automata_trust.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    del made[:]
    metrics, data, seconds = automata_trust.run(SMOKE, seed=1, folder=tmp_path, progress=False)
    assert made == [("mgu", 0.1)] and data == {} and seconds == 4.0 and metrics["learned"] == 0
    assert [(n["cell"], n["noise"]) for n in metrics["networks"]][2:] == [("srn", 0.1), ("mgu", 0.1)]
    with pytest.raises(CheckpointError, match="belongs to a run with other settings"):
        automata_trust.run(replace(SMOKE, largest=9), seed=1, folder=tmp_path, progress=False)
    (tmp_path / "networks.jsonl").write_text("{")
    with pytest.raises(CheckpointError, match="is damaged"):
        automata_trust.run(SMOKE, seed=1, folder=tmp_path, progress=False)


def test_a_network_that_did_not_learn_is_reported(plain_calls):
    config = replace(SMOKE, epochs=1)
    network = automata_trust.one_network(config, "srn", "tomita-5", 0.0, seed=0)
    assert not network["learned"] and network["attempts"] == 2 and network["extractors"] == {}
    assert set(network["accuracy"]) == {"1", "3"}


def network(cell, noise, own, theirs, seed):
    """A network as a record keeps it; the automaton is right on ``theirs`` of all words."""
    automaton = {
        "states": 4, "accuracy": {"1": theirs, "20": theirs}, "faithfulness": 0.9, "exact": theirs == 1,
        "seconds": 0.5,
    }  # fmt: skip
    return {
        "cell": cell, "language": "000", "noise": noise, "learned": True, "true_states": 4,
        "accuracy": {"1": own, "20": own}, "seed": seed,
        "extractors": {"kmeans": automaton, "quantised": {"states": None, "seconds": 0.1}},
    }  # fmt: skip


def test_tables(finished):
    config = {**finished.config, "noises": [0.0, 0.05], "factors": [1, 20], "cells": ["srn"], "longest": 12}
    records = []
    for seed in range(3):
        networks = [network("srn", 0.0, 0.9, 1.0, seed), network("srn", 0.05, 0.8, 0.7, seed)]
        failed = {**network("srn", 0.0, 0.1, 0.1, seed), "learned": False, "extractors": {}}
        metrics = {"networks": [*networks, failed]}
        records.append(replace(finished, preset="desk", seed=seed, config=config, metrics=metrics))
    accuracy, difference, where, extractors, _ = automata_trust_tables.tables(records)
    assert accuracy.header[-2:] == ("1x: 12", "20x: 240")
    assert [row[2] for row in accuracy.rows] == ["network", "k-means", "quantised states"] * 2
    assert accuracy.rows[0][1:] == (
        "50.0 % of 6", "network", "90.0 (90.0 to 90.0)", "90.0 (90.0 to 90.0)",
    )  # fmt: skip
    assert accuracy.rows[1][3] == "100.0 (100.0 to 100.0)" and accuracy.rows[2][3] == "-"
    assert difference.rows[0] == ("0 %", "k-means", "+10.0 (+10.0 to +10.0)", "+10.0 (+10.0 to +10.0)")
    assert difference.rows[2][2] == "-10.0 (-10.0 to -10.0)"
    assert [row[0] for row in where.rows] == ["srn", "000"]
    assert where.rows[0][2] == "-10.0 (-10.0 to -10.0)"
    assert extractors.rows[0] == (
        "k-means", "100.0 % of 3", "4.0 (4.0 to 4.0)", "100.0 % of 3", "100.0 (100.0 to 100.0)",
        "90.0 (90.0 to 90.0)", "0.50 (0.50 to 0.50)",
    )  # fmt: skip
    assert extractors.rows[1][1:4] == ("0.0 % of 3", "-", "0.0 % of 3")
    assert "3 seed(s)" in accuracy.note and "automata.trust --preset desk" in extractors.note
    (claims,) = automata_trust_tables.tables([finished])
    assert [row[2:] for row in claims.rows] == [("no run yet", "not tested")] * 3
    assert len(automata_trust_tables.tables([replace(finished, preset="book")])) == 5


def judged(finished, seeds, *made):
    """The verdicts on seeds that all have the same networks."""
    config = {**finished.config, "noises": [0.0, 0.05], "factors": [1, 20]}
    records = [
        replace(finished, preset="desk", seed=seed, config=config,
                metrics={"networks": [{**one, "seed": seed} for one in made]})
        for seed in range(seeds)
    ]  # fmt: skip
    return [row[-1] for row in automata_trust_tables.claims_table(records).rows]


def test_verdicts(finished):
    def both(clean, noisy, agreed=1.0, learners=0.0):
        made = [network("srn", 0.0, 0.9, clean, 0), network("srn", 0.05, 0.9, noisy, 0)]
        for one in made:
            plain = one["extractors"]["kmeans"]
            one["extractors"] |= {
                "kmeans-faithful": {**plain, "faithfulness": agreed},
                "lstar": {**plain, "exact": learners == 1}, "kv": {**plain, "exact": True},
            }  # fmt: skip
        return made

    few = "not tested (4 seeds)"
    assert judged(finished, 4, *both(1.0, 1.0)) == [few] * 3
    assert judged(finished, 5, *both(1.0, 0.95)) == [
        "reproduced", "reproduced", "k-means is exact more often than L*",
    ]  # fmt: skip
    assert judged(finished, 5, *both(1.0, 0.8, agreed=0.98))[:2] == ["not reproduced", "partly"]
    assert judged(finished, 5, *both(0.8, 0.8))[1:] == [
        "not reproduced",
        "k-means is exact less often than KV",
    ]
    assert judged(finished, 5, *both(1.0, 1.0, learners=1.0))[2] == "no clear difference"


def test_errors():
    for options, message in (
        ({"cells": ("rnn",)}, "cells must be of srn, mgu, gru, lstm, got 'rnn'"),
        ({"languages": ()}, "languages must be distinct, at least one"),
        ({"languages": ("tomita-9",)}, "no language 'tomita-9'"),
        ({"noises": (0.1, 0.1)}, "noises must be distinct"),
        ({"noises": (0.5,)}, r"noises must be shares in \[0, 0.5\), got 0.5"),
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"factors": (0, 1)}, "factors must be at least 1"),
        ({"window": 13}, "window at most longest = 12"),
        ({"test_words": 1}, "test_words must be at least 2"),
        ({"largest": 1}, "largest must be at least smallest = 2, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            TrustConfig(**options)
