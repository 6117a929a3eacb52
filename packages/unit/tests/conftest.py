"""Isolation: each test starts without settings of PyMacaron, in a folder of its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["pytester"]

# The same examples in every run, so that a run says something of the change before it.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a service leaves behind in its process."""
    for name in [name for name in os.environ if name.startswith("PYM_") and not name.startswith("PYM_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in modules and _is_service(name)]:
        del sys.modules[name]
    forget_service()


def forget_service() -> None:
    """Forget the configuration, the APIs and the caller that a service in this process has set."""
    from pymacaron import apipool
    from pymacaron.auth import set_principal
    from pymacaron.calls import set_call
    from pymacaron.config import set_config
    from pymacaron.crash import set_error_reporter

    set_config(None)
    apipool.clear()
    set_error_reporter(None)
    set_principal(None)
    set_call(None)


def _is_service(name: str) -> bool:
    """Tell a module of a test's service from a library's, which stays imported."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return getattr(sys.modules[name], "__spec__", None) is None
    return "/pytest-" in file
