"""Conditional requests: entity tags, 304, 412 and 428."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask, Response, g
from werkzeug.serving import make_server

from differences import differs
from proxy import proxy
from pymacaron import API, apipool
from pymacaron.exceptions import BindError
from pymacaron_dynamodb import StaleWrite, TableConfigError, retry_stale
from pymacaron_dynamodb.binding import all_bindings, binding_of
from pymacaron_dynamodb.database import Database, set_database
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from engines import Engine
    from pymacaron.config import Config

REF = {"$ref": "#/components/schemas/Pet"}
PET: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "x-pym-table": {"hash": "id", "version": "revision"},
    "properties": {
        "id": {"type": "string"},
        "revision": {"type": "integer"},
        "name": {"type": "string"},
        "meals": {"type": "integer"},
        "parent": {"type": "string"},
    },
}


def json_of(schema: Any) -> dict[str, Any]:
    """Write a body of JSON."""
    return {"description": "it", "content": {"application/json": {"schema": schema}}}


def operation(name: str, status: str, body: Any = None, answer: Any = REF, **more: Any) -> dict[str, Any]:
    """Write an operation with entity tags."""
    made = {"operationId": name, "x-pym-etag": True, "responses": {status: json_of(answer)}, **more}
    if answer is None:
        made["responses"] = {status: {"description": "done"}}
    if body is not None:
        made["requestBody"] = json_of(body)
    return made


PATHS: dict[str, Any] = {
    "/pets": {"post": operation("create", "201", REF)},
    "/pets/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": operation("fetch", "200"),
        "put": operation("store", "200", REF),
        "patch": operation("change", "200", {"type": "object"}),
        "delete": operation("remove", "204", answer=None),
        "post": operation("feed", "204", answer=None),
    },
}


def pets() -> Any:
    """Return the class of pets."""
    return apipool.shop.Pet


def create(body: Any) -> Any:
    """Save a new pet."""
    body.save_to_db()
    return body


def fetch(id: str) -> Any:
    """Return a pet."""
    return pets().load_from_db(id)


def store(body: Any, id: str) -> Any:
    """Put a pet in its place, without reading what is there."""
    body.id = id
    body.save_to_db()
    return body


def change(body: dict[str, Any], id: str) -> Any:
    """Change a pet, as any service would."""
    pet = pets().load_from_db(id)
    pet.update_from_dict(body)
    pet.save_to_db()
    return pet


def remove(id: str) -> None:
    """Delete a pet."""
    pets().load_from_db(id).delete_from_db()


def feed(id: str) -> None:
    """Count a meal, without reading the pet."""
    pets().update_in_db(id, add={"meals": 1})


HANDLERS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (create, fetch, store, change, remove, feed)
}  # fmt: skip


def serve(paths: dict[str, Any], schemas: dict[str, Any] | None = None, **handlers: Callable[..., Any]) -> Flask:
    """Return the app of a service whose tables are there."""
    module = ModuleType("handlers")
    vars(module).update({**HANDLERS, **handlers})
    sys.modules["handlers"] = module
    document = {
        "openapi": "3.1.0",
        "info": {"title": "shop", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas or {"Pet": PET}},
    }
    app = Flask("shop")
    api = API(app, error_reporter=lambda **_: None).load_api("shop", document)
    for binding in all_bindings():
        create_table(binding)
    api.prepare()
    return app


@pytest.fixture
def dispatch(engine: Engine, config: Config) -> None:
    """Serve through the contract lane on one engine, and through Flask's own dispatch on the other."""
    config.values["contract_lane"] = engine.name == "ministack"


@pytest.fixture
def client(database: Database, dispatch: None) -> FlaskClient:
    """Return a client of the service, which has one pet in its third revision."""
    made = serve(PATHS).test_client()
    pet = pets()(id="rex", name="Rex")
    for _ in range(3):
        pet.save_to_db()
    return made


def stored(id: str = "rex") -> Any:
    """Return what is stored of a pet."""
    found = pets().load_from_db(id).to_json()
    return {name: found[name] for name in sorted(found) if name != "id"}


