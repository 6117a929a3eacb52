"""Pages of list operations over HTTP."""

from __future__ import annotations

import sys
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

import events
from pymacaron import API, apipool
from pymacaron_dynamodb.binding import all_bindings
from pymacaron_dynamodb.exceptions import QueryInvalid
from pymacaron_dynamodb.pages import page
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron_dynamodb.database import Database

EVENT = {"$ref": "#/components/schemas/Event"}
EVENTS = {"type": "array", "items": EVENT}
TEXT = {"type": "string"}
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 20, "default": 10}}
CURSOR = {"name": "cursor", "in": "query", "schema": TEXT}
STREAM = {"name": "stream", "in": "path", "required": True, "schema": TEXT}
KIND = {"name": "kind", "in": "query", "schema": TEXT}


def event() -> Any:
    """Return the class of events."""
    return apipool.shop.Event


def listing(response: Any, *parameters: Any, status: str = "200") -> dict[str, Any]:
    """Write a list operation."""
    answer = {"description": "a page", "content": {"application/json": {"schema": response}}}
    return {"operationId": "list_events", "parameters": [STREAM, KIND, *parameters], "responses": {status: answer}}


def pages(**properties: Any) -> dict[str, Any]:
    """Write the schema of a page."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def usual(stream: str, limit: int | None = None, cursor: str | None = None, kind: str | None = None) -> Any:
    """Answer with a page of a stream."""
    return page(event().query(stream, filter={"kind": kind} if kind else None), limit=limit, cursor=cursor)


def serve(database: Database, operation: dict[str, Any], handler: Callable[..., Any] = usual) -> Any:
    """Serve a list operation, over 45 events of one stream, and return what calls it."""
    module = ModuleType("handlers")
    module.list_events = handler  # type: ignore[attr-defined]
    sys.modules["handlers"] = module
    schemas = {"Event": events.EVENT}
    if "Page" in operation:
        schemas["Page"] = operation.pop("Page")
    document = {
        "openapi": "3.1.0",
        "info": {"title": "shop", "version": "1"},
        "paths": {"/streams/{stream}/events": {"get": operation}},
        "components": {"schemas": schemas},
    }
    api = API(Flask("shop"), error_reporter=lambda **_: None)
    api.load_api("shop", document)
    api.prepare()
    for binding in all_bindings():
        create_table(binding)
    events.put(database, "events", (events.item(n, kind="ab"[n % 2]) for n in range(45)))
    return api.app.test_client()


def walk(client: Any, url: str, items: str, follow: Callable[[Any], str | None]) -> list[list[float]]:
    """Return the numbers on each page, following what leads to the next one."""
    found: list[list[float]] = []
    while True:
        response = client.get(url)
        assert response.status_code == 200, response.json
        body = response.json
        found.append([each["number"] for each in (body[items] if items else body)])
        following = follow(response)
        if following is None:
            return found
        url = following


def by_link(response: Any) -> str | None:
    """Return where the Link header of a response leads."""
    link = response.headers.get("Link")
    if link is None:
        return None
    assert link.startswith("<?")
    assert link.endswith('>; rel="next"')
    return f"{urlsplit(response.request.url).path}{link[1:].partition('>')[0]}"


def test_list_operation(database: Database) -> None:
    """The contract's schema alone says where objects and cursor go, and how many objects a page has."""
    client = serve(database, listing(pages(events=EVENTS, next_cursor=TEXT), LIMIT, CURSOR))
    url = "/streams/s/events?limit=20"
    assert walk(client, url, "events", by_link) == [[*range(20)], [*range(20, 40)], [*range(40, 45)]]

    def by_cursor(response: Any) -> str | None:
        cursor = response.json.get("next_cursor")
        return f"{url}&cursor={cursor}" if cursor is not None else None

    assert walk(client, url, "events", by_cursor) == [[*range(20)], [*range(20, 40)], [*range(40, 45)]]
    assert [len(each) for each in walk(client, "/streams/s/events", "events", by_link)] == [10, 10, 10, 10, 5]
    assert client.get("/streams/none/events").json == {"events": []}
    assert "Link" not in client.get("/streams/none/events").headers
    assert client.get("/streams/s/events?cursor=").json["events"][0]["title"] == "title 0"
    assert client.get("/streams/s/events?limit=21").status_code == 400
    last = client.get("/streams/s/events?limit=20&cursor=" + client.get(url).json["next_cursor"])
    assert last.json["events"][0] == {"stream": "s", "number": 20, "title": "title 20", "kind": "a", "color": "red"}


def test_links_keep_the_query(database: Database) -> None:
    """The link to the next page has all other parameters of the request."""
    client = serve(database, listing(pages(events=EVENTS, next=TEXT), LIMIT, CURSOR))
    found = walk(client, "/streams/s/events?limit=9&kind=a", "events", by_link)
    assert list(chain(*found)) == [*range(0, 45, 2)]
    link = by_link(client.get("/streams/s/events?kind=b&limit=3")) or ""
    given = parse_qs(urlsplit(link).query)
    assert given.pop("cursor")
    assert given == {"kind": ["b"], "limit": ["3"]}


