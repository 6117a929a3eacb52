"""``pym db plan``, ``create`` and ``update`` as they are typed, the tables of a start, and the step of a release."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import service_folder
from edge import Answer, edge
from pymacaron.cli.service import load_app
from pymacaron.config import Config, get_config
from pymacaron.exceptions import StartError
from pymacaron.plugins import ReleaseStepsContext, load_plugins
from pymacaron_dynamodb.embedded import data_folder
from pymacaron_dynamodb.exceptions import TablesDiffer
from pymacaron_dynamodb.live_tables import read_table, table_names
from service_folder import PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pymacaron_dynamodb.database import Database

ON_ONE = pytest.mark.parametrize("engine", ["ministack"], indirect=True)
BY_NAME = 'indexes = {"by-name": {"hash": "name"}}'


@pytest.fixture
def service(tmp_path: Path, config: Config, database: Database) -> Service:
    """Return a service whose tables are not there yet."""
    return Service(tmp_path / "shop", config)


def indexed(service: Service, settings: str = BY_NAME) -> None:
    """Give the table an index."""
    service.define({"Customer": service_folder.CUSTOMER}, settings)


def test_from_nothing_to_an_index(service: Service, database: Database) -> None:
    """A table is planned and created, and then planned and changed; with nothing left to do nothing is asked."""
    table = database.table_name("customers")
    said = service.pym("db", "plan", "--exit-code")
    assert said.status == 2
    assert said.out == f"  {table} (Customer, which is not there)\n+ table: id (S), on-demand\n"
    assert service.pym("db", "update").out == "0 changes made, 0 postponed, 0 impossible\n"
    said = service.process("db", "create", stdin="n\n")
    assert said.status == 130
    assert f"make 1 change of {table}? [y/N]" in said.err
    assert "nothing was changed; --yes does it without asking" in said.err
    assert list(table_names(database)) == []
    said = service.process("db", "create", stdin="y\n")
    assert said.status == 0, said
    assert said.out.endswith("1 change made, 0 postponed, 0 impossible\n")
    assert service.pym("db", "plan", "--exit-code").out == f"  {table} (Customer): as the contract has it\n"
    indexed(service)
    said = service.pym("db", "update", "--json", "--yes")
    assert said.status == 0
    assert said.json == {
        "done": [
            {
                "table": table,
                "kind": "add",
                "what": "index by-name",
                "live": None,
                "wanted": "name (S) with all",
                "mend": None,
            }
        ],
        "postponed": [],
        "impossible": [],
    }
    assert said.err == f"{table}: + index by-name: name (S) with all\n"
    said = service.pym("db", "plan", "--json", "--exit-code")
    assert (said.status, said.json["differs"], said.json["tables"][0]["changes"]) == (0, False, [])


def test_what_cannot_be_done(service: Service, database: Database) -> None:
    """What cannot be changed in place is shown with its mend, and makes the exit status of an update 1."""
    indexed(service)
    assert service.pym("db", "create", "--yes").status == 0
    indexed(service, 'indexes = {"by-name": {"hash": "name", "projection": "keys"}}')
    said = service.pym("db", "update", "--yes")
    assert said.status == 1
    assert said.out.splitlines()[1:] == [
        "! index by-name: name (S) with all -> name (S) with keys alone",
        "    an index never changes: add an index of another name, let queries use it, and delete this one yourself",
        "0 changes made, 0 postponed, 1 impossible",
    ]
    indexed(service, 'ttl = "nam"')
    for arguments, status in ((("--exit-code",), 1), ((), 2)):
        said = service.pym("db", "plan", *arguments)
        assert said.status == status
        assert said.err == (
            "pym: the table of Customer of the API 'shop': ttl is 'nam', which is no property of the schema;"
            " did you mean 'name'?\n"
        )


def test_a_service_without_tables(service: Service) -> None:
    """A service in which nothing persists has no tables, which is no error."""
    service.define({"Plain": {"type": "object", "properties": {"x": {"type": "string"}}}})
    said = service.pym("db", "plan", "--exit-code")
    assert (said.status, said.out, said.err) == (0, "", "no contract of the service has a table\n")


@pytest.mark.once
@ON_ONE
def test_interrupted(service: Service) -> None:
    """^C while a table is waited for ends the command, which says that it may be started again."""
    making = Answer(body={"Table": {"TableName": "customers", "TableStatus": "CREATING"}})
    gone = Answer(400, code="ResourceNotFoundException")
    with edge(gone, gone, Answer(), making) as slow:
        values = {**service.values, "dynamodb_endpoint": slow.url, "dynamodb_table_prefix": ""}
        service.write("pym-config.yaml", yaml.safe_dump(values))
        waiting = service.start("db", "create", "--yes", stderr=subprocess.PIPE)
        until = time.monotonic() + PATIENCE
        while slow.operations.count("DescribeTable") < 3:
            assert time.monotonic() < until
            assert waiting.poll() is None
            time.sleep(0.02)
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=PATIENCE)
    assert waiting.returncode == 130
    assert "pym: stopped; the same command goes on from here" in err.decode()


def test_a_table_that_is_being_created(service: Service) -> None:
    """A table that another process, or an interrupted command, began to create is waited for."""
    table: dict[str, Any] = {"TableName": "customers", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    table = {**table, "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
    table = {**table, "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    making = Answer(body={"Table": {**table, "TableStatus": "CREATING"}})
    made = [Answer(body={"Table": {**table, "TableStatus": "ACTIVE"}}), Answer(), Answer()]
    with edge(making, making, making, *made) as slow:
        values = {**service.values, "dynamodb_endpoint": slow.url, "dynamodb_table_prefix": ""}
        service.write("pym-config.yaml", yaml.safe_dump(values))
        said = service.pym("db", "plan")
        assert said.out == "  customers (Customer): the table is CREATING\n"
        said = service.pym("db", "create")
        assert (said.status, said.err) == (0, "")
        assert said.out.endswith("0 changes made, 0 postponed, 0 impossible\n")
        assert slow.answers == [made[-1]]


def steps() -> dict[str, Callable[[], None]]:
    """Return what a release of the service in the working folder does before traffic."""
    found: ReleaseStepsContext = load_plugins().call("release_steps", ReleaseStepsContext(get_config(), []))
    return {step.name: step.run for step in found.steps}


def test_the_step_of_a_release(service: Service, database: Database) -> None:
    """A release creates and changes tables before it gets traffic; it fails, and changes nothing, where it cannot."""
    binding = service.binding()
    steps()["tables"]()
    assert read_table(database, binding.table) is not None
    indexed(service)
    binding = service.binding()
    steps()["tables"]()
    live = read_table(database, binding.table)
    assert live is not None
    assert list(live.indexes) == ["by-name"]
    indexed(service, 'indexes = {"by-name": {"hash": "version"}, "other": {"hash": "visits"}}')
    service.binding()
    with pytest.raises(TablesDiffer, match=r"no table was touched: .*! index by-name: name"):
        steps()["tables"]()
    assert read_table(database, binding.table) == live


def start(service: Service, **config: Any) -> None:
    """Start the service in this process."""
    service.write("pym-config.yaml", yaml.safe_dump({**service.values, **config}))
    service.enter()
    load_app()


def test_tables_at_a_start(service: Service, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Where it is asked for, a start creates missing tables, and tells of differences; else it asks nothing."""
    service.binding()
    start(service)
    assert list(table_names(database)) == []
    start(service, dynamodb_create_tables=True)
    assert list(table_names(database)) == [database.table_name("customers")]
    indexed(service)
    with caplog.at_level(logging.WARNING):
        start(service, dynamodb_create_tables=True)
    assert "is not as the contract has it; see pym db plan: + index by-name: name (S) with all" in caplog.text
    live = read_table(database, database.table_name("customers"))
    assert live is not None
    assert live.indexes == {}


