"""The fast path against the readable loop: equal values and equal gradients, whatever the options."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hsrnn.hmrnn import fast_memory
from hsrnn.hmrnn.cell import CellState
from hsrnn.hmrnn.fast import fast_forward
from hsrnn.hmrnn.fast_step import Stepper, fast_generate
from hsrnn.hmrnn.language import CharLanguageModel, generate
from hsrnn.hmrnn.model import HMLSTM, Embedded

BATCH, TIME, COLUMNS = 4, 7, 3

# Checked types would make these many small calls several times slower; the loop is the better check.
pytestmark = pytest.mark.usefixtures("plain_calls")


def a_core(
    sizes: tuple[int, ...], *, scale: float = 0.3, seed: int = 0, slope: float = 1.0, **options: object
) -> HMLSTM:
    """A model whose biases, gains and weights are all away from their round initial values."""
    core = HMLSTM(COLUMNS, sizes, seed=seed, **options).double()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in core.parameters():
            weight += scale * torch.randn(weight.shape, generator=draw, dtype=weight.dtype)
    core.slope = slope
    return core


def a_state(core: HMLSTM, batch: int, draw: torch.Generator) -> tuple[CellState, ...]:
    """A state in the middle of a text: some boundaries have just fired."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=core.cells[0].bias.dtype)

    states = []
    for n, cell in zip(core.hidden_sizes, core.cells):
        h, c, s = normal(batch, n), normal(batch, n), normal(batch, 1)
        states.append(CellState(h, c, ((s > 0) & (not cell.is_top)).to(s.dtype)))
    return tuple(states)


def run(
    forward: Callable,
    core: HMLSTM,
    input: Tensor | Embedded,
    state: tuple[CellState, ...] | None,
    seed: int,
    forced: Tensor | None,
) -> tuple[list[Tensor], list[Tensor | None], Tensor]:
    """Return all outputs, all gradients of a loss that uses every output unevenly, and the operations."""
    if isinstance(input, Embedded):
        leaf = input.table.clone().requires_grad_()
        input = Embedded(input.codes, leaf)
    else:
        input = leaf = input.clone().requires_grad_()
    if state is not None:
        state = tuple(CellState(*(part.clone().requires_grad_() for part in layer)) for layer in state)
    core.zero_grad()
    draws = torch.Generator().manual_seed(seed)
    output, after = forward(core, input, state, forced_boundaries=forced, generator=draws)
    values = [*output.hidden, output.boundaries, output.preactivations]
    values += [part for layer in after for part in layer]
    weigh = torch.Generator().manual_seed(seed + 1)
    loss = torch.zeros((), dtype=leaf.dtype)
    for value in values:
        weights = torch.randn(value.shape, generator=weigh, dtype=torch.float64).to(value.dtype)
        # Ragged: much of what comes out has no say in the loss.
        loss = loss + (value * weights * (torch.rand(value.shape, generator=weigh) > 0.5)).sum()
    loss.backward()
    leaves = [leaf, *(part for layer in state or () for part in layer), *core.parameters()]
    # The generators must have run equally far.
    values.append(torch.rand(1, generator=draws, dtype=torch.float64))
    return [value.detach() for value in values], [leaf.grad for leaf in leaves], output.operations


def assert_equal(
    core: HMLSTM, input: Tensor | Embedded, state: tuple[CellState, ...] | None = None, *, seed: int = 0,
    forced: Tensor | None = None, tolerance: float = 1e-10,
) -> None:  # fmt: skip
    """Compare loop and fast path; the tolerance is relative to the largest entry of each tensor."""
    slow = run(HMLSTM.loop, core, input, state, seed, forced)
    fast = run(fast_forward, core, input, state, seed, forced)
    assert torch.equal(slow[2], fast[2])
    for k, (a, b) in enumerate(zip(slow[0] + slow[1], fast[0] + fast[1], strict=True)):
        # What takes no part gets None from one and zeros from the other.
        a, b = (torch.zeros(()) if x is None else x for x in (a, b))
        scale = 1 + float(a.abs().max())
        assert float((a - b).abs().max()) <= tolerance * scale, f"tensor {k}"


