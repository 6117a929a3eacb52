"""A run of the contract tests: its exit status, what it prints and writes, its time, and its seeds."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import requests
from flask import Flask, Response, abort, jsonify, request

from pymacaron_unit.contract_tests import run
from pymacaron_unit.contract_tests.sending import read_until
from pymacaron_unit.targets import UrlTarget
from serving import json_of, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.once

ITEM = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 8}},
}
IDENTITY = {"name": "item_id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z]+$"}}
CONTRACT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Items", "version": "1"},
    "paths": {
        "/items": {
            "post": {
                "operationId": "createItem",
                "requestBody": {**json_of(ITEM), "required": True},
                "responses": {"201": json_of(ITEM)},
            },
            "get": {"operationId": "listItems", "responses": {"200": json_of({"type": "array", "items": ITEM})}},
        },
        "/items/{item_id}": {
            "parameters": [IDENTITY],
            "get": {"operationId": "getItem", "responses": {"200": json_of(ITEM)}},
        },
    },
}


def items_app(names: list[str] | None = None, delay: float = 0.0) -> Flask:
    """Make an app that keeps its contract where ``names`` is None; else it takes any name, and keeps what came."""
    app = Flask("items")

    @app.post("/items")
    def create() -> tuple[Any, int]:
        time.sleep(delay)
        body = request.get_json()
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(name, str) or set(body) != {"name"} or (names is None and not 1 <= len(name) <= 8):
            abort(400)
        if names is not None:
            names.append(name)
        return jsonify(name=name[:8] or "x"), 201

    @app.get("/items")
    def listed() -> Any:
        time.sleep(delay)
        return jsonify([{"name": "a"}])

    @app.get("/items/<item_id>")
    def get(item_id: str) -> Any:
        if item_id != "known":
            abort(404)
        return jsonify(name="known")

    return app


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """Write the contract of the items."""
    file = tmp_path / "items.json"
    file.write_text(json.dumps(CONTRACT))
    return file


def go(app: Flask, contract: Path, **options: Any) -> tuple[int, list[str]]:
    """Run the contract tests on an app; return the exit status and the lines."""
    lines: list[str] = []
    with served(app) as url, UrlTarget(url, [contract]) as target:
        status = run(target, **{"seconds": 120, "seed": 3, "examples": 20, "echo": lines.append, **options})
    return status, lines


def test_a_service_that_keeps_its_contract_passes(contract: Path) -> None:
    """The exit status is 0, every operation is named as it is tested, and how to repeat it is told."""
    status, lines = go(items_app(), contract)
    assert status == 0
    assert all(any(path in line for line in lines) for path in ("POST   /items", "GET    /items/{item_id}"))
    assert lines[-1].endswith("0 failures; repeat it with --seed 3")


def test_failures_are_told_and_written(contract: Path, tmp_path: Path) -> None:
    """The exit status is 1; a failure has its place, its call and its test; JUnit's XML and the tests are written."""
    junit, tests = tmp_path / "junit.xml", tmp_path / "test_found.py"
    status, lines = go(items_app([]), contract, junit=junit, regression_file=tests)
    text = "\n".join(lines)
    assert status == 1
    assert "invalid_accepted: createItem (POST /items), body /name maxLength" in text
    assert "contract: items.json:1:" in text
    assert "repeat it with: curl -i -X POST" in text
    assert "def test_createitem_invalid_accepted_body_name_maxlength(api):" in text
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert set(cases) == {"createItem", "listItems", "getItem"}
    assert {failure.get("type") for failure in cases["createItem"]} == {"invalid_accepted"}
    assert not list(cases["listItems"])
    names = [each.name for each in ast.parse(tests.read_text()).body if isinstance(each, ast.FunctionDef)]
    assert "test_createitem_invalid_accepted_body_name_maxlength" in names


def test_the_same_seed_sends_the_same(contract: Path) -> None:
    """Two runs of one seed send the same requests in the same order; those of another send others."""
    sent: list[list[str]] = [[], [], []]
    for names, seed in zip(sent, (5, 5, 6), strict=True):
        go(items_app(names), contract, seed=seed, operations=["createItem"])
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_only_the_operations_that_are_named(contract: Path) -> None:
    """Other operations are not called; a name that nobody has is told, with the closest one."""
    names: list[str] = []
    status, lines = go(items_app(names), contract, operations=["listItems"])
    assert (status, names) == (0, [])
    status, lines = go(items_app(), contract, operations=["listItem"])
    assert (status, lines) == (
        2,
        ["the contract tests cannot run: no contract has an operation 'listItem'; did you mean 'listItems'?"],
    )


