"""The packages and their graph."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools import packages
from tools.tests.samples import add_package, clone, commit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def found(tmp_path: Path) -> list[packages.Package]:
    """Four packages: top requires middle, which requires base; other requires only base."""
    add_package(tmp_path, "base")
    add_package(tmp_path, "middle", "sample_Base[fast]>=0.1,<0.2", "requests>=2")
    add_package(tmp_path, "other", "sample-base>=0.1,<0.2")
    add_package(tmp_path, "top", "sample-middle>=0.1,<0.2")
    return packages.find(tmp_path)


def names(chosen: list[packages.Package]) -> list[str]:
    return [package.name for package in chosen]


def test_find_needs_only_the_folder(tmp_path: Path) -> None:
    """A package is there as soon as its folder is; one without code is not."""
    add_package(tmp_path, "base")
    folder = add_package(tmp_path, "empty")
    (folder / "src" / "sample_empty" / "__init__.py").unlink()
    assert names(packages.find(tmp_path)) == ["base"]
    assert packages.find(tmp_path)[0].import_name == "sample_base"


def test_find_refuses_two_packages_of_one_name(tmp_path: Path) -> None:
    """Two folders that would publish the same distribution are named."""
    add_package(tmp_path, "base")
    twin = add_package(tmp_path, "twin")
    (twin / "pyproject.toml").write_text((twin / "pyproject.toml").read_text().replace("sample-twin", "sample.Base"))
    with pytest.raises(packages.PackageError, match="base and twin are both named sample-base"):
        packages.find(tmp_path)


@pytest.mark.parametrize(("text", "message"), [("[project", "pyproject.toml: "), ("[project]\nname='x'", "'version'")])
def test_read_names_a_broken_file(tmp_path: Path, text: str, message: str) -> None:
    """A pyproject.toml that can't be used is named with what is wrong."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(packages.PackageError, match=message):
        packages.read(tmp_path)


def test_closure_is_ordered(found: list[packages.Package]) -> None:
    """What a package needs comes before it, once."""
    assert names(packages.closure(found[3], found)) == ["base", "middle", "top"]


def test_closure_refuses_a_circle(tmp_path: Path) -> None:
    """Packages that need each other are named in their order."""
    add_package(tmp_path, "left", "sample-right>=0.1,<0.2")
    add_package(tmp_path, "right", "sample-left>=0.1,<0.2")
    found = packages.find(tmp_path)
    with pytest.raises(packages.PackageError, match="left → right → left"):
        packages.closure(found[0], found)


def test_extras_count_as_needed(tmp_path: Path) -> None:
    """What any extra requires is part of the closure, of what a change affects, and of what may be imported."""
    add_package(tmp_path, "base")
    folder = add_package(tmp_path, "new", "requests>=2", fast=["sample_base>=0.1,<0.2"], all=["sample-new[fast]"])
    add_package(tmp_path, "top", "sample-new>=0.1,<0.2")
    found = packages.find(tmp_path)
    assert found[1].all_requirements == ("requests>=2", "sample_base>=0.1,<0.2", "sample-new[fast]")
    assert names(packages.closure(found[2], found)) == ["base", "new", "top"]
    assert names(packages.closure(found[2], found, extras=False)) == ["new", "top"]
    assert names(packages.affected(["packages/base/src/x.py"], found)) == ["base", "new", "top"]
    assert 'source_modules = ["sample_new"]\nforbidden_modules = ["sample_top"]' in packages.import_rules(found)
    assert packages.with_extras(folder, found[1]) == f"{folder}[fast,all]"
    assert packages.with_extras("x.whl", found[0]) == "x.whl"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("packages/base/src/sample_base/__init__.py", ["base", "middle", "other", "top"]),
        ("packages/middle/pyproject.toml", ["middle", "top"]),
        ("packages/top/tests/test_top.py", ["top"]),
        ("packages/gone/src/x.py", []),
        ("packages/README.md", []),
        ("docs/index.md", []),
        ("tools/packages.py", ["base", "middle", "other", "top"]),
        ("pyproject.toml", ["base", "middle", "other", "top"]),
    ],
)
def test_affected(found: list[packages.Package], path: str, expected: list[str]) -> None:
    """A change affects the package it is in and each that needs it; a shared file affects all."""
    assert names(packages.affected([path], found)) == expected


def test_affected_command(tmp_path: Path) -> None:
    """The command prints JSON for CI: committed and uncommitted changes since the base."""
    root = clone(tmp_path)
    add_package(root, "base")
    add_package(root, "top", "sample-base>=0.1,<0.2")
    base = commit(root)
    (root / "packages" / "top" / "tests" / "test_top.py").unlink()
    command = [sys.executable, "tools/packages.py"]
    shown = subprocess.run([*command, "affected", base], cwd=root, capture_output=True, check=True, text=True)
    assert json.loads(shown.stdout) == ["top"]
    wrong = subprocess.run([*command, "affected", "nowhere"], cwd=root, capture_output=True, check=False, text=True)
    assert wrong.returncode == 2
    assert "nowhere" in wrong.stderr
    usage = subprocess.run(command, cwd=root, capture_output=True, check=False, text=True)
    assert (usage.returncode, "affected BASE" in usage.stderr) == (2, True)


def test_python_versions(found: list[packages.Package]) -> None:
    """The classifiers say which Pythons are supported."""
    assert packages.python_versions(found) == {f"3.{sys.version_info.minor}"}


def test_import_rules_follow_the_graph(found: list[packages.Package]) -> None:
    """Each package may import what it requires, nothing else of this repository."""
    rules = packages.import_rules(found)
    assert (
        'source_modules = ["sample_base"]\nforbidden_modules = ["sample_middle", "sample_other", "sample_top"]' in rules
    )
    assert 'source_modules = ["sample_top"]\nforbidden_modules = ["sample_other"]' in rules
    assert 'forbidden_modules = ["sample_middle", "sample_other", "sample_top"]' in rules
