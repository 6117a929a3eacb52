"""The connection to DynamoDB, and what becomes of its failures."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError
from flask import Flask

from edge import Answer, edge
from engines import free_port
from pymacaron.config import Config, set_config
from pymacaron.monitor import get_timings
from pymacaron_dynamodb import pauses as pauses_module
from pymacaron_dynamodb.database import Database, consumed_units, set_database, units_of
from pymacaron_dynamodb.database import database as current_database
from pymacaron_dynamodb.exceptions import (
    DatabaseError,
    DatabaseThrottled,
    DatabaseUnavailable,
    ItemTooLarge,
    TableConfigError,
    TableMissing,
)
from pymacaron_dynamodb.failures import ConditionalCheckFailed, Reason, TransactionRefused, translate
from pymacaron_dynamodb.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def test_user_agent(database: Database) -> None:
    """Requests say that they are this package's, beside what botocore says of itself."""
    sent: list[str] = []
    client = database.connection.client
    client.meta.events.register("before-send.dynamodb.*", lambda request, **_: sent.append(str(request.headers)))
    database.call("ListTables", {})
    assert "Botocore/" in sent[0]
    assert "pymacaron-dynamodb/" in sent[0]


def test_call(database: Database) -> None:
    """A call returns DynamoDB's own answer."""
    table = make_table(database)
    database.call("PutItem", put(table, "tea"))
    answer = database.call("GetItem", {"TableName": table, "Key": {"id": {"S": "tea"}}})
    assert answer["Item"] == {"id": {"S": "tea"}}


def test_operations_about_tables(database: Database) -> None:
    """Operations that PynamoDB does not know work as well, with the same errors."""
    table = make_table(database)
    wanted = {"PointInTimeRecoveryEnabled": True}
    database.call("UpdateContinuousBackups", {"TableName": table, "PointInTimeRecoverySpecification": wanted})
    answer = database.call("DescribeContinuousBackups", {"TableName": table})
    found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert found["PointInTimeRecoveryStatus"] == "ENABLED"
    with pytest.raises(TableMissing, match="there is no table nowhere"):
        database.call("DescribeTimeToLive", {"TableName": "nowhere"})


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


def test_consumed_capacity(database: Database) -> None:
    """Each call of a request is timed, with its tables and the capacity units that it consumed; they add up."""
    table = make_table(database)
    with Flask("shop").test_request_context("/"):
        database.call("PutItem", put(table, "tea"))
        database.call("BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": {"id": {"S": "milk"}}}}]}})
        database.call("DescribeTable", {"TableName": table})
        first, second, third = get_timings()
        assert consumed_units() == first["capacity_units"] + second["capacity_units"]
    assert [timing["name"] for timing in (first, second)] == ["DYNAMODB:PutItem", "DYNAMODB:BatchWriteItem"]
    assert first["tables"] == second["tables"] == table
    assert first["capacity_units"] == second["capacity_units"] == 1.0
    assert "capacity_units" not in third
    assert consumed_units() == 0


def test_units() -> None:
    """Units are added over all tables of an answer."""
    assert units_of({"TableName": "a", "CapacityUnits": 2.5}) == 2.5
    assert units_of([{"CapacityUnits": 2.5}, {"TableName": "b", "CapacityUnits": 1.0}, {"TableName": "c"}]) == 3.5


