"""What a table is: what a persistent class or ``x-pym-table`` says, read once and checked against the schema."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET

from pymacaron.contract import Schema

from .exceptions import TableConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymacaron.codec.types import Types

KeyType = Literal["S", "N", "B"]

#: Before the name of a property: the attribute with the notes of its value, see :mod:`.wire`.
NOTES = "pym:"
#: The attribute with the time of expiry where the property named by ``ttl`` is a date-time.
EXPIRY = "pym.ttl"
#: The attribute with the version of an item's form, see ``upgrade``.
ITEM_VERSION = "pym.version"
#: The attribute with the id of the last update of an item, by which one that is sent again is known.
LAST_UPDATE = "pym.update"
#: Attributes whose names begin so are this package's own.
RESERVED = (NOTES, "pym.")

ALL = "all"
KEYS = "keys"
ON_DEMAND = "on-demand"

_BINARY = ("byte", "binary")
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
#: What x-pym-table calls what a class calls otherwise.
SHORT = {"name": "table_name", "hash": "primary_key", "range": "sort_key"}


@dataclass(frozen=True)
class Throughput:
    """Provisioned capacity: units of reads and writes a second."""

    read: int
    write: int


@dataclass(frozen=True)
class IndexDefinition:
    """A secondary index.

    Attributes:
        name: of the index.
        hash: property of its partition key.
        range: property of its sort key.
        projection: ``all``, ``keys``, or the properties that it has beside the keys.
        local: whether it is a local index, which shares the table's partition key and exists from its creation on.
    """

    name: str
    hash: str
    range: str | None = None
    projection: str | tuple[str, ...] = ALL
    local: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The properties of its key."""
        return (self.hash,) if self.range is None else (self.hash, self.range)


@dataclass(frozen=True)
class TableDefinition:
    """A table.

    Attributes:
        api: the API of the model.
        model: the model's name.
        name: of the table, without the prefix of the environment.
        hash: property of the partition key.
        range: property of the sort key.
        indexes: its secondary indexes.
        version: property that counts the writes of an item.
        ttl: property with the time from which DynamoDB may delete an item.
        encryption: None for keys that DynamoDB owns, ``kms`` for the account's key of DynamoDB, else a KMS key's id.
        sets: properties that are stored as sets.
        billing: ``on-demand``, or provisioned throughput.
        point_in_time_recovery: whether the table can be restored to any second of the last 35 days.
        deletion_protection: whether DynamoDB refuses to delete the table.
        item_version: version of the items' form, counted up with each change that ``upgrade`` knows.
        key_types: type of each property that is part of a key.
        timed: whether ``ttl`` is a date-time, whose epoch seconds stand in an attribute of their own.
    """

    api: str
    model: str
    name: str
    hash: str
    range: str | None = None
    indexes: tuple[IndexDefinition, ...] = ()
    version: str | None = None
    ttl: str | None = None
    encryption: str | None = None
    sets: frozenset[str] = frozenset()
    billing: str | Throughput = ON_DEMAND
    point_in_time_recovery: bool = False
    deletion_protection: bool = False
    item_version: int = 1
    key_types: Mapping[str, KeyType] = field(default_factory=dict)
    timed: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The properties of the table's key."""
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @property
    def ttl_attribute(self) -> str | None:
        """The attribute that DynamoDB looks at to delete items."""
        return EXPIRY if self.timed else self.ttl

    def index(self, name: str) -> IndexDefinition:
        """Return an index by its name.

        Raises:
            TableConfigError: there is none.
        """
        for found in self.indexes:
            if found.name == name:
                return found
        known = [index.name for index in self.indexes]
        raise TableConfigError(f"the table {self.name!r} has no index {name!r}; {_hint(name, known)}")


#: What may stand in a class: each attribute, and its default.
SETTINGS: dict[str, Any] = {
    "table_name": None,
    "primary_key": None,
    "sort_key": None,
    "indexes": {},
    "version": None,
    "ttl": None,
    "encryption": None,
    "sets": (),
    "billing": ON_DEMAND,
    "point_in_time_recovery": False,
    "deletion_protection": False,
    "item_version": 1,
}


