"""``pym init``: a new service that runs, from the files in the folder ``template``."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pymacaron.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@click.command()
@click.argument("name")
def init(name: str) -> None:
    """Make a new service in the folder NAME: contract, handlers, configuration and tests."""
    if not _NAME.fullmatch(name):
        allowed = "small letters, digits and dashes, such as my-service"
        raise ConfigError(f"{name!r} is no name for a service; use {allowed}")
    folder = Path(name)
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise ConfigError(f"{folder.resolve()} exists and is not empty; choose another name")
    for target, text in template(name):
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"made {path}")
    click.echo(f"now: cd {name} && pym run")


def template(name: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file of a new service."""
    for path, source in _walk(files("pymacaron.cli") / "template", ""):
        yield path.removesuffix(".tmpl"), source.read_text(encoding="utf-8").replace("{{name}}", name)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda i: i.name):
        if item.is_dir():
            yield from _walk(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".tmpl"):
            yield prefix + item.name, item
