"""Clients: called over HTTP against a real server on the loopback interface."""

from __future__ import annotations

import io
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response
from flask import request as flask_request

from harness import SECRET, bind, json_of, make_api, openapi, swagger
from loopback import REF, post, service
from pymacaron import API, apipool, generate_token, get_userid
from pymacaron.auth import Principal, set_principal
from pymacaron.calls import Call, set_call
from pymacaron.config import Config, get_config, set_config
from pymacaron.exceptions import (
    AuthMissingHeaderError,
    BindError,
    ModelError,
)
from pymacaron.plugins import ClientCallContext, LoadedPlugin, Plugin, Plugins

ARRAY = {"type": "array", "items": {"type": "string"}}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
TEXTS = ["one", "t wo", "ü&=?/#%+"]


@pytest.mark.parametrize("explode", [False, True])
@pytest.mark.parametrize(
    ("where", "style", "schema", "value"),
    [
        ("path", "simple", {"type": "string"}, "a bü%?#;,=&+"),
        ("path", "simple", {"type": "string"}, "..."),
        ("path", "simple", {"type": "integer"}, -5),
        ("path", "simple", {"type": "boolean"}, True),
        ("path", "simple", {"type": "string", "format": "date"}, date(2020, 1, 2)),
        ("path", "simple", NUMBERS, [1, 2]),
        ("path", "simple", OBJECT, {"a": 1, "b": "x"}),
        ("path", "label", NUMBERS, [1, 2]),
        ("path", "label", {"type": "string"}, "x"),
        ("path", "label", OBJECT, {"a": 1, "b": "x"}),
        ("path", "matrix", NUMBERS, [1, 2]),
        ("path", "matrix", {"type": "string"}, "x"),
        ("path", "matrix", OBJECT, {"a": 1, "b": "x"}),
        ("query", "form", {"type": "string"}, "ü&=?/#%+ x"),
        ("query", "form", {"type": "string"}, ""),
        ("query", "form", {"type": "number"}, 1.5),
        ("query", "form", {"type": "string", "format": "uuid"}, UUID(int=7)),
        ("query", "form", ARRAY, TEXTS),
        ("query", "form", NUMBERS, []),
        ("query", "form", OBJECT, {"a": 1, "b": "x y"}),
        ("query", "spaceDelimited", NUMBERS, [1, 2]),
        ("query", "pipeDelimited", NUMBERS, [1, 2]),
        ("query", "deepObject", OBJECT, {"a": 1, "b": "ü&="}),
        ("header", "simple", {"type": "string"}, "plain text"),
        ("header", "simple", NUMBERS, [1, 2]),
        ("header", "simple", OBJECT, {"a": 1, "b": "x"}),
        ("cookie", "form", {"type": "string"}, "crumb"),
        ("cookie", "form", {"type": "integer"}, 5),
    ],
)
def test_parameters_go_round(where: str, style: str, explode: bool, schema: Any, value: Any) -> None:
    """What a client is given in any style is what the handler gets."""
    parameter = {"name": "p", "in": where, "required": True, "style": style, "explode": explode, "schema": schema}
    rule = "/x/{p}" if where == "path" else "/x"
    got: list[Any] = []

    def x(p: Any) -> int:
        got.append(p)
        return 1

    with service(post(rule=rule, parameters=[parameter]), {"x": x}) as client:
        if value == [] and explode:
            pytest.skip("an exploded empty array is not written at all")
        assert client.x(p=value) == 1
    plain = got[0].to_json() if hasattr(got[0], "to_json") else got[0]
    assert plain == value


