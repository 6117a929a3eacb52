"""Every fault of a contract, each with its place and its mend: what ``pym check`` lists."""

from __future__ import annotations

from .checking import check
from .finding import RULES, Finding

__all__ = ["RULES", "Finding", "check"]
