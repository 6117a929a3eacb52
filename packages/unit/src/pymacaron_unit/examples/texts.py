"""Texts of formats and lengths, for examples."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_NOON = datetime(2024, 5, 17, 12, 0, 0, tzinfo=UTC)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _date_time(number: int) -> str:
    return f"{(_NOON + timedelta(seconds=number)).isoformat().removesuffix('+00:00')}Z"


def _ipv4(number: int) -> str:
    return f"192.0.2.{number % 254 + 1}"  # RFC 5737


def _uuid(number: int) -> str:
    return str(UUID(int=0x7A3D1C524E6F4B1A9C0D000000000000 + number, version=4))


#: A text of each format that is known, for a number; examples of hosts are those of RFC 2606.
FORMATS: dict[str, Callable[[int], str]] = {
    "byte": lambda number: b64encode(b"example" if not number else f"example {number}".encode()).decode(),
    "date": lambda number: str(date(2024, 5, 17) + timedelta(days=number % 3000)),
    "date-time": _date_time,
    "decimal": lambda number: f"{number + 12}.50",
    "duration": lambda number: f"P{number + 1}D",
    "email": lambda number: f"user{number or ''}@example.com",
    "hostname": lambda number: f"host{number or ''}.example.com",
    "idn-email": lambda number: f"user{number or ''}@example.com",
    "idn-hostname": lambda number: f"host{number or ''}.example.com",
    "ipv4": _ipv4,
    "ipv6": lambda number: f"2001:db8::{number % 0xFFFF + 1:x}",  # RFC 3849
    "iri": lambda number: f"https://example.com/{number + 1}",
    "iri-reference": lambda number: f"/{number + 1}",
    "json-pointer": lambda number: f"/{number}",
    "regex": lambda number: f"^[a-z]{{{number % 9 + 1}}}$",
    "relative-json-pointer": lambda number: f"{number}/a",
    "time": lambda number: _date_time(number)[11:],
    "uri": lambda number: f"https://example.com/{number + 1}",
    "uri-reference": lambda number: f"/{number + 1}",
    "uri-template": lambda number: f"/{number + 1}/{{id}}",
    "url": lambda number: f"https://example.com/{number + 1}",
    "uuid": _uuid,
}

#: What is tried for a format that is not known, in this order.
GUESSES = (
    "text", "1", "12.50", "A1", "abc123", "ABC", "2024-05-17", "12:30", "user@example.com", "+15550100000",
    "https://example.com", "EUR", "en", "en-US", "1.0.0", "AAAA", "#336699", "00:00:5e:00:53:01", "true", "a/b", "a:b",
)  # fmt: skip


def word(low: int, high: int | None, random: Random | None = None) -> str:
    """Return letters, at least ``low`` and at most ``high`` of them; by chance where that is given."""
    if random is None:
        length = max(low, 4) if high is None else max(low, min(4, high))
        return "".join(islice(cycle("text" if length <= 4 else _LETTERS), length))
    length = random.randint(
        max(low, 1) if high != 0 else 0, max(low, min(high if high is not None else low + 12, low + 12))
    )
    return "".join(random.choices(_LETTERS, k=length))


def padded(text: str, format: str, low: int) -> str:
    """Lengthen a text of a format to at least ``low`` characters, where the format allows for that."""
    missing = low - len(text)
    if missing <= 0:
        return text
    filling = "".join(islice(cycle(_LETTERS), missing))
    if format in ("email", "idn-email"):
        name, _, host = text.partition("@")
        return f"{(name + filling)[:60]}@{'.'.join(_labels(filling[60 - len(name) :]))}{host}"
    if format in ("hostname", "idn-hostname"):
        return ".".join(_labels(filling)) + text if missing < 200 else text
    return text + filling if format.startswith(("uri", "iri", "json-pointer", "url")) else text


def _labels(text: str) -> list[str]:
    """Split letters into labels of a host's name (RFC 1035, section 2.3.4), with an empty one at the end."""
    return [text[start : start + 60] for start in range(0, len(text), 60)] + ([""] if text else [])
