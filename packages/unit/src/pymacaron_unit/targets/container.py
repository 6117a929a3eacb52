"""A container of an image as the target, run by podman or docker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..exceptions import TargetError
from .kept import KeptTarget
from .process import KeptProcess, free_port
from .tokens import RemoteSigner, token_of_environment
from .waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..contracts import Contracts

ENGINE = "PYM_CONTAINER_ENGINE"
DEFAULT_PORT = 8080

_ENGINES = ("podman", "docker")
_ASKED = 60
_GRACE = 10
# Whichever the image has; a virtual environment's comes first in its PATH.
_PYTHON = 'exec "$(command -v python3 || command -v python)" "$@"'


class ContainerTarget(KeptTarget):
    """An image that is run with its port published on a free port of 127.0.0.1.

    The port inside is the lowest TCP port of the image's ``EXPOSE``; 8080 where it exposes none.

    Args:
        image: its name.
        contract_files: its contracts.
        patience: seconds that it may take until it answers.

    Attributes:
        engine: podman or docker; known after the start.
        container_id: known after the start.
    """

    def __init__(self, image: str, contract_files: Iterable[str | Path] = (), patience: float = PATIENCE) -> None:
        super().__init__(contract_files, patience)
        self.image = image
        self.engine = ""
        self.container_id = ""

    def describe(self) -> str:
        """Name the image."""
        return f"the image {self.image}"

    def start(self) -> None:
        """Run the image and wait until it answers.

        Raises:
            TargetError: there is no engine or no such image, or the container ended or does not answer; the message has
                the end of its log.
        """
        self.engine = find_engine()
        inside = exposed_port(self.engine, self.image)
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.container_id = _ask(self.engine, "create", "-p", f"127.0.0.1:{port}:{inside}", *_settings(), self.image)
        self.process = KeptProcess(
            self.describe(),
            [self.engine, "start", "--attach", self.container_id],
            stop=[
                [self.engine, "stop", "--time", str(_GRACE), self.container_id],
                [self.engine, "rm", "--force", "--volumes", self.container_id],
            ],
        )
        try:
            self.process.start()
            hint = f"; its port {inside} was tried, write EXPOSE into the image if it listens on another one"
            self.wait(self.process, hint)
        except BaseException:
            self.stop()
            raise

    def find_contracts(self) -> Contracts:
        """Return the contracts that the service publishes on its docs page; none where it publishes none."""
        from .published import published_contracts

        return published_contracts(self)

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Return the token of the environment, or make one in the container, with its own configuration."""
        found = token_of_environment(user_id, scopes, data, expire_in)
        if found is not None:
            return found
        return container_signer(self.engine, self.container_id).token(user_id, scopes, data, expire_in)


def _settings() -> list[str]:
    """Pass on what picks the configuration, and the secrets that the working folder's pym-config takes from here.

    Only the names are on the command line; the engine reads their values from this process's environment.
    """
    names = ["PYM_ENV", *_env_secrets()]
    return [part for name in names if name in os.environ for part in ("-e", name)]


def _env_secrets() -> list[str]:
    if find_spec("pymacaron") is None:
        return []
    from pymacaron.config import find_config, load_config
    from pymacaron.exceptions import ConfigError

    try:
        path = find_config()
        return list(load_config(path).get("env_secrets", ())) if path is not None else []
    except ConfigError as error:
        raise TargetError(f"the container's settings cannot be told: {error}") from None


def container_signer(engine: str, container_id: str) -> RemoteSigner:
    """Return what makes tokens with the key of the service in a container that runs."""
    python = [engine, "exec", "-i", container_id, "sh", "-c", _PYTHON, "python"]
    return RemoteSigner(python, f"the container {container_id[:12]}")


def find_engine() -> str:
    """Return the engine that runs containers: ``PYM_CONTAINER_ENGINE``, else podman or docker, whichever works.

    Raises:
        TargetError: there is none, or it does not work.
    """
    wanted = os.environ.get(ENGINE)
    failures = []
    for engine in (wanted,) if wanted else _ENGINES:
        if shutil.which(engine) is None:
            failures.append(f"{engine} is not installed")
            continue
        try:
            _ask(engine, "version")
        except TargetError as error:
            failures.append(str(error))
        else:
            return engine
    raise TargetError(
        f"no container can be run ({'; '.join(failures)}): install podman (apt-get install podman runc) or start"
        f" docker; {ENGINE} picks one"
    )


def exposed_port(engine: str, image: str) -> int:
    """Return the lowest TCP port that an image exposes; 8080 where it exposes none.

    Raises:
        TargetError: this machine has no such image.
    """
    try:
        found = json.loads(_ask(engine, "image", "inspect", image))
    except TargetError as error:
        raise TargetError(f"{error}; build or pull it first: {engine} pull {image}") from None
    exposed = (found[0].get("Config") or {}).get("ExposedPorts") or {}
    ports = [int(number) for number, _, kind in (each.partition("/") for each in exposed) if kind in ("", "tcp")]
    return min(ports, default=DEFAULT_PORT)


def _ask(engine: str, *arguments: str) -> str:
    """Run a command of an engine and return what it says.

    Raises:
        TargetError: it failed; the message has its last line.
    """
    try:
        done = subprocess.run([engine, *arguments], capture_output=True, text=True, timeout=_ASKED, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(f"{engine} {arguments[0]}: {error}") from None
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2].removeprefix("Error: ") or f"status {done.returncode}"
        raise TargetError(f"{engine} {arguments[0]} failed: {said}")
    return done.stdout.strip()
