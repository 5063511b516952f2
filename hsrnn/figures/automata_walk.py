"""Automaton: the living figure in which a word walks through a network and the automaton read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.automaton import check_machine, edge_labels, plot_automaton
from hsrnn.figures.automaton_layout import AutomatonLayout, lay_out, rejecting_sinks
from hsrnn.figures.hidden_states import plane
from hsrnn.figures.living import LivingFigure
from hsrnn.figures.weights import pack

CELLS = ("srn", "mgu", "gru", "lstm")
MOST_SYMBOLS = 10
LONGEST_WORD = 60
"""Symbols that the figure reads."""

MOST_POINTS = 700
"""Hidden states shown of each network; of more, every so many."""

Flags = NDArray[np.bool_]
Table = NDArray[np.integer]


class Automaton(LivingFigure):
    """A word, built symbol by symbol, walks through a recurrent network and through the automaton that was
    extracted from it, side by side with the true language; states merge as the automaton is minimised.

    Make one with `from_nets`. Its `state` has the keys `net` (index), `machine` (index among that net's),
    `stage` (0 the automaton as extracted, then each round of its minimisation, the last minimised), `word`
    (list of symbols) and `at` (how many of them are read, or None for all).
    """

    module = "automaton.js"
    styles = ("automata.css",)

    @classmethod
    def from_nets(
        cls,
        nets: Sequence[Mapping[str, Any]],
        symbols: Sequence[str],
        *,
        target: Mapping[str, Any] | None = None,
        language: str = "the language",
        word: Sequence[str] = (),
        machine: int = 0,
        minimised: bool = False,
        empty_word: bool = True,
        bits: int = 32,
        name: str | None = None,
    ) -> Automaton:
        """Return the figure for trained networks and their automata.

        Args:
            nets: one mapping a network, with the keys `cell` ("srn", "mgu", "gru" or "lstm"), `weights` (the
                state dict of a `hsrnn.automata.SequenceClassifier` as arrays), `points` (`(n, H)` hidden
                states, which span the plane and make the cloud), `machines`, and optionally `name`. Each of
                `machines` is a mapping with `k` (clusters), `table`, `accepting`, `start` as for
                `plot_automaton`, and optionally `clusters` (`(n,)` cluster of each point, which is also the
                state's number) and `name`.
            symbols: the alphabet, at most 10 symbols.
            target: `table`, `accepting` and `start` of the true language; None if it is unknown.
            language: how the figure calls the true language: "words that contain 0110".
            word: the word that the figure opens with.
            machine: index of the automaton, of the first network's, that the figure opens with.
            minimised: whether it opens with the minimised automaton.
            empty_word: whether the empty word counts as a counterexample. A network never read it.
            bits: width of a stored weight: 8, 16 or 32 (exact).
            name: see `LivingFigure`.

        Raises:
            ValueError: for no network or machine, an unknown cell, weights or points that do not fit the cell
                and the symbols, an unfit automaton or index, or a word with a symbol outside the alphabet.
        """
        symbols = [str(symbol) for symbol in symbols]
        if not 1 <= len(symbols) <= MOST_SYMBOLS or len(set(symbols)) < len(symbols):
            raise ValueError(f"symbols must be 1 to {MOST_SYMBOLS} different ones, got {symbols[:20]}")
        if not nets:
            raise ValueError("nets must hold at least one network, got none")
        codes = [symbols.index(each) if each in symbols else -1 for each in word]
        if -1 in codes or len(codes) > LONGEST_WORD:
            raise ValueError(f"word must be at most {LONGEST_WORD} symbols of {symbols}, got {list(word)}")
        told = [_net(net, f"nets[{place}]", symbols, bits) for place, net in enumerate(nets)]
        truth = None
        if target is not None:
            table, accepting = check_machine(target["table"], target["accepting"], target["start"], symbols)
            truth = {"table": table, "accepting": accepting, "start": int(target["start"])}
        if not 0 <= machine < len(told[0]["machines"]):
            raise ValueError(
                f"machine must be an index of the first network's {len(told[0]['machines'])}, got {machine}"
            )
        first = told[0]["machines"][machine]
        stage = len(first["stages"]) - 1 if minimised else 0
        shown = first["minimal"] if minimised else first
        path = trace(np.asarray(shown["table"]), shown["start"], codes)
        picture = plot_automaton(
            shown["table"], shown["accepting"], shown["start"], symbols, names=shown["names"],
            highlight=path if codes else None,
        )  # fmt: skip
        names = ", ".join(net["name"] for net in told)
        data = {
            "symbols": symbols, "nets": told, "target": truth, "language": language, "empty": empty_word,
            "longest": LONGEST_WORD,
        }  # fmt: skip
        return cls(
            data,
            state={"net": 0, "machine": machine, "stage": stage, "word": list(map(str, word)), "at": None},
            alt=f"Automata extracted from recurrent networks ({names}). {picture.alt}",
            fallback=picture,
            name=name,
        )


# One network ----------------------------------------------------------------------------------------


def _net(net: Mapping[str, Any], where: str, symbols: Sequence[str], bits: int) -> dict[str, Any]:
    """Return a network as the page needs it."""
    cell = net["cell"]
    weights = {key: np.asarray(value) for key, value in net["weights"].items()}
    size = check_weights(weights, cell, len(symbols), f'{where}["weights"]')
    points = np.asarray(net["points"], float)
    if points.ndim != 2 or len(points) == 0 or points.shape[1] != size:
        raise ValueError(f'{where}["points"] must be (n, {size}) hidden states, got {points.shape}')
    if not net["machines"]:
        raise ValueError(f'{where}["machines"] must hold at least one automaton, got none')
    centre, directions, share = plane(points)
    kept = np.unique(np.linspace(0, len(points) - 1, MOST_POINTS).astype(int))
    xy = (points - centre) @ directions.T
    return {
        "cell": cell,
        "name": str(net.get("name", cell.upper())),
        "size": size,
        "weights": pack(weights, bits),
        "mean": centre,
        "directions": directions,
        "share": share,
        "points": np.round(xy[kept], 3),
        "machines": [
            _machine(machine, f'{where}["machines"][{place}]', symbols, xy, kept)
            for place, machine in enumerate(net["machines"])
        ],
    }


def check_weights(weights: Mapping[str, NDArray[Any]], cell: str, inputs: int, where: str) -> int:
    """Return the number of units of a classifier's weights.

    Raises:
        ValueError: for an unknown cell, or weights that do not fit it and the number of symbols.
    """
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {cell!r}")
    needed = ["cell.weight_ih", "cell.weight_hh", "cell.bias_ih", "output.weight", "output.bias"]
    needed += [] if cell == "mgu" else ["cell.bias_hh"]
    missing = [key for key in needed if key not in weights]
    if missing:
        raise ValueError(f"{where} must be a SequenceClassifier's state dict: {', '.join(missing)} missing")
    size = weights["cell.weight_hh"].shape[1]
    width = inputs
    if "embedding.weight" in weights:
        rows, width = weights["embedding.weight"].shape
        if rows != inputs:
            raise ValueError(f"{where} know {rows} symbols, but there are {inputs}")
    rows = size * (CELLS.index(cell) + 1)
    if weights["cell.weight_ih"].shape != (rows, width) or weights["cell.weight_hh"].shape[0] != rows:
        raise ValueError(
            f"{where} do not fit cell {cell!r} of {size} units with {width} inputs: weight_ih is "
            f"{weights['cell.weight_ih'].shape}, must be {(rows, width)}"
        )
    return size


# One automaton --------------------------------------------------------------------------------------


def _machine(
    machine: Mapping[str, Any], where: str, symbols: Sequence[str], xy: NDArray[np.floating], kept: Table
) -> dict[str, Any]:
    """Return an automaton with its layouts, the rounds of its minimisation, and its place in the cloud."""
    try:
        table, accepting = check_machine(machine["table"], machine["accepting"], machine["start"], symbols)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    start, states = int(machine["start"]), len(table)
    rounds = refinement(table, accepting, start)
    final = rounds[-1]
    first = np.array([int(np.argmax(final == block)) for block in range(int(final.max()) + 1)])
    small, flags = final[table[first]], accepting[first]
    clusters = None
    if machine.get("clusters") is not None:
        clusters = np.asarray(machine["clusters"])
        if clusters.shape != (len(xy),) or not 0 <= clusters.min() <= clusters.max() < states:
            raise ValueError(
                f"{where}: clusters must be ({len(xy)},) states from 0 to {states - 1}, one for each point"
            )
    names = [str(state) for state in range(states)]
    letters = [class_name(block) for block in range(len(small))]
    stages = [f"as extracted: {count(states, 'state')}"]
    told = ["accepting or not", *(f"round {n}" for n in range(1, len(rounds)))]
    stages += [
        f"{what}: {count(int(each.max()) + 1, 'class', 'es')}"
        for what, each in zip(told, rounds, strict=True)
    ]
    stages += [f"minimised: {count(len(small), 'state')}"]
    return {
        "k": int(machine["k"]),
        "name": str(machine.get("name", machine["k"])),
        **drawn(table, accepting, start, symbols, names),
        "minimal": drawn(small, flags, 0, symbols, letters),
        "map": final,
        "stages": stages,
        "rounds": rounds,
        "clusters": None if clusters is None else clusters[kept],
        "centres": None if clusters is None else _centres(xy, clusters, states),
    }


def drawn(
    table: Table,
    accepting: Flags,
    start: int,
    symbols: Sequence[str],
    names: Sequence[str],
    labels: Mapping[tuple[int, int], str] | None = None,
) -> dict[str, Any]:
    """Return an automaton together with its layout, as data for a page."""
    layout = lay_out(table, accepting, start, edge_labels(table, symbols, labels), names)
    return {
        "table": table,
        "accepting": accepting,
        "start": start,
        "names": list(names),
        "sinks": rejecting_sinks(table, accepting),
        "layout": layout_data(layout),
    }


def layout_data(layout: AutomatonLayout) -> dict[str, Any]:
    """Return a layout as lists, rounded to a tenth of a pixel."""

    def rounded(values: Any) -> Any:
        return np.round(np.asarray(values, float), 1)

    return {
        "width": round(layout.width, 1),
        "height": round(layout.height, 1),
        "radius": round(layout.radius, 1),
        "states": rounded(layout.states),
        "start": rounded(layout.start),
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "path": rounded(edge.path),
                "label": list(edge.label),
                "anchor": rounded(edge.anchor),
            }
            for edge in layout.edges
        ],
    }


def trace(table: ArrayLike, start: int, codes: Sequence[int]) -> list[int]:
    """Return the states that a word passes, the start first."""
    rows, states = np.asarray(table), [start]
    for code in codes:
        states.append(int(rows[states[-1], code]))
    return states


def refinement(table: Table, accepting: Flags, start: int) -> list[NDArray[np.intp]]:
    """Return the rounds of Moore's partition refinement: for each the class of every state, -1 where no word
    leads.

    The first round tells accepting states from others; each later one splits states that some symbol leads to
    different classes; the last is the minimal automaton. Classes are numbered in the order in which a
    breadth-first search meets them.
    """
    order, seen = [start], {start}
    for state in order:
        for target in table[state].tolist():
            if target not in seen:
                seen.add(target)
                order.append(target)

    def numbered(keys: Sequence[Any]) -> NDArray[np.intp]:
        number: dict[Any, int] = {}
        blocks = np.full(len(table), -1, np.intp)
        for state in order:
            blocks[state] = number.setdefault(keys[state], len(number))
        return blocks

    rounds = [numbered(accepting.tolist())]
    while True:
        block = rounds[-1]
        finer = numbered([(int(own), *block[row].tolist()) for own, row in zip(block, table, strict=True)])
        if finer.max() == block.max():
            return rounds
        rounds.append(finer)


def class_name(number: int) -> str:
    """Return A, B, ..., Z, A1, B1, ... for 0, 1, ..."""
    return chr(65 + number % 26) + (str(number // 26) if number >= 26 else "")


def count(number: int, what: str, ending: str = "s") -> str:
    """Return "1 state", "2 states"."""
    return f"{number} {what}{'' if number == 1 else ending}"


def _centres(xy: NDArray[np.floating], clusters: Table, states: int) -> list[list[float] | None]:
    """Return the mean of each state's points in the plane, None for a state without points."""
    sizes = np.bincount(clusters, minlength=states)
    sums = np.stack([np.bincount(clusters, xy[:, axis], states) for axis in range(2)], 1)
    return [
        [round(float(value), 3) for value in total / size] if size else None
        for total, size in zip(sums, sizes, strict=True)
    ]
