"""Which target ``pym test`` tests: the one it is told, one that answers already, or one that it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from .exceptions import TargetError
from .targets import Target, UrlTarget, open_target
from .targets.tokens import folder_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_PORT = 8080
HTTPS_PORT = 443

_LOOPBACK = "127.0.0.1"
_GLANCE = 2.0


@dataclass(frozen=True)
class Wanted:
    """What the command line says of the target.

    Attributes:
        target: as :func:`open_target` takes it.
        host: of what answers already; may begin with ``http://`` or ``https://``.
        port: of what answers already, or is to be started.
        image: to be run in a container.
        contract_files: the target's contracts, in place of those that are found.
        verify: whether certificates are verified.
    """

    target: str | None = None
    host: str | None = None
    port: int | None = None
    image: str | None = None
    contract_files: Sequence[str] = ()
    verify: bool = True


def choose(wanted: Wanted, say: Callable[[str], None]) -> Target:
    """Return the target, not started yet.

    Without a target, host or image, what answers on the port of this machine is tested, if it is the service in the
    working folder; that service is started where nothing answers.

    Raises:
        TargetError: there is nothing to test.
    """
    if wanted.target is not None:
        return open_target(wanted.target, wanted.contract_files, wanted.verify)
    if wanted.image is not None:
        from .targets.container import ContainerTarget

        return ContainerTarget(wanted.image, wanted.contract_files)
    if wanted.host is not None:
        return open_target(url_of(wanted.host, wanted.port), wanted.contract_files, wanted.verify)
    return _local(wanted, say)


def url_of(host: str, port: int | None) -> str:
    """Return the URL of a host: https on port 443, and on all hosts but this one where no port is given."""
    scheme, mark, name = host.rstrip("/").rpartition("://")
    if port is None and not mark:
        port = DEFAULT_PORT if name in ("localhost", _LOOPBACK) else HTTPS_PORT
    name = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    scheme = scheme or ("https" if port == HTTPS_PORT else "http")
    shown = "" if port in (None, {"http": 80, "https": HTTPS_PORT}.get(scheme)) else f":{port}"
    return f"{scheme}://{name}{shown}"


def _local(wanted: Wanted, say: Callable[[str], None]) -> Target:
    from .targets.folder import FolderTarget, is_service

    folder = Path.cwd()
    port = wanted.port or DEFAULT_PORT
    running = _version(f"http://{_LOOPBACK}:{port}")
    if not is_service(folder):
        if running is None:
            raise TargetError(
                f"{folder} holds no service (server.py and pym-config.yaml), and nothing answers on port {port}: give"
                " --target, --host or --image, or go to the service's folder"
            )
        return open_target(f"http://{_LOOPBACK}:{port}", wanted.contract_files)
    if running is not None and (wanted.port is not None or running == _name_of(folder)):
        return UrlTarget(f"http://{_LOOPBACK}:{port}", wanted.contract_files, True, folder, folder_signer(folder))
    if running is not None:
        other = repr(running) if running else "something without a name"
        say(f"on port {port} runs {other}, not the service in {folder}, which is started on another port")
    return FolderTarget(folder, wanted.contract_files, wanted.port)


def _name_of(folder: Path) -> str | None:
    """Return the name that the configuration of a folder's service gives it."""
    from pymacaron.config import find_config, load_config
    from pymacaron.exceptions import ConfigError

    try:
        path = find_config(folder)
        name = load_config(path).get("name") if path is not None else None
    except ConfigError as error:
        raise TargetError(f"{folder}: {error}") from None
    return str(name) if name is not None else None


def _version(url: str) -> str | None:
    """Return the name of the service at a URL, empty where it tells none; None where nothing answers."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            found = session.get(f"{url}/version", timeout=_GLANCE).json()
    except requests.JSONDecodeError:
        return ""
    except requests.RequestException:
        return None
    return str(found.get("name", "")) if isinstance(found, dict) else ""
