"""The lowest version that a requirement allows."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version


class MinimumError(Exception):
    """A requirement has no lowest version."""


def pin(requirement: str) -> str:
    """Pin a requirement to the lowest version in its range: `flask>=3.0.3,<4` → `flask==3.0.3`."""
    parsed = Requirement(requirement)
    bounds = [Version(each.version) for each in parsed.specifier if each.operator in (">=", "~=", "==")]
    if not bounds:
        raise MinimumError(f"{requirement!r} has no lower bound; write one, as in {parsed.name}>=1.2")
    parsed.specifier = SpecifierSet(f"=={max(bounds)}")
    return str(parsed)
