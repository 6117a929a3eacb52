"""Objects of a contract that persist in DynamoDB, and whose concurrent writers never lose an update."""

from . import quiet  # noqa: F401  # before PynamoDB
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
    QueryInvalid,
    StaleWrite,
    StoredItemInvalid,
    TableConfigError,
    TableMissing,
    TokenReused,
    TransactionCancelled,
    TransactionInvalid,
    UnfinishedBatch,
)
from .pages import page
from .persistent import PersistentSwaggerObject
from .rates import RateLimit
from .results import Page, Results
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
    "Page",
    "PersistentSwaggerObject",
    "PreconditionFailed",
    "PreconditionRequired",
    "QueryInvalid",
    "RateLimit",
    "Results",
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
    "page",
    "retry_stale",
    "transaction",
    "transaction_get",
]
