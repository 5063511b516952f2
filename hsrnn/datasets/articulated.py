"""Articulated figures, people- and animal-like, with the true part of every pixel.

A figure is a tree of rods: a torso, limbs of two rods each at angles of their own, a head; animals also have
a neck and a tail. Limbs on the far side are drawn before the torso, those on the near side after it, so parts
hide parts. Clutter lies behind (rods of the same kinds and colours, so that colour alone tells little) and in
front (bars and discs, which are background). Cloth has a texture, sleeves may have the colour of the torso,
and light falls from one side.

Joints are rounded to 1/16 pixel and everything after that is whole-number arithmetic, so the pixels are equal
on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "background", "head", "torso", "upper arm", "lower arm", "upper leg", "lower leg", "neck", "tail",
)  # fmt: skip
SPECIES = ("person", "animal")
GRID = 16  # a joint lies on 1/16 pixel
SMALLEST = 24  # pixels; below that a limb is thinner than a pixel

Texture = Literal["plain", "stripes", "checks", "speckles"]
TEXTURES: tuple[Texture, ...] = ("plain", "stripes", "checks", "speckles")


@dataclass(frozen=True, eq=False)
class Figure:
    """One picture.

    Attributes:
        image: ``(size, size, 3)`` uint8.
        labels: ``(size, size)`` int8, the part of each pixel, a number in :data:`CLASSES`.
        species: ``"person"`` or ``"animal"``.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int8]
    species: str


@dataclass(frozen=True)
class _Rod:
    """A thick line between two joints, in 1/16 pixel, of a class and a cloth (a number)."""

    start: tuple[int, int]
    end: tuple[int, int]
    radius: int
    part: int
    cloth: int


def draw_figure(size: int, random: np.random.RandomState) -> Figure:
    """Draw a figure in a pose, a place and colours of its own.

    Raises:
        ValueError: if ``size`` is below 24 pixels.
    """
    if size < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} pixels, got {size}")
    species = SPECIES[random.randint(2)]
    image = _ground(size, random)
    labels = np.zeros((size, size), dtype=np.int8)
    cloths = [_cloth(random) for _ in range(4)]  # skin or fur, torso, legs, clutter
    for rod in _clutter(size, random, count=random.randint(3, 7)):
        _paint(image, labels, rod, _cloth(random) if random.randint(2) else cloths[random.randint(3)], random)
    rods = (_person if species == "person" else _animal)(size, random)
    if random.randint(2):
        rods = [_mirrored(rod, size) for rod in rods]
    for rod in rods:
        _paint(image, labels, rod, cloths[rod.cloth], random)
    for rod in _clutter(size, random, count=random.randint(0, 3), thin=True):
        _paint(image, labels, rod, _cloth(random), random)
    return Figure(_lit(image, random), labels, species)


def _person(size: int, random: np.random.RandomState) -> list[_Rod]:
    between, skin, cloth, trousers = random.uniform, 0, 1, 2
    unit = size * between(0.12, 0.155)
    lean = between(-0.25, 0.25)
    hip = np.array([size * between(0.4, 0.6), size * between(0.48, 0.62)])
    neck = hip + _along(-np.pi / 2 + lean, 2.0 * unit)
    head = neck + _along(-np.pi / 2 + lean + between(-0.4, 0.4), 0.75 * unit)
    sleeves = random.randint(3)  # none, short, long
    rods: dict[str, list[_Rod]] = {"far": [], "near": []}
    for side in ("far", "near"):
        upper, lower = between(-0.4, 1.6), between(-0.2, 1.7)
        if random.randint(2):
            upper, lower = -upper, -lower
        elbow = neck + _along(np.pi / 2 + lean + upper, 1.15 * unit)
        hand = elbow + _along(np.pi / 2 + lean + upper + lower, 1.15 * unit)
        rods[side] += [
            _rod(neck, elbow, 0.36 * unit, 3, cloth if sleeves else skin),
            _rod(elbow, hand, 0.30 * unit, 4, cloth if sleeves == 2 else skin),
        ]
        thigh, shin = between(-0.7, 0.7), between(-0.6, 0.6)
        knee = hip + _along(np.pi / 2 + thigh, 1.45 * unit)
        foot = knee + _along(np.pi / 2 + thigh + shin, 1.45 * unit)
        bare = random.randint(3) == 0
        rods[side] += [
            _rod(knee, foot, 0.36 * unit, 6, skin if bare else trousers),
            _rod(hip, knee, 0.46 * unit, 5, trousers),
        ]
    trunk = [_rod(neck, hip, 0.60 * unit, 2, cloth), _rod(head, head, 0.52 * unit, 1, skin)]
    return [*rods["far"], *trunk, *rods["near"]]


