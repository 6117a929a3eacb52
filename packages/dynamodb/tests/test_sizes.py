"""How large items are, by DynamoDB's documented rules and by what an engine charges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from differences import differs
from pymacaron_dynamodb.sizes import describe_size, size_of_item

if TYPE_CHECKING:
    from engines import Engine
    from pymacaron_dynamodb.database import Database


@pytest.mark.parametrize(
    ("wire", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "aé😀"}, 7),
        ({"B": b"\x00\xff"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 3 + 2),
        ({"M": {"a": {"S": "bc"}}}, 3 + 1 + 1 + 2),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "100"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
        ({"N": "0"}, 1),
        ({"N": "0.00"}, 1),
        ({"N": "7"}, 2),
        ({"N": "-7"}, 3),
        ({"N": "100"}, 2),
        ({"N": "1000"}, 2),
        ({"N": "1e+100"}, 2),
        ({"N": "1234"}, 3),
        ({"N": "12345"}, 4),
        ({"N": "1.5"}, 3),
        ({"N": "0.001"}, 2),
        ({"N": "9" * 38}, 20),
        ({"N": "-0." + "9" * 38}, 21),
    ],
)
def test_sizes_of_values(wire: dict[str, Any], size: int) -> None:
    """Names and values are counted in bytes; a number by its digits, a container with three bytes and one a part."""
    assert size_of_item({"é": wire}) == 2 + size


NUMBERS = ["0", "-1", "12", "123", "1.5", "0.05", "-9999999", "1e-130", "100000", "3.14159", "2.50", "10", "1e37"]


def test_what_engines_charge(database: Database, engine: Engine) -> None:
    """A write costs a unit for each KB begun: ours and the engine's count agree to the byte."""
    table = database.table_name("sized")
    create = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    database.call("CreateTable", {"TableName": table, **create})
    rest: dict[str, Any] = {
        "id": {"S": "k"},
        "numbers": {"L": [{"N": text} for text in NUMBERS]},
        "set": {"NS": ["1", "22", "3.5"]},
        "map": {"M": {"a": {"M": {}}, "b": {"L": [{"BOOL": True}, {"B": b"xyz"}]}, "ü": {"SS": ["a", "ö"]}}},
        "fill": {"S": ""},
    }
    for more, units in ((0, 2), (1, 3)):
        item = {**rest, "fill": {"S": "x" * (2048 - size_of_item(rest) + more)}}
        answer = database.call("PutItem", {"TableName": table, "Item": item, "ReturnConsumedCapacity": "TOTAL"})
        charged = 1 if differs(engine, "charges-one-unit") else units
        assert answer["ConsumedCapacity"]["CapacityUnits"] == charged


def test_description() -> None:
    """The largest property is named, with what its notes add."""
    item: dict[str, Any] = {"a": {"S": "x" * 90}, "b": {"S": "x" * 60}, "pym:b": {"M": {"value": {"S": "x" * 60}}}}
    assert describe_size(item).endswith("; 'b' alone has 135: store it elsewhere, such as in S3, or split it")
