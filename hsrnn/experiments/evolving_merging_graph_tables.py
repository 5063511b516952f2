"""Tables of ``evolving.merging`` on what a proposal is made of: probabilities, both terms of the ratio, and
what one level of merging leaves of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hsrnn.ledger import Record, Table

from .claims import interval_text, percent


def probability_table(title: str, records: Sequence[Record]) -> Table:
    """How well the merging probabilities of each level tell edges within a label from edges across."""
    rows = []
    for level in range(records[0].config["levels"] - 1):
        found = [record.metrics["probabilities"][level] for record in records]
        cells = [interval_text([f[key] for f in found], 3) for key in ("auc", "within", "across")]
        rows.append((str(level), percent([f["same"] for f in found]), *cells))
    return Table(
        f"{title}: merging probabilities of one network, test part",
        ("level", "edges within a label, %", "area under the curve", "mean within", "mean across"),
        tuple(rows),
        "Mean ± half of a 95 % interval (Student's t over seeds). Area under the curve: the chance that an "
        "edge within a label has a higher probability than one across; 0.5 knows nothing. Means of the "
        "probabilities of both sorts of edges.",
    )


def terms_table(title: str, records: Sequence[Record]) -> Table:
    """Both terms of the acceptance ratio, with the labels known as in training."""
    rows = []
    for rule in records[0].metrics["terms"]:
        for level in range(records[0].config["levels"] - 1):
            found: list[dict[str, Any]] = [record.metrics["terms"][rule][level] for record in records]
            rows.append((
                rule, str(level), interval_text([f["eliminated"] for f in found]),
                interval_text([f["transition"] for f in found], 2),
                interval_text([f["loss"] for f in found], 4),
                interval_text([f["largest_loss"] for f in found], 3),
                percent([f["acceptance"] for f in found]),
            ))  # fmt: skip
    beta = records[0].config["beta"]
    return Table(
        f"{title}: the two terms that decide a proposal, labels known as in training, test part",
        ("rule", "level", "edges eliminated", "log transition", "loss term", "largest loss term",
         "accepted, %"),
        tuple(rows),
        f"Mean ± half of a 95 % interval (Student's t over seeds), over proposals that would merge anything. "
        f"Loss term: {beta:g} times the difference in loss a pixel, of the graph and of the proposed one; "
        f"largest: in size. Their sum is the log of the ratio.",
    )  # fmt: skip


def percolation_table(title: str, records: Sequence[Record]) -> Table:
    """What one level leaves of the graphs of superpixels: all sampled edges, and a matching of them."""
    rows = []
    for number, first in enumerate(records[0].metrics["percolation"]):
        found = [record.metrics["percolation"][number] for record in records]
        rows.append((
            first["probabilities"], first["proposal"], interval_text([f["nodes"] for f in found]),
            *(percent([f[key] for f in found]) for key in ("largest", "accuracy", "foreground_accuracy")),
            *(interval_text([f[key] for f in found], 1) for key in ("inverse", "product")),
            interval_text([f["normalised"] for f in found], 2),
        ))  # fmt: skip
    before = interval_text([record.metrics["percolation"][0]["before"] for record in records])
    return Table(
        f"{title}: what one level of merging leaves, test part",
        ("probability within / across", "proposal", "regions", "largest, %", "accuracy, %",
         "on the foreground, %", "log 1/prod(1-p)", "log prod p", "mean log odds"),
        tuple(rows),
        f"Mean ± half of a 95 % interval (Student's t over seeds), a picture of {before} superpixels. "
        f"Probabilities are made from the true labels, or are the network's own. Bernoulli merges every "
        f"sampled edge, matching each node at most once. Largest: its share of all superpixels. Accuracy: of "
        f"pixels that get the majority label of their region; on the foreground: of its pixels. The last "
        f"columns sum (mean log odds: average) over eliminated edges, swallowed ones included.",
    )  # fmt: skip
