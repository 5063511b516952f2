"""Experiment ``sketches.dictionary``: are block-sparse matrices learnt as fast as coupons are collected?

Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed; an empirical study, not a reproduction.
Samples are y = R x + noise with sparse x, R from D(b, q, d); the learner knows b, q and d. The share of
non-zero blocks found is compared with the coupon collector's prediction, over samples, active columns s,
density q, block length b and noise; with scikit-learn's DictionaryLearning on a small problem at equal
samples; and one level further down, where x = S z is itself such a sum. A record is one seed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import DictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from hsrnn.sketches import (
    BlockCode,
    BlockDictionary,
    BlockSparse,
    expected_recovery,
    learn_recursively,
)

from .pieces import each_piece

Cells = list[dict[str, Any]]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class DictionaryConfig:
    """Settings of one run.

    Attributes:
        dimension: d.
        block: b.
        density: q.
        columns: columns that may be active.
        active: s, where something else varies.
        samples: numbers S of samples, growing.
        fixed: S where something else varies.
        actives: numbers s of active columns.
        densities: values of q, which b = ``block`` and s = ``active`` go with.
        blocks: values of b, divisors of d.
        noises: sd of noise on a coordinate of a sample.
        noise_samples: S for these, enough to find nearly all blocks without noise.
        peer: d, b, columns and s of the problem that scikit-learn's DictionaryLearning gets too; q is 1/2.
        peer_samples: its numbers of samples; none leaves scikit-learn out.
        peer_rounds: its most rounds.
        levels: d, b of the outer and d, b of the inner matrix, one level down.
        level_densities: q of the outer, a value each, all with the inner ``inner_density``.
        inner_density: q of the inner matrix.
        inner_columns: its columns that may be active.
        inner_samples: samples of that part.
    """

    dimension: int = 768
    block: int = 24
    density: float = 0.25
    columns: int = 256
    active: int = 4
    samples: tuple[int, ...] = (100, 200, 500, 1000, 2000)
    fixed: int = 400
    actives: tuple[int, ...] = (2, 4, 8, 16)
    densities: tuple[float, ...] = (0.0625, 0.125, 0.25, 0.5)
    blocks: tuple[int, ...] = (16, 24, 32, 48)
    noises: tuple[float, ...] = (0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.04)
    noise_samples: int = 1000
    peer: tuple[int, int, int, int] = (96, 12, 24, 2)
    peer_samples: tuple[int, ...] = (50, 100, 200, 400)
    peer_rounds: int = 60
    levels: tuple[int, int, int, int] = (4096, 16, 60, 10)
    level_densities: tuple[float, ...] = (0.05, 0.15)
    inner_density: float = 1 / 6
    inner_columns: int = 24
    inner_samples: int = 240

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        for block in {self.block, *self.blocks}:
            BlockCode(self.dimension, block)
        for pair in (self.peer[:2], self.levels[:2], self.levels[2:]):
            BlockCode(*pair)
        if not 1 <= max(*self.actives, self.active) <= self.columns <= self.dimension:
            raise ValueError(
                f"actives and active must be at most columns = {self.columns}, and these at most dimension = "
                f"{self.dimension}, got {self.actives} and {self.active}"
            )
        for name in ("samples", "actives", "noises", "level_densities"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} must grow, at least one, got {values}")


PRESETS: dict[str, DictionaryConfig] = {
    "smoke": DictionaryConfig(
        dimension=192, columns=64, samples=(50, 200), fixed=100, actives=(2, 4), densities=(0.25,),
        blocks=(24,), noises=(0.0, 0.003), noise_samples=400, peer_samples=(60,),
        peer_rounds=10, levels=(1024, 16, 60, 10), level_densities=(0.1,), inner_samples=100,
    ),
    "book": DictionaryConfig(samples=(100, 200, 500), peer_samples=(100,)),
    "desk": DictionaryConfig(),
    "paper": DictionaryConfig(
        samples=(100, 200, 500, 1000, 2000, 4000, 8000), actives=(2, 4, 8, 16, 32),
        peer_samples=(50, 100, 200, 400, 800, 1600), peer_rounds=300, inner_samples=1000,
    ),
}  # fmt: skip


def run(
    config: DictionaryConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Measure every part once, with matrices and samples of this seed.

    Each finished part is a line of ``parts.jsonl`` in ``folder``, so a run that was interrupted goes on with
    the next one. All of it runs on the processor, whatever ``device`` says.

    Returns:
        The cells of each part, no hashes (everything is generated), and the seconds spent on all parts.
    """
    made = each_piece(
        folder / "parts.jsonl", config, [(name,) for name in PARTS], partial(_part, config, seed),
        names=("part",), title=f"sketches.dictionary, seed {seed}", progress=progress,
    )  # fmt: skip
    return {one["part"]: one["cells"] for one in made}, {}, sum(one["seconds"] for one in made)


