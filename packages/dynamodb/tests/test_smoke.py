"""One service with a private engine, end to end; it also runs against the built wheels, away from this repository."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron import apipool
from pymacaron.config import Config
from pymacaron_dynamodb.database import database
from pymacaron_dynamodb.embedded import data_folder, url_of
from service_folder import PATIENCE, Service

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.smoke
def test_objects_persist(tmp_path: Path) -> None:
    """A table is created in a private engine, an object saved, counted up and loaded; another process sees it."""
    service = Service(tmp_path, Config({"name": "shop", "dynamodb": "embedded"}))
    assert service.process("db", "create", "--yes").status == 0
    service.binding()
    customer: Any = apipool.shop.Customer
    customer(id="ann", name="Ann").save_to_db()
    customer.update_in_db("ann", add={"visits": 2})
    assert customer.load_from_db("ann").to_json()["visits"] == 2
    exported = service.process("db", "export", "--table", "customers")
    assert exported.status == 0, exported.err
    assert json.loads(exported.out)["Item"]["visits"] == {"N": "2"}
    database().close()
    until = time.monotonic() + PATIENCE
    while url_of(data_folder(tmp_path)):
        assert time.monotonic() < until, "the engine runs though nobody uses it any more"
        time.sleep(0.05)
