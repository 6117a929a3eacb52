"""What the tests of services share: apps made from a dict, folders of services, servers in their own processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

import requests
from flask import Flask

from pymacaron import API
from pymacaron.config import Config, set_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Handlers = Mapping[str, Callable[..., Any]]

SECRET = "a key for tests that is long enough for HS256"
PATIENCE = 20.0
#: Where nothing listens: the port is reserved (RFC 6335, section 6) and never bound.
NOBODY = "http://127.0.0.1:1"


def swagger(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a Swagger 2.0 document."""
    return {"swagger": "2.0", "info": {"title": "Test", "version": "1.2.3"}, "paths": paths, **more}


def openapi(paths: dict[str, Any], version: str = "3.1.0", **more: Any) -> dict[str, Any]:
    """Write an OpenAPI 3 document."""
    return {"openapi": version, "info": {"title": "Test", "version": "1.2.3"}, "paths": paths, **more}


def json_of(schema: Any, description: str = "as asked") -> dict[str, Any]:
    """Write a response, or a request body, of OpenAPI 3 that is JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def bind(handlers: Handlers) -> None:
    """Make functions the handlers that an operationId without dots is looked up among."""
    module = ModuleType("handlers")
    vars(module).update(handlers)
    sys.modules["handlers"] = module


def make_api(
    document: dict[str, Any],
    handlers: Handlers | None = None,
    config: dict[str, Any] | None = None,
    name: str = "shop",
    **options: Any,
) -> API:
    """Make a prepared API from one document, its handlers and the values of pym-config."""
    set_config(Config({"name": "shop", "jwt_secret": SECRET, **(config or {})}))
    bind(handlers or {})
    api = API(Flask("app"), **options)
    api.load_api(name, document)
    api.prepare()
    return api


def caller(app: Flask) -> Any:
    """Return a client that calls an app in this process.

    It is Any because Werkzeug types the JSON of each response as maybe None.
    """
    return app.test_client()


def serve(document: dict[str, Any], handlers: Handlers | None = None, **options: Any) -> Any:
    """Make an app and return what calls it in this process."""
    return caller(make_api(document, handlers, **options).app)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, each text dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


SERVER = """
    from flask import Flask
    from pymacaron import API, letsgo

    app = Flask(__name__)


    def start(port, debug):
        api = API(app, port=port, debug=debug)
        api.load_apis()
        api.publish_apis()
        api.start()


    letsgo(__name__, callback=start)
"""

CONTRACT = """
    openapi: 3.1.0
    info: {title: Greetings, version: 0.1.0}
    servers: [{url: /v1}]
    paths:
      /hello/{name}:
        get:
          operationId: hello
          parameters:
            - {name: name, in: path, required: true, schema: {type: string}}
          responses:
            "200":
              description: A greeting
              content: {application/json: {schema: {type: object}}}
"""

HANDLERS = """
    def hello(name):
        return {"hello": name}
"""

SERVICE = {
    "server.py": SERVER,
    "apis/greetings.yaml": CONTRACT,
    "handlers.py": HANDLERS,
    "pym-config.yaml": "name: greetings\n",
}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return variables for a process: nothing of the caller's PYM_ ones, and a cache of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYM_")}
    return {**kept, "PYM_CONTRACT_CACHE": str(folder / ".cache"), "PYTHONUNBUFFERED": "1", **more}


def pym(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one ``pym`` command in a folder until it ends."""
    return python(folder, "-m", "pymacaron.cli", *arguments, **variables)


def python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder until it ends."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A service in a process of its own, answering at ``url``."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **options: Any) -> requests.Response:
        """Call the service."""
        return requests.get(self.url + path, timeout=PATIENCE, **{"headers": {"Connection": "close"}, **options})

    def post(self, path: str, **options: Any) -> requests.Response:
        """Call the service."""
        return requests.post(self.url + path, timeout=PATIENCE, **options)

    def wait(self, until: Callable[[], Any], what: str) -> Any:
        """Return what a function returns as soon as that is true; fail where it never is."""
        return wait_for(until, lambda: f"{what}; the server said:\n{self.log.read_text()}")

    def answers(self, path: str = "/ping", **options: Any) -> requests.Response | None:
        """Return the answer of the service, None while there is no server."""
        try:
            return self.get(path, **options)
        except requests.ConnectionError:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended:\n{self.log.read_text()}") from None
            return None

    def stop(self) -> int:
        """End the process with SIGTERM and return its status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
            raise


def wait_for(until: Callable[[], Any], what: Callable[[], str]) -> Any:
    """Return what a function returns as soon as that is true; fail after a while."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = until()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what()}")


@contextmanager
def running(folder: Path, command: Sequence[str], port: int | None = None, **variables: str) -> Iterator[Server]:
    """Run a server, with ``--port`` behind its command, until the block ends.

    Args:
        folder: the service's.
        command: Python's arguments, such as ``["-m", "pymacaron.cli", "run"]``.
        port: to listen on; a free one where it is None.
        variables: for its environment.
    """
    port = port if port is not None else free_port()
    log = folder / f"server-{port}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)],
            cwd=folder,
            env=environment(folder, **variables),
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(process, port, log)
    try:
        server.wait(server.answers, "the server answers")
        yield server
    finally:
        with suppress(subprocess.TimeoutExpired):
            server.stop()


def listens(port: int) -> bool:
    """Tell whether anything listens on a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
