"""Print the oldest versions that pyproject.toml allows, as constraints for pip (direct dependencies only).

    python tools/oldest_constraints.py > oldest.txt

Needs nothing but Python, so that it can run before anything is installed.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("book", "test")
LOWER_BOUND = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?\s*>=\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def oldest(pyproject: Path = ROOT / "pyproject.toml") -> list[str]:
    """Return `name==lower bound` for every direct dependency; ValueError when one has no lower bound."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = []
    for requirement in [*project["dependencies"], *(r for extra in EXTRAS for r in extras[extra])]:
        match = LOWER_BOUND.match(requirement)
        if match is None:
            raise ValueError(f"every dependency needs a lower bound (name>=version), got {requirement!r}")
        lines.append(f"{match['name']}=={match['version']}")
    return lines


if __name__ == "__main__":
    print("\n".join(oldest()))
