"""Walks through a document along the tables of its generation, and reports what they do not allow.

The walk keeps its own stack and visits each place once, so that neither depth nor recursion of references matter.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from .extensions import check_extension, is_own
from .finding import short, similar
from .references import is_reference
from .scalars import SCALARS, repeated, wrong_type
from .shape import kind
from .vocabulary import NAMES, ROOTS, VOCABULARIES, elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.spec.document import Node

    from .finding import Report
    from .references import References
    from .shape import Kind, Shape
    from .vocabulary import Generation

    Hook = Callable[[Node, Generation], None]

_COMPONENT = re.compile(r"^[a-zA-Z0-9._-]+$")
_NEVER_SHARED = ("Operation", "PathItem")  # Two of these are two, even where they are written once.
_TEXTS = ("$ref", "summary", "description")
_SCHEMA_TEXTS = (*_TEXTS, "title", "example", "deprecated", "externalDocs")
_ALIASES = {"in": {"form": "formData", "formdata": "formData", "params": "query", "url": "path", "json": "body"}}


class Visit(NamedTuple):
    """A place still to be visited: what should stand there, by which generation, and its name in messages."""

    node: Node
    kind: Kind
    label: str
    generation: Generation


class Walker:
    """Visits every object of a document and those that its references reach.

    Args:
        references: follows ``$ref``.
        report: receives the faults.
        hooks: called with each object of a family, once its structure is checked.
    """

    def __init__(self, references: References, report: Report, hooks: dict[str, Hook]) -> None:
        self.references = references
        self.report = report
        self.hooks = hooks
        self.stack: list[Visit] = []
        self.waiting: deque[tuple[Node, Visit]] = deque()
        self.families: dict[tuple[str, str], str] = {}
        self.roots: set[str] = set()
        self.shared: set[tuple[int, str, Generation]] = set()

    def walk(self, root: Node, generation: Generation) -> None:
        """Visit a document from its root, then what its references reach and no walk has."""
        self.roots.add(root.file)
        self.stack.append(Visit(root, kind(ROOTS[generation]), "the document", generation))
        while self.stack or self.waiting:
            if self.stack:
                self.step()
            else:
                self.arrive(*self.waiting.popleft())

    def step(self) -> None:
        """Visit one place; what it pushes is visited in the order of the document."""
        visit, start = self.stack.pop(), len(self.stack)
        self.visit(visit)
        self.stack[start:] = reversed(self.stack[start:])

    def visit(self, visit: Visit) -> None:
        """Visit one place, unless the very same value was visited as the same kind: yaml's aliases do that."""
        verb = visit.kind.verb
        if isinstance(visit.node.value, (dict, list)) and visit.kind.name not in _NEVER_SHARED:
            key = (id(visit.node.value), visit.kind.name, visit.generation)
            if key in self.shared:
                return
            self.shared.add(key)
        if verb == "scalar":
            SCALARS[visit.kind.name](self.report, visit.node, visit.label)
        elif verb == "object":
            self.object(visit, VOCABULARIES[visit.generation][visit.kind.name])
        elif verb == "enum":
            self.enum(visit)
        elif verb == "or":
            self.either(visit)
        elif verb in ("map", "names", "single"):
            self.map(visit)
        else:
            self.list(visit)

    def enum(self, visit: Visit) -> None:
        node, values = visit.node, visit.kind.values
        if node.value in values:
            return
        if not isinstance(node.value, str):
            wrong_type(self.report, node, visit.label, " or ".join(values) if len(values) < 3 else "a text")
            return
        key = node.pointer.rpartition("/")[2]
        alias = _ALIASES.get(key, {}).get(node.value.lower())
        mend = f"did you mean {alias!r}?" if alias in values else similar(node.value, values)
        allowed = f"it can be {', '.join(values)}" if len(values) > 1 else f"it must be {values[0]}"
        self.report.error(
            node, "wrong-value", f"{visit.label} is {short(node.value)}; {allowed}", mend or "use one of them"
        )

    def either(self, visit: Visit) -> None:
        """Visit a place where either of two kinds may stand, of which one is a flag."""
        flag, other = visit.kind.parts
        picked = flag if isinstance(visit.node.value, bool) else other
        self.visit(visit._replace(kind=picked))

    def list(self, visit: Visit) -> None:
        node, label = visit.node, visit.label
        if not isinstance(node.value, list):
            wrong_type(self.report, node, label, "a list")
            return
        if visit.kind.verb == "some" and not node.value:
            self.report.error(node, "empty-list", f"{label} is an empty list", "add an element or remove it")
        if visit.kind.verb == "set":
            for element in repeated(node):
                self.report.error(
                    element, "duplicate-value", f"{label} lists {short(element.value)} twice", "remove one"
                )
        for index, element in enumerate(node.elements(), 1):
            self.push(element, visit.kind.parts[0], f"element {index} of {label}", visit.generation)

    def map(self, visit: Visit) -> None:
        node, label = visit.node, visit.label
        if not isinstance(node.value, dict):
            wrong_type(self.report, node, label, "a mapping")
            return
        if is_reference(node) and visit.kind.parts[0].verb == "object":
            self.misplaced(node, label)
            return
        if visit.kind.verb == "single" and len(node.value) != 1:
            message = f"{label} must have one entry, but it has {len(node.value)}"
            self.report.error(node, "wrong-value", message, "keep one media type")
        for key, child in node.items():
            if visit.kind.verb == "names" and not _COMPONENT.match(key):
                mend = f"rename it to {re.sub(r'[^a-zA-Z0-9._-]+', '_', key)!r}"
                self.report.error(child, "invalid-name", f"{key!r} is no name for a component", mend)
            self.push(child, visit.kind.parts[0], f"{key!r} in {label}", visit.generation)

    def push(self, node: Node, what: Kind, label: str, generation: Generation) -> None:
        self.stack.append(Visit(node, what, label, generation))

    def misplaced(self, node: Node, label: str) -> None:
        """Report a ``$ref`` that nothing follows."""
        self.report.error(
            node.child("$ref"), "misplaced-ref", f"no $ref can stand in {label}", "write out what it points at"
        )

    def object(self, visit: Visit, shape: Shape) -> None:
        """Visit an object, once."""
        node = visit.node
        if shape.flag and isinstance(node.value, bool):
            return
        if not isinstance(node.value, dict):
            wrong_type(self.report, node, visit.label, f"a mapping ({shape.label})")
            return
        if self.families.setdefault((node.file, node.pointer), shape.family) != shape.family:
            return
        if is_reference(node):
            if not shape.reference:
                self.misplaced(node, visit.label)
                return
            self.refer(visit, shape)
            if shape.name == "PathItem" or (shape.family == "Schema" and visit.generation != "3.0"):
                self.fields(node, shape, visit.generation)
            if shape.family == "Schema" and visit.generation == "3.1":
                self.hook(node, shape, visit.generation)
            return
        shape = self.select(node, shape, visit.generation)
        self.fields(node, shape, visit.generation)
        self.hook(node, shape, visit.generation)

    def hook(self, node: Node, shape: Shape, generation: Generation) -> None:
        """Call what checks the meaning of an object."""
        if shape.family in self.hooks:
            self.hooks[shape.family](node, generation)

    def refer(self, visit: Visit, shape: Shape) -> None:
        """Follow a reference by one step; what it leads to is visited after everything else."""
        node = visit.node
        target = self.references.target(node)
        self.references.follow(node)
        if target is not None:
            self.waiting.append((target, visit))
        if (visit.generation == "3.1" and shape.family == "Schema") or shape.name == "PathItem":
            return
        ignored = [k for k in node.value if _has_effect(k, shape)]
        if ignored:
            names = ", ".join(map(repr, ignored))
            where = "put the $ref into allOf" if shape.family == "Schema" else "put them where the $ref leads"
            self.report.warning(node.child(ignored[0]), "ref-siblings", f"{names} beside a $ref is ignored", where)

    def arrive(self, target: Node, origin: Visit) -> None:
        """Visit the target of a reference as what the reference stands for, unless that was done."""
        generation = origin.generation
        if target.file not in self.roots:
            generation = self.enter(target, generation)
        shape = VOCABULARIES[generation][origin.kind.name]
        known = self.families.get((target.file, target.pointer))
        if known is None:
            name = f"#{target.pointer}" if target.file == origin.node.file else target.file
            self.push(target, origin.kind, name, generation)
        elif known != shape.family:
            message = f"this $ref leads to a {known}, but {origin.label} is {shape.label}"
            self.report.error(origin.node.child("$ref"), "ref-kind", message, f"point it at {shape.label}")

    def enter(self, target: Node, generation: Generation) -> Generation:
        """Walk through another file first if it is a contract itself."""
        self.roots.add(target.file)
        root = self.references.load(target.file)
        own = generation_of(root.value) if root is not None else None
        if root is not None and own is not None:
            self.push(root, kind(ROOTS[own]), "the document", own)
            while self.stack:
                self.step()
        return own or generation

    def select(self, node: Node, shape: Shape, generation: Generation) -> Shape:
        """Return the shape that a key's value picks, such as a parameter's by ``in``."""
        while shape.select is not None:
            key, cases = shape.select
            value = node.value.get(key)
            name = cases.get(value) if isinstance(value, str) else None
            name = name or shape.otherwise
            if name is None:
                return shape
            shape = VOCABULARIES[generation][name]
        return shape

    def fields(self, node: Node, shape: Shape, generation: Generation) -> None:
        """Visit what stands under each key, and report keys that are unknown, missing, or exclude each other."""
        for key, child in node.items():
            found = shape.fields.get(key)
            if found is None and key.startswith("x-") and shape.extensible:
                check_extension(self.report, child)
                continue
            if found is None:
                found = next((text for pattern, text in shape.patterns if pattern.search(key)), shape.rest)
            if found is None:
                self.unknown(child, key, shape, generation)
            elif found != "any":
                self.push(child, kind(found), f"{key!r} of {shape.label}", generation)
        self.missing(node, shape)

    def missing(self, node: Node, shape: Shape) -> None:
        for key in shape.required:
            if key not in node.value:
                self.report.error(node, "missing-key", f"{shape.label} lacks {key!r}", f"add {key}: ...")
        for group in shape.one_of:
            if not any(key in node.value for key in group):
                self.report.error(node, "missing-key", f"{shape.label} needs {_or(group)}", f"add {group[0]}")
        for group in shape.exclusive:
            both = [key for key in group if key in node.value]
            if len(both) > 1:
                message = f"{shape.label} cannot have both {both[0]!r} and {both[1]!r}"
                self.report.error(node.child(both[1]), "exclusive-keys", message, "remove one")

    def unknown(self, node: Node, key: str, shape: Shape, generation: Generation) -> None:
        """Report a key that the shape does not have."""
        if special := self.special(node, key, shape, generation):
            rule, message, mend = special
            self.report.error(node, rule, message, mend)
            return
        other = elsewhere(generation, shape, key)
        if other is not None:
            rule, message, mend = "other-generation", f"{key!r} is {other[0]}, not {NAMES[generation]}", other[1]
        else:
            mend = similar(key, shape.fields) or f"remove it, or name it x-{key}"
            rule, message = "unknown-key", f"unknown key {key!r} in {shape.label}"
        if shape.lenient:
            rule = "unknown-keyword" if rule == "unknown-key" else rule
            self.report.warning(node, rule, message, mend)
        else:
            self.report.error(node, rule, message, mend)

    def special(self, node: Node, key: str, shape: Shape, generation: Generation) -> tuple[str, str, str] | None:
        """Return rule, message and mend of keys that have a form of their own."""
        if key == "$ref" and not shape.reference:
            return "misplaced-ref", f"no $ref can stand in {shape.label}", "write out what it points at"
        if shape.name == "Paths":
            return "invalid-path", f"the path {key!r} does not begin with a slash", f"write {'/' + key!r}"
        if shape.name == "Responses":
            return "invalid-status", f"{key!r} is no status of a response", _status_mend(key, generation)
        if shape.family in ("Parameter", "Header") and shape.name != "Parameter":
            return self.other_place(key, shape, generation)
        return None

    def other_place(self, key: str, shape: Shape, generation: Generation) -> tuple[str, str, str] | None:
        """Say where a parameter's key belongs that another kind of parameter has."""
        siblings = [s for s in VOCABULARIES[generation].values() if s.family == "Parameter" and key in s.fields]
        places = [s.name.removesuffix("Parameter") for s in siblings if s.name != "Parameter"]
        if not places:
            return None
        shown = ", ".join(place[0].lower() + place[1:] for place in places)
        mend = "put the schema's keywords beside in" if key == "schema" else "remove it"
        if shape.name == "BodyParameter":
            mend = "put it under schema"
        return "unknown-key", f"{key!r} cannot stand in {shape.label}, only with in: {shown}", mend


def generation_of(value: Any) -> Generation | None:
    """Tell the generation of a document by its root; None where it is none, or one that is not supported."""
    if not isinstance(value, dict):
        return None
    if "swagger" in value:
        return "2.0" if value["swagger"] in ("2.0", 2, 2.0) else None
    version = str(value.get("openapi", ""))
    if re.match(r"^3\.0(\.|$)", version):
        return "3.0"
    return "3.1" if re.match(r"^3\.1(\.|$)", version) else None


def _has_effect(key: str, shape: Shape) -> bool:
    """Tell whether someone may rely on a key that stands beside a ``$ref``."""
    if shape.family != "Schema":
        return key not in _TEXTS
    return key not in _SCHEMA_TEXTS and (not key.startswith("x-") or is_own(key))


def _or(keys: tuple[str, ...]) -> str:
    return " or ".join(map(repr, keys))


def _status_mend(key: str, generation: Generation) -> str:
    if re.match(r"^[1-5][xX]{2}$", key):
        return f"write {key.upper()}" if generation != "2.0" else "write each status, or default"
    ranges = " or a range such as 4XX," if generation != "2.0" else ""
    return similar(key, ["default"]) or f"write a status from 100 to 599,{ranges} or default"
