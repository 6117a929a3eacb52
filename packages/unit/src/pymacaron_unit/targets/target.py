"""What all targets have in common, the one at a URL, and which target a text names."""

from __future__ import annotations

import re
import warnings
from http.cookiejar import DefaultCookiePolicy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

from ..exceptions import TargetError
from .tokens import SECRET, TOKEN, folder_signer, token_of_environment
from .waiting import wait_for_ping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Self

    from ..contracts import Contracts
    from .tokens import RemoteSigner

APP = "app"
DEFAULT_APP = "server:app"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_HOST_AND_PORT = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|\[[0-9a-fA-F:]+\]):\d+")
# What an image's name may be (OCI distribution specification, "Pulling manifests").
_PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_IMAGE = re.compile(rf"(\w[\w.-]*(:\d+)?/)?{_PART}(/{_PART})*(:\w[\w.-]*)?(@sha256:[0-9a-f]{{64}})?", re.ASCII)
# What is said to run already needs no time to start.
_URL_PATIENCE = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Target:
    """What is tested. A ``with`` block starts it and stops it.

    Args:
        base_url: where it answers, without a slash at the end; may be known only after the start.
        contract_files: its contracts, in place of those that it is found to have.
        verify: whether certificates are verified.

    Attributes:
        base_url: as above.
    """

    def __init__(self, base_url: str = "", contract_files: Iterable[str | Path] = (), verify: bool = True) -> None:
        self.base_url = base_url
        self.verify = verify
        self._files: Sequence[str | Path] = tuple(contract_files)
        self._session: requests.Session | None = None

    def describe(self) -> str:
        """Name the target for messages."""
        return self.base_url

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            TargetError: it cannot be started, or does not answer.
        """

    def stop(self) -> None:
        """Stop what :meth:`start` started, and nothing else."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def session(self) -> requests.Session:
        """Return the session that reaches the target; it keeps no cookies from one call to the next.

        It is one session until the target is stopped. What ``.netrc`` holds is not sent.
        """
        if self._session is None:
            self._session = self._make_session()
        return self._session

    def _make_session(self) -> requests.Session:
        session = requests.Session()
        session.verify = self.verify
        if not self.verify:
            session.mount("https://", _Unverified())
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # A proxy of the environment has no business between a test and its own machine.
        session.trust_env = urlsplit(self.base_url).hostname not in _LOOPBACK
        session.auth = _unchanged
        return session

    def contracts(self) -> Contracts | None:
        """Return the contracts: the files that were given, else those that are found, which may be none.

        It is None where PyMacaron is not installed and no file was given.

        Raises:
            NoContractError: a file that was given is not there.
            TargetError: files were given, but PyMacaron is not installed.
        """
        if find_spec("pymacaron") is None:
            if self._files:
                raise TargetError("contracts are read by pymacaron: pip install 'pymacaron-unit[contract]'")
            return None
        from ..contracts import load_contracts

        return load_contracts(self._files) if self._files else self.find_contracts()

    def find_contracts(self) -> Contracts:
        """Find the target's own contracts."""
        from ..contracts import Contracts

        return Contracts()

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Make a token that the target accepts.

        Args:
            user_id: whom it stands for; the service's ``default_user_id`` where it is None.
            scopes: that it grants.
            data: anything JSON can hold; becomes the claim ``data``.
            expire_in: seconds until it expires; what the service is configured to where it is None.

        Raises:
            TargetError: no token can be made; the message says what is missing.
        """
        raise TargetError(f"{self.describe()}: no token can be made")


class UrlTarget(Target):
    """What answers at a URL already. It is neither started nor stopped.

    Args:
        base_url: where it answers.
        contract_files: its contracts.
        verify: whether certificates are verified.
        folder: of the service that answers there, where it is known.
        signer: makes its tokens.
    """

    def __init__(
        self,
        base_url: str,
        contract_files: Iterable[str | Path] = (),
        verify: bool = True,
        folder: Path | None = None,
        signer: RemoteSigner | None = None,
    ) -> None:
        super().__init__(base_url.rstrip("/"), contract_files, verify)
        self.folder = folder
        self._signer = signer

    def start(self) -> None:
        """Wait until it answers."""
        wait_for_ping(self, _URL_PATIENCE)

    def find_contracts(self) -> Contracts:
        """Return those of the service's folder, or those that it publishes on its docs page; none where it has none."""
        if self.folder is not None:
            from .folder import folder_contracts

            return folder_contracts(self.folder)
        from .published import published_contracts

        return published_contracts(self)

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Return the token of the environment, or make one where the key is known."""
        found = token_of_environment(user_id, scopes, data, expire_in)
        if found is not None:
            return found
        if self._signer is not None:
            return self._signer.token(user_id, scopes, data, expire_in)
        raise TargetError(
            f"{self.base_url}: no token can be made for {user_id!r}; set {TOKEN} to a token of this user, or {SECRET}"
            f" to the service's key, or run this in the service's folder"
        )


class _Unverified(requests.adapters.HTTPAdapter):
    """Keeps quiet about certificates that nobody wanted verified."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureRequestWarning)
            return super().send(*args, **kwargs)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def open_target(
    text: str,
    contract_files: Iterable[str | Path] = (),
    verify: bool = True,
    folder: str | Path | None = None,
) -> Target:
    """Return the target that a text names; it is not started yet.

    Args:
        text: ``app`` (``server:app`` of the folder), ``module:attribute`` (a WSGI app, or a function that makes one),
            an ``http://`` or ``https://`` URL, the folder of a service, or the name of an image. A text that could be a
            module's or an image's is a module's where the folder has that module.
        contract_files: its contracts; they are found where none are given.
        verify: whether certificates are verified.
        folder: where ``app`` and modules are looked for; the working folder where it is None.

    Raises:
        TargetError: the text names none of these.
    """
    place = Path(folder) if folder is not None else Path.cwd()
    make = _kind(text, place)
    if make is None:
        raise TargetError(f"{text!r} is no target: {_hint(text)}")
    return make(contract_files, verify)


