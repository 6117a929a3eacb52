"""Commands that show what a service is: routes, configuration, versions, plugins, and tokens to call it with."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

import click
import msgspec

from pymacaron.auth import generate_token
from pymacaron.exceptions import ConfigError
from pymacaron.plugins import load_plugins
from pymacaron.spec import load_contract

from .service import echo_json, service_config, service_contracts

if TYPE_CHECKING:
    from collections.abc import Sequence

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Lay out rows in columns."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


@click.command()
@_as_json
def routes(as_json: bool) -> None:
    """List every operation: method, path, name, handler, and who may call it."""
    config = service_config()
    found: list[dict[str, Any]] = []
    for name, path in service_contracts().items():
        api = load_contract(path, name, cache=config.contract_cache)
        prefix = "" if config.ignore_base_path else api.base_path
        found += [
            {
                "api": name,
                "method": operation.method,
                "path": prefix + operation.path,
                "operation": operation.name,
                "handler": operation.handler,
                "security": [[s.scheme for s in alternative] for alternative in operation.security],
            }
            for operation in api.operations
        ]
    if as_json:
        echo_json(found)
        return
    columns = ("method", "path", "api", "operation", "handler", "security")
    shown = [{**r, "handler": r["handler"] or "(not served)", "security": _security(r["security"])} for r in found]
    rows = [tuple(str(r[column]) for column in columns) for r in shown]
    click.echo(table(rows, tuple(map(str.upper, columns))))


def _security(alternatives: list[list[str]]) -> str:
    return " or ".join(" and ".join(names) or "anybody" for names in alternatives) or "anybody"


@click.command()
@_as_json
def config(as_json: bool) -> None:
    """Show the configuration that is in force, secrets masked."""
    found = service_config()
    values = found.to_json()
    if as_json:
        echo_json({"path": str(found.path), "env": found.env, "values": values})
        return
    click.echo(f"# {found.path} (PYM_ENV: {found.env})")
    for key, value in values.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        click.echo(f"{key}: {text}")


@click.command()
@click.argument("user_id", required=False)
@click.option("--expire-in", type=float, help="Seconds until it expires (default: jwt_token_timeout).")
@click.option("--data", help="JSON to put into the token.")
@click.option("--issuer", help="Issuer (default: jwt_issuer).")
@click.option("--scope", "scopes", multiple=True, help="A scope that it grants; may be given several times.")
def token(
    user_id: str | None, expire_in: float | None, data: str | None, issuer: str | None, scopes: tuple[str, ...]
) -> None:
    """Print a token for USER_ID, signed with the service's key (default: default_user_id)."""
    service_config()
    try:
        content = msgspec.json.decode(data) if data is not None else None
    except msgspec.DecodeError as error:
        raise ConfigError(f"--data {data!r} is no JSON: {error}") from None
    click.echo(generate_token(user_id, expire_in, content, issuer, scopes))


@click.command()
@_as_json
def version(as_json: bool) -> None:
    """Show the versions of PyMacaron, its plugins and Python."""
    found = {"pymacaron": installed_version("pymacaron")}
    found |= {loaded.distribution: loaded.version for loaded in load_plugins().loaded}
    found["python"] = platform.python_version()
    if as_json:
        echo_json(found)
        return
    for name, number in found.items():
        click.echo(f"{name} {number}")


@click.command()
@_as_json
def plugins(as_json: bool) -> None:
    """List the installed plugins and the hooks that they implement."""
    loaded = load_plugins().loaded
    if as_json:
        echo_json(
            [{"name": p.name, "distribution": p.distribution, "version": p.version, "hooks": p.hooks()} for p in loaded]
        )
        return
    if not loaded:
        click.echo("no plugins are installed", err=True)
        return
    rows = [(p.name, p.distribution, p.version, ", ".join(p.hooks()) or "-") for p in loaded]
    click.echo(table(rows, ("NAME", "DISTRIBUTION", "VERSION", "HOOKS")))