def test_the_time_is_kept(contract: Path) -> None:
    """A slow service and a great many examples are stopped by the time; what was sent is far from all."""
    names: list[str] = []
    status, _ = go(items_app(names, delay=0.05), contract, seconds=2, examples=100_000)
    assert status in (0, 1)
    assert 0 < len(names) < 100


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_an_answer_that_never_ends_does_not_hold_the_run(kind: str) -> None:
    """Its body is read until its time is over: then it is a fault, unless it is a stream of events."""
    app = Flask("endless")

    def pieces() -> Iterator[bytes]:
        while True:
            yield b"data"
            time.sleep(0.01)

    app.add_url_rule("/", "endless", lambda: Response(pieces(), content_type=kind))
    with served(app) as url, requests.Session() as session:
        answer = session.get(url, stream=True, timeout=10)
        if kind == "application/json":
            with pytest.raises(requests.ReadTimeout, match=r"its body did not end; [0-9]+ bytes came"):
                read_until(answer, time.monotonic() + 0.2)
        else:
            read_until(answer, time.monotonic() + 0.2)
            assert answer.content.startswith(b"datadata")


def test_an_answer_that_breaks_off_is_an_error() -> None:
    """A body that is shorter than its Content-Length says is no answer."""
    app = Flask("short")
    app.add_url_rule("/", "short", lambda: Response(iter([b"1"]), headers={"Content-Length": "5"}))
    with served(app) as url, requests.Session() as session:
        answer = session.get(url, stream=True, timeout=10)
        with pytest.raises(requests.ConnectionError):
            read_until(answer, time.monotonic() + 5)


def test_seeds_give_texts_of_own_formats(tmp_path: Path) -> None:
    """Texts of a format that only the service knows are taken from the seeds."""
    amount = {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "string", "format": "euro"}}}
    document = {
        **CONTRACT,
        "paths": {
            "/amounts": {
                "post": {
                    "operationId": "pay",
                    "requestBody": {**json_of(amount), "required": True},
                    "responses": {"200": json_of({"type": "object"})},
                }
            }
        },
    }
    contract = tmp_path / "amounts.json"
    contract.write_text(json.dumps(document))
    app = Flask("amounts")
    paid: list[Any] = []

    @app.post("/amounts")
    def pay() -> Any:
        body = request.get_json()
        if not isinstance(body, dict) or body.get("sum") != "1.25":
            abort(400)
        paid.append(body)
        return {}

    go(app, contract)
    assert paid == []
    (tmp_path / "contract_seed.py").write_text("formats = {'euro': ['1.25']}\n")
    status, lines = go(app, contract)
    assert status == 0
    assert len(paid) > 1
    assert not [line for line in lines if line.startswith("note")]


def test_seeds_give_what_exists(contract: Path, tmp_path: Path) -> None:
    """A function of contract_seed.py gives the parameter of its name; its api reaches the service."""
    status, lines = go(items_app(), contract)
    assert "note: never answered with success: getItem; give values that exist in contract_seed.py" in lines
    (tmp_path / "contract_seed.py").write_text("def item_id(api):\n    return api.get('/items/known').json()['name']\n")
    status, lines = go(items_app(), contract)
    assert status == 0
    assert not [line for line in lines if line.startswith("note")]


def test_bodies_get_seeds_of_their_own(contract: Path, tmp_path: Path) -> None:
    """A function for a body is called for each valid body; what is wrong on purpose is left as it is."""
    (tmp_path / "contract_seed.py").write_text(
        "made = []\ndef createItem__body(api):\n    made.append(1)\n    return {'name': f's{len(made)}'}\n"
    )
    names: list[str] = []
    go(items_app(names), contract, operations=["createItem"])
    seeded = [name for name in names if name.startswith("s") and name[1:].isdecimal()]
    assert len(seeded) > 3
    assert len(set(seeded)) == len(seeded)
    assert any(len(name) > 8 for name in names)


def test_a_token_that_nobody_declared_is_told(contract: Path) -> None:
    """An operation that answers 401 to what its contract lets everybody do is a failure."""
    app = items_app()
    app.view_functions["listed"] = lambda: ("", 401)
    status, lines = go(app, contract, operations=["listItems"])
    assert status == 1
    assert any("token_refused: listItems (GET /items)" in line for line in lines)


