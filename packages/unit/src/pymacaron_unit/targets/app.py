"""An app in this process as the target."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exceptions import TargetError
from .target import Target
from .wsgi import WsgiAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import requests

    from ..contracts import Contract, Contracts

_URL = "http://localhost"


class AppTarget(Target):
    """A WSGI app, called in this process without a socket.

    Args:
        name: ``module:attribute``; the attribute is an app, or a function without arguments that returns one.
        folder: where the module is looked for first.
        contract_files: its contracts.
    """

    def __init__(self, name: str, folder: Path, contract_files: Iterable[str | Path] = ()) -> None:
        super().__init__(_URL, contract_files)
        self.name = name
        self.folder = folder.resolve()
        self._app: Callable[..., Iterable[bytes]] | None = None

    def describe(self) -> str:
        """Name the app."""
        return f"the app {self.name} of {self.folder}"

    def load(self) -> Callable[..., Iterable[bytes]]:
        """Return the app, imported at first use.

        Raises:
            TargetError: it cannot be imported, or is no app.
        """
        if self._app is None:
            self._app = load_app(self.name, self.folder)
        return self._app

    def start(self) -> None:
        """Import the app."""
        self.load()

    def _make_session(self) -> requests.Session:
        session = super()._make_session()
        session.mount(f"{_URL}/", WsgiAdapter(self.load()))
        return session

    def find_contracts(self) -> Contracts:
        """Return the contracts that the app serves, with the service's own types; built-in ones are left out."""
        from ..contracts import Contracts

        return Contracts(_served(self.load()))

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Make a token with the key of the service, which this process has."""
        self.load()
        from .tokens import sign_here

        return sign_here(user_id, scopes, data, expire_in)


def load_app(name: str, folder: Path) -> Callable[..., Iterable[bytes]]:
    """Import ``module:attribute`` and return the app.

    Raises:
        TargetError: it cannot be imported, or is no app.
    """
    module, _, attribute = name.partition(":")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise TargetError(f"{folder}: importing {module} failed: {type(error).__name__}: {error}") from error
    file = Path(getattr(imported, "__file__", None) or folder).resolve()
    if _is_here(module, folder) and not file.is_relative_to(folder):
        raise TargetError(f"{folder}: {module} is {file} already; test one service in one process")
    found = getattr(imported, attribute, None)
    if found is None:
        raise TargetError(f"{folder}: {module} has no {attribute!r}; name its app as module:attribute")
    if _takes(found, 0):
        found = found()
    if not callable(found):
        raise TargetError(f"{folder}: {name} is no WSGI app but a {type(found).__name__}")
    return found  # type: ignore[no-any-return]  # whatever the service has there


def _is_here(module: str, folder: Path) -> bool:
    first = module.partition(".")[0]
    return (folder / f"{first}.py").is_file() or (folder / first / "__init__.py").is_file()


def _takes(found: Any, count: int) -> bool:
    """Tell whether something can be called with a number of arguments."""
    try:
        inspect.signature(found).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def _served(app: Any) -> list[Contract]:
    """Return the contracts of loaded APIs that the app has routes for."""
    if "pymacaron" not in sys.modules:
        return []
    from pymacaron import apipool
    from pymacaron.config import get_config
    from pymacaron.flaskapp.builtin import CONTRACTS

    from ..contracts import Contract

    # Each operation's endpoint is "<api>:<operation>".
    served = {endpoint.partition(":")[0] for endpoint in getattr(app, "view_functions", ()) if ":" in endpoint}
    prefix = "" if get_config().ignore_base_path else None
    names = [name for name in apipool.get_api_names() if name in served and name not in CONTRACTS]
    return [Contract((loaded := apipool.get(name)).api, loaded.types, prefix) for name in names]
