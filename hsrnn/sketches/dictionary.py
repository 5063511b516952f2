"""Learning unknown block-sparse matrices from samples, and again from what they decode, level by level (T5).

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), "recursable dictionary learning", reconstructed.
Samples are y = sum_i R_i x_i with sparse x_i and R_i from D(b, q, d), none of which is known but b, q and d.
A block of y that exactly one column hits is a multiple of that column's pattern of signs: all its entries
have the same size. Such clean blocks are collected; the pattern itself says to which column of which matrix
it belongs and with which sign (:class:`~hsrnn.sketches.blocks.BlockCode`), so blocks are stitched into
columns and columns into matrices. The matrices decode the samples, and each decoded x_i may be a sum of the
same kind one level down.

With s active columns a block is clean with probability (1 - q)^(s - 1), and finding all blocks is a matter of
collecting coupons: :func:`expected_recovery`. One level further down the coupons are no longer independent:
the b' numbers of an inner block are always there together, all of one size. A block that one of them shares
with another stays covered in every sample, so only (1 - q)^(b' - 1) of the outer blocks can ever be seen.
That is enough, because one clean block gives a number: recursion asks for many blocks in an outer column, not
for all of them.

Deviation S8: how the sketch's transparent matrices go together with learnt ones is open; samples here are
sums of R_i x_i, and the curves are compared with the coupons and with scikit-learn's DictionaryLearning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .blocks import BlockCode, BlockSparse

Floats = NDArray[np.floating]
ROUNDING = 1e-5  # beside the largest entry: what is left by rounding when samples have no noise


@dataclass(frozen=True)
class CleanBlocks:
    """Blocks of samples that one column alone explains.

    Attributes:
        sample, block: ``(n,)`` where they were found.
        matrix, column: ``(n,)`` the numbers they carry.
        amplitude: ``(n,)`` what multiplies the pattern, with its sign.
        pattern: ``(n, b)`` signs, the first +1.
    """

    sample: NDArray[np.intp]
    block: NDArray[np.intp]
    matrix: NDArray[np.intp]
    column: NDArray[np.intp]
    amplitude: NDArray[np.float64]
    pattern: NDArray[np.int8]


def find_clean_blocks(
    samples: Floats, code: BlockCode, noise: float = 0.0, *, width: float = 4.0, scale: float | None = None
) -> CleanBlocks:
    """Find the blocks of ``samples`` ``(n, d)`` that are a multiple of one pattern.

    All entries of such a block must have one size, within ``width`` times the noise, and that size must be at
    least twice this tolerance, or a sign could be wrong. Three columns of one size can mimic a fourth: their
    majority is a pattern too. So all blocks that speak of one column in one sample must name the same
    amplitude, and those that differ from the median are left out.

    Args:
        samples: ``(n, d)``.
        code: how blocks are written.
        noise: sd of noise on each coordinate; 0 means rounding only.
        width: how many sds an entry may be off.
        scale: size of the largest entry, for the tolerance of rounding; found if ``None``.
    """
    count, d = samples.shape
    blocks = samples.reshape(count, code.blocks, code.block).astype(np.float64)
    sizes = np.abs(blocks)
    level = sizes.mean(2)
    top = float(sizes.max(initial=0.0)) if scale is None else scale
    tolerance = width * noise + ROUNDING * top
    off = np.maximum(sizes.max(2) - level, level - sizes.min(2))
    sample, block = np.nonzero((off <= tolerance) & (level > 2.0 * tolerance))
    chosen = blocks[sample, block]
    sign = np.sign(chosen[:, 0])
    pattern = (np.sign(chosen) * sign[:, None]).astype(np.int8)
    matrix, column = code.read(pattern)
    amplitude = level[sample, block] * sign
    good = np.flatnonzero(column < d)
    key = (sample[good] * (1 << code.matrix_bits) + matrix[good]) * d + column[good]
    good = good[np.abs(amplitude[good] - _median_of_group(amplitude[good], key)) <= tolerance]
    return CleanBlocks(sample[good], block[good], matrix[good], column[good], amplitude[good], pattern[good])


def _median_of_group(values: Floats, key: NDArray[np.integer]) -> Floats:
    """Return for each value the (lower) median of the values that have its key."""
    order = np.lexsort((values, key))
    _, start, place, count = np.unique(key[order], return_index=True, return_inverse=True, return_counts=True)
    median = np.empty_like(values)
    median[order] = values[order[start + (count - 1) // 2]][place]
    return median


class BlockDictionary:
    """Learns the matrices behind samples y = sum_i R_i x_i + noise.

    Args:
        code: how blocks are written: d and b.
        density: q, which sets the scale 1 / sqrt(d q) of a matrix.
        noise: sd of noise on each coordinate of a sample.
        min_seen: how often a pattern must be seen to count; ``None``: once without noise, else twice.
        rounds: after the first, what is known so far is taken out of the samples, which lays more blocks
        bare.
        width: how many sds of noise an entry may be off.

    Attributes:
        patterns_: matrix number -> ``(d / b, b, d)`` signs, 0 where no block was found.
        seen_: matrix number -> ``(d / b, d)`` how often each block was seen.
        samples_: number of samples learnt from.

    Raises (by ``fit``):
        ValueError: for samples of another dimension, or a density, noise or number of rounds that cannot be.
    """

    def __init__(
        self, code: BlockCode, density: float, *, noise: float = 0.0, min_seen: int | None = None,
        rounds: int = 1, width: float = 4.0,
    ) -> None:  # fmt: skip
        self.code, self.density, self.noise = code, density, noise
        self.min_seen, self.rounds, self.width = min_seen, rounds, width

    def fit(self, samples: Floats) -> BlockDictionary:
        """Learn from ``samples`` ``(n, d)``."""
        if not 0.0 < self.density <= 1.0:
            raise ValueError(f"density must lie in (0, 1], got {self.density}")
        if self.noise < 0.0 or self.rounds < 1:
            raise ValueError(
                f"noise must be at least 0 and rounds at least 1, got {self.noise}, {self.rounds}"
            )
        self._require(samples)
        self.samples_ = len(samples)
        self._scale = float(np.abs(samples).max(initial=0.0))
        self.patterns_: dict[int, NDArray[np.int8]] = {}
        self.seen_: dict[int, NDArray[np.intp]] = {}
        left = samples
        for number in range(self.rounds):
            if number:
                left = self._peel(samples)[1]
            found = self._clean(left)
            before = self._known()
            self._stitch(found)
            if number and self._known() == before:
                break
        return self

    def matrix(self, number: int) -> NDArray[np.float64]:
        """Return a learnt matrix ``(d, d)``, zero where no block was found.

        Raises:
            ValueError: for a number that was not found.
        """
        if number not in self.patterns_:
            raise ValueError(f"number must be one of {sorted(self.patterns_)}, got {number}")
        d = self.code.dimension
        return self.patterns_[number].reshape(d, d) / np.sqrt(d * self.density)

    def decode(self, samples: Floats, *, refine: bool = True) -> dict[int, NDArray[np.float64]]:
        """Return for each learnt matrix the sparse x ``(n, d)`` of every sample.

        Clean blocks give single numbers, which are taken out, which lays further blocks bare; at the end all
        numbers found for a sample are fitted once more together, on the blocks that they explain.

        Args:
            samples: ``(n, d)``.
            refine: whether to fit once more.
        """
        self._require(samples)
        found, _ = self._peel(samples)
        if refine:
            self._refine(samples, found)
        return found

    def recovery(self, number: int, truth: BlockSparse, columns: Sequence[int] | None = None) -> Recovery:
        """Compare a learnt matrix with the true one.

        Args:
            number: the matrix number.
            truth: what it should be.
            columns: those that samples made use of; all if ``None``.
        """
        at = np.arange(self.code.dimension) if columns is None else np.asarray(columns)
        true = truth.patterns[:, :, at] * truth.present[:, None, at]
        ours = self.patterns_[number][:, :, at] if number in self.patterns_ else np.zeros_like(true)
        right = (ours == true).all(1)
        present, found = truth.present[:, at], (ours != 0).any(1)
        others = sum(int((signs != 0).any(1).sum()) for key, signs in self.patterns_.items() if key == number)
        return Recovery(
            float((right & present).sum() / max(1, present.sum())),
            int((found & ~(right & present)).sum() + others - found.sum()),
            float((right | ~present).all(0).mean()),
        )

    # ----------------------------------------------------------------------------------------------

    def _require(self, samples: Floats) -> None:
        if samples.ndim != 2 or samples.shape[1] != self.code.dimension:
            raise ValueError(f"samples must be (n, {self.code.dimension}), got {samples.shape}")
        if not np.isfinite(samples).all():
            raise ValueError("samples must be finite, got numbers that are not")

    def _clean(self, samples: Floats) -> CleanBlocks:
        return find_clean_blocks(samples, self.code, self.noise, width=self.width, scale=self._scale)

    def _known(self) -> int:
        return sum(int((seen > 0).sum()) for seen in self.seen_.values())

    def _stitch(self, found: CleanBlocks) -> None:
        """Put every pattern that was seen often enough into its place; the most frequent one wins there."""
        least = self.min_seen if self.min_seen is not None else (2 if self.noise > 0 else 1)
        if not len(found.sample):
            return
        places = (found.matrix * self.code.dimension + found.column) * self.code.blocks + found.block
        rows = np.concatenate([
            places.astype(np.int64)[:, None].view(np.uint8), np.packbits(found.pattern < 0, axis=1)
        ], axis=1)  # fmt: skip
        keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
        _, index, counts = np.unique(keys, return_index=True, return_counts=True)
        for k in np.argsort(counts, kind="stable"):
            if counts[k] < least:
                continue
            at = int(index[k])
            matrix, column, block = int(found.matrix[at]), int(found.column[at]), int(found.block[at])
            if matrix not in self.patterns_:
                shape = self.code.blocks, self.code.block, self.code.dimension
                self.patterns_[matrix] = np.zeros(shape, np.int8)
                self.seen_[matrix] = np.zeros((shape[0], shape[2]), np.intp)
            if counts[k] >= self.seen_[matrix][block, column]:
                self.patterns_[matrix][block, :, column] = found.pattern[at]
                self.seen_[matrix][block, column] = counts[k]

    def _peel(self, samples: Floats) -> tuple[dict[int, NDArray[np.float64]], NDArray[np.float64]]:
        """Return x of every matrix, and what is left of the samples."""
        d, unit = self.code.dimension, np.sqrt(self.code.dimension * self.density)
        found = {number: np.zeros((len(samples), d)) for number in self.patterns_}
        left = samples.astype(np.float64)
        active = np.arange(len(samples))
        while len(active):
            clean = self._clean(left[active])
            sample = active[clean.sample]
            touched = []
            for number, signs in self.patterns_.items():
                at = np.flatnonzero(clean.matrix == number)
                at = at[(signs[clean.block[at], :, clean.column[at]] == clean.pattern[at]).all(1)]
                at = at[found[number][sample[at], clean.column[at]] == 0]
                if not len(at):
                    continue
                key, which = np.unique(sample[at] * d + clean.column[at], return_inverse=True)
                amplitude = np.bincount(which, clean.amplitude[at]) / np.bincount(which)
                row, column = np.divmod(key, d)
                found[number][row, column] = amplitude * unit
                # Only the columns that occur are written out, not d numbers for each that is found.
                used, place = np.unique(column, return_inverse=True)
                taken = csr_matrix((amplitude, (row, place)), (len(samples), len(used)))
                rows = np.unique(row)
                left[rows] -= taken[rows] @ signs.reshape(d, d)[:, used].T.astype(np.float64)
                touched.append(row)
            active = np.unique(np.concatenate(touched)) if touched else np.zeros(0, np.intp)
        return found, left

    def _refine(self, samples: Floats, found: dict[int, NDArray[np.float64]]) -> None:
        """Fit the numbers found for each sample together, on blocks that the found columns fill."""
        matrices = {number: self.matrix(number) for number in found}
        for k, sample in enumerate(samples):
            support = [(number, np.flatnonzero(x[k])) for number, x in found.items()]
            columns = [matrices[number][:, at] for number, at in support if len(at)]
            if not columns:
                continue
            together, rows = np.concatenate(columns, 1), np.ones(len(sample), bool)
            for _ in range(3):
                solved = np.linalg.lstsq(together[rows], sample[rows], rcond=None)[0]
                # A block that does not fit lacks a pattern that was never found: fit without it.
                off = np.abs(sample - together @ solved).reshape(self.code.blocks, -1).max(1)
                fits = np.repeat(
                    off <= self.width * self.noise + 10 * ROUNDING * self._scale, self.code.block
                )
                if fits.sum() < together.shape[1] or (fits == rows).all():
                    break
                rows = fits
            for number, at in support:
                found[number][k, at], solved = solved[: len(at)], solved[len(at) :]


@dataclass(frozen=True)
class Recovery:
    """How much of a matrix was learnt.

    Attributes:
        blocks: the share of its non-zero blocks that were found exactly.
        spurious: blocks that were found but are not there.
        columns: the share of columns that are right in every block.
    """

    blocks: float
    spurious: int
    columns: float


def expected_recovery(columns: int, active: float, density: float, samples: int) -> float:
    """Return the share of blocks that ``samples`` samples are expected to lay bare: 1 - (1 - p)^S.

    p = (active / columns) (1 - q)^(active - 1): the column is active, and no other one hits the block.

    Args:
        columns: columns that may be active.
        active: s, the number of active ones in a sample.
        density: q.
        samples: S.
    """
    chance = active / columns * (1.0 - density) ** (active - 1.0)
    return float(-np.expm1(samples * np.log1p(-min(chance, 1.0 - 1e-12))))


def samples_needed(columns: int, active: float, density: float, blocks: float, fail: float = 0.05) -> float:
    """Return S = ln(blocks / fail) / p, with which all of ``blocks`` blocks are found with chance 1 -
    fail."""
    chance = active / columns * (1.0 - density) ** (active - 1.0)
    return float(np.log(blocks / fail) / chance)


@dataclass(frozen=True)
class Level:
    """One level of a recursion.

    Attributes:
        dictionary: what was learnt from the samples of this level.
        decoded: matrix number -> ``(n, d)`` the samples of the next level.
        below: matrix number -> the next level.
    """

    dictionary: BlockDictionary
    decoded: dict[int, NDArray[np.float64]]
    below: dict[int, Level] = field(default_factory=dict)


def learn_recursively(samples: Floats, dictionaries: Sequence[BlockDictionary], least: float = 0.02) -> Level:
    """Learn the matrices behind ``samples``, then those behind each decoded x, as deep as told.

    Args:
        samples: ``(n, d)``.
        dictionaries: settings for each level, the outermost first; they are copied, not changed. A level may
            have a smaller dimension than the one above, whose x is then padded with zeros.
        least: a matrix whose blocks are fewer than this share of the largest one's is taken as noise.

    Raises:
        ValueError: for no levels, a level of a larger dimension than the one above, or as ``fit`` does.
    """
    if not dictionaries:
        raise ValueError("dictionaries must be at least one, one a level, got none")
    sizes = [one.code.dimension for one in dictionaries]
    if sizes != sorted(sizes, reverse=True):
        raise ValueError(f"dimensions must not grow from level to level, got {sizes}")
    own = dictionaries[0]
    learner = BlockDictionary(
        own.code, own.density, noise=own.noise, min_seen=own.min_seen, rounds=own.rounds, width=own.width
    ).fit(samples)
    blocks = {number: int((seen > 0).sum()) for number, seen in learner.seen_.items()}
    for number, found in blocks.items():
        if found < least * max(blocks.values()):
            del learner.patterns_[number], learner.seen_[number]
    level = Level(learner, learner.decode(samples, refine=own.noise > 0))
    if len(dictionaries) > 1:
        for number, x in level.decoded.items():
            inner = x[:, : dictionaries[1].code.dimension]
            level.below[number] = learn_recursively(inner[np.abs(inner).any(1)], dictionaries[1:], least)
    return level
