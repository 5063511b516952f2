"""What a :class:`.model.Parser` is made of: every decision that the papers leave open, as a named field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from .evolution import MergeRule

Kind = Literal["evolving", "graph-lstm", "edge-pooling", "superpixels", "backbone"]
Order = Literal["perturbed", "confidence", "breadth-first", "depth-first", "random"]


@dataclass(frozen=True)
class ParserConfig:
    """What the network is made of.

    Attributes:
        classes: classes of pixels, the background (class 0) counted.
        kind: ``"evolving"``: the structure-evolving LSTM; ``"graph-lstm"``: as many layers on the fixed graph
            of superpixels; ``"edge-pooling"``: levels by edge pooling; ``"superpixels"``: no edges, a
            perceptron on every superpixel; ``"backbone"``: no superpixels, the perceptron on every pixel.
        hidden: units of a layer, and columns of a superpixel's feature.
        width: channels of the default backbone.
        levels: Graph LSTM layers (perceptrons where there are none), G(0) counted.
        rule: how graphs become coarser.
        order: in which order nodes are visited; ``None``: ``"perturbed"`` where the structure evolves,
            ``"confidence"`` elsewhere (decision E9).
        perturbation: scale of the Gumbel noise of a perturbed order.
        identical: identical in place of adaptive forget gates.
        fusion: ``"sum"``: the head sees the hidden states of all levels; ``"last"``: of the last alone.
        shared: one layer's weights for all levels.
        by_pixels: merged states are means weighted by pixels; plain means if ``False``.
        merge_weight: weight of the loss of the merging probabilities (decision E3).
        confidence_weight: weight of the loss of the confidences.

    Raises:
        ValueError: for an unknown kind or a number out of its range.
    """

    classes: int
    kind: Kind = "evolving"
    hidden: int = 32
    width: int = 12
    levels: int = 3
    rule: MergeRule = field(default_factory=MergeRule)
    order: Order | None = None
    perturbation: float = 1.0
    identical: bool = False
    fusion: Literal["sum", "last"] = "sum"
    shared: bool = False
    by_pixels: bool = True
    merge_weight: float = 1.0
    confidence_weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.classes < 2:
            raise ValueError(f"classes must be at least 2, got {self.classes}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {self.kind!r}")
        if self.order is not None and self.order not in get_args(Order):
            raise ValueError(f"order must be one of {', '.join(get_args(Order))}, got {self.order!r}")
        if self.fusion not in ("sum", "last"):
            raise ValueError(f"fusion must be 'sum' or 'last', got {self.fusion!r}")
        if not 1 <= self.levels <= 5:
            raise ValueError(f"levels must be 1 to 5, got {self.levels}")
        for name in ("hidden", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("perturbation", "merge_weight", "confidence_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