@pytest.mark.parametrize("boundary", ["step", "sample", "soft"])
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("sizes", [(5, 7), (6, 3, 5), (4, 6, 3, 5)])
def test_equals_the_loop(boundary: str, layer_norm: bool, sizes: tuple[int, ...]) -> None:
    draw = torch.Generator().manual_seed(1)
    for top_layer, top_down, slope, forcing in itertools.product(
        ("copy", "author"), (True, False), (1.0, 5.0), (False, True)
    ):
        core = a_core(
            sizes,
            slope=slope,
            boundary=boundary,
            layer_norm=layer_norm,
            top_layer=top_layer,
            top_down=top_down,
        )
        input = torch.randn(BATCH, TIME, COLUMNS, generator=draw, dtype=torch.float64)
        forced = None
        if forcing:
            forced = torch.randint(0, 2, (BATCH, TIME, len(sizes) - 1), generator=draw).double()
            forced[torch.rand(forced.shape, generator=draw) > 0.5] = torch.nan
        assert_equal(core, input, a_state(core, BATCH, draw), forced=forced)


@settings(max_examples=60, deadline=None)
@given(
    boundary=st.sampled_from(["step", "sample", "soft"]),
    layer_norm=st.booleans(),
    top=st.sampled_from(["copy", "author"]),
    top_down=st.booleans(),
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    batch=st.integers(1, 6),
    time=st.integers(1, 20),
    slope=st.floats(1, 20),
    bias=st.floats(-2, 2),
    rate=st.sampled_from([None, 0.0, 0.1, 0.9, 1.0]),
    fresh=st.booleans(),
    kinds=st.sampled_from([None, 1, 3]),
    seed=st.integers(0, 1000),
)
def test_equals_the_loop_for_any_shape(
    boundary, layer_norm, top, top_down, sizes, batch, time, slope, bias, rate, fresh, kinds, seed
) -> None:
    core = a_core(
        tuple(sizes), seed=seed, slope=slope,
        boundary=boundary, layer_norm=layer_norm, top_layer=top, top_down=top_down,
    )  # fmt: skip
    with torch.no_grad():
        for cell in core.cells[:-1]:
            cell.bias[-1] += bias
    draw = torch.Generator().manual_seed(seed)
    input = torch.randn(batch, time, COLUMNS, generator=draw, dtype=torch.float64)
    if kinds is not None:
        table = torch.randn(kinds, COLUMNS, generator=draw, dtype=torch.float64)
        input = Embedded(torch.randint(0, kinds, (batch, time), generator=draw), table)
    forced = None
    if rate is not None:
        forced = (torch.rand(batch, time, len(sizes) - 1, generator=draw) < rate).double()
        forced[torch.rand(forced.shape, generator=draw) > 0.7] = torch.nan
    # A layer norm over few units that happen to be nearly equal magnifies rounding, in the loop no less than
    # here.
    tolerance = 1e-6 if layer_norm else 1e-10
    state = None if fresh else a_state(core, batch, draw)
    assert_equal(core, input, state, seed=seed, forced=forced, tolerance=tolerance)


@pytest.mark.parametrize("boundary", ["step", "soft"])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_single_precision_is_as_near_to_double_as_the_loop_is(boundary: str, layer_norm: bool) -> None:
    """Layer norms of nearly constant cells magnify rounding, in the loop no less than here."""
    core = a_core((16, 12, 20), boundary=boundary, layer_norm=layer_norm, scale=0.1, slope=2.0)
    draw = torch.Generator().manual_seed(3)
    input = torch.randn(8, 20, COLUMNS, generator=draw, dtype=torch.float64)
    state = a_state(core, 8, draw)
    with torch.no_grad():
        for weight in core.parameters():
            weight.copy_(weight.float())  # the same numbers in both precisions
        input = input.float().double()
        state = tuple(CellState(*(part.float().double() for part in layer)) for layer in state)
    exact = run(HMLSTM.loop, core, input, state, 0, None)
    core.float()
    single = tuple(CellState(*(part.float() for part in layer)) for layer in state)
    errors = []
    for forward in (HMLSTM.loop, fast_forward):
        rounded = run(forward, core, input.float(), single, 0, None)
        assert torch.equal(rounded[2], exact[2])
        pairs = zip(exact[0][:-1] + exact[1], rounded[0][:-1] + rounded[1])
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        errors.append(max(float((a - b).abs().max() / (1 + a.abs().max())) for a, b in known))
    assert errors[1] <= 1e-5 + 2 * errors[0]
    if not layer_norm:
        assert errors[1] <= 1e-5


