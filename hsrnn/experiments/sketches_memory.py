"""Experiment ``sketches.memory``: a year of rooms, remembered, and asked afterwards.

A network of stroke, digit and scene modules looks into one room an hour for a year (``sketches_scenes``).
What it made of each scene is stored in a fixed number of bytes: as a recursive sketch, or in one of the ways
it has to be compared with (``sketches_memories``, decision S7). Then come the questions of
``sketches_answers``. Each answer is scored against the truth of the rooms, beside what the network itself
would have answered had nothing been forgotten.

*Albums* are the second half: the sketches of all scenes of one hour of the day are added up to one vector, 24
for the whole year. A sum of sketches is still linear in the attributes, so the sums of all attributes come
back by one system of equations: how many 7s at each hour, from vectors that never knew the question.

A record is one seed: one year of the house, with matrices, and losses, of its own. The network is the shipped
one, trained on other days with other digits; nothing is chosen by what the year shows.

Deviation S7: the paper compares its sketches with nothing; here every answer stands beside a plain list, a
projection, a count-sketch and symbolic memories of equally many bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hsrnn import datasets
from hsrnn.sketches import Forest, SceneNetwork, digits_read, record_scenes
from hsrnn.sketches.scene_network import CLASSES, MOST_DIGITS

from .sketches_answers import HOURS, Year, alike, answers, by_hour, spread
from .sketches_memories import CountSketch, FlatProjection, Memory, RawList, SketchMemory
from .sketches_scenes import images_of, load_network
from .sketches_symbols import SymbolTree, looks

MEMORIES = ("sketch", "sketch-half", "sketch-paths", "raw", "flat", "count-sketch", "map", "fhrr")


@dataclass(frozen=True)
class MemoryConfig:
    """Settings of one run.

    Attributes:
        days: of the year.
        budgets: bytes a scene.
        memories: names of the ways to remember.
        lost: share of the numbers of the largest budget that is lost before the questions are asked again.
        album: coordinates of a sum of sketches.
    """

    days: int = 365
    budgets: tuple[int, ...] = (256, 512, 1024, 2048)
    memories: tuple[str, ...] = MEMORIES
    lost: float = 0.5
    album: int = 512

    def __post_init__(self) -> None:
        """Check; raises ValueError."""
        if self.days < 2:
            raise ValueError(f"days must be at least 2, got {self.days}")
        for name in self.memories:
            if name not in MEMORIES:
                raise ValueError(f"memories must be of {', '.join(MEMORIES)}, got {name!r}")
        for size in (*self.budgets, 4 * self.album):
            if size < 128 or size & (size - 1):
                raise ValueError(
                    f"budgets and 4 x album must be powers of 2, at least 128 bytes (32 float32 "
                    f"coordinates of a "
                    f"Hadamard matrix), got {size}"
                )
        if not 0 < self.lost < 1:
            raise ValueError(f"lost must be a share between 0 and 1, got {self.lost}")


PRESETS: dict[str, MemoryConfig] = {
    "smoke": MemoryConfig(days=4, budgets=(512, 2048), memories=("sketch", "raw", "map")),
    "book": MemoryConfig(days=40, budgets=(512, 2048)),
    "desk": MemoryConfig(),
    "paper": MemoryConfig(days=365, budgets=(256, 512, 1024, 2048, 4096, 8192), album=4096),
}


def run(
    config: MemoryConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Remember a year in every way and budget, and ask.

    It takes less than a minute, so nothing is kept in ``folder`` and a run that is killed starts anew.

    Returns:
        Metrics, hashes of the year, and seconds.
    """
    began = time.perf_counter()
    network = load_network()
    scenes = datasets.load("scenes", days=config.days, seed=seed)
    year = Year(network, scenes.test)
    raw = sum(4 * values.numel() for values in year.values.values()) / len(scenes.test)
    metrics: dict[str, Any] = {
        "network": answers(year, year.values),
        "raw_float32_bytes": raw,
        "knows_nothing_picture": _picture_of_nobody(year, scenes.train),
        "memories": {},
    }
    typical = _typical_looks(network, scenes.train) if {"map", "fhrr"} & set(config.memories) else None
    for size in config.budgets:
        for name in config.memories:
            memory = build(name, year, size, seed=seed, looks=typical)
            found = answers(year, {n: memory.recall(memory.store(v, n), n) for n, v in year.values.items()})
            metrics["memories"][f"{name}/{size}"] = found
            if name == "sketch":
                found |= _from_the_sketches_alone(year, memory)
    for name in set(config.memories) & {"sketch", "raw", "flat"}:
        size = max(config.budgets)
        memory = build(name, year, size, seed=seed, erased=config.lost)
        found = answers(year, {n: memory.recall(memory.store(v, n), n) for n, v in year.values.items()})
        metrics["memories"][f"{name}/{size}, {config.lost:g} lost"] = found
    metrics["album"] = album(year, SketchMemory(year.sizes, 4 * config.album, seed=seed))
    return metrics, {"network": _digest(), **scenes.hashes}, time.perf_counter() - began


