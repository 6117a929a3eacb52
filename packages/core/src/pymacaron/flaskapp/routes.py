"""Operations on a Flask app: handlers found, decorated and bound to routes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, has_request_context, request
from werkzeug.wrappers import Response as AnyResponse

from pymacaron.authorization import authorizer
from pymacaron.binding import import_object
from pymacaron.contract import TEMPLATE
from pymacaron.crash import report_error, report_warning
from pymacaron.exceptions import BindError, StartError
from pymacaron.messages import Settings
from pymacaron.operation import BoundOperation
from pymacaron.plugins import WrapOperationContext
from pymacaron.pool import apipool

from .incoming import FlaskIncoming, Holder, MadeRequest
from .rules import lazy_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flask import Flask
    from werkzeug.routing import Rule

    from pymacaron.codec.types import Types
    from pymacaron.config import Config
    from pymacaron.contract import Api, Operation
    from pymacaron.messages import Outgoing
    from pymacaron.plugins import Plugins
    from pymacaron.pool import LoadedApi


@dataclass(eq=False, slots=True)
class Route:
    """An operation on the app.

    Args:
        endpoint: its name in Flask.
        method: its HTTP method.
        names: its path's parameters by the names of the rule's variables.
        view: what Flask calls for it.
        serve: what ``view`` does, up to the response's own object.
        rule: of the app's map; the contract lane sets it.
    """

    endpoint: str
    method: str
    names: Mapping[str, str]
    view: Callable[..., Any]
    serve: Callable[[Holder, dict[str, Any], dict[str, str]], Any]
    rule: Rule | None = None


class Routes:
    """Binds the operations of several contracts to one app."""

    def __init__(self, app: Flask, config: Config, plugins: Plugins) -> None:
        self.app = app
        self.config = config
        self.plugins = plugins
        self.settings = Settings(config.strict_query, config.max_json_depth, config.max_errors)
        self.taken: dict[tuple[str, str], Operation] = {}
        self.bound: list[tuple[str, str, BoundOperation]] = []
        self.served: list[Route] = []

    def add_api(self, api: Api, types: Types, handlers: Mapping[str, Callable[..., Any]] | None = None) -> None:
        """Bind all operations of a contract.

        Args:
            api: the contract.
            types: its types.
            handlers: functions by operation, for contracts that come with their own.

        Raises:
            BindError: an operation has no handler, or its route is taken.
        """
        prefix = "" if self.config.ignore_base_path else api.base_path
        for operation in api.operations:
            if operation.handler is None:
                continue
            path = prefix + operation.path
            self._claim(path, operation)
            given = handlers.get(operation.name) if handlers else None
            try:
                bound = self._bind(api, types, operation, given or self._handler(operation))
            except StartError as error:
                where = _place(operation)
                raise BindError(f"{where}: the operation {operation.name!r}: {error}") from error
            self.bound.append((operation.method, path, bound))
            self._route(api, path, bound)

    def _claim(self, path: str, operation: Operation) -> None:
        """Refuse two operations on one route; templates are one route whatever their parameters are called."""
        key = (operation.method, _shape(path))
        other = self.taken.setdefault(key, operation)
        if other is not operation:
            raise BindError(
                f"{_place(operation)}: {operation.name!r} claims {operation.method} {path}, which"
                f" {other.name!r} at {_place(other)} has; change one of the paths"
            )

    def _handler(self, operation: Operation) -> Callable[..., Any]:
        """Import the function that an operation is bound to."""
        path = operation.handler
        if not path:
            raise BindError(
                "it is bound to nothing; add x-bind-server: package.module.function, or x-no-bind-server: true"
            )
        found = import_object(path if "." in path else f"{self.config.handlers}.{path}", "x-bind-server")
        if not callable(found):
            kind = type(found).__name__
            raise BindError(f"it is bound to {path}, which is a {kind} and cannot be called; bind it to a function")
        handler: Callable[..., Any] = found
        return handler

    def _bind(self, api: Api, types: Types, operation: Operation, handler: Callable[..., Any]) -> BoundOperation:
        if operation.decorate_server:
            handler = import_object(operation.decorate_server, "x-decorate-server")(handler)
        if self.plugins.implements("wrap_operation"):
            handler = self.plugins.call("wrap_operation", WrapOperationContext(api.name, operation, handler)).handler
        handler = self.app.ensure_sync(handler)
        authorize = authorizer(operation, api.security_schemes)
        return BoundOperation(types, operation, handler, authorize, passes, self.settings)

    def _route(self, api: Api, path: str, bound: BoundOperation) -> None:
        rule, names = flask_rule(path)
        slow_ms = self.config.get("report_call_exceeding_ms")

        def serve(holder: Holder, environ: dict[str, Any], path_args: dict[str, str]) -> Any:
            result = bound.run(FlaskIncoming(holder, environ, path_args))
            if slow_ms is not None:
                report_if_slow(bound.operation, slow_ms)
            return result

        def view(**values: str) -> Any:
            g.pym_started = time.perf_counter()
            made = MadeRequest(self.app, request._get_current_object())  # type: ignore[attr-defined]  # of a proxy
            result = serve(made, request.environ, {names[key]: value for key, value in values.items()})
            return result if passes(result) else to_response(result)

        endpoint = _endpoint(api, bound.operation)
        # Extensions tell views apart by their names.
        view.__name__ = view.__qualname__ = endpoint
        with lazy_rules(self.app):
            self.app.add_url_rule(rule, endpoint, view, methods=[bound.operation.method])
        self.served.append(Route(endpoint, bound.operation.method, names, view, serve))

    def compile(self) -> None:
        """Build every decoder and encoder now instead of with the first requests."""
        for _, _, bound in self.bound:
            bound.compile()


def _endpoint(api: Api, operation: Operation) -> str:
    return f"{api.name}:{operation.name}"


def current_operation() -> tuple[LoadedApi, Operation] | None:
    """Return which operation of which API the current request is for.

    None outside of requests, and in those for routes that are in no contract.
    """
    endpoint = request.endpoint if has_request_context() else None
    name = (endpoint or "").partition(":")[0]
    if endpoint is None or name not in apipool.get_api_names():
        return None
    loaded = apipool.get(name)
    found = (each for each in loaded.api.operations if _endpoint(loaded.api, each) == endpoint)
    return next(((loaded, operation) for operation in found), None)


def passes(result: Any) -> bool:
    """Tell whether a handler's result is a response already."""
    return isinstance(result, AnyResponse)


