"""What generated tests complain of though nothing is wrong: off by default, each with its reason.

Each class can be switched on by its name: ``pym test --contract --enable NAME``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .call import Call

FALSE_ALARMS = {
    "undeclared_refusals": "a 4xx that HTTP itself, a framework or a proxy answers (400, 401, 404, 405, 409, 413, …) is"
    " declared by few contracts, though every client has to expect it",
    "valid_refused": "a request can follow the contract and be refused for the service's own reasons: an id that nobody"
    " has, a name that is taken, a state that forbids it",
    "unsure_invalid": "what was generated as invalid reads as valid once it is sent: in a URL everything is text, 1.0"
    " is an integer, and parameters that nobody declared are ignored",
    "nested_parameters": "OpenAPI leaves open how objects and arrays inside objects and arrays are written in a query,"
    " header, cookie or form (3.1, section 4.8.12)",
    "repeated_parameters": "OpenAPI does not say what a query parameter that stands twice means; taking one of them is"
    " allowed",
    "nul_in_url_or_header": "no HTTP server hands a NUL or another control character in a path or header to the"
    " service; it refuses the request by itself",
    "undecodable_text": "octets of a URL that are no UTF-8, and lone surrogates: what they mean is defined nowhere, and"
    " servers replace, drop or refuse them",
    "path_segments": "an empty segment, `.`, `..` and an encoded slash make another path of it before the service sees"
    " it (RFC 3986, section 6.2.2)",
    "header_whitespace": "servers cut white space around a header's value (RFC 9110, section 5.5), and headers are"
    " latin-1 to some, UTF-8 to others, so the value that arrives is another one",
    "cookie_text": "cookies have no escapes: quotes, commas, semicolons and spaces arrive in a different form"
    " (RFC 6265, section 4.1.1)",
    "huge_numbers": "JSON numbers beyond a double are read as infinity, rounded or refused (RFC 8259, section 6)",
    "body_of_get": "a body of GET, HEAD or DELETE has no meaning (RFC 9110, section 9.3), and clients and proxies"
    " drop it",
    "undeclared_body": "a response without a schema is often one whose body nobody described; that is no break a client"
    " could notice",
    "checks_before_token": "a service may judge a request before it asks for a token, and answer 400 or 404 instead of"
    " 401",
}

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(rb"(?i)\\ud[89a-f][0-9a-f]{2}")
_PAIR = re.compile(rb"(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_LONG_NUMBER = re.compile(rb"(?<![\w.\"])-?[0-9]{309,}|[0-9][eE]\+?(?:309|3[1-9][0-9]|[4-9][0-9]{2}|[0-9]{4,})")


def causes(call: Call) -> Iterator[str]:
    """Yield the false alarms that a call would cause."""
    path = unquote_to_bytes(call.path)
    query = unquote_to_bytes(call.target.partition("?")[2])
    names = [name for name, _ in call.query]
    yield from _in_url(call, path, query)
    if len(names) != len(set(names)):
        yield "repeated_parameters"
    for name, value in call.headers:
        if name.lower() == "cookie":
            texts = [part.partition("=")[2] for part in value.split("; ")]
            if not value.isascii() or any(re.search(r'[",;\\\s]', text) for text in texts):
                yield "cookie_text"
        elif value != value.strip() or not value.isascii():
            yield "header_whitespace"
        if re.search(r"[\x00-\x1f\x7f]", value):
            yield "nul_in_url_or_header"
    if call.method in ("GET", "HEAD", "DELETE") and call.content:
        yield "body_of_get"
    if call.is_json and _SURROGATE.search(_PAIR.sub(b"", call.content)):
        yield "undecodable_text"
    if _LONG_NUMBER.search(call.content) or _LONG_NUMBER.search(query + b" " + path):
        yield "huge_numbers"


def _in_url(call: Call, path: bytes, query: bytes) -> Iterator[str]:
    if _CONTROL.search(path):
        yield "nul_in_url_or_header"
    for octets in (path, query):
        try:
            octets.decode()
        except UnicodeDecodeError:
            yield "undecodable_text"
    segments = call.path.split("/")[1:]
    if any(unquote_to_bytes(each) in (b"", b".", b"..") for each in segments) or re.search("(?i)%2f|%5c", call.path):
        yield "path_segments"


def is_false_alarm(call: Call, enabled: Collection[str]) -> bool:
    """Tell whether a call would cause a false alarm that is not switched on."""
    return any(name not in enabled for name in causes(call))
