"""A recurrent network that accepts or rejects a word: symbols -> cell -> a linear layer on the last state.

Source: Hou and Zhou (2020, arXiv 1810.10708): class 1 (accept) where its logit exceeds that of class 0.
Every word starts from the zero state (decision A1); ``carry=True`` hands the state on from word to word, as
the authors' code does. Symbols enter as one-hot rows, or through a learned embedding where the alphabet is
a vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .cells import CELLS
from .sequences import Sequences, Words, check_alphabet, encode, require_words

SYMBOLS_AT_ONCE = 200_000  # of a batch where no gradient is kept: bounds its memory


class SequenceClassifier(nn.Module):
    """Decide for each word whether it belongs to a language.

    Args:
        alphabet: the symbols.
        cell: ``"srn"``, ``"mgu"``, ``"gru"`` or ``"lstm"``.
        hidden_size: units H of the cell.
        embedding_size: width of a learned embedding; ``None`` for one-hot rows.
        seed: seed of all initial weights.

    Raises:
        ValueError: for an unknown cell, a size below 1 or an unfit alphabet.
    """

    def __init__(
        self,
        alphabet: Sequence[str],
        cell: str = "gru",
        hidden_size: int = 10,
        *,
        embedding_size: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.alphabet = check_alphabet(alphabet)
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {cell!r}")
        if embedding_size is not None and embedding_size < 1:
            raise ValueError(f"embedding_size must be at least 1, or None for one-hot, got {embedding_size}")
        generator = torch.Generator().manual_seed(seed)
        self.embedding: nn.Embedding | None = None
        if embedding_size is not None:
            weight = torch.randn(len(self.alphabet), embedding_size, generator=generator)
            self.embedding = nn.Embedding.from_pretrained(weight, freeze=False)
        self.cell_name = cell
        self.cell = CELLS[cell](embedding_size or len(self.alphabet), hidden_size, seed=seed)
        self.output = nn.Linear(hidden_size, 2)
        for parameter in self.output.parameters():
            parameter.data.uniform_(-(hidden_size**-0.5), hidden_size**-0.5, generator=generator)

    @property
    def hidden_size(self) -> int:
        """Units H of the cell."""
        return self.cell.hidden_size

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.output.weight.device

    def inputs(self, codes: Tensor) -> Tensor:
        """Return what the cell reads, ``(..., D)``, for ``codes`` ``(...)``."""
        if self.embedding is not None:
            return self.embedding(codes)
        return F.one_hot(codes, len(self.alphabet)).to(self.output.weight.dtype)

    def forward(
        self,
        codes: Tensor,
        lengths: Tensor,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return logits ``(B, 2)`` for padded ``codes`` ``(B, T)`` of ``lengths`` ``(B,)`` in [1, T].

        For training, a share ``dropout`` of what the cell reads, and of what the linear layer reads, can be
        set to zero, drawn by a ``generator`` on the CPU; the rest is scaled up.
        """
        # The kernels run on over the padding; what stands there never reaches back to a word's last symbol.
        hidden, _ = self.cell(_thinned(self.inputs(codes), dropout, generator))
        last = hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]
        return self.output(_thinned(last, dropout, generator))

    # Without gradients, words in and arrays out ---------------------------------------------------------

    @torch.no_grad()
    def predict(self, words: Words) -> NDArray[np.bool_]:
        """Return which words are accepted, ``(words,)``; on the empty word, the verdict on the zero state.

        Raises:
            ValueError: for a symbol outside the alphabet.
        """
        sequences = encode(words, self.alphabet)
        accepted = np.zeros(len(sequences), bool)
        for rows, codes, lengths in self._batches(sequences):
            hidden, _ = self.cell(self.inputs(codes))
            last = hidden[torch.arange(len(rows), device=hidden.device), lengths - 1]
            accepted[rows] = self._accepts(last)
        empty = sequences.lengths == 0
        if empty.any():
            accepted[empty] = self.accepts_empty
        return accepted

    @property
    def accepts_empty(self) -> bool:
        """Verdict on the zero state, hence on the empty word (decision A7)."""
        return bool(self.accepts_hidden(np.zeros((1, self.hidden_size)))[0])

    @torch.no_grad()
    def accepts_hidden(self, hidden: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return the linear layer's verdict on hidden states ``(points, H)``, ``(points,)``."""
        return self._accepts(torch.as_tensor(hidden).to(self.output.weight))

    def _accepts(self, hidden: Tensor) -> NDArray[np.bool_]:
        logits = self.output(hidden)
        return (logits[:, 1] > logits[:, 0]).cpu().numpy()

    @torch.no_grad()
    def states(self, words: Words, *, carry: bool = False, whole: bool = False) -> NDArray[np.floating]:
        """Return the state after every symbol of every word, ``(points, H)``: all of the first word's, then
        the second's, and so on.

        Args:
            words: at least one, none empty.
            carry: hand the state on from each word to the next (decision A1) instead of starting from zero.
            whole: return whole states ``(points, S)``: for the LSTM h, then c.

        Raises:
            ValueError: for no words, an empty word or a symbol outside the alphabet.
        """
        sequences = encode(words, self.alphabet)
        require_words(sequences, "words")
        width = self.cell.state_size if whole else self.hidden_size
        # Deviation A1: every word starts from the zero state; the authors' code hands the last state of each
        # word on to the next, in training and in test.
        if carry:
            joined = sequences.codes[sequences.mask][None]
            sequences = Sequences(joined, np.array([joined.shape[1]]))
        ends = np.cumsum(sequences.lengths)
        points = np.empty((int(ends[-1]), width), np.dtype(str(self.output.weight.dtype).split(".")[1]))
        for rows, codes, lengths in self._batches(sequences):
            input = self.inputs(codes)
            run = self.cell.loop if whole and self.cell.parts > 1 else self.cell
            states = run(input)[0].cpu().numpy()
            mask = np.arange(states.shape[1]) < sequences.lengths[rows][:, None]
            places = (ends[rows] - sequences.lengths[rows])[:, None] + np.arange(states.shape[1])
            points[places[mask]] = states[mask]
        return points

    @torch.no_grad()
    def advance(self, state: NDArray[np.floating], codes: NDArray[np.integer]) -> NDArray[np.floating]:
        """Return the whole states ``(n, S)`` after one more symbol each: ``state`` ``(n, S)``, ``codes``
        ``(n,)``."""
        input = self.inputs(torch.as_tensor(codes, device=self.device))[:, None]
        before = torch.as_tensor(state).to(self.output.weight)
        return self.cell(input, None, before)[1].cpu().numpy()

    def _batches(self, sequences: Sequences) -> Iterator[tuple[NDArray[np.intp], Tensor, Tensor]]:
        """Yield (rows, codes, lengths) of all words that are not empty, words of like lengths together."""
        order = np.argsort(sequences.lengths, kind="stable")
        order = order[sequences.lengths[order] > 0]
        while len(order):
            # Lengths grow: the last word of a batch is its longest.
            cost = sequences.lengths[order] * np.arange(1, len(order) + 1)
            size = max(1, int(np.searchsorted(cost, SYMBOLS_AT_ONCE, side="right")))
            rows, order = order[:size], order[size:]
            part = sequences.take(rows)
            codes = np.where(part.mask, part.codes, 0)
            yield (
                rows,
                torch.as_tensor(codes, device=self.device),
                torch.as_tensor(part.lengths, device=self.device),
            )


def _thinned(values: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Set a share of ``values`` to zero and scale the rest, so that the mean stays."""
    if share == 0:
        return values
    kept = torch.rand(values.shape, generator=generator) >= share
    return values * (kept.to(values) / (1 - share))
