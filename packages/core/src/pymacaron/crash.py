"""Reports of what went wrong: every 5xx, calls that take too long, and what the service itself finds worth telling.

Reports go to the ``error_reporter`` given to ``API``, else to the log. Whatever a reporter raises is logged and goes
no further.
"""

from __future__ import annotations

import json
import logging
import platform
import time
import traceback
from typing import TYPE_CHECKING, Any

from flask import g, has_app_context, has_request_context, request

from .auth import get_userid
from .calls import current_call
from .config import get_config, is_secret
from .monitor import get_timings

if TYPE_CHECKING:
    from collections.abc import Callable

    Reporter = Callable[..., Any]

log = logging.getLogger("pymacaron.crash")

_reporters: list[Reporter] = []
_MASK = "***"


def set_error_reporter(reporter: Reporter | None) -> None:
    """Send reports to a function ``reporter(title=, data=, exception=)``; None sends them to the log."""
    _reporters[:] = [reporter] if reporter is not None else []


def report_error(title: str, data: Any = None, exception: BaseException | None = None) -> None:
    """Report a failure, with trace, timing, user, server and request; secrets are masked."""
    _send(title, {"level": "error", **_context(exception), **_given(data)}, exception)


def report_warning(title: str, data: Any = None) -> None:
    """Report something worth telling that is no failure; may be called from anywhere."""
    _send(title, {"level": "warning", **_context(None), **_given(data)}, None)


def report_once(title: str, exception: BaseException, error_id: str) -> None:
    """Report the failure behind an error response, unless the same request reported the same exception before."""
    reported: list[BaseException] = g.setdefault("pym_reported", [])
    if not any(exception is other for other in reported):
        reported.append(exception)
        _send(title, {"level": "error", "error_id": error_id, **_context(exception)}, exception)


def _given(data: Any) -> dict[str, Any]:
    return {} if data is None else {"data": mask(data)}


def _send(title: str, data: dict[str, Any], exception: BaseException | None) -> None:
    if not _reporters:
        _log(title, data, exception)
        return
    try:
        _reporters[0](title=title, data=data, exception=exception)
    except Exception:  # a reporter must never turn an error into another one
        log.exception("the error_reporter failed on: %s", title)


def _log(title: str, data: dict[str, Any], exception: BaseException | None) -> None:
    """Log a report: the trace as a trace, the rest as JSON on one line."""
    shown = {key: value for key, value in data.items() if key not in ("trace", "level")}
    text = json.dumps(shown, default=str, ensure_ascii=False)
    log.log(logging.ERROR if data["level"] == "error" else logging.WARNING, "%s %s", title, text, exc_info=exception)


def _context(exception: BaseException | None) -> dict[str, Any]:
    config = get_config()
    made: dict[str, Any] = {"server": {"name": config.get("name"), "env": config.env, "host": platform.node()}}
    if exception is not None:
        made["trace"] = traceback.format_exception(exception)
    if has_app_context():
        call = current_call()
        made["user"] = get_userid()
        made["call"] = {"id": call.id, "path": call.path}
        if "pym_started" in g:
            made["elapsed_ms"] = round((time.perf_counter() - g.pym_started) * 1000, 3)
        made["timings"] = get_timings()
    if has_request_context():
        made["request"] = {
            "method": request.method,
            "path": request.path,
            "query": mask({k: v if len(v) > 1 else v[0] for k, v in request.args.lists()}),
            "headers": mask(dict(request.headers)),
            "remote_addr": request.remote_addr,
        }
    return made


def mask(data: Any) -> Any:
    """Return a copy in which values under names that tell of a secret are replaced."""
    if isinstance(data, dict):
        return {k: _MASK if is_secret(str(k)) and v is not None else mask(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [mask(item) for item in data]
    return data
