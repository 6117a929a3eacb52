"""The program of the private engine: ministack, with DynamoDB alone, on loopback, and with its data saved.

``python -m pymacaron_dynamodb.engine FOLDER`` waits until no other engine runs on the folder, then serves until it is
told to end. With ``--detach`` it returns when an engine answers; the one that it may have started goes on in the
background, and ends when no process uses it any more.

ministack saves its data when it ends. Here it is also saved while it runs, soon after each change, so that an engine
that is killed loses the last moment alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .embedded import ENDPOINT, IDENTITY, LOCK, LOG, USERS, url_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

HOST = "127.0.0.1"
#: The file of ministack that holds the data.
STATE = "dynamodb.json"

#: Seconds between a change and its saving; more where saving takes long, so that it takes a tenth of the time at most.
_SAVE_AFTER = 0.5
_SHARE = 10
#: Seconds between two looks whether any process uses a detached engine.
_LOOK_EVERY = 0.25
_START_WITHIN = 30.0
_READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List")


def main(arguments: list[str]) -> int:
    """Run the engine, or see to it that one runs; return the exit status."""
    data = Path(arguments[0]).resolve()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _detach(data) if "--detach" in arguments else _run(data, wait=True)


def _detach(data: Path) -> int:
    """Start an engine in the background unless one runs; return when one answers."""
    until = time.monotonic() + _START_WITHIN
    child = _fork(data)
    while url_of(data) is None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended and status:
            tail = (data / LOG).read_text(errors="replace")[-2000:]
            sys.stderr.write(f"it ended with status {os.waitstatus_to_exitcode(status)}: {tail}\n")
            return 1
        if time.monotonic() > until:
            sys.stderr.write(f"it did not answer within {_START_WITHIN:g} s\n")
            return 1
        if ended:  # another one has the lock: it is about to answer, or to end
            child = _fork(data)
        time.sleep(0.02)
    return 0


def _fork(data: Path) -> int:
    """Start an engine that lives on when this process has ended."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        _redirect(data / LOG)
        status = _run(data, wait=False)
    except BaseException:  # noqa: BLE001  # it is the end of a process, which must not go on as its parent
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _redirect(log: Path) -> None:
    """Let what this process says go to a file, and nothing of it to the terminal of whoever started it."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, str(log), os.O_WRONLY | os.O_APPEND),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)


def _run(data: Path, wait: bool) -> int:
    """Serve as the one engine of a folder.

    Args:
        wait: whether to wait for another one to end, and then to serve until told to end; else while it is used.
    """
    lock = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # held until this process has ended
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    listener = _listen(data)
    _configure(data, listener.getsockname()[1])
    if not _is_readable(data):
        sys.stderr.write(f"{data / STATE} cannot be read by this ministack; mend it, or move it away\n")
        return 1
    asyncio.run(_Engine(data).serve(listener, while_used=not wait))
    return 0


def _listen(data: Path) -> socket.socket:
    """Take the port of the engine before, or a free one; write it down."""
    try:
        port = urlsplit((data / ENDPOINT).read_text().strip()).port or 0
    except (OSError, ValueError):
        port = 0
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.bind((HOST, 0))
    listener.listen(128)
    (data / ENDPOINT).write_text(f"http://{HOST}:{listener.getsockname()[1]}\n")
    return listener


def _configure(data: Path, port: int) -> None:
    """Set the variables that ministack reads when it is imported; those of the developer's own one are not for us."""
    for name in [name for name in os.environ if name.startswith(("MINISTACK_", "LOCALSTACK_"))]:
        del os.environ[name]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        SERVICES="dynamodb",
        PERSIST_STATE="1",
        STATE_DIR=str(data),
        LOG_LEVEL="WARNING",
        AUTH="false",
        USE_SSL="0",
        # It would listen on all interfaces for these two.
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        # It would stop containers of another ministack.
        DOCKER_HOST="unix:///nonexistent",
    )


def _is_readable(data: Path) -> bool:
    """Tell whether ministack can read the data: else it would begin without, and save that over it."""
    if not (data / STATE).exists():
        return True
    try:
        found = import_module("ministack.core.persistence").load_state("dynamodb")
    except Exception as error:  # noqa: BLE001  # whatever it raises, the data is to stay as it is
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return False
    return found is not None


class _Engine:
    """ministack's application, which is told apart from other programs, and saved when it changes."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.app = import_module("ministack.app").app
        self.changed = asyncio.Event()
        self.stopping = asyncio.Event()
        self.saving = asyncio.Lock()

    async def serve(self, listener: socket.socket, while_used: bool) -> None:
        """Serve until told to end, or, as asked, until no process uses it."""
        hypercorn = import_module("hypercorn.config").Config()
        hypercorn.bind = [f"fd://{listener.detach()}"]
        hypercorn.loglevel = "WARNING"
        hypercorn.graceful_timeout = 1.0
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        tasks = [asyncio.create_task(self._save_changes())]
        if while_used:
            tasks.append(asyncio.create_task(self._stop_unused()))
        await import_module("hypercorn.asyncio").serve(self, hypercorn, shutdown_trigger=self._stopped)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] == "http" and scope["path"] == IDENTITY:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps({"data": str(self.data)}).encode()})
            return
        await self.app(scope, receive, send)
        if scope["type"] == "http" and not _operation(scope).startswith(_READS):
            self.changed.set()

    async def _stopped(self) -> None:
        """Wait until it is time to end, and what is being saved is saved; ministack saves once more by itself."""
        await self.stopping.wait()
        await self.saving.acquire()

    async def _save_changes(self) -> None:
        persistence, service = import_module("ministack.core.persistence"), None
        pause = _SAVE_AFTER
        while True:
            await self.changed.wait()
            await asyncio.sleep(pause)
            async with self.saving:
                self.changed.clear()
                service = service or import_module("ministack.services.dynamodb")
                started = time.monotonic()
                await asyncio.to_thread(persistence.save_state, "dynamodb", service.get_state())
                pause = max(_SAVE_AFTER, _SHARE * (time.monotonic() - started))

    async def _stop_unused(self) -> None:
        """End when no process uses it; the lock then makes the next one wait until this one has ended."""
        users = os.open(self.data / USERS, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(_LOOK_EVERY)
            else:
                self.stopping.set()
                return


def _operation(scope: MutableMapping[str, Any]) -> str:
    """Return the operation that a request is for; empty where it names none."""
    for name, value in scope["headers"]:
        if name == b"x-amz-target":
            return str(value.decode("latin-1").rpartition(".")[2])
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
