"""How the tables of all experiments write numbers over seeds."""

from __future__ import annotations

import math
import re

import pytest

from hsrnn import ledger
from hsrnn.experiments import EXPERIMENTS
from hsrnn.experiments.claims import (
    WORDED,
    interval_text,
    made_by,
    overview,
    percent,
    points,
    shown_of,
    undecided,
)
from hsrnn.ledger import Table, summarise


def test_smoke_and_what_was_run_again_are_not_shown():
    def record(preset: str, seed: int, score: float) -> ledger.Record:
        return ledger.Record.of(
            "e", preset, seed, config={}, metrics={"score": score}, data={}, seconds=1.0, commit="c"
        )

    runs = (("smoke", 0, 1.0), ("desk", 0, 2.0), ("desk", 1, 3.0), ("desk", 0, 4.0))
    records = [record(*run) for run in runs]
    assert [one.metrics["score"] for one in shown_of(records)] == [4.0, 3.0]


def test_an_interval_is_students():
    # Five numbers of mean 3 and standard deviation sqrt(2.5): half is 2.776 of that over sqrt(5).
    half = 2.776 * math.sqrt(2.5 / 5)
    assert interval_text([1.0, 2.0, 3.0, 4.0, 5.0], 2) == f"3.00 ± {half:.2f}"
    assert percent([0.01, 0.02, None, 0.03, 0.04, 0.05]) == f"3.0 ± {half:.1f}"
    assert points(summarise([1.0, 2.0, 3.0, 4.0, 5.0])) == f"+3.00 ({3 - half:+.2f} to {3 + half:+.2f})"


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_known_is_a_dash(values: list[None]):
    assert interval_text(values) == percent(values) == "-"


def test_one_seed_has_no_interval():
    assert interval_text([0.25, None], 2) == "0.25" and percent([0.25]) == "25.0"
    assert points(summarise([-0.5])) == "-0.50"
    assert undecided(1) == "not tested (1 seed)" and undecided(3) == "not tested (3 seeds)"


@pytest.mark.parametrize("name", ledger.experiments())
@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value")
def test_no_table_of_one_seed_has_an_interval(name: str):
    records = ledger.read(name)
    one = [record for record in records if record.seed == records[-1].seed]
    for table in EXPERIMENTS[name].tables(one):
        cells = [cell for row in table.rows for cell in row]
        no_width = re.compile(r"([+-]?\d[\d.]*)( to \1(?![\d.])|, \1\])")
        assert not [cell for cell in cells if no_width.search(cell)], table.title
    assert " to " not in made_by(one[-1:]).split(" s each")[0]


def test_the_overview_has_every_claim_with_its_verdict():
    scores = Table("Scores", ("model", "score"), (("a", "1"),))
    rows = (
        ("C1", "one helps", "Digits: +1", "reproduced"), ("C1", "one helps", "MNIST: +2", "partly; not: d"),
        ("C2", "two help", "no run yet", "not tested"),
    )  # fmt: skip
    worded = Table("Claims", ("claim", "in words", "measured", "verdict"), rows)
    plain = Table("More", ("claim", "paper", "ours", "verdict"), (("C3 three", "9", "8", "partly: no"),))
    targets = Table("Targets", ("target", "asked", "verdict"), (("MNIST", "99 %", "met"),))
    assert set(WORDED) >= {worded.header[1], targets.header[1]}
    made = overview({"one": [scores, worded, plain], "two": [scores], "three": [targets]})
    assert made.rows == (
        ("**one: Claims**", ""),
        ("C1 one helps (Digits)", "reproduced"), ("C1 one helps (MNIST)", "partly"),
        ("C2 two help", "not tested"),
        ("**one: More**", ""), ("C3 three", "partly"),
        ("**three: Targets**", ""), ("MNIST: 99 %", "met"),
    )  # fmt: skip


def test_no_claim_of_the_ledger_stands_twice_in_the_overview():
    tables = {name: EXPERIMENTS[name].tables(ledger.read(name)) for name in ledger.experiments()}
    for name, made in tables.items():
        for table in made:
            claims = [claim for claim, _ in overview({name: [table]}).rows]
            assert len(set(claims)) == len(claims)
            assert "verdict" not in table.header or (len(claims) > 1 and table.header[-1] == "verdict")
