"""Objects of a model as items of a table, and back."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, cast

import msgspec

from pymacaron.codec.codec import Invalid
from pymacaron.contract import Schema
from pymacaron.exceptions import fault

from .attributes import Attributes, Item
from .definition import EXPIRY, ITEM_VERSION, NOTES, RESERVED
from .exceptions import ItemInvalid, ItemTooLarge, StoredItemInvalid
from .sizes import LIMIT, describe_size, size_of_item
from .wire import WHOLE, Wire, amend, from_wire, read_number, same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pymacaron.codec.codec import FaultEntry
    from pymacaron.model import ModelInfo, Property, PymacaronBaseModel

    from .definition import TableDefinition

#: Where an object keeps the attributes of its item that its schema has no place for.
ASIDE = "_pym_aside"
#: Where an object remembers that it was read.
READ = "_pym_read"

#: Where an object remembers the version of its item's form, where that is newer than any that is known here.
NEWER = "_pym_newer"

#: The note of a property that is unset although it has a default.
UNSET = "unset"
# Without notes and attributes that were kept aside, an item is never twice as long as its JSON.
_SUSPECT = LIMIT // 2
# How many faults a message lists.
_SHOWN = 5
_MISPLACED = "these are bytes, and the schema has none here"
# What an additional property is refused by.
_CLOSING = ("additionalProperties", "unevaluatedProperties")


class ItemCodec:
    """Turns the objects of one model into items of a table, and items into objects.

    Args:
        definition: of the table.
        model: the model's class.
        table: the table's name, for messages.
        upgrade: brings what an item of an older form holds to the present form.
    """

    def __init__(
        self,
        definition: TableDefinition,
        model: type[PymacaronBaseModel],
        table: str,
        upgrade: Callable[[dict[str, Any], int], dict[str, Any]],
    ) -> None:
        info: ModelInfo = model._info
        assert info.types is not None
        self.definition = definition
        self.table = table
        self.info = info
        self.attributes = Attributes(definition, info, table)
        self._upgrade = upgrade
        self._types = info.types
        self._codec = info.types.codec(info.schema, "any")
        self._fields = info.types.fields(info.schema)
        self._defaulted = [name for name, found in info.properties.items() if _has_default(found)]
        self._takes_more = info.schema.additional_properties is not False or bool(info.schema.pattern_properties)
        self._subtypes: dict[str, ItemCodec] = {}

    @property
    def names(self) -> list[str]:
        """The names of all properties."""
        return list(self._fields)

    def encode(self, obj: PymacaronBaseModel) -> Item:
        """Return the item of an object.

        Raises:
            ItemInvalid: the object breaks its schema, has no value for a key, holds what no attribute can, or was read
                from an item of a newer form.
            ItemTooLarge: the item is beyond 400 KB.
        """
        if NEWER in obj.__dict__:
            raise ItemInvalid(
                f"{self._shown(obj)} was written by a newer release: its item_version is {obj.__dict__[NEWER]}, and"
                f" this release knows {self.definition.item_version}; saving it here would mix the two forms"
            )
        try:
            data = self._codec.encode(obj)
        except Invalid as error:
            made = ItemInvalid(f"{self._shown(obj)} breaks its schema: {error}")
            made.errors = [fault(self.info.name, p, k, m) for p, k, m in error.faults]
            raise made from None
        plain: dict[str, Any] = msgspec.json.decode(data)
        item: Item = dict(obj.__dict__.get(ASIDE, ()))
        for name, value in plain.items():
            self.attributes.put(item, name, value)
        for name in self._defaulted:
            if name not in plain:
                item[NOTES + name] = {"M": {WHOLE: {"S": UNSET}}}
        self._add_own(item, obj)
        for name in self.definition.keys:
            if name not in item:
                raise ItemInvalid(f"{self.info.name}.{name} is not set, and is a key of the table {self.table!r}")
        if (len(data) > _SUSPECT or len(item) > len(plain)) and size_of_item(item) > LIMIT:
            raise self.too_large(item)
        return item

    def too_large(self, item: Item) -> ItemTooLarge:
        """Return the error of an item that is beyond 400 KB."""
        shown = f"{self.info.name} {self.describe_key(item)}"
        return ItemTooLarge(f"{shown} cannot be stored in the table {self.table!r}: {describe_size(item)}")

    def changes(self, name: str, value: Any) -> dict[str, Wire | None]:
        """Return what is stored for a value that code gives to a property: attributes, None for one that goes.

        Raises:
            ItemInvalid: the value breaks the schema, or no attribute can hold it.
        """
        item: Item = {}
        plain = self.attributes.plain(name, value)
        self.attributes.put(item, name, plain)
        made: dict[str, Wire | None] = {name: item.get(name), NOTES + name: item.get(NOTES + name)}
        if self.definition.timed and name == self.definition.ttl:
            made[EXPIRY] = None if plain is None else _epoch(self.info.properties[name].load(plain, self.info.name))
        return made

    def absence(self, name: str) -> dict[str, Wire | None]:
        """Return what is stored for a property that is unset: attributes, None for one that goes."""
        note = {"M": {WHOLE: {"S": UNSET}}} if name in self._defaulted else None
        made: dict[str, Wire | None] = {name: None, NOTES + name: note}
        if self.definition.timed and name == self.definition.ttl:
            made[EXPIRY] = None
        return made

    def key(self, hash_value: Any, range_value: Any = None) -> Item:
        """Return the key of an item.

        Raises:
            ItemInvalid: a part of the key is missing, too much, or of another type.
        """
        definition = self.definition
        made = {definition.hash: self.attributes.value(definition.hash, hash_value)}
        if definition.range is not None and range_value is not None:
            made[definition.range] = self.attributes.value(definition.range, range_value)
        elif definition.range is not None:
            raise ItemInvalid(f"the table {self.table!r} has the sort key {definition.range!r}; none was given")
        elif range_value is not None:
            raise ItemInvalid(f"the table {self.table!r} has no sort key; {range_value!r} was given")
        return made

    def key_of(self, obj: PymacaronBaseModel) -> Item:
        """Return the key of an object's item.

        Raises:
            ItemInvalid: a part of the key is not set.
        """
        return self.key(*(obj[name] for name in self.definition.keys))

    def decode(self, item: Mapping[str, Wire]) -> PymacaronBaseModel:
        """Return the object of an item.

        Raises:
            StoredItemInvalid: the item does not follow the schema.
        """
        plain, aside, unset, faults = self._reader(item)._read(item)
        version = item_version(item)
        if version < self.definition.item_version:
            plain, faults = self._upgraded(plain, aside, version), []
        obj = self._load(plain, aside, item, faults)
        for name in unset:
            del obj[name]
        if aside:
            obj.__dict__[ASIDE] = aside
        if version > self.definition.item_version:
            obj.__dict__[NEWER] = version
        obj.__dict__[READ] = True
        return obj

    def _upgraded(self, plain: dict[str, Any], aside: Item, version: int) -> dict[str, Any]:
        """Bring values to the present form. An attribute of no property is aside only where ``upgrade`` leaves it."""
        others = {name: from_wire(wire) for name, wire in aside.items()}
        made = self._upgrade({**plain, **others}, version)
        for name, value in others.items():
            if name in made and made[name] == value and name not in self._fields:
                made = {key: kept for key, kept in made.items() if key != name}
            else:
                del aside[name]
        return made

    def plain(self, item: Mapping[str, Wire]) -> dict[str, Any]:
        """Return what an item holds as values of JSON and bytes, whether or not it follows the schema."""
        return self._reader(item)._read(item)[0]

    def describe_key(self, item: Mapping[str, Wire]) -> str:
        """Write the key of an item for messages."""
        return ", ".join(f"{name}={from_wire(item[name])!r}" for name in self.definition.keys if name in item)

    def _reader(self, item: Mapping[str, Wire]) -> ItemCodec:
        """Return what knows the properties of an item: the codec of the subtype that its discriminator names."""
        tag = self.info.schema.discriminator
        if tag is None or not tag.inherited or tag.property not in item:
            return self
        name = tag.mapping.get(str(item[tag.property].get("S")), self.info.name)
        if name not in self._subtypes:
            model = self._types.model(name)
            known = self if model in (None, self.info.base) else None
            self._subtypes[name] = known or ItemCodec(self.definition, cast("Any", model), self.table, self._upgrade)
        return self._subtypes[name]

    def _load(
        self, plain: dict[str, Any], aside: Item, item: Mapping[str, Wire], faults: list[FaultEntry]
    ) -> PymacaronBaseModel:
        """Make the object; what a closed schema refuses by its name alone is put aside."""
        try:
            obj: PymacaronBaseModel = self._codec.load(plain)
        except Invalid as error:
            refused = self._refused(plain, error)
            if not refused:
                raise self._invalid(item, faults + error.faults) from None
            aside.update({name: item[name] for name in refused if name in item})
            return self._load({name: plain[name] for name in plain if name not in refused}, aside, item, faults)
        if faults:
            raise self._invalid(item, faults)
        return obj

    def _refused(self, plain: dict[str, Any], error: Invalid) -> set[str]:
        """Name the properties that a closed schema, one with patterns or subtypes, refuses by their names alone."""
        if not _is_closing(error):
            return set()
        known = {name: value for name, value in plain.items() if name in self._fields}
        return {name for name in plain if name not in known and self._is_refused({**known, name: plain[name]})}

    def _is_refused(self, plain: dict[str, Any]) -> bool:
        try:
            self._codec.load(plain)
        except Invalid as error:
            return _is_closing(error)
        return False

    def _invalid(self, item: Mapping[str, Wire], faults: list[FaultEntry]) -> StoredItemInvalid:
        """Say that an item does not follow the schema, and what to do about it."""
        listed = "; ".join(f"{pointer or '/'}: {message}" for pointer, _, message in faults[:_SHOWN])
        more = len(faults) - _SHOWN
        hint = (
            "; where items of an older form lack it, count item_version up and let upgrade() give it a value"
            if any(keyword == "required" for _, keyword, _ in faults)
            else ""
        )
        made = StoredItemInvalid(
            f"the table {self.table!r} has an item {self.describe_key(item)} that breaks the schema of"
            f" {self.info.name}: {listed}{f' and {more} more' if more > 0 else ''}{hint}"
        )
        made.errors = [fault(self.info.name, p, k, m) for p, k, m in faults]
        return made

    def _read(self, item: Mapping[str, Wire]) -> tuple[dict[str, Any], Item, list[str], list[FaultEntry]]:
        """Return an item's values, the attributes of no property, what is unset on purpose, and misplaced bytes."""
        plain: dict[str, Any] = {}
        aside: Item = {}
        faults: list[FaultEntry] = []
        octets: list[bytes] = []
        noted = False
        for name, wire in item.items():
            if name.startswith(RESERVED):
                noted = noted or name.startswith(NOTES)
            elif name in self._fields:
                plain[name] = from_wire(wire, octets)
                if octets:
                    faults += [] if self.attributes.has_bytes(name) else [(f"/{name}", "type", _MISPLACED)]
                    octets.clear()
            elif self._takes_more and _is_json(wire):
                plain[name] = from_wire(wire)
            else:
                aside[name] = wire
        return plain, aside, self._heed(item, plain) if noted else [], faults

    def _heed(self, item: Mapping[str, Wire], plain: dict[str, Any]) -> list[str]:
        """Put right what attribute values could not say; return the names of what is unset."""
        unset = []
        try:
            for attribute, notes in item.items():
                if attribute.startswith(NOTES):
                    name = attribute.removeprefix(NOTES)
                    for pointer, text in notes["M"].items():
                        if text["S"] == UNSET:
                            unset += [name] if name not in item else []
                        else:
                            self._amend(item, plain, name, pointer, text["S"])
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise StoredItemInvalid(
                f"the table {self.table!r} has an item {self.describe_key(item)} with attributes {NOTES}… that this"
                f" package did not write: {error!r}; names that begin so are taken"
            ) from None
        return unset

    def _amend(self, item: Mapping[str, Wire], plain: dict[str, Any], name: str, pointer: str, text: str) -> None:
        """Put the value of a note in its place, where it still stands for what is stored."""
        if pointer != WHOLE:
            if name in item:
                amend(plain[name], item[name], pointer, text)
            return
        value = msgspec.json.decode(text)
        if same(self.attributes.write(name, value, {}), item.get(name)):
            plain[name] = value

    def _add_own(self, item: Item, obj: PymacaronBaseModel) -> None:
        """Add the attributes that are this package's."""
        if self.definition.item_version > 1:
            item[ITEM_VERSION] = {"N": str(self.definition.item_version)}
        if self.definition.timed and self.definition.ttl in item:
            item[EXPIRY] = _epoch(obj[str(self.definition.ttl)])

    def _shown(self, obj: PymacaronBaseModel) -> str:
        return f"{self.info.name} {', '.join(f'{name}={obj[name]!r}' for name in self.definition.keys)}"


def item_version(item: Mapping[str, Wire]) -> int:
    """Return the version of an item's form; 1 where it says none."""
    found = item.get(ITEM_VERSION)
    return int(read_number(found["N"])) if found is not None else 1


def _has_default(found: Property) -> bool:
    shape = found.types.shape(found.schema)
    return any(isinstance(each, Schema) and each.default is not msgspec.UNSET for each in (found.schema, shape))


def _epoch(moment: Any) -> Wire:
    return {"N": str(floor(moment.timestamp()))}


def _is_json(wire: Mapping[str, Any]) -> bool:
    """Tell whether JSON can hold an attribute value as it is."""
    ((kind, value),) = wire.items()
    if kind == "L":
        return all(map(_is_json, value))
    if kind == "M":
        return all(map(_is_json, value.values()))
    return kind in ("S", "N", "BOOL", "NULL")


def _is_closing(error: Invalid) -> bool:
    """Tell whether a schema refuses a property of the whole value because of its name."""
    return any(not pointer and keyword in _CLOSING for pointer, keyword, _ in error.faults)
