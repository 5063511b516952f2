"""Pictures of automata and of the hidden states that they stand for.

Everything comes in as plain arrays: a table of transitions `(states, symbols)`, accepting states, a start;
hidden states as points in the plane. The layout is `automaton_layout`'s, so no program `dot` is needed; where
the graphviz package and `dot` are there, `engine="graphviz"` lets them draw.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Outline
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.automaton_layout import AutomatonLayout, EdgeLayout, lay_out, rejecting_sinks
from hsrnn.figures.style import TYPE_SCALE, WIDTH, Picture, colour, drawing

Edge = tuple[int, int]

LONGEST_LABEL = 18
"""Characters in a line of an edge's label; a longer one goes on in the next line."""

_TRANSITIONS_TOLD = 60
_SMALL = TYPE_SCALE["small"] * 0.75
_DPI = 96.0


def plot_automaton(
    table: ArrayLike,
    accepting: ArrayLike,
    start: int,
    symbols: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    labels: Mapping[Edge, str] | None = None,
    highlight: Sequence[int] | None = None,
    unseen: ArrayLike | None = None,
    engine: str = "ours",
) -> Picture:
    """Draw an automaton: double circles accept, a short arrow marks the start, a rejecting sink is grey.

    Args:
        table: `(states, symbols)` integers: the state after reading a symbol in a state.
        accepting: `(states,)` booleans.
        start: the state before the first symbol.
        symbols: what each column of the table reads.
        names: what to write into the states; their numbers if None. A newline starts a new line.
        labels: (state, next state) -> what to write on that edge in place of its list of symbols, for
            example a class of words; long texts are wrapped.
        highlight: states that a word passes, in order, the start first; they and the edges between them
            are drawn strong.
        unseen: `(states, symbols)` booleans, true where no training word took the transition: its symbol
            stands in brackets, and an edge of nothing else is dashed.
        engine: "ours", or "graphviz" for the `dot` program.

    Raises:
        ValueError: for shapes that do not fit, a state that is none, labels of edges that are none, a
            highlighted path that takes no edge, or an unknown engine.
        RuntimeError: for "graphviz" where `dot` is missing.
    """
    rows, accepts = check_machine(table, accepting, start, symbols)
    names = [str(state) for state in range(len(rows))] if names is None else [str(name) for name in names]
    if len(names) != len(rows):
        raise ValueError(f"names must be {len(rows)}, one a state, got {len(names)}")
    marked = np.zeros(rows.shape, bool) if unseen is None else np.asarray(unseen, bool)
    if marked.shape != rows.shape:
        raise ValueError(f"unseen must be {rows.shape} like the table, got {marked.shape}")
    texts = edge_labels(rows, symbols, labels, marked)
    path = _check_path(highlight, rows)
    walked = set(pairwise(path))
    dashed = {edge for edge in texts if marked[edge[0]][rows[edge[0]] == edge[1]].all()}
    alt = describe_automaton(rows, accepts, start, symbols, names=names, highlight=path)
    if marked.any():
        alt += f" {int(marked.sum())} transitions, in brackets, were never taken by a training word."
    sinks = rejecting_sinks(rows, accepts)
    if engine == "graphviz":
        return Picture(_graphviz(accepts, sinks, start, texts, names, path, dashed), alt)
    if engine != "ours":
        raise ValueError(f'engine must be "ours" or "graphviz", got {engine!r}')
    layout = lay_out(rows, accepts, start, texts, names)
    with drawing():
        scale = min(1.0, 2.2 * WIDTH * _DPI / layout.width)
        figure = Figure(figsize=(scale * layout.width / _DPI, scale * layout.height / _DPI))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0.0, layout.width), ylim=(layout.height, 0.0))
        axes.axis("off")
        draw_layout(axes, layout, accepts, sinks, path, walked, dashed, scale)
        return Picture(figure, alt)


