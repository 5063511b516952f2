"""Checkers of the exercises of the chapters on extracting automata."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from hsrnn.automata import BINARY, Automaton
from hsrnn.exercises.verdict import Wrong, array_of, call

WASTEFUL = Automaton.of("01", [[3, 4], [5, 4], [2, 2], [5, 0], [1, 0], [2, 0]], [2])
"""The machine of exercise 01.3: two states more than it needs."""

RIGHT_MACHINE = Automaton.of("01", [[1, 0], [2, 0], [3, 0], [3, 3]], [3])
"""Of exercise 02.3: accepts what contains 000."""

WRONG_MACHINE = Automaton.of("01", [[1, 0], [2, 0], [3, 1], [3, 3]], [3])
"""Of exercise 02.3: the same but for one transition."""

EVEN_AND_0 = Automaton.of("01", [[2, 1], [1, 0], [2, 1]], [2])
"""The language of exercise 01.1: an even number of 1s, and a 0 at the end."""


def even_and_ends_with_0(answer: Any, random: np.random.Generator) -> str:
    """01.1: an automaton of a language given in words, compared exactly."""
    machine = _automaton(answer)
    wrong = machine.counterexample(EVEN_AND_0)
    if wrong is not None:
        word = "".join(wrong)
        ones = f"{word.count('1')} ones, which is {'odd' if word.count('1') % 2 else 'even'}"
        end = f"ends with {word[-1]}" if word else "does not end with 0"
        said, should = ("accepts", "reject") if machine.accepts([word])[0] else ("rejects", "accept")
        raise Wrong(
            f"Your machine {said} {_shown(word)} and should {should} it: it has {ones}, and it {end}. "
            "No shorter word goes wrong."
        )
    more = machine.n_states - EVEN_AND_0.n_states
    if more:
        return f"It is right for every word of whatever length; {EVEN_AND_0.n_states} states would do."
    return "It is right for every word of whatever length, and no machine has fewer states."


def counted(answer: Any, random: np.random.Generator) -> str:
    """01.2: transition counts from words and the cluster after each of their symbols, against a plain
    loop."""
    for alphabet in ("01", "abc", "0"):
        k = int(random.integers(2, 5))
        lengths = random.integers(1, 7, 12)
        words = ["".join(random.choice(list(alphabet), n)) for n in lengths]
        clusters = [random.integers(0, k, n).tolist() for n in lengths]
        expected = np.zeros((k + 1, len(alphabet), k))
        for word, path in zip(words, clusters):
            for before, symbol, after in zip([k, *path], word, path):
                expected[before, alphabet.index(symbol), after] += 1
        copies = [list(words), [list(path) for path in clusters]]
        found = array_of(call(answer, *copies, alphabet, k), expected.shape, "The counts")
        if (found == expected).all():
            continue
        if (found[:k] == expected[:k]).all():
            raise Wrong(f"All is right but for the start, state {k}: each word's first symbol leaves it.")
        if found[:k].sum() > expected[:k].sum():
            raise Wrong(
                f"You count {found[:k].sum():g} steps between clusters; there are {expected[:k].sum():g}. "
                "Is a step counted from the last symbol of a word to the first of the next one?"
            )
        q, s, r = np.argwhere(found != expected)[0]
        raise Wrong(
            f"With the words {words[:3]} and nine more, {alphabet[s]} led {expected[q, s, r]:g} times from "
            f"{f'cluster {q}' if q < k else 'the start'} to cluster {r}; your function says "
            f"{found[q, s, r]:g}."
        )
    return "It counts as a plain loop does, for alphabets of one, two and three symbols."


def merged(answer: Any, random: np.random.Generator) -> str:
    """01.3: the pairs of states of :data:`WASTEFUL` that no word tells apart."""
    try:
        pairs = {tuple(sorted(int(state) for state in pair)) for pair in answer}
    except (TypeError, ValueError) as error:
        raise Wrong("A list of pairs of states is asked for, such as [(0, 1), (2, 5)].") from error
    states = range(WASTEFUL.n_states)
    if any(len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(states) for pair in pairs):
        raise Wrong(f"Each pair must hold two different states of 0 to {WASTEFUL.n_states - 1}.")
    number = WASTEFUL.minimise_with_map()[1]
    right = {pair for pair in combinations(states, 2) if number[pair[0]] == number[pair[1]]}
    for q, r in sorted(pairs - right):
        one, other = (Automaton(BINARY, WASTEFUL.table, WASTEFUL.accepting, state) for state in (q, r))
        rest = one.counterexample(other)
        assert rest is not None
        raise Wrong(
            f"States {q} and {r} must stay apart: from one of them {_shown(''.join(rest))} ends on an "
            "accepting state, from the other it does not."
        )
    if pairs != right:
        raise Wrong(f"{len(pairs)} of your pairs can be merged, and there are more that can.")
    return f"Merged, {WASTEFUL.n_states - len(right)} states are left, and no machine has fewer."


def position_distances(answer: Any, random: np.random.Generator) -> str:
    """02.1: squared distances of k-means-x from points to centres, against the written-out position block."""
    for _ in range(4):
        lengths = random.integers(1, 6, int(random.integers(2, 5)))
        sequence = np.repeat(np.arange(len(lengths)), lengths)
        position = np.concatenate([np.arange(1, n + 1) for n in lengths])
        points = len(sequence)
        k = int(random.integers(1, min(4, points) + 1))
        cluster = random.permutation(np.arange(points) % k)
        hidden = random.standard_normal((points, 3))
        weight = float(random.uniform(0.1, 2))
        block = np.zeros((points, len(lengths)))
        block[np.arange(points), sequence] = weight * position
        features = np.hstack([hidden, block])
        expected = _to_centres(features, cluster, k)
        copies = hidden.copy(), sequence.copy(), position.copy(), weight, cluster.copy()
        found = array_of(call(answer, *copies), expected.shape, "The squared distances")
        wrong = np.argwhere(~np.isclose(found, expected, rtol=1e-7, atol=1e-7))
        if len(wrong) == 0:
            continue
        if np.allclose(found**2, expected):
            raise Wrong("These are the distances; their squares are asked for.")
        if np.allclose(found, _to_centres(hidden, cluster, k)):
            raise Wrong("These are the distances between hidden states; the positions are left out.")
        i, c = wrong[0]
        raise Wrong(
            f"Point {i} stands at step {position[i]} of word {sequence[i]}, the points of cluster {c} are "
            f"{np.flatnonzero(cluster == c).tolist()}, the weight is {weight:.3f}: {expected[i, c]:.4f} is "
            f"right; your function says {found[i, c]:.4f}."
        )
    return "It equals the distances with the position block written out."


def _to_centres(features: np.ndarray, cluster: np.ndarray, k: int) -> np.ndarray:
    """Return squared distances `(points, k)` from all points to the means of the clusters."""
    centres = np.array([features[cluster == c].mean(0) for c in range(k)])
    return ((features[:, None] - centres) ** 2).sum(2)


def staying(answer: Any, random: np.random.Generator) -> str:
    """02.2: the table of most frequent transitions, where an unseen one stays."""
    for _ in range(5):
        k, symbols = int(random.integers(2, 6)), int(random.integers(1, 4))
        counts = random.integers(0, 4, (k + 1, symbols, k))
        counts[random.random((k + 1, symbols)) < 0.4] = 0
        counts[int(random.integers(k)), 0] = 0  # one of a cluster for certain
        counts[k, -1] = 0  # and one of the start
        rows = np.arange(k + 1)[:, None]
        expected = np.where(counts.any(2), counts.argmax(2), rows)
        found = array_of(call(answer, counts.copy()), (k + 1, symbols), "The table")
        for q, s in np.argwhere(found != expected):
            given = f"from state {q} of {k} clusters and the start, by symbol {s}"
            if not counts[q, s].any():
                raise Wrong(
                    f"No word took the way {given}: it should lead to {q} again, your table has "
                    f"{found[q, s]:g}."
                )
            raise Wrong(
                f"The counts {given} are {counts[q, s].tolist()}: it should lead to {expected[q, s]}, your "
                f"table has {found[q, s]:g}. (Of equal counts the lower cluster is taken.)"
            )
    return "Seen transitions take the most frequent way, unseen ones stay."


def told_apart(answer: Any, random: np.random.Generator) -> str:
    """02.3: a shortest word that exactly one of two given machines accepts."""
    if not isinstance(answer, str) or not set(answer) <= set(BINARY):
        raise Wrong('A word of 0 and 1 is asked for, as a string such as "0110".')
    right, wrong = (bool(machine.accepts([answer])[0]) for machine in (RIGHT_MACHINE, WRONG_MACHINE))
    if right == wrong:
        verb = "accept" if right else "reject"
        raise Wrong(f"Both machines {verb} {_shown(answer)}: it does not tell them apart.")
    shortest = RIGHT_MACHINE.counterexample(WRONG_MACHINE)
    assert shortest is not None
    if len(answer) > len(shortest):
        raise Wrong(f"They do differ on {_shown(answer)}, but a word of {len(shortest)} symbols would do.")
    return "They differ on it, and on no shorter word."


def twice_makes_no_difference(answer: Any, random: np.random.Generator) -> str:
    """02.4: an automaton of at least three states on which reading the first symbol twice changes
    nothing."""
    machine = _automaton(answer).minimise()
    if machine.n_states < 3:
        raise Wrong(
            f"Minimised, your machine has {machine.n_states} "
            f"state{'s' if machine.n_states > 1 else ''}; at least three are asked for."
        )
    first = machine.table[machine.start]
    again = machine.table[first, np.arange(len(first))]
    accepting = np.append(machine.accepting, machine.accepting[machine.start])
    twice = Automaton(machine.alphabet, np.vstack([machine.table, again]), accepting, machine.n_states)
    word = twice.counterexample(machine)
    if word is not None:
        read = "".join((word[0], *word))
        verdicts = ["accepted" if each.accepts([word])[0] else "rejected" for each in (machine, twice)]
        raise Wrong(
            f"{''.join(word)} is {verdicts[0]}; with its first symbol read twice it is read as {read} and "
            f"{verdicts[1]}."
        )
    return f"{machine.n_states} states, and no word of whatever length shows the fault."


def _automaton(answer: Any) -> Automaton:
    """Return an answer that should be an automaton over 0 and 1."""
    if not isinstance(answer, Automaton):
        raise Wrong(f"An Automaton is asked for, but the answer is of type {type(answer).__name__}.")
    if set(answer.alphabet) != set(BINARY):
        raise Wrong(f"The alphabet should be 0 and 1, got {', '.join(answer.alphabet)}.")
    return answer


def _shown(word: str) -> str:
    return word or "the empty word"


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "automata.01.1": even_and_ends_with_0,
    "automata.01.2": counted,
    "automata.01.3": merged,
    "automata.02.1": position_distances,
    "automata.02.2": staying,
    "automata.02.3": told_apart,
    "automata.02.4": twice_makes_no_difference,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