def _part(config: DictionaryConfig, seed: int, name: str) -> dict[str, Any]:
    began = time.perf_counter()
    cells = PARTS[name](config, seed)
    return {"part": name, "cells": cells, "seconds": round(time.perf_counter() - began, 3)}


def sparse(generator: np.random.Generator, samples: int, active: int, columns: int) -> Floats:
    """Draw x ``(samples, columns)`` with ``active`` numbers a row that are not 0: 0.5 to 1.5, either sign."""
    x = np.zeros((samples, columns))
    where = generator.random((samples, columns)).argpartition(active, 1)[:, :active]
    values = generator.uniform(0.5, 1.5, (samples, active)) * generator.choice([-1, 1], (samples, active))
    np.put_along_axis(x, where, values, 1)
    return x


def problem(
    config: DictionaryConfig, seed: int, active: int, samples: int, noise: float = 0.0
) -> tuple[BlockSparse, Floats, Floats]:
    """Return the true matrix, x ``(samples, columns)`` and y ``(samples, d)``."""
    truth = BlockSparse(
        config.dimension, seed, "module", "attributes", block=config.block, density=config.density, number=1
    )
    generator = np.random.default_rng([seed, active, round(1e6 * noise)])
    x = sparse(generator, samples, active, config.columns)
    y = x @ truth.matrix().numpy()[:, : config.columns].T
    return truth, x, y + noise * generator.normal(size=y.shape)


def _learnt(
    config: DictionaryConfig, truth: BlockSparse, y: Floats, active: int, noise: float = 0.0
) -> tuple[dict[str, Any], BlockDictionary]:
    learner = BlockDictionary(truth.code, config.density, noise=noise).fit(y)
    found = learner.recovery(truth.number, truth, range(config.columns))
    cell = {
        "S": len(y), "s": active, "q": config.density, "b": config.block, "noise": noise,
        "blocks": found.blocks, "spurious": found.spurious, "columns": found.columns,
        "predicted": expected_recovery(config.columns, active, config.density, len(y)),
    }  # fmt: skip
    return cell, learner


def samples_curve(config: DictionaryConfig, seed: int) -> Cells:
    """The share of blocks found, over samples S and active columns s."""
    cells = []
    for s in config.actives:
        truth, _, y = problem(config, seed, s, max(config.samples))
        cells += [_learnt(config, truth, y[:count], s)[0] for count in config.samples]
    return cells


def shape_curve(config: DictionaryConfig, seed: int) -> Cells:
    """The same at one S, over density q and over block length b."""
    variants = [replace(config, density=q) for q in config.densities]
    variants += [replace(config, block=b) for b in config.blocks]
    cells = []
    for one in variants:
        truth, _, y = problem(one, seed, one.active, one.fixed)
        cells.append(_learnt(one, truth, y, one.active)[0])
    return cells


def noise_curve(config: DictionaryConfig, seed: int) -> Cells:
    """The share found and the error of decoded numbers, over noise."""
    cells = []
    for noise in config.noises:
        truth, x, y = problem(config, seed, config.active, config.noise_samples, noise)
        cell, learner = _learnt(config, truth, y, config.active, noise)
        decoded = learner.decode(y[:100]).get(truth.number, np.zeros_like(y[:100]))[:, : config.columns]
        gap = decoded - x[:100]
        right = ((decoded != 0) == (x[:100] != 0)).all(1)
        inside = gap[right][x[:100][right] != 0]
        cell |= {"support": float(right.mean())}
        if inside.size:
            cell |= {"rms": float(np.sqrt((inside**2).mean())), "linf": float(np.abs(inside).max())}
        cells.append(cell)
    return cells


