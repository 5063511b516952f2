"""Write constraints.txt: the exact versions, in this environment, of everything hsrnn[book,test] needs.

python tools/freeze_constraints.py > constraints.txt
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("book", "test")
HEADER = """\
# Exact versions that the book and the tests were run with (Python 3.11), closure of hsrnn[book,test].
# Made by tools/freeze_constraints.py from the environment in .venv; the ranges stand in pyproject.toml.
"""


def wanted_by_the_project() -> list[str]:
    """Return the requirements of the package and of its book and test extras in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra])]


def closure(requirements: Iterable[str]) -> dict[str, str]:
    """Return name -> installed version of the requirements and of everything they need here in turn."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(Requirement(line), "") for line in requirements]
    while queue:
        requirement, extra_of_parent = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra_of_parent}):
            continue
        name = canonicalize_name(requirement.name)
        installed = distribution(name)
        versions[name] = installed.version.split("+")[0]  # "2.13.0+cpu" and "2.13.0" are one release
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                queue += [(Requirement(line), extra) for line in installed.requires or []]
    return versions


def main() -> None:
    """Print the constraints."""
    print(HEADER, end="")
    for name, version in sorted(closure(wanted_by_the_project()).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
