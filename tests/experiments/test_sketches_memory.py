"""Memories of scenes, the questions put to them, and the verdicts drawn from the records."""

from __future__ import annotations

import dataclasses
import json

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn import datasets, experiments, ledger
from hsrnn.experiments import sketches_memory, sketches_memory_tables
from hsrnn.experiments.sketches_answers import Year, alike, answers, spread, strangeness
from hsrnn.experiments.sketches_memories import CountSketch, FlatProjection, RawList, SketchMemory, widths
from hsrnn.experiments.sketches_memory import MemoryConfig, album
from hsrnn.experiments.sketches_scenes import load_network
from hsrnn.experiments.sketches_symbols import SymbolTree, draw, looks
from hsrnn.sketches import Decoder, Sketcher, least_squares, scene_tree

SEED = 5


@pytest.fixture(scope="module")
def year() -> Year:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        scenes = datasets.load("scenes", train=1, valid=1, days=6, seed=SEED)
        return Year(load_network(), scenes.test)


def recalled(year: Year, memory) -> dict[int, torch.Tensor]:
    return {count: memory.recall(memory.store(v, count), count) for count, v in year.values.items()}


def error(year: Year, memory) -> float:
    found = recalled(year, memory)
    return max(float((found[count] - values).abs().max()) for count, values in year.values.items())


def test_the_year_is_what_the_network_made(year):
    for count, values in year.values.items():
        assert values.shape[1] == sum(widths(year.sizes, count).values())
        parts = values[0].split(list(widths(year.sizes, count).values()))
        (tree,) = [year.forest.trees(k, k + 1) for k in [int(year.at[count][0])]]
        for part, name in zip(parts, ("digit", "scene", "stroke")):
            torch.testing.assert_close(part, tree.attributes[name].flatten())
    digits = year.digits(year.values)
    torch.testing.assert_close(digits.attributes, year.forest.attributes["digit"])
    torch.testing.assert_close(digits.strokes.flatten(), year.forest.attributes["stroke"].flatten())


def test_memories_with_room_enough_forget_nothing(year):
    assert error(year, RawList(year.sizes, 2048)) <= 0.5 / (2**16 - 1) + 1e-6
    assert error(year, FlatProjection(year.sizes, 2048, seed=0)) < 1e-3
    assert error(year, CountSketch(year.sizes, 2**19, seed=0)) < 1e-5
    assert error(year, SketchMemory(year.sizes, 2048, seed=0)) < 0.02
    assert error(year, SketchMemory(year.sizes, 2048, seed=0, erased=0.4)) < 0.1


def test_a_sketch_is_read_as_least_squares_reads_it(year):
    memory = SketchMemory(year.sizes, 2048, seed=1)
    kept = memory.store(year.values[2][:3], 2)
    sketcher = Sketcher(memory.mechanism)
    torch.testing.assert_close(kept, sketcher.encode(year.forest)[year.at[2][:3]])
    shape = scene_tree(year.sizes, 2)
    found = least_squares(Decoder(sketcher), kept[:1], shape).attributes["digit"].value.float()
    read = memory.recall(kept, 2)[0, : found.numel()].view_as(found)
    torch.testing.assert_close(read, found.clamp(0, 1), atol=1e-5, rtol=0)
    assert memory.counts(kept).tolist() == [2, 2, 2]


def test_what_does_not_fit_is_rounded_or_left_out(year):
    values = year.values[3]
    coarse = RawList(year.sizes, values.shape[1] // 4).store(values, 3)  # two bits each
    assert set(np.unique((coarse * 3).numpy().round(4))) <= {0, 1, 2, 3}
    short = RawList(year.sizes, 10).recall(RawList(year.sizes, 10).store(values, 3), 3)
    assert short.shape == values.shape and not short[:, 80:].any() and short[:, :80].any()
    lost = RawList(year.sizes, 2048, erased=0.5, seed=0)
    assert float((lost.recall(lost.store(values + 0.1, 3), 3) == 0).float().mean()) == pytest.approx(
        0.5, abs=0.01
    )


def test_symbols_bind_and_bundle_as_torchhd_does():
    """MAP by hand equals torchhd's; FHRR unbinds by the conjugate."""
    import torchhd

    generator = np.random.default_rng(0)
    one, two = (torchhd.MAPTensor(draw("map", 64, generator=generator)) for _ in range(2))
    plain = one.as_subclass(torch.Tensor), two.as_subclass(torch.Tensor)
    for theirs, ours in (
        (torchhd.bind(one, two), plain[0] * plain[1]),
        (torchhd.bundle(one, two), plain[0] + plain[1]),
        (torchhd.permute(one, shifts=3), plain[0].roll(3, -1)),
    ):
        assert torch.equal(theirs.as_subclass(torch.Tensor), ours)
    key, symbol = draw("fhrr", 2, 64, generator=generator)
    torch.testing.assert_close(key * symbol * key.conj(), symbol)


@pytest.mark.parametrize("kind", ["map", "fhrr"])
def test_symbols_come_back_where_there_is_room(year, kind):
    own = year.digits(year.values)
    book = looks(own.attributes, own.strokes, 16)
    memory = SymbolTree(year.sizes, 2**15, kind=kind, looks=book, seed=0)
    for count, values in year.values.items():
        named, found = memory.name(values, count), memory.read(memory.store(values, count), count)
        assert all(torch.equal(named[field], found[field]) for field in named)
        back = memory.recall(memory.store(values, count), count)
        again = memory.name(back, count)  # what is recalled is a scene of the same symbols
        assert all(torch.equal(named[field], again[field]) for field in named)


def test_answers_of_one_who_knows_the_truth(year):
    """Attributes that say the true labels answer every question on labels rightly."""
    told = {count: values.clone() for count, values in year.values.items()}
    for count, at in year.at.items():
        labels = torch.from_numpy(year.scenes.labels.copy())[at][:, :count].clamp(0, 9)
        digits = told[count][:, : 20 * count].view(-1, count, 20)
        digits[..., :10] = 0.7 * torch.nn.functional.one_hot(labels, 10)
    known = answers(year, told)
    own = answers(year, year.values)
    # Scenes in which the locator found another number of digits, and marks that are none, remain.
    assert known["seven"] >= 0.97 and known["second"] == 1.0 and known["threes"] <= 0.5
    assert known["picture"] == own["picture"] and own["digit_rms"] == own["stroke_rms"] == 0.0
    assert 0.05 < own["picture"] < 0.25


def test_spread_and_alike_by_hand():
    assert spread(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 0.0])) == pytest.approx(0.5)
    assert spread(torch.tensor([1.0, 1.0]), torch.zeros(2)) == 1.0
    rows = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0, 0.1, 0.9]])
    assert alike(rows) == (2, 3)


