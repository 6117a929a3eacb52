"""A real browser for tests."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium, with a profile of its own."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("PYM_TEST_NO_SYSTEM") == "1":
            pytest.skip("needs Debian's chromium, and PYM_TEST_NO_SYSTEM=1 leaves such tests out")
        pytest.fail("there is no chromium; install it with: sudo apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield started
        started.close()
