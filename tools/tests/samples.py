"""Small repositories to try the tools on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]

# What a repository of this kind consists of besides its packages.
SHARED = (".gitignore", "LICENSE", "noxfile.py", "pyproject.toml", "tools")

PYPROJECT = """\
[build-system]
requires = ["poetry-core>=2.0,<3"]
build-backend = "poetry.core.masonry.api"

[project]
name = "{distribution}"
version = "{version}"
description = "A package of a test."
requires-python = ">=3.11"
classifiers = [{classifiers}]
dependencies = {dependencies}
{extras}
[tool.poetry]
packages = [{{ include = "{import_name}", from = "src" }}]
"""

TEST = '''\
"""Try the package."""

import pytest

import {import_name}


@pytest.mark.smoke
def test_docstring() -> None:
    """The package says what it is."""
    assert {import_name}.__doc__
'''


def add_package(root: Path, name: str, *requires: str, version: str = "0.1.0", **extras: Sequence[str]) -> Path:
    """Add the package `sample-<name>` in a folder of its own, with code, a test and a changelog fragment.

    `extras` are requirements by the name of the extra that has them.
    """
    folder = root / "packages" / name
    names = {"distribution": f"sample-{name}", "import_name": f"sample_{name}", "version": version}
    running = f'"Programming Language :: Python :: {sys.version_info.major}.{sys.version_info.minor}"'
    table = "".join(f"{extra} = {json.dumps(lines)}\n" for extra, lines in extras.items())
    optional = f"\n[project.optional-dependencies]\n{table}" if extras else ""
    _write(
        folder / "pyproject.toml",
        PYPROJECT.format(**names, classifiers=running, dependencies=json.dumps(requires), extras=optional),
    )
    _write(folder / "src" / f"sample_{name}" / "__init__.py", '"""A package of a test."""\n')
    _write(folder / "src" / f"sample_{name}" / "py.typed", "")
    _write(folder / "tests" / f"test_{name}.py", TEST.format(**names))
    _write(folder / "changelog.d" / "+first.added.md", "What is new.\n")
    return folder


def clone(folder: Path) -> Path:
    """Copy what this repository's packages share into a new git repository, in which there is no package."""
    for name in SHARED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        else:
            shutil.copy(source, folder / name)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.org")
    git(folder, "config", "commit.gpgsign", "false")
    git(folder, "config", "tag.gpgsign", "false")
    return folder


def commit(folder: Path) -> str:
    """Commit everything and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def nox(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the nox of this environment on a repository; with --no-venv its sessions run in this environment too."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    command = [sys.executable, "-m", "nox", *arguments]
    return subprocess.run(command, cwd=root, env=plain(PATH=path), capture_output=True, text=True, check=False)


def plain(**variables: str) -> dict[str, str]:
    """Return the environment for a command whose output is read: none of the caller's settings, no colours."""
    ours = ("NOX", "PYM_TEST", "PYTEST", "FORCE_COLOR", "PY_COLORS", "CLICOLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "NO_COLOR": "1", **variables}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
