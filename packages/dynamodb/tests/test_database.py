"""The connection to DynamoDB, and what becomes of its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_dynamodb.exceptions import DatabaseError, ItemTooLarge, TableMissing
from pymacaron_dynamodb.failures import ConditionalCheckFailed, Reason, TransactionRefused

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database


def make_table(database: Database, name: str = "orders") -> str:
    """Make a table with a text for a key; return its full name."""
    full = database.table_name(name)
    database.call(
        "CreateTable",
        {
            "TableName": full,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    return full


def put(table: str, key: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of a PutItem."""
    return {"TableName": table, "Item": {"id": {"S": key}}, **more}


NEW = {"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def test_call(database: Database) -> None:
    """A call returns DynamoDB's own answer."""
    table = make_table(database)
    database.call("PutItem", put(table, "tea"))
    answer = database.call("GetItem", {"TableName": table, "Key": {"id": {"S": "tea"}}})
    assert answer["Item"] == {"id": {"S": "tea"}}


def test_condition(database: Database) -> None:
    """A condition that does not hold has an error of its own, with the item that stands."""
    table = make_table(database)
    database.call("PutItem", put(table, "tea", **NEW))
    with pytest.raises(ConditionalCheckFailed, match=f"PutItem of {table}: the condition does not hold") as caught:
        database.call("PutItem", put(table, "tea", **NEW))
    assert caught.value.item == {"id": {"S": "tea"}}
    assert not caught.value.retried


def test_transaction(database: Database) -> None:
    """A transaction that is cancelled has a reason for each action that was refused."""
    table = make_table(database)
    database.call("PutItem", put(table, "tea"))
    actions = [{"Put": put(table, "milk")}, {"Put": put(table, "tea", **NEW)}]
    with pytest.raises(TransactionRefused) as caught:
        database.call("TransactWriteItems", {"TransactItems": actions})
    first, second = caught.value.reasons
    assert first is None
    assert isinstance(second, Reason)
    assert (second.code, second.item) == ("ConditionalCheckFailed", {"id": {"S": "tea"}})


def test_missing_table(database: Database) -> None:
    """A table that is missing is named, with the command that creates it."""
    table = database.table_name("nowhere")
    with pytest.raises(TableMissing, match=f"GetItem of {table} id='tea': there is no table {table}.*pym db create"):
        database.call("GetItem", {"TableName": table, "Key": {"id": {"S": "tea"}}})


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_too_large(database: Database, operation: str) -> None:
    """An item beyond 400 KB is an error of its own, whichever words DynamoDB has for it."""
    table, large = make_table(database), {"S": "x" * 410_000}
    arguments = put(table, "tea")
    if operation == "PutItem":
        arguments["Item"]["note"] = large
    else:
        arguments["Key"] = arguments.pop("Item")
        arguments |= {"UpdateExpression": "SET note = :n", "ExpressionAttributeValues": {":n": large}}
    with pytest.raises(ItemTooLarge, match="400 KB"):
        database.call(operation, arguments)


def test_other_errors(database: Database) -> None:
    """Anything else that DynamoDB refuses is told in its own words."""
    with pytest.raises(DatabaseError, match=r"DynamoDB PutItem of \S+: ValidationException: \S+"):
        database.call("PutItem", {"TableName": make_table(database), "Item": {"name": {"S": "tea"}}})