@pytest.mark.parametrize("form", ["csv", "ssv", "tsv", "pipes", "multi"])
def test_collection_formats_go_round(form: str) -> None:
    """The formats of Swagger 2.0 as well."""
    parameter = {"name": "p", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": form}
    responses = {"200": {"description": "x", "schema": {}}}
    document = swagger({"/x": {"get": {"operationId": "x", "parameters": [parameter], "responses": responses}}})
    with service(document, {"x": lambda p: p}) as client:
        assert client.x(p=[1, 2, 3]) == [1, 2, 3]
        assert client.x() is None


def test_parameter_of_json() -> None:
    """A parameter that is a document goes as JSON."""
    parameter = {"name": "p", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    with service(post(parameters=[parameter]), {"x": lambda p: p}) as client:
        assert client.x(p={"a": ["ü&", None]}) == {"a": ["ü&", None]}


def test_names_of_arguments() -> None:
    """A parameter may be given by its argument or by its own name; None leaves it out."""
    parameter = {"name": "X-Trace-Id", "in": "header", "schema": {"type": "string"}}
    with service(post(parameters=[parameter]), {"x": lambda x_trace_id: x_trace_id}) as client:
        assert client.x(x_trace_id="a") == client.x(**{"X-Trace-Id": "a"}) == "a"
        assert client.x(x_trace_id=None) is None


def test_models_go_round() -> None:
    """A model, or a dict, is sent; the response is a model."""

    def handler(item: Any) -> Any:
        assert isinstance(item.day, date)
        return item

    document = post(requestBody={**json_of(REF), "required": True}, responses={"200": json_of(REF)})
    with service(document, {"x": handler}) as client:
        made = client.x(apipool.shop.Item(name="a", day=date(2020, 1, 2), parts=[{"n": 1}]))
        assert isinstance(made, apipool.shop.Item)
        assert (made["day"], made["parts"][0]["n"]) == (date(2020, 1, 2), 1)
        assert client.x({"name": "a", "day": "2020-01-02"})["day"] == date(2020, 1, 2)


@pytest.mark.parametrize(
    ("kind", "schema", "given", "back"),
    [
        ("application/json", {"type": "array", "items": {"type": "integer"}}, [1], [1]),
        ("application/vnd.x+json", {"type": "object"}, {"a": None}, {"a": None}),
        ("text/plain", {"type": "string"}, "zwölf", "zwölf"),
        ("application/octet-stream", {"type": "string", "format": "binary"}, b"\x00\xff", b"\x00\xff"),
    ],
)
def test_bodies_go_round(kind: str, schema: Any, given: Any, back: Any) -> None:
    """JSON of any kind, text and octets go there and back."""
    content = {"content": {kind: {"schema": schema}}}
    document = post(requestBody=content, responses={"200": {"description": "x", **content}})
    with service(document, {"x": lambda body: body}) as client:
        assert client.x(given) == back


FORM = {"a": {"type": "integer"}, "tags": ARRAY, "file": {"type": "string", "format": "binary"}}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_forms_go_round(kind: str) -> None:
    """A form is sent from its fields, and from its files where it is multipart."""
    body = {"content": {kind: {"schema": {"type": "object", "properties": FORM}}}}

    def x(form: Any) -> Any:
        return [form.a, form.tags, form.file and form.file.read().decode()]

    with service(post(requestBody=body), {"x": x}) as client:
        assert client.x({"a": 1, "tags": ["ü", "b"]}) == [1, ["ü", "b"], None]
        if kind.startswith("multipart"):
            assert client.x({"a": 1, "file": io.BytesIO(b"abc")}) == [1, None, "abc"]


def test_forms_of_swagger_2_go_round() -> None:
    """The fields of a form are arguments; a file goes as multipart, as does a form that may be nothing else."""
    operation = {
        "operationId": "x",
        "consumes": ["multipart/form-data"],
        "parameters": [
            {"name": "title", "in": "formData", "type": "string"},
            {"name": "file", "in": "formData", "type": "file"},
        ],
        "responses": {"200": {"description": "x", "schema": {}}},
    }

    def x(title: str, file: Any) -> Any:
        return [title, file and file.read().decode()]

    with service(swagger({"/x": {"post": operation}}), {"x": x}) as client:
        assert client.x(title="T", file=io.BytesIO(b"abc")) == ["T", "abc"]
        assert client.x(title="T") == ["T", None]


def test_missing_method() -> None:
    """A client has the operations as methods, and names a similar one."""
    make_api(post(), {"x": lambda: 1})
    assert dir(apipool.shop.client) == ["x"]
    with pytest.raises(AttributeError, match="client of 'shop' has no method 'y'; it has x"):
        _ = apipool.shop.client.y


def test_names_of_methods() -> None:
    """x-bind-client names the method, else the handler's last part, else the operation."""
    paths = {
        "/a": {"get": {"operationId": "one", "x-bind-client": "uno", "responses": {}}},
        "/b": {"get": {"operationId": "two", "x-bind-server": "app.pets.due", "responses": {}}},
        "/c": {"get": {"operationId": "three", "x-no-bind-server": True, "responses": {}}},
        "/d": {"get": {"x-no-bind-server": True, "responses": {}}},
    }
    assert dir(apipool.load_swagger("other", openapi(paths)).client) == ["due", "get_d", "three", "uno"]


# Where to.


@pytest.mark.parametrize(
    ("document", "url"),
    [
        (openapi({}, servers=[{"url": "/v1"}, {"url": "https://a.com/v2/"}]), "https://a.com/v2"),
        (swagger({}, host="b.com", basePath="/v1"), "https://b.com/v1"),
        (swagger({}, host="b.com", schemes=["http"]), "http://b.com"),
    ],
)
def test_url_of_the_contract(document: dict[str, Any], url: str) -> None:
    """Without an entry in pym-config the contract says where the service is."""
    document["paths"] = {"/x": {"get": {"operationId": "x", "responses": {}}}}
    assert apipool.load_swagger("other", document).client.x.base_url() == url


def test_url_of_pym_config() -> None:
    """A URL in pym-config replaces that of the contract, prefix included."""
    set_config(Config({"services": {"other": "http://127.0.0.1:8080/gateway/v1/"}}))
    paths = {"/x": {"get": {"operationId": "x", "responses": {}}}}
    loaded = apipool.load_swagger("other", swagger(paths, host="b.com", basePath="/v1"))
    assert loaded.client.x.base_url() == "http://127.0.0.1:8080/gateway/v1"


def test_no_url_at_all() -> None:
    """A contract that does not say where it is served needs an entry in pym-config."""
    set_config(Config())
    loaded = apipool.load_swagger("other", openapi({"/x": {"get": {"operationId": "x", "responses": {}}}}))
    with pytest.raises(ModelError, match=r"does not say where it is served; add a host to it, or its URL"):
        loaded.client.x()


# What travels along.


def echo() -> dict[str, Any]:
    return dict(flask_request.headers)


def test_call_travels() -> None:
    """Id, path and trace context of the current call go with the next one."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with service(post(), {"x": echo}) as client:
        set_call(Call("id-1", "public", trace, "a=1"))
        seen = client.x()
    assert (seen["Pymcallid"], seen["Pymcallpath"]) == ("id-1", "public.shop.x")
    assert (seen["Traceparent"], seen["Tracestate"]) == (trace, "a=1")


def test_call_travels_through_services() -> None:
    """The id made at the edge is the same three services on, and the path names them."""

    def x() -> Any:
        depth = int(flask_request.headers.get("PymCallPath", "").count("shop"))
        return echo() if depth == 3 else apipool.shop.client.x()

    with service(post(), {"x": x}) as client:
        set_call(None)
        seen = client.x()
    assert UUID(seen["Pymcallid"]).version == 4
    assert seen["Pymcallpath"] == "shop.x.shop.x.shop.x"


def test_add_auth() -> None:
    """x-decorate-request: pymacaron.auth.add_auth sends the current user's token."""
    own = {"x-decorate-request": "pymacaron.auth.add_auth", "x-decorate-server": "pymacaron.auth.requires_auth"}
    document = post(**own)
    with service(document, {"x": get_userid}, jwt_secret=SECRET) as client:
        with pytest.raises(AuthMissingHeaderError):
            client.x()
        set_principal(Principal("ann", generate_token("ann")))
        assert client.x() == "ann"
        set_principal(None)
        get_config().values["default_user_id"] = "robot"
        assert client.x() == "robot"


def test_own_decorator() -> None:
    """A decorator of one's own gets the request, may change it, and gets the response."""

    def sign(call: Any) -> Any:
        def signed(request: Any) -> Any:
            request.headers["X-Signed"] = "yes"
            return call(request)

        return signed

    document = post(**{"x-decorate-request": "handlers.sign"})
    with service(document, {"x": echo, "sign": sign}) as client:
        assert client.x()["X-Signed"] == "yes"
    document["paths"]["/x"]["post"]["x-decorate-request"] = "handlers.nope"
    with (
        service(document, {"x": echo}) as client,
        pytest.raises(BindError, match="x-decorate-request of x"),
    ):
        client.x()


def test_plugins_see_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook client_call gets each request before it is sent."""

    class Stamp(Plugin):
        def client_call(self, context: ClientCallContext) -> None:
            context.request.headers["X-Stamp"] = f"{context.api}.{context.operation.name}"

    loaded = Plugins([LoadedPlugin("stamp", "dist", "1", Stamp())])
    monkeypatch.setattr("pymacaron.api.load_plugins", lambda: loaded)
    with service(post(), {"x": echo}) as client:
        assert client.x()["X-Stamp"] == "shop.x"


def test_nothing_of_the_environment_travels(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A .netrc does not add credentials to a call that has none."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hush\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with service(post(), {"x": echo}) as client:
        assert "Authorization" not in client.x()


def test_cookies_of_one_call_are_not_sent_with_the_next() -> None:
    """A cookie that a service sets belongs to whoever it was set for."""

    def x() -> Response:
        made = Response(f'"{flask_request.headers.get("Cookie", "none")}"', 200, content_type="application/json")
        made.set_cookie("session", "of-ann")
        return made

    with service(post(), {"x": x}) as client:
        assert (client.x(), client.x()) == ("none", "none")


def test_connection_that_the_server_closed_is_opened_again() -> None:
    """A call after the service was restarted works."""
    document = post()
    with service(document, {"x": lambda: 1}) as client:
        assert client.x() == 1
    bind({"x": lambda: 2})
    with service(document, {"x": lambda: 2}):
        assert apipool.shop.client.x() == 2


def test_clients_without_a_server() -> None:
    """load_clients gives clients of services that this one does not serve."""
    with service(post(), {"x": lambda: "theirs"}):
        url = get_config().services["shop"]
        set_config(Config({"services": {"theirs": url}}))
        API(Flask("y"))
        assert apipool.load_swagger("theirs", post()).client.x() == "theirs"
