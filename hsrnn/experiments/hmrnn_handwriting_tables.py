"""Tables and verdicts of ``hmrnn.handwriting``, made from the ledger; no number stands here but the paper's
own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hsrnn.ledger import Record, Table, group, newest, summarise

from .claims import HEADLINE_SEEDS, NOT_RUN, command
from .hmrnn_language_tables import rates, size, summary

# Mean log-likelihood of a test line of IAM-OnDB that the paper reports (Chung, Ahn and Bengio 2017, section
# 4.2), 3 x 400 units, one unnamed seed; the lines of its test part were never published.
PAPER = {"LSTM": 1081, "HM-LSTM, step": 1137, "HM-LSTM, step, annealed": 1167}


def variant(config: dict[str, Any]) -> str:
    """Name what was trained, e.g. ``HM-LSTM, step``."""
    if config["core"] != "hmlstm":
        return "LSTM"
    name = f"HM-LSTM, {config['boundary']}" + (", annealed" if config["slope_max"] > 1 else "")
    return name + (", layer norm" if config["layer_norm"] else "")


def tables(records: Sequence[Record]) -> list[Table]:
    """Return every table of the experiment: scores and segmentation for each data set and preset, and C6."""
    shown = [record for record in newest(records) if record.preset != "smoke"]
    made = []
    for (data, preset), part in group(shown, lambda r: (r.config["data"], r.preset)).items():
        made.append(score_table(data, preset, part))
        made.append(segmentation_table(data, preset, part))
    return made + [claim_table(shown)]


def score_table(data: str, preset: str, records: Sequence[Record]) -> Table:
    """Log-likelihood, boundary rates and update saving of every variant on one data set."""
    rows = []
    for (name, units), runs in group(records, lambda r: (variant(r.config), size(r.config))).items():
        nats, point, saving = (
            summary(runs, key) for key in ("test_log_likelihood", "test_per_point", "saving")
        )
        assert nats is not None and point is not None
        paper = str(PAPER[name]) if data == "iam-ondb" and name in PAPER else "-"
        rows.append((
            name, units, f"{runs[0].metrics['parameters']:,}", paper,
            nats.text(1), f"{nats.low:.1f} to {nats.high:.1f}", f"{point.mean:.3f}", rates(runs),
            "-" if saving is None else f"{100 * saving.mean:.1f}\u00a0%",
        ))  # fmt: skip
    by_seed = list({record.seed: record for record in records}.values())  # the same for every variant
    rule, rule_point = (summary(by_seed, f"baseline_{key}") for key in ("log_likelihood", "per_point"))
    assert rule is not None and rule_point is not None
    rows.append(
        (
            "one mixture for all points",
            "-",
            "-",
            "-",
            rule.text(1),
            f"{rule.low:.1f} to {rule.high:.1f}",
            f"{rule_point.mean:.3f}",
            "-",
            "-",
        )
    )
    commands = "; ".join(f"`{command(runs[0])}`" for runs in group(records, _variant).values())
    minutes = summarise([record.seconds / 60 for record in records])
    processors = ", ".join(sorted({record.machine["processor"] for record in records}))
    scale = (
        " The paper's numbers are for 3 x 400 units trained to the end, on a division of the lines that was "
        "never published."
        if data == "iam-ondb"
        else ""
    )
    return Table(
        f"{data}, preset {preset}: log-likelihood of the test lines, nats a line",
        (
            "model",
            "units",
            "parameters",
            "paper",
            "test nats a line",
            "range",
            "nats a point",
            "z rate by layer",
            "copies",
        ),  # fmt: skip
        tuple(rows),
        f"{minutes.low:.1f} to {minutes.high:.1f} minutes a seed on {processors}, "
        f"{records[0].machine['threads']} thread(s). Higher is better. Densities are of standardised "
        f"movements, so numbers of different data cannot be compared.{scale} Made by {commands} (and further "
        "seeds).",
    )


def _variant(record: Record) -> str:
    return variant(record.config)


def segmentation_table(data: str, preset: str, records: Sequence[Record]) -> Table:
    """F1 of each layer's boundaries beside random boundaries and the pen-ups, for every variant with
    boundaries."""
    runs = [record for record in records if "segmentation" in record.metrics]
    rows = []
    for name, part in group(runs, _variant).items():
        for gold, rules in part[0].metrics["segmentation"].items():
            for l in range(1, 1 + sum(rule.startswith("layer") for rule in rules)):
                cells = [
                    summary(part, f"segmentation.{gold}.{rule}.f1")
                    for rule in (f"layer{l}", f"random{l}", "pen-up")
                ]
                precision, recall = (
                    summary(part, f"segmentation.{gold}.layer{l}.{m}") for m in ("precision", "recall")
                )
                assert precision is not None and recall is not None
                rows.append((
                    f"{name}, z of layer {l}", gold, f"{precision.mean:.2f}\u00a0/\u00a0{recall.mean:.2f}",
                    *(f"{cell.mean:.2f}" if cell else "-" for cell in cells),
                ))  # fmt: skip
    return Table(
        f"{data}, preset {preset}: do boundaries end units? F1 beside random boundaries and pen-ups",
        ("boundaries", "gold", "P / R", "F1", "random", "pen-ups"),
        tuple(rows),
        "Means over seeds. Random: expectation at the layer's own rate. Pen-ups: the rule that a unit ends "
        "wherever the pen is lifted.",
    )


def claim_table(records: Sequence[Record]) -> Table:
    """Claim C6 of the paper, what the ledger says of it, and a verdict."""
    desk = [r for r in records if r.config["data"] == "iam-ondb" and r.preset in ("desk", "paper")]
    by = group(desk, _variant)
    step, annealed, lstm = (by.get(name, []) for name in ("HM-LSTM, step", "HM-LSTM, step, annealed", "LSTM"))
    return Table(
        "Claims on handwriting, and what the ledger says so far",
        ("claim", "paper", "ours (IAM-OnDB)", "verdict"),
        (
            ("C6 HM-LSTM above LSTM in log-likelihood", "1137 against 1081", *higher(step, lstm)),
            ("C6 slope annealing helps", "1167 against 1137", *higher(annealed, step)),
        ),
        f'A verdict needs at least {HEADLINE_SEEDS} seeds of one preset; below that it reads "not tested", '
        "with the direction seen so far.",
    )


def higher(ours: Sequence[Record], other: Sequence[Record]) -> tuple[str, str]:
    """Return what was measured of two groups of records, and the verdict on "the first is higher"; of the
    presets that both have, the one with most seeds decides."""
    pairs = []
    for preset in ("paper", "desk"):
        first, second = (
            summary([r for r in part if r.preset == preset], "test_log_likelihood") for part in (ours, other)
        )
        if first is not None and second is not None:
            pairs.append((min(first.seeds, second.seeds), preset, first, second))
    if not pairs:
        return NOT_RUN, "not tested"
    seeds, preset, first, second = max(pairs, key=lambda pair: pair[0])
    measured = f"{first.text(1)} against {second.text(1)}, {preset}"
    if seeds < HEADLINE_SEEDS or first.interval is None or second.interval is None:
        points = "to yes" if first.mean > second.mean else "to no"
        return measured, f"not tested ({seeds} seed{'s' if seeds != 1 else ''}, points {points})"
    if first.interval[0] > second.interval[1]:
        return measured, "reproduced"
    return measured, "not reproduced" if first.mean <= second.mean else "partly: the intervals overlap"
