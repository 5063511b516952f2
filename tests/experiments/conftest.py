"""What the tests of all experiments share: one finished run, with folder and ledger in a temporary place."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jaxtyping
import pytest

from hsrnn import experiments, ledger


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory) -> Callable[..., tuple[ledger.Record, Path]]:
    """A function that reproduces seed 0 of an experiment's smoke preset, or of settings like it, and returns
    the record as the ledger holds it and the folder of the run; ``typed=False`` leaves annotated shapes and
    types unchecked meanwhile, which small functions that are called often are slow with."""

    def reproduce(experiment: str, config: Any, *, typed: bool = True) -> tuple[ledger.Record, Path]:
        folder = tmp_path_factory.mktemp("runs")
        with pytest.MonkeyPatch.context() as patch:
            if not typed:
                patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
            patch.setenv("HSRNN_RUNS", str(folder / "runs"))
            patch.setenv("HSRNN_RESULTS", str(folder / "results"))
            (record,) = experiments.reproduce(experiment, "smoke", config, [0], progress=False)
            (stored,) = ledger.read(experiment)
            assert asdict(stored) == json.loads(json.dumps(asdict(record)))  # tuples are lists in JSON
            return stored, experiments.run_folder(experiment, "smoke", config, 0)

    return reproduce
