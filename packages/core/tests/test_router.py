"""The router answers as Werkzeug's map does, or leaves the answer to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, Rule, UnicodeConverter

from pymacaron.flaskapp.router import Router

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS = ("GET", "POST", "PUT")


@dataclass
class Operation:
    """A target, as routers take it."""

    endpoint: str
    method: str


class Digits(BaseConverter):
    """A converter of a user's own."""

    regex = r"\d+"


class Anything(BaseConverter):
    """A converter of a user's own that takes slashes."""

    regex = ".*"


def make(rules: Iterable[Rule], own: dict[str, str], **options: Any) -> tuple[Map, Router[Operation]]:
    """Make a map of rules, and the router for those whose endpoints are keys of ``own``."""
    url_map = Map(list(rules), converters={"digits": Digits, "anything": Anything}, **options)
    return url_map, Router(url_map, {endpoint: Operation(endpoint, method) for endpoint, method in own.items()})


def asked(url_map: Map, method: str, path: str) -> tuple[str, tuple[str, ...]] | None:
    """Return what a map leads a request to: endpoint and values, or None for errors and redirects."""
    try:
        rule, values = url_map.bind("localhost", path_info=path).match(method=method, return_rule=True)
    except HTTPException:
        return None
    return rule.endpoint, tuple(map(str, values.values()))


def answered(router: Router[Operation], method: str, path: str) -> tuple[str, tuple[str, ...]] | None:
    """Return what a router leads a request to."""
    found = router.find(method, path)
    return None if found is None else (found[0].endpoint, found[1])


TEXTS = st.sampled_from(["a", "b", "ab", "é", "a.b", "a b", "%41", "5", "a\nb"])
OWN_SEGMENTS = st.one_of(TEXTS, st.just("<>"), st.sampled_from(["a-<>", "<>.json", "<>-<>", "<>:go"]))
OTHER_SEGMENTS = ["<>", "<string:>", "<int:>", "<path:>", "<float:>", "<any(a,b):>", "<digits:>", "<anything:>", "x<>"]
FOREIGN_SEGMENTS = st.one_of(
    TEXTS, st.sampled_from(OTHER_SEGMENTS), st.sampled_from(["<string(length=2):>", "<string(minlength=2):>"])
)
PATHS = st.lists(st.one_of(TEXTS, st.sampled_from(["a-b", "b.json", "5.5", "", "a:go", "xa"])), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def named(segments: list[str], slashed: bool) -> str:
    """Write a rule, its variables named in turn."""
    pieces = ("/" + "/".join(segments) + ("/" if slashed and segments else "")).split(">")
    return "".join(f"{piece}p{number}>" for number, piece in enumerate(pieces[:-1])) + pieces[-1]


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[list[Rule], dict[str, str]]:
    """Draw rules, and which of them lead to operations."""
    rules: list[Rule] = []
    own: dict[str, str] = {}
    for number in range(draw(st.integers(1, 7))):
        is_own = draw(st.booleans())
        segments = draw(st.lists(OWN_SEGMENTS if is_own else FOREIGN_SEGMENTS, max_size=3))
        rule = named(segments, draw(st.booleans()))
        methods = [draw(st.sampled_from(METHODS))] if is_own else draw(st.sampled_from([None, ["GET"], list(METHODS)]))
        strict = draw(st.sampled_from([None, True, False]))
        rules.append(Rule(rule, endpoint=f"e{number}", methods=methods, strict_slashes=strict))
        if is_own and methods:
            own[f"e{number}"] = methods[0]
    return rules, own


@pytest.mark.once
@settings(max_examples=600, deadline=None)
@given(rule_sets(), st.lists(PATHS, min_size=1, max_size=12))
def test_a_router_never_disagrees_with_the_map(case: tuple[list[Rule], dict[str, str]], paths: list[str]) -> None:
    """Whatever a router finds, the map of the same rules finds too."""
    url_map, router = make(*case)
    for path in paths:
        for method in (*METHODS, "HEAD", "OPTIONS"):
            found = answered(router, method, path)
            assert found is None or found == asked(url_map, method, path)


@st.composite
def contracts(draw: st.DrawFn) -> tuple[list[Rule], dict[str, str]]:
    """Draw rules of different shapes, all of them operations', made of texts and whole variables."""
    shapes = draw(
        st.lists(
            st.tuples(st.sampled_from(METHODS), st.lists(st.one_of(TEXTS, st.just("<>")), max_size=4), st.booleans()),
            min_size=1,
            max_size=8,
            unique_by=lambda shape: (shape[0], tuple(shape[1]), shape[2] and bool(shape[1])),
        )
    )
    rules = [Rule(named(parts, slash), endpoint=f"e{i}", methods=[m]) for i, (m, parts, slash) in enumerate(shapes)]
    return rules, {f"e{i}": method for i, (method, _, _) in enumerate(shapes)}


@pytest.mark.once
@settings(max_examples=600, deadline=None)
@given(contracts(), st.lists(PATHS, min_size=1, max_size=12))
def test_a_router_finds_all_that_a_contract_declares(case: tuple[list[Rule], dict[str, str]], paths: list[str]) -> None:
    """A router of a contract alone finds every operation that the map finds."""
    url_map, router = make(*case)
    for path in paths:
        for method in METHODS:
            if "//" not in path:
                assert answered(router, method, path) == asked(url_map, method, path)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/orders", ("list", ())),
        ("/orders/5", ("fetch", ("5",))),
        ("/orders/latest", ("latest", ())),
        ("/orders/é ü", ("fetch", ("é ü",))),
        ("/orders/5.pdf", ("fetch", ("5.pdf",))),
        ("/orders/a/lines/b", ("line", ("a", "b"))),
        ("/files/a.tar.gz", ("file", ("a.tar",))),
        ("/orders/", None),
        ("//orders", None),
        ("/orders//lines/b", None),
        ("/orders/5/", None),
        ("/Orders", None),
        ("/slashed/", ("slashed", ())),
        ("/slashed", None),
        ("", None),
        ("orders", None),
    ],
)
def test_paths_lead_to_operations(path: str, found: tuple[str, tuple[str, ...]] | None) -> None:
    """Texts come before variables; slashes that are missing, doubled or too many are left to the map."""
    own = {
        "list": "/orders",
        "fetch": "/orders/<p0>",
        "latest": "/orders/latest",
        "line": "/orders/<p0>/lines/<p1>",
        "file": "/files/<p0>.gz",
        "slashed": "/slashed/",
    }
    rules = [Rule(rule, endpoint=endpoint, methods=["GET"]) for endpoint, rule in own.items()]
    _, router = make(rules, dict.fromkeys(own, "GET"))
    assert answered(router, "GET", path) == found
    assert answered(router, "POST", path) is None


