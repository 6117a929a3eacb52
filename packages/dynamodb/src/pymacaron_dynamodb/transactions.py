"""Transactions: writes of up to 100 items, in any tables, all of which are made or none; and reads of one moment."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from .actions import Action, CheckKey, CheckObject, Delete, Get, Save, Update
from .binding import binding_of
from .database import database
from .exceptions import DatabaseThrottled, ItemTooLarge, StaleWrite, TransactionCancelled, TransactionInvalid
from .failures import TransactionRefused
from .sizes import size_of_item
from .storing import loaded
from .updates import Asked, unread

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
    from types import TracebackType

    from pymacaron.exceptions import PyMacaronException
    from pymacaron.model import PymacaronBaseModel

    from .conditions import OnlyIf

# What DynamoDB takes (API reference, TransactWriteItems and TransactGetItems).
_MOST = 100
_LARGEST = 4 * 1024 * 1024
_LONGEST_TOKEN = 36


def transaction(token: str | None = None) -> Transaction:
    """Begin a transaction, whose actions are sent together when the ``with`` block ends, and never if it raises.

    Only what is done through the transaction belongs to it; ``obj.save_to_db()`` in the block writes at once.

    Args:
        token: names the transaction for ten minutes: sent again with the same content, by whichever process, it is not
            carried out twice. Where it stands for a request's ``Idempotency-Key``, put the operation and the user
            into it as well. One that is made up protects the retries of this very call alone.

    Raises:
        StaleWrite: at the end of the block: somebody else wrote an item, and nothing else was against it.
        TransactionCancelled: at the end of the block: DynamoDB refused it; its ``reasons`` say why.
        TokenReused: at the end of the block: the token was used for something else.
    """
    return Transaction(token)


class Transaction:
    """What :func:`transaction` makes. An object is stored as it is when the block ends."""

    def __init__(self, token: str | None = None) -> None:
        self._token = str(uuid.uuid4()) if token is None else _short(token)
        self._actions: dict[Hashable, Action] = {}
        self._is_open = False
        self._has_ended = False

    def save(self, obj: PymacaronBaseModel, *, only_if: OnlyIf | None = None, if_absent: bool = False) -> None:
        """Write an object's whole item, on the conditions of ``save_to_db``; its version is counted up at the end.

        Raises:
            TransactionInvalid: the transaction has an action on this item already, or 100 actions, or has ended.
            ItemInvalid: a key is not set.
        """
        self._add(Save(obj, only_if, if_absent))

    def delete(self, obj: PymacaronBaseModel, *, only_if: OnlyIf | None = None) -> None:
        """Delete an object's item, on the conditions of ``delete_from_db``.

        Raises:
            TransactionInvalid: as for :meth:`save`.
        """
        self._add(Delete(obj, only_if))

    def update(
        self,
        of: Any,
        *key: Any,
        set: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        remove: Mapping[str, Collection[Any]] | None = None,
        unset: Collection[str] = (),
        only_if: OnlyIf | None = None,
    ) -> None:
        """Change some properties of an item, as the ``update`` of an object does; the item must be there.

        DynamoDB does not tell what an item holds after a transaction: an object keeps what it has, and its version,
        which is then an old one; read it again before it is saved.

        Args:
            of: an object, whose version the item must have where the object was read or has one; or a class.
            key: as in :meth:`check`.
            set: properties and their new values.
            add: numbers to add to properties, and members to add to sets.
            remove: members to take out of sets.
            unset: properties that shall have no value.
            only_if: what must hold of the item.

        Raises:
            TransactionInvalid: as for :meth:`save`.
            ItemInvalid: a value breaks the schema, or a property cannot be changed that way.
        """
        binding = binding_of(of)
        obj = unread(binding, *key) if _is_keyed(of, key) else of
        self._add(Update(binding, obj, Asked(set, add, remove, unset, only_if)))

    def check(self, of: Any, *key: Any, only_if: OnlyIf | None = None) -> None:
        """Have the transaction depend on an item that it does not write.

        Args:
            of: an object, whose item must be as it was read (there at least, where the table has no versions); or a
                class, whose item of the key must be there.
            key: the value of the partition key, and of the sort key where there is one; none beside an object.
            only_if: what must hold of the item.

        Raises:
            TransactionInvalid: as for :meth:`save`.
        """
        if _is_keyed(of, key):
            binding = binding_of(of)
            self._add(CheckKey(binding, binding.codec.key(*key), only_if))
        else:
            self._add(CheckObject(of, only_if))

    def _add(self, action: Action) -> None:
        if not self._is_open:
            state = "has ended" if self._has_ended else "has not begun"
            raise TransactionInvalid(f"{action.name} of {action.what}: the transaction {state}; use it in its with")
        other = self._actions.get(action.identity)
        if other is not None:
            raise TransactionInvalid(
                f"{action.name} of {action.what}: the transaction has a {other.name} of this item already, and DynamoDB"
                " takes one action on each; make one of both"
            )
        if len(self._actions) == _MOST:
            raise TransactionInvalid(
                f"{action.name} of {action.what} is one action more than the {_MOST} that DynamoDB takes in a"
                " transaction; split it where each part may stand alone"
            )
        self._actions[action.identity] = action

    def __enter__(self) -> Self:
        if self._is_open or self._has_ended:
            raise TransactionInvalid("the transaction was used before; begin another one: with transaction() as t")
        self._is_open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_open, self._has_ended = False, True
        if kind is None and self._actions:
            self._send(list(self._actions.values()))

    def _send(self, actions: list[Action]) -> None:
        with ExitStack() as begun:
            requests = [action.request(begun) for action in actions]
            _check_size(requests)
            while True:
                try:
                    database().call(
                        "TransactWriteItems", {"TransactItems": requests, "ClientRequestToken": self._token}
                    )
                    break
                except TransactionRefused as error:
                    if not _mended(actions, error):
                        raise _refused(actions, error, "nothing of the transaction was written") from None
        for action in actions:
            action.done()


def _is_keyed(of: Any, key: tuple[Any, ...]) -> bool:
    """Tell whether an item is named by a class and a key, and not by an object."""
    if isinstance(of, type) is not bool(key):
        what = f"the class {of.__name__} without a key" if isinstance(of, type) else f"an object and the key {key!r}"
        raise TypeError(f"an item was named by {what}; give an object, or a class and a key")
    return bool(key)


def transaction_get(wanted: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return objects as they were at one moment, which no transaction was in the midst of writing.

    Args:
        wanted: for each its class and its key, ``(Order, "o-1")``, and the value of the sort key where there is one.

    Returns:
        The objects in the order of ``wanted``, None for each that there is not. A key that stands there twice is read
        once, and is the same object in both places.

    Raises:
        TransactionCancelled: transactions that write these items kept it from being read.
        TransactionInvalid: these are more than 100 items.
        StoredItemInvalid: an item does not follow its schema.
    """
    asked = [_get(owner, *key) for owner, *key in wanted]
    actions = {action.identity: action for action in asked}
    if len(actions) > _MOST:
        raise TransactionInvalid(f"{len(actions)} items were asked for, and DynamoDB reads {_MOST} at one moment")
    found = dict(zip(actions, _read(list(actions.values())), strict=True)) if actions else {}
    return [found[action.identity] for action in asked]


