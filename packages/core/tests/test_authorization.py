"""``security`` of a contract: who may call which operation."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from harness import SECRET, Handlers, json_of, openapi, serve, swagger
from pymacaron import generate_token, get_userid
from pymacaron.auth import Principal, get_principal
from pymacaron.exceptions import BindError

SCHEMES = {
    "bearer": {"type": "http", "scheme": "Bearer"},
    "oauth": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "/x", "scopes": {"read": "x"}}}},
    "header": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key", "x-pym-verify": "handlers.verify_key"},
    "param": {"type": "apiKey", "in": "query", "name": "api key", "x-pym-verify": "handlers.verify_key"},
    "crumb": {"type": "apiKey", "in": "cookie", "name": "crumb", "x-pym-verify": "handlers.verify_key"},
    "basic": {"type": "http", "scheme": "basic", "x-pym-verify": "handlers.verify_password"},
    "digest": {"type": "http", "scheme": "digest", "x-pym-verify": "handlers.verify_key"},
}


def verify_key(key: str) -> Any:
    return {"good": "ann", "whole": Principal("bob", claims={"scope": "read"})}.get(key)


def verify_password(user: str, password: str) -> str | None:
    return user if password == "a:b" else None


def service(security: list[dict[str, list[str]]], whole: Any = None, **config: Any) -> Any:
    """Make a service whose one operation has these requirements."""
    operation: dict[str, Any] = {"operationId": "who", "responses": {"200": json_of({"type": ["string", "null"]})}}
    if security is not None:
        operation["security"] = security
    document = openapi({"/who": {"get": operation}}, components={"securitySchemes": SCHEMES})
    if whole is not None:
        document["security"] = whole
    handlers: Handlers = {"who": get_userid, "verify_key": verify_key, "verify_password": verify_password}
    return serve(document, handlers, config=config)


def bearer(user: str = "ann", **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {generate_token(user, **claims)}"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize("scheme", ["bearer", "oauth", "header"])
def test_tokens(scheme: str) -> None:
    """Bearer tokens, OAuth 2 and an API key named Authorization are JWTs; the caller is the token's user."""
    client = service([{scheme: []}])
    assert client.get("/who", headers=bearer()).json == "ann"
    assert client.get("/who").json["error"] == "AUTHORIZATION_HEADER_MISSING"
    assert client.get("/who", headers={"Authorization": "Bearer x"}).json["error"] == "TOKEN_INVALID"
    assert client.get("/who", headers=bearer(expire_in=-60)).json["error"] == "TOKEN_EXPIRED"


def test_cookie() -> None:
    """A token in the cookie is as good as one in the header."""
    client = service([{"bearer": []}])
    client.set_cookie("token", "Bearer%20" + generate_token("ann"))
    assert client.get("/who").json == "ann"


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("key", {"headers": {"X-Key": "good"}}),
        ("param", {"query_string": "api%20key=good"}),
        ("basic", {"headers": basic("ann:a:b")}),
        ("digest", {"headers": {"Authorization": "Digest good"}}),
    ],
)
def test_schemes_with_a_function_of_their_own(scheme: str, options: dict[str, Any]) -> None:
    """x-pym-verify gets the credential from where the scheme says, and its answer is the caller."""
    client = service([{scheme: []}])
    assert client.get("/who", **options).json == "ann"
    missing = client.get("/who")
    assert (missing.status_code, missing.json["error"]) == (401, "AUTHORIZATION_HEADER_MISSING")


def test_key_in_a_cookie() -> None:
    """An API key may stand in a cookie."""
    client = service([{"crumb": []}])
    assert client.get("/who").status_code == 401
    client.set_cookie("crumb", "good")
    assert client.get("/who").json == "ann"


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("key", {"headers": {"X-Key": "bad"}}),
        ("basic", {"headers": basic("ann:wrong")}),
        ("basic", {"headers": basic("no colon")}),
        ("basic", {"headers": {"Authorization": "Basic ???"}}),
        ("basic", {"headers": {"Authorization": "Bearer abc"}}),
    ],
)
def test_refused_credential(scheme: str, options: dict[str, Any]) -> None:
    """A credential that the function refuses, or of another form, is a 401."""
    response = service([{scheme: []}]).get("/who", **options)
    assert (response.status_code, response.json["error"]) == (401, "TOKEN_INVALID")


def test_basic_challenges() -> None:
    """A call without password is told the scheme (RFC 7617, section 2)."""
    assert service([{"basic": []}]).get("/who").headers["WWW-Authenticate"].startswith("Basic realm=")


def test_scopes() -> None:
    """A token without a scope that the operation wants is a 403 that names the scope."""
    client = service([{"key": ["read", "write"]}])
    response = client.get("/who", headers={"X-Key": "whole"})
    assert (response.status_code, response.json["error"]) == (403, "FORBIDDEN")
    assert "'write'" in response.json["error_description"]
    assert service([{"key": ["read"]}]).get("/who", headers={"X-Key": "whole"}).json == "bob"


