"""Clients of other services: the same contract and codecs, in the other direction."""

from __future__ import annotations

from .client import ApiClient, ClientMethod, ClientSettings, load_client

__all__ = ["ApiClient", "ClientMethod", "ClientSettings", "load_client"]
