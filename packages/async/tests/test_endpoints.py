"""``/tasks/<id>``: what a client sees of its task, and what nobody else sees."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from flask import Flask, request

from pymacaron.auth import Principal, get_userid, set_principal
from pymacaron.exceptions import BindError
from pymacaron_async import Cancelled, task
from pymacaron_async.endpoints import LONGEST_WAIT
from pymacaron_async.exceptions import TaskTimedOut
from pymacaron_async.execution import describe
from pymacaron_async.store import State
from services import Service, bearer, json_of, openapi, serve

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key", "x-pym-verify": "handlers.user_of_key"},
}


def contract(*security: dict[str, Any], path: str = "/reports") -> dict[str, Any]:
    """Write a contract with an asynchronous operation."""
    made = {
        "operationId": "report",
        "x-pym-async": True,
        "responses": {"200": json_of({"type": "object"})},
        "security": list(security),
    }
    return openapi({path: {"post": made}}, components={"securitySchemes": SCHEMES})


def user_of_key(key: str) -> str | None:
    """Tell whose key it is."""
    return key.removeprefix("key of ") if key.startswith("key of ") else None


def nothing() -> Any:
    """Return an empty result."""
    return {}


def make(redis_url: str, *security: dict[str, Any], report: Callable[[], Any] = nothing, **options: Any) -> Service:
    """Make a service with one asynchronous operation."""
    return serve(redis_url, contract(*security), {"report": report, "user_of_key": user_of_key}, **options)


def without_id(answer: Any) -> Any:
    """Return status and body of an error, without what is another one each time."""
    return answer.status_code, {name: value for name, value in answer.json.items() if name != "error_id"}


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("is_done", [False, True])
def test_another_users_task_is_not_there(redis_url: str, method: str, is_done: bool) -> None:
    """To others it looks like an id that never was; to its owner it is there."""
    service = make(redis_url, {"bearer": []})
    url = service.client.post("/reports", headers=bearer("alice")).headers["Location"]
    if is_done:
        service.work()
    unknown = without_id(getattr(service.client, method)(f"/tasks/{uuid4()}", headers=bearer("bob")))
    assert unknown[0] == 404
    assert unknown[1]["error"] == "NO_SUCH_TASK"
    for headers in (bearer("bob"), {}):
        assert without_id(getattr(service.client, method)(url, headers=headers)) == unknown
        assert without_id(service.client.get(f"{url}/result", headers=headers)) == unknown
    assert service.client.get(url, headers=bearer("alice")).status_code == 200


def test_a_wrong_credential_is_refused_whatever_the_id(redis_url: str) -> None:
    """It tells nothing of which ids there are."""
    service = make(redis_url, {"bearer": []})
    url = service.client.post("/reports", headers=bearer("alice")).headers["Location"]
    wrong = {"Authorization": "Bearer none"}
    known, unknown = (without_id(service.client.get(each, headers=wrong)) for each in (url, f"/tasks/{uuid4()}"))
    assert known == unknown
    assert (known[0], known[1]["error"]) == (401, "TOKEN_INVALID")
    expired = service.client.get(url, headers=bearer("alice", expire_in=-60))
    assert expired.json["error"] == "TOKEN_EXPIRED"


def test_users_are_known_as_the_operation_knows_them(redis_url: str) -> None:
    """By its own schemes, such as an API key; a scope that the operation wants is not asked for again."""
    service = make(redis_url, {"key": []}, {"bearer": ["none"]})
    url = service.client.post("/reports", headers={"X-Key": "key of alice"}).headers["Location"]
    assert service.client.get(url, headers={"X-Key": "key of alice"}).status_code == 200
    assert service.client.get(url, headers={"X-Key": "key of bob"}).status_code == 404
    assert service.client.get(url, headers={"X-Key": "stolen"}).status_code == 401
    assert service.client.get(url, headers=bearer("alice")).status_code == 200


def test_users_that_a_decorator_knows(redis_url: str) -> None:
    """What ``x-decorate-server`` finds out of who calls is asked of whoever looks as well."""

    def by_tenant(handler: Any) -> Any:
        def decorated(*args: Any, **kwargs: Any) -> Any:
            set_principal(Principal(request.headers["X-Tenant"]))
            return handler(*args, **kwargs)

        return decorated

    document = contract()
    document["paths"]["/reports"]["post"]["x-decorate-server"] = "handlers.by_tenant"
    service = serve(redis_url, document, {"report": lambda: {"user": get_userid()}, "by_tenant": by_tenant})
    url = service.client.post("/reports", headers={"X-Tenant": "red"}).headers["Location"]
    service.work()
    assert service.client.get(url, headers={"X-Tenant": "red"}).json["result"] == {"user": "red"}
    assert service.client.get(url, headers={"X-Tenant": "blue"}).status_code == 404


def test_users_that_the_app_knows(redis_url: str) -> None:
    """A function before each request may have found out who calls."""
    app = Flask("app")

    @app.before_request
    def know() -> None:
        if "X-User" in request.headers:
            set_principal(Principal(request.headers["X-User"]))

    service = make(redis_url, app=app)
    url = service.client.post("/reports", headers={"X-User": "alice"}).headers["Location"]
    assert service.client.get(url, headers={"X-User": "alice"}).status_code == 200
    for headers in ({"X-User": "bob"}, {}):
        assert service.client.get(url, headers=headers).status_code == 404


def test_a_task_that_nobody_owns(redis_url: str) -> None:
    """Whoever has its id sees it."""
    service = make(redis_url, report=lambda: {"user": get_userid()})
    url = service.client.post("/reports").headers["Location"]
    service.work()
    assert service.client.get(url).json["result"] == {"user": None}
    assert service.client.get(url, headers=bearer("alice")).status_code == 200


SOME_ID = "0d3b4a52-5e0a-4e3e-8a37-d5e1bd6ee1d5"


@pytest.mark.parametrize(
    "id", ["1", "*", "../etc", SOME_ID.upper(), SOME_ID.replace("-", ""), f"{{{SOME_ID}}}", "x" * 5000], ids=range(7)
)
def test_what_is_no_id_never_reaches_the_store(redis_url: str, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused like an id that never was."""
    service = make(redis_url)
    monkeypatch.setattr(service.runtime, "store", None)
    answer = service.client.get(f"/tasks/{id.replace('/', '%2F')}")
    assert answer.json["error"] == ("NO_SUCH_ENDPOINT" if "/" in id else "NO_SUCH_TASK")


