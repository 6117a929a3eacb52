"""``security`` of a contract: who may call an operation.

Bearer tokens, OAuth 2, OpenID Connect and an API key named ``Authorization`` are verified as JWTs. Any other scheme
needs ``x-pym-verify``, the dotted path of a function that takes the credential (user and password for ``basic``) and
returns a user id or a :class:`~pymacaron.auth.Principal`, or None to refuse.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from .auth import Principal, check_keys, find_token, load_auth_token, require_scopes, set_principal
from .binding import import_object
from .exceptions import AuthInvalidTokenError, AuthMissingHeaderError, BindError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .contract import Operation, Security, SecurityScheme
    from .messages import Incoming

    Check = Callable[[Incoming], Principal]


def authorizer(operation: Operation, schemes: Mapping[str, SecurityScheme]) -> Callable[[Incoming], None] | None:
    """Return what checks the callers of an operation; None where everybody may call.

    Raises:
        BindError: a scheme has no way to be verified.
    """
    if not operation.security:
        return None
    # Where everybody may call, a credential is looked for first, to know who does.
    alternatives = [
        [_requirement(wanted, schemes[wanted.scheme]) for wanted in alternative]
        for alternative in sorted(operation.security, key=lambda alternative: not alternative)
    ]

    def authorize(incoming: Incoming) -> None:
        failure: RequestError | None = None
        for checks in alternatives:
            try:
                principals = [check(incoming) for check in checks]
            except RequestError as error:
                # A wrong credential tells more than a missing one.
                if failure is None or isinstance(failure, AuthMissingHeaderError):
                    failure = error
            else:
                if principals:
                    set_principal(principals[0])
                return
        assert failure is not None
        raise failure

    return authorize


def _requirement(wanted: Security, scheme: SecurityScheme) -> Check:
    check = _checker(scheme)

    def verify(incoming: Incoming) -> Principal:
        principal = check(incoming)
        if wanted.scopes:
            require_scopes(principal, wanted.scopes)
        return principal

    return verify


def _checker(scheme: SecurityScheme) -> Check:
    if scheme.verify is not None:
        return _custom(scheme, import_object(scheme.verify, f"x-pym-verify of the security scheme {scheme.name!r}"))
    bearer = scheme.kind == "http" and scheme.scheme == "bearer"
    named = scheme.kind == "apiKey" and (scheme.key or "").lower() == "authorization"
    if bearer or named or scheme.kind in ("oauth2", "openIdConnect"):
        check_keys()
        return _token
    raise BindError(
        f"the security scheme {scheme.name!r} ({scheme.kind}) has nothing that verifies it; add"
        f" x-pym-verify: package.module.function to it"
    )


def _token(incoming: Incoming) -> Principal:
    header = incoming.header("Authorization")
    return load_auth_token(find_token(header, None if header else incoming.cookies().get("token")))


def _custom(scheme: SecurityScheme, function: Callable[..., Any]) -> Check:
    read = _basic if scheme.kind == "http" and scheme.scheme == "basic" else _credential(scheme)

    def check(incoming: Incoming) -> Principal:
        found = function(*read(incoming))
        if not found:
            raise AuthInvalidTokenError(f"the credential for {scheme.name} is not accepted")
        return found if isinstance(found, Principal) else Principal(str(found))

    return check


def _basic(incoming: Incoming) -> tuple[str, str]:
    """Return user and password (RFC 7617)."""
    value = incoming.header("Authorization")
    challenge = {"WWW-Authenticate": 'Basic realm="api", charset="UTF-8"'}
    if not value:
        raise AuthMissingHeaderError("this call needs a user and a password", headers=challenge)
    kind, _, text = value.partition(" ")
    try:
        user, colon, password = b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if kind.lower() != "basic" or not colon:
        wanted = "the Authorization header must read: Basic <base64 of user:password>"
        raise AuthInvalidTokenError(wanted, headers=challenge)
    return user, password


def _credential(scheme: SecurityScheme) -> Callable[[Incoming], tuple[str]]:
    """Return what reads an API key, or a token of another HTTP scheme."""
    name = scheme.key or "Authorization"

    def read(incoming: Incoming) -> tuple[str]:
        if scheme.location == "cookie":
            value = incoming.cookies().get(name)
        elif scheme.location == "query":
            from .codec.text import decode_text, parse_query

            value = decode_text((parse_query(incoming.query).get(name) or [""])[-1])
        else:
            value = incoming.header(name)
            if scheme.kind == "http" and value:
                value = value.partition(" ")[2].strip()
        if not value:
            raise AuthMissingHeaderError(f"this call needs the credential {name!r} in {scheme.location or 'header'}")
        return (value,)

    return read
