"""OpenAPI documents into contracts, the faults of documents, and the cache of what was read.

The readers are imported when they are first asked for: a start from the cache needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cache import cache_folder, load_contract, warm
from .files import find_contracts

if TYPE_CHECKING:
    from .reading import describe_place, read_contract

__all__ = ["cache_folder", "describe_place", "find_contracts", "load_contract", "read_contract", "warm"]


def __getattr__(name: str) -> Any:
    if name in ("describe_place", "read_contract"):
        from . import reading

        return getattr(reading, name)
    raise AttributeError(name)
