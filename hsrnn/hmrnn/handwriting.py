"""Handwriting: predict the next movement of a pen, with any recurrent core.

Source: Chung, Ahn and Bengio, ICLR 2017, section 4.2. At every step the model reads where the pen went,
``(dx, dy, pen)``, and says with a mixture density where it goes next (:mod:`~hsrnn.hmrnn.mixture`); between
the two stand the same core and gated output module as in the language model. Each line is read from a
zero state, one row that stands for "before the line" first (:func:`before_line`), so that its first movement
is predicted too. Its score is the log-likelihood of the WHOLE line in nats, pen included (decision D9); over
many lines the mean is taken over lines, not over points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from .fast_step import Stepper
from .language import GatedOutput
from .mixture import StrokeMixture, mixture_of
from .model import HMLSTM, CoreOutput

COLUMNS = 3  # dx, dy, pen
FIRST_SCALE = 0.6  # what softplus is applied to at the start, as in Chung's earlier handwriting code


class HandwritingOutput(NamedTuple):
    """What the model says at every time step: the ``mixture`` of the NEXT row, each field ``(batch, time,
    ...)``, output ``gates`` ``(batch, time, layers)`` in (0, 1), and the core's own output."""

    mixture: StrokeMixture
    gates: Tensor
    core: CoreOutput


