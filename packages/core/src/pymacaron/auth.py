"""JSON Web Tokens (RFC 7519): issue them, verify them, and know who calls.

A request carries its token in ``Authorization: Bearer ...`` (RFC 6750, section 2.1) or in the cookie ``token`` that
holds ``Bearer ...``, url-quoted. Whoever was found to call is kept for the request in Flask's ``g``, and outside of
requests in a context variable.

PyJWT and the cryptography behind it are imported with the first token, as only services that use tokens need them.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from flask import g, has_app_context, has_request_context, request

from .config import DEFAULT_ENV, Config, get_config
from .exceptions import (
    AuthInvalidTokenError,
    AuthMissingHeaderError,
    AuthTokenExpiredError,
    ConfigError,
    ForbiddenError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SYMMETRIC = ("HS256", "HS384", "HS512")
_MIN_SECRET = 32


@dataclass(frozen=True)
class Principal:
    """Who calls: the verified token and its claims."""

    user_id: str
    token: str = ""
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the token: ``scope`` (RFC 8693, section 4.2), or a list under ``scp`` or ``scopes``."""
        found = self.claims.get("scope") or self.claims.get("scp") or self.claims.get("scopes") or ()
        return frozenset(found.split() if isinstance(found, str) else map(str, found))


_outside: ContextVar[Principal | None] = ContextVar("pymacaron_principal", default=None)


def set_principal(principal: Principal | None) -> None:
    """Make somebody the caller of the current request, or of the current context where there is none."""
    if has_app_context():
        g.pym_principal = principal
    else:
        _outside.set(principal)


def get_principal() -> Principal | None:
    """Return who calls, or None. A request's caller is its own, whoever the code around it acts for."""
    found: Principal | None = g.get("pym_principal") if has_app_context() else None
    return found if found is not None or has_request_context() else _outside.get()


def get_userid() -> str | None:
    """Return the caller's user id (the ``sub`` claim); None where nobody was authenticated."""
    principal = get_principal()
    return principal.user_id if principal else None


def get_user_token() -> str | None:
    """Return the caller's token; None where nobody was authenticated."""
    principal = get_principal()
    return principal.token if principal else None


def get_user_token_data() -> Any:
    """Return what the token holds under ``data``; None where nobody was authenticated."""
    principal = get_principal()
    return principal.claims.get("data") if principal else None


def get_token_issuer() -> str | None:
    """Return the token's ``iss`` claim; None where there is none."""
    principal = get_principal()
    return principal.claims.get("iss") if principal else None


def signing_key() -> str:
    """Return the key that tokens are signed with.

    Raises:
        ConfigError: ``jwt_secret`` is missing (in development one is made), or too short for its algorithm (RFC 7518,
            section 3.2).
    """
    config = get_config()
    symmetric = config.jwt_algorithm in _SYMMETRIC
    if not symmetric and config.jwt_algorithm not in _ASYMMETRIC:
        known = ", ".join((*_SYMMETRIC, *_ASYMMETRIC))
        raise ConfigError(f"{config.source}: jwt_algorithm is {config.jwt_algorithm!r}; use one of {known}")
    if symmetric and not config.get("jwt_secret") and config.env == DEFAULT_ENV:
        return development_secret(config)
    secret = str(config.require("jwt_secret", "tokens are signed and verified with it"))
    if symmetric and len(secret.encode()) < _MIN_SECRET:
        raise ConfigError(
            f"{config.source}: jwt_secret has {len(secret.encode())} bytes; {config.jwt_algorithm} needs at least"
            f" {_MIN_SECRET}, such as those of: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return secret


def check_keys() -> None:
    """Refuse to start without a key to verify tokens with.

    Raises:
        ConfigError: none is configured, or it is too short.
    """
    config = get_config()
    if not config.jwt_jwks_url and not config.jwt_public_key:
        signing_key()


def development_secret(config: Config) -> str:
    """Return a key of this machine's own, made at first use and kept in ``.pym/`` beside pym-config.

    Raises:
        ConfigError: it cannot be kept.
    """
    path = config.folder / ".pym" / "jwt_secret"
    try:
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as made:
                made.write(secrets.token_urlsafe(_MIN_SECRET))
                made.flush()
                # A link appears complete or not at all, and never replaces the key of another process.
                with suppress(FileExistsError):
                    path.hardlink_to(made.name)
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"jwt_secret is not set, and none can be kept in {path}: {error.strerror}") from None


