"""What may stand under a key that holds no object: texts, numbers, and the keywords of a schema that limit values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pymacaron.spec.expressions import compiles

from .finding import short, similar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.spec.document import Node

    from .finding import Report

    Scalar = Callable[[Report, Node, str], None]

TYPES = ("string", "number", "integer", "boolean", "array", "object")

_HOST = re.compile(r"^[^{}/ :\\]+(?::\d+)?$")
_QUOTED = re.compile(r"^[-+]?\d+(?:\.\d+)?$|^(?:true|false|yes|no)$", re.IGNORECASE)
_OTHER_NAMES = {
    "int": "integer", "int32": "integer with format: int32", "int64": "integer with format: int64",
    "long": "integer with format: int64", "float": "number with format: float", "double": "number with format: double",
    "decimal": "number", "bool": "boolean", "str": "string", "text": "string", "date": "string with format: date",
    "datetime": "string with format: date-time", "date-time": "string with format: date-time",
    "uuid": "string with format: uuid", "email": "string with format: email", "uri": "string with format: uri",
    "url": "string with format: uri", "list": "array", "dict": "object", "map": "object", "hash": "object",
    "enum": "string, with the values under enum", "binary": "string with format: binary",
}  # fmt: skip


def seen(value: Any) -> str:
    """Say what a value is, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {short(value)}"
    if isinstance(value, str):
        return f"the text {short(value)}"
    return "a mapping" if isinstance(value, dict) else "a list"


def wrong_type(report: Report, node: Node, label: str, expected: str) -> None:
    """Report a value of another type, with the mend that its look suggests."""
    value = node.value
    mend = f"write {expected}"
    if value is None:
        mend = "fill it in or remove it"
    elif expected == "a text" and isinstance(value, (bool, int, float)):
        mend = f"put it in quotes: {str(value).lower() if isinstance(value, bool) else value!s}"
        mend = mend.replace(": ", ": '") + "'"
    elif isinstance(value, str) and _QUOTED.match(value) and expected != "a text":
        mend = f"write {expected}, without quotes"
    elif expected.startswith("a list") and not isinstance(value, dict):
        mend = f"write [{short(value)}]"
    report.error(node, "wrong-type", f"{label} must be {expected}, but it is {seen(value)}", mend)


