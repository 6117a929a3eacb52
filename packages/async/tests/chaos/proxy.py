"""A way to a server that can be cut: connections end, and new ones lead nowhere, until it is mended."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Proxy:
    """Listens on a free port of the loopback interface and hands on octets.

    Attributes:
        port: where it listens; cut or not, so that who connects is accepted, and hears nothing.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.is_cut = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def cut(self, silently: bool = False) -> None:
        """Let nothing through any more.

        Args:
            silently: connections stay open and fall silent, as where a network drops packets; else they end.
        """
        with self._lock:
            self.is_cut = True
            if not silently:
                self._close_all()

    def mend(self) -> None:
        """Let new connections through; the old ones end."""
        with self._lock:
            self._close_all()
            self.is_cut = False

    def _close_all(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(client)
                if self.is_cut:
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
                self._open.add(server)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.is_cut:  # what was on its way is lost
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self._lock:
            self._close_all()
        self._thread.join()
