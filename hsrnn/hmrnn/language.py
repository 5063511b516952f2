"""A character language model around any recurrent core, with the paper's gated output module.

Source: Chung, Ahn and Bengio, ICLR 2017, section 3.2: a scalar gate a layer weighs what that layer says,

    g_l = sigmoid(w_l . [h_1; ...; h_L]),    h_e = ReLU(sum_l g_l W_l h_l),    p = softmax(V h_e).

The embedding is linear and has no bias; gates, output embedding and softmax have biases (authors' later
code).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor, nn

from .model import HMLSTM, CoreOutput, Embedded


class LanguageOutput(NamedTuple):
    """What the model says at every time step: ``logits`` ``(batch, time, vocabulary)`` of the NEXT
    symbol, output ``gates`` ``(batch, time, layers)`` in (0, 1), and the core's own output."""

    logits: Tensor
    gates: Tensor
    core: CoreOutput


class GatedOutput(nn.Module):
    """Output module: hidden states of all layers -> logits, all time steps at once.

    Args:
        hidden_sizes: units of each layer.
        output_size: width of the output embedding h_e.
        vocabulary_size: number of symbols.
        generator: source of the initial weights.
    """

    def __init__(
        self,
        hidden_sizes: tuple[int, ...],
        output_size: int,
        vocabulary_size: int,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(sum(hidden_sizes), len(hidden_sizes))
        self.embeddings = nn.ParameterList(
            nn.Parameter(torch.empty(output_size, units)) for units in hidden_sizes
        )
        self.bias = nn.Parameter(torch.zeros(output_size))
        self.softmax = nn.Linear(output_size, vocabulary_size)
        for weight in (self.gate.weight, *self.embeddings, self.softmax.weight):
            bound = math.sqrt(6 / sum(weight.shape))
            weight.data.uniform_(-bound, bound, generator=generator)
        for bias in (self.gate.bias, self.softmax.bias):
            nn.init.zeros_(bias)

    def forward(self, hidden: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Map hidden states, one ``(batch, time, units_l)`` a layer, to logits ``(batch, time,
        vocabulary)`` and gates ``(batch, time, layers)``."""
        gates = torch.sigmoid(self.gate(torch.cat(hidden, -1)))
        embedded = self.bias
        for l, weight in enumerate(self.embeddings):
            embedded = embedded + gates[..., l : l + 1] * F.linear(hidden[l], weight)
        return self.softmax(F.relu(embedded)), gates


class CharLanguageModel(nn.Module):
    """Predict the next symbol: embedding -> recurrent core -> gated output module.

    Args:
        vocabulary_size: number of symbols, at least 2.
        embedding_size: width of the input embedding; must equal ``core.input_size``.
        core: :class:`~hsrnn.hmrnn.model.HMLSTM` or any core of :mod:`hsrnn.hmrnn.cores`.
        output_size: width of the output embedding.
        seed: seed of the initial weights outside the core.

    Raises:
        ValueError: for a vocabulary below 2 symbols or a core of another input size.
    """

    def __init__(
        self, vocabulary_size: int, embedding_size: int, core: nn.Module, output_size: int, *, seed: int = 0
    ) -> None:
        super().__init__()
        if vocabulary_size < 2:
            raise ValueError(f"vocabulary_size must be at least 2, got {vocabulary_size}")
        if core.input_size != embedding_size:
            raise ValueError(
                f"the core reads inputs of width {core.input_size}, but embedding_size is {embedding_size}"
            )
        generator = torch.Generator().manual_seed(seed)
        # A Glorot-sized embedding would drown in the recurrent terms; unit variance is what nn.Embedding
        # uses too.
        weight = torch.randn(vocabulary_size, embedding_size, generator=generator)
        self.embedding = nn.Embedding.from_pretrained(weight, freeze=False)
        self.core = core
        self.output = GatedOutput(core.hidden_sizes, output_size, vocabulary_size, generator=generator)

    @property
    def vocabulary_size(self) -> int:
        """Number of symbols."""
        return self.embedding.num_embeddings

    def initial_state(self, batch: int) -> Any:
        """Return the core's all-zero state for ``batch`` rows."""
        return self.core.initial_state(batch)

    def forward(
        self, codes: Int[Tensor, "batch time"], state: Any = None, **core_options: Any
    ) -> tuple[LanguageOutput, Any]:
        """Read ``codes`` ``(batch, time)``, integers in ``[0, vocabulary_size)``, and predict after each
        of them.

        Args:
            codes: symbols read.
            state: state to start from, zeros if ``None``.
            core_options: passed to the core (``generator``; ``forced_boundaries`` for an HM-LSTM).

        Returns:
            :class:`LanguageOutput` and the state after the last symbol.

        Raises:
            ValueError: for codes of the wrong shape or outside the vocabulary.
        """
        if codes.ndim != 2 or 0 in codes.shape:
            raise ValueError(f"codes must be (batch, time), neither empty, got {tuple(codes.shape)}")
        low, high = int(codes.min()), int(codes.max())
        if low < 0 or high >= self.vocabulary_size:
            raise ValueError(f"codes must lie in [0, {self.vocabulary_size}), got {low} to {high}")
        read = Embedded(codes, self.embedding.weight)
        # An HM-LSTM multiplies each row of the table once; the other cores take the input as it is.
        input = read if isinstance(self.core, HMLSTM) else read.dense()
        core, state = self.core(input, state, **core_options)
        logits, gates = self.output(core.hidden)
        return LanguageOutput(logits, gates, core), state

    def loss(
        self, codes: Tensor, targets: Tensor, state: Any = None, **core_options: Any
    ) -> tuple[Tensor, Any, Any]:
        """Return the mean negative log-likelihood of ``targets`` ``(batch, time)`` in nats per symbol, the
        :class:`LanguageOutput` and the new state."""
        output, state = self(codes, state, **core_options)
        return F.cross_entropy(output.logits.flatten(0, 1), targets.flatten()), output, state


def generate(
    model: CharLanguageModel,
    prompt: Int[Tensor, " time"],
    length: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator,
) -> Iterator[int]:
    """Yield ``length`` symbols that continue ``prompt``, each drawn from the softmax at ``temperature``.

    Args:
        model: a trained language model.
        prompt: codes read first, at least one.
        length: number of symbols to draw.
        temperature: above 0; below 1 sharpens, above 1 flattens.
        generator: source of the draws.

    Raises:
        ValueError: for an empty prompt, a negative length or a temperature that is not positive.
    """
    check_generation(prompt, length, temperature)

    @torch.no_grad()
    def draws() -> Iterator[int]:
        codes, state = prompt[None], None
        for _ in range(length):
            output, state = model(codes, state, generator=generator)
            p = torch.softmax(output.logits[0, -1] / temperature, -1)
            codes = torch.multinomial(p, 1, generator=generator)[None]
            yield int(codes)

    return draws()


def check_generation(prompt: Tensor, length: int, temperature: float) -> None:
    """Raise ``ValueError`` for an empty prompt, a negative length or a temperature that is not positive."""
    if prompt.ndim != 1 or len(prompt) == 0:
        raise ValueError(f"prompt must be a 1-D tensor of at least one code, got shape {tuple(prompt.shape)}")
    if length < 0:
        raise ValueError(f"length must not be negative, got {length}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
