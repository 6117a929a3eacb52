"""Each rule of ``check``, by the contracts with one fault in ``check_cases.txt``; and what no single rule shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from check_contracts import CLEAN, big_contract
from pymacaron.spec.check import RULES, Finding, check
from pymacaron.spec.document import Documents

if TYPE_CHECKING:
    from collections.abc import Callable

INFO = 'info: {title: T, version: "1"}\n'
HEADS = {"2.0": 'swagger: "2.0"\n', "3.0": "openapi: 3.0.3\n", "3.1": "openapi: 3.1.0\n"}
SCHEMAS = {"2.0": "definitions:\n  A:\n", "3.0": "components:\n  schemas:\n    A:\n"}


class Case(NamedTuple):
    """A contract with one fault."""

    rule: str
    generation: str
    part: str
    severity: str
    said: str
    body: str

    def contract(self) -> str:
        """Write the whole contract."""
        head = HEADS[self.generation] + INFO
        if self.part == "root":
            return head + self.body
        if self.part == "schema":
            parent = SCHEMAS.get(self.generation, SCHEMAS["3.0"])
            return f"{head}paths: {{}}\n{parent}{indent(self.body, 8)}"
        more = "" if "operationId" in self.body else "operationId: a\n"
        more += "" if "responses" in self.body else "responses: {'200': {description: ok}}\n"
        return f"{head}paths:\n  /a:\n    post:\n{indent(self.body + more, 6)}"


def indent(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}\n" for line in text.splitlines())


def cases() -> list[Case]:
    text = Path(__file__).with_name("check_cases.txt").read_text()
    made = []
    for part in re.split(r"(?m)^--- ", text)[1:]:
        head, said, body = (part + "\n").split("\n", 2)
        rule, generation, where, *severity = head.split()
        made.append(
            Case(rule, generation, where, (severity or ["error"])[0], said.removeprefix("> "), body.strip("\n") + "\n")
        )
    return made


CASES = cases()


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Finding]]:
    """Return a function that writes ``contract.yaml``, and other files by name, and checks it."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, **others: str) -> list[Finding]:
        for name, content in {"contract": text, **others}.items():
            Path(f"{name}.yaml").write_text(content)
        return check("contract.yaml")

    return run


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{c.rule}-{c.generation}" for i, c in enumerate(CASES)])
def test_reports_the_fault_and_nothing_else(case: Case, checked: Callable[..., list[Finding]]) -> None:
    """A contract with one fault has one finding, at the fault's line, that says what and how to mend it."""
    text = case.contract()
    line = next((i for i, line in enumerate(text.splitlines(), 1) if line.endswith("#!")), 1)
    found = checked(text)
    assert [(f.rule, f.severity, f.line) for f in found] == [(case.rule, case.severity, line)], [*map(str, found)]
    assert case.said in str(found[0])


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_case(rule: str) -> None:
    """No rule stands in the table without being shown."""
    assert rule in {case.rule for case in CASES} | {"unreadable", "unsupported-version"}


@pytest.mark.parametrize("generation", CLEAN)
def test_a_clean_contract_has_no_finding(generation: str, checked: Callable[..., list[Finding]]) -> None:
    """A contract that uses every object of its generation rightly yields nothing."""
    assert checked(CLEAN[generation]) == []


@pytest.mark.parametrize("generation", CLEAN)
def test_json_is_checked_like_yaml(generation: str, tmp_path: Path) -> None:
    """A JSON contract has the same findings, with the places of its own text."""
    documents = Documents()
    path = tmp_path / "contract.yaml"
    path.write_text(CLEAN[generation])
    data = documents.load(str(path)).value
    data["infos"] = data["info"]
    other = tmp_path / "contract.json"
    other.write_text(json.dumps(data, indent=2))
    found = check(other)
    line = next(i for i, line in enumerate(other.read_text().splitlines(), 1) if '"infos"' in line)
    assert [(f.rule, f.line, f.column) for f in found] == [("unknown-key", line, 3)]


