"""The parts of the contract tests: calls, judgements, reductions, links, false alarms, and generated tests."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.contract_tests.call import ABSENT, Call, from_prepared
from pymacaron_unit.contract_tests.checks import classify
from pymacaron_unit.contract_tests.credentials import Credentials, needed
from pymacaron_unit.contract_tests.failures import CHECKS, Failure, Fault, Step
from pymacaron_unit.contract_tests.false_alarms import FALSE_ALARMS, causes
from pymacaron_unit.contract_tests.junit import write_junit
from pymacaron_unit.contract_tests.links import evaluate, find_links
from pymacaron_unit.contract_tests.reducing import reduce
from pymacaron_unit.contract_tests.regression import regression_file, regression_test
from pymacaron_unit.contract_tests.validity import Judge
from pymacaron_unit.contracts import from_document
from serving import PETS

if TYPE_CHECKING:
    from pathlib import Path

JSON = (("Content-Type", "application/json"),)
PETS_CONTRACT = from_document("pets", PETS)


def step(name: str, call: Call, **bound: str) -> Step:
    """Make a step of an operation of the pets."""
    return Step(PETS_CONTRACT, PETS_CONTRACT.operations[name], call, bound)


def test_a_call_is_sent_as_it_is() -> None:
    """Escapes of path and query stay as they were made, and headers that no latin-1 has are UTF-8."""
    call = Call("GET", "/a%2e%C3%A9", (("q", "%2B+%"),), (("X-Name", "☃"),))
    prepared = call.prepare("http://127.0.0.1:1/v1")
    assert prepared.url == "http://127.0.0.1:1/v1/a%2e%C3%A9?q=%2B+%"
    sent: Any = prepared.headers["X-Name"]
    assert sent == "☃".encode()


def test_a_call_is_read_back_from_a_request() -> None:
    """What a client adds by itself is left out; a form has the same boundary in each run."""
    made = requests.Request("POST", "http://x/b/p", params={"a": "1 2"}, files={"f": ("n", b"data")})
    first, second = (from_prepared(made.prepare(), "http://x/b") for _ in range(2))
    assert first == second
    assert (first.path, first.target) == ("/p", "/p?a=1+2")
    assert [name for name, _ in first.headers] == ["Content-Type"]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (Call("POST", "/v1/pets", (), JSON, b'{"name": "Rex"}'), []),
        (Call("POST", "/v1/pets", (), JSON, b'{"name": ""}'), [("body", "/name", "minLength")]),
        (Call("POST", "/v1/pets", (("dry_run", "maybe"),), JSON, b"[]"), [("query", "/dry_run", "type")]),
        (Call("POST", "/v1/pets", (), (), b""), [("body", "", "required")]),
        (
            Call("POST", "/v1/pets", (), (("Content-Type", "text/plain"),), b"x"),
            [("header", "/Content-Type", "content")],
        ),
        (Call("POST", "/v1/pets", (), JSON, b"{"), [("body", "", "json")]),
        (Call("GET", "/v1/pets/1"), None),
    ],
)
def test_judges_requests_as_they_arrive(call: Call, found: list[tuple[str, str, str]] | None) -> None:
    """A request is valid or not as it is sent; one of another path is not judged."""
    faults = Judge(PETS_CONTRACT, PETS_CONTRACT.operations["createPet"]).faults(call)
    told = None if faults is None else [(each["in"], each["pointer"], each["keyword"]) for each in faults[:1]]
    assert told == found


def test_reduces_to_what_the_fault_needs() -> None:
    """All that does not matter is left out, and texts become short."""
    body = {"a": [1, 2, {"bad": "xxxxxxxx", "b": 1}], "c": {"d": 1}, "e": "long"}
    call = Call("POST", "/", (("q", "1"), ("r", "2")), (*JSON, ("X-A", "1")), json.dumps(body).encode())
    smallest = reduce(call, lambda each: b'"bad"' in each.content and "r=2" in each.target, tries=200)
    assert smallest.target == "/?r=2"
    assert smallest.headers == JSON
    assert smallest.json() == {"a": [{"bad": "x"}]}


def test_a_reduction_is_bounded() -> None:
    """No more calls are sent than it may send."""
    sent: list[Call] = []
    call = Call("POST", "/", (), JSON, json.dumps(list(range(10, 500))).encode())

    def shows(each: Call) -> bool:
        sent.append(each)
        return True

    reduce(call, shows, tries=7)
    assert len(sent) == 7


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (Call("GET", "/a%00"), "nul_in_url_or_header"),
        (Call("GET", "/a", (), (("X", "a\nb"),)), "nul_in_url_or_header"),
        (Call("GET", "/a%FF"), "undecodable_text"),
        (Call("POST", "/a", (), JSON, rb'"\ud800"'), "undecodable_text"),
        (Call("GET", "/a/../b"), "path_segments"),
        (Call("GET", "/a//b"), "path_segments"),
        (Call("GET", "/a%2Fb"), "path_segments"),
        (Call("GET", "/a", (("q", "1"), ("q", "2"))), "repeated_parameters"),
        (Call("GET", "/a", (), (("X", " a"),)), "header_whitespace"),
        (Call("GET", "/a", (), (("X", "é"),)), "header_whitespace"),
        (Call("GET", "/a", (), (("Cookie", 'a="b"'),)), "cookie_text"),
        (Call("POST", "/a", (), JSON, b"[1" + b"0" * 320 + b"]"), "huge_numbers"),
        (Call("POST", "/a", (), JSON, b"1e999"), "huge_numbers"),
        (Call("DELETE", "/a", (), JSON, b"{}"), "body_of_get"),
    ],
)
def test_knows_false_alarms(call: Call, cause: str) -> None:
    """Each class of requests that no server can be blamed for is known by its name, which has a reason."""
    assert cause in set(causes(call))
    assert FALSE_ALARMS[cause]


@pytest.mark.parametrize(
    "call",
    [
        Call("GET", "/a%C3%A9", (("q", "%C3%A9"),), (("X-A", "b"), ("Cookie", "a=b; c=d"))),
        Call("POST", "/a", (), JSON, rb'{"a": "\ud83d\ude00\u0000", "n": 1e300, "t": "e1000"}'),
    ],
)
def test_knows_what_is_no_false_alarm(call: Call) -> None:
    """Texts of any script, surrogate pairs, NUL in JSON and large numbers are the service's own business."""
    assert list(causes(call)) == []


