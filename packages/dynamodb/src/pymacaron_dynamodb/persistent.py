"""The class that objects of a contract which persist are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

from pymacaron.model import PymacaronBaseModel

from . import retrying, storing, updates
from .binding import binding_of
from .pynamo import table_model
from .queries import query
from .retrying import TRIES
from .scans import scan
from .updates import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pynamodb.models import Model

    from .conditions import OnlyIf
    from .key_conditions import KeyValue, RangeCondition
    from .rates import RateLimit
    from .results import Results


class PersistentSwaggerObject:
    """Base of persistent classes: one is named by ``x-persist`` in a schema, whose models it then gives these methods.

    Its attributes say what the table is; see :class:`pymacaron_dynamodb.definition.TableDefinition` for what each
    means. ``x-pym-table`` in the schema says the same without a class.

    Attributes:
        api_name: the API of the model; the one that names this class where it is None.
        model_name: the model; likewise.
        table_name: without the prefix of the environment; the model's name where it is None.
        primary_key: property of the partition key.
        sort_key: property of the sort key.
        indexes: secondary indexes: name to ``{hash, range, projection, local}``.
        version: property that counts the writes of an item; with it, no update is lost.
        ttl: property with the time from which DynamoDB may delete an item.
        encryption: ``kms``, or the id of a KMS key.
        sets: properties that are stored as sets.
        billing: ``on-demand`` or ``{read, write}`` in capacity units.
        point_in_time_recovery: whether the table can be restored to any second of the last 35 days.
        deletion_protection: whether DynamoDB refuses to delete the table.
        item_version: of the items' form; count it up with each change that :meth:`upgrade` knows.
    """

    _pym_persistent: ClassVar[bool] = True

    api_name: ClassVar[str | None] = None
    model_name: ClassVar[str | None] = None
    table_name: ClassVar[str | None] = None
    primary_key: ClassVar[str | None] = None
    sort_key: ClassVar[str | None] = None
    indexes: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[Any] = None
    ttl: ClassVar[Any] = None
    encryption: ClassVar[Any] = None
    sets: ClassVar[Iterable[str]] = ()
    billing: ClassVar[Any] = "on-demand"
    point_in_time_recovery: ClassVar[bool] = False
    deletion_protection: ClassVar[bool] = False
    item_version: ClassVar[int] = 1

    @classmethod
    def upgrade(cls, old_item: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Bring what an item of an older form holds to the present form; override it where ``item_version`` counts up.

        Args:
            old_item: values of JSON, and bytes, by the names of their attributes.
            from_version: its ``item_version``.

        Returns:
            What the schema of today allows.
        """
        return old_item

    @classmethod
    def get_table(cls) -> type[Model]:
        """Return the table as a model class of PynamoDB, for its conditions and whatever else it can do."""
        return table_model(binding_of(cls))

    @classmethod
    def load_from_db(cls, key: Any, sort: Any = None, *, consistent: bool = True) -> Self:
        """Return the object of a key.

        Args:
            key: value of the partition key.
            sort: value of the sort key, where the table has one.
            consistent: whether all writes before this call are seen; False costs half as much.

        Raises:
            DynamoDBItemNotFound: there is no such item.
            StoredItemInvalid: the item does not follow the schema.
            ItemInvalid: the key is of another type.
        """
        binding = binding_of(cls)
        found: Any = storing.load(binding, binding.codec.key(key, sort), consistent)
        return found  # type: ignore[no-any-return]  # the model class has this one as a base

    @classmethod
    def has_item(cls, key: Any, sort: Any = None) -> bool:
        """Tell whether there is an item of a key."""
        binding = binding_of(cls)
        return storing.exists(binding, binding.codec.key(key, sort))

    @overload
    @classmethod
    def query(
        cls,
        hash: KeyValue,
        range_condition: RangeCondition | None = None,
        *,
        index: str | None = None,
        filter: OnlyIf | None = None,
        limit: int | None = None,
        reverse: bool = False,
        consistent: bool | None = None,
        properties: None = None,
        cursor: str | None = None,
    ) -> Results[Self]: ...

    @overload
    @classmethod
    def query(
        cls,
        hash: KeyValue,
        range_condition: RangeCondition | None = None,
        *,
        index: str | None = None,
        filter: OnlyIf | None = None,
        limit: int | None = None,
        reverse: bool = False,
        consistent: bool | None = None,
        properties: Sequence[str],
        cursor: str | None = None,
    ) -> Results[dict[str, Any]]: ...

    @classmethod
    def query(
        cls, hash: KeyValue, range_condition: RangeCondition | None = None, **options: Any
    ) -> Results[Self] | Results[dict[str, Any]]:
        """Return the objects of one partition, in the order of their sort key. They are read when they are asked for.

        Args:
            hash: value of the partition key, of the table or of the index.
            range_condition: what the sort key must be: a value, or one comparison: ``{">=": 5}`` (or ``=``, ``<``,
                ``<=``, ``>``), ``{"between": (1, 9)}`` (both included), ``{"begins_with": "a"}``; or a condition of
                PynamoDB.
            index: name of the index that is read; the table where it is left out. Objects are whole even where a
                global index holds a part of them: the rest is then read from the table.
            filter: what must hold of the objects besides: values of properties, or a condition of PynamoDB. DynamoDB
                reads, and charges for, what it leaves out.
            limit: how many objects there are at most, after the filter.
            reverse: last ones first.
            consistent: whether all writes before are seen. They are where that is left out, other than in a global
                index, where it cannot be had; False costs half as much.
            properties: those that are wanted; dicts of their values come in the place of objects.
            cursor: of the page before.

        Raises:
            QueryInvalid: the table or the index cannot be asked so.
            InvalidCursor: the cursor was changed, or is of another list.
            TableConfigError: there is no such index.
        """
        return query(binding_of(cls), hash, range_condition, **options)

    @overload
    @classmethod
    def scan(
        cls,
        *,
        filter: OnlyIf | None = None,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool | None = None,
        properties: None = None,
        segments: int = 1,
        rate: float | RateLimit | None = None,
        cursor: str | None = None,
    ) -> Results[Self]: ...

    @overload
    @classmethod
    def scan(
        cls,
        *,
        filter: OnlyIf | None = None,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool | None = None,
        properties: Sequence[str],
        segments: int = 1,
        rate: float | RateLimit | None = None,
        cursor: str | None = None,
    ) -> Results[dict[str, Any]]: ...

    @classmethod
    def scan(cls, **options: Any) -> Results[Self] | Results[dict[str, Any]]:
        """Return all objects of the table, in no order that means anything. They are read when they are asked for.

        Args:
            filter: as in :meth:`query`; so are ``index``, ``limit``, ``properties`` and ``cursor``.
            consistent: whether all writes before are seen, which costs twice as much.
            segments: parts that are read at the same time, by up to 16 threads; there are no pages of them.
            rate: capacity units that may be consumed in a second, or a limit that several jobs share.

        Raises:
            QueryInvalid: the table or the index cannot be asked so.
            InvalidCursor: the cursor was changed, or is of another list.
        """
        return scan(binding_of(cls), **options)

    def save_to_db(self, *, only_if: OnlyIf | None = None, if_absent: bool = False) -> None:
        """Write the object's whole item.

        With a ``version`` it is written only where nobody else wrote it since this object was read, or where there is
        no item and this object was never read; the version is then counted up. Without one the last write wins.

        Args:
            only_if: what must hold of the item as it is: values of properties, or a condition of PynamoDB.
            if_absent: write only where there is no item of the key.

        Raises:
            StaleWrite: somebody else wrote the item.
            ConditionFailed: ``only_if`` or ``if_absent`` does not hold.
            ItemInvalid: the object breaks its schema, or a key is not set.
            ItemTooLarge: the item is beyond 400 KB.
        """
        storing.save(binding_of(self), _model(self), only_if, if_absent)

    def delete_from_db(self, *, only_if: OnlyIf | None = None) -> None:
        """Delete the object's item. With a ``version``, only where nobody else wrote it since this object was read.

        Raises:
            StaleWrite: somebody else wrote or deleted it.
            ConditionFailed: ``only_if`` does not hold.
        """
        storing.delete(binding_of(self), _model(self), only_if)

    def update(
        self,
        *,
        set: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        remove: Mapping[str, Collection[Any]] | None = None,
        unset: Collection[str] = (),
        only_if: OnlyIf | None = None,
        any_version: bool = False,
    ) -> None:
        """Change some properties of the item by one UpdateItem, and nothing else of it.

        The object then holds all that the item holds; what was assigned to it and not saved is lost. The item must be
        there. Its ``version`` is counted up. An object that was read, or has a version, changes only that version of
        its item; another one changes whichever there is.

        Args:
            set: properties and their new values; None as in an assignment.
            add: numbers to add to properties, which count from their default or 0 where they are unset, and members
                to add to ``sets``.
            remove: members to take out of ``sets``.
            unset: properties that shall have no value.
            only_if: what must hold of the item as it is: values of properties, or a condition of PynamoDB.
            any_version: change the item whatever its version is.

        Raises:
            StaleWrite: somebody else wrote or deleted the item.
            DynamoDBItemNotFound: there is no item, and the object knows no version of it.
            ConditionFailed: ``only_if`` does not hold, or a sum would break a bound of the schema.
            ItemInvalid: a value breaks the schema, or a property cannot be changed that way.
        """
        asked = Asked(set, add, remove, unset, only_if, any_version)
        updates.update(binding_of(self), _model(self), asked)

    @classmethod
    def update_in_db(
        cls,
        key: Any,
        sort: Any = None,
        *,
        set: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        remove: Mapping[str, Collection[Any]] | None = None,
        unset: Collection[str] = (),
        only_if: OnlyIf | None = None,
    ) -> Self:
        """Change some properties of the item of a key, as :meth:`update` does, without reading it before.

        Returns:
            The object that it is then.
        """
        asked = Asked(set, add, remove, unset, only_if)
        changed: Any = updates.update_by_key(binding_of(cls), key, sort, asked)
        return changed  # type: ignore[no-any-return]  # the model class has this one as a base

    @classmethod
    def change_in_db(cls, change: Callable[[Self], object], key: Any, sort: Any = None, *, tries: int = TRIES) -> Self:
        """Load the object of a key, let a function change it, and save it; all again where somebody else was faster.

        Args:
            change: gets the object; may be called several times, so it should do nothing else than change it.
            key: value of the partition key.
            sort: value of the sort key, where the table has one.
            tries: how often at most; there is a pause of random length between them.

        Returns:
            The object as it was saved.

        Raises:
            StaleWrite: somebody else was faster each time.
            DynamoDBItemNotFound: there is no such item.
            TableConfigError: the table has no ``version``, without which updates would be lost.
        """
        changed: Any = retrying.change(binding_of(cls), change, key, sort, tries)
        return changed  # type: ignore[no-any-return]  # as above

    def reload_from_db(self) -> None:
        """Read the item again, and put what it holds in the place of all that this object has.

        Raises:
            DynamoDBItemNotFound: the item is gone.
        """
        binding, mine = binding_of(self), _model(self)
        found = storing.load(binding, binding.codec.key_of(mine))
        storing.replace(mine, found)


def _model(obj: Any) -> PymacaronBaseModel:
    if not isinstance(obj, PymacaronBaseModel):
        raise TypeError(f"{type(obj).__name__} is no model; make its objects by apipool, not by calling this class")
    return obj
