"""What is between tables and their contract, and how it is made good, on live tables."""

from __future__ import annotations

import copy
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

import shop
from differences import differs
from edge import Answer, edge
from pymacaron import API
from pymacaron.config import Config
from pymacaron_dynamodb.binding import all_bindings
from pymacaron_dynamodb.database import Database, set_database
from pymacaron_dynamodb.database import database as database_of_process
from pymacaron_dynamodb.exceptions import DatabaseError, TablesDiffer
from pymacaron_dynamodb.live_tables import read_table
from pymacaron_dynamodb.plans import Kind, make_plan, plan_table
from pymacaron_dynamodb.progress import Progress
from pymacaron_dynamodb.settings import read_settings
from pymacaron_dynamodb.table_updates import Outcome, Watch, bring_up_to_date
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from engines import Engine
    from pymacaron_dynamodb.binding import Binding

QUICK = Watch(within=5.0, every=0.02, progress=Progress(quiet=True))

TABLE: dict[str, Any] = {"name": "things", "hash": "id"}
THING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": shop.TEXT,
        "at": {"type": "string", "format": "date-time"},
        "owner": shop.TEXT,
        "count": shop.WHOLE,
    },
}
BY_OWNER = {"by-owner": {"hash": "owner", "range": "count", "projection": ["at"]}}
PROVISIONED = {"read": 2, "write": 3}


def contract(**table: Any) -> Binding:
    """Load a contract whose one table is defined so, and return its binding; no table is made."""
    thing = {**copy.deepcopy(THING), "x-pym-table": {**TABLE, **table}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "things", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Thing": thing}},
    }
    API(Flask("things")).load_api("things", document)
    (made,) = all_bindings()
    return made


def shown(binding: Binding) -> list[str]:
    """Return the changes of a binding's table, as they are shown."""
    return [str(change) for change in plan_table(binding, read_table(binding.database, binding.table)).changes]


def apply(binding: Binding) -> Outcome:
    """Make what can be made, and check that nothing of it is left."""
    outcome = bring_up_to_date(binding, QUICK)
    plan = plan_table(binding, read_table(binding.database, binding.table))
    assert not plan.to_do
    return outcome


def test_a_missing_table(database: Database) -> None:
    """A table that is not there is made with all that its contract asks for, and then nothing is left to do."""
    binding = contract(
        range="at",
        indexes={**BY_OWNER, "by-count": {"hash": "id", "range": "count", "local": True, "projection": "keys"}},
        ttl="at",
        billing=PROVISIONED,
        point_in_time_recovery=True,
        deletion_protection=True,
        encryption="kms",
    )
    assert shown(binding) == [
        "+ table: id (S) + at (S), 2 reads and 3 writes a second, index by-owner (owner (S) + count (N) with keys, at),"
        " index by-count (local id (S) + count (N) with keys alone), ttl pym.ttl, encryption kms, point-in-time"
        " recovery, deletion protection"
    ]
    outcome = apply(binding)
    assert [change.what for change in outcome.done] == ["table", "ttl", "point-in-time recovery"]
    assert shown(binding) == []
    plan = make_plan(database, [binding])
    assert not plan.differs
    assert plan.unknown == ()
    database.call("UpdateTable", {"TableName": binding.table, "DeletionProtectionEnabled": False})


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"indexes": BY_OWNER}, "+ index by-owner: owner (S) + count (N) with keys, at"),
        ({}, {"ttl": "count"}, "+ ttl: count"),
        ({}, {"point_in_time_recovery": True}, "+ point-in-time recovery: on"),
        ({}, {"deletion_protection": True}, "+ deletion protection: on"),
        ({}, {"billing": PROVISIONED}, "~ billing: on-demand -> 2 reads and 3 writes a second"),
        ({"billing": PROVISIONED}, {}, "~ billing: 2 reads and 3 writes a second -> on-demand"),
        (
            {"billing": PROVISIONED},
            {"billing": {"read": 4, "write": 3}},
            "~ billing: 2 reads and 3 writes a second -> 4 reads and 3 writes a second",
        ),
    ],
)
def test_what_is_changed_in_place(
    database: Database, before: dict[str, Any], after: dict[str, Any], change: str
) -> None:
    """A setting that the contract has anew is shown, made, and not shown any more."""
    create_table(contract(**before))
    binding = contract(**after)
    assert shown(binding) == [change]
    outcome = apply(binding)
    assert [str(each) for each in outcome.done] == [change]
    assert shown(binding) == []
    if "deletion_protection" in after:
        database.call("UpdateTable", {"TableName": binding.table, "DeletionProtectionEnabled": False})


