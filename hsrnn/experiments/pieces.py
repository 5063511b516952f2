"""Runs of many pieces: each is kept once finished, so that an interrupted run goes on with the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from hsrnn.training import CheckpointError, write_atomically


def each_piece(
    file: Path,
    config: Any,
    keys: Sequence[tuple[Any, ...]],
    make: Callable[..., dict[str, Any]],
    *,
    names: tuple[str, ...],
    title: str,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Make one piece of a run after the other (a network, a method, a size); each that is finished is a line
    of ``file``, so that a run which was interrupted goes on with the next.

    Args:
        file: where the lines are kept.
        config: settings of the run, a dataclass; they stand in the first line.
        keys: what to call ``make`` with, for each piece.
        make: returns what a record keeps of a piece, under ``names`` its key.
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
            bar.set_postfix_str(" ".join(map(str, key)))
            done[key] = make(*key)
            lines = [json.dumps({"config": asdict(config)}), *map(json.dumps, done.values())]
            write_atomically(file, "".join(f"{line}\n" for line in lines).encode())
    return [done[key] for key in keys]


def _finished(file: Path, config: Any, names: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the pieces of an earlier session of the same run."""
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