def _animal(size: int, random: np.random.RandomState) -> list[_Rod]:
    between, fur, coat, legs = random.uniform, 0, random.randint(2), random.randint(3)
    unit = size * between(0.12, 0.16)
    slope = between(-0.2, 0.2)
    rump = np.array([size * between(0.22, 0.36), size * between(0.40, 0.55)])
    chest = rump + _along(slope, 2.6 * unit)
    nape = chest + _along(between(-1.3, -0.5), 1.1 * unit)
    muzzle = nape + _along(between(-0.1, 0.7), 0.8 * unit)
    tail = rump + _along(np.pi + between(-0.9, 0.9), between(0.9, 1.6) * unit)
    rods: dict[str, list[_Rod]] = {"far": [], "near": []}
    for side in ("far", "near"):
        for joint, part in ((chest, 3), (rump, 5)):
            upper, lower = between(-0.6, 0.6), between(-0.5, 0.5)
            knee = joint + _along(np.pi / 2 + upper, 1.0 * unit)
            foot = knee + _along(np.pi / 2 + upper + lower, 1.1 * unit)
            rods[side] += [
                _rod(knee, foot, 0.28 * unit, part + 1, legs),
                _rod(joint, knee, 0.38 * unit, part, coat),
            ]
    trunk = [
        _rod(rump, tail, 0.22 * unit, 8, fur),
        _rod(rump, chest, 0.70 * unit, 2, coat),
        _rod(chest, nape, 0.42 * unit, 7, coat),
        _rod(nape, muzzle, 0.44 * unit, 1, fur),
    ]
    return [*rods["far"], *trunk, *rods["near"]]


def _clutter(size: int, random: np.random.RandomState, *, count: int, thin: bool = False) -> list[_Rod]:
    rods = []
    for _ in range(count):
        start = random.uniform(0, size, 2)
        length = random.uniform(0.0, 0.9 if thin else 0.5) * size
        width = random.uniform(0.015, 0.03) if thin else random.uniform(0.02, 0.12)
        rods.append(_rod(start, start + _along(random.uniform(0, 2 * np.pi), length), width * size, 0, 3))
    return rods


def _along(angle: float, length: float) -> NDArray[np.float64]:
    """Return a step (x, y), y downward; angle 0 points right, pi / 2 down."""
    return length * np.array([np.cos(angle), np.sin(angle)])


def _rod(start: NDArray[np.float64], end: NDArray[np.float64], radius: float, part: int, cloth: int) -> _Rod:
    ends = (tuple(int(v) for v in np.rint(GRID * point)) for point in (start, end))
    return _Rod(*ends, max(GRID // 2, int(np.rint(GRID * radius))), part, cloth)


def _mirrored(rod: _Rod, size: int) -> _Rod:
    start, end = ((GRID * (size - 1) - x, y) for x, y in (rod.start, rod.end))
    return _Rod(start, end, rod.radius, rod.part, rod.cloth)


def _covered(rod: _Rod, size: int) -> NDArray[np.bool_]:
    """Return which pixels lie within the rod's radius of its line, by whole numbers alone."""
    y, x = GRID * np.indices((size, size), dtype=np.int64)
    (ax, ay), (bx, by) = rod.start, rod.end
    along, square = (x - ax) * (bx - ax) + (y - ay) * (by - ay), (bx - ax) ** 2 + (by - ay) ** 2
    across = (x - ax) * (by - ay) - (y - ay) * (bx - ax)
    limit = rod.radius**2
    beside = (along > 0) & (along < square) & (across**2 <= limit * square)
    at_start = (x - ax) ** 2 + (y - ay) ** 2 <= limit
    return beside | at_start | ((x - bx) ** 2 + (y - by) ** 2 <= limit)


def _cloth(random: np.random.RandomState) -> tuple[NDArray[np.int64], int, Texture, NDArray[np.int64]]:
    """Draw a colour (3,), how strong the texture is, its kind, and its direction and period (3,)."""
    colour, strength = random.randint(40, 216, 3), random.randint(10, 36)
    return colour, strength, TEXTURES[random.randint(4)], random.randint([-2, -2, 3], [3, 3, 8])


def _paint(
    image: NDArray[np.int64], labels: NDArray[np.int8], rod: _Rod,
    cloth: tuple[NDArray[np.int64], int, Texture, NDArray[np.int64]], random: np.random.RandomState,
) -> None:  # fmt: skip
    size = len(labels)
    inside = _covered(rod, size)
    colour, strength, texture, (across, down, period) = cloth
    y, x = np.nonzero(inside)
    if texture == "stripes":
        pattern = 2 * (((across * x + (down or 1) * y) // period) % 2) - 1
    elif texture == "checks":
        pattern = 2 * ((x // period + y // period) % 2) - 1
    elif texture == "speckles":
        pattern = random.randint(-1, 2, len(x))
    else:
        pattern = np.zeros(len(x), dtype=np.int64)
    image[inside] = colour + strength * pattern[:, None] + random.randint(-6, 7, (len(x), 3))
    labels[inside] = rod.part


def _ground(size: int, random: np.random.RandomState) -> NDArray[np.int64]:
    """Return a background of two colours that blend from one end to the other, with noise."""
    first, second = random.randint(30, 226, (2, 3))
    way = np.arange(size) if random.randint(2) else np.arange(size)[::-1]
    blend = (first * (size - way[:, None]) + second * way[:, None]) // size
    rows = np.repeat(blend[:, None], size, axis=1)
    return rows + random.randint(-12, 13, (size, size, 3))


def _lit(image: NDArray[np.int64], random: np.random.RandomState) -> NDArray[np.uint8]:
    """Return the picture in light that falls from the left or the right."""
    size = len(image)
    dark = random.randint(0, 60)
    way = np.arange(size) if random.randint(2) else np.arange(size)[::-1]
    light = 256 - dark * way // size
    return np.clip(image * light[None, :, None] // 256, 0, 255).astype(np.uint8)
