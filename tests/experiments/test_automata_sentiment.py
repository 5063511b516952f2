"""The experiment from end to end on the smoke preset, its parts against oracles, and its tables."""

from dataclasses import replace
from itertools import product

import jaxtyping
import numpy as np
import pytest

from hsrnn import automata, datasets, ledger
from hsrnn.experiments import automata_polarity as polarities
from hsrnn.experiments import automata_reviews as plain
from hsrnn.experiments import automata_sentiment, automata_sentiment_tables
from hsrnn.experiments.automata_sentiment import PRESETS, SentimentConfig

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    config = replace(SMOKE, cells=("mgu", "gru"), reviews=800, epochs=4, clusters_x=(2, 3, 4))
    return reproduced("automata.sentiment", config, typed=False)[0]


@pytest.fixture(scope="module")
def small():
    """A small network that was really trained, its reviews and its points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        config = replace(SMOKE, reviews=800, epochs=12, settle=0)
        reviews = automata_sentiment.load_reviews(config, 0)
        classifier, result = automata_sentiment.trained(config, reviews, "gru", seed=0)
        points = automata.collect(classifier, reviews.train.words, whole=True)
    return reviews, classifier, result, points


def test_a_record_holds_every_network_and_one_automaton_to_read(finished):
    metrics = finished.metrics
    networks = metrics["networks"]
    assert [network["cell"] for network in networks] == ["mgu", "gru"]
    assert finished.data.keys() == datasets.load("reviews", train=800, valid=200, test=200).hashes.keys()
    assert [network["cell"] for network in networks if "readable" in network] == [metrics["best_cell"]]
    for network in networks:
        for method in ("kmeans", "kmeans-x"):
            sweep = network[method]["sweep"]
            assert [row["k"] for row in sweep] == list(SMOKE.clusters if method == "kmeans" else (2, 3, 4))
            for rule in ("reject", "nearest"):
                found = network[method][rule]
                best = max(row[rule] for row in sweep)
                assert found["valid_accuracy"] == best
                assert found["k"] == next(row["k"] for row in sweep if row[rule] == best)
                assert (found["counterexample"] is None) == found["exact"]
                assert 0 <= found["unseen_uses"] < found["steps"]
            assert network[method]["edges"]["states"]["words"] > 10
    shown = next(network["readable"] for network in networks if "readable" in network)
    assert shown["k"] <= 5 and len(shown["states"]) == shown["k"] == shown["start"]
    assert sum(edge["share"] for edge in shown["edges"]) == pytest.approx(1, abs=0.01)
    assert {edge["to"] for edge in shown["edges"]} <= set(range(shown["k"]))
    assert all(len(found["column"]) == shown["k"] + 1 for found in shown["classes"])
    assert metrics["majority_accuracy"] == 0.5 and 0.5 < metrics["bag_of_words_accuracy"] < 0.8


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    made, config = [], replace(SMOKE, cells=("srn", "gru"))

    def one_network(config, reviews, cell, **options):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(cell)
        return {"cell": cell, "seconds": 1.0, "readable": {"valid_accuracy": 0.5}}

    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    monkeypatch.setattr(automata_sentiment, "one_network", one_network)
    with pytest.raises(KeyboardInterrupt):
        automata_sentiment.run(config, seed=1, folder=tmp_path, progress=False)
    made.clear()
    _, hashes, seconds = automata_sentiment.run(config, seed=1, folder=tmp_path, progress=False)
    assert made == ["gru"] and seconds == 2.0
    assert hashes == automata_sentiment.load_reviews(config, 1).hashes


def test_the_rejecting_table_is_the_one_lisor_makes(small, plain_calls):
    reviews, classifier, _, points = small
    nearest = automata.LISOR(4, unseen="nearest").fit_points(classifier, points)
    reject = automata.LISOR(4, unseen="reject").fit_points(classifier, points)
    made = automata_sentiment.rejecting(nearest)
    assert made == reject.automaton_ and made.n_states == 6
    words = automata.encode(reviews.test.words, reviews.vocabulary)
    assert automata_sentiment._unseen_uses(nearest, made, words) == reject.unseen_uses(words) > 0
    assert automata_sentiment._unseen_uses(nearest, nearest.automaton_, words) == nearest.unseen_uses(words)


def test_the_validation_part_stops_the_training(small):
    reviews, classifier, result, _ = small
    valid = float((classifier.predict(reviews.valid.words) == reviews.valid.labels).mean())
    assert result.accuracy == valid == max(line["held_out_accuracy"] for line in result.lines)
    assert not classifier.accepts_empty


def test_the_true_automaton_labels_every_review(small):
    reviews = small[0]
    target = automata_sentiment.true_automaton(reviews)
    for part in (reviews.train, reviews.valid, reviews.test):
        np.testing.assert_array_equal(target.accepts(part.words), part.labels.astype(bool))
    assert target.minimise().n_states == 4
    assert [len(found) for found in target.symbol_classes()] and len(target.symbol_classes()) == 5


def test_polarity_counts_reviews_not_words():
    words = automata.encode([["a", "a", "b"], ["a"], ["b", "c"], ["c"]], ("a", "b", "c", "d"))
    score, reviewed = polarities.polarity(words, np.array([1, 1, 0, 0]), 4)
    assert reviewed.tolist() == [2, 2, 2, 0]
    np.testing.assert_allclose(score, [np.log(3), 0, -np.log(3), 0])


def test_agreement_against_all_orders():
    accepts, signs = np.array([1.0, 0.8, 0.1, 0.3]), np.array([True, True, False, False])
    found = polarities.agreement(accepts, signs, shuffles=4000, seed=0)
    scores = [
        np.where(np.array(order), accepts, 1 - accepts).mean()
        for order in set(product([True, False], repeat=4)) if sum(order) == 2
    ]  # fmt: skip
    assert found["agreement"] == pytest.approx(0.85) and found["words"] == 4
    assert found["chance"] == pytest.approx(np.mean(scores), abs=0.01)
    assert found["p"] == pytest.approx(1 / 6, abs=0.03)
    one_sided = polarities.agreement(accepts, np.ones(4, bool), shuffles=10, seed=0)
    assert one_sided["agreement"] is None and one_sided["words"] == 4


def test_edges_of_the_true_automaton_go_where_words_say():
    """On the rule itself: from the start every opinion word leads where it says, from all states half do."""
    rule = datasets.truth()
    alphabet = tuple(word for words in rule.classes.values() for word in words)
    table = [*rule.word_table(alphabet), rule.word_table(alphabet)[0]]  # a start of its own, as LISOR has it
    automaton = automata.Automaton.of(alphabet, table, rule.accepting, 4)
    kinds = np.array([rule.class_of(word) for word in alphabet])
    score = np.select([kinds == 0, kinds == 1], [1.0, -1.0], 0.0)
    found = polarities.edge_scores(
        automaton, np.ones((5, len(alphabet)), bool), score, score != 0, shuffles=100, seed=0
    )
    assert found["start"]["agreement"] == 1.0 and found["start"]["p"] < 0.02
    assert found["states"]["agreement"] == 0.5 and found["start"]["words"] == int((kinds < 2).sum())


def test_a_readable_automaton_counts_every_step(small, plain_calls):
    reviews, classifier, _, points = small
    fitted = automata.LISOR(3, unseen="nearest").fit_points(classifier, points)
    score, _ = polarities.polarity(
        automata.encode(reviews.train.words, reviews.vocabulary), reviews.train.labels,
        len(reviews.vocabulary),
    )  # fmt: skip
    made = polarities.readable(fitted, points, score, top=4)
    assert sum(edge["share"] for edge in made["edges"]) == pytest.approx(1, abs=0.001)
    for edge in made["edges"]:
        assert len(edge["top"]) <= 4
        for word in edge["top"]:
            code = reviews.vocabulary.index(word)
            assert fitted.automaton_.table[edge["from"], code] == edge["to"]
            assert fitted.transition_counts_[edge["from"], code].sum() > 0
    for found in made["classes"]:
        for word in (*found["top"], *found["frequent"]):
            column = fitted.automaton_.table[:4, reviews.vocabulary.index(word)]
            assert column.tolist() == found["column"]
    assert made["n_classes"] == len({tuple(c) for c in fitted.automaton_.table[:4].T.tolist()})
    assert sum(state["share"] for state in made["states"]) == pytest.approx(1, abs=0.001)


def test_classes_vote(small, plain_calls):
    reviews, classifier, _, points = small
    fitted = automata.LISOR(4, unseen="nearest").fit_points(classifier, points)
    classes = list(reviews.truth.classes.values())
    made = polarities.by_class(fitted, classes)
    counts = fitted.transition_counts_
    for number, words in enumerate(classes):
        votes = sum(counts[:, reviews.vocabulary.index(word)] for word in words)
        for state in range(5):
            if votes[state].any():
                assert made.table[state, number] == votes[state].argmax()
    np.testing.assert_array_equal(made.accepting, fitted.automaton_.accepting[:5])


def brute_force(one, other, first, follows, longest):
    """Return the shortest sentence of at least 4 words that they judge differently, by trying all."""
    for length in range(4, longest + 1):
        for codes in product(range(len(first)), repeat=length):
            if first[codes[0]] and all(follows[a, b] for a, b in zip(codes, codes[1:])):
                words = [one.alphabet[code] for code in codes]
                if one.accepts([words])[0] != other.accepts([words])[0]:
                    return words
    return None


@pytest.mark.parametrize("seed", range(12))
def test_natural_counterexamples_against_brute_force(seed, plain_calls):
    generator = np.random.default_rng(seed)
    alphabet = ("a", "b", "c")
    one, other = (
        automata.Automaton(alphabet, generator.integers(3, size=(3, 3)), generator.random(3) < 0.4)
        for _ in range(2)
    )
    first, follows = generator.random(3) < 0.6, generator.random((3, 3)) < 0.5
    first[0] = True
    found = plain.natural_counterexample(one, other, first, follows)
    tried = brute_force(one, other, first, follows, 7)
    if tried is not None:
        assert found is not None and len(found) == len(tried)
    elif found is not None:
        assert len(found) > 7
    if found is not None:
        codes = [alphabet.index(word) for word in found]
        assert first[codes[0]] and all(follows[a, b] for a, b in zip(codes, codes[1:]))
        assert one.accepts([found])[0] != other.accepts([found])[0]
    assert plain.natural_counterexample(one, one, first, follows) is None
    with pytest.raises(ValueError, match="the same words in the same order"):
        plain.natural_counterexample(one, automata.Automaton.of("cab", [[0, 0, 0]], []), first, follows)


def test_bigrams():
    first, follows = plain.bigrams([["a", "b", "a"], ["c"]], ("a", "b", "c"))
    assert first.tolist() == [True, False, True]
    assert np.argwhere(follows).tolist() == [[0, 1], [1, 0]]


def test_the_bag_of_words_cannot_follow_negations_and_the_majority_is_half(small):
    found = plain.baselines(small[0], 0)
    assert found["majority_accuracy"] == 0.5 and 0.5 < found["bag_of_words_accuracy"] < 0.85


def test_tables(finished):
    records = [replace(finished, preset="desk", seed=seed) for seed in range(5)]
    made = automata_sentiment_tables.tables(records)
    accuracy, clusters, words, exactness, claims = made
    assert [row[:2] for row in accuracy.rows] == [
        (cell, method) for cell in ("mgu", "gru") for method in ("k-means", "k-means-x")
    ]
    assert [row[0] for row in clusters.rows] == [str(k) for k in SMOKE.clusters]
    assert [row[0] for row in words.rows] == ["mgu", "gru"] and len(exactness.rows) == 4
    assert "bag of words" in accuracy.note and "5 seed(s)" in accuracy.note
    assert [row[3] for row in claims.rows][1] == "not tested"
    assert claims.rows[0][3] in ("reproduced", "not reproduced")
    assert automata_sentiment_tables.tables(records[:1])[-1].rows[0][3] == "not tested (1 seed)"
    (only,) = automata_sentiment_tables.tables([finished])
    assert [row[2] for row in only.rows] == ["no run yet"] * 2
    # SST-2 has no true automaton, hence no table of exactness.
    real = [replace(r, config={**r.config, "dataset": "sst2"}) for r in records]
    assert len(automata_sentiment_tables.tables(real)) == 4


def test_without_sst2_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "empty")
    monkeypatch.delenv("HSRNN_DATA", raising=False)
    monkeypatch.setenv("HSRNN_OFFLINE", "1")
    with pytest.raises(datasets.OfflineError, match="sst2 is neither in HSRNN_DATA nor in the cache"):
        automata_sentiment.run(replace(SMOKE, dataset="sst2"), seed=0, folder=tmp_path, progress=False)


@pytest.mark.needs_data("sst2")
def test_sst2(tmp_path, plain_calls):
    config = replace(
        SMOKE, dataset="sst2", epochs=1, hidden_size=6, embedding_size=8, clusters=(2, 3), clusters_x=(2,)
    )
    metrics, hashes, _ = automata_sentiment.run(config, seed=0, folder=tmp_path, progress=False)
    (network,) = metrics["networks"]
    assert set(hashes) == {"train.tsv", "dev.tsv", "test.tsv"}
    assert "exact" not in network["kmeans"]["nearest"]
    assert 0.7 < metrics["bag_of_words_accuracy"] < 0.85 and metrics["words"] == 7205
    assert network["kmeans"]["edges"]["states"]["words"] > 500


def test_errors():
    for options, message in (
        ({"dataset": "imdb"}, "dataset must be one of reviews, sst2, got 'imdb'"),
        ({"cells": ("rnn",)}, "cells must be of srn, mgu, gru, lstm, got 'rnn'"),
        ({"cells": ()}, "cells, clusters and clusters_x must each name at least one"),
        ({"clusters": (8, 9)}, "clusters must hold a k of at most 5"),
        ({"reviews": 30}, "reviews must be a multiple of 8, at least 80, got 30"),
        ({"top": 0}, "top must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            SentimentConfig(**options)
