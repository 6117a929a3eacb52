"""Tasks without a broker: a thread of the process that queues them runs them. For development alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

_app: list[Flask] = []


def set_app(app: Flask) -> None:
    """Run tasks as a service."""
    _app[:] = [app]
