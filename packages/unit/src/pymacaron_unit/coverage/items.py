"""Everything of a contract that a test can exercise, with the place where it stands. Needs pymacaron.

The kinds:

- ``operation``: one for each; exercised by a declared answer of 2xx or 3xx (by any declared one where the contract
  declares only failures).
- ``parameter``: sent at all; left out, where it is optional; each value of an enumeration, and both of a boolean.
- ``body``: each media type of a request; left out, where it is optional.
- ``response``: each declared status, its headers, and its media types; in Swagger 2.0, which declares media types for
  all answers of an operation at once, each of them once.
- ``branch``: what schemas of bodies leave open: alternatives of ``oneOf`` and ``anyOf``, both sides of ``if``, values
  of discriminators and enumerations, optional properties present and absent, null and not null, arrays empty and not.

A named schema is counted once for requests and once for responses, however many operations lead to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .operations import ContractKeys
from .places import Source, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.contract import Operation, Place, Response
    from pymacaron.spec.document import Node

    from ..contracts import Contract
    from .branches import Part, Spot
    from .operations import BodySpot, OperationKeys

Kind = Literal["operation", "parameter", "body", "response", "branch"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to exercise.

    Args:
        key: its name, unique in the contract.
        kind: what it counts as.
        owner: the operation or the named schema that it belongs to.
        label: what it is, in words, without its owner.
        place: where it stands.
    """

    key: str
    kind: Kind
    owner: str
    label: str
    place: Place


@dataclass(frozen=True, slots=True)
class Owner:
    """What items belong to: an operation, or a named schema in one direction; ``operation`` is None for those."""

    name: str
    title: str
    place: Place
    operation: Operation | None = None


@dataclass(frozen=True)
class Inventory:
    """The items of one contract, by their keys, and what they belong to, in the contract's order."""

    items: dict[str, Item]
    owners: dict[str, Owner]


def inventory(contract: Contract) -> Inventory:
    """List everything that can be exercised, in time linear in the contract."""
    return _Listing(contract).listed()


