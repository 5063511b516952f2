"""A repository finds what brute force finds, and loses nothing that it acknowledged, whatever happens."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from hsrnn.sketches import Concept, Hits, Mechanism, Repository, SketchError, concepts

pytestmark = pytest.mark.usefixtures("plain_calls")
M = Mechanism({"cat": 3}, dimension=64, seed=9)
WITH_FAISS = importlib.util.find_spec("faiss") is not None
faiss_only = pytest.mark.skipif(not WITH_FAISS, reason="faiss is not installed (hsrnn[search])")


def clustered(
    n: int, groups: int = 12, seed: int = 0, spread: float = 0.5
) -> tuple[torch.Tensor, np.ndarray]:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(groups, 64, generator=torch.Generator().manual_seed(99)) / 8
    group = torch.randint(groups, (n,), generator=generator)
    return centres[group] + spread * torch.randn(n, 64, generator=generator) / 8, group.numpy()


def brute(sketches: torch.Tensor, wanted: torch.Tensor, k: int) -> np.ndarray:
    cosine = torch.nn.functional.normalize(wanted) @ torch.nn.functional.normalize(sketches).T
    return cosine.topk(k, dim=1).indices.numpy()


def recall(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(ours, theirs, strict=True)]))


def test_exact_search_is_brute_force(tmp_path, monkeypatch):
    monkeypatch.setattr("hsrnn.sketches.repository.CHUNK_ROWS", 100)
    sketches, _ = clustered(950)
    wanted, _ = clustered(20, seed=1)
    with Repository(tmp_path / "r", M, search="exact") as repository:
        assert repository.add(sketches[:400], [f"s{k}" for k in range(400)]) == range(0, 400)
        assert repository.add(sketches[400:]) == range(400, 950)
        hits = repository.query(wanted, 10)
        assert isinstance(hits, Hits) and recall(hits.numbers, brute(sketches, wanted, 10)) == 1.0
        cosine = torch.nn.functional.cosine_similarity(wanted[3], sketches[hits.numbers[3, 0]], dim=0)
        assert hits.similarity[3, 0] == pytest.approx(float(cosine), abs=1e-5)
        assert (np.diff(hits.similarity, axis=1) <= 0).all()
        assert repository.query(wanted[:1], 5000).numbers.shape == (1, 950)
        assert repository.names[7] == "s7" and repository.names[700] == "" and len(repository) == 950
        assert torch.equal(repository[400:402], sketches[400:402]) and torch.equal(repository[3], sketches[3])
        assert repository.query(sketches[5:6], 1).numbers[0, 0] == 5
    with Repository(tmp_path / "r", M, search="exact") as again:
        assert torch.equal(again[np.arange(950)], sketches) and again.names[7] == "s7"
        assert (again.query(wanted, 10).numbers == hits.numbers).all()


@faiss_only
def test_the_index_finds_nearly_all_and_grows_and_is_kept(tmp_path):
    sketches, _ = clustered(6000)
    wanted, _ = clustered(50, seed=1)
    with Repository(tmp_path / "r", M, search="faiss") as repository:
        repository.add(sketches[:1000])
        repository.query(wanted, 10)  # the index is made here, and grows below
        repository.add(sketches[1000:])
        hits = repository.query(wanted, 10)
        assert recall(hits.numbers, brute(sketches, wanted, 10)) >= 0.95
        assert recall(repository.query(wanted, 10, exact=True).numbers, brute(sketches, wanted, 10)) == 1.0
        repository.persist()
    kept = (tmp_path / "r" / "index.faiss").stat().st_size
    assert kept < 6000 * 64 * 4
    with Repository(tmp_path / "r") as again:
        assert (again.query(wanted, 10).numbers == hits.numbers).mean() > 0.99
    (tmp_path / "r" / "index.faiss").write_bytes(b"torn")
    with Repository(tmp_path / "r", search="faiss") as again:
        assert recall(again.query(wanted, 10).numbers, brute(sketches, wanted, 10)) >= 0.95


# Crashes ------------------------------------------------------------------------------------------

WRITER = """
import sys
import torch
from hsrnn.sketches import Mechanism, Repository
repository = Repository(sys.argv[1], Mechanism({"cat": 3}, dimension=64, seed=9), search="exact")
generator = torch.Generator().manual_seed(5)
while True:
    names = [f"n{len(repository) + k}" for k in range(7)]
    numbers = repository.add(torch.randn(7, 64, generator=generator), names)
    print(numbers.stop, flush=True)
