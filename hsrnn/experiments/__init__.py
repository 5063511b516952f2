"""Every experiment of the book by name, and :func:`reproduce`, which runs one and writes the ledger."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hsrnn import ledger
from hsrnn.training import Processes, run_seeds

from . import (
    automata_languages,
    automata_languages_tables,
    automata_sentiment,
    automata_sentiment_tables,
    automata_trust,
    automata_trust_tables,
    coarse_distill,
    coarse_distill_tables,
    coarse_floors,
    coarse_taylornet,
    coarse_taylornet_tables,
    evolving_merging,
    evolving_merging_tables,
    evolving_parsing,
    evolving_parsing_tables,
    hmrnn_handwriting,
    hmrnn_handwriting_tables,
    hmrnn_language,
    hmrnn_language_tables,
    sketches_dictionary,
    sketches_dictionary_tables,
    sketches_memory,
    sketches_memory_tables,
    sketches_theorems,
    sketches_theorems_tables,
)

__all__ = ["EXPERIMENTS", "Experiment", "experiment", "reproduce", "run_folder", "runs_folder"]


@dataclass(frozen=True)
class Experiment:
    """An experiment that ``hsrnn reproduce`` can run.

    Attributes:
        name: ``<room>.<subject>``; also the name of its file in the ledger.
        title: one line on what it measures.
        presets: settings by name: ``smoke``, ``book``, ``desk``, ``paper``.
        run: ``run(config, seed=, folder=, device=, progress=)`` returns metrics, hashes of the data and
            seconds.
        tables: makes the result tables from all records.
    """

    name: str
    title: str
    presets: Mapping[str, Any]
    run: Callable[..., tuple[dict[str, Any], dict[str, str], float]]
    tables: Callable[[Sequence[ledger.Record]], list[ledger.Table]]


EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "hmrnn.language",
            "Character language models that may find boundaries",
            hmrnn_language.PRESETS,
            hmrnn_language.run,
            hmrnn_language_tables.tables,
        ),
        Experiment(
            "hmrnn.handwriting",
            "Models of pen movements that may find boundaries",
            hmrnn_handwriting.PRESETS,
            hmrnn_handwriting.run,
            hmrnn_handwriting_tables.tables,
        ),
        Experiment(
            "automata.languages",
            "Automata read from networks that know a regular language",
            automata_languages.PRESETS,
            automata_languages.run,
            automata_languages_tables.tables,
        ),
        Experiment(
            "automata.trust",
            "Automata beside their networks on longer words and under noise",
            automata_trust.PRESETS,
            automata_trust.run,
            automata_trust_tables.tables,
        ),
        Experiment(
            "automata.sentiment",
            "Automata over words, read from networks that judge reviews",
            automata_sentiment.PRESETS,
            automata_sentiment.run,
            automata_sentiment_tables.tables,
        ),
        Experiment(
            "coarse.taylornet",
            "Polynomials that coarse-grain, beside networks of equal size",
            coarse_taylornet.PRESETS,
            coarse_taylornet.run,
            coarse_taylornet_tables.tables,
        ),
        Experiment(
            "coarse.floors",
            "Classifiers in closed form that a trained polynomial has to beat",
            coarse_floors.PRESETS,
            coarse_floors.run,
            coarse_floors.tables,
        ),
        Experiment(
            "coarse.distill",
            "References distilled level by level, beside controls of equal count",
            coarse_distill.PRESETS,
            coarse_distill.run,
            coarse_distill_tables.tables,
        ),
        Experiment(
            "evolving.parsing",
            "Networks that parse pictures into parts, at equal parameters",
            evolving_parsing.PRESETS,
            evolving_parsing.run,
            evolving_parsing_tables.tables,
        ),
        Experiment(
            "evolving.merging",
            "One network under every rule of merging, and networks trained with each",
            evolving_merging.PRESETS,
            evolving_merging.run,
            evolving_merging_tables.tables,
        ),
        Experiment(
            "sketches.theorems",
            "Errors of sketches beside what the theorems say",
            sketches_theorems.PRESETS,
            sketches_theorems.run,
            sketches_theorems_tables.tables,
        ),
        Experiment(
            "sketches.dictionary",
            "Unknown block-sparse matrices learnt from samples",
            sketches_dictionary.PRESETS,
            sketches_dictionary.run,
            sketches_dictionary_tables.tables,
        ),
        Experiment(
            "sketches.memory",
            "A year of rooms in sketches, and questions asked afterwards",
            sketches_memory.PRESETS,
            sketches_memory.run,
            sketches_memory_tables.tables,
        ),
    )
}


def experiment(name: str) -> Experiment:
    """Return an experiment by name.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"no experiment {name!r}; there are: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]


def runs_folder() -> Path:
    """Return where unfinished and finished runs keep their checkpoints: ``HSRNN_RUNS``, or ``runs`` here."""
    return Path(os.environ.get("HSRNN_RUNS", "runs"))


def run_folder(name: str, preset: str, config: Any, seed: int) -> Path:
    """Return the folder of one run; the same settings and seed always give the same folder, so that it
    resumes."""
    digest = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode()).hexdigest()[:8]
    return runs_folder() / name / f"{preset}-{digest}-seed{seed}"


def reproduce(
    name: str,
    preset: str,
    config: Any,
    seeds: Sequence[int],
    *,
    jobs: int = 1,
    dask: str | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> list[ledger.Record]:
    """Run an experiment for every seed and append a record for each finished run to the ledger.

    Args:
        name: the experiment.
        preset: the preset that ``config`` came from; it is written into the record.
        config: the settings, of the experiment's own class.
        seeds: distinct seeds.
        jobs: processes on this machine.
        dask: address of an existing Dask scheduler instead.
        device: torch device, e.g. ``cuda``.
        progress: show progress bars.

    Returns:
        One record a seed.
    """
    job = partial(_run_one, experiment(name).name, preset, config, device=device, progress=progress)
    return run_seeds(job, seeds, jobs=jobs, dask=dask)


def _run_one(name: str, preset: str, config: Any, seed: int, *, device: str, progress: bool) -> ledger.Record:
    folder = run_folder(name, preset, config, seed)
    # Taken before the run: the code that counts is the code it started with.
    commit = ledger.commit()
    metrics, data, seconds = EXPERIMENTS[name].run(
        config, seed=seed, folder=folder, device=device, progress=progress
    )
    processes = Processes.from_environment()
    record = ledger.Record.of(
        name, preset, seed, config=asdict(config), metrics=metrics, data=data, seconds=seconds,
        commit=commit, device=device, processes=processes.count,
    )  # fmt: skip
    if processes.first:
        ledger.append(record)
    return record
