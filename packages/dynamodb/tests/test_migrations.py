"""Items that are brought to today's form, while others read and write them."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import shop
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.checkpoints import Checkpoint, Segment
from pymacaron_dynamodb.exceptions import StaleWrite, StoredItemInvalid
from pymacaron_dynamodb.failures import ConditionalCheckFailed
from pymacaron_dynamodb.migrations import Migration, Report
from pymacaron_dynamodb.progress import Progress
from pymacaron_dynamodb.renewals import renewal, renewed
from pymacaron_dynamodb.tables import create_table
from service_folder import Service

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.config import Config
    from pymacaron_dynamodb.attributes import Item
    from pymacaron_dynamodb.binding import Binding
    from pymacaron_dynamodb.database import Database

#: What is shown by processes does not depend on the engine, which all else is shown on both of.
ON_ONE = pytest.mark.parametrize("engine", ["ministack"], indirect=True)


@pytest.fixture
def service(tmp_path: Path, config: Config, database: Database) -> Service:
    """Return a service that has a table of customers."""
    made = Service(tmp_path / "shop", config)
    create_table(made.binding())
    return made


def put(binding: Binding, **attributes: Any) -> None:
    """Write an item of the first form."""
    kinds = {str: "S", int: "N"}
    item = {name: {kinds[type(value)]: str(value)} for name, value in attributes.items()}
    binding.database.call("PutItem", binding.request(Item=item))


def items(binding: Binding) -> dict[str, Item]:
    """Return all items by their keys."""
    found: list[Item] = []
    arguments = binding.request(ConsistentRead=True)
    while True:
        answer = binding.database.call("Scan", dict(arguments))
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return {item["id"]["S"]: item for item in found}
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def migrate(binding: Binding, segments: int = 2, dry_run: bool = False) -> Report:
    """Migrate a table."""
    checkpoint = Checkpoint(None, "test", [Segment() for _ in range(segments)])
    return Migration(binding, checkpoint, Progress(quiet=True), dry_run=dry_run).run()


def test_old_items(service: Service) -> None:
    """Items of the older form get today's; their versions, and what others added to them, stay."""
    put(service.binding(), id="a", name="Ann", version=7, theirs="x")
    service.rename()
    binding = service.binding()
    put(binding, id="b", full="Bob!", **{"pym.version": 2})
    put(binding, id="c", full="from the future", **{"pym.version": 3})
    before = items(binding)
    report = migrate(binding)
    assert (report.migrated, report.overtaken, report.failed) == (1, 0, {})
    after = items(binding)
    assert after["a"] == {
        "id": {"S": "a"},
        "full": {"S": "Ann!"},
        "version": {"N": "7"},
        "theirs": {"S": "x"},
        "pym.version": {"N": "2"},
    }
    assert (after["b"], after["c"]) == (before["b"], before["c"])
    assert migrate(binding).migrated == 0
    assert items(binding) == after


def test_a_dry_run(service: Service) -> None:
    """A dry run counts and shows, and writes nothing."""
    for number in range(8):
        put(service.binding(), id=f"k{number}", name="Ann")
    service.rename()
    binding = service.binding()
    before = items(binding)
    report = migrate(binding, dry_run=True)
    assert report.migrated == 8
    assert len(report.samples) == 5
    assert [after["full"] for _, after in report.samples] == [{"S": "Ann!"}] * 5
    assert items(binding) == before


def test_items_that_cannot_be_migrated(service: Service) -> None:
    """Items for which `upgrade` fails, that break their schema or change their key are told and left as they are."""
    put(service.binding(), id="bad", name=5)
    put(service.binding(), id="good", name="Ann")
    put(service.binding(), id="moved", name="move")
    put(service.binding(), id="wrong", name="Ann", visits="many")
    service.rename("old_item['id'] = 'x' if old_item['name'] == 'move' else old_item['id']; " + _RENAME)
    binding = service.binding()
    before = items(binding)
    report = migrate(binding)
    assert report.migrated == 1
    assert set(report.failed) == {"id='bad'", "id='moved'", "id='wrong'"}
    assert report.failed["id='bad'"].startswith("upgrade failed: TypeError: unsupported operand")
    assert "has another 'id' after upgrade" in report.failed["id='moved'"]
    assert "breaks the schema of Customer: /visits" in report.failed["id='wrong'"]
    after = items(binding)
    assert {key: after[key] for key in ("bad", "moved", "wrong")} == {
        key: before[key] for key in ("bad", "moved", "wrong")
    }


