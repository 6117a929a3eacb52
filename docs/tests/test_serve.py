"""``python3 tools/dev.py serve`` does what the README says, from set-up to the last signal."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parent))

import pages

SET_UP = 300


def _get(url: str, token: str | None = None) -> int:
    request = Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urlopen(request, timeout=10) as response:
            status: int = response.status
            return status
    except HTTPError as error:
        return error.code


def _wait(base: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + SET_UP
    while time.monotonic() < end:
        assert process.poll() is None, "it ended before it served"
        try:
            if _get(f"{base}/ping") == 200:
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("it did not serve in time")


def test_serves_the_example_with_urls_to_try(tmp_path: Path) -> None:
    """It serves, prints a docs page and two calls that work, and ends with status 0 when it is stopped."""
    port = pages.free_port()
    base = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    command = [sys.executable, str(pages.ROOT / "tools" / "dev.py"), "serve", "--port", str(port)]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
        try:
            _wait(base, process)
            printed = log.read_text()
            (page,) = re.findall(r"docs page: +(\S+)", printed)
            (public,) = re.findall(r"public call: +curl (\S+)", printed)
            ((token, private),) = re.findall(r"with a token: curl -H 'Authorization: Bearer (\S+)' (\S+)", printed)
            assert (_get(page), _get(public)) == (200, 200)
            assert (_get(private), _get(private, token)) == (401, 200)
            assert (_get(f"{base}/auth/version"), _get(f"{base}/auth/version", token)) == (401, 200)
            assert _get(f"{base}/version") == 200
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=30)
    assert status == 0, log.read_text()
