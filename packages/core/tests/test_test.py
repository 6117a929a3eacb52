"""The forwarding module ``pymacaron.test``."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


def test_names_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pymacaron-unit the import says what to install."""
    monkeypatch.setitem(sys.modules, "pymacaron_unit", None)
    monkeypatch.delitem(sys.modules, "pymacaron_unit.testcase", raising=False)
    with pytest.raises(ImportError, match="pip install pymacaron-unit"):
        from pymacaron.test import PyMacaronTestCase  # noqa: F401


def test_forwards_to_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pymacaron-unit its own class is what is imported."""
    package, module = ModuleType("pymacaron_unit"), ModuleType("pymacaron_unit.testcase")
    module.PyMacaronTestCase = object  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "pymacaron_unit", package)
    monkeypatch.setitem(sys.modules, "pymacaron_unit.testcase", module)
    from pymacaron.test import PyMacaronTestCase

    assert PyMacaronTestCase is object
