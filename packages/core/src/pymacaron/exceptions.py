"""The errors of PyMacaron, each with the code and HTTP status that a caller sees.

::

    PyMacaronException                 SERVER_ERROR                 500
    ├── StartError                     (ends a start with exit status 2)
    │   ├── ConfigError                CONFIG_ERROR
    │   ├── ContractError              CONTRACT_ERROR
    │   ├── BindError                  BIND_ERROR
    │   └── PluginError                PLUGIN_ERROR
    ├── RequestError
    │   ├── ValidationError            INVALID_PARAMETER            400
    │   ├── AuthMissingHeaderError     AUTHORIZATION_HEADER_MISSING 401
    │   ├── AuthTokenExpiredError      TOKEN_EXPIRED                401
    │   ├── AuthInvalidTokenError      TOKEN_INVALID                401
    │   ├── ForbiddenError             FORBIDDEN                    403
    │   ├── NoSuchEndpointError        NO_SUCH_ENDPOINT             404
    │   ├── MethodNotAllowedError      METHOD_NOT_ALLOWED           405
    │   ├── NotAcceptableError         NOT_ACCEPTABLE               406
    │   ├── RequestTimeoutError        REQUEST_TIMEOUT              408
    │   ├── BodyTooLargeError          BODY_TOO_LARGE               413
    │   └── UnsupportedMediaTypeError  UNSUPPORTED_MEDIA_TYPE       415
    ├── ServerError                    SERVER_ERROR                 500
    │   ├── BadResponseError           BAD_RESPONSE                 500
    │   └── InternalValidationError    INTERNAL_VALIDATION_ERROR    500
    ├── ModelError                     MODEL_ERROR                  500
    └── ClientError                    (what a call to another service answered)
        ├── CallFailedError            CALL_FAILED                  502
        └── CallTimeoutError           CALL_TIMEOUT                 504
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def fault(where: str, pointer: str, keyword: str, message: str) -> dict[str, str]:
    """Make one entry of an ``errors`` list: one place where data breaks its contract.

    Args:
        where: where the data stood: ``body``, ``query``, ``path``, ``header``, ``cookie``, ``form`` or ``response``.
        pointer: a JSON pointer (RFC 6901) below it.
        keyword: the schema keyword that failed.
        message: what was seen, and what is allowed.
    """
    return {"in": where, "pointer": pointer, "keyword": keyword, "message": message}


class PyMacaronException(Exception):
    """Base of every error that PyMacaron raises, and of those that services define.

    Args:
        message: for developers; becomes ``error_description``.
        user_message: may be shown to the end user as it is.
        code: overrides the class's code for this one error.
        status: overrides the class's HTTP status for this one error.
        headers: sent with the error response.
    """

    code: str = "SERVER_ERROR"
    status: int = 500
    user_message: str | None = None
    headers: Mapping[str, str] = {}
    errors: Sequence[Mapping[str, str]] = ()

    def __init__(
        self,
        message: str = "",
        *,
        user_message: str | None = None,
        code: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        if user_message is not None:
            self.user_message = user_message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        if headers is not None:
            self.headers = headers

    @property
    def message(self) -> str:
        """What happened, for a developer."""
        return str(self.args[0]) if self.args and self.args[0] else self.code


class StartError(PyMacaronException):
    """The service cannot start; the ``pym`` command prints it as one line and exits with status 2."""


class ConfigError(StartError):
    """A key of pym-config, an environment variable or a command-line value is missing or wrong."""

    code = "CONFIG_ERROR"


class ContractError(StartError):
    """A contract cannot be read. The message names file, line, operation and mend."""

    code = "CONTRACT_ERROR"


class BindError(StartError):
    """An operation cannot be bound to a function, or two operations claim one route."""

    code = "BIND_ERROR"


class PluginError(StartError):
    """A plugin cannot be loaded, or one of its hooks failed at start."""

    code = "PLUGIN_ERROR"


class RequestError(PyMacaronException):
    """Base of errors that the caller of an endpoint has caused."""

    code = "BAD_REQUEST"
    status = 400


class ValidationError(RequestError):
    """A request breaks the contract; ``errors`` lists every fault found."""

    code = "INVALID_PARAMETER"
    status = 400

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(message or describe(errors), **kwargs)
        self.errors = errors


class AuthMissingHeaderError(RequestError):
    """No token came with a request that needs one (RFC 6750, section 3)."""

    code = "AUTHORIZATION_HEADER_MISSING"
    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class AuthTokenExpiredError(RequestError):
    """The token's ``exp`` claim has passed (RFC 7519, section 4.1.4)."""

    code = "TOKEN_EXPIRED"
    status = 401
    headers: Mapping[str, str] = {
        "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The token expired"'
    }


class AuthInvalidTokenError(RequestError):
    """The token cannot be verified: its form, signature, issuer, audience or dates are wrong."""

    code = "TOKEN_INVALID"
    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class ForbiddenError(RequestError):
    """The token is valid but lacks a scope that the operation requires (RFC 6750, section 3.1)."""

    code = "FORBIDDEN"
    status = 403