def test_declared_links_are_followed(tmp_path: Path) -> None:
    """What an OpenAPI link leads to must be there, and its regression test takes the value out of the answer again."""
    room = {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}
    link = {"first": {"operationId": "getRoom", "parameters": {"room_no": "$response.body#/0/number"}}}
    identity = {"name": "room_no", "in": "path", "required": True, "schema": {"type": "integer"}}
    document = {
        **CONTRACT,
        "paths": {
            "/rooms": {
                "get": {
                    "operationId": "listRooms",
                    "responses": {"200": json_of({"type": "array", "items": room}, links=link)},
                }
            },
            "/room/{room_no}": {
                "get": {"operationId": "getRoom", "parameters": [identity], "responses": {"200": json_of(room)}}
            },
        },
    }
    contract = tmp_path / "rooms.json"
    contract.write_text(json.dumps(document))
    app = Flask("rooms")
    app.add_url_rule("/rooms", "rooms", lambda: jsonify([{"number": 731}]))
    app.add_url_rule("/room/<int(signed=True):number>", "room", lambda number: abort(404))
    status, lines = go(app, contract)
    assert status == 1
    (told,) = [line for line in lines if "resource_unavailable: getRoom (GET /room/{room_no})" in line]
    assert "> GET http://127.0.0.1:" in told
    assert "made = api.get('/rooms')" in told
    assert "answer = api.get(f\"/room/{made.json()[0]['number']}\", check=False)" in told


def test_seeds_that_fail_are_told(contract: Path, tmp_path: Path) -> None:
    """A function that fails stops the run, and is named."""
    (tmp_path / "contract_seed.py").write_text("def getItem__item_id(api):\n    raise KeyError('gone')\n")
    status, lines = go(items_app(), contract)
    assert status == 2
    assert "stopped: contract_seed.py: getItem__item_id(api) failed: KeyError: 'gone'" in lines


def test_what_nobody_serves_cannot_be_tested(contract: Path) -> None:
    """The exit status is 2 where nothing answers, where there is no contract, and for an unknown class of alarms."""
    lines: list[str] = []
    with served(items_app()) as url:
        pass
    assert run(UrlTarget(url, [contract]), seconds=30, echo=lines.append) == 2
    assert lines[-2].startswith(f"stopped: nothing answers at {url}: ")
    with served(items_app()) as url:
        assert run(UrlTarget(url), seconds=30, echo=lines.append) == 2
    assert "give its contract with --contract-file FILE" in lines[-1]
    assert run(UrlTarget(url, [contract]), enable=["noise"], echo=lines.append) == 2
    assert "'noise' is no class of false alarms; there are: undeclared_refusals" in lines[-1]


def test_false_alarms_can_be_switched_on(contract: Path) -> None:
    """A refusal that the contract does not declare is told only where its class is enabled."""
    status, lines = go(items_app(), contract, operations=["getItem"], enable=["undeclared_refusals"])
    assert status == 1
    assert any("undeclared_status: getItem (GET /items/{item_id}), 404" in line for line in lines)


def test_schemathesis_is_imported_by_a_run_alone() -> None:
    """Importing the package does not import Schemathesis; without it a run says in one line what to install."""
    script = (
        "import sys, importlib.util\n"
        "from pymacaron_unit.contract_tests import run\n"
        "assert 'schemathesis' not in sys.modules and 'hypothesis' not in sys.modules\n"
        "found = importlib.util.find_spec\n"
        "import pymacaron_unit.contract_tests as package\n"
        "package.find_spec = lambda name: None if name == 'schemathesis' else found(name)\n"
        "sys.exit(run(None))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    told = "the contract tests need schemathesis: pip install pymacaron-unit[fuzz]\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, told, "")


def test_pym_test_contract(contract: Path, tmp_path: Path) -> None:
    """The command passes the exit status on, and leaves nothing in the working folder."""
    command = [sys.executable, "-m", "pymacaron.cli", "test", "--contract", "--contract-file", str(contract)]
    environment = {**os.environ, "PYM_CONTRACT_CACHE": str(tmp_path / "cache")}
    (tmp_path / "empty").mkdir()
    with served(items_app()) as url:
        done = subprocess.run(
            [*command, "--target", url, "--time", "3", "--seed", "1"],
            cwd=tmp_path / "empty",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "0 failures; repeat it with --seed 1" in done.stdout
    assert list((tmp_path / "empty").iterdir()) == []