def test_an_expired_task(redis_url: str) -> None:
    """What is no longer kept is not there."""
    service = make(redis_url, config={"async_keep": 0.2})
    url = service.client.post("/reports").headers["Location"]
    assert service.client.get(url).status_code == 200
    time.sleep(0.4)
    assert service.client.get(url).json["error"] == "NO_SUCH_TASK"


def test_cancelling_a_task_that_waits(redis_url: str) -> None:
    """It never runs; cancelling it again changes nothing."""
    ran: list[int] = []
    service = make(redis_url, report=lambda: ran.append(1))
    url = service.client.post("/reports").headers["Location"]
    assert service.client.delete(url).status_code == 204
    assert service.client.delete(url).status_code == 204
    assert (service.work(), ran) == ([State.CANCELLED], [])
    assert service.client.get(url).json["state"] == "cancelled"
    gone = service.client.get(f"{url}/result")
    assert (gone.status_code, gone.json["error"]) == (410, "TASK_CANCELLED")


def test_cancelling_a_task_that_runs(redis_url: str) -> None:
    """It is interrupted where it next tells its progress."""
    told: list[int] = []

    def report() -> Any:
        task.progress(1, 3)
        told.append(service.client.delete(url).status_code)
        try:
            task.progress(2, 3)
        except Cancelled:
            told.append(0)
            raise
        return {}

    service = make(redis_url, report=report)
    url = service.client.post("/reports").headers["Location"]
    assert service.work() == [State.CANCELLED]
    assert told == [202, 0]
    assert service.client.get(url).json["state"] == "cancelled"


def test_cancelling_a_task_that_has_ended(redis_url: str) -> None:
    """It cannot be; the answer says how it ended."""
    service = make(redis_url)
    url = service.client.post("/reports").headers["Location"]
    service.work()
    answer = service.client.delete(url)
    assert (answer.status_code, answer.json["error"]) == (409, "TASK_ENDED")
    assert "it succeeded" in answer.json["error_description"]


def test_waiting_for_the_end(redis_url: str) -> None:
    """``?wait=`` answers as soon as the task has ended."""
    service = make(redis_url, report=lambda: {"a": 1})
    url = service.client.post("/reports").headers["Location"]
    with ThreadPoolExecutor(2) as pool:
        waits = [pool.submit(service.app.test_client().get, f"{url}{more}?wait=20") for more in ("", "/result")]
        time.sleep(0.2)
        assert not any(wait.done() for wait in waits)
        service.work()
        shown, result = (wait.result(10) for wait in waits)
    assert shown.json is not None
    assert (shown.json["state"], result.status_code, result.json) == ("succeeded", 200, {"a": 1})