def test_a_start_without_dynamodb(service: Service) -> None:
    """A start that creates no tables needs no DynamoDB; one that does says that there is none."""
    service.binding()
    nowhere = {"dynamodb_endpoint": "http://127.0.0.1:1", "dynamodb_max_attempts": 1}
    start(service, **nowhere)
    with pytest.raises(Exception, match="DynamoDB does not answer"):
        start(service, **nowhere, dynamodb_create_tables=True)


@pytest.mark.once
@ON_ONE
def test_workers_that_start_together(service: Service, database: Database) -> None:
    """Processes that start at the same time make each table once, and none of them fails."""
    service.define({"Customer": service_folder.CUSTOMER}, f'{BY_NAME}\n    ttl = "visits"')
    service.write("pym-config.yaml", yaml.safe_dump({**service.values, "dynamodb_create_tables": True}))
    code = "from pymacaron.cli.service import load_app; load_app()"
    workers = [
        subprocess.Popen(
            [service.command()[0], "-c", code], cwd=service.folder, env=service.environment, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [worker.communicate(timeout=PATIENCE) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, said
    live = read_table(database, database.table_name("customers"))
    assert live is not None
    assert live.ttl_attribute == "visits"


def test_a_definition_that_is_wrong(service: Service) -> None:
    """A table whose definition is wrong is told before anything is asked of DynamoDB."""
    indexed(service, 'ttl = "nam"')
    with pytest.raises(StartError, match=r"ttl is 'nam'.*did you mean 'name'"):
        service.binding()


@pytest.mark.once
@ON_ONE
def test_a_private_engine(service: Service) -> None:
    """With `dynamodb: embedded` a start creates tables and changes them in place, and says what it cannot change."""
    service.write("pym-config.yaml", "name: shop\ndynamodb: embedded\n")
    code = """
import logging
logging.basicConfig(level=logging.WARNING)
from pymacaron.cli.service import load_app
from pymacaron.cli.main import main
load_app()
raise SystemExit(main(["db", "plan", "--exit-code"]))
"""
    said = run(service, code)
    assert (said.returncode, said.stdout) == (0, "  customers (Customer): as the contract has it\n"), said
    indexed(service)
    said = run(service, code)
    assert (said.returncode, said.stdout) == (0, "  customers (Customer): as the contract has it\n"), said
    indexed(service, 'sort_key = "name"')
    said = run(service, code)
    assert said.returncode == 2, said
    assert "delete .pym/dynamodb to begin anew: ! key: id (S) -> id (S) + name (S)" in said.stderr


def run(service: Service, code: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the service's folder."""
    command = [sys.executable, "-c", code]
    environment = {**service.environment, "PYM_DYNAMODB_DATA": str(service.folder / "data")}
    return subprocess.run(
        command, cwd=service.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )


def test_looking_at_a_service_starts_nothing(tmp_path: Path) -> None:
    """`pym check` loads the service, and neither starts an engine for it nor creates tables."""
    service = Service(tmp_path, Config({"name": "shop", "dynamodb": "embedded"}))
    checked = service.process("check")
    assert (checked.status, data_folder(tmp_path).exists()) == (0, False), checked.err
