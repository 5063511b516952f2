"""Products with a matrix that is laid out once."""

from __future__ import annotations

import pytest
import torch

from hsrnn.hmrnn import fast_products
from hsrnn.hmrnn.fast_memory import Lease
from hsrnn.hmrnn.fast_products import Products, packs, product_of_transpose


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(6, 4), (1024, 256)])
@pytest.mark.parametrize("steps", [1, 100])
def test_products_equal_plain_ones(dtype: torch.dtype, shape: tuple[int, int], steps: int) -> None:
    draw = torch.Generator().manual_seed(0)
    matrix, bias = (torch.randn(size, generator=draw, dtype=dtype) for size in (shape, shape[:1]))
    products = Products(matrix, steps, Lease(torch.nn.Linear(1, 1), matrix))
    tolerance = {"rtol": 1e-5, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 0, "atol": 1e-10}
    for rows in (1, 7, 64):
        x = torch.randn(rows, shape[1], generator=draw, dtype=dtype)
        ds = torch.randn(rows, shape[0], generator=draw, dtype=dtype)
        torch.testing.assert_close(products.times(x), x @ matrix.t(), **tolerance)
        torch.testing.assert_close(products.times(x, bias), x @ matrix.t() + bias, **tolerance)
        torch.testing.assert_close(products.back(ds), ds @ matrix, **tolerance)


def test_only_large_matrices_in_single_precision_are_laid_out() -> None:
    if not packs():
        pytest.skip("this build of torch has no such products")
    large, owner = torch.zeros(1024, 256), torch.nn.Linear(1, 1)
    layouts = {
        Products(matrix, steps, Lease(owner, matrix)).laid_out
        for matrix, steps in ((large.double(), 100), (large, 1), (large[:8], 100))
    }
    assert layouts == {False}
    assert Products(large, 100, Lease(owner, large)).laid_out


@pytest.mark.parametrize("amd", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [0, 300])
def test_tall_matrices_are_multiplied_either_way(
    amd: bool, dtype: torch.dtype, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_products, "_amd", lambda: amd)
    draw = torch.Generator().manual_seed(0)
    left, right = (torch.randn(rows, columns, generator=draw, dtype=dtype) for columns in (512, 260))
    product = torch.full((513, 260), torch.nan, dtype=dtype)
    product_of_transpose(left, right, product[:512])
    tolerance = {"rtol": 1e-5, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 0, "atol": 1e-10}
    torch.testing.assert_close(product[:512], left.t() @ right, **tolerance)
    assert product[512].isnan().all()