"""


def test_killed_while_adding_it_loses_no_acknowledged_sketch(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert writer.stdout is not None
    acknowledged = 0
    while acknowledged < 140:
        acknowledged = int(writer.stdout.readline())
    time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split("\n")
    writer.wait()
    acknowledged = max([acknowledged, *(int(line) for line in rest[:-1] if line)])
    with Repository(tmp_path / "r", M) as repository:
        assert len(repository) >= acknowledged and len(repository) % 7 == 0
        generator = torch.Generator().manual_seed(5)
        expected = torch.cat([torch.randn(7, 64, generator=generator) for _ in range(len(repository) // 7)])
        assert torch.equal(repository[:], expected)
        assert repository.names == [f"n{k}" for k in range(len(repository))]
        assert repository.add(expected[:1]) == range(len(expected), len(expected) + 1)


def filled(folder, batches=3):
    with Repository(folder, M) as repository:
        for k in range(batches):
            repository.add(clustered(10, seed=k)[0], [f"b{k}"] * 10)


def test_any_torn_tail_is_cut_off(tmp_path):
    filled(tmp_path / "whole")
    log, rows = ((tmp_path / "whole" / name).read_bytes() for name in ("log.bin", "vectors.f32"))
    card = (tmp_path / "whole" / "repository.json").read_bytes()
    third = len(log) // 3
    for k, (cut_log, cut_rows) in enumerate(
        [
            (len(log) - 1, len(rows)),
            (2 * third + 5, len(rows) - 7),
            (2 * third, len(rows) - 9 * 256),
            (0, 100),
        ]
    ):
        folder = tmp_path / f"torn{k}"
        folder.mkdir()
        (folder / "repository.json").write_bytes(card)
        (folder / "log.bin").write_bytes(log[:cut_log])
        (folder / "vectors.f32").write_bytes(rows[:cut_rows])
        with Repository(folder, M) as repository:
            assert len(repository) == (0 if cut_log == 0 else 20)
            assert torch.equal(repository[:], torch.from_numpy(
                np.frombuffer(rows, np.float32)[: len(repository) * 64].reshape(-1, 64).copy()
            ))  # fmt: skip
            repository.add(torch.ones(2, 64))
        with Repository(folder, M) as repository:
            assert len(repository) == (2 if cut_log == 0 else 22)


def test_damage_is_told_from_a_crash(tmp_path):
    filled(tmp_path / "r")
    log, rows = (tmp_path / "r" / name for name in ("log.bin", "vectors.f32"))
    good = {file: file.read_bytes() for file in (log, rows)}
    for file, place, message in (
        (log, 30, "log.bin is damaged at byte 0"),
        (rows, 5 * 256 + 3, "sketch 5 in"),
    ):
        content = bytearray(good[file])
        content[place] ^= 1
        file.write_bytes(content)
        with pytest.raises(SketchError, match=message):
            Repository(tmp_path / "r", M)
        file.write_bytes(good[file])
    rows.write_bytes(good[rows][:1000])
    with pytest.raises(SketchError, match="must hold 30 sketches, got 3"):
        Repository(tmp_path / "r", M)
    rows.write_bytes(good[rows])
    Repository(tmp_path / "r", M).close()
    (tmp_path / "r" / "repository.json").write_text("{}")
    with pytest.raises(SketchError, match="repository.json is damaged"):
        Repository(tmp_path / "r", M)


def test_errors(tmp_path, monkeypatch):
    with pytest.raises(SketchError, match="there is no repository at"):
        Repository(tmp_path / "nothing")
    with pytest.raises(ValueError, match="search must be one of auto, exact, faiss, got 'lsh'"):
        Repository(tmp_path / "r", M, search="lsh")
    with Repository(tmp_path / "r", M) as repository:
        for bad, message in (
            (lambda: repository.add(torch.ones(2, 32)), r"sketches must be \(n, 64\), got \(2, 32\)"),
            (lambda: repository.add(torch.zeros(2, 64)), "must be finite and not zero"),
            (lambda: repository.query(torch.ones(1, 32)), r"sketches must be \(n, 64\)"),
            (lambda: Repository(tmp_path / "r", Mechanism({"cat": 3}, dimension=64)), "seed 9 instead of 0"),
            (lambda: Repository(tmp_path / "r"), "another process has the repository"),
        ):
            with pytest.raises(SketchError, match=message):
                bad()
        with pytest.raises(ValueError, match="names must be 2"):
            repository.add(torch.ones(2, 64), ["a"])
        with pytest.raises(ValueError, match="k must be at least 1, got 0"):
            repository.query(torch.ones(1, 64), 0)
        assert repository.add(torch.zeros(0, 64)) == range(0, 0) and len(repository) == 0
        assert repository.query(torch.ones(1, 64)).numbers.shape == (1, 0)
        with pytest.raises(ValueError, match="way must be one of density, graph"):
            concepts(repository, "guess")
        with pytest.raises(ValueError, match="least must be at least 2"):
            concepts(repository, least=1)
        assert concepts(repository) == []
    card = json.loads((tmp_path / "r" / "repository.json").read_text())
    (tmp_path / "r" / "repository.json").write_text(json.dumps(card | {"version": 5}))
    with pytest.raises(SketchError, match="has version 5, this code reads 1"):
        Repository(tmp_path / "r")
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs faiss; install hsrnn\[search\]"):
        Repository(tmp_path / "other", M, search="faiss")
    Repository(tmp_path / "other", M).close()


# Concepts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["density", "graph"])
def test_new_concepts_are_clusters_without_a_name(tmp_path, way):
    sketches, group = clustered(300, groups=6, spread=0.25)
    names = ["" if g == 4 else f"digit {g}" for g in group]
    with Repository(tmp_path / "r", M, search="exact") as repository:
        repository.add(sketches, names)
        found = concepts(repository, way, threshold=0.6)
    labels = np.full(300, -1)
    for k, concept in enumerate(found):
        assert isinstance(concept, Concept) and concept.agreement == 1.0
        labels[concept.members] = k
    assert adjusted_rand_score(group, labels) > 0.95
    assert [c.name for c in found if c.new] == ["new concept 1"]
    assert {c.name for c in found if not c.new} == {f"digit {g}" for g in (0, 1, 2, 3, 5)}
    assert (np.diff([len(c.members) for c in found]) <= 0).all()
