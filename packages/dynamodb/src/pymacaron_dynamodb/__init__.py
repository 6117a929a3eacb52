"""Objects of a contract that persist in DynamoDB, and whose concurrent writers never lose an update."""

from .actions import CancellationReason
from .batches import batch_delete, batch_get, batch_save
from .exceptions import (
    ConditionFailed,
    DatabaseError,
    DatabaseThrottled,
    DatabaseUnavailable,
    DynamoDBItemNotFound,
    InvalidCursor,
    ItemInvalid,
    ItemTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    StaleWrite,
    StoredItemInvalid,
    TableConfigError,
    TableMissing,
    TokenReused,
    TransactionCancelled,
    TransactionInvalid,
    UnfinishedBatch,
)
from .persistent import PersistentSwaggerObject
from .retrying import retry_stale
from .transactions import Transaction, transaction, transaction_get

__all__ = [
    "CancellationReason",
    "ConditionFailed",
    "DatabaseError",
    "DatabaseThrottled",
    "DatabaseUnavailable",
    "DynamoDBItemNotFound",
    "InvalidCursor",
    "ItemInvalid",
    "ItemTooLarge",
    "PersistentSwaggerObject",
    "PreconditionFailed",
    "PreconditionRequired",
    "StaleWrite",
    "StoredItemInvalid",
    "TableConfigError",
    "TableMissing",
    "TokenReused",
    "Transaction",
    "TransactionCancelled",
    "TransactionInvalid",
    "UnfinishedBatch",
    "batch_delete",
    "batch_get",
    "batch_save",
    "retry_stale",
    "transaction",
    "transaction_get",
]
