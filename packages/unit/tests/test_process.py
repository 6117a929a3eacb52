"""Commands that are kept: started, logged, and stopped with everything that came of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pymacaron_unit.exceptions import TargetError
from pymacaron_unit.targets.process import KeptProcess, free_port, is_taken

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0


def wait_until(true: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def python(text: str) -> list[str]:
    return [sys.executable, "-u", "-c", textwrap.dedent(text)]


def pids(file: Path, count: int) -> list[int]:
    """Return the process ids in a file, once there are so many."""
    wait_until(lambda: file.exists() and len(file.read_text().split()) == count, f"{count} processes")
    return list(map(int, file.read_text().split()))


def test_output_is_kept() -> None:
    """What the command writes can be read while it runs, its errors too."""
    kept = KeptProcess("it", python("import sys, time; print('one'); print('two', file=sys.stderr); time.sleep(60)"))
    kept.start()
    try:
        wait_until(lambda: "two" in kept.log(), "the output")
        assert kept.log() == "one\ntwo\n"
        kept.check()
        assert kept.is_running()
    finally:
        kept.stop()
    assert kept.log() == ""
    assert not kept.is_running()
    assert not kept.log_file.parent.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print('the reason'); raise SystemExit(3)", "it ended with status 3:\n    the reason"),
        ("raise SystemExit(0)", "it ended with status 0, and wrote nothing"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with status 137, and wrote nothing"),
    ],
)
def test_an_end_is_told(text: str, message: str) -> None:
    """The message has the status (128 + N after signal N) and the end of the output."""
    kept = KeptProcess("it", python(text))
    kept.start()
    try:
        wait_until(lambda: not kept.is_running(), "its end")
        with pytest.raises(TargetError) as raised:
            kept.check()
    finally:
        kept.stop()
    assert str(raised.value) == message


def test_only_the_end_of_a_long_log_is_shown() -> None:
    """Forty lines are enough to see why a service ended."""
    kept = KeptProcess("it", python("print(*range(100), sep='\\n')"))
    kept.start()
    wait_until(lambda: not kept.is_running(), "its end")
    assert kept.tail().split() == [":", *map(str, range(60, 100))]
    kept.stop()


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """It is told as a command that ended at once."""
    kept = KeptProcess("it", [str(tmp_path / "nowhere")])
    kept.start()
    wait_until(lambda: not kept.is_running(), "its end")
    with pytest.raises(TargetError, match=r"(?s)it ended with status \d+:.*nowhere"):
        kept.check()
    kept.stop()


def test_command_is_asked_to_end(tmp_path: Path) -> None:
    """A stop is SIGTERM, and what the command does on it is waited for."""
    text = """
        import pathlib, signal, sys, time
        def stop(*_):
            time.sleep(0.3)
            pathlib.Path("tidied").touch()
            sys.exit()
        signal.signal(signal.SIGTERM, stop)
        print("ready")
        time.sleep(60)
    """
    kept = KeptProcess("it", python(text), tmp_path)
    kept.start()
    wait_until(lambda: "ready" in kept.log(), "ready")
    kept.stop()
    assert (tmp_path / "tidied").exists()


# Ignores SIGTERM, and starts a child in its group and one in a session of its own that ignore it too.
STUBBORN = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
    with open("pids", "w") as file:
        print(os.getpid(), *(child.pid for child in children), file=file)
    time.sleep(60)
"""


def test_all_that_came_of_it_is_stopped(tmp_path: Path) -> None:
    """What ignores SIGTERM is killed after a while: the command, its group, and what left the group."""
    kept = KeptProcess("it", python(STUBBORN), tmp_path, within=0.5)
    kept.start()
    started = pids(tmp_path / "pids", 3)
    kept.stop()
    assert [pid for pid in started if lives(pid)] == []


def test_nothing_is_left_where_the_command_has_ended(tmp_path: Path) -> None:
    """Children that a command leaves behind when it crashes end with it."""
    kept = KeptProcess("it", python(STUBBORN.replace("time.sleep(60)\n", "raise SystemExit(1)\n")), tmp_path)
    kept.start()
    started = pids(tmp_path / "pids", 3)
    wait_until(lambda: not kept.is_running(), "its end")
    assert [pid for pid in started if lives(pid)] == []
    kept.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_its_starter(tmp_path: Path, number: signal.Signals) -> None:
    """Where the process that started it is killed, the command is stopped all the same."""
    text = f"""
        import os, time
        from pymacaron_unit.targets.process import KeptProcess
        kept = KeptProcess("it", {python(STUBBORN)!r}, within=0.5)
        kept.start()
        print(kept.pid, flush=True)
        time.sleep(60)
    """
    starter = subprocess.Popen(python(text), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        started = [int(starter.stdout.readline()), *pids(tmp_path / "pids", 3)]
        starter.send_signal(number)
        starter.wait(PATIENCE)
    wait_until(lambda: not any(map(lives, started)), "the end of all")


def test_a_killed_keeper_takes_the_command_along(tmp_path: Path) -> None:
    """Where what stands between is killed, the command gets SIGTERM (Linux)."""
    kept = KeptProcess("it", python("import os, time; print(os.getpid()); time.sleep(60)"))
    kept.start()
    wait_until(lambda: kept.log().strip(), "its id")
    command = int(kept.log())
    assert kept.pid is not None
    os.kill(kept.pid, signal.SIGKILL)
    wait_until(lambda: not lives(command), "its end")
    kept.stop()


def test_a_command_may_be_left_running(tmp_path: Path) -> None:
    """It runs on after its starter has ended, with its log, until its keeper gets SIGTERM."""
    text = f"""
        from pymacaron_unit.targets.process import KeptProcess
        kept = KeptProcess("it", {python("import os, time; print(os.getpid()); time.sleep(60)")!r})
        kept.start()
        while not kept.log().strip():
            pass
        print(kept.pid, kept.log().strip(), kept.log_file)
        kept.keep()
    """
    done = subprocess.run(python(text), capture_output=True, text=True, timeout=PATIENCE, check=True)
    keeper, command, log = done.stdout.split()
    time.sleep(0.3)
    assert lives(int(keeper))
    assert lives(int(command))
    assert Path(log).read_text().strip() == command
    os.kill(int(keeper), signal.SIGTERM)
    wait_until(lambda: not lives(int(command)) and not lives(int(keeper)), "its end")
    Path(log).unlink()
    Path(log).parent.rmdir()


def test_commands_that_stop_it(tmp_path: Path) -> None:
    """Where commands are given that stop it, they are run in order, and no signal is sent."""
    text = "import pathlib, time\nwhile not pathlib.Path('stop').exists(): time.sleep(0.01)\nprint('by the command')"
    stop = [["sh", "-c", "echo one >> said; touch stop"], ["sh", "-c", "echo two >> said"]]
    kept = KeptProcess("it", ["sh", "-c", f'exec "{sys.executable}" -c "{text}" > out'], tmp_path, stop=stop)
    kept.start()
    kept.stop()
    assert (tmp_path / "said").read_text().split() == ["one", "two"]
    assert (tmp_path / "out").read_text() == "by the command\n"


def test_a_second_stop_does_nothing() -> None:
    """Stopping what is stopped, or never was started, is no error."""
    kept = KeptProcess("it", python("pass"))
    kept.stop()
    kept.start()
    kept.stop()
    kept.stop()
    assert kept.pid is None


def test_a_free_port_is_free() -> None:
    """Nothing listens on it."""
    assert not is_taken(free_port())
