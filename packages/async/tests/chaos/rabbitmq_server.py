"""A private RabbitMQ: its own name, ports, folders and epmd, all on the loopback interface."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from kombu.connection import Connection

from redis_server import free_port

PATIENCE = 90.0
INSTALL = "install it: apt-get install --no-install-recommends rabbitmq-server"


class RabbitMQ:
    """A RabbitMQ, with its data in a folder, and the port mapper that Erlang wants beside it.

    Args:
        folder: for its data and logs; it is there, and empty.
        options: of its application ``rabbit``.
    """

    def __init__(self, folder: Path, **options: int) -> None:
        self.folder = folder
        self.options = options
        self.port, self.nodes_port, self.mapper_port = free_port(), free_port(), free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Its URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it, and return when it answers."""
        mapper = shutil.which("epmd")
        assert mapper, f"there is no epmd; {INSTALL}"
        (self.folder / "plugins").write_text("[].")
        self._run([mapper, "-address", "127.0.0.1", "-port", str(self.mapper_port)])
        self._run([script("rabbitmq-server")])
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.processes[-1].poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "RabbitMQ did not start in time"
            time.sleep(0.1)

    def _run(self, command: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log))

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_DIST_PORT": str(self.nodes_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_NODENAME": f"pym{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": " ".join(
                [
                    "-kernel inet_dist_use_interface {127,0,0,1}",
                    *(f"-rabbit {name} {value}" for name, value in self.options.items()),
                ]
            ),
        }

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=1) as connection:  # type: ignore[no-untyped-call]  # kombu has few types
                connection.connect()
        except OSError:
            return False
        return True

    def consumers(self) -> dict[str, dict[str, Any]]:
        """Return what consumes from it: for each queue the arguments that its consumer came with."""
        command = [script("rabbitmqctl"), "--formatter", "json", "list_consumers", "queue_name", "arguments"]
        said = subprocess.run(command, env=self._environment(), capture_output=True, check=True, timeout=PATIENCE)
        found = json.loads(said.stdout)
        return {each["queue_name"]: {name: value for name, _, value in each["arguments"]} for each in found}

    def has_written_down(self, queue: str) -> bool:
        """Tell whether it will know a quorum queue again after a kill.

        The names of new ones stay in its memory for about a second. One that was killed before has lost such a queue
        with all that was confirmed there, waits for a leader of it for good, and answers nobody who consumes from it.
        """
        return any(queue.encode() in path.read_bytes() for path in self.folder.glob("data/*/quorum/*/names.dets"))

    def kill(self) -> None:
        """End it without warning; its data stays."""
        pid = int((self.folder / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        for process in reversed(self.processes):
            process.terminate()
            process.wait(PATIENCE)
        self.processes.clear()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def script(name: str) -> str:
    """Return the path of a script of RabbitMQ's own; Debian's change to a user that may not write here."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob(f"*/sbin/{name}"))
    assert found, f"there is no {name}; {INSTALL}"
    return str(found[-1])
