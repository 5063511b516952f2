"""The first code cell of every chapter: it installs this project on Binder or Colab, nowhere else."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TEMPLATE = """\
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+{source}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)"""

TAGS = ["remove-cell"]


def source_url() -> str:
    """Return the repository's address, whose only home is `[project.urls] Source` in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]


def first_cell() -> str:
    """Return the text that the first code cell of every chapter must hold."""
    return TEMPLATE.format(source=source_url())


if __name__ == "__main__":
    print(f"# %% tags={TAGS}".replace("'", '"'))
    print(first_cell())