def at(url: str, **more: Any) -> Database:
    """Return a database at an endpoint."""
    values = {"dynamodb_region": "eu-west-1", "aws_access_key_id": "A", "aws_secret_access_key": "B", **more}
    return Database(read_settings(Config({"dynamodb_endpoint": url, **values})))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the pauses between attempts, and make them none."""
    found: list[float] = []
    clock = SimpleNamespace(sleep=found.append)
    monkeypatch.setattr("botocore.endpoint.time", clock)
    monkeypatch.setattr(pauses_module, "time", clock)
    return found


GET = {"TableName": "orders", "Key": {"id": {"S": "tea"}}}
THROTTLED = Answer(400, "ProvisionedThroughputExceededException")


def test_throttling_that_passes(pauses: list[float]) -> None:
    """A request that is throttled is sent again after growing, random pauses, and its caller sees nothing of it."""
    with edge(THROTTLED, THROTTLED, Answer(body={"Item": {"id": {"S": "tea"}}})) as server:
        database = at(server.url, dynamodb_retry_mode="standard")
        assert database.call("GetItem", dict(GET))["Item"] == {"id": {"S": "tea"}}
        database.close()
    assert server.operations == ["GetItem"] * 3
    first, second = pauses
    assert 0 < first < 1
    assert 0 < second < 2


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException"],
)
def test_throttling_that_lasts(pauses: list[float], code: str) -> None:
    """After so many attempts, and no more, it is an error that tells the caller when to come again."""
    with edge(Answer(400, code)) as server:
        database = at(server.url, dynamodb_max_attempts=3, dynamodb_retry_mode="standard")
        with pytest.raises(
            DatabaseThrottled, match=f"GetItem of orders id='tea': DynamoDB takes no more.*{code}"
        ) as caught:
            database.call("GetItem", dict(GET))
        database.close()
    assert len(server.operations) == 3
    assert len(pauses) == 2
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})


@pytest.mark.once
def test_adaptive_retries() -> None:
    """In the default mode too, the attempts are bounded, and what is throttled for a moment passes."""
    with edge(THROTTLED, Answer()) as server:
        database = at(server.url, dynamodb_max_attempts=2)
        assert database.call("GetItem", dict(GET)).get("Item") is None
        server.answers[:] = [THROTTLED]
        with pytest.raises(DatabaseThrottled):
            database.call("GetItem", dict(GET))
        database.close()
    assert len(server.operations) == 4


@pytest.mark.parametrize(
    "conflict",
    [
        Answer(400, "TransactionConflictException"),
        Answer(
            400,
            body={
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled",
                "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
            },
        ),
    ],
)
def test_conflicts_with_transactions(pauses: list[float], conflict: Answer) -> None:
    """A request that met a transaction on the same item is sent again, as often as any other."""
    with edge(conflict, conflict, Answer()) as server:
        database = at(server.url)
        database.call("TransactWriteItems", {"TransactItems": [{"Put": put("orders", "tea")}]})
        server.answers[:] = [conflict]
        with pytest.raises((DatabaseThrottled, TransactionRefused)):
            database.call("TransactWriteItems", {"TransactItems": [{"Put": put("orders", "tea")}]})
        database.close()
    assert len(server.operations) == 3 + 4
    assert len(pauses) == 2 + 3
    assert all(0 <= pause <= 0.4 for pause in pauses)


def test_other_cancellations_are_not_tried_again(pauses: list[float]) -> None:
    """A condition of a transaction that does not hold will not hold the next time."""
    reasons = [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed", "Message": "no"}]
    body = {"__type": "x#TransactionCanceledException", "CancellationReasons": reasons}
    with edge(Answer(400, body=body)) as server:
        database = at(server.url)
        with pytest.raises(TransactionRefused, match="TransactWriteItems of orders") as caught:
            database.call("TransactWriteItems", {"TransactItems": [{"Put": put("orders", "tea")}]})
        database.close()
    assert caught.value.reasons == (Reason("TransactionConflict"), Reason("ConditionalCheckFailed", "no"))
    assert (len(server.operations), pauses) == (1, [])


def test_a_write_that_may_be_its_own(pauses: list[float]) -> None:
    """A condition that fails when the request was sent again is told apart: the first one may have been done."""
    with edge(Answer(500, "InternalServerError"), Answer(400, "ConditionalCheckFailedException")) as server:
        database = at(server.url)
        with pytest.raises(ConditionalCheckFailed) as caught:
            database.call("PutItem", put("orders", "tea", **NEW))
        database.close()
    assert caught.value.retried
    assert caught.value.item is None


def test_failures(pauses: list[float]) -> None:
    """A failure of DynamoDB is tried again, then told with its own Retry-After."""
    with edge(Answer(503, "ServiceUnavailable", {"Retry-After": "17"})) as server:
        database = at(server.url)
        with pytest.raises(DatabaseUnavailable, match="DynamoDB fails: ServiceUnavailable") as caught:
            database.call("GetItem", dict(GET))
        database.close()
    assert len(server.operations) == 4
    assert caught.value.headers == {"Retry-After": "17"}


@pytest.mark.parametrize("status", [200, 502])
def test_something_else_answers(status: int) -> None:
    """What is not DynamoDB's answer comes from a proxy, or a wrong endpoint; it is not taken for an empty one."""
    with edge(Answer(status, headers=None, body="<html>hello</html>")) as server:
        database = at(server.url, dynamodb_max_attempts=1)
        with pytest.raises(DatabaseUnavailable, match=r"GetItem of orders id='tea': (something else than )?DynamoDB"):
            database.call("GetItem", dict(GET))
        database.close()


def test_read_timeout(pauses: list[float]) -> None:
    """An answer that takes longer than it may is given up, and asked for again so many times."""
    with edge(Answer(after=0.5)) as server:
        database = at(server.url, dynamodb_read_timeout=0.1, dynamodb_max_attempts=2)
        with pytest.raises(DatabaseUnavailable, match=r"Read timeout.* \(dynamodb_read_timeout\)"):
            database.call("GetItem", dict(GET))
        database.close()
    assert len(server.operations) == 2


