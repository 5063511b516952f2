"""The cells equal torch's, the loop equals the kernels, and padding changes nothing."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hsrnn.automata import CELLS, GRU, LSTM, MGU, SRN, RecurrentCell

TORCH = {"srn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
LENGTHS = torch.tensor([5, 1, 7, 3])


def cell(name: str) -> RecurrentCell:
    return CELLS[name](3, 4, seed=1).double()


def batch(seed: int = 0) -> torch.Tensor:
    return torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gates_and_sizes():
    assert [(c.gates, c.blocks) for c in (SRN, MGU, GRU, LSTM)] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert cell("lstm").state_size == 8 and cell("gru").state_size == 4
    parameters = {name: sum(p.numel() for p in cell(name).parameters()) for name in CELLS}
    assert parameters == {"srn": 36, "mgu": 64, "gru": 108, "lstm": 144}


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("way", ["forward", "loop"])
def test_equals_torch_with_lengths_values_and_gradients(name, way):
    ours, theirs = cell(name), TORCH[name](3, 4, batch_first=True).double()
    for parameter, value in zip(theirs.parameters(), ours.parameters(), strict=True):
        parameter.data.copy_(value)
    x, y = batch().requires_grad_(), batch().requires_grad_()
    hidden, state = getattr(ours, way)(x, LENGTHS)
    packed, last = theirs(pack_padded_sequence(y, LENGTHS, batch_first=True, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    last = torch.cat([part[0] for part in last], 1) if name == "lstm" else last[0]
    torch.testing.assert_close(hidden[..., :4], expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-12)
    (hidden[..., :4].square().sum() + state.sum()).backward()
    (expected.square().sum() + last.sum()).backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-12)
    for a, b in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-11)


def test_mgu_is_its_equation():
    mgu, x = cell("mgu"), batch()[:1]
    wf, wh = mgu.weight_ih.split(4)
    uf, uh = mgu.weight_hh.split(4)
    bf, bh = mgu.bias_ih.split(4)
    h, expected = torch.zeros(4, dtype=torch.float64), []
    for row in x[0]:
        f = torch.sigmoid(wf @ row + uf @ h + bf)
        g = torch.tanh(wh @ row + uh @ (f * h) + bh)
        h = (1 - f) * h + f * g
        expected.append(h)
    torch.testing.assert_close(mgu(x)[0][0], torch.stack(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_forward_equals_loop(name):
    ours, x = cell(name), batch()
    start = torch.randn(4, ours.state_size, dtype=torch.float64)
    for lengths in (None, LENGTHS, torch.tensor([0, 7, 0, 2])):
        hidden, state = ours(x, lengths, start)
        states, last = ours.loop(x, lengths, start)
        torch.testing.assert_close(hidden, states[..., :4], rtol=0, atol=1e-12)
        torch.testing.assert_close(state, last, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_padding_is_never_read(name):
    ours, x = cell(name), batch()
    y = x.clone()
    y[torch.arange(7) >= LENGTHS[:, None]] = 99.0
    (hidden, state), (other, other_state) = ours(x, LENGTHS), ours(y, LENGTHS)
    assert torch.equal(hidden, other) and torch.equal(state, other_state)
    assert not hidden[torch.arange(7) >= LENGTHS[:, None]].any()


@pytest.mark.parametrize("name", CELLS)
def test_a_state_carries_on(name):
    ours, x = cell(name), batch()
    whole, state = ours(x)
    first, between = ours(x[:, :3])
    second, after = ours(x[:, 3:], None, between)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(after, state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_no_steps_leave_the_state(name):
    ours = cell(name)
    start = torch.ones(2, ours.state_size, dtype=torch.float64)
    hidden, state = ours(torch.zeros(2, 0, 3, dtype=torch.float64), None, start)
    assert hidden.shape == (2, 0, 4) and torch.equal(state, start)


def test_the_seed_decides_the_weights():
    assert torch.equal(GRU(3, 4, seed=1).weight_hh, GRU(3, 4, seed=1).weight_hh)
    assert not torch.equal(GRU(3, 4, seed=1).weight_hh, GRU(3, 4, seed=2).weight_hh)
    assert GRU(3, 4).weight_hh.abs().max() <= 0.5


def test_errors():
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        SRN(3, 0)
    with pytest.raises(ValueError, match=r"input must be \(batch, time, 3\), got \(4, 7, 2\)"):
        cell("mgu")(batch()[..., :2])
    with pytest.raises(ValueError, match=r"lengths must lie in \[0, 7\], got 1 to 8"):
        cell("mgu")(batch(), torch.tensor([1, 2, 8, 3]))
    with pytest.raises(ValueError, match=r"lengths must be \(4,\)"):
        cell("mgu")(batch(), torch.tensor([1]))
