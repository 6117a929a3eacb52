"""The repository's own virtual environment."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tools import environment

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = '[dependency-groups]\nnox = ["nox>={version}"]\n'


class Steps:
    """Stand in for what takes the network, and keep a record of it."""

    def __init__(self) -> None:
        self.installed: list[list[str]] = []
        self.interrupt = False

    def create(self, folder: Path) -> None:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / "python").touch()

    def install(self, _python: Path, wanted: list[str]) -> None:
        if self.interrupt:
            raise KeyboardInterrupt
        self.installed.append(wanted)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    taken = Steps()
    monkeypatch.setattr(environment, "_create", taken.create)
    monkeypatch.setattr(environment, "_install", taken.install)
    return taken


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format(version=1))
    return tmp_path


def test_second_run_installs_nothing(root: Path, steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """One line tells of the set-up; a warm run is silent."""
    assert environment.ensure(root) == root / ".venv" / "bin" / "python"
    assert capsys.readouterr().out == "setting up .venv\n"
    environment.ensure(root)
    assert capsys.readouterr().out == ""
    assert steps.installed == [["nox>=1"]]


def test_other_requirements_are_installed(root: Path, steps: Steps) -> None:
    """The stamp is of the requirements."""
    environment.ensure(root)
    (root / "pyproject.toml").write_text(PYPROJECT.format(version=2))
    environment.ensure(root)
    assert steps.installed == [["nox>=1"], ["nox>=2"]]


def test_interrupted_set_up_is_not_trusted(root: Path, steps: Steps) -> None:
    """What an interrupted run left is made anew, even where it replaced a good environment."""
    environment.ensure(root)
    (root / "pyproject.toml").write_text(PYPROJECT.format(version=2))
    steps.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        environment.ensure(root)
    steps.interrupt = False
    (root / "pyproject.toml").write_text(PYPROJECT.format(version=1))
    environment.ensure(root)
    assert steps.installed == [["nox>=1"], ["nox>=1"]]


def test_environment_whose_python_is_gone_is_made_anew(root: Path, steps: Steps) -> None:
    """A Python that was uninstalled leaves a dangling link behind."""
    python = environment.ensure(root)
    python.unlink()
    python.symlink_to(root / "nowhere")
    environment.ensure(root)
    assert len(steps.installed) == 2


def test_two_at_once_install_once(root: Path, steps: Steps) -> None:
    """The second waits for the first, then finds everything done."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(environment.ensure, [root, root]))
    assert len(steps.installed) == 1


def test_real_steps(tmp_path: Path) -> None:
    """The environment is a working one, made from the base interpreter, with nothing from the outside."""
    environment._create(tmp_path / "env")
    config = (tmp_path / "env" / "pyvenv.cfg").read_text()
    assert f"home = {sys.base_prefix}" in config
    assert "include-system-site-packages = false" in config
    with pytest.raises(environment.SetupError, match="could not install nox"):
        environment._install(tmp_path / "env" / "bin" / "python", ["--no-index", "a-package-that-is-nowhere"])