_RENAME = 'old_item["full"] = old_item.pop("name") + "!"'


@pytest.mark.parametrize("settings", ['version = "version"', ""])
def test_a_write_in_between(service: Service, settings: str) -> None:
    """What was written after an item was read refuses its migration; what others merely added is left alone."""
    put(service.binding(), id="a", name="Ann", visits=1)
    service.rename(settings=settings)
    binding = service.binding()
    read = items(binding)["a"]
    request = renewal(binding, read, renewed(binding, read))
    for change in ({"visits": 2}, {"name": "Eve"}, {"full": "new"}, {"pym.version": 2}):
        put(binding, **{"id": "a", "name": "Ann", "visits": 1, **change})
        before = items(binding)
        with pytest.raises(ConditionalCheckFailed):
            binding.database.call("UpdateItem", request)
        assert items(binding) == before
    binding.database.call("DeleteItem", binding.request(Key={"id": {"S": "a"}}))
    with pytest.raises(ConditionalCheckFailed):
        binding.database.call("UpdateItem", request)
    put(binding, id="a", name="Ann", visits=1, more="x")
    binding.database.call("UpdateItem", request)
    assert items(binding)["a"]["more"] == {"S": "x"}
    assert items(binding)["a"]["full"] == {"S": "Ann!"}


def test_every_kind_of_value_guards(database: Database) -> None:
    """An item is known to be as it was read whatever it holds: lists, maps, sets, bytes, numbers, nulls."""
    order: Any = shop.load({"Order": shop.ORDER, "Line": shop.LINE}).Order
    order(
        id="o",
        photo=b"\x00\xff",
        price=2.5,
        note=None,
        paid=True,
        tags=["b", "a"],
        sizes=[1.5, 2],
        lines=[{"sku": "x", "qty": 2.0, "seal": b"\x01"}],
        extra={"a": [1, None, {"b": []}]},
        labels={},
    ).save_to_db()
    binding = binding_of(order)
    before = binding.database.call("GetItem", binding.request(Key={"id": {"S": "o"}}))["Item"]
    after = {**before, "pym.version": {"N": "2"}}
    binding.database.call("UpdateItem", renewal(binding, before, after))
    assert binding.database.call("GetItem", binding.request(Key={"id": {"S": "o"}}))["Item"] == after


def test_items_with_very_many_attributes(service: Service) -> None:
    """Where a condition cannot name all attributes, the version guards; without one the item is left alone."""
    wide = {f"a{number:03}": "x" for number in range(250)}
    put(service.binding(), id="a", name="Ann", version=1, **wide)
    service.rename(settings="")
    binding = service.binding()
    before = items(binding)["a"]
    after = renewed(binding, before)
    with pytest.raises(StoredItemInvalid, match="has 253 attributes, and a condition names 200 at most"):
        renewal(binding, before, after)
    assert "give the table a version" in migrate(service.binding()).failed["id='a'"]
    service.rename()
    binding = service.binding()
    assert migrate(binding).migrated == 1
    assert items(binding)["a"]["a249"] == {"S": "x"}


