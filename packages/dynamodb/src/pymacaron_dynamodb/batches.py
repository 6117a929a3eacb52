"""Batches: many items read, saved or deleted with few requests, each item by itself.

DynamoDB may leave a part of a request undone. That part is sent again after a pause of random length, up to twice as
long after each answer that did nothing ("full jitter"), until ``dynamodb_max_attempts`` of these came in a row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .binding import binding_of
from .database import database
from .exceptions import DatabaseThrottled, DatabaseUnavailable, ItemInvalid, UnfinishedBatch
from .items import READ
from .keys import MOST_KEYS, identity, read_key
from .pauses import full_jitter
from .sizes import size_of_item
from .storing import Writing, loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from pymacaron.model import PymacaronBaseModel

    from .attributes import Item

# What DynamoDB takes in a request (API reference, BatchWriteItem).
_MOST_WRITES = 25
# A request may have 16 MB; as JSON in ASCII a character takes up to three times the bytes that it counts for.
_LARGEST = 16 * 1024 * 1024 // 3

# Seconds: the longest first pause, and the longest of all.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0


@overload
def batch_get(wanted: type, keys: Iterable[Any], *, consistent: bool = True) -> list[Any]: ...


@overload
def batch_get(wanted: Mapping[type, Iterable[Any]], *, consistent: bool = True) -> dict[type, list[Any]]: ...


def batch_get(wanted: Any, keys: Iterable[Any] | None = None, *, consistent: bool = True) -> Any:
    """Return the objects of many keys: ``batch_get(Order, keys)``, or ``batch_get({Order: keys, Account: keys})``.

    Args:
        wanted: a class; or classes, each with its keys.
        keys: the value of the partition key, or a pair with that of the sort key where there is one.
        consistent: whether all writes before this call are seen; False costs half as much.

    Returns:
        A list, or a list for each class, with the object of each key in the order of the keys, None where there is no
        item. A key that is there twice is read once, and is the same object in both places.

    Raises:
        UnfinishedBatch: DynamoDB left keys undone; its ``left`` has them, as pairs with their class where several
            classes were asked for.
        ItemInvalid: a key is of another type.
        StoredItemInvalid: an item does not follow its schema.
    """
    if isinstance(wanted, Mapping):
        asked = {owner: [_Key(owner, key, (owner, key)) for key in keys] for owner, keys in wanted.items()}
    elif keys is None:
        raise TypeError(f"batch_get got no keys of {wanted!r}; give them, or a mapping of classes to their keys")
    else:
        asked = {wanted: [_Key(wanted, key, key) for key in keys]}
    items = _read([part for parts in asked.values() for part in parts], consistent)
    found = {owner: _decoded(parts, items) for owner, parts in asked.items()}
    return found if isinstance(wanted, Mapping) else found[wanted]


def batch_save(objects: Iterable[Any], *, any_version: bool = False) -> int:
    """Save many objects, of any tables, in their order; of two of the same key the last one stays.

    What an iterator gives is saved while it gives it, so that any number of objects passes through little memory.

    Args:
        objects: what is saved.
        any_version: save objects of tables with a ``version`` as well. DynamoDB cannot look at versions there, so
            what somebody else wrote meanwhile is lost; right for items that nobody else writes, such as an import.

    Returns:
        How many objects were saved.

    Raises:
        UnfinishedBatch: a part was not done. Its ``left`` has the objects that are not known to be saved: all of them
            where ``objects`` is a collection; of an iterator those that it gave, and the others are still in it.
        ItemInvalid: an object cannot be stored; those before it were saved. Or its table has a ``version``.
    """
    return _write(objects, _Put, "batch_save", any_version)


def batch_delete(objects: Iterable[Any], *, any_version: bool = False) -> int:
    """Delete the items of many objects, of any tables; those that are gone already do no harm.

    Args:
        objects: whose items are deleted.
        any_version: as in :func:`batch_save`.

    Returns:
        How many objects this was done for.

    Raises:
        UnfinishedBatch: as in :func:`batch_save`.
        ItemInvalid: likewise.
    """
    return _write(objects, _Delete, "batch_delete", any_version)


class _Part:
    """What a batch does with one item.

    Attributes:
        given: what the caller gave.
        identity: of the item.
    """

    def __init__(self, owner: Any, given: Any) -> None:
        self.binding = binding_of(owner)
        self.given = given
        self.identity: Hashable = None


Part = TypeVar("Part", bound=_Part)


class _Key(_Part):
    """A key whose item is read."""

    def __init__(self, owner: Any, key: Any, given: Any) -> None:
        super().__init__(owner, given)
        self.key = read_key(self.binding, key)
        self.identity = identity(self.binding, self.key)


class _Write(_Part):
    """One write. The object learns of it when it is done.

    Attributes:
        request: of the write, as DynamoDB's API has it.
        size: of what is sent.
    """

    request: dict[str, Any]
    size = 0

    def __init__(self, obj: PymacaronBaseModel) -> None:
        super().__init__(obj, obj)
        self.writing = Writing(self.binding, obj)
        self.identity = identity(self.binding, self.writing.codec.key_of(obj))

    def done(self) -> None:
        """Take note that it was done."""


class _Prepared(Exception):
    """A write was prepared, and not made."""


class _Put(_Write):
    """The item of an object is written."""

    def __init__(self, obj: PymacaronBaseModel) -> None:
        super().__init__(obj)
        name = self.binding.definition.version
        with suppress(_Prepared), self.writing:
            item = self.writing.codec.encode(obj)
            self.version = obj[name] if name is not None else None
            raise _Prepared  # which puts the version back; it is counted up once the item is written
        self.request = {"PutRequest": {"Item": item}}
        self.size = size_of_item(item)

    def done(self) -> None:
        """See the base."""
        if self.version is not None:
            self.given[self.binding.definition.version] = self.version
        self.given.__dict__[READ] = True
        self.writing.done()


class _Delete(_Write):
    """The item of an object is deleted."""

    def __init__(self, obj: PymacaronBaseModel) -> None:
        super().__init__(obj)
        self.request = {"DeleteRequest": {"Key": self.writing.codec.key_of(obj)}}

    def done(self) -> None:
        """See the base."""
        self.writing.done(is_gone=True)


class _Stuck(Exception):
    """DynamoDB did nothing of some parts."""

    def __init__(self, parts: list[Any], why: str) -> None:
        super().__init__(why)
        self.parts = parts


def _finish(parts: list[Part], send: Callable[[list[Part]], set[Hashable]]) -> None:
    """Send parts, and again what is left of them.

    Args:
        parts: of one request.
        send: sends parts, and returns the identities of those that were not done.
    """
    idle = 0
    while True:
        try:
            left = send(parts)
        except (DatabaseThrottled, DatabaseUnavailable) as error:
            raise _Stuck(parts, str(error)) from error
        if not left:
            return
        idle = idle + 1 if len(left) == len(parts) else 0
        parts = [part for part in parts if part.identity in left]
        if idle == database().settings.max_attempts:
            raise _Stuck(parts, f"DynamoDB did nothing of them {idle} times")
        full_jitter(_FIRST_PAUSE, idle, _LONGEST_PAUSE)


def _write(objects: Iterable[Any], make: type[_Write], name: str, any_version: bool) -> int:
    given = iter(objects)
    chunks = _Chunks(given, lambda obj: make(_unguarded(obj, name, any_version)))
    done = 0
    try:
        for chunk in chunks:
            _finish(chunk, _send_writes)
            done += len(chunk)
    except _Stuck as stuck:
        done += len(chunk) - len(stuck.parts)
        rest = given if isinstance(objects, Collection) else ()
        left = [*(part.given for part in stuck.parts), *chunks.taken, *rest]
        raise UnfinishedBatch(
            f"{name} of {len(left)} objects is not known to be done, and that of {done} before is: {stuck}; call it"
            " again with what is left",
            left=left,
        ) from stuck.__cause__
    except Exception as error:
        error.add_note(f"{name} of {done} objects before was done")
        raise
    return done


def _unguarded(obj: Any, name: str, any_version: bool) -> Any:
    """Return an object that may be written whatever its item's version is."""
    definition = binding_of(obj).definition
    if definition.version is not None and not any_version:
        raise ItemInvalid(
            f"{name} cannot look at the version of {definition.model}, so that what somebody else wrote would be lost;"
            " use transaction(), or any_version=True where nobody else writes these items"
        )
    return obj


