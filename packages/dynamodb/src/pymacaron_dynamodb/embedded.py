"""The private engine of development: a ministack of the project's own, with its data in ``.pym/dynamodb``.

``pym run`` starts one beside the server. Any other process of the project (a command, a script, a test, a worker of
Gunicorn) uses the one that runs, or starts one that ends when the last process that uses it has ended. What is used is
known by locks on files, which the kernel gives up for a process that was killed. The engine itself is :mod:`.engine`.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import weakref
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from pymacaron.plugins import Process

from .exceptions import TableConfigError
from .settings import read_settings

if TYPE_CHECKING:
    from pymacaron.plugins import ProcessesContext

#: Names another folder for the data, such as a temporary one that tests do not share with development.
VARIABLE = "PYM_DYNAMODB_DATA"
#: The file, in the folder of the data, that has the engine's URL; it stays, so that the next engine takes that port.
ENDPOINT = "endpoint"
#: The file that the engine locks while it runs.
LOCK = "lock"
#: The file that all processes lock together which use the engine.
USERS = "users"
#: The file that the engine writes its log to.
LOG = "log"
#: The path at which the engine says whose it is.
IDENTITY = "/_pymacaron"

_DISTRIBUTION = "ministack"
_FOLDER = ".pym/dynamodb"
_ANSWERS_WITHIN = 5.0


def add_process(context: ProcessesContext) -> None:
    """Let `pym run` start the private engine where ``dynamodb: embedded`` asks for it, and say so.

    Raises:
        TableConfigError: the settings are wrong, this is not development, or ministack is not installed.
    """
    settings = read_settings(context.config)
    if not settings.embedded:
        return
    found, data = engine_version(), data_folder(settings.folder)
    # What starts beside the server has the folder as it is now: a variable may name it from another place.
    context.env[VARIABLE] = str(data)
    context.processes.append(Process("the database", command(data)))
    shown = os.path.relpath(data, settings.folder) if data.is_relative_to(settings.folder) else data
    click.echo(f"pym: DynamoDB is a private ministack {found}, its data in {shown}", err=True)


def data_folder(project: Path) -> Path:
    """Return the folder of a project's data, which need not exist yet."""
    return Path(os.environ.get(VARIABLE) or project / _FOLDER).resolve()


def command(data: Path) -> list[str]:
    """Return the command that runs the engine of a folder."""
    return [sys.executable, "-m", f"{__package__}.engine", str(data)]


def engine_version() -> str:
    """Return the version of ministack.

    Raises:
        TableConfigError: it is not installed.
    """
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        raise TableConfigError(
            "dynamodb is 'embedded', and its engine is not installed: pip install 'pymacaron-dynamodb[embedded]'"
        ) from None


class PrivateEngine:
    """The engine of a folder, which runs as long as this object, or another one in any process, is in use."""

    def __init__(self, data: Path) -> None:
        """Use the engine that runs, or start one.

        Raises:
            TableConfigError: there is none, and none can be started.
        """
        engine_version()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        users = os.open(data / USERS, os.O_RDWR | os.O_CREAT, 0o600)
        self._leave = weakref.finalize(self, os.close, users)
        # An engine that finds no users locks the file until it has ended; this waits for it.
        fcntl.flock(users, fcntl.LOCK_SH)
        self.url = url_of(data) or _start(data)

    def leave(self) -> None:
        """Use it no more."""
        self._leave()


def url_of(data: Path) -> str | None:
    """Return the URL of the engine that runs on a folder; None where none answers."""
    try:
        url = (data / ENDPOINT).read_text().strip()
    except OSError:
        return None
    return url if _identity(url) == str(data) else None


def _identity(url: str) -> str | None:
    """Ask what listens at a URL for the folder of its data: the port may be another program's by now."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_ANSWERS_WITHIN)
    try:
        connection.request("GET", IDENTITY)
        found = json.loads(connection.getresponse().read(1 << 16))
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found.get("data") if isinstance(found, dict) else None


def _start(data: Path) -> str:
    started = subprocess.run([*command(data), "--detach"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    url = url_of(data) if started.returncode == 0 else None
    if url is None:
        said = " ".join((started.stderr or started.stdout).split()[-60:])
        raise TableConfigError(
            f"the private engine of DynamoDB does not start: {said or 'no word of it'}; see {data / LOG}"
        )
    return url
