"""How the suite is shared among processes, and what keeps the notebooks steady on a busy machine.

A process takes a whole unit at a time: a notebook, whose cells share a kernel; a file of tests, whose
fixtures are shared; or, of the tests of the site, all those of one page. The notebooks come first and the
pages last, so that no browser takes the processor from a kernel.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent
PAGES = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))

SECONDS_FOR_OUTPUT = 60  # after a cell has ended; nbval's own 5 pass on a busy machine
STARTS = 3


def unit(nodeid: str) -> str:
    """Return the name of what a test belongs to and shares a process with."""
    file, _, test = nodeid.partition("::")
    if file.startswith("tests/site/"):
        shown = [page for page in PAGES if test.partition("[")[2].startswith((f"{page}-", f"{page}]"))]
        if shown:
            return f"tests/site/{max(shown, key=len)}"
    return file


def place(nodeid: str) -> tuple[int, str]:
    """Return a key that sorts tests: notebooks, then all else, then the site page by page."""
    if ".ipynb" in nodeid:
        return 0, ""
    return (2, unit(nodeid)) if nodeid.startswith("tests/site/") else (1, "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in order, and let a notebook's cells wait for their output."""
    items.sort(key=lambda item: place(item.nodeid))
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = SECONDS_FOR_OUTPUT


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Hand out units, in the order of the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    config.option.loadscopereorder = False
    return Units(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Let a kernel that did not come up be started again.

    A kernel is told its ports before it opens them; in between another process may take one.
    """
    if not getattr(config.option, "nbval", False):
        return
    from nbval import kernel

    once = kernel.start_new_kernel

    def start(*arguments: Any, **options: Any) -> Any:
        for _ in range(STARTS - 1):
            try:
                return once(*arguments, **options)
            except RuntimeError:
                pass
        return once(*arguments, **options)

    kernel.start_new_kernel = start
