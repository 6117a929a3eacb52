"""Cursors: they lead on in their own list, tell nothing, and nobody can change them."""

from __future__ import annotations

import json
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import events
import shop
from pymacaron_dynamodb import InvalidCursor, TableConfigError
from pymacaron_dynamodb.cursors import LONGEST, Cursors

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron_dynamodb.database import Database

SECRET = b"a secret of these tests"
LIST = ("Query", {"TableName": "events"})
POSITION = {"number": {"N": "5"}}

values = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(st.characters(exclude_categories=["Cs"]))),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.builds(lambda data: {"B": data}, st.binary(max_size=100)),
)


@given(position=st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=4), of=st.text())
def test_round_trip(position: Any, of: str) -> None:
    """A position of texts, numbers and bytes comes back; equal positions have equal cursors, safe in a URL."""
    cursors = Cursors(SECRET, of)
    made = cursors.write(position)
    assert cursors.read(made) == position
    assert made == Cursors(SECRET, of).write(position)
    assert set(made) <= set(string.ascii_letters + string.digits + "-_")


def test_nothing_can_be_read_in_it() -> None:
    """Neither keys nor what they are called stand in a cursor."""
    made = Cursors(SECRET, LIST).write({"email": {"S": "ann@example.com"}})
    data = urlsafe_b64decode(made + "=" * (-len(made) % 4))
    assert b"ann" not in data
    assert b"email" not in data


def test_every_bit_counts() -> None:
    """A cursor in which any bit of any byte was changed is refused, and so is one that was cut or made longer."""
    cursors = Cursors(SECRET, LIST)
    made = cursors.write(POSITION)
    data = urlsafe_b64decode(made + "=" * (-len(made) % 4))
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            refused(cursors, urlsafe_b64encode(changed).rstrip(b"=").decode())
    for length in range(len(data)):
        refused(cursors, urlsafe_b64encode(data[:length]).rstrip(b"=").decode())
    refused(cursors, urlsafe_b64encode(data + b"x").rstrip(b"=").decode())


def test_every_character_counts() -> None:
    """Of the texts that base64 takes for the same bytes, one is a cursor."""
    cursors = Cursors(SECRET, LIST)
    for position in (POSITION, {"n": {"N": "55"}}, {"n": {"N": "555"}}):
        made = cursors.write(position)
        for place in range(len(made)):
            for other in "A_z9 =+/\n":
                if other != made[place]:
                    refused(cursors, made[:place] + other + made[place + 1 :])
        for more in ("=", "==", "\n", "A", ".", "\x00"):
            refused(cursors, made + more)
            refused(cursors, more + made)


@given(text=st.text(max_size=80))
def test_other_texts(text: str) -> None:
    """No text that is no cursor is taken, whatever is in it."""
    refused(Cursors(SECRET, LIST), text)


def refused(cursors: Cursors, cursor: str) -> str:
    """Return why a cursor is refused."""
    with pytest.raises(InvalidCursor) as error:
        cursors.read(cursor)
    assert (error.value.status, error.value.code) == (400, "INVALID_CURSOR")
    return error.value.message


def test_why() -> None:
    """The message says what is wrong, and nothing of the secret or of what the cursor holds."""
    cursors = Cursors(SECRET, LIST)
    made = cursors.write(POSITION)
    data = bytearray(urlsafe_b64decode(made + "=" * (-len(made) % 4)))
    data[0] = 2
    newer = urlsafe_b64encode(data).rstrip(b"=").decode()
    end = "; begin again without one"
    said = {
        "the cursor is none of this service": refused(cursors, "page 2"),
        "the cursor was changed": refused(cursors, made[:-2] + ("AA" if made[-2:] != "AA" else "BA")),
        "the cursor was changed, or made by another version of this service": refused(cursors, newer),
        "the cursor was changed, or made with another secret": refused(Cursors(b"another secret", LIST), made),
        "the cursor belongs to another list: other parameters, another filter or another order": refused(
            Cursors(SECRET, "other"), made
        ),
        f"the cursor has {LONGEST + 1:,} characters, more than any": refused(cursors, "A" * (LONGEST + 1)),
    }
    for wanted, message in said.items():
        assert message == wanted + end


def test_longest_keys() -> None:
    """The longest keys that DynamoDB takes fit in a cursor."""
    keys: Any = {"a": {"S": "ü" * 1024}, "b": {"S": "x" * 1024}, "c": {"B": b"y" * 2048}, "d": {"B": b"z" * 1024}}
    cursors = Cursors(SECRET, LIST)
    assert cursors.read(cursors.write(keys)) == keys


@pytest.fixture
def event(database: Database) -> Any:
    """Return the class of events, of which there are ten in each of two partitions."""
    made = shop.load({"Event": events.EVENT}).Event
    for stream in ("s", "t"):
        rows = (
            events.item(n, stream, owner="o", kind="k", level=1, at="2026-01-01T00:00:00.000000Z") for n in range(10)
        )
        events.put(database, "events", rows)
    return made


def test_cursor_of_another_list(event: Any) -> None:
    """A cursor serves the query that made it, and no other: of another key, index, range, filter or order."""
    first = event.query("s", filter={"kind": "k"}).page(3).cursor
    same = event.query("s", filter={"kind": "k"}, cursor=first, properties=["number"], consistent=False)
    assert [each["number"] for each in same] == list(range(3, 10))
    others: list[Callable[..., Any]] = [
        partial(event.query, "t", filter={"kind": "k"}),
        partial(event.query, "s"),
        partial(event.query, "s", filter={"kind": "j"}),
        partial(event.query, "s", {">=": 0}, filter={"kind": "k"}),
        partial(event.query, "s", filter={"kind": "k"}, reverse=True),
        partial(event.query, "s", index="in-time"),
        partial(event.query, "o", index="by-owner", filter={"kind": "k"}),
        partial(event.scan, filter={"kind": "k"}),
    ]
    for other in others:
        for use in (lambda found: found.page(3, first), lambda found: list(found), lambda found: found.count()):
            with pytest.raises(InvalidCursor, match="belongs to another list"):
                use(other(cursor=first))


def test_the_partition_is_not_in_it(event: Any) -> None:
    """The query's own key is left out of its cursors: they get no longer with it."""
    cursor = event.query("s").page(3).cursor
    event(stream="s" * 500, number=1, title="t").save_to_db()
    event(stream="s" * 500, number=2, title="t").save_to_db()
    assert len(event.query("s" * 500).page(1).cursor) == len(cursor)


def test_secret(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret there are no cursors, and the message names the key; with another one older cursors end."""
    cursor = event.query("s").page(3).cursor
    monkeypatch.setattr(database, "settings", replace(database.settings, cursor_secret=b"rotated secret"))
    with pytest.raises(InvalidCursor, match="made with another secret"):
        event.query("s").page(3, cursor)
    monkeypatch.setattr(database, "settings", replace(database.settings, cursor_secret=None))
    assert event.query("s").page(100).cursor is None
    assert len(list(event.query("s"))) == 10
    with pytest.raises(TableConfigError, match="set dynamodb_cursor_secret, or jwt_secret"):
        event.query("s").page(3)


def test_forged_positions(event: Any) -> None:
    """What looks like DynamoDB's own position is no cursor."""
    key = json.dumps({"stream": {"S": "t"}, "number": {"N": "3"}}).encode()
    with pytest.raises(InvalidCursor, match="was changed, or made by another version"):
        event.query("s").page(3, urlsafe_b64encode(key).rstrip(b"=").decode())
