"""Pages of the documentation as scripts: their ``console`` blocks are run in a shell, their ``python`` blocks too."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PORT = "8080"
PATIENCE = 240
_MARK = "=====documentation====="


@dataclass(frozen=True)
class Step:
    """One command of a console block, and what the page says that it prints."""

    command: str
    expected: str


def blocks(page: Path, kind: str) -> list[str]:
    """Return the blocks of one kind on a page."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == kind]


def programs(page: Path) -> list[str]:
    """Return the blocks of Python that are no files, see editor.py; together they are one program."""
    return [text for text in blocks(page, "python") if not re.match(r"# \S+\.py\n", text)]


def steps(page: Path) -> list[Step]:
    """Return the commands of a page in order."""
    made: list[Step] = []
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            made.append(Step(command, expected.strip()))
    return made


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(page: Path, folder: Path) -> list[tuple[Step, str]]:
    """Run the commands of a page in one shell; return each with what it printed.

    A command that ends in ``&`` is waited for until its port answers; it ends with the shell.
    """
    port = free_port()
    script = "\n".join(_lines(step, port) for step in steps(page))
    bin_folder = str(Path(sys.executable).parent)
    env = {
        **os.environ,
        "PATH": bin_folder + os.pathsep + os.environ["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "EXAMPLES": str(ROOT / "examples"),
        "EDITOR": f"{sys.executable} {Path(__file__).with_name('editor.py')} {page}",
        "PYTHONWARNINGS": "",
    }
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            printed = shell.communicate(timeout=PATIENCE)[0]
        finally:
            _stop(shell.pid)
    parts = printed.replace(str(port), _PORT).split(_MARK + "\n")[1:]
    return list(zip(steps(page), (part.strip() for part in parts), strict=True))


def _lines(step: Step, port: int) -> str:
    command = step.command.replace(_PORT, str(port))
    mark = f"echo '{_MARK}'"
    if not command.endswith("&"):
        return f"{mark}\n{command}"
    # What runs in the background keeps no pipe open, and is stopped with the shell's group.
    wait = f"for i in $(seq 200); do curl -so /dev/null localhost:{port}/ping && break; sleep 0.1; done"
    return f"{mark}\n{command[:-1]} >server.log 2>&1 & SERVER=$!\ntrap 'kill $SERVER; wait $SERVER' EXIT\n{wait}"


def _stop(group: int) -> None:
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        return


def agrees(expected: str, printed: str) -> bool:
    """Tell whether output is what a page says, where ``...`` stands for anything."""
    pattern = re.escape(expected).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, printed, re.DOTALL) is not None
