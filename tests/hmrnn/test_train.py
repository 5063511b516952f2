"""The training loop: it learns, it resumes bit for bit after kill -9, it shares work, it says what went
wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from hsrnn.datasets import ContiguousRows
from hsrnn.hmrnn import (
    HMLSTM,
    CharLanguageModel,
    CollapseWarning,
    Descent,
    LSTMCore,
    RowsScore,
    StreamScore,
    TrainingConfig,
    evaluate_rows,
    evaluate_stream,
    train,
)
from hsrnn.hmrnn.descent import checkpoints
from hsrnn.training import CheckpointError

STREAM = np.random.default_rng(0).integers(0, 6, 1500).astype(np.uint8)
CONFIG = TrainingConfig(updates=20, evaluate_every=5, checkpoint_every=3, slope_max=5.0)
TIMES = ("characters_per_second", "seconds")


def model(boundary: str = "step", seed: int = 1, layer_norm: bool = True) -> CharLanguageModel:
    core = HMLSTM(5, (6, 7, 6), boundary=boundary, layer_norm=layer_norm, seed=seed)
    return CharLanguageModel(6, 5, core, 8, seed=seed)


def chunks(epoch: int) -> ContiguousRows:
    return ContiguousRows(STREAM, rows=4, length=20, offset=epoch)


def valid() -> ContiguousRows:
    return ContiguousRows(STREAM[:300], rows=4, length=20)


def without_times(log: list[dict]) -> list[dict]:
    return [
        {k: (list(v) if isinstance(v, tuple) else v) for k, v in line.items() if k not in TIMES}
        for line in log
    ]


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_a_pattern_is_learned():
    pattern = np.tile(np.array([0, 1, 2, 3, 4, 5, 5, 1], np.uint8), 200)
    rows = ContiguousRows(pattern, rows=4, length=20)
    language = model()
    before = evaluate_rows(language, rows).bits_per_character
    log = train(
        language, lambda epoch: rows, rows, TrainingConfig(updates=120, learning_rate=2e-2), progress=False
    )
    assert before > 2
    assert evaluate_rows(language, rows).bits_per_character < 0.2
    assert log[-1]["update"] == 120 and log[-1]["characters"] == sum(
        rows[i % len(rows)][0].size for i in range(120)
    )


def test_best_weights_are_left_in_the_model():
    language = model()
    log = train(language, chunks, valid(), CONFIG, progress=False)
    best = min(line["valid_bpc"] for line in log)
    assert evaluate_rows(language, valid()).bits_per_character == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("boundary", ["step", "sample"])
def test_resuming_at_every_checkpoint_gives_the_undisturbed_result(boundary, tmp_path):
    whole = model(boundary)
    log = train(whole, chunks, valid(), CONFIG, seed=3, progress=False)
    for stop in (4, 11, 19):
        folder = tmp_path / str(stop)
        reads = 0

        def interrupted(epoch: int) -> ContiguousRows:
            rows = chunks(epoch)

            class Breaking(ContiguousRows):
                def __getitem__(self, i):
                    nonlocal reads
                    reads += 1
                    if reads == stop:
                        raise KeyboardInterrupt
                    return rows[i]

            return Breaking(STREAM, rows=4, length=20, offset=epoch)

        with pytest.raises(KeyboardInterrupt):
            train(model(boundary), interrupted, valid(), CONFIG, seed=3, folder=folder, progress=False)
        resumed = model(boundary, seed=9)
        second = train(resumed, chunks, valid(), CONFIG, seed=3, folder=folder, progress=False)
        assert equal(whole, resumed)
        assert without_times(second) == without_times(log)
        assert without_times(
            [json.loads(x) for x in (folder / "log.jsonl").read_text().splitlines()]
        ) == without_times(log)
        assert len(checkpoints(folder, 0)) == 2


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_train as t
language = t.model("sample")
config = t.TrainingConfig(updates=60, evaluate_every=5, checkpoint_every=1)
t.train(language, t.chunks, t.valid(), config, seed=3, folder=Path(sys.argv[1]), progress=False)
"""


def test_kill_9_at_any_moment_loses_nothing(tmp_path):
    config = TrainingConfig(updates=60, evaluate_every=5, checkpoint_every=1)
    whole = model("sample")
    torch.set_num_threads(1)
    log = train(whole, chunks, valid(), config, seed=3, progress=False)
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    kills = 0
    for k in range(4):
        process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environment)
        deadline = time.monotonic() + 300
        start = len(checkpoints(tmp_path, 0)) and checkpoints(tmp_path, 0)[-1]
        while process.poll() is None and time.monotonic() < deadline:
            here = checkpoints(tmp_path, 0)
            if k < 3 and here and here[-1] > start + 3:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        process.wait()
    assert kills >= 2
    assert process.returncode == 0
    resumed = model("sample", seed=9)
    second = train(resumed, chunks, valid(), config, seed=3, folder=tmp_path, progress=False)
    assert equal(whole, resumed)
    assert without_times(second) == without_times(log)


PROCESS = """
import sys
sys.path.insert(0, {tests!r})
import torch, test_train as t
from safetensors.torch import save_file
from hsrnn.training import Processes
processes = Processes.from_environment()
language = t.model(layer_norm=False).double()
t.train(language, t.chunks, t.valid(), t.CONFIG, processes=processes, progress=False)
if processes.first:
    save_file(language.state_dict(), sys.argv[1])
torch.distributed.destroy_process_group()
"""


