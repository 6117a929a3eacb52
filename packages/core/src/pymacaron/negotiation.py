"""Which media type a message is in (RFC 9110, sections 8.3 and 12.5.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import MediaType


def bare(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def covers(media_range: str, media_type: str) -> bool:
    """Tell whether ``*/*``, ``text/*`` or ``text/plain`` covers a media type."""
    if media_range in ("*/*", "*", media_type):
        return True
    main, _, sub = media_range.partition("/")
    return sub == "*" and media_type.startswith(f"{main}/")


def content_for(content: Sequence[MediaType], content_type: str) -> MediaType | None:
    """Return the declared media type that a body of some ``Content-Type`` is of, the most exact one first."""
    name = bare(content_type)
    for media in content:
        if bare(media.name) == name:
            return media
    ranges = [media for media in content if covers(bare(media.name), name)]
    return max(ranges, key=lambda media: len(media.name.replace("*", "")), default=None)


@lru_cache(maxsize=1024)
def _parse_accept(accept: str) -> tuple[tuple[str, float], ...]:
    made = []
    for part in accept.split(",")[:100]:
        name, *parameters = part.split(";")
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if name.strip():
            made.append((name.strip().lower(), quality))
    return tuple(made)


def _quality(ranges: tuple[tuple[str, float], ...], media_type: str) -> float:
    """Return the weight of the most exact range that covers a media type."""
    fitting = [(len(name.replace("*", "")), quality) for name, quality in ranges if covers(name, media_type)]
    return max(fitting)[1] if fitting else 0.0


def acceptable(content: Sequence[MediaType], accept: str | None) -> MediaType | None:
    """Return the declared media type that a client likes best; the first one declared where it likes all the same."""
    if not content:
        return None
    if not accept or accept == "*/*":
        return content[0]
    ranges = _parse_accept(accept)
    best = max(content, key=lambda media: _quality(ranges, bare(media.name)))
    return best if _quality(ranges, bare(best.name)) > 0 else None
