"""Photographs that come with scikit-image and scikit-learn: no file to fetch, no labels, free to show."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.errors import MissingFileError, UnknownDatasetError
from hsrnn.datasets.parts import read_image, resized

_FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "temple": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}

PHOTOGRAPHS = {
    "astronaut": "Eileen Collins, NASA; public domain",
    "cat": "Chelsea the cat, Stéfan van der Walt; CC0",
    "coffee": "a cup of coffee, Rachel Michetti; CC0",
    "rocket": "a Falcon 9 at its launch, SpaceX; public domain",
    "temple": "a temple in China, danielbuechele on Flickr; CC BY 2.0",
    "flower": "a dahlia, vultilion on Flickr; CC BY 2.0",
}
"""Name of each photograph -> what it shows, who made it, and its licence, to be named where it is shown."""


def photograph(name: str, *, longest: int | None = None) -> NDArray[np.uint8]:
    """Return a photograph, ``(height, width, 3)``.

    Args:
        name: one of ``PHOTOGRAPHS``.
        longest: pixels to bring the longer side to, by averaging, the other in proportion; ``None`` keeps the
            size.

    Raises:
        UnknownDatasetError: no such photograph.
        MissingFileError: the installed scikit-image or scikit-learn came without it.
        ValueError: ``longest`` below 1 or above the longer side.
    """
    if name not in PHOTOGRAPHS:
        raise UnknownDatasetError(f"no photograph {name!r}; there are: {', '.join(PHOTOGRAPHS)}")
    package, file = _FILES[name]
    spec = find_spec(package)
    path = Path(spec.origin if spec and spec.origin else package).parent / file
    if not path.is_file():
        raise MissingFileError(f"{path} did not come with the installed {package}; install it again")
    image = read_image(path)
    if longest is None:
        return image
    if not 1 <= longest <= max(image.shape):
        raise ValueError(f"longest must be 1 to {max(image.shape)} pixels for {name!r}, got {longest}")
    height, width = (max(1, round(longest * side / max(image.shape))) for side in image.shape[:2])
    return resized(image, (height, width))