def check_machine(
    table: ArrayLike, accepting: ArrayLike, start: int, symbols: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return table and accepting states as arrays.

    Raises:
        ValueError: for shapes that do not fit, or a target or start that is no state.
    """
    rows, accepts = np.asarray(table), np.asarray(accepting, bool)
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] != len(symbols) or rows.dtype.kind not in "iu":
        raise ValueError(
            f"table must be (states, {len(symbols)}) integers, one column a symbol and at least one state, "
            f"got {rows.dtype} of shape {rows.shape}"
        )
    if accepts.shape != (len(rows),):
        raise ValueError(f"accepting must be ({len(rows)},), one flag a state, got {accepts.shape}")
    if rows.size and not 0 <= rows.min() <= rows.max() < len(rows):
        raise ValueError(
            f"transitions must lead to states 0 to {len(rows) - 1}, got {rows.min()} to {rows.max()}"
        )
    if not 0 <= start < len(rows):
        raise ValueError(f"start must be a state from 0 to {len(rows) - 1}, got {start}")
    return rows.astype(np.intp), accepts


def edge_labels(
    table: NDArray[np.integer],
    symbols: Sequence[str],
    labels: Mapping[Edge, str] | None = None,
    unseen: NDArray[np.bool_] | None = None,
) -> dict[Edge, str]:
    """Return (state, next state) -> what stands on the edge: its symbols, or the label given for it, wrapped.

    Raises:
        ValueError: for a label of an edge that the table does not have.
    """
    texts: dict[Edge, list[str]] = {}
    for state, row in enumerate(table.tolist()):
        for code, target in enumerate(row):
            text = symbols[code] if symbols[code].strip() else "␣"
            hidden = unseen is not None and bool(unseen[state, code])
            texts.setdefault((state, target), []).append(f"({text})" if hidden else text)
    for edge in labels or {}:
        if edge not in texts:
            raise ValueError(f"labels name the edge {edge}, but no transition of the table is that edge")
    chosen = {edge: (labels or {}).get(edge, ", ".join(parts)) for edge, parts in texts.items()}
    return {edge: wrap(text) for edge, text in chosen.items()}


def wrap(text: str) -> str:
    """Return a text in lines of at most `LONGEST_LABEL` characters where it has spaces to break at."""
    lines = [textwrap.wrap(line, LONGEST_LABEL, break_long_words=False) for line in text.split("\n")]
    return "\n".join(each for line in lines for each in line)


def describe_automaton(
    table: NDArray[np.integer],
    accepting: NDArray[np.bool_],
    start: int,
    symbols: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    highlight: Sequence[int] = (),
) -> str:
    """Return an automaton in words: states, start, accepting states, and its transitions up to a limit."""
    names = [str(state) for state in range(len(table))] if names is None else names
    called = [" ".join(name.split()) for name in names]
    accepts = [called[state] for state in np.flatnonzero(accepting)]
    said = ", ".join(accepts) if accepts else "none"
    text = (
        f"Automaton with {len(table)} state{'s' if len(table) > 1 else ''} over {len(symbols)} "
        f"symbol{'s' if len(symbols) > 1 else ''}. Start: {called[start]}. Accepting: {said}."
    )
    parts = []
    for state, row in enumerate(table.tolist()):
        targets: dict[int, list[str]] = {}
        for code, target in enumerate(row):
            targets.setdefault(target, []).append(symbols[code])
        for target, read in targets.items():
            words = ", ".join(read[:8]) + (f" and {len(read) - 8} more" if len(read) > 8 else "")
            where = "stays" if target == state else f"goes to {called[target]}"
            parts.append(f"{called[state]} {where} on {words}")
    told = "; ".join(parts[:_TRANSITIONS_TOLD])
    more = f"; and {len(parts) - _TRANSITIONS_TOLD} more" if len(parts) > _TRANSITIONS_TOLD else ""
    walk = f" Highlighted: {', '.join(called[state] for state in highlight)}." if len(highlight) else ""
    return f"{text} {told[:1].upper()}{told[1:]}{more}.{walk}"


def _check_path(highlight: Sequence[int] | None, table: NDArray[np.intp]) -> list[int]:
    path = [int(state) for state in highlight] if highlight is not None else []
    for state in path:
        if not 0 <= state < len(table):
            raise ValueError(f"highlight must be states from 0 to {len(table) - 1}, got {state}")
    for state, target in pairwise(path):
        if not (table[state] == target).any():
            raise ValueError(f"highlight goes from {state} to {target}, but no transition does")
    return path


# Drawing --------------------------------------------------------------------------------------------


def draw_layout(
    axes: Axes,
    layout: AutomatonLayout,
    accepting: NDArray[np.bool_],
    sinks: Sequence[int],
    path: Sequence[int],
    walked: set[Edge],
    dashed: set[Edge],
    scale: float = 1.0,
) -> None:
    """Draw a layout on axes whose units are its pixels."""
    for edge in sorted(layout.edges, key=lambda each: (each.source, each.target) in walked):
        key = (edge.source, edge.target)
        into_sink = edge.target in sinks
        shade = colour("accent") if key in walked else colour("copy") if into_sink else colour("muted")
        _draw_edge(axes, edge, shade, 2.4 if key in walked else 1.2, key in dashed, scale)
    for edge in layout.edges:
        strong = (edge.source, edge.target) in walked
        for line, text in enumerate(edge.label):
            y = edge.anchor[1] + 15.0 * (line - (len(edge.label) - 1) / 2)
            axes.text(
                edge.anchor[0], y, text, ha="center", va="center_baseline", fontsize=_SMALL * scale,
                color=colour("accent") if strong else colour("ink"), zorder=6,
                fontweight="bold" if strong else "normal",
                bbox={"facecolor": colour("paper"), "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
            )  # fmt: skip
    arrow = FancyArrowPatch(
        layout.start[0], layout.start[1], arrowstyle=_head(scale), shrinkA=0, shrinkB=0,
        color=colour("ink"), linewidth=1.6 * scale, zorder=3,
    )  # fmt: skip
    axes.add_patch(arrow)
    for state, centre in enumerate(layout.states):
        passed, last = state in path, bool(path) and path[-1] == state
        shade = colour("accent") if passed else colour("copy") if state in sinks else colour("ink")
        face = colour("accent") if last else colour("panel") if accepting[state] else colour("paper")
        width = (2.4 if passed else 1.4) * scale
        rim = {"edgecolor": shade, "linewidth": width}
        axes.add_patch(Circle(centre, layout.radius, facecolor=face, zorder=4, **rim))
        if accepting[state]:
            rim = {"edgecolor": colour("on-accent") if last else shade, "linewidth": width * 0.8}
            axes.add_patch(Circle(centre, layout.radius - 3.6, fill=False, zorder=5, **rim))
        ink = colour("on-accent") if last else colour("muted") if state in sinks else colour("ink")
        name = layout.names[state]
        axes.text(
            *centre, name, ha="center", va="center" if "\n" in name else "center_baseline",
            fontsize=_SMALL * scale, color=ink, zorder=6, linespacing=1.15,
        )  # fmt: skip


def _head(scale: float) -> str:
    return f"-|>,head_length={4.2 * scale:.2f},head_width={2.0 * scale:.2f}"


def _draw_edge(axes: Axes, edge: EdgeLayout, shade: str, width: float, dashed: bool, scale: float) -> None:
    codes = [Outline.MOVETO, Outline.CURVE4, Outline.CURVE4, Outline.CURVE4]
    axes.add_patch(
        FancyArrowPatch(
            path=Outline(edge.path, codes), arrowstyle=_head(scale), color=shade, linewidth=width * scale,
            linestyle=(0, (4, 2.5)) if dashed else "-", zorder=3, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


# The dot program ------------------------------------------------------------------------------------


def _graphviz(
    accepting: NDArray[np.bool_],
    sinks: Sequence[int],
    start: int,
    texts: Mapping[Edge, str],
    names: Sequence[str],
    path: Sequence[int],
    dashed: set[Edge],
) -> bytes:
    """Return the SVG that the `dot` program draws.

    Raises:
        RuntimeError: if it is not there.
    """
    import graphviz

    if shutil.which("dot") is None:
        raise RuntimeError(
            'engine="graphviz" needs the program dot: install Graphviz (apt-get install graphviz), '
            'or leave engine="ours"'
        )
    walked = set(pairwise(path))
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR"}, node_attr={"fontsize": "12", "fontname": "sans-serif"}
    )
    graph.attr("edge", fontsize="12", fontname="sans-serif", color=colour("muted"))
    graph.node("start", label="", shape="none", width="0")
    for state, name in enumerate(names):
        graph.node(
            str(state), label=graphviz.escape(name), shape="doublecircle" if accepting[state] else "circle",
            color=colour("accent" if state in path else "copy" if state in sinks else "ink"),
        )  # fmt: skip
    graph.edge("start", str(start), color=colour("ink"))
    for (source, target), text in texts.items():
        style = {"style": "dashed"} if (source, target) in dashed else {}
        if (source, target) in walked:
            style |= {"color": colour("accent"), "penwidth": "2.4"}
        graph.edge(str(source), str(target), label=graphviz.escape(text), **style)
    return graph.pipe(format="svg")
