"""Run the whole test suite in one pytest: notebooks (nbval, strict), unit and property tests, the built site.

python tools/make_test.py                     everything, in as many processes as there are processors
python tools/make_test.py tests/hmrnn/ -x     whatever pytest is asked for; a folder is shared out as well
python tools/make_test.py tests/test_cli.py   single files run in one process
python tools/make_test.py -n 0                everything in one process (-n 4: in four)

What a process is given at a time, and in which order, stands in conftest.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kernel_environment import ROOT, kernel_environment, processors

NOTEBOOKS = [
    "--nbval",
    "--nbval-sanitize-with",
    "tools/nbval_sanitize.cfg",
    "--nbval-cell-timeout",
    "300",
    "--nbval-kernel-startup-timeout",
    "180",
    "--nbval-kernel-name",
    "python3",
]
EVERYTHING = ["book", "tests"]
# The longest notebook bounds the time: more processes gain little, and each needs about 1 GB.
MOST_PROCESSES = 8
CHOSEN = ("-n", "--numprocesses", "--dist", "--pdb", "--trace")


def pytest_arguments(asked: Sequence[str], cores: int) -> list[str]:
    """Return what pytest is given for the words on the command line, on a machine with `cores` processors."""
    places = [word for word in asked if (ROOT / word.split("::")[0]).exists()]
    given = list(asked) if places else [*EVERYTHING, *asked]
    folders = [word for word in places if (ROOT / word).is_dir()]
    if cores > 1 and (folders or not places) and not any(word.startswith(CHOSEN) for word in asked):
        given = ["-n", str(min(cores, MOST_PROCESSES)), *given]
    return [*NOTEBOOKS, *given]


def main() -> int:
    """Run pytest and return its exit status."""
    environment = kernel_environment()
    if "HSRNN_DATA" in os.environ:  # the chapters must give the same outputs with the real data sets on disk
        environment["HSRNN_DATA"] = os.environ["HSRNN_DATA"]
    command = [sys.executable, "-m", "pytest", *pytest_arguments(sys.argv[1:], processors())]
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    raise SystemExit(main())