@pytest.mark.parametrize(
    ("foreign", "left", "kept"),
    [
        ("/orders/<int:number>", "/orders/5/", "/items/5"),
        ("/orders/<int:number>", "/orders/5", "/items/5"),
        ("/<path:rest>", "/orders/5", None),
        ("/orders/export", "/orders/export", "/orders/5"),
        ("/orders/<name>.pdf", "/orders/a.pdf", "/orders/a"),
        ("/orders/export/", "/orders/export", "/orders/other"),
        ("/orders/<number>", "/orders/5", "/items/5"),
        ("/static/<path:name>", "/static/a", "/orders/5"),
    ],
)
def test_other_rules_keep_their_right_of_way(foreign: str, left: str, kept: str | None) -> None:
    """Where a rule of the user's may match too, the router leaves the path to the map."""
    rules = [Rule(f"/{name}/<p0>", endpoint=name, methods=["GET"]) for name in ("orders", "items")]
    _, router = make([*rules, Rule(foreign, endpoint="user", methods=["GET"])], {"orders": "GET", "items": "GET"})
    assert router.find("GET", left) is None
    assert kept is None or router.find("GET", kept) is not None


def test_rules_of_other_methods_are_no_hindrance() -> None:
    """A rule of the user's stands only in the way of operations that share a method with it."""
    rules = [
        Rule("/orders/<p0>", endpoint="fetch", methods=["GET"]),
        Rule("/orders/<int:n>", endpoint="user", methods=["DELETE"]),
    ]
    _, router = make(rules, {"fetch": "GET"})
    assert router.find("GET", "/orders/5") is not None


def test_a_second_rule_for_an_endpoint_leaves_it_to_the_map() -> None:
    """An operation that somebody gave an alias, with defaults perhaps, is the map's."""
    rules = [
        Rule("/orders/<p0>", endpoint="fetch", methods=["GET"]),
        Rule("/first", endpoint="fetch", defaults={"p0": "1"}),
    ]
    url_map, router = make(rules, {"fetch": "GET"})
    assert router.find("GET", "/orders/1") is None
    assert asked(url_map, "GET", "/orders/1") is None  # a redirect to /first


def test_another_default_converter_leaves_all_to_the_map() -> None:
    """Where variables do not mean what they usually mean, the router finds nothing."""

    class Upper(UnicodeConverter):
        """Turns what it matches into capitals."""

    url_map = Map([Rule("/<p0>", endpoint="e", methods=["GET"])], converters={"default": Upper})
    assert Router(url_map, {"e": Operation("e", "GET")}).find("GET", "/a") is None


def test_long_paths_are_answered() -> None:
    """A path of very many segments costs no recursion."""
    _, router = make([Rule("/a/<p0>", endpoint="e", methods=["GET"])], {"e": "GET"})
    assert router.find("GET", "/a" * 100_000) is None
