"""The HTTP server of a stub, in threads of this process."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from .receiving import Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymacaron.messages import Outgoing

    #: Returns what is answered, and after how many seconds; None where the connection is closed instead.
    Serve = Callable[[Received], tuple[Outgoing | None, float]]

_NO_BODY = frozenset({204, 205, 304})


class QuietHandler(WSGIRequestHandler):
    """Logs nothing: what a stub received stands in its calls."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing."""


class StubServer:
    """Listens on the loopback interface.

    Args:
        serve: says what is answered.
        port: to listen on; a free one where it is 0.
    """

    def __init__(self, serve: Serve, port: int = 0) -> None:
        self._serve = serve
        self._stopped = threading.Event()
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stop listening; calls that still wait for an answer get none."""
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer, seconds = self._serve(Received(environ))
        if seconds and self._stopped.wait(seconds):
            answer = None
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        made = Response(answer.body, answer.status, Headers(answer.headers), content_type=answer.content_type)
        if answer.content_type is None:
            made.headers.remove("Content-Type")
        if answer.status in _NO_BODY:
            made.headers.remove("Content-Length")
        return made(environ, start_response)
