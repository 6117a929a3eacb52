"""Faults of plain values, found without jsonschema-rs where schemas are plain.

jsonschema-rs judges a value in microseconds, yet each error that it lists costs as much as a small request. So the
faults that nearly all schemas lead to (types, bounds, texts, arrays, objects) are found here, by functions that are
made once for each schema; parts with other keywords are still told by jsonschema-rs. It has judged before, too: only
what it refuses comes here, and where nothing is found it tells alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from operator import ge, gt, le, lt
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from pymacaron.contract import Schema

from .formats import INTEGERS
from .lowering import Lowering
from .merging import given, is_bare
from .patterns import python_pattern
from .wording import HIDDEN, SENTENCES, sentence, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .lowering import Direction
    from .secrets import Secrets
    from .types import Types

AnySchema = Schema | bool
FaultEntry = tuple[str, str, str]
Show = Callable[[Any], str]

#: Adds what is wrong with a value, which stands at a pointer, to a list; shows values in its own way.
Find = Callable[[Any, str, Show, list[FaultEntry]], None]
#: Tells what jsonschema-rs finds wrong with a value by a schema; ``True`` where no value may be shown.
Others = Callable[[AnySchema, Any, bool], "Iterable[FaultEntry]"]

_NOTES = {"title", "description", "default", "name", "parent", "extensions", "read_only", "write_only"}
_PLAIN = _NOTES | {
    "type", "enum", "format", "all_of",
    "minimum", "maximum", "exclusive_minimum", "exclusive_maximum",
    "min_length", "max_length", "pattern",
    "items", "min_items", "max_items",
    "properties", "required", "additional_properties", "min_properties", "max_properties",
}  # fmt: skip
_SILENT_FORMATS = frozenset(("password", "float", "double"))

_KINDS: dict[type, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null", list: "array", dict: "object",
}  # fmt: skip
_TYPES = {kind: type_ for type_, kind in _KINDS.items()}

# How a limit stands to a value that breaks it.
_NUMERIC = {
    "minimum": ("minimum", gt),
    "maximum": ("maximum", lt),
    "exclusive_minimum": ("exclusiveMinimum", ge),
    "exclusive_maximum": ("exclusiveMaximum", le),
}
_SIZES = {
    "min_length": ("string", "minLength", gt),
    "max_length": ("string", "maxLength", lt),
    "min_items": ("array", "minItems", gt),
    "max_items": ("array", "maxItems", lt),
    "min_properties": ("object", "minProperties", gt),
    "max_properties": ("object", "maxProperties", lt),
}


class Checks(dict[type, list[Find]]):
    """What a schema asks of the values of each Python type that JSON is decoded to, made when first looked up.

    So schemas may refer to themselves, and of a large contract only what faulty values reach is made.
    """

    def __init__(self, make: Callable[[], dict[type, list[Find]]]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, type_: type) -> list[Find]:
        if type_ not in _KINDS:
            raise KeyError(type_)
        self.update(self.make())
        return self[type_]


def hide(_: Any) -> str:
    """Stand for a value that no message may show."""
    return HIDDEN


class Finder:
    """Finds the faults of one schema's values in one direction.

    Args:
        types: of the contract.
        schema: the schema.
        direction: of the messages that hold the values.
        secrets: names of properties whose values are not shown.
        others: tells the faults of parts that are not plain.
    """

    def __init__(self, types: Types, schema: AnySchema, direction: Direction, secrets: Secrets, others: Others) -> None:
        self.types = types
        self.direction: Direction = direction
        self.secrets = secrets
        self.others = others
        self.lowering = Lowering(types.schemas, types.formats, direction, types.api.float_is_integer)
        self._made: dict[int, tuple[AnySchema, Checks]] = {}
        self._checks = self._of(schema)

    def faults(self, value: Any) -> list[FaultEntry]:
        """List the faults of a plain value; none where it holds Python types that are not JSON's own."""
        found: list[FaultEntry] = []
        show = hide if self.secrets.everything else shown
        try:
            for check in self._checks[type(value)]:
                check(value, "", show, found)
        except (KeyError, RecursionError):
            return []
        return found

    def _of(self, schema: AnySchema) -> Checks:
        """Return what a schema asks, the same for all references to it."""
        schema = self._target(schema)
        if id(schema) not in self._made:
            # The schema is kept with them, so that its id stays its own.
            self._made[id(schema)] = (schema, Checks(partial(self._checks_of, schema)))
        return self._made[id(schema)][1]

    def _target(self, schema: AnySchema) -> AnySchema:
        """Follow references that stand alone."""
        for _ in self.types.schemas:
            if isinstance(schema, bool) or schema.ref is None or not is_bare(schema):
                break
            schema = self.types.schemas[schema.ref]
        return schema

    def _checks_of(self, schema: AnySchema) -> dict[type, list[Find]]:
        if isinstance(schema, bool):
            return {type_: [] if schema else [_refusal(self.lowering.modern)] for type_ in _KINDS}
        if not self._is_plain(schema):
            return {type_: [self._other(schema)] for type_ in _KINDS}
        everywhere = [] if schema.enum is None else [_enum(schema.enum)]
        everywhere += [_all(self._of(part)) for part in schema.all_of]
        checks = {type_: [*self._type(schema, type_), *everywhere] for type_ in _KINDS}
        self._scalars(schema, checks)
        if schema.items is not None and schema.items is not True:
            checks[list].append(_elements(self._of(schema.items)))
        checks[dict] += self._object(schema)
        return checks

    def _is_plain(self, schema: Schema) -> bool:
        """Tell whether all that a schema says itself is known here."""
        if not given(schema).keys() <= _PLAIN:
            return False
        if schema.pattern is not None and python_pattern(schema.pattern) is None:
            return False
        if schema.enum is not None and not all(option is None or type(option) is str for option in schema.enum):
            return False
        if any(isinstance(part, bool) or not self._is_part(part) for part in schema.all_of):
            return False
        known = schema.format is None or schema.format in INTEGERS or schema.format in _SILENT_FORMATS
        return known or (schema.format != "binary" and self.types.formats.get(schema.format) is not None)

    def _is_part(self, part: Schema) -> bool:
        """Tell whether a part of ``allOf`` is plain: a base with a discriminator means something else there."""
        target = self._target(part)
        return isinstance(target, Schema) and target.discriminator is None

    def _type(self, schema: Schema, type_: type) -> Iterator[Find]:
        kind = _KINDS[type_]
        if schema.type and kind not in schema.type and not (kind == "integer" and "number" in schema.type):
            whole = kind == "number" and "integer" in schema.type and self.lowering.modern
            yield _check("type", _has_fraction if whole else _always, types=schema.type)

    def _scalars(self, schema: Schema, checks: dict[type, list[Find]]) -> None:
        limits = [(keyword, breaks, getattr(schema, field)) for field, (keyword, breaks) in _NUMERIC.items()]
        if schema.format in INTEGERS:
            limits += zip(("minimum", "maximum"), (gt, lt), INTEGERS[schema.format], strict=True)
        for keyword, breaks, limit in limits:
            if limit is not None:
                made = _check(keyword, partial(breaks, limit), limit=limit)
                checks[int].append(made)
                checks[float].append(made)
        for field, (kind, keyword, breaks) in _SIZES.items():
            limit = getattr(schema, field)
            if limit is not None:
                checks[_TYPES[kind]].append(_check(keyword, _sized(breaks, limit), limit=limit))
        if schema.pattern is not None:
            search = re.compile(python_pattern(schema.pattern) or "").search
            checks[str].append(_check("pattern", lambda text: search(text) is None, pattern=schema.pattern))
        if schema.format not in INTEGERS and self.types.formats.get(schema.format) is not None:
            fits = self.types.formats.checks()[str(schema.format)]
            checks[str].append(_check("format", lambda text: not fits(text), format=schema.format))

    def _object(self, schema: Schema) -> Iterator[Find]:
        required = [name for name in schema.required if self.lowering.requires(schema, name)]
        if required:
            yield _required(required)
        there = [n for n, child in schema.properties.items() if not self.types.is_hidden(child, self.direction)]
        if there:
            yield _properties({name: self._of(schema.properties[name]) for name in there}, self.secrets)
        if schema.additional_properties is False:
            yield _closed(frozenset(schema.properties))
        elif isinstance(schema.additional_properties, Schema):
            yield _additional(frozenset(schema.properties), self._of(schema.additional_properties), self.secrets)

    def _other(self, schema: AnySchema) -> Find:
        def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
            for below, keyword, message in self.others(schema, value, show is hide):
                faults.append((pointer + below, keyword, message))

        return find


