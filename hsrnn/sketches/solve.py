"""Least squares and orthogonal matching pursuit on a known tree: the two decoders that solve a system.

For a KNOWN tree a sketch is linear in all attributes, so as long as there are fewer unknowns than coordinates
least squares reads it exactly, at any depth: far better than any projection. The map is never written out;
conjugate gradients (CGLS; Hestenes and Stiefel 1952) apply it and its transpose, for all trees of a forest at
once, with columns scaled by the overlap of their ways. Where the map is small it is written out once for each
structure and solved by QR, which is the same and faster. Matching pursuit (Pati et al. 1993) takes sparse
attributes one number at a time, and so reads more numbers than there are coordinates if most are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .gains import Coefficients
from .mechanism import SketchError
from .modular import OVERALL, Forest
from .recover import Decoder, Estimate
from .sketch import Erased, Sketcher

Method = Literal["auto", "dense", "iterative"]
DENSE_NUMBERS = 2**22  # largest map that is written out, in numbers
Parts = dict[str, Tensor]  # for each module (n_M, a + 1): attributes, then marker


@dataclass(frozen=True, eq=False)
class Solution:
    """What least squares or pursuit found.

    Attributes:
        attributes: for each module the estimate, ``value`` ``(n_M, a)`` and ``error`` ``(n_M, 1)``.
        markers: for each module ``(n_M,)`` how much of an object is there, 1 where it was taken as known.
        residual: ``(trees,)`` length of what is left of each sketch.
        iterations: rounds, 0 where the map was written out.
        determined: ``(trees,)`` whether there are no more unknowns than coordinates; where not, the error is
            infinite.
    """

    attributes: dict[str, Estimate]
    markers: dict[str, Tensor]
    residual: Tensor
    iterations: int
    determined: Tensor


class _Map:
    """The scaled map of a forest, its transpose, and inner products of parts tree by tree."""

    def __init__(self, sketcher: Sketcher, forest: Forest, kept: Tensor | None, markers: bool) -> None:
        self.sketcher, self.forest, self.kept, self.markers = sketcher, forest, kept, markers
        m, coefficients = sketcher.mechanism, Coefficients(sketcher.mechanism, forest)
        self.structure = coefficients.structure
        self.modules = [name for name in forest.modules if name != OVERALL]
        self.trees = {name: torch.from_numpy(forest.tree[forest.members[name]]) for name in self.modules}
        self.scale: Parts = {}
        for name in self.modules:
            lengths = np.zeros(len(forest.members[name]))
            for tree in np.unique(self.trees[name].numpy()):
                lengths[self.trees[name].numpy() == tree] = np.diag(coefficients.gram(int(tree), name))
            length = torch.from_numpy(np.sqrt(np.maximum(lengths, 1e-300)))[:, None]
            one = torch.ones(1, m.size(name) + 1, dtype=torch.float64)
            one[:, :-1] *= m.attribute_share
            one[:, -1] *= m.marker_share if markers else 0.0
            per_number = one * length
            self.scale[name] = torch.where(per_number > 0, 1.0 / per_number, 0.0)

    def forward(self, parts: Parts) -> Tensor:
        made = self.sketcher.linear(self.forest, {n: parts[n] * self.scale[n] for n in self.modules})
        return self._mask(made)

    def backward(self, sketches: Tensor) -> Parts:
        back = self.sketcher.adjoint(self.forest, self._mask(sketches))
        return {name: back[name] * self.scale[name] for name in self.modules}

    def _mask(self, sketches: Tensor) -> Tensor:
        if self.kept is None:
            return sketches
        masked = torch.zeros_like(sketches)
        masked[:, self.kept] = sketches[:, self.kept]
        return masked

    def squares(self, parts: Parts) -> Tensor:
        """Return the squared length of the parts of each tree, ``(trees,)``."""
        total = torch.zeros(len(self.forest), dtype=torch.float64)
        for name in self.modules:
            total.index_add_(0, self.trees[name], parts[name].square().sum(1))
        return total

    def unknowns(self) -> Tensor:
        """Return the number of unknowns of each tree, ``(trees,)``."""
        total = torch.zeros(len(self.forest), dtype=torch.float64)
        for name in self.modules:
            own = (self.scale[name] > 0).sum(1).double()
            total.index_add_(0, self.trees[name], own)
        return total

    def times(self, parts: Parts, factor: Tensor) -> Parts:
        """Multiply the parts of each tree by its number in ``factor`` ``(trees,)``."""
        return {name: parts[name] * factor[self.trees[name]][:, None] for name in self.modules}


def _dense(scaled: _Map, right: Tensor) -> tuple[Parts, Tensor, Parts]:
    """Solve by QR, structure by structure; returns x, the residual vectors and variances for unit noise."""
    blank = {name: torch.zeros_like(part) for name, part in scaled.scale.items()}
    solution = {n: torch.zeros(len(scaled.trees[n]), s.shape[1]).double() for n, s in blank.items()}
    variance = {name: torch.zeros_like(part) for name, part in solution.items()}
    residual = scaled._mask(right).clone()
    for structure in np.unique(scaled.structure):
        trees = np.flatnonzero(scaled.structure == structure)
        one = scaled.forest.trees(int(trees[0]), int(trees[0]) + 1)
        at = {n: torch.from_numpy(np.isin(scaled.trees[n].numpy(), trees)) for n in scaled.modules}
        first = {n: scaled.scale[n][scaled.trees[n] == int(trees[0])] for n in scaled.modules}
        shapes = {n: part.shape for n, part in first.items() if part.numel()}
        sizes = {n: rows * columns for n, (rows, columns) in shapes.items()}
        ones = torch.eye(sum(sizes.values()), dtype=torch.float64).split(list(sizes.values()), 1)
        units = {n: own.reshape(-1, *shapes[n]) for n, own in zip(shapes, ones, strict=True)}
        matrix = _written_out(scaled, one, {n: units[n] * first[n] for n in units})
        used = torch.cat([first[n].flatten() > 0 for n in shapes])
        inverse = torch.linalg.pinv(matrix[used].T)
        answer = torch.zeros(len(trees), len(used), dtype=torch.float64)
        answer[:, used] = residual[trees] @ inverse.T
        residual[trees] -= answer @ matrix
        spread = torch.zeros(len(used), dtype=torch.float64)
        spread[used] = inverse.square().sum(1)
        parts = zip(
            shapes, answer.split(list(sizes.values()), 1), spread.split(list(sizes.values())), strict=True
        )
        for name, own, bars in parts:
            solution[name][at[name]] = own.reshape(-1, shapes[name][1])
            variance[name][at[name]] = bars.reshape(shapes[name]).repeat(len(trees), 1)
    return solution, residual, variance


def _written_out(scaled: _Map, one: Forest, units: Parts) -> Tensor:
    """Return the sketch of each unknown of one tree on its own, ``(unknowns, d)``, masked."""
    flat = {n: units.get(n, torch.zeros(0, 0, 0)) for n in one.modules if n != OVERALL}
    count = len(next(iter(units.values())))
    for name in flat:
        if name not in units:
            flat[name] = torch.zeros(count, 0, 1, dtype=torch.float64)
    many = one.like(flat)
    return scaled._mask(scaled.sketcher.linear(many, {n: part.flatten(0, 1) for n, part in flat.items()}))


def _cgls(scaled: _Map, right: Tensor, tolerance: float, most: int) -> tuple[Parts, Tensor, int]:
    """Solve min |A x - right| for every tree; returns x, the residual vectors and the rounds taken."""
    residual = scaled._mask(right).clone()
    gradient = scaled.backward(residual)
    solution = {name: torch.zeros_like(part) for name, part in gradient.items()}
    direction = {name: part.clone() for name, part in gradient.items()}
    gamma = first = scaled.squares(gradient)
    rounds = 0
    for rounds in range(1, most + 1):
        image = scaled.forward(direction)
        curve = image.square().sum(1)
        step = torch.where(curve > 0, gamma / curve.clamp_min(1e-300), 0.0)
        for name, part in scaled.times(direction, step).items():
            solution[name] += part
        residual -= step[:, None] * image
        gradient = scaled.backward(residual)
        before, gamma = gamma, scaled.squares(gradient)
        if bool((gamma <= tolerance**2 * first).all()):
            break
        kept_on = scaled.times(direction, torch.where(before > 0, gamma / before.clamp_min(1e-300), 0.0))
        direction = {name: gradient[name] + kept_on[name] for name in gradient}
    return solution, residual, rounds


def least_squares(
    decoder: Decoder, sketches: Tensor | Erased, forest: Forest, *, markers_known: bool = True,
    noise: Tensor | float = 0.0, tolerance: float = 1e-11, max_iterations: int = 2000, probe: bool = True,
    method: Method = "auto",
) -> Solution:  # fmt: skip
    """Return the attributes of all objects of known trees by least squares.

    The error bar is the root mean square of what noise of the assumed size does to the solution: exact for
    each object where the map is written out, else measured for each module on one draw of such noise, over
    trees of equal structure. The size of noise on a coordinate is the larger of ``noise``, of rounding to the
    type of ``sketches``, and of what the residual says.

    Args:
        decoder: of the mechanism.
        sketches: ``(trees, d)``, or what is left of them.
        forest: structure and weights of the trees; its attributes are not read.
        markers_known: whether every object of the forest is there once; else its marker is an unknown too.
        noise: sd of noise on a coordinate, a number or ``(trees,)``, for example of rounding in a file.
        tolerance: a tree is solved when its gradient has shrunk by this factor.
        max_iterations: most rounds.
        probe: whether to measure the error bar of an iterative solution; it doubles the time.
        method: "dense" writes the map of each structure out, "iterative" never does, "auto" writes small
            ones out.

    Raises:
        SketchError: for sketches or modules that do not fit.
    """
    kept = sketches.kept if isinstance(sketches, Erased) else None
    given = sketches.filled(rescale=False) if isinstance(sketches, Erased) else sketches
    decoder.sketcher.require(given, len(forest))
    full = given.double()
    scaled = _Map(decoder.sketcher, forest, kept, not markers_known)
    right = full - (scaled._mask(_markers(decoder.sketcher, forest)) if markers_known else 0.0)
    coordinates = decoder.mechanism.dimension if kept is None else len(kept)
    unknowns = scaled.unknowns()
    determined = unknowns <= coordinates
    small = float(unknowns.max()) * decoder.mechanism.dimension <= DENSE_NUMBERS
    dense = method == "dense" or (method == "auto" and small)
    variance: Parts | None = None
    if dense:
        solution, residual, variance = _dense(scaled, right)
        rounds = 0
    else:
        solution, residual, rounds = _cgls(scaled, right, tolerance, max_iterations)
    rounding = torch.finfo(given.dtype).eps / 2 * full.norm(dim=1) / coordinates**0.5
    left = residual.norm(dim=1) / (coordinates - unknowns).clamp_min(1.0).sqrt()
    sd = torch.maximum(torch.maximum(rounding, left), torch.as_tensor(noise).double().expand(len(forest)))
    spread = {name: torch.full((len(scaled.trees[name]),), torch.nan).double() for name in scaled.modules}
    if variance is not None:
        for name in scaled.modules:
            own = (variance[name] * scaled.scale[name].square())[:, :-1].sum(1)
            own = (own / max(1, decoder.mechanism.size(name))).sqrt() * sd[scaled.trees[name]]
            spread[name] = torch.where(determined[scaled.trees[name]], own, torch.inf)
    elif probe:
        drawn = torch.randn(full.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        answer, _, more = _cgls(scaled, drawn, 1e-6, max_iterations)
        rounds += more
        for name in scaled.modules:
            attributes = (answer[name] * scaled.scale[name])[:, :-1]
            trees = scaled.trees[name]
            alike = torch.from_numpy(scaled.structure)[trees]
            own = _mean_of_group(attributes.square(), alike, len(forest)).sqrt()[alike] * sd[trees]
            spread[name] = torch.where(determined[trees], own, torch.inf)
    attributes, markers = {}, {}
    for name in scaled.modules:
        value = solution[name] * scaled.scale[name]
        attributes[name] = Estimate(value[:, :-1], spread[name][:, None])
        markers[name] = torch.ones(len(value)).double() if markers_known else value[:, -1]
    return Solution(attributes, markers, residual.norm(dim=1), rounds, determined)


def _mean_of_group(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Return the mean over the rows and columns of each group, ``(groups,)``."""
    total, count = torch.zeros(2, groups, dtype=torch.float64)
    total.index_add_(0, group, values.sum(1))
    count.index_add_(0, group, torch.full((len(values),), float(max(1, values.shape[1]))).double())
    return total / count.clamp_min(1.0)


