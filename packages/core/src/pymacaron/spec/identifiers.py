"""``$id``, ``$anchor`` and ``$dynamicAnchor``: the other names of places (JSON Schema 2020-12, Core, section 8.2).

In a schema only the keywords that hold schemas are searched, so that an ``$id`` in an example or in an unknown
keyword is none. Around schemas, and in files that are no contracts, everything is.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .document import Node

METASCHEMA = "https://json-schema.org/draft/2020-12/schema"

Kind = Literal["any", "schema", "schemas", "named"]

_VALUES = frozenset(("enum", "const", "example", "examples", "default"))
_HOLDS: dict[str, Kind] = {
    **dict.fromkeys(
        ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"), "schema"
    ),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties", "contentSchema"), "schema"),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), "schemas"),
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"), "named"),
}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass
class Identifiers:
    """The names in one file.

    Attributes:
        resources: the pointer of each schema that has an ``$id``, by that URI.
        bases: the base URI at each such pointer, and at the file's root.
        anchors: the pointer of each anchor, by its URI with the fragment.
        dynamic: the pointers of the dynamic anchors of each resource, by its pointer and their names.
    """

    resources: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    anchors: dict[str, str] = field(default_factory=dict)
    dynamic: dict[str, dict[str, str]] = field(default_factory=dict)

    def resource(self, pointer: str) -> str:
        """Return the pointer of the innermost resource that a place stands in."""
        while pointer not in self.bases:
            pointer = pointer.rpartition("/")[0]
        return pointer

    def base(self, pointer: str) -> str:
        """Return the URI that references at a place are relative to."""
        return self.bases[self.resource(pointer)]


def identifiers(root: Node) -> Identifiers:
    """Collect the names in a file."""
    made = Identifiers(bases={"": root.file})
    stack: list[tuple[Node, str, Kind]] = [(root, "", "any")]
    while stack:
        node, resource, kind = stack.pop()
        if isinstance(node.value, dict) and kind in ("any", "schema"):
            resource = _name(made, node, resource)
        stack += [(child, resource, inner) for child, inner in _inside(node, kind)]
    return made


def _name(made: Identifiers, node: Node, resource: str) -> str:
    """Take the names of one place; return the resource that it stands in."""
    value = node.value
    if isinstance(value.get("$id"), str):
        # An $id that is no URI names nothing; `pym check` says so.
        with suppress(ValueError):
            base = urldefrag(join(made.bases[resource], value["$id"]))[0]
            resource = node.pointer
            made.bases[resource] = base
            made.resources[base] = resource
    for keyword in ("$anchor", "$dynamicAnchor"):
        if isinstance(value.get(keyword), str):
            made.anchors.setdefault(f"{made.bases[resource]}#{value[keyword]}", node.pointer)
    if isinstance(value.get("$dynamicAnchor"), str):
        made.dynamic.setdefault(resource, {}).setdefault(value["$dynamicAnchor"], node.pointer)
    return resource


def _inside(node: Node, kind: Kind) -> Iterator[tuple[Node, Kind]]:
    """Yield what stands in a place and may hold names."""
    if isinstance(node.value, list) and kind in ("any", "schemas"):
        yield from ((child, "any" if kind == "any" else "schema") for child in node.elements())
    if not isinstance(node.value, dict):
        return
    for key, value in node.value.items():
        if isinstance(value, (dict, list)):
            inner = _kind(node.pointer, key, kind)
            if inner is not None:
                yield node.child(key), inner


def _kind(pointer: str, key: str, kind: Kind) -> Kind | None:
    """Tell what stands under a key; None where it is no part of a contract."""
    if kind == "named":
        return "schema"
    if kind == "schema":
        return _HOLDS.get(key)
    if kind == "schemas" or key in _VALUES:
        return None
    if key == "schema":
        return "schema"
    return "named" if (pointer, key) in (("/components", "schemas"), ("", "definitions")) else "any"


def is_uri(text: str) -> bool:
    """Tell a URI from a file's path; one letter before a colon is a drive."""
    return _SCHEME.match(text) is not None


def join(base: str, ref: str) -> str:
    """Resolve a reference against a base that is a URI or a file's path (RFC 3986, section 5).

    Raises:
        ValueError: the reference is none.
    """
    if is_uri(ref):
        return urlsplit(ref).geturl()
    if ref.startswith("#") or not ref:
        return urldefrag(base)[0] + ref
    if is_uri(base):
        return urljoin(base, ref)
    path, hash_, fragment = ref.partition("#")
    return str((Path(base).parent / unquote(path)).resolve()) + hash_ + fragment


@cache
def metaschemas() -> dict[str, Any]:
    """Return JSON Schema's own schemas by URI, as the validator brings them."""
    import jsonschema_rs

    bundled: Any = jsonschema_rs.bundle({"$ref": METASCHEMA})
    return dict(bundled["$defs"])
