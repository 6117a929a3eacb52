"""One stack in one process: runs requests when told to, and tells the CPU time that they took.

A request is one call of the WSGI or ASGI app, without any server around it.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Case


def wsgi(app: Any, case: Case, count: int) -> int:
    """Run a case through a WSGI app; return the last status."""
    status = 0
    base = {
        "REQUEST_METHOD": case.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": case.path,
        "QUERY_STRING": case.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if case.body:
        base |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(case.body))}

    def start(line: str, headers: list[Any], exc_info: Any = None) -> None:
        nonlocal status
        status = int(line[:3])

    for _ in range(count):
        body = app({**base, "wsgi.input": io.BytesIO(case.body)}, start)
        b"".join(body)
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return status


async def _asgi(app: Any, case: Case, count: int) -> int:
    status = 0
    headers = [(b"host", b"127.0.0.1:8080"), (b"accept", b"*/*"), (b"user-agent", b"bench")]
    if case.body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(case.body)).encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    for _ in range(count):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": case.method,
            "scheme": "http",
            "path": case.path,
            "raw_path": case.path.encode(),
            "query_string": case.query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        await app(scope, receive, send)
    return status


def runner(name: str) -> Callable[[Case, int], int]:
    """Load a stack and return what runs a case on it a number of times."""
    logging.disable(logging.CRITICAL)
    module = importlib.import_module(f"stacks.{name}")
    if module.KIND == "wsgi":
        return lambda case, count: wsgi(module.app, case, count)
    import asyncio

    loop = asyncio.new_event_loop()
    loop.run_until_complete(_start_up(module.app))
    return lambda case, count: loop.run_until_complete(_asgi(module.app, case, count))


async def _start_up(app: Any) -> None:
    """Run the ASGI lifespan up to its start, as a server does."""
    import asyncio  # Only stacks that need it pay for it: the import counts in the time of their start.

    started = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not started.is_set():
            return {"type": "lifespan.startup"}
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        started.set()

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait([asyncio.create_task(started.wait()), task], return_when=asyncio.FIRST_COMPLETED)


def codec_only(case: Case, count: int) -> int:
    """Decode and encode a body with bare msgspec: the floor for what JSON costs."""
    import msgspec

    for _ in range(count):
        msgspec.json.encode(msgspec.json.decode(case.body))
    return 200


def codec_typed(case: Case, count: int) -> int:
    """Decode a body to msgspec's own types of the contract, encode it, and check that by decoding it again."""
    import msgspec
    from stacks.bodies import Order

    decode, encode = msgspec.json.Decoder(Order).decode, msgspec.json.Encoder().encode
    for _ in range(count):
        decode(encode(decode(case.body)))
    return 200


BARE = {"msgspec": codec_only, "msgspec_typed": codec_typed}


def main() -> None:
    """Answer each line ``{"case":, "count":}`` with ``{"cpu":, "status":}``."""
    name = sys.argv[1]
    run = BARE[name] if name in BARE else runner(name)
    if len(sys.argv) > 2:
        assert run(CASES[sys.argv[2]], 1) in CASES[sys.argv[2]].statuses
        return
    for line in sys.stdin:
        wanted = json.loads(line)
        started = time.process_time()
        status = run(CASES[wanted["case"]], wanted["count"])
        sys.stdout.write(json.dumps({"cpu": time.process_time() - started, "status": status}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