def test_alternatives() -> None:
    """One alternative that is satisfied is enough; the most telling failure is answered where none is."""
    client = service([{"key": []}, {"bearer": []}])
    assert client.get("/who", headers=bearer()).json == "ann"
    assert client.get("/who", headers={"X-Key": "good"}).json == "ann"
    assert client.get("/who").json["error"] == "AUTHORIZATION_HEADER_MISSING"
    assert client.get("/who", headers={"Authorization": "Bearer x"}).json["error"] == "TOKEN_INVALID"


def test_schemes_together() -> None:
    """All schemes of one alternative must be satisfied; the caller is the first one's."""
    client = service([{"bearer": [], "key": []}])
    assert client.get("/who", headers=bearer()).status_code == 401
    assert client.get("/who", headers={"X-Key": "whole"}).status_code == 401
    assert client.get("/who", headers={**bearer(), "X-Key": "whole"}).json == "ann"


def test_anybody_may_be_an_alternative() -> None:
    """An empty requirement lets everybody call, and still tells who does."""
    client = service([{"bearer": []}, {}])
    assert client.get("/who").json is None
    assert client.get("/who", headers=bearer()).json == "ann"


def test_optional_security_in_the_other_order() -> None:
    """``{}`` before a scheme means the same."""
    client = service([{}, {"bearer": []}])
    assert client.get("/who").json is None
    assert client.get("/who", headers=bearer()).json == "ann"


def test_security_of_the_whole_contract() -> None:
    """What the contract asks of all operations is asked, unless an operation says otherwise."""
    document = openapi(
        {
            "/open": {"get": {"operationId": "open_", "security": [], "responses": {"204": {"description": "x"}}}},
            "/closed": {"get": {"operationId": "closed", "responses": {"204": {"description": "x"}}}},
        },
        components={"securitySchemes": SCHEMES},
        security=[{"bearer": []}],
    )
    client = serve(document, {"open_": lambda: None, "closed": lambda: None})
    assert client.get("/open").status_code == 204
    assert client.get("/closed").status_code == 401
    assert client.get("/closed", headers=bearer()).status_code == 204


def test_swagger_2_definitions() -> None:
    """securityDefinitions of Swagger 2.0 do the same."""
    document = swagger(
        {"/who": {"get": {"operationId": "who", "security": [{"jwt": []}], "responses": {
            "200": {"description": "x", "schema": {"type": "string"}}}}}},
        securityDefinitions={"jwt": {"type": "apiKey", "in": "header", "name": "Authorization"}},
    )  # fmt: skip
    client = serve(document, {"who": get_userid})
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearer("zoe")).json == "zoe"


def test_scheme_that_nothing_verifies() -> None:
    """A scheme that is no JWT and has no function is refused at start, with the mend."""
    plain = {"securitySchemes": {"k": {"type": "apiKey", "in": "query", "name": "k"}}}
    operation = {"operationId": "who", "security": [{"k": []}], "responses": {"200": json_of(True)}}
    with pytest.raises(BindError, match="nothing that verifies it; add x-pym-verify"):
        serve(openapi({"/who": {"get": operation}}, components=plain), {"who": get_userid})


def test_missing_secret_keeps_the_service_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that must verify tokens does not start without a key."""
    monkeypatch.setenv("PYM_ENV", "live")
    with pytest.raises(BindError, match="the key 'jwt_secret' is missing"):
        service([{"bearer": []}], jwt_secret=None)


def test_decorator_in_the_contract() -> None:
    """x-decorate-server: pymacaron.auth.requires_auth asks for a token."""
    operation = {
        "operationId": "who",
        "x-decorate-server": "pymacaron.auth.requires_auth",
        "responses": {"200": json_of({"type": "string"})},
    }
    client = serve(openapi({"/who": {"get": operation}}), {"who": get_userid}, config={"jwt_secret": SECRET})
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearer()).json == "ann"


def test_nobody_is_left_over() -> None:
    """The caller of one request is not the caller of the next."""
    client = service([{"bearer": []}, {}])
    client.get("/who", headers=bearer())
    assert client.get("/who").json is None
    assert get_principal() is None


def test_authorization_comes_before_validation() -> None:
    """Who may not call learns nothing of what is wrong with the request."""
    operation = {
        "operationId": "who",
        "security": [{"bearer": []}],
        "parameters": [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}],
        "responses": {"200": json_of(True)},
    }
    document = openapi({"/who": {"get": operation}}, components={"securitySchemes": SCHEMES})
    client = serve(document, {"who": lambda n: n})
    assert client.get("/who").status_code == 401
    assert client.get("/who", headers=bearer()).status_code == 400
