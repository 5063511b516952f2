"""A hash of the files that a built thing depends on, so that nothing stale is ever trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What every chapter's output can depend on beside its own source.
PACKAGE = ("hsrnn", "data", "constraints.txt", "pyproject.toml")
# What the rendered site depends on.
SITE = (*PACKAGE, "book", "_toc.yml", "_config.yml", "tools", "package-lock.json")

GENERATED = {"__pycache__", ".ipynb_checkpoints", "mathjax"}


def files_under(paths: Iterable[str | Path]) -> list[Path]:
    """Return every file at or below paths relative to the project, sorted, generated ones left out."""
    found: list[Path] = []
    for path in paths:
        absolute = ROOT / path
        candidates = [absolute] if absolute.is_file() else absolute.rglob("*")
        found += [
            p for p in candidates if p.is_file() and not GENERATED.intersection(p.relative_to(ROOT).parts)
        ]
    return sorted(set(found))


def fingerprint(paths: Iterable[str | Path]) -> str:
    """Return the SHA-256 (hex) over the names and contents of every file at or below the given paths."""
    digest = hashlib.sha256()
    for path in files_under(paths):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