def _get(owner: Any, *key: Any) -> Get:
    binding = binding_of(owner)
    return Get(binding, binding.codec.key(*key))


def _read(actions: list[Get]) -> list[Any]:
    with ExitStack() as begun:
        requests = [action.request(begun) for action in actions]
    try:
        answers = database().call("TransactGetItems", {"TransactItems": requests})["Responses"]
    except TransactionRefused as error:
        raise _refused(actions, error, "nothing was read") from None
    pairs = zip(actions, answers, strict=True)
    return [loaded(action.binding, answer["Item"]) if answer.get("Item") else None for action, answer in pairs]


def _short(token: str) -> str:
    """Return a token that DynamoDB takes: of at most 36 characters."""
    if not token:
        raise TransactionInvalid("the token of a transaction is empty; give a text, or leave it out")
    return token if len(token) <= _LONGEST_TOKEN else hashlib.sha256(token.encode()).hexdigest()[:_LONGEST_TOKEN]


def _check_size(requests: list[dict[str, Any]]) -> None:
    sizes = [size_of_item(request["Put"]["Item"]) for request in requests if "Put" in request]
    if sum(sizes) > _LARGEST:
        raise ItemTooLarge(
            f"the {len(sizes)} items that the transaction saves have {sum(sizes):,} bytes, and DynamoDB takes"
            f" {_LARGEST:,} in all; split it where each part may stand alone"
        )


def _mended(actions: Sequence[Action], error: TransactionRefused) -> bool:
    """Do away with what was against a transaction, as far as that can be; return whether any of it was."""
    pairs = zip(actions, error.reasons, strict=False)
    mended = [action.mend(reason) for action, reason in pairs if reason is not None]
    return any(mended)


def _refused(actions: Sequence[Action], error: TransactionRefused, outcome: str) -> PyMacaronException:
    """Say what was against a transaction."""
    pairs = zip(actions, error.reasons, strict=False)
    reasons = [action.refusal(reason) if reason is not None else None for action, reason in pairs]
    found = [reason for reason in reasons if reason is not None]
    message = f"{outcome}: {'; '.join(reason.message for reason in found) or error}"
    kinds = {reason.kind for reason in found}
    if kinds == {"stale"}:
        return StaleWrite(message)
    if kinds == {"throttled"}:
        return DatabaseThrottled(message)
    return TransactionCancelled(message, reasons=reasons)
