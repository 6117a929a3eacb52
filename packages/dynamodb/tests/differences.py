"""Where the engines of the tests differ from DynamoDB: the one table of it, and how a test asks.

A test that meets a difference asserts what that engine does instead; it never skips. An entry that no test asks for is
refused by ``test_differences.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines import Engine


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
        engine: which one differs.
        what: the short name that tests ask by.
        does: what the engine does, where DynamoDB does something else.
        why: how it comes, and what the tests make of it.
    """

    engine: str
    what: str
    does: str
    why: str


DIFFERENCES = (
    Difference(
        "ministack",
        "number-texts",
        "finds no item by a key whose number is written in another way than it stores it: 1.0 is not 1",
        "It normalizes the numbers of items, and not those of keys. This package writes each number in the one way that"
        " DynamoDB itself stores; tests assert that nothing is found where others do not.",
    ),
    Difference(
        "moto",
        "charges-one-unit",
        "says that each write of an item costs one capacity unit, however large it is",
        "It does not count. The test of our count of bytes asserts that one unit.",
    ),
    Difference(
        "moto",
        "smaller-items",
        "takes items up to 405,000 bytes, where DynamoDB takes 409,600",
        "It counts numbers and containers less exactly, and keeps a margin. Tests at the limit put its own one.",
    ),
    Difference(
        "moto",
        "repeated-token",
        "applies a transaction again whose ClientRequestToken was sent before",
        "It does not read the token. Tests of repeated transactions assert that it applies them twice.",
    ),
    Difference(
        "moto",
        "not-isolated",
        "does not keep requests apart: of two writes on one condition both may be made, and a transaction that is"
        " cancelled undoes what others wrote meanwhile",
        "Its threads share the tables without a lock, and it rolls back by putting back copies of whole tables. Tests"
        " of concurrent writers send it one request at a time; reads and writes of the writers still interleave.",
    ),
    Difference(
        "moto",
        "encryption-stays",
        "takes another encryption of a table, and leaves the table's as it is",
        "Its UpdateTable does not read SSESpecification. Tests assert that the change is seen not to be made.",
    ),
)


def differs(engine: Engine, what: str) -> bool:
    """Tell whether an engine has a difference; the name must stand in the table."""
    having = {found.engine for found in DIFFERENCES if found.what == what}
    assert having, f"no difference is called {what!r}; add it to DIFFERENCES"
    return engine.name in having


def as_markdown() -> str:
    """Return the table as the documentation shows it."""
    rows = [f"| {found.engine} | {found.does} | {found.why} |" for found in DIFFERENCES]
    return "\n".join(["| engine | what it does | why, and what the tests do |", "|---|---|---|", *rows])
