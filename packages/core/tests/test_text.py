"""Parameters as texts: every style of OpenAPI and every collectionFormat of Swagger 2.0, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probing import types_of
from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import MAX_PARAMETERS, MISSING, TextCodec, decode_text, encode_text, parse_query
from pymacaron.contract import Parameter, Schema

if TYPE_CHECKING:
    from pymacaron.contract import Location, Style

INTEGER, TEXT, NUMBER, BOOLEAN = ({"type": name} for name in ("integer", "string", "number", "boolean"))
INTEGERS, TEXTS = {"type": "array", "items": INTEGER}, {"type": "array", "items": TEXT}
POINT = {"type": "object", "properties": {"x": INTEGER, "label": TEXT}}
LINE = {"type": "object", "properties": {"names": TEXTS, "x": INTEGER}}


def codec_of(
    schema: Any, style: Style = "form", explode: bool = False, where: Location = "query", **more: Any
) -> TextCodec:
    """Return what reads and writes the parameter ``p`` of a schema."""
    generation = more.pop("generation", "3.0")
    types = types_of(generation, P=schema)
    parameter = Parameter("p", where, Schema(ref="P"), "p", style=style, explode=explode, **more)
    return TextCodec(types, parameter, encoded=where == "query")


def read(query: str, schema: Any, style: Style = "form", explode: bool = False, **more: Any) -> Any:
    """Read ``p`` from a query, as plain values."""
    codec = codec_of(schema, style, explode, **more)
    return codec.types.dump(codec.read(parse_query(query)))


def refused(query: str, schema: Any, style: Style = "form", explode: bool = False, **more: Any) -> set[tuple[str, str]]:
    """Return pointer and keyword of each fault."""
    with pytest.raises(Invalid) as caught:
        read(query, schema, style, explode, **more)
    return {(pointer, keyword) for pointer, keyword, _ in caught.value.faults}


@pytest.mark.parametrize(
    ("schema", "query", "value"),
    [
        (INTEGER, "p=5", 5),
        (INTEGER, "p=-5", -5),
        (INTEGER, "p=%2B5", 5),
        (INTEGER, "p=007", 7),
        (INTEGER, "p=" + "9" * 40, int("9" * 40)),
        (NUMBER, "p=1.5", 1.5),
        (NUMBER, "p=5", 5),
        (NUMBER, "p=1e3", 1000.0),
        (NUMBER, "p=.5", 0.5),
        (BOOLEAN, "p=true", True),
        (BOOLEAN, "p=False", False),
        (BOOLEAN, "p=1", True),
        (BOOLEAN, "p=0", False),
        (TEXT, "p=", ""),
        (TEXT, "p", ""),
        (TEXT, "p=a=b", "a=b"),
        (TEXT, "p=a+b%20c%2B", "a b c+"),
        (TEXT, "p=5", "5"),
        (TEXT, "p=%C3%A9%F0%9F%98%80", "é😀"),
        (TEXT, "%70=x", "x"),
        (TEXT, "q=1&p=x&&", "x"),
        ({}, "p=5", "5"),
        ({"oneOf": [INTEGER, BOOLEAN]}, "p=true", True),
        ({"enum": [1, 2]}, "p=2", 2),
        ({"type": "integer", "nullable": True}, "p=null", None),
        ({"type": "string", "nullable": True}, "p=null", "null"),
        ({"type": "string", "format": "date"}, "p=2020-01-02", "2020-01-02"),
    ],
)
def test_scalars(schema: Any, query: str, value: Any) -> None:
    """A text becomes the value that the schema asks for."""
    found = read(query, schema)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "query"),
    [
        (INTEGER, "p="),
        (INTEGER, "p=5.0"),
        (INTEGER, "p=0x5"),
        (INTEGER, "p=1_000"),
        (INTEGER, "p=+5"),
        (INTEGER, "p=%D9%A3"),
        (INTEGER, "p=true"),
        (INTEGER, "p=" + "9" * 5000),
        (INTEGER, "p=5&p=6"),
        (NUMBER, "p=nan"),
        (NUMBER, "p=inf"),
        (NUMBER, "p=1e999"),
        (NUMBER, "p=1,5"),
        (BOOLEAN, "p=yes"),
        (BOOLEAN, "p="),
        (BOOLEAN, "p=2"),
        (TEXT, "p=a&p=b"),
        (TEXT, "p=%ff"),
        ({"type": "integer", "minimum": 3}, "p=2"),
        ({"type": "string", "format": "date"}, "p=2020-02-30"),
    ],
)
def test_texts_that_are_no_value(schema: Any, query: str) -> None:
    """A text that fits no type of the schema is refused, with a fault that names the parameter itself."""
    assert {pointer for pointer, _ in refused(query, schema)} == {""}


@pytest.mark.parametrize(
    ("style", "explode", "query", "value"),
    [
        ("form", False, "p=a,b", ["a", "b"]),
        ("form", False, "p=a%2Cb,c", ["a,b", "c"]),
        ("form", False, "p=", []),
        ("form", False, "p=a,,b", ["a", "", "b"]),
        ("form", False, "p=,", ["", ""]),
        ("form", False, "p=a,b&p=c", ["a", "b", "c"]),
        ("form", True, "p=a&p=b", ["a", "b"]),
        ("form", True, "p=a,b", ["a,b"]),
        ("form", True, "p=", []),
        ("form", True, "p=a&p=", ["a", ""]),
        ("spaceDelimited", False, "p=a%20b", ["a", "b"]),
        ("spaceDelimited", False, "p=a+b", ["a", "b"]),
        ("spaceDelimited", True, "p=a&p=b", ["a", "b"]),
        ("pipeDelimited", False, "p=a|b", ["a", "b"]),
        ("pipeDelimited", False, "p=a%7Cb%2C", ["a", "b,"]),
        ("pipeDelimited", True, "p=a&p=b", ["a", "b"]),
        ("tabDelimited", False, "p=a%09b", ["a", "b"]),
    ],
)
def test_arrays(style: Style, explode: bool, query: str, value: list[str]) -> None:
    """Arrays are split at the delimiter of their style, before percent encoding is undone."""
    assert read(query, TEXTS, style, explode) == value


def test_elements_have_types() -> None:
    """The elements of an array are converted and checked, each by its place."""
    assert read("p=1,2", INTEGERS) == [1, 2]
    assert read("p=true,5", {"type": "array", "items": {"oneOf": [INTEGER, BOOLEAN]}}) == [True, 5]
    assert refused("p=1,x,3,y", INTEGERS) == {("/1", "type"), ("/3", "type")}
    assert refused("p=1&p=1", INTEGERS | {"uniqueItems": True}, explode=True) == {("", "uniqueItems")}
    assert refused("p=", INTEGERS | {"minItems": 1}) == {("", "minItems")}


@pytest.mark.parametrize(
    ("style", "explode", "query"),
    [
        ("form", False, "p=x,1,label,a%2Cb"),
        ("form", True, "x=1&label=a%2Cb&other=2"),
        ("deepObject", True, "p[x]=1&p[label]=a,b"),
        ("deepObject", False, "p%5Bx%5D=1&p%5Blabel%5D=a%2Cb"),
    ],
)
def test_objects(style: Style, explode: bool, query: str) -> None:
    """Objects are read from pairs in one text, from parameters of their own, or from bracketed names."""
    assert read(query, POINT, style, explode) == {"x": 1, "label": "a,b"}


def test_parts_of_objects() -> None:
    """Properties are converted by their schemas; arrays inside are repeated keys; deeper brackets nest."""
    assert read("p[names]=a&p[names]=b&p[x]=1", LINE, "deepObject", True) == {"names": ["a", "b"], "x": 1}
    assert read("names=a&names=b", LINE, "form", True) == {"names": ["a", "b"]}
    assert read("p[more][deep]=1", LINE, "deepObject", True) == {"more": {"deep": "1"}}
    assert read("p[x]=1&p=2&p[=3&px]=4&pp[x]=5", LINE, "deepObject", True) == {"x": 1}
    assert refused("p[x]=1&p[x]=2", POINT, "deepObject", True) == {("/x", "type")}
    assert refused("p=x,1,label", POINT) == {("", "type")}
    assert refused("p=x,a", POINT) == {("/x", "type")}


def test_absent_parameters() -> None:
    """An absent parameter is its default, or missing; a required one is a fault."""
    assert codec_of(INTEGER).read({}) is MISSING
    assert codec_of({"type": "integer", "default": 7}).read({}) == 7
    assert codec_of({"type": "integer", "default": "x"}).read({}) is MISSING
    assert refused("q=1", INTEGER, required=True) == {("", "required")}
    assert read("q=1", {"type": "integer", "default": 7}, required=True) == 7
    assert refused("", POINT, "deepObject", True, required=True) == {("", "required")}


def test_empty_values_where_they_are_allowed() -> None:
    """``allowEmptyValue`` makes an empty text of a number its default, else None; of a text it stays empty."""
    assert read("p=", INTEGER, allow_empty=True) is None
    assert read("p=", {"type": "integer", "default": 7}, allow_empty=True) == 7
    assert read("p=", TEXT, allow_empty=True) == ""


def test_documents() -> None:
    """A parameter with a media type is a document of it."""
    assert read("p=%7B%22x%22%3A1%7D", POINT, content_type="application/json") == {"x": 1}
    assert read("p=abc", TEXT, content_type="text/plain") == "abc"
    assert refused("p={", POINT, content_type="application/json") == {("", "json")}
    assert refused('p={"x":"a"}', POINT, content_type="application/json") == {("/x", "type")}
    codec = codec_of(POINT, content_type="application/json")
    assert [(name, unquote(text)) for name, text in codec.write({"x": 1})] == [("p", '{"x":1}')]


@pytest.mark.parametrize(
    ("style", "explode", "schema", "text", "value"),
    [
        ("simple", False, TEXTS, "a,b", ["a", "b"]),
        ("simple", True, TEXTS, "a,b", ["a", "b"]),
        ("simple", False, POINT, "x,1,label,a", {"x": 1, "label": "a"}),
        ("simple", True, POINT, "x=1,label=a", {"x": 1, "label": "a"}),
        ("simple", False, TEXT, "a,b", "a,b"),
        ("label", False, TEXT, ".a", "a"),
        ("label", False, TEXTS, ".a,b", ["a", "b"]),
        ("label", True, TEXTS, ".a.b", ["a", "b"]),
        ("label", False, POINT, ".x,1,label,a", {"x": 1, "label": "a"}),
        ("label", True, POINT, ".x=1.label=a", {"x": 1, "label": "a"}),
        ("matrix", False, INTEGER, ";p=5", 5),
        ("matrix", False, TEXTS, ";p=a,b", ["a", "b"]),
        ("matrix", True, TEXTS, ";p=a;p=b", ["a", "b"]),
        ("matrix", False, POINT, ";p=x,1,label,a", {"x": 1, "label": "a"}),
        ("matrix", True, POINT, ";x=1;label=a", {"x": 1, "label": "a"}),
    ],
)
def test_styles_of_paths_and_headers(style: Style, explode: bool, schema: Any, text: str, value: Any) -> None:
    """Texts of paths and headers are read and written by RFC 6570's simple, label and matrix expansions."""
    codec = codec_of(schema, style, explode, where="path")
    assert codec.types.dump(codec.read({"p": [text]})) == value
    assert codec.write(value) == [("p", text)]


