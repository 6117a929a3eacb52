"""Contracts found in a folder, and the reader that a document's own version picks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import openapi, swagger, write
from pymacaron.contract import Place
from pymacaron.exceptions import ContractError
from pymacaron.spec import describe_place, find_contracts, read_contract

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {}\n"


def test_every_ending_is_found(tmp_path: Path) -> None:
    """Contracts are yaml, yml and json, in the folder and below it; other files, and parts, are left out."""
    write(
        tmp_path,
        {
            "a.yaml": MINIMAL,
            "b.yml": "# a comment\n" + MINIMAL,
            "sub/deep/c.json": '{"swagger": "2.0"}',
            "d.json": '{\n  "openapi": "3.0.0"}',
            "quoted.yaml": "'openapi': 3.1.0\n",
            "part.yaml": "type: object\n",
            "notes.txt": MINIMAL,
            "description.yaml": "text: |\n  write openapi: 3.1.0 at the top\n",
        },
    )
    assert list(find_contracts(tmp_path)) == ["a", "b", "d", "quoted", "c"]
    assert find_contracts(tmp_path)["c"] == tmp_path / "sub" / "deep" / "c.json"


def test_ignored_names(tmp_path: Path) -> None:
    """Names can be left out."""
    write(tmp_path, {"a.yaml": MINIMAL, "b.yaml": MINIMAL})
    assert list(find_contracts(tmp_path, ignore=["a"])) == ["b"]


def test_empty_file_is_a_contract_that_fails(tmp_path: Path) -> None:
    """A file that was never filled in is not silently left out."""
    write(tmp_path, {"a.yaml": ""})
    with pytest.raises(ContractError, match="this is no OpenAPI document"):
        read_contract(find_contracts(tmp_path)["a"], "a")


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """An API has one contract."""
    write(tmp_path, {"a.yaml": MINIMAL, "sub/a.json": '{"openapi": "3.1.0"}'})
    with pytest.raises(ContractError, match=r"a\.json: .*a\.yaml is an API named 'a' too; rename one file"):
        find_contracts(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is named, with what to do."""
    with pytest.raises(ContractError, match=r"nowhere: no such folder; put the contracts there or give load_apis"):
        find_contracts(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "this is no OpenAPI document; it needs swagger: '2.0' or openapi: 3.x at its root"),
        ({"swagger": "1.2"}, "swagger: '1.2' is not supported; write swagger: '2.0'"),
        ({"openapi": "4.0.0"}, "openapi: '4.0.0' is not supported; write 3.0.x or 3.1.x"),
        ({"openapi": "2.0"}, "openapi: '2.0' is not supported"),
        ({"openapi": 3.1, "paths": []}, "this must be a mapping, not '\\[\\]'"),
    ],
)
def test_what_is_no_contract(document: dict[str, Any], message: str) -> None:
    """A document of no known version is refused with the versions that are."""
    with pytest.raises(ContractError, match=message):
        read_contract(document, "x")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "5\n", "null\n"])
def test_root_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    """A file of something else is refused with its name."""
    with pytest.raises(ContractError, match=r"x\.yaml: this is no OpenAPI document"):
        read_contract(write(tmp_path, {"x.yaml": text}) / "x.yaml", "x")


@pytest.mark.parametrize("version", ["3.0.0", "3.0.3", "3.1.0", "3.1.1"])
def test_versions(version: str) -> None:
    """Each patch release of 3.0 and 3.1 is read; integers may be written as floats in 3.1 alone."""
    assert read_contract(openapi({}, version), "x").float_is_integer is (version[:3] == "3.1")


def test_place_is_described(tmp_path: Path) -> None:
    """An operation's place is shown as file, line and column; that of a dict by its pointer."""
    path = write(tmp_path, {"x.yaml": MINIMAL}) / "x.yaml"
    assert describe_place(Place(str(path), "/paths")).endswith("x.yaml:3:1")
    assert describe_place(Place("shop", "/paths")) == "shop#/paths"


def operation(**value: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "x"}}, **value}


def names(document: dict[str, Any]) -> list[str]:
    return [made.name for made in read_contract(document, "x").operations]


def test_names_of_operations() -> None:
    """An operation is named by operationId, else by its handler, else by method and path."""
    paths = {
        "/a": {"get": operation(operationId="mine", **{"x-bind-server": "app.other"})},
        "/b": {"get": operation(**{"x-bind-server": "app.pets.find"})},
        "/c/{id}/d-e": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "delete": operation(**{"x-no-bind-server": True}),
        },
        "/": {"get": operation()},
    }
    assert names(swagger(paths)) == ["mine", "find", "delete_c__id__d_e", "get_root"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            {"/a": {"get": operation(operationId="x")}, "/b": {"get": operation(operationId="x")}},
            "'x' stands at .* too",
        ),
        ({"a": {"get": operation()}}, "the path 'a' must begin with a slash"),
        ({"/a/{id}": {"get": operation()}}, r"names \{id\}, but no parameter with in: path does"),
        (
            {"/a": {"get": operation(**{"x-bind-server": 5})}},
            "must be a name such as app.pets.find, not 5",
        ),
        ({"/a": {"get": operation(**{"x-bind-server": "a-b.c"})}}, "not 'a-b.c'"),
        (
            {"/a": {"get": operation(**{"x-bind-client": "a b"})}},
            "must be a name such as find, not 'a b'",
        ),
        ({"/a": {"get": operation(security=[{"nope": []}])}}, "no security scheme is named 'nope'; declared are: none"),
        ({"/a": {"get": []}}, r"this must be a mapping, not '\[\]'"),
        ({"/a": 5}, "this must be a mapping, not '5'"),
    ],
)
@pytest.mark.parametrize("make", [swagger, openapi])
def test_operations_that_are_refused(make: Any, paths: dict[str, Any], message: str) -> None:
    """What cannot be served is refused with its place, whatever the version."""
    with pytest.raises(ContractError, match=message) as caught:
        read_contract(make(paths), "shop")
    assert str(caught.value).startswith("shop#/")