def test_boundaries_between_0_and_1_can_be_forced() -> None:
    core = a_core((5, 4, 6), layer_norm=True)
    draw = torch.Generator().manual_seed(4)
    input = torch.randn(BATCH, TIME, COLUMNS, generator=draw, dtype=torch.float64)
    forced = torch.rand(BATCH, TIME, 2, generator=draw, dtype=torch.float64)
    assert_equal(core, input, a_state(core, BATCH, draw), forced=forced)


def test_chunks_may_overlap_in_time_and_memory_goes_round() -> None:
    """Two forward passes before either backward pass, chunk sizes that change, then the same once more."""
    core = a_core((5, 4, 6))
    draw = torch.Generator().manual_seed(5)
    inputs = [torch.randn(3, time, COLUMNS, generator=draw, dtype=torch.float64) for time in (6, 9, 2)]
    for _ in range(2):
        gradients = []
        for forward in (HMLSTM.loop, fast_forward):
            core.zero_grad()
            (first, state), (second, _) = forward(core, inputs[0]), forward(core, inputs[1])
            third, _ = forward(core, inputs[2], state)
            loss = sum(h.pow(2).sum() for output in (second, third, first) for h in output.hidden)
            loss.backward()
            gradients.append([weight.grad.clone() for weight in core.parameters()])
        for a, b in zip(*gradients):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10 * (1 + float(a.abs().max())))
    fast_memory.clear()


@pytest.mark.parametrize("boundary", ["step", "soft"])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_an_input_of_few_kinds_is_multiplied_once_a_kind(boundary: str, layer_norm: bool) -> None:
    core = a_core((5, 4, 6), boundary=boundary, layer_norm=layer_norm)
    draw = torch.Generator().manual_seed(9)
    table = torch.randn(3, COLUMNS, generator=draw, dtype=torch.float64)
    codes = torch.randint(0, 3, (BATCH, TIME), generator=draw)
    assert_equal(core, Embedded(codes, table), a_state(core, BATCH, draw))
    counters = {}
    for name, input in (("dense", table[codes]), ("kinds", Embedded(codes, table))):
        counters[name] = Counter()
        leaf = (input.table if isinstance(input, Embedded) else input).requires_grad_()
        output, _ = fast_forward(core, input, counter=counters[name])
        sum(h.sum() for h in output.hidden).backward()
        assert leaf.grad is not None
    for kind, dense in counters["dense"].items():
        assert dense - counters["kinds"][kind] == (BATCH * TIME - 3) * COLUMNS * 20


def test_a_table_of_many_kinds_is_read_like_any_input() -> None:
    core, counters = a_core((5, 4)), {}
    codes = torch.arange(6).view(2, 3)
    table = torch.randn(6, COLUMNS, dtype=torch.float64)
    for name, input in (("dense", table[codes]), ("kinds", Embedded(codes, table))):
        counters[name] = Counter()
        fast_forward(core, input, counter=counters[name])
    assert counters["dense"] == counters["kinds"]


@pytest.mark.parametrize("way", [HMLSTM.loop, HMLSTM.forward, fast_forward])
def test_a_code_that_the_table_does_not_have_is_refused(way: Callable) -> None:
    table = torch.zeros(4, COLUMNS, dtype=torch.float64)
    for code in (-1, 4):
        codes = torch.full((1, 20), code)
        with pytest.raises(ValueError, match=rf"codes must lie in \[0, 4\), got {code} to {code}"):
            way(a_core((5, 4)), Embedded(codes, table))
    with pytest.raises(ValueError, match=r"input must be \(batch, time, 3\)"):
        way(a_core((5, 4)), Embedded(torch.zeros(1, 20, dtype=torch.long), table[:, 1:]))


