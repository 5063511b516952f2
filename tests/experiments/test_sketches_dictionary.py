"""The experiment from end to end on the smoke preset, its measurements, tables and the verdict."""

from dataclasses import replace

import numpy as np
import pytest

from hsrnn import ledger
from hsrnn.experiments import sketches_dictionary, sketches_dictionary_tables
from hsrnn.experiments.sketches_dictionary import PARTS, PRESETS, DictionaryConfig, atoms_found

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run."""
    return reproduced("sketches.dictionary", SMOKE, typed=False)[0]


def test_a_record_holds_every_part(finished):
    assert set(finished.metrics) == set(PARTS) and finished.data == {}
    for cell in finished.metrics["samples"]:
        assert cell["blocks"] == pytest.approx(cell["predicted"], abs=0.12) and cell["spurious"] == 0
    clean, noisy = finished.metrics["noise"]
    assert clean["rms"] < 1e-6 < noisy["rms"] < 3 * 0.003
    assert {cell["learner"] for cell in finished.metrics["peer"]} == {"blocks", "scikit-learn"}
    (level,) = finished.metrics["levels"]
    assert level["predicted_outer"] == pytest.approx(0.9**9)
    assert 0 <= level["decoded"] <= level["inner"] + 0.5 <= 1.5


def test_atoms_are_found_up_to_sign_and_order():
    truth = np.random.default_rng(0).normal(size=(30, 5))
    learnt = -truth[:, [3, 1, 0, 4, 2]]
    assert atoms_found(learnt, truth) == 1.0
    learnt[:, 2] = learnt[:, 1]  # two learnt atoms may not stand for one
    assert atoms_found(learnt, truth) == 0.8
    assert atoms_found(np.zeros((30, 5)), truth) == 0.0


def test_a_problem_is_a_sum_of_active_columns():
    truth, x, y = sketches_dictionary.problem(SMOKE, 3, 2, 50)
    assert ((x != 0).sum(1) == 2).all()
    np.testing.assert_allclose(y, x @ truth.matrix().numpy()[:, : SMOKE.columns].T, atol=1e-12)
    noisy = sketches_dictionary.problem(SMOKE, 3, 2, 50, 0.1)[2]
    assert not np.allclose(noisy, y)


def test_tables(finished):
    desk = [replace(finished, preset="desk", seed=seed) for seed in range(5)]
    found, noise, peer, level, claims = sketches_dictionary_tables.tables(desk)
    assert found.rows[0][:4] == ("50", "2", "0.25", "24") and len(noise.rows) == 2
    assert peer.header[1:3] == ("reading blocks", "scikit-learn") and len(level.rows) == 1
    assert claims.rows[0][0].startswith("C5") and claims.rows[0][-1].startswith(("partly", "does not hold"))
    good = {
        "samples": [{**c, "blocks": c["predicted"]} for c in finished.metrics["samples"]],
        "shape": [{**c, "blocks": c["predicted"]} for c in finished.metrics["shape"]],
        "levels": [{**c, "inner": 1.0, "decoded": 0.96} for c in finished.metrics["levels"]],
    }

    def judged(seeds, metrics):
        records = [replace(one, metrics={**one.metrics, **metrics}) for one in desk[:seeds]]
        return sketches_dictionary_tables.claims_table(records).rows[0][-1]

    assert judged(5, good) == "holds" and judged(4, good) == "not tested (4 seeds)"
    shallow = {**good, "levels": [{**good["levels"][0], "decoded": 0.9}]}
    assert judged(5, shallow) == "partly; not: one level down, decoded"
    (empty,) = sketches_dictionary_tables.tables([finished])
    assert empty.rows[0][2:] == ("no run yet", "not tested")


def test_errors():
    for options, message in (
        ({"block": 25}, "block must divide the dimension 768, got 25"),
        ({"actives": (2, 300)}, "at most columns = 256"),
        ({"samples": (5, 5)}, "samples must grow, at least one"),
        ({"levels": (4096, 16, 61, 10)}, "block must divide the dimension 61"),
    ):
        with pytest.raises(ValueError, match=message):
            DictionaryConfig(**options)
