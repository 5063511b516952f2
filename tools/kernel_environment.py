"""The environment that chapters run in: the same whatever data sets or settings the user has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "_build" / "environment"

# A kernel of the book talks to this machine only; its warning about plain TCP would hide real ones. Several
# may run at a time: a file of the history of commands, which they would share, is not kept.
KERNEL_SETTINGS = "c.IPKernelApp.log_level = 40\nc.HistoryManager.enabled = False\n"


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def kernel_environment() -> dict[str, str]:
    """Return the environment without data sets, downloads and personal settings, and with fixed hashing."""
    personal = {"HSRNN_DATA", "HSRNN_RESULTS", "HSRNN_RUNS", "MPLBACKEND"}
    environment = {key: value for key, value in os.environ.items() if key not in personal}
    environment |= {
        "HSRNN_OFFLINE": "1",
        "IPYTHONDIR": str(OWN / "ipython"),
        "MPLCONFIGDIR": str(OWN / "matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONHASHSEED": "0",
        "XDG_CACHE_HOME": str(OWN / "cache"),  # what the user once downloaded must not change a chapter
    }
    # Small networks: a second thread costs more than it gives, and on a busy machine very much more.
    environment.setdefault("OMP_NUM_THREADS", "1")
    profile = OWN / "ipython" / "profile_default"
    settings = profile / "ipython_kernel_config.py"
    if not settings.exists() or settings.read_text(encoding="utf-8") != KERNEL_SETTINGS:
        profile.mkdir(parents=True, exist_ok=True)
        settings.write_text(KERNEL_SETTINGS, encoding="utf-8")
    if not list((OWN / "matplotlib").glob("fontlist*.json")):
        # Otherwise the first chapter on a fresh machine would print a message about it.
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=environment,
            check=True,
            stderr=subprocess.DEVNULL,
        )
    return environment
