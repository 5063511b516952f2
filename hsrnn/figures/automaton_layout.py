"""Where the states, edges and labels of an automaton's picture go: a layered layout, without any program.

In the manner of Sugiyama, Tagawa and Toda (1981): states stand in columns by their distance from the start,
left to right; the order inside each column is that of fewest crossings among those that sweeps of barycentres
and exchanges find; heights follow the neighbours. `automaton_routes` then bends the edges round the states
and finds places for the labels. If a label still has no room, the columns and rows move apart and edges and
labels are placed again. The same automaton always gets the same picture.

Units are CSS pixels; x points right, y points down, and the picture begins at (0, 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

from hsrnn.figures.automaton_routes import (
    Points,
    crossings,
    place_labels,
    route,
    sample,
    through_states,
)
from hsrnn.figures.style import TYPE_SCALE

Edge = tuple[int, int]
Table = NDArray[np.integer]

LINE = 15.0
"""Height of a line of text in a label."""

_RADIUS = 18.0
_MARGIN = 10.0
_ARROW = 30.0  # length of the start arrow
_ATTEMPTS = 14
_FEW = 24


@dataclass(frozen=True)
class EdgeLayout:
    """One edge of a picture.

    Attributes:
        source: state that it leaves.
        target: state that it enters.
        path: four points ``(x, y)`` of a cubic Bezier curve, from the border of the source to that of the
            target.
        label: its lines of text.
        anchor: centre of the label.
        size: width and height of the label.
    """

    source: int
    target: int
    path: tuple[tuple[float, float], ...]
    label: tuple[str, ...]
    anchor: tuple[float, float]
    size: tuple[float, float]


@dataclass(frozen=True)
class AutomatonLayout:
    """Where everything in the picture of an automaton stands.

    Attributes:
        width: of the picture.
        height: of the picture.
        radius: of every state.
        states: ``(x, y)`` of the centre of each state.
        names: what stands in each state, lines separated by newlines.
        edges: the edges, by source and target.
        start: where the start arrow begins and ends.
        overlaps: pairs of a label and a state or another label that overlap; 0 but in hopeless cases.
    """

    width: float
    height: float
    radius: float
    states: tuple[tuple[float, float], ...]
    names: tuple[str, ...]
    edges: tuple[EdgeLayout, ...]
    start: tuple[tuple[float, float], tuple[float, float]]
    overlaps: int


def lay_out(
    table: Table, accepting: NDArray[np.bool_], start: int, labels: Mapping[Edge, str], names: Sequence[str]
) -> AutomatonLayout:
    """Lay an automaton out, left to right from its start.

    Args:
        table: ``(states, symbols)`` integers, the state after each symbol in each state.
        accepting: ``(states,)`` booleans.
        start: the start state.
        labels: (source, target) -> text of the edge, lines separated by newlines; one for each edge.
        names: what to write into each state.
    """
    edges = sorted(labels)
    lines = [tuple(labels[edge].split("\n")) if labels[edge] else () for edge in edges]
    sizes = np.array([text_size(text) for text in lines], dtype=float).reshape(-1, 2)
    radius = max(_RADIUS, *(_radius_for(name) for name in names))
    sinks = rejecting_sinks(table, accepting)
    layers = _layers(table, start, sinks)
    order = _order(layers, edges, sinks)
    heights = _heights(order, edges, sinks)
    columns = _columns(layers, edges, sizes, radius)
    loops = [source == target for source, target in edges]
    row = 2 * radius + 46.0 + LINE * (max(map(len, lines)) - 1)
    best = None
    for attempt in range(_ATTEMPTS):
        grow = 1.12**attempt
        centres = np.column_stack([grow * columns[layers], grow**1.2 * row * heights])
        tail = centres[start] - [radius + _ARROW, 0.0]
        tip = centres[start] - [radius, 0.0]
        arrow = np.stack([tail, tail + (tip - tail) / 3, tip - (tip - tail) / 3, tip])[None]
        curves = route(edges, centres, radius, arrow)
        at, left, poor = place_labels(curves, sizes, loops, centres, radius, arrow)
        if best is None or (left, poor) < best[0]:
            best = ((left, poor), centres, curves, at, arrow)
        # Few edges are worth a larger picture in which every label is plainly its edge's.
        if left == 0 and (poor == 0 or len(edges) > _FEW or attempt >= 4):
            break
    (left, _), centres, curves, at, arrow = best
    corners = [centres - radius, centres + radius, arrow.reshape(-1, 2), at - sizes / 2, at + sizes / 2]
    from_curves = [sample(curve, 33) for curve in curves]
    everything = np.concatenate([*corners, *from_curves])
    low, high = everything.min(0) - _MARGIN, everything.max(0) + _MARGIN

    def place(points: Points) -> tuple[tuple[float, float], ...]:
        return tuple((float(x), float(y)) for x, y in points - low)

    width, height = high - low
    return AutomatonLayout(
        width=float(width),
        height=float(height),
        radius=float(radius),
        states=place(centres),
        names=tuple(names),
        edges=tuple(
            EdgeLayout(*edge, place(curve), text, *place(anchor[None]), tuple(map(float, size)))
            for edge, curve, text, anchor, size in zip(edges, curves, lines, at, sizes, strict=True)
        ),
        start=(place(arrow[0])[0], place(arrow[0])[3]),
        overlaps=int(left),
    )


def rejecting_sinks(table: Table, accepting: NDArray[np.bool_]) -> list[int]:
    """Return the states from which no word leads to acceptance because nothing leads away."""
    own = np.arange(len(table))[:, None]
    return np.flatnonzero((table == own).all(1) & ~accepting).tolist()


# Text -----------------------------------------------------------------------------------------------


@cache
def _font() -> FT2Font:
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = FT2Font(str(path))
    font.set_size(TYPE_SCALE["small"], 72)
    return font


@cache
def text_width(text: str) -> float:
    """Return the width of one line of small text in pixels, in the widest font that may be met."""
    font = _font()
    font.set_text(text or " ", 0.0)
    return font.get_width_height()[0] / 64


def text_size(lines: Sequence[str]) -> tuple[float, float]:
    """Return width and height of a label of some lines; (0, 0) for none."""
    if not lines:
        return 0.0, 0.0
    return max(text_width(line) for line in lines) + 4.0, LINE * len(lines)


def _radius_for(name: str) -> float:
    width, height = text_size(name.split("\n"))
    return float(np.hypot(width / 2, height / 2 - 3.0)) + 4.0


# Columns --------------------------------------------------------------------------------------------


def _layers(table: Table, start: int, sinks: Sequence[int]) -> NDArray[np.intp]:
    """Return the column of each state: its distance from the start; states out of reach stand before what
    they lead to, and a sink stands below the middle of what leads there."""
    layers = np.full(len(table), -1, np.intp)
    layers[start] = 0
    frontier = [start]
    while frontier:
        targets = dict.fromkeys(int(target) for state in frontier for target in table[state])
        new = [target for target in targets if layers[target] < 0]
        for target in new:
            layers[target] = layers[frontier[0]] + 1
        frontier = new
    for state in np.flatnonzero(layers < 0).tolist():
        known = [int(layers[target]) for target in table[state] if layers[target] >= 0]
        layers[state] = max(0, min(known, default=1) - 1)
    for sink in sinks:
        from_ = [int(layers[q]) for q in range(len(table)) if q != sink and (table[q] == sink).any()]
        if sink != start and from_:
            layers[sink] = max(1, int(np.ceil(np.mean(from_))))
    used = np.unique(layers)
    return np.searchsorted(used, layers)


def _columns(
    layers: NDArray[np.intp], edges: Sequence[Edge], sizes: Points, radius: float
) -> NDArray[np.floating]:
    """Return the x of each column: two neighbours are as far apart as the labels between them need."""
    gaps = np.full(int(layers.max()), 2 * radius + 44.0)
    for (source, target), (width, _) in zip(edges, sizes, strict=True):
        first, last = sorted((int(layers[source]), int(layers[target])))
        if first < last:
            share = (width + 2 * radius + 26.0) / (last - first)
            gaps[first:last] = np.maximum(gaps[first:last], share)
    return np.concatenate([[0.0], np.cumsum(gaps)])


# Order and height -----------------------------------------------------------------------------------


def _order(layers: NDArray[np.intp], edges: Sequence[Edge], sinks: Sequence[int]) -> list[list[int]]:
    """Return the states of each column, top to bottom; sinks at the bottom."""
    columns = [np.flatnonzero(layers == layer).tolist() for layer in range(int(layers.max()) + 1)]
    columns = [sorted(column, key=lambda state: state in sinks) for column in columns]
    links = [(a, b) for a, b in edges if a != b]
    if not links:
        return columns
    best, cost = columns, _cost(columns, layers, links, sinks)
    current = columns
    for sweep in range(6):
        forth = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        current = [list(column) for column in current]
        for layer in forth:
            y = _heights(current, links, sinks)
            mean = {
                state: np.mean([y[b if a == state else a] for a, b in links if state in (a, b)] or [0.0])
                for state in current[layer]
            }
            current[layer].sort(key=lambda state: (state in sinks, round(float(mean[state]), 6), state))
        found = _cost(current, layers, links, sinks)
        if found < cost - 1e-9:
            best, cost = current, found
    for _ in range(6):
        better = _exchange(best, layers, links, sinks, cost)
        if better is None:
            break
        best, cost = better
    return best


def _exchange(
    order: list[list[int]], layers: NDArray[np.intp], links: Sequence[Edge], sinks: Sequence[int], cost: float
) -> tuple[list[list[int]], float] | None:
    """Exchange states within columns wherever that costs less; None if nothing does."""
    improved = False
    for layer, column in enumerate(order):
        movable = [place for place, state in enumerate(column) if state not in sinks]
        for i in movable:
            for j in movable:
                if i >= j:
                    continue
                trial = [list(each) for each in order]
                trial[layer][i], trial[layer][j] = column[j], column[i]
                found = _cost(trial, layers, links, sinks)
                if found < cost - 1e-9:
                    order, cost, column, improved = trial, found, trial[layer], True
    return (order, cost) if improved else None


def _cost(
    order: Sequence[Sequence[int]], layers: NDArray[np.intp], links: Sequence[Edge], sinks: Sequence[int]
) -> float:
    """Return how bad an order is: crossings of straight edges, states on them, and their length."""
    y = _heights(order, links, sinks)
    points = np.column_stack([layers.astype(float), y])
    lines = points[np.array(links)]
    middle = lines.mean(1, keepdims=True)
    short = middle + 0.9 * (lines - middle)  # edges of one state do not cross there
    crossed = crossings(short, short).sum() / 2
    hidden = 0.0
    for (source, target), line in zip(links, lines, strict=True):
        foreign = np.delete(points, [source, target], axis=0)
        hidden += float((through_states(line[None], foreign, 0.22) > 0).sum())
    length = float(np.abs(lines[:, 0, 1] - lines[:, 1, 1]).sum())
    return float(crossed) + 2.0 * hidden + 0.25 * length


def _heights(
    order: Sequence[Sequence[int]], edges: Sequence[Edge], sinks: Sequence[int]
) -> NDArray[np.floating]:
    """Return the height of each state in rows: near the mean of its neighbours, in the order of its column,
    at least one row apart."""
    states = sum(map(len, order))
    y = np.zeros(states)
    standing = [[state for state in column if state not in sinks] for column in order]
    for column in standing:
        y[column] = np.arange(len(column)) - (len(column) - 1) / 2
    neighbours = np.zeros((states, states))
    for source, target in edges:
        if source != target and target not in sinks and source not in sinks:
            neighbours[source, target] = neighbours[target, source] = 1.0
    degree = neighbours.sum(1)
    for _ in range(6):
        wish = np.where(degree > 0, neighbours @ y / np.maximum(degree, 1.0), 0.0)
        for column in standing:
            if column:
                y[column] = _spread(wish[column])
    # Sinks hang below: what leads to rejection leads down.
    for column, upright in zip(order, standing, strict=True):
        below = y[upright].max() if upright else -1.0
        for state in column:
            if state in sinks:
                below = y[state] = below + 1.0
    return y


def _spread(wish: Points) -> Points:
    """Return the heights nearest to the wished ones (least squares) in this order and at least 1 apart."""
    target = wish - np.arange(len(wish))
    blocks: list[tuple[float, int]] = []
    for value in target.tolist():
        mean, size = value, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    return np.concatenate([np.full(size, mean) for mean, size in blocks]) + np.arange(len(wish))