def is_number(value: Any) -> bool:
    """Tell a number of JSON; Python's booleans are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _string(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, str):
        wrong_type(report, node, label, "a text")


def _boolean(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, bool):
        wrong_type(report, node, label, "true or false")


def _number(report: Report, node: Node, label: str) -> None:
    if not is_number(node.value):
        wrong_type(report, node, label, "a number")


def _limit(report: Report, node: Node, label: str) -> None:
    if isinstance(node.value, bool):
        bound = "minimum" if "Min" in node.pointer.rpartition("/")[2] else "maximum"
        mend = f"write the number here and remove {bound}" if node.value else "remove it"
        report.error(node, "wrong-type", f"{label} is a number in OpenAPI 3.1, but here it is {seen(node.value)}", mend)
    else:
        _number(report, node, label)


def _any(report: Report, node: Node, label: str) -> None:
    """Let everything pass."""


def _count(report: Report, node: Node, label: str) -> None:
    value = node.value
    if not is_number(value) or isinstance(value, float):
        wrong_type(report, node, label, "a whole number")
    elif value < 0:
        report.error(node, "negative-length", f"{label} is {value}", "write 0 or more")


def _positive(report: Report, node: Node, label: str) -> None:
    if not is_number(node.value):
        wrong_type(report, node, label, "a number")
    elif node.value <= 0:
        report.error(node, "bad-multiple-of", f"{label} is {node.value}", "write a number above 0")


def _pattern(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, str):
        wrong_type(report, node, label, "a text")
    elif not compiles(node.value):
        report.error(
            node,
            "bad-pattern",
            f"{label} is {short(node.value)}, which cannot be compiled as a regular expression of ECMA-262",
            "mend the expression; a literal ( [ { or \\ needs a \\ before it",
        )


def _enum(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, list):
        wrong_type(report, node, label, "a list")
    elif not node.value:
        report.error(node, "empty-enum", f"{label} is empty, so that no value passes", "list the values or remove it")
    else:
        for element in repeated(node):
            report.error(element, "duplicate-enum", f"{label} lists {short(element.value)} twice", "remove one")


def repeated(node: Node) -> list[Node]:
    """Return the elements of a list that stand in it before."""
    equality = _Equality()
    known: set[int] = set()
    found = []
    for element in node.elements():
        number = equality.number(element.value)
        if number in known:
            found.append(element)
        known.add(number)
    return found


class _Equality:
    """Numbers JSON values so that equal ones get one number: ``1`` and ``1.0``, but not ``1`` and ``true``.

    A value that yaml's aliases put into many places is looked at once.
    """

    def __init__(self) -> None:
        self.done: dict[int, int] = {}
        self.numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        if not isinstance(value, (dict, list)):
            return self.numbers.setdefault((isinstance(value, bool), value), len(self.numbers))
        if id(value) not in self.done:
            if isinstance(value, dict):
                key: Any = frozenset((k, self.number(v)) for k, v in value.items())
            else:
                key = ("list", *map(self.number, value))
            self.done[id(value)] = self.numbers.setdefault(key, len(self.numbers))
        return self.done[id(value)]


def _required(report: Report, node: Node, label: str) -> None:
    value = node.value
    if isinstance(value, bool):
        name = node.pointer.split("/")[-2] if "/properties/" in node.pointer else "name"
        mend = f"write required: [{name}] in the object that has the property" if value else "remove it"
        report.error(node, "bad-required", f"{label} lists property names, but it is {seen(value)}", mend)
    elif not isinstance(value, list):
        wrong_type(report, node, label, "a list of property names")
    elif not value:
        report.warning(node, "bad-required", f"{label} is an empty list", "name a property or remove it")
    else:
        for element in node.elements():
            if not isinstance(element.value, str):
                report.error(
                    element, "bad-required", f"{label} lists {seen(element.value)}", "list names of properties only"
                )
        for element in repeated(node):
            report.error(element, "bad-required", f"{label} lists {short(element.value)} twice", "remove one")


def _host(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, str):
        wrong_type(report, node, label, "a text")
    elif not _HOST.match(node.value):
        mend = "write a name and perhaps a port, such as api.example.com:8080; schemes and basePath hold the rest"
        report.error(node, "wrong-value", f"{label} is {short(node.value)}, which is no host", mend)


def _basepath(report: Report, node: Node, label: str) -> None:
    if not isinstance(node.value, str):
        wrong_type(report, node, label, "a text")
    elif not node.value.startswith("/"):
        mend = f"write {'/' + node.value!r}"
        report.error(node, "wrong-value", f"{label} is {short(node.value)}, which does not begin with a slash", mend)


def _type(allowed: tuple[str, ...], several: bool) -> Scalar:
    def check(report: Report, node: Node, label: str) -> None:
        if isinstance(node.value, list) and not several:
            mend = _several_mend(node.value)
            report.error(node, "other-generation", f"{label} is a list, which is OpenAPI 3.1", mend)
        elif isinstance(node.value, list):
            if not node.value:
                report.error(node, "empty-list", f"{label} is an empty list", "name a type or remove it")
            for element in node.elements():
                _one_type(report, element, label, allowed)
            for element in repeated(node):
                report.error(element, "duplicate-value", f"{label} lists {short(element.value)} twice", "remove one")
        else:
            _one_type(report, node, label, allowed)

    return check


def _several_mend(types: list[Any]) -> str:
    rest = [name for name in types if name != "null"]
    if len(rest) == 1 and len(types) == 2:
        return f"write type: {rest[0]} and nullable: true"
    return "write one type, or anyOf with a schema for each"


def _one_type(report: Report, node: Node, label: str, allowed: tuple[str, ...]) -> None:
    value = node.value
    if isinstance(value, str) and value in allowed:
        return
    if value is None and "null" in allowed:
        report.error(node, "unknown-type", f"{label} is empty", "write 'null' in quotes")
    elif not isinstance(value, str):
        wrong_type(report, node, label, "a text")
    else:
        message = f"{label} is {short(value)}; the types are {', '.join(allowed)}"
        report.error(node, "unknown-type", message, _type_mend(value, allowed))


def _type_mend(value: str, allowed: tuple[str, ...]) -> str:
    if value == "null":
        return "write nullable: true beside the type"
    if value == "file":
        return "write type: string with format: binary" if "null" in allowed or "file" not in allowed else ""
    if value.lower() in ("any", "mixed", "*", ""):
        return "leave type out, then anything passes"
    other = _OTHER_NAMES.get(value.lower())
    return f"write {other}" if other else similar(value, allowed) or "use one of them"


SCALARS: dict[str, Scalar] = {
    "string": _string,
    "boolean": _boolean,
    "number": _number,
    "limit": _limit,
    "any": _any,
    "count": _count,
    "positive": _positive,
    "pattern": _pattern,
    "enum": _enum,
    "required": _required,
    "host": _host,
    "basepath": _basepath,
    "type2": _type((*TYPES, "null"), several=True),
    "type30": _type(TYPES, several=False),
    "type31": _type((*TYPES, "null"), several=True),
}
