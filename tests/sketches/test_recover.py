"""Projection against the theory: unbiased, errors as predicted, slopes of -1/2, counts that round exactly."""

from math import erf

import numpy as np
import pytest
import torch

from hsrnn.sketches import (
    Decoder,
    Estimate,
    Family,
    Forest,
    Mechanism,
    Object,
    Sketcher,
    SketchError,
    erase,
    overall,
)

from .conftest import grow

pytestmark = pytest.mark.usefixtures("plain_calls")


def unit(generator: np.random.Generator, size: int = 8) -> torch.Tensor:
    vector = abs(generator.normal(size=size))
    return torch.from_numpy(vector / np.linalg.norm(vector))


def rms(errors) -> float:
    return float(torch.cat([torch.as_tensor(e).flatten().double() for e in errors]).square().mean().sqrt())


def flat_scene(generator: np.random.Generator, counts: dict[str, int]) -> Object:
    return overall([Object(name, unit(generator)) for name, n in counts.items() for _ in range(n)])


def slope(dimensions, errors) -> float:
    return float(np.polyfit(np.log(dimensions), np.log(errors), 1)[0])


# T1: attributes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "d", "k", "seeds"), [("hadamard", 256, 4, 20), ("hadamard", 1024, 16, 20), ("haar", 64, 4, 20)]
)
def test_one_level_errors_are_root_2_k_over_d_and_grow_by_erasing(kind, d, k, seeds):
    generator, whole, erased = np.random.default_rng(d + k), [], {"prefix": [], "random": []}
    for seed in range(seeds):
        names = {f"m{j}": 1 for j in range(k)}
        m = Mechanism.prototype_b(dict.fromkeys(names, 8), dimension=d, seed=seed, family=Family(kind))
        decoder, forest = Decoder(m), Forest.of([flat_scene(generator, names)])
        s, count = decoder.sketcher.encode(forest), len(names)
        for name in list(names)[:4]:
            truth = forest.attributes[name]
            found = decoder.project(s, name, weight=1 / count, depth=1)
            assert float(found.error) == pytest.approx(np.sqrt(2 * count / d), rel=0.3)
            whole.append(found.value - truth)
            for how, errors in erased.items():
                left = erase(s, d // 4, how, seed=seed)
                part = decoder.project(left, name, weight=1 / count, depth=1)
                assert float(part.error) == pytest.approx(2 * np.sqrt(2 * count / d), rel=0.6)
                errors.append(part.value - truth)
    predicted = np.sqrt(2 * count / d)
    tolerance = 0.15
    assert rms(whole) == pytest.approx(predicted, rel=tolerance)
    for errors in erased.values():
        assert rms(errors) == pytest.approx(2 * predicted, rel=tolerance)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_projections_are_unbiased_and_err_as_predicted(depth):
    generator, z, seeds = np.random.default_rng(depth), {"oblivious": [], "paths": []}, 30
    top = grow(depth, 8, generator)
    forest = Forest.of([top])
    deep = "m" + "1" * depth
    for seed in range(seeds):
        decoder = Decoder(Sketcher(Mechanism(dict.fromkeys(forest.modules, 8), dimension=512, seed=seed)))
        s = decoder.sketcher.encode(forest)
        found = {
            "oblivious": decoder.project(s, deep, weight=2.0**-depth, depth=depth),
            "paths": decoder.project_paths(s, forest)[deep],
        }
        for name, estimate in found.items():
            assert isinstance(estimate, Estimate)
            z[name].append((estimate.value - forest.attributes[deep]) / estimate.error)
    for errors in z.values():
        together = torch.cat(errors).numpy()
        assert np.sqrt((together**2).mean()) == pytest.approx(1.0, abs=0.25)
        assert abs(together.mean()) < 4 / np.sqrt(together.size)
        assert (abs(together.mean(0)) < 4.5 / np.sqrt(seeds)).all()


def test_errors_fall_with_the_root_of_the_dimension():
    dimensions, errors = (128, 512, 2048, 8192), {"oblivious": [], "paths": []}
    forest = Forest.of([grow(1, 8, np.random.default_rng(0))])
    for d in dimensions:
        gaps: dict[str, list] = {name: [] for name in errors}
        for seed in range(30):
            decoder = Decoder(Mechanism(dict.fromkeys(forest.modules, 8), dimension=d, seed=seed))
            s, paths = decoder.sketcher.encode(forest), None
            paths = decoder.project_paths(s, forest)
            for name in ("m1", "m2"):
                truth = forest.attributes[name]
                gaps["oblivious"].append(decoder.project(s, name, weight=0.5, depth=1).value - truth)
                gaps["paths"].append(paths[name].value - truth)
        for name in errors:
            errors[name].append(rms(gaps[name]))
    for name in errors:
        assert slope(dimensions, errors[name]) == pytest.approx(-0.5, abs=0.05)
    assert errors["paths"][0] < errors["oblivious"][0] / 3


def test_objects_of_one_module_do_not_leak_into_each_other_when_paths_are_known():
    generator = np.random.default_rng(1)
    scene = overall([Object("cat", unit(generator), tuple(Object("edge", unit(generator)) for _ in range(2)))
                     for _ in range(2)])  # fmt: skip
    forest, z = Forest.of([scene]), []
    for seed in range(30):
        decoder = Decoder(Mechanism({"cat": 8, "edge": 8}, dimension=1024, seed=seed))
        found = decoder.project_paths(decoder.sketcher.encode(forest), forest)
        z.append(torch.cat([(found[n].value - forest.attributes[n]) / found[n].error for n in found]).numpy())
    z = np.array(z)
    assert (abs(z.mean(0)) < 4.5 * z.std(0) / np.sqrt(30)).all()
    assert np.sqrt((z**2).mean()) == pytest.approx(1.0, abs=0.3)


# T3: counts, sums, means --------------------------------------------------------------------------


def test_counts_err_as_predicted_and_round_exactly_where_they_should():
    generator, seeds = np.random.default_rng(5), 30
    for d, exact in ((512, False), (32768, True)):
        gaps, bars, right = [], [], 0
        for seed in range(seeds):
            m = Mechanism.prototype_b({"cat": 8, "dog": 8, "wall": 8}, dimension=d, seed=seed)
            decoder = Decoder(m)
            s = decoder.sketcher.encode([flat_scene(generator, {"cat": 4, "dog": 1, "wall": 11})])
            for name, n in (("cat", 4), ("dog", 1)):
                found = decoder.count(s, name, weight=1 / 16, depth=1)
                gaps.append(found.value - n)
                bars.append(float(found.error))
                right += int(found.value.round()) == n
        assert np.mean(bars) == pytest.approx(32 * float(s.norm()) / np.sqrt(d), rel=0.1)
        assert rms(gaps) == pytest.approx(np.mean(bars), rel=0.25)
        chance = erf(0.5 / np.mean(bars) / 2**0.5)
        assert right / (2 * seeds) >= chance - 0.1
        assert (right == 2 * seeds) if exact else right > 0


def test_counting_needs_no_more_for_the_final_mechanism_than_its_constant_says():
    generator, gaps, bars = np.random.default_rng(6), [], []
    for seed in range(25):
        decoder = Decoder(Mechanism({"cat": 8, "dog": 8}, dimension=2**14, seed=seed))
        s = decoder.sketcher.encode([flat_scene(generator, {"cat": 3, "dog": 1})])
        found = decoder.count(s, "cat", weight=0.25, depth=1)
        gaps.append(found.value - 3)
        bars.append(float(found.error))
    assert rms(gaps) == pytest.approx(np.mean(bars), rel=0.3)


def test_sums_and_means():
    generator = np.random.default_rng(7)
    decoder = Decoder(Mechanism.prototype_b({"cat": 8, "dog": 8}, dimension=2**15, seed=1))
    scene = flat_scene(generator, {"cat": 5, "dog": 3})
    forest = Forest.of([scene])
    s = decoder.sketcher.encode(forest)
    total = decoder.project(s, "cat", weight=1 / 8, depth=1)
    assert rms([total.value - forest.attributes["cat"].sum(0)]) < 1.6 * float(total.error)
    mean = decoder.mean(s, "cat", weight=1 / 8, depth=1)
    assert rms([mean.value - forest.attributes["cat"].mean(0)]) < 2 * float(mean.error) < 0.03
    nobody = decoder.sketcher.encode([flat_scene(generator, {"dog": 8})])
    assert decoder.mean(nobody, "cat", weight=1 / 8, depth=1).value.isnan().all()


# T2: similarity -----------------------------------------------------------------------------------


def test_unrelated_sketches_have_small_inner_products():
    generator, z = np.random.default_rng(8), []
    for seed in range(60):
        decoder = Decoder(Mechanism(dict.fromkeys("abcd", 8), dimension=256, seed=seed))
        s = decoder.sketcher.encode(
            [flat_scene(generator, {"a": 2, "b": 1}), flat_scene(generator, {"c": 1, "d": 3})]
        )
        whole = decoder.similarity(s[:1], s[1:])
        halves = [erase(part, 128, "random", seed=seed) for part in (s[:1], s[1:])]
        left = decoder.similarity(*halves)
        assert float(left.error) == pytest.approx(float(whole.error) * 2**0.5, rel=0.3)
        z.append([float(whole.value / whole.error), float(left.value / left.error)])
    assert (abs(np.sqrt((np.array(z) ** 2).mean(0)) - 1) < 0.3).all()
    assert (abs(np.mean(z, 0)) < 4.5 / 60**0.5).all()


def test_sketches_with_a_common_module_are_told_apart():
    generator, related, unrelated = np.random.default_rng(9), [], []
    for seed in range(20):
        decoder = Decoder(Mechanism(dict.fromkeys("abc", 8), dimension=4096, seed=seed))
        scenes = [{"a": 1, "b": 1}, {"a": 1, "c": 1}, {"c": 2}]
        s = decoder.sketcher.encode([flat_scene(generator, scene) for scene in scenes])
        found = decoder.similarity(s[:1], s[1:])
        related.append(float(found.value[0, 0] / found.error[0, 0]))
        unrelated.append(float(found.value[0, 1] / found.error[0, 1]))
    assert min(related) > max(unrelated)  # an AUC of 1


# Errors -------------------------------------------------------------------------------------------


def test_errors():
    decoder = Decoder(Mechanism({"cat": 3}, dimension=64))
    s = torch.zeros(1, 64)
    for bad, message in (
        (lambda: decoder.project(s, "dog"), "module must be one of cat, got 'dog'"),
        (lambda: decoder.count(torch.zeros(1, 32), "cat"), r"sketches must be \(n, 64\), got \(1, 32\)"),
        (lambda: decoder.project(s, "cat", weight=2.0), r"weight must lie in \(0, 1\]"),
        (lambda: decoder.count(s, "cat", depth=9), r"depth must lie in \[0, 8\]"),
        (lambda: decoder.similarity(erase(s, 8), erase(s, 9)), "compared on equal coordinates"),
        (
            lambda: Decoder(Mechanism.prototype_a({"cat": 3}, dimension=64)).count(s, "cat"),
            "nothing of the marker",
        ),
        (
            lambda: Decoder(Mechanism({"cat": 3}, dimension=64, attribute_share=0.0)).project_paths(
                s, Forest.of([Object("cat", torch.zeros(3))])
            ),
            "writes no attributes",
        ),
    ):
        with pytest.raises(SketchError, match=message):
            bad()
