"""What of one operation can be exercised, and the names of it: the same when it is listed and when it is recorded.

Needs pymacaron.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pymacaron.codec.text import TextCodec

from .branches import Choice, Spot, Spots, equals, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymacaron.codec.types import Types
    from pymacaron.contract import MediaType, Operation, Parameter, Response, Schema

    from ..contracts import Contract


#: Values of parameters are looked for no deeper than this.
_DEEPEST = 4


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


class Input:
    """One parameter of an operation.

    Attributes:
        key: what its keys begin with.
        values: the values that the contract lists: of an enumeration, or both of a boolean.
        codec: reads it.
    """

    def __init__(self, keys: OperationKeys, parameter: Parameter) -> None:
        types = keys.schemas.types
        self.parameter = parameter
        self.key = f"{keys.key} {parameter.location} {parameter.name}"
        self.values = list(_values(types, parameter.schema))
        self.codec = TextCodec(types, parameter, encoded=parameter.location == "query")


class OperationKeys:
    """The keys of everything that one operation lets a test exercise."""

    def __init__(self, schemas: Schemas, operation: Operation) -> None:
        self.schemas = schemas
        self.operation = operation
        self.key = operation.name
        self._contents: dict[str, list[BodySpot]] = {}

    @cached_property
    def inputs(self) -> list[Input]:
        """The parameters."""
        return [Input(self, parameter) for parameter in self.operation.parameters]

    def response(self, response: Response) -> str:
        """Return the key of a declared response."""
        return f"{self.key} {response.status}"

    def produced(self, media: MediaType) -> str:
        """Return the key of a media type that answers have; in Swagger 2.0 it is declared for all of them at once."""
        return f"{self.key} produces {media.name}"

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
        if response.status not in self._contents:
            key = self.response(response)
            self._contents[response.status] = _bodies(self.schemas.response, key, response.content)
        return self._contents[response.status]

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


def _values(types: Types, schema: Schema | bool, depth: int = 0) -> Iterator[Choice]:
    shape = types.shape(schema)
    if isinstance(shape, bool) or depth > _DEEPEST:
        return
    for index, member in enumerate(shape.enum or ()):
        yield Choice(f"= {shown(member)}", ("enum", str(index)), equals(member))
    if "boolean" in shape.type and shape.enum is None:
        for value in (True, False):
            yield Choice(f"= {shown(value)}", (), equals(value))
    for word, branches in (("anyOf", shape.any_of), ("oneOf", shape.one_of)):
        for index, branch in enumerate(branches):
            for choice in _values(types, branch, depth + 1):
                yield choice._replace(at=(word, str(index), *choice.at))
    if "array" in shape.type and shape.items is not None:
        for choice in _values(types, shape.items, depth + 1):
            yield Choice(f"has {choice.label}", ("items", *choice.at), _any(choice))


def _any(choice: Choice) -> Any:
    return lambda value: isinstance(value, list) and any(map(choice.taken, value))