def code_of(response: Any) -> tuple[int, str]:
    """Return status and code of an error in PyMacaron's format."""
    body = response.get_json()
    assert body["status"] == response.status_code
    assert body["error_id"]
    return response.status_code, body["error"]


def test_reading(client: FlaskClient) -> None:
    """An object comes with its version as its entity tag."""
    response = client.get("/pets/rex")
    assert (response.status_code, response.headers.getlist("ETag")) == (200, ['"3"'])
    assert response.get_json()["revision"] == 3
    head = client.head("/pets/rex")
    assert (head.status_code, head.headers["ETag"], head.data) == (200, '"3"', b"")
    assert "ETag" not in client.get("/pets/nobody").headers


def test_what_the_caller_has_is_not_sent(client: FlaskClient) -> None:
    """`If-None-Match` compares weakly, and is answered with 304, the tag and no content."""
    for tags in ('"3"', 'W/"3"', '"1", "3"', "*", '"x",W/"3" , "7"', '"3-gzip", "3"'):
        for verb in ("get", "head"):
            response = getattr(client, verb)("/pets/rex", headers={"If-None-Match": tags})
            assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", '"3"')
            assert "Content-Type" not in response.headers


def test_what_has_changed_is_sent(client: FlaskClient) -> None:
    """Another version is sent as ever."""
    for tags in ('"2"', '"33"', '"2", W/"4"', "", '"03"', '"-3"'):
        response = client.get("/pets/rex", headers={"If-None-Match": tags})
        assert (response.status_code, response.headers["ETag"]) == (200, '"3"')


def test_reading_one_version(client: FlaskClient) -> None:
    """A read may ask for one version by `If-Match`; it goes before `If-None-Match`, and a missing item before both."""
    assert client.get("/pets/rex", headers={"If-Match": '"3"'}).status_code == 200
    both = {"If-Match": '"2"', "If-None-Match": '"3"'}
    assert code_of(client.get("/pets/rex", headers=both)) == (412, "PRECONDITION_FAILED")
    assert client.get("/pets/nobody", headers={"If-Match": '"2"', "If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("put", "/pets/rex", {"name": "Max"}),
        ("patch", "/pets/rex", {"name": "Max"}),
        ("delete", "/pets/rex", None),
        ("post", "/pets/rex", None),
    ],
)
class TestWrites:
    """Each way to change a pet."""

    def test_no_precondition(self, client: FlaskClient, verb: str, path: str, body: Any) -> None:
        """A change that does not say which version it is about is refused with 428."""
        for headers in ({}, {"If-Match": ""}, {"If-None-Match": '"3"'}):
            response = getattr(client, verb)(path, json=body, headers=headers)
            assert code_of(response) == (428, "PRECONDITION_REQUIRED")
            assert "needs If-Match with the ETag that GET answers with" in response.json["error_description"]
            assert stored() == {"name": "Rex", "revision": 3}

    def test_another_version(self, client: FlaskClient, verb: str, path: str, body: Any) -> None:
        """A change of another version is refused with 412; weak tags never match."""
        for tags in ('"2"', '"4"', 'W/"3"', '"2", W/"3"', "x", '"x"', '"03"', '"1","2"'):
            response = getattr(client, verb)(path, json=body, headers={"If-Match": tags})
            assert response.status_code == 412
            assert code_of(response)[1] in ("PRECONDITION_FAILED", "STALE_WRITE")
            assert stored() == {"name": "Rex", "revision": 3}

    def test_this_version(self, client: FlaskClient, verb: str, path: str, body: Any) -> None:
        """A change of the version that there is is made, and the next one of that version is not."""
        for tags in ('"3"', '"2", "3"', "*", 'W/"2" , "3-gzip"'):
            write_behind(revision={"N": "3"})
            response = getattr(client, verb)(path, json=body, headers={"If-Match": tags})
            assert response.status_code in (200, 204)
            if verb == "delete":
                assert not pets().has_item("rex")
                assert "ETag" not in response.headers
                continue
            assert stored()["revision"] == 4
            assert stored()["meals" if verb == "post" else "name"] == (1 if verb == "post" else "Max")
            assert response.headers["ETag"] == '"4"'
            again = getattr(client, verb)(path, json=body, headers={"If-Match": '"3"'})
            assert again.status_code == 412

    def test_nothing_there(self, client: FlaskClient, verb: str, path: str, body: Any) -> None:
        """Where there is nothing, nothing is made: 404 of handlers that read, 412 of those that do not."""
        for tags in ('"3"', "*"):
            response = getattr(client, verb)("/pets/nobody", json=body, headers={"If-Match": tags})
            assert response.status_code == (412 if verb in ("put", "post") else 404)
            assert not pets().has_item("nobody")


