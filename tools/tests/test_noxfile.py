"""The sessions: what there is, and that a new package is in all of them by its folder alone."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tools import packages
from tools.tests.samples import ROOT, add_package, clone, commit, git, nox

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MINOR = f"3.{sys.version_info.minor}"


def sessions(root: Path) -> dict[str, str]:
    """Return the description of each session that `nox --list` shows."""
    done = nox(root, "--list")
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"(?m)^[*-] (\S+)(?: -> (.*))?$", done.stdout))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one package, into which another comes: only its folder is added."""
    folder = clone(tmp_path)
    add_package(folder, "base")
    commit(folder)
    add_package(folder, "new", "sample-base>=0.1,<0.2")
    commit(folder)
    return folder


def test_every_session_says_what_it_does() -> None:
    """The docstrings are the help."""
    listed = sessions(ROOT)
    kinds = {re.split(r"[(-]", name)[0] for name in listed}
    assert kinds >= {"dev", "lint", "typing", "docs", "tools", "tests", "minimums", "build", "dist", "serve", "release"}
    assert [name for name, description in listed.items() if not description] == []


def test_new_package_is_listed(root: Path) -> None:
    """Tests, lowest versions and releases have it by name."""
    assert sessions(root).keys() >= {
        "tests(new)",
        f"tests-{MINOR}(new)",
        f"tests-{MINOR}(base)",
        "minimums(new)",
        "release(new)",
        "release(base)",
    }


def test_package_without_code_is_in_no_session(root: Path) -> None:
    """A folder that only reserves a name can't be released by mistake."""
    (root / "packages" / "new" / "src" / "sample_new" / "__init__.py").unlink()
    assert [name for name in sessions(root) if "new" in name] == []


def test_new_package_is_tested_and_built(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests run, its wheel lies in dist/, its code is checked for style and imports."""
    monkeypatch.setenv("PYTHONPATH", f"{root}/packages/base/src:{root}/packages/new/src")
    done = nox(root, "--no-venv", "--session", "lint", "tests", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "packages/new/tests" in done.stderr
    assert done.stdout.count("1 passed") == 2
    assert "Contracts: 1 kept, 0 broken" in done.stdout
    assert "built and checked sample_new-0.1.0-py3-none-any.whl" in done.stdout
    assert (root / "dist" / "sample_new-0.1.0.tar.gz").exists()


def test_new_package_is_linted(root: Path) -> None:
    """An import against the graph is found: base does not require new."""
    module = root / "packages" / "base" / "src" / "sample_base" / "__init__.py"
    module.write_text('"""A package of a test."""\n\nimport sample_new as sample_new\n')
    done = nox(root, "--no-venv", "--session", "lint")
    assert done.returncode == 1
    assert "base imports no package that it does not require BROKEN" in done.stdout


def test_new_package_keeps_layers_of_its_own(root: Path) -> None:
    """A file of contracts in its folder is enough."""
    (root / "packages" / "new" / "importlinter.toml").write_text(
        '[tool.importlinter]\nroot_package = "sample_new"\ninclude_external_packages = true\n'
        '[[tool.importlinter.contracts]]\nname = "no json"\ntype = "forbidden"\n'
        'source_modules = ["sample_new"]\nforbidden_modules = ["json"]\n'
    )
    module = root / "packages" / "new" / "src" / "sample_new" / "__init__.py"
    module.write_text('"""A package of a test."""\n\nimport json as json\n')
    done = nox(root, "--no-venv", "--session", "lint")
    assert "no json BROKEN" in done.stdout, done.stdout + done.stderr


def test_new_package_is_released(root: Path) -> None:
    """The session makes commit, tag and files, and says that a person pushes."""
    done = nox(root, "--no-venv", "--session", "release(new)", "--", "minor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "made new-v0.2.0; when it is right: git push --follow-tags" in done.stdout
    assert git(root, "tag") == "new-v0.2.0"
    assert (root / "dist" / "sample_new-0.2.0-py3-none-any.whl").exists()


def test_release_that_fails_fails_the_session(root: Path) -> None:
    """Without a word which part to raise nothing is done."""
    done = nox(root, "--no-venv", "--session", "release(new)")
    assert done.returncode == 1
    assert "PACKAGE major|minor|patch" in done.stdout + done.stderr
    assert git(root, "tag") == ""


class Session:
    """A session as the noxfile's `install` sees it: a folder, and pip."""

    venv_backend = "virtualenv"

    def __init__(self, folder: Path) -> None:
        self.env_dir = folder
        self.installed: list[object] = []
        self.answer: bool | None = True

    def run_install(self, *command: str) -> bool | None:
        self.installed.append(command)
        return self.answer


@pytest.fixture
def session(tmp_path: Path) -> Session:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("version = 3.11.2\n")
    return Session(tmp_path / "env")


@functools.cache
def load() -> ModuleType:
    """Load the noxfile as a module; once, because nox knows each session by its name."""
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def noxfile(monkeypatch: pytest.MonkeyPatch, root: Path) -> ModuleType:
    """The noxfile, at work on the repository `root`; it only notes when it would empty an environment."""
    module = load()
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "empty", lambda session: session.installed.append("emptied"))
    return module


