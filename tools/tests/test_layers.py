"""The layers of pymacaron: import-linter finds what packages/core/importlinter.toml forbids."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.tests.samples import ROOT, plain

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = ROOT / "packages" / "core" / "importlinter.toml"
SOURCE = ROOT / "packages" / "core" / "src" / "pymacaron"
MODULES = sorted({path.stem for path in SOURCE.iterdir() if path.suffix in ("", ".py") and path.stem[0] != "_"})
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path, **modules: str) -> str:
    """Check a package that has all modules, of which some import something; return the report."""
    package = folder / "pymacaron"
    package.mkdir()
    for name in ("__init__", *MODULES, *modules):
        (package / f"{name}.py").write_text(modules.get(name, ""))
    command = [sys.executable, "-c", LINT, "--no-cache", "--config", str(CONFIG)]
    done = subprocess.run(command, env=plain(PYTHONPATH=str(folder)), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_downwards_is_allowed(tmp_path: Path) -> None:
    """A module knows its own layer and those below; the upper ones know Flask."""
    report = lint(
        tmp_path,
        api="import flask\nfrom pymacaron import config, flaskapp, spec",
        auth="import flask\nfrom pymacaron import operation",
        operation="from pymacaron import contract, requests_in",
        codec="import msgspec\nfrom pymacaron import model",
    )
    assert "3 kept, 0 broken" in report


@pytest.mark.parametrize(
    ("module", "code", "broken"),
    [
        ("contract", "from pymacaron import spec", "lower one BROKEN"),
        ("exceptions", "def f():\n    from pymacaron import model", "lower one BROKEN"),
        ("client", "from pymacaron import api", "lower one BROKEN"),
        ("utils", "", "pymacaron.utils"),
        ("codec", "import flask", "know Flask BROKEN"),
        ("operation", "from flask.views import View", "know Flask BROKEN"),
        ("spec", "from bravado_core.spec import Spec", "no part of the library BROKEN"),
    ],
)
def test_fault_is_found(tmp_path: Path, module: str, code: str, broken: str) -> None:
    """An import upwards, one of Flask from below, the tests' oracle, and a module that has no layer."""
    assert broken in lint(tmp_path, **{module: code})
