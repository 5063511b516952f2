"""The language model, its output module, its cores, and sampling."""

import math

import pytest
import torch
import torch.nn.functional as F

from hsrnn.hmrnn import (
    HMLSTM,
    CharLanguageModel,
    ClockworkRNN,
    GatedOutput,
    LanguageOutput,
    LayerNormLSTM,
    LSTMCore,
    generate,
)

CORES = {
    "hmlstm": lambda: HMLSTM(4, (5, 6, 7), seed=1),
    "hmlstm-sample": lambda: HMLSTM(4, (5, 6, 7), boundary="sample", layer_norm=True, seed=1),
    "lstm": lambda: LSTMCore(4, (5, 6, 7), seed=1),
    "layer-norm-lstm": lambda: LayerNormLSTM(4, (5, 6, 7), seed=1),
    "clockwork": lambda: ClockworkRNN(4, (5, 6, 7), seed=1),
}


def model(core: str = "hmlstm") -> CharLanguageModel:
    return CharLanguageModel(9, 4, CORES[core](), 8, seed=2)


def codes(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(9, shape, generator=torch.Generator().manual_seed(seed))


def test_output_module_equals_its_equation():
    module = GatedOutput((2, 3), 4, 5, generator=torch.Generator().manual_seed(0))
    h1, h2 = torch.randn(1, 1, 2), torch.randn(1, 1, 3)
    logits, gates = module((h1, h2))
    both = torch.cat([h1, h2], -1)[0, 0]
    g = [torch.sigmoid(module.gate.weight[l] @ both + module.gate.bias[l]) for l in range(2)]
    e = F.relu(
        g[0] * (module.embeddings[0] @ h1[0, 0]) + g[1] * (module.embeddings[1] @ h2[0, 0]) + module.bias
    )
    torch.testing.assert_close(gates[0, 0], torch.stack(g))
    torch.testing.assert_close(logits[0, 0], module.softmax.weight @ e + module.softmax.bias)


def test_a_model_shows_what_it_predicts_and_how_it_got_there():
    output, _ = model()(codes(2, 7))
    assert isinstance(output, LanguageOutput)
    assert output.logits.shape == (2, 7, 9) and output.gates.shape == (2, 7, 3)
    assert 0 < output.gates.min() and output.gates.max() < 1
    torch.testing.assert_close(model().output(output.core.hidden)[0], output.logits)


@pytest.mark.parametrize("core", CORES)
def test_every_core_carries_its_state(core):
    language, x = model(core), codes(3, 14)
    options = {"generator": torch.Generator().manual_seed(4)}
    whole, _ = language(x, **options)
    options = {"generator": torch.Generator().manual_seed(4)}
    first, state = language(x[:, :5], **options)
    second, _ = language(x[:, 5:], state, **options)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], 1), whole.logits, rtol=0, atol=1e-6)
    assert whole.gates.shape == (3, 14, 3)
    assert [h.shape[2] for h in whole.core.hidden] == [5, 6, 7]


@pytest.mark.parametrize("core", CORES)
def test_every_core_reads_from_left_to_right_only(core):
    language, x = model(core), codes(2, 12)
    y = x.clone()
    y[:, 8:] = (y[:, 8:] + 1) % 9
    outputs = [language(z, generator=torch.Generator().manual_seed(4))[0].logits[:, :8] for z in (x, y)]
    assert torch.equal(*outputs)


def test_loss_is_in_nats_per_symbol():
    language, x = model(), codes(2, 6)
    loss, output, _ = language.loss(x[:, :-1], x[:, 1:])
    p = torch.softmax(output.logits.detach(), -1)
    chosen = [math.log(p[b, t, x[b, t + 1]]) for b in range(2) for t in range(5)]
    assert loss.item() == pytest.approx(-sum(chosen) / 10, rel=1e-5)


