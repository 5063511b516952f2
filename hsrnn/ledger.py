"""The ledger: one line of JSON for every finished run, and the tables made from them.

Only ``hsrnn reproduce`` writes it; nothing is edited by hand. A record is never changed: a run that is
repeated with the same settings adds a line, and the newest line for a setting and seed is the one that
counts.
"""

from __future__ import annotations

import fcntl
import html
import json
import math
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import hsrnn


class LedgerError(ValueError):
    """A line of the ledger that is not a record."""


@dataclass(frozen=True)
class Record:
    """One finished run.

    Attributes:
        experiment: name, e.g. ``hmrnn.language``.
        preset: ``smoke``, ``book``, ``desk`` or ``paper``.
        seed: seed of the run.
        config: every setting.
        metrics: what was measured; names end in their unit where they have one (``test_bpc``).
        data: name of each input -> sha256.
        commit: revision of the code; ends in ``+`` if files differed from it.
        versions: of Python, torch, numpy and hsrnn.
        machine: processor, cores, accelerator, threads, processes.
        seconds: wall-clock time over all sessions of the run.
        finished: time of day in UTC, ISO 8601.
    """

    experiment: str
    preset: str
    seed: int
    config: dict[str, Any]
    metrics: dict[str, Any]
    data: dict[str, str]
    commit: str
    versions: dict[str, str]
    machine: dict[str, Any]
    seconds: float
    finished: str

    @classmethod
    def of(
        cls,
        experiment: str,
        preset: str,
        seed: int,
        *,
        config: Mapping[str, Any],
        metrics: Mapping[str, Any],
        data: Mapping[str, str],
        seconds: float,
        commit: str,
        device: str = "cpu",
        processes: int = 1,
    ) -> Record:
        """Make a record of a run that ends now, on this machine."""
        return cls(
            experiment, preset, seed, dict(config), dict(metrics), dict(data), commit, versions(),
            machine(device, processes), round(seconds, 1), datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip


def commit() -> str:
    """Return the short revision of the checkout this package runs from, with ``+`` if source files
    differ from it; ``"unknown"`` outside a checkout."""
    folder = Path(hsrnn.__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions that numbers can depend on."""
    found = {"python": platform.python_version()}
    for name in ("torch", "numpy", "hsrnn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine(device: str = "cpu", processes: int = 1) -> dict[str, Any]:
    """Describe the hardware: processor, cores, threads a process, number of processes and, on a GPU, its
    name."""
    import torch

    processor = platform.processor() or platform.machine()
    try:
        names = [
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").open()
            if line.startswith("model name")
        ]
        processor = names[0] if names else processor
    except OSError:
        pass
    found = {
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes,
    }
    if device.startswith("cuda"):
        found["accelerator"] = torch.cuda.get_device_name(device)
    return found


def results_folder() -> Path:
    """Return the folder of the ledger: ``HSRNN_RESULTS`` if set, else ``data/results`` of the checkout
    or package."""
    if chosen := os.environ.get("HSRNN_RESULTS"):
        return Path(chosen)
    package = Path(hsrnn.__file__).parent
    checkout = package.parent / "data" / "results"
    return checkout if (package.parent / "pyproject.toml").exists() else package / "data" / "results"


def append(record: Record, folder: Path | None = None) -> Path:
    """Add one line to ``<folder>/<experiment>.jsonl`` and return the file.

    The file is locked while writing, so that several processes may record at once; a line is written
    whole or not at all, and is on the disk when this returns.

    Raises:
        ValueError: for a metric that is NaN or infinite.
    """
    folder = folder or results_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.experiment}.jsonl"
    try:
        line = json.dumps(asdict(record), allow_nan=False) + "\n"
    except ValueError as error:
        raise ValueError(
            f"a record of {record.experiment} has a metric that is not a finite number"
        ) from error
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return path


def read(experiment: str, folder: Path | None = None) -> list[Record]:
    """Return all records of an experiment, oldest first; an empty list if there are none yet.

    Raises:
        LedgerError: for a line that is not a record; it names file and line.
    """
    path = (folder or results_folder()) / f"{experiment}.jsonl"
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            records.append(Record(**json.loads(line)))
        except (TypeError, json.JSONDecodeError) as error:
            raise LedgerError(f"{path}, line {number} is not a record: {error}") from error
    return records


def experiments(folder: Path | None = None) -> list[str]:
    """Return the names of all experiments that have records, sorted."""
    return sorted(path.stem for path in (folder or results_folder()).glob("*.jsonl"))


def newest(records: Iterable[Record]) -> list[Record]:
    """Keep the newest record of each preset, configuration and seed, in the order of first appearance."""
    chosen: dict[str, Record] = {}
    for record in records:
        chosen[json.dumps([record.preset, record.config, record.seed], sort_keys=True)] = record
    return list(chosen.values())


@dataclass(frozen=True)
class Summary:
    """One metric over seeds: ``mean``, sample standard deviation ``sd`` (``None`` for one seed), ``low``
    and ``high``, the number of ``seeds``, and a 95 % ``interval`` of the mean by Student's t (``None``
    for one seed)."""

    mean: float
    sd: float | None
    low: float
    high: float
    seeds: int
    interval: tuple[float, float] | None

    def text(self, digits: int = 3) -> str:
        """Return ``1.234 +- 0.005 (5 seeds)``, or ``1.234 (1 seed)``."""
        spread = "" if self.sd is None else f" ± {self.sd:.{digits}f}"
        return f"{self.mean:.{digits}f}{spread} ({self.seeds} seed{'' if self.seeds == 1 else 's'})"

    def span(self, digits: int = 3) -> str:
        """Return lowest and highest, ``1.228 to 1.239``; of one seed the one number."""
        low, high = f"{self.low:.{digits}f}", f"{self.high:.{digits}f}"
        return low if self.seeds == 1 else f"{low} to {high}"


def summarise(values: Sequence[float]) -> Summary:
    """Summarise one metric over seeds.

    Raises:
        ValueError: for no value.
    """
    from scipy.stats import t

    if not len(values):
        raise ValueError("no value to summarise")
    x = np.asarray(values, float)
    sd = float(x.std(ddof=1)) if len(x) > 1 else None
    half = None if sd is None else float(t.ppf(0.975, len(x) - 1)) * sd / math.sqrt(len(x))
    mean = float(x.mean())
    interval = None if half is None else (mean - half, mean + half)
    return Summary(mean, sd, float(x.min()), float(x.max()), len(x), interval)


def metric(record: Record, name: str) -> Any:
    """Return a metric by its dotted name, e.g. ``segmentation.layer1.f1``; ``None`` if the run has no
    such metric."""
    value: Any = record.metrics
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def group(records: Iterable[Record], key: Callable[[Record], Any]) -> dict[Any, list[Record]]:
    """Group records by ``key(record)``, in the order of first appearance."""
    groups: dict[Any, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


@dataclass(frozen=True)
class Table:
    """A table made from records.

    In a notebook it shows as Markdown; ``str(table)`` is plain text for a terminal.

    Attributes:
        title: what it shows.
        header: names of the columns.
        rows: cells, as text.
        note: one paragraph under the table, may be empty.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """Return the table in Markdown, title in bold above and note below; numbers flush right."""
        return "\n\n".join(part for part in (f"**{self.title}**", self._grid(), self.note) if part)

    def folded(self) -> Folded:
        """Return the table as a notebook shows it where it is one of many: folded to a line."""
        return Folded(self)

    def _grid(self) -> str:
        columns = zip(*self.rows) if self.rows else [()] * len(self.header)
        numbers = [all(cell[:1].isdigit() or cell[:1] in "-+" for cell in column) for column in columns]
        rule = tuple("---:" if number else "---" for number in numbers)
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
            for row in (self.header, rule, *self.rows)
        )

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))  # the plain form beside Markdown, and in a terminal's IPython

    def __str__(self) -> str:
        grid = [self.header, *self.rows]
        widths = [max(len(row[k]) for row in grid) for k in range(len(self.header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in grid]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, "", *lines] + (["", self.note] if self.note else []))


@dataclass(frozen=True)
class Folded:
    """A table that a notebook shows as a line with its title and its number of rows, and whole once that
    line is opened, by mouse or keyboard; it takes no JavaScript. As plain text it is the table.

    Attributes:
        table: what is folded.
    """

    table: Table

    def _repr_markdown_(self) -> str:
        rows = len(self.table.rows)
        line = f"{html.escape(self.table.title, quote=False)} ({rows} row{'' if rows == 1 else 's'})"
        # Between empty lines an HTML element of Markdown holds Markdown again.
        parts = (
            f'<details class="hsrnn-table">\n<summary>{line}</summary>', self.table._grid(), self.table.note,
            "</details>",
        )  # fmt: skip
        return "\n\n".join(part for part in parts if part)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        self.table._repr_pretty_(printer, cycle)