def test_finds_links_by_shape_and_by_declaration() -> None:
    """An id in a success's body leads to the paths below; a declared link says itself where its value stands."""
    document: dict[str, Any] = json.loads(json.dumps(PETS))
    found = {
        (each.producer.name, each.consumer.name): dict(each.parameters) for each in find_links(PETS_CONTRACT, PETS)
    }
    assert found == {
        ("createPet", "getPet"): {"pet_id": "$response.body#/id"},
        ("createPet", "deletePet"): {"pet_id": "$response.body#/id"},
    }
    document["paths"]["/pets"]["get"]["responses"]["200"]["links"] = {"first": {"$ref": "#/components/links/first"}}
    document["components"]["links"] = {
        "first": {"operationId": "getPet", "parameters": {"path.pet_id": "$response.body#/0/id"}}
    }
    declared = [each for each in find_links(from_document("pets", document), document) if each.status is not None]
    assert [(each.producer.name, each.consumer.name) for each in declared] == [("listPets", "getPet")]
    assert dict(declared[0].parameters) == {"pet_id": "$response.body#/0/id"}


def test_evaluates_runtime_expressions() -> None:
    """An expression takes its value from the request or the answer; where nothing stands there is none."""
    call = Call("POST", "/x", (("q", "1"),), JSON, b'{"a": {"b": 2}}')

    def value(expression: str) -> Any:
        return evaluate(expression, call, {"id": "7"}, {"Location": "/x/9"}, [{"id": 5}])

    assert value("$response.body#/0/id") == 5
    assert value("$request.body#/a/b") == 2
    assert value("$request.path.id") == "7"
    assert value("$request.query.q") == "1"
    assert value("$response.header.Location") == "/x/9"
    assert value("constant") == "constant"
    assert value("$response.body#/1/id") is ABSENT
    assert value("$url") is ABSENT


class Maker:
    """Makes tokens that say what they are for."""

    def token(self, user_id: str, scopes: list[str]) -> str:
        return f"{user_id}-{'+'.join(scopes)}"


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "http", "scheme": "bearer"}, ("Authorization", "Bearer ann-read")),
        ({"type": "http", "scheme": "basic"}, ("Authorization", "Basic YW5uOnB3")),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, ("X-Key", "ann:pw")),
        ({"type": "apiKey", "in": "cookie", "name": "key"}, ("Cookie", "key=ann%3Apw")),
    ],
)
def test_signs_as_the_scheme_asks(scheme: dict[str, Any], expected: tuple[str, str]) -> None:
    """A credential stands where its scheme wants it: a token made by the target, or the value that was given."""
    scopes = ["read"] if scheme.get("scheme") == "bearer" else []
    document = {
        **PETS,
        "security": [{"key": scopes}],
        "components": {**PETS["components"], "securitySchemes": {"key": scheme}},
    }
    contract = from_document("pets", document)
    operation = contract.operations["listPets"]
    assert needed(contract, operation) is not None
    given = {} if scopes else {"key": "ann:pw"}
    signed = Credentials(Maker(), "ann", given).sign(contract, operation, Call("GET", "/v1/pets"))
    assert signed.headers == (expected,)


