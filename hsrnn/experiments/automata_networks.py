"""What the automata experiments share: runs over many networks that go on where they stopped, and means with
intervals over seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from hsrnn.ledger import Record
from hsrnn.training import CheckpointError, write_atomically

from .claims import command

RESAMPLES = 2000


def each_network(
    file: Path,
    config: Any,
    keys: Sequence[tuple[Any, ...]],
    make: Callable[..., dict[str, Any]],
    *,
    names: tuple[str, ...],
    title: str,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Make one network after the other; each that is finished is a line of ``file``, so that a run which was
    interrupted goes on with the next.

    Args:
        file: where the lines are kept.
        config: settings of the run, a dataclass; they stand in the first line.
        keys: what to call ``make`` with, for each network.
        make: returns what a record keeps of a network, under ``names`` its key.
        names: names of the parts of a key.
        title: shown beside the progress bar.
        progress: show a progress bar.

    Returns:
        What ``make`` returned, in the order of ``keys``.

    Raises:
        CheckpointError: if the file is damaged, or belongs to a run with other settings.
    """
    done = _finished(file, config, names)
    bar = tqdm(keys, disable=not progress, desc=title)
    for key in bar:
        if key not in done:
            bar.set_postfix(network=" ".join(map(str, key)))
            done[key] = make(*key)
            lines = [json.dumps({"config": asdict(config)}), *map(json.dumps, done.values())]
            write_atomically(file, "".join(f"{line}\n" for line in lines).encode())
    return [done[key] for key in keys]


def _finished(file: Path, config: Any, names: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the networks of an earlier session of the same run."""
    if not file.exists():
        return {}
    try:
        first, *lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise CheckpointError(f"{file} is damaged ({error}); delete it to start anew") from error
    if first != {"config": json.loads(json.dumps(asdict(config)))}:
        raise CheckpointError(
            f"{file} belongs to a run with other settings: use another folder, or delete it"
        )
    return {tuple(line[name] for name in names): line for line in lines}


def networks(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return every network of the records, each with its ``seed``."""
    return [{**network, "seed": record.seed} for record in records for network in record.metrics["networks"]]


def bootstrap(values: dict[int, list[float]]) -> tuple[float, float, float] | None:
    """Return the mean of all values, given by seed, and a 95 % interval by resampling whole seeds; ``None``
    without values."""
    seeds = [np.array(found, float) for found in values.values() if found]
    if not seeds:
        return None
    sums, counts = np.array([found.sum() for found in seeds]), np.array([len(found) for found in seeds])
    drawn = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(sums.sum() / counts.sum()), float(low), float(high)


def interval(
    found: Sequence[dict[str, Any]],
    value: Callable[[dict[str, Any]], float | None],
    text: str = ".2f",
    scale: float = 1.0,
) -> str:
    """Write the mean of a value over networks with its interval, or ``-`` where none has it.

    Args:
        found: networks with their ``seed``.
        value: taken from each; ``None`` leaves the network out.
        text: format of the three numbers.
        scale: 100 for per cent.
    """
    return mean_and_interval(by_seed(found, value, scale), text)


def by_seed(
    found: Sequence[dict[str, Any]], value: Callable[[dict[str, Any]], float | None], scale: float = 1.0
) -> dict[int, list[float]]:
    """Return ``scale`` times a value of each network that has it, by the network's seed."""
    made: dict[int, list[float]] = {}
    for network in found:
        if (taken := value(network)) is not None:
            made.setdefault(network["seed"], []).append(scale * float(taken))
    return made


def mean_and_interval(values: dict[int, list[float]], text: str = ".2f") -> str:
    """Write the mean of values, given by seed, with its interval, or ``-`` without values."""
    made = bootstrap(values)
    return "-" if made is None else f"{made[0]:{text}} ({made[1]:{text}} to {made[2]:{text}})"


def percent(flags: Sequence[bool]) -> str:
    """Write the share of flags that are true, and of how many."""
    return f"{100 * sum(flags) / len(flags):.1f} % of {len(flags)}" if flags else "-"


def made_by(records: Sequence[Record]) -> str:
    """Write how many seeds there are, how long they took, and the command."""
    seconds = [record.seconds for record in records]
    return (
        f"{len(records)} seed(s), {min(seconds):.0f} to {max(seconds):.0f} s each. Made by "
        f"`{command(records[0])}` (and further seeds)."
    )
