"""The mixture density against torch.distributions, the model of whole lines, and writing."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, MultivariateNormal

from hsrnn.hmrnn import (
    HMLSTM,
    DrawnLine,
    HandwritingModel,
    HandwritingOutput,
    LayerNormLSTM,
    LinesScore,
    LSTMCore,
    StrokeMixture,
    draw_line,
    evaluate_lines,
    mixture_of,
    padded,
)
from hsrnn.hmrnn.handwriting import before_line

CORES = {
    "hmlstm": lambda: HMLSTM(3, (5, 6, 7), seed=1),
    "hmlstm-norm": lambda: HMLSTM(3, (5, 6, 7), layer_norm=True, seed=1),
    "hmlstm-sample": lambda: HMLSTM(3, (5, 6, 7), boundary="sample", seed=1),
    "hmlstm-soft": lambda: HMLSTM(3, (5, 6, 7), boundary="soft", seed=1),
    "lstm": lambda: LSTMCore(3, (5, 6, 7), seed=1),
    "layer-norm-lstm": lambda: LayerNormLSTM(3, (5, 6, 7), seed=1),
}


def model(core: str = "hmlstm", mixtures: int = 3) -> HandwritingModel:
    return HandwritingModel(CORES[core](), 8, mixtures=mixtures, seed=2)


def lines(*lengths: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [
        np.column_stack([random.normal(size=(n, 2)), random.random(n) < 0.2]).astype(np.float32)
        for n in lengths
    ]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def raw(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def rows(*shape: int, seed: int = 5) -> torch.Tensor:
    moved = raw(*shape, 2, seed=seed, scale=2.0)
    pen = (torch.rand(*shape, 1, generator=generator(seed)) < 0.3).double()
    return torch.cat((moved, pen), -1)


def by_torch(mixture: StrokeMixture) -> tuple[MixtureSameFamily, Bernoulli]:
    """The same density built from torch's own distributions."""
    sx, sy = mixture.scales.unbind(-1)
    cross = mixture.correlations * sx * sy
    covariance = torch.stack((sx.square(), cross, cross, sy.square()), -1).unflatten(-1, (2, 2))
    gauss = MultivariateNormal(mixture.means, covariance)
    return MixtureSameFamily(Categorical(logits=mixture.log_weights), gauss), Bernoulli(logits=mixture.pen)


@pytest.mark.parametrize("count", [1, 4, 20])
def test_log_density_equals_torch_distributions(count):
    mixture, x = mixture_of(raw(3, 7, 6 * count + 1)), rows(3, 7)
    moves, pen = by_torch(mixture)
    expected = moves.log_prob(x[..., :2]) + pen.log_prob(x[..., 2])
    torch.testing.assert_close(mixture.log_density(x), expected, rtol=0, atol=1e-10)


def test_columns_are_where_the_docstring_says():
    y = torch.arange(13, dtype=torch.float64)[None] / 10
    mixture = mixture_of(y, smallest_scale=0.5)
    torch.testing.assert_close(mixture.log_weights, torch.log_softmax(y[:, :2], -1))
    assert mixture.means[0].tolist() == [[0.2, 0.4], [0.3, 0.5]]
    expected = torch.log1p(y[0, [6, 7, 8, 9]].exp()) + 0.5
    torch.testing.assert_close(mixture.scales[0].T.flatten(), expected)
    torch.testing.assert_close(mixture.correlations, 0.999 * torch.tanh(y[:, 10:12]))
    assert mixture.pen.tolist() == [1.2]


def test_density_integrates_to_one():
    mixture = mixture_of(raw(19, seed=3))
    step = 0.1
    axis = torch.arange(-25, 25, step, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    total = sum(
        float(mixture.log_density(torch.cat((grid, torch.full_like(grid[:, :1], pen)), 1)).exp().sum())
        for pen in (0.0, 1.0)
    )
    assert total * step**2 == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1.0, 1e2, 1e4])
def test_extreme_outputs_and_movements_give_finite_numbers(dtype, size):
    for sign in (-1, 1):
        y = (sign * size * (1 + raw(64, 25, seed=1).abs())).to(dtype).requires_grad_()
        x = torch.cat((size * raw(64, 2, seed=2), rows(64)[:, 2:]), 1).to(dtype)
        density = mixture_of(y).log_density(x)
        assert density.isfinite().all()
        density.sum().backward()
        assert y.grad.isfinite().all() and y.grad.abs().max() > 0
    straight = torch.zeros(7, dtype=dtype)
    straight[5] = 1e4  # the largest correlation
    assert mixture_of(straight).log_density(torch.tensor([3.0, -3.0, 1.0], dtype=dtype)).isfinite()