class HandwritingModel(nn.Module):
    """Predict the next row of a line: recurrent core -> gated output module -> mixture density.

    Args:
        core: :class:`~hsrnn.hmrnn.model.HMLSTM` or any core of :mod:`hsrnn.hmrnn.cores`, of input size 3.
        output_size: width of the output embedding.
        mixtures: number of Gaussians.
        smallest_scale: what every standard deviation stays above, in standardised units.
        seed: seed of the initial weights outside the core.

    Raises:
        ValueError: for a core of another input size, or fewer than 1 Gaussian.
    """

    def __init__(
        self,
        core: nn.Module,
        output_size: int,
        *,
        mixtures: int = 20,
        smallest_scale: float = 1e-4,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if core.input_size != COLUMNS:
            raise ValueError(f"the core must read rows of width 3 (dx, dy, pen), got {core.input_size}")
        if mixtures < 1:
            raise ValueError(f"mixtures must be at least 1, got {mixtures}")
        generator = torch.Generator().manual_seed(seed)
        self.core, self.mixtures, self.smallest_scale = core, mixtures, smallest_scale
        self.output = GatedOutput(core.hidden_sizes, output_size, 6 * mixtures + 1, generator=generator)
        self.output.softmax.bias.data[3 * mixtures : 5 * mixtures] = FIRST_SCALE

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.output.bias.device

    def initial_state(self, batch: int) -> Any:
        """Return the core's all-zero state for ``batch`` rows."""
        return self.core.initial_state(batch)

    def forward(
        self, strokes: Float[Tensor, "batch time columns"], state: Any = None, **core_options: Any
    ) -> tuple[HandwritingOutput, Any]:
        """Read rows ``(batch, time, 3)`` and predict after each of them.

        Args:
            strokes: rows read: dx, dy standardised, pen 0 or 1.
            state: state to start from, zeros if ``None``.
            core_options: passed to the core (``generator``; ``forced_boundaries`` for an HM-LSTM).

        Returns:
            :class:`HandwritingOutput` and the state after the last row.
        """
        core, state = self.core(strokes, state, **core_options)
        output, gates = self.output(core.hidden)
        return HandwritingOutput(mixture_of(output, smallest_scale=self.smallest_scale), gates, core), state

    def log_likelihood(
        self, lines: Float[Tensor, "batch time columns"], lengths: Int[Tensor, " batch"], **core_options: Any
    ) -> tuple[Tensor, HandwritingOutput]:
        """Return the log-likelihood of each whole line in nats, ``(batch,)``, and what the model said.

        Args:
            lines: padded lines, as :func:`padded` makes them.
            lengths: rows of each line, 1 to time; what stands behind them does not count.
            core_options: passed to the core.

        Returns:
            The log-likelihoods; and the output of ``time + 1`` steps, the first after :func:`before_line` and
            step t + 1 after row t, so that boundaries ``[:, 1:]`` stand beside the rows.

        Raises:
            ValueError: for lengths that do not fit the lines.
        """
        if lengths.shape != lines.shape[:1] or int(lengths.min()) < 1 or int(lengths.max()) > lines.shape[1]:
            raise ValueError(
                f"lengths must be one a line, from 1 to {lines.shape[1]}, got {lengths.tolist()[:8]}"
            )
        first = before_line(lines).expand(len(lines), 1, COLUMNS)
        output, _ = self(torch.cat((first, lines), 1), **core_options)
        said = StrokeMixture(*(part[:, :-1] for part in output.mixture))
        inside = torch.arange(lines.shape[1], device=lines.device) < lengths[:, None]
        return torch.where(inside, said.log_density(lines), 0.0).sum(1), output


def before_line(like: Tensor) -> Tensor:
    """Return the row ``(3,)`` that is read before every line, dtype and device as ``like``: no movement, and
    a pen that has just been lifted.

    A row of zeros would not do: with layer norm, a zero input to a zero state makes a zero pre-activation,
    and the norm of a zero vector multiplies its gradient by 316 in each layer.
    """
    return like.new_tensor((0.0, 0.0, 1.0))


def padded(
    lines: Sequence[NDArray[np.floating]],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Put lines ``(T_i, 3)`` side by side, zeros behind the shorter ones: ``(batch, time, 3)`` and their
    lengths ``(batch,)``.

    Raises:
        ValueError: for no line, or a line that is not ``(T, 3)`` with T at least 1.
    """
    if not lines or any(line.ndim != 2 or line.shape[1] != COLUMNS or not len(line) for line in lines):
        shapes = [line.shape for line in lines][:8]
        raise ValueError(f"lines must be at least one, each (T, 3) with T at least 1, got shapes {shapes}")
    lengths = [len(line) for line in lines]
    batch = np.zeros((len(lines), max(lengths), COLUMNS), np.float64)
    for row, line in zip(batch, lines):
        row[: len(line)] = line
    return torch.from_numpy(batch).to(device, dtype), torch.tensor(lengths, device=device)


@dataclass(frozen=True)
class LinesScore:
    """Score over many lines, and what the core did there.

    Attributes:
        log_likelihoods: ``(lines,)`` float64, nats of each whole line.
        points: ``(lines,)`` int64, rows of each line.
        boundaries: one ``(T_i, layers - 1)`` bool array a line, z > 0.5 after reading each row; ``None``
            without boundaries.
        operations: one ``(T_i, layers)`` uint8 array a line; ``None`` likewise.
        gates: ``(layers,)``, means of the output gates over all rows.
        smallest_scale: the smallest standard deviation that was used in a prediction, of any Gaussian.
    """

    log_likelihoods: NDArray[np.float64]
    points: NDArray[np.int64]
    boundaries: tuple[NDArray[np.bool_], ...] | None
    operations: tuple[NDArray[np.uint8], ...] | None
    gates: NDArray[np.float64]
    smallest_scale: float

    @property
    def log_likelihood(self) -> float:
        """Mean over lines, nats a sequence."""
        return float(self.log_likelihoods.mean())

    @property
    def per_point(self) -> float:
        """Nats a point."""
        return float(self.log_likelihoods.sum() / self.points.sum())

    @property
    def boundary_rates(self) -> tuple[float, ...]:
        """Share of rows at which each layer below the top has a boundary; empty without boundaries."""
        return tuple(np.concatenate(self.boundaries).mean(0).tolist()) if self.boundaries else ()


@torch.no_grad()
def evaluate_lines(
    model: HandwritingModel, lines: Sequence[NDArray[np.floating]], *, rows: int = 32, seed: int = 0
) -> LinesScore:
    """Score a model over lines ``(T_i, 3)``, each from a zero state.

    Args:
        model: the model; its mode (train, eval) is left as it is.
        lines: what to predict; batched by length, reported in the order given.
        rows: lines read side by side; bounds the memory, changes nothing else.
        seed: seed of the draws of ``"sample"`` boundaries.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    order = sorted(range(len(lines)), key=lambda k: len(lines[k]))
    nats, boundaries, operations = np.zeros(len(lines)), {}, {}
    gates, smallest = np.zeros(len(model.core.hidden_sizes)), float("inf")
    for start in range(0, len(lines), rows):
        chosen = order[start : start + rows]
        batch, lengths = padded([lines[k] for k in chosen], model.device, model.output.bias.dtype)
        likelihoods, output = model.log_likelihood(batch, lengths, generator=generator)
        nats[chosen] = likelihoods.double().cpu()
        for row, k in enumerate(chosen):
            inside = slice(1, len(lines[k]) + 1)
            gates += output.gates[row, inside].double().sum(0).cpu().numpy()
            smallest = min(smallest, float(output.mixture.scales[row, : len(lines[k])].min()))
            if output.core.boundaries is not None and output.core.operations is not None:
                boundaries[k] = (output.core.boundaries[row, inside] > 0.5).cpu().numpy()
                operations[k] = output.core.operations[row, inside].cpu().numpy()
    points = np.array([len(line) for line in lines])
    return LinesScore(
        nats,
        points,
        tuple(boundaries[k] for k in range(len(lines))) if boundaries else None,
        tuple(operations[k] for k in range(len(lines))) if operations else None,
        gates / points.sum(),
        smallest,
    )


class DrawnLine(NamedTuple):
    """A line that a model wrote: ``strokes`` ``(time, 3)``, and, where the core has boundaries, z ``(time,
    layers - 1)`` bool and ``operations`` ``(time, layers)`` uint8 after each row."""

    strokes: Tensor
    boundaries: Tensor | None
    operations: Tensor | None


@torch.no_grad()
def draw_line(
    model: HandwritingModel,
    length: int,
    *,
    sharpness: float = 0.0,
    prompt: Tensor | None = None,
    generator: torch.Generator | None = None,
    numbers: Float[Tensor, "time 4"] | None = None,
) -> DrawnLine:
    """Let a model write ``length`` rows, one after the other.

    An HM-LSTM with ``"step"`` or ``"sample"`` boundaries goes by :class:`~hsrnn.hmrnn.fast_step.Stepper`, in
    which a layer that copies costs nothing.

    Args:
        model: the model, on the CPU.
        length: rows to draw, at least 1.
        sharpness: 0 draws from the model's density; above 0 the writing is tidier and less varied.
        prompt: rows ``(time, 3)`` read first, e.g. somebody's hand; they are not part of the result.
        generator: source of the draws.
        numbers: the draws themselves, ``(length, 4)``, as :meth:`~hsrnn.hmrnn.StrokeMixture.place` takes
            them, in place of a generator.

    Raises:
        ValueError: for a length below 1, a negative sharpness, a prompt or numbers of another shape, or
            neither generator nor numbers.
    """
    if numbers is None and generator is None:
        raise ValueError("give a generator or the numbers to draw with")
    if numbers is not None and numbers.shape != (length, 4):
        raise ValueError(f"numbers must be ({length}, 4), got {tuple(numbers.shape)}")
    if length < 1:
        raise ValueError(f"length must be at least 1 row, got {length}")
    if prompt is not None and (prompt.ndim != 2 or prompt.shape[1] != COLUMNS):
        raise ValueError(f"prompt must be (time, 3), got {tuple(prompt.shape)}")
    reader = _reader(model, generator)
    output, _ = reader(before_line(model.output.bias))
    for row in () if prompt is None else prompt:
        output, _ = reader(row)
    strokes, done = [], []
    for t in range(length):
        density = mixture_of(output, smallest_scale=model.smallest_scale).sharpened(sharpness)
        strokes.append(density.draw(generator) if numbers is None else density.place(numbers[t]))
        output, did = reader(strokes[-1])
        done.append(did)
    if done[0] is None:
        return DrawnLine(torch.stack(strokes), None, None)
    return DrawnLine(torch.stack(strokes), *(torch.stack(part) for part in zip(*done)))


def _reader(model: HandwritingModel, generator: torch.Generator | None) -> Any:
    """Return a function that reads one row and returns the network's output ``(6 K + 1,)`` and what the core
    did: boundaries and operations, or ``None``."""
    if isinstance(model.core, HMLSTM) and model.core.cells[0].boundary != "soft":
        stepper = Stepper(model.core)

        def step(row: Tensor) -> tuple[Tensor, Any]:
            hidden = stepper.step(row, generator=generator)
            did = torch.tensor(stepper.boundary[:-1]), torch.tensor(stepper.operations, dtype=torch.uint8)
            return model.output(tuple(h[None, None] for h in hidden))[0][0, 0], did

        return step
    state: Any = None

    def read(row: Tensor) -> tuple[Tensor, Any]:
        nonlocal state
        core, state = model.core(row[None, None], state, generator=generator)
        did = None
        if core.boundaries is not None and core.operations is not None:
            did = core.boundaries[0, 0] > 0.5, core.operations[0, 0]
        return model.output(core.hidden)[0][0, 0], did

    return read
