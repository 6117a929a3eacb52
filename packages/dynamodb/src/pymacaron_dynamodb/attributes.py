"""The attributes that the properties of one model are stored as."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from pymacaron.codec.codec import Invalid
from pymacaron.codec.formats import dump_date_time, parse_date_time
from pymacaron.contract import Schema
from pymacaron.exceptions import fault

from .definition import NOTES, RESERVED
from .exceptions import ItemInvalid
from .wire import (
    WHOLE,
    NeedsNotes,
    Notes,
    NotStorable,
    Octets,
    Wire,
    canonical_number,
    note,
    set_to_wire,
    to_wire,
    write_note,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.codec.types import Types
    from pymacaron.model import ModelInfo

    from .definition import TableDefinition

Item = dict[str, Wire]


class Attributes:
    """Turns values of a model's properties into attribute values.

    Args:
        definition: of the table.
        info: of the model.
        table: the table's name, for messages.
    """

    def __init__(self, definition: TableDefinition, info: ModelInfo, table: str) -> None:
        assert info.types is not None
        self.definition = definition
        self.info = info
        self.table = table
        self._types: Types = info.types
        self._fields = info.types.fields(info.schema)
        self._writers = {name: writer for name in self._fields if (writer := self._writer(name)) is not None}
        # Texts without a format are stored as they are given, which most keys are.
        self._bare = {name for name in self._fields if self.shape(name) == Schema(type=("string",))}

    def put(self, item: Item, name: str, value: Any) -> None:
        """Store a value of JSON in an item, with the notes that it needs.

        Raises:
            ItemInvalid: no attribute can hold it.
        """
        try:
            wire = self.write(name, value, None)
        except NeedsNotes:
            notes: Notes = {}
            wire = self.write(name, value, notes)
            item[NOTES + name] = {"M": {pointer: {"S": text} for pointer, text in notes.items()}}
        if wire is not None:
            item[name] = wire

    def write(self, name: str, value: Any, notes: Notes | None) -> Wire | None:
        """Return the attribute value of a value of JSON; None where none is stored.

        Raises:
            NeedsNotes: it does not say everything, and ``notes`` is None.
            ItemInvalid: no attribute can hold the value.
        """
        if not name:  # No attribute is called so; the note alone says it.
            write_note(notes, WHOLE, note(value))
            return None
        writer = self._writers.get(name)
        try:
            if writer is not None:
                return writer(value, notes)
            if name.startswith(RESERVED):
                raise NotStorable("names that begin with pym: or pym. are taken")
            return to_wire(value, notes)
        except NotStorable as error:
            raise ItemInvalid(f"{self.info.name}.{name} cannot be stored: {error}") from None

    def value(self, name: str, value: Any) -> Wire:
        """Return the attribute value of a value that code gives, for an expression or a key.

        Raises:
            ItemInvalid: the value breaks the schema, or is stored as no attribute, such as an empty set.
        """
        if type(value) is str and value and name in self._bare:
            return {"S": value}
        made = self.write(name, self.plain(name, value), {})
        if made is None:
            raise ItemInvalid(f"{self.info.name}.{name}: {value!r} is stored as no attribute, so nothing equals it")
        return made

    def plain(self, name: str, value: Any) -> Any:
        """Return a value that code gives as JSON holds it.

        Raises:
            ItemInvalid: the value breaks the property's schema.
        """
        extra = self.info.schema.additional_properties
        codec = self._types.codec(self._fields.get(name, extra if extra is not None else True), "any")
        try:
            return codec.dump(codec.load(value))
        except Invalid as error:
            made = ItemInvalid(f"{self.info.name}.{name}: {error.faults[0][2]}")
            made.errors = [fault("model", f"/{name}{p}", k, m) for p, k, m in error.faults]
            raise made from None

    def kind_of_set(self, name: str) -> str:
        """Return DynamoDB's type of a property that is stored as a set."""
        items = self._types.shape(self.shape(name).items or True)
        if isinstance(items, bool) or "string" in items.type:
            return "BS" if isinstance(items, Schema) and self.is_bytes(items) else "SS"
        return "NS"

    def _writer(self, name: str) -> Callable[[Any, Notes | None], Wire | None] | None:
        """Return what writes a property whose attribute is more than its value; None for most."""
        if name in self.definition.key_types:
            return lambda value, notes: self._write_key(name, value, notes)
        if name in self.definition.sets:
            return lambda value, notes: self._write_set(name, value, notes)
        schema = self._fields[name]
        if self.has_bytes(name):
            return lambda value, notes: to_wire(self._revived(schema, value), notes)
        return None

    def _write_key(self, name: str, value: Any, notes: Notes | None) -> Wire | None:
        if value is None or value == "":
            if name in self.definition.keys:
                raise NotStorable(f"{value!r} cannot be a key of the table {self.table!r}; give it a value")
            write_note(notes, WHOLE, note(value))
            return None
        if self.shape(name).format == "date-time":
            return _moment(value, notes)
        made = to_wire(self._revived(self._fields[name], value), notes)
        kind = self.definition.key_types[name]
        if kind not in made:
            raise NotStorable(f"{value!r} cannot be a key of type {kind}")
        return {"N": canonical_number(made["N"])} if kind == "N" else made

    def _write_set(self, name: str, value: Any, notes: Notes | None) -> Wire | None:
        if not value:
            write_note(notes, WHOLE, note(value))
            return None
        return set_to_wire(self._revived(self._fields[name], value), notes)

    def _revived(self, schema: Schema | bool, value: Any) -> Any:
        """Return a value with texts that stand for bytes as bytes, as far as its schema says so without a choice."""
        shape = self._types.shape(schema)
        if isinstance(shape, bool):
            return value
        if isinstance(value, str) and self.is_bytes(shape):
            wire = self._types.formats.get(shape.format)
            return Octets(value, bytes(wire.parse(value))) if wire is not None else value
        if isinstance(value, dict):
            fields, extra = self._types.fields(shape), shape.additional_properties
            rest = extra if isinstance(extra, Schema) else True
            return {name: self._revived(fields.get(name, rest), item) for name, item in value.items()}
        if isinstance(value, list):
            items = shape.items if shape.items is not None else True
            first = shape.prefix_items
            return [self._revived(first[i] if i < len(first) else items, item) for i, item in enumerate(value)]
        return value

    def has_bytes(self, name: str) -> bool:
        """Tell whether there may be bytes in the values of a property."""
        return any(self.is_bytes(part) for part in self._types.reachable(self._fields[name]))

    def is_bytes(self, shape: Schema) -> bool:
        """Tell whether the values of a schema are bytes."""
        wire = self._types.formats.get(shape.format)
        return wire is not None and bytes in wire.types

    def shape(self, name: str) -> Schema:
        """Return the schema of a property, references followed."""
        shape = self._types.shape(self._fields[name])
        return shape if isinstance(shape, Schema) else Schema()


def _moment(text: str, notes: Notes | None) -> Wire:
    """Store a date-time so that texts sort as the moments do."""
    try:
        moment = parse_date_time(text).astimezone(UTC)
    except OverflowError:
        raise NotStorable(f"{text!r} cannot be a key: in UTC it is outside of the years 1 to 9999") from None
    if dump_date_time(moment) != text:
        write_note(notes, WHOLE, note(text))
    return {"S": moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"}
