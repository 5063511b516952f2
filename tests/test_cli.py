"""The command line as a user types it."""

import json
import signal
import subprocess
import sys
import time

import pytest

from hsrnn import cli, ledger


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HSRNN_RESULTS", str(tmp_path / "results"))


def run(capsys, *words: str) -> tuple[int, str, str]:
    status = cli.main(list(words))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_overview_and_version(capsys):
    assert run(capsys)[1] == cli.OVERVIEW
    assert run(capsys, "--version")[1].startswith("hsrnn 0.")
    status, _, error = run(capsys, "fly")
    assert status == 2 and "no command 'fly'" in error and "reproduce" in error


def test_help_reads_like_documentation(capsys):
    for command in cli.COMMANDS:
        with pytest.raises(SystemExit) as end:
            cli.main([command, "--help"])
        assert end.value.code == 0
        assert len(capsys.readouterr().out) > 150
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "hmrnn.language", "--help"])
    text = capsys.readouterr().out
    assert "--core" in text and "--preset" in text and "slope" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reproduce", "hmrnn.speech"], "no experiment 'hmrnn.speech'; there are: hmrnn.language"),
        (["reproduce", "hmrnn.language", "--preset", "smoke", "--seeds", "4-0"], "seeds must look like 0-4"),
        (
            ["reproduce", "hmrnn.language", "--preset", "smoke", "--device", "warp"],
            "device 'warp' cannot be used here",
        ),
        (
            ["reproduce", "hmrnn.language", "--preset", "smoke", "--hidden-sizes", "8"],
            r"at least 2 layers, got (8,)",
        ),
        (
            ["reproduce", "hmrnn.language", "--preset", "smoke", "--updates", "0"],
            "updates must be above 0, got 0",
        ),
        (["reproduce", "hmrnn.language", "--preset", "smoke", "--corpus", "nowhere.txt"], "nowhere.txt"),
        (
            ["reproduce", "hmrnn.language", "--preset", "smoke", "--corpus", "reviews"],
            "corpus must be a text, got 'reviews'",
        ),
        (["data", "get"], "needs the name of a data set"),
        (["data", "get", "moby"], "moby"),
        (["results", "nothing"], "no experiment 'nothing'"),
        (["bench", "nothing"], "no benchmark 'nothing'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, words, message):
    status, _, error = run(capsys, *words)
    assert status == 2
    assert message in error and "Traceback" not in error
    assert ledger.read("hmrnn.language") == []


@pytest.mark.parametrize("words", [["--core", "gru"], ["--colour", "red"], ["--updates", "many"]])
def test_a_wrong_setting_is_refused(words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["reproduce", "hmrnn.language", "--preset", "smoke", *words])
    assert end.value.code == 2


def test_reproduce_then_results(capsys, tmp_path):
    status, out, _ = run(
        capsys, "reproduce", "hmrnn.language", "--preset", "smoke", "--seeds", "0,1", "--core", "lstm",
        "--quiet", "--export", str(tmp_path / "model.safetensors"),
    )  # fmt: skip
    assert status == 0 and out.count("test_bpc") == 2
    records = ledger.read("hmrnn.language")
    assert [r.seed for r in records] == [0, 1] and records[0].config["core"] == "lstm"
    assert (tmp_path / "model.safetensors").exists()
    status, out, _ = run(capsys, "results", "hmrnn.language")
    assert status == 0 and "Claims on" in out


def test_data_list_and_check(capsys):
    status, out, _ = run(capsys, "data", "list")
    assert status == 0 and "generated" in out and "embedded" in out
    status, out, _ = run(capsys, "data", "check", "generated", "reviews")
    assert status == 0 and "50,000 symbols" in out and "ok, 4,000 / 1,000 / 1,000 reviews" in out


@pytest.mark.parametrize("words", [("data", "list"), ("doctor",)])
def test_a_problem_with_the_data_is_said_under_its_data_set(capsys, tmp_path, monkeypatch, words):
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "empty cache")
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path))
    (tmp_path / "ptb").mkdir()
    (tmp_path / "ptb" / "ptb.train.txt").write_text("a copy that was cut off here")
    status, out, _ = run(capsys, *words)
    assert status == 0
    lines = out.splitlines()
    (at,) = [k for k, line in enumerate(lines) if line.split()[:1] == ["ptb"]]
    assert "not here" in lines[at]
    assert lines[at + 1].startswith("    ") and "ptb without ptb.valid.txt, ptb.test.txt" in lines[at + 1]
    assert out.count(" without ptb.") == 1, "the other data sets have no such problem"

    monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "typing error"))
    status, out, _ = run(capsys, *words)
    assert status == 0 and "    HSRNN_DATA must name an existing folder" in out


def test_a_damaged_file_is_found_by_check(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path))
    (tmp_path / "ptb").mkdir()
    for split in ("train", "valid", "test"):
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text("a copy that was cut off here")
    status, out, _ = run(capsys, "data", "check", "ptb")
    assert status == 1
    first, second = out.splitlines()
    assert first.split() == ["ptb", "HSRNN_DATA", "FAILED"]
    assert second.startswith("    ") and "must have SHA-256" in second


def test_doctor_names_what_is_there(capsys):
    status, out, _ = run(capsys, "doctor")
    assert status == 0
    for word in ("torch", "processor", "generated", "Ledger"):
        assert word in out


def test_seeds_are_parsed():
    assert cli.parse_seeds("0-4") == [0, 1, 2, 3, 4]
    assert cli.parse_seeds("0,3,7-9") == [0, 3, 7, 8, 9]
    for bad in ("", "a", "3-", "4-1", "1;2"):
        with pytest.raises(ValueError, match="seeds must look like"):
            cli.parse_seeds(bad)


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    """hsrnn reproduce under kill -9, taken up again, against the same command undisturbed."""
    words = ["reproduce", "hmrnn.language", "--preset", "smoke", "--seed", "5", "--quiet",
             "--updates", "60", "--checkpoint-every", "2"]  # fmt: skip

    def work_in(name: str) -> None:
        monkeypatch.setenv("HSRNN_RUNS", str(tmp_path / name))
        monkeypatch.setenv("HSRNN_RESULTS", str(tmp_path / name / "results"))

    work_in("calm")
    assert cli.main(words) == 0
    work_in("rough")
    process = subprocess.Popen(
        [sys.executable, "-m", "hsrnn.cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if list((tmp_path / "rough").rglob("checkpoint-0-1*.safetensors")):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "rough" / "results").exists()
    assert cli.main(words) == 0
    results = []
    for name in ("calm", "rough"):
        (record,) = ledger.read("hmrnn.language", tmp_path / name / "results")
        results.append({k: v for k, v in record.metrics.items() if k != "characters_per_second"})
    assert json.dumps(results[0]) == json.dumps(results[1])