@pytest.mark.parametrize(
    ("text", "rule", "place", "said"),
    [
        ("a: b: c", "unreadable", (1, 5), "this is no yaml"),
        ("a: 1\nb: 2\na: 3\n", "unreadable", (3, 1), "the key 'a' stands twice in one mapping; remove one"),
        ("", "unsupported-version", (1, 1), "this is no OpenAPI document"),
        ("[]", "unsupported-version", (1, 1), "this is no OpenAPI document"),
        ("swagger: '1.2'", "unsupported-version", (1, 1), "swagger: '1.2' is not supported"),
        ("swagger: 3.0.0", "unsupported-version", (1, 1), "did you mean openapi?"),
        ("openapi: 4.0.0", "unsupported-version", (1, 1), "openapi: '4.0.0' is not supported"),
        (f"openapi: 3.0\n{INFO}paths: {{}}", "unsupported-version", (1, 1), "write openapi: 3.0.1"),
        (f"swagger: 2.0\n{INFO}paths: {{}}", "wrong-type", (1, 1), "put it in quotes: '2.0'"),
    ],
)
def test_what_is_no_contract_is_one_finding(
    text: str, rule: str, place: tuple[int, int], said: str, checked: Callable[..., list[Finding]]
) -> None:
    """A file that cannot be read, or follows no generation, is reported and never raised."""
    (found,) = checked(text)
    assert (found.rule, (found.line, found.column)) == (rule, place)
    assert said in str(found)


def test_a_missing_file_is_one_finding(tmp_path: Path) -> None:
    """A path without a file is reported like any other fault."""
    (found,) = check(tmp_path / "none.yaml")
    assert (found.rule, found.message) == ("unreadable", "no such file")


def test_bytes_that_are_no_text_are_one_finding(tmp_path: Path) -> None:
    """A file in another encoding is reported with its mend."""
    (tmp_path / "contract.yaml").write_bytes(b"swagger: \xff")
    (found,) = check(tmp_path / "contract.yaml")
    assert (found.rule, found.mend) == ("unreadable", "save the file as UTF-8")


def test_a_finding_reads_like_a_compilers(checked: Callable[..., list[Finding]]) -> None:
    """The text of a finding is the place, the severity, the fault, the mend and the rule."""
    (found,) = checked(f"{HEADS['2.0']}{INFO}paths: {{}}\nhots: a\n")
    assert (
        str(found) == "contract.yaml:4:1: error: unknown key 'hots' in the document; did you mean 'host'? [unknown-key]"
    )
    assert found.pointer == "/hots"


def test_a_document_without_file_is_named_by_pointer() -> None:
    """Findings of a dict have no line; their text names the pointer."""
    documents = Documents()
    documents.add("pets", {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {}, "hots": 1})
    (found,) = check("pets", documents)
    assert str(found).startswith("pets#/hots: error: unknown key 'hots'")


def test_findings_are_sorted_by_file_and_line(checked: Callable[..., list[Finding]]) -> None:
    """Faults of all files are listed in the order in which one would read them."""
    found = checked(
        f"{HEADS['2.0']}{INFO}paths: {{}}\ndefinitions:\n  A: {{$ref: b.yaml#/B}}\n  C: {{typ: a}}\nhots: 1\n",
        b="B: {\n  typ: 1,\n  minLength: -1}\n",
    )
    assert [(f.file, f.line) for f in found] == [
        ("b.yaml", 2), ("b.yaml", 3), ("contract.yaml", 6), ("contract.yaml", 7)
    ]  # fmt: skip


def test_other_files_are_checked_where_references_reach(checked: Callable[..., list[Finding]]) -> None:
    """A fragment of a plain file is checked by the generation of the contract that refers to it."""
    found = checked(
        f"{HEADS['3.0']}{INFO}paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: b.yaml#/B}}}}}}\n",
        b="B: {const: 1}\nC: {nonsense: true}\n",
    )
    assert [(f.file, f.rule) for f in found] == [("b.yaml", "other-generation")]


def test_another_contract_is_checked_by_its_own_generation(checked: Callable[..., list[Finding]]) -> None:
    """A file that is a contract itself is checked from its root, as what it says it is."""
    found = checked(
        f"{HEADS['3.0']}{INFO}paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: b.yaml#/definitions/B}}}}}}\n",
        b=f"{HEADS['2.0']}{INFO}paths: {{}}\nhots: 1\ndefinitions: {{B: {{type: string, x-nullable: true}}}}\n",
    )
    assert [(f.file, f.rule) for f in found] == [("b.yaml", "unknown-key")]


