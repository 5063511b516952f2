"""Store the weights of a network as JSON for a page, one byte a weight, and read back exactly what the page
computes with.

A matrix is quantised row by row and symmetrically: row r is `scale[r] * integers[r]` with integers between
-127 and 127 (8 bits) or -32767 and 32767 (16 bits), and the scale is the float32 nearest to the largest
absolute value of the row divided by that limit. With 32 bits a matrix stays float32, as vectors (biases,
gains) always do. `unpack` returns float32 arrays that equal, bit for bit, those of `decodeWeights` in
`static/hmlstm.js`: load them into PyTorch and both compute with the same numbers.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

FORMAT = "hsrnn-weights-1"
"""Value of the key "format" of packed weights."""

_INTEGER = {8: "int8", 16: "int16"}


def pack(weights: Mapping[str, np.ndarray], bits: int = 8) -> dict[str, Any]:
    """Return weights as a JSON-able dict.

    Args:
        weights: name -> array of one or two dimensions, finite.
        bits: 8, 16 or 32, the width of a matrix entry.

    Returns:
        `{"format", "bits", "arrays": {name: {"shape", "kind", "values", ["scales"]}}}` with little-endian
        base64.

    Raises:
        ValueError: for other bits, other numbers of dimensions, or entries that are not finite.
    """
    if bits not in (*_INTEGER, 32):
        raise ValueError(f"bits must be 8, 16 or 32, got {bits}")
    return {
        "format": FORMAT,
        "bits": bits,
        "arrays": {name: _pack(name, weights[name], bits) for name in weights},
    }


def unpack(packed: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the float32 arrays that packed weights stand for.

    Raises:
        ValueError: if `packed` does not come from `pack`.
    """
    if packed.get("format") != FORMAT:
        raise ValueError(f"packed weights must have the format {FORMAT!r}, got {packed.get('format')!r}")
    return {name: _unpack(array) for name, array in packed["arrays"].items()}


def _pack(name: str, array: np.ndarray, bits: int) -> dict[str, Any]:
    array = np.asarray(array, dtype=np.float32)
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have one or two dimensions, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has entries that are not finite")
    shape = list(array.shape)
    if array.ndim == 1 or bits == 32:
        return {"shape": shape, "kind": "float32", "values": _encode(array, "<f4")}
    limit = 2 ** (bits - 1) - 1
    scales = (np.abs(array).max(axis=1, initial=0.0) / np.float32(limit)).astype(np.float32)
    divisors = np.where(scales > 0, scales, np.float32(1))[:, None]
    integers = np.clip(np.rint(array / divisors), -limit, limit)
    values = _encode(integers, f"<i{bits // 8}")
    return {"shape": shape, "kind": _INTEGER[bits], "values": values, "scales": _encode(scales, "<f4")}


def _unpack(array: Mapping[str, Any]) -> np.ndarray:
    shape, kind = array["shape"], array["kind"]
    if kind == "float32":
        return _decode(array["values"], "<f4").reshape(shape).astype(np.float32)
    integers = _decode(array["values"], "<i1" if kind == "int8" else "<i2").reshape(shape)
    return integers.astype(np.float32) * _decode(array["scales"], "<f4").astype(np.float32)[:, None]


def _encode(array: np.ndarray, kind: str) -> str:
    return base64.b64encode(array.astype(kind).tobytes()).decode("ascii")


def _decode(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)
