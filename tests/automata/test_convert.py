"""Round trips through automata-lib, AALpy and JSON, and regular expressions that Python's re agrees with."""

import re
from itertools import product

import pytest
from automata.fa.dfa import DFA
from automata.fa.nfa import NFA
from hypothesis import given, settings

from hsrnn.automata import (
    LANGUAGES,
    Automaton,
    from_aalpy,
    from_automata_lib,
    from_json,
    from_regex,
    to_aalpy,
    to_automata_lib,
    to_dot,
    to_json,
    to_regex,
)
from hsrnn.automata.convert import aalpy_module

from .conftest import automata

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

SHORT = ["".join(word) for n in range(8) for word in product("ab", repeat=n)]


@settings(deadline=None)
@given(automata())
def test_round_trips(automaton):
    assert from_json(to_json(automaton)) == automaton
    assert from_automata_lib(to_automata_lib(automaton)).equivalent(automaton)
    assert from_aalpy(to_aalpy(automaton)).equivalent(automaton)
    assert from_automata_lib(to_automata_lib(automaton), "ba").equivalent(automaton)


@given(automata(max_states=5))
@settings(deadline=None)
def test_a_regular_expression_means_the_same(automaton):
    expression = to_regex(automaton, 2000)
    if expression is None:
        return
    pattern = re.compile(expression)
    assert [pattern.fullmatch(word) is not None for word in SHORT] == automaton.accepts(SHORT).tolist()
    if "(?!)" not in expression:
        theirs = DFA.from_nfa(NFA.from_regex(expression, input_symbols={"a", "b"}))
        assert theirs == to_automata_lib(automaton)
        assert from_regex(expression, "ab") == automaton.minimise()


def test_known_expressions():
    found = {name: to_regex(LANGUAGES[name].automaton) for name in ("0110", "tomita-1", "tomita-2", "000")}
    assert found["0110"] == "0110" and found["tomita-1"] == "1*" and found["tomita-2"] == "(10)*"
    assert from_regex(found["000"], "01") == LANGUAGES["000"].automaton
    assert to_regex(Automaton.of("ab", [[0, 0]], [])) == "(?!)"
    assert to_regex(Automaton.of("*.", [[1, 0], [1, 1]], [1])) == r"\.*\*(\*|\.)*"
    assert to_regex(LANGUAGES["tomita-3"].automaton, 10) is None


def test_aalpy_reads_the_same_words():
    automaton = LANGUAGES["tomita-3"].automaton
    theirs = to_aalpy(automaton)
    for word in ("", "1", "10", "100", "1001", "10010"):
        theirs.reset_to_initial()
        verdicts = [theirs.step(None), *(theirs.step(symbol) for symbol in word)]
        assert verdicts[-1] == automaton.accepts([word])[0]
    assert aalpy_module("aalpy.automata").Dfa is type(theirs)


def test_a_partial_dfa_gets_a_sink():
    partial = DFA(
        states={"q", "r"}, input_symbols={"0", "1"}, transitions={"q": {"0": "r"}, "r": {}},
        initial_state="q", final_states={"r"}, allow_partial=True,
    )  # fmt: skip
    automaton = from_automata_lib(partial)
    assert automaton.n_states == 3 and list(automaton.words(5)) == [("0",)]


def test_dot_text():
    text = to_dot(Automaton.of(("a", 'say "b"', "c"), [[1, 1, 0], [1, 1, 1]], [1]), max_symbols=2)
    assert "rankdir=LR" in text and "1 [shape=doublecircle" in text and "start -> 0;" in text
    assert r'0 -> 1 [label="a, say \"b\""];' in text and '0 -> 0 [label="c"];' in text
    assert r'1 -> 1 [label="a, say \"b\", ... (3)"];' in text
    assert '"good"' in to_dot(Automaton.of("a", [[0]], [0]), names=["good"])
    with pytest.raises(ValueError, match="names must be 1, one a state, got 2"):
        to_dot(Automaton.of("a", [[0]], [0]), names=["a", "b"])


def test_errors(monkeypatch):
    with pytest.raises(ValueError, match="is no regular expression over '01'"):
        from_regex("(01", "01")
    with pytest.raises(ValueError, match="is no regular expression over '01'"):
        from_regex("012", "01")
    with pytest.raises(ValueError, match="symbols of one character"):
        from_regex("good", ("good",))
    with pytest.raises(ValueError, match="look at edges"):
        to_regex(Automaton.of(("good",), [[0]], [0]))
    with pytest.raises(ValueError, match=r"must name the symbols \['0', '1'\]"):
        from_automata_lib(to_automata_lib(LANGUAGES["000"].automaton), "ab")
    for text in ("no json", "[]", '{"alphabet": ["a"], "table": [[0]], "accepting": [9], "start": 0}'):
        with pytest.raises(ValueError, match="an automaton in JSON is an object"):
            from_json(text)
    with pytest.raises(ValueError, match="transitions must lead to states"):
        from_json('{"alphabet": ["a"], "table": [[5]], "accepting": [], "start": 0}')
    with pytest.raises(ModuleNotFoundError, match="pip install aalpy"):
        aalpy_module("aalpy.not_there")
