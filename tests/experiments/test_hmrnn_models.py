"""What both experiments of the room take from a training, against what it was made of."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hsrnn import hmrnn
from hsrnn.experiments.hmrnn_models import operation_metrics, read_model, training_metrics, training_of
from hsrnn.training import CheckpointError, save_checkpoint


def test_the_training_takes_its_fields_and_no_others():
    fields = vars(hmrnn.TrainingConfig(updates=7, clip=0.5))
    assert training_of(SimpleNamespace(**fields, rows=3)) == hmrnn.TrainingConfig(updates=7, clip=0.5)
    with pytest.raises(AttributeError, match="clip"):
        training_of(SimpleNamespace(**{k: v for k, v in fields.items() if k != "clip"}))


def test_the_kept_evaluation_and_the_last_are_told_apart():
    log = [
        {
            "update": u, "points": 10 * u, "points_per_second": float(u * u), "score": -abs(u - 2.0),
            "boundary_rates": [0.1 * u], "slope": 1.0, "learning_rate": 0.1, "collapsed": [u],
        }
        for u in (1, 2, 4)
    ]  # fmt: skip
    metrics = training_metrics(log, log[1], "score", "points", ("score",))
    assert metrics["score"] == 0 and metrics["best_update"] == 2 and metrics["points"] == 40
    assert metrics["collapsed"] == [4] and metrics["points_per_second"] == 4.0
    assert metrics["curve"]["update"] == [1, 2, 4] and metrics["curve"]["score"] == [-1, 0, -2]


def test_operations_are_those_counted():
    operations = np.array([[1, 0, 0], [1, 1, 0], [1, 2, 1]], np.uint8)
    metrics = operation_metrics(operations)
    counted = hmrnn.count_operations(operations)
    assert metrics["operations"] == counted.as_dict() and metrics["saving"] == pytest.approx(3 / 9)
    assert metrics["updates"] == [3, 2, 1]


def test_a_file_says_what_it_lacks(tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, {"a": torch.ones(2)}, {"config": {"sizes": [1, 2], "rows": 3}, "mean": [0.0]})
    tensors, settings, values = read_model(path, "an.experiment", ["mean"])
    assert torch.equal(tensors["a"], torch.ones(2)) and settings == {"sizes": (1, 2), "rows": 3}
    assert values["mean"] == [0.0]
    with pytest.raises(CheckpointError, match="holds no sd: it is not a model of an.experiment"):
        read_model(path, "an.experiment", ["mean", "sd"])
