"""The training loop learns, resumes bit for bit, and says what went wrong; changed images are as told."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hsrnn import coarse
from hsrnn.coarse import Score, TaylorNet, TaylorNetConfig, TrainingConfig, evaluate, mirrored, shifted, train
from hsrnn.training import CheckpointError

CONFIG = TrainingConfig(epochs=3, batch_size=32, shift=1, mirror=True, checkpoint_every=4)


def data(count: int = 150) -> tuple[Tensor, Tensor]:
    """Bright upper half or bright lower half, with noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (count,), generator=generator)
    images = 0.3 * torch.randn(count, 1, 8, 8, generator=generator)
    images[labels == 0, :, :4] += 1
    images[labels == 1, :, 4:] += 1
    return images, labels


def net(seed: int = 0, norm: str = "batch") -> TaylorNet:
    return TaylorNet(TaylorNetConfig(image=(1, 8, 8), classes=2, channels=(4, 4, 4), norm=norm), seed=seed)


def test_it_learns() -> None:
    images, labels = data()
    model = net()
    config = TrainingConfig(epochs=8, batch_size=16, shift=1)
    log = train(model, images[:100], labels[:100], config, valid=(images[100:], labels[100:]), progress=False)
    score = evaluate(model, images[100:], labels[100:])
    assert isinstance(score, Score) and score.accuracy == log[-1]["valid_accuracy"] == 1.0
    assert score.loss == pytest.approx(log[-1]["valid_loss"]) and score.loss < 0.3
    assert not model.training and [line["epoch"] for line in log] == list(range(8))
    assert log[0]["loss"] > log[-1]["loss"] and log[-1]["train_accuracy"] > 0.8


def test_it_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = data()
    calm = net()
    log = train(calm, images, labels, CONFIG, valid=(images, labels), progress=False)
    module = __import__("sys").modules["hsrnn.coarse.train"]
    # Killed in the middle of the second epoch, between two checkpoints.
    draws = itertools.count()

    def failing(*values: object) -> Tensor:
        if next(draws) == 7:
            raise KeyboardInterrupt
        return shifted(*values)

    monkeypatch.setattr(module, "shifted", failing)
    with pytest.raises(KeyboardInterrupt):
        train(net(), images, labels, CONFIG, valid=(images, labels), folder=tmp_path, progress=False)
    monkeypatch.undo()
    resumed = net(seed=5)  # its own weights are replaced
    again = train(resumed, images, labels, CONFIG, valid=(images, labels), folder=tmp_path, progress=False)
    for a, b in zip(calm.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    drop = lambda lines: [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
    assert drop(again) == drop(log)
    # A finished run is only read, and another run does not take its checkpoint.
    assert len(train(net(), images, labels, CONFIG, folder=tmp_path, progress=False)) == 3
    with pytest.raises(CheckpointError, match="a run with other"):
        train(net(), images, labels, CONFIG, seed=1, folder=tmp_path, progress=False)


def test_a_loss_that_is_not_finite_stops_it() -> None:
    images, labels = data()
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        train(net(norm="none"), images * 1e20, labels, CONFIG, progress=False)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    config = TrainingConfig(learning_rate=0.1, warmup=0.25)
    rates = [config.rate(update, 100) for update in range(100)]
    assert max(rates) == rates[25] == pytest.approx(0.1) and 0 < rates[0] < 0.01 and rates[-1] < 1e-3
    assert all(a < b for a, b in zip(rates[:25], rates[1:26]))
    assert all(a > b for a, b in zip(rates[25:], rates[26:]))


def test_shifted_images_hold_the_same_pixels_elsewhere() -> None:
    images = torch.rand(40, 2, 6, 7, generator=torch.Generator().manual_seed(0))
    found = shifted(images, 2, torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    seen = set()
    for before, after in zip(padded, found):
        places = [
            (i, j)
            for i, j in itertools.product(range(5), repeat=2)
            if torch.equal(before[:, i : i + 6, j : j + 7], after)
        ]
        assert len(places) == 1
        seen |= set(places)
    assert len(seen) > 12
    assert shifted(images, 0, torch.Generator()) is images


def test_mirrored_images_are_their_own_or_swapped() -> None:
    images = torch.rand(40, 1, 3, 4)
    found = mirrored(images, torch.Generator().manual_seed(1))
    same = (found == images).flatten(1).all(1)
    assert ((found == images.flip(3)).flatten(1).all(1) | same).all() and 8 < int(same.sum()) < 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(epochs=0), "epochs must be above 0, got 0"),
        (dict(learning_rate=-1.0), "learning_rate must be above 0"),
        (dict(shift=-1), "shift must not be negative, got -1"),
        (dict(warmup=1.0), r"warmup must lie in \[0, 1\), got 1.0"),
        (dict(smoothing=-0.1), "smoothing must lie in"),
    ],
)
def test_bad_settings_are_refused(options: dict, message: str, plain_calls: None) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**options)


def test_bad_calls_are_refused(plain_calls: None) -> None:
    images, labels = data()
    for call in (
        lambda: coarse.evaluate(net(), images, labels[1:]),
        lambda: train(net(), images[:0], labels[:0], CONFIG),
    ):
        with pytest.raises(ValueError, match="must be as many, and some"):
            call()
    with pytest.raises(ValueError, match="most must not be negative"):
        shifted(images, -1, torch.Generator())