class NoSuchEndpointError(RequestError):
    """No route matches the path."""

    code = "NO_SUCH_ENDPOINT"
    status = 404


class MethodNotAllowedError(RequestError):
    """The path exists, but not with this method; ``Allow`` names those that do (RFC 9110, section 15.5.6)."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class NotAcceptableError(RequestError):
    """None of the operation's media types is in the request's ``Accept`` (RFC 9110, section 15.5.7)."""

    code = "NOT_ACCEPTABLE"
    status = 406


class RequestTimeoutError(RequestError):
    """The request took longer than it may."""

    code = "REQUEST_TIMEOUT"
    status = 408


class BodyTooLargeError(RequestError):
    """The body has more bytes than ``max_body_bytes`` (RFC 9110, section 15.5.14)."""

    code = "BODY_TOO_LARGE"
    status = 413


class UnsupportedMediaTypeError(RequestError):
    """The body's ``Content-Type`` is none that the operation declares (RFC 9110, section 15.5.16)."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class ServerError(PyMacaronException):
    """The service failed; the caller can't mend it."""


class BadResponseError(ServerError):
    """A handler returned something that its operation does not declare. It is reported, never sent."""

    code = "BAD_RESPONSE"

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(message or describe(errors), **kwargs)
        self.errors = errors


class InternalValidationError(ServerError):
    """Data inside the service breaks a schema, such as an argument for a client call or a model's property."""

    code = "INTERNAL_VALIDATION_ERROR"

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(message or describe(errors), **kwargs)
        self.errors = errors


class ModelError(PyMacaronException, ValueError):
    """A model is unknown, ambiguous, or was given a property or value that its schema forbids."""

    code = "MODEL_ERROR"

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(message or describe(errors), **kwargs)
        self.errors = errors


class ClientError(PyMacaronException):
    """A call to another service did not end in a declared 2xx response."""

    code = "CALL_FAILED"
    status = 502


class CallFailedError(ClientError):
    """The other service could not be reached, or its answer breaks its own contract."""


class CallTimeoutError(ClientError):
    """The other service did not answer in time."""

    code = "CALL_TIMEOUT"
    status = 504


def describe(errors: Sequence[Mapping[str, str]]) -> str:
    """Join faults to the one sentence that stands in ``error_description``."""
    shown = [f"{e['in']}{e['pointer'] and ' ' + e['pointer']}: {e['message']}" for e in errors[:3]]
    more = len(errors) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


_by_code: dict[str, type[PyMacaronException]] = {}


def add_error(name: str | None = None, code: str | None = None, status: int | None = None) -> type[PyMacaronException]:
    """Define an error of your own, reachable as ``pymacaron.exceptions.<name>``.

    Args:
        name: the class's name.
        code: stands in ``error`` of the response; unique in the process.
        status: the HTTP status, 400 to 599.

    Raises:
        ConfigError: an argument is missing, the name or code is taken, or the status is none of an error.
    """
    if not name or not code or not status:
        raise ConfigError(f"add_error(name={name!r}, code={code!r}, status={status!r}): all three must be set")
    if not 400 <= status <= 599:
        raise ConfigError(f"add_error: status {status} of {name} is no error status; use 400 to 599")
    taken = _by_code.get(code)
    if taken is not None and (taken.__name__, taken.status) == (name, status):
        return taken
    if taken is not None or name in globals():
        raise ConfigError(f"add_error: the name {name!r} or the code {code!r} is taken; choose another")
    made = type(name, (PyMacaronException,), {"code": code, "status": status, "__module__": __name__})
    globals()[name] = _by_code[code] = made
    return made


def error_from_body(status: int, body: Any) -> PyMacaronException | None:
    """Make the error that another service answered with, of the class that has its code; None where it is no such body.

    Both of PyMacaron's forms are understood: its own, and RFC 9457 problem details with a ``code``.
    """
    if not isinstance(body, dict):
        return None
    code = body.get("error") or body.get("code")
    if not isinstance(code, str):
        return None
    message = str(body.get("error_description") or body.get("detail") or code)
    made = _by_code.get(code, ClientError)(message, status=status, code=code, user_message=body.get("user_message"))
    errors = body.get("errors")
    made.errors = errors if isinstance(errors, list) else ()
    return made


def is_error(obj: object) -> bool:
    """Tell whether an object is an error: an exception, or an error body as dict or model."""
    if isinstance(obj, BaseException):
        return True
    if isinstance(obj, dict):
        status, code = obj.get("status"), obj.get("error")
    else:
        status, code = getattr(obj, "status", None), getattr(obj, "error", None)
    return isinstance(status, int) and status >= 400 and isinstance(code, str)


def phrase(status: int) -> str:
    """Return the standard reason phrase of an HTTP status (RFC 9110, section 15), or ``Error``."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _register(base: type[PyMacaronException]) -> None:
    for cls in base.__subclasses__():
        _by_code.setdefault(cls.code, cls)
        _register(cls)


_register(PyMacaronException)
