"""One symbol at a time, one row: generation in which a layer that COPIES costs nothing.

A copied h is the h of before, so even the dot product that decides about z~ need not be taken again: while a
layer copies, neither neighbour is heard, and its boundary's pre-activation stays ``u . h + b``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .cell import COPY, FLUSH, UPDATE, CellState, HMLSTMCell
from .language import CharLanguageModel, check_generation
from .model import HMLSTM


class Stepper:
    """Advance one sequence step by step, without gradients, to the same results as :meth:`HMLSTM.loop`.

    Args:
        core: a model with ``"step"`` or ``"sample"`` boundaries; its weights are used as they are.
        state: state of one row to start from; zeros if ``None``.
        counter: if given, the multiplications done are added to it under ``"forward"``.

    Attributes:
        operations: what each layer did in the last step: 0 COPY, 1 UPDATE, 2 FLUSH.

    Raises:
        ValueError: for soft boundaries, or a state of more than one row or with boundaries other than 0 and
            1.
    """

    def __init__(
        self, core: HMLSTM, state: tuple[CellState, ...] | None = None, *, counter: Counter[str] | None = None
    ) -> None:
        if core.cells[0].boundary == "soft":
            raise ValueError(
                "soft boundaries mix all operations, so nothing can be skipped: use the core itself"
            )
        state = core.initial_state(1) if state is None else state
        if any(len(layer.hidden) != 1 or float(layer.boundary) not in (0, 1) for layer in state):
            raise ValueError("state must be of one row, with boundaries 0 or 1 in every layer")
        self.core, self.counter = core, Counter() if counter is None else counter
        self.hidden = [layer.hidden[0].detach() for layer in state]
        self.cell = [layer.cell[0].detach() for layer in state]
        self.boundary = [bool(layer.boundary) for layer in state]
        self.operations = [COPY] * len(state)
        self._resting: list[float | None] = [None] * len(state)

    @property
    def state(self) -> tuple[CellState, ...]:
        """The state after the last step, as :meth:`HMLSTM.forward` returns it for one row."""
        layers = zip(self.hidden, self.cell, self.boundary)
        return tuple(CellState(h[None], c[None], h.new_full((1, 1), float(z))) for h, c, z in layers)

    @torch.no_grad()
    def step(
        self, input: Float[Tensor, " columns"], *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, ...]:
        """Read ``input`` ``(input_size,)`` and return the hidden state ``(units,)`` of each layer."""
        below, fired = input, True
        for l, cell in enumerate(self.core.cells):
            flush = self.boundary[l]
            operation = FLUSH if flush else UPDATE if fired else COPY
            self.operations[l] = operation
            if operation != COPY or (cell.is_top and cell.top_layer == "author"):
                above = self.hidden[l + 1] if flush and self.core.top_down and not cell.is_top else None
                s = self._pre_activate(l, cell, below if fired else None, above)
                self._renew(l, cell, s, operation)
                s_z = None if cell.is_top else float(s[-1])
                self._resting[l] = None
            elif cell.is_top:
                s_z = None
            else:
                s_z = self._rest(l, cell)
            fired = s_z is not None and self._decide(cell, s_z, generator)
            self.boundary[l] = fired
            below = self.hidden[l]
        return tuple(self.hidden)

    def _pre_activate(self, l: int, cell: HMLSTMCell, below: Tensor | None, above: Tensor | None) -> Tensor:
        """Eq. 4-7, with only the terms whose gate is open."""
        s = cell.bias
        terms = ((cell.recurrent, self.hidden[l]), (cell.bottom_up, below), (cell.top_down, above))
        for matrix, source in terms:
            if source is not None and matrix is not None:
                s = torch.addmv(s, matrix, source)
                self.counter["forward"] += matrix.numel()
        return s

    def _renew(self, l: int, cell: HMLSTMCell, s: Tensor, operation: int) -> None:
        """Eq. 2 and 3."""
        f, i, o, g = cell.gates(s[None])
        if operation != COPY:
            c = i[0] * g[0]
            self.cell[l] = c.addcmul_(f[0], self.cell[l]) if operation == UPDATE else c
        c = self.cell[l]
        if cell.cell_norm is not None:
            c = cell.cell_norm(F.layer_norm(c, c.shape))
        self.hidden[l] = o[0] * torch.tanh(c)

    def _rest(self, l: int, cell: HMLSTMCell) -> float:
        """Return the pre-activation of z~ of a layer that copies."""
        known = self._resting[l]
        if known is None:
            known = float(torch.dot(cell.recurrent[-1], self.hidden[l]) + cell.bias[-1])
            self._resting[l] = known
            self.counter["forward"] += cell.hidden_size
        return known

    def _decide(self, cell: HMLSTMCell, s_z: float, generator: torch.Generator | None) -> bool:
        s = cell.bias.new_full((1, 1), s_z)
        return bool(cell.decide(s, self.core.slope, generator))


def fast_generate(
    model: CharLanguageModel,
    prompt: Int[Tensor, " time"],
    length: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator,
) -> Iterator[int]:
    """Yield the same symbols as :func:`~hsrnn.hmrnn.language.generate` with an HM-LSTM core, sooner.

    Args:
        model: a language model whose core is an :class:`HMLSTM` with ``"step"`` or ``"sample"`` boundaries.
        prompt: codes read first, at least one.
        length: number of symbols to draw.
        temperature: above 0; below 1 sharpens, above 1 flattens.
        generator: source of the draws.

    Raises:
        ValueError: for soft boundaries, an empty prompt, a negative length or a temperature that is not
            positive.
    """
    check_generation(prompt, length, temperature)
    stepper = Stepper(model.core)

    @torch.no_grad()
    def draws() -> Iterator[int]:
        hidden: tuple[Tensor, ...] = ()
        for code in prompt.tolist():
            hidden = stepper.step(model.embedding.weight[code], generator=generator)
        for _ in range(length):
            logits, _ = model.output(tuple(h[None, None] for h in hidden))
            p = torch.softmax(logits[0, -1] / temperature, -1)
            code = int(torch.multinomial(p, 1, generator=generator))
            yield code
            hidden = stepper.step(model.embedding.weight[code], generator=generator)

    return draws()
