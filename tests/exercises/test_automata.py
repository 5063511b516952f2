"""The exercises on extracting automata: solutions pass, stubs and plausible mistakes fail, none raises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest

from hsrnn import exercises
from hsrnn.automata import Automaton
from hsrnn.exercises import Wrong, check, names
from hsrnn.exercises.automata import CHECKERS, EVEN_AND_0, RIGHT_MACHINE, WASTEFUL, WRONG_MACHINE

BOOK = Path(__file__).resolve().parent.parent.parent / "book"
NAMES = tuple(CHECKERS)
SEEDS = range(5)


def machine(table: list[list[int]], accepting: list[int], start: int = 0) -> Automaton:
    """An automaton over 0 and 1."""
    return Automaton.of("01", table, accepting, start)


def count(words, clusters, alphabet, k):
    """Exercise 01.2, solved."""
    counts = np.zeros((k + 1, len(alphabet), k), int)
    for word, path in zip(words, clusters, strict=True):
        for before, symbol, after in zip([k, *path], word, path):
            counts[before, alphabet.index(symbol), after] += 1
    return counts


def count_without_start(words, clusters, alphabet, k):
    """A mistake: the first symbol of a word is not counted."""
    counts = count(words, clusters, alphabet, k)
    counts[k] = 0
    return counts


def count_across_words(words, clusters, alphabet, k):
    """A mistake: all words are joined to one."""
    return count(["".join(words)], [[c for path in clusters for c in path]], alphabet, k)


def count_the_symbol_before(words, clusters, alphabet, k):
    """A mistake: the symbol is the one read on the way into the cluster before."""
    counts = count(words, clusters, alphabet, k)
    counts[:k] = 0
    for word, path in zip(words, clusters, strict=True):
        for before, symbol, after in zip(path, word, path[1:]):
            counts[before, alphabet.index(symbol), after] += 1
    return counts


def written_out(hidden, sequence, position, w, cluster):
    """Exercise 02.1, solved with the position block written out."""
    block = np.zeros((len(hidden), sequence.max() + 1))
    block[np.arange(len(hidden)), sequence] = w * position
    features = np.hstack([hidden, block])
    means = np.array([features[cluster == q].mean(0) for q in range(cluster.max() + 1)])
    return ((features[:, None] - means) ** 2).sum(2)


def from_pairs(hidden, sequence, position, w, cluster):
    """Exercise 02.1, solved without the block."""
    same, t = sequence[:, None] == sequence, position
    in_time = np.where(same, (t[:, None] - t) ** 2, t[:, None] ** 2 + t**2)
    pairs = ((hidden[:, None] - hidden) ** 2).sum(2) + w**2 * in_time
    own = [cluster == q for q in range(cluster.max() + 1)]
    return np.stack([pairs[:, m].mean(1) - pairs[np.ix_(m, m)].mean() / 2 for m in own], 1)


def one_column_for_all(hidden, sequence, position, w, cluster):
    """A mistake: positions of different words share a column."""
    return written_out(hidden, 0 * sequence, position, w, cluster)


def stay(counts):
    """Exercise 02.2, solved."""
    return np.where(counts.any(2), counts.argmax(2), np.arange(len(counts))[:, None])


def last_of_equals(counts):
    """A mistake: of equal counts the highest cluster is taken."""
    return np.where(
        counts.any(2),
        counts.shape[2] - 1 - counts[:, :, ::-1].argmax(2),
        np.arange(len(counts))[:, None],
    )


RIGHT: dict[str, list[Any]] = {
    "automata.01.1": [
        machine([[2, 1], [1, 0], [2, 1]], [2]),
        machine([[1, 2], [1, 2], [3, 0], [3, 0]], [1]),
        Automaton.of("10", [[1, 2], [0, 1], [1, 2]], [2]),
    ],
    "automata.01.2": [count, lambda *given: count(*given).tolist()],
    "automata.01.3": [[(0, 4), (1, 3)], [(3, 1), (4, 0)], {(0, 4), (1, 3)}, np.array([[0, 4], [1, 3]])],
    "automata.02.1": [written_out, from_pairs],
    "automata.02.2": [stay, lambda counts: stay(counts).tolist()],
    "automata.02.3": ["00100"],
    "automata.02.4": [
        machine([[1, 0], [1, 2], [1, 0]], [2]),
        machine([[1, 2], [1, 1], [2, 2]], [1]),
    ],
}

MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "automata.01.1": [
        (machine([[0, 1], [1, 0]], [0]), "accepts the empty word and should reject"),
        (machine([[1, 0], [1, 0]], [1]), "it has 1 ones, which is odd, and it ends with 0"),
        (machine([[2, 1], [1, 0], [2, 1]], [2], start=1), "should"),
        (Automaton.of("ab", [[0, 0]], [0]), "alphabet should be 0 and 1"),
        ([[2, 1], [1, 0], [2, 1]], "An Automaton is asked for"),
    ],
    "automata.01.2": [
        (count_without_start, "each word's first symbol leaves it"),
        (count_across_words, "the last symbol of a word to the first of the next one"),
        (count_the_symbol_before, "your function says"),
        (lambda words, clusters, alphabet, k: count(words, clusters, alphabet, k)[:k], "shape"),
        (lambda words, clusters: None, "raised TypeError"),
        (3, "A function is asked for"),
    ],
    "automata.01.3": [
        ([(0, 4)], "1 of your pairs can be merged, and there are more"),
        ([], "there are more"),
        ([(0, 4), (1, 3), (2, 5)], "States 2 and 5 must stay apart: from one of them the empty word"),
        ([(0, 1)], "States 0 and 1 must stay apart: from one of them 00 ends"),
        ([(0, 4, 1)], "two different states"),
        ([(0, 9)], "two different states"),
        ((0, 4), "A list of pairs"),
    ],
    "automata.02.1": [
        (lambda *given: np.sqrt(written_out(*given)), "their squares are asked for"),
        (lambda h, i, t, w, c: written_out(h, i, t, 0, c), "the positions are left out"),
        (lambda h, i, t, w, c: written_out(h, i, t, w * w, c), "is right; your function says"),
        (one_column_for_all, "is right; your function says"),
        (lambda *given: written_out(*given).T[:0], "shape"),
    ],
    "automata.02.2": [
        (lambda counts: counts.argmax(2), "it should lead to"),
        (lambda counts: np.where(counts.any(2), counts.argmax(2), len(counts)), "No word took the way"),
        (last_of_equals, "lower cluster"),
        (lambda counts: stay(counts)[:-1], "shape"),
    ],
    "automata.02.3": [
        ("000", "Both machines accept 000"),
        ("", "Both machines reject the empty word"),
        ("100100", "a word of 5 symbols would do"),
        (100, "A word of 0 and 1"),
        ("0012", "A word of 0 and 1"),
    ],
    "automata.02.4": [
        (machine([[1, 0], [2, 0], [3, 0], [3, 3]], [3]), "it is read as 0"),
        (machine([[0, 1], [1, 0]], [0]), "has 2 states"),
        (machine([[0, 0]], [0]), "has 1 state;"),
        (machine([[1, 1], [2, 2], [2, 2]], [1]), "with its first symbol read twice it is read as 00"),
        ("01", "An Automaton is asked for"),
    ],
}


def test_every_exercise_is_tested():
    assert set(NAMES) == set(RIGHT) == set(MISTAKES) <= set(names())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_solutions_pass(name: str, seed: int, capsys: pytest.CaptureFixture[str]):
    for answer in RIGHT[name]:
        assert check(name, answer, seed=seed), capsys.readouterr().out
        said = capsys.readouterr().out
        assert said.startswith(f"{name}: right. ") and max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("stub", [None, ...], ids=["None", "dots"])
@pytest.mark.parametrize("name", NAMES)
def test_the_stub_is_not_solved_yet(name: str, stub: Any, capsys: pytest.CaptureFixture[str]):
    assert not check(name, stub)
    assert "not solved yet" in capsys.readouterr().out


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_plausible_mistakes_fail_and_are_explained(name: str, seed: int, capsys: pytest.CaptureFixture[str]):
    for answer, explanation in MISTAKES[name]:
        assert not check(name, answer, seed=seed)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith(f"{name}: not yet. ") and explanation in said, said


def test_a_larger_machine_is_right_and_told_so(capsys: pytest.CaptureFixture[str]):
    assert check("automata.01.1", RIGHT["automata.01.1"][1])
    assert "3 states would do" in " ".join(capsys.readouterr().out.split())


def test_the_given_machines_are_what_the_exercises_say():
    words = ["".join(word) for n in range(9) for word in product("01", repeat=n)]
    assert EVEN_AND_0.accepts(words).tolist() == [w.count("1") % 2 == 0 and w[-1:] == "0" for w in words]
    contains = ["000" in word for word in words]
    assert WASTEFUL.accepts(words).tolist() == RIGHT_MACHINE.accepts(words).tolist() == contains
    assert WASTEFUL.n_states == RIGHT_MACHINE.minimise().n_states + 2
    assert sorted(WASTEFUL.minimise_with_map()[1].tolist()) == [0, 0, 1, 1, 2, 3]
    differ = [word for word in words if RIGHT_MACHINE.accepts([word])[0] != WRONG_MACHINE.accepts([word])[0]]
    assert min(differ, key=len) == "00100" and sum(len(word) == 5 for word in differ) == 1


def test_a_wrong_answer_is_an_exception_only_inside():
    checker: Callable[..., str] = CHECKERS["automata.02.3"]
    with pytest.raises(Wrong, match="would do"):
        checker("1" + "00100", np.random.default_rng(0))


CHAPTERS = ["01-states", "02-extract"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_show_a_stub_and_fold_a_solution_for_each_exercise(chapter: str):
    """Each exercise stands in its chapter: an open stub, the heading "Solution", a folded cell that
    checks."""
    cells = jupytext.read(BOOK / "automata" / f"{chapter}.py").cells
    own = [name for name in exercises.names() if name.startswith(f"automata.{chapter[:2]}.")]
    numbers = [int(name.rsplit(".", 1)[1]) for name in own]
    assert numbers[0] == 1 and all(b == a + 1 for a, b in pairwise(numbers))
    for name in own:
        code = [k for k, cell in enumerate(cells) if cell.cell_type == "code"]
        checking = [k for k in code if f'check("{name}"' in cells[k].source]
        assert len(checking) == 2, f"{name} is checked in {len(checking)} cells"
        stub, solution = (cells[k] for k in checking)
        assert "..." in stub.source and "hide-cell" not in stub.metadata.get("tags", [])
        assert "hide-cell" in solution.metadata["tags"] and "assert exercises.check" in solution.source
        between = [cell.source for cell in cells[checking[0] + 1 : checking[1]]]
        assert len(between) == 1 and between[0].strip("# ") == "Solution", "nothing given away unfolded"
