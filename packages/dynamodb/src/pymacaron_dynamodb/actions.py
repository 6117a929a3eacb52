"""The actions of a transaction: how each is sent, and what it means that DynamoDB refuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pymacaron.exceptions import PyMacaronException

from .binding import binding_of
from .conditions import all_of, condition_arguments, key_exists, key_is_free, read_condition
from .exceptions import StaleWrite, TransactionInvalid
from .failures import ConditionalCheckFailed
from .items import READ, item_version
from .keys import identity, shown_key
from .storing import Writing
from .updates import UpdateRequest, renew

if TYPE_CHECKING:
    from collections.abc import Hashable
    from contextlib import ExitStack

    from pymacaron.model import PymacaronBaseModel

    from .attributes import Item
    from .binding import Binding
    from .conditions import OnlyIf
    from .failures import Reason
    from .updates import Asked

Kind = Literal["stale", "condition", "conflict", "throttled", "other"]

_KINDS: dict[str, Kind] = {
    "TransactionConflict": "conflict",
    "ThrottlingError": "throttled",
    "ProvisionedThroughputExceeded": "throttled",
}
_CONDITION = "ConditionalCheckFailed"
_RETURN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@dataclass(frozen=True)
class CancellationReason:
    """Why one action of a transaction was refused.

    Attributes:
        action: ``save``, ``delete``, ``update``, ``check`` or ``get``.
        model: of the item.
        table: its full name.
        key: of the item, by the names of its properties.
        code: DynamoDB's (API reference, CancellationReason).
        kind: ``stale`` where somebody else wrote the item, ``condition`` where ``only_if`` does not hold, ``conflict``
            where another transaction is at it, ``throttled``, or ``other``.
        message: all of it in words.
    """

    action: str
    model: str
    table: str
    key: dict[str, Any]
    code: str
    kind: Kind
    message: str


class Action:
    """One action on one item.

    Args:
        binding: of the table.
        key: of the item.
    """

    name: ClassVar[str]

    def __init__(self, binding: Binding, key: Item) -> None:
        self.binding = binding
        self.key = key

    @property
    def identity(self) -> Hashable:
        """What no two actions of a transaction may have in common."""
        return identity(self.binding, self.key)

    @property
    def what(self) -> str:
        """The item, for messages."""
        return self.binding.describe(self.key)

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """Return the action as DynamoDB's API has it; what is to be undone where the transaction fails is in `begun`.

        Raises:
            PyMacaronException: what is to be written cannot be.
        """
        raise NotImplementedError

    def done(self) -> None:
        """Take note that the transaction was carried out."""

    def mend(self, reason: Reason) -> bool:
        """Do away with what was against the action; return whether it can be sent again."""
        return False

    def refusal(self, reason: Reason) -> CancellationReason:
        """Say why the action was refused."""
        kind = _KINDS.get(reason.code, "other")
        message = f"{self.name} of {self.what}: {reason.code}: {reason.message or 'DynamoDB does not say more'}"
        if reason.code == _CONDITION:
            kind, message = self._unmet(ConditionalCheckFailed("", reason.item, retried=False))
        return CancellationReason(
            action=self.name,
            model=self.binding.definition.model,
            table=self.binding.table,
            key=shown_key(self.binding, self.key),
            code=reason.code,
            kind=kind,
            message=message,
        )

    def _unmet(self, error: ConditionalCheckFailed) -> tuple[Kind, str]:
        """Say which condition does not hold."""
        if error.item is None:
            return "condition", f"{self.what} is not there"
        return "condition", f"what only_if asks of {self.what} does not hold"


class _OfObject(Action):
    """An action on the item of an object, which nobody else must have written where the table has versions."""

    def __init__(self, obj: PymacaronBaseModel, only_if: OnlyIf | None) -> None:
        binding = binding_of(obj)
        self.obj = obj
        self.codec = binding.codec_of(type(obj))
        self.asked = read_condition(self.codec, only_if)
        super().__init__(binding, self.codec.key_of(obj))

    def _begin(self) -> Writing:
        if identity(self.binding, self.codec.key_of(self.obj)) != self.identity:
            raise TransactionInvalid(f"the key of {self.what} was changed after {self.name}; change it before")
        self.writing = Writing(self.binding, self.obj)
        return self.writing

    def _unmet(self, error: ConditionalCheckFailed) -> tuple[Kind, str]:
        made = self.writing.refusal(error, self.asked is None)
        return ("stale" if isinstance(made, StaleWrite) else "condition"), str(made)


class Save(_OfObject):
    """Write the whole item of an object."""

    name = "save"

    def __init__(self, obj: PymacaronBaseModel, only_if: OnlyIf | None, if_absent: bool) -> None:
        super().__init__(obj, only_if)
        self.if_absent = if_absent

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        writing = begun.enter_context(self._begin())
        absent = key_is_free(self.codec) if self.if_absent else None
        condition = condition_arguments(all_of([writing.condition, absent, self.asked]))
        item = self.codec.encode(self.obj)
        return {"Put": self.binding.request(Item=item, **condition, **(_RETURN if condition else {}))}

    def done(self) -> None:
        """See the base."""
        self.obj.__dict__[READ] = True


class Delete(_OfObject):
    """Delete the item of an object."""

    name = "delete"

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        writing = self._begin()
        unwritten = writing.condition if writing.version is not None or READ in self.obj.__dict__ else None
        condition = condition_arguments(all_of([unwritten, self.asked]))
        return {"Delete": self.binding.request(Key=self.key, **condition, **(_RETURN if condition else {}))}

    def done(self) -> None:
        """See the base."""
        self.writing.done(is_gone=True)


class Update(Action):
    """Change some properties of an item, and nothing else of it.

    The transaction's own token keeps it from being made twice, so it writes no id of its own into the item.
    """

    name = "update"

    def __init__(self, binding: Binding, obj: PymacaronBaseModel, asked: Asked) -> None:
        self.made = UpdateRequest(Writing(binding, obj), asked)
        self.made.id = None
        super().__init__(binding, self.made.key)

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        arguments = self.made.arguments()
        del arguments["ReturnValues"]
        return {"Update": arguments}

    def mend(self, reason: Reason) -> bool:
        """See the base: an item of an older form is brought to today's."""
        today = self.binding.definition.item_version
        if reason.code != _CONDITION or reason.item is None or item_version(reason.item) >= today:
            return False
        renew(self.binding, reason.item)
        return True

    def _unmet(self, error: ConditionalCheckFailed) -> tuple[Kind, str]:
        try:
            self.made.own_item(error)
        except StaleWrite as found:
            return "stale", str(found)
        except PyMacaronException as found:
            return "condition", str(found)
        raise AssertionError("an update without an id has no item of its own")


class CheckObject(_OfObject):
    """Write nothing, and have the item of an object be as it was read."""

    name = "check"

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        wanted = all_of([self._begin().condition, self.asked])
        if wanted is None:
            wanted = key_exists(self.codec)
        return {"ConditionCheck": self.binding.request(Key=self.key, **condition_arguments(wanted), **_RETURN)}


class CheckKey(Action):
    """Write nothing, and have a condition hold of the item of a key: that there is one, where no other is given."""

    name = "check"

    def __init__(self, binding: Binding, key: Item, only_if: OnlyIf | None) -> None:
        super().__init__(binding, key)
        asked = read_condition(binding.codec, only_if)
        self.wanted = asked if asked is not None else key_exists(binding.codec)

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        return {"ConditionCheck": self.binding.request(Key=self.key, **condition_arguments(self.wanted), **_RETURN)}


class Get(Action):
    """Read the item of a key."""

    name = "get"

    def request(self, begun: ExitStack) -> dict[str, Any]:
        """See the base."""
        return {"Get": self.binding.request(Key=self.key)}
