"""The tables of the service in the working folder, for commands and for steps of a release."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from pymacaron.cli.service import load_app

from .binding import Binding, all_bindings
from .database import database
from .exceptions import TableConfigError
from .live_tables import LiveTable, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator


def service_bindings() -> list[Binding]:
    """Load the service, without serving it, and return its tables in the order of their names.

    Raises:
        StartError: the service, or the definition of a table, is wrong.
    """
    load_app(serves=False)
    return list(all_bindings())


def find_binding(name: str) -> Binding:
    """Load the service and return the table of a name, with or without the prefix of the environment.

    Raises:
        TableConfigError: no contract has it.
    """
    bindings = service_bindings()
    for binding in bindings:
        if name in (binding.definition.name, binding.table):
            return binding
    known = [binding.definition.name for binding in bindings]
    raise TableConfigError(f"no contract of the service has a table {name!r}; {_hint(name, known)}")


def find_table(name: str) -> LiveTable:
    """Load the service and return a table of DynamoDB by its name, whether or not a contract has it.

    Raises:
        TableConfigError: it has not the prefix of the environment, or there is no such table.
    """
    bindings = service_bindings()
    made = database()
    full = made.table_name(name)
    found = read_table(made, full)
    if found is None and name.startswith(made.settings.table_prefix):
        found = read_table(made, name)
    if found is not None:
        return found
    known = [binding.definition.name for binding in bindings]
    raise TableConfigError(f"there is no table {full}; {_hint(name, known)}; pym db plan shows which are there")


@contextmanager
def may_go_on(command: str) -> Iterator[None]:
    """Say, when somebody interrupts a block, that nothing is lost by it."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\npym: stopped; {command} goes on from here", err=True)
        raise


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"the contract has {', '.join(known) or 'none'}"
