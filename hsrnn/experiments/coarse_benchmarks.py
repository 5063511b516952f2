"""Speed and memory of TaylorNet: what ``hsrnn bench coarse.NAME`` runs.

A line has the fields of :mod:`hsrnn.experiments.benchmarks`. Pictures are scikit-learn's digits, enlarged
four times, so that no file is needed. What is timed is checked first: a fast wrong answer raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hsrnn import coarse, datasets
from hsrnn.experiments.timing import alternate, threads

THREADS = 2
CONFIG = coarse.TaylorNetConfig(image=(1, 32, 32))
TOLERANCE = 1e-5


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Return the first digits of scikit-learn, ``(count, 1, 32, 32)`` from 0 to 1, and their classes."""
    split = datasets.load("digits").train
    images, labels = torch.from_numpy(split.scaled()[:count]), torch.tensor(split.labels[:count])
    return images.repeat_interleave(4, 2).repeat_interleave(4, 3), labels


def step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], None]:
    """Return one training step: forward, backward and AdamW."""
    optimizer = torch.optim.AdamW(model.parameters())

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return run


def kept(layer: coarse.TaylorLayer, maps: Tensor) -> int:
    """Return the bytes that one forward pass keeps for its backward pass, weights aside."""
    weights = {p.untyped_storage().data_ptr() for p in layer.parameters()}
    found: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and len(maps) in tensor.shape:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    held = []
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        held.append(layer(maps))
    return sum(found.values())


def forward(
    *, batch: int = 128, repeats: int = 11, widths: tuple[int, ...] = (8, 16, 32, 64)
) -> Iterator[dict[str, Any]]:
    """Time a training step beside ReLU networks of as many parameters; then the memory of both forms."""
    images, labels = digits(batch)
    for norm in ("batch", "scale"):
        config = coarse.TaylorNetConfig(image=(1, 32, 32), norm=norm)
        for name in ("cnn", "strided"):
            model = coarse.TaylorNet(config)
            size = coarse.parameters(model)
            other = coarse.baseline(name, config.image, config.classes, size)
            with threads(THREADS):
                ours, reference = alternate(step(model, images, labels), step(other, images, labels), repeats)
            yield {
                "name": f"coarse.forward/{name}-{norm}", "ours": ours, "reference": reference, "unit": "s",
                "ratio": reference / ours,
                "parameters": {"ours": size, "reference": coarse.parameters(other)},
                "what": f"forward, backward and AdamW, batch {batch}, 32 x 32 pixels, channels "
                f"{config.channels}, norm={norm!r}, {THREADS} threads. Reference: the ReLU baseline "
                f"{name!r}, no normalisation",
            }  # fmt: skip
    for width in widths:
        maps = torch.rand(7, 8, 8, width, requires_grad=True)
        ours, reference = (kept(coarse.TaylorLayer(width, width, form=form), maps) for form in ("cp", "full"))
        yield {
            "name": f"coarse.forward/memory-{width}", "ours": ours, "reference": reference, "unit": "bytes",
            "ratio": reference / ours, "parameters": {},
            "what": f"kept for the backward pass by one step, {width} channels, 7 grids of 8 x 8, weights "
            "aside; low-rank form, rank = channels. Reference: the full quadratic form",
        }  # fmt: skip


def orders(*, batch: int = 100, repeats: int = 11) -> Iterator[dict[str, Any]]:
    """Time the split of a batch into all orders of a net of five levels, beside ten forward passes.

    Raises:
        RuntimeError: if the orders do not add up to the logits.
    """
    images, _ = digits(batch)
    model = coarse.TaylorNet(CONFIG)
    with torch.no_grad():
        for _ in range(20):  # running statistics of these pictures
            model(images)
    model.eval()
    with torch.no_grad():
        logits = model(images)
    parts = coarse.orders(model, images)
    error = float((parts.sum(1) - logits).abs().max())
    if not error < TOLERANCE:
        raise RuntimeError(f"the orders miss the logits by {error}")

    @torch.no_grad()
    def ten() -> None:
        for _ in range(10):
            model(images)

    with threads(1):  # dozens of small products: where a core is busy, two threads wait for each other
        ours, reference = alternate(lambda: coarse.orders(model, images), ten, repeats)
    yield {
        "name": "coarse.orders/five-levels", "ours": ours, "reference": reference, "unit": "s",
        "ratio": reference / ours, "parameters": {"ours": coarse.parameters(model)},
        "orders": parts.shape[1], "largest_difference": error,
        "what": f"all {parts.shape[1]} orders of {batch} digits, 32 x 32, one thread. Reference: ten "
        "forward passes of the same batch",
    }  # fmt: skip


BENCHMARKS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "coarse.forward": forward,
    "coarse.orders": orders,
}
