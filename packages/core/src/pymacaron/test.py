"""``from pymacaron.test import PyMacaronTestCase``: the test tools of pymacaron-unit, where that is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PACKAGE = "pymacaron_unit"


def __getattr__(name: str) -> Any:
    """Forward to ``pymacaron_unit.testcase``.

    Raises:
        ImportError: pymacaron-unit is not installed.
        AttributeError: it has no such name.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        module = import_module(f"{_PACKAGE}.testcase")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != _PACKAGE:
            raise
        raise ImportError(
            f"pymacaron.test.{name} is in the package pymacaron-unit; pip install pymacaron-unit"
        ) from None
    return getattr(module, name)
