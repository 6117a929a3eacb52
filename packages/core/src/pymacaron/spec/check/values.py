"""Defaults, enums and examples against their own schemas, all of them in one pass of the validator."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from pymacaron.spec.expressions import compiles

from .finding import short
from .references import is_reference
from .scalars import is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jsonschema_rs import ValidationError

    from pymacaron.spec.document import Node

    from .finding import Report
    from .references import References
    from .vocabulary import Generation

_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_FORMATS = ("date", "date-time", "uuid", "ipv4", "ipv6", "email")
_COUNTS = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"
)  # fmt: skip
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties", "not")
_ONE_31 = (
    "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "if", "then", "else"
)  # fmt: skip
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_MAX_NODES = 100_000
_NOUNS = {"bad-default": "default", "bad-enum": "enum value", "bad-example": "example"}


class _Case(NamedTuple):
    value: Node
    rule: str
    schema: str


class Values:
    """Collects values with the schemas that they must follow, and checks them together.

    Each schema is lowered once to JSON Schema 2020-12 under a name of its own, nested ones too, so that
    neither depth nor shared references matter. What is wrong with a schema itself is left out of it.
    """

    def __init__(self, references: References, report: Report) -> None:
        self.references = references
        self.report = report
        self.cases: list[_Case] = []
        self.names: dict[tuple[int, bool], str] = {}
        self.waiting: deque[tuple[str, Node, Generation, bool]] = deque()

    def add(self, schema: Node, value: Node, rule: str, generation: Generation) -> None:
        """Note a value; ``rule`` says what it is. An enum's values are checked by all but the enum itself."""
        name = self.name(schema, generation, without_enum=rule == "bad-enum")
        if name is not None and _is_small(value.value):
            self.cases.append(_Case(value, rule, name))

    def check(self) -> None:
        """Report the values that break their schemas; of each, the first fault."""
        if not self.cases:
            return
        definitions = self.definitions()
        for index, error in _first_errors(definitions, self.cases):
            case = self.cases[index]
            path = "".join(f"/{token}" for token in error.instance_path[1:])
            where = f" at {path}" if path else ""
            noun = _NOUNS[case.rule]
            message = f"the {noun} {short(case.value.value)} breaks its own schema{where}: {_cut(error.message)}"
            report = self.report.warning if case.rule == "bad-example" else self.report.error
            report(case.value, case.rule, message, f"mend the {noun} or the schema")

    def definitions(self) -> dict[str, Any]:
        """Lower every schema that a case needs."""
        made: dict[str, Any] = {}
        while self.waiting:
            name, node, generation, without_enum = self.waiting.popleft()
            made[name] = self.lower(node, generation, without_enum)
        return made

    def name(self, node: Node | None, generation: Generation, without_enum: bool = False) -> str | None:
        """Return the name that a schema gets; None where its reference leads nowhere."""
        if node is not None and generation != "3.1":
            node = self.references.follow(node)
        if node is None:
            return None
        key = (id(node.value), without_enum)  # A schema that aliases put into many places is one.
        if key not in self.names:
            self.names[key] = str(len(self.names))
            self.waiting.append((self.names[key], node, generation, without_enum))
        return self.names[key]

    def refer(self, node: Node | None, generation: Generation) -> Any:
        """Return a reference to a lowered schema; one that is no schema lets everything pass."""
        if node is not None and isinstance(node.value, bool):
            return node.value
        name = self.name(node, generation)
        return {"$ref": f"#/$defs/{name}"} if name is not None else True

    def lower(self, node: Node, generation: Generation, without_enum: bool) -> Any:
        """Turn one schema into JSON Schema 2020-12."""
        value = node.value
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else True
        made = {**_limits(value), **self.nested(node, generation)}
        types = [value["type"]] if isinstance(value.get("type"), str) else value.get("type")
        if isinstance(types, list) and types and all(isinstance(t, str) and t in _TYPES for t in types):
            made["type"] = [*types, "null"] if generation == "3.0" and value.get("nullable") is True else types
        if isinstance(value.get("enum"), list) and value["enum"] and not without_enum and _is_small(value["enum"]):
            made["enum"] = value["enum"]
        if "const" in value and generation == "3.1" and _is_small(value["const"]):
            made["const"] = value["const"]
        made.update(_required(value))
        if generation == "3.1" and is_reference(node):
            target = self.refer(self.references.target(node), generation)
            made.update(target if isinstance(target, dict) else {})
        if generation == "2.0" and value.get("x-nullable") is True:
            return {"anyOf": [made, {"type": "null"}]}
        return made

    def nested(self, node: Node, generation: Generation) -> dict[str, Any]:
        """Lower the schemas that stand in a schema."""
        made: dict[str, Any] = {}
        one = (*_ONE, *_ONE_31) if generation == "3.1" else _ONE
        for key, child in node.items():
            if key in one and isinstance(child.value, (dict, bool)):
                made[key] = self.refer(child, generation)
            elif key in _MANY and isinstance(child.value, list) and child.value:
                # A discriminator says which branch is meant, so that others may match as well.
                keyword = "anyOf" if key == "oneOf" and "discriminator" in node.value else key
                made.setdefault(keyword, [self.refer(element, generation) for element in child.elements()])
            elif key in _NAMED:
                made[key] = {
                    name: self.refer(inner, generation)
                    for name, inner in child.items()
                    if key != "patternProperties" or compiles(name)
                }
        if "then" in made or "else" in made:
            made.setdefault("if", True)
        return made