def atoms_found(learnt: Floats, truth: Floats, least: float = 0.99) -> float:
    """Return the share of true columns ``(d, n)`` that have a learnt column of their own with a cosine of at
    least ``least``, up to sign and order."""
    units = [m / np.maximum(np.linalg.norm(m, axis=0), 1e-12) for m in (truth, learnt)]
    cosine = np.abs(units[0].T @ units[1])
    rows, columns = linear_sum_assignment(-cosine)
    return float((cosine[rows, columns] >= least).sum() / truth.shape[1])


def beside_sklearn(config: DictionaryConfig, seed: int) -> Cells:
    """Atoms found by reading blocks and by scikit-learn's DictionaryLearning, at equal samples."""
    d, b, columns, active = config.peer
    small = replace(
        config, dimension=d, block=b, density=0.5, columns=columns, active=active, actives=(active,),
        blocks=(b,),
    )  # fmt: skip
    cells = []
    for count in config.peer_samples:
        truth, _, y = problem(small, seed, active, count)
        true = truth.matrix().numpy()[:, :columns]
        began = time.process_time()
        ours = _learnt(small, truth, y, active)[1]
        learnt = np.zeros_like(true)
        if truth.number in ours.patterns_:
            learnt = ours.matrix(truth.number)[:, :columns]
        between = time.process_time()
        peer = DictionaryLearning(
            columns, alpha=0.1, max_iter=config.peer_rounds, fit_algorithm="cd", random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(y)
        for name, atoms, seconds in (
            ("blocks", learnt, between - began),
            ("scikit-learn", peer.components_.T, time.process_time() - between),
        ):
            cells.append({
                "S": count, "learner": name, "atoms": atoms_found(atoms, true), "seconds": round(seconds, 3)
            })  # fmt: skip
    return cells


def one_level_down(config: DictionaryConfig, seed: int) -> Cells:
    """y = R x with x = S z: what is found of R, of x, of S and of z, by the density q of R.

    Of the outer blocks only those can be found that no other number of their inner block covers:
    (1 - q)^(b' - 1).
    """
    d, b, below_d, below_b = config.levels
    inner = BlockSparse(
        below_d, seed, "inner", "attributes", block=below_b, density=config.inner_density, number=3
    )
    generator = np.random.default_rng([seed, 77])
    z = sparse(generator, config.inner_samples, 1, config.inner_columns)
    x = z @ inner.matrix().numpy()[:, : config.inner_columns].T
    used, there = np.flatnonzero(x.any(0)), x.any(1)
    cells = []
    for q in config.level_densities:
        outer = BlockSparse(d, seed, "outer", "attributes", block=b, density=q, number=2)
        settings = [
            BlockDictionary(outer.code, q, rounds=3), BlockDictionary(inner.code, config.inner_density)
        ]  # fmt: skip
        y = x @ outer.matrix().numpy()[:, :below_d].T
        level = learn_recursively(y, settings)
        decoded = level.decoded.get(2, np.zeros((len(y), d)))[:, :below_d]
        rows = np.abs(decoded).any(1)
        below = level.below.get(2)
        found = below.dictionary.recovery(3, inner, range(config.inner_columns)) if below else None
        last = np.zeros_like(z)
        if below and 3 in below.decoded:
            last[rows] = below.decoded[3][:, : config.inner_columns]
        cells.append({
            "q": q, "outer": level.dictionary.recovery(2, outer, used).blocks,
            "predicted_outer": (1.0 - q) ** (below_b - 1),
            "numbers": float((np.abs(decoded - x)[x != 0] < 1e-6).mean()),
            "inner": found.blocks if found else 0.0, "spurious": found.spurious if found else 0,
            "predicted_inner": expected_recovery(
                config.inner_columns, 1, config.inner_density, config.inner_samples
            ),
            "decoded": float((np.abs(last - z)[there].max(1) < 1e-6).mean()),
        })  # fmt: skip
    return cells


PARTS: dict[str, Callable[[DictionaryConfig, int], Cells]] = {
    "samples": samples_curve,
    "shape": shape_curve,
    "noise": noise_curve,
    "peer": beside_sklearn,
    "levels": one_level_down,
}
"""Name of a part -> what measures it: ``(config, seed) -> cells``."""
