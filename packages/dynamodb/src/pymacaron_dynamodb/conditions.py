"""Conditions of writes: what ``only_if`` says, as DynamoDB's condition expressions."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.util import get_value_placeholder

from .definition import NOTES
from .exceptions import ItemInvalid
from .items import UNSET
from .wire import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .items import ItemCodec
    from .wire import Wire

#: A condition of PynamoDB, or values that properties must have; None for a property that must be unset.
OnlyIf = Condition | dict[str, Any]


class Expression:
    """The expressions of one request, which share names and values."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._arguments: dict[str, Any] = {}

    def add(self, argument: str, part: Any) -> Expression:
        """Add an expression of PynamoDB's, such as a condition, under the name of an argument; None adds nothing."""
        if part is not None:
            self._arguments[argument] = part.serialize(self._names, self._values)
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the request."""
        made = dict(self._arguments)
        if self._names:
            made["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self._names.items()}
        if self._values:
            made["ExpressionAttributeValues"] = self._values
        return made


class Named(Path):
    """The path of an attribute, each step by its whole name: PynamoDB's own takes brackets in a name for an index."""

    def serialize(self, placeholder_names: dict[str, str], expression_attribute_values: dict[str, Any]) -> str:
        """Return the path with placeholders for its names."""
        return ".".join(_placeholder(str(step), placeholder_names) for step in self.path)


class _Known(Condition):
    """A condition on one attribute whose text is known but for its placeholders, which is quicker to make."""

    def __init__(self, operator: str, name: str, wire: Wire | None = None) -> None:
        # PynamoDB's own keeps operands, which here are made only where somebody asks for them.
        self.operator = operator
        self.format_string = "{0} = {1}" if wire is not None else "{operator} ({0})"
        self._name = name
        self._wire = wire

    @property
    def values(self) -> tuple[Any, ...]:  # type: ignore[override]  # as said above
        """The operands."""
        path = Named([self._name])
        return (path,) if self._wire is None else (path, Value(self._wire))

    def serialize(self, placeholder_names: dict[str, str], expression_attribute_values: dict[str, Any]) -> str:
        """Return the condition with placeholders for name and value."""
        name = _placeholder(self._name, placeholder_names)
        if self._wire is None:
            return f"{self.operator} ({name})"
        return f"{name} = {get_value_placeholder(self._wire, expression_attribute_values)}"


def _placeholder(name: str, names: dict[str, str]) -> str:
    found = names.get(name)
    if found is None:
        found = names[name] = f"#{len(names)}"
    return found


def read_condition(codec: ItemCodec, only_if: OnlyIf | None) -> Condition | None:
    """Return a condition of what ``only_if`` says.

    Raises:
        ItemInvalid: a value breaks its property's schema.
    """
    if only_if is None or isinstance(only_if, Condition):
        return only_if
    if not only_if:
        raise ItemInvalid("only_if is empty; name a property, or leave it out")
    return all_of(equals(codec, name, value) for name, value in only_if.items())


def equals(codec: ItemCodec, name: str, value: Any) -> Condition:
    """Return the condition that a property has a value; None that it is unset or null."""
    if value is not None:
        return _Known("=", name, codec.attributes.value(name, value))
    # A note may say that what is not there is the empty text, or an empty set.
    noted, path = Named([NOTES + name, WHOLE]), Named([name])
    absent: Condition = path.does_not_exist() & (noted.does_not_exist() | noted.is_in(UNSET, "null"))
    either: Condition = absent | path.is_type("NULL")
    return either


def all_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """Return the condition that all of several hold; None where there are none."""
    given = [condition for condition in conditions if condition is not None]
    return reduce(and_, given) if given else None


def key_exists(codec: ItemCodec) -> Condition:
    """Return the condition that there is an item of the key."""
    return _Known("attribute_exists", codec.definition.hash)


def key_is_free(codec: ItemCodec) -> Condition:
    """Return the condition that there is no item of the key."""
    return _Known("attribute_not_exists", codec.definition.hash)


def version_is(codec: ItemCodec, version: int | None) -> Condition:
    """Return the condition that an item has a version; None where it has none yet."""
    name = str(codec.definition.version)
    if version is None:
        return _Known("attribute_not_exists", name)
    return _Known("=", name, {"N": str(version)})


def condition_arguments(condition: Condition | None) -> Mapping[str, Any]:
    """Return the arguments of a request that is made on a condition."""
    return Expression().add("ConditionExpression", condition).arguments() if condition is not None else {}