def test_connect_timeout(pauses: list[float]) -> None:
    """A host that does not take the connection in time is given up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = [socket.socket() for _ in range(4)]  # no connection more fits into the queue of one that accepts none
        for each in full:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        database = at(url, dynamodb_connect_timeout=0.1, dynamodb_max_attempts=1)
        with pytest.raises(DatabaseUnavailable, match=r"Connect timeout.* \(dynamodb_connect_timeout\)"):
            database.call("GetItem", dict(GET))
        database.close()
        for each in full:
            each.close()


def test_refused_connection(pauses: list[float]) -> None:
    """Where nothing listens, the endpoint is named."""
    url = f"http://127.0.0.1:{free_port()}"
    database = at(url)
    with pytest.raises(DatabaseUnavailable, match=f"does not answer: Could not connect to the endpoint URL: .{url}"):
        database.call("GetItem", dict(GET))
    database.close()
    assert len(pauses) == 3


def test_no_region() -> None:
    """Where there is no region anywhere, the message says where to set one."""
    with pytest.raises(
        TableConfigError, match="there is no AWS region; set dynamodb_region in pym-config, or AWS_REGION"
    ):
        Database(read_settings(Config({}))).call("GetItem", dict(GET))


def test_no_credentials() -> None:
    """Where there are no credentials anywhere, the message says how to give them."""
    database = Database(read_settings(Config({"aws_region": "eu-west-1", "dynamodb_endpoint": "http://127.0.0.1:9"})))
    with pytest.raises(
        TableConfigError, match=r"there are no AWS credentials: .*; give the process a role, or set AWS_"
    ):
        database.call("GetItem", dict(GET))
    database.close()


def test_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that does not exist is named."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(TableConfigError, match="nobody"):
        Database(read_settings(Config({"aws_region": "eu-west-1"}))).call("GetItem", dict(GET))


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch, ministack: Any) -> None:
    """boto3's chain finds credentials and region where no key of ours names them."""
    for name, value in {"ACCESS_KEY_ID": "A", "SECRET_ACCESS_KEY": "B", "DEFAULT_REGION": "eu-north-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    database = Database(read_settings(Config({"dynamodb_endpoint": ministack.url})))
    assert database.call("ListTables", {})["TableNames"] == []
    assert database.connection.client.meta.region_name == "eu-north-1"
    database.close()


def test_each_error_of_botocore_is_ours() -> None:
    """Whatever botocore raises becomes an error of this package, with its message."""
    for kind in _subclasses(BotoCoreError):
        error = kind.__new__(kind)
        Exception.__init__(error, "what it says")
        made = translate(error, "GetItem", GET)
        assert isinstance(made, DatabaseError | DatabaseUnavailable | TableConfigError), kind
        assert "GetItem of orders id='tea'" in made.message
        assert "what it says" in made.message or isinstance(made, TableConfigError)


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def test_the_database_of_the_process(config: Config) -> None:
    """There is one in each process, made from pym-config when it is first asked for."""
    set_database(None)
    found = current_database()
    assert found is current_database()
    assert found.settings == read_settings(config)
    assert found.table_name("orders") == f"{config.dynamodb_table_prefix}orders"
    set_database(None)
    set_config(Config({"dynamodb_max_attempts": 0}))
    with pytest.raises(TableConfigError):
        current_database()


def test_threads(database: Database) -> None:
    """Threads share one connection, made once, and each gets its own answer."""
    table = make_table(database)
    database.close()
    start = threading.Barrier(8)

    def work(number: int) -> tuple[int, Any]:
        start.wait()
        connection = database.connection
        for turn in range(5):
            database.call("PutItem", put(table, f"{number}-{turn}"))
            key = {"id": {"S": f"{number}-{turn}"}}
            assert database.call("GetItem", {"TableName": table, "Key": key})["Item"] == key
        return id(connection), id(connection.client)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(8)))) == 1
    assert database.call("Scan", {"TableName": table})["Count"] == 40


FORKING = """
import os, sys, threading
from pymacaron.config import Config
from pymacaron_dynamodb.database import Database
from pymacaron_dynamodb.settings import read_settings

database = Database(read_settings(Config({"dynamodb_endpoint": sys.argv[1], "dynamodb_region": "eu-west-1",
    "aws_access_key_id": "A", "aws_secret_access_key": "B", "dynamodb_max_attempts": 1})))

def use(name, times):
    key = {"id": {"S": name}}
    for _ in range(times):
        database.call("PutItem", {"TableName": sys.argv[2], "Item": key})
        assert database.call("GetItem", {"TableName": sys.argv[2], "Key": key})["Item"] == key

use("parent", 1)
before = database.connection
held, release = threading.Event(), threading.Event()
def hold():
    with database._lock:
        held.set()
        release.wait()
holder = threading.Thread(target=hold)
holder.start()
held.wait()
child = os.fork()
if child == 0:
    use("child", 20)
    os._exit(0 if database.connection is not before else 3)
release.set()
holder.join()
use("parent", 20)
assert database.connection is before
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_forks(database: Database) -> None:
    """After a fork both processes use it at once, the child with connections of its own, whatever threads held."""
    table = make_table(database)
    url = database.settings.endpoint
    arguments = [sys.executable, "-W", "ignore", "-c", FORKING, str(url), table]
    found = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
