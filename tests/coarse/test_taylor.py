"""A coarse-graining step is the polynomial it says it is: in values, gradients, coefficients and size."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hsrnn.coarse import TaylorLayer, neighbourhoods, output_size

GEOMETRIES = [(1, 1), (2, 2), (3, 3), (4, 4), (3, 2), (4, 2), (3, 1)]


def layer(block: int = 2, stride: int | None = None, **more: object) -> TaylorLayer:
    generator = torch.Generator().manual_seed(3)
    made = TaylorLayer(2, 3, block=block, stride=stride, generator=generator, **more).double()
    with torch.no_grad():
        made.bias += torch.randn(made.bias.shape, generator=generator).double()
    return made


def sites(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(made: TaylorLayer, maps: Tensor) -> Tensor:
    """Every monomial, site by site, from the dense coefficients."""
    block, stride = made.block, made.stride
    edge = (block - stride + 1) // 2
    padded = torch.nn.functional.pad(maps, (0, 0, edge, edge, edge, edge))
    rows, columns = (output_size(size, block, stride) for size in maps.shape[1:3])
    result = torch.empty(len(maps), rows, columns, made.out_channels, dtype=maps.dtype)
    for b, i, j in product(range(len(maps)), range(rows), range(columns)):
        u = padded[b, i * stride : i * stride + block, j * stride : j * stride + block].flatten()
        own = made.coefficients() if made.grid is None else [t[i * columns + j] for t in made.coefficients()]
        y = own[0] + own[1] @ u
        if made.order >= 2:
            y = y + torch.einsum("kij,i,j->k", own[2], u, u)
        if made.order == 3:
            y = y + torch.einsum("kijl,i,j,l->k", own[3], u, u, u)
        result[b, i, j] = y
    return result


@pytest.mark.parametrize("form", ["full", "cp"])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("block", "stride"), [(1, 1), (2, 2), (3, 2)])
def test_the_factored_way_is_the_sum_over_all_monomials(
    form: str, order: int, shared: bool, block: int, stride: int
) -> None:
    side = 4 if (block, stride) == (3, 2) else 2 * block
    grid = None if shared else (output_size(side, block, stride),) * 2
    made = layer(block, stride, form=form, order=order, grid=grid, nonlinear_scale=1.0)
    maps = sites(2, side, side, 2).requires_grad_()
    ours, theirs = made(maps), by_hand(made, maps)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    direction = sites(*ours.shape, seed=1)
    inputs = [maps, *made.parameters()]
    for a, b in zip(
        torch.autograd.grad((ours * direction).sum(), inputs),
        torch.autograd.grad((theirs * direction).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("block", "stride"), GEOMETRIES)
def test_blocks_lie_where_a_convolution_puts_them(block: int, stride: int) -> None:
    maps = sites(2, 12, 12, 3)
    u = neighbourhoods(maps, block, stride)
    kernel = sites(5, 3, block, block, seed=1)
    edge = (block - stride + 1) // 2
    expected = torch.nn.functional.conv2d(maps.permute(0, 3, 1, 2), kernel, stride=stride, padding=edge)
    ours = u @ kernel.permute(2, 3, 1, 0).flatten(0, 2)
    torch.testing.assert_close(ours, expected.permute(0, 2, 3, 1))
    assert u.shape[1] == output_size(12, block, stride) == 12 // stride


@settings(max_examples=25, deadline=None)
@given(
    form=st.sampled_from(["full", "cp"]), order=st.sampled_from([2, 3]), seed=st.integers(0, 1000),
    channels=st.integers(1, 3),
)  # fmt: skip
def test_coefficients_are_the_derivatives_at_zero(form: str, order: int, seed: int, channels: int) -> None:
    made = TaylorLayer(
        channels,
        2,
        form=form,
        order=order,
        nonlinear_scale=1.0,
        generator=torch.Generator().manual_seed(seed),
    ).double()
    zero = torch.zeros(4 * channels, dtype=torch.float64)

    def one_block(u: Tensor) -> Tensor:
        return made(u.view(1, 2, 2, channels)).flatten()

    b, first, second, *_ = made.coefficients()
    torch.testing.assert_close(one_block(zero), b)
    torch.testing.assert_close(torch.autograd.functional.jacobian(one_block, zero), first)
    hessian = torch.stack(
        [torch.autograd.functional.hessian(lambda u, k=k: one_block(u)[k], zero) for k in range(2)]
    )
    torch.testing.assert_close(hessian, 2 * second)
    if form == "full":  # stored with i <= j: the diagonal is half of the Hessian's, the others are its own
        i, j = made.index2
        stored = made.tensor2.T
        torch.testing.assert_close(stored, torch.where(i == j, 0.5, 1.0) * hessian[:, i, j])


@pytest.mark.parametrize("form", ["full", "cp"])
def test_moving_the_point_of_expansion_gives_the_same_family(form: str) -> None:
    """sum over (u - a) of order 2 equals a polynomial of u with other constant and linear coefficients."""
    made, a = layer(form=form, nonlinear_scale=1.0), sites(8, seed=5)
    b, first, second = made.coefficients()
    u = sites(20, 2, 2, 2)
    moved = made(u - a.view(2, 2, 2)).view(20, 3)
    constant = b - first @ a + torch.einsum("kij,i,j->k", second, a, a)
    slope = first - 2 * torch.einsum("kij,j->ki", second, a)
    flat = u.flatten(1)
    same = constant + flat @ slope.T + torch.einsum("kij,bi,bj->bk", second, flat, flat)
    torch.testing.assert_close(moved, same)


@pytest.mark.parametrize("form", ["full", "cp"])
def test_it_starts_near_linear_and_keeps_the_scale(form: str) -> None:
    generator = torch.Generator().manual_seed(0)
    for order in (2, 3):
        made = TaylorLayer(8, 8, form=form, order=order, generator=generator)
        maps = torch.randn(200, 4, 4, 8, generator=generator)
        for _ in range(2):  # two levels on the same weights
            linear = neighbourhoods(maps, 2, 2) @ made.linear
            maps = made(maps)
            assert 0.7 < maps.std() < 1.4
            assert 0.02 < (maps - linear).std() < 0.3
    flat = TaylorLayer(8, 8, form=form, nonlinear_scale=0.0, generator=generator)
    maps = torch.randn(2, 4, 4, 8, generator=generator)
    torch.testing.assert_close(flat(maps), neighbourhoods(maps, 2, 2) @ flat.linear + flat.bias)


def test_no_monomials_are_kept_for_the_backward_pass() -> None:
    """CP keeps about n + 3 c numbers a site; all monomials would be n (n + 1) / 2 of them."""

    def kept(made: TaylorLayer, maps: Tensor) -> int:
        own = {p.data_ptr() for p in made.parameters()}
        numbers: dict[int, int] = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: (
                (numbers.__setitem__(t.untyped_storage().data_ptr(), t.untyped_storage().nbytes()), t)[1]
                if t.untyped_storage().data_ptr() not in own and t.shape[:1] == (50,)
                else t
            ),
            lambda t: t,
        ):
            made(maps)
        return sum(numbers.values()) // 4 // (len(maps) * (maps.shape[1] // 2) * (maps.shape[2] // 2))

    for c in (4, 8, 16):
        maps = torch.randn(50, 8, 8, c, requires_grad=True)
        n = 4 * c
        assert kept(TaylorLayer(c, c, form="cp"), maps) <= n + 5 * c
        assert kept(TaylorLayer(c, c, form="full"), maps) <= n * c + 4 * n < n * (n + 1) // 2 * c


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 4}, "order must be 1, 2 or 3, got 4"),
        ({"form": "tucker"}, "form must be 'full' or 'cp', got 'tucker'"),
        ({"block": 5}, "block must be 1 to 4 sites wide, got 5"),
        ({"block": 2, "stride": 1}, "stride must be the block"),
        ({"block": 2, "stride": 3}, "stride must be the block"),
        ({"rank": 0}, "rank must be at least 1, got 0"),
        ({"grid": (0, 2)}, "grid must have at least one row"),
        ({"nonlinear_scale": -0.1}, "nonlinear_scale must not be negative"),
        ({"form": "full", "order": 3, "block": 4, "grid": (100, 100)}, "use form='cp', or fewer channels"),
    ],
)
def test_bad_layers_are_refused(options: dict, message: str, plain_calls: None) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        TaylorLayer(3, 8, **options)


def test_bad_maps_are_refused(plain_calls: None) -> None:
    with pytest.raises(ValueError, match="2 channels last"):
        layer()(sites(1, 4, 4, 3))
    with pytest.raises(ValueError, match="pad the grid to a multiple of 2"):
        layer()(sites(1, 5, 4, 2))
    with pytest.raises(ValueError, match=r"weights for \(2, 2\) blocks, got \(3, 3\)"):
        layer(grid=(2, 2))(sites(1, 6, 6, 2))
