"""Runtime expressions of OpenAPI (3.1, Runtime Expressions), as URLs of callbacks hold them.

What speaks of the request is known when it is served; what speaks of the response, when the task has ended. So a URL is
a list of parts: texts, and those expressions that are yet to be known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_IN_BRACES = re.compile(r"\{(\$[^{}]*)\}")
_SOURCE = re.compile(r"\$(request|response)\.(?:(header|query|path)\.(.+)|body(?:#(.*))?)", re.DOTALL)

#: A text, or ``[expression]``.
Part = str | list[str]


class NoValue(LookupError):
    """What an expression speaks of is not there."""


class Message(msgspec.Struct, frozen=True):
    """A request or a response, as expressions see it.

    Attributes:
        header: returns the value of a header, or None.
        body: returns the body as JSON holds it.
        query: parameters of the URL.
        path: parameters in the path.
    """

    header: Callable[[str], str | None]
    body: Callable[[], Any]
    query: Mapping[str, str] = {}
    path: Mapping[str, str] = {}


def problems(url: str) -> str | None:
    """Say what is wrong with the expressions of a URL; None where nothing is."""
    for expression in _IN_BRACES.findall(url):
        if expression not in ("$url", "$method", "$statusCode") and _SOURCE.fullmatch(expression) is None:
            return f"{expression} is no runtime expression; write one such as $request.body#/callbackUrl"
    rest = _IN_BRACES.sub("", url)
    return "a brace is open that holds no $expression" if "{" in rest or "}" in rest else None


def parts_of(url: str) -> list[Part]:
    """Split a URL into its texts and its expressions."""
    made = [part if index % 2 == 0 else [part] for index, part in enumerate(_IN_BRACES.split(url))]
    return [part for part in made if part != ""]


def filled(parts: list[Part], kind: str, message: Message, constants: Mapping[str, str]) -> list[Part]:
    """Replace those expressions that a request (or a response) knows.

    Args:
        parts: of a URL.
        kind: ``request`` or ``response``.
        message: of that kind.
        constants: values of whole expressions, such as ``$method``.

    Raises:
        NoValue: an expression speaks of something that is not there.
    """
    return [part if isinstance(part, str) else _filled(part[0], kind, message, constants) for part in parts]


def _filled(expression: str, kind: str, message: Message, constants: Mapping[str, str]) -> Part:
    if expression in constants:
        return constants[expression]
    found = _SOURCE.fullmatch(expression)
    if found is None or found[1] != kind:
        return [expression]
    value = _value(message, found[2], found[3], found[4])
    if value is None or isinstance(value, (dict, list)):
        raise NoValue(expression)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(message: Message, source: str | None, name: str, pointer: str | None) -> Any:
    if source == "header":
        return message.header(name)
    if source is not None:
        return (message.query if source == "query" else message.path).get(name)
    return at_pointer(message.body(), pointer or "")


def at_pointer(value: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) points at; None where that is nothing."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
