"""Random schemas of each generation, and random values for them, by hypothesis.

Schemas refer to one another (``A``, ``B``, ``C``), in circles too. Values are mostly near what a schema asks for:
drawn along it, then damaged at one place, so that acceptance and refusal are both common.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "kind", "class", "x-y", "clone", "__proto__")
DEFINITIONS = ("A", "B", "C")
TEXTS = ("", "a", "ab", "abc", "xyz", "12", "A-1", "é", "😀", "2020-02-30", "2020-01-02T03:04:05Z", "a\n")
NUMBERS = (0, 1, -1, 2, 3, 1.0, 0.5, 1.5, -2.5, 7, 10, 2**31, 2**63, 2**70, 1e20)
PATTERNS = ("^a", "b$", "^[a-z]+$", "^[A-Z]-\\d$", "\\d", "^(ab|c)*$", "^.$", "^\\w{2,3}$", "(a|b)+c")
FORMATS = {
    "2.0": ("date", "date-time", "byte", "int32", "int64", "float", "double", "password", "unheard-of"),
    "3.0": ("date", "byte", "int32", "int64", "float", "double", "password", "binary", "unheard-of"),
    "3.1": ("date", "int32", "int64", "float", "double", "password", "unheard-of"),
}
SCALARS = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=6,
)


IN_PLACE = ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


def in_place(schema: Any) -> set[str]:
    """Return the named schemas that a value must follow itself, not in one of its parts."""
    if isinstance(schema, list):
        return set().union(*map(in_place, schema))
    if not isinstance(schema, dict):
        return set()
    if isinstance(schema.get("$ref"), str):
        return {schema["$ref"].rpartition("/")[2]} | in_place({k: v for k, v in schema.items() if k != "$ref"})
    found: set[str] = set()
    for keyword in IN_PLACE:
        inner = schema.get(keyword, ())
        found |= in_place(list(inner.values()) if keyword == "dependentSchemas" and inner else inner)
    return found


def is_circular(named: dict[str, Any]) -> bool:
    """Tell whether schemas refer to one another in a circle that no value ends; oracles run it until they break."""
    edges = {name: in_place(schema) for name, schema in named.items()}
    for _ in edges:
        edges = {name: found.union(*(edges[other] for other in found)) for name, found in edges.items()}
    return any(name in found for name, found in edges.items())


class Schemas:
    """Strategies for the schemas of one generation.

    Args:
        generation: of OpenAPI.
        plain: leave out what the oracle of the generation is known to judge otherwise.
    """

    def __init__(self, generation: str, plain: bool = False) -> None:
        self.generation = generation
        self.plain = plain
        self.modern = generation == "3.1"
        self.bravado = plain and generation == "2.0"
        self.nullable = {"2.0": "x-nullable", "3.0": "nullable"}.get(generation)

    def documents(self) -> st.SearchStrategy[dict[str, Any]]:
        """Draw the named schemas of a contract."""
        return st.fixed_dictionaries({name: self.schema(2) for name in DEFINITIONS} | {"Probed": self.schema(3)})

    @cache  # noqa: B019  # the few strategies there are live as long as the tests
    def schema(self, depth: int) -> st.SearchStrategy[Any]:
        """Draw one schema that nests at most so deep."""
        kinds: list[st.SearchStrategy[Any]] = [
            self.integer(),
            self.number(),
            self.string(),
            self.simple("boolean"),
            self.enumerated(),
        ]
        if depth > 0:
            kinds += [self.array(depth), self.object(depth), self.object(depth), self.composed(depth), self.reference()]
        if self.modern:
            kinds += [st.booleans(), self.several(depth), self.simple("null")]
            if depth > 0:
                kinds += [self.modern_array(depth), self.modern_object(depth), self.conditional(depth)]
        if not self.plain:
            kinds.append(self.untyped())
        return st.one_of(kinds)

    def optional(self, **keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        """Draw some of the keywords."""
        return st.fixed_dictionaries({}, optional=keywords)

    def typed(self, kind: str, *rest: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        """Draw a schema of one type, with keywords from several draws."""
        nullable = self.optional(**{self.nullable: st.booleans()}) if self.nullable else st.just({})
        parts = st.tuples(st.just({"type": kind}), nullable, *rest)
        return parts.map(lambda found: {k: v for part in found for k, v in part.items()})

    def simple(self, kind: str) -> st.SearchStrategy[dict[str, Any]]:
        return self.typed(kind)

    @cache  # noqa: B019
    def bounds(self) -> st.SearchStrategy[dict[str, Any]]:
        """Draw limits of numbers."""
        bound = st.sampled_from((-1, 0, 1, 2, 1.5, 0.5, 3, 2.0, 10**18))
        exclusive = bound if self.modern else st.booleans()
        made = self.optional(minimum=bound, maximum=bound, exclusiveMinimum=exclusive, exclusiveMaximum=exclusive)
        if self.modern:
            return made
        return made.filter(
            lambda s: (
                ("exclusiveMinimum" not in s or "minimum" in s) and ("exclusiveMaximum" not in s or "maximum" in s)
            )
        )

    def format_of(self, *names: str) -> st.SearchStrategy[dict[str, Any]]:
        """Draw one of the formats that the generation's oracle checks, or none."""
        known = ("date", "password", "unheard-of") if self.bravado else FORMATS[self.generation]
        return self.optional(format=st.sampled_from([n for n in known if n in names]))

    @cache  # noqa: B019
    def integer(self) -> st.SearchStrategy[dict[str, Any]]:
        steps = self.optional(multipleOf=st.sampled_from((1, 2, 3, 2.0)))
        return self.typed("integer", self.bounds(), steps, self.format_of("int32", "int64", "unheard-of"))

    @cache  # noqa: B019
    def number(self) -> st.SearchStrategy[dict[str, Any]]:
        steps = self.optional(multipleOf=st.sampled_from((1, 2, 0.5)))
        return self.typed("number", self.bounds(), steps, self.format_of("float", "double", "unheard-of"))

    @cache  # noqa: B019
    def string(self) -> st.SearchStrategy[dict[str, Any]]:
        """Draw a text's schema; a format has no pattern or length beside it, as OpenAPI asks of none."""
        sizes = st.integers(0, 3)
        limits = self.optional(minLength=sizes, maxLength=sizes, pattern=st.sampled_from(PATTERNS))
        texts = ("date", "date-time", "byte", "password", "binary", "unheard-of")
        return st.one_of(
            self.typed("string", limits),
            self.typed("string", self.format_of(*texts)),
            self.typed("string", limits, self.format_of(*texts)),
        )

    @cache  # noqa: B019
    def enumerated(self) -> st.SearchStrategy[dict[str, Any]]:
        values = st.lists(st.one_of(SCALARS, VALUES), min_size=1, max_size=3)
        if self.bravado:
            return st.one_of(
                self.typed("string", st.fixed_dictionaries({"enum": st.lists(st.sampled_from(TEXTS), min_size=1)})),
                self.typed("integer", st.fixed_dictionaries({"enum": st.just([1, 2, 3])})),
            )
        made = st.fixed_dictionaries({"enum": values})
        return st.one_of(made, VALUES.map(lambda v: {"const": v})) if self.modern else made

    def several(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        """Draw a schema of several types, with keywords of some of them."""
        kinds = ("null", "boolean", "integer", "number", "string", "array", "object")
        parts = [self.string(), self.integer(), self.number()]
        if depth > 0:
            parts += [self.array(depth), self.object(depth)]
        return st.builds(
            lambda types, a, b: {**a, **b, "type": types},
            st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique=True),
            st.one_of(parts),
            st.one_of(parts),
        )

    @cache  # noqa: B019
    def array(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        sizes = st.integers(0, 3)
        limits = self.optional(minItems=sizes, maxItems=sizes, uniqueItems=st.booleans())
        return self.typed("array", st.fixed_dictionaries({"items": self.schema(depth - 1)}), limits)

    @cache  # noqa: B019
    def object(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        sizes, inner = st.integers(0, 3), self.schema(depth - 1)
        extra = st.one_of(st.booleans(), inner)
        names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
        properties = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=4)
        return st.one_of(
            self.typed("object", st.fixed_dictionaries({"properties": properties}), self.optional(required=names)),
            self.typed("object", self.optional(properties=properties, required=names, additionalProperties=extra)),
            self.typed("object", self.optional(properties=properties, minProperties=sizes, maxProperties=sizes)),
        )

    def composed(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        """Draw ``allOf``, ``anyOf``, ``oneOf`` or ``not``, beside a type at times."""
        many = st.lists(self.schema(depth - 1), min_size=1, max_size=3)
        words = st.sampled_from(("allOf", "allOf") if self.generation == "2.0" else ("allOf", "anyOf", "oneOf"))
        alone = st.builds(lambda word, parts: {word: parts}, words, many)
        beside = st.builds(lambda a, b: {**b, **a}, alone, self.object(depth))
        if self.bravado:
            return beside.map(lambda s: {k: v for k, v in s.items() if k != "x-nullable"})
        made = [alone, beside]
        if self.generation != "2.0":
            made.append(self.schema(depth - 1).map(lambda s: {"not": s}))
        return st.one_of(made)

    def reference(self) -> st.SearchStrategy[dict[str, Any]]:
        prefix = "#/definitions/" if self.generation == "2.0" else "#/components/schemas/"
        plain = st.sampled_from(DEFINITIONS).map(lambda name: {"$ref": prefix + name})
        if not self.modern:
            return plain
        return st.one_of(plain, st.builds(lambda a, b: {**a, **b}, plain, self.optional(maxLength=st.just(2))))

    def untyped(self) -> st.SearchStrategy[dict[str, Any]]:
        """Draw keywords that name no type."""
        sizes = st.integers(0, 3)
        return self.optional(
            minimum=sizes, maxLength=sizes, pattern=st.sampled_from(PATTERNS), minItems=sizes, maxProperties=sizes
        )

    def modern_array(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        """Draw an array by the keywords that 3.1 added."""
        sizes, inner = st.integers(0, 2), self.schema(depth - 1)
        return self.typed(
            "array",
            self.optional(
                prefixItems=st.lists(inner, min_size=1, max_size=2),
                items=inner,
                contains=inner,
                minContains=sizes,
                maxContains=sizes,
                unevaluatedItems=st.booleans(),
            ),
        )

    def modern_object(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        """Draw an object by the keywords that 3.1 added."""
        inner, name = self.schema(depth - 1), st.sampled_from(NAMES)
        return self.typed(
            "object",
            self.optional(
                properties=st.dictionaries(name, inner, min_size=1, max_size=3),
                patternProperties=st.dictionaries(st.sampled_from(("^a", "s", "-")), inner, min_size=1, max_size=2),
                propertyNames=st.one_of(st.just({"maxLength": 4}), st.just({"pattern": "^[a-z]"})),
                dependentRequired=st.dictionaries(name, st.lists(name, max_size=2, unique=True), max_size=2),
                dependentSchemas=st.dictionaries(name, inner, max_size=1),
                additionalProperties=inner,
                unevaluatedProperties=st.booleans(),
            ),
        )

    def conditional(self, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        inner = self.schema(depth - 1)
        return st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner})


@st.composite
def value_for(draw: st.DrawFn, schema: Any, named: dict[str, Any], depth: int = 0) -> Any:
    """Draw a value along a schema, which it often but not always follows."""
    if not isinstance(schema, dict) or depth > 6 or draw(st.integers(0, 9)) == 0:
        return draw(SCALARS)
    if "$ref" in schema:
        return draw(value_for(named[schema["$ref"].rpartition("/")[2]], named, depth + 1))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    return draw(_by_kind(schema, named, depth))


def _by_kind(schema: dict[str, Any], named: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    for word in ("anyOf", "oneOf"):
        if word in schema and "properties" not in schema:
            return st.sampled_from(schema[word]).flatmap(lambda s: value_for(s, named, depth + 1))
    kinds = schema.get("type", ())
    kind = (kinds[0] if kinds else None) if isinstance(kinds, (list, tuple)) else kinds
    if kind == "array":
        return _array(schema, named, depth)
    if kind == "object" or schema.get("allOf") or "properties" in schema:
        return _object(schema, named, depth)
    texts = st.one_of(st.sampled_from(TEXTS), st.just("YWJj"))
    numbers = st.one_of(st.sampled_from(NUMBERS), st.integers(-3, 12))
    scalars = {"string": texts, "boolean": st.booleans(), "null": st.none(), "integer": numbers, "number": numbers}
    return scalars.get(str(kind), VALUES)


@st.composite
def _array(draw: st.DrawFn, schema: dict[str, Any], named: dict[str, Any], depth: int) -> Any:
    first = [draw(value_for(part, named, depth + 1)) for part in schema.get("prefixItems", ())]
    items = value_for(schema.get("items", {}), named, depth + 1)
    return first + draw(st.lists(items, min_size=min(2, schema.get("minItems", 0)), max_size=3))


@st.composite
def _object(draw: st.DrawFn, schema: dict[str, Any], named: dict[str, Any], depth: int) -> Any:
    parts: list[Any] = [schema]
    made: dict[str, Any] = {}
    for part in parts:
        if "$ref" in part:
            part = named[part["$ref"].rpartition("/")[2]]
        if isinstance(part, dict) and len(parts) < 6:
            parts += [p for p in part.get("allOf", ()) if isinstance(p, dict)]
            for name, inner in part.get("properties", {}).items():
                if name in part.get("required", ()) or draw(st.integers(0, 3)):
                    made[name] = draw(value_for(inner, named, depth + 1))
    extra = schema.get("additionalProperties", {})
    if extra is not False and draw(st.integers(0, 2)) == 0:
        made[draw(st.sampled_from((*NAMES, "more")))] = draw(value_for(extra, named, depth + 1))
    return made
