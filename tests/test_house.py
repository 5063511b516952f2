"""The rules of the house: floors, agreeing versions, one address, nothing unsafe or huge, all documented."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jaxtyping
import pytest
import yaml
from first_cell import first_cell, source_url
from oldest_constraints import oldest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hsrnn"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# The same thing under conda-forge's name.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "graphviz": "python-graphviz"}

LONGEST_MODULE = 400  # lines
LONGEST_LINE = 110
LARGEST_FILE = 4_000_000  # bytes


def requirements(*extras: str) -> dict[str, Requirement]:
    """Return name -> requirement of the package and of the given extras."""
    lines = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def tracked_files() -> list[Path]:
    """Return the files that git tracks or would track, or every file of the sources where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    ignored = {".venv", "_build", "node_modules", ".git"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not ignored.intersection(path.parts)]


def module_name(path: Path) -> str:
    """Return the dotted name of a module file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Versions -----------------------------------------------------------------------------------------


def test_environment_equals_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    theirs = {
        Requirement(line).name: str(Requirement(line).specifier) for line in environment["dependencies"]
    }
    ours = {CONDA_NAMES.get(name, name): str(need.specifier) for name, need in requirements("book").items()}
    ours["python"] = PROJECT["project"]["requires-python"]
    ours["pip"] = ""
    assert theirs == ours


def test_constraints_satisfy_the_ranges_and_are_exact():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pins[canonicalize_name(name)] = Version(version)
    for name, need in requirements("book", "test").items():
        assert name in pins, f"constraints.txt does not pin {name}: run tools/freeze_constraints.py"
        assert need.specifier.contains(pins[name]), f"{name} {pins[name]} is outside {need.specifier}"
    assert pins["torch"] == Version("2.13.0")
    assert not any("nvidia" in name or "cuda" in name or "triton" in name for name in pins)


def test_only_jupyter_book_has_an_upper_bound():
    bounded = {
        name
        for name, need in requirements("book", "test", "dask").items()
        if any(bound.operator in {"<", "<=", "==", "~="} for bound in need.specifier)
    }
    assert bounded == {"jupyter-book"}


def test_oldest_versions_come_from_the_ranges():
    lines = oldest()
    assert "torch==2.6" in lines and "jupyter-book==1.0.4" in lines
    assert len(lines) == len(requirements("book", "test"))


def test_oldest_versions_need_a_lower_bound(tmp_path: Path):
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[project]\ndependencies = ["torch"]\n[project.optional-dependencies]\nbook = []\ntest = []\n'
    )
    with pytest.raises(ValueError, match="needs a lower bound.*'torch'"):
        oldest(file)


def test_npm_lock_names_no_host():
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(text)
    assert "://" not in text
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for path, package in lock["packages"].items() if path)
    assert lock["packages"]["node_modules/mathjax"]["version"].startswith("3.2.")


def test_no_index_is_named_anywhere():
    named = re.compile(r"--(extra-)?index-url|--find-links|pypi\.org|pythonhosted|npmjs|download\.pytorch")
    files = [
        "pyproject.toml",
        "constraints.txt",
        "environment.yml",
        "Makefile",
        "package.json",
        "package-lock.json",
        ".npmrc",
        ".ci/run",
        ".github/workflows/test.yml",
        ".github/workflows/weekly.yml",
    ]
    for name in files:
        assert not named.search((ROOT / name).read_text(encoding="utf-8")), name


# One address --------------------------------------------------------------------------------------


def test_the_address_is_the_same_everywhere():
    url = source_url()
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == url
    assert citation["repository-code"] == url
    assert f"git+{url}" in first_cell()
    owner = url.removeprefix("https://github.com/")
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".yml", ".ipynb", ".cff", ".toml", ".html"}:
            for found in re.findall(
                r"github\.com/([\w.-]*hsrnn[\w.-]*/[\w-]+)", path.read_text(encoding="utf-8")
            ):
                assert found == owner, f"{path}: {found}"


def test_the_version_is_the_same_everywhere():
    version = PROJECT["project"]["version"]
    assert importlib.import_module("hsrnn").__version__ == version
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"] == version


# Floors -------------------------------------------------------------------------------------------


def test_imports_point_down():
    linted = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_floor_is_in_the_contract():
    contract = PROJECT["tool"]["importlinter"]["contracts"][0]
    named = set(re.findall(r"\w+", " ".join(contract["layers"])))
    present = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    }
    assert present - {"__init__"} <= named, "a room or module that no layer of the contract names"


# Safety and size ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_module_unpickles_nothing_and_is_short(path: Path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) <= LONGEST_MODULE, f"{len(lines)} lines: a file is one idea that a reader can hold"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            assert not {"pickle", "dill", "shelve", "marshal"}.intersection(
                name.split(".")[0] for name in names
            )
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in {"pickle", "dill", "shelve", "marshal"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {
                "eval",
                "exec",
                "torch.load",
                "joblib.load",
                "pickle.load",
                "pickle.loads",
            }, called
            if called in {"np.load", "numpy.load"}:
                assert not any(keyword.arg == "allow_pickle" for keyword in node.keywords)
    assert ast.get_docstring(tree), "a module says in its first line what it is"
    assert not re.search(r"#\s*(noqa|type:\s*ignore|TODO|FIXME|XXX)", text)


def test_lines_fit():
    long = [
        f"{path.relative_to(ROOT)}:{number} ({len(line)})"
        for folder in ("hsrnn", "tools", "tests", "book")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST_LINE
    ]
    assert not long, (
        f"{len(long)} lines are longer than {LONGEST_LINE} characters: {', '.join(long[:20])} ..."
    )


def test_nothing_tracked_is_too_large():
    large = {
        str(path.relative_to(ROOT)): path.stat().st_size
        for path in tracked_files()
        if path.stat().st_size > LARGEST_FILE
    }
    assert large == {}


# What a reader of the package meets ---------------------------------------------------------------


def public_names() -> list[tuple[str, str]]:
    """Return (module, name) for everything that a module of the package lists in `__all__`."""
    listed = []
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                listed += [(module_name(path), name) for name in ast.literal_eval(node.value)]
    return listed


def test_the_package_lists_its_public_names():
    modules = {module for module, _ in public_names()}
    packages = {module_name(path) for path in MODULES if path.name == "__init__.py"}
    assert packages <= modules, f"no __all__ in {sorted(packages - modules)}"


def test_public_names_are_documented():
    silent = []
    for module, name in public_names():
        thing = getattr(importlib.import_module(module), name)
        words = (thing.__doc__ or "").strip() if callable(thing) else "a constant"
        if not words or words.startswith(f"{name}("):  # a dataclass without words gets its signature
            silent.append(f"{module}.{name}")
    assert not silent, f"no docstring: {', '.join(silent)}"


def test_public_names_are_mentioned_in_tests():
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py")))
    words = set(re.findall(r"\w+", tests))
    unknown = [f"{module}.{name}" for module, name in public_names() if name not in words]
    assert not unknown, f"no test mentions {', '.join(unknown)}"


def test_types_and_shapes_are_checked_while_tests_run():
    for name in ("hsrnn.hmrnn", "hsrnn.automata", "hsrnn.datasets", "hsrnn.figures"):
        loader = importlib.import_module(name).__spec__.loader
        assert type(loader).__module__.startswith(jaxtyping.__name__), (
            f"{name} was imported without type checks"
        )
    from hsrnn.datasets import ContiguousRows

    with pytest.raises(Exception) as caught:
        ContiguousRows("not an array", rows=2, length=3)
    assert type(caught.value).__name__ in {"TypeCheckError", "BeartypeCallHintParamViolation"}
