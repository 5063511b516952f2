"""The table equals a plain loop, minimising equals automata-lib, and comparing finds the shortest
difference."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.automata import Automaton, from_automata_lib, to_automata_lib
from hsrnn.automata.partition import minimal, refine, shortest_difference, unique_rows

from .conftest import automata

# Type checks look at random elements of containers, which Hypothesis cannot replay; no test hangs on that.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

SHORT = ["".join(word) for n in range(7) for word in product("ab", repeat=n)]


def slow_accepts(automaton, word):
    state = automaton.start
    for symbol in word:
        state = automaton.table[state, automaton.alphabet.index(symbol)]
    return bool(automaton.accepting[state])


@settings(deadline=None)
@given(automata(), st.lists(st.text("ab", max_size=12), max_size=10))
def test_a_batch_equals_a_plain_loop(automaton, words):
    assert automaton.accepts(words).tolist() == [slow_accepts(automaton, word) for word in words]
    trace = automaton.trace(words)
    for row, word, state in zip(trace, words, automaton.run(words)):
        path = [automaton.start]
        for symbol in word:
            path.append(automaton.table[path[-1], automaton.alphabet.index(symbol)])
        assert (
            row[: len(path)].tolist() == path and state == path[-1] and (row[len(path) :] == path[-1]).all()
        )


@settings(deadline=None)
@given(automata("abc"))
def test_minimised_is_equivalent_and_none_is_smaller(automaton):
    small, number = automaton.minimise_with_map()
    assert small.equivalent(automaton)
    # automata-lib's minimal complete DFA has a sink where one is needed, as ours has.
    theirs = to_automata_lib(automaton).minify().to_complete()
    assert small.n_states == len(theirs.states)
    assert to_automata_lib(small) == theirs
    assert small.minimise() == small == automaton.minimise()
    for state, merged in enumerate(number):
        if merged >= 0:
            from_state = Automaton(automaton.alphabet, automaton.table, automaton.accepting, state)
            assert from_state.equivalent(Automaton(small.alphabet, small.table, small.accepting, int(merged)))


@settings(deadline=None)
@given(automata(), automata())
def test_the_counterexample_is_a_shortest_and_first(one, other):
    word = one.counterexample(other)
    differing = [w for w in SHORT if slow_accepts(one, w) != slow_accepts(other, w)]
    if word is None:
        assert not differing and to_automata_lib(one) == to_automata_lib(other)
        assert one.minimise() == other.minimise()
    else:
        assert to_automata_lib(one) != to_automata_lib(other)
        assert slow_accepts(one, word) != slow_accepts(other, word)
        assert not differing or "".join(word) == differing[0]
    assert one.equivalent(other) == (word is None)


@settings(deadline=None)
@given(automata())
def test_complement_twice_is_the_same(automaton):
    other = automaton.complement()
    assert other.complement() == automaton
    assert (other.accepts(SHORT) == ~automaton.accepts(SHORT)).all()
    assert not other.equivalent(automaton) and other.counterexample(automaton) == ()


@settings(deadline=None)
@given(automata(), st.booleans())
def test_with_empty_changes_one_word(automaton, accepted):
    other = automaton.with_empty(accepted)
    assert other.accepts([""])[0] == accepted
    assert (other.accepts(SHORT[1:]) == automaton.accepts(SHORT[1:])).all()


@settings(deadline=None)
@given(automata())
def test_words_and_counts_equal_trying_all(automaton):
    accepted = [word for word in SHORT if slow_accepts(automaton, word)]
    assert ["".join(word) for word in automaton.words(6)] == accepted
    assert automaton.counts(6) == [sum(len(word) == n for word in accepted) for n in range(7)]


def test_counts_are_exact_beyond_floats():
    everything = Automaton.of("ab", [[0, 0]], [0])
    assert everything.counts(100)[100] == 2**100


@settings(deadline=None)
@given(automata("abcd", 3))
def test_symbol_classes_and_edges(automaton):
    columns = dict(zip(automaton.alphabet, automaton.table.T.tolist()))
    classes = automaton.symbol_classes()
    assert sorted(sum(classes, ())) == sorted(automaton.alphabet)
    for one, other in product(classes, classes):
        for a, b in product(one, other):
            assert (columns[a] == columns[b]) == (one is other)
    for (state, target), symbols in automaton.edges().items():
        expected = [s for s in automaton.alphabet if columns[s][state] == target]
        assert list(symbols) == expected and expected
    assert sum(map(len, automaton.edges().values())) == automaton.table.size


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_larger_automata_minimise_as_automata_lib_does(seed):
    generator = np.random.default_rng(seed)
    kernel = generator.integers(12, size=(12, 3))
    # Twenty copies of twelve states, shuffled: at most twelve remain.
    copies = 12 * generator.integers(20, size=(240, 3)) + np.tile(kernel, (20, 1))
    accepting = np.tile(generator.random(12) < 0.4, 20)
    shuffle = generator.permutation(240)
    automaton = Automaton(tuple("abc"), np.argsort(shuffle)[copies[shuffle]], accepting[shuffle], 5)
    small = automaton.minimise()
    assert small.n_states <= 12 and small.equivalent(automaton)
    assert small.n_states == len(to_automata_lib(automaton).minify().to_complete().states)


def test_a_chain_needs_every_state():
    n = 60  # each round of refinement splits off one state
    automaton = Automaton.of("a", [[min(k + 1, n - 1)] for k in range(n)], [n - 1])
    assert automaton.minimise() == automaton
    assert refine(automaton.table, automaton.accepting).max() == n - 1


def test_a_vocabulary_minimises():
    generator = np.random.default_rng(0)
    kernel = generator.integers(8, size=(8, 18_000))
    table = np.concatenate([kernel, kernel, kernel[:4]]) + 8 * generator.integers(2, size=(20, 18_000))
    accepting = np.tile(np.arange(8) < 3, 3)[:20]
    automaton = Automaton(tuple(f"w{k}" for k in range(18_000)), table, accepting)
    small = automaton.minimise()
    words = [[f"w{k}" for k in generator.integers(18_000, size=9)] for _ in range(300)]
    assert small.n_states == 8 and (small.accepts(words) == automaton.accepts(words)).all()
    assert small.equivalent(automaton)


def test_the_order_of_the_alphabet_does_not_matter():
    one = Automaton.of("ab", [[1, 0], [1, 1]], [1])
    other = Automaton.of("ba", [[0, 1], [1, 1]], [1])
    assert one.equivalent(other) and one != other
    assert one.counterexample(other.complement()) == ()
    with pytest.raises(ValueError, match=r"only one of them has \['b', 'c'\]"):
        one.counterexample(Automaton.of("ac", [[0, 0]], []))


def test_it_never_changes():
    table = np.array([[0, 1], [1, 0]])
    automaton = Automaton(("a", "b"), table, np.array([True, False]))
    table[0, 0] = 1
    assert automaton.table[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        automaton.table[0, 0] = 1
    with pytest.raises(AttributeError):
        automaton.start = 1
    assert hash(automaton) == hash(Automaton.of("ab", [[0, 1], [1, 0]], [0]))
    assert automaton != "ab" and len({automaton, automaton.complement().complement()}) == 1
    assert repr(automaton) == "Automaton(alphabet='ab', n_states=2, start=0, accepting=[0])"


def test_errors(plain_calls):
    with pytest.raises(ValueError, match=r"table must be \(states, symbols\).*2 symbols, got \(1, 3\)"):
        Automaton.of("ab", [[0, 0, 0]], [])
    with pytest.raises(ValueError, match=r"states in \[0, 1\), got 0 to 1.*add a rejecting sink"):
        Automaton.of("ab", [[0, 1]], [])
    with pytest.raises(ValueError, match="start must be a state"):
        Automaton.of("ab", [[0, 0]], [], 3)
    with pytest.raises(ValueError, match=r"accepting must be \(1,\)"):
        Automaton(("a", "b"), np.array([[0, 0]]), np.array([True, False]))
    with pytest.raises(ValueError, match="symbol 'c'"):
        Automaton.of("ab", [[0, 0]], []).accepts(["abc"])


def test_pieces():
    first, number = unique_rows(np.array([[3, 1], [0, 2], [3, 1]]))
    assert first.tolist() == [0, 1] and number.tolist() == [0, 1, 0]
    table, accepting = np.array([[1], [0], [2]]), np.array([True, False, True])
    small, accepts, number = minimal(table, accepting, 1)
    assert (
        small.tolist() == [[1], [0]] and accepts.tolist() == [False, True] and number.tolist() == [1, 0, -1]
    )
    assert shortest_difference(table, table, accepting, ~accepting, (0, 1)) is None
    assert from_automata_lib(to_automata_lib(Automaton.of("a", [[0]], [0]))).n_states == 1
