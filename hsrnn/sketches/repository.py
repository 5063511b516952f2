"""A repository of sketches on disk: add, find what is like, reopen after a crash with nothing lost.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730): stored sketches form an implicit knowledge graph
in which related ones are found fast. Vectors lie in one file of equal rows that is mapped into memory, names
and checksums in a log to which whole batches are appended. A batch is acknowledged when both files are on
disk; on opening, everything is verified, and what a crash left half-written behind the last acknowledged
batch is cut off. Search is exact by default; with faiss installed (``pip install hsrnn[search]``) an inverted
index of 8-bit vectors finds candidates, which are then compared exactly.

Deviation S6: the index is faiss's, not the locality-sensitive hashing that the theory has in mind; concepts
are found by clustering (``concepts``).
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hsrnn.training import write_atomically

from .mechanism import Mechanism, SketchError

Search = Literal["auto", "exact", "faiss"]
REPOSITORY_VERSION = 1
HEADER = struct.Struct("<4sQIII")  # magic, number of the first sketch, sketches, bytes of names, checksum
MAGIC = b"SKB1"
CHUNK_ROWS = 16384
SMALL = 5000  # sketches below which an index is not worth making


@dataclass(frozen=True, eq=False)
class Hits:
    """What a query found, the most similar first.

    Attributes:
        numbers: ``(queries, k)`` numbers of sketches.
        similarity: ``(queries, k)`` cosines.
    """

    numbers: NDArray[np.int64]
    similarity: NDArray[np.float32]


class Repository:
    """Sketches of one mechanism in a folder.

    One process at a time may have it open. It is a context manager; closing it loses nothing either way.

    Args:
        folder: where it lies; made if it is not there.
        mechanism: what makes the sketches; may be ``None`` for a repository that is there.
        search: "exact", "faiss", or "auto": faiss where it is installed and there are enough sketches.
        verify: whether to check the checksum of every vector on opening.

    Raises:
        SketchError: for a damaged repository, another mechanism, or one that another process has open.
        ModuleNotFoundError: for "faiss" where it is not installed.
    """

    def __init__(
        self,
        folder: Path,
        mechanism: Mechanism | None = None,
        *,
        search: Search = "auto",
        verify: bool = True,
    ) -> None:
        if search not in get_args(Search):
            raise ValueError(f"search must be one of {', '.join(get_args(Search))}, got {search!r}")
        self.folder, self._search, self._index = Path(folder), search, None
        self._faiss = None if search == "exact" else _faiss(required=search == "faiss")
        card = self.folder / "repository.json"
        if not card.exists():
            if mechanism is None:
                raise SketchError(f"there is no repository at {folder}; give a mechanism to make one")
            content = {"version": REPOSITORY_VERSION, "mechanism": mechanism.to_json()}
            write_atomically(card, json.dumps(content).encode())
        try:
            values = json.loads(card.read_text(encoding="utf-8"))
            version, text = values["version"], values["mechanism"]
        except (ValueError, KeyError, TypeError) as error:
            raise SketchError(f"{card} is damaged ({error}); restore it from a copy") from error
        if version != REPOSITORY_VERSION:
            raise SketchError(f"{card} has version {version}, this code reads {REPOSITORY_VERSION}")
        self.mechanism = Mechanism.from_json(text)
        if mechanism is not None:
            mechanism.require_same(self.mechanism, str(self.folder))
        self.dimension = self.mechanism.dimension
        self._lock = _lock(self.folder / "lock")
        self._log = (self.folder / "log.bin").open("ab+")
        self._rows = (self.folder / "vectors.f32").open("ab+")
        try:
            self._recover(verify)
        except BaseException:
            self.close()
            raise

    # Adding -------------------------------------------------------------------------------------------

    def add(self, sketches: Tensor, names: Sequence[str] = ()) -> range:
        """Append ``sketches`` ``(n, d)`` and return their numbers; on return they are safe on disk.

        Args:
            sketches: made by the repository's mechanism.
            names: one a sketch, or none.

        Raises:
            SketchError: for sketches of another dimension, zero ones, or numbers that are not finite.
            ValueError: for another number of names.
        """
        values = np.ascontiguousarray(sketches.detach().to(torch.float32).numpy())
        if values.ndim != 2 or values.shape[1] != self.dimension:
            raise SketchError(f"sketches must be (n, {self.dimension}), got {tuple(values.shape)}")
        if not np.isfinite(values).all() or (len(values) and not values.any(1).all()):
            raise SketchError("sketches must be finite and not zero, got some that are not")
        if names and len(names) != len(values):
            raise ValueError(f"names must be {len(values)}, one a sketch, or none, got {len(names)}")
        first, count = len(self), len(values)
        if count == 0:
            return range(first, first)
        listed = list(names) or [""] * count
        checks = [zlib.crc32(row.tobytes()) for row in values]
        payload = json.dumps([listed, checks], separators=(",", ":")).encode()
        prefix = HEADER.pack(MAGIC, first, count, len(payload), 0)[:-4]
        record = prefix + struct.pack("<I", zlib.crc32(prefix + payload)) + payload
        for file, content in ((self._rows, values.tobytes()), (self._log, record)):  # the log acknowledges
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.names += listed
        self._map()
        return range(first, first + count)

    def __len__(self) -> int:
        """Return the number of sketches."""
        return len(self.names)

    def __getitem__(self, numbers: int | slice | Sequence[int] | NDArray[np.integer]) -> Tensor:
        """Return sketches by number, ``(n, d)``, or ``(d,)`` for one number."""
        return torch.from_numpy(np.array(self.vectors[numbers]))

    # Finding ------------------------------------------------------------------------------------------

    def query(self, sketches: Tensor, k: int = 10, *, exact: bool = False, probes: int = 16) -> Hits:
        """Return the ``k`` most similar sketches, by cosine, for each of ``sketches`` ``(n, d)``.

        Args:
            sketches: what to look for.
            k: how many; fewer where there are not so many.
            exact: whether to compare with all even where there is an index.
            probes: lists of the index that are looked through; more find more.

        Raises:
            SketchError: for sketches of another dimension.
            ValueError: for ``k`` below 1.
        """
        wanted = sketches.detach().to(torch.float32).numpy()
        if wanted.ndim != 2 or wanted.shape[1] != self.dimension:
            raise SketchError(f"sketches must be (n, {self.dimension}), got {tuple(wanted.shape)}")
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        k = min(k, len(self))
        wanted = wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-30)
        index = None if exact else self._ready()
        if index is None or k == 0:
            return self._exact(wanted, k)
        index.nprobe = min(probes, index.nlist)
        candidates = index.search(np.ascontiguousarray(wanted), min(max(4 * k, 50), len(self)))[1]
        numbers = np.full((len(wanted), k), -1, np.int64)
        similarity = np.full((len(wanted), k), -np.inf, np.float32)
        for row, found in enumerate(candidates):
            found = np.sort(found[found >= 0])
            close = self.vectors[found] @ wanted[row] / self.lengths[found]
            best = np.argsort(-close, kind="stable")[:k]
            numbers[row, : len(best)], similarity[row, : len(best)] = found[best], close[best]
        return Hits(numbers, similarity)

    def _exact(self, wanted: NDArray[np.float32], k: int) -> Hits:
        numbers = np.zeros((len(wanted), 0), np.int64)
        similarity = np.zeros((len(wanted), 0), np.float32)
        for start in range(0, len(self), CHUNK_ROWS):
            rows = self.vectors[start : start + CHUNK_ROWS]
            close = wanted @ rows.T / self.lengths[start : start + CHUNK_ROWS]
            ids = np.broadcast_to(np.arange(start, start + len(rows)), close.shape)
            similarity = np.concatenate([similarity, close], 1)
            numbers = np.concatenate([numbers, ids], 1)
            if similarity.shape[1] > k:
                best = (
                    np.argpartition(-similarity, k - 1, axis=1)[:, :k]
                    if k
                    else np.zeros((len(wanted), 0), int)
                )
                similarity = np.take_along_axis(similarity, best, 1)
                numbers = np.take_along_axis(numbers, best, 1)
        order = np.argsort(-similarity, axis=1, kind="stable")
        return Hits(np.take_along_axis(numbers, order, 1), np.take_along_axis(similarity, order, 1))

    # The index ----------------------------------------------------------------------------------------

    @property
    def searches(self) -> str:
        """How a query is answered now: "faiss", or "exact" where faiss is missing, switched off or not
        worth it."""
        few = self._search == "auto" and len(self) < SMALL
        return "exact" if self._faiss is None or few or len(self) < 2 else "faiss"

    def _ready(self) -> Any:
        """Return an index that holds every sketch, or ``None`` where search is exact."""
        if self.searches == "exact":
            return None
        if self._index is None and (self.folder / "index.faiss").exists():
            try:
                loaded = self._faiss.read_index(str(self.folder / "index.faiss"))
                fits = loaded.d == self.dimension and loaded.ntotal <= len(self)
                self._index = loaded if fits else None
            except RuntimeError:
                self._index = None  # damaged: an index can always be made again
        lists = int(np.clip(np.sqrt(len(self)), 1, 4096))
        if self._index is None or self._index.nlist * 2 < lists:
            faiss = self._faiss
            inner = faiss.METRIC_INNER_PRODUCT
            coarse = faiss.IndexFlatIP(self.dimension)
            eight = faiss.ScalarQuantizer.QT_8bit
            self._index = faiss.IndexIVFScalarQuantizer(coarse, self.dimension, lists, eight, inner)
            self._index.own_fields = True
            coarse.this.disown()
            sample = np.sort(np.random.default_rng(0).permutation(len(self))[: 40 * lists + 256])
            self._index.cp.seed, self._index.cp.min_points_per_centroid = 0, 1
            self._index.train(self._unit(sample))
        for start in range(self._index.ntotal, len(self), CHUNK_ROWS):
            self._index.add(self._unit(np.arange(start, min(start + CHUNK_ROWS, len(self)))))
        return self._index

    def _unit(self, numbers: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.vectors[numbers] / self.lengths[numbers][:, None], np.float32)

    def persist(self) -> None:
        """Write the index down, so that opening does not make it again; sketches are on disk already."""
        index = self._ready()
        if index is not None:
            write_atomically(self.folder / "index.faiss", self._faiss.serialize_index(index).tobytes())

    # Opening and closing ------------------------------------------------------------------------------

    def _recover(self, verify: bool) -> None:
        """Read the log, cut off what a crash left behind it, and check the vectors."""
        self.names: list[str] = []
        checks: list[int] = []
        self._log.seek(0)
        content, place = self._log.read(), 0
        while place < len(content):
            batch = _read_batch(content, place, len(self.names))
            if batch is None:
                # A crash tears the last batch only; behind damage whole batches follow.
                later = content.find(MAGIC, place + 1)
                while later >= 0:
                    if _read_batch(content, later, None) is not None:
                        raise SketchError(
                            f"{self.folder / 'log.bin'} is damaged at byte {place} with whole batches behind "
                            "it; restore it from a copy"
                        )
                    later = content.find(MAGIC, later + 1)
                break
            names, found, place = batch
            self.names += names
            checks += found
        row = 4 * self.dimension
        size = os.fstat(self._rows.fileno()).st_size
        if size < len(self) * row:
            raise SketchError(
                f"{self.folder / 'vectors.f32'} must hold {len(self)} sketches, got {size // row}; "
                "restore it from a copy"
            )
        self._log.truncate(place)
        self._rows.truncate(len(self) * row)
        self._map()
        if verify:
            for number, (vector, check) in enumerate(zip(self.vectors, checks, strict=True)):
                if zlib.crc32(vector.tobytes()) != check:
                    raise SketchError(
                        f"sketch {number} in {self.folder / 'vectors.f32'} is damaged (its checksum "
                        "differs); restore the file from a copy"
                    )

    def _map(self) -> None:
        """Map the vectors into memory and learn the lengths of new ones."""
        shape, before = (len(self), self.dimension), getattr(self, "lengths", np.zeros(0, np.float32))
        path = self.folder / "vectors.f32"
        self.vectors = (
            np.memmap(path, np.float32, "r", shape=shape) if len(self) else np.zeros(shape, np.float32)
        )
        new = [
            np.linalg.norm(self.vectors[start : start + CHUNK_ROWS], axis=1)
            for start in range(len(before), len(self), CHUNK_ROWS)
        ]
        self.lengths = np.concatenate([before, *new]).astype(np.float32)

    def close(self) -> None:
        """Close the files; what was added is safe with or without."""
        for file in (self._log, self._rows, self._lock):
            file.close()

    def __enter__(self) -> Repository:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _read_batch(content: bytes, place: int, first: int | None) -> tuple[list[str], list[int], int] | None:
    """Return names, checksums and the end of the batch at ``place``, or ``None`` if there is no whole one."""
    if place + HEADER.size > len(content):
        return None
    magic, number, count, size, check = HEADER.unpack_from(content, place)
    end = place + HEADER.size + size
    if magic != MAGIC or end > len(content) or first not in (None, number):
        return None
    payload = content[place + HEADER.size : end]
    if zlib.crc32(content[place : place + HEADER.size - 4] + payload) != check:
        return None
    names, checks = json.loads(payload)
    return (names, checks, end) if len(names) == len(checks) == count else None


def _faiss(*, required: bool) -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        if required:
            raise ModuleNotFoundError(
                "search='faiss' needs faiss; install hsrnn[search], or take search='exact'"
            ) from None
        return None
    return faiss


def _lock(path: Path) -> Any:
    """Open the lock file and hold it alone; where the system has no such locks nothing is held."""
    file = path.open("ab")
    try:
        import fcntl
    except ModuleNotFoundError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SketchError(f"another process has the repository {path.parent} open; close it first") from None
    return file