def _markers(sketcher: Sketcher, forest: Forest) -> Tensor:
    """Return what the markers of objects that are there add to the sketches, ``(trees, d)`` float64."""
    only = {}
    for name, numbers in forest.members.items():
        if name != OVERALL:
            only[name] = torch.zeros(len(numbers), sketcher.mechanism.size(name) + 1, dtype=torch.float64)
            only[name][:, -1] = 1.0
    if not only:
        return torch.zeros(len(forest), sketcher.mechanism.dimension, dtype=torch.float64)
    return sketcher.linear(forest, only)


def pursuit(
    decoder: Decoder, sketches: Tensor | Erased, forest: Forest, numbers: int, *, tolerance: float = 1e-6
) -> Solution:
    """Return sparse attributes of the objects of ONE known tree by orthogonal matching pursuit.

    Each round takes the attribute that fits best to what is left, then solves for all taken ones. Attributes
    are taken as non-negative if the mechanism says so.

    Args:
        decoder: of the mechanism.
        sketches: ``(1, d)``, or what is left of it.
        forest: one tree; its attributes are not read.
        numbers: the most numbers that are not 0.
        tolerance: stops when what is left is this small beside the sketch.

    Raises:
        SketchError: for several trees, fewer than 1 number, or more than there are coordinates.
    """
    if len(forest) != 1:
        raise SketchError(f"pursuit reads one tree at a time, got a forest of {len(forest)}")
    kept = sketches.kept if isinstance(sketches, Erased) else None
    full = (sketches.filled(rescale=False) if isinstance(sketches, Erased) else sketches).double()
    decoder.sketcher.require(full, 1)
    coordinates = full.shape[1] if kept is None else len(kept)
    if not 1 <= numbers <= coordinates:
        raise SketchError(f"numbers must lie in [1, {coordinates}], the kept coordinates, got {numbers}")
    scaled = _Map(decoder.sketcher, forest, kept, False)
    right = full - scaled._mask(_markers(decoder.sketcher, forest))
    blank = {name: torch.zeros_like(part) for name, part in scaled.backward(right).items()}
    residual, taken, columns = right.clone(), [], torch.zeros(0, full.shape[1], dtype=torch.float64)
    coefficients, seen = (
        torch.zeros(0, dtype=torch.float64),
        {name: part.bool() for name, part in blank.items()},
    )
    for _ in range(numbers):
        if float(residual.norm()) <= tolerance * float(right.norm()):
            break
        fit = scaled.backward(residual)
        score = {
            name: (part if decoder.mechanism.nonnegative else part.abs()).masked_fill(seen[name], -torch.inf)
            for name, part in fit.items()
        }
        best = max((name for name in score if score[name].numel()), key=lambda name: float(score[name].max()))
        row, column = divmod(int(score[best].argmax()), score[best].shape[1])
        if not float(score[best][row, column]) > 0:
            break
        seen[best][row, column] = True
        one = {name: part.clone() for name, part in blank.items()}
        one[best][row, column] = 1.0
        columns = torch.cat([columns, scaled.forward(one)])
        taken.append((best, row, column))
        coefficients = torch.linalg.lstsq(columns.T, right[0][:, None]).solution[:, 0]
        residual = right - coefficients @ columns
    value = {name: part.clone() for name, part in blank.items()}
    error = {name: torch.zeros(len(part), 1, dtype=torch.float64) for name, part in blank.items()}
    sd = float(residual.norm()) / max(1, coordinates - len(taken)) ** 0.5
    if taken:
        variance = torch.linalg.pinv(columns @ columns.T, hermitian=True).diagonal().clamp_min(0)
        for (name, row, column), size, own in zip(taken, coefficients, variance, strict=True):
            value[name][row, column] = size
            bar = sd * own.sqrt() * scaled.scale[name][row, column]
            error[name][row, 0] = torch.maximum(error[name][row, 0], bar)
    attributes = {
        name: Estimate((value[name] * scaled.scale[name])[:, :-1], error[name]) for name in scaled.modules
    }
    markers = {name: torch.ones(len(part)).double() for name, part in value.items()}
    return Solution(attributes, markers, residual.norm(dim=1), len(taken), scaled.unknowns() <= coordinates)
