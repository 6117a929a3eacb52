"""Send hostile requests to an app in this process until the time is up.

No request may end in a 5xx, raise, take longer than its bound, show a secret, or make the process grow without end.
The seed of a run is printed; a failing request is printed whole.
"""

from __future__ import annotations

import argparse
import io
import logging
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from flask import Flask  # noqa: E402  # after the path is set

from fuzz.requests import SECRET, Hostile, Maker  # noqa: E402
from pymacaron import API  # noqa: E402
from pymacaron.config import Config, set_config  # noqa: E402

SLOWEST = 5
GROWTH_MB = 400


def make_app() -> Flask:
    """Make the service; its handlers return what came."""
    set_config(Config({"handlers": __name__, "max_body_bytes": 1_000_000, "jwt_secret": "x" * 32}))
    app = Flask(__name__)
    return API(app).load_api("hostile", HERE / "contract.yaml").prepare()


def get(**arguments: Any) -> Any:
    """Return the arguments, as far as JSON holds them."""
    return {name: str(value) for name, value in arguments.items()}


def post(body: Any, kind: str, number: int) -> Any:
    """Return the body; files and streams by their length."""
    return {"length": len(body.read())} if hasattr(body, "read") else _shown(body)


def _shown(body: Any) -> Any:
    """Replace files in a form by their names."""
    items = (
        list(body.items())
        if isinstance(body, dict)
        else [(n, body[n]) for n in body]
        if hasattr(body, "to_json")
        else []
    )
    files = [
        name
        for name, value in items
        if hasattr(value, "read") or (isinstance(value, list) and value and hasattr(value[0], "read"))
    ]
    return {"files": files} if files else body


def send(app: Any, request: Hostile) -> tuple[int, bytes]:
    """Send a request; return status and body."""
    status = 0

    def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        nonlocal status
        status = int(line[:3])

    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": request.query.encode("utf-8", "surrogatepass").decode("latin-1"),
        "CONTENT_TYPE": request.content_type,
        "CONTENT_LENGTH": request.length if request.length is not None else str(len(request.body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **request.headers,
    }
    answer = app(environ, start)
    try:
        return status, b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"it took longer than {SLOWEST} s")


def judge(app: Any, request: Hostile, seen: Counter[int]) -> str | None:
    """Send a request, count its status, and say what is wrong with the answer, if anything."""
    signal.alarm(SLOWEST)
    try:
        status, body = send(app, request)
    except Exception as error:  # noqa: BLE001  # whatever comes out of the app is what is looked for
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    seen[status] += 1
    if status >= 500:
        return f"status {status}: {body[:300]!r}"
    if status >= 400 and SECRET.encode() in body:
        return f"the error shows a secret: {body[:300]!r}"
    return None


def memory_mb() -> float:
    """Return the most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Fuzz for a while; return 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_slow)
    logging.disable(logging.CRITICAL)
    app, maker, seen = make_app(), Maker(options.seed), Counter[int]()
    end, count, before = time.monotonic() + options.seconds, 0, 0.0
    print(f"seed {options.seed}")
    while time.monotonic() < end:
        request = maker.request()
        wrong = judge(app, request, seen)
        count += 1
        if wrong is not None:
            print(f"request {count} of seed {options.seed}: {wrong}\n{str(request)[:3000]}")
            return 1
        if count == 2000:
            before = memory_mb()
        if before and memory_mb() - before > GROWTH_MB:
            print(f"after {count} requests the process has grown by {memory_mb() - before:.0f} MB")
            return 1
    print(
        f"{count} requests, nothing found; grown by {memory_mb() - before:.0f} MB since request 2000; by status: {seen}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
