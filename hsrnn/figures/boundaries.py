"""Boundaries: the living figure in which a small HM-LSTM reads the reader's own text, in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.operations import plot_operations
from hsrnn.figures.weights import pack


class Boundaries(LivingFigure):
    """Letters in a grid, one row a layer, coloured by operation, with the segment tree, the output module's
    gates and the model's expectation of the next letter; the reader types, forces boundaries and lets the
    model continue.

    Make one with `from_weights`. Its `state` has the keys `text`, `topDown` (whether layers listen to the
    layer above), `forced` ("layer:letter" -> 0 or 1, both counted from 0), `selected` (a letter, or None for
    the last one), `temperature` and `seed`.
    """

    module = "boundaries.js"

    @classmethod
    def from_weights(
        cls,
        weights: Mapping[str, np.ndarray],
        symbols: Sequence[str],
        *,
        layer_norm: bool,
        text: str,
        operations: np.ndarray,
        boundaries: np.ndarray,
        bits: int = 8,
        temperature: float | int = 0.7,
        seed: int = 1,
        selected: int | None = None,
        name: str | None = None,
    ) -> Boundaries:
        """Return the figure for a trained character language model.

        Args:
            weights: the model's state dict as numpy arrays, with the names of
                `hsrnn.hmrnn.CharLanguageModel`.
            symbols: the vocabulary: the symbol of each code.
            layer_norm: whether the model was built with layer norm.
            text: the text the figure opens with; at least one symbol, all of them in `symbols`.
            operations: `(T, L)` of the model on `text`, for the picture shown without JavaScript: 0 COPY, 1
                UPDATE, 2 FLUSH.
            boundaries: `(T, L - 1)` of 0 and 1, likewise.
            bits: width of a stored weight, 8 or 16. The page computes with the rounded weights.
            temperature: temperature the continuation starts with, 0.2 to 1.5.
            seed: seed of the continuation, 0 to 9999.
            selected: the letter after which the expectation is shown at first, counted from 0; None for the
                last.
            name: see `LivingFigure`.

        Raises:
            ValueError: if weights and layer_norm, or weights and symbols, do not fit, or a symbol is unknown.
        """
        missing = [
            key
            for key in ("embedding.weight", "core.cells.1.recurrent", "output.gate.weight")
            if key not in weights
        ]
        if missing:
            raise ValueError(
                f"weights must be a CharLanguageModel's with an HM-LSTM core: {', '.join(missing)} missing"
            )
        if ("core.cells.0.gate_norm.weight" in weights) != layer_norm:
            raise ValueError(f"layer_norm={layer_norm} does not fit the weights: they say {not layer_norm}")
        if weights["embedding.weight"].shape[0] != len(symbols):
            rows = weights["embedding.weight"].shape[0]
            raise ValueError(f"weights know {rows} symbols, but symbols has {len(symbols)}")
        unknown = sorted(set(text) - set(symbols))
        if unknown:
            raise ValueError(f"text has symbols that the model does not know: {unknown}")
        picture = plot_operations(text, operations, boundaries)
        return cls(
            {"weights": pack(weights, bits), "symbols": list(symbols), "layerNorm": layer_norm},
            state={
                "text": text,
                "topDown": True,
                "forced": {},
                "selected": selected,
                "temperature": temperature,
                "seed": seed,
            },
            alt=f"A language model that reads letter by letter. {picture.alt}",
            fallback=picture,
            name=name,
        )
