"""Tokens: issued, verified, and who was found to call."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from harness import SECRET
from pymacaron import auth
from pymacaron.auth import (
    Principal,
    add_auth,
    authenticate_http_request,
    backend_token,
    check_keys,
    find_token,
    generate_token,
    get_token_issuer,
    get_user_token,
    get_user_token_data,
    get_userid,
    load_auth_token,
    require_scopes,
    requires_auth,
    set_principal,
)
from pymacaron.config import Config, load_config, set_config
from pymacaron.exceptions import (
    AuthInvalidTokenError,
    AuthMissingHeaderError,
    AuthTokenExpiredError,
    ConfigError,
    ForbiddenError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def configure(**values: Any) -> None:
    set_config(Config({"jwt_secret": SECRET, **values}))


@pytest.fixture(autouse=True)
def configured() -> None:
    """Have a key."""
    configure()


def signed(**claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "ann", "exp": now + 60, **claims}, SECRET, algorithm="HS256")


def test_token_goes_round() -> None:
    """What a token is made with comes back when it is verified."""
    configure(jwt_issuer="me", jwt_audience="shop")
    principal = load_auth_token(generate_token("ann", expire_in=60, data={"plan": "free"}))
    assert principal.user_id == "ann"
    assert (principal.claims["iss"], principal.claims["aud"], principal.claims["data"]) == (
        "me",
        "shop",
        {"plan": "free"},
    )
    assert principal.claims["exp"] - principal.claims["iat"] in (59, 60, 61)


def test_scopes_of_a_token() -> None:
    """A token grants the scopes that it was issued with, and has no such claim without any."""
    granted = load_auth_token(generate_token("ann", scopes=["read", "write"]))
    assert (granted.claims["scope"], granted.scopes) == ("read write", frozenset({"read", "write"}))
    assert "scope" not in load_auth_token(generate_token("ann")).claims


def test_defaults_of_a_token() -> None:
    """User and lifetime come from pym-config where they are not given; the issuer may be given."""
    configure(default_user_id="robot", jwt_token_timeout=120)
    claims = load_auth_token(generate_token(None, issuer="other")).claims
    assert (claims["sub"], claims["iss"]) == ("robot", "other")
    assert 119 <= claims["exp"] - claims["iat"] <= 121


def test_no_user_at_all() -> None:
    """A token needs a user."""
    with pytest.raises(ConfigError, match="user_id is None and pym-config has no default_user_id"):
        generate_token(None)


def test_expired_within_the_leeway() -> None:
    """Clocks may differ by the leeway, and no more."""
    configure(jwt_leeway=10)
    assert load_auth_token(signed(exp=int(time.time()) - 5)).user_id == "ann"
    with pytest.raises(AuthTokenExpiredError, match="the token expired; get a new one"):
        load_auth_token(signed(exp=int(time.time()) - 20))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "ä.ö.ü",
        jwt.encode({"sub": "ann", "exp": 9999999999}, "another key that is long enough for HS256", algorithm="HS256"),
        jwt.encode({"sub": "ann", "exp": 9999999999}, SECRET * 2, algorithm="HS512"),
        jwt.encode({"sub": "ann", "exp": 9999999999}, "", algorithm="none"),
        jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256"),
        jwt.encode({"exp": 9999999999}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "ann", "exp": "soon"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "ann", "exp": 9999999999, "nbf": 9999999990}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": 5, "exp": 9999999999}, SECRET, algorithm="HS256"),
    ],
)
def test_bad_token(token: str) -> None:
    """A token of another form, key or algorithm, or without user or expiry, is not valid."""
    with pytest.raises(AuthInvalidTokenError, match="the token is not valid"):
        load_auth_token(token)


@pytest.mark.parametrize(
    ("configured", "claims"),
    [
        ({"jwt_issuer": "me"}, {}),
        ({"jwt_issuer": "me"}, {"iss": "you"}),
        ({"jwt_audience": "shop"}, {}),
        ({"jwt_audience": "shop"}, {"aud": "bank"}),
    ],
)
def test_wrong_issuer_or_audience(configured: dict[str, Any], claims: dict[str, Any]) -> None:
    """An issuer or audience that is configured must be the token's."""
    configure(**configured)
    with pytest.raises(AuthInvalidTokenError):
        load_auth_token(signed(**claims))


def test_audience_of_others_is_no_matter() -> None:
    """A token with an audience is accepted where none is configured."""
    assert load_auth_token(signed(aud="bank")).user_id == "ann"


def test_short_secret_is_refused() -> None:
    """A key shorter than its hash is no key (RFC 7518, section 3.2)."""
    configure(jwt_secret="short")
    with pytest.raises(ConfigError, match=r"jwt_secret has 5 bytes; HS256 needs at least 32, such as"):
        generate_token("ann")


