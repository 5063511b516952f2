"""Pictures of trainings, scores and the straight-through estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.figures import StraightThrough, TenLetterMachine, plot_scores, plot_straight_through, plot_training
from hsrnn.hmrnn import hard_sigmoid, step_boundary

from .conftest import RunNode

LINES = [
    {"update": 100, "valid_bpc": 2.5, "boundary_rates": [0.5, 0.3]},
    {"update": 200, "valid_bpc": 2.0, "boundary_rates": [0.4, 0.2]},
    {"update": 300, "valid_bpc": 2.1, "boundary_rates": [0.45, 0.12]},
]
COLUMNS = {key: [line[key] for line in LINES] for key in LINES[0]}
SCORE = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}


def test_training_from_lines_and_from_columns_is_one_picture() -> None:
    lines, columns = plot_training({"HM-LSTM": LINES}), plot_training({"HM-LSTM": COLUMNS})
    assert lines.image == columns.image
    assert lines.alt == columns.alt
    assert "HM-LSTM reaches 2.000 bits after 200 updates" in lines.alt
    assert "0.45 in layer 1, 0.12 in layer 2" in lines.alt


def test_training_without_boundaries_has_one_panel() -> None:
    alone = {"update": [1, 2], "valid_bpc": [3.0, 2.0]}
    assert "fire" not in plot_training({"LSTM": alone}).alt
    assert "fire" in plot_training({"LSTM": alone, "HM-LSTM": COLUMNS}).alt


def test_scores_say_their_numbers() -> None:
    picture = plot_scores({"layer 1": SCORE, "random": SCORE}, "Ends of words")
    assert picture.alt.startswith("Ends of words. ")
    assert "layer 1: precision 0.50, recall 0.25, F1 0.33" in picture.alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_training({}), "logs must hold 1 to 6 trainings, got 0"),
        (lambda: plot_training({"a": []}), r"logs\['a'\] must have an `update`"),
        (lambda: plot_scores({}), "at least one way"),
        (lambda: plot_scores({"a": {"precision": 0.5, "recall": 0.5}}), r"scores\['a'\] must have 'f1'"),
        (lambda: plot_scores({"a": SCORE | {"f1": 1.2}}), r"'f1' in \[0, 1\], got 1.2"),
        (lambda: plot_straight_through(()), "one to three numbers above 0"),
        (lambda: plot_straight_through((1.0, -1.0)), "one to three numbers above 0"),
        (lambda: StraightThrough(slope=6), "slope must lie between 1 and 5, got 6"),
        (lambda: StraightThrough(s=-3), "s must lie between -2.2 and 2.2, got -3"),
        (lambda: TenLetterMachine("a", [[0]]), "letters must be 2 to 14 symbols, got 1"),
        (lambda: TenLetterMachine("ab", [[0, 2]]), "rows of 2 zeros and ones"),
        (lambda: TenLetterMachine("ab", [[0, 1, 0]]), "rows of 2 zeros and ones"),
        (lambda: TenLetterMachine("ab", [[0, 1]], start=2), "start must be 0 to 1, got 2"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_straight_through_says_where_the_gradient_lives() -> None:
    assert (
        "0.5 where |s| < 1 for slope 1, 2.5 where |s| < 0.2 for slope 5" in plot_straight_through((1, 5)).alt
    )


@pytest.mark.needs_node
def test_javascript_estimator_is_the_models(run_node: RunNode) -> None:
    points = [-2.0, -1.0, -0.5, -0.3, -0.1, 0.0, 0.1, 0.2, 0.4999, 0.5, 1.0, 1.7]
    slopes = [1.0, 2.0, 3.3, 5.0]
    source = """
import { hardSigmoid, surrogate } from "@static/straight_through.js";
console.log(JSON.stringify(data.slopes.map((a) => data.points.map((s) => [hardSigmoid(s, a), surrogate(s,
a)]))));
"""
    answer = run_node(source, {"points": points, "slopes": slopes})
    for slope, row in zip(slopes, answer, strict=True):
        s = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        step_boundary(s, slope).sum().backward()
        np.testing.assert_allclose([each[0] for each in row], hard_sigmoid(s.detach(), slope), atol=1e-12)
        np.testing.assert_allclose([each[1] for each in row], s.grad, atol=1e-12)


@pytest.mark.needs_node
def test_draws_are_uniform_and_repeatable_and_picks_follow_the_probabilities(run_node: RunNode) -> None:
    source = """
import { pick, uniform } from "@static/sampling.js";
const numbers = data.seeds.map((seed) => Array.from({ length: 2000 }, (_, t) => uniform(seed, t)));
const picks = numbers.flat().map((number) => pick([0.1, 0, 0.6, 0.3], number));
console.log(JSON.stringify({ numbers, picks, again: uniform(data.seeds[1], 7), edge: pick([0.5, 0.5],
0.9999999) }));
"""
    answer = run_node(source, {"seeds": [0, 1, 2, 9999]})
    numbers = np.array(answer["numbers"])
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert answer["again"] == numbers[1, 7]
    assert answer["edge"] == 1
    # 2000 draws: the mean has a standard deviation of 0.0065, a count per tenth of 13.
    np.testing.assert_allclose(numbers.mean(axis=1), 0.5, atol=0.03)
    for row in numbers:
        np.testing.assert_allclose(np.histogram(row, 10, (0, 1))[0], 200, atol=65)
    assert np.abs(np.corrcoef(numbers)[np.triu_indices(4, 1)]).max() < 0.1
    assert np.abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.05
    shares = np.bincount(answer["picks"], minlength=4) / len(answer["picks"])
    np.testing.assert_allclose(shares, [0.1, 0, 0.6, 0.3], atol=0.03)


@pytest.mark.needs_node
def test_letters_that_readers_type_become_symbols_of_the_model(run_node: RunNode) -> None:
    symbols = list("\n 'abcdeN-")
    source = """
import { encode } from "@static/alphabet.js";
console.log(JSON.stringify(data.texts.map((text) => encode(text, data.symbols))));
"""
    texts = ["abc", "A’b\u00a0c", "ab 1,200.5 c", "é—Ä", "x y x", "", "𝒳a", "N n"]
    answers = run_node(source, {"texts": texts, "symbols": symbols})
    read = ["".join(symbols[code] for code in answer["codes"]) for answer in answers]
    assert read == ["abc", "a'b c", "ab N c", "e-a", "  ", "", "a", "N "]
    assert [answer["dropped"] for answer in answers] == [[], [], [], [], ["x", "y"], [], ["𝒳"], ["n"]]
    assert [answer["mapped"] for answer in answers] == [False, True, True, True, False, False, False, False]
