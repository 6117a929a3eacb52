"""A table as a model class of PynamoDB, made from the contract's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynamodb.attributes import Attribute
from pynamodb.connection import TableConnection
from pynamodb.connection.base import Connection, MetaTable
from pynamodb.indexes import (
    AllProjection,
    GlobalSecondaryIndex,
    IncludeProjection,
    Index,
    KeysOnlyProjection,
    LocalSecondaryIndex,
)
from pynamodb.models import Model

from pymacaron.model import attribute_names

from .definition import ALL, KEYS
from .wire import from_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .binding import Binding
    from .definition import IndexDefinition

_TYPES = {"string": "S", "integer": "N", "number": "N", "boolean": "BOOL", "array": "L", "object": "M"}


class ContractAttribute(Attribute[Any]):
    """An attribute whose values are those of a property."""

    def __init__(self, binding: Binding, name: str, kind: str, hash_key: bool = False, range_key: bool = False) -> None:
        super().__init__(hash_key=hash_key, range_key=range_key, null=True, attr_name=name)
        self.attr_type = kind
        self._binding = binding

    def __deepcopy__(self, memo: dict[int, Any]) -> ContractAttribute:
        # PynamoDB copies the attributes of indexes; what they are bound to is shared.
        made = ContractAttribute(self._binding, self.attr_name, self.attr_type, self.is_hash_key, self.is_range_key)
        memo[id(self)] = made
        return made

    def serialize(self, value: Any) -> Any:
        """Return what stands under the type in the attribute value."""
        ((kind, written),) = self._binding.codec.attributes.value(self.attr_name, value).items()
        if kind != self.attr_type:
            raise TypeError(f"{self.attr_name}: {value!r} is of DynamoDB's type {kind}, and not {self.attr_type}")
        return written

    def get_value(self, value: dict[str, Any]) -> Any:
        """Return an attribute value as a whole, since its type may be another one than most values have."""
        return value

    def deserialize(self, value: Mapping[str, Any]) -> Any:
        """Return what JSON holds for an attribute value, or bytes."""
        return from_wire(value)


class _Connection(TableConnection):
    """PynamoDB's connection for one table, over the one connection of the process."""

    def __init__(self, binding: Binding, table: str, meta: MetaTable) -> None:
        # TableConnection makes a connection of its own; this one asks for the process's at each call.
        self.table_name = table
        self._binding = binding
        self._meta = meta

    @property
    def connection(self) -> Connection:  # type: ignore[override]  # TableConnection sets it once
        """The connection, which is another one after a fork."""
        found = self._binding.database.connection
        if self.table_name not in found._tables:
            found._tables[self.table_name] = self._meta
        return found


def table_model(binding: Binding) -> type[Model]:
    """Return the model class of a table; its attributes and indexes are called as in the contract.

    Names are made into identifiers (``by-owner`` into ``by_owner``); one that is taken gets an underscore behind it.
    """
    made: dict[str, type[Model]] = binding.__dict__.setdefault("_pynamo", {})
    table = binding.table
    if table not in made:
        made[table] = _make(binding, table)
    return made[table]


def key_schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    """Return a key as DynamoDB describes it (API reference, KeySchemaElement)."""
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, kinds, strict=False)]


def _make(binding: Binding, table: str) -> type[Model]:
    definition = binding.definition
    names = attribute_names(binding.codec.names, taken=dir(Model))
    namespace: dict[str, Any] = {
        attribute: _attribute(binding, name, *definition.keys) for name, attribute in names.items()
    }
    namespace["Meta"] = type("Meta", (), {"table_name": table})
    indexes = attribute_names([index.name for index in definition.indexes], taken=(*dir(Model), *namespace))
    namespace.update({indexes[index.name]: _index(binding, index) for index in definition.indexes})
    metaclass: Any = type(Model)
    made: type[Model] = metaclass(definition.model, (Model,), namespace)
    made._connection = _Connection(binding, table, _meta(binding, table))
    return made


def _attribute(binding: Binding, name: str, *keys: str) -> ContractAttribute:
    kind = _kind(binding, name)
    return ContractAttribute(binding, name, kind, name == keys[0], len(keys) > 1 and name == keys[1])


def _kind(binding: Binding, name: str) -> str:
    """Return the type that most values of a property have in DynamoDB."""
    definition = binding.definition
    if name in definition.key_types:
        return definition.key_types[name]
    attributes = binding.codec.attributes
    if name in definition.sets:
        return attributes.kind_of_set(name)
    shape = attributes.shape(name)
    if attributes.is_bytes(shape):
        return "B"
    kinds = [_TYPES[kind] for kind in shape.type if kind in _TYPES]
    return kinds[0] if kinds else "M" if shape.properties else "S"


def _index(binding: Binding, index: IndexDefinition) -> Index[Any]:
    projections = {ALL: AllProjection, KEYS: KeysOnlyProjection}
    projection = (
        projections[index.projection]()
        if isinstance(index.projection, str)
        else IncludeProjection(list(index.projection))
    )
    meta = type("Meta", (), {"index_name": index.name, "projection": projection})
    namespace = {"Meta": meta, **{f"key_{name}": _attribute(binding, name, *index.keys) for name in index.keys}}
    base: Any = LocalSecondaryIndex if index.local else GlobalSecondaryIndex
    made: Index[Any] = type(index.name, (base,), namespace)()
    return made


def _meta(binding: Binding, table: str) -> MetaTable:
    """Return what PynamoDB wants to know of a table before it sends requests."""
    definition = binding.definition
    described = {
        local: [{"IndexName": i.name, "KeySchema": key_schema(i.keys)} for i in definition.indexes if i.local is local]
        for local in (False, True)
    }
    return MetaTable(
        {
            "TableName": table,
            "KeySchema": key_schema(definition.keys),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in definition.key_types.items()
            ],
            "GlobalSecondaryIndexes": described[False],
            "LocalSecondaryIndexes": described[True],
        }
    )
