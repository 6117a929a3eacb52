"""Functions, signals and error handlers that are registered on the app run through the lane as they do in Flask."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import flask
import pytest
from flask import abort, after_this_request, current_app, g, jsonify, redirect, request
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from lane_pair import GET, POST, Request, Stage, assert_same, nothing, send
from lane_pair import request as ask
from pymacaron.exceptions import PyMacaronException

SIGNALS = (
    "request_started",
    "request_finished",
    "got_request_exception",
    "request_tearing_down",
    "appcontext_pushed",
    "appcontext_popped",
    "appcontext_tearing_down",
)


def hook(stage: Stage, *names: str) -> None:
    """Register a function that writes down its calls under each of some decorators of an app."""
    for name in names:
        for number in (1, 2):

            def noted(*args: Any, name: str = name, number: int = number) -> Any:
                stage.note(name, number, [a.status if isinstance(a, flask.Response) else repr(a) for a in args])
                return args[0] if name == "after_request" else None

            getattr(stage.app, name)(noted)


ALL = ("before_request", "after_request", "teardown_request", "teardown_appcontext", "url_value_preprocessor")


@pytest.mark.parametrize("name", [*ALL, None])
def test_each_kind_of_function_runs(name: str | None) -> None:
    """Functions of one kind, and of all kinds, run in Flask's order with Flask's arguments."""
    names = [name] if name else ALL
    seen, log = assert_same(
        lambda stage: hook(stage, *names), GET, POST, ask("GET", "/none"), taken=[True, True, False]
    )
    assert [status for status, _, _ in seen] == ["200 OK", "201 CREATED", "404 NOT FOUND"]
    assert len(log) == 3 * 2 * (1 if name else len(ALL))


@pytest.mark.parametrize("failing", [*ALL, "handler"])
def test_each_kind_of_function_may_fail(failing: str) -> None:
    """What fails is answered, and told to the functions that run at the end, as in Flask."""

    def setup(stage: Stage) -> None:
        hook(stage, *ALL)

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError(failing)

        if failing == "handler":
            stage.handlers["fetch"] = fail
        else:
            getattr(stage.app, failing)(fail)

    seen, log = assert_same(setup, GET, POST)
    assert log
    assert failing.startswith("teardown") == (seen[0][0] == "ZeroDivisionError")


def test_a_before_request_function_may_answer() -> None:
    """What it returns is the response; the handler does not run."""

    def setup(stage: Stage) -> None:
        hook(stage, "after_request", "teardown_request")
        stage.app.before_request(lambda: ("stop", 418, {"X-Why": "tea"}) if request.endpoint == "shop:fetch" else None)
        stage.handlers["fetch"] = stage.noting("never")

    seen, log = assert_same(setup, GET, POST)
    assert seen[0][0] == "418 I'M A TEAPOT"
    assert "never" not in log


def test_an_after_request_function_may_answer_anew() -> None:
    """It may change the response or return another one."""

    def setup(stage: Stage) -> None:
        def stamp(response: flask.Response) -> flask.Response:
            response.headers["X-Stamp"] = f"{g.user} {response.content_length}"
            return response

        stage.app.before_request(lambda: setattr(g, "user", "bob"))
        stage.app.after_request(stamp)
        stage.app.after_request(lambda response: response if request.method == "GET" else jsonify(new=True))

    seen, _ = assert_same(setup, GET, POST)
    assert ("X-Stamp", "bob 10") in seen[0][1]


def test_after_this_request_runs_for_this_request() -> None:
    """A handler asks for a function to run on its own response only."""

    def setup(stage: Stage) -> None:
        def fetch(id: str) -> dict[str, str]:
            if id == "5":

                @after_this_request
                def stamp(response: flask.Response) -> flask.Response:
                    response.set_cookie("seen", id)
                    return response

            return {"id": id}

        stage.handlers["fetch"] = fetch

    seen, _ = assert_same(setup, GET, ask("GET", "/v1/orders/6"))
    assert ("Set-Cookie", "seen=5; Path=/") in seen[0][1]
    assert len(seen[1][1]) == 2


@pytest.mark.parametrize("names", [*[(name,) for name in SIGNALS], SIGNALS])
@pytest.mark.parametrize("fails", [False, True])
def test_signals_are_sent(names: tuple[str, ...], fails: bool) -> None:
    """Receivers hear what they would hear of Flask, in the same order."""

    def setup(stage: Stage) -> None:
        if fails:
            stage.handlers["fetch"] = lambda id: 1 / 0
            stage.app.config["PROPAGATE_EXCEPTIONS"] = True
            stage.app.error_handler_spec.clear()

    def act(stage: Stage) -> Any:
        with ExitStack() as stack:
            for name in names:

                def heard(sender: Any, name: str = name, **more: Any) -> None:
                    here = flask.has_request_context()
                    stage.note(name, sender is stage.app, sorted(more), repr(more.get("exc")), here)

                stack.enter_context(getattr(flask, name).connected_to(heard, stage.app))
            return send(stage.app.test_client(), GET, ask("GET", "/none"))

    def after(stage: Stage) -> None:
        if fails:
            stage.app.error_handler_spec.clear()

    _, log = assert_same(setup, act=act, after=after, taken=[True, False])
    assert bool(log) == (fails or names != ("got_request_exception",))


def test_a_url_value_preprocessor_may_change_the_arguments() -> None:
    """What it takes out of the arguments the handler does not get; what it changes, it gets changed."""

    def setup(stage: Stage) -> None:
        def change(endpoint: str | None, values: dict[str, Any] | None) -> None:
            stage.note(endpoint, dict(values or {}))
            if values and endpoint == "shop:line":
                g.id = values.pop("p0")
            elif values and endpoint == "shop:fetch":
                values["p0"] = f"<{values['p0']}>"
            elif values and endpoint == "shop:report":
                values["more"] = "unknown"

        stage.app.url_value_preprocessor(change)
        stage.handlers["line"] = lambda line_no, id=None: [g.id, id, line_no]

    requests = [GET, ask("GET", "/v1/orders/5/lines/7"), ask("GET", "/v1/reports/a.txt")]
    seen, _ = assert_same(setup, *requests)
    assert seen[0][2] == '{"id":"<5>"}'


def test_a_before_request_function_may_lead_elsewhere() -> None:
    """Who changes the request's rule, or gives it a routing error, changes what runs."""

    def setup(stage: Stage) -> None:
        stage.app.add_url_rule("/elsewhere/<p0>", "elsewhere", lambda p0: f"elsewhere {p0}")

        def lead() -> None:
            if request.args.get("to") == "rule":
                request.url_rule = next(current_app.url_map.iter_rules("elsewhere"))
            elif request.args.get("to") == "error":
                request.routing_exception = NotFound("lost")

        stage.app.before_request(lead)

    seen, _ = assert_same(setup, GET, ask("GET", "/v1/orders/5?to=rule"), ask("GET", "/v1/orders/5?to=error"))
    assert [status for status, _, _ in seen] == ["200 OK", "200 OK", "404 NOT FOUND"]
    assert seen[1][2] == "elsewhere 5"


