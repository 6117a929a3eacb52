"""The private engine of development: `pym run` with it, and any other process of the project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from engines import free_port
from pymacaron.config import Config, load_config
from pymacaron.plugins import ProcessesContext
from pymacaron_dynamodb import embedded
from pymacaron_dynamodb.database import Database
from pymacaron_dynamodb.embedded import ENDPOINT, VARIABLE, add_process, command, data_folder, url_of
from pymacaron_dynamodb.exceptions import DatabaseUnavailable, TableConfigError
from pymacaron_dynamodb.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 40.0

SERVER = """
    from flask import Flask
    from pymacaron import API, letsgo

    app = Flask(__name__)


    def start(port, debug):
        api = API(app, port=port, debug=debug)
        api.load_apis()
        api.start()


    letsgo(__name__, callback=start)
"""

CONTRACT = """
    openapi: 3.1.0
    info: {title: Shop, version: 0.1.0}
    servers: [{url: /v1}]
    paths:
      /orders/{name}:
        post:
          operationId: order
          parameters:
            - {name: name, in: path, required: true, schema: {type: string}}
          responses:
            "200":
              description: All orders so far
              content: {application/json: {schema: {type: array, items: {type: string}}}}
"""

HANDLERS = """
    from pymacaron_dynamodb.database import database
    from pymacaron_dynamodb.exceptions import DatabaseError

    TABLE = {
        "TableName": "orders",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


    def order(name):
        if not database().call("ListTables", {})["TableNames"]:
            database().call("CreateTable", TABLE)
        database().call("PutItem", {"TableName": "orders", "Item": {"id": {"S": name}}})
        return sorted(item["id"]["S"] for item in database().call("Scan", {"TableName": "orders"})["Items"])
"""

SCRIPT = """
    import sys
    sys.path.insert(0, ".")
    from handlers import order
    print(order(sys.argv[1]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a service with a private engine; no process of it may be left."""
    folder = tmp_path / "shop"
    files = {
        "server.py": SERVER,
        "handlers.py": HANDLERS,
        "script.py": SCRIPT,
        "apis/shop.yaml": CONTRACT,
        "pym-config.yaml": "name: shop\ndynamodb: embedded\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    yield folder
    wait_until(lambda: not processes(folder), lambda: f"{processes(folder)} are left")


def wait_until(done: Callable[[], object], what: Callable[[], str]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, f"not in time: {what()}"
        time.sleep(0.02)


def processes(folder: Path) -> list[int]:
    """Return the processes that have a folder as their working folder, but for this one."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and int(path.name) != os.getpid() and (path / "cwd").readlink() == folder:
                found.append(int(path.name))
        except OSError:
            continue
    return found


def engines(folder: Path) -> list[int]:
    """Return those of them that are, or wait to be, the engine."""
    return [pid for pid in processes(folder) if "pymacaron_dynamodb.engine" in arguments(pid)]


def arguments(pid: int) -> list[str]:
    """Return the command of a process; nothing where it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return variables for a process of the service."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYM_")}
    return {**kept, "PYM_CONTRACT_CACHE": str(folder / ".cache"), "PYTHONUNBUFFERED": "1", **more}


class Running:
    """`pym run` in a folder, with its output in a file."""

    def __init__(self, folder: Path, log: Path, **variables: str) -> None:
        self.port, self.log = free_port(), log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pymacaron.cli", "run", "--port", str(self.port)],
                cwd=folder,
                env=environment(folder, **variables),
                stdout=output,
                stderr=output,
            )

    def order(self, name: str) -> list[str]:
        """Ask the server for all orders and one more, as soon as it answers."""
        found: list[str] = []

        def ask() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                answer = requests.post(f"http://127.0.0.1:{self.port}/v1/orders/{name}", timeout=30)
            except requests.ConnectionError:
                return False
            assert answer.status_code == 200, f"{answer.text} {self.log.read_text()}"
            found.extend(answer.json())
            return True

        wait_until(ask, self.log.read_text)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and return its status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Running]:
    """Run a service until the block ends."""
    made = Running(folder, folder.parent / f"log-{time.monotonic_ns()}", **variables)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.stop()


@contextmanager
def script(folder: Path, name: str) -> Iterator[str]:
    """Run a script of the project which orders something, and keep it running; return what it said."""
    with subprocess.Popen(
        [sys.executable, "script.py", name],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.communicate("", timeout=PATIENCE)


@pytest.mark.once
def test_run(shop: Path) -> None:
    """`pym run` starts an engine, on loopback alone, and says so; its data is there again after a restart."""
    with running(shop) as run:
        assert run.order("tea") == ["tea"]
        assert "pym: DynamoDB is a private ministack" in run.log.read_text()
        assert "its data in .pym/dynamodb" in run.log.read_text()
        assert not (shop / ".pym/dynamodb").stat().st_mode & 0o077
        assert {address for pid in processes(shop) for address in listening(pid)} == {"127.0.0.1"}
        assert run.stop() == 0
    wait_until(lambda: not processes(shop), lambda: f"{processes(shop)} are left")
    with running(shop) as run:
        assert run.order("milk") == ["milk", "tea"]


def listening(pid: int) -> list[str]:
    """Return the addresses that a process listens on."""
    try:
        files = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []
    found = []
    for line in [*Path("/proc/net/tcp").read_text().splitlines()[1:], *_tcp6()]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in files:
            address = fields[1].partition(":")[0]
            octets = [str(octet) for octet in bytes.fromhex(address)[::-1]]
            found.append(".".join(octets) if len(octets) == 4 else address)
    return found


def _tcp6() -> list[str]:
    path = Path("/proc/net/tcp6")
    return path.read_text().splitlines()[1:] if path.exists() else []


@pytest.mark.once
def test_a_killed_run_leaves_nothing(shop: Path) -> None:
    """Even where `pym run` is killed, server and engine end, and the data is saved."""
    with running(shop) as run:
        run.order("tea")
        run.stop(signal.SIGKILL)
        wait_until(lambda: not processes(shop), lambda: f"{processes(shop)} are left")
    with script(shop, "milk") as said:
        assert said == "['milk', 'tea']"


@pytest.mark.once
def test_a_killed_engine_is_started_again(shop: Path) -> None:
    """An engine that is killed is started again by `pym run`; what was written a moment before is there."""
    with running(shop) as run:
        run.order("tea")
        state = shop / ".pym/dynamodb/dynamodb.json"
        wait_until(lambda: state.exists() and "tea" in state.read_text(), lambda: "it is saved")
        killed = engines(shop)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: set(engines(shop)) - set(killed), lambda: "another one runs")
        assert run.order("milk") == ["milk", "tea"]


@pytest.mark.once
def test_two_runs_of_a_project_share_the_engine(shop: Path) -> None:
    """The second one uses the engine of the first, and goes on with one of its own when the first ends."""
    with running(shop) as first, running(shop) as second:
        first.order("tea")
        assert second.order("milk") == ["milk", "tea"]
        assert first.stop() == 0
        assert second.order("bread") == ["bread", "milk", "tea"]


@pytest.mark.once
def test_scripts(shop: Path) -> None:
    """Scripts share an engine that nobody started for them; it ends, its data saved, when the last one has ended."""
    with script(shop, "tea") as first:
        assert first == "['tea']"
        with script(shop, "milk") as second:
            assert second == "['milk', 'tea']"
        assert len(engines(shop)) == 1
    wait_until(lambda: not processes(shop), lambda: f"{processes(shop)} are left")
    with script(shop, "bread") as third:
        assert third == "['bread', 'milk', 'tea']"


@pytest.mark.once
def test_only_development_has_a_private_engine(shop: Path) -> None:
    """Anywhere else `pym run` refuses to start."""
    with running(shop, PYM_ENV="prod") as run:
        assert run.process.wait(PATIENCE) == 2
    assert "dynamodb is 'embedded', and PYM_ENV is 'prod': a private engine is for 'dev'" in run.log.read_text()
    assert not (shop / ".pym").exists()


def test_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`pym run` is told of the engine where one is asked for; where it is not installed, what to install."""
    path = tmp_path / "pym-config.yaml"
    path.write_text("dynamodb: embedded\n")
    context = ProcessesContext(load_config(path), [])
    add_process(context)
    (process,) = context.processes
    assert (process.name, process.argv) == ("the database", command(tmp_path / ".pym/dynamodb"))
    assert not process.reload
    assert context.env == {VARIABLE: str(tmp_path / ".pym/dynamodb")}
    assert capsys.readouterr().err.endswith("its data in .pym/dynamodb\n")
    without = ProcessesContext(Config({}), [])
    add_process(without)
    assert (without.processes, without.env) == ([], {})
    monkeypatch.setattr(embedded, "_DISTRIBUTION", "no-such-engine")
    with pytest.raises(TableConfigError, match=r"pip install 'pymacaron-dynamodb\[embedded\]'"):
        add_process(context)


def test_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data is in the project, or where a variable says."""
    assert data_folder(tmp_path) == tmp_path / ".pym/dynamodb"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    assert data_folder(tmp_path) == tmp_path / "elsewhere"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Database]:
    """Return the database of a project with a private engine."""
    path = tmp_path / "pym-config.yaml"
    path.write_text("dynamodb: embedded\ndynamodb_max_attempts: 1\n")
    made = Database(read_settings(load_config(path)))
    yield made
    made.close()
    wait_until(lambda: not processes(tmp_path), lambda: f"{processes(tmp_path)} are left")


def test_in_process(project: Database, tmp_path: Path) -> None:
    """A database of this process starts an engine when it is first used, and no earlier; it ends with the use."""
    data = tmp_path / ".pym/dynamodb"
    assert not data.exists()
    assert project.call("ListTables", {})["TableNames"] == []
    assert project.connection.host == url_of(data)
    project.close()
    wait_until(lambda: url_of(data) is None, lambda: "it ended")


@pytest.mark.once
def test_an_engine_that_went_is_replaced(project: Database, tmp_path: Path) -> None:
    """One call fails when the engine was killed; the next one starts another engine."""
    project.call("ListTables", {})
    (pid,) = processes(tmp_path)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(DatabaseUnavailable):
        project.call("ListTables", {})
    assert project.call("ListTables", {})["TableNames"] == []


@pytest.mark.once
def test_a_stranger_on_its_port(project: Database, tmp_path: Path) -> None:
    """What listens on the port of an engine that is gone is told apart, and another port is taken."""
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as stranger:
        try:
            assert stranger.stdout
            port = stranger.stdout.readline().split(" port ")[1].split()[0]
            data = tmp_path / ".pym/dynamodb"
            data.mkdir(parents=True)
            (data / ENDPOINT).write_text(f"http://127.0.0.1:{port}\n")
            assert project.call("ListTables", {})["TableNames"] == []
            assert url_of(data) not in (None, f"http://127.0.0.1:{port}")
        finally:
            stranger.kill()


@pytest.mark.parametrize("text", ["{", '{"payload": {"__account_region_scoped__": true}}'])
def test_unreadable_data(project: Database, tmp_path: Path, text: str) -> None:
    """Data that cannot be read is left as it is, and named."""
    state = tmp_path / ".pym/dynamodb/dynamodb.json"
    state.parent.mkdir(parents=True)
    state.write_text(text)
    with pytest.raises(TableConfigError, match=f"does not start: .*{state} cannot be read by this ministack; mend it"):
        project.call("ListTables", {})
    assert state.read_text() == text


@pytest.mark.once
def test_all_data_is_kept(project: Database) -> None:
    """Keys and values of each type, indexes, and the settings of a table are there again after a restart."""
    keys = {"N": ("-3", "2", "10"), "S": ("-3", "10", "2"), "B": (b"\x00", b"\x01\xff", b"\xff")}
    more = {"l": {"L": [{"NULL": True}, {"BOOL": False}]}, "bs": {"BS": [b"\xff"]}, "e": {"S": ""}, "ttl": {"N": "9e9"}}
    for kind, values in keys.items():
        project.call("CreateTable", typed_table(kind))
        wanted = {"Enabled": True, "AttributeName": "ttl"}
        project.call("UpdateTimeToLive", {"TableName": f"table-{kind}", "TimeToLiveSpecification": wanted})
        for value in reversed(values):
            item = {"id": {"S": "a"}, "sort": {kind: value}, **more}
            project.call("PutItem", {"TableName": f"table-{kind}", "Item": item})
    before = [found_in(project, kind) for kind in keys]
    assert [[item["sort"][kind] for item in items] for kind, (items, *_) in zip(keys, before, strict=True)] == [
        list(values) for values in keys.values()
    ]
    project.close()
    assert [found_in(project, kind) for kind in keys] == before


def typed_table(kind: str) -> dict[str, Any]:
    """Return the definition of a table whose sort key has a type, with an index on that."""
    sort = {"AttributeName": "sort", "KeyType": "RANGE"}
    return {
        "TableName": f"table-{kind}",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "sort", "AttributeType": kind},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, sort],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-sort",
                "KeySchema": [{**sort, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }


def found_in(database: Database, kind: str) -> tuple[Any, ...]:
    """Return the items of a table, in order, those of its index, and how they expire."""
    table = {"TableName": f"table-{kind}"}
    condition = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "a"}}}
    return (
        database.call("Query", table | condition)["Items"],
        database.call("Scan", table | {"IndexName": "by-sort"})["Items"],
        database.call("DescribeTimeToLive", dict(table))["TimeToLiveDescription"],
    )


@pytest.mark.once
def test_many_at_once(tmp_path: Path) -> None:
    """Several that start at once share one engine."""
    code = (
        f"from pathlib import Path; from pymacaron_dynamodb.embedded import PrivateEngine; "
        f"print(PrivateEngine(Path({str(tmp_path)!r})).url, flush=True); input()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    urls = {process.stdout.readline() for process in started if process.stdout}
    for process in started:
        process.communicate(b"\n", timeout=PATIENCE)
    assert len(urls) == 1
    wait_until(lambda: not processes(tmp_path), lambda: f"{processes(tmp_path)} are left")
