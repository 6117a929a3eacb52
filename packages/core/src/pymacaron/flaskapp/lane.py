"""The contract lane: operations served without those steps of Flask's dispatch that nobody uses.

Flask calls ``request_context`` and ``full_dispatch_request`` of its app for each request. The lane stands in for both.
For a request that Flask's own map would lead to an operation it makes a real request context whose parts are made when
first touched, and runs signals, ``before_request`` and ``after_request`` functions, the session and all else where
something is registered for them, through Flask's own methods. Where nothing is, the encoded bytes go to the server as
they are. Every other request is Flask's, untouched. ``contract_lane: false`` in pym-config leaves all to Flask.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from operator import attrgetter
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

import flask.app
from flask import Flask, Response, request_finished, request_started
from flask.globals import _cv_request
from werkzeug.http import HTTP_STATUS_CODES

from pymacaron.exceptions import PyMacaronException
from pymacaron.messages import Outgoing

from .errors import ErrorPages
from .lane_context import LaneContext
from .router import Router
from .routes import Route, to_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask.ctx import RequestContext

_MARK = "pymacaron.lane"
_EXTENSION = "pymacaron_lane"
# What the lane leaves out or stands in for. An app that brings its own takes every request through Flask.
_STEPS = (
    "request_context",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
    "ensure_sync",
    "make_response",
    "finalize_request",
    "process_response",
    "do_teardown_request",
    "do_teardown_appcontext",
    "create_url_adapter",
)
_REPLACEABLE = frozenset(_STEPS) - {"request_context", "full_dispatch_request"}
_HANDLING = (Flask.handle_user_exception, Flask._find_error_handler)
_steps_of = attrgetter(*_STEPS)
# Flask 3.0 answers other hosts than SERVER_NAME with 404.
_SERVER_NAME_BINDS = version("flask").startswith("3.0.")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}(?::\d{1,5})?")
_STATUS_LINES = {status: f"{status} {name.upper()}" for status, name in HTTP_STATUS_CODES.items()}
# Headers that Flask's response rewrites.
_REWRITTEN = frozenset({"location", "content-location", "content-length", "content-type"})


class Sent:
    """A response of plain bytes, written as Flask's would be."""

    __slots__ = ("outgoing",)

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        outgoing = self.outgoing
        status, body = outgoing.status, outgoing.body
        headers = [] if outgoing.content_type is None else [("Content-Type", outgoing.content_type)]
        if status != 204:
            headers.append(("Content-Length", str(len(body))))
        headers += outgoing.headers
        start_response(_STATUS_LINES[status], headers)
        return () if status == 204 else (body,)


def is_plain(outgoing: Outgoing) -> bool:
    """Tell whether Flask's own response would do no more with a response than write it."""
    body, status = outgoing.body, outgoing.status
    if type(body) is not bytes or (body and outgoing.content_type is None):
        return False
    if status < 200 or status == 304 or status not in _STATUS_LINES:
        return False
    return not outgoing.headers or all(map(_is_written_as_is, outgoing.headers))


def _is_written_as_is(header: tuple[str, str]) -> bool:
    name, value = header
    return name.lower() not in _REWRITTEN and "\n" not in value and "\r" not in value