def _is_small(value: Any) -> bool:
    """Tell whether a value, its aliases written out, is small enough to be given to the validator."""
    stack, left = [value], _MAX_NODES
    while stack and left:
        inner = stack.pop()
        left -= 1
        if isinstance(inner, (dict, list)):
            stack += list(inner.values() if isinstance(inner, dict) else inner)[:left]
    return not stack


def _limits(value: dict[str, Any]) -> dict[str, Any]:
    """Pick the keywords that limit one value, where they are what they should be."""
    made: dict[str, Any] = {key: value[key] for key in _COUNTS if _is_count(value.get(key))}
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if is_number(value.get(key)) and (key != "multipleOf" or value[key] > 0):
            made[key] = value[key]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if value.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)
    if isinstance(value.get("pattern"), str) and compiles(value["pattern"]):
        made["pattern"] = value["pattern"]
    if value.get("format") in _FORMATS:
        made["format"] = value["format"]
    if value.get("uniqueItems") is True:
        made["uniqueItems"] = True
    return made


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _required(value: dict[str, Any]) -> dict[str, Any]:
    """Pick the required properties that an example holds in both directions."""
    listed, properties = value.get("required"), value.get("properties")
    if not isinstance(listed, list):
        return {}
    known = properties if isinstance(properties, dict) else {}
    return {"required": [n for n in dict.fromkeys(filter(_is_text, listed)) if not _one_way(known.get(n))]}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _one_way(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("readOnly") is True or value.get("writeOnly") is True)


def _first_errors(definitions: dict[str, Any], cases: list[_Case]) -> Iterable[tuple[int, ValidationError]]:
    """Check all values as the properties of one object; where that fails for one, check each on its own."""
    import jsonschema_rs

    properties = {str(i): {"$ref": f"#/$defs/{case.schema}"} for i, case in enumerate(cases)}
    try:
        validator = jsonschema_rs.Draft202012Validator(
            {"properties": properties, "$defs": definitions}, validate_formats=True
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return {}.items()
    found: dict[int, ValidationError] = {}
    try:
        errors = list(validator.iter_errors({str(i): case.value.value for i, case in enumerate(cases)}))
    except ValueError:
        errors = [e for i, case in enumerate(cases) for e in _alone(validator, str(i), case.value.value)]
    for error in errors:
        found.setdefault(int(error.instance_path[0]), error)
    return found.items()


def _alone(validator: Any, key: str, value: Any) -> list[ValidationError]:
    try:
        return list(validator.iter_errors({key: value}))
    except ValueError:
        return []


def _cut(text: str) -> str:
    """Shorten a message, of which the beginning repeats the value."""
    return text if len(text) <= 160 else f"{text[:60]} ... {text[-90:]}"
