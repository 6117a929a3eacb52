"""How large a test of faults is: small in the normal suite, in full size in `nox -s soak`."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

IS_SOAK = bool(os.environ.get("PYM_TEST_SOAK"))


def scaled(normal: T, soak: T) -> T:
    """Return one of two numbers."""
    return soak if IS_SOAK else normal
