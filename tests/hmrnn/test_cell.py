"""The equations of one step, against plain autograd and by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.hmrnn import (
    CellState,
    HMLSTMCell,
    hard_sigmoid,
    sample_boundary,
    soft_boundary,
    step_boundary,
)
from hsrnn.hmrnn.cell import select_cell, select_hidden

SIZES = (5, 4, 3)


def cell(top: bool = False, **options) -> HMLSTMCell:
    generator = torch.Generator().manual_seed(1)
    return HMLSTMCell(5, 4, None if top else 3, generator=generator, **options).double()


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def state(z: float, batch: int = 6) -> CellState:
    return CellState(
        drawn(batch, 4, seed=2), drawn(batch, 4, seed=3), torch.full((batch, 1), z, dtype=torch.float64)
    )


@pytest.mark.parametrize("layer_norm", [False, True])
def test_copy_leaves_hidden_and_cell_bit_identical(layer_norm):
    before = state(0.0, batch=2000)
    after, _ = cell(layer_norm=layer_norm)(
        drawn(2000, 5), torch.zeros(2000, 1).double(), before, drawn(2000, 3, seed=4)
    )
    assert torch.equal(after.hidden, before.hidden)
    assert torch.equal(after.cell, before.cell)
    single, _ = cell(layer_norm=layer_norm).float()(
        drawn(2000, 5).float(),
        torch.zeros(2000, 1),
        CellState(*(x.float() for x in before)),
        drawn(2000, 3).float(),
    )
    assert torch.equal(single.cell, before.cell.float())


def test_flush_forgets_the_cell():
    unit = cell()
    before = state(1.0)
    other = before._replace(cell=before.cell + 100)
    inputs = (drawn(6, 5), torch.ones(6, 1).double())
    above = drawn(6, 3, seed=4)
    assert torch.equal(unit(*inputs, before, above)[0].cell, unit(*inputs, other, above)[0].cell)
    # UPDATE, by contrast, remembers.
    kept, changed = before._replace(boundary=before.boundary * 0), other._replace(boundary=other.boundary * 0)
    assert not torch.allclose(unit(*inputs, kept, above)[0].cell, unit(*inputs, changed, above)[0].cell)


@pytest.mark.parametrize("z_below", [0.0, 1.0])
def test_flush_wins_whatever_the_lower_boundary_says(z_below):
    f, i, g, c = (drawn(6, 4, seed=k).sigmoid() for k in range(4))
    flush = torch.ones(6, 1).double()
    below = torch.full((6, 1), z_below).double()
    new = select_cell(flush, (1 - flush) * below, (1 - flush) * (1 - below), f, i, g, c)
    assert torch.equal(new, i * g)


def test_top_down_is_heard_only_after_an_own_boundary_and_bottom_up_only_below_one():
    unit, above, below = cell(), drawn(6, 3, seed=4), drawn(6, 5)
    ones, zeros = torch.ones(6, 1).double(), torch.zeros(6, 1).double()
    quiet = unit.preactivation(below, ones, state(0.0), above)
    assert torch.equal(quiet, unit.preactivation(below, ones, state(0.0), above + 1))
    assert not torch.equal(quiet, unit.preactivation(below, zeros, state(0.0), above))
    assert torch.equal(
        unit.preactivation(below, zeros, state(1.0), above),
        unit.preactivation(below + 1, zeros, state(1.0), above),
    )
    assert not torch.equal(
        unit.preactivation(below, ones, state(1.0), above),
        unit.preactivation(below, ones, state(1.0), above + 1),
    )


def test_recurrent_term_has_no_gate():
    unit, below, zeros = cell(), drawn(6, 5), torch.zeros(6, 1).double()
    first = unit.preactivation(below, zeros, state(0.0), None)
    expected = state(0.0).hidden @ unit.recurrent.T + unit.bias
    torch.testing.assert_close(first, expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=20), st.floats(1, 5))
def test_straight_through_gradient_is_that_of_the_hard_sigmoid(values, slope):
    s = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    weight = torch.linspace(1, 2, len(values), dtype=torch.float64)
    (step_boundary(s, slope) * weight).sum().backward()
    analytic = torch.where(s.detach().abs() < 1 / slope, slope / 2, 0.0) * weight
    torch.testing.assert_close(s.grad, analytic)
    # The same derivative by autograd through the hard sigmoid itself, away from its two corners.
    t = s.detach().clone().requires_grad_()
    (hard_sigmoid(t, slope) * weight).sum().backward()
    inside = (t.detach().abs() - 1 / slope).abs() > 1e-9
    torch.testing.assert_close(s.grad[inside], t.grad[inside])


def test_slope_shows_in_the_gradient_and_never_in_the_value():
    s = drawn(1000)
    assert torch.equal(step_boundary(s, 1.0), step_boundary(s, 5.0))
    unit = cell()
    results, gradients = [], []
    for slope in (1.0, 5.0):
        unit.zero_grad()
        after, _ = unit(drawn(6, 5), torch.ones(6, 1).double(), state(0.0), drawn(6, 3, seed=4), slope=slope)
        results.append(after.boundary)
        after.boundary.sum().backward()
        gradients.append(unit.bias.grad[-1].item())
    assert torch.equal(*results)
    assert gradients[0] != gradients[1]


def test_a_tie_gives_no_boundary():
    assert step_boundary(torch.zeros(3)).tolist() == [0, 0, 0]


def test_sampled_boundaries_follow_the_hard_sigmoid():
    s = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0]).repeat(20_000, 1)
    z = sample_boundary(s, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.mean(0), hard_sigmoid(s[0]), atol=0.015, rtol=0)
    assert z.unique().tolist() == [0, 1]


def test_soft_boundary_is_plain_autograd():
    s = drawn(50).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: soft_boundary(s, 1.7), s)


def test_selection_carries_the_gradient_of_the_choice():
    """With z soft, all three operations mix; autograd through the whole step must agree with finite
    differences."""
    unit = cell(boundary="soft", layer_norm=True)
    before = state(0.3, batch=2)

    def step(z_below, own, hidden, memory):
        after, _ = unit(drawn(2, 5), z_below, CellState(hidden, memory, own), drawn(2, 3, seed=4))
        return after.hidden, after.cell, after.boundary

    inputs = (torch.full((2, 1), 0.4).double(), before.boundary, before.hidden, before.cell)
    assert torch.autograd.gradcheck(step, [x.clone().requires_grad_() for x in inputs])


def test_where_selection_has_equal_values_and_another_gradient():
    """The pitfall of most public code: choosing by `where` hides the choice from z."""
    f, i, g, c = (drawn(6, 4, seed=k).sigmoid() for k in range(4))
    s = drawn(6, 1, seed=9).mul(0.3).requires_grad_()
    gradients = []
    for arithmetic in (True, False):
        z = step_boundary(s)
        below = torch.ones_like(z)
        if arithmetic:
            new = select_cell(z, (1 - z) * below, (1 - z) * (1 - below), f, i, g, c)
        else:
            new = torch.where(z > 0.5, i * g, f * c + i * g)
        value = new.sum() + 0 * z.sum()
        gradients.append((value.item(), torch.autograd.grad(value, s)[0]))
    assert gradients[0][0] == pytest.approx(gradients[1][0], rel=1e-12)
    assert gradients[1][1].abs().max() == 0
    assert gradients[0][1].abs().min() > 0


def test_top_layer_never_fires_and_may_recompute_its_output():
    inputs = (drawn(6, 5), torch.zeros(6, 1).double(), state(0.0), None)
    faithful, author = (cell(top=True, top_layer=kind) for kind in ("copy", "author"))
    assert torch.equal(faithful(*inputs)[0].hidden, state(0.0).hidden)
    after, s_z = author(*inputs)
    assert torch.equal(after.cell, state(0.0).cell)
    assert not torch.allclose(after.hidden, state(0.0).hidden)
    assert after.boundary.abs().max() == s_z.abs().max() == 0
    assert author.recurrent.shape == (16, 4) and author.top_down is None


def test_select_hidden_copies_or_replaces():
    o, squashed, hidden = (drawn(6, 4, seed=k) for k in range(3))
    copy = torch.tensor([[0.0], [1.0]] * 3).double()
    new = select_hidden(copy, o, squashed, hidden)
    assert torch.equal(new[1::2], hidden[1::2])
    assert torch.equal(new[::2], (o * squashed)[::2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boundary": "hard"}, "boundary must be 'step', 'sample' or 'soft', got 'hard'"),
        ({"top_layer": "mine"}, "top_layer must be 'copy' or 'author', got 'mine'"),
    ],
)
def test_unknown_options_are_named(options, message, plain_calls):
    with pytest.raises(ValueError, match=message):
        cell(**options)


def test_sizes_and_missing_generators_are_refused():
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got 0"):
        HMLSTMCell(5, 0, 3, generator=torch.Generator())
    with pytest.raises(ValueError, match="pass generator="):
        cell(boundary="sample")(drawn(6, 5), torch.ones(6, 1).double(), state(0.0), None)
