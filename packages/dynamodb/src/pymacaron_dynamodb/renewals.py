"""Items of an older form, written in today's, so that whatever somebody else writes meanwhile is not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .definition import ITEM_VERSION, LAST_UPDATE
from .exceptions import StoredItemInvalid

if TYPE_CHECKING:
    from .attributes import Item
    from .binding import Binding
    from .wire import Wire

# An expression has 4096 characters (Developer Guide, "Quotas"), and an attribute of ours up to 17.
_MOST = 200


def renewed(binding: Binding, item: Item) -> Item:
    """Return an item as today's code would save it. Its version stays: what it says is the same.

    Raises:
        StoredItemInvalid: it does not follow the schema after ``upgrade``, or has another key.
        ItemTooLarge: it is beyond 400 KB then.
    """
    obj = binding.codec.decode(item)
    made = binding.codec_of(type(obj)).encode(obj)
    if LAST_UPDATE in item:
        made[LAST_UPDATE] = item[LAST_UPDATE]
    for name in binding.definition.keys:
        if made[name] != item[name]:
            raise StoredItemInvalid(f"{binding.describe(item)} has another {name!r} after upgrade: {made[name]}")
    return made


def renewal(binding: Binding, before: Item, after: Item) -> dict[str, Any]:
    """Return the UpdateItem that makes one item of another, where it is still what was read.

    Every attribute that was read must be what it was, and none that is added may be there; of attributes that somebody
    else adds meanwhile, none is touched. An item with more attributes than an expression can name needs a version.

    Raises:
        StoredItemInvalid: it has too many attributes, and no version.
    """
    made = _Expression()
    changed = {name: wire for name, wire in after.items() if before.get(name) != wire}
    parts = {
        "SET": [f"{made.name(name)} = {made.value(wire)}" for name, wire in changed.items()],
        "REMOVE": [made.name(name) for name in before if name not in after],
    }
    wanted = [f"{made.name(name)} = {made.value(before[name])}" for name in _guards(binding, before)]
    wanted += [f"attribute_not_exists({made.name(name)})" for name in changed if name not in before]
    return binding.request(
        Key={name: before[name] for name in binding.definition.keys},
        UpdateExpression=" ".join(f"{verb} {', '.join(each)}" for verb, each in parts.items() if each),
        ConditionExpression=" AND ".join(wanted),
        ExpressionAttributeNames={placeholder: name for name, placeholder in made.names.items()},
        ExpressionAttributeValues=made.values,
    )


def _guards(binding: Binding, item: Item) -> list[str]:
    """Return the attributes by which it is known that nobody wrote an item."""
    if len(item) <= _MOST:
        return list(item)
    version = binding.definition.version
    if version is None or version not in item:
        raise StoredItemInvalid(
            f"{binding.describe(item)} has {len(item)} attributes, and a condition names {_MOST} at most; give the"
            " table a version, by which a write is noticed"
        )
    return [*binding.definition.keys, version, *(name for name in (ITEM_VERSION,) if name in item)]


class _Expression:
    """Names and values of an expression, each with a placeholder."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Wire] = {}

    def name(self, name: str) -> str:
        return self.names.setdefault(name, f"#{len(self.names)}")

    def value(self, wire: Wire) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = wire
        return placeholder
