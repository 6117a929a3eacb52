"""What calls exercise, as it is recorded."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask
from flask import Response as Answer
from hypothesis import given
from hypothesis import strategies as st

from coverage_cases import ZOO, call, zoo
from pymacaron_unit.contracts import Contracts, from_document
from pymacaron_unit.coverage import Recorder
from pymacaron_unit.coverage.items import inventory
from pymacaron_unit.coverage.report import cover
from pymacaron_unit.response import Response
from serving import PETS, answering, served

if TYPE_CHECKING:
    from pymacaron_unit.coverage.store import Exercised

JSON = {"Content-Type": "application/json"}


def exercised(*responses: Response, document: dict[str, Any] | None = None) -> Exercised:
    """Return what calls exercised of a contract."""
    contract = from_document("zoo", ZOO if document is None else document)
    recorder = Recorder(Contracts([contract]))
    for response in responses:
        recorder.record(response)
    return recorder.recording().contracts["zoo"]


def hits(method: str, url: str, *args: Any, **more: Any) -> set[str]:
    """Return the keys that one call exercised, its operation's name left out."""
    return {key.partition(" ")[2] or key for key in exercised(call(zoo(), method, url, *args, **more)).hits}


def of_request(url: str, **sent: Any) -> set[str]:
    """Return what the parameters of a call exercised, those that were left out aside."""
    return {key for key in hits("GET", url, **sent) if not key.endswith("left out") and key not in ("200", "list")}


def branches(body: Any, **more: Any) -> set[str]:
    """Return the branches that a request's JSON exercised."""
    return {key for key in exercised(call(zoo(), "POST", "/animals", 201, json=body, **more)).hits if "#" in key}


@pytest.mark.parametrize(
    ("url", "sent", "expected"),
    [
        ("/animals", {}, set()),
        ("/animals?tame=true", {}, {"query tame sent", "query tame = true"}),
        ("/animals?tame=no", {}, set()),
        ("/animals?kind=cat&kind=dog", {}, set()),
        ("/animals?kind=cat", {}, {"query kind sent", 'query kind = "cat"'}),
        ("/animals?kind=cow", {}, set()),
        ("/animals?tags=old&tags=new", {}, {"query tags sent", 'query tags has = "old"', 'query tags has = "new"'}),
        ("/animals?box[x]=1", {}, {"query box sent"}),
        ("/animals", {"headers": {"x-trace": "1"}}, {"header X-Trace sent"}),
        ("/animals", {"headers": {"X-Trace": b"\xff"}}, {"header X-Trace sent"}),
        ("/animals", {"cookies": {"visit": "3", "other": "x"}}, {"cookie visit sent"}),
        ("/animals", {"cookies": {"visit": "often"}}, set()),
    ],
)
def test_marks_parameters_that_can_be_read(url: str, sent: dict[str, Any], expected: set[str]) -> None:
    """A parameter counts as sent, with its value, where the contract allows that value."""
    assert of_request(url, **sent) == expected


def test_marks_what_is_left_out() -> None:
    """An optional parameter or body that does not come is left out; one that comes wrong is neither."""
    assert {key for key in hits("GET", "/animals?kind=cow") if "left out" in key} == {
        "query tags left out", "query box left out", "header X-Trace left out", "cookie visit left out",
    }  # fmt: skip
    assert "body left out" in hits("POST", "/animals", 201)
    assert "body left out" not in hits("POST", "/animals", 201, json={})


def test_marks_path_parameters() -> None:
    """A path parameter is sent by every call."""
    assert hits("GET", "/animals/a%20b", 404) == {"look", "path name sent", "404"}


def test_marks_the_answer() -> None:
    """The status, declared headers, the media type and what is in the body."""
    cat = [{"kind": "Cat", "id": 1, "lives": None}]
    found = hits("GET", "/animals", 200, json.dumps(cat).encode(), {**JSON, "x-count": "1", "X-Other": "2"})
    assert found >= {"list", "200", "200 header X-Count", "200 application/json", "200 application/json# not empty"}
    assert "200 header X-Other" not in found