@pytest.mark.parametrize(
    ("name", "schema", "last"),
    [
        ("next_cursor", {"type": ["string", "null"]}, {"next_cursor": None}),
        ("next", {"anyOf": [TEXT, {"type": "null"}]}, {"next": None}),
        ("cursor", TEXT, {}),
        ("nextCursor", TEXT, {}),
    ],
)
def test_property_of_the_cursor(database: Database, name: str, schema: Any, last: dict[str, None]) -> None:
    """The cursor's property has one of the usual names; on the last page it is null where it may be, else left out."""
    response = {"$ref": "#/components/schemas/Page"}
    operation = {**listing(response, LIMIT, CURSOR, status="206"), "Page": pages(items=EVENTS, **{name: schema})}
    client = serve(database, operation)
    first = client.get("/streams/s/events?limit=3")
    assert (first.status_code, len(first.json["items"]), isinstance(first.json[name], str)) == (206, 3, True)
    assert client.get("/streams/none/events").json == {"items": [], **last}


def test_array(database: Database) -> None:
    """Where the response is an array, the Link header alone leads on."""
    client = serve(database, listing(EVENTS, LIMIT, CURSOR))
    assert walk(client, "/streams/s/events?limit=15", "", by_link) == [[*range(15)], [*range(15, 30)], [*range(30, 45)]]


def test_sizes(database: Database) -> None:
    """Without a default a page has fifty objects, or as many as the parameter's maximum if that is less."""
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 7}}
    client = serve(database, listing(pages(items=EVENTS, next=TEXT), limit, CURSOR))
    assert len(client.get("/streams/s/events").json["items"]) == 7
    assert len(client.get("/streams/s/events?limit=2").json["items"]) == 2


def test_code_cannot_exceed_the_maximum(database: Database) -> None:
    """What a handler asks for is bounded by the contract as well; a limit of its own query stays."""

    def handler(stream: str, **_: Any) -> Any:
        return page(event().query(stream), limit=1000)

    client = serve(database, listing(pages(items=EVENTS, next=TEXT), LIMIT, CURSOR), handler)
    assert len(client.get("/streams/s/events").json["items"]) == 20


def test_dicts(database: Database) -> None:
    """A page may be of some properties only, and of a scan."""

    def handler(stream: str, limit: int, cursor: str | None, kind: str | None) -> Any:
        return page(event().scan(properties=["number", "title"]), limit=limit, cursor=cursor)

    short = {
        "type": "object",
        "properties": {"number": {"type": "number"}, "title": TEXT},
        "additionalProperties": False,
    }
    response = pages(items={"type": "array", "items": short}, next=TEXT)
    client = serve(database, listing(response, LIMIT, CURSOR), handler)
    found = walk(client, "/streams/s/events", "items", by_link)
    assert sorted(chain(*found)) == [*range(45)]
    assert client.get("/streams/s/events").json["items"][0].keys() == {"number", "title"}


def test_invalid_cursors(database: Database) -> None:
    """A cursor that was changed, or is of another list, is the caller's fault, and the answer names the parameter."""
    client = serve(database, listing(pages(items=EVENTS, next=TEXT), LIMIT, CURSOR))
    cursor = client.get("/streams/s/events").json["next"]
    changed = cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]
    for path, said in [
        ("/streams/s/events?cursor=page2", "the cursor is none of this service"),
        (f"/streams/s/events?cursor={changed}", "the cursor was changed"),
        (f"/streams/t/events?cursor={cursor}", "the cursor belongs to another list"),
        (f"/streams/s/events?kind=a&cursor={cursor}", "the cursor belongs to another list"),
    ]:
        response = client.get(path)
        assert (response.status_code, response.json["error"]) == (400, "INVALID_CURSOR")
        assert said in response.json["error_description"]
        assert [(each["in"], each["pointer"]) for each in response.json["errors"]] == [("query", "/cursor")]


@pytest.mark.parametrize(
    ("response", "parameters", "said"),
    [
        (pages(a=EVENTS, b=EVENTS, next=TEXT), (LIMIT, CURSOR), "it has a, b as arrays in its response"),
        (pages(next=TEXT), (LIMIT, CURSOR), "it has none as arrays in its response"),
        (pages(items=EVENTS), (LIMIT,), "it has none of next_cursor, next, nextCursor, cursor in its response"),
        (EVENTS, (LIMIT,), "answers with an array and has no query parameter cursor"),
        ({**pages(items=EVENTS, next=TEXT), "required": ["next"]}, (CURSOR,), "make it optional, or nullable"),
    ],
)
def test_operations_that_have_no_pages(database: Database, response: Any, parameters: Any, said: str) -> None:
    """An operation whose contract has no place for a page is named, with the mend."""
    seen: list[str] = []

    def handler(stream: str, **_: Any) -> Any:
        try:
            return page(event().query(stream))
        except QueryInvalid as error:
            seen.append(error.message)
            raise

    client = serve(database, listing(response, *parameters), handler)
    assert client.get("/streams/s/events").status_code == 500
    assert seen[0].startswith("the operation 'list_events' cannot answer with a page: ")
    assert said in seen[0]


def test_named_properties(database: Database) -> None:
    """Where the contract does not tell, names say what is what; they are needed outside of operations."""

    def handler(stream: str, limit: int, cursor: str | None, kind: str | None) -> Any:
        return page(event().query(stream), limit=limit, cursor=cursor, items="b", next="on")

    client = serve(database, listing(pages(a=EVENTS, b=EVENTS, on=TEXT), LIMIT, CURSOR), handler)
    assert client.get("/streams/s/events").json.keys() == {"b", "on"}
    query = event().query("s")
    body, status, headers = page(query, limit=44, items="b", next="on")
    assert (len(body["b"]), status, headers) == (44, 200, {})
    body, _, _ = page(query, limit=44, cursor=body["on"], items="b", next="on")
    assert ([each.number for each in body["b"]], body.keys()) == ([44], {"b"})
    with pytest.raises(QueryInvalid, match=r"outside of an operation.*name the properties: page\(…, items=…, next=…\)"):
        page(query)
