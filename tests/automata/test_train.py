"""Training stops when the language is known, is the same for the same seed, and refuses what it cannot learn
from."""

import numpy as np
import pytest
import torch

from hsrnn.automata import SequenceClassifier, TrainingConfig, TrainingResult, language, split, train


def words(name="tomita-1"):
    return split(language(name), range(1, 9), 200, 100, np.random.default_rng(0))


def run(config, name="tomita-1", cell="gru", **options):
    made = words(name)
    net = SequenceClassifier(("0", "1"), cell, 8, seed=1)
    return net, train(net, made.train, made.train_labels, made.test, made.test_labels, config, **options)


def test_it_stops_when_it_knows(plain_calls):
    net, result = run(TrainingConfig(epochs=200, learning_rate=0.02, batch_size=50))
    assert isinstance(result, TrainingResult)
    made = words()
    assert result.learned and result.accuracy == 1.0 and result.epochs < 200
    assert (net.predict(made.test) == made.test_labels).all()
    assert [line["epoch"] for line in result.lines] == list(range(result.epochs))
    assert all(line["held_out_accuracy"] < 1 for line in result.lines[:-1])
    assert result.seconds > 0 and result.lines[-1]["loss"] < result.lines[0]["loss"]


def test_it_settles_and_need_not_be_quick(plain_calls):
    config = TrainingConfig(epochs=60, learning_rate=0.02, batch_size=50)
    quick = run(config)[1].epochs
    settled = run(TrainingConfig(epochs=60, learning_rate=0.02, batch_size=50, settle=4))[1]
    assert settled.epochs >= quick + 4 and settled.learned
    all_ = run(TrainingConfig(epochs=quick + 6, learning_rate=0.02, batch_size=50, quick=False))[1]
    assert all_.epochs == quick + 6


def test_it_says_when_nothing_was_learned(plain_calls):
    _, result = run(TrainingConfig(epochs=1), "tomita-5")
    assert not result.learned and result.accuracy < 1


def test_the_seed_decides(plain_calls):
    (one, a), (other, b), (third, _) = (
        run(TrainingConfig(epochs=2, batch_size=50), seed=seed) for seed in (4, 4, 5)
    )
    assert torch.equal(one.cell.weight_hh, other.cell.weight_hh) and a.lines == b.lines
    assert not torch.equal(one.cell.weight_hh, third.cell.weight_hh)


def test_a_curriculum_goes_by_length(plain_calls):
    config = TrainingConfig(epochs=150, learning_rate=0.02, batch_size=50, curriculum=(2, 4, 6, 50))
    _, result = run(config, "tomita-6", "mgu")
    longest = [line["longest"] for line in result.lines]
    assert longest[0] == 2 and longest == sorted(longest) and set(longest) <= {2, 4, 6, 8}
    for line, following in zip(result.lines, result.lines[1:]):
        assert (line["longest"] < following["longest"]) == (
            line["train_accuracy"] == 1 and line["longest"] < 8
        )


def test_a_curriculum_can_keep_pace(plain_calls):
    config = TrainingConfig(epochs=8, batch_size=50, curriculum=(2, 4, 6), pace=2)
    made = words("tomita-6")
    flipped = made.train_labels ^ (np.arange(len(made.train)) % 4 == 0)  # no epoch is without mistakes
    net = SequenceClassifier(("0", "1"), "gru", 8, seed=1)
    result = train(net, made.train, flipped, made.test, made.test_labels, config)
    assert [line["longest"] for line in result.lines] == [2, 2, 4, 4, 6, 6, 8, 8]


def test_patience_goes_back_to_the_best_epoch(plain_calls):
    made = words("tomita-5")
    config = TrainingConfig(epochs=60, learning_rate=0.02, batch_size=50, patience=3, curriculum=(4,), pace=5)
    net, result = run(config, "tomita-5", "srn")
    last = result.lines[result.lines[-1]["epoch"] - 3 :]
    counted = [line["held_out_accuracy"] for line in result.lines if line["longest"] == 8]
    assert len(result.lines) < 60 and result.lines[4]["longest"] == 4 and not result.learned
    assert result.accuracy == max(counted) == (net.predict(made.test) == made.test_labels).mean()
    assert last[0]["held_out_accuracy"] == result.accuracy and len(last) == 4
    # Where the epochs run out first, the best one comes back too; without patience, the last one stays.
    longer = {"epochs": len(result.lines) - 1, "learning_rate": 0.02, "batch_size": 50, "curriculum": (4,)}
    for patience, expected in ((50, result.accuracy), (None, result.lines[-2]["held_out_accuracy"])):
        net, again = run(TrainingConfig(**longer, pace=5, patience=patience), "tomita-5", "srn")
        assert again.accuracy == expected == (net.predict(made.test) == made.test_labels).mean()
    assert result.lines[-2]["held_out_accuracy"] < result.accuracy


@pytest.mark.parametrize("empty", [True, False])
def test_the_empty_word_can_be_taught(plain_calls, empty):
    net, result = run(TrainingConfig(epochs=100, learning_rate=0.02, batch_size=50), empty=empty)
    assert result.learned and net.accepts_empty == empty


def test_dropout_and_weight_decay(plain_calls):
    plain, _ = run(TrainingConfig(epochs=3, batch_size=50))
    again, _ = run(TrainingConfig(epochs=3, batch_size=50, dropout=0.0, weight_decay=0.0))
    assert torch.equal(plain.output.weight, again.output.weight)
    thinned, first = run(TrainingConfig(epochs=3, batch_size=50, dropout=0.5), seed=3)
    same, second = run(TrainingConfig(epochs=3, batch_size=50, dropout=0.5), seed=3)
    assert torch.equal(thinned.output.weight, same.output.weight) and first.lines == second.lines
    assert not torch.equal(thinned.output.weight, plain.output.weight)
    decayed, _ = run(TrainingConfig(epochs=3, batch_size=50, weight_decay=5.0))
    small, large = (sum(float(p.detach().square().sum()) for p in n.parameters()) for n in (decayed, plain))
    assert small < large


def test_errors(plain_calls):
    net = SequenceClassifier("01")
    good = (["0", "1"], [0, 1])
    for bad, message in (
        (([], []), "the training set must have at least one word, got none"),
        (
            (["0", "1"], [1, 1]),
            "the training set must have words of both classes, but all 2 are in the language",
        ),
        ((["0", "1"], [0, 0]), "but all 2 are outside the language; add words of the other class"),
        (
            (["0", ""], [0, 1]),
            "the training set must have words of at least one symbol, but word 1 has length 0",
        ),
        ((["0", "2"], [0, 1]), "word 1 has the symbol '2'"),
        ((["0", "1"], [0]), "one label, 0 or 1, for each of the 2 words"),
    ):
        with pytest.raises(ValueError, match=message):
            train(net, *bad, *good)
        with pytest.raises(ValueError, match=message.replace("the training", "the held-out")):
            train(net, *good, *bad)
    for options, message in (
        ({"epochs": 0}, "epochs must be above 0, got 0"),
        ({"settle": -1}, "settle must not be negative"),
        ({"pace": 0}, "pace must be at least 1, or None for no limit, got 0"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"weight_decay": -0.1}, "weight_decay must not be negative, got -0.1"),
        ({"curriculum": (3, 3)}, "curriculum must be growing lengths"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainingConfig(**options)
    with torch.no_grad():
        net.output.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="no longer finite in epoch 0: lower the learning rate"):
        train(net, *good, *good)
