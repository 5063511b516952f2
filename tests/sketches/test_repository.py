"""A repository finds what brute force finds, and loses nothing that it acknowledged, whatever happens."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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
        assert repository.searches == "faiss"
        assert recall(repository.query(wanted, 10, exact=True).numbers, brute(sketches, wanted, 10)) == 1.0
        repository.persist()
    kept = (tmp_path / "r" / "index.faiss").stat().st_size
    assert kept < 6000 * 64 * 4
    with Repository(tmp_path / "r") as again:
        assert (again.query(wanted, 10).numbers == hits.numbers).mean() > 0.99
    (tmp_path / "r" / "index.faiss").write_bytes(b"torn")
    with Repository(tmp_path / "r", search="faiss") as again:
        assert recall(again.query(wanted, 10).numbers, brute(sketches, wanted, 10)) >= 0.95


def test_without_faiss_every_sketch_is_compared(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    sketches, _ = clustered(5500)  # enough for an index, if there were one
    wanted, _ = clustered(10, seed=1)
    with Repository(tmp_path / "r", M) as repository:
        repository.add(sketches)
        assert repository.searches == "exact"
        assert recall(repository.query(wanted, 10).numbers, brute(sketches, wanted, 10)) == 1.0
        repository.persist()
        assert not (tmp_path / "r" / "index.faiss").exists()


# Crashes ------------------------------------------------------------------------------------------

NURSERY = """
import os
import sys
import torch
from hsrnn.sketches import Mechanism, Repository
torch.set_num_threads(1)
while sys.stdin.readline():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print("dead", flush=True)
        continue
    print("pid", os.getpid(), flush=True)
    repository = Repository(sys.argv[1], Mechanism({"cat": 3}, dimension=64, seed=9), search="exact")
    while True:
        first = len(repository)
        numbers = range(first, first + 1 + first % 29)
        sketches = torch.stack([torch.randn(64, generator=torch.Generator().manual_seed(k)) for k in numbers])
        assert repository.add(sketches, [f"n{k}" for k in numbers]) == numbers
        print(numbers.stop, flush=True)
"""


def test_killed_while_adding_again_and_again_it_loses_no_acknowledged_sketch(tmp_path):
    """A writer is killed (-9) at ten moments, each time while it adds; the next goes on where it stopped."""
    moments = np.random.default_rng(3)
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(tmp_path / "r")], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert nursery.stdin is not None and nursery.stdout is not None
    acknowledged, held = 0, 0
    for _ in range(10):
        nursery.stdin.write("go\n")
        nursery.stdin.flush()
        writer = int(nursery.stdout.readline().split()[1])
        for _ in range(int(moments.integers(1, 12))):
            acknowledged = int(nursery.stdout.readline())
        time.sleep(moments.random() * 0.01)
        os.kill(writer, signal.SIGKILL)
        for line in iter(lambda: nursery.stdout.readline().strip(), "dead"):
            acknowledged = int(line)
        with Repository(tmp_path / "r", M) as repository:
            assert len(repository) >= acknowledged > held
            held = len(repository)
            drawn = [torch.randn(64, generator=torch.Generator().manual_seed(k)) for k in range(held)]
            assert torch.equal(repository[:], torch.stack(drawn))
            assert repository.names == [f"n{k}" for k in range(held)]
    nursery.stdin.close()
    assert nursery.wait(20) == 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_wherever_a_write_was_torn_whole_batches_remain(data):
    """Vectors are written before the log, so a crash leaves a torn tail in one of them."""
    with tempfile.TemporaryDirectory() as name:
        folder, ends = Path(name) / "r", [0]
        with Repository(folder, M, search="exact") as repository:
            for k in range(3):
                repository.add(clustered(3 + k, seed=k)[0], ["é"] * (3 + k))
                ends.append((folder / "log.bin").stat().st_size)
            sketches = repository[:]
        batches = data.draw(st.integers(0, 2))
        whole = sum(3 + k for k in range(batches))
        written = whole + 3 + batches
        if data.draw(st.booleans(), "log torn"):
            log, rows = data.draw(st.integers(ends[batches], ends[batches + 1] - 1)), written * 256
        else:
            log, rows = ends[batches], data.draw(st.integers(whole * 256, written * 256))
        os.truncate(folder / "log.bin", log)
        os.truncate(folder / "vectors.f32", rows)
        with Repository(folder, M, search="exact") as repository:
            assert torch.equal(repository[:], sketches[:whole]) and repository.names == ["é"] * whole
            assert repository.add(sketches[whole:]) == range(whole, len(sketches))
        with Repository(folder, M, search="exact") as repository:
            assert torch.equal(repository[:], sketches)


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
