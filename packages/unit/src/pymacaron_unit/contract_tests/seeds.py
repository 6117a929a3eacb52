"""What the contract tests cannot make up: ids of things that exist, and texts of a service's own formats.

They stand in ``contract_seed.py`` beside the service's tests, a plain module of functions, each called with an ``api``
(:class:`pymacaron_unit.api.Api`) and returning a value:

- ``def tool_id(api)`` gives the parameter ``tool_id`` of every operation;
- ``def borrow__tool_id(api)`` gives the one of the operation ``borrow`` alone;
- ``def borrow__body(api)`` gives properties (a dict) that each valid JSON body of ``borrow`` gets;
- ``formats = {"euro": ["1.00", "0.50"]}`` gives texts of a format;
- ``credentials = {"partner_key": "..."}`` gives the credential of a security scheme, in place of a token.
"""

from __future__ import annotations

import runpy
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pymacaron.contract import TEMPLATE

from ..exceptions import UnitError
from .call import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pymacaron.contract import Operation

    from ..api import Api
    from ..contracts import Contract
    from .call import Call

FILE = "contract_seed.py"


class Seeds:
    """The functions and values of a ``contract_seed.py``.

    Args:
        given: the names of the module.
        api: what the functions are called with.
    """

    def __init__(self, given: Mapping[str, Any], api: Api) -> None:
        self.given = given
        self.api = api
        self.formats: Mapping[str, Sequence[str]] = given.get("formats", {})
        self.credentials: Mapping[str, str] = given.get("credentials", {})
        self._made: dict[str, Any] = {}

    def function(self, operation: Operation, name: str) -> Callable[[Api], Any] | None:
        """Return the function that gives a parameter of an operation, where there is one."""
        found = self.given.get(f"{operation.name}__{name}")
        if found is None and name != "body":
            found = self.given.get(name)
        return found if callable(found) else None

    def value(self, operation: Operation, name: str) -> Any:
        """Return the value of a parameter of an operation, ``ABSENT`` where nothing gives it.

        A value is made once; a body's, and those of operations that delete, are made anew for each call.

        Raises:
            UnitError: the function failed.
        """
        function = self.function(operation, name)
        if function is None:
            return ABSENT
        key = function.__name__
        if key not in self._made or name == "body" or operation.method.upper() == "DELETE":
            try:
                self._made[key] = function(self.api)
            except Exception as error:
                raise UnitError(f"{FILE}: {key}(api) failed: {type(error).__name__}: {error}") from error
        return self._made[key]

    def fill(self, contract: Contract, operation: Operation, call: Call, wrong: frozenset[str]) -> Call:
        """Put the values that are given into a call, except at places that are wrong on purpose."""
        if not self.given:
            return call
        if "path" not in wrong:
            call = self._fill_path(contract, operation, call)
        if "query" not in wrong:
            pairs = ((name, value, self.value(operation, name)) for name, value in call.query)
            query = tuple((name, old if new is ABSENT else quote(str(new), safe="")) for name, old, new in pairs)
            call = replace(call, query=query)
        body = self.value(operation, "body") if "body" not in wrong else ABSENT
        if isinstance(body, dict) and isinstance(old := call.json(), dict):
            call = call.with_json({**old, **body})
        return call

    def _fill_path(self, contract: Contract, operation: Operation, call: Call) -> Call:
        match = contract.match(call.method, call.path)
        if match is None:
            return call
        given = {name: self.value(operation, name) for name in match.values}
        values = {name: old if given[name] is ABSENT else str(given[name]) for name, old in match.values.items()}
        return replace(call, path=path_of(contract, operation, values)) if values != match.values else call


def path_of(contract: Contract, operation: Operation, values: Mapping[str, str]) -> str:
    """Return an operation's path with the values of its parameters."""
    return contract.prefix + TEMPLATE.sub(lambda found: quote(values[found[1]], safe=""), operation.path)


def find_seeds(folder: Path) -> Path | None:
    """Return the ``contract_seed.py`` of a service: in its ``tests``, or beside it."""
    return next((path for path in (folder / "tests" / FILE, folder / FILE) if path.is_file()), None)


def load_seeds(path: Path | None, api: Api) -> Seeds:
    """Run a ``contract_seed.py``; where there is none, there are no seeds.

    Raises:
        UnitError: it cannot be run.
    """
    if path is None:
        return Seeds({}, api)
    try:
        given = runpy.run_path(str(path))
    except Exception as error:
        raise UnitError(f"{path}: {type(error).__name__}: {error}") from error
    return Seeds({name: value for name, value in given.items() if not name.startswith("_")}, api)
