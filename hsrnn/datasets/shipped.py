"""Where the small files that ship with hsrnn lie: `<checkout>/data`, or `hsrnn/data` in a wheel."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from hsrnn.datasets.errors import MissingFileError

PACKAGE = Path(__file__).resolve().parent.parent


def shipped(relative: str) -> Path:
    """Return the path of a file (or folder) under `data/` that ships with the project.

    Args:
        relative: path inside `data/` with forward slashes, for example `"cards/ptb.json"`.

    Raises:
        ValueError: `relative` is absolute or leaves `data/`.
        MissingFileError: nothing of that name ships with this installation.
    """
    parts = PurePosixPath(relative)
    if not relative or parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"relative must be a path inside data/, such as 'cards/ptb.json', got {relative!r}")
    candidates = (PACKAGE / "data" / parts, PACKAGE.parent / "data" / parts)
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = " and ".join(str(candidate) for candidate in candidates)
    raise MissingFileError(
        f"data/{relative} does not ship with this installation of hsrnn (looked at {looked}); "
        f"reinstall the package"
    )
