"""Distillation: what must hold of G, of groups, of references and of the distiller, whatever was trained."""

from __future__ import annotations

import jaxtyping
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from hsrnn import coarse, datasets
from hsrnn.coarse.distill import Distiller
from hsrnn.training import CheckpointError, save_checkpoint


@pytest.fixture(scope="module", autouse=True)
def plain_calls():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        yield


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of picture that anyone can tell apart: a bright row on noise, at one of three places."""
    random = np.random.default_rng(0)
    labels = np.tile(np.array([3, 5, 7]), 24)
    images = 0.3 * random.random((72, 1, 6, 6)).astype(np.float32)
    images[np.arange(72), 0, (labels - 3) // 2 * 2] += 0.6
    return images, labels


@pytest.fixture(scope="module")
def fitted(bars) -> Distiller:
    return Distiller((6, 2, 1), merge=3, steps=40, width=4, embedding=6).fit(*bars)


# G and its groups ---------------------------------------------------------------------------------


def test_an_untrained_net_is_the_plain_average():
    groups = torch.rand(2, 3, 5, 1, 6, 7, generator=generator())
    made = coarse.Coarsener(1, width=4, seed=1)(groups)
    torch.testing.assert_close(made, groups.mean(2))


def test_the_order_of_a_group_does_not_matter_and_pixels_stay_in_range():
    net = coarse.Coarsener(2, width=4)
    coarse.embedder.initialise(net, 3)
    with torch.no_grad():
        net.decode[-1].weight.mul_(5)
        groups = torch.rand(4, 6, 2, 5, 5, generator=generator())
        made = net(groups)
        torch.testing.assert_close(made, net(groups[:, [3, 1, 5, 0, 2, 4]]))
        assert (made - groups.mean(1)).abs().max() > 0.01 and 0 <= made.min() <= made.max() <= 1
        # Any size of group, and a picture beside itself is the picture alone.
        torch.testing.assert_close(net(groups[:, :1]), net(groups[:, [0, 0, 0]]))


@pytest.mark.parametrize("grouping", ["random", "near"])
def test_every_picture_is_in_exactly_one_group(grouping):
    images = torch.rand(3, 12, 1, 2, 2, generator=generator())
    groups = coarse.into_groups(images, 4, grouping, generator(1))
    assert groups.shape == (3, 3, 4, 1, 2, 2)
    for mine, theirs in zip(groups.flatten(1, 2), images):
        assert sorted(mine.flatten(1).tolist()) == sorted(theirs.flatten(1).tolist())
    again = coarse.into_groups(images, 4, grouping, generator(1))
    assert torch.equal(groups, again) and not torch.equal(
        groups, coarse.into_groups(images, 4, grouping, generator(2))
    )
    with pytest.raises(ValueError, match="12 pictures a class cannot be shared out to groups of 5"):
        coarse.into_groups(images, 5, grouping, generator())


def test_near_groups_are_neighbours():
    # Three tight bunches, mixed up: each group must be one bunch.
    places = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(4)[torch.randperm(12, generator=generator(5))]
    images = (places + 0.01 * torch.rand(12, generator=generator()))[None, :, None, None, None]
    groups = coarse.into_groups(images, 4, "near", generator())
    assert float((groups.amax(2) - groups.amin(2)).max()) < 0.02


def test_levels_are_the_same_net_on_what_it_made():
    net = coarse.Coarsener(1, width=4)
    images = torch.rand(2, 12, 1, 4, 4, generator=generator())
    made, groups = coarse.coarse_levels(net, images, (6, 2, 1), "near", generator())
    assert [level.shape[1] for level in made] == [6, 2, 1] and [g.shape[2] for g in groups] == [2, 3, 2]
    for level, group in zip(made, groups):
        torch.testing.assert_close(level, net(group))
    # The plain average, three times over equal groups, is the average of all.
    torch.testing.assert_close(made[-1][:, 0], images.mean(1))


# References that nobody distilled -----------------------------------------------------------------


def test_baselines_against_oracles(bars):
    images, labels = torch.from_numpy(bars[0]), torch.from_numpy((bars[1] - 3) // 2)
    by_class = coarse.pictures_by_class(images, labels)
    assert [len(own) for own in by_class] == [24] * 3
    means = coarse.mean_references(by_class)
    # One centre of k-means is the mean, and so is the last of a hierarchy of weighted centres.
    torch.testing.assert_close(coarse.kmeans_references(by_class, 1, 0), means)
    tree = coarse.hierarchical_kmeans(by_class, (8, 4, 1), 0)
    assert [level.shape for level in tree] == [(3, k, 1, 6, 6) for k in (8, 4, 1)]
    torch.testing.assert_close(tree[-1], means, atol=1e-5, rtol=0)
    drawn = coarse.random_references(by_class, 24, generator())
    for own, mine in zip(by_class, drawn):
        assert sorted(own.flatten(1).tolist()) == sorted(mine.flatten(1).tolist())
    # All of a class is every picture once; the first of a herd is the one nearest in angle to the mean.
    herd = coarse.herding(by_class, 24, coarse.pixels)
    assert sorted(herd[0].flatten(1).tolist()) == sorted(by_class[0].flatten(1).tolist())
    points = coarse.pixels(by_class[1])
    torch.testing.assert_close(herd[1, 0], by_class[1][int((points @ points.mean(0)).argmax())])
    few = coarse.pixels(coarse.herding(by_class, 6, coarse.pixels)[0]).mean(0)
    random = coarse.pixels(coarse.random_references(by_class, 6, generator())[0]).mean(0)
    wanted = coarse.pixels(by_class[0]).mean(0)
    assert (few - wanted).norm() < (random - wanted).norm()


def test_matched_references_move_their_embedding_to_the_mean_of_their_cluster(bars):
    images, labels = torch.from_numpy(bars[0]), torch.from_numpy((bars[1] - 3) // 2)
    by_class = coarse.pictures_by_class(images, labels)
    embed = coarse.Embedder((1, 6, 6), 6, width=4, seed=2)
    frozen = [p.detach().clone() for p in embed.parameters()]

    def gap(steps):
        (made,) = coarse.matched_references(by_class, (1,), embed, steps=steps)
        with torch.no_grad():
            wanted = torch.stack([embed(own).mean(0) for own in by_class])
            wanted = torch.nn.functional.normalize(wanted, dim=1)
            return float((embed(made[:, 0]) - wanted).square().sum()), made

    (before, _), (after, made) = gap(1), gap(80)
    assert after < 0.1 * before and 0 <= made.min() <= made.max() <= 1
    assert (
        all(torch.equal(p, q) for p, q in zip(frozen, embed.parameters()))
        and embed.body[0].weight.grad is None
    )
    tree = coarse.matched_references(by_class, (4, 2), embed, steps=2)
    assert [level.shape[1] for level in tree] == [4, 2]


def test_looking_is_the_nearest_in_angle():
    queries = torch.nn.functional.normalize(torch.randn(20, 4, generator=generator()), dim=1)
    references = torch.nn.functional.normalize(torch.randn(3, 5, 4, generator=generator(1)), dim=2)
    cosines = torch.tensor([[[float(q @ r) for r in own] for own in references] for q in queries])
    torch.testing.assert_close(coarse.class_scores(queries, references), cosines.amax(2))
    torch.testing.assert_close(coarse.class_scores(queries, references, "mean"), cosines.mean(2))
    images = torch.rand(10, 1, 4, 4, generator=generator())
    torch.testing.assert_close(coarse.embedded(coarse.pixels, images, 3), coarse.pixels(images))
    own = coarse.accuracy_by_looking(coarse.pixels, images, torch.arange(10), images[:, None])
    assert own == 1.0, "every picture is most similar to itself"


# Embedding nets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "shape"), [("cnn", (1, 8, 8)), ("cnn", (3, 17, 16)), ("mlp", (2, 5, 4))])
def test_embeddings_have_length_1_and_come_from_their_seed(kind, shape):
    images = torch.rand(4, *shape, generator=generator())
    net = coarse.Embedder(shape, 7, kind=kind, width=3, seed=1)
    torch.testing.assert_close(net(images).norm(dim=1), torch.ones(4))
    torch.testing.assert_close(net(images), coarse.Embedder(shape, 7, kind=kind, width=3, seed=1)(images))
    assert not torch.equal(net(images), coarse.Embedder(shape, 7, kind=kind, width=3, seed=2)(images))


def test_a_new_classifier_learns_bars(bars):
    images, labels = torch.from_numpy(bars[0]), torch.from_numpy((bars[1] - 3) // 2)
    made = coarse.train_classifier(
        images[:48], labels[:48], classes=3, width=4, updates=40, learning_rate=0.02, batch_size=24
    )
    assert isinstance(made, coarse.PictureClassifier)
    assert coarse.evaluate(made, images[48:], labels[48:]).accuracy == 1.0


# The distiller ------------------------------------------------------------------------------------


def test_a_distiller_tells_bars_apart_at_every_level(fitted, bars):
    images, labels = bars
    assert [own.shape for own in fitted.references_] == [(3, k, 1, 6, 6) for k in (6, 2, 1)]
    assert all(0 <= own.min() <= own.max() <= 1 for own in fitted.references_)
    assert fitted.losses_[-5:].mean() < 0.5 * fitted.losses_[:5].mean()
    for level in (0, 1, 2, -1):
        assert fitted.score(images, labels, level=level) > 0.95
        assert set(fitted.predict(images, level=level)) == {3, 5, 7}
    scores = fitted.decision_function(images, level=1)
    assert scores.shape == (72, 3) and np.abs(scores).max() <= 1 + 1e-5
    # The bright row of a reference is where its class has it.
    rows = fitted.references_[-1].mean((1, 2, 4)).argmax(1)
    assert rows.tolist() == [0, 2, 4]


def test_the_same_seed_the_same_references(fitted, bars):
    again = clone(fitted).fit(*bars)
    for mine, theirs in zip(fitted.references_, again.references_):
        np.testing.assert_array_equal(mine, theirs)
    other = clone(fitted).set_params(random_state=1, steps=2).fit(*bars)
    assert not np.array_equal(other.references_[0], fitted.references_[0])


def test_saved_and_loaded(fitted, bars, tmp_path):
    fitted.save(tmp_path / "made.safetensors")
    loaded = Distiller.load(tmp_path / "made.safetensors")
    assert loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.classes_, fitted.classes_)
    for level in range(3):
        np.testing.assert_array_equal(
            loaded.decision_function(bars[0], level), fitted.decision_function(bars[0], level)
        )
    groups = torch.rand(2, 3, 1, 6, 6, generator=generator())
    assert torch.equal(loaded.coarsener_(groups), fitted.coarsener_(groups))
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        Distiller.load(tmp_path / "other.safetensors")
    save_checkpoint(tmp_path / "other.safetensors", {"w": torch.zeros(1)}, {"params": {}})
    with pytest.raises(CheckpointError, match="holds no distiller"):
        Distiller.load(tmp_path / "other.safetensors")


def test_bad_input_is_refused(bars, fitted):
    images, labels = bars
    for options, message in (
        ({"levels": (5, 2)}, r"each dividing the one before it, got \(5, 2\)"),
        ({"levels": (2, 4)}, "levels must fall"),
        ({"levels": ()}, "levels must fall"),
        ({"merge": 0}, "merge must be at least 1, got 0"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"grouping": "far"}, "grouping must be near or random, got 'far'"),
        ({"similarity": "sum"}, "similarity must be max or mean, got 'sum'"),
        ({"levels": (20,), "merge": 2}, "need 40 pictures of every class, got 24; take fewer references"),
    ):
        with pytest.raises(ValueError, match=message):
            Distiller(**{"levels": (6, 2), "steps": 1} | options).fit(images, labels)
    for wrong, message in (
        (images[:, 0], r"pictures must be \(n, channels, height, width\)"),
        (images * 16, "pictures must lie between 0 and 1, got .* scale them"),
        (images[:, :, :5], r"pictures must have the shape \(1, 6, 6\), got \(1, 5, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.predict(wrong)
    with pytest.raises(ValueError, match="a label a picture"):
        Distiller((6, 2)).fit(images, labels[:5])
    with pytest.raises(ValueError, match="level must be 0 to 2, or negative from the end, got 3"):
        fitted.predict(images, level=3)
    with pytest.raises(NotFittedError):
        Distiller().predict(images)
    with pytest.raises(ValueError, match="kind must be one of cnn, mlp, got 'rnn'"):
        coarse.Embedder((1, 8, 8), kind="rnn")
    with pytest.raises(ValueError, match="pictures 4 x 4"):
        coarse.Embedder((1, 3, 8))


def test_real_digits_are_distilled_far_better_than_by_chance_and_by_an_embedding_that_helps():
    digits = datasets.load("digits")
    images, labels = digits.train.scaled(), digits.train.labels
    made = Distiller((10, 1), merge=2, steps=25, width=8).fit(images, labels)
    assert made.score(digits.valid.scaled(), digits.valid.labels) > 0.8
    # The linear head on frozen embeddings is the upper anchor of an experiment.
    with torch.no_grad():
        known = made.embed(torch.from_numpy(images)).numpy()
        new = made.embed(torch.from_numpy(digits.valid.scaled())).numpy()
    head = LogisticRegression(C=100, max_iter=300).fit(known, labels)
    assert head.score(new, digits.valid.labels) > 0.85


# Applied for ever ---------------------------------------------------------------------------------


def test_the_average_alone_shrinks_a_class_and_keeps_its_mean_on_the_whole():
    net = coarse.Coarsener(1, width=2)
    start = torch.rand(2, 30, 1, 3, 3, generator=generator())
    path = coarse.iterate(net, start, 3, members=30, grouping="random", generator=generator())
    assert isinstance(path, coarse.Trajectory) and path.images.shape == (4, 2, 30, 1, 3, 3)
    # A group of all is the class mean: one step, and nothing moves or differs any more.
    torch.testing.assert_close(path.images[1, :, 0], start.mean(1))
    assert path.moved.abs().max() < 1e-6 and path.spread[1:].abs().max() < 1e-6
    torch.testing.assert_close(path.apart, path.apart[:1].expand(4))
    near = coarse.iterate(net, start, 2, members=5, generator=generator())
    assert bool((near.spread[1] < near.spread[0]).all()) and bool((near.spread[1] > 0).all())
    # Alone with itself, a picture under the plain average is a fixed point.
    same = coarse.iterate(net, start, 2, members=1, generator=generator())
    torch.testing.assert_close(same.images[2], start)
    with pytest.raises(ValueError, match="at most 30 members, got 1, 2 and 31"):
        coarse.iterate(net, start, 1, members=31, generator=generator())


def test_looks():
    real = [torch.rand(6, 1, 4, 4, generator=generator(k)) for k in range(2)]
    copies = torch.stack([own[:3] for own in real])
    found = coarse.looks(copies, real)
    assert isinstance(found, coarse.Looks) and found.nearest_real < 1e-3 and found.spread > 0.1
    means = coarse.looks(coarse.mean_references(real), real)
    assert means.to_mean < 1e-6 and means.spread == 0 and means.nearest_real > 0.05
    assert means.sharpness < found.sharpness
    stairs = torch.arange(4.0).expand(1, 4, 4)
    assert coarse.sharpness(stairs) == 0.5
