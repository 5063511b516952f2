"""The living figure Merges with a trained network's hierarchies in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from hsrnn import evolving, figures


def parse(network: evolving.Parser, image: ArrayLike, count: int, *, seed: int = 0) -> evolving.ParserOutput:
    """Return what a network says about one picture, without any label.

    Args:
        network: in evaluation mode.
        image: ``(height, width, 3)`` uint8.
        count: superpixels asked for.
        seed: of the draws of orders and proposals.
    """
    pixels = np.asarray(image)
    batch = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return network(
            batch, evolving.superpixels(pixels, count), generator=torch.Generator().manual_seed(seed)
        )


def level_maps(output: evolving.ParserOutput) -> dict[str, Any]:
    """Return the region of each pixel at every level of one picture, by name: ``"superpixels"``, ``"level
    1"`` and so on."""
    tree, base = output.hierarchy, output.parts.map[0]
    names = ["superpixels", *(f"level {level}" for level in range(1, len(tree)))]
    return {name: tree.assignment(level)[base].numpy() for level, name in enumerate(names)}


def picture_data(
    output: evolving.ParserOutput, image: ArrayLike, *, labels: ArrayLike | None = None, words: str = ""
) -> dict[str, Any]:
    """Return one picture as :meth:`hsrnn.figures.Merges.from_pictures` takes it.

    Args:
        output: what the network says about this picture alone.
        image: ``(height, width, 3)`` uint8.
        labels: ``(height, width)`` true classes, -1 for none.
        words: what stands below the picture.

    Raises:
        ValueError: if the output is of several pictures.
    """
    tree = output.hierarchy
    if output.parts.map.shape[0] != 1:
        raise ValueError(f"output must be of 1 picture, got {output.parts.map.shape[0]}; parse them apart")
    return {
        "image": np.asarray(image), "regions": output.parts.map[0].numpy(),
        "groups": [groups.numpy() for groups in tree.groups],
        "probabilities": [p.numpy() for p in tree.probabilities],
        "proposals": [
            [
                {"edges": edges, "accepted": accepted}
                for edges, accepted in zip(log.edges, log.accepted.tolist(), strict=True)
            ]
            for log in tree.logs
        ],
        "parts": output.logits.argmax(1).numpy(), "labels": labels, "words": words,
    }  # fmt: skip


def merges_figure(
    network: evolving.Parser,
    classes: tuple[str, ...],
    pictures: Mapping[str, Mapping[str, Any]],
    *,
    seed: int = 0,
    **options: Any,
) -> figures.Merges:
    """Return the figure in which a network merges pictures.

    Args:
        network: a trained network of the kind ``"evolving"``.
        classes: names of its classes.
        pictures: by name: `image`, `count` (superpixels asked for), and optionally `labels` and `words`.
        seed: of the draws of orders and proposals.
        options: passed to :meth:`hsrnn.figures.Merges.from_pictures`, e.g. ``state``.
    """
    made = {}
    for name, given in pictures.items():
        more = {key: given[key] for key in given if key not in ("image", "count")}
        made[name] = picture_data(
            parse(network, given["image"], given["count"], seed=seed), given["image"], **more
        )
    return figures.Merges.from_pictures(
        made, classes=classes, acceptance=network.config.rule.acceptance, **options
    )
