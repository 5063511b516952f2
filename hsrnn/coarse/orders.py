"""A TaylorNet taken apart: every logit as a sum of homogeneous orders, exactly.

    logit(x) = c_0 + (terms in single pixels) + (terms in pairs of pixels) + ... + (terms of degree k^L)

The network is run once on the series ``x t`` (:mod:`hsrnn.coarse.series`); the coefficient of ``t^k`` is
order k. The same with several variables gives the coefficient of any one monomial, and with all pixels in
turn, gradient and Hessian at zero, read off and not differentiated.

Everything refers to expansion at the image of zeros. Scaled otherwise, pixels mean another split: orders are
a property of network AND origin. With batch normalisation the split exists in evaluation mode only.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import combinations_with_replacement
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .series import Series, term_by_term
from .taylornet import TaylorNet

Outside = Literal["zero", "kept"]
PAIRS_AT_ONCE = 4096  # of the Hessian; bounds its memory


@torch.no_grad()
def orders(
    net: TaylorNet,
    images: Float[Tensor, "batch channels rows columns"],
    *,
    most: int | None = None,
    region: Tensor | None = None,
    outside: Outside = "zero",
    origin: Tensor | None = None,
) -> Float[Tensor, "batch orders classes"]:
    """Split every logit into its homogeneous orders 0, 1, 2, ...; they add up to the logits.

    Args:
        net: in evaluation mode.
        images: as the network takes them.
        most: highest order that is wanted; ``None`` for all, up to the degree of the network. What lies
            beyond is missing from the sum.
        region: ``(rows, columns)`` booleans. Orders then count the pixels of this region only.
        outside: what the other pixels are meanwhile: ``"zero"``, so that every term lies wholly inside; or
            ``"kept"`` as they are, so that order 0 is what is left when the region is blanked, and the
            others are all terms with one, two, ... factors from the region.
        origin: the image ``(channels, rows, columns)`` to expand about, which "blank" then means; ``None``
            for zeros.

    Raises:
        ValueError: for a network in training mode, a negative ``most``, or a region or origin of another
            size.
    """
    _check(net)
    degree = net.config.degree
    limit = degree if most is None else most
    if limit < 0:
        raise ValueError(f"most must not be negative, got {most}")
    if origin is not None and tuple(origin.shape) != net.config.image:
        raise ValueError(f"origin must be {net.config.image}, got {tuple(origin.shape)}")
    rest = torch.zeros_like(images) if origin is None else origin.expand_as(images)
    inside = images - rest
    if region is not None:
        if tuple(region.shape) != net.config.image[1:] or region.dtype != torch.bool:
            raise ValueError(
                f"region must be booleans {net.config.image[1:]}, got {region.dtype} {tuple(region.shape)}"
            )
        if outside not in ("zero", "kept"):
            raise ValueError(f"outside must be 'zero' or 'kept', got {outside!r}")
        rest = torch.where(region, rest, images) if outside == "kept" else rest
        inside = inside * region
    # Deviation T3: the split by orders is our read-out; the paper names none that we could read.
    terms = torch.stack([rest, inside][: limit + 1])
    parts = net.polynomial(Series(terms, (min(limit, degree),)), term_by_term).terms
    return parts.transpose(0, 1)


@torch.no_grad()
def coefficient(net: TaylorNet, monomial: Mapping[tuple[int, int, int], int]) -> Float[Tensor, " classes"]:
    """Return the coefficient of one monomial in every logit.

    Args:
        net: in evaluation mode.
        monomial: (channel, row, column) of a pixel -> its power, at least 1. Empty for the constant.

    Raises:
        ValueError: for a pixel outside the image, or a power below 1.
    """
    _check(net)
    image = net.config.image
    for pixel, power in monomial.items():
        if len(pixel) != 3 or any(not 0 <= at < size for at, size in zip(pixel, image)):
            raise ValueError(f"a pixel must lie inside {image} (channels, rows, columns), got {pixel}")
        if power < 1:
            raise ValueError(f"a power must be at least 1, got {power} for {pixel}")
    if not monomial:
        return net(net.head.weight.new_zeros(1, *image))[0]
    limits = tuple(monomial.values())
    if sum(limits) > net.config.degree:
        return net.head.bias.new_zeros(net.config.classes)
    terms = net.head.weight.new_zeros(*[2] * len(limits), 1, *image)
    for k, pixel in enumerate(monomial):
        unit = tuple(int(variable == k) for variable in range(len(limits)))
        terms[(*unit, 0, *pixel)] = 1
    found = net.polynomial(Series(terms, limits), term_by_term).terms
    reached = all(power < stored for power, stored in zip(limits, found.shape))
    return found[(*limits, 0)] if reached else net.head.bias.new_zeros(net.config.classes)


@torch.no_grad()
def gradient(net: TaylorNet) -> Float[Tensor, "classes channels rows columns"]:
    """Return the gradient of every logit at the image of zeros: its coefficients of order 1."""
    _check(net)
    return orders(net, _units(net), most=1)[:, 1].T.unflatten(1, net.config.image)


@torch.no_grad()
def hessian(net: TaylorNet, pixels: Tensor | None = None) -> Float[Tensor, "classes pixels pixels"]:
    """Return the second derivatives of every logit at the image of zeros, from its coefficients of order 2.

    Args:
        net: in evaluation mode.
        pixels: numbers of the pixels wanted, in the order of ``image.flatten()``; ``None`` for all.

    Raises:
        ValueError: for a number that is no pixel's.
    """
    _check(net)
    units = _units(net)
    if pixels is not None:
        if len(pixels) and not (0 <= int(pixels.min()) <= int(pixels.max()) < len(units)):
            raise ValueError(f"pixels must lie in 0 .. {len(units) - 1}, got {pixels.tolist()}")
        units = units[pixels]
    first, second = torch.tensor(
        list(combinations_with_replacement(range(len(units)), 2)), device=units.device
    ).T
    result = units.new_zeros(net.config.classes, len(units), len(units))
    for i, j in zip(first.split(PAIRS_AT_ONCE), second.split(PAIRS_AT_ONCE)):
        # s x_i + t x_j: the coefficient of s t is the second derivative, on the diagonal as well.
        terms = units.new_zeros(2, 2, len(i), *net.config.image)
        terms[1, 0], terms[0, 1] = units[i], units[j]
        found = net.polynomial(Series(terms, (1, 1)), term_by_term).terms[1, 1].T
        result[:, i, j] = result[:, j, i] = found
    return result


def straighten(net: TaylorNet, level: int) -> TaylorNet:
    """Return a copy in which one level (0 first) keeps only its constant and linear part.

    Raises:
        ValueError: for a level that is not there, or one that shares its weights with others.
    """
    if not 0 <= level < len(net.levels):
        raise ValueError(f"level must lie in 0 .. {len(net.levels) - 1}, got {level}")
    if net.config.sharing == "all" and level > 0:
        raise ValueError("with sharing='all' the levels above the first are one: none can be changed alone")
    straight = deepcopy(net)
    with torch.no_grad():
        for name, weight in straight.levels[level].steps.named_parameters():
            if name.rsplit(".", 1)[1].startswith(("mix", "tensor")):
                weight.zero_()
    return straight


def _units(net: TaylorNet) -> Tensor:
    """Return one image a pixel, with 1 there and 0 elsewhere."""
    like = net.head.weight
    channels, rows, columns = net.config.image
    pixels = channels * rows * columns
    return torch.eye(pixels, dtype=like.dtype, device=like.device).view(pixels, *net.config.image)


def _check(net: TaylorNet) -> None:
    if net.training and net.config.norm == "batch":
        raise ValueError(
            "with batch normalisation the network is a polynomial in evaluation mode only: call net.eval()"
        )