def test_gradients_are_those_of_finite_differences():
    x = rows(4)
    assert torch.autograd.gradcheck(lambda y: mixture_of(y).log_density(x), raw(4, 19).requires_grad_())


def test_samples_have_the_moments_of_the_density():
    mixture = mixture_of(raw(25, seed=8))
    moves, pen = by_torch(mixture)
    count = 200_000
    many = StrokeMixture(*(part.expand(count, *part.shape) for part in mixture))
    drawn = many.draw(generator(1))
    w, m = mixture.log_weights.exp(), mixture.means
    mean = (w[:, None] * m).sum(0)
    sx, sy = mixture.scales.unbind(-1)
    cross = (w * (mixture.correlations * sx * sy + m.prod(-1))).sum() - mean.prod()
    torch.testing.assert_close(moves.mean, mean)
    sd = moves.variance.sqrt()
    for axis in range(2):
        assert abs(drawn[:, axis].mean() - mean[axis]) < 5 * sd[axis] / count**0.5
        assert drawn[:, axis].var() == pytest.approx(float(moves.variance[axis]), rel=0.02)
    covariance = float(torch.cov(drawn[:, :2].T)[0, 1])
    assert covariance == pytest.approx(float(cross), abs=0.02 * float(sd.prod()))
    assert float(drawn[:, 2].mean()) == pytest.approx(float(pen.probs), abs=0.01)
    assert torch.equal(many.draw(generator(1)), drawn)


def test_sharpness_narrows_and_favours_and_leaves_the_pen():
    mixture = mixture_of(raw(2, 19, seed=4))
    sharp = mixture.sharpened(1.5)
    torch.testing.assert_close(sharp.scales, mixture.scales * math.exp(-1.5))
    powers = mixture.log_weights.exp() ** 2.5
    torch.testing.assert_close(sharp.log_weights.exp(), powers / powers.sum(-1, keepdim=True))
    assert torch.equal(sharp.pen, mixture.pen) and torch.equal(sharp.means, mixture.means)
    torch.testing.assert_close(mixture.sharpened(0.0).log_weights, mixture.log_weights)


@pytest.mark.parametrize("core", CORES)
def test_padding_does_not_change_a_likelihood(core):
    handwriting, texts = model(core).double(), lines(30, 17, 24)
    batch, lengths = padded(texts, dtype=torch.float64)
    if core == "hmlstm-sample":  # its draws depend on the batch: force all boundaries instead
        forced = torch.ones(3, 31, 2, dtype=torch.float64)
        options = [{"forced_boundaries": forced}] + [
            {"forced_boundaries": forced[:1, : n + 1]} for n in lengths
        ]
    else:
        options = [{}] * 4
    draws = {"generator": generator()}
    together, output = handwriting.log_likelihood(batch, lengths, **options[0], **draws)
    assert isinstance(output, HandwritingOutput) and output.gates.shape == (3, 31, 3)
    for k, line in enumerate(texts):
        alone, _ = handwriting.log_likelihood(*padded([line], dtype=torch.float64), **options[k + 1], **draws)
        torch.testing.assert_close(together[k : k + 1], alone, rtol=0, atol=1e-10)
    batch[1, 17:] = 1e3
    again, _ = handwriting.log_likelihood(batch, lengths, **options[0], **draws)
    torch.testing.assert_close(again, together, rtol=0, atol=1e-10)


def test_a_likelihood_is_the_sum_of_what_was_said_row_by_row():
    handwriting = model().double()
    (line,) = lines(9)
    batch, lengths = padded([line], dtype=torch.float64)
    total, state, row = 0.0, None, before_line(batch)
    for target in batch[0]:
        output, state = handwriting(row[None, None], state)
        total += output.mixture.log_density(target).item()
        row = target
    assert handwriting.log_likelihood(batch, lengths)[0].item() == pytest.approx(total, abs=1e-10)
    assert before_line(batch).tolist() == [0, 0, 1]


def test_the_gradient_of_a_long_line_is_finite():
    handwriting = model()
    loss = -handwriting.log_likelihood(*padded(lines(200, 150)))[0].mean()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in handwriting.parameters())


