"""What ``sketches.theorems`` measures, part by part; a part returns cells, settings with their numbers.

``rms`` is the root mean square error of a number, ``linf`` the largest error of a vector averaged over
vectors, ``predicted`` the root mean square of the error bars that came with the answers, and ``bias`` the
mean error along the true vector, 0 for an unbiased answer.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from torch import Tensor

from hsrnn.sketches import (
    Decoder,
    Estimate,
    Family,
    Forest,
    Mechanism,
    Object,
    Repository,
    Signature,
    concepts,
    erase,
    expected_similarity,
    least_squares,
    overall,
    pursuit,
)

if TYPE_CHECKING:
    from .sketches_theorems import TheoremsConfig

Cells = list[dict[str, Any]]
NEAREST = 10


def unit(generator: np.random.Generator, size: int, sparse: int | None = None) -> Tensor:
    """Draw a non-negative vector of length 1 ``(size,)`` with ``sparse`` numbers that are not 0."""
    vector = np.zeros(size)
    at = generator.choice(size, sparse or size, replace=False)
    vector[at] = abs(generator.normal(size=len(at)))
    return torch.from_numpy(vector / np.linalg.norm(vector))


def binary_tree(
    depth: int, size: int, sparse: int | None, generator: np.random.Generator, name: str = "m"
) -> Object:
    """Draw a binary tree in which every object has a module of its own: m, m1, m2, m11, ..."""
    parts = [binary_tree(depth - 1, size, sparse, generator, f"{name}{k}") for k in (1, 2)] if depth else []
    return Object(name, unit(generator, size, sparse), tuple(parts))


def scored(pairs: Iterable[tuple[Estimate, Tensor]]) -> dict[str, float]:
    """Return ``rms``, ``linf``, ``predicted`` and ``bias`` of estimates of vectors ``(n, a)`` and the
    truth."""
    gaps, bars, along = [], [], []
    for estimate, truth in pairs:
        gaps.append((estimate.value - truth).double())
        bars.append(estimate.error.double().expand(gaps[-1].shape))
        along.append((gaps[-1] * truth).sum(1) / truth.norm(dim=1).clamp_min(1e-12))
    gap = torch.cat(gaps)
    return {
        "rms": float(gap.square().mean().sqrt()),
        "linf": float(gap.abs().max(1).values.mean()),
        "predicted": float(torch.cat(bars).square().mean().sqrt()),
        "bias": float(torch.cat(along).mean()),
    }


def _trees(config: TheoremsConfig, seed: int, d: int, depth: int) -> Iterator[tuple[Decoder, Tensor, Forest]]:
    for k in range(config.repeats):
        generator = np.random.default_rng([seed, d, depth, k])
        forest = Forest.of([binary_tree(depth, config.attributes, config.sparse, generator)])
        sizes = dict.fromkeys(forest.modules, config.attributes)
        decoder = Decoder(Mechanism(sizes, dimension=d, seed=1000 * seed + k))
        yield decoder, decoder.sketcher.encode(forest), forest


def recovery(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T1: the deepest objects of binary trees by the four decoders, over d and depth."""
    cells = []
    for depth in config.depths:
        for d in config.dimensions:
            found: dict[str, list[tuple[Estimate, Tensor]]] = {}
            for decoder, s, forest in _trees(config, seed, d, depth):
                deepest = [name for name in forest.modules if len(name) == depth + 1]
                answers: dict[str, dict[str, Estimate]] = {
                    "oblivious": {
                        name: decoder.project(s, name, weight=2.0**-depth, depth=depth) for name in deepest
                    },
                    "paths": decoder.project_paths(s, forest),
                }
                if d <= config.solve_up_to:
                    answers["least squares"] = least_squares(decoder, s, forest).attributes
                    numbers = min(config.sparse * len(forest.modules), d)
                    answers["pursuit"] = pursuit(decoder, s, forest, numbers).attributes
                for name, answer in answers.items():
                    found.setdefault(name, []).extend(
                        (answer[module], forest.attributes[module]) for module in deepest
                    )
            cells += [{"depth": depth, "d": d, "decoder": name, **scored(p)} for name, p in found.items()]
    return cells


