"""What the tables of both experiments of the room ``hmrnn`` share: the names of what was trained, boundaries
beside chance and rules, and when one model is better than another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hsrnn.ledger import Record, Summary, Table, group, metric, summarise

from .claims import HEADLINE_SEEDS, NOT_RUN, command

SPACE = "\u00a0"
"""Keeps a number and its unit on one line."""


def variant(config: Mapping[str, Any], *, norm: bool) -> str:
    """Name what was trained, e.g. ``HM-LSTM, step``; ``norm``: layer norm goes without saying."""
    if config["core"] != "hmlstm":
        return {"lstm": "LSTM", "layer-norm-lstm": "LN LSTM", "clockwork": "clockwork RNN"}[config["core"]]
    name = f"HM-LSTM, {config['boundary']}" + (", annealed" if config["slope_max"] > 1 else "")
    if config["layer_norm"] != norm:
        name += ", layer norm" if config["layer_norm"] else ", no layer norm"
    return name + (", h recomputed on top" if config.get("top_layer") == "author" else "")


def label(config: Mapping[str, Any], *, norm: bool) -> str:
    """Name what was trained, and how fast its slope grew where it did."""
    grew = config["core"] == "hmlstm" and config["slope_max"] > 1
    return variant(config, norm=norm) + (f" by {config['slope_per_epoch']:g} an epoch" if grew else "")


def size(config: Mapping[str, Any]) -> str:
    """Write the layers, e.g. ``3 x 128``."""
    sizes = config["hidden_sizes"]
    return f"{len(sizes)} x {sizes[0]}" if len(set(sizes)) == 1 else " + ".join(map(str, sizes))


def as_recorded(config: Any) -> dict[str, Any]:
    """Return the settings as a record holds them: in JSON a tuple is a list."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def runs(records: Sequence[Record], config: Any) -> list[Record]:
    """Return the records whose settings are those of ``config``, all of them."""
    wanted = as_recorded(config)
    return [record for record in records if record.config == wanted]


def summary(records: Sequence[Record], name: str) -> Summary | None:
    """Summarise a metric over records, or return ``None`` where no record has it."""
    values = [value for record in records if (value := metric(record, name)) is not None]
    return summarise(values) if values else None


def rates(records: Sequence[Record]) -> str:
    """Write the mean boundary rate of each layer below the top, e.g. ``0.494 / 0.290``, or ``-``."""
    layers = zip(*(record.metrics.get("boundary_rates", ()) for record in records))
    return " / ".join(f"{summarise(layer).mean:.3f}" for layer in layers) or "-"


def copies(records: Sequence[Record]) -> str:
    """Write the mean share of copies, e.g. ``36.1 %``, or ``-``."""
    saving = summary(records, "saving")
    return "-" if saving is None else f"{100 * saving.mean:.1f}{SPACE}%"


def origin(records: Sequence[Record], name: Callable[[Record], str]) -> tuple[str, str]:
    """Write how long the runs took and where, and the command of each of them."""
    minutes = summarise([record.seconds / 60 for record in records])
    processors = ", ".join(sorted({record.machine["processor"] for record in records}))
    commands = "; ".join(f"`{command(same[0])}`" for same in group(records, name).values())
    return (
        f"{minutes.span(1)} minutes a seed by the clock on {processors}, "
        f"{records[0].machine['threads']} thread(s).",
        f"Made by {commands} (and further seeds).",
    )


def segmentation_table(
    title: str,
    records: Sequence[Record],
    name: Callable[[Record], str],
    rules: Mapping[str, str],
    note: str,
) -> Table:
    """F1 of each layer's boundaries, for every variant with boundaries and every gold segmentation, beside
    chance and rules.

    Args:
        title: what was read.
        records: runs; those without boundaries are left out.
        name: names the variant of a record.
        rules: header of a column -> rule in the records, ``{}`` in it standing for the layer.
        note: what the columns are.
    """
    rows = []
    found = [record for record in records if "segmentation" in record.metrics]
    for label, part in group(found, name).items():
        for gold, scored in part[0].metrics["segmentation"].items():
            for l in range(1, 1 + sum(rule.startswith("layer") for rule in scored)):
                means = [
                    summary(part, f"segmentation.{gold}.{which}")
                    for which in (
                        *(f"layer{l}.{measure}" for measure in ("precision", "recall", "f1")),
                        *(f"{rule.format(l)}.f1" for rule in rules.values()),
                    )
                ]
                precision, recall, *cells = ("-" if one is None else f"{one.mean:.2f}" for one in means)
                both = f"{precision}{SPACE}/{SPACE}{recall}"
                rows.append((f"{label}, z of layer {l}", gold, both, *cells))
    return Table(title, ("boundaries", "gold", "P / R", "F1", *rules), tuple(rows), note)


@dataclass(frozen=True)
class Measure:
    """A score by which two models are compared.

    Attributes:
        name: of the metric.
        lower_is_better: true for bits, false for likelihoods.
        digits: to print.
    """

    name: str
    lower_is_better: bool
    digits: int

    def better(self, ours: Sequence[Record], *others: Sequence[Record]) -> tuple[str, str]:
        """Return what was measured, and the verdict on "the first is better than each of the others": the
        weakest of those on each. Where several are not tested, one that points to no is weaker than one that
        points to yes."""
        measured, verdicts = zip(*(self._better(ours, other) for other in others))
        return "; ".join(dict.fromkeys(measured)), min(verdicts, key=_strength)

    def _better(self, ours: Sequence[Record], other: Sequence[Record]) -> tuple[str, str]:
        first, second = summary(ours, self.name), summary(other, self.name)
        if first is None or second is None:
            return NOT_RUN, "not tested"
        sign = -1 if self.lower_is_better else 1
        ahead = sign * first.mean > sign * second.mean
        texts = first.text(self.digits), second.text(self.digits)
        measured = f"{texts[0]} against {texts[1]}, {ours[0].preset}"
        seeds = min(first.seeds, second.seeds)
        if seeds < HEADLINE_SEEDS or first.interval is None or second.interval is None:
            return measured, points(seeds, "yes" if ahead else "no")
        if not ahead:
            return measured, "not reproduced"
        apart = min(sign * end for end in first.interval) > max(sign * end for end in second.interval)
        return measured, "reproduced" if apart else "partly: the intervals overlap"


def _strength(verdict: str) -> tuple[int, int]:
    order = ("not reproduced", "not tested", "partly", "reproduced")
    rank = [verdict.startswith(word) for word in order].index(True)
    return rank, verdict.endswith("yes)") - verdict.endswith("no)")


def points(seeds: int, where: str) -> str:
    """Write the verdict of too few seeds, with the direction seen so far."""
    return f"not tested ({seeds} seed{'s' if seeds != 1 else ''}, points to {where})"


def above(found: Summary, bar: float, lower: float) -> str:
    """Return the verdict on a claim about one model: reproduced if the interval lies above ``bar``, partly if
    it lies above ``lower`` only."""
    if found.seeds < HEADLINE_SEEDS or found.interval is None:
        return points(found.seeds, "yes" if found.mean > bar else "partly" if found.mean > lower else "no")
    low, _ = found.interval
    return "reproduced" if low > bar else "partly" if low > lower else "not reproduced"