def report_if_slow(operation: Operation, limit_ms: float) -> None:
    """Report a call that took longer than ``report_call_exceeding_ms``."""
    elapsed = (time.perf_counter() - g.pym_started) * 1000
    if elapsed > limit_ms:
        title = f"{operation.name} took {elapsed:.0f} ms, more than {limit_ms} ms"
        report_warning(title, {"operation": operation.name})


def to_response(outgoing: Outgoing) -> Response:
    """Turn a response into one of Flask's."""
    body = outgoing.body if isinstance(outgoing.body, bytes) else _reported(outgoing.body)
    made: Response = current_app.response_class(body, outgoing.status)
    if outgoing.content_type is not None:
        made.headers["Content-Type"] = outgoing.content_type
    elif not outgoing.body:
        made.headers.pop("Content-Type", None)
    for name, value in outgoing.headers:
        made.headers.add(name, value)
    return made


def _reported(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Pass a stream on; what fails in it is reported, as its status has left already, and ends the connection."""
    try:
        yield from parts
    except Exception as error:
        report_error(f"a stream failed: {type(error).__name__}: {str(error)[:200]}", exception=error)
        raise


def _place(operation: Operation) -> str:
    """Name an operation's place; what finds it is imported for a message alone."""
    from pymacaron.spec import describe_place

    return describe_place(operation.place)


def _shape(path: str) -> str:
    """Return a path with the names of its parameters taken out."""
    return "".join(part if index % 2 == 0 else "{}" for index, part in enumerate(TEMPLATE.split(path)))


def flask_rule(path: str) -> tuple[str, dict[str, str]]:
    """Translate a path of OpenAPI to one of Flask; return it with its variables' own names."""
    names: dict[str, str] = {}
    made: list[str] = []
    for index, part in enumerate(TEMPLATE.split(path)):
        if index % 2:
            variable = f"p{len(names)}"
            names[variable] = part
            made.append(f"<{variable}>")
        else:
            made.append(part.replace("<", "&lt;"))
    return "".join(made), names