@pytest.mark.parametrize(("status", "key"), [(200, "200"), (404, "4XX"), (503, "default")])
def test_marks_the_declaration_of_a_status(status: int, key: str) -> None:
    """A status counts for itself, else its range, else ``default``; only success exercises the operation."""
    found = hits("GET", "/animals", status)
    assert key in found
    assert ("list" in found) is (status == 200)


def test_lists_undeclared_statuses_and_strangers() -> None:
    """An answer that is not declared exercises no response; a call of no operation exercises nothing."""
    contract = zoo()
    recorder = Recorder(Contracts([contract]))
    recorder.record(call(contract, "POST", "/animals", 418))
    for _ in range(2):
        recorder.record(call(contract, "GET", "/nowhere?token=secret", 404))
    made = recorder.recording()
    assert made.contracts["zoo"].undeclared == {"add 418": 1}
    assert "add" not in made.contracts["zoo"].hits
    assert made.strangers == {"GET /nowhere": 2}


def test_marks_branches_of_bodies() -> None:
    """Alternatives, optional properties and arrays are marked all the way down."""
    assert branches({"kind": "Cat", "kittens": [{"kind": "Cat", "lives": 9, "kittens": []}]}) == {
        "Animal (request)#/oneOf/0 is Cat (alternative 1)",
        "Cat (request)#/properties/lives absent",
        "Cat (request)#/properties/lives present",
        "Cat (request)#/properties/lives not null",
        "Cat (request)#/properties/kittens present",
        "Cat (request)#/properties/kittens not empty",
        "Cat (request)#/properties/kittens empty",
    }


def test_marks_both_sides_of_if() -> None:
    """``then`` is walked where ``if`` holds."""
    sad = branches({"kind": "Dog", "mood": "sad"})
    assert sad >= {"Dog (request)#/if if holds", "Dog (request)#/then/properties/why absent"}
    glad = branches({"kind": "Dog", "mood": "glad"})
    assert "Dog (request)#/if if does not hold" in glad
    assert not any("why" in key for key in glad)


@pytest.mark.parametrize("body", [{"kind": "Cow"}, {"kind": "Cat", "lives": "many"}, [], None, 3])
def test_ignores_bodies_that_break_their_schema(body: Any) -> None:
    """A wrong body was sent in its media type, and exercises no branch."""
    assert branches(body) == set()


def test_marks_forms() -> None:
    """A form's fields are values of their types, a file among them."""
    response = call(zoo(), "POST", "/animals", 201, files={"photo": ("a.png", BytesIO(b"\xff"))}, data={"rank": "2"})
    found = {key.removeprefix("add body ") for key in exercised(response).hits}
    assert found >= {
        "multipart/form-data",
        "multipart/form-data#/properties/rank present",
        "multipart/form-data#/properties/rank/enum/1 = 2",
    }


def test_marks_form_parameters() -> None:
    """In Swagger 2.0 the fields of a form are parameters; a body sent without them leaves them out."""
    fields = [
        {"name": "file", "in": "formData", "type": "file"},
        {"name": "big", "in": "formData", "type": "boolean"},
    ]
    document = {
        "swagger": "2.0",
        "info": {"title": "x", "version": "1"},
        "paths": {"/a": {"post": {"operationId": "a", "consumes": ["multipart/form-data"], "parameters": fields,
                                  "responses": {"200": {"description": ""}}}}},
    }  # fmt: skip
    contract = from_document("zoo", document)
    whole = call(contract, "POST", "/a", files={"file": BytesIO(b"x")}, data={"big": "true"})
    assert set(exercised(whole, document=document).hits) == {
        "a", "a 200", "a form file sent", "a form big sent", "a form big = true", "a body multipart/form-data",
    }  # fmt: skip
    empty = exercised(call(contract, "POST", "/a"), document=document).hits
    assert {"a form file left out", "a form big left out", "a body left out"} <= set(empty)


def test_every_mark_is_an_item() -> None:
    """What is recorded has the name under which it is listed; what answers produce is listed in Swagger 2.0 alone."""
    items = set(inventory(zoo()).items)
    cat = {"kind": "Cat", "lives": None, "kittens": [{"kind": "Cat"}]}
    found = exercised(
        call(zoo(), "GET", "/animals?tame=true&kind=dog&tags=old", 200, json.dumps([cat]).encode(), JSON),
        call(zoo(), "POST", "/animals", 201, json={"kind": "Dog", "mood": None}),
        call(zoo(), "POST", "/animals", 201, files={"photo": BytesIO(b"")}, data={"rank": "1"}),
        call(zoo(), "GET", "/animals/x", 404),
    )
    assert {key for key in found.hits if not key.startswith("list produces ")} <= items


