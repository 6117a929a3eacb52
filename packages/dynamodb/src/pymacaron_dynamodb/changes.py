"""What code asks to change in an item, as the actions of an update expression."""

from __future__ import annotations

from decimal import Context, Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from pynamodb.expressions.operand import Path, Value

from pymacaron.codec.codec import Invalid
from pymacaron.contract import Schema

from .definition import NOTES
from .exceptions import ItemInvalid
from .wire import WHOLE, NotStorable, from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from .items import ItemCodec
    from .wire import Wire

# DynamoDB's numbers have 38 digits, of which the first may stand for 10 ** 125 and the last for 10 ** -130.
_exact = Context(prec=300)


class Changes:
    """The changes that one update makes.

    Args:
        codec: of the item.
        set: properties and their new values.
        add: numbers to add to properties, and members to add to sets.
        remove: members to take out of sets.
        unset: properties that shall have no value.

    Attributes:
        actions: of the update expression.
        conditions: on which the item still follows its schema afterwards, as far as can be told beforehand.
        counts: whether a second run would change the item once more.

    Raises:
        ItemInvalid: a value breaks the schema, or a property cannot be changed that way.
    """

    def __init__(
        self,
        codec: ItemCodec,
        set: Mapping[str, Any],
        add: Mapping[str, Any],
        remove: Mapping[str, Collection[Any]],
        unset: Collection[str],
    ) -> None:
        assert codec.info.types is not None
        self.codec = codec
        self._types = codec.info.types
        self.actions: list[Action] = []
        self.conditions: list[Condition] = []
        self.counts = False
        self._fits: list[tuple[str, Callable[[Wire | None], str | None]]] = []
        self._named: dict[str, str] = {}
        for name, value in set.items():
            self._set(self._take(name, "set"), value)
        for name, value in add.items():
            self._add(self._take(name, "add"), value)
        for name, members in remove.items():
            self._remove(self._take(name, "remove"), members)
        for name in [unset] if isinstance(unset, str) else unset:
            self._unset(self._take(name, "unset"))
        if not self.actions:
            raise ItemInvalid(f"an update of {codec.info.name} changes nothing; give it set, add, remove or unset")

    def unfit(self, item: Mapping[str, Wire]) -> str | None:
        """Say which change an item does not allow; None where it allows all."""
        for name, tell in self._fits:
            what = tell(item.get(name))
            if what is not None:
                return f"{self.codec.info.name}.{name} {what}"
        return None

    def _take(self, given: Any, verb: str) -> str:
        """Return the name of a property that may be changed."""
        codec, definition = self.codec, self.codec.definition
        if not isinstance(given, str):
            raise ItemInvalid(f"{verb} names {given!r}; name a whole property, and change its parts by change_in_db")
        found = codec.info.find(given)
        if found is None and codec.info.schema.additional_properties is False:
            raise ItemInvalid(codec.info.unknown(given))
        name = given if found is None else found.name
        if name in definition.keys:
            raise self._wrong(name, f"is a key of the table {codec.table!r}; save another item, and delete this one")
        if name == definition.version:
            raise self._wrong(name, "counts the writes of the item; leave it out, each update counts it up")
        if name in self._named:
            raise self._wrong(name, f"is named by {self._named[name]} and by {verb}; name it once")
        self._named[name] = verb
        return name

    def _set(self, name: str, value: Any) -> None:
        found = self.codec.info.properties.get(name)
        if value is None and found is not None and found.unset is None:
            self._unset(name)  # as an assignment of None does
        else:
            self._store(self.codec.changes(name, value))

    def _unset(self, name: str) -> None:
        shape = self._types.shape(self.codec.info.schema)
        if isinstance(shape, Schema) and name in shape.required:
            raise self._wrong(name, "is required by the schema; set it to another value")
        self._store(self.codec.absence(name))

    def _store(self, attributes: Mapping[str, Wire | None]) -> None:
        for name, wire in attributes.items():
            self.actions.append(Path([name]).remove() if wire is None else Path([name]).set(Value(wire)))

    def _add(self, name: str, value: Any) -> None:
        if name in self.codec.definition.sets:
            path, members = Path([name]), self._members(name, value)
            self.actions.append(path.add(Value(members)))
            self._expect(name, path.does_not_exist() | path.is_type(self._kind(name)), self._tell_set(name))
        else:
            self._count(name, value)

    def _remove(self, name: str, members: Any) -> None:
        if name not in self.codec.definition.sets:
            raise self._wrong(name, "is no set; list it in the table's sets, or change it by change_in_db")
        path = Path([name])
        self.actions.append(path.delete(Value(self._members(name, members))))
        # DynamoDB drops a set with its last member: what is left then is the empty one.
        self.actions.append(Path([NOTES + name]).set(Value({"M": {WHOLE: {"S": "[]"}}})))
        self._expect(name, path.does_not_exist() | path.is_type(self._kind(name)), self._tell_set(name))

    def _members(self, name: str, given: Any) -> Wire:
        """Return the attribute value of some members of a set, each checked."""
        if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
            raise self._wrong(name, f"is a set; give a list of members, not {given!r}")
        items = self.codec.attributes.shape(name).items
        codec = self._types.codec(True if items is None else items, "any")
        try:
            plain = [codec.dump(codec.load(member)) for member in given]
        except Invalid as error:
            raise self._wrong(name, f"cannot have that member: {error.faults[0][2]}") from None
        made = self.codec.attributes.write(name, list({repr(member): member for member in plain}.values()), {})
        if made is None:
            raise self._wrong(name, "is to get or lose no member at all; leave it out")
        if next(iter(made)) != self._kind(name):
            raise self._wrong(name, f"is stored as {self._kind(name)}, which cannot hold {given!r}")
        return made

    def _kind(self, name: str) -> str:
        return self.codec.attributes.kind_of_set(name)

    def _tell_set(self, name: str) -> Callable[[Wire | None], str | None]:
        kind = self._kind(name)

        def tell(wire: Wire | None) -> str | None:
            if wire is None or kind in wire:
                return None
            return f"is stored as {next(iter(wire))}, not as the set {kind}; load the item and save it once"

        return tell

    def _count(self, name: str, value: Any) -> None:
        """Add to a number. What is unset counts as its default, or 0; the sum keeps to its schema's bounds."""
        shape, delta = self.codec.attributes.shape(name), self._delta(name, value)
        start = shape.default if isinstance(shape.default, (int, float)) else 0
        path, bounds = Path([name]), _Bounds(shape)
        total = (path | Value({"N": str(start)})) + Value({"N": str(delta)})
        self.actions += [path.set(total), Path([NOTES + name]).remove()]
        fits = bounds.before(path, delta)
        if bounds.broken_by(_exact.add(Decimal(str(start)), delta)) is None:
            fits = fits | path.does_not_exist()
        self.counts = True

        def tell(wire: Wire | None) -> str | None:
            if wire is not None and "N" not in wire:
                return f"holds {from_wire(wire)!r}, which is no number to add {value!r} to"
            now = Decimal(str(start)) if wire is None else Decimal(wire["N"])
            broken = bounds.broken_by(_exact.add(now, delta))
            return f"is {now}, and {value!r} more is {broken}" if broken else None

        self._expect(name, fits, tell)

    def _delta(self, name: str, value: Any) -> Decimal:
        """Return what is added to a number, its type checked."""
        kinds = set(self.codec.attributes.shape(name).type) - {"null"}
        if not kinds or not kinds <= {"integer", "number"}:
            raise self._wrong(name, "is neither a number nor a set; change it by change_in_db")
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not isfinite(value):
            raise self._wrong(name, f"is a number; {value!r} cannot be added to it")
        made = Decimal(str(value))
        if "number" not in kinds and made != made.to_integral_value():
            raise self._wrong(name, f"is an integer; {value!r} cannot be added to it")
        try:
            if "N" not in to_wire(value if not isinstance(value, Decimal) else float(value), {}):
                raise NotStorable
        except NotStorable:
            raise self._wrong(name, f"cannot have {value!r} added: DynamoDB's numbers have 38 digits") from None
        return made

    def _expect(self, name: str, condition: Condition, tell: Callable[[Wire | None], str | None]) -> None:
        self.conditions.append(condition)
        self._fits.append((name, tell))

    def _wrong(self, name: str, what: str) -> ItemInvalid:
        return ItemInvalid(f"{self.codec.info.name}.{name} {what}")


