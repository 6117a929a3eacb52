"""Batches: many items read, saved and deleted, and what becomes of the parts that DynamoDB leaves undone."""

from __future__ import annotations

import json
import random
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import bank as bank_module
from bank import transferred
from edge import Answer, edge
from proxy import at, proxy
from pymacaron_dynamodb import (
    DatabaseThrottled,
    ItemInvalid,
    ItemTooLarge,
    TableMissing,
    UnfinishedBatch,
    batch_delete,
    batch_get,
    batch_save,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engines import Engine
    from pymacaron_dynamodb.database import Database


@pytest.fixture
def bank(database: Database) -> Any:
    """Return the contract's models, whose tables are there."""
    return bank_module.create()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list of the longest pauses that might have been made; none is made."""
    found: list[float] = []

    def uniform(_: float, longest: float) -> float:
        found.append(longest)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    return found


def notes(bank: Any, *numbers: float) -> list[Any]:
    """Return new transfers."""
    return [bank.Transfer(account="a", number=number, amount=7) for number in numbers]


class Sparing:
    """Stands before an engine, which then does only a part of each batch."""

    def __init__(self, does: int) -> None:
        self.does = does
        self.sizes: list[int] = []

    def __call__(self, operation: str, body: dict[str, Any], send: Any) -> Any:
        if not operation.startswith("Batch"):
            return send(body)
        asked = [(table, part) for table, parts in body["RequestItems"].items() for part in _list(parts)]
        self.sizes.append(len(asked))
        some: dict[str, Any] = {}
        for table, part in asked[: self.does]:
            some.setdefault(table, []).append(part)
        left: dict[str, Any] = {}
        for table, part in asked[self.does :]:
            left.setdefault(table, []).append(part)
        if operation == "BatchWriteItem":
            answer = send({**body, "RequestItems": some}) if some else {}
            return {**answer, "UnprocessedItems": left}
        answer = send({**body, "RequestItems": {name: {"Keys": keys} for name, keys in some.items()}}) if some else {}
        return {"Responses": {}, **answer, "UnprocessedKeys": {name: {"Keys": keys} for name, keys in left.items()}}


def _list(parts: Any) -> list[Any]:
    found: list[Any] = parts if isinstance(parts, list) else parts["Keys"]
    return found


@contextmanager
def sparing(database: Database, engine: Engine, does: int) -> Iterator[Sparing]:
    """Use an engine that does only as many of each batch."""
    through = Sparing(does)
    with proxy(engine.url, through) as url, at(database, url, max_attempts=3):
        yield through


def test_what_was_saved_is_read(bank: Any) -> None:
    """Objects come in the order of their keys, however many there are; None stands for one that is not there."""
    assert batch_save(notes(bank, *range(130))) == 130
    keys = [("a", number) for number in (129, 5, 1000, *range(130), 5.0)]
    found = batch_get(bank.Transfer, keys)
    assert [note and note.number for note in found] == [129, 5, None, *range(130), 5]
    assert found[-1] is found[1]
    assert found[0] == notes(bank, 129)[0]
    found[0].save_to_db()
    assert batch_delete(found[:2]) == 2
    assert batch_get(bank.Transfer, iter(keys[:3])) == [None, None, None]
    assert transferred(bank) == 128
    assert batch_get(bank.Transfer, []) == []
    assert batch_save([]) == 0


def test_several_classes(bank: Any) -> None:
    """Keys of several classes are read together, and objects of several tables saved together."""
    new = [bank.Account(id="a", amount=1), *notes(bank, 1, 2), bank.Account(id="b")]
    assert batch_save(new, any_version=True) == 4
    found = batch_get({bank.Account: ["b", "z", "a"], bank.Transfer: [("a", 2)]}, consistent=False)
    assert found == {bank.Account: [new[3], None, new[0]], bank.Transfer: [new[2]]}
    with pytest.raises(TypeError, match="batch_get got no keys of"):
        batch_get(bank.Account)
    with pytest.raises(ItemInvalid, match="has the sort key 'number'; none was given"):
        batch_get(bank.Transfer, ["a"])


def test_versions(bank: Any) -> None:
    """Tables with versions are refused, unless the caller asks for it; versions are counted up nevertheless."""
    account = bank.Account(id="a")
    account.save_to_db()
    for write, words in ((batch_save, "batch_save cannot look at the version"), (batch_delete, "batch_delete cannot")):
        with pytest.raises(ItemInvalid, match=words):
            write([account])
    assert account.version == bank.Account.load_from_db("a").version == 1
    assert batch_save([account, account], any_version=True) == 2
    assert account.version == bank.Account.load_from_db("a").version
    account.save_to_db()
    batch_delete([account], any_version=True)
    assert not bank.Account.has_item("a")


def test_the_same_key_twice(bank: Any) -> None:
    """Of two objects of the same key the last one stays."""
    first, last = bank.Transfer(account="a", number=1, amount=1), bank.Transfer(account="a", number=1.0, amount=2)
    assert batch_save([first, *notes(bank, 2), last]) == 3
    assert bank.Transfer.load_from_db("a", 1).amount == 2


def test_parts_left_undone(bank: Any, database: Database, engine: Engine, pauses: list[float]) -> None:
    """What DynamoDB leaves undone is sent again until nothing is left, after a pause each time."""
    with sparing(database, engine, 10) as through:
        assert batch_save(notes(bank, *range(30))) == 30
        found = batch_get(bank.Transfer, [("a", number) for number in range(40)])
    assert through.sizes == [25, 15, 5, 5, 40, 30, 20, 10]
    assert [note and note.number for note in found] == [*range(30), *[None] * 10]
    assert transferred(bank) == 30
    assert pauses == [0.05] * 5


def test_parts_that_stay_undone(bank: Any, database: Database, engine: Engine, pauses: list[float]) -> None:
    """Pauses grow with each answer that did nothing; after a few of these what is left is named, and no more lost."""
    made = [bank.Account(id=str(number)) for number in range(40)]
    through = Sparing(3)

    def less_and_less(operation: str, body: dict[str, Any], send: Any) -> Any:
        through.does = 0 if len(through.sizes) > 1 else 3
        return through(operation, body, send)

    with (
        proxy(engine.url, less_and_less) as url,
        at(database, url, max_attempts=3),
        pytest.raises(UnfinishedBatch, match=r"batch_save of 34 objects is not known .+ that of 6 before is") as caught,
    ):
        batch_save(made, any_version=True)
    assert through.sizes == [25, 22, 19, 19, 19]
    assert pauses == [0.05, 0.05, 0.1, 0.2]
    assert caught.value.left == tuple(made[6:])
    assert caught.value.status == 503
    assert [account.version for account in made] == [1] * 6 + [None] * 34
    stored = batch_get(bank.Account, [account.id for account in made])
    assert stored == [*made[:6], *[None] * 34]
    assert batch_save(caught.value.left, any_version=True) == 34
    assert batch_get(bank.Account, [account.id for account in made]) == made


def test_an_iterator_that_is_not_finished(bank: Any, database: Database, engine: Engine, pauses: list[float]) -> None:
    """Of an iterator what it gave is named, and the rest is still in it."""
    given = iter(notes(bank, *range(60)))
    with sparing(database, engine, 0), pytest.raises(UnfinishedBatch) as caught:
        batch_save(given)
    assert len(pauses) == 2
    left = caught.value.left
    rest = list(given)
    assert [note.number for note in (*left, *rest)] == list(range(60))
    assert len(left) == 26
    with sparing(database, engine, 0), pytest.raises(UnfinishedBatch) as deleting:
        batch_delete(rest)
    assert list(deleting.value.left) == rest


def test_keys_that_stay_unread(bank: Any, database: Database, engine: Engine, pauses: list[float]) -> None:
    """Keys that DynamoDB did not read are named as they were given."""
    keys = [("a", number) for number in range(120)]
    with sparing(database, engine, 0) as through:
        with pytest.raises(UnfinishedBatch, match="120 of 120 keys were not read") as caught:
            batch_get(bank.Transfer, keys)
        assert caught.value.left == tuple(keys)
        with pytest.raises(UnfinishedBatch) as both:
            batch_get({bank.Transfer: [("a", 1)], bank.Account: ["b"]})
    assert both.value.left == ((bank.Transfer, ("a", 1)), (bank.Account, "b"))
    assert through.sizes == [100] * 3 + [2] * 3
    assert pauses == [0.1, 0.2] * 2


def test_throttling(bank: Any, database: Database) -> None:
    """A request that DynamoDB does not take at all leaves its whole part undone; the cause is told."""
    refused = Answer(400, "ProvisionedThroughputExceededException")
    with (
        edge(Answer(), refused) as server,
        at(database, server.url, max_attempts=1),
        pytest.raises(UnfinishedBatch, match="ProvisionedThroughputExceeded") as caught,
    ):
        batch_save(notes(bank, *range(30)))
    assert [note.number for note in caught.value.left] == list(range(25, 30))
    assert isinstance(caught.value.__cause__, DatabaseThrottled)


def test_an_object_that_cannot_be_saved(bank: Any) -> None:
    """What comes before an object that cannot be saved is saved, and the error says how many these are."""
    bad = bank.Account(id="x", note="x" * 410_000)
    given = iter([*notes(bank, *range(30)), bad, *notes(bank, 100)])
    with pytest.raises(ItemTooLarge, match="'note' alone") as caught:
        batch_save(given, any_version=True)
    assert caught.value.__notes__ == ["batch_save of 30 objects before was done"]
    assert transferred(bank) == 30
    assert bad.version is None
    assert next(given).number == 100


def test_nothing_is_lost_where_two_things_go_wrong(
    bank: Any, database: Database, engine: Engine, pauses: list[float]
) -> None:
    """An object that cannot be saved is among those that are left, where those before it could not be either."""
    given = [*notes(bank, 1, 2), bank.Account(id="x"), *notes(bank, 3)]
    with sparing(database, engine, 0), pytest.raises(UnfinishedBatch) as caught:
        batch_save(given)
    assert caught.value.left == tuple(given)
    assert pauses


@pytest.mark.parametrize("engine", ["ministack"], indirect=True)  # whichever it is
def test_large_items(bank: Any, database: Database, engine: Engine) -> None:
    """A request never has more than DynamoDB takes, also where JSON writes a letter with three times its bytes."""
    lengths = []

    def through(operation: str, body: dict[str, Any], send: Any) -> Any:
        lengths.append(len(json.dumps(body)))
        return send(body)

    made = [bank.Account(id=str(number), note="é" * 200_000) for number in range(15)]
    with proxy(engine.url, through) as url, at(database, url):
        assert batch_save(made, any_version=True) == 15
    assert max(lengths) <= 16 * 1024 * 1024
    assert len(lengths) == 2
    assert batch_get(bank.Account, [account.id for account in made]) == made


def test_a_table_that_is_missing(bank: Any, database: Database) -> None:
    """Other errors are told as they are, with how much was done before."""
    database.call("DeleteTable", {"TableName": database.table_name("accounts")})
    with pytest.raises(TableMissing, match="pym db create") as caught:
        batch_save([*notes(bank, *range(25)), bank.Account(id="a")], any_version=True)
    assert caught.value.__notes__ == ["batch_save of 25 objects before was done"]


@pytest.mark.parametrize("engine", ["ministack"], indirect=True)  # none is asked
def test_many_objects_pass_through_little_memory(database: Database) -> None:
    """Of ten thousand objects that a generator makes no more than two requests' are there at once."""
    bank = bank_module.load()
    alive: set[int] = set()
    most = 0

    def made() -> Iterator[Any]:
        nonlocal most
        for number in range(10_000):
            note = bank.Transfer(account=str(number % 7), number=number)
            alive.add(number)
            weakref.finalize(note, alive.discard, number)
            most = max(most, len(alive))
            yield note
            del note

    with edge(Answer()) as server, at(database, server.url):
        assert batch_save(made()) == 10_000
    assert server.operations == ["BatchWriteItem"] * 400
    assert most <= 52
