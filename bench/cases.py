"""The requests of the benchmark."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One request, and the statuses that a right answer may have."""

    name: str
    title: str
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    statuses: tuple[int, ...] = (200,)


def _order(items: int, **changes: object) -> dict[str, object]:
    item = {"sku": "ABC-1234", "quantity": 3, "price": 12.5, "gift": False, **changes}
    return {
        "id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "created": "2026-01-02T03:04:05Z",
        "status": "new",
        "note": "please ring twice",
        "customer": {"name": "Ann Example", "phone": "+49 30 1234567"},
        "items": [dict(item) for _ in range(items)],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


CASES = {
    case.name: case
    for case in (
        Case("small", "small GET", "GET", "/orders/7", "verbose=true"),
        Case("order", "order with 10 items, in and out", "POST", "/orders", body=_json(_order(10))),
        Case("big", "1 MB order, in and out", "POST", "/orders", body=_json(_order(16_000))),
        Case(
            "faults",
            "order with 50 faults",
            "POST",
            "/orders",
            body=_json(_order(25, quantity=0, price="free")),
            statuses=(400, 422),
        ),
        Case("valid25", "the same order without faults", "POST", "/orders", body=_json(_order(25))),
    )
}
