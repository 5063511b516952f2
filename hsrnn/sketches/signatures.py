"""Signatures: a tag in the attributes of an object, so that the very same object can be told from a like one.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730) are said to give objects a signature; what it is we
do not know.

Deviation S9: a signature is a vector of a few equal numbers at places that a hash of the module's and the
object's names chooses. It stands behind the object's attributes, so every theorem and every decoder holds for
it as it does for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .modular import OVERALL, Object
from .recover import Estimate
from .streams import stream


@dataclass(frozen=True)
class Signature:
    """How objects are tagged; equal settings give equal tags for ever.

    Attributes:
        length: places of a tag, behind the attributes.
        ones: how many of them are not 0.
        share: length of the tag, in [0, 1]; attributes are multiplied by sqrt(1 - share^2), so that tagged
            ones are no longer than 1.
        seed: of the hash.

    Raises:
        ValueError: for numbers that do not fit.
    """

    length: int = 32
    ones: int = 4
    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check."""
        if not 1 <= self.ones <= self.length:
            raise ValueError(f"ones must lie in [1, {self.length}], the length, got {self.ones}")
        if not 0.0 < self.share < 1.0:
            raise ValueError(f"share must lie in (0, 1), got {self.share}")

    def tag(self, module: str, name: str) -> Tensor:
        """Return the tag ``(length,)`` of an object, of length 1 and not negative."""
        words = np.frombuffer(stream(self.seed, module, "signature", name, 8 * self.length), "<u8")
        tag = torch.zeros(self.length, dtype=torch.float64)
        tag[torch.from_numpy(np.argsort(words, kind="stable")[: self.ones])] = self.ones**-0.5
        return tag

    def sign(self, top: Object) -> Object:
        """Return the tree or DAG with a tag behind the attributes of every object, made from its name.

        Modules have ``length`` attributes more; objects without a name get the tag of the empty one.
        """
        done: dict[int, Object] = {}

        def signed(thing: Object) -> Object:
            if id(thing) not in done:
                inputs = tuple(signed(part) for part in thing.inputs)
                x = thing.attributes
                if thing.module != OVERALL:
                    own = self.share * self.tag(thing.module, thing.name).to(x.dtype)
                    x = torch.cat([x * (1.0 - self.share**2) ** 0.5, own])
                done[id(thing)] = replace(thing, attributes=x, inputs=inputs)
            return done[id(thing)]

        return signed(top)

    def attributes(self, found: Estimate) -> Estimate:
        """Return what was decoded ``(..., a + length)`` without the tag, as large as before signing."""
        scale = (1.0 - self.share**2) ** 0.5
        return Estimate(found.value[..., : -self.length] / scale, found.error / scale)

    def match(self, found: Estimate, module: str, name: str) -> Estimate:
        """Return how much of the named object is in what was decoded ``(..., a + length)``: 1 for that very
        object, 0 to 1 by common places for another, and a sum of these for a sum of objects.

        Returns:
            ``value`` and ``error`` ``(...)``.
        """
        read = found.value[..., -self.length :] @ self.tag(module, name).to(found.value.dtype)
        error = found.error.expand(found.value.shape)[..., 0]  # of a unit combination of equal errors
        return Estimate(read / self.share, error / self.share)
