"""Objects of a contract that persist in DynamoDB, and whose concurrent writers never lose an update."""

from .exceptions import (
    ConditionFailed,
    DatabaseError,
    DatabaseThrottled,
    DatabaseUnavailable,
    DynamoDBItemNotFound,
    InvalidCursor,
    ItemInvalid,
    ItemTooLarge,
    PreconditionRequired,
    StaleWrite,
    StoredItemInvalid,
    TableConfigError,
    TableMissing,
    TransactionCancelled,
    UnfinishedBatch,
)
from .persistent import PersistentSwaggerObject

__all__ = [
    "ConditionFailed",
    "DatabaseError",
    "DatabaseThrottled",
    "DatabaseUnavailable",
    "DynamoDBItemNotFound",
    "InvalidCursor",
    "ItemInvalid",
    "ItemTooLarge",
    "PersistentSwaggerObject",
    "PreconditionRequired",
    "StaleWrite",
    "StoredItemInvalid",
    "TableConfigError",
    "TableMissing",
    "TransactionCancelled",
    "UnfinishedBatch",
]