def _kind(text: str, place: Path) -> Callable[[Iterable[str | Path], bool], Target] | None:
    if text == APP or (_MODULE.fullmatch(text) and _has_module(text, place)):
        from .app import AppTarget

        return lambda files, _: AppTarget(DEFAULT_APP if text == APP else text, place, files)
    if re.match(r"https?://[^/]", text):
        return lambda files, verify: _url_target(text, files, verify, place)
    if text and (place / text).is_dir():
        from .folder import FolderTarget

        return lambda files, _: FolderTarget(place / text, files)
    if _IMAGE.fullmatch(text) and not _HOST_AND_PORT.fullmatch(text):
        from .container import ContainerTarget

        return lambda files, _: ContainerTarget(text, files)
    return None


def _url_target(url: str, files: Iterable[str | Path], verify: bool, place: Path) -> UrlTarget:
    """Return the target of a URL, with what `pym test` says of it, or the folder where this is run knows."""
    from .handover import received

    known = received(url)
    if known is not None:
        return UrlTarget(url, files, verify, known.folder, known.signer)
    near = urlsplit(url).hostname in _LOOPBACK
    has_config = any(place.glob("pym-config*.yaml"))
    return UrlTarget(url, files, verify, signer=folder_signer(place, shared_key_only=not near) if has_config else None)


def _has_module(text: str, place: Path) -> bool:
    module = place.joinpath(*text.partition(":")[0].split("."))
    return module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()


def _hint(text: str) -> str:
    if _HOST_AND_PORT.fullmatch(text):
        return f"write http://{text}"
    if "://" in text:
        return "write http://HOST:PORT or https://HOST"
    if "/" in text or text.startswith("."):
        return "there is no such folder"
    return "give app, module:attribute, a URL, the folder of a service, or the name of an image"
