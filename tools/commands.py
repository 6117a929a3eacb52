"""The sub-commands of tools/dev.py: set everything up, then let nox do the work."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools import children, debian, environment, packages, pythons, results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent

# Sessions that look at the whole repository; those of the packages come after them.
COMMON = ("lint", "typing", "docs", "tools")

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run one sub-command and return the exit status."""
    options = _parser().parse_args(arguments)
    stopped = 0 if options.command == "serve" else INTERRUPTED
    try:
        with children.stoppable():
            return serve(options.port) if options.command == "serve" else test(options.package, options.no_system)
    except children.Stopped:
        return stopped
    except (environment.SetupError, packages.PackageError) as error:
        print(f"tools/dev.py: {error}", file=sys.stderr)
        return 2


def serve(port: int | None) -> int:
    """Serve the example service until ^C."""
    return run_nox(["--session", "serve", *(["--", "--port", str(port)] if port is not None else [])])


def test(names: Sequence[str], no_system: bool) -> int:
    """Run the sessions that a test run is made of; the last line counts what they did."""
    found = packages.find(ROOT)
    supported = packages.python_versions(found)
    machine = pythons.find(supported)
    if not machine.pythons:
        raise environment.SetupError(f"found no CPython {' or '.join(sorted(supported))}; install one")
    chosen = choose(names, found)
    sessions = plan(chosen, machine.minors, common=not names)
    system = debian.wanted(package for package in found if package.name in chosen)
    left_out = [*machine.left_out, *(no_system_words(system) if no_system else [])]
    if not no_system:
        debian.ensure(system)
    (ROOT / ".nox").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="results-", dir=ROOT / ".nox") as folder:
        env = {"PYM_TEST_RESULTS": folder, **({"PYM_TEST_NO_SYSTEM": "1"} if no_system else {})}
        report = Path(folder) / results.REPORT
        status = run_nox(["--report", str(report), "--session", *sessions], env)
        outcomes = results.collect(Path(folder), sessions)
    return conclude(status, outcomes, left_out)


def choose(names: Sequence[str], found: Sequence[packages.Package]) -> list[str]:
    """Return the names of the packages to test: those asked for, all if none is."""
    known = [package.name for package in found]
    if unknown := sorted(set(names) - set(known)):
        raise packages.PackageError(f"no package {', '.join(unknown)}; there are: {', '.join(known)}")
    return [name for name in known if not names or name in names]


def plan(names: Sequence[str], minors: Sequence[str], *, common: bool) -> list[str]:
    """Return the nox sessions of a test run; `common` adds those that look at the whole repository."""
    return [*(COMMON if common else ()), *(f"tests-{minor}({name})" for name in names for minor in minors)]


def no_system_words(system: Sequence[str]) -> list[str]:
    """Return what --no-system leaves out."""
    return [f"tests that need Debian packages (--no-system): {', '.join(system)}"] if system else []


def run_nox(arguments: Sequence[str], env: Mapping[str, str] | None = None) -> int:
    """Run nox from an up-to-date `.venv`, with the caller's environment less its own settings of nox."""
    python = environment.ensure(ROOT)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOX")}
    command = [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments]
    return children.run(command, {**inherited, **(env or {})})


def conclude(status: int, outcomes: Sequence[results.Outcome], left_out: Sequence[str]) -> int:
    """Say what ran, what was left out and, last, the count; return the exit status."""
    count = results.total(outcomes)
    print(f"\nsessions: {', '.join(map(str, outcomes))}")
    for reason in results.skip_reasons(outcomes):
        print(f"skipped: {reason}")
    for thing in left_out:
        print(f"left out: {thing}")
    print(count, flush=True)
    return status or int(count.failed > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/dev.py", description="Set everything up, then serve or test.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run the example service until ^C")
    serving.add_argument("--port", type=int, help="where it listens (default: the example's own)")
    testing = commands.add_parser("test", help="run every test; the last line counts them")
    testing.add_argument("--no-system", action="store_true", help="leave out the tests that need Debian packages")
    testing.add_argument("package", nargs="*", help="test only these packages (default: all, and the repository)")
    return parser
