"""Tables and verdicts of ``hmrnn.language``, made from the ledger; no number stands here but the paper's
own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsrnn.ledger import Record, Table, group, metric, summarise

from . import hmrnn_tables, hmrnn_text_claims
from .claims import shown_of
from .hmrnn_language import JOINED
from .hmrnn_segments import correlation_table
from .hmrnn_tables import copies, origin, rates, size

# Test bits per character on the Penn Treebank that the paper reports for its own runs (Chung, Ahn and
# Bengio 2017, table 1), each with layer norm, 3 x 512 units and one unnamed seed.
PAPER_PTB = {
    "HM-LSTM, step, annealed": 1.24,
    "HM-LSTM, step": 1.25,
    "HM-LSTM, sample": 1.27,
    "HM-LSTM, soft": 1.27,
    "LN LSTM": 1.29,
    "clockwork RNN": 1.40,
}


def variant(config: Mapping[str, Any]) -> str:
    """Name what was trained, e.g. ``HM-LSTM, step``."""
    return hmrnn_tables.variant(config, norm=True)


def tables(records: Sequence[Record]) -> list[Table]:
    """Return every table of the experiment: scores and segmentation for each corpus and preset, whether the
    two go together, and the claims."""
    shown = shown_of(records)
    made = []
    for (corpus, preset), part in group(shown, lambda r: (r.config["corpus"], r.preset)).items():
        made.append(score_table(corpus, preset, part))
        made.append(segmentation_table(corpus, preset, part))
    return [*made, correlation_table(shown, _setting), hmrnn_text_claims.claims_table(shown)]


def text(corpus: str) -> str:
    """Name a corpus, e.g. ``ptb without spaces``."""
    name = corpus.removesuffix(JOINED)
    return name if name == corpus else f"{name} without spaces"


def _label(record: Record) -> str:
    return hmrnn_tables.label(record.config, norm=True)


def _setting(record: Record) -> str:
    return f"{text(record.config['corpus'])}, {record.preset}: {_label(record)}, {size(record.config)}"


def score_table(corpus: str, preset: str, records: Sequence[Record]) -> Table:
    """Bits per character, boundary rates and update saving of every variant on one corpus."""
    rows = []
    for (label, units), runs in group(records, lambda r: (_label(r), size(r.config))).items():
        name = variant(runs[0].config)
        bpc = summarise([metric(run, "test_bpc") for run in runs])
        paper = f"{PAPER_PTB[name]:.2f}" if corpus == "ptb" and name in PAPER_PTB else "-"
        rows.append((
            label, units, f"{runs[0].metrics['parameters']:,}", paper,
            bpc.text(), bpc.span(), rates(runs), copies(runs),
        ))  # fmt: skip
    where, made = origin(records, lambda record: f"{_label(record)} {size(record.config)}")
    scale = (
        " The paper's numbers are for 3 x 512 units trained to the end; these runs are smaller and shorter."
        if corpus == "ptb" and preset != "paper"
        else ""
    )
    return Table(
        f"{text(corpus)}, preset {preset}: bits per character on the test text, one contiguous stream",
        ("model", "units", "parameters", "paper", "test BPC", "range", "z rate by layer", "copies"),
        tuple(rows),
        f"{where}{scale} {made}",
    )


def segmentation_table(corpus: str, preset: str, records: Sequence[Record]) -> Table:
    """F1 of each layer's boundaries beside random boundaries and rules, for every variant with boundaries."""
    rule = "line ends" if corpus.endswith(JOINED) else "spaces"
    return hmrnn_tables.segmentation_table(
        f"{text(corpus)}, preset {preset}: do boundaries end units? F1 beside random boundaries and rules",
        records,
        _label,
        {"random": "random{}", "entropy, same rate": "entropy{}", "entropy peaks": "entropy", rule: "spaces"},
        "Means over seeds. Random: expectation at the layer's own rate. Entropy: highest "
        "next-symbol entropies of a 5-gram model at the layer's own rate, or all its local peaks. "
        + ("Line ends: every line end." if rule == "line ends" else "Spaces: every separator."),
    )
