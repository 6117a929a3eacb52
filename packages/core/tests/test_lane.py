"""The contract lane serves what Flask would serve, and nobody can tell."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask import Flask, g
from werkzeug.routing import Map, Rule
from werkzeug.test import Client, create_environ

from lane_pair import GET, POST, Stage, assert_same, nothing, send, telling
from lane_pair import request as ask
from pymacaron.flaskapp import lane_switch
from pymacaron.flaskapp.lane import Lane

PLAIN = [
    GET,
    POST,
    ask("DELETE", "/v1/orders/5"),
    ask("GET", "/v1/orders/5/lines/7"),
    ask("GET", "/v1/orders/5?a=1&a=2&b=%C3%A9"),
    ask("GET", "/v1/orders/%C3%A9%20%2B+x"),
    ask("GET", "/v1/orders/%FF%FE"),
    ask("GET", "/v1/orders/a%0Ab"),
    ask("GET", "/v1/orders/..;x=1"),
    ask("GET", "/v1/reports/a.b.txt", headers={"Accept": "text/plain"}),
    ask("PUT", "/v1/free"),
    ask("GET", "/v1/free", headers={"Accept": "text/html"}),
    ask("POST", "/v1/orders", json={"id": "1", "items": [{"qty": "x"}]}),
    ask("POST", "/v1/orders", data="x", content_type="text/plain"),
    ask("POST", "/v1/orders", data="{", content_type="application/json"),
    ask("POST", "/v1/orders"),
    ask("GET", "/ping"),
    ask("GET", "/auth/version"),
]


@pytest.mark.parametrize("one", PLAIN, ids=lambda one: f"{one['method']} {one['path']}")
def test_operations_are_served(one: dict[str, Any]) -> None:
    """Requests to operations, good and bad, take the lane."""
    seen, _ = assert_same(telling, one)
    assert seen[0][0]


OTHERS = [
    ask("HEAD", "/v1/orders/5"),
    ask("OPTIONS", "/v1/orders/5"),
    ask("OPTIONS", "/v1/free"),
    ask("PATCH", "/v1/orders/5"),
    ask("get", "/v1/orders/5"),
    ask("GET", "/v1/orders"),
    ask("GET", "/v1/orders/"),
    ask("GET", "/v1/orders/5/"),
    ask("GET", "/v1//orders/5"),
    ask("GET", "//v1/orders/5"),
    ask("GET", "/v1/orders/a%2Fb"),
    ask("GET", "/V1/orders/5"),
    ask("GET", "/nowhere"),
    ask("GET", "/"),
    ask("GET", "/v1/orders/5", headers={"Connection": "Upgrade", "Upgrade": "websocket"}),
    ask("GET", "/v1/orders/5", headers={"Host": "a..b"}),
    ask("GET", "/v1/orders/5", headers={"Host": "[::1]:80"}),
    ask("GET", "/v1/orders/5", headers={"Host": ""}),
]


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: f"{one['method']} {one['path']} {one.get('headers', '')}")
def test_all_else_is_flasks(one: dict[str, Any]) -> None:
    """What is no operation, or only Flask knows how to answer, falls through."""
    assert_same(telling, one, taken=False)


def test_methods_in_small_letters_are_flasks() -> None:
    """Flask writes methods in capitals, which servers do too; the lane leaves others to it."""

    def act(stage: Stage) -> Any:
        environ = create_environ("/v1/orders/5", method="GET")
        environ["REQUEST_METHOD"] = "get"
        return Client(stage.app).run_wsgi_app(environ)[1]

    assert_same(nothing, act=act, taken=False)


@pytest.mark.parametrize("taken", [True, False])
def test_the_lane_tells_what_it_takes(taken: bool) -> None:
    """``Lane.takes`` answers for a WSGI environment."""
    stage = Stage(True, Flask("app"))
    stage.prepare({})
    lane = stage.app.wsgi_app
    assert isinstance(lane, Lane)
    assert lane.takes(create_environ("/v1/orders/5" if taken else "/v1/none")) is taken


def add_rules(app: Flask) -> None:
    """Add routes of a service's own, some in the way of operations."""
    app.add_url_rule("/v1/orders/<int:number>", "numbered", lambda number: f"numbered {number}")
    app.add_url_rule("/v1/orders/latest", "latest", lambda: "latest", methods=["GET", "DELETE"])
    app.add_url_rule("/v1/free", "free", lambda: "mine", methods=["PUT"])
    pages = flask.Blueprint("pages", __name__, url_prefix="/v1/reports")
    pages.add_url_rule("/<path:name>", "page", lambda name: f"page {name}")
    pages.before_request(lambda: g.setdefault("pages", 1) and None)
    pages.after_request(lambda response: flask.make_response(response.get_data() + b"!"))
    app.register_blueprint(pages)


@pytest.mark.parametrize("early", [True, False])
def test_routes_of_a_service_keep_their_right_of_way(early: bool) -> None:
    """A route or blueprint that Flask would choose wins, whether it was there before the contract or not."""
    seen, _ = assert_same(
        (lambda stage: add_rules(stage.app)) if early else nothing,
        GET,
        ask("GET", "/v1/orders/x"),
        ask("GET", "/v1/orders/latest"),
        ask("DELETE", "/v1/orders/5"),
        ask("DELETE", "/v1/orders/latest"),
        ask("PUT", "/v1/free"),
        ask("GET", "/v1/free"),
        ask("GET", "/v1/reports/a.txt"),
        POST,
        after=nothing if early else lambda stage: add_rules(stage.app),
        taken=[False, False, False, True, False, False, True, False, True],
    )
    assert [body for _, _, body in seen[:3]] == ["numbered 5", '{"id":"x"}', "latest"]


