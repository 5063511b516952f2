"""Run the whole test suite in one pytest: notebooks (nbval, strict), unit and property tests, the built site.

python tools/make_test.py                   everything
python tools/make_test.py tests/hmrnn -x    whatever pytest is asked for
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kernel_environment import ROOT, kernel_environment

NOTEBOOKS = [
    "--nbval",
    "--nbval-sanitize-with",
    "tools/nbval_sanitize.cfg",
    "--nbval-cell-timeout",
    "120",
    "--nbval-kernel-name",
    "python3",
]


def main() -> int:
    """Run pytest and return its exit status."""
    environment = kernel_environment()
    if "HSRNN_DATA" in os.environ:  # the chapters must give the same outputs with the real data sets on disk
        environment["HSRNN_DATA"] = os.environ["HSRNN_DATA"]
    # The notebooks come first: a browser of the site tests must not be open while kernels run.
    asked = sys.argv[1:] or ["book", "tests"]
    command = [sys.executable, "-m", "pytest", *NOTEBOOKS, *asked]
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    raise SystemExit(main())
