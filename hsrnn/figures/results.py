"""Pictures of finished runs: training curves, and scores of boundaries against known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

MEASURES = ("precision", "recall", "f1")
_ROLES = ("ink", *LAYER_COLOURS, "changed", "muted")
_DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")


def plot_training(logs: Mapping[str, Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]]) -> Picture:
    """Draw bits per character and boundary rates over the updates of several trainings.

    Args:
        logs: name of a model -> its log: lines as `hsrnn.hmrnn.train` returns them, or the same as columns,
            as the ledger keeps them under "curve". Used are `update`, `valid_bpc` and, where there are any,
            `boundary_rates` (one rate in [0, 1] a layer below the top). At most six models.

    Raises:
        ValueError: for no log, more than six, or an empty one.
    """
    if not 1 <= len(logs) <= len(_ROLES):
        raise ValueError(f"logs must hold 1 to {len(_ROLES)} trainings, got {len(logs)}")
    curves = {name: _columns(name, log) for name, log in logs.items()}
    fired = {name: curve for name, curve in curves.items() if len(curve["boundary_rates"])}
    parts = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        panels = figure.subplots(1, 2 if fired else 1, squeeze=False)[0]
        roles = dict(zip(curves, _ROLES, strict=False))
        for name, curve in curves.items():
            panels[0].plot(curve["update"], curve["valid_bpc"], color=colour(roles[name]), label=name)
            best = min(curve["valid_bpc"])
            updates = curve["update"][curve["valid_bpc"].index(best)]
            parts.append(f"{name} reaches {best:.3f} bits after {updates} updates")
        panels[0].set(title="Bits per character, validation", xlabel="updates")
        panels[0].legend()
        panels[0].grid(axis="y", linewidth=0.6)
        for name, curve in fired.items():
            rates = np.asarray(curve["boundary_rates"], dtype=float)
            for layer in range(rates.shape[1]):
                label = f"{name}, layer {layer + 1}"
                panels[1].plot(
                    curve["update"],
                    rates[:, layer],
                    _DASHES[layer % 4],
                    color=colour(roles[name]),
                    label=label,
                )
            last = ", ".join(f"{rate:.2f} in layer {layer + 1}" for layer, rate in enumerate(rates[-1]))
            parts.append(f"boundaries of {name} fire at the end at a rate of {last}")
        if fired:
            panels[1].set(title="Boundaries fired per letter", xlabel="updates", ylim=(0, 1))
            panels[1].legend()
            panels[1].grid(axis="y", linewidth=0.6)
        return Picture(figure, f"Training curves of {', '.join(curves)}: {'; '.join(parts)}.")


def plot_scores(scores: Mapping[str, Mapping[str, float | int]], title: str = "") -> Picture:
    """Draw precision, recall and F1 as bars, one line for each way of setting boundaries.

    Args:
        scores: name of a way (a layer, a random guess, a rule) -> its "precision", "recall" and "f1" in [0,
            1], in the order to be drawn. Names that begin with "random" are drawn in grey, so that chance is
            seen at once.
        title: what the boundaries are compared with.

    Raises:
        ValueError: for no score, a missing measure or one outside [0, 1].
    """
    if not scores:
        raise ValueError("scores must hold at least one way of setting boundaries")
    for name, score in scores.items():
        for measure in MEASURES:
            if not 0 <= score.get(measure, -1.0) <= 1:
                raise ValueError(
                    f"scores[{name!r}] must have {measure!r} in [0, 1], got {score.get(measure)}"
                )
    names = list(scores)
    shades = [colour("copy") if name.startswith("random") else colour("update") for name in names]
    with drawing():
        figure = Figure(
            figsize=(WIDTH, 0.62 + 0.27 * len(names) + (0.3 if title else 0)), layout="constrained"
        )
        panels = figure.subplots(1, 3, sharey=True)
        for axes, measure in zip(panels, MEASURES, strict=True):
            values = [scores[name][measure] for name in names]
            axes.barh(range(len(names)), values, color=shades, height=0.66)
            for row, value in enumerate(values):
                axes.text(value + 0.02, row, f"{value:.2f}", va="center", color=colour("ink"))
            axes.set(xlim=(0, 1.16), title="F1" if measure == "f1" else measure.capitalize())
            axes.set_xticks((0, 0.5, 1))
            axes.tick_params(axis="y", length=0)
        panels[0].set_yticks(range(len(names)), names)
        panels[0].invert_yaxis()
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        parts = [
            f"{name}: precision {score['precision']:.2f}, recall {score['recall']:.2f}, F1 {score['f1']:.2f}"
            for name, score in scores.items()
        ]
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}Agreement of boundaries with the known ones. {'; '.join(parts)}.")


def _columns(
    name: str, log: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    """Return a log as columns, from lines or columns."""
    if isinstance(log, Mapping):
        columns = {key: list(log.get(key, ())) for key in ("update", "valid_bpc", "boundary_rates")}
    else:
        columns = {
            key: [line.get(key, ()) for line in log] for key in ("update", "valid_bpc", "boundary_rates")
        }
    columns["boundary_rates"] = [rates for rates in columns["boundary_rates"] if len(rates)]
    if not columns["update"] or len(columns["update"]) != len(columns["valid_bpc"]):
        raise ValueError(
            f"logs[{name!r}] must have an `update` and a `valid_bpc` for at least one evaluation"
        )
    return columns
