"""A service's worth of processes that count one counter up: ``python counting.py URL PREFIX PROCESSES INCREMENTS``.

They are forked from one that used the database before, as a WSGI server with preloading does. Each tells on standard
output when it has counted all of its increments.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import shop
from pymacaron.config import Config, set_config
from pymacaron_dynamodb.database import Database, set_database
from pymacaron_dynamodb.settings import read_settings

COUNTER: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "x-pym-table": {"hash": "id", "version": "version"},
    "properties": {"id": {"type": "string"}, "version": {"type": "integer"}, "hits": {"type": "integer"}},
}
#: Of 16 processes that are always at it, one may lose this often in a row.
TRIES = 200


def configure(url: str, prefix: str) -> None:
    """Make the database of an engine the process's."""
    made = Config(
        {
            "name": "counting",
            "dynamodb_endpoint": url,
            "dynamodb_region": "eu-west-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "dynamodb_table_prefix": prefix,
        }
    )
    set_config(made)
    set_database(Database(read_settings(made)))


def count(model: Any, increments: int) -> None:
    """Count the counter up, once a time."""

    def increment(counter: Any) -> None:
        counter.hits = (counter.hits or 0) + 1

    for _ in range(increments):
        model.change_in_db(increment, "c", tries=TRIES)


def main(url: str, prefix: str, processes: str, increments: str) -> int:
    """Fork the processes, and return how many of them failed."""
    configure(url, prefix)
    model: Any = shop.load({"Counter": COUNTER}).Counter
    model(id="c").save_to_db()
    children = []
    for _ in range(int(processes)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                count(model, int(increments))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    return sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