def generate_token(
    user_id: str | None,
    expire_in: float | None = None,
    data: Any = None,
    issuer: str | None = None,
    scopes: Iterable[str] = (),
) -> str:
    """Issue a token.

    Args:
        user_id: becomes ``sub``; ``default_user_id`` of pym-config where it is None.
        expire_in: seconds until it expires; ``jwt_token_timeout`` where it is None.
        data: anything JSON can hold; becomes ``data``.
        issuer: becomes ``iss``; ``jwt_issuer`` where it is None.
        scopes: become ``scope``, separated by spaces (RFC 8693, section 4.2).

    Raises:
        ConfigError: no key, or no user id.
    """
    import jwt

    config = get_config()
    user_id = user_id if user_id is not None else config.get("default_user_id")
    if user_id is None:
        raise ConfigError("generate_token: user_id is None and pym-config has no default_user_id; give one of them")
    now = time.time()
    lifetime = expire_in if expire_in is not None else config.jwt_token_timeout
    claims: dict[str, Any] = {"sub": str(user_id), "iat": int(now), "exp": int(now + lifetime)}
    optional = {"iss": issuer or config.jwt_issuer, "aud": config.jwt_audience, "data": data}
    optional["scope"] = " ".join(scopes) or None
    claims |= {name: value for name, value in optional.items() if value is not None}
    try:
        return jwt.encode(claims, signing_key(), algorithm=config.jwt_algorithm)
    except (jwt.InvalidKeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{config.source}: no token can be made by {config.jwt_algorithm}: {error}") from None


_jwks: dict[str, Any] = {}


def verification_key(token: str) -> tuple[Any, tuple[str, ...]]:
    """Return the key for a token and the algorithms that it may be used with.

    The algorithms come from the configuration, never from the token (RFC 8725, section 3.1).

    Raises:
        AuthInvalidTokenError: the key set has no key for the token.
        ConfigError: no key is configured.
    """
    import jwt

    config = get_config()
    if config.jwt_jwks_url:
        client = _jwks.setdefault(config.jwt_jwks_url, jwt.PyJWKClient(config.jwt_jwks_url, cache_keys=True))
        try:
            return client.get_signing_key_from_jwt(token).key, _ASYMMETRIC
        except (jwt.PyJWKClientError, jwt.DecodeError) as error:
            raise AuthInvalidTokenError(f"no key of the issuer verifies this token: {error}") from None
    if config.jwt_public_key:
        return config.jwt_public_key, tuple(a for a in _ASYMMETRIC if a == config.jwt_algorithm) or _ASYMMETRIC
    return signing_key(), (config.jwt_algorithm,)


def load_auth_token(token: str) -> Principal:
    """Verify a token and return who it stands for.

    Raises:
        AuthTokenExpiredError: its ``exp`` has passed, by more than ``jwt_leeway`` seconds.
        AuthInvalidTokenError: its form, signature, issuer, audience or another date is wrong, or it has no ``sub``.
    """
    import jwt

    config = get_config()
    key, algorithms = verification_key(token)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            audience=config.jwt_audience,
            issuer=config.jwt_issuer,
            leeway=config.jwt_leeway,
            options={"require": ["exp", "sub"], "verify_aud": config.jwt_audience is not None},
        )
    except jwt.ExpiredSignatureError:
        raise AuthTokenExpiredError("the token expired; get a new one") from None
    except (jwt.InvalidTokenError, ValueError) as error:
        raise AuthInvalidTokenError(f"the token is not valid: {error}") from None
    return Principal(str(claims["sub"]), token, claims)


def token_from_header(value: str) -> str:
    """Return the token of an ``Authorization`` header.

    Raises:
        AuthInvalidTokenError: the header is not of the form ``Bearer <token>``.
    """
    scheme, _, token = value.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthInvalidTokenError("the Authorization header must read: Bearer <token>")
    return token.strip()


def find_token(header: str | None, cookie: str | None) -> str:
    """Return the token that a request carries.

    Raises:
        AuthMissingHeaderError: it carries none.
    """
    if header:
        return token_from_header(header)
    if cookie:
        return token_from_header(unquote(cookie))
    raise AuthMissingHeaderError("this call needs a token: send the header Authorization: Bearer <token>")


def authenticate_http_request(token: str | None = None) -> Principal:
    """Verify the current request's token, or the one given, and make its user the caller.

    Raises:
        AuthMissingHeaderError: there is no token.
        AuthTokenExpiredError: it expired.
        AuthInvalidTokenError: it is not valid.
    """
    if token is None:
        token = find_token(request.headers.get("Authorization"), request.cookies.get("token"))
    principal = load_auth_token(token)
    set_principal(principal)
    return principal


def requires_auth(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Let a handler run for authenticated callers only (for ``x-decorate-server``)."""

    @wraps(handler)
    def authenticated(*args: Any, **kwargs: Any) -> Any:
        authenticate_http_request()
        return handler(*args, **kwargs)

    return authenticated


def authorization() -> str | None:
    """Return the ``Authorization`` header for a call to another service on behalf of the current user.

    It is the current user's own token; where that is missing, a new one is issued for ``default_user_id``.
    """
    token = get_user_token()
    if token is None and get_config().get("default_user_id") is not None:
        token = generate_token(None)
    return f"Bearer {token}" if token else None


def add_auth(call: Callable[..., Any]) -> Callable[..., Any]:
    """Send the current user's token with a client's call (for ``x-decorate-request``)."""

    @wraps(call)
    def authorized(request: Any) -> Any:
        value = authorization()
        if value is not None:
            request.headers["Authorization"] = value
        return call(request)

    return authorized


@contextmanager
def backend_token(issuer: str | None = None, user_id: str | None = None, data: Any = None) -> Iterator[str]:
    """Act as another user, or as the service itself, for the calls made inside the ``with`` block."""
    import jwt

    before = get_principal()
    token = generate_token(user_id, data=data, issuer=issuer)
    claims = jwt.decode(token, options={"verify_signature": False})
    principal = Principal(claims["sub"], token, claims)
    set_principal(principal)
    try:
        yield principal.token
    finally:
        set_principal(before)


def require_scopes(principal: Principal, wanted: tuple[str, ...]) -> None:
    """Refuse a caller whose token lacks a scope.

    Raises:
        ForbiddenError: it lacks one (RFC 6750, section 3.1).
    """
    missing = [scope for scope in wanted if scope not in principal.scopes]
    if missing:
        header = f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
        raise ForbiddenError(f"the token lacks the scope {missing[0]!r}", headers={"WWW-Authenticate": header})
