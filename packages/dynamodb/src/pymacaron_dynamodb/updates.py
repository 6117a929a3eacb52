"""Single items changed in place: one UpdateItem, which leaves alone what it does not name.

An answer may get lost, and the request then be sent a second time. Each update whose second run would change something
writes an id of its own into the item, so that the second one is refused, and known to be the same.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.update import Update

from .changes import Changes
from .conditions import Expression, all_of, key_exists, read_condition, version_is
from .definition import ITEM_VERSION, LAST_UPDATE
from .exceptions import ConditionFailed, DynamoDBItemNotFound
from .failures import ConditionalCheckFailed
from .items import READ, item_version
from .renewals import renewal, renewed
from .storing import Writing, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pynamodb.expressions.condition import Condition

    from pymacaron.model import PymacaronBaseModel

    from .attributes import Item
    from .binding import Binding
    from .conditions import OnlyIf
    from .wire import Wire


@dataclass(frozen=True)
class Asked:
    """What an update asks for; see ``PersistentSwaggerObject.update``."""

    set: Mapping[str, Any] | None = None
    add: Mapping[str, Any] | None = None
    remove: Mapping[str, Collection[Any]] | None = None
    unset: Collection[str] = field(default=())
    only_if: OnlyIf | None = None
    any_version: bool = False


def update(binding: Binding, obj: PymacaronBaseModel, asked: Asked) -> None:
    """Change the item of an object by one UpdateItem, and give the object what the item holds then.

    Raises:
        StaleWrite: the object has a version, and the item has another one or is gone.
        DynamoDBItemNotFound: there is no item of the key.
        ConditionFailed: ``only_if`` does not hold, or an item would no more follow its schema.
        ItemInvalid: a value breaks the schema, or a property cannot be changed that way.
    """
    made = UpdateRequest(Writing(binding, obj), asked)
    while True:
        try:
            found = binding.database.call("UpdateItem", made.arguments())["Attributes"]
        except ConditionalCheckFailed as error:
            if error.item is not None and item_version(error.item) < binding.definition.item_version:
                renew(binding, error.item)
                continue
            found = made.own_item(error)
        replace(obj, binding.codec.decode(found))
        made.writing.done()
        return


def update_by_key(binding: Binding, key: Any, sort: Any, asked: Asked) -> PymacaronBaseModel:
    """Change the item of a key without reading it before; return the object that it is then.

    Raises:
        PyMacaronException: as :func:`update`.
    """
    made = unread(binding, key, sort)
    update(binding, made, asked)
    return made


def unread(binding: Binding, key: Any, sort: Any = None) -> PymacaronBaseModel:
    """Return an object that has a key and nothing else.

    Raises:
        ItemInvalid: a part of the key is missing, too much, or of another type.
    """
    made = binding.model._empty()
    for name, value in zip(binding.codec.key(key, sort), (key, sort), strict=False):
        made[name] = value
    return made


def renew(binding: Binding, item: Mapping[str, Wire]) -> None:
    """Bring an item of an older form to today's; where somebody else wrote it meanwhile, nothing is done."""
    found = dict(item)
    with suppress(ConditionalCheckFailed):
        binding.database.call("UpdateItem", renewal(binding, found, renewed(binding, found)))


class UpdateRequest:
    """The UpdateItem that does what was asked for."""

    def __init__(self, writing: Writing, asked: Asked) -> None:
        self.writing = writing
        self.binding = writing.binding
        self.codec = writing.codec
        self.definition = writing.binding.definition
        self.asked = asked
        self.key = self.codec.key_of(writing.obj)
        self.changes = Changes(self.codec, asked.set or {}, asked.add or {}, asked.remove or {}, asked.unset)
        self.only_if = read_condition(self.codec, asked.only_if)
        self.id = {"S": token_urlsafe(9)} if writing.is_versioned or self.changes.counts else None

    @property
    def is_versioned(self) -> bool:
        """Whether only one version of the item is written; an object that was neither read nor has one knows none."""
        writing = self.writing
        knows = writing.version is not None or READ in writing.obj.__dict__
        return writing.is_versioned and knows and (writing.is_asked or not self.asked.any_version)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the call."""
        expression = Expression().add("UpdateExpression", Update(*self.changes.actions, *self._own()))
        expression.add("ConditionExpression", all_of([*self._conditions(), self.only_if]))
        return self.binding.request(
            Key=self.key,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **expression.arguments(),
        )

    def _own(self) -> list[Any]:
        """Return the actions on attributes that no caller changes."""
        made = [] if self.id is None else [Path([LAST_UPDATE]).set(Value(self.id))]
        if self.definition.version is not None:
            path = Path([self.definition.version])
            made.append(path.set((path | Value({"N": "0"})) + Value({"N": "1"})))
        return made

    def _conditions(self) -> list[Condition]:
        made = [key_exists(self.codec), *self.changes.conditions]
        if self.is_versioned:
            made.append(version_is(self.codec, self.writing.version))
        if self.definition.item_version > 1:
            made.append(Path([ITEM_VERSION]) >= Value({"N": str(self.definition.item_version)}))
        if self.id is not None:
            made.append(Path([LAST_UPDATE]).does_not_exist() | (Path([LAST_UPDATE]) != Value(self.id)))
        return made

    def own_item(self, error: ConditionalCheckFailed) -> Item:
        """Return the item that this very update wrote before its answer got lost.

        Raises:
            PyMacaronException: it did not; the error says why the item was not written.
        """
        item, writing = error.item, self.writing
        if item is not None and self.id is not None and item.get(LAST_UPDATE) == self.id:
            return dict(item)
        what = self.binding.describe(self.key)
        if item is None and not self.is_versioned:
            raise DynamoDBItemNotFound(f"there is no {what}")
        if item is None or (self.is_versioned and not writing.is_version_of(item)):
            raise writing.refusal(error, True)
        unfit = self.changes.unfit(item)
        raise ConditionFailed(f"{what} was not written: {unfit or 'what only_if asks for does not hold'}")
