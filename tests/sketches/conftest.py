"""Fixtures of the room's tests: run-time checks off where they only cost, and random trees and DAGs."""

from collections.abc import Callable

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn.sketches import Object

SIZES = {"edge": 3, "cat": 5, "wall": 0, "room": 2}


@pytest.fixture
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch run-time type checks off: small functions are called many times here, and a wrong value reaches
    the function's own check as it does for a user."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def draw_attributes(generator: np.random.Generator, size: int) -> torch.Tensor:
    """Draw a non-negative vector of length below 1."""
    vector = generator.random(size)
    return torch.from_numpy(vector / max(1e-9, float(np.linalg.norm(vector))) * generator.random())


def draw_dag(seed: int, objects: int = 9) -> Object:
    """Draw a DAG whose objects may be inputs of several others, at several positions, some of weight 0."""
    generator = np.random.default_rng(seed)
    names, made = sorted(SIZES), []
    for k in range(objects):
        module = names[generator.integers(len(names))]
        count = int(generator.integers(0, 4)) if made else 0
        if k == objects - 1:
            count = max(count, 2)
        inputs = [made[j] for j in generator.integers(len(made), size=count)] if count else []
        weights = None
        if count and generator.random() < 0.7:
            raw = generator.random(count) * (generator.random(count) < 0.8) + 1e-3 * np.eye(count)[0]
            weights = tuple(raw / raw.sum() * generator.choice([1.0, 0.7]))
        made.append(Object(module, draw_attributes(generator, SIZES[module]), tuple(inputs), weights))
    return made[-1]


@pytest.fixture(scope="session")
def any_dag() -> Callable[..., Object]:
    """Return ``any_dag(seed, objects=9)``."""
    return draw_dag


def grow(depth: int, size: int, generator: np.random.Generator, name: str = "m") -> Object:
    """Return a binary tree in which every object has a module of its own and attributes of unit length."""
    inputs = tuple(grow(depth - 1, size, generator, f"{name}{k}") for k in (1, 2)) if depth else ()
    vector = abs(generator.normal(size=size))
    return Object(name, torch.from_numpy(vector / np.linalg.norm(vector)), inputs)


@pytest.fixture(scope="session")
def binary_tree() -> Callable[..., Object]:
    """Return ``binary_tree(depth, size, generator)``."""
    return grow
