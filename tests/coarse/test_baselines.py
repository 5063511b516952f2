"""Baselines have the size that was asked for, and the closed form is the closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsrnn.coarse import BASELINES, FlatTaylor, baseline, parameters, quadratic_ridge


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("image", [(1, 28, 28), (3, 32, 32), (1, 8, 8)])
def test_sizes_come_as_near_as_they_can(name: str, image: tuple[int, int, int]) -> None:
    most = 60_000
    model = baseline(name, image, 10, most)
    count = parameters(model)
    assert count <= most
    if name != "linear":
        assert count > 0.85 * most
    x = torch.randn(2, *image)
    assert model(x).shape == (2, 10)
    again, other = (baseline(name, image, 10, most, seed=seed) for seed in (0, 1))
    assert torch.equal(model(x), again(x)) and not torch.equal(model(x), other(x))


def test_drawing_weights_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    baseline("mlp", (1, 8, 8), 10, 5000)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_flat_net_is_quadratic_and_nothing_else() -> None:
    flat = FlatTaylor(6, 3, 4).double()
    x, d = torch.randn(2, 1, 1, 2, 3, dtype=torch.float64)
    t = torch.arange(4, dtype=torch.float64).view(4, 1, 1, 1)
    values = flat(x + t * d)
    assert values.diff(n=3, dim=0).abs().max() < 1e-10 < values.diff(n=2, dim=0).abs().max()


def test_the_ridge_solves_its_normal_equations() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(300, 9)), random.integers(3, size=300)
    fitted = quadratic_ridge(4, alpha=2.0).fit(x, y)
    features = fitted[:-1].transform(x)
    assert features.shape[1] == 1 + 4 + 4 * 5 // 2
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    centred = features - features.mean(0)
    weights = np.linalg.solve(centred.T @ centred + 2.0 * np.eye(15), centred.T @ (targets - targets.mean(0)))
    np.testing.assert_allclose(fitted[-1].coef_, weights.T, atol=1e-8)


def test_bad_baselines_are_refused(plain_calls: None) -> None:
    with pytest.raises(
        ValueError, match="baseline must be one of linear, mlp, cnn, strided, flat, got 'vgg'"
    ):
        baseline("vgg", (1, 8, 8), 10, 1000)
    with pytest.raises(ValueError, match="the smallest 'linear' has 7850 parameters: allow more than 2000"):
        baseline("linear", (1, 28, 28), 10, 2000)
    with pytest.raises(ValueError, match="components must be at least 1"):
        quadratic_ridge(0)