class Odd(Exception):
    """An error of a service's own."""


class Odder(Odd):
    """A kind of it."""


ERRORS: dict[str, BaseException] = {
    "odd": Odd("odd"),
    "odder": Odder("odder"),
    "zero": ZeroDivisionError("zero"),
    "forbidden": Forbidden("no"),
    "own": PyMacaronException("own"),
    "key": KeyError("key"),
}


def raising(stage: Stage) -> None:
    """Let a handler raise what the path names."""

    def fetch(id: str) -> Any:
        if id == "abort":
            abort(409, description="conflict")
        if id == "teapot":
            abort(flask.Response("tea", 418))
        if id == "redirect":
            abort(redirect("/elsewhere"))
        if id == "badkey":
            return request.form["missing"]
        raise ERRORS[id]

    stage.handlers["fetch"] = fetch


NAMES = [*ERRORS, "abort", "teapot", "redirect", "badkey"]
REQUESTS: list[Request] = [ask("GET", f"/v1/orders/{name}") for name in NAMES]


def by_class(stage: Stage) -> None:
    """Register handlers by class."""
    stage.app.register_error_handler(Odd, lambda e: (f"odd {e!r}", 400))
    stage.app.register_error_handler(ZeroDivisionError, lambda e: {"zero": str(e)})


def by_code(stage: Stage) -> None:
    """Register handlers by code."""
    stage.app.register_error_handler(403, lambda e: ("by code", 403))
    stage.app.register_error_handler(409, lambda e: (f"by code {e.description}", 409))
    stage.app.register_error_handler(500, lambda e: (f"500 {e.original_exception!r}", 500))


