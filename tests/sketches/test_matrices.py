"""Each family against the matrix it stands for, and the statistics the theory asks of it."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scipy.stats import kstest

from hsrnn.sketches import (
    BlockCode,
    BlockSparse,
    Dense,
    Family,
    Haar,
    Hadamard,
    Matrices,
    Operator,
    Transparent,
    walsh_hadamard,
)
from hsrnn.sketches.streams import chances, normals, signs, stream

MAKERS = {
    "haar": lambda d, seed=0, module="cat", role="attributes": Haar(d, seed, module, role),
    "hadamard": lambda d, seed=0, module="cat", role="attributes": Hadamard(d, seed, module, role),
    "block": lambda d, seed=0, module="cat", role="attributes": BlockSparse(
        d, seed, module, role, block=32, density=0.25
    ),
}


def rows(n: int, d: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# Random bits --------------------------------------------------------------------------------------


def test_streams_are_shake_256_of_a_name():
    name = json.dumps(["hsrnn.sketches", 1, 7, "cat", "attributes", "round 0"], separators=(",", ":"))
    expected = hashlib.shake_256(name.encode()).digest(40)
    assert stream(7, "cat", "attributes", "round 0", 40) == expected
    bits = [(expected[k // 8] >> (k % 8)) & 1 for k in range(300)]
    assert signs(7, "cat", "attributes", "round 0", 300).tolist() == [1 - 2 * bit for bit in bits]
    words = np.frombuffer(expected, "<u4")
    flags = chances(7, "cat", "attributes", "round 0", 10, 0.3)
    assert flags.tolist() == [int(word) / 2**32 < 0.3 for word in words]
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        stream(-1, "cat", "attributes", "x", 1)


def test_streams_have_their_laws():
    assert abs(signs(0, "a", "b", "c", 100_000).mean()) < 4 / np.sqrt(100_000)
    assert chances(0, "a", "b", "c", 100_000, 0.2).mean() == pytest.approx(0.2, abs=0.006)
    assert chances(0, "a", "b", "c", 100, 1.0).all() and not chances(0, "a", "b", "c", 100, 0.0).any()
    assert kstest(normals(0, "a", "b", "c", 20_001), "norm").pvalue > 1e-3


def test_the_same_names_give_the_same_matrix_in_another_process():
    program = (
        "import hashlib\nfrom hsrnn.sketches import Family\n"
        "for kind in ('haar', 'hadamard', 'block'):\n"
        "    matrix = Family(kind).make(64, 3, 'cat', 'object').matrix().numpy()\n"
        "    print(hashlib.sha256(matrix.round(9).tobytes()).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    here = [Family(kind).make(64, 3, "cat", "object").matrix().numpy() for kind in MAKERS]
    assert ran.stdout.split() == [hashlib.sha256(matrix.round(9).tobytes()).hexdigest() for matrix in here]


@pytest.mark.parametrize("kind", MAKERS)
def test_seed_module_and_role_each_change_the_matrix(kind):
    make = MAKERS[kind]
    base = make(64).matrix()
    for other in (make(64, seed=1), make(64, module="dog"), make(64, role="marker")):
        assert abs((base * other.matrix()).sum() / 64) < 0.5
    assert torch.equal(base, make(64).matrix())


# Operators against matrices -----------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 8, 16, 32, 256, 1024])
def test_the_fast_transform_is_sylvesters_matrix(d):
    x = rows(3, d)
    expected = x.numpy() @ hadamard(d) / np.sqrt(d)
    np.testing.assert_allclose(walsh_hadamard(x).numpy(), expected, atol=1e-12)
    torch.testing.assert_close(walsh_hadamard(walsh_hadamard(x)), x, atol=1e-12, rtol=0)


def butterfly(x: np.ndarray) -> np.ndarray:
    """Return the transform by log2 d passes of sums and differences."""
    d, half = x.shape[-1], 1
    while half < d:
        pairs = x.reshape(*x.shape[:-1], -1, 2, half)
        x = np.stack([pairs[..., 0, :] + pairs[..., 1, :], pairs[..., 0, :] - pairs[..., 1, :]], -2)
        x, half = x.reshape(*x.shape[:-3], d), 2 * half
    return x / np.sqrt(d)


@pytest.mark.parametrize("d", [64, 2048, 4096, 8192, 65536])
def test_the_fast_transform_is_the_plain_butterfly(d):
    x = rows(3, d)
    np.testing.assert_allclose(walsh_hadamard(x).numpy(), butterfly(x.numpy()), atol=1e-11)
    single = walsh_hadamard(x.float()).double().numpy()
    np.testing.assert_allclose(single, butterfly(x.numpy()), atol=1e-5)


def test_a_million_coordinates():
    operator = Hadamard(2**20, 0, "cat", "attributes", rounds=1)
    x = rows(1, 2**20, dtype=torch.float32)
    y = operator(x)
    assert float(y.norm()) == pytest.approx(float(x.norm()), rel=1e-5)
    torch.testing.assert_close(operator.transpose(y), x, atol=1e-4, rtol=0)


def test_rounds_are_signs_and_transforms():
    d, drawn = 32, [signs(5, "cat", "object", f"round {k}", 32) for k in range(3)]
    expected = np.eye(d)
    for flips in drawn:
        expected = hadamard(d) / np.sqrt(d) @ np.diag(flips) @ expected
    actual = Hadamard(d, 5, "cat", "object", rounds=3).matrix().numpy()
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["haar", "hadamard"])
@pytest.mark.parametrize("d", [1, 2, 64, 256])
def test_orthonormal(kind, d):
    matrix = MAKERS[kind](d).matrix()
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(d, dtype=torch.float64), atol=1e-11, rtol=0)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_transposes_are_adjoint_and_batches_are_vectors(kind, wrapped):
    operator = MAKERS[kind](64)
    operator = Transparent(operator, 0.3) if wrapped else operator
    x, y = rows(6, 64, 1), rows(6, 64, 2)
    torch.testing.assert_close((operator(x) * y).sum(1), (x * operator.transpose(y)).sum(1))
    torch.testing.assert_close(operator(x.view(2, 3, 64))[1, 2], operator(x[5]))
    torch.testing.assert_close(operator(x), x @ operator.matrix().T, atol=1e-11, rtol=0)
    torch.testing.assert_close(operator.transpose(y), y @ operator.matrix(), atol=1e-11, rtol=0)
    torch.testing.assert_close(operator(x.float()).double(), operator(x), atol=1e-5, rtol=0)


def test_chunks_change_nothing_and_gradients_are_transposes():
    operator = Hadamard(1024, 0, "cat", "attributes")
    x = rows(700, 1024)
    torch.testing.assert_close(operator(x)[650:], operator(x[650:]), atol=1e-12, rtol=0)
    part, weights = x[:4].clone().requires_grad_(), rows(4, 1024, 9)
    (operator(part) * weights).sum().backward()
    torch.testing.assert_close(part.grad, operator.transpose(weights), atol=1e-12, rtol=0)


# What the theory asks -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MAKERS)
def test_leaky_desynchronisation_and_isometry(kind):
    """<Rx, y> has mean 0 and sd |x||y|/sqrt(d); <Tx, y> -> <x, y>/2; <Tx, Ty> -> <x, y>/2."""
    d, seeds = 256, 150
    x, y = rows(2, d)
    x, y = x / x.norm(), (x + y) / (x + y).norm()
    leaks, plain, scaled = [], [], []
    for seed in range(seeds):
        operator = MAKERS[kind](d, seed)
        transparent = Transparent(operator)
        leaks.append(float(operator(x) @ y))
        plain.append(float(transparent(x) @ y))
        scaled.append(float(transparent(x) @ transparent(y)))
    inner, sd = float(x @ y), 1 / np.sqrt(d)
    assert np.std(leaks) == pytest.approx(sd, rel=0.25)
    for values, mean in ((leaks, 0.0), (plain, inner / 2), (scaled, inner / 2)):
        assert np.mean(values) == pytest.approx(mean, abs=4 * np.std(values) / np.sqrt(seeds))
        assert np.std(values) < 3 * sd + (0.15 if kind == "block" else 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["haar", "hadamard"]), st.floats(0, 1), st.integers(0, 6))
def test_transparent_matrices_never_lengthen(seed, kind, share, log_d):
    operator = Transparent(MAKERS[kind](2**log_d, seed), share)
    x = rows(4, 2**log_d, seed % 2**31)
    assert (operator(x).norm(dim=1) <= x.norm(dim=1) * (1 + 1e-12)).all()
    assert (operator.transpose(x).norm(dim=1) <= x.norm(dim=1) * (1 + 1e-12)).all()


def test_markers_of_different_modules_are_unrelated():
    """One round would send the first basis vector to the same vector in every module, up to sign."""
    marker = torch.zeros(1024, dtype=torch.float64)
    marker[0] = 1.0
    twice = [Hadamard(1024, 0, f"m{k}", "marker")(marker) for k in range(30)]
    products = [abs(float(a @ b)) for k, a in enumerate(twice) for b in twice[:k]]
    assert max(products) < 4.5 / np.sqrt(1024)
    once = [Hadamard(1024, 0, f"m{k}", "marker", rounds=1)(marker) for k in range(2)]
    assert abs(float(once[0] @ once[1])) == pytest.approx(1.0)


# Block-sparse -------------------------------------------------------------------------------------


def test_block_columns_have_the_lengths_the_sheet_predicts():
    matrix = BlockSparse(768, 0, "cat", "attributes", block=24, density=0.25)
    squares = matrix.matrix().square().sum(0)
    assert float(squares.mean()) == pytest.approx(1.0, abs=0.04)
    assert float(squares.std()) == pytest.approx(np.sqrt(0.75 * 24 / (768 * 0.25)), rel=0.1)
    gram = matrix.matrix().T @ matrix.matrix()
    off = gram[~torch.eye(768, dtype=torch.bool)]
    assert abs(float(off.mean())) < 0.25 / 24 * 1.2  # only the sign that is always +1 adds up
    assert 1 / np.sqrt(768) < float(off.std()) < np.sqrt(24 / 768)


def test_blocks_are_sparse_signs_that_carry_their_numbers():
    matrix = BlockSparse(96, 4, "cat", "attributes", block=24, density=0.4, number=11)
    written = matrix.matrix().numpy().reshape(4, 24, 96) * np.sqrt(96 * 0.4)
    assert matrix.present.mean() == pytest.approx(0.4, abs=0.1)
    for block in range(4):
        for column in range(96):
            pattern = written[block, :, column]
            if not matrix.present[block, column]:
                assert (pattern == 0).all()
                continue
            np.testing.assert_allclose(abs(pattern), 1.0, atol=1e-12)
            number, where = matrix.code.read(np.rint(pattern).astype(int))
            assert (int(number), int(where)) == (11, column) and pattern[0] > 0
    code = BlockCode(96, 24)
    assert 2 + code.random_bits + code.column_bits + code.matrix_bits == 24 and code.blocks == 4


# Errors -------------------------------------------------------------------------------------------


def test_errors(plain_calls):
    with pytest.raises(ValueError, match="power of two up to 1,048,576, got 1000; 512 is one"):
        Hadamard(1000, 0, "cat", "attributes")
    with pytest.raises(ValueError, match="got 2097152; 1048576 is one"):
        Hadamard(2**21, 0, "cat", "attributes")
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        Hadamard(8, 0, "cat", "attributes", rounds=0)
    with pytest.raises(ValueError, match=r"dimension in \[1, 4096\], got 8192; take the family 'hadamard'"):
        Haar(8192, 0, "cat", "attributes")
    operator: Operator = Hadamard(8, 0, "cat", "attributes")
    with pytest.raises(ValueError, match=r"vectors must be \(..., 8\), got \(2, 9\)"):
        operator(torch.zeros(2, 9))
    with pytest.raises(TypeError, match="float32 or float64, got torch.float16"):
        operator.transpose(torch.zeros(8, dtype=torch.float16))
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 1.5"):
        Transparent(operator, 1.5)
    with pytest.raises(ValueError, match="family must be one of hadamard, haar, block, got 'gauss'"):
        Family("gauss")
    with pytest.raises(ValueError, match="power of two"):
        Matrices(0, 100)
    with pytest.raises(ValueError, match=r"matrix must be \(d, d\), got \(2, 3\)"):
        Dense(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="block must divide the dimension 96, got 25"):
        BlockCode(96, 25)
    with pytest.raises(ValueError, match="block must be at least 11 for dimension 96, got 8"):
        BlockCode(96, 8)
    with pytest.raises(ValueError, match=r"density must lie in \(0, 1\], got 0"):
        BlockSparse(96, 0, "cat", "attributes", block=24, density=0.0)
    with pytest.raises(ValueError, match=r"number must lie in \[0, 128\), got 500"):
        BlockSparse(96, 0, "cat", "attributes", block=24, density=0.1, number=500)


def test_matrices_are_made_once():
    matrices = Matrices(3, 64)
    assert matrices.operator("cat", "object") is matrices.operator("cat", "object")
    assert isinstance(matrices.position(2), Transparent)
    expected = 0.5 * (torch.eye(64, dtype=torch.float64) + matrices.operator("", "position 2").matrix())
    torch.testing.assert_close(matrices.position(2).matrix(), expected)
