"""Execute the chapters of the book, one on each processor, into the cache that the pages are rendered from.

    python tools/execute_chapters.py      what the cache in _build lacks

The rendering executes, one after the other, what it does not find in the cache. So a chapter that crashes
here is left to it: it crashes there again, and is reported there.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kernel_environment import ROOT, processors

CACHE = ROOT / "_build" / ".jupyter_cache"


def chapters() -> list[Path]:
    """Return the notebooks that _toc.yml names, in its order."""
    named = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [path for name in named if (path := (ROOT / name).with_suffix(".ipynb")).exists()]


def execute(chapter: Path) -> tuple[Path, str, float]:
    """Run one chapter in its folder; return it, the notebook with its outputs ("" after a crash), seconds."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["execute"]
    notebook = nbformat.read(chapter, as_version=4)
    try:
        result = single_nb_execution(
            notebook,
            cwd=str(chapter.parent),
            timeout=settings["timeout"],
            allow_errors=settings["allow_errors"],
        )
    except Exception as error:  # a kernel that did not start or died, whatever it says
        print(f"[book] {chapter.relative_to(ROOT)}: {type(error).__name__}, to be tried again", flush=True)
        return chapter, "", 0.0
    return chapter, "" if result.err else nbformat.writes(notebook), result.time


def main() -> None:
    """Fill the cache. Only this process writes it."""
    cache = get_cache(CACHE)
    due = []
    for chapter in chapters():
        try:
            cache.match_cache_notebook(nbformat.read(chapter, as_version=4))
        except KeyError:
            due.append(chapter)
    if not due:
        return
    with multiprocessing.Pool(min(processors(), len(due))) as pool:
        for chapter, executed, seconds in pool.imap_unordered(execute, due):
            if executed:
                bundle = CacheBundleIn(
                    nbformat.reads(executed, as_version=4),
                    str(chapter),
                    data={"execution_seconds": seconds},
                )
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                print(f"[book] {chapter.relative_to(ROOT)}: {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