def test_without_gradients_only_what_does_not_copy_is_computed() -> None:
    core = a_core((5, 4, 6), layer_norm=True)
    input = torch.randn(6, 10, COLUMNS, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    silent = torch.zeros(6, 10, 2, dtype=torch.float64)
    counts = {}
    for name, forced in (("silent", silent), ("loud", silent + 1)):
        counter: Counter[str] = Counter()
        with torch.no_grad():
            fast, after = fast_forward(core, input, forced_boundaries=forced, counter=counter)
            slow, expected = core.loop(input, forced_boundaries=forced)
        for a, b in zip(fast.hidden, slow.hidden):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
        for a, b in zip(after, expected):
            torch.testing.assert_close(a.cell, b.cell, rtol=0, atol=1e-12)
        counts[name] = counter
    assert set(counts["silent"]) == {"forward"}
    # Silent: layer 1 updates; layers 2 and 3 never leave their zero state, and even its dot products with z~
    # are taken only once.
    ears = 6 * (2 * 5), 6 * (2 * 4 + 1 * 6)
    assert counts["silent"]["forward"] == 60 * 20 * (5 + COLUMNS) + 11 * ears[0] + ears[1]
    # Loud: all products of all layers, but the top-down ones of the first step, before which nothing had
    # fired.
    full = 60 * (20 * (5 + COLUMNS) + 16 * (4 + 5) + 24 * (6 + 4)) + 54 * (20 * 4 + 16 * 6)
    assert counts["loud"]["forward"] == full + 11 * sum(ears)


def test_training_at_rare_boundaries_counts_few_multiplications() -> None:
    core = a_core((8, 8, 8), slope=1e9)
    input = torch.randn(6, 10, COLUMNS, dtype=torch.float64)
    counts = []
    for rate in (0.0, 1.0):
        counter: Counter[str] = Counter()
        forced = torch.full((6, 10, 2), rate).double()
        output, _ = fast_forward(core, input, forced_boundaries=forced, counter=counter)
        sum(h.sum() for h in output.hidden).backward()
        counts.append(counter)
    assert counts[0].keys() == {"forward", "backward, data", "backward, weights"}
    silent, loud = (sum(counter.values()) for counter in counts)
    assert silent < 0.3 * loud


def test_no_gradient_is_made_for_what_wants_none() -> None:
    core = a_core((4, 4)).requires_grad_(False)
    input = torch.randn(2, 3, COLUMNS, dtype=torch.float64)
    output, state = fast_forward(core, input)
    assert not any(h.requires_grad for h in output.hidden)
    assert not output.operations.requires_grad
    assert not state[0].hidden.requires_grad


def test_outputs_share_no_memory_with_the_next_chunk() -> None:
    core = a_core((4, 3))
    for batch, time in ((1, 1), (1, 3), (3, 1)):
        input = torch.randn(batch, time, COLUMNS, dtype=torch.float64)
        with torch.no_grad():
            output, state = fast_forward(core, input)
            shown = [*output.hidden, output.boundaries, *(part for layer in state for part in layer)]
            kept = [x.clone() for x in shown]
            fast_forward(core, -input)
        for a, b in zip(kept, shown):
            assert torch.equal(a, b)


def test_a_second_backward_pass_is_refused() -> None:
    output, _ = fast_forward(a_core((4, 3)), torch.randn(2, 3, COLUMNS, dtype=torch.float64))
    loss = output.hidden[0].sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="one backward pass"):
        loss.backward()


def test_bad_input_is_refused() -> None:
    core = a_core((4, 3))
    with pytest.raises(ValueError, match=r"input must be \(batch, time, 3\)"):
        fast_forward(core, torch.zeros(2, 5, 4, dtype=torch.float64))
    with pytest.raises(ValueError, match="forced_boundaries must be"):
        fast_forward(core, torch.zeros(2, 5, 3, dtype=torch.float64), forced_boundaries=torch.zeros(2, 5, 2))
    with pytest.raises(ValueError, match="float32 or float64 on the CPU, got torch.bfloat16"):
        fast_forward(core, torch.zeros(2, 5, 3, dtype=torch.bfloat16))
    with pytest.raises(ValueError, match="pass generator"):
        fast_forward(a_core((4, 3), boundary="sample"), torch.zeros(2, 5, 3, dtype=torch.float64))


