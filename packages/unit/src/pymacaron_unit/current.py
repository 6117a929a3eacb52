"""The channel to the service that this process tests: the pytest plugin's, else one to ``PYM_SERVER_HOST``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .channel import Channel
from .exceptions import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable

_open: list[Callable[[], Channel]] = []
_from_environment: dict[str, Channel] = {}


def use(opener: Callable[[], Channel]) -> None:
    """Take the function that gives the channel; the last one given counts."""
    _open.append(opener)


def forget(opener: Callable[[], Channel]) -> None:
    """Take a function of :func:`use` back; one that is not there is no error."""
    if opener in _open:
        _open.remove(opener)


def current_channel() -> Channel:
    """Return the channel to the service under test.

    Raises:
        TargetError: nothing says where the service is.
    """
    if _open:
        return _open[-1]()
    url = url_from_environment()
    if url is None:
        raise TargetError(
            "nothing says where the service under test is; set PYM_SERVER_HOST and PYM_SERVER_PORT, or run the tests"
            " with pytest --pym-target app|URL|FOLDER|IMAGE, or with pym test"
        )
    if url not in _from_environment:
        from .targets import open_target

        target = open_target(url)
        target.start()
        _from_environment[url] = Channel(target)
    return _from_environment[url]


def url_from_environment() -> str | None:
    """Return the URL that ``PYM_SERVER_HOST`` and ``PYM_SERVER_PORT`` make; None where there is no host.

    Port 443 means https, unless the host names a scheme itself.
    """
    host = os.environ.get("PYM_SERVER_HOST", "").strip().rstrip("/")
    port = os.environ.get("PYM_SERVER_PORT", "").strip()
    if not host:
        return None
    scheme, mark, name = host.rpartition("://")
    scheme = scheme if mark else "https" if port == "443" else "http"
    return f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"
