"""The recursion that makes a sketch, once, for vectors and for the coefficients that decode them.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed:

    tuple(s_1..s_k; w_1..w_k) = sum_i w_i T(R_i) s_i
    a_theta = R_M,1 x / 2 + R_M,2 e_1 / 2            attribute subsketch
    i_theta = tuple(sketches of the inputs; weights)   input subsketch
    s_theta = T(R_M,0) tuple(a_theta, i_theta; 1/2, 1/2)

with T(R) = (I + R) / 2 and every constant from the :class:`Mechanism`. :class:`Recursion` is these four lines
over any kind of value. :class:`Vectors` gives the sketch itself, one object at a time: the reference for the
batched code in ``sketch``. :class:`Paths` runs the same lines on symbols: it writes down, for each object, by
which factors its attributes reach the top. All decoding coefficients follow from that (see ``recover``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from .family import POSITION, Matrices
from .mechanism import Mechanism
from .modular import OVERALL, Object

Value = TypeVar("Value")
Letter = tuple[str, str]  # module and role of a transparent factor


class Recursion(ABC, Generic[Value]):
    """The mechanism over some kind of value.

    Args:
        mechanism: constants.
    """

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism

    @abstractmethod
    def attribute_sketch(self, thing: Object) -> Value:
        """Return the attribute subsketch of an object."""

    @abstractmethod
    def transparent(self, letter: Letter, value: Value) -> Value:
        """Return T(R) of a module's role, applied to a value."""

    @abstractmethod
    def total(self, terms: Sequence[tuple[float, Value]]) -> Value:
        """Return the weighted sum of values."""

    def tuple_sketch(self, parts: Sequence[Value], weights: Sequence[float]) -> Value:
        """Return sum_i w_i T(R_i) s_i; position 1 first."""
        return self.total([
            (weight, self.transparent((POSITION, f"position {place}"), part))
            for place, (part, weight) in enumerate(zip(parts, weights, strict=True), start=1)
        ])  # fmt: skip

    def input_sketch(self, thing: Object) -> Value:
        """Return the input subsketch of an object."""
        return self.tuple_sketch([self.object_sketch(part) for part in thing.inputs], thing.weights or ())

    def object_sketch(self, thing: Object) -> Value:
        """Return the sketch of an object; of the pseudo-object, the overall sketch."""
        known = self.__dict__.setdefault("_known", {})
        if id(thing) not in known:
            constants = self.mechanism
            made = self.tuple_sketch(
                [self.attribute_sketch(thing), self.input_sketch(thing)],
                [constants.attribute_weight, constants.input_weight],
            )
            if constants.object_factor:
                made = self.transparent((thing.module, "object"), made)
            known[id(thing)] = (made, thing)  # the object is kept, so that its id stays its own
        return known[id(thing)][0]


class Vectors(Recursion[Tensor]):
    """Sketches as vectors ``(d,)`` in float64: the plain reference.

    Args:
        mechanism: constants.
        matrices: its matrices, if they are made already.
    """

    def __init__(self, mechanism: Mechanism, matrices: Matrices | None = None) -> None:
        super().__init__(mechanism)
        self.matrices = mechanism.matrices() if matrices is None else matrices

    def attribute_sketch(self, thing: Object) -> Tensor:
        """Return R_M,1 x / 2 + R_M,2 e_1 / 2; zero for the pseudo-object."""
        d = self.mechanism.dimension
        if thing.module == OVERALL:
            return torch.zeros(d, dtype=torch.float64)
        self.mechanism.check_attributes(thing.module, thing.attributes)
        padded, marker = torch.zeros(2, d, dtype=torch.float64)
        padded[: len(thing.attributes)], marker[0] = thing.attributes, 1.0
        return (
            self.mechanism.attribute_share * self.matrices.operator(thing.module, "attributes")(padded)
            + self.mechanism.marker_share * self.matrices.operator(thing.module, "marker")(marker)
        )  # fmt: skip

    def transparent(self, letter: Letter, value: Tensor) -> Tensor:
        """Return T(R) s."""
        return self.matrices.transparent(*letter)(value)

    def total(self, terms: Sequence[tuple[float, Tensor]]) -> Tensor:
        """Return the weighted sum."""
        result = torch.zeros(self.mechanism.dimension, dtype=torch.float64)
        for weight, value in terms:
            result = result + weight * value
        return result


@dataclass(frozen=True)
class Path:
    """One way of an object's attribute subsketch to the top.

    Attributes:
        coefficient: product of all weights on it.
        factors: the transparent factors it passes, the innermost first.
    """

    coefficient: float
    factors: tuple[Letter, ...] = ()


class Paths(Recursion[dict[int, tuple[Path, ...]]]):
    """The recursion on symbols: for each object (by ``id``) the ways of its attribute subsketch to the
    top."""

    def attribute_sketch(self, thing: Object) -> dict[int, tuple[Path, ...]]:
        """Return the way of length 0 of the object's own attribute subsketch."""
        return {id(thing): (Path(1.0),)}

    def transparent(self, letter: Letter, value: dict[int, tuple[Path, ...]]) -> dict[int, tuple[Path, ...]]:
        """Append a factor to every way."""
        return {
            key: tuple(Path(path.coefficient, (*path.factors, letter)) for path in paths)
            for key, paths in value.items()
        }

    def total(
        self, terms: Sequence[tuple[float, dict[int, tuple[Path, ...]]]]
    ) -> dict[int, tuple[Path, ...]]:
        """Return all ways together, each coefficient times its weight; ways of weight 0 are dropped."""
        result: dict[int, tuple[Path, ...]] = {}
        for weight, value in terms:
            for key, paths in value.items():
                scaled = tuple(Path(weight * p.coefficient, p.factors) for p in paths if weight > 0)
                if scaled:
                    result[key] = result.get(key, ()) + scaled
        return result