def test_two_processes_equal_one(tmp_path):
    from safetensors.torch import load_file

    script, result = tmp_path / "worker.py", tmp_path / "weights.safetensors"
    script.write_text(PROCESS.format(tests=str(Path(__file__).parent)))
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), str(result)],
        check=True, timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    alone = model(layer_norm=False).double()
    train(alone, chunks, valid(), CONFIG, progress=False)
    for name, tensor in load_file(result).items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=0, atol=1e-9)


def test_a_descent_goes_on_where_the_loop_stood(tmp_path):
    from hsrnn.training import Processes

    options = {"seed": 3, "folder": tmp_path, "processes": Processes(), "progress": False}
    config = TrainingConfig(updates=2, checkpoint_every=1)
    first = Descent(model(), config, "characters", **options)
    assert first.place(position=0, nats=1.5) == (0, 1.5) and first.carried(torch.zeros(2)) is None
    loss = first.model.output.softmax.weight.sum()
    assert first.descend(loss, read=7) == pytest.approx(float(loss.detach())) and first.keeps
    first.keep(torch.ones(2), position=5, nats=0.25)
    second = Descent(model(seed=2), config, "characters", **options)
    assert equal(first.model, second.model) and second.update == 1 and second.total == 7
    assert second.place(position=0, nats=1.5) == (5, 0.25)
    assert torch.equal(second.carried(torch.zeros(2)), torch.ones(2))


def test_slope_follows_the_schedule():
    language = model()
    seen = []
    original = language.loss

    def spy(*args, **options):
        seen.append(language.core.slope)
        return original(*args, **options)

    language.loss = spy
    rows = ContiguousRows(STREAM, rows=4, length=20)
    config = TrainingConfig(
        updates=2 * len(rows) + 1, slope_per_epoch=3.0, slope_max=5.0, evaluate_every=10**6
    )
    train(language, lambda epoch: rows, valid(), config, progress=False)
    expected = [min(5.0, 1 + 3.0 * u / len(rows)) for u in range(2 * len(rows) + 1)]
    np.testing.assert_allclose(seen[: len(expected)], expected)


def test_collapse_is_said():
    language = model()
    for cell in language.core.cells[:2]:
        cell.bias.data[-1] = 100.0
    with pytest.warns(CollapseWarning, match=r"layer \[1, 2\] collapsed"):
        log = train(language, chunks, valid(), TrainingConfig(updates=1, evaluate_every=1), progress=False)
    assert log[-1]["collapsed"] == [1, 2]


def test_plateau_divides_the_learning_rate_and_logs_it():
    language = model()
    noise = ContiguousRows(STREAM[:400], rows=4, length=20)
    config = TrainingConfig(updates=60, learning_rate=0.05, patience=0, decay=10.0, evaluate_every=2)
    log = train(language, lambda epoch: noise, valid(), config, progress=False)
    rates = [line["learning_rate"] for line in log]
    assert rates[0] == 0.05 and min(rates) <= 0.0051
    assert rates == sorted(rates, reverse=True)


def test_l2_shrinks_the_weights():
    sizes = []
    for l2 in (0.0, 1.0):
        language = model()
        train(language, chunks, valid(), TrainingConfig(updates=20, l2=l2), progress=False)
        sizes.append(
            sum(
                float(p.detach().square().sum())
                for n, p in language.named_parameters()
                if not n.endswith("bias")
            )
        )
    assert sizes[1] < sizes[0]


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    train(model(), chunks, valid(), CONFIG, folder=tmp_path, progress=False)
    with pytest.raises(CheckpointError, match="other seed"):
        train(model(), chunks, valid(), CONFIG, seed=5, folder=tmp_path, progress=False)
    assert checkpoints(tmp_path, 0)


def test_a_damaged_checkpoint_is_named(tmp_path):
    train(model(), chunks, valid(), CONFIG, folder=tmp_path, progress=False)
    newest = max(tmp_path.glob("checkpoint-0-*"), key=lambda path: int(path.stem.split("-")[2]))
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is damaged"):
        train(model(), chunks, valid(), CONFIG, folder=tmp_path, progress=False)


def test_a_loss_that_explodes_is_an_error():
    language = model()
    language.output.bias.data[0] = float("nan")
    with pytest.raises(FloatingPointError, match="not finite at update 0"):
        train(language, chunks, valid(), CONFIG, progress=False)


@pytest.mark.parametrize("field", ["updates", "learning_rate", "clip", "evaluate_every"])
def test_settings_are_checked(field, plain_calls):
    with pytest.raises(ValueError, match=f"{field} must be above 0"):
        TrainingConfig(**({"updates": 5} | {field: 0}))


def test_stream_and_rows_agree_on_one_row():
    language = model()
    stream = evaluate_stream(language, STREAM[:400], chunk=37)
    rows = evaluate_rows(language, ContiguousRows(STREAM[:400], rows=1, length=50))
    assert stream.bits_per_character == pytest.approx(rows.bits_per_character, rel=1e-5)
    assert isinstance(stream, StreamScore) and isinstance(rows, RowsScore)
    assert stream.bits.shape == (399,)
    assert stream.boundaries.shape == (399, 2) and stream.operations.shape == (399, 3)
    np.testing.assert_allclose(stream.boundaries.mean(0), rows.boundary_rates, atol=1e-6)
    assert evaluate_stream(CharLanguageModel(6, 5, LSTMCore(5, (4, 4)), 8), STREAM[:50]).operations is None


def test_a_uniform_model_scores_the_logarithm_of_the_vocabulary():
    language = model()
    language.output.softmax.weight.data.zero_()
    assert evaluate_stream(language, STREAM[:100]).bits_per_character == pytest.approx(np.log2(6), rel=1e-6)


def test_too_short_a_stream_is_refused():
    with pytest.raises(ValueError, match="at least 2 symbols"):
        evaluate_stream(model(), STREAM[:1])