def test_records_calls_of_a_real_service() -> None:
    """Calls through a channel to a server are recorded as they come."""
    with answering(PETS, checked=False) as (answers, channel):
        assert channel.contracts is not None
        recorder = Recorder(channel.contracts)
        channel.listeners.append(recorder.record)
        answers.give({"id": 1, "name": "Rex"}, 201, X_Left="3")
        channel.send(channel.make("POST", "/v1/pets?dry_run=false", {"name": "Rex", "chip": "x"}))
        channel.send(channel.make("GET", "/v1/none"))
    (found,) = cover([recorder.recording()], channel.contracts).contracts
    hit = {f"{item.owner}: {item.label}" for item in found.inventory.items.values() if found.hits(item)}
    assert hit == {
        "createPet: answers with success", "createPet: query dry_run sent", "createPet: query dry_run = false",
        "createPet: header X-Trace-Id left out", "createPet: body application/json", "createPet: answers 201",
        "createPet: 201 header X-Left", "createPet: 201 application/json", "Pet (request): chip present",
        "Pet (request): owner absent", "Pet (request): born absent", "Pet (response): owner absent",
        "Pet (response): born absent",
    }  # fmt: skip


def test_leaves_streams_alone() -> None:
    """A body that nobody has read yet stays for who asked for it, sent or received."""
    app = Flask("stream")
    app.add_url_rule("/animals", "list", lambda: Answer(iter([b"[", b"]"]), mimetype="application/json"))
    app.add_url_rule("/animals", "add", lambda: ("", 201), methods=["POST"])
    recorder = Recorder(Contracts([zoo()]))
    with served(app) as url, requests.Session() as session:
        answer = session.get(f"{url}/animals", stream=True)
        recorder.record(Response(answer))
        assert b"".join(answer.iter_content(1)) == b"[]"
        recorder.record(Response(session.post(f"{url}/animals", data=iter([b"{}"]), headers=JSON)))
    found = recorder.recording().contracts["zoo"].hits
    assert {"list 200 application/json", "add body application/json", "add 201"} <= set(found)
    assert not any("#" in key for key in found)


def test_counts_calls_of_many_threads() -> None:
    """No call of any thread is lost."""
    contract = zoo()
    recorder = Recorder(Contracts([contract]))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: recorder.record(call(contract, "GET", "/animals?tame=true")), range(400)))
    assert recorder.recording().contracts["zoo"].hits["list query tame = true"] == 400


JUNK = [b"[" * 5000, b'"\\ud800"', b"1e999", b"9" * 5000, b"NaN"]
TYPES = ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "\xff", ";", ""]


@given(
    query=st.text(max_size=60),
    sent=st.binary(max_size=200),
    content=st.one_of(st.binary(max_size=200), st.sampled_from(JUNK)),
    types=st.tuples(st.sampled_from(TYPES), st.sampled_from(TYPES)),
    cookie=st.text(max_size=30),
    status=st.integers(100, 999),
)  # fmt: skip
def test_survives_junk(query: str, sent: bytes, content: bytes, types: Any, cookie: str, status: int) -> None:
    """Whatever is sent and answered, recording it raises nothing."""
    contract = zoo()
    recorder = Recorder(Contracts([contract]))
    for method, url in (("GET", "/animals"), ("POST", "/animals"), ("GET", "/animals/x"), ("PUT", "/animals")):
        response = call(contract, method, url, status, content, {"Content-Type": types[1]}, data=sent)
        response.request.headers["Content-Type"] = types[0]
        response.request.headers["Cookie"] = cookie
        response.request.headers.update({"X-Trace": sent})  # type: ignore[dict-item]  # requests lets bytes through
        response.request.url = f"http://127.0.0.1{url}?{query}&tags=%ff&tame=%00&visit={'9' * 5000}"
        recorder.record(response)
    recorder.record(Response(response.answer))
