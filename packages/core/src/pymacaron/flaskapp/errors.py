"""Every error as one kind of body: PyMacaron's own, or RFC 9457 problem details."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from werkzeug.exceptions import HTTPException

from pymacaron.crash import report_once
from pymacaron.exceptions import PyMacaronException, ServerError, phrase
from pymacaron.messages import Outgoing
from pymacaron.plugins import ErrorRaisedContext

from .routes import to_response

if TYPE_CHECKING:
    from flask import Flask

    from pymacaron.config import Config
    from pymacaron.plugins import Plugins

log = logging.getLogger("pymacaron")

ErrorCallback = Callable[[BaseException], Any]

_CODES = {
    400: "BAD_REQUEST",
    404: "NO_SUCH_ENDPOINT",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "SERVER_ERROR",
}
_HIDDEN = "the service failed; quote error_id to its developers"


class ErrorPages:
    """Turns exceptions into responses for one app."""

    def __init__(self, app: Flask, config: Config, plugins: Plugins, callback: ErrorCallback | None) -> None:
        self.app = app
        self.plugins = plugins
        self.callback = callback
        self.problem = config.error_format == "problem"

    def register(self) -> None:
        """Answer every error of the app."""
        self.app.register_error_handler(Exception, self.respond)

    def respond(self, error: Exception) -> Any:
        """Return Flask's response for an exception."""
        made = self.answer(error)
        return to_response(made) if isinstance(made, Outgoing) else made

    def answer(self, error: Exception) -> Any:
        """Return an :class:`Outgoing` for an exception; those that are responses already, such as redirects, stay."""
        if isinstance(error, HTTPException) and (error.response is not None or (error.code or 500) < 400):
            return error.get_response()
        status, body, headers = self.describe(error)
        if status >= 500:
            report_once(f"{body['error']}: {str(error)[:200]}", error, body["error_id"])
        self._tell_plugins(error, status, body["error_id"])
        return self._called_back(error, status, headers) or self._response(status, body, headers)

    def describe(self, error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, body and headers for an exception."""
        status, code, headers = 500, ServerError.code, {}
        if isinstance(error, PyMacaronException):
            status, code, headers = error.status, error.code, dict(error.headers)
        elif isinstance(error, HTTPException):
            status = error.code or 500
            code = _CODES.get(status) or error.name.upper().replace(" ", "_").replace("-", "_")
            headers = {k: v for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")}
        body: dict[str, Any] = {
            "status": status,
            "error": code,
            "error_description": self._description(error, status),
            "error_id": str(uuid4()),
        }
        if isinstance(error, PyMacaronException):
            if error.user_message is not None:
                body["user_message"] = error.user_message
            if error.errors and (status < 500 or self.app.debug):
                body["errors"] = list(error.errors)
        return status, body, headers

    def _description(self, error: Exception, status: int) -> str:
        """Say what happened; of the service's own failures only in debug mode, as they may hold anything."""
        if isinstance(error, HTTPException):
            return error.description or phrase(status)
        own = isinstance(error, PyMacaronException) and not isinstance(error, ServerError)
        if own or self.app.debug:
            return error.message if isinstance(error, PyMacaronException) else f"{type(error).__name__}: {error}"
        return _HIDDEN

    def _called_back(self, error: Exception, status: int, headers: dict[str, str]) -> Any:
        """Return the service's own response; None where it has none, or fails making one."""
        if self.callback is None:
            return None
        try:
            made = self.callback(error)
            return self._response(status, made, headers) if isinstance(made, dict) else made
        except Exception:  # the answer to an error must never be another one
            log.exception("error_callback failed")
            return None

    def _tell_plugins(self, error: Exception, status: int, error_id: str) -> None:
        if self.plugins.implements("error_raised"):
            try:
                self.plugins.call("error_raised", ErrorRaisedContext(error, status, error_id))
            except Exception:  # as above
                log.exception("a plugin failed on an error")

    def _response(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> Outgoing:
        media_type = "application/problem+json" if self.problem else "application/json"
        if self.problem:
            body = _problem(body)
        try:
            data = msgspec.json.encode(body)
        except UnicodeEncodeError:
            # A lone surrogate, as in names of files, has no form in UTF-8.
            data = json.dumps(body).encode()
        return Outgoing(status, data, media_type, list(headers.items()))


def _problem(body: dict[str, Any]) -> dict[str, Any]:
    """Write an error body as problem details (RFC 9457, section 3.1)."""
    if "error_id" not in body:
        return body
    made = {
        "type": "about:blank",
        "title": phrase(body["status"]),
        "status": body["status"],
        "detail": body["error_description"],
        "instance": f"urn:uuid:{body['error_id']}",
        "code": body["error"],
    }
    return {**made, **{key: body[key] for key in ("user_message", "errors") if key in body}}
