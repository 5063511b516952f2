"""The exercises of the HM-LSTM chapters: solutions pass, stubs and plausible mistakes fail, none raises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
import torch

from hsrnn import exercises
from hsrnn.exercises import Wrong, check, names
from hsrnn.exercises.hmrnn import CHECKERS

BOOK = Path(__file__).resolve().parent.parent.parent / "book"
NAMES = tuple(CHECKERS)
SEEDS = range(5)


def table(z: np.ndarray) -> np.ndarray:
    """Exercise 01.1, solved."""
    z = np.asarray(z)
    own = np.hstack([np.vstack([np.zeros_like(z[:1]), z[:-1]]), np.zeros((len(z), 1), int)])
    below = np.hstack([np.ones((len(z), 1), int), z])
    return np.where(own == 1, 2, below)


def own_boundary_now(z: np.ndarray) -> np.ndarray:
    """A mistake: the own boundary is taken at this letter instead of one letter ago."""
    own = np.hstack([z, np.zeros((len(z), 1), int)])
    below = np.hstack([np.ones((len(z), 1), int), z])
    return np.where(own == 1, 2, below)


def update_wins(z: np.ndarray) -> np.ndarray:
    """A mistake: UPDATE goes before FLUSH."""
    own = np.hstack([np.vstack([np.zeros_like(z[:1]), z[:-1]]), np.zeros((len(z), 1), int)])
    below = np.hstack([np.ones((len(z), 1), int), z])
    return np.where(below == 1, 1, 2 * own)


def at(*places: tuple[int, int]) -> np.ndarray:
    """Boundaries of 12 letters and two layers, set at (letter, layer), both counted from 0."""
    z = np.zeros((12, 2), int)
    for place in places:
        z[place] = 1
    return z


def three_terms(own, below, f, i, g, cell):
    """Exercise 02.3, solved."""
    write = i * g
    return own * write + (1 - own) * below * (f * cell + write) + (1 - own) * (1 - below) * cell


def factored(own, below, f, i, g, cell):
    """A mistake: the shorter form, whose copies are not exact."""
    write = i * g
    return write + (1 - own) * (1 - below) * (cell - write) + (1 - own) * below * f * cell


def by_where(own, below, f, i, g, cell):
    """A mistake: the choice is hidden from the gradient."""
    return torch.where(own > 0.5, i * g, torch.where(below > 0.5, f * cell + i * g, cell))


def detached(own, below, f, i, g, cell):
    """A mistake: the gradient reaches one of the boundaries only."""
    return three_terms(own, below.detach(), f, i, g, cell)


def count(columns, sizes):
    """Exercise 02.2, solved."""
    total = sum(
        (4 * units + 1) * (units + below + above + 1)
        for below, units, above in zip((columns, *sizes), sizes, sizes[1:], strict=False)
    )
    return total + 4 * sizes[-1] * (sizes[-1] + (columns, *sizes)[-2] + 1)


def count_with_a_boundary_on_top(columns, sizes):
    """A mistake: the top layer is given a row for z."""
    return count(columns, sizes) + sizes[-1] + (columns, *sizes)[-2] + 1


RIGHT: dict[str, list[Any]] = {
    "hmrnn.01.1": [table, lambda z: table(z).tolist(), lambda z: torch.from_numpy(table(z))],
    "hmrnn.01.2": [
        at((3, 0), (3, 1), (7, 0), (7, 1)),
        at((2, 0), (2, 1), (5, 0), (5, 1)).tolist(),
        torch.from_numpy(at((1, 0), (4, 0), (5, 1), (8, 1), (11, 0))) * 0
        + torch.from_numpy(at((3, 0), (3, 1), (8, 0), (8, 1))),
    ],
    "hmrnn.01.3": [
        lambda state: state._replace(cell=state.cell + 1),
        lambda state: state._replace(cell=torch.zeros_like(state.cell)),
    ],
    "hmrnn.02.1": [
        lambda s, slope: np.where(np.abs(s) < 1 / slope, slope / 2, 0),
        lambda s, slope: torch.tensor([slope / 2 if -1 < slope * x < 1 else 0.0 for x in s]).double(),
    ],
    "hmrnn.02.2": [count],
    "hmrnn.02.3": [
        three_terms,
        lambda own, below, f, i, g, cell: (
            own * (i * g) + (1 - own) * (below * (f * cell + i * g) + (1 - below) * cell)
        ),
    ],
}

MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "hmrnn.01.1": [
        (own_boundary_now, "should"),
        (update_wins, "FLUSH"),
        (lambda z: table(z)[:, :-1], "shape"),
        (lambda z: z[99], "raised IndexError"),
        (table(np.zeros((3, 2), int)), "A function is asked for"),
        (lambda z: "UPDATE", "should be numbers"),
    ],
    "hmrnn.01.2": [
        (np.zeros((12, 2), int), "24 of the 36 layer steps are copies"),
        (at((3, 0), (3, 1), (7, 0)), "layer 2 flushes 1 times"),
        (at((1, 0), (3, 0), (5, 0), (7, 0), (9, 0), (11, 0)), "layer 2 flushes 0 times"),
        (at((3, 0), (3, 1), (7, 0), (7, 1)).T, "shape"),
        (at((3, 0), (3, 1), (7, 0), (7, 1)) * 0.9, "0 or 1"),
        ("none", "should be numbers"),
    ],
    "hmrnn.01.3": [
        (lambda state: state, "the one that went in"),
        (lambda state: state._replace(hidden=state.hidden + 1), "still differ: hidden"),
        (lambda state: state._replace(boundary=0 * state.boundary), "does not flush"),
        (lambda state: state.cell + 1, "CellState"),
        (lambda state: state._replace(cell=state.cell[:1]), "shape"),
    ],
    "hmrnn.02.1": [
        (lambda s, slope: np.full_like(s, slope / 2), "the package passes 0.000"),
        (lambda s, slope: np.where(np.abs(s) < 1, slope / 2, 0), "the package passes 0.000"),
        (lambda s, slope: np.where(np.abs(s) < 1 / slope, 1.0, 0), "the package passes 0.500"),
        (lambda s, slope: np.zeros_like(s), "your function says 0.000"),
        (lambda s, slope: np.where(np.abs(s) < slope, slope / 2, 0), "the package passes 0.000"),
    ],
    "hmrnn.02.2": [
        (count_with_a_boundary_on_top, "the formula gives"),
        (lambda columns, sizes: sum(4 * n * (n + 1) for n in sizes), "the formula gives"),
        (lambda columns, sizes: None, "returned nothing"),
    ],
    "hmrnn.02.3": [
        (factored, "of the copies are exact"),
        (by_where, "no gradient reaches"),
        (detached, "reaches the boundary below"),
        (lambda own, below, f, i, g, cell: cell, "differ from the table"),
        (lambda own, below, f, i, g, cell: 0.5, "torch tensor"),
    ],
}


def test_every_exercise_is_tested():
    assert set(NAMES) == set(RIGHT) == set(MISTAKES) <= set(names())
    assert names() == tuple(sorted(names()))


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


def test_inputs_are_fresh_unless_seeded():
    """Two runs see different numbers, two runs with one seed the same."""
    seen: list[np.ndarray] = []

    def watching(s: np.ndarray, slope: float) -> np.ndarray:
        seen.append(s)
        return np.where(np.abs(s) < 1 / slope, slope / 2, 0)

    for seed in (None, None, 7, 7):
        assert check("hmrnn.02.1", watching, seed=seed)
    first, second, third, fourth = seen[1::4]
    assert not np.array_equal(first, second)
    assert np.array_equal(third, fourth)


def test_an_unknown_exercise_is_named_with_all_that_exist():
    with pytest.raises(ValueError, match=r"no exercise 'hmrnn.01.9'; there are: .*hmrnn.01.1, hmrnn.01.2"):
        check("hmrnn.01.9", 1)


def test_a_wrong_answer_is_an_exception_only_inside():
    checker: Callable[..., str] = CHECKERS["hmrnn.01.2"]
    with pytest.raises(Wrong, match="0 or 1"):
        checker(np.full((12, 2), 2), np.random.default_rng(0))
    assert exercises.Wrong is Wrong


CHAPTERS = [f"hmrnn/{path.stem}" for path in sorted((BOOK / "hmrnn").glob("*.py"))]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_show_a_stub_and_fold_a_solution_for_each_exercise(chapter: str):
    """Each exercise stands in its chapter: an open stub, the heading "Solution", a folded cell that
    checks."""
    cells = jupytext.read(BOOK / f"{chapter}.py").cells
    number = chapter.split("/")[1][:2]
    for name in exercises.names():
        if not name.startswith(f"hmrnn.{number}."):
            continue
        code = [k for k, cell in enumerate(cells) if cell.cell_type == "code"]
        checking = [k for k in code if f'check("{name}"' in cells[k].source]
        assert len(checking) == 2, f"{name} is checked in {len(checking)} cells"
        stub, solution = (cells[k] for k in checking)
        assert "..." in stub.source and "hide-cell" not in stub.metadata.get("tags", [])
        assert "hide-cell" in solution.metadata["tags"] and "assert exercises.check" in solution.source
        between = [cell.source for cell in cells[checking[0] + 1 : checking[1]]]
        assert len(between) == 1 and between[0].strip("# ") == "Solution", "nothing given away unfolded"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_exercises_of_a_chapter_are_numbered_from_one(chapter: str):
    number = chapter.split("/")[1][:2]
    own = [int(name.rsplit(".", 1)[1]) for name in exercises.names() if name.startswith(f"hmrnn.{number}.")]
    assert own[0] == 1 and all(b == a + 1 for a, b in pairwise(own))
