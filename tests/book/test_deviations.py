"""Where code departs from a paper, the room's chapters say so, and nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path.name for path in (ROOT / "book").iterdir() if list(path.glob("*.py")))
MARK = re.compile(r"Deviation ([A-Z]\d+)\b")


def marks(files: list[Path]) -> set[str]:
    return {mark for path in files for mark in MARK.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("room", ROOMS)
def test_code_and_chapters_list_the_same_deviations(room: str):
    files = [*(ROOT / "hsrnn" / room).glob("*.py"), *(ROOT / "hsrnn" / "experiments").glob(f"{room}_*.py")]
    code, told = marks(files), marks(sorted((ROOT / "book" / room).glob("*.py")))
    assert code, f"hsrnn/{room} names no deviation: is the comment 'Deviation D1: ...' still its form?"
    missing, surplus = sorted(code - told), sorted(told - code)
    assert code == told, f"only in the code: {missing}; only in the chapters: {surplus}"