class _Chunks:
    """Objects as lists of writes that one request may have: no two of them on one item.

    Attributes:
        taken: the objects that are in no list yet.
    """

    def __init__(self, objects: Iterable[Any], make: Callable[[Any], _Write]) -> None:
        self._objects = objects
        self._make = make
        self._parts: list[_Write] = []
        self.taken: list[Any] = []

    def __iter__(self) -> Iterator[list[_Write]]:
        try:
            for obj in self._objects:
                self.taken.append(obj)
                part = self._make(obj)
                if not self._fits(part):
                    yield self._next()
                self._parts.append(part)
        except Exception:
            # What was given before the one that cannot be written is written nevertheless.
            if self._parts:
                yield self._next()
            raise
        if self._parts:
            yield self._next()

    def _fits(self, part: _Write) -> bool:
        if len(self._parts) == _MOST_WRITES:
            return False
        if self._parts and sum(other.size for other in self._parts) + part.size > _LARGEST:
            return False
        return all(other.identity != part.identity for other in self._parts)

    def _next(self) -> list[_Write]:
        parts, self._parts = self._parts, []
        del self.taken[: len(parts)]
        return parts


def _send_writes(parts: list[_Write]) -> set[Hashable]:
    requests: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        requests.setdefault(part.binding.table, []).append(part.request)
    answer = database().call("BatchWriteItem", {"RequestItems": requests})
    bindings = {part.binding.table: part.binding for part in parts}
    left = {
        identity(bindings[table], _written(request))
        for table, rest in (answer.get("UnprocessedItems") or {}).items()
        for request in rest
    }
    for part in parts:
        if part.identity not in left:
            part.done()
    return left


