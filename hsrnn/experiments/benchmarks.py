"""Speed of the HM-LSTM beside ``torch.nn.LSTM``: what ``hsrnn bench NAME`` runs.

A benchmark yields one dictionary a variant: ``name``, medians ``ours`` and ``reference`` of runs taken in
alternation in this process, ``unit``, ``ratio`` (reference / ours: above 1 we are faster),
``multiplications`` counted, and ``what``.

How fast an HM-LSTM is depends on how often its boundaries fire, and how wide a band of them takes gradients.
For "trained", both must be those of a trained model of the size in question. So the shipped checkpoint is
widened without changing what it computes: every unit is replaced by ``k`` copies of itself, each hearing a
``k``-th of every input. Layer norms, gates and boundaries then come out the same, so a model of 3 x 128 units
becomes one of 3 x 512 that fires at the same letters with the same pre-activations. It reads text that the
checkpoint wrote itself, after a start of one chunk, so that no data set is needed. Where the input is text,
both sides of a comparison read rows of the same embedding and give its gradient.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from hsrnn import hmrnn, ledger
from hsrnn.experiments import (
    automata_benchmarks,
    coarse_benchmarks,
    evolving_benchmarks,
    sketches_benchmarks,
)
from hsrnn.experiments.hmrnn_language import load_model
from hsrnn.experiments.timing import alternate, threads
from hsrnn.hmrnn import Embedded, Stepper, fast_forward

CHECKPOINT = "hmrnn-language-ptb"
THREADS = 2


def widen(core: hmrnn.HMLSTM, factor: int, input_factor: int) -> hmrnn.HMLSTM:
    """Return a core of ``factor`` times the units that fires like ``core`` on inputs repeated
    ``input_factor`` times.

    Hidden states are those of ``core``, repeated ``factor`` times.
    """
    first = core.cells[0]
    wide = hmrnn.HMLSTM(
        core.input_size * input_factor,
        tuple(factor * units for units in core.hidden_sizes),
        boundary=first.boundary,
        layer_norm=first.gate_norm is not None,
        top_layer=first.top_layer,
        top_down=core.top_down,
    )
    wide.slope = core.slope
    with torch.no_grad():
        for narrow_cell, wide_cell in zip(core.cells, wide.cells):
            for name, weight in narrow_cell.named_parameters():
                # Rows: every gate's block repeated, the row of z~ (where there is one) as it is.
                blocks = weight.split(narrow_cell.hidden_size)
                repeats = [factor if len(block) == narrow_cell.hidden_size else 1 for block in blocks]
                rows = torch.cat([torch.cat([block] * times) for block, times in zip(blocks, repeats)])
                if weight.ndim == 2:
                    columns = input_factor if name == "bottom_up" and narrow_cell is first else factor
                    rows = rows.repeat(1, columns) / columns
                wide_cell.get_parameter(name).copy_(rows)
    return wide


@torch.no_grad()
def write(model: hmrnn.CharLanguageModel, rows: int, length: int, *, seed: int = 0) -> Tensor:
    """Return ``(rows, length)`` codes drawn from ``model``, all rows at once."""
    generator = torch.Generator().manual_seed(seed)
    codes, state, steps = torch.randint(model.vocabulary_size, (rows, 1), generator=generator), None, []
    for _ in range(length):
        output, state = model(codes, state, generator=generator)
        codes = torch.multinomial(torch.softmax(output.logits[:, -1], -1), 1, generator=generator)
        steps.append(codes)
    return torch.cat(steps, 1)


def trained(
    factor: int, rows: int, length: int, *, shift: float = 0.0
) -> tuple[hmrnn.HMLSTM, Embedded, Any]:
    """Return the widened checkpoint, a text of ``rows`` times ``length`` letters for it, and the state before
    that text; ``shift`` is added to every boundary's pre-activation, so that it fires more or less often."""
    model, _, _ = load_model(CHECKPOINT)
    with torch.no_grad():
        for cell in model.core.cells[:-1]:
            cell.bias[-1] += shift
    text = write(model, rows, 2 * length)
    core = widen(model.core, factor, 2)
    table = model.embedding.weight.detach().repeat(1, 2)
    with torch.no_grad():
        start = Embedded(text[:, :length], table)
        _, state = fast_forward(core, start, generator=torch.Generator().manual_seed(0))
    return core, Embedded(text[:, length:], table), state


