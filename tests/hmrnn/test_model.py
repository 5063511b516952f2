"""The unrolled stack against torch.nn.LSTM and against itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.hmrnn import (
    COPY,
    FLUSH,
    HMLSTM,
    UPDATE,
    CharLanguageModel,
    CoreOutput,
    LSTMCore,
    detach,
    operations_of,
)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def as_torch_lstm(core: HMLSTM) -> torch.nn.ModuleList:
    """Copy the weights of every layer into a torch.nn.LSTM (torch's gate order is i, f, g, o)."""
    layers = []
    for cell in core.cells:
        n = cell.hidden_size
        f, i, o, g = (slice(k * n, (k + 1) * n) for k in range(4))
        order = torch.cat([torch.arange(s.start, s.stop) for s in (i, f, g, o)])
        layer = torch.nn.LSTM(cell.input_size, n, batch_first=True).double()
        layer.weight_ih_l0.data = cell.bottom_up.data[order]
        layer.weight_hh_l0.data = cell.recurrent.data[order]
        layer.bias_ih_l0.data = cell.bias.data[order]
        layer.bias_hh_l0.data.zero_()
        layers.append(layer)
    return torch.nn.ModuleList(layers)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 3, 6), (4, 4, 4, 4)])
def test_all_update_without_top_down_is_torch_lstm_in_values_and_gradients(sizes):
    core = HMLSTM(7, sizes, top_down=False, seed=3).double()
    reference = as_torch_lstm(core)
    x = drawn(3, 9, 7).requires_grad_()
    state = core.initial_state(3)
    # UPDATE everywhere: the layer above must see a boundary now that the layer itself does not see a
    # step later.
    ones = torch.ones(3, 1, len(sizes) - 1, dtype=torch.float64)
    ours = []
    for t in range(9):
        output, state = core(x[:, t : t + 1], state, forced_boundaries=ones)
        assert (output.operations == UPDATE).all()
        state = tuple(layer._replace(boundary=torch.zeros_like(layer.boundary)) for layer in state)
        ours.append([h[:, 0] for h in output.hidden])
    y = x.detach().clone().requires_grad_()
    below = y
    weights = [drawn(3, 9, n, seed=n) for n in sizes]
    ours_total, theirs_total = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for l, layer in enumerate(reference):
        below, _ = layer(below)
        stacked = torch.stack([step[l] for step in ours], 1)
        torch.testing.assert_close(stacked, below, rtol=0, atol=1e-12)
        ours_total = ours_total + (stacked * weights[l]).sum()
        theirs_total = theirs_total + (below * weights[l]).sum()
    ours_total.backward()
    theirs_total.backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-12)
    for cell, layer in zip(core.cells, reference):
        gates = 4 * cell.hidden_size
        n = cell.hidden_size
        i, f, g, o = layer.weight_hh_l0.grad.split(n)
        torch.testing.assert_close(cell.recurrent.grad[:gates], torch.cat([f, i, o, g]), rtol=0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 8), st.integers(0, 1000), st.sampled_from(["step", "soft"]), st.booleans(),
    st.sampled_from(["copy", "author"]),
)  # fmt: skip
def test_state_carried_in_chunks_equals_one_long_pass(cut, seed, boundary, layer_norm, top_layer):
    core = HMLSTM(
        3, (4, 5, 4), boundary=boundary, layer_norm=layer_norm, top_layer=top_layer, seed=seed
    ).double()
    x = drawn(2, 9, 3, seed=seed)
    # The loop bit for bit; the way the model chooses, up to rounding: its matrices then have other shapes.
    for run, difference in ((core.loop, 0.0), (core, 1e-12)):
        whole, last = run(x)
        first, state = run(x[:, :cut])
        second, after = run(x[:, cut:], state)
        for l in range(3):
            joined = torch.cat([first.hidden[l], second.hidden[l]], 1)
            torch.testing.assert_close(joined, whole.hidden[l], rtol=0, atol=difference)
            for a, b in zip(after[l], last[l]):
                torch.testing.assert_close(a, b, rtol=0, atol=difference)
        assert torch.equal(torch.cat([first.operations, second.operations], 1), whole.operations)


def test_own_boundary_comes_before_the_one_below():
    own, below = torch.tensor([0.0, 0.0, 1.0, 1.0, 0.5, 0.51]), torch.tensor([0.0, 1.0, 0.0, 1.0, 0.49, 0.0])
    assert operations_of(own, below).tolist() == [COPY, UPDATE, FLUSH, FLUSH, COPY, FLUSH]


def test_every_core_says_what_it_has():
    """One interface: shapes for an HM-LSTM, None where a core has no boundaries."""
    x = drawn(2, 9, 3).float()
    ours, state = HMLSTM(3, (4, 5, 6))(x)
    assert isinstance(ours, CoreOutput)
    assert [h.shape for h in ours.hidden] == [(2, 9, 4), (2, 9, 5), (2, 9, 6)]
    assert ours.boundaries.shape == ours.preactivations.shape == (2, 9, 2)
    assert ours.operations.shape == (2, 9, 3) and len(state) == 3
    plain, _ = LSTMCore(3, (4, 5))(x)
    assert isinstance(plain, CoreOutput) and [h.shape for h in plain.hidden] == [(2, 9, 4), (2, 9, 5)]
    assert plain.boundaries is None and plain.preactivations is None and plain.operations is None


