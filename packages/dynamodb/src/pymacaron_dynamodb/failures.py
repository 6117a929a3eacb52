"""What can go wrong in a call to DynamoDB, as errors of ours: each names operation, table and key, and says the mend.

Two of them never leave this package: :class:`ConditionalCheckFailed` and :class:`TransactionRefused` are told to the
caller in the words of what it did (a stale write, an ``only_if`` that does not hold, a cancelled transaction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from .exceptions import (
    DatabaseError,
    DatabaseThrottled,
    DatabaseUnavailable,
    ItemTooLarge,
    TableBusy,
    TableConfigError,
    TableMissing,
    TokenReused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.exceptions import PyMacaronException

#: What a call to DynamoDB through PynamoDB and botocore may raise.
FAILURES = (BotoCoreError, ClientError, ResponseParserError)

#: Error codes by which DynamoDB says that it takes no more for now.
THROTTLING = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)

# The last one is moto's.
_MISSING = ("ResourceNotFoundException", "TableNotFoundException", "ResourceNotFound")
# Reasons of a cancelled transaction that pass.
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
#: Error codes by which DynamoDB says that it works on a table.
_BUSY = ("ContinuousBackupsUnavailableException", "ResourceInUseException", "TableInUseException")

_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound)
#: What took too long, and the setting that says how long it may take.
_TIMEOUTS = {ConnectTimeoutError: "dynamodb_connect_timeout", ReadTimeoutError: "dynamodb_read_timeout"}


class ConditionalCheckFailed(DatabaseError):
    """The condition of a write does not hold; nothing was written.

    Attributes:
        item: the item as it is, where ``ReturnValuesOnConditionCheckFailure`` asked for it and there is one.
        retried: whether the request was sent more than once: the write that stands may then be its own.
    """

    def __init__(self, message: str, item: Mapping[str, Any] | None, retried: bool) -> None:
        super().__init__(message)
        self.item = item
        self.retried = retried


@dataclass(frozen=True)
class Reason:
    """Why one action of a transaction was refused.

    Attributes:
        code: such as ``ConditionalCheckFailed``, ``TransactionConflict``, ``ValidationError``, ``ThrottlingError``.
        item: the item as it is, where the action asked for it and there is one.
    """

    code: str
    message: str = ""
    item: Mapping[str, Any] | None = None


class TransactionRefused(DatabaseError):
    """DynamoDB cancelled a transaction; nothing of it was written.

    Attributes:
        reasons: one for each action, in order; None where nothing was against it.
    """

    def __init__(self, message: str, reasons: tuple[Reason | None, ...]) -> None:
        super().__init__(message)
        self.reasons = reasons


def translate(error: Exception, operation: str, arguments: Mapping[str, Any]) -> PyMacaronException:
    """Make an error of ours of what a call raised."""
    what = describe(operation, arguments)
    if isinstance(error, ClientError):
        return _refused(error, what, arguments)
    if isinstance(error, _CREDENTIALS):
        return TableConfigError(
            f"{what}: there are no AWS credentials: {error}; give the process a role, or set AWS_PROFILE, or"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, NoRegionError):
        return TableConfigError(f"{what}: there is no AWS region; set dynamodb_region in pym-config, or AWS_REGION")
    if isinstance(error, ConnectionError | HTTPClientError | ResponseParserError):
        setting = _TIMEOUTS.get(type(error))
        return DatabaseUnavailable(f"{what}: DynamoDB does not answer: {error}{f' ({setting})' if setting else ''}")
    return DatabaseError(f"{what}: {error}")


def is_conflict(error: Exception) -> bool:
    """Tell whether a request met a transaction on the same item, or one met throttling: botocore goes on at neither."""
    if not isinstance(error, ClientError):
        return False
    response = _response(error)
    if _code(response) == "TransactionCanceledException":
        reasons = {found.get("Code", "None") for found in response.get("CancellationReasons", ())} - {"None"}
        return bool(reasons) and reasons <= _PASSING
    return _code(response) == "TransactionConflictException"


def describe(operation: str, arguments: Mapping[str, Any]) -> str:
    """Say what was called, on which tables and with which key."""
    tables = ", ".join(tables_of(arguments))
    key = [f" {name}={next(iter(value.values()))!r}" for name, value in arguments.get("Key", {}).items()]
    return f"DynamoDB {operation}{f' of {tables}' if tables else ''}{''.join(key)}"


def tables_of(arguments: Mapping[str, Any]) -> list[str]:
    """Name the tables that a call is about, each once, in order."""
    if "TableName" in arguments:
        return [arguments["TableName"]]
    if "RequestItems" in arguments:
        return list(arguments["RequestItems"])
    actions = (action for item in arguments.get("TransactItems", ()) for action in item.values())
    return list(dict.fromkeys(action["TableName"] for action in actions))


def _refused(error: ClientError, what: str, arguments: Mapping[str, Any]) -> PyMacaronException:
    """Make an error of an answer that DynamoDB gave."""
    response = _response(error)
    code, said = _code(response), _message(response)
    transport = response.get("ResponseMetadata", {})
    if code == "ConditionalCheckFailedException":
        retried = transport.get("RetryAttempts", 0) > 0
        return ConditionalCheckFailed(f"{what}: the condition does not hold", response.get("Item"), retried)
    if code == "TransactionCanceledException":
        reasons = tuple(_reason(found) for found in response.get("CancellationReasons", ()))
        return TransactionRefused(f"{what}: {said}", reasons)
    if code == "IdempotentParameterMismatchException":
        return TokenReused(
            f"{what}: its token was used in the last ten minutes for another content, which was carried out, and"
            " nothing of this one; take another token for something new"
        )
    if code in THROTTLING:
        return DatabaseThrottled(f"{what}: DynamoDB takes no more for now: {code}: {said}", headers=_wait(transport))
    if code in _MISSING:
        tables = " or ".join(tables_of(arguments))
        return TableMissing(f"{what}: there is no table {tables}, or no such index; create it: pym db create ({said})")
    if transport.get("HTTPStatusCode", 0) >= 500:
        return DatabaseUnavailable(f"{what}: DynamoDB fails: {code}: {said}", headers=_wait(transport))
    if code == "ItemCollectionSizeLimitExceededException" or (code == "ValidationException" and _is_size(said)):
        return ItemTooLarge(f"{what}: {said}; DynamoDB takes items up to 400 KB: split it, or keep large values in S3")
    return (TableBusy if code in _BUSY else DatabaseError)(f"{what}: {code}: {said}")


def _response(error: ClientError) -> Mapping[str, Any]:
    """Return DynamoDB's answer: PynamoDB's own error keeps a part of it, the one that it was raised from has it all."""
    found: Mapping[str, Any] = getattr(error.__cause__, "response", error.response)
    return found


def _code(response: Mapping[str, Any]) -> str:
    return str(response.get("Error", {}).get("Code", "an unknown error"))


def _message(response: Mapping[str, Any]) -> str:
    # Its own members are called both Message and message, by operation and by engine.
    return str(response.get("Error", {}).get("Message") or response.get("message") or "it does not say more")


def _is_size(said: str) -> bool:
    """Tell the words for an item that is too large, which has no code of its own."""
    said = said.lower()
    return "item size" in said and "exceed" in said


def _reason(found: Mapping[str, Any]) -> Reason | None:
    code = found.get("Code", "None")
    return None if code == "None" else Reason(code, found.get("Message") or "", found.get("Item"))


def _wait(transport: Mapping[str, Any]) -> dict[str, str]:
    found = transport.get("HTTPHeaders", {}).get("retry-after")
    return {"Retry-After": found} if found else {}
