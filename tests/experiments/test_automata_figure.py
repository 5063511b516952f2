"""The living figure Automaton with networks trained here: what it holds, where it opens, and bad input."""

import numpy as np
import pytest

from hsrnn import automata
from hsrnn.experiments.automata_figure import automaton_figure

TARGET = automata.language("tomita-1").automaton
WORDS = automata.decode(
    automata.sample(automata.language("tomita-1"), range(1, 7), 120, np.random.default_rng(0))[0], "01"
)


@pytest.fixture(scope="module")
def taught() -> automata.SequenceClassifier:
    net = automata.SequenceClassifier("01", "srn", 6, seed=0)
    labels = TARGET.accepts(WORDS)
    automata.train(net, WORDS, labels, WORDS, labels, empty=True, seed=0)
    assert (net.predict(WORDS) == labels).all()
    return net


def test_it_opens_with_the_first_exact_automaton(taught):
    figure = automaton_figure({"one": taught, "two": taught}, WORDS, TARGET, n_clusters=(8, 2, 4), word="110")
    assert [net["name"] for net in figure.data["nets"]] == ["one", "two"]
    machines = figure.data["nets"][0]["machines"]
    assert [machine["k"] for machine in machines] == [2, 4, 8]
    exact = []
    for machine in machines:
        lisor = automata.LISOR(machine["k"]).fit(taught, WORDS)
        assert np.array_equal(machine["table"], lisor.automaton_.table)
        exact.append(lisor.minimal_ == TARGET)
        assert ("exact" in machine["name"]) == exact[-1]
    assert any(exact) and figure.state["machine"] == exact.index(True)
    assert figure.state["word"] == ["1", "1", "0"]


def test_it_opens_with_the_last_where_none_is_exact():
    fresh = automata.SequenceClassifier("01", "gru", 4, seed=1)
    figure = automaton_figure({"fresh": fresh}, WORDS, TARGET, n_clusters=(2, 3))
    assert figure.state["machine"] == 1
    assert not any("exact" in machine["name"] for machine in figure.data["nets"][0]["machines"])


def test_errors(taught):
    with pytest.raises(ValueError, match="must each hold at least one, got none"):
        automaton_figure({}, WORDS, TARGET)
    with pytest.raises(ValueError, match="must each hold at least one, got none"):
        automaton_figure({"one": taught}, WORDS, TARGET, n_clusters=())
    other = automata.SequenceClassifier("ab", "srn", 4)
    with pytest.raises(ValueError, match="network 'other' must read the target's alphabet"):
        automaton_figure({"other": other}, WORDS, TARGET)
    with pytest.raises(ValueError, match="machine must be an index of the first network's 1, got 5"):
        automaton_figure({"one": taught}, WORDS, TARGET, n_clusters=(2,)).from_nets(
            [{
                "cell": "srn", "points": taught.states(WORDS),
                "weights": {key: value.numpy() for key, value in taught.state_dict().items()},
                "machines": [{"k": 2, "table": TARGET.table, "accepting": TARGET.accepting, "start": 0}],
            }], "01", machine=5,
        )  # fmt: skip
