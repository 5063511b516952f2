"""What the tables of all experiments share: when a claim is decided, how numbers over seeds are written, and
the command that repeats a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hsrnn.ledger import Record, Summary, Table, newest, summarise

HEADLINE_SEEDS = 5
"""With fewer seeds there is no verdict."""

RESAMPLES = 2000
"""Resamples of the seeds behind an interval."""

NOT_RUN = "no run yet"
"""What was measured for a claim without runs; the README leaves its row out."""


def shown_of(records: Sequence[Record]) -> list[Record]:
    """Return the records that tables are made from: the newest of each setting and seed, those of the preset
    ``smoke`` left out, which only show that everything runs."""
    return [record for record in newest(records) if record.preset != "smoke"]


def undecided(seeds: int) -> str:
    """Write the verdict of too few seeds."""
    return f"not tested ({seeds} seed{'s' if seeds != 1 else ''})"


def interval_text(values: Sequence[float | None], digits: int = 1) -> str:
    """Write the mean over seeds and half of its 95 % interval by Student's t, ``"12.3 ± 0.4"``; those that
    are ``None`` do not count, ``"-"`` where none is left."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    found = summarise(known)
    half = "" if found.interval is None else f" ± {found.interval[1] - found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f}{half}"


def percent(values: Sequence[float | None]) -> str:
    """Write shares likewise, in per cent."""
    return interval_text([None if value is None else 100 * value for value in values])


def points(found: Summary) -> str:
    """Write a difference and its interval, ``"+1.20 (+0.80 to +1.60)"``; of one seed the difference alone."""
    if found.interval is None:
        return f"{found.mean:+.2f}"
    low, high = found.interval
    return f"{found.mean:+.2f} ({low:+.2f} to {high:+.2f})"


def command(record: Record) -> str:
    """Return the shortest command that repeats a record's run."""
    return command_of(record.experiment, record.preset, record.config, f"--seed {record.seed}")


def command_of(name: str, preset: str, config: Mapping[str, Any], seeds: str) -> str:
    """Return the shortest command that runs an experiment with the settings ``config``, as a record holds
    them; ``seeds`` is the option that names the seeds."""
    from . import experiment

    words = f"hsrnn reproduce {name} --preset {preset} {seeds}"
    for setting, default in vars(experiment(name).presets[preset]).items():
        value = config[setting]
        if value != (list(default) if isinstance(default, tuple) else default):
            option = setting.replace("_", "-")
            if isinstance(value, bool):
                words += f" --{option}" if value else f" --no-{option}"
            else:
                words += f" --{option} " + (
                    " ".join(map(str, value)) if isinstance(value, list) else str(value)
                )
    return words


def made_by(records: Sequence[Record]) -> str:
    """Write how many seeds there are, how long they took, and the command."""
    seconds = summarise([record.seconds for record in records])
    return (
        f"{len(records)} seed(s), {seconds.span(0)} s each. Made by "
        f"`{command(records[0])}` (and further seeds)."
    )


WORDED = {"in words": " ", "what it says": " ", "asked": ": "}
"""Columns that say what the short name before them claims or asks -> what to write between the two."""


def overview(tables: Mapping[str, Sequence[Table]]) -> Table:
    """Return one table of all claims and targets with their verdicts: for each table that has verdicts a row
    with its name, then its rows. What comes behind a ``;`` or ``:`` of a verdict is left to that table.

    Args:
        tables: experiment -> its tables.
    """
    rows = []
    for name, made in tables.items():
        for table in made:
            if "verdict" in table.header:
                rows.append((f"**{name}: {table.title}**", ""))
                rows += zip(_claimed(table), (re.split("[;:]", row[-1])[0] for row in table.rows))
    return Table("All claims and targets", ("claim or target", "verdict"), tuple(rows))


def _claimed(table: Table) -> list[str]:
    between = WORDED.get(table.header[1])
    said = [row[0] if between is None else between.join(row[:2]) for row in table.rows]
    # A claim that is judged on several data sets: what was measured begins with the name of each.
    data = [row[-2].split(":")[0] for row in table.rows]
    return [f"{one} ({where})" if said.count(one) > 1 else one for one, where in zip(said, data)]
