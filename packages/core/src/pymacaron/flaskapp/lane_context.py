"""The request context of the contract lane: Flask's own, but its parts are made when first touched."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import (
    Flask,
    Request,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_tearing_down,
)
from flask.ctx import AppContext, RequestContext
from flask.globals import _cv_app, _cv_request
from flask.sessions import SecureCookieSessionInterface

from .incoming import keep_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask.sessions import SessionMixin
    from werkzeug.routing import MapAdapter

    from .routes import Route

_NOT_GIVEN: Any = object()
# Since 3.1.3 Flask's context itself marks a session as accessed; before, the session did.
_MARKS_ACCESS = isinstance(RequestContext.__dict__.get("session"), property)


def opens_late(app: Flask) -> bool:
    """Tell whether nobody can see when an app's session is opened: it is Flask's own, a cookie."""
    interface = app.session_interface
    return type(interface) is SecureCookieSessionInterface and not interface.__dict__


class LaneContext(RequestContext):
    """A request context whose rule is known already.

    Args:
        app: the app.
        environ: the WSGI environment.
        route: the operation that the request is for.
        values: of the variables of its rule.
    """

    _after_request_functions: list[Any]
    _cv_tokens: list[Any]

    def __init__(self, app: Flask, environ: WSGIEnvironment, route: Route, values: tuple[str, ...]) -> None:
        # Flask's own __init__ would make what this class makes late.
        self.app = app
        self.environ = environ
        self.route = route
        self.values = values
        self.body: bytes | None = None
        self.dispatched = False
        self.flashes = None
        self._opened: SessionMixin | None = None
        self._pushed = False
        self._after_request_functions = []
        self._cv_tokens = []
        if app.request_class is not Request:
            self.request  # noqa: B018  # made as early as Flask makes it: a class of the user's may do anything then

    @cached_property
    def request(self) -> Request:  # type: ignore[override]  # an attribute there
        """The request, matched; what was read of its body is in it."""
        made = self.app.request_class(self.environ)
        made.json_module = self.app.json
        self._match(made)
        if self.body is not None:
            keep_body(made, self.body)
        return made

    def _match(self, request: Request) -> None:
        request.url_rule = self.route.rule
        request.view_args = dict(zip(self.route.names, self.values, strict=True))

    @cached_property
    def url_adapter(self) -> MapAdapter | None:  # type: ignore[override]  # an attribute there
        """What ``url_for`` builds with."""
        return self.app.create_url_adapter(self.request)

    @property
    def _session(self) -> SessionMixin:
        if self._opened is None:
            interface = self.app.session_interface
            opened = interface.open_session(self.app, self.request)
            self._opened = interface.make_null_session(self.app) if opened is None else opened
        return self._opened

    @_session.setter
    def _session(self, session: SessionMixin) -> None:
        self._opened = session

    @property
    def session(self) -> SessionMixin:
        """The session, opened when first touched."""
        found = self._session
        if _MARKS_ACCESS:
            found.accessed = True
        return found

    @session.setter
    def session(self, session: SessionMixin) -> None:
        self._opened = session

    def uses_session(self) -> bool:
        """Tell whether the session may have to be saved: it was opened, or its cookie came with the request."""
        if self._opened is not None:
            return True
        cookies = self.environ.get("HTTP_COOKIE")
        if not cookies:
            return False
        name: str = self.app.config["SESSION_COOKIE_NAME"]
        return name in cookies or not name.isascii()

    def copy(self) -> RequestContext:
        """Return one of Flask's own contexts for the same request."""
        return RequestContext(self.app, self.environ, request=self.request, session=self._session)

    def path_args(self) -> dict[str, str]:
        """Return the path's parameters by their names in the contract.

        Raises:
            KeyError: a function of the user's added something to ``request.view_args``.
        """
        request = self.__dict__.get("request")
        names = self.route.names
        if request is None:
            return dict(zip(names.values(), self.values, strict=True)) if names else {}
        return {names[key]: value for key, value in (request.view_args or {}).items()}

    def is_as_matched(self) -> bool:
        """Tell whether nobody changed what the request leads to."""
        request = self.__dict__.get("request")
        if request is None:
            return True
        same_rule = request.url_rule is self.route.rule and request.routing_exception is None
        return same_rule and request.method == self.route.method

    def push(self) -> None:
        """Make the context the current one."""
        if self._pushed:
            super().push()  # which matches the request anew
            return
        self._pushed = True
        app = self.app
        current = _cv_app.get(None)
        if current is None or current.app is not app:
            made = current = app.app_context()
            _enter(made)
        else:
            made = None
        self.g = current.g
        self._cv_tokens.append((_cv_request.set(self), made))
        if not opens_late(app):
            self._open_session()

    def _open_session(self) -> None:
        """Open the session as early as Flask does, when the request is not matched yet."""
        request = self.request
        request.url_rule = request.view_args = None
        self._session  # noqa: B018  # opens it
        self._match(request)

    def pop(self, exc: BaseException | None = _NOT_GIVEN) -> None:
        """Make the context before this one the current one; run what is registered for the end of a request."""
        given = () if exc is _NOT_GIVEN else (exc,)
        if len(self._cv_tokens) != 1 or self.app.teardown_request_funcs or request_tearing_down.receivers:
            super().pop(*given)
            return
        try:
            request = self.__dict__.get("request")
            if request is not None:
                request.close()
        finally:
            current = _cv_request.get()
            token, app_context = self._cv_tokens.pop()
            _cv_request.reset(token)
            self.environ["werkzeug.request"] = None
            if app_context is not None:
                _leave(app_context, given)
            if current is not self:
                raise AssertionError(f"popped the wrong request context: {current!r} instead of {self!r}")


def _enter(context: AppContext) -> None:
    """Push an app's context; where nobody listens, without telling."""
    if appcontext_pushed.receivers or type(context) is not AppContext:
        context.push()
    else:
        context._cv_tokens.append(_cv_app.set(context))


def _leave(context: AppContext, given: tuple[BaseException | None, ...]) -> None:
    """Pop an app's context; where nothing is registered for its end, without running it."""
    registered = context.app.teardown_appcontext_funcs or appcontext_tearing_down.receivers
    if registered or appcontext_popped.receivers or type(context) is not AppContext or len(context._cv_tokens) != 1:
        context.pop(*given)
        return
    current = _cv_app.get()
    _cv_app.reset(context._cv_tokens.pop())
    if current is not context:
        raise AssertionError(f"popped the wrong app context: {current!r} instead of {context!r}")
