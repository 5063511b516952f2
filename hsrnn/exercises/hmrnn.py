"""Checkers of the exercises of the chapters on the HM-LSTM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.exercises.verdict import Wrong, array_of, call, drawn, tensor_of
from hsrnn.hmrnn import (
    FLUSH,
    HMLSTM,
    OPERATION_NAMES,
    CellState,
    HMLSTMCell,
    count_operations,
    step_boundary,
)
from hsrnn.hmrnn.cell import select_cell

LETTERS = 12
"""Letters of the text in exercise 01.2."""


def operations_from_boundaries(answer: Any, random: np.random.Generator) -> str:
    """01.1: a function from boundaries `(T, L - 1)` to operations `(T, L)`, against a forced network."""
    for _ in range(8):
        length, layers = int(random.integers(1, 15)), int(random.integers(2, 6))
        z = random.integers(0, 2, (length, layers - 1))
        what = f"The operations for {length} letters and {layers} layers"
        found = array_of(call(answer, z.copy()), (length, layers), what)
        core = HMLSTM(1, (1,) * layers).double()
        forced = torch.from_numpy(z).double()[None]
        output, _ = core(drawn(random, 1, length, 1), forced_boundaries=forced)
        expected = output.operations[0].numpy()
        if (found != expected).any():
            t, l = np.argwhere(found != expected)[0]
            raise Wrong(
                f"With {layers} layers, layer {l + 1} should {OPERATION_NAMES[expected[t, l]]} (code "
                f"{expected[t, l]}) at letter {t + 1}, but the answer has {found[t, l]:g}. "
                f"The boundaries were {z.tolist()}."
            )
    return "A network with those boundaries does the same, for 2 to 5 layers."


def half_saved(answer: Any, random: np.random.Generator) -> str:
    """01.2: boundaries `(12, 2)` with which half of the layer steps are copies and layer 2 flushes twice."""
    z = array_of(answer, (LETTERS, 2), f"The boundaries of {LETTERS} letters and two layers")
    if not np.isin(z, (0, 1)).all():
        raise Wrong("A boundary is 0 or 1.")
    core = HMLSTM(3, (2, 2, 2), seed=int(random.integers(1000))).double()
    output, _ = core(drawn(random, 1, LETTERS, 3), forced_boundaries=torch.from_numpy(z)[None])
    counts = count_operations(output.operations[0])
    copies, flushes = int(counts.counts[:, 0].sum()), int(counts.counts[1, FLUSH])
    if copies * 2 != 3 * LETTERS or flushes != 2:
        raise Wrong(
            f"With these boundaries {copies} of the {3 * LETTERS} layer steps are copies and layer 2 flushes "
            f"{flushes} times; {3 * LETTERS // 2} copies and 2 flushes are asked for."
        )
    return f"{copies} of {3 * LETTERS} layer steps are copies, and layer 2 flushes twice."


def forgotten_past(answer: Any, random: np.random.Generator) -> str:
    """01.3: a function from a state about to FLUSH to another one that makes no difference afterwards."""
    for _ in range(8):
        units, columns, above = (int(n) for n in random.integers(1, 6, 3))
        cell = HMLSTMCell(columns, units, above, generator=_generator(random)).double()
        ones = torch.ones(3, 1, dtype=torch.float64)
        state = CellState(drawn(random, 3, units), drawn(random, 3, units), ones)
        other = call(answer, CellState(*(part.clone() for part in state)))
        if not isinstance(other, CellState):
            raise Wrong(f"The answer should return a CellState, got a {type(other).__name__}.")
        named = zip(state._fields, other, state)
        parts = [tensor_of(part, tuple(old.shape), name) for name, part, old in named]
        if all(torch.equal(part, old) for part, old in zip(parts, state)):
            raise Wrong("The state that came back is the one that went in; another one is asked for.")
        if not torch.equal(other.boundary, state.boundary):
            raise Wrong("The boundary changed: without it the layer does not flush at all.")
        inputs = (drawn(random, 3, columns), ones)
        heard = drawn(random, 3, above)
        with torch.no_grad():
            (one, s_one), (two, s_two) = cell(*inputs, state, heard), cell(*inputs, other, heard)
        for name, a, b in zip((*state._fields, "pre-activation of z"), (*one, s_one), (*two, s_two)):
            if not torch.equal(a, b):
                gap = (a - b).abs().max().item()
                raise Wrong(f"After the FLUSH the two pasts still differ: {name} by up to {gap:.2g}.")
    return "After the FLUSH the two pasts are the same to the last bit."


def straight_through(answer: Any, random: np.random.Generator) -> str:
    """02.1: the gradient that a step boundary passes back, as a function of s and the slope."""
    for slope in (1.0, float(random.uniform(1, 2)), float(random.uniform(2, 5)), 5.0):
        # Twice the band, so that about half of the values lie outside.
        values = random.uniform(-2 / slope, 2 / slope, 200)
        s = torch.from_numpy(values).requires_grad_()
        (expected,) = torch.autograd.grad(step_boundary(s, slope).sum(), s)
        found = array_of(call(answer, values.copy(), slope), (200,), "The gradient at 200 values of s")
        wrong = np.flatnonzero(~np.isclose(found, expected.numpy(), rtol=1e-6, atol=1e-9))
        if len(wrong):
            k = wrong[0]
            raise Wrong(
                f"At s = {values[k]:.3f} with slope {slope:.2f} the package passes "
                f"{expected[k].item():.3f} back, your function says {found[k]:.3f}."
            )
    return "It equals the package at 800 random values in the band and outside."


def parameter_count(answer: Any, random: np.random.Generator) -> str:
    """02.2: the number of parameters of an HM-LSTM from its sizes."""
    for layers in (2, 3, 4, 5):
        sizes = tuple(int(n) for n in random.integers(1, 9, layers))
        columns = int(random.integers(1, 9))
        expected = sum(weight.numel() for weight in HMLSTM(columns, sizes).parameters())
        found = float(array_of(call(answer, columns, sizes), (), "The number of parameters"))
        if found != expected:
            raise Wrong(f"HMLSTM({columns}, {sizes}) has {expected} parameters, the formula gives {found:g}.")
    return "It counts all parameters of four networks of 2 to 5 layers."


def selection(answer: Any, random: np.random.Generator) -> str:
    """02.3: the choice of operation written in the two boundaries: values, exact copies and gradients."""
    shape = (500, 4)
    f, i = _gate(random, *shape), _gate(random, *shape)
    g, cell = drawn(random, *shape).tanh(), drawn(random, *shape)
    own, below = (torch.from_numpy(random.uniform(0, 1, (500, 1))).requires_grad_() for _ in range(2))
    hard = [torch.from_numpy(random.integers(0, 2, (500, 1))).double() for _ in range(2)]
    found = tensor_of(call(answer, *hard, f, i, g, cell), shape, "The new cell")
    if not torch.allclose(found, _selected(*hard, f, i, g, cell), rtol=0, atol=1e-12):
        raise Wrong("For boundaries of 0 and 1 the values differ from the table COPY, UPDATE, FLUSH.")
    found = tensor_of(call(answer, own, below, f, i, g, cell), shape, "The new cell")
    weight = drawn(random, *shape)
    theirs = torch.autograd.grad((_selected(own, below, f, i, g, cell) * weight).sum(), (own, below))
    if not found.requires_grad:
        raise Wrong("The values are right, but no gradient reaches the boundaries: nothing can be learnt.")
    ours = torch.autograd.grad((found * weight).sum(), (own, below), allow_unused=True)
    for name, mine, right in zip(("the own boundary", "the boundary below"), ours, theirs):
        if mine is None or not torch.allclose(mine, right, rtol=1e-9, atol=1e-9):
            raise Wrong(f"The values are right, but not the gradient that reaches {name}.")
    single = [part.float() for part in (f, i, g, cell)]
    zero = torch.zeros(500, 1, dtype=torch.float32)
    copied = tensor_of(call(answer, zero, zero, *single), shape, "The new cell")
    exact = (copied == single[3]).double().mean().item()
    if exact < 1:
        raise Wrong(f"All right but one thing: in float32 only {exact:.0%} of the copies are exact.")
    return "Values, gradients and exact copies are as they should be."


def _selected(own: torch.Tensor, below: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
    return select_cell(own, (1 - own) * below, (1 - own) * (1 - below), *rest)


def _gate(random: np.random.Generator, *shape: int) -> torch.Tensor:
    return drawn(random, *shape).sigmoid()


def _generator(random: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(random.integers(2**31)))


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "hmrnn.01.1": operations_from_boundaries,
    "hmrnn.01.2": half_saved,
    "hmrnn.01.3": forgotten_past,
    "hmrnn.02.1": straight_through,
    "hmrnn.02.2": parameter_count,
    "hmrnn.02.3": selection,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
