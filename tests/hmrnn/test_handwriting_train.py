"""The training loop on whole lines: it learns, resumes bit for bit, shares work, and says what went wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hsrnn.datasets import length_batches
from hsrnn.hmrnn import (
    HMLSTM,
    CollapseWarning,
    HandwritingModel,
    LSTMCore,
    TrainingConfig,
    evaluate_lines,
    train_handwriting,
)
from hsrnn.hmrnn.descent import checkpoints
from hsrnn.training import CheckpointError

CONFIG = TrainingConfig(updates=9, evaluate_every=3, checkpoint_every=2, slope_max=3.0, slope_per_epoch=1.5)
TIMES = ("points_per_second", "seconds")


def zigzags(count: int, seed: int = 0) -> list[np.ndarray]:
    """Lines with something to learn: a movement that turns round at every fourth row, with the pen lifted."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        n = int(random.integers(18, 26))
        lift = np.arange(n) % 4 == 3
        way = np.where(np.arange(n) // 4 % 2, 1.0, -1.0)
        noise = random.normal(scale=0.1, size=(n, 2))
        made.append(np.column_stack([way + noise[:, 0], noise[:, 1], lift]).astype(np.float32))
    return made


LINES, VALID = zigzags(14), zigzags(5, seed=1)


def model(core: str = "step", seed: int = 1) -> HandwritingModel:
    made = (
        LSTMCore(3, (8, 8), seed=seed) if core == "lstm" else HMLSTM(3, (6, 7, 6), boundary=core, seed=seed)
    )
    return HandwritingModel(made, 8, mixtures=2, seed=seed)


def batches(epoch: int) -> tuple[np.ndarray, ...]:
    return length_batches([len(line) for line in LINES], 4, random=np.random.RandomState(epoch))


def fit(handwriting: HandwritingModel, config: TrainingConfig = CONFIG, **options) -> list[dict]:
    return train_handwriting(handwriting, LINES, batches, VALID, config, progress=False, **options)


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
    handwriting, many = model("lstm"), zigzags(64)
    lengths = [len(line) for line in many]
    before = evaluate_lines(handwriting, VALID)
    log = train_handwriting(
        handwriting,
        many,
        lambda epoch: length_batches(lengths, 16, random=np.random.RandomState(epoch)),
        VALID,
        TrainingConfig(updates=200, learning_rate=2e-2, evaluate_every=40),
        progress=False,
    )
    after = evaluate_lines(handwriting, VALID)
    # Who knows where the next row goes scores 2 (log 10 - 1.42) = 1.77 nats a row, normals of scale 0.1. Who
    # only knows how often it goes where loses log 2 for the direction and 0.56 for the pen: 0.51.
    assert before.per_point < -2 and 0.8 < after.per_point < 1.9
    assert after.log_likelihood == pytest.approx(max(line["valid_log_likelihood"] for line in log), abs=1e-3)
    assert log[-1]["points"] == 50 * sum(lengths) and log[-1]["epoch"] == 50


def test_the_log_is_in_nats_a_line_and_nats_a_point():
    config = TrainingConfig(updates=3, learning_rate=1e-12, evaluate_every=3)
    handwriting = model()
    (line,) = fit(handwriting, config)
    score = evaluate_lines(handwriting, [LINES[k] for batch in batches(0) for k in batch])
    assert line["train_log_likelihood"] == pytest.approx(score.log_likelihood, rel=1e-4)
    assert line["train_per_point"] == pytest.approx(score.per_point, rel=1e-4)
    assert line["valid_log_likelihood"] == pytest.approx(evaluate_lines(handwriting, VALID).log_likelihood)


@pytest.mark.parametrize("core", ["step", "sample", "lstm"])
def test_resuming_at_every_checkpoint_gives_the_undisturbed_result(core, tmp_path):
    whole = model(core)
    log = fit(whole, seed=3)
    for stop in (3, 6, 8):
        folder, reads = tmp_path / str(stop), 0

        class Breaking(list):
            def __getitem__(self, k):
                nonlocal reads
                reads += 1
                # Each update reads its 4 lines twice, and the type checks look at one or two.
                if reads > 8 * stop + 4:
                    raise KeyboardInterrupt
                return super().__getitem__(k)

        with pytest.raises(KeyboardInterrupt):
            train_handwriting(
                model(core), Breaking(LINES), batches, VALID, CONFIG, seed=3, folder=folder, progress=False
            )
        assert checkpoints(folder, 0) == list(range(2, stop + 1, 2))[-2:]
        resumed = model(core, seed=9)
        second = fit(resumed, seed=3, folder=folder)
        assert equal(whole, resumed) and without_times(second) == without_times(log)


PROCESS = """
import sys
sys.path.insert(0, {tests!r})
import torch, test_handwriting_train as t
from safetensors.torch import save_file
from hsrnn.training import Processes
processes = Processes.from_environment()
handwriting = t.model().double()
t.fit(handwriting, processes=processes)
if processes.first:
    save_file(handwriting.state_dict(), sys.argv[1])
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
    alone = model().double()
    fit(alone)
    for name, tensor in load_file(result).items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=0, atol=1e-9)


def test_slope_follows_the_schedule():
    handwriting, seen = model(), []
    original = handwriting.log_likelihood

    def spy(*args, **options):
        if torch.is_grad_enabled():
            seen.append(handwriting.core.slope)
        return original(*args, **options)

    handwriting.log_likelihood = spy
    fit(handwriting)
    np.testing.assert_allclose(seen, [min(3.0, 1 + 1.5 * u / 3) for u in range(9)])


def test_collapse_is_said():
    handwriting = model()
    handwriting.core.cells[1].bias.data[-1] = 100.0
    with pytest.warns(CollapseWarning, match=r"layer \[2\] collapsed"):
        log = fit(handwriting, TrainingConfig(updates=1))
    assert log[-1]["collapsed"] == [2]


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    fit(model(), TrainingConfig(updates=2), folder=tmp_path)
    with pytest.raises(CheckpointError, match="other seed"):
        fit(model(), TrainingConfig(updates=2), seed=5, folder=tmp_path)


def test_a_gradient_that_explodes_is_an_error():
    handwriting = model()
    handwriting.output.bias.data[0] = float("nan")
    with pytest.raises(FloatingPointError, match="not finite at update 0"):
        fit(handwriting)
