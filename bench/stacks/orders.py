"""Handlers for the stacks that are driven by the contract."""

from typing import Any


def get_order(order_id: int, verbose: bool = False) -> dict[str, Any]:
    """Return a summary."""
    return {"id": order_id, "status": "new", "verbose": verbose}


def create_order(body: Any) -> Any:
    """Return the order as it came."""
    return body
