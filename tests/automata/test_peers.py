"""L*, KV and quantised states find the automata that LISOR finds, and say when their bounds stopped them."""

import numpy as np
import pytest

from hsrnn.automata import PeerResult, PoolOracle, SequenceClassifier, language, learn, quantise


@pytest.mark.parametrize("algorithm", ["lstar", "kv"])
@pytest.mark.parametrize(("cell", "name"), [("mgu", "000"), ("gru", "tomita-4"), ("gru", "tomita-6")])
def test_learners_find_the_language(trained, algorithm, cell, name):
    classifier, words = trained(cell, name)
    target = language(name).automaton
    # A network that is right up to length 10 need not be right beyond: test no longer words.
    oracle = PoolOracle(classifier, exhaustive=2**11, random_words=0)
    found = learn(classifier, algorithm, oracle=oracle)
    assert isinstance(found, PeerResult) and found.name == algorithm
    assert found.complete and found.automaton == target and found.n_states == target.n_states
    assert found.accuracy(words.test, words.test_labels) == 1.0
    assert found.faithfulness(classifier, words.test) == 1.0
    assert found.seconds > 0 and found.queries > 0 and found.detail["pool"] == 2**11 - 1


def test_the_pool_holds_every_short_word(trained):
    classifier, words = trained("mgu", "000")
    oracle = PoolOracle(classifier, exhaustive=100, random_words=50, longest=20, extra=words.train)
    assert oracle.all_up_to == 5 and len(oracle.words) == 63 + 50 + len(words.train)
    assert (np.diff(oracle.words.lengths) >= 0).all()
    assert (oracle.verdicts == classifier.predict(oracle.words)).all()
    target = language("000").automaton
    small = PoolOracle(classifier, exhaustive=100, random_words=0)
    assert small.counterexample(target) is None
    assert small.counterexample(language("tomita-1").automaton) in {(), ("1",), ("0",)}
    assert small.counterexample(target.complement()) == ()


def test_bounds_are_told(plain_calls):
    # An untrained network has no small automaton behind it that these bounds would reach.
    classifier = SequenceClassifier("01", "srn", 20, seed=3)
    classifier.cell.weight_hh.data.mul_(8)
    oracle = PoolOracle(classifier, exhaustive=2**11, random_words=500)
    found = learn(classifier, "kv", oracle=oracle, max_rounds=2)
    assert not found.complete and found.faithfulness(classifier, oracle.words) < 1
    states = learn(classifier, "lstar", oracle=oracle, max_states=2)
    assert not states.complete
    for algorithm in ("kv", "lstar"):
        free = learn(classifier, algorithm, oracle=oracle, max_states=10)
        asked = learn(classifier, algorithm, oracle=oracle, max_states=10, max_queries=60)
        assert free.queries > 60 + len(oracle.words) >= asked.queries and not asked.complete
        assert asked.automaton is not None and asked.n_states < free.n_states
    assert learn(classifier, "lstar", oracle=oracle, max_queries=1).automaton is None


@pytest.mark.parametrize(("cell", "name"), [("srn", "tomita-1"), ("mgu", "000"), ("lstm", "tomita-7")])
def test_quantised_states(trained, cell, name):
    classifier, words = trained(cell, name)
    found = quantise(classifier, words.train, words.train_labels, max_states=3000)
    assert found.name == "quantised" and found.queries > 0
    assert found.automaton is not None and found.n_states <= found.detail["cells"]
    assert found.complete == (found.accuracy(words.train, words.train_labels) == 1.0)
    assert found.detail["training_accuracy"] == found.accuracy(words.train, words.train_labels)


def test_one_bin_a_unit_follows_a_plain_search(plain_calls):
    classifier = SequenceClassifier("01", "gru", 3, seed=1)
    words, labels = ["0", "1", "01"], [0, 1, 1]
    found = quantise(classifier, words, labels, bins=(3,))
    cells, queue, rows = {}, [], []

    def number(state):
        key = tuple(np.clip(np.floor((state[0] + 1) * 1.5), 0, 2))
        if key not in cells:
            cells[key] = len(cells)
            queue.append(state)
        return cells[key]

    number(np.zeros((1, 3), np.float32))
    for state in queue:
        rows.append([number(classifier.advance(state, np.array([s]))) for s in range(2)])
    from hsrnn.automata import Automaton

    accepting = [k for k, state in enumerate(queue) if classifier.accepts_hidden(state)[0]]
    assert found.detail["cells"] == len(rows)
    assert found.automaton == Automaton.of("01", rows, accepting).minimise()


def test_too_many_cells_are_given_up(plain_calls):
    classifier = SequenceClassifier("01", "srn", 20, seed=3)
    classifier.cell.weight_hh.data.mul_(8)
    found = quantise(classifier, ["0", "1"], [0, 1], bins=(4, 5), max_states=50)
    assert found.automaton is None and found.n_states is None and not found.complete
    assert found.detail["given_up"] == [4, 5]
    assert found.accuracy(["0"], [1]) is None and found.faithfulness(classifier, ["0"]) is None


def test_errors(plain_calls):
    classifier = SequenceClassifier("01")
    with pytest.raises(ValueError, match='algorithm must be "lstar" or "kv", got \'rpni\''):
        learn(classifier, "rpni")
    with pytest.raises(ValueError, match="must be at least 1, got 0 and 200"):
        learn(classifier, max_rounds=0)
    with pytest.raises(ValueError, match="max_queries must be at least 1, or None for no limit, got 0"):
        learn(classifier, max_queries=0)
    with pytest.raises(ValueError, match="bins must be at least one number, each at least 2"):
        quantise(classifier, ["0", "1"], [0, 1], bins=(1,))
    with pytest.raises(ValueError, match="words must have at least one word"):
        quantise(classifier, [], [])
