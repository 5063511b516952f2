"""Scores of a language model: bits per character in parallel rows, or over one contiguous stream
(decision D6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hsrnn.training import Processes

from .language import CharLanguageModel


@runtime_checkable
class Chunks(Protocol):
    """Batches in order: chunk ``i`` is inputs and targets, integer arrays ``(rows, time)``, and goes on
    where chunk ``i - 1`` ended. :class:`hsrnn.datasets.ContiguousRows` is one."""

    rows: int

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...


def chunk_tensors(chunks: Chunks, i: int, share: slice, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return inputs and targets of chunk ``i``, the rows of ``share`` only, ``(rows, time)`` int64 on
    ``device``."""
    inputs, targets = chunks[i]
    return tuple(
        torch.from_numpy(np.ascontiguousarray(codes[share])).to(device) for codes in (inputs, targets)
    )


@dataclass(frozen=True)
class RowsScore:
    """Score over parallel rows: mean ``bits_per_character``, and the mean of z for each layer but the
    top (empty for a core without boundaries)."""

    bits_per_character: float
    boundary_rates: tuple[float, ...]


@torch.no_grad()
def evaluate_rows(
    model: CharLanguageModel, chunks: Chunks, *, seed: int = 0, processes: Processes | None = None
) -> RowsScore:
    """Score a model over parallel rows, the state carried from chunk to chunk; quick, for use while training.

    Args:
        model: the model; its mode (train, eval) is left as it is.
        chunks: what to predict.
        seed: seed of the draws of ``"sample"`` boundaries.
        processes: several processes share the rows.
    """
    processes = processes or Processes()
    device = model.embedding.weight.device
    generator = torch.Generator(device).manual_seed(seed)
    state, total = None, torch.zeros(2, dtype=torch.float64)
    rates: Tensor | None = None
    for i in range(len(chunks)):
        inputs, targets = chunk_tensors(chunks, i, processes.share(chunks.rows), device)
        loss, output, state = model.loss(inputs, targets, state, generator=generator)
        total += torch.tensor([loss.item() * targets.numel(), targets.numel()], dtype=torch.float64)
        if output.core.boundaries is not None:
            summed = output.core.boundaries.sum((0, 1)).double().cpu()
            rates = summed if rates is None else rates + summed
    scores = torch.cat([total, rates if rates is not None else total.new_zeros(0)])
    nats, count, *fired = processes.average(scores).tolist()
    return RowsScore(nats / count / math.log(2), tuple(z / count for z in fired))


@dataclass(frozen=True)
class StreamScore:
    """Score over one contiguous stream, and what the core did there.

    Attributes:
        bits_per_character: mean over every symbol after the first.
        bits: ``(symbols - 1,)`` float32, the bits of symbol t + 1 given all before it.
        boundaries: ``(symbols - 1, layers - 1)`` bool, z > 0.5 after reading symbol t; ``None`` without
            boundaries.
        operations: ``(symbols - 1, layers)`` uint8; ``None`` likewise.
        gates: ``(symbols - 1, layers)`` float32, gates of the output module in (0, 1).
    """

    bits_per_character: float
    bits: NDArray[np.float32]
    boundaries: NDArray[np.bool_] | None
    operations: NDArray[np.uint8] | None
    gates: NDArray[np.float32]


@torch.no_grad()
def evaluate_stream(
    model: CharLanguageModel, codes: Sequence[int] | NDArray[np.integer], *, chunk: int = 2000, seed: int = 0
) -> StreamScore:
    """Score a model over one stream from a zero state, every symbol after the first predicted (decision D6).

    Args:
        model: the model.
        codes: the stream, at least 2 symbols.
        chunk: symbols read per call; bounds the memory, changes nothing else.
        seed: seed of the draws of ``"sample"`` boundaries.

    Raises:
        ValueError: for fewer than 2 symbols.
    """
    codes = np.asarray(codes).astype(np.int64)
    if codes.ndim != 1 or len(codes) < 2:
        raise ValueError(f"codes must be a 1-D stream of at least 2 symbols, got shape {codes.shape}")
    device = model.embedding.weight.device
    generator = torch.Generator(device).manual_seed(seed)
    stream = torch.from_numpy(codes).to(device)[None]
    state = None
    bits, gates, boundaries, operations = [], [], [], []
    for start in range(0, stream.shape[1] - 1, chunk):
        piece = stream[:, start : start + chunk + 1]
        output, state = model(piece[:, :-1], state, generator=generator)
        bits.append(F.cross_entropy(output.logits[0], piece[0, 1:], reduction="none") / math.log(2))
        gates.append(output.gates[0])
        if output.core.boundaries is not None and output.core.operations is not None:
            boundaries.append(output.core.boundaries[0] > 0.5)
            operations.append(output.core.operations[0])
    every_bit = torch.cat(bits).cpu().numpy()
    return StreamScore(
        float(every_bit.mean(dtype=np.float64)),
        every_bit,
        torch.cat(boundaries).cpu().numpy() if boundaries else None,
        torch.cat(operations).cpu().numpy() if operations else None,
        torch.cat(gates).cpu().numpy(),
    )
