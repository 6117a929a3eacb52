"""What is wrong with a contract, where, by which rule, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from pymacaron.spec.document import relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.spec.document import Documents, Node

Severity = Literal["error", "warning"]

RULES = {
    "unreadable": "A file is missing, is no UTF-8, or is no yaml or JSON.",
    "unsupported-version": "The root says which OpenAPI the document follows: 2.0, 3.0.x or 3.1.x.",
    "unknown-key": "An object holds only the keys that OpenAPI gives it, and keys that start with x-.",
    "other-generation": "A key belongs to another OpenAPI generation than the document's.",
    "unknown-keyword": "A schema of OpenAPI 3.1 holds a keyword that JSON Schema 2020-12 lacks; it does nothing.",
    "unknown-extension": "Keys that start with x-pym- are PyMacaron's own; only known ones do something.",
    "bad-extension": "One of PyMacaron's x- keys has a value it cannot have.",
    "wrong-type": "A value has another type than its key asks for.",
    "wrong-value": "A value is none of those that its key allows.",
    "missing-key": "An object lacks a key that OpenAPI requires.",
    "exclusive-keys": "Two keys of one object exclude each other.",
    "empty-list": "A list needs at least one element.",
    "duplicate-value": "A list holds the same element twice.",
    "invalid-name": "A component's name holds letters, digits, dots, hyphens and underscores only.",
    "invalid-path": "A path begins with a slash.",
    "invalid-status": "Responses are keyed by a status code, by a range such as 4XX (OpenAPI 3), or by default.",
    "misplaced-ref": "A $ref stands where OpenAPI allows none.",
    "dangling-ref": "A $ref points at nothing.",
    "circular-ref": "References lead back to where they started without passing a value.",
    "endless-schema": "A schema contains itself through allOf, anyOf, oneOf or not; checking never ends.",
    "remote-ref": "A $ref leads to another host; contracts are read from disk alone.",
    "ref-kind": "A $ref points at an object of another kind than the place needs.",
    "ref-siblings": "Keys beside a $ref are ignored.",
    "duplicate-operation-id": "An operationId names one operation of the contract.",
    "duplicate-route": "Two paths differ in the names of their parameters only; no request can tell them apart.",
    "undeclared-path-parameter": "Each {name} in a path is declared by a parameter with in: path.",
    "unused-path-parameter": "Each parameter with in: path has its {name} in the path, once.",
    "optional-path-parameter": "A path parameter says required: true.",
    "duplicate-parameter": "An operation has one parameter of a name in a place.",
    "body-conflict": "An operation has one body: one body parameter, or form parameters.",
    "form-consumes": "Form parameters need a form's media type in consumes; files need multipart/form-data.",
    "ignored-body": "A body of GET, HEAD or DELETE has no meaning in HTTP; servers and proxies may drop it.",
    "no-responses": "An operation declares its responses; others are refused.",
    "unknown-security": "A security requirement names a declared security scheme.",
    "undeclared-scope": "A security requirement asks for scopes that its scheme declares.",
    "unknown-type": "A schema's type is one that JSON Schema knows.",
    "missing-items": "A schema of type array says what its elements are.",
    "bad-pattern": "A pattern is a regular expression (ECMA-262) that can be compiled.",
    "bad-range": "A lower bound is above its upper bound, so that no value passes.",
    "negative-length": "A length or count is a whole number from 0 up.",
    "bad-multiple-of": "multipleOf is a number above 0.",
    "empty-enum": "An enum without values lets nothing pass.",
    "duplicate-enum": "An enum lists a value twice.",
    "bad-required": "A schema's required is a list of property names, each once.",
    "unknown-required": "A schema requires a property that it does not declare.",
    "bad-default": "A default follows its own schema.",
    "bad-enum": "Each value of an enum follows the schema around it.",
    "bad-example": "An example follows its schema.",
    "bad-discriminator": "A discriminator names a property that its schemas declare and require.",
    "bad-mapping": "A discriminator's mapping leads to schemas.",
    "read-only-required": "A property that is readOnly is not required (Swagger 2.0).",
    "nullable-without-type": "nullable does nothing in a schema without type (OpenAPI 3.0).",
    "unused-component": "A component is referred to from nowhere.",
    "undefined-server-variable": "Each {name} in a server's URL is defined under variables.",
    "bad-server-default": "A server variable's default is one of its enum.",
    "unbound-operation": "An operation names the function that serves it.",
}


class Finding(Struct, frozen=True):
    """One fault.

    Attributes:
        severity: ``error`` where the contract is wrong, ``warning`` where it says something without effect.
        file: its path as seen from the working folder.
        line: from 1; 0 where the document is no file.
        column: from 1; 0 where the document is no file.
        pointer: JSON pointer (RFC 6901) of the faulty value in its file.
        rule: a key of :data:`RULES`.
        message: what is wrong.
        mend: what to do about it; may be empty.
    """

    severity: Severity
    file: str
    line: int
    column: int
    pointer: str
    rule: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        """Write the fault as compilers do, for editors to jump to."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else f"{self.file}#{self.pointer}"
        mend = f"; {self.mend}" if self.mend else ""
        return f"{place}: {self.severity}: {self.message}{mend} [{self.rule}]"


class Report:
    """Collects faults; each is kept once, and its line is looked up when all are known."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str], tuple[Severity, str, tuple[int, int] | None]] = {}

    def error(self, node: Node, rule: str, message: str, mend: str = "", *, at: tuple[int, int] | None = None) -> None:
        """Report something wrong; ``at`` is the line and column where they are known already."""
        self._add("error", node, rule, message, mend, at)

    def warning(self, node: Node, rule: str, message: str, mend: str = "") -> None:
        """Report something that does no harm but no good either."""
        self._add("warning", node, rule, message, mend, None)

    def _add(
        self, severity: Severity, node: Node, rule: str, message: str, mend: str, at: tuple[int, int] | None
    ) -> None:
        if rule not in RULES:
            raise KeyError(rule)
        self._found.setdefault((node.file, node.pointer, rule, message), (severity, mend, at))

    def findings(self, documents: Documents) -> list[Finding]:
        """Return all faults, sorted by file and line."""
        return sorted(self._placed(documents), key=lambda f: (f.file, f.line, f.column, f.severity, f.rule, f.message))

    def _placed(self, documents: Documents) -> Iterator[Finding]:
        from .places import Places

        places: dict[str, Places] = {}
        for (file, pointer, rule, message), (severity, mend, at) in self._found.items():
            if file not in places:
                places[file] = Places(documents, file)
            line, column = at or places[file].find(pointer)
            yield Finding(severity, relative(file), line, column, pointer, rule, message, mend)


def short(value: object, width: int = 60) -> str:
    """Write a value of a document for a message, cut where it is long."""
    import json

    text = ""
    for part in [repr(value)] if isinstance(value, str) else json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += part
        if len(text) > width:
            return text[: width - 3] + "..."
    return text


def similar(word: str, known: object) -> str:
    """Return ``did you mean 'x'?`` where a known word is close to the given one, else an empty text."""
    from difflib import get_close_matches

    words = [str(k) for k in known] if isinstance(known, (dict, list, tuple, set, frozenset)) else []
    exact = [k for k in words if k.lower() == word.lower()]
    close = exact or get_close_matches(word, words[:5000], 1)
    return f"did you mean {close[0]!r}?" if close else ""
