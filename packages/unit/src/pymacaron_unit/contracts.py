"""The contracts of the service under test, and which operation a call belongs to.

The only module that reads contracts; it needs pymacaron (``pip install pymacaron-unit[contract]``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pymacaron.codec.types import Types
from pymacaron.contract import TEMPLATE, Api, Operation
from pymacaron.spec import find_contracts, load_contract

from .exceptions import NoContractError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class Match:
    """The operation that a request belongs to, and the values of its path's parameters."""

    contract: Contract
    operation: Operation
    values: dict[str, str]


class Contract:
    """One contract of the service under test.

    Args:
        api: what the contract says.
        types: its codecs and models; the service's own where it runs in this process, so that its formats are known.
        prefix: what stands before each path; the contract's base path where it is None.
        document: what it was read from, where that was no file.
    """

    def __init__(
        self,
        api: Api,
        types: Types | None = None,
        prefix: str | None = None,
        document: dict[str, Any] | None = None,
    ) -> None:
        self.api = api
        # The base classes of models (x-parent) are the service's own, and only its process can import them.
        self.types = types if types is not None else Types(api, parents=False)
        self.document = document
        self.prefix = api.base_path if prefix is None else prefix
        self.operations = {operation.name: operation for operation in self.api.operations}
        self._routes = sorted(
            ((operation, _route(self.prefix + operation.path)) for operation in self.api.operations),
            key=lambda route: (len(TEMPLATE.findall(route[0].path)), -len(route[0].path)),
        )

    @property
    def name(self) -> str:
        """Name of the API."""
        return self.api.name

    @cached_property
    def file(self) -> Path | None:
        """Where the contract was read from; None where it was no file."""
        path = Path(self.api.file)
        return path if path.is_file() else None

    def path(self, operation: Operation) -> str:
        """Return an operation's path as it is served, with its templates."""
        return self.prefix + operation.path

    def match(self, method: str, path: str) -> Match | None:
        """Find the operation of a method and a path (as sent, without query); literal paths win over templates."""
        for operation, route in self._routes:
            if operation.method.upper() == method.upper() and (found := route.fullmatch(path)) is not None:
                names = TEMPLATE.findall(operation.path)
                return Match(self, operation, dict(zip(names, map(unquote, found.groups()), strict=True)))
        return None

    def methods(self, path: str) -> set[str]:
        """Return the methods that a path has."""
        return {operation.method.upper() for operation, route in self._routes if route.fullmatch(path)}


class Contracts:
    """All contracts of the service under test."""

    def __init__(self, contracts: Iterable[Contract] = ()) -> None:
        self.all: Sequence[Contract] = tuple(contracts)

    def __iter__(self) -> Iterator[Contract]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def match(self, method: str, url: str) -> Match | None:
        """Find the operation that a request (its method, and its URL or path) belongs to."""
        path = urlsplit(url).path
        return next((found for each in self.all if (found := each.match(method, path)) is not None), None)

    def operation(self, name: str) -> tuple[Contract, Operation]:
        """Return an operation by its name (``operationId``).

        Raises:
            NoContractError: no contract has it.
        """
        for contract in self.all:
            if name in contract.operations:
                return contract, contract.operations[name]
        names = [known for contract in self.all for known in contract.operations]
        close = get_close_matches(name, names, 1)
        if close:
            hint = f"did you mean {close[0]!r}?"
        else:
            hint = f"there are: {', '.join(names) or 'none; give the contract with --pym-contract FILE'}"
        raise NoContractError(f"no contract has an operation {name!r}; {hint}")


def load_contracts(paths: Iterable[str | Path]) -> Contracts:
    """Read contracts from files, and from all files below folders.

    Raises:
        NoContractError: a path is not there.
        pymacaron.exceptions.ContractError: a contract cannot be read.
    """
    found: dict[str, Path] = {}
    for each in map(Path, paths):
        if each.is_dir():
            found.update(find_contracts(each))
        elif each.is_file():
            found[each.stem] = each
        else:
            raise NoContractError(f"{each}: there is no such contract; give an OpenAPI file or a folder of them")
    return Contracts(Contract(load_contract(path, name)) for name, path in found.items())


def from_document(name: str, document: dict[str, Any]) -> Contract:
    """Read a contract that is a dict."""
    return Contract(load_contract(document, name), document=document)


def _route(template: str) -> re.Pattern[str]:
    parts = TEMPLATE.split(template)
    return re.compile("".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)))