def test_layer_norm_lstm_without_its_norms_would_be_an_lstm():
    """With F.layer_norm taken out, the same weights must give torch.nn.LSTM exactly."""
    core = LayerNormLSTM(4, (5, 6), seed=1).double()
    x = torch.randn(2, 7, 4, dtype=torch.float64)
    original = F.layer_norm
    F.layer_norm = lambda value, shape: value
    try:
        ours, _ = core(x)
    finally:
        F.layer_norm = original
    below = x
    for l, n in enumerate((5, 6)):
        reference = torch.nn.LSTM(below.shape[2], n, batch_first=True).double()
        f, i, o, g = range(4)
        for target, source in (
            (reference.weight_ih_l0, core.bottom_up[l]),
            (reference.weight_hh_l0, core.recurrent[l]),
        ):
            blocks = source.data.split(n)
            target.data = torch.cat([blocks[i], blocks[f], blocks[g], blocks[o]])
        reference.bias_ih_l0.data.zero_()
        reference.bias_hh_l0.data.zero_()
        below, _ = reference(below)
        torch.testing.assert_close(ours.hidden[l], below, rtol=0, atol=1e-12)
    assert not torch.allclose(core(x)[0].hidden[1], below)


def test_clockwork_modules_move_at_their_own_pace_and_hear_only_slower_ones():
    core = ClockworkRNN(4, (3, 3, 3), periods=(1, 2, 6), seed=1)
    x = torch.randn(1, 24, 4)
    output, _ = core(x)
    for hidden, period in zip(output.hidden, (1, 2, 6)):
        changed = (hidden[0, 1:] != hidden[0, :-1]).any(1)
        assert changed.nonzero().flatten().add(1).tolist() == [t for t in range(1, 24) if t % period == 0]
    hidden = core.initial_state(1)[0] + 0.1
    nudged = hidden.clone()
    nudged[:, 0] += 1  # a unit of the fastest module
    results = [core(x[:, :1], (h, torch.tensor(6)))[0].hidden for h in (hidden, nudged)]
    assert not torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1]) and torch.equal(results[0][2], results[1][2])


def test_generation_is_decided_by_its_seed_and_temperature():
    language = model()

    def text(seed: int, temperature: float = 1.0) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return list(generate(language, codes(5), 40, temperature=temperature, generator=generator))

    assert text(1) == text(1)
    assert text(1) != text(2)
    assert len(text(1)) == 40 and set(text(1)) <= set(range(9))
    # Cold sampling takes the most probable symbol each time.
    cold = text(3, temperature=1e-4)
    greedy, read, state = [], codes(5)[None], None
    for _ in range(40):
        output, state = language(read, state)
        read = output.logits[:, -1:].argmax(-1)
        greedy.append(int(read))
    assert cold == greedy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CharLanguageModel(1, 4, CORES["lstm"](), 8), "at least 2, got 1"),
        (lambda: CharLanguageModel(9, 5, CORES["lstm"](), 8), "width 4, but embedding_size is 5"),
        (lambda: model()(torch.tensor([[0, 9]])), r"codes must lie in \[0, 9\), got 0 to 9"),
        (lambda: model()(torch.tensor([[-1, 3]])), r"got -1 to 3"),
        (lambda: model()(torch.zeros(2, 0, dtype=torch.long)), "neither empty"),
        (lambda: generate(model(), codes(0), 5, generator=torch.Generator()), "at least one code"),
        (
            lambda: generate(model(), codes(3), 5, temperature=0.0, generator=torch.Generator()),
            "above 0, got 0",
        ),
        (lambda: generate(model(), codes(3), -1, generator=torch.Generator()), "not be negative, got -1"),
        (lambda: LSTMCore(4, ()), "at least one positive size"),
        (lambda: ClockworkRNN(4, (3, 3), periods=(2, 3)), "each a multiple of the one before"),
        (lambda: ClockworkRNN(4, (3, 3), periods=(1,)), "periods must be 2 increasing steps"),
    ],
)
def test_bad_input_fails_at_the_door(call, message):
    with pytest.raises(ValueError, match=message):
        call()