def test_a_broken_file_is_reported_once(checked: Callable[..., list[Finding]]) -> None:
    """A file that cannot be parsed is one fault, however many references lead to it."""
    refs = "".join(f"  A{i}: {{$ref: 'b.yaml#/B{i}'}}\n" for i in range(50))
    found = checked(f"{HEADS['2.0']}{INFO}paths: {{}}\ndefinitions:\n{refs}", b="a: [\n")
    assert [(f.file, f.rule, f.line) for f in found] == [("b.yaml", "unreadable", 2)]


def test_files_may_refer_to_each_other(checked: Callable[..., list[Finding]]) -> None:
    """A circle of files that passes through properties is fine."""
    found = checked(
        f"{HEADS['3.1']}{INFO}components: {{schemas: {{A: {{properties: {{b: {{$ref: b.yaml#/B}}}}}}}}}}\n",
        b="B: {properties: {a: {$ref: 'contract.yaml#/components/schemas/A'}}}\n",
    )
    assert found == []


def test_a_place_behind_a_merge_key_is_found(checked: Callable[..., list[Finding]]) -> None:
    """A fault that ``<<`` merges in is shown where it is written."""
    found = checked(
        f"{HEADS['2.0']}{INFO}paths: {{}}\nx-base: &base\n  minLength: -1\ndefinitions:\n  A:\n    <<: *base\n"
    )
    assert [(f.rule, f.line) for f in found] == [("negative-length", 5)]


def nested(depth: int) -> dict[str, Any]:
    """Make a chain of schemas, each a reference to the next."""
    chain: dict[str, Any] = {f"A{i}": {"$ref": f"#/definitions/A{i + 1}"} for i in range(depth)}
    return {**chain, f"A{depth}": {"type": "string", "default": 1}}


@pytest.mark.parametrize("form", ["plain", "allOf", "property"])
def test_long_chains_of_references_are_followed(form: str) -> None:
    """A chain of 3,000 references does not exhaust the stack, and the fault at its end is found."""
    chain = nested(3000)
    for name, value in chain.items():
        if form == "allOf" and "$ref" in value:
            chain[name] = {"allOf": [value], "default": "a"}
        elif form == "property" and "$ref" in value:
            chain[name] = {"properties": {"next": value}, "example": {"next": {}}}
    found = findings({"definitions": chain})
    assert [f.pointer for f in found if f.rule == "bad-default"] == ["/definitions/A3000/default"]


def test_aliases_are_not_written_out(checked: Callable[..., list[Finding]]) -> None:
    """Schemas that aliases multiply to millions are visited once each."""
    lines = ["a0: &a0 {type: strin, enum: [1, 1]}"]
    lines += [f"a{i}: &a{i} {{properties: {{a: *a{i - 1}, b: *a{i - 1}}}, enum: [*a{i - 1}, 1]}}" for i in range(1, 14)]
    found = checked(f"{HEADS['2.0']}{INFO}paths: {{}}\ndefinitions:\n{indent(chr(10).join(lines), 2)}")
    assert [(f.rule, f.line) for f in found] == [("unknown-type", 5), ("duplicate-enum", 5)]


@pytest.mark.parametrize("place", [{"default": 0}, {"enum": 0}, {"properties": 0}, {"allOf": 0}])
def test_a_document_nested_beyond_all_bounds_is_reported(place: dict[str, Any], tmp_path: Path) -> None:
    """JSON of hundreds of levels is checked or refused, but never raises."""
    (key,) = place
    inner = '{"a":' * 450 + "{}" + "}" * 450
    value = f"[{inner},{inner}]" if key in ("enum", "allOf") else inner
    head = '{"swagger":"2.0","info":{"title":"T","version":"1"},"paths":{},"definitions":{"A":{"type":"array",'
    (tmp_path / "contract.json").write_text(f'{head}"items":{{}},"{key}":{value}}}}}}}')
    assert {f.rule for f in check(tmp_path / "contract.json")} <= {"unreadable", "duplicate-enum", "unknown-key"}


def test_a_circle_of_references_is_reported_once() -> None:
    """A thousand references in a circle are one fault."""
    circle = {f"A{i}": {"$ref": f"#/definitions/A{(i + 1) % 1000}"} for i in range(1000)}
    assert [f.rule for f in findings({"definitions": circle})] == ["circular-ref"]


def test_deep_schemas_are_checked() -> None:
    """A schema nested as deep as a document can be is checked to its end."""
    schema: dict[str, Any] = {"typ": "string"}
    for _ in range(120):
        schema = {"properties": {"a": schema}}
    assert [f.rule for f in findings({"definitions": {"A": schema}})] == ["unknown-key"]


