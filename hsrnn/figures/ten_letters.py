"""TenLetterMachine: an HM-LSTM without numbers, stepped by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.operations import describe_operations, plot_operations


class TenLetterMachine(LivingFigure):
    """The reader sets the boundaries of layers 1 and 2 at each letter, and sees what every layer does and
    remembers.

    Its `state` has the keys `boundaries` (one list of 0 and 1 a layer below the top) and `t`, the letter
    being read.

    Args:
        letters: the text, 2 to 14 symbols.
        boundaries: z of every layer but the top, `(K, T)` of 0 and 1, layer 1 first.
        start: the letter being read when the figure opens, counted from 0.
        name: see `LivingFigure`.

    Raises:
        ValueError: for a text too short or too long for the figure, or boundaries of another shape or other
            values, or a start outside the text.
    """

    module = "ten_letters.js"

    def __init__(
        self, letters: str, boundaries: Sequence[Sequence[int]], *, start: int = 0, name: str | None = None
    ) -> None:
        if not 2 <= len(letters) <= 14:
            raise ValueError(f"letters must be 2 to 14 symbols, got {len(letters)}")
        z = np.asarray(boundaries)
        if z.ndim != 2 or len(z) == 0 or z.shape[1] != len(letters) or not np.isin(z, (0, 1)).all():
            raise ValueError(
                f"boundaries must be rows of {len(letters)} zeros and ones, one row a layer, got {boundaries}"
            )
        if not 0 <= start < len(letters):
            raise ValueError(f"start must be 0 to {len(letters) - 1}, got {start}")
        z = z.astype(int)
        operations = operations_from_boundaries(z)
        super().__init__(
            {"letters": letters},
            state={"boundaries": z, "t": start},
            alt="A machine of layers that reads letter by letter. "
            + describe_operations(letters, operations),
            fallback=plot_operations(letters, operations, z.T),
            name=name,
        )


def operations_from_boundaries(boundaries: np.ndarray) -> np.ndarray:
    """Return the operations `(T, K + 1)` that boundaries `(K, T)` of layers 1 to K choose: the table of the
    paper.

    A layer flushes if its own boundary was 1 one letter ago, else updates if the boundary below is 1 now,
    else copies; below layer 1 the boundary is always 1, and the top layer has none.
    """
    layers, length = boundaries.shape
    edge = np.zeros((layers, 1), dtype=int)
    own = np.vstack([np.hstack([edge, boundaries[:, :-1]]), np.zeros((1, length), dtype=int)])
    below = np.vstack([np.ones((1, length), dtype=int), boundaries])
    return np.where(own == 1, 2, below).astype(np.uint8).T
