"""Built-in endpoints, described by contracts of their own: ``ping`` (with ``version``) and ``crash``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.auth import requires_auth
from pymacaron.config import get_config
from pymacaron.exceptions import ConfigError, InternalValidationError, ServerError, ValidationError, fault
from pymacaron.pool import apipool

if TYPE_CHECKING:
    from collections.abc import Callable

_OBJECT = {"200": {"description": "OK", "schema": {"type": "object"}}}
_VERSION = {"200": {"description": "Name, version and APIs", "schema": {"$ref": "#/definitions/Version"}}}


def _get(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {"operationId": operation, "summary": summary, "produces": ["application/json"], "responses": responses}
    }


PING: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Endpoints that every service has", "version": "1.0.0"},
    "paths": {
        "/ping": _get("ping", "Answer when the service is up", _OBJECT),
        "/version": _get("version", "Tell the service's name, version and APIs", _VERSION),
        "/auth/version": _get("auth_version", "The same, for authenticated callers", _VERSION),
    },
    "definitions": {
        "Version": {
            "type": "object",
            "required": ["name", "version", "apis", "pym_env"],
            "properties": {
                "name": {"type": "string", "description": "Name of the service"},
                "version": {"type": "string", "description": "Version of its first contract"},
                "apis": {"type": "array", "items": {"type": "string"}, "description": "Names of its APIs"},
                "pym_env": {"type": "string", "description": "Value of PYM_ENV"},
            },
        }
    },
}

CRASH: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Endpoints that fail, to try error reporting with", "version": "1.0.0"},
    "paths": {
        "/crash/exception": _get("crash_exception", "Raise an exception", _OBJECT),
        "/crash/server_error": _get("crash_server_error", "Raise a ServerError", _OBJECT),
        "/crash/internal_validation": _get("crash_internal_validation", "Raise an InternalValidationError", _OBJECT),
        "/crash/invalid_parameter": _get("crash_invalid_parameter", "Raise a ValidationError", _OBJECT),
        "/crash/bad_response": _get("crash_bad_response", "Return what the contract does not allow", _OBJECT),
    },
}


def version() -> dict[str, Any]:
    """Return name, version, APIs and environment of the running service."""
    config = get_config()
    names = [name for name in apipool.get_api_names() if name not in CONTRACTS]
    first = apipool.get(names[0]).api if names else None
    return {
        "name": config.get("name") or (first.title if first else "") or "pymacaron",
        "version": first.version if first else "",
        "apis": names,
        "pym_env": config.env,
    }


def ping_handlers(ping_hook: Callable[[], Any] | None) -> dict[str, Callable[..., Any]]:
    """Return the handlers of :data:`PING`; a ``ping_hook`` runs with each ping and fails it by raising."""

    def ping() -> dict[str, Any]:
        if ping_hook is not None:
            ping_hook()
        return {}

    return {"ping": ping, "version": version, "auth_version": requires_auth(version)}


def _crash_exception() -> dict[str, Any]:
    raise RuntimeError("raised by /crash/exception")


def _crash_server_error() -> dict[str, Any]:
    raise ServerError("raised by /crash/server_error")


def _crash_internal_validation() -> dict[str, Any]:
    raise InternalValidationError("raised by /crash/internal_validation")


def _crash_invalid_parameter() -> dict[str, Any]:
    raise ValidationError(errors=[fault("query", "/x", "type", "raised by /crash/invalid_parameter")])


CRASH_HANDLERS: dict[str, Callable[..., Any]] = {
    "crash_exception": _crash_exception,
    "crash_server_error": _crash_server_error,
    "crash_internal_validation": _crash_internal_validation,
    "crash_invalid_parameter": _crash_invalid_parameter,
    "crash_bad_response": lambda: ["no object"],
}

CONTRACTS = {"ping": PING, "crash": CRASH}


def builtin(name: str, ping_hook: Callable[[], Any] | None) -> tuple[dict[str, Any], dict[str, Callable[..., Any]]]:
    """Return contract and handlers of a built-in API.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in CONTRACTS:
        raise ConfigError(f"there is no built-in API {name!r}; use {' or '.join(CONTRACTS)}")
    return CONTRACTS[name], ping_handlers(ping_hook) if name == "ping" else CRASH_HANDLERS
