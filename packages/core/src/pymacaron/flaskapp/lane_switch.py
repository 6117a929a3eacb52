"""Whether an app's operations go through the contract lane."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from .lane import Lane
    from .routes import Routes

log = logging.getLogger("pymacaron")

FLASK_VERSIONS = ("3.0", "3.1")
"""Versions of Flask whose dispatch the lane knows."""


def switch_on(app: Flask, routes: Routes) -> Lane | None:
    """Serve operations through the lane; leave them to Flask, and return None, where that is not safe."""
    found = version("flask")
    if ".".join(found.split(".")[:2]) not in FLASK_VERSIONS:
        log.warning("the contract lane is off: it knows Flask %s, this is %s", " and ".join(FLASK_VERSIONS), found)
        return None
    # Only now: the lane imports what other versions of Flask need not have.
    from .lane import install_lane, own_steps

    replaced = own_steps(app)
    if replaced:
        log.info("the contract lane is off: the app has its own %s", ", ".join(replaced))
        return None
    return install_lane(app, routes.served)
