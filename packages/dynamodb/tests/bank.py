"""A contract with accounts and transfers, for tests of what is written together, and a program that is killed at it."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from flask import Flask

from pymacaron import API, apipool
from pymacaron.config import Config, set_config
from pymacaron_dynamodb import StaleWrite, TransactionCancelled, transaction, transaction_get
from pymacaron_dynamodb.binding import all_bindings, binding_of
from pymacaron_dynamodb.database import Database, database, set_database
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from pymacaron.pool import LoadedApi

WHOLE = {"type": "integer"}
TEXT = {"type": "string"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "bank", "version": "1"},
    "paths": {},
    "components": {
        "schemas": {
            "Account": {
                "type": "object",
                "required": ["id"],
                "x-pym-table": {"name": "accounts", "hash": "id", "version": "version"},
                "properties": {"id": TEXT, "version": WHOLE, "amount": WHOLE, "note": TEXT},
            },
            "Transfer": {
                "type": "object",
                "required": ["account", "number"],
                "x-pym-table": {"name": "transfers", "hash": "account", "range": "number"},
                "properties": {"account": TEXT, "number": {"type": "number"}, "amount": WHOLE},
            },
        }
    },
}


def load() -> LoadedApi:
    """Load the contract."""
    API(Flask("bank")).load_api("bank", DOCUMENT)
    return apipool.get("bank")


def serve(paths: dict[str, Any]) -> Flask:
    """Return a service of the contract with these paths."""
    app = Flask("bank")
    api = API(app)
    api.load_api("bank", {**DOCUMENT, "paths": paths})
    api.prepare()
    return app


def create() -> LoadedApi:
    """Load the contract, and create its tables."""
    made = load()
    for binding in all_bindings():
        create_table(binding)
    return made


def transfer(bank: Any, source: str, target: str, amount: int = 1, tries: int = 500) -> None:
    """Move an amount from one account to another and note it, as often as somebody else is faster."""
    for _ in range(tries):
        giver, taker = transaction_get([(bank.Account, source), (bank.Account, target)])
        made = bank.Transfer(account=source, number=giver.version, amount=amount)
        giver.amount -= amount
        taker.amount += amount
        try:
            with transaction() as t:
                t.save(giver)
                t.save(taker)
                t.save(made, if_absent=True)
            return
        except (StaleWrite, TransactionCancelled):
            time.sleep(random.uniform(0, 0.02))
    raise AssertionError("somebody else was faster each time")


def transferred(bank: Any) -> int:
    """Count the transfers."""
    binding = binding_of(bank.Transfer)
    answer = binding.database.call("Scan", binding.request(Select="COUNT", ConsistentRead=True))
    assert "LastEvaluatedKey" not in answer
    return int(answer["Count"])


def main(endpoint: str, prefix: str, rounds: int) -> None:
    """Kill as many processes in the midst of transfers from "a" to "b"; write down what there is after each of them."""
    settings = {"dynamodb_endpoint": endpoint, "dynamodb_region": "eu-west-1", "dynamodb_table_prefix": prefix}
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    set_config(Config({"name": "bank", **settings, **keys}))
    bank = load()
    # A connection takes long to make, and one that was never used may be used after a fork.
    unused = Database(database().settings)
    connection = unused.connection
    for _ in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            unused._connection = connection
            set_database(unused)
            while True:
                transfer(bank, "a", "b")
                os.write(writing, b".")
        os.read(reading, 1)
        time.sleep(random.uniform(0, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(writing)
        told = 1 + len(os.read(reading, 1 << 16))
        os.close(reading)
        sys.stdout.write(f"{json.dumps({**_seen(bank), 'told': told})}\n")
        sys.stdout.flush()


def _seen(bank: Any) -> dict[str, int]:
    """Return what there is; the last request of a process that was killed may still be on its way."""
    while True:
        before, count, after = _amounts(bank), transferred(bank), _amounts(bank)
        if before == after:
            return {**after, "transfers": count}


def _amounts(bank: Any) -> dict[str, int]:
    return {account.id: account.amount for account in transaction_get([(bank.Account, "a"), (bank.Account, "b")])}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
