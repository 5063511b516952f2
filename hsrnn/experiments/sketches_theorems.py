"""Experiment ``sketches.theorems``: do errors of sketches follow the theorems, and with which constants?

Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed; an empirical study, not a reproduction.
A record is one seed: new matrices and new attributes for every part. Everything is generated, so there is no
data. What each part measures stands in ``sketches_curves``.

Deviation S4: the theorems' numbering and constants are from memory; T2.iii is an invariant, the others are
curves whose predicted slope, and whose error predicted by this package, stand beside the measured one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hsrnn.sketches import Signature

from . import sketches_curves as curves
from .pieces import each_piece


@dataclass(frozen=True)
class TheoremsConfig:
    """Settings of one run.

    Attributes:
        dimensions: d, powers of two, growing.
        depths: of binary trees whose deepest objects are read.
        attributes: numbers of an object.
        sparse: how many of them are not 0.
        repeats: trees or scenes of each cell.
        solve_up_to: least squares and pursuit are run up to this d.
        few: kept coordinates of ``solve_up_to``, for least squares and pursuit with too few of them.
        fixed: d where something else than d varies.
        weights: effective weights of the object that is read.
        objects: numbers k of objects of equal weight in a scene of one level.
        counted: numbers n of objects of each module in scenes that are counted.
        scene: objects of such a scene, divisible by each n, and of the one that is erased.
        fractions: kept shares f of the coordinates.
        small: dimensions for similarity, concepts and signatures.
        written: dimensions for families of matrices, which are written out.
        blocks: lengths b of blocks of D(b, q, d).
        density: q.
        shared: objects k of a scene, of which one module is shared; w = w' = 1/k.
        pairs: pairs of scenes of each cell.
        changes: eps of T2.iii.
        classes: kinds of scenes to be clustered, the last one without a name.
        members: scenes of each kind.
        signature: places of an object's tag in the part on signatures.
    """

    dimensions: tuple[int, ...] = (256, 1024, 4096, 16384)
    depths: tuple[int, ...] = (0, 1, 2, 3)
    attributes: int = 8
    sparse: int = 2
    repeats: int = 1
    solve_up_to: int = 256
    few: tuple[int, ...] = (16, 24, 32, 48, 64, 96, 128)
    fixed: int = 4096
    weights: tuple[float, ...] = (0.5, 0.25, 0.125, 0.0625)
    objects: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    counted: tuple[int, ...] = (1, 4, 8)
    scene: int = 16
    fractions: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125, 0.0625)
    small: tuple[int, ...] = (64, 256, 1024)
    written: tuple[int, ...] = (64, 128, 256, 512)
    blocks: tuple[int, ...] = (16, 32)
    density: float = 0.25
    shared: tuple[int, ...] = (2, 4, 8)
    pairs: int = 8
    changes: tuple[float, ...] = (0.01, 0.1, 0.5)
    classes: int = 6
    members: int = 20
    signature: int = 32

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        for name in ("dimensions", "small", "written", "few", "depths", "objects", "counted", "shared"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} must grow, at least one, got {values}")
        if not 1 <= self.sparse <= self.attributes:
            raise ValueError(f"sparse must lie in [1, {self.attributes}], the attributes, got {self.sparse}")
        if any(n < 1 or self.scene % n for n in self.counted):
            raise ValueError(f"counted must divide scene = {self.scene}, got {self.counted}")
        if min(self.fractions) * self.fixed < 1 or max(self.fractions) > 1:
            raise ValueError(f"fractions must keep at least one coordinate of {self.fixed} and be at most 1, "
                             f"got {self.fractions}")  # fmt: skip
        for name in ("repeats", "pairs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.classes < 2 or self.members < 12:
            raise ValueError("classes must be at least 2 and members at least 12, so that ten neighbours of "
                             f"a kind exist, got {self.classes} and {self.members}")  # fmt: skip
        Signature(self.signature)


PRESETS: dict[str, TheoremsConfig] = {
    "smoke": TheoremsConfig(
        dimensions=(64, 256), depths=(0, 1), solve_up_to=256, few=(16, 64), fixed=256,
        weights=(0.5, 0.25), objects=(2, 4), counted=(1, 4), scene=8, fractions=(1.0, 0.25), small=(64, 128),
        written=(64, 128), blocks=(16,), shared=(2,), pairs=2, classes=3, members=12,
    ),
    "book": TheoremsConfig(dimensions=(256, 1024, 4096), depths=(0, 1, 2)),
    "desk": TheoremsConfig(),
    "paper": TheoremsConfig(
        dimensions=(256, 1024, 4096, 16384, 65536, 262144), repeats=8, small=(64, 256, 1024, 4096),
        pairs=40, members=60,
    ),
}  # fmt: skip

PARTS: dict[str, Callable[[TheoremsConfig, int, Path], list[dict[str, Any]]]] = {
    "recovery": curves.recovery,
    "few": curves.few_coordinates,
    "weight": curves.weight,
    "objects": curves.objects,
    "count": curves.count,
    "similarity": curves.similarity,
    "change": curves.change,
    "erasure": curves.erasure,
    "families": curves.families,
    "concepts": curves.concepts_found,
    "signatures": curves.signatures,
}
"""Name of a part -> what measures it: ``(config, seed, folder) -> cells``."""


def run(
    config: TheoremsConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Measure every part once, with matrices and attributes of this seed.

    Each finished part is a line of ``parts.jsonl`` in ``folder``, so a run that was interrupted goes on with
    the next one. All of it runs on the processor, whatever ``device`` says.

    Returns:
        The cells of each part, no hashes (everything is generated), and the seconds spent on all parts.
    """
    made = each_piece(
        folder / "parts.jsonl", config, [(name,) for name in PARTS], partial(_part, config, seed, folder),
        names=("part",), title=f"sketches.theorems, seed {seed}", progress=progress,
    )  # fmt: skip
    return {one["part"]: one["cells"] for one in made}, {}, sum(one["seconds"] for one in made)


def _part(config: TheoremsConfig, seed: int, folder: Path, name: str) -> dict[str, Any]:
    began = time.perf_counter()
    cells = PARTS[name](config, seed, folder)
    return {"part": name, "cells": cells, "seconds": round(time.perf_counter() - began, 3)}
