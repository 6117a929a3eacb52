"""Commands that read contracts: ``pym check`` and ``pym compile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit
from msgspec.structs import asdict

from pymacaron.exceptions import StartError
from pymacaron.spec import warm

from .service import echo_json, load_app, service_contracts

if TYPE_CHECKING:
    from pymacaron.spec.check import Finding

_files = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


@click.command()
@_files
@click.option("--bind/--no-bind", default=None, help="Check that handlers exist (default: where no FILES are given).")
@click.option("--strict", is_flag=True, help="Let warnings fail the check too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def check(files: tuple[Path, ...], bind: bool | None, strict: bool, as_json: bool) -> None:
    """List every fault of contracts, each with its place and its mend.

    FILES are contracts; those of the service in this folder where none are given. The exit status is 1 where there
    are errors.
    """
    from pymacaron.spec.check import check as check_document

    found: list[Finding] = []
    for path in files or tuple(service_contracts().values()):
        found += check_document(path)
    errors = sum(f.severity == "error" for f in found)
    unbound = "" if errors else _unbound(bind if bind is not None else not files)
    if as_json:
        echo_json({"findings": [asdict(f) for f in found], "binding": unbound or None})
    else:
        for finding in found:
            click.echo(str(finding))
        if unbound:
            click.echo(unbound)
        warnings = len(found) - errors
        click.echo(f"{errors + bool(unbound)} errors, {warnings} warnings", err=True)
    if errors or unbound or (strict and found):
        raise Exit(1)


def _unbound(wanted: bool) -> str:
    """Return what keeps the service's operations from being bound to their handlers."""
    if not wanted:
        return ""
    try:
        load_app(serves=False)
    except StartError as error:
        return f"error: {error.message}"
    return ""


@click.command("compile")
@_files
def compile_contracts(files: tuple[Path, ...]) -> None:
    """Compile contracts into the cache, so that the next start is a fast one (when an image is built, say).

    FILES are contracts; those of the service in this folder where none are given.
    """
    contracts = {path.stem: path for path in files} or service_contracts()
    for name, path in contracts.items():
        api, entry = warm(path, name)
        click.echo(f"{path}: {len(api.operations)} operations, {len(api.schemas)} schemas -> {entry}")
