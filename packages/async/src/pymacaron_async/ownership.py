"""Whose a task is: only the user who started it may see it, and to everybody else it is not there.

Who asks is found out before any task is looked for, in the ways in which the asynchronous operations themselves are
secured. So a credential that is wrong is refused alike for every id, and no answer tells which ids there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request
from msgspec.structs import replace

from pymacaron.auth import find_token, get_userid, load_auth_token, set_principal
from pymacaron.authorization import authorizer
from pymacaron.contract import Security
from pymacaron.exceptions import AuthMissingHeaderError, RequestError
from pymacaron.flaskapp.incoming import FlaskIncoming, MadeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymacaron.contract import Operation
    from pymacaron.messages import Incoming

    from .operations import AsyncOperation
    from .store import Record


class Ownership:
    """Knows who asks.

    Args:
        operations: the asynchronous ones of the app.
    """

    def __init__(self, operations: Iterable[AsyncOperation]) -> None:
        self._ways: list[Callable[[Incoming], None]] = []
        known = set()
        for each in operations:
            operation = _without_scopes(each.operation)
            key = (each.loaded.api.name, operation.security)
            check = authorizer(operation, each.loaded.api.security_schemes)
            if check is not None and key not in known:
                known.add(key)
                self._ways.append(check)
            # It may verify a token by itself, as pymacaron.auth.requires_auth does.
            if operation.decorate_server and _verify_token not in self._ways:
                self._ways.append(_verify_token)

    def user(self) -> str | None:
        """Return who makes the current request; None where it has no credential.

        Raises:
            RequestError: its credential is wrong.
        """
        made = MadeRequest(current_app._get_current_object(), request._get_current_object())  # type: ignore[attr-defined]  # of proxies
        incoming = FlaskIncoming(made, request.environ, {})
        failure: RequestError | None = None
        for check in self._ways:
            try:
                check(incoming)
            except AuthMissingHeaderError:
                continue
            except RequestError as error:
                failure = failure or error
            else:
                if get_userid() is not None:
                    return get_userid()
        if failure is not None:
            raise failure
        return None


def may_see(record: Record, user: str | None) -> bool:
    """Tell whether a user may see a task: one that nobody owns is seen by whoever has its id."""
    return record.owner is None or record.owner == user


def _without_scopes(operation: Operation) -> Operation:
    """Return an operation that asks who calls, and not for what: a task stays its owner's."""
    security = tuple(tuple(Security(each.scheme) for each in alternative) for alternative in operation.security)
    return replace(operation, security=security)


def _verify_token(incoming: Incoming) -> None:
    header = incoming.header("Authorization")
    set_principal(load_auth_token(find_token(header, None if header else incoming.cookies().get("token"))))
