"""Records and the tables made from them."""

import json
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace

import pytest
from IPython.lib.pretty import pretty
from scipy.stats import ttest_1samp

from hsrnn import ledger
from hsrnn.ledger import Folded, Record, Table, summarise


def record(seed: int = 0, **metrics) -> Record:
    return Record.of(
        "room.subject", "smoke", seed, config={"size": (3, 4)}, metrics=metrics or {"bpc": 1.5},
        data={"x": "ab"}, seconds=1.26, commit="abc",
    )  # fmt: skip


def test_a_record_comes_back_as_it_was_written(tmp_path):
    one = record()
    path = ledger.append(one, tmp_path)
    assert path.name == "room.subject.jsonl"
    (back,) = ledger.read("room.subject", tmp_path)
    assert json.loads(json.dumps(asdict(one))) == asdict(back)
    assert back.seconds == 1.3 and back.versions["torch"] and back.machine["cores"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", back.finished)
    assert ledger.experiments(tmp_path) == ["room.subject"]
    assert ledger.read("room.other", tmp_path) == []


def _append(arguments) -> None:
    folder, seed = arguments
    ledger.append(record(seed, text="x" * 20_000), folder)


def test_processes_may_record_at_once(tmp_path):
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_append, [(tmp_path, seed) for seed in range(20)]))
    assert sorted(r.seed for r in ledger.read("room.subject", tmp_path)) == list(range(20))


def test_numbers_that_are_none_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="not a finite number"):
        ledger.append(record(bpc=float("nan")), tmp_path)
    assert ledger.read("room.subject", tmp_path) == []


@pytest.mark.parametrize("line", ["{", "{}", '{"experiment": "x"}', "[1]"])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    ledger.append(record(), tmp_path)
    path = tmp_path / "room.subject.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ledger.LedgerError, match="line 2 is not a record"):
        ledger.read("room.subject", tmp_path)


def test_the_newest_record_of_a_setting_and_seed_counts():
    old, new, other = record(bpc=2.0), record(bpc=1.0), record(seed=1, bpc=3.0)
    assert [r.metrics["bpc"] for r in ledger.newest([old, other, new])] == [1.0, 3.0]
    assert len(ledger.newest([old, replace(new, preset="desk")])) == 2


def test_summary_matches_scipy():
    values = [1.2, 1.5, 1.1, 1.9, 1.4]
    summary = summarise(values)
    interval = ttest_1samp(values, 0).confidence_interval(0.95)
    assert summary.interval == pytest.approx((interval.low, interval.high))
    assert summary.text(2) == "1.42 ± 0.31 (5 seeds)" and (summary.low, summary.high) == (1.1, 1.9)
    assert summary.span(1) == "1.1 to 1.9"
    one = summarise([2.0])
    assert one.text() == "2.000 (1 seed)" and one.interval is None and one.span() == "2.000"
    with pytest.raises(ValueError, match="no value"):
        summarise([])


def test_metrics_by_dotted_name():
    one = record(a={"b": {"c": 3}})
    assert ledger.metric(one, "a.b.c") == 3
    assert ledger.metric(one, "a.x.c") is None


def test_table_in_both_forms():
    table = Table("Title", ("name", "value"), (("a|b", "1"), ("long name", "2")), "Note.")
    assert (
        table.markdown()
        == "**Title**\n\n| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| long name | 2 |\n\nNote."
    )
    assert str(table).splitlines()[2:4] == ["name       value", "---------  -----"]
    mixed = Table("Mixed", ("bpc", "verdict"), (("1.6 (1 seed)", "1.2 against 1.3"), ("-", "not tested")))
    assert "| ---: | --- |" in mixed.markdown()
    assert Table("Empty", ("a", "b"), ()).markdown() == "**Empty**\n\n| a | b |\n| ---: | ---: |"


def test_a_folded_table_is_a_line_that_opens():
    table = Table("Sizes, d < 9", ("name", "value"), (("a|b", "1"), ("long name", "2")), "Note.")
    folded = table.folded()
    assert folded == Folded(table)
    assert folded._repr_markdown_() == (
        '<details class="hsrnn-table">\n<summary>Sizes, d &lt; 9 (2 rows)</summary>\n\n'
        "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| long name | 2 |\n\nNote.\n\n</details>"
    )
    assert "(1 row)" in replace(table, rows=table.rows[:1]).folded()._repr_markdown_()
    assert pretty(folded) == str(table)


def test_the_folder_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_RESULTS", str(tmp_path))
    assert ledger.results_folder() == tmp_path
    monkeypatch.delenv("HSRNN_RESULTS")
    assert ledger.results_folder().parts[-2:] == ("data", "results")


# All that these runs look at is drawn from their settings and their seed; what others read is hashed.
DRAWN = {"automata.languages", "automata.trust", "sketches.dictionary", "sketches.theorems"}


def test_every_shipped_record_is_complete():
    """The ledger that ships: every line is a record, made from a clean revision, with hashes of its data."""
    for name in ledger.experiments():
        for entry in ledger.read(name):
            assert entry.experiment == name
            assert re.fullmatch(r"[0-9a-f]{7,}", entry.commit), (
                f"{name} seed {entry.seed} ran from {entry.commit}"
            )
            assert entry.data or name in DRAWN
            assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in entry.data.values())
            assert entry.seconds > 0
            assert not re.search(r"/(home|root|work|tmp|Users)/", json.dumps(asdict(entry)))
