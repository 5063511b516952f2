"""`make test`: what runs in how many processes, what a process is given at a time, and in which order."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import nbformat
import pytest
from make_test import EVERYTHING, NOTEBOOKS, pytest_arguments

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def sharing(request: pytest.FixtureRequest) -> ModuleType:
    """The conftest.py beside pyproject.toml, as pytest has loaded it."""
    module = request.config.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    assert isinstance(module, ModuleType)
    return module


@pytest.mark.parametrize(
    ("asked", "cores", "given"),
    [
        ([], 2, ["-n", "2", *EVERYTHING]),
        ([], 1, EVERYTHING),
        ([], 64, ["-n", "8", *EVERYTHING]),
        (["-x"], 2, ["-n", "2", *EVERYTHING, "-x"]),
        (["-k", "cell"], 2, ["-n", "2", *EVERYTHING, "-k", "cell"]),
        (["-n", "0"], 2, [*EVERYTHING, "-n", "0"]),
        (["-n4"], 2, [*EVERYTHING, "-n4"]),
        (["--numprocesses=3"], 2, [*EVERYTHING, "--numprocesses=3"]),
        (["--pdb"], 2, [*EVERYTHING, "--pdb"]),
        (["tests/hmrnn", "-x"], 2, ["-n", "2", "tests/hmrnn", "-x"]),
        (["tests/hmrnn", "tests/test_cli.py"], 2, ["-n", "2", "tests/hmrnn", "tests/test_cli.py"]),
        (["tests/test_cli.py"], 2, ["tests/test_cli.py"]),
        (["tests/test_cli.py::test_doctor", "-x"], 2, ["tests/test_cli.py::test_doctor", "-x"]),
        (["book/intro.ipynb", "-n", "2"], 2, ["book/intro.ipynb", "-n", "2"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_processes_for_what_is_asked(asked: list[str], cores: int, given: list[str]):
    assert pytest_arguments(asked, cores) == [*NOTEBOOKS, *given]


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("book/a/01-x.ipynb::Cell 3", "book/a/01-x.ipynb"),
        ("tests/test_cli.py::test_a[x::y-z]", "tests/test_cli.py"),
        ("tests/site/test_pages.py::test_fits[book/a/01-x-light-390]", "tests/site/book/a/01-x"),
        ("tests/site/test_other.py::test_folds[book/a/01-x]", "tests/site/book/a/01-x"),
        ("tests/site/test_pages.py::test_fits[book/a/01-x-more-light-390]", "tests/site/book/a/01-x-more"),
        ("tests/site/test_pages.py::test_fits[search-light-390]", "tests/site/test_pages.py"),
        ("tests/site/test_pages.py::test_axe", "tests/site/test_pages.py"),
    ],
)
def test_a_unit_is_a_notebook_a_file_or_a_page(
    nodeid: str, unit: str, sharing: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sharing, "PAGES", ["book/a/01-x", "book/a/01-x-more"])
    assert sharing.unit(nodeid) == unit


def test_notebooks_come_first_and_the_site_last_page_by_page(
    sharing: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sharing, "PAGES", ["book/a", "book/b"])
    wanted = [
        "book/a.ipynb::Cell 0",
        "book/a.ipynb::Cell 1",
        "tests/test_z.py::test_1",
        "tests/test_a.py::test_1",
        "tests/site/test_1.py::test[book/a]",
        "tests/site/test_2.py::test[book/a]",
        "tests/site/test_1.py::test[book/b]",
    ]
    mixed = [wanted[place] for place in (4, 6, 2, 3, 5, 0, 1)]
    items: list[Any] = [SimpleNamespace(nodeid=name, output_timeout=5) for name in mixed]
    sharing.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == wanted
    assert {item.output_timeout for item in items} == {sharing.SECONDS_FOR_OUTPUT}


def test_a_kernel_that_did_not_come_up_is_started_again(sharing: ModuleType, monkeypatch: pytest.MonkeyPatch):
    from nbval import kernel

    failures = iter([RuntimeError("Kernel died"), RuntimeError("Kernel died"), None, *[RuntimeError()] * 9])

    def start(name: str) -> str:
        failure = next(failures)
        if failure is not None:
            raise failure
        return name

    config: Any = SimpleNamespace(option=SimpleNamespace(nbval=True))
    monkeypatch.setattr(kernel, "start_new_kernel", start)
    sharing.pytest_configure(config)
    assert kernel.start_new_kernel("python3") == "python3"
    with pytest.raises(RuntimeError):
        kernel.start_new_kernel("python3")


TESTS = """
import json, os, pathlib, pytest

def note(name):
    with open({log!r}, "a") as log:
        log.write(json.dumps([name, os.environ.get("PYTEST_XDIST_WORKER")]) + "\\n")

@pytest.mark.parametrize("page", {pages})
@pytest.mark.parametrize("number", range(4))
def test_one(page, number):
    note(page or {file!r})
"""


def test_two_processes_share_the_work_and_no_unit(tmp_path: Path):
    """Two notebooks whose cells need each other, files whose tests stay together, pages apart."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "_toc.yml").write_text("root: book/a\nfile: book/b\nfile: book/c\n")
    (tmp_path / "tests" / "site").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    log = tmp_path / "log.jsonl"
    for name in ("a", "b"):
        cells = [
            nbformat.v4.new_code_cell("x = 6", execution_count=1),
            nbformat.v4.new_code_cell(
                "x * 7",
                execution_count=2,
                outputs=[nbformat.v4.new_output("execute_result", {"text/plain": "42"}, execution_count=2)],
            ),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "book" / f"{name}.ipynb")
    for file, pages in (
        ("tests/test_x.py", [""]),
        ("tests/test_y.py", [""]),
        ("tests/site/test_s.py", ["book/a", "book/b", "book/c"]),
    ):
        (tmp_path / file).write_text(TESTS.format(log=str(log), pages=pages, file=file))
    ini = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    notebooks = ["--nbval", "--nbval-kernel-name", "python3"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *ini, *notebooks, "-n", "2", "book", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("24 passed"), "the runner's closing line comes last"
    where: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        name, worker = json.loads(line)
        where.setdefault(name, set()).add(worker)
    assert set(where) == {"tests/test_x.py", "tests/test_y.py", "book/a", "book/b", "book/c"}
    assert all(len(workers) == 1 for workers in where.values()), where
    assert set.union(*where.values()) == {"gw0", "gw1"}