def test_waiting_in_vain(redis_url: str) -> None:
    """After that time the task is shown as it is."""
    service = make(redis_url)
    url = service.client.post("/reports").headers["Location"]
    assert service.client.get(f"{url}?wait=0.3").json["state"] == "queued"


def test_few_requests_wait_at_once(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered at once, so that the server keeps threads for its work."""
    monkeypatch.setattr("pymacaron_async.endpoints.MOST_WAITING", 1)
    service = make(redis_url)
    url = service.client.post("/reports").headers["Location"]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.app.test_client().get, f"{url}?wait=20")
        time.sleep(0.3)
        assert service.client.get(f"{url}?wait=20").json["state"] == "queued"
        assert not first.done()
        service.work()
        assert first.result(10).status_code == 200


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", str(LONGEST_WAIT + 1)])
def test_a_wait_that_is_none(redis_url: str, wait: str) -> None:
    """It is refused as any parameter would be."""
    service = make(redis_url)
    answer = service.client.get(f"{service.client.post('/reports').headers['Location']}?wait={wait}")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (400, "/wait")


@pytest.mark.parametrize("error_format", ["pymacaron", "problem"])
@pytest.mark.parametrize(("error", "expected"), [
    (describe(TaskTimedOut("it ran 4 s")), (504, "TASK_TIMED_OUT")),
    ({"type": "WorkersLost", "message": "secret"}, (500, "SERVER_ERROR")),
    ({"type": "OutOfTea", "message": "no tea", "status": 409, "code": "OUT_OF_TEA"}, (409, "OUT_OF_TEA")),
    (None, (500, "SERVER_ERROR")),
])  # fmt: skip
def test_a_task_whose_worker_is_gone(redis_url: str, error_format: str, error: Any, expected: Any) -> None:
    """It has no answer of its own: the API's error format tells what is known, and the task's id is the error's."""
    service = make(redis_url, config={"error_format": error_format})
    started = service.client.post("/reports")
    ((message, _),) = service.queue.sent
    service.store.begin(message, "lease", 30, "worker")
    service.store.finish(message, "lease", State.FAILED, error=error)
    shown = service.client.get(started.headers["Location"]).json
    told = shown["error"]
    code, id = (told["code"], told["instance"]) if error_format == "problem" else (told["error"], told["error_id"])
    assert ((told["status"], code), id.removeprefix("urn:uuid:")) == (expected, shown["id"])
    assert "secret" not in str(told)
    bare = service.client.get(f"{started.headers['Location']}/result")
    assert (bare.status_code, bare.json) == (expected[0], told)


def test_a_mounted_service(redis_url: str) -> None:
    """``Location`` leads back to the task where the app is mounted below a path."""
    service = make(redis_url)
    answer = service.client.post("/reports", base_url="https://example.com/shop")
    assert answer.headers["Location"].startswith("/shop/tasks/")
    service.work()
    path = answer.headers["Location"].removeprefix("/shop")
    shown = service.client.get(path, base_url="https://example.com/shop").json
    assert shown["result_url"] == f"/shop{path}/result"


def test_a_service_that_has_tasks_of_its_own(redis_url: str) -> None:
    """The start says so; ``async_tasks_path`` makes room."""
    app = Flask("app")
    app.add_url_rule("/tasks/<number>", "own", lambda number: number)
    with pytest.raises(BindError, match=r"has a route /tasks/\{id\} of its own.*set async_tasks_path"):
        make(redis_url, app=app)
    again = Flask("again")
    again.add_url_rule("/tasks/<number>", "own", lambda number: number)
    service = make(redis_url, app=again, config={"async_tasks_path": "/jobs"})
    answer = service.client.post("/reports")
    assert answer.headers["Location"].startswith("/jobs/")
    assert service.client.get(answer.headers["Location"]).status_code == 200
    assert service.client.get("/tasks/7").text == "7"


def test_a_service_without_asynchronous_operations(redis_url: str) -> None:
    """It has no /tasks."""
    document = openapi({"/a": {"get": {"operationId": "report", "responses": {"200": json_of({})}}}})
    service = serve(redis_url, document, {"report": dict})
    assert service.client.get("/a").status_code == 200
    assert service.client.get(f"/tasks/{uuid4()}").json["error"] == "NO_SUCH_ENDPOINT"


def test_nothing_is_cached(redis_url: str) -> None:
    """A task changes: no cache on the way answers for it."""
    service = make(redis_url)
    url = service.client.post("/reports").headers["Location"]
    service.work()
    assert {service.client.get(each).headers["Cache-Control"] for each in (url, f"{url}/result")} == {"no-store"}