def few_coordinates(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """Least squares and pursuit on all objects of trees of depth 2, from some coordinates of a sketch."""
    cells = []
    for keep in config.few:
        found: dict[str, list[tuple[Estimate, Tensor]]] = {"least squares": [], "pursuit": []}
        for decoder, s, forest in _trees(config, seed, config.solve_up_to, 2):
            left, most = erase(s, keep, "random", seed=seed), config.sparse * len(forest.modules)
            solved = {
                "least squares": least_squares(decoder, left, forest),
                "pursuit": pursuit(decoder, left, forest, min(most, keep)),
            }
            for name, solution in solved.items():
                found[name] += [(solution.attributes[m], forest.attributes[m]) for m in forest.modules]
        unknowns = config.attributes * len(forest.modules)
        for name, pairs in found.items():
            gap = torch.cat([estimate.value - truth for estimate, truth in pairs])
            rms = float(gap.square().mean().sqrt())
            cells.append({"kept": keep, "decoder": name, "unknowns": unknowns, "rms": rms})
    return cells


def weight(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T1: one object of weight w beside three others of equal weight; errors in units of |s| / sqrt(d)."""
    cells, d = [], config.fixed
    for w in config.weights:
        pairs, scale = [], []
        for k in range(config.repeats):
            generator = np.random.default_rng([seed, 2, round(w * 2**20), k])
            parts = [Object(f"m{j}", unit(generator, config.attributes)) for j in range(4)]
            sizes = dict.fromkeys([part.module for part in parts], config.attributes)
            decoder = Decoder(Mechanism(sizes, dimension=d, seed=1000 * seed + k))
            s = decoder.sketcher.encode([overall(parts, [w, *[(1 - w) / 3] * 3])])
            pairs.append((decoder.project(s, "m0", weight=w, depth=1), parts[0].attributes[None]))
            scale.append(float(s.norm()) / sqrt(d))
        cells.append({"w": w, "d": d, "scale": float(np.mean(scale)), **scored(pairs)})
    return cells


def _flat(
    config: TheoremsConfig, seed: int, d: int, modules: list[str], family: Family | None = None
) -> tuple[Decoder, Tensor, Forest]:
    """Return decoder, sketch and scene of one level with an object of each module named (Prototype B)."""
    generator = np.random.default_rng([seed, 3, d, len(modules)])
    scene = overall([Object(name, unit(generator, config.attributes)) for name in modules])
    sizes = dict.fromkeys(modules, config.attributes)
    m = Mechanism.prototype_b(sizes, dimension=d, seed=seed, family=family or Family())
    decoder, forest = Decoder(m), Forest.of([scene])
    return decoder, decoder.sketcher.encode(forest), forest


def _read_flat(decoder: Decoder, s: Any, forest: Forest, most: int = 8) -> dict[str, float]:
    names = list(decoder.mechanism.modules)
    return scored(
        (decoder.project(s, name, weight=1 / len(names), depth=1), forest.attributes[name])
        for name in names[:most]
    )


def objects(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T1: a scene of one level, over its number k of objects at one d, and over d at one k."""
    cells = []
    places = [(k, config.fixed) for k in config.objects]
    places += [(config.scene, d) for d in config.dimensions]
    for k, d in dict.fromkeys(places):
        found = _read_flat(*_flat(config, seed, d, [f"m{j}" for j in range(k)]))
        cells.append({"k": k, "d": d, **found})
    return cells


def count(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T3: scenes whose modules have n objects each: count, mean, and whether rounding is exact."""
    cells = []
    for d in config.dimensions:
        for n in config.counted:
            gaps, bars, means = [], [], []
            for k in range(config.repeats):
                generator, modules = np.random.default_rng([seed, 4, d, n, k]), config.scene // n
                names = [f"m{j % modules}" for j in range(config.scene)]
                scene = overall([Object(name, unit(generator, config.attributes)) for name in names])
                sizes = dict.fromkeys(names, config.attributes)
                decoder = Decoder(Mechanism.prototype_b(sizes, dimension=d, seed=1000 * seed + k))
                forest = Forest.of([scene])
                s, place = decoder.sketcher.encode(forest), {"weight": 1 / config.scene, "depth": 1}
                for name in sizes:
                    found = decoder.count(s, name, **place)
                    gaps.append(float(found.value) - n)
                    bars.append(float(found.error))
                    mean = decoder.project(s, name, **place).value / n
                    means.append(float((mean - forest.attributes[name].mean(0)).square().mean()))
            cells.append({
                "d": d, "n": n, "rms": float(np.sqrt(np.mean(np.square(gaps)))),
                "predicted": float(np.sqrt(np.mean(np.square(bars)))), "bias": float(np.mean(gaps)),
                "exact": float(np.mean(np.abs(gaps) < 0.5)), "mean_rms": sqrt(np.mean(means)),
            })  # fmt: skip
    return cells


def similarity(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T2.i and T2.ii: inner products of scenes of k objects that share no module, or one."""
    cells = []
    for d in config.small:
        for k in config.shared:
            apart, related, bars = [], [], []
            for pair in range(config.pairs):
                generator = np.random.default_rng([seed, 5, d, k, pair])

                def scene(*names: str) -> Forest:
                    return Forest.of([overall([Object(name, unit(generator, 4)) for name in names])])

                first = scene("shared", *[f"a{j}" for j in range(k - 1)])
                second = scene("shared", *[f"b{j}" for j in range(k - 1)])
                third = scene(*[f"c{j}" for j in range(k)])
                sizes = {name: 4 for one in (first, second, third) for name in one.modules
                         if name != "overall"}  # fmt: skip
                m = Mechanism(sizes, dimension=d, seed=1000 * seed + pair)
                decoder = Decoder(m)
                s = [decoder.sketcher.encode(one) for one in (first, second, third)]
                found = decoder.similarity(s[0], torch.cat(s[1:]))
                related.append(float(found.value[0, 0]))
                apart.append(float(found.value[0, 1]))
                bars.append(float(found.error[0, 1]))
            truth = [1] * len(related) + [0] * len(apart)
            cells.append({
                "d": d, "k": k, "apart_rms": float(np.sqrt(np.mean(np.square(apart)))),
                "predicted_sd": float(np.sqrt(np.mean(np.square(bars)))),
                "related_mean": float(np.mean(related)),
                "predicted_mean": expected_similarity(m, first, second),
                "auc": float(roc_auc_score(truth, related + apart)),
                "related": [round(x, 6) for x in related], "apart": [round(x, 6) for x in apart],
            })  # fmt: skip
    return cells


def change(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T2.iii: the largest |s - s'| / (eps / 2) when every object's attributes move by eps or less."""
    cells, d, depth = [], min(config.small) * 2, 2
    for name in ("hadamard", "haar", "block"):
        for eps in config.changes:
            worst = 0.0
            for k in range(config.repeats):
                generator = np.random.default_rng([seed, 6, k])
                top = binary_tree(depth, config.attributes, None, generator)
                forest = Forest.of([top])
                moved, same = {}, generator.random() < 0.5
                for module, x in forest.attributes.items():
                    step = unit(generator, x.shape[1])[None] if same else torch.from_numpy(
                        generator.normal(size=x.shape))  # fmt: skip
                    new = (x - eps * step / step.norm()).clamp_min(0.0)
                    moved[module] = (new / new.norm().clamp_min(1.0))[:, None]
                sizes = dict.fromkeys(forest.modules, config.attributes)
                family = Family(name, block=min(config.blocks), density=config.density)
                m = Mechanism(sizes, dimension=d, seed=1000 * seed + k, family=family)
                encode = Decoder(m).sketcher.encode
                gap = float((encode(forest) - encode(forest.like(moved))).norm())
                largest = max(float((moved[n][:, 0] - forest.attributes[n]).norm()) for n in moved)
                worst = max(worst, gap / (largest / 2))
            cells.append({"family": name, "eps": eps, "d": d, "worst": worst})
    return cells


def erasure(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T4: attributes of a scene of one level from a share f of the coordinates, first ones or random ones."""
    decoder, s, forest = _flat(config, seed, config.fixed, [f"m{j}" for j in range(config.scene)])
    return [
        {"f": f, "how": how, "d": config.fixed,
         **_read_flat(decoder, erase(s, round(f * config.fixed), how, seed=seed), forest, config.scene)}
        for how in ("prefix", "random") for f in config.fractions
    ]  # fmt: skip


def families(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """T1 with the families of matrices: a scene of four objects, over d."""
    kinds = {"hadamard": Family("hadamard"), "haar": Family("haar")}
    kinds |= {
        f"D(b={b}, q={config.density:g})": Family("block", block=b, density=config.density)
        for b in config.blocks
    }
    cells = []
    for name, family in kinds.items():
        for d in config.written:
            found = _read_flat(*_flat(config, seed, d, list("abcd"), family))
            cells.append({"family": name, "d": d, **found})
    return cells


def concepts_found(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """C6: scenes of several kinds, one of them nameless: neighbours and clusters from their sketches.

    A kind is two modules of its own; beside an object of each stand two objects of modules that all share.
    """
    cells = []
    kinds = np.repeat(np.arange(config.classes), config.members)
    for d in config.small:
        generator = np.random.default_rng([seed, 8, d])
        scenes = []
        for kind in kinds:
            common = generator.choice(8, 2, replace=False)
            names = [f"kind {kind} {j}" for j in range(2)] + [f"any {j}" for j in common]
            scenes.append(overall([Object(name, unit(generator, config.attributes)) for name in names]))
        forest = Forest.of(scenes)
        sizes = {name: config.attributes for name in forest.modules if name != "overall"}
        mechanism = Mechanism(sizes, dimension=d, seed=seed)
        s = Decoder(mechanism).sketcher.encode(forest)
        names = [f"kind {kind}" if kind < config.classes - 1 else "" for kind in kinds]
        place = folder / f"repository-{d}"
        shutil.rmtree(place, ignore_errors=True)
        with Repository(place, mechanism, search="exact") as repository:
            repository.add(s, names)
            hits = repository.query(s, NEAREST + 1).numbers
            clusters = concepts(repository)
        shutil.rmtree(place)
        own = [[n for n in row if n != k][:NEAREST] for k, row in enumerate(hits)]
        recall = float(np.mean([np.mean(kinds[row] == kinds[k]) for k, row in enumerate(own)]))
        labels = np.full(len(kinds), -1)
        for number, cluster in enumerate(clusters):
            labels[cluster.members] = number
        held_out = set(np.flatnonzero(kinds == config.classes - 1))
        news = [set(cluster.members.tolist()) for cluster in clusters if cluster.new]
        overlap = [len(one & held_out) / len(one | held_out) for one in news]
        cells.append({
            "d": d, "recall": recall, "ari": float(adjusted_rand_score(kinds, labels)),
            "clusters": len(clusters), "new": max(overlap, default=0.0),
        })  # fmt: skip
    return cells


def signatures(config: TheoremsConfig, seed: int, folder: Path) -> Cells:
    """S9: is the very same object there? Objects of equal attributes, told apart by their signatures."""
    cells = []
    sign = Signature(config.signature)
    for d in config.small:
        for k in config.shared:
            names = ["cat", *[f"m{j}" for j in range(k - 1)]]
            same, other = [], []
            for pair in range(config.pairs):
                generator = np.random.default_rng([seed, 9, d, k, pair])
                parts = [Object(n, unit(generator, config.attributes), name=f"{n} {pair}") for n in names]
                sizes = dict.fromkeys(names, config.attributes + config.signature)
                decoder = Decoder(Mechanism.prototype_b(sizes, dimension=d, seed=1000 * seed + pair))
                s = decoder.sketcher.encode([sign.sign(overall(parts))])
                found = decoder.project(s, "cat", weight=1 / k, depth=1)
                same.append(float(sign.match(found, "cat", f"cat {pair}").value))
                other.append(float(sign.match(found, "cat", f"another {pair}").value))
            truth = [1] * len(same) + [0] * len(other)
            cells.append({"d": d, "k": k, "auc": float(roc_auc_score(truth, same + other))})
    return cells
