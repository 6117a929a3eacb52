"""Projections: what is read of each item, and what is made of it.

Objects are always whole: saving one that lacks properties would take them from its item. So who asks for some
properties gets dicts, and where an index does not hold whole items, they are read from the table.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pymacaron.exceptions import ModelError

from .definition import ALL, ITEM_VERSION, KEYS, NOTES
from .exceptions import QueryInvalid, StoredItemInvalid, UnfinishedBatch
from .items import item_version
from .keys import MOST_KEYS, identity
from .pauses import full_jitter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .attributes import Item
    from .binding import Binding
    from .definition import IndexDefinition

_ATTEMPTS = 8
#: The longest first pause, in seconds, after items that were not read.
_FIRST_PAUSE = 0.05


class Projection:
    """What one query or scan reads of each item.

    Args:
        index: that is read; None for the table.
        properties: those that are wanted; None for whole objects.
        consistent: whether all writes before are seen.

    Raises:
        QueryInvalid: a property is none of the schema, or the index does not have it.
    """

    def __init__(
        self,
        binding: Binding,
        index: IndexDefinition | None,
        properties: Sequence[str] | None,
        consistent: bool,
    ) -> None:
        self._binding = binding
        self._index = index
        self._properties = properties
        self._consistent = consistent
        keys = (*(index.keys if index is not None else ()), *binding.definition.keys)
        self.keys = tuple(dict.fromkeys(keys))
        self._is_partial = index is not None and index.projection != ALL
        for name in properties or ():
            if name not in binding.codec.names and binding.codec.info.schema.additional_properties is False:
                raise QueryInvalid(f"properties names {name!r}: {binding.codec.info.unknown(name)}")
        self.check(properties or (), "properties names")

    def check(self, names: Iterable[str], what: str) -> None:
        """Refuse properties that the index does not have.

        Raises:
            QueryInvalid: there is one.
        """
        index = self._index
        if index is None or not self._is_partial:
            return
        had = {*self.keys, *(() if index.projection == KEYS else index.projection)}
        for name in names:
            if name.removeprefix(NOTES) not in had:
                raise QueryInvalid(
                    f"{what} {name!r}, which the index {index.name!r} of the table {self._binding.table!r} does not"
                    f" have; add it to the index's projection, or leave it out"
                )

    def arguments(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of a request that say what is read, given the placeholders that it has already."""
        if self._properties is not None:
            wanted = [part for name in self._properties for part in (name, NOTES + name)]
            if self._binding.definition.item_version > 1 and not self._is_partial:
                wanted.append(ITEM_VERSION)
            return _expression([*self.keys, *wanted], names)
        return _expression(self.keys, names) if self._is_partial else {}

    def make(self, items: Iterable[Item]) -> Iterator[Any]:
        """Yield what is made of items, in their order.

        Raises:
            StoredItemInvalid: an item does not follow the schema.
        """
        if self._properties is not None:
            return (made for item in items for made in self._values(item))
        return map(self._binding.codec.decode, self._whole(items) if self._is_partial else items)

    def _values(self, item: Item) -> Iterator[dict[str, Any]]:
        """Yield the properties that are wanted, without those that are unset; nothing where the item is gone by now."""
        binding, names = self._binding, self._properties or ()
        if not self._is_partial and item_version(item) < binding.definition.item_version:
            # Only the whole item can be upgraded.
            for whole in map(binding.codec.decode, self._whole([item])):
                yield {name: whole[name] for name in names if name in whole}
        else:
            plain = binding.codec.plain(item)
            yield {name: self._loaded(name, plain[name], item) for name in names if name in plain}

    def _loaded(self, name: str, value: Any, item: Item) -> Any:
        codec = self._binding.codec
        found = codec.info.properties.get(name)
        try:
            return value if found is None else found.load(value, codec.info.name)
        except ModelError as error:
            where = f"the table {codec.table!r} has an item {codec.describe_key(item)} that breaks the schema of"
            raise StoredItemInvalid(f"{where} {codec.info.name}: {error.message}") from None

    def _whole(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of the table that have the keys of others; those that are gone by now are left out."""
        keys = ({name: item[name] for name in self._binding.definition.keys} for item in items)
        while batch := list(islice(keys, MOST_KEYS)):
            found = {identity(self._binding, item): item for item in self._fetch(batch)}
            yield from (found[key] for key in (identity(self._binding, each) for each in batch) if key in found)

    def _fetch(self, keys: list[Item]) -> Iterator[Item]:
        wanted: Any = {self._binding.table: {"Keys": keys, "ConsistentRead": self._consistent}}
        for attempt in range(_ATTEMPTS):
            answer = self._binding.database.call("BatchGetItem", {"RequestItems": wanted})
            yield from answer["Responses"].get(self._binding.table, ())
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return
            full_jitter(_FIRST_PAUSE, attempt)
        left = wanted[self._binding.table]["Keys"]
        raise UnfinishedBatch(f"{len(left)} items of the table {self._binding.table!r} were not read", left=left)


def _expression(attributes: Iterable[str], names: Mapping[str, str]) -> dict[str, Any]:
    placeholders = {f"#p{number}": name for number, name in enumerate(dict.fromkeys(attributes))}
    return {
        "ProjectionExpression": ", ".join(placeholders),
        "ExpressionAttributeNames": {**names, **placeholders},
    }
