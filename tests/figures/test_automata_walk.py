"""What the living figure Automaton gets from Python."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.automata import CELLS as MODEL_CELLS
from hsrnn.automata import LANGUAGES
from hsrnn.automata import Automaton as Machine
from hsrnn.figures import Automaton, project
from hsrnn.figures.automata_walk import CELLS, class_name, refinement, trace

from .automata_figures import LANGUAGE, automaton_figure, machine_of, net_data


def test_cells_are_those_of_the_room() -> None:
    assert CELLS == tuple(MODEL_CELLS)


@settings(deadline=None)
@given(st.integers(1, 14), st.integers(1, 3), st.integers(0, 10_000))
def test_the_last_round_is_the_minimal_automaton(states: int, symbols: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    table = random.integers(0, states, (states, symbols))
    machine = Machine(
        tuple("abc"[:symbols]), table, random.random(states) < 0.4, int(random.integers(states))
    )
    rounds = refinement(machine.table, machine.accepting, machine.start)
    minimal, number = machine.minimise_with_map()
    np.testing.assert_array_equal(rounds[-1], number)
    assert rounds[-1].max() + 1 == minimal.n_states
    reached = number >= 0
    assert rounds[0].max() + 1 == len(set(machine.accepting[reached].tolist()))
    for coarse, fine in pairwise(rounds):
        # Each round splits classes and joins none.
        assert fine.max() > coarse.max()
        assert len(set(zip(coarse[reached].tolist(), fine[reached].tolist(), strict=True))) == fine.max() + 1


def test_data_is_what_the_arrays_say() -> None:
    figure = automaton_figure()
    net = figure.data["nets"][0]
    given_net = net_data("gru")
    xy, share = project(given_net["points"])
    assert net["share"] == pytest.approx(share)
    np.testing.assert_allclose(net["points"], xy, atol=1e-3)
    for told, machine in zip(net["machines"], given_net["machines"], strict=True):
        automaton = Machine(("0", "1"), machine["table"], machine["accepting"], machine["start"])
        minimal, number = automaton.minimise_with_map()
        assert told["map"] == number.tolist()
        assert told["minimal"]["table"] == minimal.table.tolist()
        assert told["minimal"]["accepting"] == minimal.accepting.tolist()
        assert told["stages"][0] == f"as extracted: {automaton.n_states} states"
        assert told["stages"][-1].startswith(f"minimised: {minimal.n_states} state")
        assert len(told["stages"]) == len(told["rounds"]) + 2
        centre = xy[np.asarray(machine["clusters"]) == 2].mean(0)
        np.testing.assert_allclose(told["centres"][2], centre, atol=1e-3)
        assert told["centres"][automaton.start] is None  # no hidden state lies in the start
        edges = {(edge["source"], edge["target"]) for edge in told["layout"]["edges"]}
        assert edges == set(automaton.edges())
    assert figure.state == {"net": 0, "machine": 0, "stage": 0, "word": list("1011"), "at": None}
    assert figure.data["target"]["table"] == LANGUAGES[LANGUAGE].automaton.table.tolist()


def test_alt_text_follows_the_word() -> None:
    figure = automaton_figure()
    machine = net_data("gru")["machines"][0]
    path = trace(machine["table"], machine["start"], [1, 0, 1, 1])
    assert figure.alt.startswith(
        "Automata extracted from recurrent networks (GRU, SRN, exact). Automaton with "
    )
    assert f"Highlighted: {', '.join(map(str, path))}." in figure.alt
    small = Automaton.from_nets([net_data("gru")], "01", minimised=True)
    assert small.state["stage"] == len(small.data["nets"][0]["machines"][0]["stages"]) - 1
    assert "Start: A." in small.alt
    assert small.data["target"] is None


def test_names_of_classes() -> None:
    assert [class_name(number) for number in (0, 25, 26, 53)] == ["A", "Z", "A1", "B2"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "rnn"}, "cell must be one of srn, mgu, gru, lstm, got 'rnn'"),
        ({"cell": "lstm"}, "'lstm' of 6 units with 2 inputs: weight_ih is .18, 2., must be .24, 2."),
        ({"weights": {}}, "state dict: cell.weight_ih, .* missing"),
        ({"points": np.zeros((3, 2))}, r"points\"\] must be \(n, 6\) hidden states, got \(3, 2\)"),
        ({"machines": []}, "must hold at least one automaton"),
        ({"machines": [{"k": 1, "table": [[0]], "accepting": [1], "start": 0}]}, r'"\]\[0\]: table must be'),
        (
            {"machines": [{"k": 1, "table": [[0, 0]], "accepting": [1], "start": 0, "clusters": [0]}]},
            r"clusters must be \(\d+,\) states from 0 to 0, one for",
        ),
    ],
)  # fmt: skip
def test_bad_networks_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Automaton.from_nets([{**net_data("gru"), **change}], "01")


def test_bad_words_and_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        Automaton.from_nets([], "01")
    with pytest.raises(ValueError, match="symbols must be 1 to 10 different ones"):
        Automaton.from_nets([net_data("gru")], "00")
    with pytest.raises(ValueError, match=r"word must be at most 60 symbols of \['0', '1'\], got \['2'\]"):
        Automaton.from_nets([net_data("gru")], "01", word="2")
    with pytest.raises(ValueError, match="start must be a state"):
        target = machine_of(LANGUAGES[LANGUAGE].automaton) | {"start": 9}
        Automaton.from_nets([net_data("gru")], "01", target=target)
