"""Who calls: tokens and keys of the security schemes that operations ask for (OpenAPI 3.1, Security Scheme Object)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from ..exceptions import UnitError
from .call import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymacaron.contract import Operation, SecurityScheme

    from ..contracts import Contract

USER = "contract-tests"
GARBAGE = "this.is.garbage"


class TokenMaker(Protocol):
    """What makes tokens."""

    def token(self, user_id: str, scopes: list[str]) -> str:
        """Return a token of a user; raises UnitError where it cannot."""


@dataclass(frozen=True)
class Needed:
    """Schemes that an operation asks for together, and the scopes that its token must hold."""

    schemes: tuple[SecurityScheme | None, ...]
    scopes: tuple[str, ...] = ()


def needed(contract: Contract, operation: Operation) -> Needed | None:
    """Return what an operation asks for, of its first alternative; None where it asks for nothing."""
    alternatives = operation.security
    if alternatives and all(alternatives):
        known = contract.api.security_schemes
        schemes = tuple(known[each.scheme] for each in alternatives[0])
        return Needed(schemes, tuple(scope for each in alternatives[0] for scope in each.scopes))
    decorator = operation.decorate_server or ""
    return Needed((None,)) if not alternatives and decorator.endswith("auth.requires_auth") else None


class Credentials:
    """Puts credentials into calls.

    Args:
        maker: makes the tokens.
        user: whose tokens.
        given: values of schemes that such a token does not satisfy, by the scheme's name.
    """

    def __init__(self, maker: TokenMaker, user: str | None, given: Mapping[str, str]) -> None:
        self.maker = maker
        self.user = user or USER
        self.given = given
        self._tokens: dict[tuple[str, ...], str] = {}

    def token(self, scopes: Iterable[str] = ()) -> str:
        """Return a token of the user.

        Raises:
            UnitError: the target cannot make one.
        """
        key = tuple(scopes)
        if key not in self._tokens:
            self._tokens[key] = self.maker.token(self.user, list(key))
        return self._tokens[key]

    def can(self, contract: Contract, operation: Operation) -> str | None:
        """Say why an operation cannot be called with a credential; None where it can."""
        try:
            self.sign(contract, operation, Call("GET", "/"))
        except UnitError as error:
            return str(error)
        return None

    def sign(self, contract: Contract, operation: Operation, call: Call) -> Call:
        """Return a call with the credential that its operation asks for."""
        wanted = needed(contract, operation)
        if wanted is None or not call.token:
            return call
        for scheme in wanted.schemes:
            given = self.given.get(scheme.name) if scheme is not None else None
            call = put(call, scheme, given if given is not None else self.token(wanted.scopes), given is not None)
        return call


def put(call: Call, scheme: SecurityScheme | None, value: str, is_given: bool = False) -> Call:
    """Return a call that carries one credential; a scheme of None stands for a token in ``Authorization``."""
    kind = scheme.kind if scheme is not None else "http"
    if scheme is not None and kind == "apiKey" and scheme.key is not None:
        if scheme.location == "query":
            return replace(call, query=(*call.query, (scheme.key, quote(value, safe=""))))
        if scheme.location == "cookie":
            cookies = [text for text in (call.header("Cookie"),) if text]
            return call.with_header("Cookie", "; ".join([*cookies, f"{scheme.key}={quote(value, safe='')}"]))
        bearer = scheme.key.lower() == "authorization" and not is_given
        return call.with_header(scheme.key, f"Bearer {value}" if bearer else value)
    if scheme is not None and scheme.scheme == "basic":
        return call.with_header("Authorization", "Basic " + b64encode(value.encode()).decode())
    return call.with_header("Authorization", f"Bearer {value}")
