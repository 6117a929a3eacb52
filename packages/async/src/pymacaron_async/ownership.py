"""Whose a task is: only the user who started it may see it, and to everybody else it is not there.

Who asks is found out before any task is looked for, in the ways in which the asynchronous operations themselves are
secured. So a credential that is wrong is refused alike for every id, and no answer tells which ids there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request
from msgspec.structs import replace

from pymacaron.auth import get_userid
from pymacaron.authorization import authorizer
from pymacaron.binding import import_object
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
        self._ways: dict[object, Callable[[Incoming], object]] = {}
        for each in operations:
            operation = _without_scopes(each.operation)
            check = authorizer(operation, each.loaded.api.security_schemes)
            if check is not None:
                self._ways.setdefault((each.loaded.api.name, operation.security), check)
            if operation.decorate_server:
                self._ways.setdefault(operation.decorate_server, _by_decorator(operation.decorate_server))

    def user(self) -> str | None:
        """Return who makes the current request; None where it has no credential.

        Raises:
            RequestError: its credential is wrong.
        """
        made = MadeRequest(current_app._get_current_object(), request._get_current_object())  # type: ignore[attr-defined]  # of proxies
        incoming = FlaskIncoming(made, request.environ, {})
        failure: RequestError | None = None
        for check in self._ways.values():
            if get_userid() is not None:
                break  # the app itself may know, from a function before the request
            try:
                check(incoming)
            except AuthMissingHeaderError:
                continue
            except RequestError as error:
                failure = failure or error
        if failure is not None and get_userid() is None:
            raise failure
        return get_userid()


def may_see(record: Record, user: str | None) -> bool:
    """Tell whether a user may see a task: one that nobody owns is seen by whoever has its id."""
    return record.owner is None or record.owner == user


def _without_scopes(operation: Operation) -> Operation:
    """Return an operation that asks who calls, and not for what: a task stays its owner's."""
    security = tuple(tuple(Security(each.scheme) for each in alternative) for alternative in operation.security)
    return replace(operation, security=security)


def _by_decorator(path: str) -> Callable[[Incoming], object]:
    """Return what finds out who calls by ``x-decorate-server``, such as ``pymacaron.auth.requires_auth``."""
    decorated: Callable[[], object] = import_object(path, "x-decorate-server")(_nothing)
    return lambda incoming: decorated()


def _nothing(*_: object, **__: object) -> None:
    """Stand for a handler."""