def test_repeated_headers_are_one_list() -> None:
    """A header that comes several times is one list (RFC 9110, section 5.3)."""
    assert codec_of(TEXTS, "simple", where="header").read({"p": ["a,b", "c"]}) == ["a", "b", "c"]


def test_many_parameters() -> None:
    """A query of more parameters than anyone sends is refused before it is split; a long one is read."""
    assert len(parse_query("&".join(f"a{i}=1" for i in range(MAX_PARAMETERS)))) == MAX_PARAMETERS
    with pytest.raises(Invalid):
        parse_query("&".join("a=1" for _ in range(MAX_PARAMETERS + 1)))
    assert len(read("p=" + ",".join("a" for _ in range(100_000)), TEXTS)) == 100_000
    deep = "p" + "[a]" * 3000 + "=1"
    assert refused(deep, {"type": "object", "additionalProperties": {"type": "object"}}, "deepObject", True)


def test_names_that_are_encoded() -> None:
    """Names are decoded, values stay as they are until they are split."""
    assert parse_query("a%20b=1%2C2&a+b=3&c") == {"a b": ["1%2C2", "3"], "c": [""]}
    assert parse_query("") == {}


# There and back.

NO_DELIMITER = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=",.;=&"), min_size=1)
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
QUERY_STYLES = st.sampled_from(("form", "spaceDelimited", "pipeDelimited", "tabDelimited"))


