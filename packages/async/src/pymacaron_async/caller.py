"""Who called a task, carried to where it runs: the user and the token, the call's id and path, the trace."""

from __future__ import annotations

import logging

import msgspec

from pymacaron.auth import Principal, get_user_token, get_userid, load_auth_token, set_principal
from pymacaron.calls import Call, current_call, enter, set_call
from pymacaron.exceptions import AuthInvalidTokenError, AuthTokenExpiredError

log = logging.getLogger("pymacaron.async")


class Caller(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who called, and within which call.

    Attributes:
        user_id: who called; None where nobody was authenticated.
        token: the user's token, verified afresh where the task runs.
    """

    call_id: str
    call_path: str = ""
    traceparent: str | None = None
    tracestate: str | None = None
    user_id: str | None = None
    token: str | None = None


def current_caller() -> Caller:
    """Return who calls now."""
    call = current_call()
    return Caller(call.id, call.path, call.traceparent, call.tracestate, get_userid(), get_user_token() or None)


def become(caller: Caller, task: str) -> str:
    """Continue a caller's call in the current context; return what became of the token.

    Returns:
        ``valid``; ``none`` where the call had none (``get_userid()`` names the user all the same, where another
        credential told who it is); ``expired``: ``get_userid()`` still names the user, as the token was valid when the
        task was called, but neither token nor scopes are there; ``invalid``: nobody is the caller.
    """
    set_call(Call(caller.call_id, caller.call_path, caller.traceparent, caller.tracestate))
    enter(task)
    set_principal(None)
    if not caller.token:
        set_principal(Principal(caller.user_id) if caller.user_id is not None else None)
        return "none"
    try:
        set_principal(load_auth_token(caller.token))
    except AuthTokenExpiredError:
        set_principal(Principal(str(caller.user_id)))
        return "expired"
    except AuthInvalidTokenError as error:
        log.warning("the token of the call %s is no longer valid: %s", caller.call_id, error.message)
        return "invalid"
    return "valid"