class _Listing:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.source = Source(contract)
        self.keys = ContractKeys(contract)
        self.items: dict[str, Item] = {}
        self.owners: dict[str, Owner] = {}
        self._waiting: list[tuple[Spot, Node | None, Owner, Place]] = []
        self._walked: set[int] = set()

    def listed(self) -> Inventory:
        for operation in self.contract.api.operations:
            title = f"{operation.method} {self.contract.path(operation)}"
            owner = self.owners[operation.name] = Owner(operation.name, title, operation.place, operation)
            self._operation(self.keys.operation(operation), owner)
        self._schemas()
        return Inventory(self.items, self.owners)

    def _add(self, key: str, kind: Kind, owner: Owner, label: str, place: Place) -> None:
        self.items.setdefault(key, Item(key, kind, owner.name, label, place))

    def _operation(self, keys: OperationKeys, owner: Owner) -> None:
        self._add(keys.key, "operation", owner, "answers with success", owner.place)
        self._parameters(keys, owner)
        body = keys.operation.body
        if body is not None:
            self._body(keys, owner)
        for response in keys.operation.responses:
            self._response(keys, owner, response)

    def _parameters(self, keys: OperationKeys, owner: Owner) -> None:
        for each in keys.inputs:
            parameter, key = each.parameter, each.key
            node = self.source.parameter(keys.operation, parameter)
            place = place_of(node) if node is not None else owner.place
            label = f"{parameter.location} {parameter.name}"
            self._add(f"{key} sent", "parameter", owner, f"{label} sent", place)
            if not parameter.required:
                self._add(f"{key} left out", "parameter", owner, f"{label} left out", place)
            schema = node if node is None or node.get("schema") is None else node.child("schema")
            for choice in each.values:
                inner = self.source.reach(schema, choice.at)
                there = place_of(inner) if inner is not None else place
                self._add(f"{key} {choice.label}", "parameter", owner, f"{label} {choice.label}", there)

    def _body(self, keys: OperationKeys, owner: Owner) -> None:
        body = keys.operation.body
        assert body is not None
        node = self.source.request_body(keys.operation)
        place = place_of(node) if node is not None else owner.place
        if not body.required:
            self._add(keys.body_left_out, "body", owner, "body left out", place)
        for media in body.content:
            found = self.source.media(node, media.name)
            there = place_of(found) if found is not None else place
            self._add(f"{keys.key} body {media.name}", "body", owner, f"body {media.name}", there)
        self._wait(keys.bodies, node, owner, place)

    def _response(self, keys: OperationKeys, owner: Owner, response: Response) -> None:
        node = self.source.response(keys.operation, response.status)
        place = place_of(node) if node is not None else owner.place
        status, key, target = response.status, keys.response(response), self.source.follow(node)
        self._add(key, "response", owner, f"answers {status}", place)
        for header in response.headers:
            found = self.source.reach(target, ("headers", header.name))
            there = place_of(found) if found is not None else place
            self._add(
                f"{key} header {header.name}", "response", owner, f"{response.status} header {header.name}", there
            )
        bodies = keys.contents(response)
        for body in bodies:
            self._answered(keys, owner, body, node, status)
        self._wait(bodies, node, owner, place)

    def _answered(self, keys: OperationKeys, owner: Owner, body: BodySpot, node: Node | None, status: str) -> None:
        """List a media type of answers: of each status, or in Swagger 2.0, where they are given so, of all."""
        name = body.media.name
        if self.source.at("swagger") is not None:
            found = self.source.produces(keys.operation)
            key, label = keys.produced(body.media), f"answers {name}"
        else:
            found = self.source.media(node, name)
            key, label = body.key, f"{status} {name}"
        self._add(key, "response", owner, label, place_of(found) if found is not None else owner.place)

    def _wait(self, bodies: list[BodySpot], node: Node | None, owner: Owner, place: Place) -> None:
        """Leave the schemas of a body for later, each with the node that it stands in."""
        for body in bodies:
            media = self.source.media(node, body.media.name) or self.source.follow(node)
            schema = media.get("schema") if media is not None else None
            self._waiting.append((body.spot, schema, owner, place))

    def _schemas(self) -> None:
        for start in self._waiting:
            for found in self._inside(*start):
                self._branches(*found)

    def _inside(
        self, spot: Spot, node: Node | None, owner: Owner, place: Place
    ) -> Iterator[tuple[Spot, Node | None, Owner, Place]]:
        """Yield a place in a schema and all below, each once; named schemas become owners of their own."""
        stack = [(spot, node, owner, place)]
        while stack:
            here, node, owner, place = stack.pop()
            if id(here) in self._walked:
                continue
            self._walked.add(id(here))
            place = place_of(node) if node is not None else place
            yield here, node, owner, place
            for part, below in reversed(here.parts):
                stack.append((below, *self._below(part, below, node, owner, place)))

    def _below(
        self, part: Part, below: Spot, node: Node | None, owner: Owner, place: Place
    ) -> tuple[Node | None, Owner, Place]:
        if part.name is None:
            return self._step(node, part.at), owner, place
        target = self.source.referred(node) if part.at == () else self.source.named(part.name)
        there = place_of(target) if target is not None else place
        if below.owner not in self.owners:
            self.owners[below.owner] = Owner(below.owner, below.owner, there)
        return target, self.owners[below.owner], there

    def _step(self, node: Node | None, at: tuple[str, ...]) -> Node | None:
        """Go to a part of a schema; what ``x-nullable`` put around one is no step in the file."""
        if node is None or (node.get("x-nullable") is not None and at[:1] == ("anyOf",) and node.get("anyOf") is None):
            return node
        return self.source.step(node, at)

    def _branches(self, spot: Spot, node: Node | None, owner: Owner, place: Place) -> None:
        for choice in spot.choices:
            found = self._step(node, choice.at)
            there = place_of(found) if found is not None else place
            self._add(spot.key(choice), "branch", owner, _branch_label(spot, choice.at, choice.label, owner), there)


def _branch_label(spot: Spot, at: tuple[str, ...], label: str, owner: Owner) -> str:
    """Say in words where in a message a branch is, and which: ``201 application/json: tags[] = "old"``."""
    prefix = "" if spot.owner == owner.name else spot.owner.removeprefix(f"{owner.name} ")
    return ": ".join(filter(None, [prefix, f"{_path((*spot.at, *at))} {label}".strip()]))


def _path(steps: tuple[str, ...]) -> str:
    """Write the way through a schema as the way through its values: ``lines[].price``."""
    made, left = "", list(steps)
    while left:
        word = left.pop(0)
        token = left.pop(0) if word in _NAMING and left else ""
        if word in ("items", "prefixItems"):
            made += f"[{token}]"
        elif word in ("additionalProperties", "patternProperties"):
            made += ".*"
        elif word == "properties":
            made += f".{token}"
    return made.removeprefix(".")


_NAMING = frozenset(
    ("properties", "patternProperties", "dependentSchemas", "prefixItems", "allOf", "anyOf", "oneOf", "enum")
)