class Lane:
    """Stands in for two steps of an app; it is the app's ``wsgi_app`` too, which tells requests from a server.

    Args:
        app: the app.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.routes: dict[str, Route] = {}
        self._router: Router[Route] | None = None
        self._url_map = app.url_map
        self._known_steps = _steps_of(type(app))
        self._hosts: set[str] = set()
        self._inner: WSGIApplication = app.wsgi_app
        self._flask_context = app.request_context
        self._flask_dispatch = app.full_dispatch_request

    def install(self) -> None:
        """Take the app's requests."""
        app = self.app
        app.extensions[_EXTENSION] = self
        # Methods of one app are replaced, as Flask's own documentation replaces wsgi_app.
        app.request_context = self.context  # type: ignore[method-assign]
        app.full_dispatch_request = self.dispatch  # type: ignore[method-assign]
        app.wsgi_app = self  # type: ignore[method-assign]
        self._watch()

    def add(self, routes: Iterable[Route]) -> None:
        """Serve operations whose rules the app has."""
        self.routes.update((route.endpoint, route) for route in routes)
        self._router = None

    def _watch(self) -> None:
        """Compile the router anew when somebody adds a rule."""
        url_map = self._url_map = self.app.url_map
        add = url_map.add

        def watched(rulefactory: Any) -> None:
            add(rulefactory)
            self._router = None

        url_map.add = watched  # type: ignore[method-assign]  # a map tells nobody that it changed
        self._router = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a server's request on to the app, and to whatever wraps it, with a mark.

        Only for these requests the lane makes contexts, not for ``test_request_context`` and the like.
        """
        environ[_MARK] = True
        return self._inner(environ, start_response)

    def takes(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the lane would serve a request."""
        return self._find(environ) is not None

    def context(self, environ: WSGIEnvironment) -> RequestContext:
        """Return the context of a request (Flask's ``request_context``)."""
        if environ.pop(_MARK, None) is not None:
            found = self._find(environ)
            if found is not None:
                return LaneContext(self.app, environ, *found)
        return self._flask_context(environ)

    def _find(self, environ: WSGIEnvironment) -> tuple[Route, tuple[str, ...]] | None:
        """Return the operation that Flask would choose, where the lane may serve it."""
        path: str = environ.get("PATH_INFO", "")
        if not path.isascii():
            path = path.encode("latin-1").decode(errors="replace")
        router = self._router
        if router is None or self.app.url_map is not self._url_map:
            router = self._compile()
        found = router.find(environ.get("REQUEST_METHOD", ""), path)
        return found if found is not None and self._is_usual(environ) else None

    def _compile(self) -> Router[Route]:
        if self.app.url_map is not self._url_map:
            self._watch()
        for rule in self._url_map.iter_rules():
            if rule.endpoint in self.routes:
                self.routes[rule.endpoint].rule = rule
        router = self._router = Router(self._url_map, self.routes)
        return router

    def _is_usual(self, environ: WSGIEnvironment) -> bool:
        """Tell whether neither app nor request asks for what only Flask does: hosts, sockets, replaced steps."""
        app, url_map = self.app, self._url_map
        config = app.config
        if config.get("TRUSTED_HOSTS") is not None or (_SERVER_NAME_BINDS and config["SERVER_NAME"] is not None):
            return False
        if url_map.host_matching or url_map.default_subdomain or app.subdomain_matching:
            return False
        if "HTTP_UPGRADE" in environ or environ["wsgi.url_scheme"] not in ("http", "https"):
            return False
        if _steps_of(type(app)) != self._known_steps or not app.__dict__.keys().isdisjoint(_REPLACEABLE):
            return False
        return app.request_class.trusted_hosts is None and self._is_host(environ.get("HTTP_HOST"))

    def _is_host(self, host: str | None) -> bool:
        """Tell whether a host is one that Flask has nothing against."""
        if host in self._hosts:
            return True
        if host is None or _HOST.fullmatch(host) is None:
            return False
        if len(self._hosts) < 1000:
            self._hosts.add(host)
        return True

    def dispatch(self) -> Response:
        """Serve the current request (Flask's ``full_dispatch_request``)."""
        context = _cv_request.get(None)
        app = self.app
        if type(context) is not LaneContext or context.app is not app or context.dispatched:
            return self._flask_dispatch()
        context.dispatched = True
        app._got_first_request = True
        try:
            if request_started.receivers:
                request_started.send(app, _async_wrapper=app.ensure_sync)
            made = app.preprocess_request() if app.before_request_funcs or app.url_value_preprocessors else None
            if made is None:
                made = self._serve(context)
            made = self._written(context, made)
        except Exception as error:  # noqa: BLE001  # as Flask catches it
            made = self._written(context, self._failed(context, error))
        return cast("Response", made) if type(made) is Sent else app.finalize_request(made)

    def _written(self, context: LaneContext, made: Any) -> Any:
        """Return what goes to the server where nothing wants the response as an object, else what Flask finishes."""
        if type(made) is not Outgoing:
            return made
        return Sent(made) if is_plain(made) and not self._needs_object(context) else to_response(made)

    def _failed(self, context: LaneContext, error: Exception) -> Any:
        """Return the answer to an error, as ``handle_user_exception`` does."""
        app = self.app
        # Endpoints with a dot belong to blueprints, which may have handlers of their own.
        plain = isinstance(error, PyMacaronException) and "." not in context.route.endpoint
        if plain and context.is_as_matched() and not _handles_errors(app):
            pages = getattr(app._find_error_handler(error, []), "__self__", None)
            if type(pages) is ErrorPages:
                return pages.answer(error)
        return app.handle_user_exception(error)

    def _serve(self, context: LaneContext) -> Any:
        route = context.route
        if self.app.view_functions.get(route.endpoint) is not route.view or not context.is_as_matched():
            return self.app.dispatch_request()
        context.g.pym_started = perf_counter()
        return route.serve(context, context.environ, context.path_args())

    def _needs_object(self, context: LaneContext) -> bool:
        """Tell whether anything wants the response as an object."""
        app = self.app
        return bool(
            app.after_request_funcs
            or context._after_request_functions
            or request_finished.receivers
            or app.response_class is not Response
            or context.uses_session()
        )


def _handles_errors(app: Flask) -> bool:
    """Tell whether an app has its own way to find what handles an error."""
    own = (type(app).handle_user_exception, type(app)._find_error_handler) != _HANDLING
    return own or not app.__dict__.keys().isdisjoint(("handle_user_exception", "_find_error_handler"))


def own_steps(app: Flask) -> list[str]:
    """List the steps of dispatch that an app does not have from Flask: a subclass's, a tracer's, or put on the app."""
    if _EXTENSION in app.extensions:
        return []
    of_class = zip(_STEPS, _steps_of(type(app)), strict=True)
    return [name for name, step in of_class if name in vars(app) or not _is_flasks(step)]


def _is_flasks(step: Any) -> bool:
    return type(step) is FunctionType and step.__code__.co_filename == flask.app.__file__


def install_lane(app: Flask, routes: Iterable[Route]) -> Lane:
    """Serve operations through the lane.

    Args:
        app: the app; it has the operations' rules.
        routes: the operations.
    """
    lane: Lane | None = app.extensions.get(_EXTENSION)
    if lane is None:
        lane = Lane(app)
        lane.install()
    lane.add(routes)
    return lane
