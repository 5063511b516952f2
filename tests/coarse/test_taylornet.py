"""A TaylorNet is exactly a polynomial: the tests of the fact sheet that need no published number."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hsrnn.coarse import Level, Rescale, TaylorLayer, TaylorNet, TaylorNetConfig, parameters

SMALL = dict(image=(1, 8, 8), channels=(5, 6, 7), norm="none", nonlinear_scale=1.0)


def net(seed: int = 0, **more: object) -> TaylorNet:
    made = TaylorNet(TaylorNetConfig(**SMALL | more), seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, value in [*made.named_parameters(), *made.named_buffers()]:
            if name.endswith("bias") or name.endswith("running_mean"):
                value += 0.3 * torch.randn(value.shape, generator=generator).double()
            if name.endswith("running_var"):
                value *= torch.rand(value.shape, generator=generator).double() + 0.5
    return made.eval()


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# 1. Without the higher orders, one affine map ------------------------------------------------------


@pytest.mark.parametrize("norm", ["none", "scale", "batch"])
def test_without_higher_orders_it_is_one_affine_map(norm: str) -> None:
    made = net(order=1, norm=norm, depth=1)
    zero, units = torch.zeros(1, 1, 8, 8, dtype=torch.float64), torch.eye(64).double().view(64, 1, 8, 8)
    with torch.no_grad():
        constant = made(zero)
        matrix = made(units) - constant
        x = images(5, 1, 8, 8)
        torch.testing.assert_close(made(x), constant + x.flatten(1) @ matrix)
        # The same matrix as an explicit product of the levels' own.
        product, offset = torch.eye(64).double(), torch.zeros(64).double()
        for level in made.levels:
            for step, rescale in zip(level.steps, level.rescale):
                rows = math.isqrt(product.shape[1] // step.in_channels)
                shape = (-1, rows, rows, step.in_channels)
                before = offset.view(shape)
                after = rescale(step(before))
                if step.stride == 1 and step.in_channels == step.out_channels:
                    after = after + before
                moved = rescale(step(product.view(shape) + before))
                if step.stride == 1 and step.in_channels == step.out_channels:
                    moved = moved + product.view(shape) + before
                product, offset = (moved - after).flatten(1), after.flatten()
        torch.testing.assert_close(matrix, product @ made.head.weight.T)


def test_quadratic_tensors_of_zero_leave_the_linear_net() -> None:
    curved, straight = net(nonlinear_scale=0.0, form="full"), net(order=1, form="full")
    loaded = straight.load_state_dict(curved.state_dict(), strict=False)
    assert not loaded.missing_keys and all("tensor2" in key for key in loaded.unexpected_keys)
    x = images(3, 1, 8, 8)
    torch.testing.assert_close(curved(x), straight(x))


# 2. The degree --------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    order=st.integers(1, 3), form=st.sampled_from(["full", "cp"]), seed=st.integers(0, 99),
    sharing=st.sampled_from(["level", "none"]),
)  # fmt: skip
def test_on_a_line_finite_differences_beyond_the_degree_vanish(
    order: int, form: str, seed: int, sharing: str
) -> None:
    made = net(seed, image=(1, 4, 4), channels=(3, 4), order=order, form=form, sharing=sharing)
    degree = order**2
    assert made.config.degree == degree
    x, d = images(1, 1, 4, 4, seed=seed), images(1, 1, 4, 4, seed=seed + 1)
    t = torch.linspace(-1, 1, degree + 2, dtype=torch.float64).view(-1, 1, 1, 1)
    values = made(x + t * d)
    scale = values.abs().max() * 2 ** (degree + 1)
    assert values.diff(n=degree + 1, dim=0).abs().max() < 1e-11 * scale
    if order > 1:  # and the one before does not: the degree is reached
        assert values.diff(n=degree, dim=0).abs().max() > 1e-9 * scale


# 5. and 6. Locality, and the symmetry of shared weights --------------------------------------------


@pytest.mark.parametrize(("depth", "norm"), [(0, "none"), (1, "batch")])
def test_a_site_depends_on_its_own_block_of_pixels(depth: int, norm: str) -> None:
    made = net(depth=depth, norm=norm)
    x = images(1, 1, 8, 8)
    before = made.coarse(x)
    for i, j in ((0, 0), (3, 5), (7, 2)):
        y = x.clone()
        y[0, 0, i, j] += 1.0
        for level, (a, b) in enumerate(zip(before, made.coarse(y), strict=True)):
            moved = (a != b).any(-1)[0].nonzero().tolist()
            assert moved == [[i // 2**level, j // 2**level]]


@pytest.mark.parametrize("stride", [None, 2])
def test_a_shift_by_a_block_shifts_the_coarse_picture(stride: int | None) -> None:
    block = 2 if stride is None else 3
    made = net(image=(1, 16, 16), block=block, stride=stride, depth=1, residual=True)
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    x[..., 5:9, 5:9] = images(1, 1, 4, 4)
    for level in (1, 2):
        moved = x.roll((2**level, -(2**level)), (2, 3))
        a, b = made.coarse(x)[level], made.coarse(moved)[level]
        if stride is None:  # exact up to the border, and even around it
            torch.testing.assert_close(a.roll((1, -1), (1, 2)), b)
        else:
            torch.testing.assert_close(a.roll((1, -1), (1, 2))[:, 2:-2, 2:-2], b[:, 2:-2, 2:-2])
    other = net(image=(1, 16, 16), sharing="none")
    a, b = other.coarse(x)[1], other.coarse(x.roll(2, 2))[1]
    assert not torch.allclose(a.roll(1, 1), b)


# 7. Parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (dict(channels=(4,) * 5, form="full"), 2_558),
        (dict(channels=(8,) * 5, form="full"), 18_162),
        (dict(channels=(12,) * 5, form="full"), 59_110),
        (dict(channels=(16,) * 5, form="full"), 137_690),
        (dict(channels=(16,) * 5), 14_010),
        (dict(channels=(32,) * 5), 55_146),
        (dict(channels=(64,) * 5), 218_826),
        (dict(channels=(4,) * 5, form="full", sharing="none"), 67_430),
        (dict(channels=(8,) * 5, form="full", sharing="none"), 412_290),
        (dict(channels=(4,) * 2, form="full"), 2_642),
        (dict(channels=(8,) * 2, form="full"), 8_538),
        (dict(channels=(16,) * 2, form="full"), 42_410),
        (dict(channels=(32,) * 5, image=(3, 32, 32)), 55_914),
        (dict(channels=(64,) * 5, image=(3, 32, 32)), 220_362),
        (dict(channels=(128,) * 5, image=(3, 32, 32)), 874_890),
    ],
)
def test_parameters_are_as_derived(options: dict, count: int) -> None:
    assert parameters(TaylorNet(TaylorNetConfig(norm="none", **options))) == count


# No activation anywhere ---------------------------------------------------------------------------

BODY = {TaylorNet, Level, TaylorLayer, Rescale, nn.ModuleList, nn.Linear, nn.BatchNorm1d}
POLYNOMIAL = {  # aten operations that add, multiply, or move numbers about
    "add", "mul", "mm", "addmm", "bmm", "sum", "cat", "t", "view", "_unsafe_view", "permute", "transpose",
    "unsqueeze", "clone", "split_with_sizes", "constant_pad_nd", "expand", "unfold", "index", "index_put_",
    "new_zeros", "select", "slice", "detach", "empty", "unbind", "split", "_reshape_alias", "copy_",
    "native_batch_norm",  # in evaluation: affine
}  # fmt: skip


class Traced(TorchDispatchMode):
    """The operations that a network really runs, below autograd and below every module."""

    def __init__(self, module: nn.Module, input: Tensor) -> None:
        super().__init__()
        self.names: set[str] = set()
        with torch.no_grad(), self:
            module(input)

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        self.names.add(function.overloadpacket.__name__)
        return function(*arguments, **keywords or {})


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("norm", ["none", "scale", "batch"])
@pytest.mark.parametrize(
    "options",
    [dict(form="full"), dict(depth=1, reach=3), dict(block=3, stride=2), dict(sharing="none"), {}],
    ids=str,
)
def test_no_activation_in_modules_nor_in_what_runs(order: int, norm: str, options: dict) -> None:
    made = net(order=order, norm=norm, channels=(3, 3), **options)
    assert {type(module) for module in made.modules()} <= BODY
    used = Traced(made, images(2, 1, 8, 8)).names
    assert used <= POLYNOMIAL, used - POLYNOMIAL
    assert used & {"mm", "bmm", "addmm"}


@pytest.mark.parametrize(
    "stranger", [nn.ReLU(), nn.Softmax(1), nn.Tanh(), nn.LayerNorm(10).double()], ids=str
)
def test_an_activation_would_be_found(stranger: nn.Module) -> None:
    assert Traced(nn.Sequential(net(), stranger), images(2, 1, 8, 8)).names - POLYNOMIAL


# Options and errors ---------------------------------------------------------------------------------


def test_one_map_for_all_levels() -> None:
    own, shared = net(channels=(6, 6, 6)), net(channels=(6, 6, 6), sharing="all")
    assert shared.levels[2].steps is shared.levels[1].steps is not shared.levels[0].steps
    assert parameters(own) - parameters(shared) == sum(p.numel() for p in own.levels[2].steps.parameters())
    assert TaylorNetConfig().grids == ((32, 32), (16, 16), (8, 8), (4, 4), (2, 2), (1, 1))


def test_calibrated_scales_keep_the_size_of_sites() -> None:
    made = net(norm="scale", depth=1, residual=False)
    x = 3 * images(50, 1, 8, 8)
    assert made.calibrate(x) is made
    for maps in made.coarse(x)[1:]:
        assert math.isclose(maps.square().mean().item(), 1.0, rel_tol=1e-9)
    again = {key: value.clone() for key, value in made.state_dict().items()}
    made.calibrate(x)
    assert all(torch.equal(value, again[key]) for key, value in made.state_dict().items())


def test_seeds_make_the_weights() -> None:
    a, b, c = (TaylorNet(TaylorNetConfig(), seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))
    assert not torch.equal(a.head.weight, c.head.weight)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(image=(28, 28)), "image must be channels, rows and columns"),
        (dict(classes=1), "classes must be at least 2, got 1"),
        (dict(channels=()), "at least one level"),
        (dict(sharing="blocks"), "sharing must be one of level, all, none, got 'blocks'"),
        (dict(norm="layer"), "norm must be one of none, scale, batch, got 'layer'"),
        (dict(depth=-1), "depth must not be negative"),
        (dict(reach=2), "reach must be 1 or 3, got 2"),
        (dict(block=3, stride=1), "use depth"),
        (dict(channels=(8,) * 6), "need 64 sites along a side, but the image has 28: use fewer levels"),
        (dict(sharing="all"), "equal channels"),
    ],
)
def test_bad_configurations_are_refused(options: dict, message: str, plain_calls: None) -> None:
    with pytest.raises(ValueError, match=message):
        TaylorNetConfig(**options)


def test_bad_calls_are_refused(plain_calls: None) -> None:
    with pytest.raises(ValueError, match=r"images must be \(batch, 1, 8, 8\), got \(2, 1, 9, 9\)"):
        net()(images(2, 1, 9, 9))
    with pytest.raises(ValueError, match="only norm='scale'"):
        net().calibrate(images(2, 1, 8, 8))
    silent = TaylorNet(TaylorNetConfig(**SMALL | {"norm": "scale"}))
    with pytest.raises(ValueError, match="only zeros"):
        silent.calibrate(torch.zeros(2, 1, 8, 8))
