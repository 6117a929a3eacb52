"""Scripts that Redis runs, sent over a connection that is kept.

redis-py takes a connection out of its pool for each command, asks the operating system whether it can still be read,
and puts it back: as much work as the command itself, twice for each run of a task. Here the first script that is
answered keeps a connection of the pool's for the next ones. Whatever is wrong with it, the script goes the usual way,
which connects anew and tries again.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

import hiredis
import redis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.commands.core import Script


class Scripts:
    """Scripts by name; they may be run from any thread, and after a fork.

    Args:
        client: to run them with.
        sources: of the scripts, by name.
    """

    def __init__(self, client: redis.Redis, sources: Mapping[str, str]) -> None:
        self._client = client
        self._scripts = {name: client.register_script(source) for name, source in sources.items()}
        # A pool that chooses among servers, such as Sentinel's, looks at a connection each time that it gives it out.
        self._can_keep = type(client.connection_pool) is redis.ConnectionPool
        self._lock = Lock()
        self._kept: redis.Redis | None = None
        self._closes: finalize[Any, Any] | None = None
        self._pid = 0

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script; while another thread uses the connection, over another one."""
        script = self._scripts[name]
        if not self._can_keep or not self._lock.acquire(blocking=False):
            return script(keys=keys, args=args)
        try:
            return self._run(script, keys, args)
        finally:
            self._lock.release()

    def _run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        if self._kept is not None and self._pid == os.getpid():
            try:
                return _ask(self._kept.connection, ("EVALSHA", script.sha, len(keys), *keys, *args))
            except (redis.ConnectionError, redis.TimeoutError):
                self._give_back(self._kept)
            except redis.exceptions.NoScriptError:
                pass
        answer = script(keys=keys, args=args)
        if self._kept is None or self._pid != os.getpid():
            self._keep()
        return answer

    def _keep(self) -> None:
        """Keep a connection, until this is no longer of use to anybody."""
        if self._closes is not None:
            self._closes.detach()  # it is the parent process's
        kept: redis.Redis = self._client.client()  # type: ignore[no-untyped-call]  # redis-py has no types for it
        self._kept, self._pid = kept, os.getpid()
        connection: Any = kept.connection
        self._closes = finalize(self, connection.disconnect)

    def _give_back(self, kept: redis.Redis) -> None:
        if self._closes is not None:
            self._closes.detach()
        self._kept, self._closes = None, None
        kept.close()


def _ask(connection: Any, command: tuple[Any, ...]) -> Any:
    """Send a command and return its answer; a connection that may have another answer to give is closed."""
    try:
        connection.send_packed_command([hiredis.pack_command(command)])
        return connection.read_response()
    except redis.ResponseError:
        raise
    except BaseException:
        connection.disconnect()
        raise