def lstm_multiplications(columns: int, sizes: tuple[int, ...]) -> int:
    """Return the multiplications of one step of one row through a stack of LSTM layers, forward."""
    return sum(4 * n * (below + n) for n, below in zip(sizes, (columns, *sizes[:-1])))


def backpropagate(hidden: tuple[Tensor, ...]) -> None:
    """Run backward from a loss that wants every hidden state of every layer."""
    torch.autograd.backward(hidden, [torch.ones_like(h) for h in hidden])


def train(
    *, units: int = 512, rows: int = 64, length: int = 100, repeats: int = 7
) -> Iterator[dict[str, Any]]:
    """Time forward and backward of one chunk. ``units`` must be a multiple of the checkpoint's 128."""
    what = f"forward + backward of 3 x {units} units, batch {rows}, {length} steps, {THREADS} threads"
    core, input, state = trained(units // 128, rows, length)
    name = "hmrnn.train"
    widened = f"{what}; the shipped checkpoint widened, layer norm included"
    yield _train(f"{name}/trained", core, input, state, repeats, widened)
    core.slope = 5.0
    annealed = f"{widened}, at the last slope of annealing"
    yield _train(f"{name}/trained-slope-5", core, input, state, repeats, annealed)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(rows, length, 128, generator=generator)
    for layer_norm, variant in ((False, "fresh"), (True, "fresh-layer-norm")):
        core = hmrnn.HMLSTM(128, (units,) * 3, layer_norm=layer_norm)
        random = f"{what}; fresh random weights that read noise"
        yield _train(f"{name}/{variant}", core, noise, core.initial_state(rows), repeats, random)


def cost(
    *,
    units: Sequence[int] = (128, 256, 512, 1024),
    rows: Sequence[int] = (1, 16, 64, 256),
    shifts: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0),
    length: int = 100,
    repeats: int = 3,
) -> Iterator[dict[str, Any]]:
    """Time forward and backward over sizes: one line for each of ``units`` at 64 rows, of ``rows`` at 512
    units, and of ``shifts`` of the boundaries' pre-activations at both.

    ``units`` must be multiples of the checkpoint's 128. One thread and processor time, so that the ratio of
    times can be held against the ratio of multiplications, and other programs disturb it less.
    """
    settings = dict.fromkeys(
        [*((u, 64, 0.0) for u in units), *((512, r, 0.0) for r in rows), *((512, 64, s) for s in shifts)]
    )
    for size, batch, shift in settings:
        core, input, state = trained(size // 128, batch, length, shift=shift)
        what = f"forward + backward of 3 x {size} units, batch {batch}, {length} steps, "
        what += "processor time of 1 thread; "
        what += f"the shipped checkpoint widened, boundaries' pre-activations shifted by {shift:g}"
        name = f"hmrnn.cost/{size}-{batch}-{shift:g}"
        line = _train(name, core, input, state, repeats, what, alone=True)
        yield line | {
            "units": size, "rows": batch, "shift": shift, "length": length, "types": len(input.table),
            "machine": ledger.machine(), "versions": ledger.versions(),
        }  # fmt: skip


def _train(
    name: str,
    core: hmrnn.HMLSTM,
    input: Tensor | Embedded,
    state: Any,
    repeats: int,
    what: str,
    alone: bool = False,
) -> dict[str, Any]:
    """Time one setting; ``alone``: on one thread, in seconds of processor time."""
    lstm = hmrnn.LSTMCore(core.input_size, core.hidden_sizes)
    if isinstance(input, Embedded):
        input = Embedded(input.codes, input.table.clone().requires_grad_())
    else:
        input = input.clone().requires_grad_()
    counter: Counter[str] = Counter()
    output, _ = fast_forward(core, input, state, counter=counter)
    backpropagate(output.hidden)
    rates = output.boundaries.detach().mean((0, 1)).tolist()
    with threads(1 if alone else THREADS):
        ours, reference = alternate(
            lambda: backpropagate(fast_forward(core, input, state)[0].hidden),
            lambda: backpropagate(lstm(_dense(input))[0].hidden),
            repeats,
            clock=time.process_time if alone else time.perf_counter,
        )
    total = 3 * input.shape[0] * input.shape[1] * lstm_multiplications(core.input_size, core.hidden_sizes)
    return {
        "name": name,
        "ours": ours, "reference": reference, "unit": "s", "ratio": reference / ours,
        "multiplications": _shares(counter, total),
        "boundary_rates": rates,
        "what": f"{what}. Reference: a stack of torch.nn.LSTM layers of equal sizes",
    }  # fmt: skip


def generate(*, units: int = 512, steps: int = 300, repeats: int = 5) -> Iterator[dict[str, Any]]:
    """Time ``steps`` steps of one row, one at a time, and compare with the dense loop.

    Raises:
        RuntimeError: if any boundary or hidden state differs from the loop's.
    """
    core, input, state = trained(units // 128, 1, steps)
    lstm = torch.nn.LSTM(core.input_size, units, num_layers=3)
    counter: Counter[str] = Counter()
    stepper = Stepper(core, state, counter=counter)
    letters = input.dense()[0]
    with torch.no_grad():
        hidden = [torch.stack(layer) for layer in zip(*(stepper.step(x) for x in letters))]
        operations, dense, after = [], ([], [], []), state
        for x in letters:
            output, after = core.loop(x[None, None], after)
            operations.append(output.operations[0, 0].tolist())
            for kept, h in zip(dense, output.hidden):
                kept.append(h[0, 0])
    difference = max(float((a - torch.stack(b)).abs().max()) for a, b in zip(hidden, dense))
    if difference > 1e-5:
        raise RuntimeError(f"sparse and dense steps differ by {difference}")

    def ours() -> None:
        again = Stepper(core, state)
        for x in letters:
            again.step(x)

    @torch.no_grad()
    def reference() -> None:
        memory = None
        for x in letters:
            _, memory = lstm(x[None, None], memory)

    with threads(THREADS):
        seconds = alternate(ours, reference, repeats)
    total = steps * lstm_multiplications(core.input_size, core.hidden_sizes)
    copied = torch.tensor(operations).eq(hmrnn.COPY).float().mean(0).tolist()
    yield {
        "name": "hmrnn.generate/trained", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "multiplications": _shares(counter, total),
        "copy_rates": copied, "largest_difference": difference,
        "what": f"{steps} single steps of one row through 3 x {units} units, {THREADS} threads; the shipped "
        "checkpoint widened; hidden states equal to the dense loop's. Reference: torch.nn.LSTM(num_layers=3) "
        "step by step",
    }  # fmt: skip


def _dense(input: Tensor | Embedded) -> Tensor:
    return input.dense() if isinstance(input, Embedded) else input


def _shares(counter: Counter[str], reference: int) -> dict[str, int | float]:
    ours = counter.total()
    return {**counter, "ours": ours, "reference": reference, "share": ours / reference}


BENCHMARKS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "hmrnn.train": train,
    "hmrnn.generate": generate,
    "hmrnn.cost": cost,
    **automata_benchmarks.BENCHMARKS,
    **coarse_benchmarks.BENCHMARKS,
    **evolving_benchmarks.BENCHMARKS,
    **sketches_benchmarks.BENCHMARKS,
}
