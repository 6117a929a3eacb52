"""Where tokens come from."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import jwt
import pytest

from pymacaron_unit.exceptions import TargetError
from pymacaron_unit.targets import UrlTarget, open_target
from pymacaron_unit.targets.tokens import RemoteSigner, folder_signer, read_claims, sign_here, token_of_environment
from service import PETS_SERVICE, make_service

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a key for tests that is long enough for HS256"
OTHER = "another key for tests, also long enough for HS256"
URL = "http://127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a service whose key is known."""
    return make_service(tmp_path / "pets", {**PETS_SERVICE, "pym-config.yaml": f"name: pets\njwt_secret: {KEY}\n"})


def test_a_services_own_key_signs(folder: Path) -> None:
    """User, scopes, data and lifetime are the token's; its signature is by the service's key."""
    token = folder_signer(folder).token("ann", ["read", "write"], {"team": [1]}, 90)
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    assert (claims["sub"], claims["scope"], claims["data"]) == ("ann", "read write", {"team": [1]})
    assert claims["exp"] - claims["iat"] == 90


def test_development_key_is_the_one_that_the_service_uses(tmp_path: Path) -> None:
    """Without a configured key, the one in the service's .pym/ signs; it is made where there is none."""
    folder = make_service(tmp_path / "pets", PETS_SERVICE)
    token = folder_signer(folder).token("ann")
    assert jwt.decode(token, (folder / ".pym" / "jwt_secret").read_text(), algorithms=["HS256"])["sub"] == "ann"


def test_this_process_learns_nothing_of_the_key(folder: Path) -> None:
    """Signing for a folder leaves the configuration of this process alone."""
    from pymacaron.config import get_config

    folder_signer(folder).token("ann")
    assert get_config().get("jwt_secret") is None


def test_a_token_is_used_again_while_it_is_fresh(folder: Path) -> None:
    """The same question gets the same token, until half its life has passed."""
    signer = folder_signer(folder)
    assert signer.token("ann") == signer.token("ann")
    assert signer.token("ann") != signer.token("ann", ["read"])
    expired = signer.token("ann", expire_in=-10)
    (folder / "pym-config.yaml").write_text(f"name: pets\njwt_secret: {OTHER}\n")
    assert signer.token("ann", expire_in=-10) != expired
    assert jwt.decode(signer.token("ann"), KEY, algorithms=["HS256"])["sub"] == "ann"


@pytest.mark.parametrize(
    ("config", "user", "message"),
    [
        ("jwt_secret: short\n", "ann", "jwt_secret has 5 bytes"),
        ("name: pets\n", None, "pym-config has no default_user_id"),
        ("env_secrets: [NOT_SET]\n", "ann", "env_secrets names NOT_SET"),
        ("jwt_algorithm: RS256\njwt_secret: no key\n", "ann", "no token can be made by RS256"),
    ],
)
def test_a_service_that_cannot_sign(folder: Path, config: str, user: str | None, message: str) -> None:
    """The message is the service's, with the folder before it."""
    (folder / "pym-config.yaml").write_text(config)
    with pytest.raises(TargetError) as raised:
        folder_signer(folder).token(user)
    assert str(raised.value).startswith(f"{folder}: no token can be made: ")
    assert message in str(raised.value)


def test_a_python_that_cannot_sign(tmp_path: Path) -> None:
    """What says nothing of use is shown with its last words."""
    failing = RemoteSigner(["sh", "-c", "cat > /dev/null; echo no python here >&2; exit 127"], "the container 12ab")
    with pytest.raises(TargetError, match=r"^the container 12ab: no token can be made: no python here$"):
        failing.token("ann")
    with pytest.raises(TargetError, match=r"^x: no token can be made: .*No such file"):
        RemoteSigner([str(tmp_path / "nowhere")], "x").token("ann")
    bare = RemoteSigner([sys.executable, "-I", "-S"], "y")
    with pytest.raises(TargetError, match=r"^y: no token can be made: ModuleNotFoundError: "):
        bare.token("ann")


def test_default_user(folder: Path) -> None:
    """No user means the service's default one."""
    (folder / "pym-config.yaml").write_text(f"jwt_secret: {KEY}\ndefault_user_id: robot\n")
    assert read_claims(folder_signer(folder).token(None))["sub"] == "robot"


def test_app_in_this_process_signs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration of this process has the key; what it lacks is told."""
    from pymacaron.config import load_config, set_config

    set_config(load_config(folder / "pym-config.yaml"))
    assert jwt.decode(sign_here("ann", ["a"]), KEY, algorithms=["HS256"])["scope"] == "a"
    with pytest.raises(TargetError, match="no token can be made: generate_token: user_id is None"):
        sign_here(None)


def test_the_environments_token_is_its_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """PYM_JWT_TOKEN serves for its own user and the scopes that it grants, and for nobody else."""
    given = jwt.encode({"sub": "ann", "scope": "read write"}, KEY)
    monkeypatch.setenv("PYM_JWT_TOKEN", given)
    assert token_of_environment("ann") == given
    assert token_of_environment(None) == given
    assert token_of_environment("ann", ["read"]) == given
    assert token_of_environment("ann", ["admin"]) is None
    assert token_of_environment("bob") is None
    assert token_of_environment("ann", expire_in=10) is None
    assert token_of_environment("ann", data={}) is None


def test_a_token_that_is_no_jwt(monkeypatch: pytest.MonkeyPatch) -> None:
    """An opaque token serves where no user is named."""
    monkeypatch.setenv("PYM_JWT_TOKEN", "opaque")
    assert token_of_environment(None) == "opaque"
    assert token_of_environment("ann") is None
    assert [read_claims(text) for text in ("opaque", "a.b.c", "a.W10.c", "")] == [{}] * 4


def test_the_environments_secret_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PYM_JWT_SECRET makes a token of any user, by HS256."""
    monkeypatch.setenv("PYM_JWT_SECRET", KEY)
    token = token_of_environment("ann", ["read"], {"x": 1}, 60)
    assert token is not None
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    assert (claims["sub"], claims["scope"], claims["data"], claims["exp"] - claims["iat"]) == (
        "ann",
        "read",
        {"x": 1},
        60,
    )


def test_a_url_without_a_key() -> None:
    """The message says what would do."""
    with pytest.raises(TargetError) as raised:
        UrlTarget(URL).token("ann")
    assert "no token can be made for 'ann'; set PYM_JWT_TOKEN to a token of this user" in str(raised.value)


def test_a_url_tested_in_the_services_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's configured key signs for any URL, the key of development for this machine's alone."""
    monkeypatch.chdir(folder)
    for url in (URL, "https://api.example.com"):
        assert jwt.decode(open_target(url).token("ann"), KEY, algorithms=["HS256"])["sub"] == "ann"
    (folder / "pym-config.yaml").write_text("name: pets\n")
    assert read_claims(open_target(URL).token("ann"))["sub"] == "ann"
    with pytest.raises(TargetError, match="jwt_secret is not set"):
        open_target("https://api.example.com").token("ann")


def test_signing_needs_nothing_of_this_package(folder: Path) -> None:
    """The script runs where only the service is installed."""
    from pymacaron_unit.targets import signing

    text = f"import sys; sys.modules['pymacaron_unit'] = None; exec(open({signing.__file__!r}).read())"
    arguments = '{"user_id": "ann", "scopes": [], "data": null, "expire_in": null}'
    done = subprocess.run(
        [sys.executable, "-c", text, arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith('{"token": "ey')