@pytest.mark.parametrize(
    ("text", "check", "location"),
    [
        ("the status 299 is not declared; declared are: 200", "undeclared_status", "299"),
        ("the header X-Left is missing", "missing_header", "X-Left"),
        ("the header X-Left: 'many' is no integer", "response_header", "X-Left"),
        ("the content type is 'a/b'; declared are: c/d", "undeclared_content_type", ""),
        ("body /a/3/b: too long (maxLength)", "response_body", "/a/*/b maxLength"),
        ("body (whole): this is no JSON: x (y) (json)", "response_body", "(whole) json"),
        ("there is a body of 3 bytes; none is declared for 200", "undeclared_body", ""),
    ],
)
def test_sorts_faults_of_answers(text: str, check: str, location: str) -> None:
    """A fault that the checks of single answers tell belongs to one check and one place."""
    fault = classify(text)
    assert (fault.check, fault.location) == (check, location)


CALLS = st.builds(
    Call,
    st.sampled_from(["GET", "POST", "TRACE"]),
    st.just("/v1/pets"),
    st.lists(st.tuples(st.text("ab%2{}'\"\\", min_size=1), st.text("ab%2{}'\"\\"))).map(tuple),
    st.lists(st.tuples(st.sampled_from(["X-A", "Content-Type"]), st.text())).map(tuple),
    st.binary(),
)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
)


@given(call=CALLS, body=BODIES, location=st.text(), check=st.sampled_from(list(CHECKS)))
def test_any_failure_becomes_a_test_that_parses(call: Call, body: Any, location: str, check: str) -> None:
    """Whatever bytes, texts and numbers a call holds, its test is valid Python, and sends the same."""
    sent = replace(call, headers=JSON).with_json(body)
    for each in (call, sent):
        failure = Failure(Fault(check, location, "it"), (step("createPet", each),), None)
        source = regression_test(failure, "ann")
        (function,) = ast.parse(source).body
        assert isinstance(function, ast.FunctionDef)
        assert function.args.args[0].arg == "api"
        source.encode()


def test_a_test_repeats_the_story_of_its_failure() -> None:
    """Values of a path that an answer gave are taken out of the answer again."""
    create = step("createPet", Call("POST", "/v1/pets", (), JSON, b'{"name": "Rex"}'))
    delete = step("deletePet", Call("DELETE", "/v1/pets/5"), pet_id="$response.body#/id")
    get = step("getPet", Call("GET", "/v1/pets/5", (("a", "{1}"),)), pet_id="$response.body#/id")
    source = regression_test(Failure(Fault("use_after_delete", "", ""), (create, delete, get), None), "ann")
    assert source.splitlines()[2:] == [
        "    made = api.post('/v1/pets', {'name': 'Rex'})",
        "    api.delete(f\"/v1/pets/{made.json()['id']}\")",
        "    answer = api.as_user('ann').get(f\"/v1/pets/{made.json()['id']}?a={{1}}\", check=False)",
        "    assert answer.status in (404, 410), answer.transcript()",
    ]


def test_tests_of_one_name_are_numbered() -> None:
    """Two failures whose names are alike do not hide one another."""
    failures = [
        Failure(Fault("server_error", place, ""), (step("listPets", Call("GET", "/v1/pets")),), None) for place in "/-"
    ]
    names = [
        each.name for each in ast.parse(regression_file(failures, "ann")).body if isinstance(each, ast.FunctionDef)
    ]
    assert names == ["test_listpets_server_error", "test_listpets_server_error_2"]


def test_junit_takes_any_text(tmp_path: Path) -> None:
    """What no XML document can hold is replaced."""
    failure = Failure(Fault("server_error", "\x00", "a\ud800b"), (step("listPets", Call("GET", "/v1/pets")),), None)
    write_junit(tmp_path / "r.xml", {"pets": PETS_CONTRACT.api.operations}, [failure], 1.5)
    assert "a\N{REPLACEMENT CHARACTER}b" in (tmp_path / "r.xml").read_text("utf-8")


def test_base_classes_of_models_are_left_to_the_service() -> None:
    """A contract whose models have base classes of the service is judged where they cannot be imported."""
    document: dict[str, Any] = json.loads(json.dumps(PETS))
    document["components"]["schemas"]["Pet"]["x-parent"] = "nowhere.PetMixin"
    contract = from_document("pets", document)
    call = Call("POST", "/v1/pets", (), JSON, b'{"name": "Rex"}')
    assert Judge(contract, contract.operations["createPet"]).faults(call) == []
