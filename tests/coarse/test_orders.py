"""The split into orders is exact: it adds up, scales as it must, agrees with autograd and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hsrnn.coarse import (
    Series,
    TaylorNet,
    TaylorNetConfig,
    coefficient,
    gradient,
    hessian,
    orders,
    straighten,
    term_by_term,
)


def net(seed: int = 0, *, image: tuple[int, int, int] = (1, 4, 4), channels=(3, 4), **more) -> TaylorNet:
    config = TaylorNetConfig(image=image, classes=3, channels=channels, **{"nonlinear_scale": 0.7} | more)
    made = TaylorNet(config, seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    for name, value in [*made.named_parameters(), *made.named_buffers()]:
        if name.endswith("bias") or name.endswith("running_mean"):
            value.data += 0.3 * torch.randn(value.shape, generator=generator).double()
        if name.endswith("running_var"):
            value.data *= torch.rand(value.shape, generator=generator).double() + 0.5
    return made.eval()


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


KINDS = st.fixed_dictionaries(
    {
        "order": st.integers(1, 3),
        "form": st.sampled_from(["full", "cp"]),
        "sharing": st.sampled_from(["level", "none"]),
        "norm": st.sampled_from(["none", "scale", "batch"]),
        "depth": st.integers(0, 1),
    }
)


# 3. f(t x) in powers of t -----------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(kind=KINDS, seed=st.integers(0, 99))
def test_orders_add_up_and_each_is_homogeneous(kind: dict, seed: int) -> None:
    made = net(seed, channels=(3,) if kind["order"] == 3 and kind["depth"] else (3, 4), **kind)
    x = images(2, 1, 4, 4, seed=seed)
    parts = orders(made, x)
    logits = made(x).detach()
    torch.testing.assert_close(parts.sum(1), logits, rtol=1e-9, atol=1e-9)
    assert parts.shape == (2, made.config.degree + 1, 3)
    powers = torch.arange(parts.shape[1]).double().view(1, -1, 1)
    for t in (-0.8, 0.5, 1.1):
        torch.testing.assert_close((parts * t**powers).sum(1), made(t * x).detach(), rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(orders(made, t * x), parts * t**powers, rtol=1e-8, atol=1e-10)


def test_orders_are_the_derivatives_along_a_line() -> None:
    made, x = net(order=2), images(1, 1, 4, 4)
    parts = orders(made, x)[0, :, 0]

    def logit(t: Tensor) -> Tensor:
        return made(t * x)[0, 0]

    derivative = logit
    for k in range(5):
        value = derivative(torch.zeros((), dtype=torch.float64, requires_grad=True))
        assert math.isclose(float(value.detach()), float(parts[k]) * math.factorial(k), abs_tol=1e-9)
        before = derivative
        derivative = lambda t, f=before: torch.autograd.grad(f(t), t, create_graph=True)[0]


def test_a_truncated_split_is_the_beginning_of_the_whole() -> None:
    made, x = net(channels=(3, 4, 4), image=(1, 8, 8)), images(2, 1, 8, 8)
    whole = orders(made, x)
    assert whole.shape[1] == 9
    for most in (0, 1, 3, 8, 20):
        torch.testing.assert_close(orders(made, x, most=most), whole[:, : most + 1])


def test_thirty_two_orders_add_up_in_single_precision() -> None:
    made = TaylorNet(TaylorNetConfig(norm="scale", channels=(8, 8, 8, 8, 8)))
    x = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    made.calibrate(x)
    parts = orders(made.eval(), x)
    assert parts.shape == (10, 33, 10) and made.config.degree == 32
    torch.testing.assert_close(parts.sum(1), made(x).detach(), rtol=0, atol=1e-5)


def test_a_region_alone_and_in_company() -> None:
    made, x = net(order=2), images(2, 1, 4, 4)
    region = torch.zeros(4, 4, dtype=torch.bool)
    region[1:3, :2] = True
    inside = orders(made, x, region=region)
    torch.testing.assert_close(inside, orders(made, x * region))
    company = orders(made, x, region=region, outside="kept")
    torch.testing.assert_close(company.sum(1), made(x).detach())
    torch.testing.assert_close(company[:, 0], made(x * ~region).detach())
    # Pixel by pixel a logit's terms of order 1 are a sum over disjoint regions; those of order 2 are not.
    both = inside[:, 1] + orders(made, x, region=~region)[:, 1]
    torch.testing.assert_close(both, orders(made, x)[:, 1])
    two = inside[:, 2] + orders(made, x, region=~region)[:, 2]
    assert (two - orders(made, x)[:, 2]).abs().max() > 1e-3


def test_another_origin_is_another_split_of_the_same_logits() -> None:
    made, x, origin = net(order=2), images(2, 1, 4, 4), images(1, 4, 4, seed=7)
    parts = orders(made, x, origin=origin)
    torch.testing.assert_close(parts.sum(1), made(x).detach())
    torch.testing.assert_close(parts[:, 0], made(origin[None]).detach().expand(2, -1))
    powers = (0.5 ** torch.arange(5.0)).double().view(1, -1, 1)
    halfway = made((x + origin) / 2).detach()
    torch.testing.assert_close((parts * powers).sum(1), halfway)
    assert (parts[:, 1] - orders(made, x)[:, 1]).abs().max() > 1e-3
    region = torch.eye(4, dtype=torch.bool)
    blanked = orders(made, x, origin=origin, region=region, outside="kept")
    torch.testing.assert_close(blanked[:, 0], made(torch.where(region, origin, x)).detach())
    torch.testing.assert_close(blanked.sum(1), made(x).detach())


# 4. Coefficients ---------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(kind=KINDS, seed=st.integers(0, 99))
def test_gradient_and_hessian_are_those_of_autograd(kind: dict, seed: int) -> None:
    made = net(seed, image=(1, 2, 4), channels=(3,), **kind)
    zero = torch.zeros(8, dtype=torch.float64)

    def logits(u: Tensor) -> Tensor:
        return made(u.view(1, 1, 2, 4))[0]

    jacobian = torch.autograd.functional.jacobian(logits, zero)
    torch.testing.assert_close(gradient(made).flatten(1), jacobian)
    seconds = [torch.autograd.functional.hessian(lambda u, k=k: logits(u)[k], zero) for k in range(3)]
    torch.testing.assert_close(hessian(made), torch.stack(seconds))
    some = torch.tensor([5, 0])
    torch.testing.assert_close(hessian(made, some), torch.stack(seconds)[:, some][:, :, some])


def test_coefficients_of_all_monomials_make_the_polynomial() -> None:
    """Two pixels are not zero: all their monomials up to degree 4, one by one, sum to the logits."""
    made = net(order=2)
    pixels, values = [(0, 0, 1), (0, 3, 2)], (0.7, -1.3)
    x = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    total = coefficient(made, {})
    for (_, i, j), value in zip(pixels, values):
        x[0, 0, i, j] = value
    for a in range(5):
        for b in range(5):
            if 0 < a + b:
                powers = {pixel: power for pixel, power in zip(pixels, (a, b)) if power}
                found = coefficient(made, powers)
                assert a + b <= 4 or not found.any()
                total = total + found * values[0] ** a * values[1] ** b
    torch.testing.assert_close(total, made(x)[0].detach())


def test_a_straightened_level_halves_the_degree() -> None:
    for form in ("full", "cp"):
        made, x = net(form=form), images(2, 1, 4, 4)
        for level in (0, 1):
            parts = orders(straighten(made, level), x)
            assert parts[:, 2].abs().max() > 1e-6 > parts[:, 3:].abs().max()
        assert not torch.equal(straighten(made, 0)(x), made(x))
    one = net(channels=(3, 3), sharing="all")
    with pytest.raises(ValueError, match="none can be changed alone"):
        straighten(one, 1)


# Series ------------------------------------------------------------------------------------------------


def test_series_multiply_like_polynomials() -> None:
    a, b = images(3, 5), images(4, 5, seed=1)
    found = (Series(a, (9,)) * Series(b, (9,))).terms
    for k in range(5):
        np.testing.assert_allclose(found[:, k], np.convolve(a[:, k], b[:, k]))
    cut = (Series(a, (3,)) * Series(b, (3,))).terms
    torch.testing.assert_close(cut, found[:4])
    total = Series(a, (9,)) + Series(b, (9,)) + torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(total.terms[0], a[0] + b[0] + 1)
    torch.testing.assert_close(total.terms[3], b[3])
    two = Series(images(2, 3, 5), (4, 4)) * Series(images(3, 2, 5, seed=2), (4, 4))
    s, t = 0.4, -0.9

    def at(series: Series) -> Tensor:
        powers = torch.tensor(s) ** torch.arange(series.powers[0])[:, None] * torch.tensor(t) ** torch.arange(
            series.powers[1]
        )
        return (series.terms * powers[..., None]).sum((0, 1))

    expected = at(Series(images(2, 3, 5), (4, 4))) * at(Series(images(3, 2, 5, seed=2), (4, 4)))
    torch.testing.assert_close(at(two), expected, rtol=1e-5, atol=1e-6)
    doubled = term_by_term(lambda x: 2 * x, Series(a, (9,)))
    torch.testing.assert_close(doubled.terms, 2 * a)
    with pytest.raises(ValueError, match="beyond the limits"):
        Series(a, (1,))


# At the door ------------------------------------------------------------------------------------------


def test_bad_calls_are_refused(plain_calls: None) -> None:
    made, x = net(), images(1, 1, 4, 4)
    with pytest.raises(ValueError, match=r"call net.eval\(\)"):
        orders(net(norm="batch").train(), x)
    with pytest.raises(ValueError, match="most must not be negative, got -1"):
        orders(made, x, most=-1)
    with pytest.raises(ValueError, match="region must be booleans"):
        orders(made, x, region=torch.ones(4, 4))
    with pytest.raises(ValueError, match="outside must be 'zero' or 'kept', got 'some'"):
        orders(made, x, region=torch.ones(4, 4, dtype=torch.bool), outside="some")
    with pytest.raises(ValueError, match=r"origin must be \(1, 4, 4\), got \(4, 4\)"):
        orders(made, x, origin=torch.zeros(4, 4))
    with pytest.raises(ValueError, match="a pixel must lie inside"):
        coefficient(made, {(0, 4, 0): 1})
    with pytest.raises(ValueError, match="a power must be at least 1"):
        coefficient(made, {(0, 0, 0): 0})
    with pytest.raises(ValueError, match=r"pixels must lie in 0 .. 15"):
        hessian(made, torch.tensor([16]))
    with pytest.raises(ValueError, match=r"level must lie in 0 .. 1, got 2"):
        straighten(made, 2)
