"""Isolation, and two private engines for each worker of pytest."""

from __future__ import annotations

import os
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from engines import NAMES, Engine
from pymacaron import apipool
from pymacaron.auth import set_principal
from pymacaron.calls import set_call
from pymacaron.config import KEYS, Config, set_config
from pymacaron.crash import set_error_reporter
from pymacaron_dynamodb.database import Database, set_database
from pymacaron_dynamodb.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Run a ministack for all tests of this process."""
    with Engine("ministack", tmp_path_factory.mktemp("ministack")) as engine:
        yield engine


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Run a moto server for all tests of this process."""
    with Engine("moto", tmp_path_factory.mktemp("moto")) as engine:
        yield engine


# What an engine does differently does not depend on the version of Python.
@pytest.fixture(params=[NAMES[0], *(pytest.param(name, marks=pytest.mark.once) for name in NAMES[1:])])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return each of the engines in turn."""
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def config(engine: Engine, isolated: None) -> Config:
    """Make a configuration current that leads to the engine; the names of all tables begin with one of this test."""
    made = Config(
        {
            "name": "shop",
            "dynamodb_endpoint": engine.url,
            "dynamodb_region": "eu-west-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "dynamodb_table_prefix": f"{uuid.uuid4().hex[:12]}-",
            "dynamodb_cursor_secret": "a secret of the tests alone",
        }
    )
    set_config(made)
    return made


@pytest.fixture
def database(config: Config, engine: Engine) -> Iterator[Database]:
    """Return the process's database, on the engine; its tables are dropped afterwards."""
    made = Database(read_settings(config))
    made._connection = engine.connection = engine.connection or made.connection  # making one takes its time
    set_database(made)
    yield made
    drop_tables(made)
    if made._connection is not engine.connection:
        made.close()


def drop_tables(database: Database) -> None:
    """Drop all tables whose names begin with the database's prefix."""
    prefix = database.settings.table_prefix
    start: dict[str, str] = {}
    while True:
        answer = database.call("ListTables", {**start})
        for name in answer["TableNames"]:
            if name.startswith(prefix):
                database.call("DeleteTable", {"TableName": name})
        if "LastEvaluatedTableName" not in answer:
            return
        start = {"ExclusiveStartTableName": answer["LastEvaluatedTableName"]}


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a service leaves behind in its process, and keep the machine's own AWS settings out."""
    for name in list(os.environ):
        if (name.startswith("PYM_") and not name.startswith("PYM_TEST_")) or name.startswith(("AWS_", "BOTO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, keys = set(sys.modules), dict(KEYS)
    yield
    set_database(None)
    set_config(None)
    apipool.clear()
    set_error_reporter(None)
    set_principal(None)
    set_call(None)
    for name in [name for name in sys.modules if name not in modules and _is_service(name)]:
        del sys.modules[name]
    KEYS.clear()
    KEYS.update(keys)


def _is_service(name: str) -> bool:
    """Tell a module of a test's service from a library's, which stays imported."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return getattr(sys.modules[name], "__spec__", None) is None
    return "/pytest-" in file
