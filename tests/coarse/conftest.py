"""Fixtures of the room's tests."""

import jaxtyping
import pytest


@pytest.fixture
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch run-time type checks off, so that a wrong value reaches the function's own check as it does
    for a user."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
