"""Commands of this package, run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service import PETS_SERVICE, make_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 60.0
PYMTEST = [sys.executable, "-c", "import sys; from pymacaron_unit.cli import pymtest; sys.exit(pymtest())"]

# Of all plugins that are installed, these runs need one; the others cost each run seconds.
ONE_PLUGIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pymacaron_unit.pytest_plugin"}

# What the tests of services write down is found by ours.
SEEN = """
    import json, os
    from pathlib import Path

    def test_seen(api):
        assert api.get("/ping").status == 200
        seen = {name: value for name, value in os.environ.items() if name.startswith("PYM_")}
        Path("seen.json").write_text(json.dumps({**seen, "url": api.url}))
        print("printed by a test")
"""


def make_suite(folder: Path, tests: str = SEEN, config: str = "name: pets\n") -> Path:
    """Write a pets service with a test."""
    return make_service(folder, {**PETS_SERVICE, "pym-config.yaml": config, "tests/test_pets.py": tests})


def pymtest(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``pymtest`` in a folder."""
    return subprocess.run(
        [*PYMTEST, *arguments],
        cwd=folder,
        env={**os.environ, **ONE_PLUGIN, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``pymtest`` in a folder beside a ``with`` block."""
    process = subprocess.Popen(
        [*PYMTEST, *arguments],
        cwd=folder,
        env={**os.environ, **ONE_PLUGIN},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait for something, with a bound."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)
