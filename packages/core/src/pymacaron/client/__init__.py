"""Clients of other services: the same contract and codecs, in the other direction."""

from __future__ import annotations

from .client import ApiClient, ClientSettings, load_client

__all__ = ["ApiClient", "ClientSettings", "load_client"]