def findings(more: dict[str, Any]) -> list[Finding]:
    documents = Documents()
    documents.add("contract", {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {}, **more})
    return check("contract", documents)


def test_a_big_contract_is_clean() -> None:
    """The contract that the speed is measured with has no fault."""
    documents = Documents()
    documents.add("big", big_contract(200, 100))
    assert check("big", documents) == []


def test_many_faults_of_one_file_are_all_placed(checked: Callable[..., list[Finding]]) -> None:
    """Each of a thousand faults has its own line."""
    lines = "".join(f"  A{i}: {{$ref: '#/definitions/Z{i}'}}\n" for i in range(300))
    found = checked(f"{HEADS['2.0']}{INFO}paths: {{}}\ndefinitions:\n{lines}")
    assert [f.line for f in found] == list(range(5, 305))


def test_documents_that_are_parsed_already_are_used(tmp_path: Path) -> None:
    """Files in ``documents`` are not read again, and those that are read are put there."""
    path = tmp_path / "contract.yaml"
    path.write_text(CLEAN["2.0"])
    documents = Documents()
    assert check(path, documents) == []
    assert list(documents.data) == [str(path.resolve())]
    documents.data[str(path.resolve())]["hots"] = 1
    assert [f.rule for f in check(path, documents)] == ["unknown-key"]


# Contracts of the shapes that real services have, with the faults that they have.


def test_a_contract_moved_from_2_to_3_halfway(checked: Callable[..., list[Finding]]) -> None:
    """Each key that was left behind is named with what replaces it."""
    found = checked(
        f"""{HEADS["3.0"]}{INFO}host: example.com
basePath: /v1
paths:
  /pets:
    post:
      operationId: add
      consumes: [application/json]
      parameters:
        - {{name: pet, in: body, required: true, schema: {{$ref: '#/definitions/Pet'}}}}
        - {{name: limit, in: query, type: integer}}
      responses:
        200: {{description: ok, schema: {{$ref: '#/definitions/Pet'}}}}
definitions:
  Pet: {{type: object}}
securityDefinitions: {{}}
"""
    )
    assert {f.rule for f in found} == {"other-generation", "wrong-value", "missing-key"}
    assert sorted(f.pointer.rpartition("/")[2] for f in found if f.rule == "other-generation") == [
        "basePath", "consumes", "definitions", "host", "schema", "securityDefinitions", "type"
    ]  # fmt: skip


def test_a_contract_split_over_files(checked: Callable[..., list[Finding]]) -> None:
    """Paths, parameters and schemas may each stand in a file of their own."""
    found = checked(
        f"{HEADS['3.0']}{INFO}paths:\n  /pets/{{id}}: {{$ref: 'paths.yaml#/pet'}}\n",
        paths="""
pet:
  parameters: [{$ref: 'parameters.yaml#/Id'}]
  get:
    operationId: getPet
    responses:
      '200': {description: ok, content: {application/json: {schema: {$ref: 'schemas.yaml#/Pet'}}}}
""",
        parameters="Id: {name: id, in: path, required: true, schema: {type: string}}\n",
        schemas="Pet: {type: object, properties: {name: {$ref: '#/Name'}}}\nName: {type: strin}\n",
    )
    assert [str(f) for f in found] == [
        "schemas.yaml:2:8: error: 'type' of a Schema is 'strin'; the types are string, number, integer, boolean,"
        " array, object; did you mean 'string'? [unknown-type]"
    ]


def test_subtypes_of_a_discriminator_are_in_use(checked: Callable[..., list[Finding]]) -> None:
    """Schemas that only extend one with a discriminator, or that are persisted, count as used."""
    found = checked(
        f"""{HEADS["2.0"]}{INFO}paths:
  /pets:
    get: {{operationId: find, responses: {{200: {{description: ok, schema: {{$ref: '#/definitions/Pet'}}}}}}}}
definitions:
  Pet: {{type: object, discriminator: kind, required: [kind], properties: {{kind: {{type: string}}}}}}
  Cat: {{allOf: [{{$ref: '#/definitions/Pet'}}]}}
  Lion: {{allOf: [{{$ref: '#/definitions/Cat'}}]}}
  Row: {{type: object, x-persist: app.models.Row}}
  Rest: {{type: object}}
"""
    )
    assert [(f.rule, f.pointer) for f in found] == [("unused-component", "/definitions/Rest")]
