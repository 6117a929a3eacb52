"""Measure all stacks side by side and write docs/benchmarks.md.

Rounds are interleaved: each round runs every stack once, so that what else the machine does falls on all of them.
Figures are medians over the rounds; ratios are medians of the ratios within each round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from cases import CASES  # noqa: E402  # after the path is set

OURS = "pymacaron_app"
STACKS = {
    OURS: "PyMacaron",
    "fastapi_app": "FastAPI",
    "connexion_app": "Connexion",
    "apiflask_app": "APIFlask",
    "flask_openapi3_app": "flask-openapi3",
    "flask_json_app": "Flask, get_json and jsonify",
    "flask_echo_app": "Flask, octets echoed",
    "bravado_app": "Flask + bravado-core",
    "msgspec": "bare msgspec (no HTTP)",
    "msgspec_typed": "bare msgspec, typed: decoded, encoded, checked by decoding (no HTTP)",
}
UNCHECKED = ("flask_echo_app", "flask_json_app", "msgspec")
BARE = ("msgspec", "msgspec_typed")
SLOW = {("connexion_app", "big"), ("bravado_app", "big")}
DISTRIBUTIONS = ("pymacaron", "flask", "msgspec", "jsonschema-rs", "granian", "fastapi", "pydantic", "uvicorn")
DISTRIBUTIONS += ("connexion", "apiflask", "flask-openapi3", "bravado-core")

# What, numerator, denominator (stack and case), and the goal with its floor.
RATIOS = (
    ("CPU per request ÷ FastAPI's, order", (OURS, "order"), ("fastapi_app", "order"), "≤ 0.25 (≤ 0.50)"),
    ("CPU per request ÷ plain Flask echo's, order", (OURS, "order"), ("flask_echo_app", "order"), "≤ 0.5 (≤ 0.9)"),
    ("Connexion's CPU per request ÷ ours, order", ("connexion_app", "order"), (OURS, "order"), "≥ 60 (≥ 25)"),
    ("1 MB body ÷ bare msgspec decode + encode", (OURS, "big"), ("msgspec", "big"), "≤ 1.3"),
    ("1 MB body ÷ bare msgspec that checks it both ways", (OURS, "big"), ("msgspec_typed", "big"), "-"),
    ("400 with 50 faults ÷ the valid request", (OURS, "faults"), (OURS, "valid25"), "≤ 3"),
)

Figures = dict[tuple[str, str], list[float]]


class Worker:
    """A stack in a process of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, case: str, count: int) -> float:
        """Run a case a number of times; return the CPU time of one, in microseconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"case": case, "count": count}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if self.name not in UNCHECKED and answer["status"] not in CASES[case].statuses:
            raise SystemExit(f"{self.name} answered {answer['status']} to the case {case}")
        cpu: float = answer["cpu"] / count * 1e6
        return cpu

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def applies(stack: str, case: str) -> bool:
    """Tell whether a stack can run a case: bare msgspec knows bodies alone, what does not check finds no fault."""
    if stack in BARE:
        return case == "big"
    return not (stack in UNCHECKED and case == "faults")


def cpu_figures(rounds: int, share: float) -> Figures:
    """Return the CPU time per request of each stack and case, in microseconds, one figure a round."""
    workers = [Worker(name) for name in STACKS]
    found: Figures = {}
    try:
        counts: dict[tuple[str, str], int] = {}
        for worker in workers:
            for case in CASES:
                if applies(worker.name, case):
                    worker.run(case, 2)
                    counts[worker.name, case] = max(1, int(share * 1e6 / worker.run(case, 3)))
        for number in range(rounds):
            for case in CASES:
                for worker in workers:
                    key = (worker.name, case)
                    if key in counts and not (key in SLOW and number >= 3):
                        found.setdefault(key, []).append(worker.run(case, counts[key]))
            sys.stderr.write(f"cpu: round {number + 1} of {rounds}\n")
    finally:
        for worker in workers:
            worker.stop()
    return found


def ratio(figures: Figures, a: tuple[str, str], b: tuple[str, str]) -> float:
    """Return the median of a/b within each round."""
    return statistics.median(x / y for x, y in zip(figures[a], figures[b], strict=False))


def start_figures(rounds: int, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Return CPU and wall seconds from the start of a process to its first right answer.

    All modules are compiled before, as where packages are installed: this repository's own, too, whatever the
    environment says of writing bytecode.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds + 1):
        for name in (OURS, "fastapi_app"):
            made = _timed([sys.executable, str(HERE / "worker.py"), name, "order"], environment)
            if number:
                found.setdefault(name, []).append(made)
    return found


def _timed(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def large_figures(rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Return CPU seconds and memory of booting 1,000 operations, warm, and CPU seconds of checking their contract."""
    path = folder / "large.json"
    large = [sys.executable, str(HERE / "large.py")]
    subprocess.run([*large, "write", str(path)], check=True)
    subprocess.run([*large, "pymacaron", str(path)], check=True, stdout=subprocess.DEVNULL)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in ("pymacaron", "fastapi"):
            made = subprocess.run([*large, name, str(path)], check=True, capture_output=True, text=True)
            found.setdefault(name, []).append(json.loads(made.stdout.splitlines()[-1]))
        cpu, wall = _timed([sys.executable, "-m", "pymacaron.cli", "check", str(path)])
        found.setdefault("check", []).append({"cpu": cpu, "wall": wall})
    return found


