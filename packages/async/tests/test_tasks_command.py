"""``pym tasks``, as it is typed."""

from __future__ import annotations

import json
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pymacaron.cli.main import main
from pymacaron_async.runtime import Runtime, set_runtime
from pymacaron_async.store import DeadLetter, Progress, State
from redis_server import free_port
from workers import open_runtime, pym, ran, running, wait_until, write_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pymacaron_async.message import Message

pytestmark = pytest.mark.once

SCHEDULES = """

from pymacaron_async import schedule


@schedule(cron="0 3 * * mon-fri", timezone="Europe/Paris", missed="latest", name="nightly")
@schedule(every=3600)
@asynctask
def report():
    note("report")


@asynctask
def login(user, password):
    if not (FOLDER / "mended").exists():
        raise ValueError("no such user: " + user)
    note("login")
"""


class Said(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The words of its lines."""
        return [line.split() for line in self.out.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Path:
    """Return the folder of a service."""
    write_service(tmp_path, redis_url)
    with (tmp_path / "handlers.py").open("a") as file:
        file.write(SCHEDULES)
    return tmp_path


@pytest.fixture
def runtime(shop: Path) -> Runtime:
    """Return its runtime."""
    return open_runtime(shop)


@pytest.fixture
def handlers(runtime: Runtime) -> Any:
    """Return its tasks."""
    return import_module("handlers")


@pytest.fixture
def tasks(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command of ``pym tasks``."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        status = main(["tasks", *arguments])
        return Said(status, *capsys.readouterr())

    return run


def begin(runtime: Runtime, message: Message) -> None:
    """Let a worker begin a task."""
    runtime.store.begin(message, "a lease", 30, "worker-1@host")


def die(runtime: Runtime, message: Message, died: float | None = None) -> None:
    """Let a task fail for the last time."""
    begin(runtime, message)
    error = {"type": "ValueError", "message": "no such\nuser", "trace": "Traceback:\n  line 1\nValueError: no"}
    runtime.store.bury(DeadLetter(message, error, died or time.time()))
    runtime.store.finish(message, "a lease", State.FAILED, error=error)


def test_nothing_goes_on(tasks: Callable[..., Said]) -> None:
    """Where nothing goes on, each queue of the service is there with zeros."""
    said = tasks()
    assert (said.status, said.err) == (0, "")
    assert said.rows[2:] == [
        ["QUEUE", "WAITING", "OLDEST", "RUNNING", "LATER", "DEAD"],
        ["mail", "0", "-", "0", "0", "0"],
        ["shop", "0", "-", "0", "0", "0"],
    ]


def test_overview(tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """What waits, runs, is due later and died is counted by queue; what runs has its progress."""
    handlers.mail.delay("letter")
    handlers.ship.apply_async(("tea",), delay=3000)
    message = handlers.sleep.message(("nap", 5), {})
    begin(runtime, message)
    runtime.store.report(message.id, Progress(3, 10, "naps"))
    die(runtime, handlers.login.message(("ann", "xyzzy"), {}))

    said = tasks()
    assert said.rows[3][:2] == ["mail", "1"]
    assert said.rows[4] == ["shop", "0", "-", "1", "1", "1"]
    assert "[######..............]  30% 3/10 naps" in said.out
    assert "1 dead: pym tasks dead list" in said.out

    found = tasks("--json").json
    assert set(found) == {
        "service", "broker", "time", "queues", "running", "later", "later_total", "dead_total",
    }  # fmt: skip
    mail, shop = found["queues"]
    assert 0 <= mail.pop("oldest_seconds") < 30
    assert mail == {"queue": "mail", "waiting": 1, "running": 0, "later": 0, "dead": 0}
    assert shop == {"queue": "shop", "waiting": 0, "oldest_seconds": None, "running": 1, "later": 1, "dead": 1}
    (row,) = found["running"]
    assert 0 <= row.pop("seconds") < 30
    assert row == {
        "id": message.id,
        "name": "handlers.sleep",
        "queue": "shop",
        "attempt": 1,
        "progress": {"done": 3, "total": 10, "message": "naps"},
        "worker": "worker-1@host",
        "args": "'nap', 5",
    }
    assert found["later"][0]["due_in"] == pytest.approx(3000, abs=30)


def test_one_queue(tasks: Callable[..., Said], handlers: Any) -> None:
    """One queue can be asked for alone, also one that no task names."""
    handlers.mail.delay("letter")
    handlers.ship.apply_async(("tea",), queue="odd")
    assert [row["queue"] for row in tasks("--json", "--queue", "mail").json["queues"]] == ["mail"]
    (row,) = tasks("-q", "odd", "--json").json["queues"]
    assert (row["queue"], row["waiting"]) == ("odd", 1)


def test_show(tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """One task is shown with all that is known of it, its secrets masked."""
    message = handlers.login.message((), {"user": "ann", "password": "xyzzy"})
    die(runtime, message)
    for command in (("show",), ("dead", "show")):
        said = tasks(*command, message.id)
        assert said.status == 0
        assert "state:     failed, among the dead" in said.out
        assert "arguments: user='ann', password=***" in said.out
        assert "error:     ValueError: no such user\n\nTraceback:\n  line 1\n" in said.out
        assert "xyzzy" not in said.out + tasks(*command, message.id, "--json").out
    assert tasks("show", message.id, "--json").json["error"]["type"] == "ValueError"


@pytest.mark.parametrize("command", [("show",), ("cancel",), ("dead", "show")])
def test_no_such_task(tasks: Callable[..., Said], command: tuple[str, ...]) -> None:
    """A task that nobody knows is an error of one line."""
    said = tasks(*command, "nobody")
    assert (said.status, said.out) == (1, "")
    assert "'nobody'" in said.err
    assert said.err.count("\n") == 1


def test_cancel(tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """A task that waits is cancelled and known as such; one that has ended is not."""
    queued = handlers.ship.delay("tea")
    said = tasks("cancel", queued.id)
    assert (said.status, said.out) == (0, f"{queued.id} is cancelled\n")
    found = tasks("show", queued.id, "--json").json
    assert (found["name"], found["state"], found["args"]) == ("handlers.ship", "cancelled", "'tea'")
    assert tasks("cancel", queued.id, "--json").json["cancelled"] is False

    message = handlers.ship.message(("coffee",), {})
    begin(runtime, message)
    assert "it is interrupted" in tasks("cancel", message.id).out
    runtime.store.finish(message, "a lease", State.SUCCEEDED)
    said = tasks("cancel", message.id)
    assert (said.status, said.err) == (1, f"{message.id} is not cancelled: it has ended, succeeded\n")


def test_later(tasks: Callable[..., Said], handlers: Any) -> None:
    """Tasks that wait for their time are listed by that, the next first."""
    assert tasks("later").out == "no task waits for its time\n"
    second = handlers.ship.apply_async(("tea",), delay=7250)
    first = handlers.ship.apply_async(("coffee",), delay=3650)
    rows = tasks("later").out.splitlines()
    assert [row.split()[0] for row in rows[1:]] == [first.id, second.id]
    assert "1 h" in rows[1]
    assert [row["id"] for row in tasks("later", "--json").json] == [first.id, second.id]


def test_schedules(tasks: Callable[..., Said], runtime: Runtime) -> None:
    """Schedules are listed with their rules, the last tick and the next one."""
    runtime.store.start_schedule("handlers.report", 1_800_000_000)
    found = {row["name"]: row for row in tasks("schedules", "--json").json}
    assert found.keys() == {"nightly", "handlers.report"}
    assert (found["nightly"]["rule"], found["nightly"]["missed"], found["nightly"]["last"]) == (
        "0 3 * * mon-fri (Europe/Paris)",
        "latest",
        None,
    )
    assert 0 < found["handlers.report"]["next"] - time.time() <= 3600
    assert "every 1:00:00" in tasks("schedules").out
    assert "2027-01-15 08:00:00Z" in tasks("schedules").out


def test_dead_list(tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """The dead are listed, the last first, with why they died."""
    assert tasks("dead").out == "no task is dead\n"
    ids = []
    for number in range(3):
        message = handlers.login.message((f"user {number}", "xyzzy"), {})
        die(runtime, message, time.time() - number)
        ids.append(message.id)
    message = handlers.ship.message(("tea",), {})
    die(runtime, message, time.time() - 60)
    assert [row["id"] for row in tasks("dead", "list", "--json").json] == [*ids, message.id]
    said = tasks("dead", "list", "--limit", "2")
    assert [row[0] for row in said.rows[1:-1]] == ids[:2]
    assert "ValueError: no such user" in said.out
    assert "… and 2 more: --limit 4" in said.out
    assert [row["id"] for row in tasks("dead", "list", "--name", "handlers.ship", "--json").json] == [message.id]
    assert tasks("dead", "list", "--name", "handlers.mail").out == "none of the 4 dead is of handlers.mail\n"


def test_dead_retry_and_drop(tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """Some of the dead are run again or forgotten; each is told of, and the status is 1 where one was not there."""
    first, second, third = (handlers.ship.message((name,), {}) for name in ("tea", "coffee", "milk"))
    for message in (first, second, third):
        die(runtime, message)
    said = tasks("dead", "retry", first.id, "nobody")
    assert said == (1, f"{first.id} handlers.ship: sent anew\n", "nobody: not among the dead\n")
    said = tasks("dead", "drop", second.id, "--json")
    assert (said.status, said.json) == (0, [{"id": second.id, "name": "handlers.ship", "outcome": "dropped"}])
    assert tasks("--json").json["queues"][1]["waiting"] == 1
    assert tasks("dead", "retry", "--all", "--yes", "--json").json[0]["id"] == third.id
    assert runtime.store.count_dead() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either ids or --all"),
        (("id", "--all"), "give either ids or --all"),
        (("id", "--name", "x"), "--name goes with --all"),
    ],
)
@pytest.mark.parametrize("command", ["retry", "drop"])
def test_misuse(tasks: Callable[..., Said], command: str, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be meant is refused with status 2."""
    said = tasks("dead", command, *arguments)
    assert said.status == 2
    assert message in said.err


def test_all_is_asked_for(shop: Path, runtime: Runtime, handlers: Any) -> None:
    """All of the dead are only sent or dropped when somebody agrees."""
    for name in ("tea", "coffee"):
        die(runtime, handlers.ship.message((name,), {}))
    said = pym(shop, "tasks", "dead", "drop", "--all")
    assert said.returncode == 130
    assert "forget 2 dead tasks for ever? [y/N]" in said.stderr
    assert runtime.store.count_dead() == 2
    said = pym(shop, "tasks", "dead", "drop", "--all", "--yes", "--name", "handlers.ship")
    assert said.returncode == 0
    assert runtime.store.count_dead() == 0


def test_a_failing_task_is_mended(shop: Path, tasks: Callable[..., Said], runtime: Runtime, handlers: Any) -> None:
    """A task that died for a fault of the code runs when that is mended and it is sent anew."""
    with running(shop) as worker:
        queued = handlers.login.delay("ann", "xyzzy")
        worker.wait_for(runtime.store.count_dead, "it died")
        assert "no such user: ann" in tasks("dead", "show", queued.id).out
        (shop / "ran" / "mended").touch()
        assert tasks("dead", "retry", queued.id).status == 0
        worker.wait_for(lambda: ran(shop, "login"), "it ran")
        wait_until(lambda: tasks("show", queued.id, "--json").json["state"] == "succeeded", lambda: "it succeeded")
    assert tasks("dead").out == "no task is dead\n"


def test_watch(shop: Path, handlers: Any) -> None:
    """Into a pipe the view is printed anew each time; as JSON, each is a line."""
    handlers.mail.delay("letter")
    with running(shop, "tasks", "--watch", "--every", "0.1", "--json") as watched:
        watched.wait_for(lambda: watched.said.count("\n") > 4, "some looks")
    looks = [json.loads(line) for line in watched.said.splitlines() if line.startswith("{")]
    assert len(looks) > 1
    assert all(look["queues"][0]["waiting"] == 1 for look in looks)


def test_no_broker(shop: Path, tasks: Callable[..., Said]) -> None:
    """Without a broker there is nothing to see, and what to do about it is said."""
    set_runtime(None)
    config = shop / "pym-config.yaml"
    config.write_text("".join(line for line in config.read_text().splitlines(True) if "broker" not in line))
    said = tasks()
    assert said.status == 2
    assert "this service has no broker" in said.err


def test_redis_is_away(shop: Path, tasks: Callable[..., Said]) -> None:
    """A store that does not answer is an error of one line."""
    set_runtime(None)
    config = shop / "pym-config.yaml"
    config.write_text(
        config.read_text().replace("celery_broker_url: ", f"celery_broker_url: redis://localhost:{free_port()}/0 # ")
    )
    for command in ((), ("later",), ("dead",), ("show", "x"), ("schedules",)):
        said = tasks(*command)
        assert (said.status, said.out) == (1, "")
        assert "does not answer" in said.err
        assert said.err.count("\n") == 1


def test_code_that_cannot_be_loaded(shop: Path, tasks: Callable[..., Said]) -> None:
    """A service whose code is broken can be looked at: only the names of its other queues are not known."""
    (shop / "server.py").write_text("import nowhere\n")
    said = tasks("--json")
    assert [row["queue"] for row in said.json["queues"]] == ["shop"]
    assert "only the queue 'shop' is known" in said.err
    assert "nowhere" in said.err


def test_outside_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no service, that is said."""
    monkeypatch.chdir(tmp_path)
    assert main(["tasks"]) == 2
    assert "there is no pym-config.yaml" in capsys.readouterr().err
