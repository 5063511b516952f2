"""The parser that ships: it loads, it parses unseen figures, and the command that made it trains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from hsrnn import datasets, evolving
from hsrnn.experiments import evolving_network
from hsrnn.experiments.evolving_network import examples_of, load_network, save_network, train_network
from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.usefixtures("plain_calls")


@pytest.fixture(scope="module")
def figures() -> datasets.Parts:
    return datasets.load("figures", size=evolving_network.SIZE, train=6, valid=2, test=24, seed=11)


def test_the_shipped_network_parses_figures_that_it_has_not_seen(figures: datasets.Parts):
    network, classes = load_network()
    assert classes == figures.classes and not network.training
    assert network.config.kind == "evolving" and network.config.levels == 5
    found = evolving.evaluate(network, examples_of(figures.test))
    path = datasets.shipped(f"checkpoints/{evolving_network.SHIPPED}.safetensors")
    told = load_checkpoint(path)[1]["scores"]
    assert found.score.mean_iou == pytest.approx(told["mean_iou"], abs=0.08)
    assert found.score.accuracy == pytest.approx(told["accuracy"], abs=0.04)
    background = float((torch.tensor(found.score.iou) > 0).sum())
    assert background >= 6, "it knows more than a few parts"
    nodes = [level.nodes for level in found.levels]
    assert len(nodes) == 5 and all(0.5 * a <= b < a for a, b in zip(nodes, nodes[1:]))


def test_training_goes_on_where_it_stopped_and_the_file_gives_the_network_back(
    figures: datasets.Parts, tmp_path: Path
):
    short = tuple(evolving.TrainingConfig(epochs=1, batch_size=3, checkpoint_every=1) for _ in "ab")
    whole = train_network(figures, short, levels=2, progress=False)
    parts = train_network(figures, short, levels=2, folder=tmp_path, progress=False)
    assert (tmp_path / "backbone").is_dir() and (tmp_path / "network").is_dir()
    again = train_network(figures, short, levels=2, folder=tmp_path, progress=False)
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, parts.state_dict()[name]) and torch.equal(weight, again.state_dict()[name])
    save_network(tmp_path / "net.safetensors", whole, figures.classes, {"mean_iou": 0.5})
    loaded, classes = load_network(tmp_path / "net.safetensors")
    assert loaded.config == whole.config and classes == figures.classes
    assert all(torch.equal(weight, whole.state_dict()[name]) for name, weight in loaded.state_dict().items())


def test_a_file_that_is_no_parser_is_refused(tmp_path: Path):
    path = tmp_path / "other.safetensors"
    save_checkpoint(path, {"weight": torch.zeros(2)}, {"config": {"classes": 9}})
    with pytest.raises(CheckpointError, match=re.escape(f"{path} holds no configuration of a parser")):
        load_network(path)
