"""Who called whom: ``PymCallID`` and ``PymCallPath``, and W3C Trace Context beside them.

A call gets its id at the edge, a uuid4, and keeps it on every call that follows from it, in other services and in
asynchronous tasks. The path names the services it went through, such as ``public.user.login``.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import uuid4

from flask import g, has_app_context, has_request_context, request

ID_HEADER = "PymCallID"
PATH_HEADER = "PymCallPath"
TRACE_HEADERS = ("traceparent", "tracestate")

_MAX_LENGTH = 500


@dataclass(frozen=True)
class Call:
    """The call that is being served, or the one that a task follows from."""

    id: str
    path: str = ""
    traceparent: str | None = None
    tracestate: str | None = None


_outside: ContextVar[Call | None] = ContextVar("pymacaron_call", default=None)


def current_call() -> Call:
    """Return the call being served; it is made when first asked for."""
    found: Call | None = g.get("pym_call") if has_app_context() else _outside.get()
    if found is None:
        found = _from_request() if has_request_context() else Call(str(uuid4()))
        set_call(found)
    return found


def set_call(call: Call | None) -> None:
    """Continue another call, in the current request or context."""
    if has_app_context():
        g.pym_call = call
    else:
        _outside.set(call)


def _from_request() -> Call:
    headers = request.headers
    return Call(
        _clean(headers.get(ID_HEADER)) or str(uuid4()),
        _clean(headers.get(PATH_HEADER)) or "",
        _clean(headers.get("traceparent")),
        _clean(headers.get("tracestate")),
    )


def _clean(value: str | None) -> str | None:
    """Drop what would not be safe in a log or a header; what another service sends is not trusted."""
    if value is None:
        return None
    return "".join(c for c in value[:_MAX_LENGTH] if c.isprintable())


def outgoing_headers(service: str, operation: str) -> dict[str, str]:
    """Return the headers that let the next service continue the current call."""
    call = current_call()
    path = ".".join(part for part in (call.path, service, operation) if part)[-_MAX_LENGTH:]
    made = {ID_HEADER: call.id, PATH_HEADER: path}
    for name in TRACE_HEADERS:
        value = getattr(call, name)
        if value:
            made[name] = value
    return made


def enter(part: str) -> None:
    """Append a name to the path of the current call."""
    call = current_call()
    set_call(replace(call, path=f"{call.path}.{part}" if call.path else part))


def get_call_id() -> str:
    """Return the id of the current call."""
    return current_call().id


def get_call_path() -> str:
    """Return the path of the current call."""
    return current_call().path
