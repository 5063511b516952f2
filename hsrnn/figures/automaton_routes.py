"""Curves and label places of an automaton's picture, once its states have their places.

Each edge chooses among a family of cubic Bezier curves (a straight line, and arcs of several heights to
either side; a self loop among directions) the one that costs least: passing through states, crossing and
touching other edges, and length all cost. Edges choose in turn until none wants to change. Labels do the same
with places along their edge. Everything is deterministic. Units are CSS pixels, y points down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]

SAMPLES = 12  # points on a curve while edges choose
FINE = 48  # points on a curve while labels choose
HEIGHTS = (0, 10, 18, 28, 40, 54, 70, 90, 115, 145, 180, 225, 280)
LOOP_ANGLES = (-90, 90, -45, -135, 45, 135, 0, 180)
_LOOP_COSTS = (0, 5, 9, 9, 12, 12, 14, 16)
_CLEAR = 9.0  # pixels between an edge and whatever it does not belong to


def sample(curves: Points, count: int) -> Points:
    """Return ``count`` points on each of the cubic curves ``(..., 4, 2)``, as ``(..., count, 2)``."""
    return _at(curves, np.linspace(0.0, 1.0, count))


def clip(curves: Points, radius: float) -> Points:
    """Return the parts of curves ``(C, 4, 2)`` between two centres outside the circles round them."""
    first, last = _leaves(curves, radius), 1.0 - _leaves(curves[:, ::-1], radius)
    return part(curves, first[:, None], last[:, None])


def part(curves: Points, first: Points, last: Points) -> Points:
    """Return the stretches of cubic curves ``(C, 4, 2)`` between parameters ``(C, 1)``, as ``(C, 4, 2)``."""

    def blossom(*parameters: Points) -> Points:
        points = curves
        for t in parameters:
            points = (1 - t[..., None]) * points[:, :-1] + t[..., None] * points[:, 1:]
        return points[:, 0]

    return np.stack(
        [
            blossom(first, first, first), blossom(first, first, last), blossom(first, last, last),
            blossom(last, last, last),
        ],
        1,
    )  # fmt: skip


def _leaves(curves: Points, radius: float) -> Points:
    """Return the parameters ``(C,)`` at which curves are first ``radius`` away from their first points."""
    t = np.linspace(0.0, 0.5, 65)
    away = np.linalg.norm(_at(curves, t) - curves[:, :1], axis=-1) >= radius
    high = np.where(away.any(1), t[np.argmax(away, 1)], 0.5)
    low = np.maximum(high - 0.5 / 64, 0.0)
    for _ in range(45):
        middle = (low + high) / 2
        points = np.stack(_weights(middle), -1)[:, None] @ curves
        out = np.linalg.norm(points[:, 0] - curves[:, 0], axis=-1) >= radius
        low, high = np.where(out, low, middle), np.where(out, middle, high)
    return high


def _weights(t: Points) -> tuple[Points, Points, Points, Points]:
    return (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3


def _at(curves: Points, t: Points) -> Points:
    """Return the points of curves ``(..., 4, 2)`` at parameters ``(T,)``, as ``(..., T, 2)``."""
    return np.stack(_weights(t), -1) @ curves


def arcs(start: Points, end: Points, radius: float, paired: bool) -> tuple[Points, NDArray[np.floating]]:
    """Return the curves ``(candidates, 4, 2)`` that an edge between two centres may take, and their costs;
    ``paired`` says that another edge goes back."""
    chord = end - start
    length = float(np.linalg.norm(chord))
    normal = np.array([chord[1], -chord[0]]) / length
    curves, costs = [], []
    for height in HEIGHTS:
        # A high arc leaves its state steeply, a low one nearly along the chord.
        if height > 0.75 * length + 30:
            break
        for side in (1,) if height == 0 else (1, -1):
            offset = normal * (4 / 3 * height * side)
            inner = 0.28 if height < 0.4 * length else 0.1
            curve = np.stack([start, start + inner * chord + offset, end - inner * chord + offset, end])
            curves.append(curve)
            # Of two edges that go to and fro, both are bent alike.
            costs.append(0.14 * height + 0.02 * length + (8.0 if height == 0 and paired else 0.0))
    return clip(np.stack(curves), radius), np.array(costs)


def loops(centre: Points, radius: float) -> tuple[Points, NDArray[np.floating]]:
    """Return the curves ``(candidates, 4, 2)`` that a self loop may take, and their costs."""
    curves = []
    for angle in np.deg2rad(LOOP_ANGLES):
        turn = np.deg2rad(26)
        rim = [np.array([np.cos(angle + d), np.sin(angle + d)]) for d in (-turn, turn)]
        far = [np.array([np.cos(angle + d), np.sin(angle + d)]) for d in (-0.75 * turn, 0.75 * turn)]
        reach = radius + 38.0
        curves.append(
            np.stack([
                centre + radius * rim[0], centre + reach * far[0], centre + reach * far[1],
                centre + radius * rim[1],
            ])
        )  # fmt: skip
    return np.stack(curves), np.array(_LOOP_COSTS, float)


def crossings(curves: Points, others: Points) -> NDArray[np.intp]:
    """Return how often each polyline of ``curves`` ``(C, S, 2)`` crosses ``others`` ``(M, R, 2)``."""

    def sides(lines: Points, points: Points) -> NDArray[np.bool_]:
        """Return on which side of each segment each point lies, ``(L, segments, N, points)``."""
        step = lines[:, 1:] - lines[:, :-1]
        turned = np.stack([-step[..., 1], step[..., 0]], -1).reshape(-1, 2)
        own = (turned * lines[:, :-1].reshape(-1, 2)).sum(-1, keepdims=True)
        right = turned @ points.reshape(-1, 2).T > own
        return right.reshape(*step.shape[:2], *points.shape[:2])

    there, here = sides(curves, others), sides(others, curves)
    cut = there[..., 1:] != there[..., :-1]
    back = (here[..., 1:] != here[..., :-1]).transpose(2, 3, 0, 1)
    return (cut & back).sum((1, 2, 3))


def touches(curves: Points, others: Points, near: float) -> NDArray[np.intp]:
    """Return how many points of each of ``curves`` ``(C, S, 2)`` lie nearer than ``near`` to each polyline of
    ``others`` ``(M, R, 2)``, summed over those."""
    points = curves.reshape(-1, 2)
    begin, step = others[:, :-1].reshape(-1, 2), (others[:, 1:] - others[:, :-1]).reshape(-1, 2)
    square = np.maximum((step**2).sum(-1), 1e-9)
    ahead = points @ step.T - (begin * step).sum(-1)
    along = np.clip(ahead / square, 0.0, 1.0)
    away = (points**2).sum(-1)[:, None] - 2 * points @ begin.T + (begin**2).sum(-1)
    away += along * (along * square - 2 * ahead)
    close = (away < near * near).reshape(*curves.shape[:2], len(others), -1).any(-1)
    return close.sum((1, 2))


def through_states(curves: Points, centres: Points, radius: float) -> NDArray[np.floating]:
    """Return for each polyline ``(C, S, 2)`` how deep it runs into the circles round ``centres`` ``(n, 2)``,
    summed over the circles."""
    if len(centres) == 0:
        return np.zeros(len(curves))
    begin, step = curves[:, :-1, None], (curves[:, 1:] - curves[:, :-1])[:, :, None]
    square = np.maximum((step**2).sum(-1), 1e-9)
    along = np.clip(((centres - begin) * step).sum(-1) / square, 0.0, 1.0)
    nearest = np.sqrt(((centres - begin - along[..., None] * step) ** 2).sum(-1)).min(1)
    return np.maximum(0.0, radius - nearest).sum(1)


def route(edges: Sequence[tuple[int, int]], centres: Points, radius: float, fixed: Points) -> list[Points]:
    """Return one cubic curve ``(4, 2)`` for each edge.

    Args:
        edges: (source, target); each pair once.
        centres: ``(states, 2)``, where the states stand.
        radius: of the states.
        fixed: ``(curves, 4, 2)`` that are there already: the start arrow.
    """
    families, costs, polylines = [], [], []
    for source, target in edges:
        if source == target:
            made = loops(centres[source], radius)
            # Room for the label too: what must not be touched reaches further out than the loop.
            middle = centres[source]
            wide = made[0].copy()
            wide[:, 1:3] = middle + 1.5 * (wide[:, 1:3] - middle)
            lines = sample(wide, SAMPLES)
        else:
            made = arcs(centres[source], centres[target], radius, (target, source) in edges)
            lines = sample(made[0], SAMPLES)
        foreign = np.delete(centres, [source, target], axis=0)
        hits = through_states(lines, foreign, radius + _CLEAR)
        families.append(made[0])
        costs.append(made[1] + np.where(hits > 0, 40.0 + 6.0 * hits, 0.0))
        polylines.append(lines)
    chosen = [int(np.argmin(cost)) for cost in costs]
    standing = np.concatenate(
        [sample(fixed, SAMPLES), *[lines[pick][None] for lines, pick in zip(polylines, chosen, strict=True)]]
    )
    first = len(fixed)

    def price(number: int, picks: NDArray[np.intp]) -> Points:
        others = np.delete(standing, first + number, axis=0)
        lines = polylines[number][picks]
        if len(others) == 0:
            return costs[number][picks]
        return costs[number][picks] + 11.0 * crossings(lines, others) + 5.0 * touches(lines, others, 7.0)

    for _ in range(5):
        changed = False
        for number, cost in enumerate(costs):
            now = float(price(number, np.array([chosen[number]]))[0])
            cheaper = np.flatnonzero(cost < now - 1e-9)  # the others cannot win, whatever they cross
            cheaper = cheaper[cheaper != chosen[number]]
            if len(cheaper) == 0:
                continue
            prices = price(number, cheaper)
            if prices.min() < now - 1e-9:
                chosen[number], changed = int(cheaper[np.argmin(prices)]), True
                standing[first + number] = polylines[number][chosen[number]]
        if not changed:
            break
    return [family[pick] for family, pick in zip(families, chosen, strict=True)]


def place_labels(
    curves: Sequence[Points], sizes: Points, own_loop: Sequence[bool], centres: Points, radius: float,
    fixed: Points,
) -> tuple[Points, int, int]:  # fmt: skip
    """Return the centre of each label ``(edges, 2)``, how many overlaps with states or labels are left, and
    how often a label lies on another edge or behind one.

    Args:
        curves: the routed edges, each ``(4, 2)``.
        sizes: ``(edges, 2)``, width and height of each label; a width of 0 is no label.
        own_loop: which edges are self loops.
        centres: ``(states, 2)``.
        radius: of the states.
        fixed: ``(curves, 4, 2)``, as for :func:`route`.
    """
    if not curves:
        return np.zeros((0, 2)), 0, 0
    lines = sample(np.concatenate([np.stack(list(curves)), fixed]), FINE)
    spots, costs, unclear = [], [], []
    for number, curve in enumerate(curves):
        places, cost, ties = _spots(curve, sizes[number], own_loop[number], lines[number])
        half = sizes[number] / 2 + 2.0
        gap = np.maximum(np.abs(centres[None] - places[:, None]) - half, 0.0)
        cost = cost + 1000.0 * ((gap**2).sum(-1) < (radius + 1.0) ** 2).sum(1)
        others = np.delete(lines, number, axis=0)
        away = np.abs(others[None] - places[:, None, None])
        inside = (away < half).all(-1)
        struck = inside.any(2).sum(1)
        near = (away < half + 4.0).all(-1).any((1, 2))
        cost = cost + 14.0 * struck + 0.5 * inside.sum((1, 2)) + 1.5 * near
        # Behind another edge a label would be taken for that edge's.
        behind = crossings(ties, others)
        cost = cost + 40.0 * behind
        unclear.append(struck + behind)
        spots.append(places)
        costs.append(cost)
    half = sizes / 2 + 1.5
    picks = [int(np.argmin(cost)) for cost in costs]
    at = np.stack([places[pick] for places, pick in zip(spots, picks, strict=True)])
    shown = sizes[:, 0] > 0
    for _ in range(12):
        changed = False
        for number, (places, cost) in enumerate(zip(spots, costs, strict=True)):
            if not shown[number]:
                continue
            total = cost + 1000.0 * _overlaps(places, half[number], at, half, shown, number)
            pick = int(np.argmin(total))
            if pick != picks[number]:
                at[number], picks[number], changed = places[pick], pick, True
        if not changed:
            break
    left = 0
    poor = int(sum(unclear[number][picks[number]] for number in np.flatnonzero(shown)))
    for number in np.flatnonzero(shown):
        place = at[number : number + 1]
        left += int(_overlaps(place, half[number], at, half, shown, int(number))[0])
        gap = np.maximum(np.abs(centres - place) - sizes[number] / 2, 0.0)
        left += int(((gap**2).sum(-1) < radius**2).sum())
    return at, left, poor


def _overlaps(
    places: Points, half: Points, at: Points, halves: Points, shown: NDArray[np.bool_], number: int
) -> NDArray[np.intp]:
    """Return with how many other labels each place would overlap."""
    meets = (np.abs(at[None] - places[:, None]) < half + halves).all(-1) & shown
    meets[:, number] = False
    return meets.sum(1)


def _spots(
    curve: Points, size: Points, is_loop: bool, line: Points
) -> tuple[Points, NDArray[np.floating], Points]:
    """Return places for the label of a curve, what each costs (beside the middle is best), and the line from
    the curve to each, ``(places, 2, 2)``."""
    t = np.array([0.5] if is_loop else [0.5, 0.45, 0.55, 0.4, 0.6, 0.34, 0.66, 0.28, 0.72, 0.22, 0.78])
    point = _at(curve, t)
    slope = _at(curve, np.minimum(t + 1e-3, 1.0)) - _at(curve, t - 1e-3)
    slope = slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9)
    normal = np.stack([slope[:, 1], -slope[:, 0]], -1)
    reach = (np.abs(normal) * size / 2).sum(-1, keepdims=True) + 3.0
    places, costs, ties = [], [], []
    bulge = curve[1:3].mean(0) - (curve[0] + curve[3]) / 2
    for side in (1.0, -1.0, 0.0):
        for far in (1.0, 1.25) if side else (1.0,):
            spot = point + side * far * reach * normal
            cost = 14.0 * np.abs(t - 0.5) + 8.0 * (far - 1.0)
            # On the line its text would be struck through, were the ground not painted below it.
            cost = cost + (9.0 if side == 0 else 0.0)
            outward = side * (normal * bulge).sum(-1)
            cost = cost + np.where(outward < -1e-6, 2.0, 0.0)
            # On a straight edge: above it rather than below.
            cost = cost + np.where(np.abs(outward) <= 1e-6, 1.0 * (side * normal[:, 1] > 0), 0.0)
            if side:
                inside = (np.abs(line[None] - spot[:, None]) < size / 2 + 1.0).all(-1)
                cost = cost + 4.0 * inside.sum(1)
            places.append(spot)
            costs.append(cost)
            ties.append(np.stack([point, spot], 1))
    return np.concatenate(places), np.concatenate(costs), np.concatenate(ties)
