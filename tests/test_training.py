"""Checkpoints, schedules, logs, processes and seeds."""

import os
import sys
from typing import NamedTuple

import pytest
import torch

from hsrnn.training import (
    CheckpointError,
    JsonLog,
    PlateauDecay,
    Processes,
    flatten,
    keep_training,
    linear_slope,
    load_checkpoint,
    optimizer_tensors,
    restore,
    restore_optimizer,
    resume_training,
    run_seeds,
    save_checkpoint,
    write_atomically,
)


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


def test_checkpoint_round_trip(tmp_path):
    shared = torch.arange(6.0)
    tensors = {"a": shared.view(2, 3).T, "b": shared, "c": torch.tensor(3, dtype=torch.int64)}
    save_checkpoint(tmp_path / "x.safetensors", tensors, {"update": 3, "nested": {"x": [1.5, None]}})
    found, values = load_checkpoint(tmp_path / "x.safetensors")
    assert all(torch.equal(found[k], tensors[k]) for k in tensors)
    assert values == {"update": 3, "nested": {"x": [1.5, None]}}


def test_tensors_of_a_checkpoint_lie_where_torch_would_put_them(tmp_path):
    # Products differ in the last digit with the address, so a resumed run would end otherwise.
    for letters in range(0, 64, 8):  # each moves the tensors within the file
        save_checkpoint(tmp_path / "x", {"a": torch.zeros(3, 5), "b": torch.zeros(7)}, {"x": "y" * letters})
        loaded, _ = load_checkpoint(tmp_path / "x")
        assert all(tensor.data_ptr() % 64 == 0 for tensor in loaded.values())


def test_a_damaged_or_foreign_checkpoint_is_named(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(path)
    save_checkpoint(path, {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="not one of our checkpoints"):
        load_checkpoint(path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomically(path, b"old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_flatten_and_restore_are_inverse():
    tree = (Pair(torch.ones(2), torch.zeros(3)), {"x": torch.arange(4)})
    named = flatten("state", tree)
    assert set(named) == {"state.0.left", "state.0.right", "state.1.x"}
    back = restore("state", tree, named)
    assert isinstance(back[0], Pair) and torch.equal(back[1]["x"], torch.arange(4))
    with pytest.raises(CheckpointError, match="no tensor 'state.0.left' of shape"):
        restore("state", (Pair(torch.ones(5), torch.zeros(3)),), named)


def test_a_restored_optimizer_takes_the_same_step():
    def problem() -> tuple[torch.nn.Parameter, torch.optim.Adam]:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 5))
        return weight, torch.optim.Adam([weight], lr=0.1)

    def step(weight, optimizer) -> None:
        optimizer.zero_grad()
        (weight**4).sum().backward()
        optimizer.step()

    first, optimizer = problem()
    for _ in range(3):
        step(first, optimizer)
    second, other = problem()
    second.data.copy_(first.data)
    restore_optimizer(other, {k: v.clone() for k, v in optimizer_tensors(optimizer).items()})
    step(first, optimizer)
    step(second, other)
    assert torch.equal(first, second)


def test_a_training_goes_on_from_what_was_kept(tmp_path):
    def start(seed: int) -> tuple[torch.nn.Linear, torch.optim.Adam, torch.Generator]:
        model = torch.nn.Linear(2, 1)
        torch.nn.init.constant_(model.weight, seed)
        return model, torch.optim.Adam(model.parameters()), torch.Generator().manual_seed(seed)

    def step(model, optimizer, generator) -> torch.Tensor:
        optimizer.zero_grad()
        model(torch.rand(3, 2, generator=generator)).square().sum().backward()
        optimizer.step()
        return model.weight.detach().clone()

    path, run = tmp_path / "x.safetensors", {"seed": 1, "config": {"size": [2, 3]}}
    first = start(1)
    step(*first)
    keep_training(path, run, *first, {"sums": torch.ones(2)}, {"update": 1})
    wanted = step(*first)
    second = start(7)
    tensors, values = resume_training(path, run, *second)
    assert values == {"run": run, "update": 1} and torch.equal(tensors["sums"], torch.ones(2))
    assert torch.equal(step(*second), wanted)
    other = {"seed": 2, "config": {"size": [2, 4]}}
    with pytest.raises(CheckpointError, match="a run with other seed, config: use another folder"):
        resume_training(path, other, *second)


def test_slope_schedule_of_the_paper():
    assert [linear_slope(e, per_epoch=0.04, maximum=5.0) for e in (0.0, 25.0, 100.0, 500.0)] == [
        1.0,
        2.0,
        5.0,
        5.0,
    ]


def test_plateau_waits_and_divides():
    plateau = PlateauDecay(patience=1, factor=50.0)
    assert [plateau.step(x) for x in (3.0, 2.0, 2.5, 2.1, 1.9, 1.9, 1.9)] == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    assert plateau.decays == 2 and plateau.best == 1.9


def test_log_is_cut_back_to_the_checkpoint(tmp_path):
    log = JsonLog(tmp_path / "log.jsonl")
    for k in range(3):
        log.write(update=k)
    again = JsonLog(tmp_path / "log.jsonl", keep=2)
    again.write(update=7)
    assert (tmp_path / "log.jsonl").read_text() == '{"update": 0}\n{"update": 1}\n{"update": 7}\n'
    assert [line["update"] for line in again.lines] == [0, 1, 7]
    with pytest.raises(CheckpointError, match="has 3 lines, but the checkpoint was made after 5"):
        JsonLog(tmp_path / "log.jsonl", keep=5)


def test_one_process_shares_with_nobody():
    alone = Processes()
    assert alone.share(8) == slice(0, 8) and alone.first
    assert torch.equal(alone.average(torch.tensor(2.0)), torch.tensor(2.0))
    assert [Processes(rank, 3).share(9) for rank in range(3)] == [slice(0, 3), slice(3, 6), slice(6, 9)]
    with pytest.raises(ValueError, match="10 rows cannot be shared evenly by 3"):
        Processes(0, 3).share(10)


def square(seed: int) -> int:
    return seed * seed


def test_seeds_in_order_in_one_or_several_processes():
    assert run_seeds(square, [3, 1, 2]) == [9, 1, 4]
    assert run_seeds(square, [3, 1, 2], jobs=2) == [9, 1, 4]


@pytest.mark.parametrize(
    ("seeds", "jobs", "message"),
    [([], 1, "at least one"), ([1, 1], 1, "must be distinct"), ([1], 0, "jobs must be at least 1, got 0")],
)
def test_seeds_are_checked(seeds, jobs, message):
    with pytest.raises(ValueError, match=message):
        run_seeds(square, seeds, jobs=jobs)


def test_a_missing_dask_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match=r"hsrnn\[dask\]"):
        run_seeds(square, [1], dask="tcp://127.0.0.1:1")


def test_seeds_go_to_a_dask_cluster(monkeypatch):
    """The cluster's own client is replaced by one that runs at once: what is tested is our use of its
    interface."""
    import types

    class Client:
        def __init__(self, address: str) -> None:
            assert address == "tcp://127.0.0.1:8786"

        def __enter__(self):
            return self

        def __exit__(self, *error) -> None:
            pass

        def map(self, function, seeds, pure: bool):
            assert pure is False  # a run has effects: its result must not be taken from a cache
            return [function(seed) for seed in seeds]

        def gather(self, futures):
            return futures

    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(Client=Client))
    assert run_seeds(square, [3, 1], dask="tcp://127.0.0.1:8786") == [9, 1]