def test_creating_at_a_place(client: FlaskClient) -> None:
    """`If-None-Match: *` creates, and replaces nothing."""
    new = {"If-None-Match": "*"}
    response = client.put("/pets/max", json={"name": "Max", "revision": 7}, headers=new)
    assert (response.status_code, response.headers["ETag"]) == (200, '"1"')
    for id in ("max", "rex"):
        again = client.put(f"/pets/{id}", json={"name": "Moritz"}, headers=new)
        assert again.status_code == 412
        assert stored(id)["name"] != "Moritz"
    assert code_of(client.patch("/pets/rex", json={"name": "Moritz"}, headers=new)) == (412, "PRECONDITION_FAILED")


def test_creating_in_a_collection(client: FlaskClient) -> None:
    """What creates, a POST that is answered with 201, needs no header, and answers with a tag."""
    response = client.post("/pets", json={"id": "max", "name": "Max"})
    assert (response.status_code, response.headers["ETag"]) == (201, '"1"')
    assert client.post("/pets", json={"id": "max", "name": "Moritz"}).status_code == 412


def test_a_version_in_the_body(client: FlaskClient) -> None:
    """Where the body has a version too, it must be the one of the header."""
    response = client.put("/pets/rex", json={"name": "Max", "revision": 2}, headers={"If-Match": '"3"'})
    assert code_of(response) == (412, "PRECONDITION_FAILED")
    response = client.put("/pets/rex", json={"name": "Max", "revision": 3}, headers={"If-Match": '"3"'})
    assert response.get_json()["revision"] == 4


def test_both_headers(client: FlaskClient) -> None:
    """Where both are there, both must hold."""
    both = {"If-Match": '"3"', "If-None-Match": '"3"'}
    assert client.patch("/pets/rex", json={"name": "Max"}, headers=both).status_code == 412
    both["If-None-Match"] = '"2"'
    assert client.patch("/pets/rex", json={"name": "Max"}, headers=both).status_code == 200


def write_behind(id: str = "rex", **changes: Any) -> None:
    """Write a pet as another process does, of which this one's request knows nothing."""
    binding = binding_of(pets())
    item = {"id": {"S": id}, "name": {"S": "Other"}, "revision": {"N": "4"}}
    binding.database.call("PutItem", binding.request(Item={**item, **changes}))


def test_somebody_is_faster(database: Database, dispatch: None) -> None:
    """A write between a handler's read and its own is not lost, though the header held when it was read."""

    def slow(body: dict[str, Any], id: str) -> Any:
        pet = pets().load_from_db(id)
        write_behind()
        pet.update_from_dict(body)
        pet.save_to_db()
        return pet

    def blind(body: Any, id: str) -> Any:
        write_behind()
        return store(body, id)

    def stubborn(id: str) -> None:
        pet = pets().load_from_db(id)
        write_behind()
        pet.update(add={"meals": 1}, any_version=True)

    client = serve(PATHS, change=slow, store=blind, feed=stubborn).test_client()
    for verb in ("patch", "put", "post"):
        write_behind(revision={"N": "3"})
        body = None if verb == "post" else {"name": "Max"}
        response = getattr(client, verb)("/pets/rex", json=body, headers={"If-Match": '"3"'})
        assert code_of(response) == (412, "STALE_WRITE")
        assert stored() == {"name": "Other", "revision": 4}


def test_nothing_is_done_for_a_stale_request(database: Database, dispatch: None) -> None:
    """A handler that loads its object gets no further where the header does not hold: it has not done a thing."""
    sent = []

    def sends_mail(body: dict[str, Any], id: str) -> Any:
        pet = pets().load_from_db(id)
        sent.append(id)
        pet.update_from_dict(body)
        pet.save_to_db()
        return pet

    client = serve(PATHS, change=sends_mail).test_client()
    write_behind()
    response = client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"3"'})
    assert code_of(response) == (412, "PRECONDITION_FAILED")
    assert response.get_json()["error_description"].endswith(
        "has version 4 now, which If-Match does not name; read it again"
    )
    assert sent == []