def short_form(given: Any, where: str) -> dict[str, Any]:
    """Return what ``x-pym-table`` says as attributes of a class.

    Raises:
        TableConfigError: it is no mapping, or has a key that means nothing.
    """
    if not isinstance(given, dict):
        raise TableConfigError(f"{where}: x-pym-table is {given!r}; write a mapping with hash at least")
    made = {}
    known = [*SHORT, *(name for name in SETTINGS if name not in SHORT.values())]
    for key, value in given.items():
        if key not in known:
            raise TableConfigError(f"{where}: x-pym-table has a key {key!r}, which means nothing; {_hint(key, known)}")
        made[SHORT[key] if key in SHORT else str(key)] = value
    return made


def read_definition(given: Mapping[str, Any], api: str, model: str, types: Types, schema: Schema) -> TableDefinition:
    """Read and check the definition of a table.

    Args:
        given: the attributes of the persistent class.
        api: the API of the model.
        model: the model's name.
        types: the types of that API.
        schema: the model's schema.

    Raises:
        TableConfigError: something is missing or wrong; the message says what.
    """
    return _Reader(given, f"the table of {model} of the API {api!r}", types, schema).read(api, model)


class _Reader:
    def __init__(self, given: Mapping[str, Any], where: str, types: Types, schema: Schema) -> None:
        self.given = given
        self.where = where
        self.types = types
        self.properties = types.fields(schema)

    def read(self, api: str, model: str) -> TableDefinition:
        for name in self.properties:
            if name.startswith(RESERVED):
                raise self._wrong(f"a property is called {name!r}; names that begin with pym: or pym. are taken")
        hash_key = self._named("primary_key")
        if hash_key is None:
            raise self._wrong("no primary_key is set; name the property that is its partition key")
        indexes = tuple(self._indexes(hash_key))
        range_key = self._named("sort_key")
        if range_key == hash_key:
            raise self._wrong(f"sort_key is {range_key!r}, which is the primary_key as well; name another property")
        keys = {hash_key, *([range_key] if range_key else []), *(key for index in indexes for key in index.keys)}
        ttl = self._named("ttl")
        return TableDefinition(
            api=api,
            model=model,
            name=self._name_of("table_name", self._text("table_name") or model),
            hash=hash_key,
            range=range_key,
            indexes=indexes,
            version=self._version(),
            ttl=ttl,
            encryption=self._text("encryption"),
            sets=frozenset(self._sets()),
            billing=self._billing(),
            point_in_time_recovery=self._flag("point_in_time_recovery", self._value("point_in_time_recovery")),
            deletion_protection=self._flag("deletion_protection", self._value("deletion_protection")),
            item_version=self._count("item_version", self._value("item_version")),
            key_types={key: self._key_type(key) for key in sorted(keys)},
            timed=self._is_timed(ttl),
        )

    def _value(self, name: str) -> Any:
        return self.given.get(name, SETTINGS[name])

    def _text(self, name: str) -> str | None:
        value = self._value(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise self._wrong(f"{name} is {value!r}; write a text")
        return value

    def _name_of(self, what: str, name: str) -> str:
        """Refuse what no table or index can be called (API reference, CreateTable)."""
        if not _NAME.fullmatch(name):
            raise self._wrong(f"{what} is {name!r}; DynamoDB takes names of 3 to 255 letters, digits, and _ . -")
        return name

    def _flag(self, what: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self._wrong(f"{what} is {value!r}; write true or false")
        return value

    def _named(self, name: str) -> str | None:
        value = self._text(name)
        return None if value is None else self._property(value, name)

    def _property(self, value: Any, what: str) -> str:
        if not isinstance(value, str) or value not in self.properties:
            known = list(self.properties)
            raise self._wrong(f"{what} is {value!r}, which is no property of the schema; {_hint(str(value), known)}")
        return value

    def _indexes(self, hash_key: str) -> Iterator[IndexDefinition]:
        given = self._value("indexes")
        if not isinstance(given, dict):
            raise self._wrong(f"indexes is {given!r}; write a mapping of names to {{hash: …, range: …}}")
        allowed = [each.name for each in fields(IndexDefinition) if each.name != "name"]
        for name, index in given.items():
            what = f"indexes.{name}"
            if not isinstance(index, dict) or "hash" not in index:
                raise self._wrong(f"{what} is {index!r}; write {{hash: …}} at least")
            for key in index:
                if key not in allowed:
                    raise self._wrong(f"{what} has a key {key!r}; {_hint(key, allowed)}")
            made = IndexDefinition(
                name=self._name_of("the name of an index", name),
                hash=self._property(index["hash"], f"{what}.hash"),
                range=self._property(index["range"], f"{what}.range") if index.get("range") is not None else None,
                projection=self._projection(index.get("projection", ALL), what),
                local=self._flag(f"{what}.local", index.get("local", False)),
            )
            if made.local and (made.hash != hash_key or made.range is None):
                raise self._wrong(f"{what} is local; its hash must be {hash_key!r}, the table's, and it needs a range")
            yield made

    def _projection(self, given: Any, what: str) -> str | tuple[str, ...]:
        if given in (ALL, KEYS):
            return str(given)
        if not isinstance(given, (list, tuple)) or not given:
            raise self._wrong(f"{what}.projection is {given!r}; write all, keys, or a list of properties")
        return tuple(self._property(name, f"{what}.projection") for name in given)

    def _version(self) -> str | None:
        name = self._named("version")
        if name is not None:
            shape = self._shape(name)
            if shape.type not in (("integer",), ("integer", "null"), ("null", "integer")):
                raise self._wrong(f"version is {name!r}, whose type is {_types(shape)}; it must be an integer")
            if self._has_default(name):
                raise self._wrong(f"version is {name!r}, which has a default; take it out: unset means never written")
        return name

    def _sets(self) -> Iterator[str]:
        given = self._value("sets")
        for name in given if isinstance(given, (list, tuple, set, frozenset)) else [given]:
            if self._shape(self._property(name, "sets")).type[:1] != ("array",):
                raise self._wrong(f"sets names {name!r}, which is no array")
            yield name

    def _billing(self) -> str | Throughput:
        given = self._value("billing")
        if given == ON_DEMAND:
            return ON_DEMAND
        if not isinstance(given, dict) or set(given) != {"read", "write"}:
            raise self._wrong(f"billing is {given!r}; write {ON_DEMAND} or {{read: units, write: units}}")
        return Throughput(*(self._count(f"billing.{name}", given[name]) for name in ("read", "write")))

    def _count(self, what: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(f"{what} is {value!r}; write a whole number from 1 on")
        return value

    def _is_timed(self, ttl: str | None) -> bool:
        if ttl is None:
            return False
        shape = self._shape(ttl)
        if "integer" in shape.type:
            return False
        if "string" in shape.type and shape.format == "date-time":
            return True
        raise self._wrong(f"ttl is {ttl!r}, whose type is {_types(shape)}; it must be an integer or a date-time")

    def _key_type(self, name: str) -> KeyType:
        shape = self._shape(name)
        kinds = [kind for kind in shape.type if kind != "null"]
        if kinds == ["string"]:
            return "B" if shape.format in _BINARY else "S"
        if kinds and set(kinds) <= {"integer", "number"}:
            return "N"
        raise self._wrong(f"the key {name!r} is of type {_types(shape)}; a key is a string or a number")

    def _shape(self, name: str) -> Schema:
        shape = self.types.shape(self.properties[name])
        return shape if isinstance(shape, Schema) else Schema()

    def _has_default(self, name: str) -> bool:
        places = (self.properties[name], self._shape(name))
        return any(isinstance(each, Schema) and each.default is not UNSET for each in places)

    def _wrong(self, what: str) -> TableConfigError:
        return TableConfigError(f"{self.where}: {what}")


def _types(shape: Schema) -> str:
    return " or ".join(shape.type) or "anything"


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
