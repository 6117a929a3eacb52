"""Serving an app: Werkzeug's server for development, Granian for production."""

from __future__ import annotations

import ctypes
import errno
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from pymacaron.exceptions import ConfigError

from .unread import ClosesUnread

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Flask


# A streaming response holds its thread for as long as it lasts, so there must be some to spare.
THREADS = 16
_PR_SET_PDEATHSIG = 1


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be listened on, before anything is started.

    Raises:
        ConfigError: another process listens on it, or this one may not.
    """
    if not 0 <= port <= 65535:
        raise ConfigError(f"port {port} is none; use 0 to 65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(f"port {port} on {host} is in use; choose another one with --port") from None
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def serve_development(app: Flask, host: str, port: int, debug: bool) -> None:
    """Serve with Werkzeug's server until interrupted.

    Args:
        app: the app, prepared.
        host: to listen on.
        port: to listen on.
        debug: whether error bodies say what happened.
    """
    from werkzeug.serving import make_server

    check_port(host, port)
    app.debug = debug
    server = make_server(host, port, app, threaded=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()


def serve_production(target: str, host: str, port: int, workers: int, threads: int | None) -> None:
    """Serve with Granian until interrupted.

    Args:
        target: ``module:app`` that each process imports.
        host: to listen on.
        port: to listen on.
        workers: server processes.
        threads: of each process; None lets Granian choose.
    """
    from granian.constants import Interfaces
    from granian.server import Server

    check_port(host, port)
    Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads or THREADS,
        respawn_failed_workers=True,
        websockets=False,
    ).serve(target_loader=load_in_worker)


def load_in_worker(target: str) -> WSGIApplication:
    """Return the app of ``module:app`` in a process of Granian's, which ends with the one that started it."""
    die_with_parent()
    module, _, name = target.partition(":")
    app: Flask = getattr(import_module(module), name)
    return ClosesUnread(app)


def die_with_parent() -> None:
    """Ask the kernel to stop this process when its parent ends, even where that is killed (Linux alone can)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
