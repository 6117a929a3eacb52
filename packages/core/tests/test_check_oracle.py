"""``check`` against the official document schemas: what they reject is an error, what they accept has the right form.

Where the two differ on purpose, :data:`STRICTER` and :data:`MILDER` say so, each with its reason.
"""

from __future__ import annotations

import copy
import json
import os
import re
from functools import cache
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_contracts import CLEAN
from pymacaron.spec.check import Finding, check
from pymacaron.spec.document import Documents
from pymacaron.spec.parsing import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("PYM_CHECK_EXAMPLES", "300"))

# What the official schemas check: everything else that `check` reports is about meaning.
STRUCTURE = {
    "unknown-key", "other-generation", "wrong-type", "wrong-value", "missing-key", "exclusive-keys", "empty-list",
    "duplicate-value", "invalid-path", "invalid-status", "invalid-name", "misplaced-ref", "unknown-type",
    "negative-length", "bad-multiple-of", "bad-required", "empty-enum", "duplicate-enum", "no-responses",
    "optional-path-parameter", "unsupported-version",
}  # fmt: skip

# (generations, rule, part of the message, why we report what the official schema accepts)
STRICTER = [
    ("3.0", "unknown-key", "Discriminator", "the schema forgot additionalProperties: false; the text lists two fields"),
    ("3.0", "missing-key", "a Discriminator", "seen through anything that the schema lets stand for a schema"),
    ("3.0", "invalid-name", "", "the text asks for this pattern; the schema lets other names pass unseen"),
    ("2.0", "misplaced-ref", "'scopes'", "the schema takes it for a scope named $ref"),
    ("3.0", "misplaced-ref", "", "the schema's pattern for names does not see the name $ref"),
    ("3.0", "wrong-type", "of the Components", "likewise, the key $ref of a map of components"),
    ("3.0", "empty-list", "Of' of a Schema", "JSON Schema (Wright 00, section 5.22) asks for one element at least"),
    ("2.0 3.0", "empty-enum", "", "an enum without values lets nothing pass; the text of draft 4 asks for one"),
    ("2.0 3.0 3.1", "duplicate-enum", "", "values SHOULD be unique; one that stands twice is a slip"),
    ("3.0 3.1", "no-responses", "", "x- keys alone are no response; and what declares none can only fail"),
    ("3.1", "", "Discriminator", "the schema leaves schemas to JSON Schema, which knows no discriminator"),
    ("3.1", "", "'discriminator' of a Schema", "likewise"),
    ("3.1", "", "an XML object", "likewise"),
    ("3.1", "", "'xml' of a Schema", "likewise"),
    ("3.1", "", "'externalDocs' of a Schema", "likewise"),
    ("3.1", "", "an External Documentation", "likewise, when it stands in a schema"),
    ("3.1", "exclusive-keys", "'example' and 'examples'", "the text calls them mutually exclusive"),
    ("3.1", "missing-key", "a Link needs", "the schema says so too, but not for links that are references"),
    ("3.1", "unknown-key", "'body' in a Link", "a slip of the schema: the text has server"),
]
# (generations, rule of the warning, why it is no more than that)
MILDER = [
    ("2.0 3.0 3.1", "ref-siblings", "members beside $ref SHALL be ignored (JSON Reference, section 3)"),
    ("2.0 3.0", "bad-required", "an empty list does no harm, and JSON Schema allows it since draft 6"),
    (
        "3.1",
        "other-generation",
        "2020-12 still checks the form of definitions and dependencies, but gives them no effect",
    ),
]

# (generation, part of the official message, why `check` says nothing)
SILENT = [
    ("3.1", "('x-foo' was unexpected)", "a Path Item may hold x- keys, beside its $ref too"),
    ("2.0", '"x-foo":', "Scopes may hold x- keys with any value"),
]

KEYS = ("x-foo", "foo", "nullable", "$id", "const", "discriminator", "host", "$ref", "example", "examples", "style")
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "string", "query", "path", "header", "2.0", [], {}, ["a"],
    ["a", "a"], [{}], {"a": 1}, {"$ref": "#/x"}, {"$ref": 5}, {"type": "string"}, {"type": "file"}, {"in": "body"},
]  # fmt: skip
Path = tuple[str | int, ...]


@cache
def official(generation: str) -> jsonschema_rs.Draft4Validator | jsonschema_rs.Draft202012Validator:
    """Compile the official schema; for 3.1 with JSON Schema's own meta-schema where schemas stand."""
    resource = files("openapi_spec_validator").joinpath(f"resources/schemas/v{generation}/schema.json")
    schema = json.loads(resource.read_text())
    if generation != "3.1":
        return jsonschema_rs.Draft4Validator(schema, validate_formats=False)
    meta = "https://json-schema.org/draft/2020-12/schema"
    schema["$defs"]["schema"] = {"$dynamicAnchor": "meta", "$ref": meta}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=False)


@cache
def clean(generation: str) -> Any:
    return parse_yaml(CLEAN[generation], generation)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value below the root."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def at(value: Any, path: Path) -> Any:
    for token in path:
        value = value[token]
    return value


def mutate(document: Any, random: Random) -> None:
    """Change a document in one place: remove, replace, add, rename or copy."""
    known = list(places(document))
    path = random.choice(known)
    owner, key = at(document, path[:-1]), path[-1]
    value = copy.deepcopy(random.choice(VALUES) if random.random() < 0.6 else at(document, random.choice(known)))
    name = random.choice([*KEYS, *(str(random.choice(p)) for p in random.choices(known, k=8))])
    change = random.choice(("remove", "replace", "add", "rename"))
    if change == "remove":
        del owner[key]
    elif change == "add" and isinstance(owner, dict):
        owner[name] = value
    elif change == "rename" and isinstance(owner, dict):
        owner[name] = owner.pop(key)
    else:
        owner[key] = value


def findings(document: Any) -> list[Finding]:
    documents = Documents()
    documents.add("contract", document)
    return check("contract", documents)


def is_stricter(generation: str, finding: Finding) -> bool:
    # The schema of 3.0 does not look into a component whose name breaks its pattern; we report the name, and go on.
    if generation == "3.0" and re.match(r"/components/\w+/[^/]*[^\w/.-]", finding.pointer):
        return True
    return any(
        generation in generations.split() and rule in ("", finding.rule) and part in finding.message
        for generations, rule, part, _ in STRICTER
    )


def is_silent(generation: str, message: str) -> bool:
    return any(generation == known and part in message for known, part, _ in SILENT)


@pytest.mark.parametrize("generation", CLEAN)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="PYM_CHECK_EXAMPLES" not in os.environ,
)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 4))
def test_agrees_with_the_official_schema(generation: str, seed: int, changes: int) -> None:
    """A damaged document has a structural error exactly where the official schema rejects it."""
    document = copy.deepcopy(clean(generation))
    random = Random(seed)
    for _ in range(changes):
        mutate(document, random)
    found = findings(document)
    errors = [f for f in found if f.severity == "error"]
    if official(generation).is_valid(document):
        assert [str(f) for f in errors if f.rule in STRUCTURE and not is_stricter(generation, f)] == []
    elif not errors:
        milder = [rule for generations, rule, _ in MILDER if generation in generations.split()]
        why = [e.message for e in official(generation).iter_errors(document)]
        assert any(f.rule in milder for f in found) or all(is_silent(generation, text) for text in why), why


@pytest.mark.parametrize("generation", CLEAN)
def test_the_official_schema_accepts_what_the_mutations_start_from(generation: str) -> None:
    """The clean contracts are valid by the official schemas."""
    assert official(generation).is_valid(clean(generation))
