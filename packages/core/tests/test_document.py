"""Documents: yaml 1.2, JSON, references between files, and where a fault stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import write
from pymacaron.exceptions import ContractError
from pymacaron.spec.document import Documents, Node, escape, locate, tokens, where
from pymacaron.spec.parsing import parse_json, parse_text, parse_yaml, read_text
from pymacaron.spec.position import json_positions, yaml_position

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("2020-01-01", "2020-01-01"),
        ("12:30:45", "12:30:45"),
        ("true", True),
        ("False", False),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-12", -12),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("=", "="),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_of_yaml_1_2(text: str, value: Any) -> None:
    """Plain values are read by YAML 1.2's core schema; what is none of JSON's numbers is a text."""
    found = parse_yaml(f"key: {text}", "x.yaml")["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_texts() -> None:
    """Statuses and words that yaml 1.1 would make booleans stay texts."""
    assert list(parse_yaml("200: a\non: b\nnull: c\n1.0: d\n", "x.yaml")) == ["200", "on", "null", "1.0"]


def test_anchors_and_merge_keys() -> None:
    """An alias repeats its anchor's value; ``<<`` merges mappings, of which the own keys win, then the first."""
    text = """
base: &base {a: 1, b: 2}
other: &other {b: 3, c: 4}
copy: *base
one: {<<: *base, b: 5}
two: {<<: [*base, *other], d: 6}
"""
    found = parse_yaml(text, "x.yaml")
    assert found["copy"] == {"a": 1, "b": 2}
    assert found["one"] == {"a": 1, "b": 5}
    assert found["two"] == {"a": 1, "b": 2, "c": 4, "d": 6}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"x\.yaml:3:1: the key 'a' stands twice in one mapping; remove one"),
        ("200: a\n'200': b\n", r"x\.yaml:2:1: the key '200' stands twice"),
        ("a: [1, 2", r"x\.yaml:\d+:\d+: this is no yaml: "),
        ("a: b: c", r"x\.yaml:1:5: this is no yaml: mapping values are not allowed"),
        ("\ta: 1", r"x\.yaml:1:1: this is no yaml: found character"),
        ("a: \x01", r"x\.yaml: this is no yaml: .*"),
        ("a: *missing", r"x\.yaml:1:4: this is no yaml: found undefined alias"),
        ("a: &x [*x]", r"x\.yaml:1:\d+: this anchor contains an alias of itself; use \$ref for recursion"),
        ("a: !!python/object:os.system x", r"x\.yaml:1:4: the yaml tag .* is not allowed in a contract; remove it"),
        ("a: !mine x", r"the yaml tag '!mine' is not allowed"),
        ("a: !!binary aGk=", r"the yaml tag .*binary' is not allowed"),
        ("a: !!int x", r"'x' is no int"),
        ("? [a]\n: b\n", r"a key must be a plain text"),
        ("a: {<<: 5}", r"'<<' merges mappings only"),
        ("a: 1\n---\nb: 2\n", r"x\.yaml:2:1: this is no yaml: but found another document"),
        (BOMB, r"its aliases expand to more than 20000000 nodes; use \$ref instead"),
        ("[" * 5000 + "]" * 5000, r"nested too deeply; use \$ref for the inner parts"),
        ("\n".join("  " * i + "a:" for i in range(2000)), r"nested too deeply"),
        ("- " * 3000 + "a", r"nested too deeply"),
        ("a: " + "9" * 5000, r"99 is no int|x\.yaml:1:4"),
    ],
)
def test_yaml_that_is_refused(text: str, message: str) -> None:
    """What is no plain yaml is refused with its place, in no time and without a crash."""
    with pytest.raises(ContractError, match=message) as caught:
        parse_yaml(text, "x.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "a": 2}', r"x\.json:2:2: the key 'a' stands twice in one object; remove one"),
        ('{"a": {"b": 1, "b": 2}}', r"x\.json:1:16: the key 'b' stands twice"),
        ('{"a": }', r"x\.json:1:7: this is no JSON: Expecting value"),
        ("", r"x\.json:1:1: this is no JSON"),
        ('{"a": NaN}', r"x\.json: NaN is no JSON number"),
        ("[" * 100_000, r"nested too deeply"),
        ("a: 1", r"this is no JSON"),
    ],
)
def test_json_that_is_refused(text: str, message: str) -> None:
    """What is no JSON of RFC 8259 is refused with its place."""
    with pytest.raises(ContractError, match=message):
        parse_json(text, "x.json")


