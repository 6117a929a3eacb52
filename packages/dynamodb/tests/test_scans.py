"""Scans: all objects of a table, one after the other or by several threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

import events
import shop
from pymacaron_dynamodb import DatabaseError
from pymacaron_dynamodb.database import consumed_units
from pymacaron_dynamodb.exceptions import QueryInvalid
from pymacaron_dynamodb.rates import RateLimit
from pymacaron_dynamodb.scans import THREADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron_dynamodb.database import Database


@pytest.fixture
def event(database: Database) -> Any:
    """Return the class of events, of which there are sixty, of twelve partitions, 50 KB each."""
    made = shop.load({"Event": events.EVENT}).Event
    rows = (events.item(n, f"s{n % 12}", kind="ab"[n % 2], level=n % 3, body="x" * 50_000) for n in range(60))
    events.put(database, "events", rows)
    return made


def numbers(found: Any) -> list[float]:
    """Return the numbers of events, sorted."""
    return sorted(each["number"] for each in found)


@pytest.mark.parametrize("segments", [1, 3, 20])
def test_all_objects(event: Any, segments: int) -> None:
    """Each object comes once, whole, however many segments there are; filter, limit, properties and count hold."""
    assert numbers(event.scan(segments=segments)) == list(range(60))
    assert {type(each) for each in event.scan(segments=segments)} == {event}
    assert numbers(event.scan(segments=segments, filter={"kind": "a"})) == list(range(0, 60, 2))
    assert len(numbers(event.scan(segments=segments, limit=7))) == 7
    assert next(iter(event.scan(segments=segments, properties=["kind"]))).keys() == {"kind"}
    assert event.scan(segments=segments, filter={"kind": "a"}).count() == 30
    assert event.scan(segments=segments, limit=10).count() == 10
    assert numbers(event.scan(segments=segments, filter={"level": 9})) == []


def test_a_scan_of_an_index(event: Any) -> None:
    """Only what has the keys of an index is in it; a global one has no consistent reads."""
    event(stream="none", number=100, title="t").save_to_db()
    assert numbers(event.scan(index="by-level", segments=3)) == list(range(60))
    assert numbers(event.scan(consistent=True, filter=event.get_table().level.does_not_exist())) == [100]
    with pytest.raises(QueryInvalid, match="is a global index"):
        event.scan(index="by-level", consistent=True)


@pytest.mark.parametrize("size", [1, 7, 60, 61])
def test_pages_of_a_scan(event: Any, size: int) -> None:
    """A scan by one thread has pages, and they are all of it."""
    found: list[float] = []
    cursor = None
    while True:
        page = event.scan(filter={"kind": "b"}).page(size, cursor)
        found += numbers(page.items)
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == list(range(1, 60, 2))


def test_what_has_no_order_has_no_pages(event: Any) -> None:
    """Segments and pages exclude each other, and the number of segments is checked."""
    cursor = event.scan().page(5).cursor
    with pytest.raises(QueryInvalid, match="a scan of 4 segments has no order, and so no pages"):
        event.scan(segments=4).page(5)
    with pytest.raises(QueryInvalid, match="has no order, and so no cursors"):
        event.scan(segments=4, cursor=cursor)
    for wrong in (0, -1, 1_000_001, 1.5, True):
        with pytest.raises(QueryInvalid, match="write a whole number from 1 to 1,000,000"):
            event.scan(segments=wrong)


def noting(database: Database, monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> list[str]:
    """Return a list that the thread of each scan's request is added to when it is under way."""
    threads: list[str] = []
    call = database.call

    def noted(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        threads.append(threading.current_thread().name)
        then()
        return call(operation, arguments)

    monkeypatch.setattr(database, "call", noted)
    return threads


def scanning() -> list[threading.Thread]:
    """Return the threads of scans that are there."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("pym-scan")]


def test_threads(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are read at the same time, by sixteen threads at most, which are gone afterwards."""
    most: list[int] = []

    def note() -> None:
        most.append(len(scanning()))
        time.sleep(0.02)

    noting(database, monkeypatch, note)
    assert numbers(event.scan(segments=40)) == list(range(60))
    assert 1 < max(most) <= THREADS
    assert scanning() == []


def test_ending_early(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops, by closing the iterator or by an error, leaves no thread behind, and no request begins."""
    begun = noting(database, monkeypatch, lambda: None)
    found: Any = iter(event.scan(segments=200))
    next(found)
    found.close()
    assert scanning() == []
    count = len(begun)
    assert count < 200
    with pytest.raises(ZeroDivisionError):
        [1 / (each.number - each.number) for each in event.scan(segments=8)]
    assert scanning() == []
    time.sleep(0.05)
    assert len(begun) <= count + 8 + THREADS


def test_failures(event: Any, database: Database) -> None:
    """What goes wrong in a thread is raised where the scan is read, and ends it."""
    database.call("DeleteTable", {"TableName": database.table_name("events")})
    with pytest.raises(Exception, match="there is no table") as error:
        list(event.scan(segments=4))
    assert not isinstance(error.value, DatabaseError)
    assert scanning() == []


def test_nothing_is_read_before_it_is_asked_for(
    event: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a scan starts no thread; while its reader does something else, few requests are made in advance."""
    begun = noting(database, monkeypatch, lambda: None)
    found: Any = iter(event.scan(segments=100))
    assert begun == []
    next(found)
    time.sleep(0.3)
    assert len(begun) < 100
    found.close()


@pytest.mark.parametrize("segments", [1, 4])
def test_rate(event: Any, segments: int) -> None:
    """All that a scan consumes is taken from its rate, which several scans may share."""
    taken: list[float] = []

    class Noted(RateLimit):
        def take(self, units: float) -> float:
            taken.append(units)
            return 0.0

    limit = Noted(1)
    assert numbers(event.scan(segments=segments, rate=limit)) == list(range(60))
    # 60 items of 50 KB are 732 pieces of 4 KB, half a unit each; engines count in their own ways.
    assert sum(taken) > 0
    before = sum(taken)
    assert event.scan(segments=segments, rate=limit).count() == 60
    assert sum(taken) > before
    assert numbers(event.scan(segments=segments, rate=1e9)) == list(range(60))


@pytest.mark.parametrize(("segments", "most"), [(1, 12), (4, 3), (50, 1)])
def test_slow_scans(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch, segments: int, most: int) -> None:
    """With a low rate requests are small, so that no second consumes much more than its share; the scan is complete."""
    limits: list[int] = []
    call = database.call

    def noted(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        limits.append(arguments.get("Limit", 0))
        return call(operation, arguments)

    monkeypatch.setattr(database, "call", noted)
    limit = RateLimit(12, sleep=lambda seconds: None)
    assert numbers(event.scan(segments=segments, rate=limit, filter={"kind": "a"})) == list(range(0, 60, 2))
    assert set(limits) == {most}


def test_what_it_consumes_is_known(event: Any) -> None:
    """Capacity units that threads consume count for the call that reads the scan."""
    with Flask("app").app_context():
        list(event.scan(segments=4))
        assert consumed_units() > 0