def test_reading_again_does_not_help(database: Database, dispatch: None) -> None:
    """A handler that reads again until its write succeeds is still bound to the version of the header."""

    def again(body: dict[str, Any], id: str) -> Any:
        def once() -> Any:
            g.tries = g.get("tries", 0) + 1
            pet = pets().load_from_db(id)
            if g.tries == 1:
                write_behind()
            pet.update_from_dict(body)
            pet.save_to_db()
            return pet

        try:
            return retry_stale(once)
        except StaleWrite:
            assert g.tries == 2
            raise

    client = serve(PATHS, change=again).test_client()
    write_behind(revision={"N": "3"})
    response = client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"3"'})
    assert code_of(response) == (412, "PRECONDITION_FAILED")


def test_several_writes_of_one_request(database: Database, dispatch: None) -> None:
    """The header is about what was there before the request: a handler may write its object several times."""

    def often(body: dict[str, Any], id: str) -> Any:
        pet = change(body, id)
        pet.update(add={"meals": 1})
        pet.save_to_db()
        found = pets().load_from_db(id)
        found.save_to_db()
        return found

    client = serve(PATHS, change=often).test_client()
    write_behind()
    response = client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"4"'})
    assert (response.status_code, response.headers["ETag"]) == (200, '"8"')


@pytest.mark.parametrize("first", [True, False])
def test_other_objects_are_free(database: Database, dispatch: None, first: bool) -> None:
    """What else a handler loads and writes is none of the header's business, before and after the request's item."""

    def with_parent(body: dict[str, Any], id: str) -> Any:
        if first:
            pets().change_in_db(lambda pet: setattr(pet, "meals", 9), "dad")
        pet = change(body, id)
        if not first:
            pets().change_in_db(lambda pet: setattr(pet, "meals", 9), "dad")
        return pet

    client = serve(PATHS, change=with_parent).test_client()
    write_behind()
    write_behind("dad", revision={"N": "4" if first else "77"})
    assert client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"4"'}).status_code == 200
    assert stored("dad")["meals"] == 9
    write_behind(revision={"N": "6"})
    assert client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"5"'}).status_code == 412
    assert stored() == {"name": "Other", "revision": 6}


def test_keys_that_stand_nowhere_in_the_path(database: Database, dispatch: None) -> None:
    """Where no key stands in the path, the header is about the first item that is written."""

    def mine(body: dict[str, Any]) -> Any:
        return change(body, "rex")

    path = {"/mine": {"patch": operation("mine", "200", {"type": "object"})}}
    client = serve(path, mine=mine).test_client()
    write_behind()
    assert client.patch("/mine", json={"name": "Max"}, headers={"If-Match": '"3"'}).status_code == 412
    response = client.patch("/mine", json={"name": "Max"}, headers={"If-Match": '"4"'})
    assert (response.status_code, response.headers["ETag"]) == (200, '"5"')


def test_a_header_that_nothing_is_held_against(database: Database, dispatch: None) -> None:
    """A handler that has nothing to do with its table must not look as if it had heeded the header."""

    def elsewhere(id: str) -> None:
        return None

    def only_answers(body: Any, id: str) -> Any:
        body.revision = 3
        return body

    client = serve(PATHS, remove=elsewhere, store=only_answers).test_client()
    assert client.delete("/pets/rex", headers={"If-Match": '"3"'}).status_code == 500
    for tag, status in (("3", 200), ("4", 412)):
        response = client.put("/pets/rex", json={"name": "Max"}, headers={"If-Match": f'"{tag}"'})
        assert response.status_code == status