def there_and_back(codec: TextCodec, value: Any) -> Any:
    """Write a value as a query and read that."""
    return codec.types.dump(codec.read(parse_query("&".join(f"{name}={text}" for name, text in codec.write(value)))))


@settings(max_examples=150, deadline=None, database=None)
@given(QUERY_STYLES, st.booleans(), st.lists(ANY, min_size=1, max_size=5))
def test_arrays_of_queries_there_and_back(style: Style, explode: bool, value: list[str]) -> None:
    """What is written into a query is read as it was, delimiters in elements included.

    One empty text alone is an empty array, and an empty exploded array is no parameter: those are not drawn.
    """
    if style == "spaceDelimited" and not explode:
        value = [text.replace(" ", "_") for text in value]
    if style in ("pipeDelimited", "tabDelimited") and not explode:
        value = [text.replace("|", "_").replace("\t", "_") for text in value]
    assert there_and_back(codec_of(TEXTS, style, explode), value) == value


@settings(max_examples=150, deadline=None, database=None)
@given(st.sampled_from((("form", False), ("form", True), ("deepObject", True))), st.integers(), ANY)
def test_objects_of_queries_there_and_back(style: tuple[Style, bool], x: int, label: str) -> None:
    """So is an object in each style that a query has for it."""
    assert there_and_back(codec_of(POINT, *style), {"x": x, "label": label}) == {"x": x, "label": label}