def test_a_planted_stranger_is_the_strangest(year):
    planted = {count: values.clone() for count, values in year.values.items()}
    for count, at in year.at.items():
        planted[count][at // 24 == 4, -40:] = 1.0  # the last digit's strokes, on day 4
    found = strangeness(year, year.digits(planted))
    assert found.argmax() == 4 and not found[:3].any()


def test_an_album_gives_the_sums_of_the_network(year):
    found = album(year, SketchMemory(year.sizes, 2048, seed=0))
    assert found["threes"] < 1e-3 and found["digits"] < 1e-4 and found["bytes"] == 24 * 2048
    assert found["hours"] == pytest.approx(found["network_hours"], abs=1e-3)


def test_settings_are_checked():
    for bad, message in (
        ({"days": 1}, "days must be at least 2"),
        ({"memories": ("elephant",)}, "memories must be of sketch"),
        ({"budgets": (300,)}, "powers of 2"),
        ({"lost": 1.0}, "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            MemoryConfig(**bad)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        folder = tmp_path_factory.mktemp("run")
        config = sketches_memory.PRESETS["smoke"]
        metrics, data, seconds = sketches_memory.run(config, seed=0, folder=folder)
    assert seconds > 0 and len(data) == 4
    return json.loads(json.dumps(metrics, allow_nan=False))


def records(metrics: dict, seeds: int, preset: str = "desk", **config) -> list[ledger.Record]:
    settings = dataclasses.asdict(dataclasses.replace(sketches_memory.PRESETS["smoke"], **config))
    return [
        ledger.Record("sketches.memory", preset, seed, settings, metrics, {}, "c", {}, {}, 1.0, "t")
        for seed in range(seeds)
    ]


def test_a_short_run_gives_all_tables(smoke):
    assert set(experiments.experiment("sketches.memory").presets) == {"smoke", "book", "desk", "paper"}
    tables = sketches_memory_tables.tables(records(smoke, 3, "book"))
    assert [len(table.rows) for table in tables] == [4, 4, 3, 4, 4, 4]
    assert all("not tested" in row[-1] for row in tables[-1].rows)
    assert "3 of 3" in str(tables[1]) or "0 of 3" in str(tables[1])


def with_answers(smoke: dict, **changed: dict) -> dict:
    metrics = json.loads(json.dumps(smoke))
    for key, values in changed.items():
        name, size = key.rsplit("_", 1)
        metrics["memories"].setdefault(f"{name.replace('_', '-')}/{size}", dict(metrics["network"])).update(
            values
        )
    return metrics


def test_the_rules_of_the_claims(smoke):
    rules = sketches_memory_tables
    network = smoke["network"]["threes"]
    good, bad = {"threes": network + 0.01}, {"threes": network + 3.0}
    for sketch, paths, verdict in (
        (good, good, "holds"), (good, bad, "partly"), (bad, bad, "does not hold"),
    ):  # fmt: skip
        made = with_answers(smoke, sketch_2048=sketch, sketch_paths_2048=paths)
        assert rules.counts(records(made, 5))[1] == verdict
    for low, high, verdict in ((1, 1, "holds"), (0, 1, "partly"), (0, 0, "does not hold")):
        made = with_answers(smoke, sketch_512={"alike_undecoded": low}, sketch_2048={"alike_undecoded": high})
        assert rules.related(records(made, 5))[1] == verdict
    plain = dict.fromkeys(rules.CLOSE, 0.5)
    for change, verdict in (
        ({"seven": 0.6}, "holds"), ({"picture": 0.6}, "does not hold"),
        ({"seven": 0.6, "picture": 0.6}, "partly"), ({}, "partly"),
    ):  # fmt: skip
        made = with_answers(smoke, sketch_512=plain | change, raw_512=plain)
        made["raw_float32_bytes"] = 600.0
        assert rules.one_scene(records(made, 5))[1] == verdict
    assert rules.whole_year(records(smoke, 5, days=365))[1] == "holds"
    off = json.loads(json.dumps(smoke))
    off["album"]["hours"] += 0.02
    assert rules.whole_year(records(off, 5, days=365))[1] == "does not hold"
