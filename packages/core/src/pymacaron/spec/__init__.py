"""OpenAPI documents into contracts, the faults of documents, and the cache of what was read."""

from __future__ import annotations

from .cache import cache_folder, load_contract, warm
from .reading import describe_place, find_contracts, read_contract

__all__ = ["cache_folder", "describe_place", "find_contracts", "load_contract", "read_contract", "warm"]
