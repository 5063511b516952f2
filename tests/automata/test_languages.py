"""The languages are what their definitions say, and as large as they truly are."""

import re
from itertools import groupby, product

import pytest

from hsrnn.automata import (
    BINARY,
    LANGUAGES,
    Automaton,
    Language,
    containing,
    exactly,
    language,
    to_automata_lib,
)

SHORT = ["".join(word) for n in range(11) for word in product("01", repeat=n)]
SIZES = {
    "0110": 6, "contains-0110": 5, "000": 4, "tomita-1": 2, "tomita-2": 3, "tomita-3": 5, "tomita-4": 4,
    "tomita-5": 4, "tomita-6": 3, "tomita-7": 5,
}  # fmt: skip


def no_odd_run_of_0s_behind_an_odd_run_of_1s(word):
    odd = False
    for symbol, run in groupby(word):
        length = len(list(run))
        if odd and symbol == "0" and length % 2:
            return False
        odd = odd or (symbol == "1" and length % 2 == 1)
    return True


DEFINITIONS = {
    "0110": lambda w: w == "0110",
    "contains-0110": lambda w: "0110" in w,
    "000": lambda w: "000" in w,
    "tomita-1": lambda w: "0" not in w,
    "tomita-2": lambda w: w == "10" * (len(w) // 2),
    "tomita-3": no_odd_run_of_0s_behind_an_odd_run_of_1s,
    "tomita-4": lambda w: "000" not in w,
    "tomita-5": lambda w: w.count("0") % 2 == 0 and w.count("1") % 2 == 0,
    "tomita-6": lambda w: (w.count("0") - w.count("1")) % 3 == 0,
    "tomita-7": lambda w: re.fullmatch("0*1*0*1*", w) is not None,
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_definition_and_minimal_size(name):
    found = language(name)
    assert found.accepts(SHORT).tolist() == [DEFINITIONS[name](word) for word in SHORT]
    assert found.automaton.n_states == SIZES[name]
    # automata-lib agrees that no complete automaton is smaller.
    assert len(to_automata_lib(found.automaton).minify().to_complete().states) == SIZES[name]
    assert found.description and found.alphabet == BINARY


def test_tomita_4_is_the_complement_of_000():
    assert language("tomita-4").automaton.equivalent(language("000").automaton.complement())


def test_languages_that_a_reader_gives():
    by_regex = Language.from_regex("(a|b)*abb", "ab")
    by_automaton = Language.from_automaton(by_regex.automaton, "ends with abb")
    by_predicate = Language.from_predicate(lambda word: word.endswith("abb"), "ab")
    words = ["".join(w) for n in range(7) for w in product("ab", repeat=n)]
    assert by_regex.automaton.n_states == 4 and by_regex.name == "(a|b)*abb"
    assert (by_regex.accepts(words) == by_automaton.accepts(words)).all()
    assert (by_regex.accepts(words) == by_predicate.accepts(words)).all()
    assert by_predicate.automaton is None
    counted = Language.from_predicate(lambda word: word.count("not") % 2 == 1, ("not", "good"))
    assert counted.accepts([["not", "good"], ["not", "not"]]).tolist() == [True, False]


def test_builders():
    ababb = containing("ababb", "ab")
    words = ["".join(w) for n in range(9) for w in product("ab", repeat=n)]
    assert ababb.n_states == 6 and ababb.accepts(words).tolist() == ["ababb" in w for w in words]
    some = exactly(["", "ab", "abb", "ba"], "ab")
    assert ["".join(w) for w in some.words(9)] == ["", "ab", "ba", "abb"]
    assert exactly([], "ab").n_states == 1


def test_a_language_keeps_its_automaton_minimal():
    given = Automaton.of("01", [[1, 1], [0, 0], [2, 2]], [0, 1, 2])
    assert Language.from_automaton(given).automaton.n_states == 1


def test_errors():
    with pytest.raises(ValueError, match="no language 'tomita-8'; there are: 0110"):
        language("tomita-8")
    with pytest.raises(ValueError, match="either an automaton or a predicate"):
        Language("both", BINARY, language("000").automaton, len)
    with pytest.raises(ValueError, match="has the alphabet"):
        Language("other", ("a", "b"), language("000").automaton)
    with pytest.raises(ValueError, match="substring must be symbols"):
        containing("012")
    with pytest.raises(ValueError, match="symbol '2'"):
        exactly(["02"])
    with pytest.raises(ValueError, match="symbol 'x'"):
        language("000").accepts(["x"])
