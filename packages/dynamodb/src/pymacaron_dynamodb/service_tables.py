"""The tables of the service in the working folder, for commands and for steps of a release."""

from __future__ import annotations

from difflib import get_close_matches

from pymacaron.cli.service import load_app

from .at_start import no_tables_at_start
from .binding import Binding, all_bindings
from .exceptions import TableConfigError


def service_bindings() -> list[Binding]:
    """Load the service, without serving it, and return its tables in the order of their names.

    Raises:
        StartError: the service, or the definition of a table, is wrong.
    """
    with no_tables_at_start():
        load_app()
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
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
    raise TableConfigError(f"no contract of the service has a table {name!r}; {hint}")
