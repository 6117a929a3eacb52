"""What one answer tells of the next call: OpenAPI ``links``, and the shapes that a client would follow.

A client that creates a thing with ``POST /things`` takes the id out of the answer and calls ``GET /things/{id}`` with
it. Where the answer's model has that property, this is a link like one that the contract declares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymacaron.contract import TEMPLATE, Schema
from pymacaron.spec.document import tokens

from .call import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from .call import Call


@dataclass(frozen=True)
class Link:
    """A call that follows from an answer.

    Attributes:
        producer: the operation that answers.
        consumer: the operation that is called then.
        parameters: expressions (OpenAPI 3.1, Runtime Expressions) by the name of the consumer's path parameter.
        status: of the answer that declares the link; None where any success does.
    """

    producer: Operation
    consumer: Operation
    parameters: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None


def find_links(contract: Contract, document: Mapping[str, Any]) -> list[Link]:
    """Return the links that a contract declares, and those that its shapes suggest, each pair of operations once."""
    made: dict[tuple[str, str], Link] = {}
    for link in (*_declared(contract, document), *_suggested(contract)):
        if set(TEMPLATE.findall(link.consumer.path)) <= set(link.parameters):
            made.setdefault((link.producer.name, link.consumer.name), link)
    return list(made.values())


def _declared(contract: Contract, document: Mapping[str, Any]) -> Iterator[Link]:
    by_place = {(each.path, each.method.lower()): each for each in contract.api.operations}
    for (path, method), producer in by_place.items():
        raw = _at(document, document.get("paths", {}).get(path, {})).get(method, {})
        for status, response in raw.get("responses", {}).items():
            for link in _at(document, response).get("links", {}).values():
                consumer = _consumer(contract, by_place, _at(document, link))
                if consumer is not None:
                    given = _at(document, link).get("parameters", {})
                    parameters = {name.removeprefix("path."): str(value) for name, value in given.items()}
                    yield Link(producer, consumer, parameters, str(status))


def _consumer(contract: Contract, by_place: Mapping[tuple[str, str], Operation], link: Any) -> Operation | None:
    if "operationId" in link:
        return contract.operations.get(link["operationId"])
    parts = tokens(str(link.get("operationRef", "")).partition("#")[2])
    return by_place.get((parts[1], parts[2].lower())) if len(parts) == 3 and parts[0] == "paths" else None


def _at(document: Mapping[str, Any], value: Any) -> Any:
    """Follow references within the document."""
    for _ in range(20):
        if not isinstance(value, dict) or not str(value.get("$ref", "")).startswith("#/"):
            break
        ref, value = value["$ref"], document
        for token in tokens(ref[1:]):
            value = value[token]
    return value if isinstance(value, dict) else {}


def _suggested(contract: Contract) -> Iterator[Link]:
    operations = contract.api.operations
    for producer in operations:
        names = _answered(contract, producer) if producer.method.upper() == "POST" else []
        for consumer in operations if names else ():
            own = set(TEMPLATE.findall(producer.path))
            rest = consumer.path.removeprefix(producer.path.rstrip("/"))
            further = TEMPLATE.findall(rest)
            if rest != consumer.path and rest.startswith("/{") and len(further) == 1:
                found = _property(further[0], names, producer.path)
                if found is not None:
                    above = {name: f"$request.path.{name}" for name in own}
                    yield Link(producer, consumer, {**above, further[0]: f"$response.body#/{found}"})


def _answered(contract: Contract, operation: Operation) -> list[str]:
    """Return the names of the properties that a success answers."""
    for response in operation.responses:
        if response.status.startswith("2"):
            for media in response.content:
                shape = contract.types.shape(media.schema)
                if isinstance(shape, Schema):
                    return list(contract.types.fields(shape))
    return []


def _property(parameter: str, names: list[str], path: str) -> str | None:
    """Return the property that holds a path parameter's value: of its name, or ``id`` of the thing that it names."""
    plain = {_plain(name): name for name in reversed(names)}
    wanted = _plain(parameter)
    if wanted in plain:
        return plain[wanted]
    thing = _plain(path.rstrip("/").rpartition("/")[2])
    same = wanted.removesuffix("id") in (thing, thing.removesuffix("s"), thing.removesuffix("es"), "")
    return plain.get("id") if same or wanted.endswith("id") else None


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def evaluate(expression: str, call: Call, values: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Any:
    """Return what a runtime expression gives, ``ABSENT`` where nothing stands there.

    Args:
        expression: such as ``$response.body#/id``; anything else stands for itself.
        call: the request.
        values: of the request's path.
        headers: of the answer.
        body: the answer's JSON value.
    """
    source, _, pointer = expression.partition("#")
    if not expression.startswith("$"):
        return expression
    if source in ("$response.body", "$request.body"):
        return _inside(body if source == "$response.body" else call.json(), pointer)
    for prefix, given in (("$request.path.", values), ("$request.query.", dict(call.query))):
        if source.startswith(prefix):
            return given.get(source.removeprefix(prefix), ABSENT)
    if source.startswith("$response.header."):
        return headers.get(source.removeprefix("$response.header."), ABSENT)
    return ABSENT


def _inside(value: Any, pointer: str) -> Any:
    for token in tokens(pointer):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return ABSENT
    return value
