"""Keeps load off machines that are not the caller's."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from ..exceptions import TargetError


def check_host(base_url: str, allowed: str | None) -> None:
    """Refuse a target that is not on this machine, unless its host is repeated.

    Only names that can be nothing else count as this machine: ``localhost`` and loopback addresses.

    Raises:
        TargetError: it is refused.
    """
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or _is_loopback(host) or (allowed or "").lower() == host:
        return
    if allowed:
        raise TargetError(f"--allow-remote names {allowed!r}, but the target is {host!r}; name the host that is meant")
    raise TargetError(
        f"{base_url} is not on this machine; load only what is yours to load, and then say so: --allow-remote {host}"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
