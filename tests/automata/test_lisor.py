"""LISOR finds the exact automaton of trained networks, its counts equal a plain loop, and each option does
its work."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from hsrnn.automata import (
    LISOR,
    HiddenPoints,
    LISORScore,
    SequenceClassifier,
    Sweep,
    SweepRow,
    collect,
    decode,
    encode,
    language,
    sweep,
)

WEIGHTS = (0.01, 0.02, 0.05)


@pytest.fixture
def small(plain_calls):
    """An untrained LSTM and words, enough to count by hand."""
    words = ["".join(word) for word in np.random.default_rng(0).choice(list("01"), size=(60, 7))]
    return SequenceClassifier("01", "lstm", 6, seed=2), words


@pytest.mark.parametrize(
    ("cell", "name"),
    [("srn", "tomita-1"), ("mgu", "000"), ("gru", "tomita-4"), ("lstm", "tomita-7"), ("gru", "tomita-6"),
     ("mgu", "tomita-3"), ("lstm", "0110")],
)  # fmt: skip
def test_the_exact_minimal_automaton_is_found(trained, cell, name):
    classifier, words = trained(cell, name)
    target = language(name).automaton
    found = sweep(
        classifier, words.train, words.test, words.test_labels, n_clusters=range(2, 31), target=target
    )
    assert found.exact_k is not None
    row, automaton = found.at(found.exact_k)
    assert automaton == target and row.equivalent and row.counterexample is None
    assert row.n_states == target.n_states and row.table_accuracy == row.faithfulness == 1.0


def test_positions_find_it_too(trained):
    classifier, words = trained("gru", "tomita-4")
    target = language("tomita-4").automaton
    for weight in WEIGHTS:
        found = sweep(
            classifier, words.train, words.test, words.test_labels, n_clusters=range(4, 21), target=target,
            method="kmeans-x", position_weight=weight,
        )  # fmt: skip
        assert found.exact_k is not None, weight


def test_a_sweep_equals_single_fits(trained):
    classifier, words = trained("mgu", "000")
    target = language("000").automaton
    options = {"n_init": 2, "random_state": 3}
    found = sweep(
        classifier, words.train, words.test, words.test_labels, n_clusters=[9, 5, 6], target=target, **options
    )
    assert isinstance(found, Sweep) and [row.n_clusters for row in found.rows] == [5, 6, 9]
    for row, automaton in zip(found.rows, found.automata):
        assert isinstance(row, SweepRow)
        alone = LISOR(row.n_clusters, **options).fit(classifier, words.train)
        assert alone.minimal_ == automaton and row.n_states == automaton.n_states
        score = alone.score(words.test, words.test_labels)
        assert score == LISORScore(row.table_accuracy, row.state_accuracy, row.unseen_uses, len(words.test))
        assert alone.faithfulness(words.test) == row.faithfulness and alone.n_unseen_ == row.n_unseen
        assert (row.counterexample is None) == row.equivalent == automaton.equivalent(target)
        if row.counterexample is not None:
            word = ["".join(row.counterexample)]
            assert automaton.accepts(word) != target.accepts(word)
    with pytest.raises(ValueError, match="k = 7 was not swept"):
        found.at(7)


def test_first_and_stable_k():
    def row(k, accuracy, equivalent):
        return SweepRow(k, accuracy, 1.0, 1.0, 0, 0, 3, equivalent, None if equivalent else ("0",), 0.1)

    rows = [row(2, 0.5, False), row(3, 1.0, False), row(4, 0.9, False), row(5, 1.0, True), row(6, 1.0, True)]
    found = Sweep((*rows, row(7, 1.0, True)), (), 1.0)
    assert (found.first_k, found.stable_k, found.exact_k) == (3, 5, 5)
    none = Sweep(tuple(rows[:1]), (), 1.0)
    assert (none.first_k, none.stable_k, none.exact_k) == (None, None, None)


@pytest.mark.parametrize("features", ["h", "hc"])
def test_counts_centres_and_table_equal_a_plain_loop(small, features):
    classifier, words = small
    k = 7
    fitted = LISOR(k, features=features, unseen="stay").fit(classifier, words)
    states = classifier.states(words, whole=features == "hc")
    labels, at, counts = fitted.labels_, 0, Counter()
    for word in words:
        path = [k, *labels[at : at + len(word)]]
        for symbol, (before, after) in zip(word, pairwise(path)):
            counts[before, int(symbol), after] += 1
        at += len(word)
    dense = fitted.transition_counts_
    assert dense.shape == (k + 1, 2, k) and dense.sum() == len(states)
    assert {tuple(map(int, key)): n for key, n in counts.items()} == {
        tuple(map(int, key)): dense[tuple(key)] for key in np.argwhere(dense)
    }
    for q in range(k):
        np.testing.assert_allclose(fitted.centres_[q], states[labels == q].mean(0), rtol=0, atol=1e-5)
    verdicts = classifier.accepts_hidden(fitted.centres_[:, :6])
    assert fitted.automaton_.accepting.tolist() == [*verdicts, classifier.accepts_empty]
    for q in range(k + 1):
        for s in range(2):
            row = dense[q, s]
            expected = row.argmax() if row.any() else q
            assert fitted.automaton_.table[q, s] == expected and fitted.seen_[q, s] == row.any()
    assert fitted.n_unseen_ == (~dense.any(2)).sum() and fitted.automaton_.start == k
    # Nothing leads back to the start.
    assert (fitted.automaton_.table[:k] != k).all()


def test_rare_symbols_are_counted_the_same_way(plain_calls):
    alphabet = tuple(f"w{n}" for n in range(3000))
    generator = np.random.default_rng(1)
    words = [[alphabet[n] for n in generator.integers(3000, size=5)] for _ in range(50)]
    classifier = SequenceClassifier(alphabet, "gru", 4, embedding_size=3)
    fitted = LISOR(4, unseen="nearest").fit(classifier, words)
    dense = fitted.transition_counts_
    assert dense.shape == (5, 3000, 4) and dense.sum() == 250
    assert (fitted.seen_ == dense.any(2)).all()
    assert (fitted.automaton_.table[fitted.seen_] == dense.argmax(2)[fitted.seen_]).all()
    # Reading a word of the vocabulary that was never seen in a state goes where the network goes from its
    # centre.
    q, s = np.argwhere(~fitted.seen_[:4])[0]
    reached = classifier.advance(fitted.centres_[[q]], np.array([s]))
    assert fitted.automaton_.table[q, s] == ((fitted.centres_ - reached) ** 2).sum(1).argmin()
    assert fitted.minimal_.equivalent(fitted.automaton_)


@pytest.fixture
def gappy(trained):
    """A network fitted on so few words that transitions are missing."""
    classifier, _ = trained("lstm", "0110")
    return classifier, ["0110", "111", "00", "01"]


@pytest.mark.parametrize("unseen", ["reject", "stay", "nearest", "cluster0"])
def test_unseen_transitions(gappy, unseen):
    classifier, words = gappy
    fitted = LISOR(5, unseen=unseen).fit(classifier, words)
    missing = np.argwhere(~fitted.seen_)
    assert fitted.n_unseen_ == len(missing) > 0
    table, centres = fitted.automaton_.table, fitted.centres_
    for q, s in missing:
        if unseen == "reject":
            assert table[q, s] == 6 and not fitted.automaton_.accepting[6] and (table[6] == 6).all()
        elif unseen == "stay":
            assert table[q, s] == q
        elif unseen == "cluster0":
            assert table[q, s] == 0
        else:
            points = LISOR(5, unseen=unseen).collect(classifier, words)
            whole = [points.states[fitted.labels_ == c].mean(0) for c in range(5)] + [np.zeros(24)]
            reached = classifier.advance(whole[q][None], np.array([s]))[0, :12]
            assert table[q, s] == ((centres - reached) ** 2).sum(1).argmin()
    # Uses are counted step by step; those inside the sink count once.
    words = ["0101", "1111111", "0110110"]
    expected = 0
    for word in words:
        state = fitted.automaton_.start
        for symbol in word:
            if state <= 5:
                expected += not fitted.seen_[state, int(symbol)]
            state = table[state, int(symbol)]
    assert fitted.unseen_uses(words) == expected > 0
    assert fitted.score(words, [0, 0, 0]).unseen_uses == expected


def test_accepting_by_majority(small):
    classifier, words = small
    points = collect(classifier, words)
    fitted = LISOR(6, accepting="majority").fit(classifier, words)
    for q in range(6):
        assert fitted.automaton_.accepting[q] == (points.accepted[fitted.labels_ == q].mean() > 0.5)


def test_carrying_and_points(small):
    classifier, words = small
    points = collect(classifier, words, carry=True, whole=True)
    assert isinstance(points, HiddenPoints) and len(points) == 420
    np.testing.assert_array_equal(points.states, classifier.states(words, carry=True, whole=True))
    assert points.features.shape == (420, 6) and points.states.shape == (420, 12)
    assert points.position.tolist() == [*range(1, 8)] * 60 and points.last.tolist() == [*range(6, 420, 7)]
    assert points.symbol.tolist() == [int(symbol) for word in words for symbol in word]
    assert (points.accepted == classifier.accepts_hidden(points.features)).all()
    carried = LISOR(4, carry=True).fit(classifier, words)
    assert not np.array_equal(carried.labels_, LISOR(4).fit(classifier, words).labels_)
    # Carried states have other ends, so the state accuracy differs from a run from zero; the table does not.
    assert carried.predict_state(words).shape == (60,)


def test_weight_zero_is_plain(trained):
    classifier, words = trained("gru", "tomita-4")
    x = LISOR(6, method="kmeans-x", position_weight=0.0, n_init=10).fit(classifier, words.train)
    plain = LISOR(6, n_init=10).fit(classifier, words.train)
    assert x.minimal_.equivalent(plain.minimal_)


def test_both_accuracies(trained):
    classifier, words = trained("mgu", "000")
    fitted = LISOR(3).fit(classifier, words.train)
    score = fitted.score(words.test, words.test_labels)
    assert score.table == (fitted.predict(words.test) == words.test_labels).mean()
    assert score.state == (fitted.predict_state(words.test) == words.test_labels).mean()
    assert fitted.faithfulness(words.test) == score.table  # this network knows its language
    assert (fitted.predict(["000", ""]) == fitted.automaton_.accepts(["000", ""])).all()


def test_it_is_an_estimator(trained):
    classifier, words = trained("mgu", "000")
    estimator = LISOR(5, unseen="stay")
    assert clone(estimator).get_params() == estimator.get_params()
    assert not [name for name in vars(estimator) if name.endswith("_")]
    fitted = estimator.fit(classifier, words.train)
    assert fitted is estimator and fitted.alphabet_ == ("0", "1")
    again = clone(estimator).fit(classifier, decode(encode(words.train, "01"), "01"))
    assert again.automaton_ == fitted.automaton_


def test_errors(small):
    classifier, words = small
    for options, message in (
        ({"method": "gmm"}, "method must be one of kmeans, kmeans-x, got 'gmm'"),
        ({"method": "kmeans-x"}, "needs a position_weight of at least 0, got None.*try several"),
        ({"position_weight": 0.1}, 'means nothing for method="kmeans"'),
        ({"unseen": "guess"}, "unseen must be one of reject, stay, nearest, cluster0"),
        ({"accepting": "label"}, "accepting must be one of centre, majority"),
        ({"features": "c"}, "features must be one of h, hc"),
        ({"n_clusters": 500}, "n_clusters = 500 is more than the 420 hidden states"),
        ({"n_clusters": 0}, "n_clusters must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            LISOR(**options).fit(classifier, words)
    with pytest.raises(ValueError, match=r'features="hc" needs a cell with a memory c \(lstm\), got gru'):
        LISOR(features="hc").fit(SequenceClassifier("01", "gru"), words)
    with pytest.raises(ValueError, match="sequences must have at least one word, got none"):
        LISOR().fit(classifier, [])
    with pytest.raises(ValueError, match="word 1 has length 0"):
        LISOR().fit(classifier, ["0", ""])
    with pytest.raises(ValueError, match="symbol 'a'"):
        LISOR().fit(classifier, ["0a"])
    with pytest.raises(ValueError, match="not fitted yet"):
        LISOR().predict(words)
    fitted = LISOR(3).fit(classifier, words)
    with pytest.raises(ValueError, match="one label, 0 or 1, for each of the 2 words"):
        fitted.score(["0", "1"], [1])
    with pytest.raises(ValueError, match="at least one word, got none"):
        fitted.faithfulness([])
    with pytest.raises(ValueError, match="at least one k, got none"):
        sweep(classifier, words, words, [0] * 60, n_clusters=[])
