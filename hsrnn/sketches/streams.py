"""Random bits that are the same on every machine and in every year: SHAKE-256 of a name.

A sketch is read with the matrices it was made with, perhaps long after. So no random number here comes from a
generator of a library, whose methods may change: a stream is the extendable output of SHAKE-256 (FIPS 202)
for the name ``[label, version, seed, module, role, part]``. Signs and the choice of blocks use the bits
alone and are equal to the last bit everywhere. Normal numbers go through a logarithm and a cosine, whose last
digit a processor may choose.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

LABEL = "hsrnn.sketches"
STREAM_VERSION = 1


def stream(seed: int, module: str, role: str, part: str, count: int) -> bytes:
    """Return ``count`` bytes that belong to a part of the matrix of a role of a module in a seeded network.

    Raises:
        ValueError: for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed must be an integer of at least 0, got {seed}")
    name = json.dumps([LABEL, STREAM_VERSION, int(seed), module, role, part], separators=(",", ":"))
    return hashlib.shake_256(name.encode()).digest(count)


def signs(seed: int, module: str, role: str, part: str, count: int) -> NDArray[np.int8]:
    """Return ``(count,)`` fair signs, -1 and +1."""
    octets = np.frombuffer(stream(seed, module, role, part, -(-count // 8)), np.uint8)
    bits = np.unpackbits(octets, count=count, bitorder="little").view(np.int8)
    return 1 - 2 * bits


def chances(seed: int, module: str, role: str, part: str, count: int, chance: float) -> NDArray[np.bool_]:
    """Return ``(count,)`` flags, each true with probability ``chance`` (to 32 bits)."""
    words = np.frombuffer(stream(seed, module, role, part, 4 * count), "<u4")
    return words.astype(np.uint64) < np.uint64(round(chance * 2**32))


def normals(seed: int, module: str, role: str, part: str, count: int) -> NDArray[np.float64]:
    """Return ``(count,)`` standard normal numbers (Box and Muller 1958)."""
    pairs = -(-count // 2)
    words = np.frombuffer(stream(seed, module, role, part, 16 * pairs), "<u8").reshape(2, pairs)
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    radius, angle = np.sqrt(-2.0 * np.log(uniform[0])), 2.0 * np.pi * uniform[1]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