def test_json_with_a_long_number() -> None:
    """A number that Python will not convert is a fault of the contract, not a crash."""
    with pytest.raises(ContractError, match=r"x\.json"):
        parse_json('{"a": ' + "9" * 5000 + "}", "x.json")


def test_ending_decides() -> None:
    """A file that ends in .json is JSON, all else yaml, of which JSON is a part."""
    assert parse_text('{"a": [1]}', "x.json") == parse_text('{"a": [1]}', "x.yml") == {"a": [1]}
    with pytest.raises(ContractError):
        parse_text("a: 1", "x.json")


def test_texts(tmp_path: Path) -> None:
    """A byte order mark is skipped; what is no UTF-8, missing or a folder is refused."""
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\n")
    assert read_text(path) == "name: café\n"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ContractError, match=r"x\.yaml: byte 9 is not UTF-8; save the file as UTF-8"):
        read_text(path)
    with pytest.raises(ContractError, match="no such file"):
        read_text(tmp_path / "missing.yaml")
    with pytest.raises(ContractError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


def test_pointers() -> None:
    """Tokens are escaped as in RFC 6901."""
    assert tokens("/a~1b/c~0d/0") == ["a/b", "c~d", "0"]
    assert escape("a/b~c") == "a~1b~0c"


FILES = {
    "main.yaml": """
        a: {$ref: "#/b"}
        b: {$ref: "parts/other.yaml#/x~1y"}
        c: {$ref: "parts/other.yaml"}
        d: {$ref: "parts/other.yaml#/list/1"}
        e: {$ref: "#/e"}
        f: {$ref: "#/g"}
        g: {$ref: "#/f"}
        h: {$ref: "parts/data.json#/deep"}
        i: {$ref: "parts/with%20space.yaml#/x"}
        naïve: {$ref: "#/na%C3%AFve%20key"}
        naïve key: 8
    """,
    "parts/other.yaml": """
        x/y: {$ref: "../main.yaml#/naïve key"}
        list: [1, {two: 2}]
    """,
    "parts/data.json": '{"deep": {"down": true}}',
    "parts/with space.yaml": "x: 5\n",
}


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Documents, Node]:
    """Load a document that refers to others."""
    documents = Documents()
    return documents, documents.load(str(write(tmp_path, FILES) / "main.yaml"))


def follow(loaded: tuple[Documents, Node], key: str) -> Node:
    documents, root = loaded
    return documents.follow(root.child(key))


def test_references(loaded: tuple[Documents, Node], tmp_path: Path) -> None:
    """References lead on within files, between files and back, each file read once."""
    assert follow(loaded, "a").value == 8
    assert follow(loaded, "c").value["list"] == [1, {"two": 2}]
    assert follow(loaded, "d").value == {"two": 2}
    assert follow(loaded, "h").value == {"down": True}
    assert follow(loaded, "i").value == 5
    assert follow(loaded, "naïve").value == 8
    found = follow(loaded, "d")
    assert (found.file, found.pointer) == (str(tmp_path / "parts" / "other.yaml"), "/list/1")
    assert len(loaded[0].data) == len(loaded[0].digests) == 4