def test_missing_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing starts, except in development, where one is made and kept for this folder alone."""
    (tmp_path / "pym-config.yaml").write_text("name: x")
    set_config(load_config(tmp_path / "pym-config.yaml"))
    check_keys()
    kept = tmp_path / ".pym" / "jwt_secret"
    assert len(kept.read_text()) >= 32
    assert kept.stat().st_mode & 0o077 == 0
    assert load_auth_token(generate_token("ann")).user_id == "ann"
    assert [path.name for path in kept.parent.iterdir()] == ["jwt_secret"]
    monkeypatch.setenv("PYM_ENV", "live")
    with pytest.raises(ConfigError, match="the key 'jwt_secret' is missing: tokens are signed and verified with it"):
        check_keys()


def test_development_key_cannot_be_kept(tmp_path: Path) -> None:
    """A folder that cannot be written to is named."""
    (tmp_path / "pym-config.yaml").write_text("name: x")
    (tmp_path / ".pym").write_text("in the way")
    set_config(load_config(tmp_path / "pym-config.yaml"))
    with pytest.raises(ConfigError, match="jwt_secret is not set, and none can be kept in"):
        check_keys()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """Make a key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def test_public_key(key: rsa.RSAPrivateKey) -> None:
    """Tokens signed with a private key are verified with the public one, and no other way."""
    configure(jwt_public_key=pem(key), jwt_algorithm="RS256")
    claims = {"sub": "ann", "exp": 9999999999}
    check_keys()
    assert load_auth_token(jwt.encode(claims, key, algorithm="RS256")).user_id == "ann"
    # The public key must not serve as the secret of a symmetric algorithm (RFC 8725, section 2.1).
    import hmac
    from base64 import urlsafe_b64encode

    head, body = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256"}, claims))
    mac = urlsafe_b64encode(hmac.digest(pem(key).encode(), head + b"." + body, "sha256")).rstrip(b"=")
    for forged in (signed(), b".".join((head, body, mac)).decode()):
        with pytest.raises(AuthInvalidTokenError):
            load_auth_token(forged)


def test_secret_of_another_algorithm(key: rsa.RSAPrivateKey) -> None:
    """A service that only has a public key cannot sign, and says so."""
    configure(jwt_secret=None, jwt_public_key=pem(key), jwt_algorithm="RS256")
    with pytest.raises(ConfigError, match="the key 'jwt_secret' is missing"):
        generate_token("ann")
    configure(jwt_algorithm="RS256")
    with pytest.raises(ConfigError, match="no token can be made by RS256"):
        generate_token("ann")


def test_unknown_algorithm() -> None:
    """An algorithm that does not exist is refused with those that do."""
    configure(jwt_algorithm="ROT13")
    with pytest.raises(ConfigError, match="jwt_algorithm is 'ROT13'; use one of HS256, "):
        check_keys()


def test_token_data_must_be_json() -> None:
    """What JSON cannot hold is refused when the token is made."""
    with pytest.raises(ConfigError, match="not JSON serializable"):
        generate_token("ann", data=object())


