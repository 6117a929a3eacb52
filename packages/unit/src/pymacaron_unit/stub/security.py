"""Whether a request carries the credentials that its operation asks for; whether they are true is not asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymacaron.contract import SecurityScheme

    from ..contracts import Match
    from .receiving import Received


def missing_credentials(match: Match, received: Received) -> str | None:
    """Say which credentials are missing; None where none are."""
    alternatives = match.operation.security
    schemes = match.contract.api.security_schemes
    wanting = [
        [scheme for scheme in (schemes[wanted.scheme] for wanted in alternative) if not _comes(scheme, received)]
        for alternative in alternatives
    ]
    if not alternatives or [] in wanting:
        return None
    told = " or ".join(" and ".join(_named(scheme) for scheme in missing) for missing in wanting)
    return f"security: {match.operation.name} asks for {told}, which the request does not carry"


def query_keys(match: Match) -> frozenset[str]:
    """Return the query parameters that carry credentials."""
    schemes = match.contract.api.security_schemes.values()
    return frozenset(scheme.key for scheme in schemes if scheme.location == "query" and scheme.key is not None)


def _comes(scheme: SecurityScheme, received: Received) -> bool:
    if scheme.kind == "mutualTLS":
        return True  # Told by the connection, which here has none.
    if scheme.kind == "apiKey" and scheme.location == "query":
        return any(pair.partition("=")[0] == scheme.key for pair in received.asked.split("&"))
    if scheme.kind == "apiKey" and scheme.location == "cookie":
        return bool(received.cookies().get(scheme.key or ""))
    if scheme.kind == "apiKey":
        return bool(received.header(scheme.key or ""))
    kind, _, credential = (received.header("Authorization") or "").partition(" ")
    return bool(credential.strip()) and kind.lower() == _http_scheme(scheme)


def _http_scheme(scheme: SecurityScheme) -> str:
    return (scheme.scheme or "bearer").lower() if scheme.kind == "http" else "bearer"


def _named(scheme: SecurityScheme) -> str:
    if scheme.kind == "apiKey":
        return f"{scheme.name} (the {scheme.location} {scheme.key!r})"
    return f"{scheme.name} (Authorization: {_http_scheme(scheme).capitalize()} …)"
