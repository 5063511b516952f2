"""README.md: its table and picture are those of today, its code runs, and what it names exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

# Before anything of the package: conftest.py has switched its type checks on.
from make_readme import PICTURE, README, SENTENCE, between, picture, renewed, results

from hsrnn import cli, datasets, experiments, ledger
from hsrnn.experiments.benchmarks import BENCHMARKS

ROOT = Path(__file__).resolve().parent.parent
TEXT = README.read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
SITE = "https://hsrnn.github.io/hsrnn/"


def fenced(language: str) -> list[str]:
    """Return the blocks of code in a language."""
    return [code for kind, code in FENCE.findall(TEXT) if kind == language]


def commands(program: str) -> list[list[str]]:
    """Return the words of every command in the text or in a block that starts with a program's name."""
    lines = [line for block in fenced("bash") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", TEXT))
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words and words[0] == program:
            found.append(words)
    return found


# What is made ---------------------------------------------------------------------------------------


def test_the_table_is_that_of_the_ledger():
    assert between("results", results(), TEXT) == TEXT, "run `make readme`"


def test_words_and_picture_are_those_of_the_shipped_model():
    drawn = picture()
    assert renewed(TEXT, drawn.alt) == TEXT, "run `make readme`"
    assert drawn.image[16:24] == PICTURE.read_bytes()[16:24], "another size: run `make readme`"


def test_every_picture_has_words():
    images = IMAGE.findall(TEXT)
    assert images and TEXT.count("![") == len(images) and "<img" not in TEXT
    for alt, path in images:
        assert len(alt) > 40 and (ROOT / path).is_file()
        assert (ROOT / path).read_bytes().startswith(b"\x89PNG"), path
    assert SENTENCE[:20] in images[0][0]


def test_a_new_record_changes_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (first, *_) = [record for record in ledger.read("hmrnn.language") if record.preset == "book"]
    first.metrics["test_bpc"] = 9.876
    ledger.append(first, tmp_path)
    monkeypatch.setenv("HSRNN_RESULTS", str(tmp_path))
    assert "9.876 (1 seed)" in results()
    assert between("results", results(), TEXT) != TEXT


@pytest.mark.parametrize("text", ["", "<!-- end of results -->", TEXT + TEXT])
def test_missing_or_doubled_comments_are_refused(text: str):
    with pytest.raises(ValueError, match="must hold <!-- results"):
        between("results", "new", text)


# What is named --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", fenced("python"))
def test_the_examples_run(code: str, capsys: pytest.CaptureFixture[str]):
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert capsys.readouterr().out
    for expression, shape in re.findall(r"^(output\.\S+) +# \(([\d, ]+)\)", code, re.MULTILINE):
        assert tuple(eval(expression, names).shape) == tuple(int(size) for size in shape.split(","))


def test_links_lead_somewhere():
    links = LINK.findall(TEXT)
    local = [link for link in links if "://" not in link]
    assert len(local) >= 10
    for link in local:
        assert (ROOT / link).exists(), link
    for link in links:
        if link.startswith(SITE):
            assert (ROOT / link.removeprefix(SITE)).with_suffix(".py").is_file(), link


def test_every_chapter_is_listed():
    listed = re.findall(r"^\s*(?:-\s+)?(?:file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text(), re.MULTILINE)
    assert len(listed) > 5
    for page in listed:
        assert f"({page}.ipynb)" in TEXT or f"{SITE}{page}.html" in TEXT, page


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for words in commands("make") if len(words) > 1}
    assert {"book", "test", "lab"} <= named <= targets


def test_commands_are_understood():
    asked = commands("hsrnn")
    assert {"reproduce", "results", "doctor"} <= {words[1] for words in asked if len(words) > 1}
    presets = set()
    for _, command, *words in asked:
        options = cli._parse(command, words)
        if command == "bench":
            assert options.name in BENCHMARKS
        if command == "reproduce":
            assert options.settings == (), f"unknown options {options.settings}"
            assert options.preset in experiments.experiment(options.experiment).presets
            presets.add(options.preset)
    assert presets == {"book", "desk", "paper"}


def test_what_it_says_of_versions_and_data_is_true():
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text() and "Python 3.11" in TEXT
    (file,) = re.findall(r"`ptb/(\S+?)`", TEXT)
    assert file in datasets.read_card("ptb").files
