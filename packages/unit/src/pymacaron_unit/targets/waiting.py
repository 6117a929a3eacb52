"""Waiting until a service answers."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import requests

from ..exceptions import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .target import Target

PATIENCE = 60.0
_PAUSE = 0.05
_ONE_CALL = 5.0


def wait_for_ping(target: Target, within: float = PATIENCE, check: Callable[[], None] = lambda: None) -> None:
    """Return when ``GET /ping`` is answered by any status below 500 (a service without that path is up as well).

    Args:
        target: what is waited for.
        within: seconds.
        check: called between two tries; raises where waiting is in vain.

    Raises:
        TargetError: it was not answered in time.
    """
    until = time.monotonic() + within
    while True:
        seen = _ping(target)
        check()
        if seen is None:
            return
        if time.monotonic() >= until:
            raise TargetError(f"{target.base_url}/ping was not answered within {within:.0f} s: {seen}")
        time.sleep(_PAUSE)


def _ping(target: Target) -> str | None:
    """Return why the target is not up; None where it is."""
    try:
        with target.session().get(f"{target.base_url}/ping", timeout=_ONE_CALL, allow_redirects=False) as answer:
            if answer.status_code < 500:
                return None
            return f"the last answer was {answer.status_code}: {' '.join(answer.text.split())[:300]}"
    except requests.exceptions.SSLError as error:
        raise TargetError(f"{target.base_url}: {_tls_cause(error)}; --no-ssl-check takes any certificate") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema):
        raise TargetError(f"{target.base_url} is no URL of a server; write http://HOST:PORT or https://HOST") from None
    except requests.RequestException as error:
        return _cause(error)


def _tls_cause(error: BaseException) -> str:
    """Return what a TLS library says, such as "certificate verify failed: self-signed certificate"."""
    found = re.search(r"\[SSL[^]]*\] ([^(]+) \(_ssl", str(error))
    return found[1] if found else str(error)


def _cause(error: BaseException) -> str:
    """Return the innermost reason of an error of `requests`, such as "Connection refused"."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return str(reason or error).rpartition(": ")[2]