PARAMETER = {"name": "id", "in": "path", "required": True}


@pytest.mark.parametrize(
    ("make", "typed"), [(swagger, {"type": "integer"}), (openapi, {"schema": {"type": "integer"}})]
)
def test_parameters_of_the_path(make: Any, typed: dict[str, Any]) -> None:
    """Parameters of a path belong to all its operations, which may override them by name and place."""
    given = {**PARAMETER, **typed}
    text = {"type": "string"} if make is swagger else {"schema": {"type": "string"}}
    paths = {
        "/a/{id}": {
            "parameters": [given, {"name": "q", "in": "query", **typed}],
            "get": operation(operationId="get"),
            "put": operation(operationId="put", parameters=[{"name": "q", "in": "query", "required": True, **text}]),
            "head": operation(operationId="head", parameters=[{"name": "id", "in": "query", **text}]),
        }
    }
    found = {made.name: made for made in read_contract(make(paths), "x").operations}
    shown = {
        name: [(p.name, p.location, p.required, p.schema.type, p.argument) for p in made.parameters]  # type: ignore[union-attr]  # no schema here is a boolean
        for name, made in found.items()
    }
    path = ("id", "path", True, ("integer",), "id")
    assert shown["get"] == [path, ("q", "query", False, ("integer",), "q")]
    assert shown["put"] == [path, ("q", "query", True, ("string",), "q")]
    assert shown["head"] == [
        path,
        ("q", "query", False, ("integer",), "q"),
        ("id", "query", False, ("string",), "query_id"),
    ]


@pytest.mark.parametrize("make", [swagger, openapi])
def test_parameter_that_stands_twice(make: Any) -> None:
    """A parameter is told by name and place; an operation has it once."""
    twice = {"name": "q", "in": "query", "type": "string", "schema": {"type": "string"}}
    with pytest.raises(ContractError, match="the query parameter 'q' stands twice; remove one"):
        read_contract(make({"/a": {"get": operation(parameters=[twice, twice])}}), "x")


@pytest.mark.parametrize(
    ("name", "where", "argument"),
    [
        ("X-Trace-Id", "header", "x_trace_id"),
        ("user-name", "query", "user_name"),
        ("from", "query", "from_"),
        ("1st", "query", "_1st"),
        ("größe", "query", "größe"),
        ("Upper", "query", "Upper"),
        ("a.b[c]", "query", "a_b_c_"),
    ],
)
def test_arguments(name: str, where: str, argument: str) -> None:
    """A parameter's argument is its name, made an identifier that is no keyword of Python."""
    parameter = {"name": name, "in": where, "schema": {"type": "string"}}
    (made,) = read_contract(openapi({"/a": {"get": operation(parameters=[parameter])}}), "x").operations
    assert made.parameters[0].argument == argument


def test_extensions_of_operations() -> None:
    """Our own keys become fields; other x- keys are kept as they are."""
    value = operation(
        operationId="a",
        summary="S",
        description="D",
        tags=["t"],
        deprecated=True,
        **{
            "x-bind-server": "app.find",
            "x-bind-client": "look",
            "x-decorate-server": "app.guard",
            "x-decorate-request": "app.sign",
            "x-pym-validate-response": False,
            "x-other": {"a": 1},
        },
    )
    (made,) = read_contract(openapi({"/a": {"get": value}}), "x").operations
    assert (made.handler, made.client_name, made.decorate_server, made.decorate_request) == (
        "app.find", "look", "app.guard", "app.sign",
    )  # fmt: skip
    assert (made.summary, made.description, made.tags, made.deprecated) == ("S", "D", ("t",), True)
    assert (made.validate_response, made.extensions) == (False, {"x-other": {"a": 1}})


def test_handlers() -> None:
    """A handler is x-bind-server, else operationId; x-no-bind-server leaves the operation to somebody else."""
    paths = {
        "/a": {"get": operation(operationId="a")},
        "/b": {"get": operation(operationId="b", **{"x-no-bind-server": True})},
        "/c": {"get": operation()},
    }
    assert [made.handler for made in read_contract(openapi(paths), "x").operations] == ["a", None, ""]


def test_contract_survives_json() -> None:
    """A contract can be written as JSON and read back without loss."""
    import msgspec

    from pymacaron.contract import Api

    schema = {"type": "object", "properties": {"a": {"const": None, "default": [1]}}, "not": False}
    api = read_contract(openapi({"/a": {"get": operation(requestBody={"content": {"a/b": {"schema": schema}}})}}), "x")
    assert msgspec.json.decode(msgspec.json.encode(api), type=Api) == api
