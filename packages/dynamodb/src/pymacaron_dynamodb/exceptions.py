"""The errors of this package::

PyMacaronException
├── DynamoDBItemNotFound     ITEM_NOT_FOUND          404   there is no item of that key
├── StaleWrite               STALE_WRITE             412   somebody else wrote the item since it was read
│   └── PreconditionFailed   PRECONDITION_FAILED     412   it has another version than `If-Match` names
├── PreconditionRequired     PRECONDITION_REQUIRED   428   a request must say which version it is about
├── ConditionFailed          CONDITION_FAILED        409   what `only_if` asks for does not hold
├── TransactionCancelled     TRANSACTION_CANCELLED   409   nothing of a transaction was written
├── TokenReused              TOKEN_REUSED            409   the token of a transaction was used for something else
├── TransactionInvalid       TRANSACTION_INVALID     500   a transaction cannot be sent as it is
├── ItemTooLarge             ITEM_TOO_LARGE          413   an item is beyond 400 KB
├── InvalidCursor            INVALID_CURSOR          400   a cursor is not one of ours, or of another list
├── QueryInvalid             QUERY_INVALID           500   a query asks for what its table or index cannot do
├── StoredItemInvalid        STORED_ITEM_INVALID     500   a stored item does not follow its schema
├── ItemInvalid              ITEM_INVALID            500   an object cannot be stored as it is
├── TableMissing             TABLE_MISSING           500   there is no such table
├── DatabaseThrottled        DATABASE_THROTTLED      503   (Retry-After) DynamoDB takes no more for now
├── DatabaseUnavailable      DATABASE_UNAVAILABLE    503   (Retry-After) DynamoDB does not answer
├── DatabaseError            DATABASE_ERROR          500   DynamoDB refuses a request
│   └── TableBusy            TABLE_BUSY              500   DynamoDB works on a table, and takes no change of it
├── TablesDiffer             TABLES_DIFFER           500   tables are not as the contract has them
├── FileUnusable             FILE_UNUSABLE           500   an export or its file cannot be written or read
├── TableConfigError         (ends a start)                a table's definition, or a setting, is wrong
└── UnfinishedBatch          UNFINISHED_BATCH        503   (Retry-After) a part of a batch was not done
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.exceptions import ConfigError, PyMacaronException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds after which a caller may try again where DynamoDB is too busy or away.
RETRY_AFTER = 1


class DynamoDBItemNotFound(PyMacaronException):
    """There is no item of that key."""

    code = "ITEM_NOT_FOUND"
    status = 404


class StaleWrite(PyMacaronException):
    """Somebody else wrote the item since it was read, or it is gone, or is there already; nothing was written."""

    code = "STALE_WRITE"
    status = 412


class PreconditionFailed(StaleWrite):
    """A request asks by ``If-Match`` or ``If-None-Match`` for another version than there is (RFC 9110, 13.1)."""

    code = "PRECONDITION_FAILED"


class PreconditionRequired(PyMacaronException):
    """A request must say by ``If-Match`` which version it is about (RFC 6585, section 3)."""

    code = "PRECONDITION_REQUIRED"
    status = 428


class ConditionFailed(PyMacaronException):
    """What ``only_if`` asks for does not hold; nothing was written."""

    code = "CONDITION_FAILED"
    status = 409


class TransactionCancelled(PyMacaronException):
    """DynamoDB cancelled a transaction; nothing of it was written.

    Attributes:
        reasons: one for each action, in order: None, or what was against it.
    """

    code = "TRANSACTION_CANCELLED"
    status = 409

    def __init__(self, message: str = "", *, reasons: Sequence[Any] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.reasons = tuple(reasons)


class TokenReused(PyMacaronException):
    """A token was sent before for another content: that one was carried out, and nothing of this one.

    A request that is sent again after it changed what it reads ends so: its first time it did all that it was to do.
    """

    code = "TOKEN_REUSED"
    status = 409


class TransactionInvalid(PyMacaronException):
    """A transaction cannot be sent as it is: it has two actions on one item or more than 100, or has ended."""

    code = "TRANSACTION_INVALID"
    status = 500


class ItemTooLarge(PyMacaronException):
    """An item is beyond the 400 KB that DynamoDB takes."""

    code = "ITEM_TOO_LARGE"
    status = 413


class InvalidCursor(PyMacaronException):
    """A cursor was changed, is of another list, or was signed with another key."""

    code = "INVALID_CURSOR"
    status = 400


class QueryInvalid(PyMacaronException):
    """A query or a scan asks for what its table or index cannot do."""

    code = "QUERY_INVALID"
    status = 500


class StoredItemInvalid(PyMacaronException):
    """A stored item does not follow the schema of its table; the message names table, key and property."""

    code = "STORED_ITEM_INVALID"
    status = 500


class ItemInvalid(PyMacaronException):
    """An object cannot be stored as it is: it breaks its schema, or has no value for a key."""

    code = "ITEM_INVALID"
    status = 500


class TableMissing(PyMacaronException):
    """There is no such table."""

    code = "TABLE_MISSING"
    status = 500


class _TryAgain(PyMacaronException):
    status = 503

    def __init__(self, message: str = "", *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(message, headers={"Retry-After": str(RETRY_AFTER), **(headers or {})}, **more)


class DatabaseThrottled(_TryAgain):
    """DynamoDB takes no more requests for now, and retries did not help."""

    code = "DATABASE_THROTTLED"


class DatabaseUnavailable(_TryAgain):
    """DynamoDB does not answer, or fails, and retries did not help."""

    code = "DATABASE_UNAVAILABLE"


class UnfinishedBatch(_TryAgain):
    """DynamoDB left a part of a batch undone, and retries did not help.

    Attributes:
        left: the objects or keys that are left.
    """

    code = "UNFINISHED_BATCH"

    def __init__(self, message: str = "", *, left: Sequence[Any] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.left = tuple(left)


class DatabaseError(PyMacaronException):
    """DynamoDB refuses a request that should not have been made."""

    code = "DATABASE_ERROR"
    status = 500


class TableBusy(DatabaseError):
    """DynamoDB works on a table, and takes no change of it for now; or a table that is created is there already."""

    code = "TABLE_BUSY"


class TablesDiffer(PyMacaronException):
    """Tables are not as the contract has them, and what is between cannot be done, or is not done yet."""

    code = "TABLES_DIFFER"
    status = 500


class FileUnusable(PyMacaronException):
    """A file of items cannot be written, or holds what is no item; the message names file and line."""

    code = "FILE_UNUSABLE"
    status = 500


class TableConfigError(ConfigError):
    """The definition of a table, or a setting of the database, is wrong; the message says where and how to mend it."""
