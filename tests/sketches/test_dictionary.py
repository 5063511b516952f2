"""Learning block-sparse matrices: the coupon curve, signs and signatures, noise, a level further down."""

import numpy as np
import pytest

from hsrnn.sketches import (
    BlockCode,
    BlockDictionary,
    BlockSparse,
    Recovery,
    expected_recovery,
    learn_recursively,
)
from hsrnn.sketches.dictionary import Level, find_clean_blocks, samples_needed

pytestmark = pytest.mark.usefixtures("plain_calls")
D, B, Q, COLUMNS = 768, 24, 0.25, 256


def matrix(number: int = 5, seed: int = 0, d: int = D, b: int = B, q: float = Q) -> BlockSparse:
    return BlockSparse(d, seed, f"module {number}", "attributes", block=b, density=q, number=number)


def sparse(generator: np.random.Generator, samples: int, active: int, columns: int = COLUMNS) -> np.ndarray:
    """Draw (samples, columns) with ``active`` numbers a row that are not zero, of either sign."""
    x = np.zeros((samples, columns))
    where = generator.random((samples, columns)).argpartition(active, 1)[:, :active]
    values = generator.uniform(0.5, 1.5, (samples, active)) * generator.choice([-1, 1], (samples, active))
    np.put_along_axis(x, where, values, 1)
    return x


def mixed(x: np.ndarray, truth: BlockSparse) -> np.ndarray:
    return x @ truth.matrix().numpy()[:, : x.shape[1]].T


@pytest.mark.parametrize(
    ("active", "samples"), [(2, 200), (4, 200), (4, 1000), (8, 200), (8, 1000), (16, 1000)]
)
def test_the_coupon_curve_of_the_sheet(active, samples):
    truth = matrix()
    learner = BlockDictionary(truth.code, Q)
    y = mixed(sparse(np.random.default_rng(active), samples, active), truth)
    found = learner.fit(y).recovery(truth.number, truth, range(COLUMNS))
    assert isinstance(found, Recovery)
    assert found.blocks == pytest.approx(
        expected_recovery(COLUMNS, active, Q, samples), abs=0.03 if active < 16 else 0.06
    )
    assert found.spurious == 0 and learner.samples_ == samples
    assert set(learner.patterns_) == {truth.number}


def test_the_predictions_of_the_sheet():
    table = {2: (0.690, 0.997), 4: (0.732, 0.999), 8: (0.566, 0.985), 16: (0.154, 0.566)}
    for active, row in table.items():
        for samples, expected in zip((200, 1000), row, strict=True):
            assert expected_recovery(COLUMNS, active, Q, samples) == pytest.approx(expected, abs=0.0025)
    needed = samples_needed(COLUMNS, 4, Q, COLUMNS * 8, fail=1.0)
    assert (1 - expected_recovery(COLUMNS, 4, Q, round(needed))) * COLUMNS * 8 == pytest.approx(1.0, rel=0.05)


def test_clean_blocks_carry_sign_column_and_amplitude():
    truth = matrix(number=3)
    x = np.zeros((2, D))
    x[0, 17], x[1, 700] = -0.8, 0.4
    clean = find_clean_blocks(mixed(x, truth), truth.code)
    assert set(zip(clean.sample, clean.column, clean.matrix, strict=True)) == {(0, 17, 3), (1, 700, 3)}
    assert len(clean.block) == truth.present[:, 17].sum() + truth.present[:, 700].sum()
    np.testing.assert_allclose(
        clean.amplitude * np.sqrt(D * Q), np.where(clean.sample == 0, -0.8, 0.4), atol=1e-9
    )


def test_two_matrices_are_stitched_apart_and_decoded():
    first, second = matrix(1), matrix(9, seed=4)
    generator = np.random.default_rng(0)
    parts = [sparse(generator, 1500, 2), sparse(generator, 1500, 2)]
    y = mixed(parts[0], first) + mixed(parts[1], second)
    learner = BlockDictionary(first.code, Q, rounds=3).fit(y)
    assert set(learner.patterns_) == {1, 9}
    for truth, x in ((first, parts[0]), (second, parts[1])):
        found = learner.recovery(truth.number, truth, range(COLUMNS))
        assert found.blocks > 0.999 and found.spurious == 0 and found.columns > 0.99
        np.testing.assert_allclose(
            learner.matrix(truth.number)[:, :COLUMNS], truth.matrix().numpy()[:, :COLUMNS], atol=0.08
        )
        error = np.abs(learner.decode(y[:200])[truth.number][:, :COLUMNS] - x[:200]).max(1)
        assert (error < 1e-9).mean() > 0.97  # all but samples in which a column has no clean block


def test_more_rounds_lay_more_blocks_bare():
    truth = matrix()
    y = mixed(sparse(np.random.default_rng(1), 400, 8), truth)
    once, often = (BlockDictionary(truth.code, Q, rounds=rounds).fit(y) for rounds in (1, 5))
    recoveries = [learner.recovery(5, truth, range(COLUMNS)).blocks for learner in (once, often)]
    assert recoveries[1] > recoveries[0] + 0.05