def test_concurrent_writers_lose_nothing(service: Service) -> None:
    """Writers that count while their items are migrated find each of their counts afterwards."""
    keys = [f"k{number}" for number in range(4)]
    for key in keys:
        put(service.binding(), id=key, name="Ann", visits=0, version=1)
    service.rename()
    binding = service.binding()
    model: Any = binding.model
    counted = dict.fromkeys(keys, 0)
    ready = threading.Barrier(len(keys) + 1)

    def count(key: str) -> None:
        ready.wait()
        for _ in range(15):
            while True:
                found = model.load_from_db(key)
                found.visits += 1
                try:
                    found.save_to_db()
                except StaleWrite:
                    continue
                counted[key] += 1
                # Somebody whose code is older writes the older form again.
                old = items(binding)[key]
                name = {"S": old["full"]["S"].removesuffix("!")}
                plain = {n: wire for n, wire in old.items() if n not in ("full", "pym.version")} | {"name": name}
                request = binding.request(Item=plain, ConditionExpression="version = :v")
                request["ExpressionAttributeValues"] = {":v": old["version"]}
                with suppress(ConditionalCheckFailed):
                    binding.database.call("PutItem", request)
                break

    threads = [threading.Thread(target=count, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    ready.wait()
    while any(thread.is_alive() for thread in threads):
        assert migrate(binding).failed == {}
    for thread in threads:
        thread.join()
    migrate(binding)
    after = items(binding)
    assert {key: int(after[key]["visits"]["N"]) for key in keys} == dict.fromkeys(keys, 15)
    assert {after[key]["full"]["S"] for key in keys} == {"Ann!"}


def test_the_command(service: Service) -> None:
    """`pym db migrate` shows what it would do, does it, lists what it left, and says so by its exit status."""
    put(service.binding(), id="a", name="Ann")
    said = service.pym("db", "migrate", "--table", "customers")
    assert said.status == 0
    assert "have one form: its item_version is 1" in said.out
    service.rename()
    said = service.pym("db", "migrate", "--table", "customers", "--dry-run")
    assert said.status == 0, said
    table = service.binding().table
    assert said.out.splitlines() == [
        "  id='a'",
        '+ full: "Ann!"',
        '- name: "Ann"',
        "+ pym.version: 2",
        f"{table}: 1 item read, 1 would be migrated, 0 failed",
    ]
    put(service.binding(), id="b", name="Bob", visits="many")
    said = service.pym("db", "migrate", "--table", "customers", "--rate", "1000")
    assert said.status == 1
    assert said.out == f"{table}: 2 items read, 1 migrated, 1 failed\n"
    assert "left as it is: id='b': the table" in said.err
    said = service.pym("db", "migrate", "--table", "customer")
    assert (said.status, said.err) == (
        2,
        "pym: no contract of the service has a table 'customer'; did you mean 'customers'?\n",
    )


@pytest.mark.once
@ON_ONE
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT])
def test_it_goes_on_where_it_was(service: Service, way: signal.Signals) -> None:
    """A migration that is killed, or stopped by ^C, goes on with the pages that it had not done."""
    binding = service.binding()
    for start in range(0, 150, 25):
        puts = [{"PutRequest": {"Item": {"id": {"S": f"{n}"}, "name": {"S": "x"}}}} for n in range(start, start + 25)]
        binding.database.call("BatchWriteItem", {"RequestItems": {binding.table: puts}})
    service.rename()
    state = service.folder / ".pym/db" / f"migrate-{binding.table}.json"
    slow = service.start("db", "migrate", "--table", "customers", "--segments", "1", "--rate", "40")
    until = time.monotonic() + 60
    while not state.exists():
        assert time.monotonic() < until
        assert slow.poll() is None
        time.sleep(0.01)
    second = service.pym("db", "migrate", "--table", "customers")
    slow.send_signal(way)
    assert slow.wait(60) == (130 if way == signal.SIGINT else -way)
    assert second.status == 1
    assert "another process is at the same job" in second.err
    read = msgspec.json.decode(state.read_bytes())["counts"]["read"]
    assert 0 < read < 150
    said = service.pym("db", "migrate", "--table", "customers")
    assert said.status == 0, said
    assert "going on where an earlier one stopped" in said.err
    assert "150 items read" in said.out
    assert not state.exists()
    assert {item["full"]["S"] for item in items(service.binding()).values()} == {"x!"}
