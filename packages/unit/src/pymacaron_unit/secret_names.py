"""Which names a contract marks as secret; needs pymacaron."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pymacaron.codec.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.contract import Schema

    from .contracts import Contract, Match


def names_of(match: Match) -> frozenset[str]:
    """Return the names of all secret properties, parameters and headers of an operation, in lower case."""
    return _names(match.contract, match.operation.name)


@lru_cache(maxsize=1024)
def _names(contract: Contract, operation: str) -> frozenset[str]:
    schemas = list(_schemas(contract, operation))
    found = {name for schema in schemas for name in Secrets.of(contract.types, schema).names}
    parameters = contract.operations[operation].parameters
    found |= {each.name for each in parameters if Secrets.of(contract.types, each.schema).everything}
    found |= {scheme.key for scheme in contract.api.security_schemes.values() if scheme.key}
    return frozenset(name.lower() for name in found)


def _schemas(contract: Contract, name: str) -> Iterator[Schema | bool]:
    operation = contract.operations[name]
    if operation.body is not None:
        yield from (media.schema for media in operation.body.content)
    for response in operation.responses:
        yield from (media.schema for media in response.content)
    yield from (parameter.schema for parameter in operation.parameters)