def _written(request: Mapping[str, Any]) -> Item:
    """Return the item, or the key, that a write is about."""
    ((_, arguments),) = request.items()
    found: Item = arguments["Item"] if "Item" in arguments else arguments["Key"]
    return found


def _read(parts: list[_Key], consistent: bool) -> dict[Hashable, Item]:
    """Return the items of keys, by their identities."""
    found: dict[Hashable, Item] = {}
    distinct = list({part.identity: part for part in parts}.values())

    def send(some: list[_Key]) -> set[Hashable]:
        return _send_keys(some, consistent, found)

    for start in range(0, len(distinct), MOST_KEYS):
        try:
            _finish(distinct[start : start + MOST_KEYS], send)
        except _Stuck as stuck:
            left = [part.given for part in (*stuck.parts, *distinct[start + MOST_KEYS :])]
            message = f"{len(left)} of {len(distinct)} keys were not read: {stuck}"
            raise UnfinishedBatch(message, left=left) from stuck.__cause__
    return found


def _send_keys(parts: list[_Key], consistent: bool, found: dict[Hashable, Item]) -> set[Hashable]:
    requests: dict[str, dict[str, Any]] = {}
    for part in parts:
        table = requests.setdefault(part.binding.table, {"Keys": [], "ConsistentRead": consistent})
        table["Keys"].append(part.key)
    answer = database().call("BatchGetItem", {"RequestItems": requests})
    bindings = {part.binding.table: part.binding for part in parts}
    for table, items in answer["Responses"].items():
        found.update((identity(bindings[table], item), item) for item in items)
    unread = (answer.get("UnprocessedKeys") or {}).items()
    return {identity(bindings[table], key) for table, rest in unread for key in rest["Keys"]}


def _decoded(parts: list[_Key], items: Mapping[Hashable, Item]) -> list[Any]:
    """Return the object of each key."""
    made: dict[Hashable, Any] = {}
    for part in parts:
        if part.identity in items and part.identity not in made:
            made[part.identity] = loaded(part.binding, items[part.identity])
    return [made.get(part.identity) for part in parts]