@contextmanager
def key_set(key: rsa.RSAPrivateKey) -> Iterator[str]:
    """Serve a JSON Web Key Set."""
    numbers = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [{**numbers, "kid": "one", "use": "sig", "alg": "RS256"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/keys"
        server.shutdown()


def test_key_set(key: rsa.RSAPrivateKey) -> None:
    """Tokens are verified with the key of the issuer's set that they name."""
    with key_set(key) as url:
        configure(jwt_secret=None, jwt_jwks_url=url)
        check_keys()
        good = jwt.encode({"sub": "ann", "exp": 9999999999}, key, algorithm="RS256", headers={"kid": "one"})
        assert load_auth_token(good).user_id == "ann"
        unknown = jwt.encode({"sub": "ann", "exp": 9999999999}, key, algorithm="RS256", headers={"kid": "two"})
        for token in (unknown, "nonsense"):
            with pytest.raises(AuthInvalidTokenError, match="no key of the issuer verifies this token"):
                load_auth_token(token)


@pytest.mark.parametrize(
    ("header", "cookie", "token"),
    [
        ("Bearer abc", None, "abc"),
        ("bearer   abc ", None, "abc"),
        (None, "Bearer%20abc", "abc"),
        (None, "Bearer abc", "abc"),
        ("Bearer abc", "Bearer other", "abc"),
    ],
)
def test_where_a_token_is_found(header: str | None, cookie: str | None, token: str) -> None:
    """The header comes first, then the cookie, which may be url-quoted."""
    assert find_token(header, cookie) == token


@pytest.mark.parametrize("header", ["abc", "Basic abc", "Bearer", "Bearer "])
def test_header_of_another_form(header: str) -> None:
    """A header without ``Bearer`` and a token is wrong."""
    with pytest.raises(AuthInvalidTokenError, match="the Authorization header must read: Bearer <token>"):
        find_token(header, None)


def test_no_token() -> None:
    """A request without one is told how to send it."""
    with pytest.raises(AuthMissingHeaderError, match="send the header Authorization: Bearer <token>"):
        find_token(None, None)


def test_request_is_authenticated() -> None:
    """The user of the request's token is the caller for the rest of the request, and nobody is afterwards."""
    token = generate_token("ann", data=[1], issuer="me")
    with Flask("x").test_request_context("/", headers={"Authorization": f"Bearer {token}"}):
        assert (get_userid(), get_user_token(), get_user_token_data(), get_token_issuer()) == (None,) * 4
        assert authenticate_http_request().user_id == "ann"
        assert (get_userid(), get_user_token(), get_user_token_data(), get_token_issuer()) == ("ann", token, [1], "me")
    assert get_userid() is None


def test_cookie_is_authenticated() -> None:
    """A browser's cookie serves as well as a header."""
    app = Flask("x")
    with app.test_request_context("/", headers={"Cookie": f"token=Bearer%20{generate_token('ann')}"}):
        assert authenticate_http_request().user_id == "ann"


def test_given_token_is_authenticated() -> None:
    """A token from elsewhere, such as a message, makes its user the caller."""
    authenticate_http_request(generate_token("bob"))
    assert get_userid() == "bob"


def test_requires_auth() -> None:
    """A decorated handler keeps its name and runs for authenticated callers only."""

    @requires_auth
    def handler(item: int) -> str:
        """Do it."""
        return f"{get_userid()} {item}"

    assert handler.__name__ == "handler"
    app = Flask("x")
    with app.test_request_context("/"), pytest.raises(AuthMissingHeaderError):
        handler(1)
    with app.test_request_context("/", headers={"Authorization": f"Bearer {generate_token('ann')}"}):
        assert handler(item=1) == "ann 1"


def test_backend_token() -> None:
    """Inside the block the service is somebody else; afterwards it is who it was, also after an error."""
    set_principal(Principal("ann", "t"))
    with backend_token(user_id="robot", issuer="backend", data={"x": 1}) as token:
        assert load_auth_token(token).user_id == "robot"
        assert (get_userid(), get_token_issuer(), get_user_token_data()) == ("robot", "backend", {"x": 1})
    assert get_userid() == "ann"
    with pytest.raises(ZeroDivisionError), backend_token(user_id="robot"):
        _ = 1 / 0
    assert get_userid() == "ann"


def test_backend_token_inside_a_request() -> None:
    """A request's caller is who it was after the block, even where nobody was."""
    with Flask("x").test_request_context("/"):
        with backend_token(user_id="robot"):
            assert get_userid() == "robot"
        assert get_userid() is None


def test_nobody_inside_a_request_is_nobody() -> None:
    """A request does not inherit the caller of the code around it."""
    set_principal(Principal("ann", "t"))
    with Flask("x").test_request_context("/"):
        assert get_userid() is None


def sent(**headers: str) -> dict[str, Any]:
    """Return the headers of a call that add_auth decorates."""
    request = requests.Request("GET", "http://x", headers=headers)
    return dict(add_auth(lambda r: r.headers)(request))


def test_add_auth() -> None:
    """A call carries the current user's token, else one of the default user, else none."""
    assert sent() == {}
    configure(default_user_id="robot")
    assert load_auth_token(sent()["Authorization"].removeprefix("Bearer ")).user_id == "robot"
    set_principal(Principal("ann", "abc"))
    assert sent(Accept="x") == {"Accept": "x", "Authorization": "Bearer abc"}


@pytest.mark.parametrize(
    "claims",
    [{"scope": "read write"}, {"scp": ["read", "write"]}, {"scopes": ["read", "write"]}, {"scp": "read write"}],
)
def test_scopes(claims: dict[str, Any]) -> None:
    """Scopes are found under any of their names; one that is lacking is named in the error and its header."""
    principal = Principal("ann", claims=claims)
    require_scopes(principal, ("read", "write"))
    with pytest.raises(ForbiddenError, match="the token lacks the scope 'admin'") as caught:
        require_scopes(principal, ("read", "admin"))
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="read admin"'}


def test_algorithm_of_the_configuration_alone() -> None:
    """The configured algorithm signs and verifies; another one of the same key does not."""
    configure(jwt_algorithm="HS384", jwt_secret=SECRET * 2)
    token = generate_token("ann")
    assert jwt.get_unverified_header(token)["alg"] == "HS384"
    assert load_auth_token(token).user_id == "ann"
    configure(jwt_algorithm="HS256", jwt_secret=SECRET * 2)
    with pytest.raises(AuthInvalidTokenError):
        load_auth_token(token)


def test_authorization_without_user() -> None:
    """There is no header for a call on nobody's behalf."""
    assert auth.authorization() is None
