"""The hidden states of a network on a set of words: one pass, shared by every clustering of them.

Source: Hou and Zhou (2020, arXiv 1810.10708): the points of all time steps are clustered, and the symbols
read between them become transitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .classifier import SequenceClassifier
from .clustering import Distinct, distinct_rows
from .sequences import Sequences, Words, encode, require_words

Features = Literal["h", "hc"]


@dataclass(frozen=True, eq=False)
class HiddenPoints:
    """Hidden states, one row a symbol read: the first word's, then the second's, and so on.

    Attributes:
        features: ``(points, F)`` what is clustered: h, or h and c.
        states: ``(points, S)`` whole states, as far as they were asked for: h, and c where ``S = 2 H``.
        accepted: ``(points,)`` the network's verdict on each point.
        symbol: ``(points,)`` code of the symbol read just before.
        sequence: ``(points,)`` number of the word.
        position: ``(points,)`` step in the word, 1 first.
        last: ``(words,)`` index of each word's last point.
    """

    features: NDArray[np.floating]
    states: NDArray[np.floating]
    accepted: NDArray[np.bool_]
    symbol: NDArray[np.int64]
    sequence: NDArray[np.int64]
    position: NDArray[np.int64]
    last: NDArray[np.int64]

    @cached_property
    def distinct(self) -> Distinct:
        """Which points have equal features; found once."""
        return distinct_rows(self.features)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.symbol)


def check_features(features: str, classifier: SequenceClassifier) -> None:
    """Check which part of the state is clustered (decision A8).

    Raises:
        ValueError: for an unknown choice, or ``"hc"`` of a cell without c.
    """
    if features not in get_args(Features):
        raise ValueError(f"features must be one of {', '.join(get_args(Features))}, got {features!r}")
    if features == "hc" and classifier.cell.parts == 1:
        raise ValueError(f'features="hc" needs a cell with a memory c (lstm), got {classifier.cell_name}')


def collect(
    classifier: SequenceClassifier,
    words: Words,
    *,
    features: Features = "h",
    carry: bool = False,
    whole: bool = False,
) -> HiddenPoints:
    """Run the network once over all words and keep every hidden state.

    Args:
        classifier: the network.
        words: at least one, none empty.
        features: what to cluster (decision A8): ``"h"``, or ``"hc"`` for an LSTM's h and c side by side.
        carry: hand the state on from word to word (decision A1) instead of starting each from zero.
        whole: keep c of an LSTM even where it is not clustered.

    Raises:
        ValueError: for no words, an empty word, a symbol outside the alphabet, or unfit features.
    """
    check_features(features, classifier)
    sequences: Sequences = encode(words, classifier.alphabet)
    require_words(sequences, "sequences")
    states = classifier.states(sequences, carry=carry, whole=whole or features == "hc")
    hidden = states[:, : classifier.hidden_size]
    lengths = sequences.lengths
    ends = np.cumsum(lengths)
    return HiddenPoints(
        features=states if features == "hc" else hidden,
        states=states,
        accepted=classifier.accepts_hidden(hidden),
        symbol=sequences.codes[sequences.mask],
        sequence=np.repeat(np.arange(len(lengths)), lengths),
        position=np.arange(1, int(ends[-1]) + 1) - np.repeat(ends - lengths, lengths),
        last=ends - 1,
    )
