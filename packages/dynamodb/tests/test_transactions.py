"""Transactions: all or nothing across tables, sent twice and applied once, and what is said where they fail."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

import bank as bank_module
import shop
from bank import transfer, transferred
from differences import differs
from edge import Answer, edge
from proxy import at, proxy
from pymacaron import API, apipool
from pymacaron_dynamodb import (
    DatabaseThrottled,
    DatabaseUnavailable,
    ItemInvalid,
    ItemTooLarge,
    StaleWrite,
    TokenReused,
    Transaction,
    TransactionCancelled,
    TransactionInvalid,
    transaction,
    transaction_get,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engines import Engine
    from pymacaron_dynamodb.database import Database


@pytest.fixture
def bank(database: Database) -> Any:
    """Return the contract's models, whose tables are there."""
    return bank_module.create()


@pytest.fixture
def accounts(bank: Any) -> tuple[Any, Any]:
    """Return two accounts that are stored."""
    made = (bank.Account(id="a", amount=1000), bank.Account(id="b", amount=0))
    for account in made:
        account.save_to_db()
    return made


def together(*steps: Callable[[Transaction], object]) -> None:
    """Make one transaction of several steps."""
    with transaction() as t:
        for step in steps:
            step(t)


def save_all(*objects: Any) -> None:
    """Save objects together."""
    with transaction() as t:
        for obj in objects:
            t.save(obj)