@pytest.mark.parametrize("key", ["e", "f"])
def test_circles(loaded: tuple[Documents, Node], key: str) -> None:
    """References that lead back to themselves are refused."""
    with pytest.raises(ContractError, match="leads back to itself; point it at a definition"):
        follow(loaded, key)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("#/definitions/Item", r"main\.yaml:2:\d+: the \$ref '#/definitions/Item' dangles: main\.yaml has no 'Item'"),
        ("#/definitions/item", r"did you mean 'items'"),
        ("#/missing", r"dangles"),
        ("#/definitions/items/9", r"dangles"),
        ("#/definitions/items/-1", r"dangles"),
        ("other.yaml#/x", r"main\.yaml:2:\d+: the \$ref 'other.yaml#/x' dangles: there is no file"),
        ("http://example.com/x.yaml#/a", r"leads to another host; save that file beside the contract"),
        ("https://example.com/x.yaml", r"leads to another host"),
        ("file:///etc/passwd", r"main\.yaml:2"),
        ("//example.com/x.yaml", r"main\.yaml:2"),
        ("#anchor", r"there is no anchor 'anchor'"),
        ("http://[bad", r"main\.yaml:2"),
    ],
)
def test_references_that_dangle(tmp_path: Path, ref: str, message: str) -> None:
    """A reference to nothing is refused with its place, and with what may have been meant."""
    write(tmp_path, {"main.yaml": f"definitions: {{items: [1]}}\nx: {{$ref: '{ref}'}}\n"})
    documents = Documents()
    root = documents.load(str(tmp_path / "main.yaml"))
    with pytest.raises(ContractError, match=message):
        documents.follow(root.child("x"))


def test_documents_of_python(tmp_path: Path) -> None:
    """A document given as a dict may have numbers as keys and tuples as lists, and nothing that JSON has not."""
    documents = Documents()
    assert documents.add("shop", {"responses": {200: {"x": (1, 2)}}}).value == {"responses": {"200": {"x": [1, 2]}}}
    with pytest.raises(ContractError, match="shop: a/0/b is a set, which JSON does not have"):
        documents.add("shop", {"a": [{"b": {1}}]})


def test_document_given_twice_under_one_key() -> None:
    """A number and a text that make one key are refused, like a key that stands twice in a file."""
    with pytest.raises(ContractError, match="shop: the key '200' stands twice in responses; remove one"):
        Documents().add("shop", {"responses": {200: 1, "200": 2}})


YAML = """openapi: 3.1.0
paths:
  /items:
    get: {operationId: list}
    "post":
      tags: [a, b]
"""
JSON = """{
  "openapi": "3.1.0",
  "paths": {
    "/items": {"get": {"tags": ["a", "b"]}}
  }
}
"""


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("", 1, 1),
        ("/paths", 2, 1),
        ("/paths/~1items/get", 4, 5),
        ("/paths/~1items/get/operationId", 4, 11),
        ("/paths/~1items/post", 5, 5),
        ("/paths/~1items/post/tags/1", 6, 17),
        ("/paths/~1items/post/missing/deeper", 5, 5),
    ],
)
def test_positions_in_yaml(tmp_path: Path, pointer: str, line: int, column: int) -> None:
    """A pointer's place is its key's line and column; that of the nearest parent where nothing stands."""
    assert yaml_position(YAML, tokens(pointer)) == (line, column)
    documents = Documents()
    root = documents.load(str(write(tmp_path, {"x.yaml": YAML}) / "x.yaml"))
    assert locate(documents, root.file, pointer) == (line, column)


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [("", 1, 1), ("/paths", 3, 3), ("/paths/~1items/get/tags/1", 4, 38), ("/paths/~1items/nope", 4, 5)],
)
def test_positions_in_json(pointer: str, line: int, column: int) -> None:
    """The same in JSON."""
    assert json_positions(JSON).find(tokens(pointer)) == (line, column)


def test_position_in_an_empty_file() -> None:
    """Nothing stands anywhere in an empty text."""
    assert yaml_position("", ["a"]) is None


def test_where_shows_paths_as_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file below the working folder is shown by its relative path, a dict by its name."""
    write(tmp_path, {"apis/x.yaml": YAML})
    documents = Documents()
    root = documents.load(str(tmp_path / "apis" / "x.yaml"))
    monkeypatch.chdir(tmp_path)
    assert where(documents, root.child("paths")) == "apis/x.yaml:2:1"
    monkeypatch.chdir(tmp_path / "apis")
    assert where(documents, root.child("paths")) == "x.yaml:2:1"
    assert where(documents, documents.add("shop", {"a": 1}).child("a")) == "shop#/a"