def test_rules_may_be_added_while_serving() -> None:
    """A rule that is added to the map after the first request counts from the next one on."""

    def act(stage: Stage) -> Any:
        client = stage.app.test_client()
        made = send(client, GET)
        stage.app.url_map.add(Rule("/v1/orders/<int:n>", endpoint="late"))
        stage.app.view_functions["late"] = lambda n: f"late {n}"
        made += send(client, GET)
        stage.app.url_map = Map([Rule("/v1/orders/5", endpoint="late", defaults={"n": 7})])
        return made + send(client, GET)

    seen, _ = assert_same(nothing, act=act, taken=[True, False, False])
    assert [body for _, _, body in seen] == ['{"id":"5"}', "late 5", "late 7"]


def test_setting_up_ends_with_the_first_request() -> None:
    """Registration after the first request fails as in Flask."""

    def act(stage: Stage) -> Any:
        send(stage.app.test_client(), GET)
        with pytest.raises(AssertionError, match="before_request"):
            stage.app.before_request(stage.noting("late"))
        return send(stage.app.test_client(), GET)

    assert_same(nothing, act=act)


def test_views_may_be_replaced() -> None:
    """What stands in ``app.view_functions`` is what runs."""

    def after(stage: Stage) -> None:
        view = stage.app.view_functions["shop:fetch"]

        def wrapped(**values: str) -> Any:
            stage.note("before", values)
            response = view(**values)
            stage.note("after", type(response).__name__)
            return response

        stage.app.view_functions["shop:fetch"] = wrapped

    _, log = assert_same(nothing, GET, after=after)
    assert log == [("before", {"p0": "5"}), ("after", "Response")]


@pytest.mark.parametrize(
    "step", ["dispatch_request", "full_dispatch_request", "process_response", "do_teardown_request", "ensure_sync"]
)
@pytest.mark.parametrize("how", ["subclass", "instance", "late"])
def test_steps_of_an_apps_own_run(step: str, how: str) -> None:
    """An app that brings its own step of Flask's dispatch has all requests go through it."""

    def replace(stage: Stage, owner: Any) -> None:
        original = getattr(owner, step)

        def own(*args: Any, **kwargs: Any) -> Any:
            stage.note(step)
            return original(*args, **kwargs)

        setattr(owner, step, own)

    def setup(stage: Stage) -> None:
        if how == "subclass":
            stage.app.__class__ = type("App", (Flask,), {})
            replace(stage, type(stage.app))
        elif how == "instance":
            replace(stage, stage.app)

    after = (lambda stage: replace(stage, stage.app)) if how == "late" else nothing
    _, log = assert_same(setup, GET, POST, after=after, taken=(step, how) == ("full_dispatch_request", "late"))
    assert log


CONFIGS: list[tuple[dict[str, Any], bool]] = [
    ({"SERVER_NAME": "shop.example"}, not flask.Flask.default_config.get("TRUSTED_HOSTS", 1)),
    ({"APPLICATION_ROOT": "/root", "PREFERRED_URL_SCHEME": "https"}, True),
    ({"EXPLAIN_TEMPLATE_LOADING": True, "JSON_SORT_KEYS": False}, True),
]


@pytest.mark.parametrize(("values", "taken"), CONFIGS, ids=str)
def test_configuration_counts(values: dict[str, Any], taken: bool) -> None:
    """What the app's configuration says of requests holds in the lane."""
    assert_same(telling, GET, after=lambda stage: stage.app.config.update(values), taken=taken)


@pytest.mark.parametrize("hosts", [["localhost"], ["other.example"]])
def test_trusted_hosts_are_flasks_to_check(hosts: list[str]) -> None:
    """Where hosts are trusted by name, Flask decides."""
    assert_same(telling, GET, after=lambda stage: stage.app.config.update(TRUSTED_HOSTS=hosts), taken=False)


def test_subdomains_are_flasks_to_match() -> None:
    """An app that matches subdomains has all requests go through Flask."""

    def after(stage: Stage) -> None:
        stage.app.subdomain_matching = True
        stage.app.config["SERVER_NAME"] = "localhost"

    assert_same(telling, GET, after=after, taken=False)


def test_strict_slashes_may_be_off() -> None:
    """``url_map.strict_slashes = False`` is obeyed."""

    def setup(stage: Stage) -> None:
        stage.app.url_map.strict_slashes = False

    seen, _ = assert_same(setup, GET, ask("GET", "/v1/orders/5/"), taken=[True, False])
    assert [status for status, _, _ in seen] == ["200 OK", "200 OK"]


def test_unknown_versions_of_flask_switch_the_lane_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a Flask whose dispatch is not known, all is Flask's, and a warning says so."""
    monkeypatch.setattr(lane_switch, "version", lambda name: "9.0.1")
    stage = Stage(True, Flask("app"))
    stage.prepare({})
    assert send(stage.app.test_client(), GET)[0][0] == "200 OK"
    assert stage.contexts == [False]
    assert "the contract lane is off: it knows Flask 3.0 and 3.1, this is 9.0.1" in caplog.text
