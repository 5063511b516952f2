"""What all tests share: type checks on, no network, and a loud list of what could not be run here."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before the first import of the package: annotated shapes, dtypes and types are checked in every test.
if "hsrnn" in sys.modules:
    raise RuntimeError("hsrnn was imported before tests/conftest.py could switch its type checks on")
import jaxtyping

jaxtyping.install_import_hook("hsrnn", "beartype.beartype")

# How long an example takes says more about what else the machine does.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

os.environ["HSRNN_OFFLINE"] = "1"
# Small tensors: a second thread costs more than it gives, and on a busy machine very much more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DATA_FOLDERS = {
    "text8-prefix": "text8",
    "enwik8-prefix": "enwik8",
}  # every other data set: a folder of its own name
NOT_RUN = "not run"  # the property of a skipped test that holds its obstacles


def browser_program() -> str | None:
    """Return the path of the Chromium or Chrome on this machine, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def data_folder(name: str) -> Path | None:
    """Return the folder of the data set below HSRNN_DATA, or None when it is not there."""
    root = os.environ.get("HSRNN_DATA")
    if not root:
        return None
    folder = Path(root) / DATA_FOLDERS.get(name, name)
    return folder if folder.is_dir() else None


def obstacles(item: pytest.Item) -> list[tuple[str, str]]:
    """Return (what this machine lacks for the test, how to get it), one pair for each unmet need."""
    unmet = []
    for marker in item.iter_markers("needs_data"):
        for name in marker.args:
            if data_folder(name) is None:
                unmet.append(
                    (
                        f"the data set {name!r} is not below HSRNN_DATA",
                        f"`hsrnn data get {name}`, then set HSRNN_DATA to the folder that holds it",
                    )
                )
    if item.get_closest_marker("needs_browser") and browser_program() is None:
        unmet.append(
            ("there is no Chromium or Chrome", "install one, for example `apt-get install chromium`")
        )
    if item.get_closest_marker("needs_node") and (
        shutil.which("node") is None or shutil.which("npm") is None
    ):
        unmet.append(("there is no Node.js with npm", "install Node.js 20 or newer"))
    return unmet


@pytest.fixture
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch run-time type checks off, so that a wrong value reaches the function's own check as it does for
    a user, and small functions that are called often are fast."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what lacks something; the report of the test carries the reasons to the summary."""
    for item in items:
        unmet = obstacles(item)
        if unmet:
            item.add_marker(pytest.mark.skip(reason="; ".join(what for what, _ in unmet)))
            item.user_properties.append((NOT_RUN, unmet))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not run, why, and how to get it."""
    not_run: dict[tuple[str, str], list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        for what, remedy in dict(getattr(report, "user_properties", ())).get(NOT_RUN, ()):
            not_run.setdefault((what, remedy), []).append(report.nodeid)
    for (what, remedy), tests in sorted(not_run.items()):
        files = sorted({test.split("::")[0] for test in tests})
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"NOT RUN: {len(tests)} tests in {', '.join(files)}")
        terminalreporter.line(f"    because {what};")
        terminalreporter.line(f"    get it by: {remedy}")
    screenshots = ROOT / "_build" / "screenshots"
    if any(
        str(report.nodeid).startswith("tests/site/") for report in terminalreporter.stats.get("passed", [])
    ):
        terminalreporter.line(f"screenshots of every page: {screenshots}")
