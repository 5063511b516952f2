"""The command line: ``hsrnn data | reproduce | results | bench | doctor``."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro
from tyro.conf import Positional

from hsrnn import __version__

PROGRAM = "hsrnn"


@dataclass(frozen=True)
class Data:
    """List, fetch or verify the data sets.

    Every data set is looked for in $HSRNN_DATA, then in the user's cache, then at its official source. With
    HSRNN_OFFLINE=1 nothing is fetched. The generated data sets and digits need no file; iam-ondb,
    ccp and cifar10-jpg have to be brought.

    Examples:
        hsrnn data list
        hsrnn data get ptb
        HSRNN_DATA=~/data hsrnn data check ptb
    """

    action: Positional[Literal["list", "get", "check"]]
    """What to do."""
    names: Positional[tuple[str, ...]] = ()
    """Data sets; all that are on this machine if none is named (check), required for get."""

    def run(self) -> int:
        from hsrnn import datasets

        if self.action == "list":
            for entry in datasets.available():
                print(f"{entry.name:15} {entry.place:10} {entry.size / 1e6:8.1f} MB  {entry.title}")
                if entry.problem:
                    print(f"    {entry.problem}")
            return 0
        if self.action == "get":
            if not self.names:
                raise ValueError("hsrnn data get needs the name of a data set; `hsrnn data list` shows them")
            for name in self.names:
                print(f"{name}: {datasets.fetch(name) or 'generated, needs no file'}")
            return 0
        names = self.names or tuple(e.name for e in datasets.available() if e.place != "not here")
        reports = [datasets.check(name) for name in names]
        for report in reports:
            counts = " / ".join(f"{count:,}" for count in report.counts.values())
            print(
                f"{report.name:15} {report.place:10} "
                + (f"ok, {counts} {report.unit}" if report.ok else "FAILED")
            )
            for problem in report.problems:
                print(f"    {problem}")
        return 0 if all(report.ok for report in reports) else 1


@dataclass(frozen=True)
class Reproduce:
    """Run an experiment and write a record of it to the ledger.

    Any setting of the experiment can be changed behind the name, e.g. `--core lstm`; `hsrnn reproduce
    hmrnn.language --help` lists them all. A run that is interrupted, by Ctrl-C or by a crash, goes on
    where it stopped when the same command is given again, and ends with the same result as an
    undisturbed one. Under torchrun all processes share every batch.

    Presets: smoke (seconds), book (under a minute), desk (mostly about a quarter of an hour a seed on one
    core), paper (the paper's own setting, for a GPU).

    Examples:
        hsrnn reproduce hmrnn.language --preset smoke
        hsrnn reproduce hmrnn.language --preset book --seeds 0-4 --jobs 2
        HSRNN_DATA=~/data hsrnn reproduce hmrnn.language --preset desk --seed 0 --core lstm
        torchrun --nproc-per-node 2 --no-python hsrnn reproduce hmrnn.language --preset paper --device cuda
    """

    experiment: Positional[str]
    """Name of the experiment; `hsrnn results` lists those that have records."""
    preset: Literal["smoke", "book", "desk", "paper"] = "desk"
    """Where the settings start from."""
    seed: int = 0
    """Seed of the run."""
    seeds: str | None = None
    """Several seeds instead: 0-4, or 0,3,7."""
    jobs: int = 1
    """Processes on this machine that share the seeds."""
    dask: str | None = None
    """Address of an existing Dask scheduler that takes the seeds instead."""
    device: str = "cpu"
    """Torch device: cpu, cuda, cuda:1, mps."""
    export: Path | None = None
    """Also write the trained weights of the last seed to this file."""
    quiet: bool = False
    """Show no progress bar."""
    settings: tyro.conf.Suppress[tuple[str, ...]] = ()

    def run(self) -> int:
        import torch

        from hsrnn import experiments

        chosen = experiments.experiment(self.experiment)
        default = chosen.presets[self.preset]
        config = tyro.cli(
            type(default),
            prog=f"{PROGRAM} reproduce {self.experiment} --preset {self.preset}",
            description=f"{chosen.title}. Settings of the preset '{self.preset}' are the defaults shown.",
            default=default,
            args=list(self.settings),
        )
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"device {self.device!r} cannot be used here: {str(error).splitlines()[0]}"
            ) from error
        seeds = parse_seeds(self.seeds) if self.seeds else [self.seed]
        records = experiments.reproduce(
            self.experiment, self.preset, config, seeds,
            jobs=self.jobs, dask=self.dask, device=self.device, progress=not self.quiet,
        )  # fmt: skip
        if int(os.environ.get("RANK", "0")) == 0:
            for record in records:
                numbers = {k: v for k, v in record.metrics.items() if isinstance(v, (int, float))}
                print(f"{record.experiment} {record.preset} seed {record.seed}: {json.dumps(numbers)}")
            if self.export is not None:
                folder = experiments.run_folder(self.experiment, self.preset, config, seeds[-1])
                self.export.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / "model.safetensors", self.export)
        return 0


@dataclass(frozen=True)
class Results:
    """Print the result tables, made from the ledger.

    Examples:
        hsrnn results
        hsrnn results hmrnn.language --markdown
    """

    experiment: Positional[str | None] = None
    """One experiment; all that have records if none is named."""
    markdown: bool = False
    """Print Markdown."""

    def run(self) -> int:
        from hsrnn import experiments, ledger

        names = (
            [self.experiment] if self.experiment else [n for n in experiments.EXPERIMENTS if ledger.read(n)]
        )
        for name in names:
            for table in experiments.experiment(name).tables(ledger.read(name)):
                print(table.markdown() if self.markdown else table, end="\n\n")
        return 0


@dataclass(frozen=True)
class Bench:
    """Measure speed against a reference, in alternation in one process.

    Prints one line a variant: name, our time, the reference's time, and their ratio (above 1 we are faster).

    Examples:
        hsrnn bench hmrnn.train --json
    """

    name: Positional[str]
    """Name of the benchmark."""
    json: bool = False
    """Print one JSON object a line."""

    def run(self) -> int:
        from hsrnn.experiments.benchmarks import BENCHMARKS

        if self.name not in BENCHMARKS:
            raise ValueError(f"no benchmark {self.name!r}; there are: {', '.join(BENCHMARKS)}")
        for line in BENCHMARKS[self.name]():
            if self.json:
                print(json.dumps(line), flush=True)
            else:
                print(
                    f"{line['name']}: ours {line['ours']:.4g} {line['unit']}, "
                    f"reference {line['reference']:.4g} {line['unit']}, ratio {line['ratio']:.2f}",
                    flush=True,
                )
        return 0


@dataclass(frozen=True)
class Doctor:
    """Print versions, devices, data found, and what is missing and how to get it."""

    def run(self) -> int:
        import torch

        from hsrnn import datasets, ledger

        print(
            f"hsrnn {__version__}, Python {platform.python_version()} "
            f"on {platform.system()} {platform.machine()}"
        )
        for name, value in ledger.machine().items():
            print(f"  {name:12} {value}")
        gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        print(f"  {'accelerator':12} {', '.join(gpus) or 'none: everything runs on the processor'}")
        print("Packages")
        for name, why in PACKAGES.items():
            spec = importlib.util.find_spec(name)
            print(f"  {name:12} " + ("found" if spec else f"MISSING, needed {why}"))
        print("Programs")
        for names, why in PROGRAMS.items():
            found = next((path for name in names.split("|") if (path := shutil.which(name))), None)
            print(f"  {names.split('|')[0]:12} {found or 'not found; ' + why}")
        print("Data" + ("" if "HSRNN_DATA" in os.environ else " (HSRNN_DATA is not set)"))
        for entry in datasets.available():
            hint = f"; get it with: hsrnn data get {entry.name}" if entry.place == "not here" else ""
            print(f"  {entry.name:15} {entry.place}{hint}")
            if entry.problem:
                print(f"    {entry.problem}")
        print(f"Ledger: {ledger.results_folder()}")
        for name in ledger.experiments():
            print(f"  {name:20} {len(ledger.read(name))} records")
        return 0


PACKAGES = {
    "torch": "by every room", "numpy": "everywhere", "sklearn": "by datasets", "matplotlib": "by figures",
    "anywidget": "by living figures", "jupyterlab": "by `make lab`", "jupyter_book": "by `make book`",
    "pytest": "by `make test`", "distributed": "by --dask only: pip install 'hsrnn[dask]'",
}  # fmt: skip
PROGRAMS = {
    "node|nodejs": "without it the site takes MathJax from a CDN and the figures' JavaScript is not tested",
    "chromium|google-chrome|chrome": "without it the tests of the rendered site do not run",
    "dot": "optional: automata are drawn without it",
    "git": "without it records name no revision",
}


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that ``0-4`` or ``0,3,7-9`` names.

    Raises:
        ValueError: for anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise ValueError(f"seeds must look like 0-4 or 0,3,7, got {text!r}")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


COMMANDS: dict[str, Any] = {
    "data": Data, "reproduce": Reproduce, "results": Results, "bench": Bench, "doctor": Doctor,
}  # fmt: skip
OVERVIEW = f"""hsrnn {__version__}: interpretable, hierarchical structure in neural networks

usage: {PROGRAM} COMMAND [OPTIONS]          {PROGRAM} COMMAND --help

  data        list, fetch or verify the data sets
  reproduce   run an experiment and record it in the ledger
  results     print the result tables, made from the ledger
  bench       measure speed against a reference
  doctor      print versions, devices, data found, and what is missing
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, 1 (a check failed), 2 (bad input) or 130
    (interrupted)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(OVERVIEW, end="")
        return 0
    if words[0] == "--version":
        print(f"{PROGRAM} {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"{PROGRAM}: no command {words[0]!r}\n\n{OVERVIEW}", end="", file=sys.stderr)
        return 2
    from hsrnn.datasets import DatasetError

    try:
        return _parse(words[0], words[1:]).run()
    except (ValueError, OSError, ArithmeticError, ModuleNotFoundError, DatasetError) as error:
        print(f"{PROGRAM} {words[0]}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        hint = "; the same command goes on from the last checkpoint" if words[0] == "reproduce" else ""
        print(f"\n{PROGRAM} {words[0]}: interrupted{hint}", file=sys.stderr)
        return 130


def _parse(command: str, words: list[str]) -> Any:
    """Read one command's options; those that `reproduce` does not know are settings of the experiment."""
    prog = f"{PROGRAM} {command}"
    if command != "reproduce":
        return tyro.cli(COMMANDS[command], prog=prog, args=words)
    asks_for_help = {"-h", "--help"} & set(words)
    if asks_for_help and words[0] not in asks_for_help:
        # Two helps in one: the options of the command, then the settings of the experiment that was named.
        from hsrnn.experiments import experiment

        settings = experiment(words[0]).presets["desk"]
        with suppress(SystemExit):
            tyro.cli(COMMANDS[command], prog=prog, args=["--help"])
        tyro.cli(type(settings), prog=f"{prog} {words[0]} --preset desk", default=settings, args=["--help"])
    options, settings = tyro.cli(COMMANDS[command], prog=prog, args=words, return_unknown_args=True)
    return replace(options, settings=tuple(settings))


if __name__ == "__main__":
    sys.exit(main())