def _always(_: Any) -> bool:
    return True


def _has_fraction(value: float) -> bool:
    return not value.is_integer()


def _refusal(modern: bool) -> Find:
    """Find fault with every value, as the validators of each draft call it."""
    keyword = "falseSchema" if modern else "not"

    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        faults.append((pointer, keyword, sentence(keyword, None, show(value))))

    return find


def _check(keyword: str, breaks: Callable[[Any], bool], **about: Any) -> Find:
    """Find whether a value breaks one keyword; ``about`` is what its sentence names."""
    said = SENTENCES[keyword]("", SimpleNamespace(**about))
    shows = said.startswith(" ")  # A sentence that shows the value starts with it.

    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        if breaks(value):
            faults.append((pointer, keyword, show(value) + said if shows else said))

    return find


def _sized(breaks: Callable[[Any, Any], bool], limit: Any) -> Callable[[Any], bool]:
    return lambda value: breaks(limit, len(value))


def _enum(options: tuple[Any, ...]) -> Find:
    allowed = frozenset(options)
    return _check("enum", lambda value: type(value) not in (str, NoneType) or value not in allowed, options=options)


def _all(checks: Checks) -> Find:
    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        for check in checks[type(value)]:
            check(value, pointer, show, faults)

    return find


def _elements(checks: Checks) -> Find:
    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        for index, element in enumerate(value):
            for check in checks[type(element)]:
                check(element, f"{pointer}/{index}", show, faults)

    return find


def _required(names: list[str]) -> Find:
    told = [(name, SENTENCES["required"]("", SimpleNamespace(property=name))) for name in names]

    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        for name, message in told:
            if name not in value:
                faults.append((pointer, "required", message))

    return find


def _properties(properties: dict[str, Checks], secrets: Secrets) -> Find:
    steps = [(name, token(name), name in secrets.names, checks) for name, checks in properties.items()]

    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        for name, below, secret, checks in steps:
            if name in value:
                child = value[name]
                for check in checks[type(child)]:
                    check(child, pointer + below, hide if secret else show, faults)

    return find


def _closed(names: frozenset[str]) -> Find:
    say = SENTENCES["additionalProperties"]

    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        unexpected = [name for name in value if name not in names]
        if unexpected:
            faults.append((pointer, "additionalProperties", say("", SimpleNamespace(unexpected=unexpected))))

    return find


def _additional(names: frozenset[str], checks: Checks, secrets: Secrets) -> Find:
    def find(value: Any, pointer: str, show: Show, faults: list[FaultEntry]) -> None:
        for name, child in value.items():
            if name not in names:
                for check in checks[type(child)]:
                    check(child, pointer + token(name), hide if name in secrets.names else show, faults)

    return find


def token(name: str) -> str:
    """Return the part of a JSON pointer (RFC 6901) that leads to a property."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
