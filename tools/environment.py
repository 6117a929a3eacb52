"""The repository's own virtual environment, `.venv`: it holds nox, which makes all others."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

from tools import stamps

if TYPE_CHECKING:
    from pathlib import Path


class SetupError(Exception):
    """The environment can't be made; the message says what to do."""


def ensure(root: Path) -> Path:
    """Return the Python of an up-to-date `.venv`, made now unless the last one is still right."""
    wanted = requirements(root)
    value = stamps.digest([str(root), *wanted])
    folder = root / ".venv"
    python, stamp = folder / "bin" / "python", folder / "installed"
    with stamps.locked(root / ".venv.lock"):
        if not (python.exists() and stamps.is_current(stamp, value)):
            check_modules()
            print("setting up .venv", flush=True)
            stamp.unlink(missing_ok=True)
            _create(folder)
            _install(python, wanted)
            stamps.write(stamp, value)
    return python


def requirements(root: Path) -> list[str]:
    """Return what goes into `.venv`: the dependency group `nox` of the root's pyproject.toml."""
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    return [str(requirement) for requirement in groups["nox"]]


def check_modules() -> None:
    """Refuse a Python whose packager left out what makes virtual environments."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"{sys.executable} has no module {' or '.join(missing)}; install it (Debian, Ubuntu: "
            f"apt install python{sys.version_info.major}.{sys.version_info.minor}-venv) or use another Python"
        )


def _create(folder: Path) -> None:
    # The base interpreter, because the running one may be that of the very folder which is cleared.
    base = getattr(sys, "_base_executable", None) or sys.executable
    _run([base, "-m", "venv", "--clear", str(folder)], "make .venv")


def _install(python: Path, wanted: list[str]) -> None:
    _run([str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted], "install nox")


def _run(command: list[str], purpose: str) -> None:
    status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise SetupError(f"could not {purpose}: `{' '.join(command)}` ended with status {status}, see above")