def test_another_ttl(database: Database) -> None:
    """The attribute of the time of expiry is changed in two steps: none, then the other one."""
    bring_up_to_date(contract(ttl="count"), QUICK)
    binding = contract(ttl="at")
    assert shown(binding) == ["~ ttl: count -> pym.ttl"]
    assert [str(change) for change in apply(binding).done] == ["~ ttl: count -> pym.ttl", "+ ttl: pym.ttl"]


def test_several_indexes(database: Database) -> None:
    """Indexes of a table with capacity are made one after another, and get more capacity each for itself."""
    bring_up_to_date(contract(billing=PROVISIONED), QUICK)
    indexes = {**BY_OWNER, "by-at": {"hash": "owner", "range": "at"}}
    binding = contract(billing=PROVISIONED, indexes=indexes)
    assert [change.what for change in apply(binding).done] == ["index by-owner", "index by-at"]
    binding = contract(billing={"read": 3, "write": 3}, indexes=indexes)
    assert [change.what for change in apply(binding).done] == [
        "billing",
        "billing of index by-owner",
        "billing of index by-at",
    ]
    assert [change.what for change in apply(contract(indexes=indexes)).done] == ["billing"]


def test_an_index_on_a_date_time(database: Database) -> None:
    """For an index on a date-time it is said that items which are there must be saved again."""
    create_table(contract())
    binding = contract(indexes={"by-at": {"hash": "owner", "range": "at"}})
    (change,) = plan_table(binding, read_table(database, binding.table)).changes
    assert "count item_version up and run pym db migrate" in change.mend


@pytest.mark.parametrize(
    ("before", "after", "change", "mend"),
    [
        ({}, {"hash": "owner"}, "! key: id (S) -> owner (S)", "give it another table_name, run pym db create"),
        ({}, {"range": "at"}, "! key: id (S) -> id (S) + at (S)", "pym db export and pym db import"),
        (
            {},
            {"indexes": {"local": {"hash": "id", "range": "at", "local": True}}},
            "! index local: none -> local id (S) + at (S) with all",
            "a local index is there from the table's creation on",
        ),
        (
            {"indexes": BY_OWNER},
            {"indexes": {"by-owner": {"hash": "owner"}}},
            "! index by-owner: owner (S) + count (N) with keys, at -> owner (S) with all",
            "add an index of another name",
        ),
    ],
)
def test_what_cannot_be_changed(
    database: Database, before: dict[str, Any], after: dict[str, Any], change: str, mend: str
) -> None:
    """What cannot be changed in place is shown with what a person can do, and is left as it is."""
    create_table(contract(**({"range": "at"} if "local" in str(after.get("indexes")) else {}), **before))
    binding = contract(**({"range": "at"} if "local" in str(after.get("indexes")) else {}), **after)
    before_it = read_table(database, binding.table)
    (found,) = plan_table(binding, before_it).changes
    assert str(found) == change
    assert mend in found.mend
    assert found.kind == Kind.IMPOSSIBLE
    assert bring_up_to_date(binding, QUICK).done == []
    assert read_table(database, binding.table) == before_it