def served_figures(rounds: int, seconds: int, folder: Path) -> dict[str, list[float]]:
    """Return requests per second behind a server with one worker, under wrk with 16 connections."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.stderr.write("served: wrk is not installed (apt-get install wrk); these figures are left out\n")
        return {}
    script = folder / "order.lua"
    body = CASES["order"].body.decode()
    script.write_text(f'wrk.method = "POST"\nwrk.body = [[{body}]]\nwrk.headers["Content-Type"] = "application/json"\n')
    granian = "granian --interface wsgi --workers 1 --blocking-threads 1 --no-ws stacks.pymacaron_app:app"
    uvicorn = "uvicorn --no-access-log --log-level warning stacks.fastapi_app:app"
    servers = {"Granian + PyMacaron": granian, "uvicorn + FastAPI": uvicorn}
    running, found = {}, {}
    try:
        for title, command in servers.items():
            port = _free_port()
            program, *arguments = command.split()
            argv = [str(Path(sys.executable).parent / program), *arguments, "--host", "127.0.0.1", "--port", str(port)]
            running[title] = (
                port,
                subprocess.Popen(argv, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
            )
            _wait(port)
        for number in range(rounds):
            for title, (port, _) in running.items():
                url = f"http://127.0.0.1:{port}/orders"
                command = [wrk, "-t1", "-c16", f"-d{seconds}s", "-s", str(script), url]
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                if "Non-2xx" in printed:
                    raise SystemExit(f"{title} refused requests:\n{printed}")
                (line,) = [part for part in printed.splitlines() if part.startswith("Requests/sec")]
                found.setdefault(title, []).append(float(line.split()[1]))
            sys.stderr.write(f"served: round {number + 1} of {rounds}\n")
    finally:
        for _, process in running.values():
            process.terminate()
            process.wait(10)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    request = Request(
        f"http://127.0.0.1:{port}/orders", CASES["order"].body, {"Content-Type": "application/json"}, method="POST"
    )
    for _ in range(200):
        try:
            with urlopen(request, timeout=5) as response:
                assert response.status == 200
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"no server answered on port {port}")


def goals(figures: Figures, start: Any, large: Any, served: Any) -> list[tuple[str, str, str]]:
    """Return each figure that is a goal: what, measured, goal (floor in brackets)."""
    median = statistics.median
    rows = [(what, ratio(figures, above, below), goal) for what, above, below, goal in RATIOS]
    pairs = list(zip(start[OURS], start["fastapi_app"], strict=True))
    rows.append(("start to first answer ÷ FastAPI's, CPU", median(a[0] / b[0] for a, b in pairs), "≤ 0.6 (≤ 1.0)"))
    rows.append(("start to first answer ÷ FastAPI's, wall", median(a[1] / b[1] for a, b in pairs), "≤ 0.6 (≤ 1.0)"))
    rows.append(("boot of 1,000 operations, CPU s", median(f["cpu"] for f in large["pymacaron"]), "≤ 0.5"))
    memory = median(a["memory"] / b["memory"] for a, b in zip(large["pymacaron"], large["fastapi"], strict=True))
    rows.append(("memory after that boot ÷ FastAPI's", memory, "≤ 1.2"))
    rows.append(("pym check of that contract, wall s", median(f["wall"] for f in large["check"]), "≤ 5"))
    if served:
        ours, theirs = served["Granian + PyMacaron"], served["uvicorn + FastAPI"]
        value = median(a / b for a, b in zip(ours, theirs, strict=True))
        rows.append(("served requests/s ÷ uvicorn + FastAPI's", value, "≥ 2.5 (≥ 1.5)"))
    return [(what, f"{value:.3g}", goal) for what, value, goal in rows]


def report(figures: Figures, start: Any, large: Any, served: Any, options: argparse.Namespace) -> str:
    """Write the page."""
    versions = ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)
    lines = [
        "# Benchmarks",
        "",
        "Made by `nox -s bench`: every stack in its own process, rounds interleaved, medians. A request is one call of",
        "the WSGI or ASGI app without a server; both directions are validated except where a row says otherwise.",
        "Ratios are medians of the ratios within each round. Machines differ, and shared ones are noisy: compare",
        "within one run.",
        "",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}."
        f" Rounds: {options.rounds}.",
        f"Versions: {versions}.",
        "",
        "| figure | measured | goal (floor) |",
        "|---|---|---|",
        *(f"| {what} | {value} | {goal} |" for what, value, goal in goals(figures, start, large, served)),
        "",
        "Each of the 16,000 elements of the 1 MB body has a text with a `pattern`, which msgspec runs on Python's",
        "engine, once on the way in and once on the way out. So the second of those rows is the bound for a check of",
        "both directions by msgspec; the goal of the first one leaves no room for patterns.",
        "",
        "CPU per request, µs:",
        "",
        "| stack | " + " | ".join(case.title for case in CASES.values()) + " |",
        "|---" * (len(CASES) + 1) + "|",
    ]
    for stack, title in STACKS.items():
        cells = [_cell(figures.get((stack, case))) for case in CASES]
        lines.append(f"| {title}{' (not validated)' if stack in UNCHECKED else ''} | " + " | ".join(cells) + " |")
    if served:
        lines += [
            "",
            "Served, one worker each, wrk with 16 connections, requests per second:",
            "",
            "| | |",
            "|---|---|",
        ]
        lines += [f"| {title} | {statistics.median(values):.0f} |" for title, values in served.items()]
    return "\n".join(lines) + "\n"


def _cell(values: list[float] | None) -> str:
    return "-" if not values else f"{statistics.median(values):,.0f}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.is_file() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--share", type=float, default=0.1, help="CPU seconds of one stack and case in a round")
    parser.add_argument("--seconds", type=int, default=4, help="of one wrk run")
    parser.add_argument("--output", type=Path, default=HERE.parent / "docs" / "benchmarks.md")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["PYM_CONTRACT_CACHE"] = str(Path(folder) / "cache")
        figures = cpu_figures(options.rounds, options.share)
        start = start_figures(options.rounds, Path(folder))
        large = large_figures(3, Path(folder))
        served = served_figures(3, options.seconds, Path(folder))
    text = report(figures, start, large, served, options)
    options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