class _Bounds:
    """The bounds of a number's schema."""

    def __init__(self, shape: Schema) -> None:
        self._lowest, self._highest = _decimal(shape.minimum), _decimal(shape.maximum)
        self._above, self._below = _decimal(shape.exclusive_minimum), _decimal(shape.exclusive_maximum)

    def before(self, path: Path, delta: Decimal) -> Condition:
        """Return the condition that a number keeps to the bounds when something is added to it."""
        made = path.is_type("N")
        if self._lowest is not None:
            made &= path >= _number(_exact.subtract(self._lowest, delta))
        if self._highest is not None:
            made &= path <= _number(_exact.subtract(self._highest, delta))
        if self._above is not None:
            made &= path > _number(_exact.subtract(self._above, delta))
        if self._below is not None:
            made &= path < _number(_exact.subtract(self._below, delta))
        return made

    def broken_by(self, total: Decimal) -> str | None:
        """Say which bound a number breaks."""
        if self._lowest is not None and total < self._lowest:
            return f"less than the minimum {self._lowest}"
        if self._highest is not None and total > self._highest:
            return f"more than the maximum {self._highest}"
        if self._above is not None and total <= self._above:
            return f"not above {self._above}"
        if self._below is not None and total >= self._below:
            return f"not below {self._below}"
        return None


def _decimal(bound: Any) -> Decimal | None:
    return None if bound is None or bound is UNSET else Decimal(str(bound))


def _number(value: Decimal) -> Value:
    return Value({"N": str(value)})
