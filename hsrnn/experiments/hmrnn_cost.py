"""What copying saves over sizes: the stored output of ``hsrnn bench hmrnn.cost --json``, as a table.

The prediction is the count of multiplications of the fast path, as a share of those of a stack of LSTM layers
of equal sizes; beside it the share of the time, measured in alternation in one process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hsrnn import datasets
from hsrnn.ledger import Table


def read_cost(path: Path | None = None) -> list[dict[str, Any]]:
    """Read the lines of the bench: those that ship, or those of another file."""
    path = path or datasets.shipped("benchmarks/hmrnn.cost.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def cost_table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return predicted and measured cost of a training step, as shares of an LSTM's, over the sizes in
    ``lines``."""
    rows = tuple(
        (
            f"3 x {line['units']}", f"{line['rows']}", " / ".join(f"{z:.2f}" for z in line["boundary_rates"]),
            f"{1e3 * line['ours'] / line['length']:.2f}", f"{1e3 * line['reference'] / line['length']:.2f}",
            f"{line['multiplications']['share']:.2f}", f"{line['ours'] / line['reference']:.2f}",
        )
        for line in lines
    )  # fmt: skip
    machine = lines[0]["machine"]
    return Table(
        "Cost of the HM-LSTM over sizes, forward and backward",
        (
            "units", "batch", "z rate by layer", "ms a step", "LSTM, ms a step",
            "multiplications, of the LSTM's", "time, of the LSTM's",
        ),
        rows,
        f"The shipped network, widened; its boundaries moved by a shift of their pre-activations. Fast path "
        f"against a stack of torch.nn.LSTM layers of equal sizes, {lines[0]['length']} steps, "
        f"processor time of one thread of {machine['processor']}, torch {lines[0]['versions']['torch']}, "
        "medians of three runs, so the second digit is loose. Made by "
        "`hsrnn bench hmrnn.cost --json`.",
    )  # fmt: skip