@pytest.mark.parametrize("core", CORES)
def test_scores_of_lines_do_not_depend_on_how_they_are_batched(core):
    handwriting, texts = model(core), lines(12, 30, 21, 17, 25)
    score = evaluate_lines(handwriting, texts, rows=2)
    assert isinstance(score, LinesScore) and score.points.tolist() == [12, 30, 21, 17, 25]
    assert score.per_point == pytest.approx(score.log_likelihoods.sum() / 105)
    assert score.log_likelihood == pytest.approx(score.log_likelihoods.mean())
    assert 0 < score.smallest_scale < math.log(2) + 2 and ((0 < score.gates) & (score.gates < 1)).all()
    if core == "hmlstm-sample":
        return
    again = evaluate_lines(handwriting, texts, rows=5)
    np.testing.assert_allclose(again.log_likelihoods, score.log_likelihoods, atol=1e-3)
    if score.boundaries is None:
        assert not core.startswith("hmlstm") and score.boundary_rates == () and score.operations is None
        return
    assert [z.shape for z in score.boundaries] == [(12, 2), (30, 2), (21, 2), (17, 2), (25, 2)]
    assert [o.shape for o in score.operations] == [(12, 3), (30, 3), (21, 3), (17, 3), (25, 3)]
    # Boundaries stand beside the rows that were read: row t is step t + 1 of the core.
    rows_read = torch.cat((before_line(torch.zeros(1))[None], torch.from_numpy(texts[1])))[None]
    core_output, _ = handwriting.core.loop(rows_read)
    np.testing.assert_array_equal(score.boundaries[1], core_output.boundaries[0, 1:].detach() > 0.5)
    rates = np.concatenate(score.boundaries).mean(0)
    np.testing.assert_allclose(score.boundary_rates, rates)


@pytest.mark.parametrize("core", CORES)
def test_a_drawn_line_is_decided_by_its_seed_and_is_what_the_model_says(core):
    handwriting = model(core)
    drawn = draw_line(handwriting, 25, generator=generator(1))
    assert isinstance(drawn, DrawnLine) and drawn.strokes.shape == (25, 3)
    assert set(drawn.strokes[:, 2].tolist()) <= {0.0, 1.0}
    assert torch.equal(drawn.strokes, draw_line(handwriting, 25, generator=generator(1)).strokes)
    assert not torch.equal(drawn.strokes, draw_line(handwriting, 25, generator=generator(2)).strokes)
    tidy = draw_line(handwriting, 200, sharpness=6.0, generator=generator(1)).strokes
    assert tidy[:, :2].std() < 0.5 * draw_line(handwriting, 200, generator=generator(1)).strokes[:, :2].std()
    assert (drawn.boundaries is None) == (not core.startswith("hmlstm"))
    if core != "hmlstm-sample" and drawn.boundaries is not None:
        # Reading the line back, the core does the same at every row.
        score = evaluate_lines(handwriting, [drawn.strokes.numpy()])
        np.testing.assert_array_equal(score.boundaries[0], drawn.boundaries)
        np.testing.assert_array_equal(score.operations[0], drawn.operations)


def test_rows_are_placed_by_their_numbers():
    density = mixture_of(torch.randn(5, 6 * 3 + 1, generator=generator(8), dtype=torch.float64))
    weights = density.log_weights.exp()
    normal = torch.tensor([0.7, -1.2], dtype=torch.float64)
    for k in range(3):
        before, after = weights[:, :k].sum(-1), weights[:, : k + 1].sum(-1)
        for which in (before + 1e-9, after - 1e-9):
            for up, lifted in ((-1e-9, 1.0), (1e-9, 0.0)):
                up = (density.pen.sigmoid() + up)[:, None]
                row = density.place(torch.cat((which[:, None], normal.expand(5, 2), up), -1))
                r = density.correlations[:, k]
                second = r * normal[0] + (1 - r**2).sqrt() * normal[1]
                moved = torch.stack((normal[0].expand(5), second), -1) * density.scales[:, k]
                torch.testing.assert_close(row[:, :2], density.means[:, k] + moved)
                assert row[:, 2].tolist() == [lifted] * 5
    rounded_up = density._replace(log_weights=density.log_weights - 1e-6)
    numbers = torch.tensor([1 - 1e-9, 0.0, 0.0, 0.5], dtype=torch.float64).expand(5, 4)
    torch.testing.assert_close(rounded_up.place(numbers)[:, :2], density.means[:, 2])