@settings(max_examples=150, deadline=None, database=None)
@given(st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)))
def test_scalars_of_queries_there_and_back(value: Any) -> None:
    """So is a number or a boolean."""
    schema = {bool: BOOLEAN, int: INTEGER, float: NUMBER}[type(value)]
    assert there_and_back(codec_of(schema), value) == value


@settings(max_examples=150, deadline=None, database=None)
@given(st.sampled_from(("simple", "label", "matrix")), st.booleans(), st.lists(NO_DELIMITER, min_size=1, max_size=4))
def test_arrays_of_paths_there_and_back(style: Style, explode: bool, value: list[str]) -> None:
    """A path's texts come to the service decoded, so its elements hold no delimiter; others are read as written."""
    codec = codec_of(TEXTS, style, explode, where="path")
    assert codec.read({"p": [text for _, text in codec.write(value)]}) == value


@settings(max_examples=200, deadline=None, database=None)
@given(ANY)
def test_encoding_there_and_back(text: str) -> None:
    """Percent encoding keeps every text, and writes nothing but unreserved characters and escapes."""
    assert decode_text(encode_text(text)) == text
    assert quote(unquote(encode_text(text)), safe="") == encode_text(text)


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from((INTEGER, TEXTS, POINT, LINE, BOOLEAN)),
    st.booleans(),
)
def test_no_query_breaks_the_reader(query: str, schema: Any, explode: bool) -> None:
    """Whatever stands in a query, it is a value or a fault."""
    for style in ("form", "deepObject", "pipeDelimited"):
        codec = codec_of(schema, style, explode)
        try:
            codec.read(parse_query(query + "&p=" + query + "&p[x]=" + query))
        except Invalid as error:
            assert error.faults  # noqa: PT017  # either outcome is right
