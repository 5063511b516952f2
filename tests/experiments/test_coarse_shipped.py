"""The networks that ship can be trained, saved and loaded; the figure refuses what its page cannot run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hsrnn import coarse, datasets
from hsrnn.experiments import coarse_figure, coarse_shipped
from hsrnn.figures.pencil import DIGITS, pencil_drawing
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint


def test_a_taylornet_is_trained_resumes_and_comes_back_from_its_file(tmp_path: Path) -> None:
    pictures = datasets.load("digits")
    images, labels = coarse_shipped.parts_of(pictures)["train"]
    images, labels = images[:300], labels[:300]
    shape = coarse.TaylorNetConfig(image=(1, 8, 8), channels=(4, 6), form="full", norm="scale")
    options = {"shape": shape, "training": coarse.TrainingConfig(epochs=3, batch_size=50), "seed": 1}
    net, scale = coarse_shipped.train_taylornet(images, labels, **options)
    assert scale == pytest.approx(float((images**2).mean()) ** 0.5)
    again, _ = coarse_shipped.train_taylornet(images, labels, folder=tmp_path / "run", **options)
    rest, _ = coarse_shipped.train_taylornet(images, labels, folder=tmp_path / "run", **options)
    accuracy = coarse.evaluate(net, images / scale, labels).accuracy
    assert accuracy > 0.5
    coarse_shipped.save_taylornet(tmp_path / "net.safetensors", net, scale, accuracy)
    loaded, found = coarse_shipped.load_taylornet(tmp_path / "net.safetensors")
    assert found == scale and loaded.config == shape and not loaded.training
    for other in (again, rest, loaded):
        assert torch.equal(other(images), net(images))
    save_checkpoint(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match="it is not a TaylorNet"):
        coarse_shipped.load_taylornet(tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="no distiller"):
        coarse_shipped.load_distiller(tmp_path / "other.safetensors")


def test_enlarged_digits_lie_in_the_middle_and_keep_their_shape() -> None:
    images = datasets.load("digits").test.scaled()[:20]
    sheets = coarse_figure.enlarged(images)
    assert sheets.shape == (20, 28, 28) and 0 <= sheets.min() and sheets.max() <= 1
    for image, sheet in zip(images[:, 0], sheets, strict=True):
        centre = [(sheet.sum(1 - axis) * np.arange(28)).sum() / sheet.sum() for axis in (0, 1)]
        np.testing.assert_allclose(centre, 13.5, atol=0.5 + 1e-6)
        # What is dark stays dark, pixel by pixel, on a larger sheet.
        rows = np.nonzero(sheet > 0.5)[0]
        assert len(rows) == pytest.approx((image > 0.5).sum() * (20 / 8) ** 2, rel=0.35)
        assert np.ptp(rows) + 1 >= np.ptp(np.nonzero(image > 0.9)[0]) * 20 / 8


@pytest.mark.parametrize(
    "change", [{"order": 1}, {"order": 3}, {"depth": 1}, {"sharing": "none"}, {"block": 3, "stride": 2}]
)
def test_the_page_refuses_other_steps(change: dict[str, object]) -> None:
    net = coarse.TaylorNet(coarse.TaylorNetConfig(image=(1, 8, 8), channels=(2, 2), norm="none", **change))
    with pytest.raises(ValueError, match="the page runs one quadratic step a level, on disjoint blocks"):
        coarse_figure.folded(net.eval())


def test_the_page_refuses_a_net_in_training_and_an_embedding_without_convolutions() -> None:
    net = coarse.TaylorNet(coarse.TaylorNetConfig(image=(1, 8, 8), channels=(2, 2)))
    with pytest.raises(ValueError, match="in evaluation mode only"):
        coarse_figure.folded(net.train())
    with pytest.raises(ValueError, match="got one without any"):
        coarse_figure.rounded_embedder(coarse.Embedder((1, 8, 8), 4, kind="mlp"), 8)


def test_the_shipped_networks_read_what_they_were_never_shown() -> None:
    """The pencil's own digits, and scikit-learn's, enlarged; the record of MNIST travels in the file."""
    net, scale = coarse_shipped.load_taylornet()
    distiller = coarse_shipped.load_distiller()
    _, values = load_checkpoint(datasets.shipped(f"checkpoints/{coarse_shipped.TAYLORNET}.safetensors"))
    assert values["test_accuracy"] > 0.985 and distiller.levels == coarse_shipped.LEVELS
    assert sum(weight.numel() for weight in net.parameters()) == 17_992 and net.config.degree == 8
    drawn = np.stack([pencil_drawing(strokes) for strokes in DIGITS]).astype(np.float32)[:, None]
    assert net(torch.from_numpy(drawn) / scale).argmax(1).tolist() == list(range(10))
    test = datasets.load("digits").test
    large = coarse_figure.enlarged(test.scaled())[:, None]
    found = net(torch.from_numpy(large) / scale).argmax(1).numpy()
    assert (found == test.labels).mean() > 0.75
    for level in range(3):
        assert distiller.score(large, test.labels, level) > 0.75
