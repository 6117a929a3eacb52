"""Single items: loaded, saved on the condition that nobody else wrote them meanwhile, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.model import PymacaronBaseModel, raw

from .conditions import all_of, condition_arguments, key_is_free, read_condition, version_is
from .exceptions import ConditionFailed, DynamoDBItemNotFound, ItemTooLarge, StaleWrite
from .failures import ConditionalCheckFailed
from .items import READ
from .preconditions import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.expressions.condition import Condition

    from .attributes import Item
    from .binding import Binding
    from .conditions import OnlyIf
    from .items import ItemCodec
    from .wire import Wire


def load(binding: Binding, key: Item, consistent: bool = True) -> PymacaronBaseModel:
    """Return the object of a key.

    Raises:
        DynamoDBItemNotFound: there is no such item.
        StoredItemInvalid: the item does not follow the schema.
    """
    found = binding.database.call("GetItem", binding.request(Key=key, ConsistentRead=consistent)).get("Item")
    if found is None:
        raise DynamoDBItemNotFound(f"there is no {binding.describe(key)}")
    return loaded(binding, found)


def loaded(binding: Binding, item: Mapping[str, Wire]) -> PymacaronBaseModel:
    """Return the object of an item that was read by its key.

    Raises:
        StoredItemInvalid: the item does not follow the schema.
        PreconditionFailed: the request that is served asks for another version of it.
    """
    made = binding.codec.decode(item)
    precondition = current.get()
    if precondition is not None:
        precondition.loaded(binding, made)
    return made


def exists(binding: Binding, key: Item) -> bool:
    """Tell whether there is an item of a key."""
    expression = {"ProjectionExpression": "#0", "ExpressionAttributeNames": {"#0": binding.definition.hash}}
    return "Item" in binding.database.call("GetItem", binding.request(Key=key, ConsistentRead=True, **expression))


def save(binding: Binding, obj: PymacaronBaseModel, only_if: OnlyIf | None = None, if_absent: bool = False) -> None:
    """Write an object's whole item.

    With a version, the write is made only where the item has the version that the object has, or where there is no
    item and the object has none; the version of both is then counted up.

    Raises:
        StaleWrite: somebody else wrote the item since the object was read.
        ConditionFailed: ``only_if`` does not hold.
        ItemInvalid: the object cannot be stored.
        ItemTooLarge: it is beyond 400 KB.
    """
    with Writing(binding, obj) as writing:
        wanted = all_of([writing.condition, key_is_free(writing.codec) if if_absent else None])
        item, asked = writing.codec.encode(obj), read_condition(writing.codec, only_if)
        arguments = binding.request(Item=item, **condition_arguments(all_of([wanted, asked])))
        if wanted is not None or asked is not None:
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            binding.database.call("PutItem", arguments)
        except ItemTooLarge:
            raise writing.codec.too_large(item) from None
        except ConditionalCheckFailed as error:
            # An answer got lost, and the request was sent again: the item is there because this very call wrote it.
            if not (error.retried and error.item == item and writing.is_versioned):
                raise writing.refusal(error, asked is None) from None
    obj.__dict__[READ] = True


def delete(binding: Binding, obj: PymacaronBaseModel, only_if: OnlyIf | None = None) -> None:
    """Delete an object's item; with a version, only where nobody else wrote it since the object was read.

    Raises:
        StaleWrite: somebody else wrote or deleted the item.
        ConditionFailed: ``only_if`` does not hold.
    """
    codec = binding.codec_of(type(obj))
    writing = Writing(binding, obj)
    asked = read_condition(codec, only_if)
    wanted = writing.condition if writing.version is not None or READ in obj.__dict__ else None
    arguments = binding.request(Key=codec.key_of(obj), **condition_arguments(all_of([wanted, asked])))
    if wanted is not None or asked is not None:
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        binding.database.call("DeleteItem", arguments)
    except ConditionalCheckFailed as error:
        if not (error.retried and error.item is None):
            raise writing.refusal(error, asked is None) from None
    writing.done(is_gone=True)


class Writing:
    """One write of an object: its version is counted up, and put back where the write fails.

    Attributes:
        codec: makes the item.
        version: of the object before the write.
        condition: that nobody else wrote the item; None where the table has no versions.
        is_asked: whether the request that is served is about the item, and says by ``If-Match`` of which version.

    Raises:
        PreconditionFailed: it is about another version than the object's.
    """

    def __init__(self, binding: Binding, obj: PymacaronBaseModel) -> None:
        self.binding = binding
        self.obj = obj
        self.codec: ItemCodec = binding.codec_of(type(obj))
        self._name = binding.definition.version
        self._precondition = current.get()
        self.is_asked = self._precondition is not None and self._precondition.admit(binding, obj)
        self.version: int | None = obj[self._name] if self._name is not None else None

    @property
    def is_versioned(self) -> bool:
        """Whether the table's items have versions."""
        return self._name is not None

    @property
    def condition(self) -> Condition | None:
        """See the class."""
        if self._name is None:
            return None
        if self.version is None and READ not in self.obj.__dict__:
            return key_is_free(self.codec)
        return version_is(self.codec, self.version)

    def done(self, is_gone: bool = False) -> None:
        """Take note that the write was made."""
        if self._precondition is not None:
            self._precondition.written(self.binding, self.obj, is_gone)

    def is_version_of(self, item: Mapping[str, Wire]) -> bool:
        """Tell whether an item has the version that the object had."""
        return _version_of(item, self._name) == self.version

    def refusal(self, error: ConditionalCheckFailed, is_stale: bool) -> Exception:
        """Say why the write was refused."""
        what = self.binding.describe(self.codec.key_of(self.obj))
        now = _version_of(error.item, self._name)
        if self._name is None or (not is_stale and error.item is not None and now == self.version):
            return ConditionFailed(f"{what} was not written: what only_if asks for does not hold")
        if error.item is None:
            return StaleWrite(f"{what} was not written: it is not there; somebody may have deleted it")
        mine = "one that was never read" if self.version is None else f"version {self.version}"
        return StaleWrite(f"{what} was not written: it has version {now} now, and this is {mine}; read it again")

    def __enter__(self) -> Writing:
        if self._name is not None:
            self._before = raw(self.obj, self.obj._info.properties[self._name].attribute)
            self.obj[self._name] = (self.version or 0) + 1
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self.done()
        elif self._name is not None:
            self.obj[self._name] = self.version


def _version_of(item: Any, name: str | None) -> int | None:
    found = item.get(name) if item is not None and name is not None else None
    return int(found["N"]) if found is not None and "N" in found else None


def replace(obj: PymacaronBaseModel, other: PymacaronBaseModel) -> None:
    """Give an object all that another one of its class holds."""
    if type(obj) is not type(other):
        raise StaleWrite(f"the item is a {type(other).__name__} now, and this object a {type(obj).__name__}")
    obj.__setstate__({name: raw(other, name) for name in other.__struct_fields__})
    obj.__dict__.clear()
    obj.__dict__.update(other.__dict__)
