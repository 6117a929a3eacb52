"""Trying wheels in a clean environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import cleanroom, installed, packages, wheels
from tools.tests.samples import add_package

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_POINTS = """
[project.scripts]
sample = "sample_base:main"

[project.entry-points."sample_base.plugins"]
sample = "sample_base:missing"
"""


def build(root: Path) -> tuple[list[Path], list[packages.Package]]:
    found = packages.find(root)
    return wheels.build(found, root / "dist", [package.distribution for package in found]), found


def test_wheels_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that need each other are installed, imported from the wheels, and pass their smoke tests."""
    add_package(tmp_path, "base")
    add_package(tmp_path, "top", "sample-base>=0.1,<0.2")
    built, found = build(tmp_path)
    python = cleanroom.install(built, found, tmp_path)
    assert python.is_relative_to(tmp_path)
    ran = []
    monkeypatch.setattr(cleanroom, "_run", lambda command, folder: ran.append((command[1:], folder)))
    cleanroom.smoke(python, found, tmp_path, ["pytest>=9"])
    copied = tmp_path / "top" / "tests"
    assert ran[0][0][-1] == "pytest>=9"
    assert ran[2][0][-1] == str(copied)
    assert (copied / "test_top.py").exists()
    assert not (tmp_path / "top" / "src").exists()


def test_wheels_that_do_not_work(tmp_path: Path) -> None:
    """An entry point that does not load is named, with what it points at."""
    folder = add_package(tmp_path, "base")
    with (folder / "pyproject.toml").open("a") as file:
        file.write(ENTRY_POINTS)
    (folder / "src" / "sample_base" / "__init__.py").write_text("def main() -> None: ...\n")
    built, found = build(tmp_path)
    with pytest.raises(cleanroom.CleanroomError) as caught:
        cleanroom.install(built, found, tmp_path)
    message = str(caught.value)
    assert "sample-base: entry point sample of sample_base.plugins (sample_base:missing)" in message
    assert "console_scripts" not in message


def test_package_with_and_without_its_extras(tmp_path: Path) -> None:
    """A plain installation lacks what only an extra needs, and must still import; a plugin of it is not loaded then."""
    add_package(tmp_path, "base")
    folder = add_package(tmp_path, "top", fast=["sample-base>=0.1,<0.2"])
    with (folder / "pyproject.toml").open("a") as file:
        file.write('\n[project.entry-points."sample_base.plugins"]\ntop = "sample_top.plugin:Plugin"\n')
    (folder / "src" / "sample_top" / "plugin.py").write_text("import sample_base\n")
    built, found = build(tmp_path)
    (tmp_path / "bare").mkdir()
    cleanroom.install(built[1:], found[1:], tmp_path / "bare", extras=False)
    with pytest.raises(
        cleanroom.CleanroomError, match=r"entry point top of sample_base.plugins .*no attribute 'Plugin'"
    ):
        cleanroom.install(built, found, tmp_path)


def test_package_that_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an import raises is told."""
    (tmp_path / "sample_broken.py").write_text("raise RuntimeError('at import')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed.check("sample-broken", "sample_broken") == ["import sample_broken: RuntimeError('at import')"]


def test_package_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that does not come from this environment proves nothing."""
    (tmp_path / "pluggy_away.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    [fault] = installed.check("pluggy", "pluggy_away")
    assert "not from the installed wheel" in fault


def test_command_that_fails_is_shown(tmp_path: Path) -> None:
    """The command's output comes with its status."""
    with pytest.raises(cleanroom.CleanroomError, match=r"(?s)ended with status 3:\nout\nerr"):
        cleanroom._run(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path)
