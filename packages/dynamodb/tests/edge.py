"""What stands in for DynamoDB at the network's edge: a real HTTP server that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        code: DynamoDB's error code; None for a success.
        headers: beside the one by which DynamoDB is known; None for not even that.
        after: seconds that it takes.
    """

    status: int = 200
    code: str | None = None
    headers: dict[str, str] | None = field(default_factory=dict)
    after: float = 0.0
    body: dict[str, Any] | str = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return its body."""
        if isinstance(self.body, str):
            return self.body.encode()
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{self.code}", "message": "no"} if self.code else self.body
        return json.dumps(body).encode()


class Edge:
    """A server that gives its answers in order, and the last one from then on."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self.answers = list(answers)
        self.operations: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                edge.operations.append(self.headers["X-Amz-Target"].rpartition(".")[2])
                answer = edge.answers.pop(0) if len(edge.answers) > 1 else edge.answers[0]
                time.sleep(answer.after)
                payload = answer.payload()
                self.send_response(answer.status)
                known = {} if answer.headers is None else {"x-amzn-RequestId": "1", **answer.headers}
                for name, value in {"Content-Length": str(len(payload)), **known}.items():
                    self.send_header(name, value)
                with suppress(ConnectionError):  # its client did not wait
                    self.end_headers()
                    self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def edge(*answers: Answer) -> Iterator[Edge]:
    """Serve answers until the block ends."""
    made = Edge(answers)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
