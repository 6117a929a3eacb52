"""A real HTTP server between this package and an engine: it passes requests on, and may change them and the answers."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pymacaron_dynamodb.database import Database, set_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Body = dict[str, Any]
    #: Gets an operation and what is sent, and a function that sends it on; returns what is answered.
    Through = Callable[[str, Body, Callable[[Body], Body]], Body]


class Refused(Exception):
    """The engine's answer is an error, or the answer is to be one: a status and a body."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@contextmanager
def proxy(url: str, through: Through | None = None, one_at_a_time: bool = False) -> Iterator[str]:
    """Stand before the engine of a URL until the block ends; yield the URL of this."""
    lock = threading.Lock() if one_at_a_time else nullcontext()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received = self.rfile.read(length)
            if len(received) < length:  # its client was killed
                return
            body = json.loads(received)
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]

            def send(changed: Body) -> Body:
                headers = {name: value for name, value in self.headers.items() if name != "Content-Length"}
                return _sent(url, headers, changed)

            try:
                with lock:
                    status, answer = 200, through(operation, body, send) if through else send(body)
            except Refused as refused:
                status, answer = refused.status, refused.body
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.send_header("x-amzn-RequestId", "1")
            with suppress(ConnectionError):  # as above
                self.end_headers()
                self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def at(database: Database, url: str, **changed: Any) -> Iterator[Database]:
    """Let the process's database be at another endpoint, with other settings, until the block ends."""
    made = Database(replace(database.settings, endpoint=url, **changed))
    set_database(made)
    try:
        yield made
    finally:
        made.close()
        set_database(database)


def _sent(url: str, headers: dict[str, str], body: Body) -> Body:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", "/", json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        found: Body = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200:
        raise Refused(answer.status, found)
    return found
