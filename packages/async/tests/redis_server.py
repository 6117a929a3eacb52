"""A private Redis, on a free port of the loopback interface, with its data in a folder of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

import redis

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 20.0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """A Redis that can be killed and started again with its data."""

    def __init__(self, folder: Path, append_only: bool = False) -> None:
        self.folder = folder
        self.append_only = append_only
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port, socket_timeout=PATIENCE)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and return when it answers."""
        program = shutil.which("redis-server")
        assert program, "there is no redis-server; install it: apt-get install redis-server"
        persistence = ["--appendonly", "yes", "--appendfsync", "always"] if self.append_only else ["--appendonly", "no"]
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *persistence]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.client.ping()
            except redis.RedisError:
                assert self.process.poll() is None, (self.folder / "redis.log").read_text()
                assert time.monotonic() < until, "Redis did not start in time"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it without warning; its data stays."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.client.connection_pool.disconnect()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.client.close()
