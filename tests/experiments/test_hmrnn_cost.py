"""The stored bench and its table: every number of the table comes from a line, and the lines make sense."""

import json

import pytest

from hsrnn.experiments.benchmarks import lstm_multiplications
from hsrnn.experiments.hmrnn_cost import cost_table, read_cost


def test_the_table_shows_the_lines():
    lines = read_cost()
    table = cost_table(lines)
    assert len(table.rows) == len(lines) and "hsrnn bench hmrnn.cost" in table.note
    for line, row in zip(lines, table.rows):
        assert row[0] == f"3 x {line['units']}" and row[1] == str(line["rows"])
        assert float(row[5]) == pytest.approx(line["multiplications"]["share"], abs=0.005)
        assert float(row[6]) == pytest.approx(line["ours"] / line["reference"], abs=0.005)
        assert float(row[3]) == pytest.approx(1000 * line["ours"] / line["length"], abs=0.005)


def test_the_stored_lines_are_of_the_sizes_they_name():
    lines = read_cost()
    assert {line["units"] for line in lines} == {128, 256, 512, 1024}
    assert {line["rows"] for line in lines} == {1, 16, 64, 256}
    for line in lines:
        sizes = (line["units"],) * 3
        steps = line["rows"] * line["length"]
        expected = 3 * steps * lstm_multiplications(128, sizes)
        assert line["multiplications"]["reference"] == expected
        assert line["ratio"] == pytest.approx(line["reference"] / line["ours"])


def test_another_file_is_read(tmp_path):
    path = tmp_path / "cost.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in read_cost()[:2]) + "\n")
    assert read_cost(path) == read_cost()[:2]
