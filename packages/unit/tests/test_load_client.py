"""Sending calls, and the names of what goes wrong: real servers that answer, hang, break off or are not there."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from load_service import Pets
from pymacaron_unit.load.calls import Call
from pymacaron_unit.load.client import Client
from pymacaron_unit.load.generator import Generator
from pymacaron_unit.load.outcome import Answer
from pymacaron_unit.load.schedule import Schedule
from pymacaron_unit.load.tally import Recorder, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def send(url: str, *, method: str = "GET", body: bytes | None = None, timeout: float = 10.0) -> Answer:
    async def once() -> Answer:
        async with Client(timeout) as client:
            return await client.send(Call("it", method, url, {"X-Trace": "1"}, body))

    return asyncio.run(once())


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept one connection at a time and do something with it; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        ended = threading.Event()

        def loop() -> None:
            while not ended.is_set():
                connection, _ = server.accept()
                with connection:
                    if not ended.is_set():
                        serve(connection)

        thread = threading.Thread(target=loop)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        try:
            yield url
        finally:
            ended.set()
            socket.create_connection(server.getsockname(), 10).close()
            thread.join(10)


def test_answer_is_read() -> None:
    """Status, headers and body come back; a redirect is an answer, and is not followed."""
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(10_000))
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 3\r\n\r\nyes")

    with listening(serve) as url:
        answer = send(url + "a%2Fb?c=%20d", method="PUT", body=b"{}")
    assert (answer.status, answer.failure, answer.body) == (302, None, b"yes")
    assert ("Location", "http://192.0.2.1/") in answer.headers
    assert asked[0].startswith(b"PUT /a%2Fb?c=%20d HTTP/1.1\r\n")
    assert b"X-Trace: 1\r\n" in asked[0]
    assert asked[0].endswith(b"\r\n\r\n{}")


def hang(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.recv(10_000)


def close(connection: socket.socket) -> None:
    connection.recv(10_000)


def reset(connection: socket.socket) -> None:
    connection.recv(10_000)
    # Linger for no time: what is closed is reset (RST), not ended (FIN).
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def break_off(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def babble(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.sendall(b"HELLO\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [(hang, "timeout"), (close, "connection closed"), (reset, "connection reset"), (break_off, "body broken off"),
     (babble, "no HTTP answer")],
)  # fmt: skip
def test_failures_have_names(serve: Callable[[socket.socket], None], failure: str) -> None:
    """A server that never answers, one that hangs up, one that resets, half a body, and what is no HTTP."""
    with listening(serve) as url:
        assert send(url, timeout=0.3, method="POST") == Answer(failure=failure)


def test_nobody_listens() -> None:
    """A refused connection is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/") == Answer(failure="connection refused")


def test_unknown_host() -> None:
    """A name that resolves to nothing (RFC 6761 keeps `invalid` so)."""
    assert send("http://nobody.invalid/") == Answer(failure="name not resolved")


def test_no_tls() -> None:
    """TLS with something that speaks none fails."""
    with listening(babble) as url:
        assert send(url.replace("http:", "https:")) == Answer(failure="TLS failed")


def test_stall_of_a_real_service_is_charged_to_the_calls_that_were_due() -> None:
    """A stall of a second at 100 calls a second: at least 51 calls were due while half a second of it was left.

    Each of them took at least what was left of the stall, however fast or slow this machine is: call number k + j is
    due at most j hundredths after call number k is sent, and comes back after it.
    """
    service = Pets()
    service.stall_at = 40
    recorder = Recorder(2)

    async def run(url: str) -> None:
        calls = iter([Call("myPet", "GET", f"{url}/v1/pets/mine", {})] * 200)
        async with Client(30) as client:
            await Generator(Schedule(100, 2), calls, client.send, recorder.record, 1, 30).run()

    with service.serve() as url:
        asyncio.run(run(url))
    tally = total(recorder.operations.values())
    assert (tally.calls, dict(tally.errors)) == (200, {})
    waited = 200 - max((count for count, seconds in tally.response.steps() if seconds < 0.5), default=0)
    served = 200 - max((count for count, seconds in tally.service.steps() if seconds < 0.5), default=0)
    assert waited >= 51
    assert 1 <= served < waited / 2
    assert tally.response.maximum >= 1