def test_all(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Saves and deletions in two tables are made together, and versions are counted up."""
    one, other = accounts
    old = bank.Transfer(account="a", number=0)
    old.save_to_db()
    with transaction() as t:
        t.save(one)
        one.amount = 900  # stored as it is when the block ends
        t.delete(other)
        t.delete(old)
        t.save(bank.Transfer(account="a", number=1, amount=100), if_absent=True)
        assert one.version == 1
    assert one.version == 2
    assert bank.Account.load_from_db("a") == one
    assert not bank.Account.has_item("b")
    assert not bank.Transfer.has_item("a", 0)
    assert bank.Transfer.load_from_db("a", 1).amount == 100
    one.save_to_db()


def test_nothing(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Where one action is refused none is made, each reason is told, and all versions are put back."""
    one, other = accounts
    bank.Transfer(account="a", number=1).save_to_db()
    new = bank.Account(id="c")
    with pytest.raises(TransactionCancelled, match="nothing of the transaction was written: Transfer") as caught:
        together(
            lambda t: t.save(one),
            lambda t: t.save(bank.Transfer(account="a", number=1), if_absent=True),
            lambda t: t.save(new),
            lambda t: t.delete(other, only_if={"amount": 5}),
        )
    first, second, third, fourth = caught.value.reasons
    assert (first, third) == (None, None)
    assert (second.action, second.kind, second.model) == ("save", "condition", "Transfer")
    assert (second.key, second.code) == ({"account": "a", "number": 1}, "ConditionalCheckFailed")
    assert second.table.endswith("-transfers")
    assert (fourth.action, fourth.kind, fourth.key) == ("delete", "condition", {"id": "b"})
    assert caught.value.status == 409
    assert (one.version, new.version) == (1, None)
    assert "version" not in new
    assert bank.Account.load_from_db("a").version == 1
    assert not bank.Account.has_item("c")
    one.save_to_db()
    new.save_to_db()


def test_stale(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Where versions alone are against it the transaction is a stale write, 412, which names each item."""
    one, other = accounts
    bank.Account.load_from_db("a").save_to_db()
    bank.Account.load_from_db("b").delete_from_db()
    with pytest.raises(StaleWrite) as caught:
        save_all(one, other)
    assert caught.value.status == 412
    assert "Account id='a' of the table" in str(caught.value)
    assert "it has version 2 now, and this is version 1" in str(caught.value)
    assert "Account id='b' of the table" in str(caught.value)
    with pytest.raises(StaleWrite):
        together(lambda t: t.delete(one))
    with pytest.raises(TransactionCancelled) as cancelled:
        together(lambda t: t.delete(one), lambda t: t.check(bank.Account, "b"))
    assert [reason.kind for reason in cancelled.value.reasons] == ["stale", "condition"]


def test_an_exception_in_the_block(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Nothing is sent where the block raises, or does nothing."""
    with pytest.raises(ZeroDivisionError):
        together(lambda t: t.save(accounts[0]), lambda t: 1 / 0)
    with transaction():
        pass
    assert accounts[0].version == bank.Account.load_from_db("a").version == 1


def test_checks(bank: Any, accounts: tuple[Any, Any]) -> None:
    """A check holds the transaction to an item that it does not write: an object as it was read, or a key."""
    one, other = accounts
    note = bank.Transfer(account="a", number=1)
    with transaction() as t:
        t.check(one)
        t.check(bank.Account, "b", only_if={"amount": 0})
        t.save(note)
    with transaction() as t:
        t.check(note)
        t.save(one)
    bank.Account.load_from_db("b").save_to_db()
    with pytest.raises(StaleWrite, match="Account id='b'"):
        together(lambda t: t.check(other), lambda t: t.save(one))
    two = bank.Transfer(account="a", number=2)
    with pytest.raises(TransactionCancelled, match="what only_if asks of Account id='a' of the table"):
        together(lambda t: t.save(two), lambda t: t.check(bank.Account, "a", only_if={"amount": 5}))
    with pytest.raises(TransactionCancelled, match=r"Account id='c' of the table '\S+' is not there"):
        together(lambda t: t.save(two), lambda t: t.check(bank.Account, "c"))
    assert not bank.Transfer.has_item("a", 2)
    with pytest.raises(TypeError, match=r"named by an object and the key \('a',\); give"):
        together(lambda t: t.check(one, "a"))
    with pytest.raises(TypeError, match="named by the class Account without a key"):
        together(lambda t: t.check(bank.Account))


def test_updates(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Items are changed in place, by an object or by a key; an object that was read changes the version it knows."""
    one, _ = accounts
    new = bank.Transfer(account="a", number=1)
    with transaction() as t:
        t.update(one, add={"amount": -10}, only_if={"amount": 1000})
        t.update(bank.Account, "b", add={"amount": 10}, set={"note": "x"})
        t.save(new)
    found = transaction_get([(bank.Account, "a"), (bank.Account, "b")])
    assert [(account.amount, account.version) for account in found] == [(990, 2), (10, 2)]
    assert (found[1].note, one.amount, one.version) == ("x", 1000, 1)
    with pytest.raises(StaleWrite, match="it has version 2 now, and this is version 1"):
        together(lambda t: t.update(one, add={"amount": -10}))
    with pytest.raises(StaleWrite):
        one.save_to_db()
    with pytest.raises(TransactionCancelled, match="there is no Account id='z'") as caught:
        together(lambda t: t.save(found[1]), lambda t: t.update(bank.Account, "z", add={"amount": 1}))
    assert [reason and reason.kind for reason in caught.value.reasons] == [None, "condition"]
    with pytest.raises(TransactionCancelled, match="what only_if asks for does not hold"):
        together(lambda t: t.update(bank.Account, "a", set={"note": "y"}, only_if={"amount": 1}))
    with pytest.raises(ItemInvalid, match="counts the writes"):
        together(lambda t: t.update(one, add={"version": 1}))


def test_an_update_under_a_token(bank: Any, accounts: tuple[Any, Any], engine: Engine) -> None:
    """A sum that is sent twice under a token, by whichever process, is added once."""
    for _ in range(2):
        with transaction("deposit") as t:
            t.update(bank.Account, "b", add={"amount": 5})
            t.save(bank.Transfer(account="b", number=1, amount=5))
    assert bank.Account.load_from_db("b").amount == (10 if differs(engine, "repeated-token") else 5)


def test_an_update_of_an_item_of_an_older_form(bank: Any, database: Database) -> None:
    """An item of an older form is brought to today's before it is changed."""
    table = {"name": "things", "hash": "id", "item_version": 1}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "count": {"type": "integer"}},
        "x-pym-table": table,
    }
    older: Any = shop.load({"Thing": schema})
    older.Thing(id="t", count=1).save_to_db()
    table["item_version"] = 2
    API(Flask("shop")).load_api("newer", {**bank_module.DOCUMENT, "components": {"schemas": {"Thing": schema}}})
    newer: Any = apipool.get("newer")
    with transaction() as t:
        t.update(newer.Thing, "t", add={"count": 2})
        t.save(bank.Account(id="a"))
    assert newer.Thing.load_from_db("t").count == 3


def test_what_cannot_be_sent(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Two actions on one item, a changed key, and what comes outside of the block are refused before any is sent."""
    one, other = accounts
    with pytest.raises(TransactionInvalid, match="has a save of this item already"):
        together(lambda t: t.save(one), lambda t: t.check(bank.Account, "a"))
    with pytest.raises(TransactionInvalid, match=r"key of Account id='b' .+ was changed"):
        together(lambda t: t.save(other), lambda t: setattr(other, "id", "c"))
    with transaction() as t:
        t.save(one)
    with pytest.raises(TransactionInvalid, match="the transaction has ended"):
        t.save(one)
    with pytest.raises(TransactionInvalid, match="the transaction has not begun"):
        transaction().save(one)
    with pytest.raises(TransactionInvalid, match="was used before"), t:
        pass
    with pytest.raises(TransactionInvalid, match="token of a transaction is empty"):
        transaction("")
    with pytest.raises(ItemTooLarge, match="'note' alone has"):
        together(lambda t: t.save(one), lambda t: setattr(one, "note", "x" * 410_000))
    assert one.version == 2


def test_the_same_number_is_the_same_key(bank: Any) -> None:
    """Keys that DynamoDB takes for equal are the same item, however they are written."""
    one, same = bank.Transfer(account="a", number=1), bank.Transfer(account="a", number=1.0)
    with pytest.raises(TransactionInvalid, match="has a save of this item already"):
        save_all(one, same)


def test_limits(bank: Any) -> None:
    """A hundred actions are taken and not one more; neither are more than 4 MB."""
    with transaction() as t:
        for number in range(100):
            t.save(bank.Transfer(account="a", number=number))
        with pytest.raises(TransactionInvalid, match="is one action more than the 100"):
            t.save(bank.Transfer(account="a", number=100))
    assert transferred(bank) == 100
    large = [bank.Account(id=str(number), note="x" * 390_000) for number in range(11)]
    with pytest.raises(ItemTooLarge, match=r"the 11 items that the transaction saves have 4,29\d,\d+ bytes"):
        save_all(*large)
    assert not bank.Account.has_item("0")


def deposit(bank: Any, token: str, amount: int = 1) -> None:
    """Note an amount, which is stored however often."""
    with transaction(token) as t:
        t.save(bank.Transfer(account="a", number=1, amount=amount))


@pytest.mark.parametrize("token", ["once", "a key of a request that is longer than what DynamoDB takes"])
def test_a_token_that_is_sent_twice(bank: Any, engine: Engine, token: str) -> None:
    """What was sent under a token is not applied again, in whichever process; other content under it is refused."""
    deposit(bank, token)
    bank.Transfer.load_from_db("a", 1).delete_from_db()
    deposit(bank, token)
    assert bank.Transfer.has_item("a", 1) is differs(engine, "repeated-token")
    if differs(engine, "repeated-token"):
        deposit(bank, token, 2)
        assert bank.Transfer.load_from_db("a", 1).amount == 2
        return
    with pytest.raises(TokenReused, match="its token was used in the last ten minutes for another content") as caught:
        deposit(bank, token, 2)
    assert caught.value.status == 409
    deposit(bank, f"another than {token}")
    assert bank.Transfer.has_item("a", 1)


def test_an_answer_that_is_lost(bank: Any, accounts: tuple[Any, Any], engine: Engine, database: Database) -> None:
    """A transaction whose answer got lost is sent again under its token, and stands; the versions are those stored."""
    sent = []

    def through(operation: str, body: dict[str, Any], send: Any) -> Any:
        answer = send(body)
        if operation == "TransactWriteItems":
            sent.append(body["ClientRequestToken"])
            if len(sent) == 1:
                raise ConnectionResetError
        return answer

    one, other = accounts
    with proxy(engine.url, through) as url, at(database, url):
        if differs(engine, "repeated-token"):
            with pytest.raises(StaleWrite):
                save_all(one)
            return
        save_all(one, other)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert one.version == 2
    one.save_to_db()


def cancelled(*codes: str) -> Answer:
    """Return the answer that a transaction was cancelled."""
    reasons = [{"Code": code, "Message": "no" if code != "None" else None} for code in codes]
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return Answer(400, body={"__type": kind, "Message": "cancelled", "CancellationReasons": reasons})


@pytest.mark.parametrize(
    ("codes", "operations", "error", "kinds"),
    [
        (("TransactionConflict", "None"), 3, TransactionCancelled, ["conflict", None]),
        (("TransactionConflict", "ConditionalCheckFailed"), 1, TransactionCancelled, ["conflict", "stale"]),
        (("None", "ValidationError"), 1, TransactionCancelled, [None, "other"]),
        (("ThrottlingError", "None"), 3, DatabaseThrottled, []),
    ],
)
def test_reasons(bank: Any, database: Database, codes: Any, operations: int, error: Any, kinds: list[Any]) -> None:
    """Conflicts and throttling are tried again, and no other reason; each is told, and all versions are put back."""
    made = [bank.Account(id="a", version=1), bank.Account(id="b", version=1)]
    with (
        edge(cancelled(*codes)) as server,
        at(database, server.url, max_attempts=3),
        pytest.raises(error) as caught,
    ):
        save_all(*made)
    assert server.operations == ["TransactWriteItems"] * operations
    found = getattr(caught.value, "reasons", ())
    assert [reason and reason.kind for reason in found] == kinds
    assert [account.version for account in made] == [1, 1]


def test_a_conflict_that_passes(bank: Any, database: Database) -> None:
    """A transaction that met another one is made when that one is through."""
    account = bank.Account(id="a", version=1)
    with edge(cancelled("TransactionConflict"), Answer()) as server, at(database, server.url), transaction() as t:
        t.save(account)
    assert account.version == 2


def test_no_answer(bank: Any, accounts: tuple[Any, Any], database: Database) -> None:
    """Where DynamoDB does not answer the versions are put back as well."""
    with (
        edge(Answer(500)) as server,
        at(database, server.url, max_attempts=1),
        pytest.raises(DatabaseUnavailable),
    ):
        save_all(accounts[0])
    assert accounts[0].version == 1


def test_reads_of_one_moment(bank: Any, accounts: tuple[Any, Any]) -> None:
    """Objects of several tables come in the order asked for, None for one that is not there."""
    bank.Transfer(account="a", number=1).save_to_db()
    wanted = [(bank.Account, "b"), (bank.Transfer, "a", 1), (bank.Account, "z"), (bank.Account, "b")]
    one, note, nothing, again = transaction_get(wanted)
    assert (one, note.number, nothing) == (accounts[1], 1, None)
    assert again is one
    one.save_to_db()
    assert transaction_get([]) == []
    with pytest.raises(TransactionInvalid, match="101 items were asked for"):
        transaction_get((bank.Account, str(number)) for number in range(101))


def test_reads_that_meet_a_transaction(bank: Any, database: Database) -> None:
    """A read that met transactions each time says at which item."""
    with (
        edge(cancelled("None", "TransactionConflict")) as server,
        at(database, server.url, max_attempts=2),
        pytest.raises(TransactionCancelled, match="nothing was read: get of Account id='b'") as caught,
    ):
        transaction_get([(bank.Account, "a"), (bank.Account, "b")])
    assert len(server.operations) == 2
    assert [reason and reason.kind for reason in caught.value.reasons] == [None, "conflict"]


HANDLERS = """
from pymacaron import apipool
from pymacaron_dynamodb import batch_get, transaction, transaction_get

def move(missing):
    bank = apipool.get("bank")
    one = bank.Account.load_from_db("a")
    bank.Account.load_from_db("a").save_to_db()
    with transaction() as t:
        t.save(one)
        if missing:
            t.check(bank.Account, missing)

def change(id):
    bank = apipool.get("bank")
    (one,) = transaction_get([(bank.Account, id)])
    with transaction() as t:
        t.save(one)
    return one

def read(id):
    return batch_get(apipool.get("bank").Account, [id])[0]
"""


@pytest.fixture
def service(bank: Any, accounts: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve an API whose handlers use transactions; yield its URL."""
    (tmp_path / "handlers_of_bank.py").write_text(HANDLERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    missing = {"name": "missing", "in": "query", "schema": {"type": "string"}}
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    account = {"application/json": {"schema": {"$ref": "#/components/schemas/Account"}}}
    answers = {"200": {"description": "the account", "content": account}}
    shared = {"x-pym-etag": True, "parameters": [id], "responses": answers}
    app = bank_module.serve(
        {
            "/move": {
                "post": {
                    "operationId": "move",
                    "x-bind-server": "handlers_of_bank.move",
                    "parameters": [missing],
                    "responses": {"204": {"description": "done"}},
                }
            },
            "/accounts/{id}": {
                "get": {"operationId": "read", "x-bind-server": "handlers_of_bank.read", **shared},
                "patch": {"operationId": "change", "x-bind-server": "handlers_of_bank.change", **shared},
            },
        }
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_over_http(service: str) -> None:
    """A stale write is a 412 of the API, and any other transaction that is cancelled a 409."""
    stale, cancelled = (requests.post(f"{service}/move{query}", timeout=60) for query in ("", "?missing=z"))
    assert (stale.status_code, stale.json()["error"]) == (412, "STALE_WRITE")
    assert (cancelled.status_code, cancelled.json()["error"]) == (409, "TRANSACTION_CANCELLED")


def test_entity_tags(service: str) -> None:
    """What a request says of the version that it is about holds of what is read and written together, too."""
    url = f"{service}/accounts/a"
    tag = requests.get(url, timeout=60).headers["ETag"]
    assert requests.get(url, headers={"If-None-Match": tag}, timeout=60).status_code == 304
    assert requests.patch(url, timeout=60).status_code == 428
    changed = requests.patch(url, headers={"If-Match": tag}, timeout=60)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert changed.headers["ETag"] != tag
    assert requests.patch(url, headers={"If-Match": tag}, timeout=60).status_code == 412
    assert requests.get(url, headers={"If-None-Match": changed.headers["ETag"]}, timeout=60).status_code == 304


@pytest.mark.once
def test_concurrent_transfers(bank: Any, engine: Engine, database: Database) -> None:
    """However many move money between accounts at once, none is lost or made, and each transfer is made once."""
    names, threads, each = "abcde", 6, 15
    for name in names:
        bank.Account(id=name, amount=100).save_to_db()
    start = threading.Barrier(threads)

    def work(seed: int) -> None:
        start.wait(60)
        for number in range(each):
            source, target = (names[(seed + number * step) % len(names)] for step in (1, 2))
            if source != target:
                transfer(bank, source, target, 1 + number)

    with (
        proxy(engine.url, one_at_a_time=differs(engine, "not-isolated")) as url,
        at(database, url),
        ThreadPoolExecutor(threads) as pool,
    ):
        list(pool.map(work, range(threads)))
    found = transaction_get([(bank.Account, name) for name in names])
    assert sum(account.amount for account in found) == 500
    moves = [(seed, number) for seed in range(threads) for number in range(each) if number % len(names)]
    assert transferred(bank) == len(moves)
    assert sum(account.version for account in found) == len(names) + 2 * len(moves)


@pytest.mark.once
def test_processes_that_are_killed(bank: Any, accounts: tuple[Any, Any], engine: Engine, database: Database) -> None:
    """A process that is killed in the midst of its transactions leaves each of them as a whole, or nothing of it."""
    rounds, prefix = 25, database.settings.table_prefix
    with proxy(engine.url, one_at_a_time=differs(engine, "not-isolated")) as url:
        command = [sys.executable, str(Path(bank_module.__file__)), url, prefix, str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == rounds
    told = 0
    for killed, after in enumerate(found, 1):
        assert after["a"] + after["b"] == 1000
        assert after["transfers"] == after["b"]
        # What the processes knew of is there; of one more each of them may not have heard.
        told += after["told"]
        assert told <= after["b"] <= told + killed
