"""A call as text: what was sent, what came back, and a ``curl`` line that repeats it; secrets are masked.

Secret are: what carries a credential (``Authorization``, cookies, the keys that a contract's security schemes name),
properties of JSON whose names say so, and those that the contract marks as ``format: password`` or ``writeOnly``.
"""

from __future__ import annotations

import json
import re
import shlex
from difflib import unified_diff
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import requests

    from .response import Response

MASK = "***"
LIMIT = 4000

_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "www-authorization"}
)
_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|credential|api[_-]?key|private[_-]?key|(access|refresh|id|auth|jwt|session)[_-]?token"
    r"|^token$|^pin$|^cvv$",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(Bearer\s+)\S+", re.IGNORECASE)
# Sent by every HTTP client; they say nothing of a call.
_DULL = frozenset({"accept-encoding", "connection", "content-length", "user-agent"})


def transcript(response: Response) -> str:
    """Return a call as text, of any length the bodies have, each cut at ``LIMIT`` characters."""
    names = secret_names(response)
    request = response.request
    lines = [
        f"> {request.method} {masked_url(str(request.url), names)}",
        *(f"> {line}" for line in _headers(request.headers, names, _DULL)),
        *_body("> ", _request_body(request), names),
        f"< {response.status} {response.answer.reason or ''}".rstrip(),
        *(f"< {line}" for line in _headers(response.headers, names, frozenset())),
        *_body("< ", response.content, names),
        f"repeat it with: {curl(response)}",
    ]
    return "\n".join(lines)


def curl(response: Response) -> str:
    """Return a command line for ``curl`` that repeats a call; the token is read from ``$PYM_JWT_TOKEN``."""
    names = secret_names(response)
    request = response.request
    parts = ["curl", "-i"]
    if request.method == "HEAD":
        parts += ["-I"]
    elif request.method != "GET" or request.body:
        parts += ["-X", str(request.method)]
    for name, value in request.headers.items():
        if name.lower() in _DULL or (name.lower() == "accept" and value == "*/*"):
            continue
        if name.lower() == "authorization" and _TOKEN.match(value):
            parts += ["-H", f'"{name}: Bearer $PYM_JWT_TOKEN"']
        else:
            parts += ["-H", shlex.quote(f"{name}: {_header(name, value, names)}")]
    if request.body:
        parts += _curl_body(_request_body(request), names)
    parts.append(shlex.quote(masked_url(str(request.url), names)))
    return " ".join(parts)


def _curl_body(body: bytes, names: frozenset[str]) -> list[str]:
    if len(body) > LIMIT or b"\0" in body:
        return ["--data-binary", "@body"]
    try:
        return ["--data-binary", shlex.quote(_masked_text(body.decode(), names))]
    except UnicodeDecodeError:
        return ["--data-binary", "@body"]


def difference(expected: Any, seen: Any) -> str:
    """Return the lines in which two JSON values differ, in the unified format."""
    left, right = (_pretty(value).splitlines() for value in (expected, seen))
    return "\n".join(unified_diff(left, right, "expected", "seen", lineterm="", n=3))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def secret_names(response: Response) -> frozenset[str]:
    """Return the names of properties, parameters and headers, in lower case, that a call's contract marks as secret."""
    if response.match is None:
        return frozenset()
    from .secret_names import names_of

    return names_of(response.match)


def is_secret_name(name: str, names: frozenset[str]) -> bool:
    """Tell whether the value of a property, parameter or header must not be shown."""
    return name.lower() in names or _SECRET_NAME.search(name) is not None


def masked_json(value: Any, names: frozenset[str] = frozenset()) -> Any:
    """Return a JSON value without the values of secret properties."""
    if isinstance(value, dict):
        return {
            name: MASK if is_secret_name(str(name), names) and inner is not None else masked_json(inner, names)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked_json(item, names) for item in value]
    return value


def masked_url(url: str, names: frozenset[str] = frozenset()) -> str:
    """Return a URL without the values of secret query parameters, and without a password in its authority."""
    url = re.sub(r"(?<=://)([^/@:]*):[^/@]*@", rf"\1:{MASK}@", url)
    base, mark, query = url.partition("?")
    return base + mark + "&".join(_pair(pair, names) for pair in query.split("&"))


def _pair(pair: str, names: frozenset[str]) -> str:
    name, mark, value = pair.partition("=")
    return f"{name}{mark}{quote(MASK, safe='*')}" if value and is_secret_name(unquote(name), names) else pair


def _headers(headers: Mapping[str, str], names: frozenset[str], dull: frozenset[str]) -> Iterable[str]:
    return [f"{name}: {_header(name, value, names)}" for name, value in headers.items() if name.lower() not in dull]


def _header(name: str, value: str | bytes, names: frozenset[str]) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if name.lower() in _SECRET_HEADERS or is_secret_name(name, names):
        bearer = _TOKEN.match(text)
        return f"{bearer[1]}{MASK}" if bearer else MASK
    return text


def _request_body(request: requests.PreparedRequest) -> bytes:
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _body(prefix: str, body: bytes, names: frozenset[str]) -> list[str]:
    if not body:
        return []
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return [f"{prefix}({len(body)} bytes that are no text)"]
    shown = _masked_text(text, names, indent=2)
    cut = f"… ({len(shown) - LIMIT} more characters)" if len(shown) > LIMIT else ""
    return [prefix + line for line in (shown[:LIMIT] + cut).splitlines()]


def _masked_text(text: str, names: frozenset[str], indent: int | None = None) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _masked_fields(text, names)
    if not isinstance(value, (dict, list)):
        return text
    return json.dumps(masked_json(value, names), indent=indent, ensure_ascii=False)


def _masked_fields(text: str, names: frozenset[str]) -> str:
    """Mask the fields of an urlencoded or a multipart form; other text is shown as it is."""
    if re.fullmatch(r"[^\s=&]+=[^\s&]*(&[^\s=&]+=[^\s&]*)*", text):
        return "&".join(_pair(pair, names) for pair in text.split("&"))
    parts = re.compile(r'(name="([^"]*)"[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)(.*?)(?=\r?\n--)', re.DOTALL)
    return parts.sub(lambda m: m[1] + (MASK if is_secret_name(m[2], names) else m[3]), text)
