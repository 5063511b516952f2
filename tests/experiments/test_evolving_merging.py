"""The experiment from end to end on the smoke preset, what it measures against plain counting, its tables."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch

from hsrnn import evolving
from hsrnn.evolving import MergeLog, Parser, ParserConfig, graph_from_edges, union
from hsrnn.experiments import (
    evolving_merging,
    evolving_merging_measures,
    evolving_merging_tables,
    evolving_parsing,
)
from hsrnn.experiments.evolving_merging import MAIN, PRESETS, RANDOM, TWINS, MergingConfig, rules

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced):
    """One record of a smoke run, and its folder."""
    return reproduced("evolving.merging", SMOKE, typed=False)


@pytest.fixture
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave annotated shapes and types unchecked: thousands of calls of small functions."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


# The run --------------------------------------------------------------------------------------------


def test_a_record_holds_every_rule_and_every_network(finished):
    record, folder = finished
    rule = {line["name"]: line for line in record.metrics["rule"]}
    trained = {line["name"]: line for line in record.metrics["trained"]}
    assert list(rule) == [*rules(SMOKE), *TWINS] and list(trained) == [RANDOM, "threshold-0.5", "1-level"]
    assert not list(folder.rglob("*.safetensors")), "finished: no checkpoint is left"
    assert record.metrics["test_miou"] == rule[MAIN]["test"]["mean_iou"]
    sizes = [record.metrics["parameters"], *(line["parameters"] for line in trained.values())]
    assert max(sizes) < 1.05 * min(sizes)
    for line in (*rule.values(), *trained.values()):
        first = line["by_level"][0]
        assert first["nodes"] == rule[MAIN]["by_level"][0]["nodes"]
        assert first["ceiling"] == pytest.approx(line["ceiling"]["mean_iou"])
        assert len(line["by_level"]) == (1 if line["name"] == "1-level" else 3)
    still = [level["nodes"] for level in rule["none"]["by_level"]]
    assert still[0] == still[1] == still[2] > rule[MAIN]["by_level"][2]["nodes"]
    products = [level["multiplications"] for level in rule[MAIN]["by_level"]]
    assert products[0] > products[1] > products[2] > 0 and rule[RANDOM]["multiplications"] is None


def test_twins_have_the_counts_of_the_network_to_the_node(finished):
    record, _ = finished
    lines = {line["name"]: line["by_level"] for line in record.metrics["rule"]}
    counts = [level["nodes"] for level in lines[MAIN]]
    for twin in TWINS:
        assert [level["nodes"] for level in lines[twin]] == counts
    for level in (1, 2):
        assert lines["label-twin"][level]["purity"] >= lines[RANDOM][level]["purity"]
    (trained,) = (line for line in record.metrics["trained"] if line["name"] == RANDOM)
    assert [level["nodes"] for level in trained["by_level"]] == counts


def test_an_interrupted_run_ends_as_an_undisturbed_one(finished, plain_calls, tmp_path, monkeypatch):
    calls, whole = itertools.count(1), evolving.Examples.batch

    def failing(self, rows, **options):
        if options and next(calls) == 6:
            raise KeyboardInterrupt
        return whole(self, rows, **options)

    # 6 pictures in batches of 3: stage one makes 2 updates, each network 2; the 6th of them fails.
    with monkeypatch.context() as patch:
        patch.setattr(evolving.Examples, "batch", failing)
        with pytest.raises(KeyboardInterrupt):
            evolving_merging.run(SMOKE, seed=0, folder=tmp_path, progress=False)
        again, hashes, _ = evolving_merging.run(SMOKE, seed=0, folder=tmp_path, progress=False)
    # Stage one, the default network, and three more; the interrupted one was started anew.
    assert next(calls) == 5 * 2 + 1 + 1 + 1
    timed = ("seconds", "milliseconds")

    def plain(values):
        if isinstance(values, dict):
            return {name: plain(value) for name, value in values.items() if name not in timed}
        return [plain(value) for value in values] if isinstance(values, (list, tuple)) else values

    record, _ = finished
    assert hashes == record.data and plain(again) == plain(record.metrics)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "mnist"}, "dataset must be one of figures, ccp, got 'mnist'"),
        ({"levels": 1}, "levels must be at least 2"),
        ({"trained": (MAIN,)}, "trained must be of matching-normalised, matching-always"),
        ({"trained": ("threshold-0.7",)}, "got 'threshold-0.7'"),
        ({"thresholds": (1.5,)}, "threshold must lie in"),
        ({"depths": (5,)}, r"depths must lie in 1 to 4, got \(5,\)"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MergingConfig(**options)


def test_the_default_network_is_that_of_parsing(finished, plain_calls, tmp_path):
    record, _ = finished
    same = replace(SMOKE.parsing(), networks=("evolving",))
    metrics, hashes, _ = evolving_parsing.run(same, seed=0, folder=tmp_path, progress=False)
    (line,) = (line for line in record.metrics["rule"] if line["name"] == MAIN)
    assert metrics["networks"][1]["test"] == line["test"] and metrics["classes"] == record.metrics["classes"]
    desk = evolving_parsing.PRESETS["desk"]
    assert PRESETS["desk"].parsing() == replace(desk, valid=1), "so their tables can be read together"


def test_the_desk_run_asks_what_the_claims_need():
    desk = PRESETS["desk"]
    assert desk.levels == 5 and desk.depths == (1, 2, 3, 4)
    assert {"threshold-0.5", "threshold-0.8"} <= set(desk.trained) <= set(rules(desk))
    shapes = [evolving_merging.shape_of(desk, 9, name) for name in (MAIN, "1-level", "4-levels")]
    assert [shape.levels for shape in shapes] == [5, 1, 4]
    counts = [evolving.parameters(Parser(shape)) for shape in shapes]
    assert max(counts) < 1.05 * min(counts)


# What is measured -----------------------------------------------------------------------------------


def test_what_remains_of_a_graph_against_plain_counting():
    line = graph_from_edges(4, [[0, 1, 2], [1, 2, 3]])
    graph = union([line, graph_from_edges(2, [[0], [1]])])
    histogram = torch.tensor([[5, 0], [1, 4], [0, 5], [0, 5], [5, 0], [2, 3]])
    p = torch.tensor([0.0, 1.0, 1.0, 1.0])  # merges 1, 2, 3 of the line, and both of the pair
    found = evolving_merging_measures.remains(graph, histogram, p, "bernoulli", 0)
    assert found["before"] == 3 and found["nodes"] == (2 + 1) / 2 and found["eliminated"] == 1.5
    assert found["largest"] == pytest.approx((3 / 4 + 1) / 2)
    # Majorities: 5 of 5, 14 of 15, 7 of 10; of 17 foreground pixels those 14 are called so.
    assert found["accuracy"] == pytest.approx((5 + 14 + 7) / 30)
    assert found["foreground_accuracy"] == pytest.approx(14 / 17)
    assert found["product"] == pytest.approx(0, abs=1e-5)
    assert found["inverse"] == pytest.approx(1.5 * math.log(1e6), rel=1e-3)
    half = evolving_merging_measures.remains(graph, histogram, torch.full((4,), 0.5), "matching", 0)
    assert half["product"] == pytest.approx(half["eliminated"] * math.log(0.5)) and half["normalised"] == 0


def test_proposals_are_summed_up_where_something_would_merge():
    log = MergeLog(
        np.array([0, 1, 1, 2]), np.array([0, 0, 1, 0]), np.array([3, 2, 2, 0]), np.array([4, 2, 3, 0]),
        np.array([1.0, -2.0, 4.0, 0.0]), np.array([0.5, -1.5, 0.1, 0.0]),
        np.array([True, False, True, False]),
        (np.zeros(0, dtype=np.int64),) * 4,
    )  # fmt: skip
    assert evolving_merging_measures.proposals(log) == pytest.approx({
        "proposals": 3, "acceptance": 2 / 3, "merges": 7 / 3, "eliminated": 3, "transition": 1,
        "loss": -0.3, "largest_loss": 1.5,
    })  # fmt: skip
    nothing = evolving_merging_measures.proposals(MergeLog.empty())
    assert nothing["proposals"] == 0 and nothing["acceptance"] is None


@pytest.fixture(scope="module")
def halves():
    """Eight pictures whose left and right halves differ in colour and label, cut into 36 superpixels."""
    labels = np.zeros((24, 24), dtype=np.int64)
    labels[:, 12:] = 1
    noise = np.random.RandomState(0).randint(0, 30, (8, 24, 24, 3))
    images = (150 * labels[None, :, :, None] + noise + 40).astype(np.uint8)
    return evolving.examples(list(images), [labels] * 8, 36)


def test_probabilities_that_know_the_labels_have_the_whole_area(halves, plain_calls, monkeypatch):
    network = Parser(ParserConfig(2, hidden=4, width=2, levels=3), seed=0)
    blind = evolving_merging_measures.probabilities(network, halves, 0)
    assert len(blind) == 2 and blind[0]["same"] > 0.8

    def known(self, gates):
        parts = evolving.stack(halves.parts)
        label = evolving.majority(parts.histogram(halves.labels.long(), 2))
        first, second = label[parts.graph.edges]
        return torch.where(first == second, 0.9, 0.2)

    with monkeypatch.context() as patch:
        patch.setattr(evolving.MergeScore, "forward", known)
        patch.setattr(network, "config", replace(network.config, levels=2))
        (found,) = evolving_merging_measures.probabilities(network, halves, 0)
    assert found["auc"] == 1 and found["within"] == pytest.approx(0.9)
    assert found["across"] == pytest.approx(0.2) and found["same"] == blind[0]["same"]
    assert network.training, "the mode is left as it was"


def test_labels_enter_the_ratio_as_in_training(halves, plain_calls):
    network = Parser(ParserConfig(2, hidden=4, width=2, levels=3), seed=0).eval()
    known = rules(MergingConfig(beta=5.0))
    names = [f"matching-{kind}" for kind in ("normalised", "inverse", "product")]
    found = evolving_merging_measures.both_terms(network, halves, {name: known[name] for name in names}, 0)
    assert list(found) == names and not network.training and network.config.rule == evolving.MergeRule()
    normalised, inverse, product = (found[name][0] for name in names)
    assert normalised["largest_loss"] > 0 and inverse["transition"] > 0 > product["transition"]
    assert inverse["acceptance"] == 1 and product["acceptance"] < 0.1
    # One draw of edges serves all three: the first proposals of a graph are the same.
    assert inverse["eliminated"] == pytest.approx(normalised["eliminated"], rel=0.2)


def test_sampled_edges_percolate_and_a_matching_does_not(halves):
    chances = [torch.full((part.graph.edges.shape[1],), 0.5) for part in halves.parts]
    found = evolving_merging_measures.percolation(halves, 2, chances, 0)
    assert len(found) == 2 * (len(evolving_merging_measures.SETTINGS) + 1)
    for every, matched in zip(found[::2], found[1::2]):
        assert (every["proposal"], matched["proposal"]) == ("bernoulli", "matching")
        assert every["nodes"] <= matched["nodes"] and matched["nodes"] >= matched["before"] / 2
    fewest = min(part.graph.nodes for part in halves.parts)
    assert found[0]["largest"] > 0.4 and found[1]["largest"] <= 2 / fewest
    assert found[-1]["probabilities"] == "the network's"


# Tables ---------------------------------------------------------------------------------------------


def line(part, name, miou, seed, purities=(0.95, 0.94, 0.93, 0.92, 0.91)):
    score = {"mean_iou": miou, "foreground_iou": None, "accuracy": 0.9, "iou": [0.9, None, miou]}
    wobble = 0.001 * (seed % 2)
    levels = [
        {
            "nodes": 100.0 / 2**k, "edges": 250.0, "purity": purity + wobble, "same": 0.8,
            "milliseconds": 2.0,
            "ceiling": purity - 0.2 + wobble, "multiplications": 1e6 / 2**k, "proposals": 20 * (k < 4),
            "acceptance": 1.0 if k < 4 else None, "eliminated": 40.0 if k < 4 else None,
            "transition": 1.5 if k < 4 else None, "loss": 0.1, "largest_loss": 0.2,
        }
        for k, purity in enumerate(purities)
    ]  # fmt: skip
    return {
        "part": part, "name": name, "parameters": 9000, "test": score, "ceiling": score | {"mean_iou": 0.7},
        "milliseconds": 5.0, "multiplications": 4e7, "by_level": levels, "seconds": 1.0,
    }  # fmt: skip


WORSE = (0.95, 0.92, 0.89, 0.86, 0.83)
GOOD = {
    MAIN: 0.5, RANDOM: 0.4, "threshold-0.5": 0.41, "threshold-0.8": 0.42, "1-level": 0.3, "2-levels": 0.36,
    "3-levels": 0.42, "4-levels": 0.46,
}  # fmt: skip


def judged(finished, seeds, scores=GOOD, preset="desk", main=(0.95, 0.94, 0.93, 0.92, 0.91), twin=WORSE):
    """Tables of records whose networks score as told, a little differently from seed to seed."""
    record, _ = finished
    terms = [{"eliminated": 40.0, "transition": 1.5, "loss": 0.1, "largest_loss": 0.2, "acceptance": 1.0}] * 4
    chance = [{"auc": 0.8, "within": 0.9, "across": None, "same": 0.8}] * 4
    records = [
        replace(record, preset=preset, seed=seed, config=record.config | {"levels": 5}, metrics={
            "dataset": "Figures, generated", "classes": ["background", "tail"], "parameters": 9000,
            "probabilities": chance, "terms": {"matching-product": terms},
            "percolation": record.metrics["percolation"],
            "rule": [
                line("rule", MAIN, scores[MAIN] + 0.01 * (seed % 2), seed, main),
                line("rule", RANDOM, scores[RANDOM] + 0.01 * (seed % 2), seed, twin),
                line("rule", "colour-twin", 0.45, seed),
            ],
            "trained": [
                line("trained", name, value + 0.02 * (seed % 3), seed)
                for name, value in scores.items() if name != MAIN
            ],
        })
        for seed in range(seeds)
    ]  # fmt: skip
    return evolving_merging_tables.tables(records)


def verdicts(tables):
    return [row[-1] for row in tables[-1].rows]


def test_verdicts(finished):
    made = judged(finished, 5)
    assert verdicts(made) == ["reproduced"] * 4
    one, levels, equal, trained, chances, terms, percolation, claims = made
    assert one.rows[0][:2] == (MAIN, "50.4 ± 0.7") and "ceiling of the superpixels is 70.0 ± 0.0" in one.note
    assert levels.rows[0][:3] == (MAIN, "0", "100.0 ± 0.0") and levels.rows[4][6] == "-"
    assert equal.rows[0][:4] == ("1", MAIN, "+0.00", "+2.00 (+2.00 to +2.00)")
    assert [row[1] for row in equal.rows[:2]] == [MAIN, "colour-twin"] and len(equal.rows) == 2 * 4 + 2
    assert trained.rows[0][-1] == "" and trained.rows[1][0] == RANDOM and trained.rows[1][-1].startswith("+8")
    assert chances.rows[0][2:] == ("0.800 ± 0.000", "0.900 ± 0.000", "-") and len(terms.rows) == 4
    assert percolation.rows[0][:2] == ("0.9 / 0.1", "bernoulli")
    assert "1 to 5 levels 31.6" in claims.rows[2][2] and "at random 12.0" in claims.rows[3][2]
    assert verdicts(judged(finished, 4)) == ["not tested (4 seeds)"] * 4


def test_partly_and_not(finished):
    one = GOOD | {"threshold-0.8": 0.55, RANDOM: 0.55, "4-levels": 0.2, "3-levels": 0.6, MAIN: 0.3}
    # Regions better than random at every level, but more than half of what random loses is lost.
    half = (0.95, 0.93, 0.91, 0.89, 0.86)
    assert verdicts(judged(finished, 5, one | {"threshold-0.5": 0.2}, main=half)) == ["partly"] * 4
    bad = GOOD | {MAIN: 0.2, "1-level": 0.6}
    found = judged(finished, 5, bad, main=WORSE, twin=(0.95, 0.94, 0.93, 0.92, 0.91))
    assert verdicts(found) == ["not reproduced", "not reproduced", "not reproduced", "partly"]


def test_missing_parts_and_other_presets_decide_nothing(finished):
    some = {name: value for name, value in GOOD.items() if not name.startswith(("threshold", "2"))}
    assert verdicts(judged(finished, 5, some)) == ["not tested", "reproduced", "not tested", "reproduced"]
    assert verdicts(judged(finished, 5, preset="book")) == ["not tested"] * 4
    assert verdicts(evolving_merging_tables.tables([])) == ["not tested"] * 4
    record, _ = finished
    assert len(evolving_merging_tables.tables([record])) == 1, "smoke runs are not shown"
    made = evolving_merging_tables.tables([replace(record, preset="book")])
    assert len(made) == 8 and all(table.rows for table in made)
