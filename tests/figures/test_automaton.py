"""Pictures of automata: nothing overlaps, edges end at their states, and the words say what arrays say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.automata import LANGUAGES, Automaton
from hsrnn.figures import Picture, plane, plot_automaton, plot_hidden_states, project
from hsrnn.figures.automaton import describe_automaton, edge_labels, wrap
from hsrnn.figures.automaton_layout import AutomatonLayout, lay_out, rejecting_sinks
from hsrnn.figures.automaton_routes import clip, crossings, sample, touches

TABLE = np.array([[0, 1], [2, 1], [2, 2]])
ACCEPTING = np.array([True, False, False])


def machine(states: int, symbols: int, seed: int) -> Automaton:
    """Return a random automaton: half of the targets anywhere, half near their source."""
    random = np.random.default_rng(seed)
    table = random.integers(0, states, (states, symbols))
    near = (np.arange(states)[:, None] + random.integers(-1, 2, (states, symbols))) % states
    table = np.where(random.random(table.shape) < 0.5, table, near)
    return Automaton(
        ("0", "1", "2")[:symbols], table, random.random(states) < 0.4, int(random.integers(states))
    )


def layout_of(automaton: Automaton, names: list[str] | None = None) -> AutomatonLayout:
    labels = edge_labels(automaton.table, automaton.alphabet)
    names = names or [str(state) for state in range(automaton.n_states)]
    return lay_out(automaton.table, automaton.accepting, automaton.start, labels, names)


def check(layout: AutomatonLayout) -> None:
    """Assert that states and labels keep clear of each other and that edges end where their states begin."""
    states, radius = np.array(layout.states), layout.radius
    apart = np.linalg.norm(states[:, None] - states[None], axis=-1) + 1e9 * np.eye(len(states))
    assert apart.min() > 2 * radius + 10
    boxes = [(np.array(edge.anchor), np.array(edge.size) / 2) for edge in layout.edges if edge.label]
    for place, (at, half) in enumerate(boxes):
        gap = np.maximum(np.abs(states - at) - half, 0.0)
        assert np.linalg.norm(gap, axis=1).min() > radius
        assert (at - half >= 0).all()
        assert (at + half <= [layout.width, layout.height]).all()
        for other, width in boxes[:place]:
            assert (np.abs(at - other) > half + width - 1e-6).any()
    for edge in layout.edges:
        curve = np.array(edge.path)
        for end, state in ((curve[0], edge.source), (curve[-1], edge.target)):
            assert np.linalg.norm(end - states[state]) == pytest.approx(radius, abs=1e-6)
        points = sample(curve, 200)
        assert (points >= 0).all()
        assert (points <= [layout.width, layout.height]).all()
    assert layout.overlaps == 0


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 20), st.integers(1, 2), st.integers(0, 10_000))
def test_nothing_overlaps(states: int, symbols: int, seed: int) -> None:
    check(layout_of(machine(states, symbols, seed)))


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_overlaps_with_twenty_states_and_three_symbols(seed: int) -> None:
    check(layout_of(machine(20, 3, seed)))


@pytest.mark.parametrize("name", LANGUAGES)
def test_known_languages_are_drawn_without_crossings_and_always_alike(name: str) -> None:
    automaton = LANGUAGES[name].automaton
    layout = layout_of(automaton)
    check(layout)
    assert layout == layout_of(automaton)
    lines = sample(np.array([edge.path for edge in layout.edges]), 40)
    for place, line in enumerate(lines):
        assert crossings(line[None], lines[:place]).sum() == 0
    x = np.array(layout.states)[:, 0]
    assert x.argmin() == automaton.start  # left to right
    # No edge runs through a state that it does not join.
    for edge, line in zip(layout.edges, lines, strict=True):
        others = np.delete(np.array(layout.states), [edge.source, edge.target], axis=0)
        if len(others):
            assert np.linalg.norm(line[:, None] - others, axis=-1).min() > layout.radius


def test_long_labels_and_names_get_room() -> None:
    table = np.array([[1, 0], [2, 0], [2, 1]])
    words = "dull, boring, lifeless, tedious, predictable, uneven"
    labels = {(0, 1): words, (1, 0): words, (2, 1): words, (2, 2): "good"}
    wrapped = edge_labels(table, ("a", "b"), labels)
    assert wrapped[0, 1] == wrap(words)
    assert max(map(len, wrapped[0, 1].split("\n"))) <= 18
    assert wrapped[0, 0] == "b"
    check(lay_out(table, np.array([1, 0, 0], bool), 0, wrapped, ["so far\nneutral", "negated", "bad"]))


def test_to_and_fro_are_two_curves() -> None:
    layout = layout_of(Automaton.of("01", [[1, 0], [0, 1]], [0]))
    lines = [sample(np.array(edge.path), 9) for edge in layout.edges if edge.source != edge.target]
    assert len(lines) == 2
    assert np.linalg.norm(lines[0][4] - lines[1][4]) > 12


def test_clipped_curves_and_counts_of_crossings() -> None:
    straight = np.array([[[0, 0], [1, 0], [2, 0], [3, 0]]], float) * 20
    cut = clip(straight, 10.0)[0]
    np.testing.assert_allclose(cut[[0, -1]], [[10, 0], [50, 0]], atol=1e-9)
    upright = np.array([[[30, -9.0], [30, 12.0]], [[70, -9.0], [70, 9.0]]])
    assert crossings(cut[None], upright).tolist() == [1]
    assert touches(upright, sample(cut, 5)[None], 10.0).tolist() == [1, 0]
    assert touches(upright, sample(cut, 5)[None], 13.0).tolist() == [2, 0]


def test_a_sink_rejects_and_never_lets_go() -> None:
    assert rejecting_sinks(TABLE, ACCEPTING) == [2]
    assert rejecting_sinks(TABLE, ~ACCEPTING) == []


def test_words_say_what_the_arrays_say() -> None:
    picture = plot_automaton(TABLE, ACCEPTING, 0, "01", highlight=[0, 1, 2])
    assert isinstance(picture, Picture)
    assert picture.image_format == "svg"
    assert picture.alt == (
        "Automaton with 3 states over 2 symbols. Start: 0. Accepting: 0. 0 stays on 0; 0 goes to 1 on 1; 1 "
        "goes to 2 on 0; 1 stays on 1; 2 stays on 0, 1. Highlighted: 0, 1, 2."
    )
    named = describe_automaton(TABLE, ~ACCEPTING, 1, ["no", "yes"], names=["A", "B\nb", "C"])
    assert "Start: B b. Accepting: B b, C. A stays on no" in named
    long = machine(60, 2, 0)
    assert "; and " in describe_automaton(long.table, long.accepting, 0, "01")


def test_pictures_differ_where_the_arrays_do() -> None:
    plain = plot_automaton(TABLE, ACCEPTING, 0, "01").image
    assert plain == plot_automaton(TABLE.tolist(), ACCEPTING.tolist(), 0, ["0", "1"]).image
    unseen = np.zeros((3, 2), bool)
    unseen[1, 0] = True
    marked = plot_automaton(TABLE, ACCEPTING, 0, "01", unseen=unseen)
    assert "1 transitions, in brackets, were never taken" in marked.alt
    others = [
        plot_automaton(TABLE, ~ACCEPTING, 0, "01"),
        plot_automaton(TABLE, ACCEPTING, 1, "01"),
        plot_automaton(TABLE, ACCEPTING, 0, "01", highlight=[0, 1]),
        plot_automaton(TABLE, ACCEPTING, 0, "01", labels={(0, 1): "word"}),
        plot_automaton(TABLE, ACCEPTING, 0, "01", names="abc"),
        marked,
    ]
    assert len({plain, *(other.image for other in others)}) == 7
    assert edge_labels(TABLE, "01", unseen=unseen)[1, 2] == "(0)"
    assert edge_labels(TABLE, " 1")[0, 0] == "␣"


def test_dot_draws_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match='needs the program dot.*or leave engine="ours"'):
        plot_automaton(TABLE, ACCEPTING, 0, "01", engine="graphviz")
    # A program of that name which hands back what it was told.
    program = tmp_path / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\ntext = sys.stdin.read()\n"
        "print('<svg width=\"9pt\"><!--' + text.replace('--', '') + '--></svg>')\n"
    )
    program.chmod(0o755)
    picture = plot_automaton(TABLE, ACCEPTING, 0, "01", engine="graphviz", highlight=[0, 1])
    text = picture.image.decode()
    assert text.startswith('<svg width="9pt">')
    for told in ("doublecircle", 'label="0, 1"', "penwidth=2.4", "rankdir=LR"):
        assert told in text
    assert picture.alt == plot_automaton(TABLE, ACCEPTING, 0, "01", highlight=[0, 1]).alt


# Hidden states --------------------------------------------------------------------------------------

POINTS = np.random.default_rng(0).normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1]
CLUSTERS = (POINTS[:, 0] > 0).astype(int) + (POINTS[:, 1] > 2)


def test_the_plane_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    reference = PCA(2).fit(POINTS)
    xy, share = project(POINTS)
    assert share == pytest.approx(reference.explained_variance_ratio_.sum())
    theirs = reference.transform(POINTS)
    np.testing.assert_allclose(xy, theirs * np.sign((xy * theirs).sum(0)), atol=1e-9)
    centre, directions, same = plane(POINTS)
    assert same == share
    np.testing.assert_allclose((POINTS - centre) @ directions.T, xy)
    assert (directions[[0, 1], np.abs(directions).argmax(1)] > 0).all()
    np.testing.assert_allclose(project(POINTS[::-1])[0][::-1], xy, atol=1e-9)


def test_points_without_a_plane() -> None:
    xy, share = project(np.ones((4, 3)))
    assert (xy == 0).all()
    assert share == 1.0
    flat, all_of_it = project(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(flat, [[-1, 0], [1, 0]])
    assert all_of_it == 1.0


def test_hidden_states_say_their_numbers() -> None:
    xy, share = project(POINTS)
    picture = plot_hidden_states(
        xy, CLUSTERS, accepting=[True, False, False], edges=[(0, 1), (1, 1), (1, 2)], names=["a", "b", "c"],
        path=xy[:3], share=share,
    )  # fmt: skip
    counts = np.bincount(CLUSTERS)
    assert (
        f"200 hidden states in the plane, in 3 clusters: a has {counts[0]}, b has {counts[1]}" in picture.alt
    )
    assert f"{100 * share:.0f} % of the variance" in picture.alt
    assert "Accepting: a. Edges: a to b, b to c. A line follows one word through 3 points." in picture.alt
    assert plot_hidden_states(xy, CLUSTERS).image != picture.image
    assert plot_hidden_states(np.tile(xy, (10, 1)), np.tile(CLUSTERS, 10)).image_format == "png"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_automaton([[0, 1]], [True], 0, "01"), "lead to states 0 to 0, got 0 to 1"),
        (lambda: plot_automaton([[0, 0]], [True], 0, "012"), "table must be .states, 3. integers"),
        (lambda: plot_automaton([[0.5]], [True], 0, "0"), "got float64 of shape"),
        (lambda: plot_automaton(TABLE, [True], 0, "01"), "accepting must be .3,., one flag a state"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 3, "01"), "start must be a state from 0 to 2, got 3"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", names="ab"), "must be 3, one a state, got 2"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", labels={(0, 2): "x"}), r"edge \(0, 2\), but no"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", highlight=[0, 2]), "goes from 0 to 2, but no"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", highlight=[4]), "states from 0 to 2, got 4"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", unseen=[[True]]), "unseen must be .3, 2. like"),
        (lambda: plot_automaton(TABLE, ACCEPTING, 0, "01", engine="neato"), '"ours" or "graphviz", got'),
        (lambda: project(np.zeros(3)), r"points must be \(n, H\) finite numbers, .* got shape \(3,"),
        (lambda: project([[np.nan, 1.0]]), "finite"),
        (lambda: plot_hidden_states(POINTS, CLUSTERS), "go through hsrnn.figures.project"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS[:5]), r"clusters must be \(200,\) integers"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS * 2), "cluster 1 has no point: give centres"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS, centres=[[0, 0]]), "must be .k, 2. with k"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS, names="ab"), "names must be 3, one a centre"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS, edges=[(0, 7)]), "join clusters 0 to 2"),
        (lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS, path=[1.0]), r"path must be \(t, 2\), got"),
        (
            lambda: plot_hidden_states(POINTS[:, :2], CLUSTERS, accepting=[1, 0, 1, 1], centres=np.eye(3, 2)),
            r"accepting must be \(3,\), one flag a cluster",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
