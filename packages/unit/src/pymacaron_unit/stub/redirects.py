"""Where the service under test finds the services that it calls: the key ``services`` of its configuration."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pymacaron.config import get_config

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()


@contextmanager
def redirected(name: str, url: str) -> Iterator[None]:
    """Send the calls of this process to an API to another URL; what was configured counts again afterwards."""
    with _lock:
        config = get_config()
        before: dict[str, Any] | None = config.values.get("services")
        config.values["services"] = {**(before or {}), name: url}
    try:
        yield
    finally:
        with _lock:
            _restore(config.values, name, before)


def _restore(values: dict[str, Any], name: str, before: dict[str, Any] | None) -> None:
    """Take one service back, and leave those that others have set."""
    services = {key: url for key, url in (values.get("services") or {}).items() if key != name}
    if before is not None and name in before:
        services[name] = before[name]
    if services or before is not None:
        values["services"] = services
    else:
        values.pop("services", None)
