"""What of one operation can be exercised, and the names of it: the same when it is listed and when it is recorded.

Needs pymacaron.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .branches import Choice, Spot, Spots, equals, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymacaron.codec.types import Types
    from pymacaron.contract import MediaType, Operation, Parameter, Response, Schema

    from ..contracts import Contract


class Schemas:
    """The places in all schemas of a contract, in both directions."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.request = Spots(types, "request")
        self.response = Spots(types, "response")


@dataclass(frozen=True)
class BodySpot:
    """One media type of a body, and where its schema starts."""

    media: MediaType
    key: str
    spot: Spot


class OperationKeys:
    """The keys of everything that one operation lets a test exercise."""

    def __init__(self, schemas: Schemas, operation: Operation) -> None:
        self.schemas = schemas
        self.operation = operation
        self.key = operation.name

    def parameter(self, parameter: Parameter) -> str:
        """Return what the keys of a parameter begin with."""
        return f"{self.key} {parameter.location} {parameter.name}"

    def values(self, parameter: Parameter) -> list[Choice]:
        """Return the values of a parameter that the contract lists: of an enumeration, or both of a boolean."""
        return list(_values(self.schemas.types, parameter.schema))

    def response(self, response: Response) -> str:
        """Return the key of a declared response."""
        return f"{self.key} {response.status}"

    @property
    def body_left_out(self) -> str:
        """The key of calls without a body, where one is optional."""
        return f"{self.key} body left out"

    @cached_property
    def bodies(self) -> list[BodySpot]:
        """The media types of the request's body; none where its fields are parameters of their own."""
        body = self.operation.body
        if body is None or any(parameter.location == "form" for parameter in self.operation.parameters):
            return []
        return _bodies(self.schemas.request, f"{self.key} body", body.content)

    def contents(self, response: Response) -> list[BodySpot]:
        """Return the media types of a response's body."""
        return _bodies(self.schemas.response, self.response(response), response.content)

    def declared(self, status: int) -> Response | None:
        """Return the response that declares a status: itself, its range, or ``default`` (OpenAPI 3.1, 4.8.16)."""
        found = {response.status: response for response in self.operation.responses}
        return found.get(str(status)) or found.get(f"{status // 100}XX") or found.get("default")


class ContractKeys:
    """The keys of everything in a contract, each operation's made when it is asked for."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.schemas = Schemas(contract.types)
        self._operations: dict[str, OperationKeys] = {}

    def operation(self, operation: Operation) -> OperationKeys:
        """Return the keys of an operation."""
        if operation.name not in self._operations:
            self._operations[operation.name] = OperationKeys(self.schemas, operation)
        return self._operations[operation.name]


def _bodies(spots: Spots, prefix: str, content: Sequence[MediaType]) -> list[BodySpot]:
    """Pair media types with their schemas; those of one schema share its place."""
    made: list[BodySpot] = []
    for media in content:
        key = f"{prefix} {media.name}"
        shared = next((other.spot for other in made if other.media.schema == media.schema), None)
        made.append(BodySpot(media, key, shared or Spot(spots, key, (), media.schema)))
    return made


def _values(types: Types, schema: Schema | bool) -> Iterator[Choice]:
    shape = types.shape(schema)
    if isinstance(shape, bool):
        return
    for index, member in enumerate(shape.enum or ()):
        yield Choice(f"= {shown(member)}", ("enum", str(index)), equals(member))
    if "boolean" in shape.type and shape.enum is None:
        for value in (True, False):
            yield Choice(f"= {shown(value)}", (), equals(value))
    if "array" in shape.type and shape.items is not None:
        for choice in _values(types, shape.items):
            yield Choice(f"has {choice.label}", ("items", *choice.at), _any(choice))


def _any(choice: Choice) -> Any:
    return lambda value: isinstance(value, list) and any(map(choice.taken, value))
