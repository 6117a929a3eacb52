"""What a developer can try first, once the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.auth import generate_token
from pymacaron.config import DEFAULT_ENV
from pymacaron.flaskapp.builtin import CONTRACTS
from pymacaron.flaskapp.docs import docs_path
from pymacaron.pool import apipool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from pymacaron.config import Config
    from pymacaron.contract import Operation

_USER = "developer"


def welcome(app: Flask, config: Config, base: str) -> str:
    """Name the service's URL, and in development its docs page, a public call, and one with a ready token."""
    lines = [f"pym: {config.get('name') or 'the service'} ({config.env}) serves at {base}; ^C stops it"]
    if config.env == DEFAULT_ENV:
        page = docs_path(app)
        if page is not None:
            lines.append(f"  docs page:    {base}{page}")
        public, private = _first_call(config, False), _first_call(config, True)
        lines.append(f"  public call:  curl {base}{public or '/version'}")
        header = f"-H 'Authorization: Bearer {generate_token(_USER)}'"
        lines.append(f"  with a token: curl {header} {base}{private or '/auth/version'}")
    return "\n".join(lines)


def _first_call(config: Config, authenticated: bool) -> str | None:
    """Return the path of the first GET that needs no arguments."""
    for path, operation in _operations(config):
        needs = any(p.required for p in operation.parameters)
        if operation.method == "GET" and not needs and bool(operation.security) is authenticated:
            return path
    return None


def _operations(config: Config) -> Iterator[tuple[str, Operation]]:
    for name in apipool.get_api_names():
        api = apipool.get(name).api
        for operation in api.operations:
            if name not in CONTRACTS and operation.handler is not None and not operation.decorate_server:
                yield ("" if config.ignore_base_path else api.base_path) + operation.path, operation