def build(
    name: str, year: Year, size: int, *, seed: int, erased: float = 0.0, looks: Tensor | None = None
) -> Memory:
    """Return a memory by name, for scenes of ``size`` bytes."""
    loss = {"erased": erased, "seed": seed}
    made: dict[str, Callable[[], Memory]] = {
        "sketch": lambda: SketchMemory(year.sizes, size, **loss),
        "sketch-half": lambda: SketchMemory(year.sizes, size, bits=16, **loss),
        "sketch-paths": lambda: SketchMemory(year.sizes, size, paths=True, **loss),
        "raw": lambda: RawList(year.sizes, size, **loss),
        "flat": lambda: FlatProjection(year.sizes, size, **loss),
        "count-sketch": lambda: CountSketch(year.sizes, size, seed=seed),
        "map": lambda: SymbolTree(year.sizes, size, kind="map", looks=looks, seed=seed),
        "fhrr": lambda: SymbolTree(year.sizes, size, kind="fhrr", looks=looks, seed=seed),
    }
    return made[name]()


def _from_the_sketches_alone(year: Year, memory: SketchMemory) -> dict[str, float]:
    """Return what the vectors say without being decoded: which rooms are alike, and (from what the structures
    leave) how many digits there were."""
    room = torch.from_numpy(year.scenes.room.copy())
    total, right = torch.zeros(len(datasets.ROOMS), memory.mechanism.dimension), 0
    for count, values in year.values.items():
        kept = memory.store(values, count)
        total.index_add_(0, room[year.at[count]], kept)
        right += int((memory.counts(kept) == count).sum())
    seen = torch.bincount(room, minlength=len(total))[:, None].clamp_min(1)
    return {
        "alike_undecoded": float(alike(total / seen) == (2, 3)),
        "structure": right / len(year.counts),
    }


def album(year: Year, memory: SketchMemory) -> dict[str, float]:
    """Add up the sketches of each hour of the day over the whole year, and read the 24 sums.

    Each scene is weighted by its number of digits, so that every digit has the same effective weight, as T3
    asks. Then the sums of all attributes, place by place, and the numbers of scenes with 1, 2, 3 and 4 digits
    are the solution of one system of equations.

    Returns:
        ``bytes`` of all 24 vectors; ``hours``: half the sum of differences between the true and the answered
        shares of 7s over the hours; ``network_hours``: the same for the sums of the network's own class
        probabilities; ``threes``: error of the sum of 3s an hour of the day, relative to the network's own
        sums; ``digits``: the same of the number of digits.
    """
    hour = torch.arange(len(year.counts)) % HOURS
    sums = torch.zeros(HOURS, memory.mechanism.dimension)
    for count, values in year.values.items():
        sums.index_add_(0, hour[year.at[count]], count * memory.store(values, count))
    largest, each = memory.map(MOST_DIGITS), range(1, MOST_DIGITS + 1)
    rows = [MOST_DIGITS * largest.matrix, *(count * memory.map(count).markers[None] for count in each)]
    solved = sums.double() @ torch.linalg.pinv(torch.cat(rows))
    said = digits_read(largest.split(solved[:, :-MOST_DIGITS])["digit"]).classes.sum(1).float()
    digits = solved[:, -MOST_DIGITS:].float() @ torch.arange(1.0, MOST_DIGITS + 1)
    own = torch.zeros(HOURS, CLASSES)
    own.index_add_(0, hour[year.owner], digits_read(year.forest.attributes["digit"]).classes)
    return {
        "bytes": float(4 * sums.numel()),
        "hours": spread(by_hour(year.true(7)), said[:, 7]),
        "network_hours": spread(by_hour(year.true(7)), own[:, 7]),
        "threes": float((said[:, 3] - own[:, 3]).norm() / own[:, 3].norm()),
        "digits": float((digits / by_hour(year.counts.float()) - 1).abs().max()),
    }


def _typical_looks(network: SceneNetwork, split: datasets.SceneSplit) -> Tensor:
    """Return the codebook of looks, from scenes that the network was trained on."""
    forest = Forest.of(record_scenes(network, images_of(split)[:1000]))
    strokes = forest.attributes["stroke"]
    return looks(forest.attributes["digit"], strokes.reshape(len(strokes) // 4, -1))


def _picture_of_nobody(year: Year, split: datasets.SceneSplit) -> float:
    """Return the error of the picture when every digit is drawn as the mean of those trained on."""
    rows, columns = (torch.from_numpy(part[:, :1].copy()) for part in (split.rows, split.columns))
    mean = year.network.windows(images_of(split), rows, columns).mean(0)
    return float((year.seconds[2] - mean).square().mean().sqrt())


def _digest() -> str:
    import hashlib

    return hashlib.sha256(
        datasets.shipped("checkpoints/sketches-scenes.safetensors").read_bytes()
    ).hexdigest()
