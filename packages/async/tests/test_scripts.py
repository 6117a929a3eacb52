"""Scripts run over a connection that is kept, and none is lost or mixed up when it breaks."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import redis

from pymacaron_async.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis_server import RedisServer

SOURCES = {"echo": "return ARGV[1]", "count": "return redis.call('INCR', KEYS[1])", "fail": "return nil + 1"}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Return a client of an empty Redis."""
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def scripts(client: redis.Redis) -> Scripts:
    """Return scripts that have been run, so that their connection is kept."""
    made = Scripts(client, SOURCES)
    assert made.run("echo", [], ["first"]) == b"first"
    return made


def connections(server: RedisServer) -> int:
    """Return how many connections Redis has accepted."""
    return int(server.client.info("stats")["total_connections_received"])


def test_the_connection_is_kept(scripts: Scripts, client: redis.Redis, redis_server: RedisServer) -> None:
    """All scripts are run over one connection, and other commands are not in its way."""
    scripts.run("count", ["n"], [])  # it is loaded over another one
    before = connections(redis_server)
    assert [scripts.run("count", ["n"], []) for _ in range(3)] == [2, 3, 4]
    assert connections(redis_server) == before
    client.ping()
    assert connections(redis_server) == before


def test_a_connection_that_was_closed(scripts: Scripts, redis_server: RedisServer) -> None:
    """A script is run over another connection where Redis has closed the one that was kept."""
    redis_server.client.client_kill_filter(_type="normal", skipme=True)
    assert scripts.run("count", ["n"], []) == 1
    assert scripts.run("count", ["n"], []) == 2


def test_a_redis_that_forgot_the_scripts(scripts: Scripts, redis_server: RedisServer) -> None:
    """A script is sent again where Redis does not know it."""
    redis_server.client.script_flush()
    assert scripts.run("echo", [], ["again"]) == b"again"


def test_a_script_that_fails(scripts: Scripts, redis_server: RedisServer) -> None:
    """An error that Redis answers with is raised, and the connection is of use after it."""
    before = connections(redis_server)
    with pytest.raises(redis.ResponseError):
        scripts.run("fail", [], [])
    assert scripts.run("echo", [], ["next"]) == b"next"
    assert connections(redis_server) <= before + 1  # redis-py's own, which loads the script


def test_an_answer_that_nobody_waited_for(scripts: Scripts, redis_server: RedisServer) -> None:
    """Where a signal interrupts a script, its answer is not taken for the next one's."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        redis_server.client.client_pause(400)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            scripts.run("echo", [], ["one"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    time.sleep(0.4)
    assert scripts.run("echo", [], ["two"]) == b"two"


def test_threads_do_not_wait_for_each_other(scripts: Scripts) -> None:
    """While one thread uses the connection, others use the pool's; each gets its own answers."""

    def ask(name: str) -> bool:
        return all(scripts.run("echo", [], [f"{name}-{index}"]) == f"{name}-{index}".encode() for index in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, map(str, range(8))))
    with scripts._lock:
        assert scripts.run("echo", [], ["beside it"]) == b"beside it"


def test_a_pool_that_chooses_its_server_is_asked_each_time(redis_url: str) -> None:
    """A pool such as Sentinel's, which looks for the master, gives out a connection for each script."""
    asked: list[int] = []

    class Choosing(redis.ConnectionPool):
        def get_connection(self, *args: Any, **kwargs: Any) -> Any:
            asked.append(threading.get_ident())
            return super().get_connection(*args, **kwargs)

    with redis.Redis.from_pool(Choosing.from_url(redis_url)) as client:
        scripts = Scripts(client, SOURCES)
        for _ in range(3):
            asked.clear()
            assert scripts.run("echo", [], ["one"]) == b"one"
            assert asked


FORKS = """
    import os, sys
    import redis
    from pymacaron_async.scripts import Scripts

    scripts = Scripts(redis.Redis.from_url(sys.argv[1]), {"echo": "return ARGV[1]"})
    scripts.run("echo", [], ["before"])
    child = os.fork()
    me = f"{os.getpid()}"
    right = all(scripts.run("echo", [], [f"{me}-{n}"]) == f"{me}-{n}".encode() for n in range(1000))
    if child:
        right = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and right
        right = scripts.run("echo", [], ["after"]) == b"after" and right
    sys.exit(0 if right else 1)
"""


def test_a_fork_has_a_connection_of_its_own(redis_url: str) -> None:
    """A process and the one it was forked from do not read each other's answers."""
    program = [sys.executable, "-c", textwrap.dedent(FORKS), redis_url]
    assert subprocess.run(program, timeout=60, check=False).returncode == 0
