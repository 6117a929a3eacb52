"""Try wheels in a clean virtual environment, away from this repository.

python -m tools.cleanroom WHEELS PACKAGE ... [--bare] --smoke-with REQUIREMENT ...

With all extras, and then the smoke tests run too; with --bare as a plain `pip install` leaves it: what needs an extra
is missing, so that only imports and entry points are tried.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools import packages, wheels

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


class CleanroomError(Exception):
    """A wheel does not work where nothing else is installed."""


def install(built: Sequence[Path], chosen: Sequence[packages.Package], folder: Path, *, extras: bool = True) -> Path:
    """Install wheels into a new environment in `folder`, import each, load every entry point; return its Python.

    Of this repository only these wheels are installed; whatever else they require comes from pip's indexes.
    """
    environment = folder / "environment"
    _run([sys.executable, "-m", "venv", str(environment)], folder)
    python = environment / "bin" / "python"
    paths = [packages.with_extras(*pair) for pair in zip(built, chosen, strict=True)] if extras else map(str, built)
    _run([str(python), "-m", "pip", "install", "-qq", *paths], folder)
    _run([str(python), "-m", "pip", "check"], folder)
    pairs = [text for package in chosen for text in (package.distribution, package.import_name)]
    _run([str(python), "-I", str(Path(__file__).with_name("installed.py")), *pairs], folder)
    return python


def smoke(python: Path, chosen: Sequence[packages.Package], folder: Path, requirements: Sequence[str]) -> None:
    """Run the smoke tests of the packages from a copy of their tests, so that no `src` can be imported."""
    _run([str(python), "-m", "pip", "install", "-qq", *requirements], folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in chosen:
        tests = folder / package.name / "tests"
        shutil.copytree(package.tests, tests, ignore=shutil.ignore_patterns("__pycache__"))
        _run([str(python), "-m", "pytest", "-q", "-m", "smoke", "-c", "pyproject.toml", str(tests)], folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CleanroomError(f"`{' '.join(command)}` ended with status {done.returncode}:\n{done.stdout}{done.stderr}")


def main(arguments: Sequence[str]) -> int:
    """Answer the command line in this module's docstring."""
    parser = argparse.ArgumentParser(prog="tools/cleanroom.py")
    parser.add_argument("wheels", type=Path)
    parser.add_argument("package", nargs="+")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--smoke-with", nargs="*", default=[], metavar="REQUIREMENT")
    options = parser.parse_args(arguments)
    chosen = [package for package in packages.find(ROOT) if package.name in options.package]
    built = [wheels.wheel_path(package, options.wheels.resolve()) for package in chosen]
    try:
        with tempfile.TemporaryDirectory() as folder:
            python = install(built, chosen, Path(folder), extras=not options.bare)
            if not options.bare:
                smoke(python, chosen, Path(folder), options.smoke_with)
    except CleanroomError as error:
        print(f"tools/cleanroom.py: {error}", file=sys.stderr)
        return 1
    print(f"work from their wheels{' without extras' if options.bare else ''}: {', '.join(options.package)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