def test_dropping_the_boundary_from_the_state_changes_the_result():
    """Pitfall P6: z belongs to the state just as h and c do."""
    core = HMLSTM(3, (4, 4), seed=5).double()
    x = drawn(2, 12, 3)
    whole, _ = core(x)
    fired = whole.boundaries[0, :, 0].nonzero().flatten().tolist()
    cut = next(t for t in fired if 1 <= t < 10) + 1
    _, state = core(x[:, :cut])
    without = tuple(layer._replace(boundary=torch.zeros_like(layer.boundary)) for layer in state)
    assert not torch.allclose(core(x[:, cut:], without)[0].hidden[0], whole.hidden[0][:, cut:])


def test_operations_follow_the_table():
    core = HMLSTM(3, (4, 4, 4), seed=1)
    x = drawn(4, 30, 3).float()
    output, _ = core(x)
    z = torch.cat([torch.ones(4, 30, 1), output.boundaries, torch.zeros(4, 30, 1)], 2)
    for l in range(3):
        before = torch.cat([torch.zeros(4, 1), z[:, :-1, l + 1]], 1)
        expected = torch.where(before == 1, FLUSH, torch.where(z[:, :, l] == 1, UPDATE, COPY))
        assert torch.equal(output.operations[:, :, l].long(), expected)
    assert not (output.operations[:, :, 0] == COPY).any()
    assert not (output.operations[:, :, 2] == FLUSH).any()


def test_copied_steps_are_bit_identical_in_the_unrolled_stack():
    core = HMLSTM(3, (8, 8, 8), layer_norm=True, seed=2)
    output, _ = core(drawn(4, 50, 3).float())
    for l in (1, 2):
        copied = output.operations[:, 1:, l] == COPY
        assert copied.any()
        assert torch.equal(output.hidden[l][:, 1:][copied], output.hidden[l][:, :-1][copied])


def test_forced_boundaries_are_taken_and_the_rest_stays_free():
    core = HMLSTM(3, (4, 4, 4), seed=1)
    x = drawn(1, 10, 3).float()
    free, _ = core(x)
    forced = torch.full((1, 10, 2), torch.nan)
    same, _ = core(x, forced_boundaries=forced)
    assert torch.equal(same.boundaries, free.boundaries)
    forced[0, 4, 0] = 1 - free.boundaries[0, 4, 0]
    changed, _ = core(x, forced_boundaries=forced)
    assert changed.boundaries[0, 4, 0] == forced[0, 4, 0]
    assert torch.equal(changed.boundaries[:, :4], free.boundaries[:, :4])


def test_sampling_depends_on_the_generator_alone():
    core = HMLSTM(3, (4, 4), boundary="sample", seed=1)
    x = drawn(2, 20, 3).float()

    def run(seed: int) -> torch.Tensor:
        return core(x, generator=torch.Generator().manual_seed(seed))[0].boundaries

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_seed_decides_the_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second, other = (HMLSTM(3, (4, 4), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert not torch.equal(first.cells[0].recurrent, other.cells[0].recurrent)
    for block in first.cells[0].recurrent.data[:16].split(4):
        torch.testing.assert_close(block @ block.T, torch.eye(4))


def test_detach_cuts_every_tensor():
    core = HMLSTM(3, (4, 4))
    _, state = core(drawn(1, 3, 3).float())
    assert state[0].hidden.requires_grad
    assert not any(tensor.requires_grad for layer in detach(state) for tensor in layer)
    assert type(detach(state)[0]) is type(state[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HMLSTM(3, (512,)), r"hidden_sizes must have at least 2 layers, got \(512,\)"),
        (lambda: HMLSTM(3, (4, 4))(torch.zeros(2, 5, 4)), r"input must be \(batch, time, 3\)"),
        (lambda: HMLSTM(3, (4, 4))(torch.zeros(2, 0, 3)), "at least one row and one step"),
        (
            lambda: HMLSTM(3, (4, 4))(torch.zeros(2, 5, 3), forced_boundaries=torch.zeros(2, 5, 2)),
            r"forced_boundaries must be \(2, 5, 1\)",
        ),
    ],
)
def test_bad_input_fails_at_the_door(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parameter_counts_of_the_published_settings():
    def count(vocabulary: int, units: int, output: int) -> int:
        model = CharLanguageModel(vocabulary, 128, HMLSTM(128, (units,) * 3), output)
        return sum(p.numel() for p in model.parameters())

    assert count(50, 512, 512) == 8_434_615
    assert count(27, 1024, 2048) == 36_263_456
    # enwik8 is the same network with 205 symbols: an embedding row, a softmax row and its bias for each more.
    assert 36_263_456 + (205 - 27) * (128 + 2048 + 1) == 36_650_962


@pytest.mark.parametrize("boundary", ["step", "sample", "soft"])
def test_the_first_gradient_with_layer_norm_is_finite(boundary):
    """Over a hundred steps from a zero state, where sampled and soft boundaries need biases off zero."""
    core = HMLSTM(16, (64, 64, 64), boundary=boundary, layer_norm=True, seed=0)
    for cell in core.cells:
        assert (cell.bias[: 4 * 64] != 0).all() == (boundary != "step")
    x = torch.randn(16, 100, 16, generator=torch.Generator().manual_seed(0))
    output, _ = core(x, generator=torch.Generator().manual_seed(0))
    sum(h.mean() for h in output.hidden).backward()
    assert all(p.grad.isfinite().all() for p in core.parameters())
