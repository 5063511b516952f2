"""The classifier reads words in any batch alike, its states lie where they must, and carrying is one long
word."""

import numpy as np
import pytest
import torch

from hsrnn.automata import CELLS, SequenceClassifier, encode
from hsrnn.automata import classifier as module

WORDS = ["0110", "1", "000111", "10", "0", "111111111"]


def network(cell: str = "gru", **options) -> SequenceClassifier:
    return SequenceClassifier(("0", "1"), cell, 5, seed=3, **options).double()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding_size", [None, 4])
def test_batches_do_not_matter(cell, embedding_size, monkeypatch):
    net = network(cell, embedding_size=embedding_size)
    together, states = net.predict(WORDS), net.states(WORDS)
    monkeypatch.setattr(module, "SYMBOLS_AT_ONCE", 7)
    assert (net.predict(WORDS) == together).all()
    np.testing.assert_allclose(net.states(WORDS), states, rtol=0, atol=1e-12)
    alone = np.concatenate([net.states([word]) for word in WORDS])
    np.testing.assert_allclose(alone, states, rtol=0, atol=1e-12)
    ends = np.cumsum([len(word) for word in WORDS]) - 1
    assert (net.accepts_hidden(states[ends]) == together).all()
    encoded = encode(WORDS, net.alphabet)
    logits = net(torch.as_tensor(encoded.codes), torch.as_tensor(encoded.lengths))
    assert ((logits[:, 1] > logits[:, 0]).numpy() == together).all()


@pytest.mark.parametrize("cell", CELLS)
def test_advance_is_one_step(cell):
    net = network(cell)
    states = net.states(["0110"], whole=True)
    assert states.shape == (4, net.cell.state_size)
    after = net.advance(states[:3], np.array([1, 1, 0]))
    np.testing.assert_allclose(after, states[1:], rtol=0, atol=1e-12)
    first = net.advance(np.zeros((1, net.cell.state_size)), np.array([0]))
    np.testing.assert_allclose(first, states[:1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_carried_states_are_those_of_one_long_word(cell):
    net = network(cell)
    carried = net.states(WORDS, carry=True, whole=True)
    np.testing.assert_allclose(carried, net.states(["".join(WORDS)], whole=True), rtol=0, atol=1e-12)
    assert not np.allclose(carried, net.states(WORDS, whole=True))


def test_the_empty_word_is_the_zero_state():
    net = network()
    with torch.no_grad():
        net.output.bias.copy_(torch.tensor([0.0, 1.0]))
    assert net.accepts_empty and net.predict(["", "01"])[0]
    with torch.no_grad():
        net.output.bias.copy_(torch.tensor([1.0, 0.0]))
    assert not net.accepts_empty and not net.predict([""])[0]


def test_one_hot_and_embedding():
    assert network().inputs(torch.tensor([[1, 0]])).tolist() == [[[0.0, 1.0], [1.0, 0.0]]]
    net = SequenceClassifier(("not", "good", "bad"), "mgu", 6, embedding_size=4)
    assert net.inputs(torch.tensor([2])).shape == (1, 4) and net.embedding.weight.requires_grad
    assert net.predict([["not", "bad"]]).shape == (1,)
    assert net.hidden_size == 6 and net.device.type == "cpu"


def test_the_seed_decides():
    words = encode(WORDS, ("0", "1"))
    one, other = (SequenceClassifier(("0", "1"), seed=5).states(words) for _ in range(2))
    assert (one == other).all()


def test_errors(plain_calls):
    with pytest.raises(ValueError, match="cell must be one of srn, mgu, gru, lstm, got 'rnn'"):
        SequenceClassifier("01", "rnn")
    with pytest.raises(ValueError, match="embedding_size must be at least 1, or None for one-hot"):
        SequenceClassifier("01", embedding_size=0)
    with pytest.raises(ValueError, match="hidden_size must be at least 1"):
        SequenceClassifier("01", hidden_size=0)
    with pytest.raises(ValueError, match="symbol '2'"):
        network().predict(["012"])
    with pytest.raises(ValueError, match="word 1 has length 0"):
        network().states(["0", ""])
    with pytest.raises(ValueError, match="words must have at least one word, got none"):
        network().states([])


def test_dropout_thins_inputs_and_last_states_and_keeps_the_mean(plain_calls):
    net = SequenceClassifier("ab", "srn", 6, embedding_size=400, seed=0)
    codes, lengths = torch.tensor([[0, 1, 1], [1, 0, 0]]), torch.tensor([3, 2])
    assert torch.equal(net(codes, lengths), net(codes, lengths, 0.0))
    seen = []
    net.cell.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    net.output.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    once = net(codes, lengths, 0.25, torch.Generator().manual_seed(1))
    again = net(codes, lengths, 0.25, torch.Generator().manual_seed(1))
    assert torch.equal(once, again)
    inputs, last = seen[:2]
    kept = inputs != 0
    assert 0.7 < kept.float().mean() < 0.8 and not kept[0, 1].equal(kept[0, 2])
    torch.testing.assert_close(inputs[kept], (net.inputs(codes) / 0.75)[kept])
    assert (last == 0).any() and not (last == 0).all()
