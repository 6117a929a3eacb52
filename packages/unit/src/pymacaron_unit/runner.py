"""``pym test``: a target, the tests that run against it, and the exit status that comes of both."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .exceptions import TargetError
from .targets import handover
from .targets.app import AppTarget
from .targets.tokens import TOKEN
from .targets.waiting import wait_for_ping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from .targets import Target
    from .targets.process import KeptProcess

_LAST_WORDS = 5.0
FOLDERS = ("tests", "test")

_TICK = 0.2
_GRACE = 10.0


@dataclass(frozen=True)
class Run:
    """How the tests are run.

    Attributes:
        paths: of the tests; the folder's ``tests/`` or ``test/`` where there are none.
        options: for pytest.
        loop: whether they are run until they fail.
        no_stop: whether what was started is left running.
        gen_token: whether ``PYM_JWT_TOKEN`` gets a token of the service's default user.
    """

    paths: Sequence[str] = ()
    options: Sequence[str] = field(default_factory=list)
    loop: bool = False
    no_stop: bool = False
    gen_token: bool = False


def run_tests(target: Target, run: Run, say: Callable[[str], None]) -> int:
    """Run the tests against a target and return pytest's exit status; 128 + N where a signal N ended it.

    Raises:
        TargetError: there are no tests, the target cannot be started, or no token can be made.
    """
    command = [sys.executable, "-m", "pytest", *(run.paths or [test_folder()]), *run.options]
    with _ready(target, run.no_stop, say):
        token = target.token(None) if run.gen_token else os.environ.get(TOKEN)
        env = {**_without_handover(os.environ), **handover.variables(target, token)}
        for number in itertools.count(1):
            if run.loop:
                say(f"run {number}")
            status = run_command(command, env)
            _tell_if_ended(target, say)
            if status or not run.loop:
                return status
    raise AssertionError("the loop returns")


def test_folder() -> str:
    """Return the working folder's folder of tests.

    Raises:
        TargetError: it has none.
    """
    for name in FOLDERS:
        if Path(name).is_dir():
            return name
    raise TargetError(f"{Path.cwd()} has no folder tests/ or test/; give the paths of the tests")


def _ready(target: Target, no_stop: bool, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Start a target that is not the tests' own process."""
    if not isinstance(target, AppTarget):
        return started(target, no_stop, say)
    say(f"testing {target.describe()} in the tests' own process")
    return nullcontext()


@contextmanager
def started(target: Target, no_stop: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Start a target for a ``with`` block and stop it afterwards, unless it is to stay."""
    target.start()
    say(f"testing {target.describe()}" + (f" at {target.base_url}" if _process(target) is not None else ""))
    try:
        yield
    finally:
        process = _process(target)
        if no_stop and process is not None and process.is_running():
            say(
                f"left running: {target.base_url} (process {process.pid}, its log is {process.log_file});"
                f" stop it with: kill {process.pid}"
            )
            process.keep()
        else:
            target.stop()


def _process(target: Target) -> KeptProcess | None:
    return getattr(target, "process", None)


def _tell_if_ended(target: Target, say: Callable[[str], None]) -> None:
    process = _process(target)
    if process is not None:
        try:
            # One that has just died may not have been noticed yet.
            wait_for_ping(target, _LAST_WORDS, process.check)
        except TargetError as error:
            say(f"while it was tested, {error}")


def _without_handover(env: Mapping[str, str]) -> dict[str, str]:
    """Leave out what an outer run has told of its target."""
    return {name: value for name, value in env.items() if name not in handover.NAMES}


def run_command(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a command in the foreground; what asks this process to end is passed on to it.

    A command that does not end within 10 s of that is killed.
    """
    child = subprocess.Popen(command, env=env)
    with _passing_signals(child) as asked:
        while True:
            try:
                status = child.wait(_TICK)
                break
            except subprocess.TimeoutExpired:
                if asked and time.monotonic() > asked[0][1] + _GRACE:
                    child.kill()
    if asked and asked[0][0] != signal.SIGINT:
        return 128 + asked[0][0]
    return status if status >= 0 else 128 - status


@contextmanager
def _passing_signals(child: subprocess.Popen[bytes]) -> Iterator[list[tuple[int, float]]]:
    """Pass SIGINT, SIGTERM and SIGHUP to a child as SIGINT, on which pytest tears down; list them with their times."""
    asked: list[tuple[int, float]] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        asked.append((number, time.monotonic()))
        # A terminal sends its ^C to the child as well.
        if number != signal.SIGINT or not sys.stdin.isatty():
            child.send_signal(signal.SIGINT)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
