"""The lowest versions that requirements allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable


class MinimumError(Exception):
    """A requirement has no lowest version."""


def pins(requirements: Iterable[str]) -> list[str]:
    """Pin each distribution once, to the lowest version that all requirements on it allow."""
    merged: dict[tuple[str, str], Requirement] = {}
    for parsed in map(Requirement, requirements):
        known = merged.setdefault((canonicalize_name(parsed.name), str(parsed.marker)), parsed)
        known.specifier &= parsed.specifier
        known.extras |= parsed.extras
    return [pin(str(requirement)) for requirement in merged.values()]


def pin(requirement: str) -> str:
    """Pin a requirement to the lowest version in its range: `flask>=3.0.3,<4` → `flask==3.0.3`."""
    parsed = Requirement(requirement)
    bounds = [Version(each.version) for each in parsed.specifier if each.operator in (">=", "~=", "==")]
    if not bounds:
        raise MinimumError(f"{requirement!r} has no lower bound; write one, as in {parsed.name}>=1.2")
    parsed.specifier = SpecifierSet(f"=={max(bounds)}")
    return str(parsed)