def test_an_attribute_of_another_type(database: Database) -> None:
    """An index cannot be added on an attribute that another key has with another type."""
    binding = contract()
    create_table(binding)
    index = {
        "IndexName": "older",
        "KeySchema": [{"AttributeName": "count", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    types = [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "count", "AttributeType": "S"}]
    arguments = {"AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [{"Create": index}]}
    database.call("UpdateTable", binding.request(**arguments))
    assert shown(contract(indexes=BY_OWNER)) == [
        "! index by-owner: count is S -> owner (S) + count (N) with keys, at",
        "? index older: count (S) with all; not in the contract, left alone",
    ]


def test_what_is_there_beyond_the_contract(database: Database) -> None:
    """Indexes, expiry, recovery, protection, capacity and tables that no contract has are mentioned and left alone."""
    more = {"billing": {"read": 9, "write": 9}, "indexes": BY_OWNER, "ttl": "count", "deletion_protection": True}
    bring_up_to_date(contract(**more, point_in_time_recovery=True, encryption="kms"), QUICK)
    binding = contract(billing=PROVISIONED)
    found = shown(binding)
    assert [line.partition(":")[0] for line in found] == [
        "? billing",
        "? index by-owner",
        "? ttl",
        "? encryption",
        "? point-in-time recovery",
        "? deletion protection",
    ]
    assert "the contract has 2 reads and 3 writes a second; capacity is never taken away" in found[0]
    assert bring_up_to_date(binding, QUICK).done == []
    assert shown(binding) == found
    database.call("UpdateTable", binding.request(DeletionProtectionEnabled=False))
    other = contract(name="others")
    create_table(other)
    plan = make_plan(database, [other])
    assert not plan.differs
    assert plan.unknown == (binding.table,)


def test_encryption(database: Database, engine: Engine) -> None:
    """A table gets the KMS key that the contract names."""
    create_table(contract())
    key = "arn:aws:kms:eu-west-1:000000000000:key/12345678-1234-1234-1234-123456789012"
    binding = contract(encryption=key)
    assert shown(binding) == [f"~ encryption: by a key that DynamoDB owns -> by KMS: {key}"]
    if differs(engine, "encryption-stays"):
        with pytest.raises(TablesDiffer, match=r"DynamoDB does not show the change yet after 0\.1 s"):
            bring_up_to_date(binding, Watch(0.1, 0.02, Progress(quiet=True)))
        return
    apply(binding)
    assert shown(contract(encryption=key.rpartition("/")[2])) == []
    assert shown(contract(encryption="alias/mine")) == []
    (other,) = shown(contract(encryption="another-key"))
    assert other == f"~ encryption: by the KMS key {key} -> by the KMS key another-key"


def test_two_at_once(database: Database) -> None:
    """Two processes that bring one table up to date at the same time do not get into each other's way."""
    binding = contract(indexes=BY_OWNER, ttl="at", point_in_time_recovery=True)
    errors: list[BaseException] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        try:
            bring_up_to_date(binding, QUICK)
        except BaseException as error:  # noqa: BLE001  # the test tells of it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert shown(binding) == []


BASE: dict[str, Any] = {
    "TableName": "things",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
}
INDEX: dict[str, Any] = {
    "IndexName": "by-owner",
    "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "count", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["at"]},
    "IndexStatus": "ACTIVE",
}
OWNER = [{"AttributeName": "owner", "AttributeType": "S"}, {"AttributeName": "count", "AttributeType": "N"}]
NO_TTL = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
GONE = Answer(400, code="ResourceNotFoundException")


def look(*, ttl: dict[str, Any] | None = None, **description: Any) -> list[Answer]:
    """Return the answers to one look at a table."""
    table = Answer(body={"Table": {**BASE, **description}})
    if description.get("TableStatus") in ("CREATING", "DELETING"):
        return [table]
    return [table, Answer(body=ttl or NO_TTL), Answer(body={"ContinuousBackupsDescription": {}})]


def with_index(status: str) -> dict[str, Any]:
    """Return the description of a table with an index in some state."""
    types = [*BASE["AttributeDefinitions"], *OWNER]
    return {"AttributeDefinitions": types, "GlobalSecondaryIndexes": [{**INDEX, "IndexStatus": status}]}


def on_edge(answers: list[Answer], act: Callable[[], None]) -> list[str]:
    """Do something with a DynamoDB that gives these answers in order; return the operations that it was asked for."""
    with edge(*answers) as server:
        settings = Database(read_settings(edge_config(server.url)))
        set_database(settings)
        try:
            act()
        finally:
            settings.close()
    return [name for name in server.operations if not name.startswith("Describe")]


def edge_config(url: str) -> Config:
    """Return a configuration that leads to a URL."""
    values = {
        "dynamodb_endpoint": url,
        "dynamodb_region": "eu-west-1",
        "dynamodb_max_attempts": 1,
        "dynamodb_retry_mode": "standard",
    }
    return Config({**values, "aws_access_key_id": "test", "aws_secret_access_key": "test"})


def test_waiting(isolated: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A step is waited for: a table that is created, then an index that is filled; the next begins only then."""
    answers = [GONE, Answer(), *look(TableStatus="CREATING"), *look(), Answer(body={"TableDescription": {}})]
    answers += [*look(TableStatus="UPDATING"), *look(**with_index("CREATING")), *look(**with_index("ACTIVE"))]

    def act() -> None:
        binding = contract(indexes=BY_OWNER)
        outcome = bring_up_to_date(binding, Watch(5, 0.001))
        assert [change.what for change in outcome.done] == ["table", "index by-owner"]

    assert on_edge(answers, act) == ["CreateTable", "UpdateTable"]
    assert capsys.readouterr().err.splitlines()[1] == "things: + index by-owner: owner (S) + count (N) with keys, at"


def test_a_step_that_takes_too_long(isolated: None) -> None:
    """A step that is not done in time is told with how to go on."""
    answers = [*look(), Answer(), *look(**with_index("CREATING"))]
    answers += look(**with_index("CREATING")) * 200

    def act() -> None:
        with pytest.raises(TablesDiffer, match=r"index by-owner is CREATING after 0\.05 s; .*pym db update goes on"):
            bring_up_to_date(contract(indexes=BY_OWNER), Watch(0.05, 0.01, Progress(quiet=True)))

    assert on_edge(answers, act) == ["UpdateTable"]


@pytest.mark.parametrize("code", ["ResourceInUseException", "LimitExceededException"])
def test_somebody_else_is_at_it(isolated: None, code: str) -> None:
    """A step that DynamoDB does not take because it works on another one is tried again, or was made by others."""
    busy = Answer(400, code=code)
    again = [*look(), busy, *look(TableStatus="UPDATING"), *look(), Answer(), *look(**with_index("ACTIVE"))]
    others = [*look(), busy, *look(**with_index("ACTIVE"))]

    def act() -> None:
        bring_up_to_date(contract(indexes=BY_OWNER), QUICK)

    assert on_edge(again, act) == ["UpdateTable", "UpdateTable"]
    assert on_edge(others, act) == ["UpdateTable"]
    never = [*look(), busy, *[answer for _ in range(200) for answer in (*look(), busy)]]

    def fail() -> None:
        with pytest.raises(TablesDiffer, match="has not taken the change"):
            bring_up_to_date(contract(indexes=BY_OWNER), Watch(0.3, 0.01, Progress(quiet=True)))

    assert len(on_edge(never, fail)) > 1


def test_a_step_that_is_refused(isolated: None) -> None:
    """A refusal is told as it is, unless another process made the change meanwhile."""
    refusal = Answer(400, code="ValidationException")

    def act() -> None:
        with pytest.raises(DatabaseError, match="DynamoDB UpdateTable of things: ValidationException"):
            bring_up_to_date(contract(indexes=BY_OWNER), QUICK)

    on_edge([*look(), refusal, *look()], act)
    on_edge([*look(), refusal, *look(**with_index("ACTIVE")) * 2], _done_by_others)


def _done_by_others() -> None:
    assert bring_up_to_date(contract(indexes=BY_OWNER), QUICK).done == []


def test_the_hour_of_ttl(isolated: None) -> None:
    """A TTL that was changed within the last hour is left for later, and the other changes are made."""
    said = "TimeToLive has been modified multiple times within a fixed interval"
    body = json.dumps({"__type": "com.amazon.coral.validate#ValidationException", "message": said})
    answers = [*look(), Answer(400, body=body), *look(), Answer(), *look()]
    protected = look(DeletionProtectionEnabled=True)

    def act() -> None:
        outcome = bring_up_to_date(contract(ttl="count", deletion_protection=True), QUICK)
        assert [change.what for change in outcome.done] == ["deletion protection"]
        assert [change.mend for change in outcome.postponed] == [
            "DynamoDB takes one change of a table's TTL within an hour: run pym db update again after that"
        ]

    assert on_edge([*answers, *protected], act) == ["UpdateTimeToLive", "UpdateTable"]


@pytest.mark.parametrize("status", ["DELETING", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"])
def test_a_table_that_is_lost(isolated: None, status: str) -> None:
    """A table that is being deleted, or whose key is gone, is not waited for."""

    def act() -> None:
        binding = contract()
        assert bring_up_to_date(binding, QUICK).done == []
        (change,) = plan_table(binding, read_table(binding.database, "things")).changes
        assert change.kind == Kind.IMPOSSIBLE
        assert change.what == "status"

    assert on_edge(look(TableStatus=status) * 2, act) == []


def test_an_engine_without_backups(isolated: None) -> None:
    """An engine for development that knows no backups has no point-in-time recovery; other refusals are told."""

    def act() -> None:
        assert not make_plan(database_of_process(), [contract()]).differs

    def fail() -> None:
        with pytest.raises(DatabaseError, match="DescribeContinuousBackups of things: AccessDeniedException"):
            make_plan(database_of_process(), [contract()])

    table, ttl, _ = look()
    on_edge([table, ttl, Answer(400, code="UnknownOperationException")], act)
    on_edge([table, ttl, Answer(400, code="AccessDeniedException")], fail)