def test_draws_are_from_the_density():
    density = mixture_of(torch.randn(6 * 3 + 1, generator=generator(3)))
    many = StrokeMixture(*(part.expand(40_000, *part.shape) for part in density)).draw(generator(1))
    weights = density.log_weights.exp()
    mean = (weights[:, None] * density.means).sum(0)
    square = (weights[:, None] * (density.scales**2 + density.means**2)).sum(0)
    torch.testing.assert_close(many[:, :2].mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(many[:, :2].square().mean(0), square, rtol=0.03, atol=0.03)
    product = density.correlations * density.scales.prod(-1) + density.means.prod(-1)
    torch.testing.assert_close(many[:, :2].prod(-1).mean(), (weights * product).sum(), rtol=0, atol=0.05)
    assert float(many[:, 2].mean()) == pytest.approx(float(density.pen.sigmoid()), abs=0.01)


def test_a_line_drawn_with_numbers_is_the_line_of_the_generator_that_made_them():
    handwriting = model()
    source = generator(1)
    numbers = []
    for _ in range(12):  # in the order in which `draw` asks for them
        (which, up), (first, second) = torch.rand(2, generator=source), torch.randn(2, generator=source)
        numbers.append(torch.stack((which, first, second, up)))
    drawn = draw_line(handwriting, 12, numbers=torch.stack(numbers))
    assert torch.equal(drawn.strokes, draw_line(handwriting, 12, generator=generator(1)).strokes)


def test_drawing_goes_on_from_a_prompt():
    handwriting = model()
    prompt = torch.from_numpy(lines(40)[0])
    drawn = draw_line(handwriting, 3, prompt=prompt, sharpness=9.0, generator=generator())
    _, state = handwriting(before_line(prompt)[None, None])
    output, _ = handwriting(prompt[None], state)
    mixture = StrokeMixture(*(part[0, -1] for part in output.mixture))
    # So sharp that what is drawn is the mean of some Gaussian of the density after the prompt.
    assert (mixture.means.detach() - drawn.strokes[0, :2]).norm(dim=-1).min() < 0.01


def test_lines_are_padded_with_zeros():
    batch, lengths = padded(lines(4, 2))
    assert batch.shape == (2, 4, 3) and batch.dtype == torch.float32 and lengths.tolist() == [4, 2]
    assert not batch[1, 2:].any() and batch[1, :2].any()


@pytest.mark.usefixtures("plain_calls")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mixture_of(torch.zeros(2, 12)), r"6 K \+ 1 columns, K at least 1, got 12"),
        (lambda: mixture_of(torch.zeros(2, 1)), "got 1"),
        (lambda: mixture_of(torch.zeros(2, 7), smallest_scale=0.0), "smallest_scale must be above 0, got 0"),
        (lambda: mixture_of(torch.zeros(7)).sharpened(-1.0), "sharpness must not be negative, got -1"),
        (lambda: HandwritingModel(LSTMCore(4, (5,)), 8), "rows of width 3 .* got 4"),
        (lambda: HandwritingModel(LSTMCore(3, (5,)), 8, mixtures=0), "at least 1, got 0"),
        (lambda: padded([]), "at least one, each"),
        (lambda: padded([np.zeros((3, 2))]), r"got shapes \[\(3, 2\)\]"),
        (lambda: padded([np.zeros((0, 3))]), r"got shapes \[\(0, 3\)\]"),
        (lambda: model().log_likelihood(torch.zeros(1, 4, 3), torch.tensor([5])), r"from 1 to 4, got \[5\]"),
        (lambda: model().log_likelihood(torch.zeros(1, 4, 3), torch.tensor([0])), r"from 1 to 4, got \[0\]"),
        (lambda: model()(torch.zeros(1, 4, 2)), r"must be \(batch, time, 3\)"),
        (lambda: draw_line(model(), 0, generator=generator()), "at least 1 row, got 0"),
        (lambda: draw_line(model(), 2), "give a generator or the numbers"),
        (lambda: draw_line(model(), 2, numbers=torch.zeros(3, 4)), r"numbers must be \(2, 4\), got \(3, 4\)"),
        (lambda: draw_line(model(), 2, prompt=torch.zeros(3), generator=generator()), "prompt must be"),
    ],
)
def test_bad_input_fails_at_the_door(call, message):
    with pytest.raises(ValueError, match=message):
        call()
