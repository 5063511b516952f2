"""The finite state automaton: a dense table of transitions that reads a whole batch of words at once.

A 5-tuple (alphabet, states, start, accepting states, transition map) as in Hou and Zhou (2020, arXiv
1810.10708), complete and deterministic: from each state exactly one transition for each symbol. ``partition``
holds the algorithms on the table, ``convert`` the ways in and out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .partition import minimal, shortest_difference, unique_rows
from .sequences import Sequences, Words, check_alphabet, encode


@dataclass(frozen=True, eq=False, repr=False)
class Automaton:
    """A complete deterministic finite automaton; never changes once made.

    Attributes:
        alphabet: the symbols, strings.
        table: ``(states, symbols)`` integers: the state after reading a symbol in a state. Read-only.
        accepting: ``(states,)`` booleans. Read-only.
        start: the state before the first symbol.

    Raises:
        ValueError: for shapes that do not fit, a target or start that is no state, or an unfit alphabet.
    """

    alphabet: tuple[str, ...]
    table: NDArray[np.intp]
    accepting: NDArray[np.bool_]
    start: int = 0

    def __post_init__(self) -> None:
        """Check and freeze."""
        alphabet = check_alphabet(self.alphabet)
        table = np.array(self.table, np.intp)
        accepting = np.array(self.accepting, bool)
        if table.ndim != 2 or len(table) == 0 or table.shape[1] != len(alphabet):
            raise ValueError(
                f"table must be (states, symbols) with at least one state and {len(alphabet)} symbols, got "
                f"{table.shape}"
            )
        if accepting.shape != (len(table),):
            raise ValueError(f"accepting must be ({len(table)},), one flag a state, got {accepting.shape}")
        if table.min() < 0 or table.max() >= len(table):
            raise ValueError(
                f"transitions must lead to states in [0, {len(table)}), got {table.min()} to {table.max()}; "
                "an automaton here is complete: add a rejecting sink for what is missing"
            )
        if not 0 <= self.start < len(table):
            raise ValueError(f"start must be a state in [0, {len(table)}), got {self.start}")
        table.setflags(write=False)
        accepting.setflags(write=False)
        for name, value in (("alphabet", alphabet), ("table", table), ("accepting", accepting)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "start", int(self.start))

    @classmethod
    def of(
        cls, alphabet: Sequence[str], table: ArrayLike, accepting: Sequence[int], start: int = 0
    ) -> Automaton:
        """Make an automaton from a table and the list of accepting states."""
        rows = np.asarray(table, np.intp)
        flags = np.zeros(len(rows), bool)
        flags[list(accepting)] = True
        return cls(tuple(alphabet), rows, flags, start)

    @property
    def n_states(self) -> int:
        """Number of states, reachable or not."""
        return len(self.table)

    def __repr__(self) -> str:
        """Return sizes, start and accepting states."""
        shown = "".join(self.alphabet) if all(len(s) == 1 for s in self.alphabet) else len(self.alphabet)
        return (
            f"Automaton(alphabet={shown!r}, n_states={self.n_states}, start={self.start}, "
            f"accepting={np.flatnonzero(self.accepting).tolist()})"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same table with the same names; see :meth:`equivalent` for
        languages."""
        return (
            isinstance(other, Automaton)
            and self.alphabet == other.alphabet
            and self.start == other.start
            and np.array_equal(self.table, other.table)
            and np.array_equal(self.accepting, other.accepting)
        )

    def __hash__(self) -> int:
        """Return a hash that agrees with equality."""
        return hash((self.alphabet, self.start, self.table.tobytes(), self.accepting.tobytes()))

    # Running ------------------------------------------------------------------------------------------

    def run(self, words: Words) -> NDArray[np.intp]:
        """Return the state in which each word ends, ``(words,)``; the empty word ends where it starts.

        Raises:
            ValueError: for a symbol outside the alphabet.
        """
        offsets, columns = self._prepare(encode(words, self.alphabet))
        at = np.full(columns.shape[1], self.start * (len(self.alphabet) + 1))
        index = np.empty_like(at)
        for column in columns:
            np.add(at, column, out=index)
            np.take(offsets, index, out=at, mode="clip")
        return at // (len(self.alphabet) + 1)

    def trace(self, words: Words) -> NDArray[np.intp]:
        """Return the states that each word passes, ``(words, time + 1)``, the start first; behind the end of
        a word its last state is repeated."""
        offsets, columns = self._prepare(encode(words, self.alphabet))
        width = len(self.alphabet) + 1
        states = np.empty((len(columns) + 1, columns.shape[1]), np.intp)
        states[0] = self.start * width
        for t, column in enumerate(columns):
            np.take(offsets, states[t] + column, out=states[t + 1], mode="clip")
        return states.T // width

    def _prepare(self, sequences: Sequences) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the flat table, whose entries are already offsets of rows, and the codes ``(time, words)``.

        One more symbol that stays in every state stands behind the end of a word, so that all words of a
        batch take equally many steps and no step asks which of them have ended.
        """
        states, width = self.n_states, len(self.alphabet) + 1
        offsets = np.empty((states, width), np.intp)
        offsets[:, :-1], offsets[:, -1] = self.table, np.arange(states)
        codes = sequences.codes
        if len(codes) and sequences.lengths.min() < codes.shape[1]:
            codes = np.where(sequences.mask, codes, width - 1)
        return (offsets * width).ravel(), np.ascontiguousarray(codes.T, np.intp)

    def accepts(self, words: Words) -> NDArray[np.bool_]:
        """Return which words are accepted, ``(words,)``."""
        return self.accepting[self.run(words)]

    # Algebra ------------------------------------------------------------------------------------------

    def minimise(self) -> Automaton:
        """Return the automaton of fewest states with the same language, start state 0.

        States are numbered in the order in which a breadth-first search meets them, so two automata over the
        same alphabet have the same language exactly if their minimised forms are equal.
        """
        table, accepting, _ = minimal(self.table, self.accepting, self.start)
        return Automaton(self.alphabet, table, accepting)

    def minimise_with_map(self) -> tuple[Automaton, NDArray[np.intp]]:
        """Return :meth:`minimise` and for each state the state it merged into, ``(states,)``, -1 if it cannot
        be reached."""
        table, accepting, number = minimal(self.table, self.accepting, self.start)
        return Automaton(self.alphabet, table, accepting), number

    def complement(self) -> Automaton:
        """Return the automaton that accepts exactly the words this one rejects."""
        return Automaton(self.alphabet, self.table, ~self.accepting, self.start)

    def with_empty(self, accepted: bool) -> Automaton:
        """Return the automaton of the same language but for the empty word, which it accepts or not as told.

        A network that never read the empty word has no view on it; giving two automata the same one compares
        them on all other words.
        """
        table = np.concatenate([self.table, self.table[self.start : self.start + 1]])
        return Automaton(self.alphabet, table, np.append(self.accepting, accepted), self.n_states)

    def counterexample(self, other: Automaton) -> tuple[str, ...] | None:
        """Return a shortest word that exactly one of the two accepts, or ``None`` if their languages are
        equal.

        Among the shortest words it is the first in the order of this alphabet.

        Raises:
            ValueError: if the alphabets have different symbols.
        """
        table = other.table
        if other.alphabet != self.alphabet:
            if set(other.alphabet) != set(self.alphabet):
                missing = sorted(set(self.alphabet) ^ set(other.alphabet))[:5]
                raise ValueError(
                    f"two automata are compared over one alphabet, but only one of them has {missing}; give "
                    "both the same symbols"
                )
            index = {symbol: code for code, symbol in enumerate(other.alphabet)}
            table = table[:, [index[symbol] for symbol in self.alphabet]]
        codes = shortest_difference(
            self.table, table, self.accepting, other.accepting, (self.start, other.start)
        )
        return None if codes is None else tuple(self.alphabet[code] for code in codes)

    def equivalent(self, other: Automaton) -> bool:
        """Return whether both accept the same words; ValueError as for :meth:`counterexample`."""
        return self.counterexample(other) is None

    # Words --------------------------------------------------------------------------------------------

    def counts(self, max_length: int) -> list[int]:
        """Return how many words of length 0, 1, ..., ``max_length`` are accepted, exactly."""
        states = self.n_states
        steps = np.bincount(
            (np.arange(states)[:, None] * states + self.table).ravel(), minlength=states * states
        ).reshape(states, states)
        targets = [[(int(r), int(row[r])) for r in np.flatnonzero(row)] for row in steps]
        ways, result = [int(flag) for flag in self.accepting], []
        for _ in range(max_length + 1):
            result.append(ways[self.start])
            ways = [sum(n * ways[r] for r, n in row) for row in targets]
        return result

    def words(self, max_length: int) -> Iterator[tuple[str, ...]]:
        """Yield every accepted word of at most ``max_length`` symbols, shorter ones first, equally long ones
        in the order of the alphabet; only prefixes that lead to a word are walked."""
        reach = [self.accepting]
        for _ in range(max_length):
            reach.append(reach[-1][self.table].any(1))
        for length in range(max_length + 1):
            yield from self._words(self.start, length, reach)

    def _words(self, state: int, length: int, reach: list[NDArray[np.bool_]]) -> Iterator[tuple[str, ...]]:
        stack: list[tuple[int, tuple[str, ...]]] = [(state, ())]
        while stack:
            state, word = stack.pop()
            left = length - len(word)
            if not reach[left][state]:
                continue
            if left == 0:
                yield word
                continue
            for code in range(len(self.alphabet) - 1, -1, -1):
                stack.append((int(self.table[state, code]), (*word, self.alphabet[code])))

    # Symbols ------------------------------------------------------------------------------------------

    def symbol_classes(self) -> list[tuple[str, ...]]:
        """Return the symbols in classes: two are in one class if no state tells them apart (decision A12)."""
        _, number = unique_rows(self.table.T)
        order = np.argsort(number, kind="stable")
        cuts = np.flatnonzero(np.diff(number[order])) + 1
        return [tuple(self.alphabet[code] for code in part) for part in np.split(order, cuts)]

    def edges(self) -> dict[tuple[int, int], tuple[str, ...]]:
        """Return ``{(state, next state): symbols}``: the word class of each edge (the paper's "shrunk"
        form)."""
        made: dict[tuple[int, int], tuple[str, ...]] = {}
        for state, row in enumerate(self.table):
            order = np.argsort(row, kind="stable")
            for part in np.split(order, np.flatnonzero(np.diff(row[order])) + 1):
                made[state, int(row[part[0]])] = tuple(self.alphabet[code] for code in part)
        return made