def of_http(stage: Stage) -> None:
    """Register a handler of all HTTP errors, and one that fails."""
    stage.app.register_error_handler(HTTPException, lambda e: (f"http {e.code}", e.code))
    stage.app.register_error_handler(Odd, lambda e: str(1 / 0))


def without_ours(stage: Stage) -> None:
    """Take away the handler that answers everything else."""
    del stage.app.error_handler_spec[None][None]


FLAGS: list[dict[str, Any]] = [
    {},
    {"PROPAGATE_EXCEPTIONS": True},
    {"PROPAGATE_EXCEPTIONS": False, "TESTING": True},
    {"TESTING": True},
    {"DEBUG": True},
    {"TRAP_HTTP_EXCEPTIONS": True},
    {"TRAP_BAD_REQUEST_ERRORS": True},
]


@pytest.mark.parametrize("after", [nothing, without_ours])
@pytest.mark.parametrize("register", [nothing, by_class, by_code, of_http])
@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_errors_are_handled(register: Any, after: Any, flags: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Handlers by class and by code answer; what nobody handles is logged, or goes on to the server."""

    def setup(stage: Stage) -> None:
        caplog.clear()
        stage.app.config.update(flags)
        raising(stage)
        hook(stage, "after_request", "teardown_request", "teardown_appcontext")
        register(stage)

    def act(stage: Stage) -> Any:
        made = send(stage.app.test_client(), *REQUESTS)
        return made, [record.getMessage() for record in caplog.records if record.name == "app"]

    seen, log = assert_same(setup, act=act, after=after)
    assert len(seen[0]) == len(NAMES)
    assert log


def by_our_class(stage: Stage) -> None:
    """Register a handler of PyMacaron's own errors."""
    stage.app.register_error_handler(PyMacaronException, lambda e: (f"ours {e.code}", 400))


def by_method(stage: Stage) -> None:
    """Replace the method that looks for a handler."""
    handle = stage.app.handle_user_exception

    def handled(error: Exception) -> Any:
        stage.note("handled", str(error))
        return handle(error)

    stage.app.handle_user_exception = handled  # type: ignore[method-assign,assignment]  # what is tested


@pytest.mark.parametrize("register", [nothing, by_our_class, by_method])
def test_errors_are_answered_alike_where_nothing_else_is_registered(register: Any) -> None:
    """An error of PyMacaron's is answered in the same words and headers, or by the app's own handler."""

    def setup(stage: Stage) -> None:
        raising(stage)
        register(stage)

    bodies: list[Any] = [{}, {"id": "x"}, []]

    def act(stage: Stage) -> Any:
        faulty = [ask("POST", "/v1/orders", json=body) for body in bodies]
        return send(stage.app.test_client(), *REQUESTS, *faulty, ask("POST", "/v1/orders", data="id=1"))

    seen, _ = assert_same(setup, act=act)
    assert len(seen) == len(NAMES) + 4


class Stop(BaseException):
    """What stops a process, such as KeyboardInterrupt."""


def test_what_is_no_exception_goes_through() -> None:
    """An interrupt comes out of the app; functions at the end are told."""

    def setup(stage: Stage) -> None:
        def stop(id: str) -> Any:
            raise Stop

        stage.handlers["fetch"] = stop
        hook(stage, *ALL)

    def act(stage: Stage) -> Any:
        with pytest.raises(Stop):
            stage.app.test_client().open(**GET)
        return flask.has_request_context(), flask.has_app_context()

    assert_same(setup, act=act)


def test_async_functions_run() -> None:
    """Handlers, hooks, error handlers and receivers may be coroutine functions."""

    def setup(stage: Stage) -> None:
        async def fetch(id: str) -> dict[str, str]:
            await asyncio.sleep(0)
            if id == "odd":
                raise Odd
            return {"id": id, "path": request.path, "user": g.user}

        async def before() -> None:
            g.user = "bob"

        async def after(response: flask.Response) -> flask.Response:
            response.headers["X-Async"] = "yes"
            return response

        async def handle(error: Odd) -> tuple[str, int]:
            return "odd", 409

        async def teardown(error: BaseException | None) -> None:
            stage.note("teardown", repr(error))

        stage.handlers["fetch"] = fetch
        stage.app.before_request(before)
        stage.app.after_request(after)
        stage.app.teardown_request(teardown)
        stage.app.register_error_handler(Odd, handle)

    seen, log = assert_same(setup, GET, ask("GET", "/v1/orders/odd"))
    assert seen[0][2] == '{"id":"5","path":"/v1/orders/5","user":"bob"}'
    assert len(log) == 2