@pytest.mark.parametrize("noise", [0.001, 0.004])
def test_with_noise_what_is_found_is_right_and_numbers_are_as_good_as_the_noise(noise):
    truth, generator = matrix(), np.random.default_rng(2)
    x = sparse(generator, 1500, 3)
    y = mixed(x, truth) + noise * generator.normal(size=(1500, D))
    learner = BlockDictionary(truth.code, Q, noise=noise).fit(y)
    found = learner.recovery(5, truth, range(COLUMNS))
    assert found.blocks > 0.98 and found.spurious <= 3
    decoded = learner.decode(y[:300])[5][:, :COLUMNS]
    right = ((decoded != 0) == (x[:300] != 0)).all(1)
    assert right.mean() > 0.9
    error = (decoded - x[:300])[right][x[:300][right] != 0]
    assert np.sqrt((error**2).mean()) == pytest.approx(noise, rel=0.25)  # a column has length 1


def test_too_much_noise_finds_nothing_rather_than_something_wrong():
    truth, generator = matrix(), np.random.default_rng(3)
    y = mixed(sparse(generator, 300, 3), truth) + 0.3 * generator.normal(size=(300, D))
    learner = BlockDictionary(truth.code, Q, noise=0.3).fit(y)
    assert learner.recovery(5, truth).blocks == 0.0
    assert sum(int((seen > 0).sum()) for seen in learner.seen_.values()) == 0


def test_one_level_further_down():
    """y = R x with x = S z: R is found as far as its blocks ever lie bare, and S and z altogether."""
    d, q, active = 4096, 1 / 20, 24
    outer = matrix(2, seed=1, d=d, b=16, q=q)
    inner = matrix(3, seed=2, d=60, b=10, q=1 / 6)
    z = sparse(np.random.default_rng(4), 240, 1, active)
    x = mixed(z, inner)
    settings = [BlockDictionary(outer.code, q, rounds=3), BlockDictionary(inner.code, 1 / 6)]
    level = learn_recursively(mixed(x, outer), settings)
    assert isinstance(level, Level) and set(level.decoded) == {2} == set(level.below)
    used = np.flatnonzero(x.any(0))
    # The nine others of an inner block are always there with a column, so they cover its blocks for good.
    bare = (1 - q) ** 9
    assert level.dictionary.recovery(2, outer, used).blocks == pytest.approx(bare, abs=0.05)
    below = level.below[2]
    found = below.dictionary.recovery(3, inner, range(active))
    assert found.blocks >= 0.95 and found.spurious <= 1
    rows = x.any(1)  # an inner column may have no block at all
    error = np.abs(level.decoded[2][:, :60] - x)
    assert (error[x != 0] < 1e-9).mean() > 0.99
    there = np.abs(level.decoded[2][:, :60]).any(1)
    decoded = below.decoded[3][:, :active]
    assert (np.abs(decoded - z[there]).max(1)[rows[there]] < 1e-9).mean() > 0.95


def test_three_columns_of_one_size_do_not_pass_for_a_fourth():
    """A majority of three patterns is a pattern; what the true blocks of its column say outvotes it."""
    truth = matrix(1, seed=3, d=4096, b=16, q=1 / 10)
    x = np.zeros((40, 4096))
    x[:, :10] = np.random.default_rng(0).choice([-1.0, 1.0], (40, 10))
    learner = BlockDictionary(truth.code, 1 / 10, rounds=2).fit(x @ truth.matrix().numpy().T)
    decoded = learner.decode(x @ truth.matrix().numpy().T, refine=False)[1]
    assert learner.recovery(1, truth, range(10)).spurious > 0  # they are read
    assert (np.abs(decoded[:, :10] - x[:, :10]) < 1e-9).mean() > 0.99  # and do no harm


def test_errors():
    code = BlockCode(D, B)
    for bad, message in (
        (lambda: BlockDictionary(code, 0.0).fit(np.zeros((2, D))), r"density must lie in \(0, 1\], got 0"),
        (lambda: BlockDictionary(code, Q, rounds=0).fit(np.zeros((2, D))), "rounds at least 1"),
        (lambda: BlockDictionary(code, Q).fit(np.zeros((2, 5))), r"samples must be \(n, 768\), got \(2, 5\)"),
        (lambda: BlockDictionary(code, Q).fit(np.full((2, D), np.nan)), "samples must be finite"),
        (lambda: BlockDictionary(code, Q).fit(np.zeros((2, D))).matrix(3), "number must be one of"),
        (lambda: learn_recursively(np.zeros((2, D)), []), "at least one, one a level"),
        (
            lambda: learn_recursively(
                np.zeros((2, D)), [BlockDictionary(BlockCode(n, B), Q) for n in (D, 2 * D)]
            ),
            r"dimensions must not grow from level to level, got \[768, 1536\]",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            bad()
