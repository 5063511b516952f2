"""Sketches in a file: one safetensors file whose header says how to read them, in float32, float16 or int8.

The header carries format, version, the whole mechanism (seed, dimension, modules, constants), the number
type, the names and a SHA-256 of the numbers, so that a file decodes by itself years later and damage is
found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from hsrnn.training import write_atomically

from .mechanism import Mechanism, SketchError
from .sketch import Erased

Numbers = Literal["float32", "float16", "int8"]
FORMAT = "hsrnn.sketches"
FILE_VERSION = 1


@dataclass(frozen=True, eq=False)
class Stored:
    """Sketches read from a file.

    Attributes:
        erased: the coordinates that were stored, float32; all of them where nothing was erased.
        mechanism: what made them.
        names: one a sketch, or none.
        numbers: how they were stored.
        noise: ``(n,)`` sd of what rounding added to a coordinate, for error bars.
    """

    erased: Erased
    mechanism: Mechanism
    names: tuple[str, ...]
    numbers: Numbers
    noise: Tensor

    @property
    def sketches(self) -> Tensor:
        """``(n, d)`` float32; erased coordinates are filled by zeros and the rest rescaled."""
        return self.erased.filled()


def save_sketches(
    path: Path, sketches: Tensor | Erased, mechanism: Mechanism, *,
    numbers: Numbers = "float32", names: Sequence[str] = (),
) -> int:  # fmt: skip
    """Write sketches ``(n, d)``, or what is left of them, and return the size of the file in bytes.

    The file holds either all of the old content or all of the new, even after a crash.

    Raises:
        ValueError: for unknown numbers, or another number of names.
        SketchError: for sketches of another dimension, or numbers that are not finite.
    """
    if numbers not in get_args(Numbers):
        raise ValueError(f"numbers must be one of {', '.join(get_args(Numbers))}, got {numbers!r}")
    values = (sketches if isinstance(sketches, Tensor) else sketches.values).detach().float()
    dimension = values.shape[-1] if isinstance(sketches, Tensor) else sketches.dimension
    if values.ndim != 2 or dimension != mechanism.dimension:
        raise SketchError(
            f"sketches must be (n, {mechanism.dimension}) as the mechanism says, got {tuple(values.shape)} "
            f"of dimension {dimension}"
        )
    if not bool(values.isfinite().all()):
        raise SketchError("sketches must be finite, got numbers that are not")
    if names and len(names) != len(values):
        raise ValueError(f"names must be {len(values)}, one a sketch, or none, got {len(names)}")
    tensors = {} if isinstance(sketches, Tensor) else {"kept": sketches.kept.to(torch.int32)}
    if numbers == "int8":
        scale = (values.abs().amax(1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
        tensors |= {"scale": scale, "sketches": (values / scale[:, None]).round().to(torch.int8)}
    else:
        tensors["sketches"] = values.to(getattr(torch, numbers))
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    header = {
        "format": FORMAT, "version": str(FILE_VERSION), "mechanism": mechanism.to_json(),
        "numbers": numbers, "names": json.dumps(list(names)),
        "sha256": _digest(tensors),
    }  # fmt: skip
    content = to_bytes(tensors, metadata=header)
    write_atomically(Path(path), content)
    return len(content)


def load_sketches(path: Path, mechanism: Mechanism | None = None) -> Stored:
    """Read back what :func:`save_sketches` wrote.

    Args:
        path: the file.
        mechanism: what the sketches must have been made with; not asked if ``None``.

    Raises:
        FileNotFoundError: if there is no such file.
        SketchError: for a damaged file, another kind or version of file, or another mechanism or seed.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no sketches at {path}")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise SketchError(f"{path} is damaged ({error}); make or copy it again") from error
    if header.get("format") != FORMAT:
        raise SketchError(f"{path} is a safetensors file, but holds no sketches (its header does not say so)")
    if header.get("version") != str(FILE_VERSION):
        raise SketchError(
            f"{path} has version {header.get('version')!r} of the format, this code reads {FILE_VERSION}; "
            "update hsrnn"
        )
    if header.get("sha256") != _digest(tensors):
        raise SketchError(f"{path} is damaged: its numbers do not have the SHA-256 of its header")
    made_with = Mechanism.from_json(header["mechanism"])
    if mechanism is not None:
        mechanism.require_same(made_with, str(path))
    stored = tensors["sketches"]
    values = stored.float()
    if header["numbers"] == "int8":
        values = values * tensors["scale"][:, None]
        noise = tensors["scale"] / 12**0.5
    else:
        spacing = torch.finfo(stored.dtype).eps
        noise = spacing * values.square().mean(1).sqrt() / 12**0.5
    kept = tensors["kept"].long() if "kept" in tensors else torch.arange(made_with.dimension)
    return Stored(
        Erased(values, kept, made_with.dimension), made_with, tuple(json.loads(header["names"])),
        header["numbers"], noise,
    )  # fmt: skip


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