def test_what_handlers_return(database: Database, dispatch: None) -> None:
    """Dicts, tuples, headers of their own and whole responses are what they were, with a tag where there is a version.

    A PUT that answers without content has none: what is stored differs from what was sent.
    """
    results: dict[str, Callable[[Any], Any]] = {
        "dict": lambda pet: pet.to_json(),
        "status": lambda pet: (pet, 200),
        "headers": lambda pet: (pet, 200, {"X-More": "1"}),
        "own": lambda pet: (pet, 200, {"etag": '"mine"'}),
        "error": lambda pet: ({"status": 409, "error": "NO"}, 409),
        "flask": lambda pet: Response("as it is", 200),
    }

    def fetch_as(id: str) -> Any:
        return results[id](pets().load_from_db("rex"))

    async def store_async(body: Any, id: str) -> Any:
        body.id = id
        body.save_to_db()
        return None

    item = PATHS["/pets/{id}"]
    got = {**item["get"], "responses": {**item["get"]["responses"], "409": json_of(True)}}
    paths = {"/pets/{id}": {**item, "get": got, "put": operation("store", "204", REF, answer=None)}}
    client = serve(paths, fetch=fetch_as, store=store_async).test_client()
    write_behind()
    tags = {name: client.get(f"/pets/{name}").headers.getlist("ETag") for name in results}
    assert tags == {
        "dict": ['"4"'], "status": ['"4"'], "headers": ['"4"'], "own": ['"mine"'], "error": [], "flask": [],
    }  # fmt: skip
    assert client.get("/pets/headers").headers["X-More"] == "1"
    assert client.get("/pets/own", headers={"If-None-Match": 'W/"mine"'}).status_code == 304
    response = client.put("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"4"'})
    assert (response.status_code, "ETag" in response.headers) == (204, False)


def test_a_declared_header(database: Database, dispatch: None) -> None:
    """A contract may require the header of its responses; a 304 repeats what caches need, and no more."""

    def fetch_cached(id: str) -> Any:
        return fetch(id), 200, {"Cache-Control": "max-age=0", "X-More": "1"}

    got = operation("fetch", "200")
    got["responses"]["200"]["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    client = serve({"/pets/{id}": {**PATHS["/pets/{id}"], "get": got}}, fetch=fetch_cached).test_client()
    write_behind()
    assert client.get("/pets/rex").headers["ETag"] == '"4"'
    response = client.get("/pets/rex", headers={"If-None-Match": '"4"'})
    assert (response.status_code, response.headers["Cache-Control"]) == (304, "max-age=0")
    assert "X-More" not in response.headers


def test_each_media_type_has_its_own_tag(database: Database, dispatch: None) -> None:
    """Representations that differ have tags that differ; each of them names the version in `If-Match`."""
    item = PATHS["/pets/{id}"]
    both = {"application/json": {"schema": REF}, "application/vnd.pet+json": {"schema": REF}}
    got = {**item["get"], "responses": {"200": {"description": "it", "content": both}}}
    client = serve({"/pets/{id}": {**item, "get": got}}).test_client()
    write_behind()
    tags = [client.get("/pets/rex", headers={"Accept": name}).headers["ETag"] for name in both]
    assert tags == ['"4-application/json"', '"4-application/vnd.pet+json"']
    other = {"Accept": "application/json", "If-None-Match": tags[1]}
    assert client.get("/pets/rex", headers=other).status_code == 200
    assert client.get("/pets/rex", headers={**other, "If-None-Match": tags[0]}).status_code == 304
    assert client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": tags[1]}).status_code == 200


def test_an_item_without_a_version(client: FlaskClient) -> None:
    """An item of other code has no tag until it is written once, for which there is `If-Match: *`."""
    binding = binding_of(pets())
    binding.database.call("PutItem", binding.request(Item={"id": {"S": "old"}, "name": {"S": "Old"}}))
    assert "ETag" not in client.get("/pets/old").headers
    assert client.put("/pets/old", json={"name": "Max"}, headers={"If-Match": '"1"'}).status_code == 412
    response = client.put("/pets/old", json={"name": "Max"}, headers={"If-Match": "*"})
    assert (response.status_code, response.headers["ETag"]) == (200, '"1"')


def test_after_the_request(client: FlaskClient) -> None:
    """What a request asked for holds within it alone."""
    client.patch("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"2"'})
    pets().load_from_db("rex").save_to_db()
    assert stored()["revision"] == 4


def test_a_handler_as_a_function(client: FlaskClient) -> None:
    """Called without a request, a handler is what it was."""
    assert client.application.view_functions["shop:fetch"].__name__ == "shop:fetch"
    assert fetch("rex").revision == 3


def test_declared_headers(database: Database) -> None:
    """A contract may declare the headers, so that its readers know of them; handlers get them where they want to."""

    async def feed_async(id: str) -> None:
        pets().update_in_db(id, add={"meals": 1})

    def change_told(body: dict[str, Any], id: str, if_match: str, if_none_match: str | None) -> Any:
        return change({"name": if_match}, id)

    def store_any(body: Any, **arguments: Any) -> Any:
        return store(body, arguments["id"])

    header = [{"name": name, "in": "header", "schema": {"type": "string"}} for name in ("If-Match", "If-None-Match")]
    item = PATHS["/pets/{id}"]
    declared = {**item, "parameters": [*item["parameters"], *header]}
    client = serve({"/pets/{id}": declared}, feed=feed_async, store=store_any, change=change_told).test_client()
    write_behind()
    assert client.get("/pets/rex", headers={"If-None-Match": '"4"'}).status_code == 304
    assert client.post("/pets/rex", headers={"If-Match": '"3"'}).status_code == 412
    assert client.post("/pets/rex", headers={"If-Match": '"4"'}).headers["ETag"] == '"5"'
    assert client.put("/pets/rex", json={"name": "Max"}, headers={"If-Match": '"5"'}).headers["ETag"] == '"6"'
    assert client.patch("/pets/rex", json={}, headers={"If-Match": '"6"'}).get_json()["name"] == '"6"'


PLAIN = {**PET, "x-pym-table": {"hash": "id"}}


@pytest.mark.parametrize(
    ("schemas", "changed", "message"),
    [
        ({"Pet": PLAIN}, {}, "x-pym-etag, and the table of Pet has no version; name an integer property by version"),
        ({"Pet": {**PET, "x-pym-table": None}}, {}, "x-pym-etag, and Pet is not stored"),
        (None, {"get": operation("fetch", "200", answer={"type": "array", "items": REF})}, "no object of a named sch"),
        (None, {"patch": {**PATHS["/pets/{id}"]["patch"], "x-pym-async": True}}, "x-pym-etag and x-pym-async"),
    ],
)
def test_contracts_that_cannot_be(
    database: Database, schemas: dict[str, Any] | None, changed: dict[str, Any], message: str
) -> None:
    """An operation whose objects have no version is told at start, with its place."""
    found = {k: {n: v for n, v in s.items() if v is not None} for k, s in schemas.items()} if schemas else None
    with pytest.raises(BindError, match=message) as error:
        serve({"/pets/{id}": {**PATHS["/pets/{id}"], **changed}}, found)
    assert isinstance(error.value.__cause__, TableConfigError)
    assert "#/paths/" in str(error.value)


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """Serve an app on a port of its own; yield its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.once
def test_over_the_wire(engine: Engine, database: Database) -> None:
    """Callers who read, change and try again on 412, all at once, lose no update."""
    app = serve(PATHS)
    pets()(id="rex", name="Rex", meals=0).save_to_db()
    refused: list[int] = []

    def count(url: str) -> None:
        done = 0
        with requests.Session() as session:
            while done < 5:
                got = session.get(url)
                meals = got.json()["meals"] + 1
                patched = session.patch(url, json={"meals": meals}, headers={"If-Match": got.headers["ETag"]})
                if patched.status_code == 200:
                    done += 1
                else:
                    refused.append(patched.status_code)

    with proxy(engine.url, one_at_a_time=differs(engine, "not-isolated")) as behind, listening(app) as url:
        other = Database(replace(database.settings, endpoint=behind))
        set_database(other)
        with ThreadPoolExecutor(4) as callers:
            list(callers.map(count, [f"{url}/pets/rex"] * 4))
        last = requests.get(f"{url}/pets/rex")
        unchanged = requests.get(f"{url}/pets/rex", headers={"If-None-Match": last.headers["ETag"]})
        other.close()
    set_database(database)
    assert (last.json()["meals"], last.headers["ETag"]) == (20, '"21"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert set(refused) <= {412}