@pytest.mark.parametrize("boundary", ["step", "sample"])
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("top_layer", ["copy", "author"])
@pytest.mark.parametrize("top_down", [True, False])
def test_stepper_equals_the_loop(boundary: str, layer_norm: bool, top_layer: str, top_down: bool) -> None:
    core = a_core((5, 4, 6), boundary=boundary, layer_norm=layer_norm, top_layer=top_layer, top_down=top_down)
    draw = torch.Generator().manual_seed(7)
    input = torch.randn(1, 60, COLUMNS, generator=draw, dtype=torch.float64)
    state = a_state(core, 1, draw)
    with torch.no_grad():
        output, after = core.loop(input, state, generator=torch.Generator().manual_seed(8))
    stepper, draws = Stepper(core, state), torch.Generator().manual_seed(8)
    for t in range(60):
        hidden = stepper.step(input[0, t], generator=draws)
        assert stepper.operations == output.operations[0, t].tolist()
        for a, b in zip(hidden, output.hidden):
            torch.testing.assert_close(a, b[0, t], rtol=0, atol=1e-12)
    for a, b in zip(stepper.state, after):
        for x, y in zip(a, b):
            torch.testing.assert_close(x, y, rtol=0, atol=1e-12)
    # A run without all three operations would show little.
    assert len(set(output.operations[0, :, 1].tolist())) == 3


def test_stepper_pays_nothing_for_a_layer_that_goes_on_copying() -> None:
    core = a_core((5, 4), scale=0)
    with torch.no_grad():
        core.cells[0].bias[-1] = -100
    counter: Counter[str] = Counter()
    stepper = Stepper(core, counter=counter)
    for _ in range(10):
        stepper.step(torch.zeros(COLUMNS, dtype=torch.float64))
    assert stepper.operations == [1, 0]
    assert counter["forward"] == 10 * 21 * (5 + COLUMNS)


def test_stepper_refuses_what_it_cannot_skip() -> None:
    with pytest.raises(ValueError, match="soft boundaries"):
        Stepper(a_core((4, 3), boundary="soft"))
    core = a_core((4, 3))
    with pytest.raises(ValueError, match="one row"):
        Stepper(core, core.initial_state(2))


@pytest.mark.parametrize("boundary", ["step", "sample"])
def test_fast_generation_writes_the_same_text(boundary: str) -> None:
    model = CharLanguageModel(11, COLUMNS, a_core((8, 7, 6), boundary=boundary, layer_norm=True), 5).double()
    prompt = torch.tensor([3, 1, 4])
    slow = list(generate(model, prompt, 50, generator=torch.Generator().manual_seed(2)))
    fast = list(fast_generate(model, prompt, 50, generator=torch.Generator().manual_seed(2)))
    assert fast == slow
    assert len(set(fast)) > 3


def test_fast_generation_refuses_bad_input(plain_calls: None) -> None:
    model = CharLanguageModel(5, COLUMNS, a_core((4, 3)).float(), 5)
    draws = torch.Generator()
    for prompt, length, temperature in (
        (torch.zeros(0, dtype=torch.long), 1, 1.0),
        (torch.zeros(1, dtype=torch.long), -1, 1.0),
        (torch.zeros(1, dtype=torch.long), 1, 0.0),
    ):
        with pytest.raises(ValueError, match="must"):
            fast_generate(model, prompt, length, temperature=temperature, generator=draws)


def test_the_model_takes_the_fast_way_where_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from hsrnn.hmrnn import fast

    ways = []
    loop, quick = HMLSTM.loop, fast.fast_forward
    monkeypatch.setattr(HMLSTM, "loop", lambda *a, **k: ways.append("loop") or loop(*a, **k))
    monkeypatch.setattr(fast, "fast_forward", lambda *a, **k: ways.append("fast") or quick(*a, **k))
    core = a_core((4, 3))
    long, short = torch.zeros(1, 16, COLUMNS).double(), torch.zeros(1, 15, COLUMNS).double()
    free = torch.full((1, 16, 1), torch.nan, dtype=torch.float64)
    core(long), core(short), core(long, forced_boundaries=free)
    core(long, forced_boundaries=free.clone().requires_grad_())
    core.bfloat16()(long.bfloat16())
    assert ways == ["fast", "loop", "fast", "loop", "loop"]
