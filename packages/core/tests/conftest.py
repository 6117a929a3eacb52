"""Isolation: each test starts with no configuration, no loaded APIs, and a cache of contracts of its own."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from pymacaron import apipool, exceptions
from pymacaron.auth import set_principal
from pymacaron.calls import set_call
from pymacaron.client.method import close_session
from pymacaron.config import KEYS, set_config
from pymacaron.crash import set_error_reporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# The same examples in every run, so that a run says something of the change before it. The nightly size (PYM_PAIRS)
# looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
if "PYM_PAIRS" not in os.environ:
    settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo everything that a service leaves behind in its process."""
    for name in [name for name in os.environ if name.startswith("PYM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    environ, folder, path = dict(os.environ), os.getcwd(), list(sys.path)  # noqa: PTH109  # as os.chdir takes it
    modules, keys, codes = set(sys.modules), dict(KEYS), dict(exceptions._by_code)
    level = logging.getLogger().level
    yield
    reset()
    close_session()
    logging.getLogger().setLevel(level)
    for handler in [handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler]:
        logging.getLogger().removeHandler(handler)
    for name in [name for name in sys.modules if name not in modules and _is_service(name)]:
        del sys.modules[name]
    sys.path[:] = path
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    KEYS.clear()
    KEYS.update(keys)
    for code in [code for code in exceptions._by_code if code not in codes]:
        delattr(exceptions, exceptions._by_code.pop(code).__name__)


def reset() -> None:
    """Forget configuration, APIs, error reporter, caller and call."""
    set_config(None)
    apipool.clear()
    set_error_reporter(None)
    set_principal(None)
    set_call(None)


def _is_service(name: str) -> bool:
    """Tell a module of a service from a library's, which stays imported."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return getattr(sys.modules[name], "__spec__", None) is None
    return "/pytest-" in file
