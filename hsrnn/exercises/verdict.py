"""What a checker says when an answer is wrong, and how it calls a reader's function without trusting it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class Wrong(Exception):
    """An answer that does not do what the exercise asks; the text says where it differs."""


def call(answer: Any, *arguments: Any) -> Any:
    """Return `answer(*arguments)`.

    Raises:
        Wrong: if the answer is not a function, or the function itself raises an error.
    """
    if not callable(answer):
        raise Wrong(f"A function is asked for, but the answer is of type {type(answer).__name__}.")
    try:
        return answer(*arguments)
    except Exception as error:
        raise Wrong(f"Your function raised {type(error).__name__}: {error}") from error


def array_of(value: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return a value that should be numbers of a certain shape as an array of float64.

    Raises:
        Wrong: for anything that is not numbers, or has another shape.
    """
    if value is None:
        raise Wrong(f"{what} should be numbers, but your function returned nothing.")
    try:
        array = np.asarray(value.detach() if isinstance(value, Tensor) else value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{what} should be numbers, but the answer is of type {type(value).__name__}.") from error
    if array.shape != shape:
        raise Wrong(f"{what} should have the shape {shape}, got {array.shape}.")
    return array


def tensor_of(value: Any, shape: tuple[int, ...], what: str) -> Tensor:
    """Return a value that should be a torch tensor of a certain shape.

    Raises:
        Wrong: for anything else.
    """
    if not isinstance(value, Tensor):
        raise Wrong(f"{what} should be a torch tensor, got an object of type {type(value).__name__}.")
    if tuple(value.shape) != shape:
        raise Wrong(f"{what} should have the shape {shape}, got {tuple(value.shape)}.")
    return value


def drawn(random: np.random.Generator, *shape: int) -> Tensor:
    """Return standard normal numbers as a torch tensor of float64."""
    return torch.from_numpy(random.standard_normal(shape))
