"""The two engines that all tests run on: ministack and moto, each a private process on a free port of loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from pynamodb.connection import Connection

#: Seconds within which an engine answers, on a busy machine too.
PATIENCE = 60.0
NAMES = ("ministack", "moto")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


#: Runs a module as `python -m` does, until the process that started it has ended, however that ends.
_PROGRAM = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


@dataclass
class Engine:
    """A process that speaks DynamoDB's protocol, and keeps its data in memory.

    Attributes:
        connection: that the tests of this process share.
    """

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    connection: Connection | None = None

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it answers."""
        environment = {**os.environ, **_ENVIRONMENTS[self.name], "TMPDIR": str(self.folder)}
        if self.name == "ministack":
            module, arguments, environment["GATEWAY_PORT"] = "ministack", [], str(self.port)
        else:
            module, arguments = "moto.server", ["-H", "127.0.0.1", "-p", str(self.port)]
        command = [sys.executable, "-c", _PROGRAM, module, *arguments]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, f"{self.name} did not start in time"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Tell whether it takes a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health" if self.name == "ministack" else "/moto-api/")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End it."""
        if self.connection is not None:
            self.connection.client.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_ENVIRONMENTS = {
    # Without these it listens for MQTT on all interfaces, and looks for containers to clean up.
    "ministack": {
        "BIND_HOST": "127.0.0.1",
        "SERVICES": "dynamodb",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "WARNING",
    },
    "moto": {},
}
