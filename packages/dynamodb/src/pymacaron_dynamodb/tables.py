"""A table as DynamoDB's API wants it described to create it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .definition import ALL, KEYS, ON_DEMAND, IndexDefinition, TableDefinition, Throughput
from .pynamo import key_schema

if TYPE_CHECKING:
    from .binding import Binding


def create_arguments(definition: TableDefinition, table: str) -> dict[str, Any]:
    """Return the arguments of CreateTable (DynamoDB API reference)."""
    made: dict[str, Any] = {
        "TableName": table,
        "KeySchema": key_schema(definition.keys),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in definition.key_types.items()
        ],
        **_billing(definition.billing),
    }
    for argument, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
        found = [index_description(index, definition.billing) for index in definition.indexes if index.local is local]
        if found:
            made[argument] = found
    if definition.encryption is not None:
        made["SSESpecification"] = encryption_description(definition.encryption)
    if definition.deletion_protection:
        made["DeletionProtectionEnabled"] = True
    return made


def index_description(index: IndexDefinition, billing: str | Throughput) -> dict[str, Any]:
    """Return an index as CreateTable and UpdateTable take it."""
    made: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.keys),
        "Projection": projection_description(index),
    }
    if not index.local and isinstance(billing, Throughput):
        made["ProvisionedThroughput"] = throughput_description(billing)
    return made


def projection_description(index: IndexDefinition) -> dict[str, Any]:
    """Return what an index has beside its keys."""
    if index.projection in (ALL, KEYS):
        return {"ProjectionType": "ALL" if index.projection == ALL else "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projection)}


def encryption_description(encryption: str) -> dict[str, Any]:
    """Return with which key a table is encrypted."""
    made: dict[str, Any] = {"Enabled": True, "SSEType": "KMS"}
    return made if encryption == "kms" else {**made, "KMSMasterKeyId": encryption}


def _billing(billing: str | Throughput) -> dict[str, Any]:
    if billing == ON_DEMAND or isinstance(billing, str):
        return {"BillingMode": "PAY_PER_REQUEST"}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput_description(billing)}


def throughput_description(billing: Throughput) -> dict[str, int]:
    """Return provisioned capacity as CreateTable and UpdateTable take it."""
    return {"ReadCapacityUnits": billing.read, "WriteCapacityUnits": billing.write}


def create_table(binding: Binding) -> None:
    """Create a table, without waiting for it."""
    binding.database.call("CreateTable", create_arguments(binding.definition, binding.table))