def test_warm_environment_is_left_alone(noxfile: ModuleType, session: Session) -> None:
    """The same ingredients again: no pip at all."""
    noxfile.install(session, "-e", str(noxfile.ROOT / "packages" / "base"), "pytest")
    noxfile.install(session, "-e", str(noxfile.ROOT / "packages" / "base"), "pytest")
    assert len(session.installed) == 1


def test_changed_ingredients_start_from_an_empty_environment(noxfile: ModuleType, session: Session) -> None:
    """Other requirements, another pyproject.toml of an installed package, another Python."""
    base = noxfile.ROOT / "packages" / "base"
    noxfile.install(session, "-e", str(base), "pytest")
    noxfile.install(session, "-e", str(base), "pytest>=9")
    assert session.installed[1] == "emptied"
    assert len(session.installed) == 3
    (base / "pyproject.toml").write_text((base / "pyproject.toml").read_text().replace("0.1.0", "0.1.1"))
    noxfile.install(session, "-e", str(base), "pytest>=9")
    assert len(session.installed) == 5
    (session.env_dir / "pyvenv.cfg").write_text("version = 3.12.1\n")
    noxfile.install(session, "-e", str(base), "pytest>=9")
    assert len(session.installed) == 7
    (noxfile.ROOT / "packages" / "new" / "pyproject.toml").write_text("")
    noxfile.install(session, "-e", str(base), "pytest>=9")
    assert len(session.installed) == 7


def test_install_that_did_not_happen_is_not_trusted(noxfile: ModuleType, session: Session) -> None:
    """Neither one that failed half-way nor one that `nox -R` left out."""
    session.answer = None
    noxfile.install(session, "pytest")
    session.answer = True
    noxfile.install(session, "pytest")
    assert [command for command in session.installed if command == "emptied"] == ["emptied"]
    noxfile.install(session, "pytest")
    assert len(session.installed) == 3


def test_extras_are_installed_too(noxfile: ModuleType, session: Session) -> None:
    """Tests have all extras of a package; the lowest versions are those of the extras too, in place of the tests'."""
    add_package(
        noxfile.ROOT, "rich", "pytest>=8.3", fast=["sample-base>=0.1,<0.2", "click>=8.1"], wide=["click>=8.2,<9"]
    )
    found = packages.find(noxfile.ROOT)
    rich = found[-1]
    assert noxfile.editable([rich]) == ["-e", f"{rich.folder}[fast,wide]"]
    assert noxfile.editable([rich], extras=False) == ["-e", str(rich.folder)]
    assert noxfile.lowest_of(rich, ["sample-base", "sample-new", "sample-rich"], ["pytest>=9", "requests>=2"]) == [
        "pytest==8.3", "click==8.2", "requests>=2",
    ]  # fmt: skip
    noxfile.install(session, *noxfile.editable([rich]))
    (rich.folder / "pyproject.toml").write_text((rich.folder / "pyproject.toml").read_text().replace("0.1.0", "0.1.1"))
    noxfile.install(session, *noxfile.editable([rich]))
    assert session.installed[1] == "emptied"
