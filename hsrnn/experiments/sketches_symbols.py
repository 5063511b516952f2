"""A scene as a tree of symbols in one hypervector: the vector-symbolic baseline of ``sketches.memory``.

A scene is the sum of bound pairs role x symbol: for each digit, rotated once for each place to the right,
which digit it is, which of 64 looks is nearest, in which of nine rows and columns it lies; and for the scene
the room and the time of day. Unbinding a role gives the symbol and noise; clean-up takes the nearest symbol
of its codebook. MAP (multiply, add, permute) has +-1 entries and sums that fit one byte; FHRR has complex
numbers of length one, eight bytes each.

Looks are k-means centres of digits that the network saw while it was trained. The codebook belongs to the
reader and is charged to nobody, like the matrices of the other memories; but unlike theirs it is learnt, and
what is stored is the symbol, not the digit.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from hsrnn.sketches import SceneSizes
from hsrnn.sketches.scene_network import CLASSES, SCENE_SHARES, SHARES, STROKES

from .sketches_memories import widths

Kind = Literal["map", "fhrr"]
BINS = 9  # of rows, and of columns
BYTES = {"map": 1, "fhrr": 8}


def looks(digits: Tensor, strokes: Tensor, number: int = 64) -> Tensor:
    """Return ``(number, digit_code + 4 x stroke_code)`` typical looks of digits ``(n, 20)`` with strokes
    ``(n, 4 x stroke_code)``: what the digit module kept of the look, and the strokes."""
    features = torch.cat([digits[:, CLASSES:-2], strokes], 1).numpy()
    found = KMeans(number, n_init=1, random_state=0, max_iter=50).fit(features)
    return torch.from_numpy(found.cluster_centers_).float()


def draw(kind: Kind, *shape: int, generator: np.random.Generator) -> Tensor:
    """Return random hypervectors: +-1, or complex numbers of length one."""
    if kind == "map":
        return torch.from_numpy(generator.choice([-1.0, 1.0], shape)).float()
    angles = torch.from_numpy(generator.uniform(-np.pi, np.pi, shape)).float()
    return torch.polar(torch.ones_like(angles), angles)


class SymbolTree:
    """A memory of symbols.

    Args:
        sizes: of the modules.
        size: bytes of a scene.
        kind: "map" or "fhrr".
        looks: ``(k, digit_code + 4 x stroke_code)``, see :func:`looks`.
        seed: of the hypervectors.
    """

    def __init__(self, sizes: SceneSizes, size: int, *, kind: Kind, looks: Tensor, seed: int) -> None:
        self.sizes, self.looks, self.dimension = sizes, looks, max(1, size // BYTES[kind])
        generator = np.random.default_rng([seed, 17])
        known = {
            "class": CLASSES, "look": len(looks), "row": BINS, "column": BINS, "room": sizes.rooms,
            "period": sizes.periods,
        }  # fmt: skip
        self.roles = dict(
            zip(known, draw(kind, len(known), self.dimension, generator=generator), strict=True)
        )
        self.symbols = {name: draw(kind, n, self.dimension, generator=generator) for name, n in known.items()}

    def name(self, values: Tensor, count: int) -> dict[str, Tensor]:
        """Return the symbols nearest to values: of digits ``(n, count)``, of the scene ``(n,)``."""
        own = widths(self.sizes, count)
        digits, scene, strokes = values.split(list(own.values()), 1)
        digits, strokes = digits.unflatten(1, (count, -1)), strokes.unflatten(1, (count, -1))
        seen = torch.cat([digits[..., CLASSES:-2], strokes], -1)
        place = (digits[..., -2:] / SHARES[2] * (BINS - 1)).round().long().clamp(0, BINS - 1)
        return {
            "class": digits[..., :CLASSES].argmax(-1),
            "look": torch.cdist(seen.flatten(0, 1), self.looks).argmin(1).view(len(values), count),
            "row": place[..., 0], "column": place[..., 1],
            "room": scene[:, : self.sizes.rooms].argmax(1),
            "period": scene[:, self.sizes.rooms :].argmax(1),
        }  # fmt: skip

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return the hypervectors ``(n, D)``."""
        total = 0
        for field, number in self.name(values, count).items():
            bound = self.roles[field] * self.symbols[field][number]
            if number.ndim == 1:
                total = total + bound
            else:
                for place in range(count):
                    total = total + bound[:, place].roll(place + 1, -1)
        return total

    def read(self, kept: Tensor, count: int) -> dict[str, Tensor]:
        """Return the symbols after clean-up, as :meth:`name` does."""
        found = {}
        for field, role in self.roles.items():
            book = self.symbols[field].conj().T

            def nearest(vectors: Tensor, role: Tensor = role, book: Tensor = book) -> Tensor:
                return ((vectors * role.conj()) @ book).real.argmax(-1)

            if field in ("room", "period"):
                found[field] = nearest(kept)
            else:
                turned = [nearest(kept.roll(-place - 1, -1)) for place in range(count)]
                found[field] = torch.stack(turned, 1)
        return found

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the values that the symbols stand for."""
        found = self.read(kept, count)
        one_hot = torch.nn.functional.one_hot
        look, strokes = self.looks[found["look"]].split(
            [self.sizes.digit_code, STROKES * self.sizes.stroke_code], -1
        )
        place = torch.stack([found["row"], found["column"]], -1) / (BINS - 1)
        digits = torch.cat([SHARES[0] * one_hot(found["class"], CLASSES), look, SHARES[2] * place], -1)
        scene = torch.cat([
            SCENE_SHARES[0] * one_hot(found["room"], self.sizes.rooms),
            SCENE_SHARES[1] * one_hot(found["period"], self.sizes.periods),
        ], 1)  # fmt: skip
        return torch.cat([digits.flatten(1), scene, strokes.flatten(1)], 1)
