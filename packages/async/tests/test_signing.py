"""Signatures of callbacks: who has the secret signs, and nobody changes or repeats what was signed."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest

from pymacaron.config import Config, set_config
from pymacaron_async.signing import InvalidSignature, callback_secret, sign, verify


def test_a_signature_is_verified() -> None:
    """What was signed is accepted."""
    verify(sign(b"{}", "secret"), b"{}", "secret")


def test_the_form_is_the_documented_one() -> None:
    """A receiver in any language computes the same."""
    expected = hmac.new(b"secret", b"1700000000.{}", hashlib.sha256).hexdigest()
    assert sign(b"{}", "secret", 1700000000.9) == f"t=1700000000,v1={expected}"


GOOD = sign(b"{}", "secret")
REFUSED: list[tuple[str | None, bytes, str, str]] = [
    (GOOD, b"{ }", "secret", "no v1"),
    (GOOD, b"{}", "other", "no v1"),
    (GOOD.replace("v1=", "v0="), b"{}", "secret", "no v1"),
    (GOOD.replace("t=1", "t=2"), b"{}", "secret", "no v1"),
    (None, b"{}", "secret", "must read t=<seconds>,v1=<hex>"),
    ("", b"{}", "secret", "must read"),
    ("t=now,v1=00", b"{}", "secret", "must read"),
    ("t=1,v1=\xe9", b"{}", "secret", "no v1"),
]


@pytest.mark.parametrize(("header", "body", "secret", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_to_be_trusted(header: str | None, body: bytes, secret: str, said: str) -> None:
    """Another body, another secret, and what is no signature are refused."""
    with pytest.raises(InvalidSignature, match=said):
        verify(header, body, secret)


@pytest.mark.parametrize("age", [301, -301])
def test_an_old_signature(age: float) -> None:
    """What was signed long ago, or will be, is refused: somebody sends it again."""
    header = sign(b"{}", "secret", time.time() - age)
    with pytest.raises(InvalidSignature, match="300 s are allowed"):
        verify(header, b"{}", "secret")
    verify(header, b"{}", "secret", tolerance=400)


def test_two_signatures() -> None:
    """While a secret is changed, one of several suffices."""
    stamp, old = sign(b"{}", "old").split(",")
    new = sign(b"{}", "new", float(stamp[2:])).split(",")[1]
    verify(f"{stamp}, {old}, {new}", b"{}", "new")


def test_where_the_secret_comes_from() -> None:
    """It is configured, else made of the tokens' secret, which it does not tell."""
    jwt_secret = "a secret that is long enough for HS256"
    set_config(Config({"jwt_secret": jwt_secret}))
    made = callback_secret()
    assert made == callback_secret()
    assert (len(made), jwt_secret in made) == (64, False)
    set_config(Config({"jwt_secret": jwt_secret, "async_callback_secret": "own"}))
    assert callback_secret() == "own"
