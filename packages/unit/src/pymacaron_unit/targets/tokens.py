"""Tokens for calls to the service under test, made where its key is.

The app in this process signs with its own configuration; a service in a folder or in a container signs with its own
Python beside it. For any other URL, ``PYM_JWT_TOKEN`` holds a token, or ``PYM_JWT_SECRET`` the key (HS256), or the
working folder is the service's.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exceptions import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TOKEN = "PYM_JWT_TOKEN"
SECRET = "PYM_JWT_SECRET"

_SIGNING = Path(__file__).with_name("signing.py")
_LIFETIME = 3600
_PATIENCE = 60


def sign_here(user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None) -> str:
    """Make a token by the configuration of the service that runs in this process.

    Raises:
        TargetError: its configuration has no key, or no user id is known.
    """
    from pymacaron.exceptions import ConfigError

    from .signing import sign

    try:
        return sign(user_id, list(scopes), data, expire_in)
    except ConfigError as error:
        raise TargetError(f"no token can be made: {error}") from None


class RemoteSigner:
    """Makes tokens in another process: with the Python, configuration and environment of a service.

    Args:
        python: the command that runs Python there; it reads the script from its standard input.
        place: the service, for messages.
        folder: where the command runs.
        shared_key_only: refuse the key that the service makes for itself in development.
    """

    def __init__(
        self, python: Sequence[str], place: str, folder: Path | None = None, shared_key_only: bool = False
    ) -> None:
        self.python = python
        self.place = place
        self.folder = folder
        self.shared_key_only = shared_key_only
        self._made: dict[str, str] = {}

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Make a token. One of the same arguments is used again for the first half of its life.

        Raises:
            TargetError: none can be made.
        """
        arguments = json.dumps(
            {
                "user_id": user_id,
                "scopes": list(scopes),
                "data": data,
                "expire_in": expire_in,
                "shared_key_only": self.shared_key_only,
            }
        )
        if not _is_fresh(self._made.get(arguments)):
            self._made[arguments] = self._sign(arguments)
        return self._made[arguments]

    def _sign(self, arguments: str) -> str:
        try:
            done = subprocess.run(
                [*self.python, "-", arguments],
                cwd=self.folder,
                input=_SIGNING.read_bytes(),
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
            said = json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TargetError(f"{self.place}: no token can be made: {error}") from None
        except ValueError:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise TargetError(f"{self.place}: no token can be made: {last or 'its Python said nothing'}") from None
        if "error" in said:
            raise TargetError(f"{self.place}: no token can be made: {said['error']}")
        return str(said["token"])


def folder_signer(folder: Path, shared_key_only: bool = False) -> RemoteSigner:
    """Return what makes tokens with the key of the service in a folder."""
    return RemoteSigner([sys.executable], str(folder), folder, shared_key_only)


def token_of_environment(
    user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
) -> str | None:
    """Return the token in ``PYM_JWT_TOKEN`` where it fits, or one that is made with ``PYM_JWT_SECRET``; else None.

    A token fits where nothing but its user is asked for, and that is its own (``sub``), and it grants the scopes.

    Raises:
        TargetError: there is a secret, but PyJWT is not installed.
    """
    given, secret, wanted = os.environ.get(TOKEN), os.environ.get(SECRET), list(scopes)
    if given and data is None and expire_in is None and _fits(given, user_id, wanted):
        return given
    if not secret or user_id is None:
        return None
    try:
        import jwt
    except ImportError:
        raise TargetError(f"{SECRET} is set, and PyJWT is needed to sign with it: pip install pyjwt") from None
    now = int(time.time())
    claims: dict[str, Any] = {"sub": user_id, "iat": now, "exp": int(now + (expire_in or _LIFETIME))}
    claims |= {"scope": " ".join(wanted)} if wanted else {}
    claims |= {"data": data} if data is not None else {}
    return jwt.encode(claims, secret, algorithm="HS256")


def _fits(token: str, user_id: str | None, scopes: list[str]) -> bool:
    claims = read_claims(token)
    if user_id is None and not scopes:
        return True
    granted = claims.get("scope") or claims.get("scp") or claims.get("scopes") or ()
    names = granted.split() if isinstance(granted, str) else granted
    return claims.get("sub") in (user_id, str(user_id)) and set(scopes) <= set(names)


def _is_fresh(token: str | None) -> bool:
    if token is None:
        return False
    claims = read_claims(token)
    middle: float = (claims.get("iat", 0) + claims.get("exp", 0)) / 2
    return time.time() < middle


def read_claims(token: str) -> dict[str, Any]:
    """Return what a JSON Web Token claims, unverified; nothing where it is no such token."""
    part = [*token.split("."), ""][1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
