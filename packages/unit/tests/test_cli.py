"""``pym test`` and ``pymtest``, run as commands."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from flask import Flask

from pymacaron_unit.targets import open_target
from pymacaron_unit.targets.tokens import read_claims
from service import PETS_SERVICE, make_service
from serving import served
from targets_commands import ONE_PLUGIN, PYMTEST, make_suite, pymtest, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.once


def seen(folder: Path) -> dict[str, str]:
    """Return what a test of :data:`SEEN` saw."""
    found: dict[str, str] = json.loads((folder / "seen.json").read_text())
    return found


def answers(url: str) -> bool:
    """Tell whether a service answers."""
    try:
        return requests.get(f"{url}/ping", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_service_is_started_tested_and_stopped(tmp_path: Path) -> None:
    """The tests get host, port and URL of the service in the folder, which is gone afterwards."""
    folder = make_suite(tmp_path)
    done = pymtest(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    told = seen(folder)
    url = told["url"]
    assert done.stderr == f"pym: testing the service in {folder} at {url}\n"
    assert told["PYM_TARGET"] == url == f"http://{told['PYM_SERVER_HOST']}:{told['PYM_SERVER_PORT']}"
    assert "PYM_JWT_TOKEN" not in told
    assert not answers(url)


def test_pym_has_the_command(tmp_path: Path) -> None:
    """``pym test`` is the same command, found through the plugin."""
    folder = make_suite(tmp_path / "pets")
    command = [sys.executable, "-m", "pymacaron.cli", "-C", str(folder), "test", "--", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    help_text = subprocess.run([*command[:3], "test", "--help"], capture_output=True, text=True, check=True).stdout
    assert help_text.startswith("Usage: pym test [OPTIONS] [PATHS]... [-- PYTEST_ARGUMENTS...]")


TWO = """
    def test_one(): pass
    def test_two(): assert 1 == 2
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 1, "1 failed, 1 passed"),
        (["tests/test_pets.py::test_one"], 0, "1 passed"),
        (["--", "-k", "test_one"], 0, "1 passed, 1 deselected"),
        (["tests", "--", "-k", "nothing"], 5, "2 deselected"),
        (["--", "--no-such-option"], 4, "unrecognized arguments: --no-such-option"),
    ],
)
def test_pytest_gets_its_arguments_and_gives_the_status(
    tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    """Paths stand before ``--``, what stands after it is pytest's own; its exit status is passed on."""
    done = pymtest(make_suite(tmp_path, TWO), "--target", "app", *arguments)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_app_is_tested_in_the_tests_process(tmp_path: Path) -> None:
    """With ``--target app`` nothing is started."""
    folder = make_suite(tmp_path)
    done = pymtest(folder, "--target", "app")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == f"pym: testing the app server:app of {folder} in the tests' own process\n"
    assert (seen(folder)["url"], seen(folder)["PYM_TARGET"]) == ("http://localhost", "server:app")


def test_report_for_ci_and_output(tmp_path: Path) -> None:
    """``--junit`` writes a report, ``--nocapture`` shows what tests print."""
    folder = make_suite(tmp_path)
    done = pymtest(folder, "--junit", "out/report.xml", "--nocapture")
    assert "printed by a test" in done.stdout
    suite = xml.etree.ElementTree.parse(folder / "out" / "report.xml").find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert "printed by a test" not in pymtest(folder).stdout


def test_options_of_coverage_are_passed_on(tmp_path: Path) -> None:
    """The tests fail where they exercise too little of the contract."""
    folder = make_suite(tmp_path)
    done = pymtest(folder, "--cov-fail-under", "99", "--cov-report", "json:cov.json")
    assert done.returncode == 1
    assert "is less than 99 %" in done.stdout
    assert (folder / "cov.json").exists()


def test_token_of_the_default_user(tmp_path: Path) -> None:
    """``--gen-token`` gives the tests a token of default_user_id, and says where there is none."""
    folder = make_suite(tmp_path, config="name: pets\ndefault_user_id: robot\n")
    assert pymtest(folder, "--gen-token").returncode == 0
    assert read_claims(seen(folder)["PYM_JWT_TOKEN"])["sub"] == "robot"
    (folder / "pym-config.yaml").write_text("name: pets\n")
    done = pymtest(folder, "--gen-token")
    assert done.returncode == 2
    assert "pym-config has no default_user_id" in done.stderr
    assert "Traceback" not in done.stderr


def test_environment_picks_the_configuration(tmp_path: Path) -> None:
    """``--env`` is PYM_ENV of the service and of the tests."""
    folder = make_suite(tmp_path)
    (folder / "pym-config.ci.yaml").write_text("name: pets\njwt_secret: S\nenv_secrets: [S]\n")
    done = pymtest(folder, "--env", "ci")
    assert done.returncode == 2
    assert "env_secrets names S" in done.stderr
    assert pymtest(folder, "--env", "ci", S="x" * 40).returncode == 0
    assert seen(folder)["PYM_ENV"] == "ci"


def test_what_runs_already_is_used_and_left(tmp_path: Path) -> None:
    """A service on ``--port``, or at ``--host``, is tested where it is, and not stopped."""
    folder = make_suite(tmp_path)
    with open_target(str(folder)) as target:
        port = target.base_url.rpartition(":")[2]
        for arguments in (["--port", port], ["--host", "127.0.0.1", "--port", port]):
            done = pymtest(folder, *arguments)
            assert done.returncode == 0, done.stdout + done.stderr
            assert done.stderr == f"pym: testing {target.base_url}\n"
            assert seen(folder)["url"] == target.base_url
            assert answers(target.base_url)


def test_port_of_a_service_that_is_started(tmp_path: Path) -> None:
    """The service is started on ``--port`` where nothing answers there."""
    from pymacaron_unit.targets.process import free_port

    folder, port = make_suite(tmp_path), free_port()
    assert pymtest(folder, "--port", str(port)).returncode == 0
    assert seen(folder)["PYM_SERVER_PORT"] == str(port)


def test_service_may_be_left_running(tmp_path: Path) -> None:
    """``--no-stop`` says what runs where, and the command that stops it."""
    folder = make_suite(tmp_path)
    done = pymtest(folder, "--no-stop")
    assert done.returncode == 0, done.stdout + done.stderr
    url, last = seen(folder)["url"], done.stderr.splitlines()[-1]
    assert last.startswith(f"pym: left running: {url} (process ")
    pid = last.rpartition("stop it with: kill ")[2]
    log = Path(last.partition("its log is ")[2].partition(")")[0])
    try:
        assert answers(url)
        assert log.exists()
    finally:
        os.kill(int(pid), signal.SIGTERM)
    wait_until(lambda: not answers(url), "its end")
    log.unlink()
    log.parent.rmdir()


def test_loop_runs_until_a_failure(tmp_path: Path) -> None:
    """The tests are run again against the same service, until they fail."""
    tests = """
        from pathlib import Path

        def test_third_time_fails(api):
            with Path("urls").open("a") as file:
                print(api.url, file=file)
            assert len(Path("urls").read_text().split()) < 3
    """
    folder = make_suite(tmp_path, tests)
    done = pymtest(folder, "--loop")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("pym: run")] == [
        "pym: run 1",
        "pym: run 2",
        "pym: run 3",
    ]
    urls = (folder / "urls").read_text().split()
    assert (len(urls), len(set(urls))) == (3, 1)


WAITS = """
    import atexit, os, time
    from pathlib import Path

    def test_waits(api):
        Path("waiting").write_text(f"{api.url} {os.getpid()}")
        try:
            time.sleep(60)
        finally:
            Path("torn-down").touch()
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
def test_an_end_in_the_middle(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """Whatever ends the command, what it started is stopped; a polite end lets the tests tear down."""
    folder = make_suite(tmp_path, WAITS)
    with running(folder) as process:
        wait_until(lambda: (folder / "waiting").exists() and (folder / "waiting").read_text(), "the test")
        url, pid = (folder / "waiting").read_text().split()
        process.send_signal(number)
        assert process.wait(30) == status
        wait_until(lambda: not answers(url), "the service's end")
        if number == signal.SIGKILL:
            os.kill(int(pid), signal.SIGKILL)
        else:
            assert (folder / "torn-down").exists()


def test_interrupt_at_a_terminal(tmp_path: Path) -> None:
    """^C reaches the tests once: they tear down, and the service is stopped."""
    folder = make_suite(tmp_path, WAITS)
    ours, theirs = pty.openpty()
    at_terminal = "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"
    process = subprocess.Popen(
        [sys.executable, "-c", at_terminal, str(theirs), *PYMTEST],
        cwd=folder,
        env={**os.environ, **ONE_PLUGIN},
        pass_fds=[theirs],
    )
    os.close(theirs)
    try:
        wait_until(lambda: (folder / "waiting").exists() and (folder / "waiting").read_text(), "the test")
        url = (folder / "waiting").read_text().split()[0]
        os.write(ours, b"\x03")
        assert process.wait(30) == 2
        assert (folder / "torn-down").exists()
        assert not answers(url)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_pytest_that_is_killed(tmp_path: Path) -> None:
    """The service is stopped, and the status is that of the signal."""
    folder = make_suite(tmp_path, WAITS)
    with running(folder) as process:
        wait_until(lambda: (folder / "waiting").exists() and (folder / "waiting").read_text(), "the test")
        url, pid = (folder / "waiting").read_text().split()
        os.kill(int(pid), signal.SIGKILL)
        assert process.wait(30) == 137
        assert not answers(url)


def test_a_service_that_ends_while_it_is_tested(tmp_path: Path) -> None:
    """It is told that the service ended, and with what last words."""
    tests = """
        def test_kill(api):
            api.get("/die", check=False)
    """
    folder = make_suite(tmp_path, tests)
    server = (folder / "server.py").read_text()
    end = '\n@app.get("/die")\ndef die():\n    import os\n    print("I am dying", flush=True)\n    os._exit(7)\n\n\n'
    (folder / "server.py").write_text(server.replace("letsgo(", f"{end}letsgo("))
    done = pymtest(folder)
    assert done.returncode == 1
    assert f"pym: while it was tested, the service in {folder} ended with status 7:" in done.stderr
    assert "    I am dying" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "app", "--image", "x"], "--target and --image name two targets; give one of them"),
        (["--host", "localhost", "--image", "x"], "--image and --host name two targets; give one of them"),
        (
            ["--contract", "tests", "--", "-x"],
            "--contract makes the tests itself; leave out PATHS and arguments after --",
        ),
        (["--contract", "--gen-token"], "leave out --gen-token"),
        (["--port", "0"], "0 is not in the range"),
        (["--junk"], "No such option '--junk'"),
        (["--target", "localhost:1"], "'localhost:1' is no target: write http://localhost:1"),
        (["--target", "./nowhere"], "'./nowhere' is no target: there is no such folder"),
        (["--contract-file", "nowhere.yaml", "--contract"], "nowhere.yaml"),
    ],
)
def test_misuse_is_told(tmp_path: Path, arguments: Sequence[str], message: str) -> None:
    """The status is 2, and the message says what to do."""
    done = pymtest(make_suite(tmp_path), *arguments)
    assert done.returncode == 2
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_test(tmp_path: Path) -> None:
    """A folder without a service, or without tests, is told."""
    from pymacaron_unit.targets.process import free_port

    done = pymtest(tmp_path, "--port", str(free_port()))
    assert done.returncode == 2
    assert f"pym: {tmp_path} holds no service (server.py and pym-config.yaml), and nothing answers on" in done.stderr
    done = pymtest(make_service(tmp_path / "pets", PETS_SERVICE))
    assert done.returncode == 2
    assert done.stderr == f"pym: {tmp_path / 'pets'} has no folder tests/ or test/; give the paths of the tests\n"


def test_a_service_that_cannot_start(tmp_path: Path) -> None:
    """Its own last words are shown, line by line."""
    folder = make_suite(tmp_path)
    (folder / "pets.py").write_text("1 / 0\n")
    done = pymtest(folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pym: the service in {folder} ended with status 2:\n    pym: ")
    assert "ZeroDivisionError" in done.stderr


def test_url_is_tested_without_pymacaron(tmp_path: Path) -> None:
    """Where PyMacaron is not installed, what answers at a URL is tested as before."""
    app = Flask("plain")
    app.add_url_rule("/ping", "ping", dict)
    hidden = make_service(tmp_path / "hidden", {"sitecustomize.py": "import sys\nsys.modules['pymacaron'] = None\n"})
    tests = """
        import pytest

        def test_ping(api):
            with pytest.raises(ImportError):
                import pymacaron
            assert api.get("/ping").json() == {}
    """
    folder = make_service(tmp_path / "suite", {"tests/test_plain.py": tests})
    with served(app) as url:
        done = pymtest(folder, "--target", url, PYTHONPATH=str(hidden))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_contract_tests_the_service(tmp_path: Path) -> None:
    """``--contract`` starts the service, lets the contract make the tests, and stops it."""
    folder = make_suite(tmp_path)
    done = pymtest(folder, "--contract", "--time", "5", "--operation", "listPets", "--seed", "1", "--junit", "out.xml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "listPets" in done.stdout or "/v1/pets" in done.stdout
    assert (folder / "out.xml").exists()
    assert done.stderr.startswith(f"pym: testing the service in {folder} at ")


def test_help_lists_the_flags_of_pipelines() -> None:
    """Every flag that pipelines pass has its line."""
    done = subprocess.run([*PYMTEST, "--help"], capture_output=True, text=True, check=True)
    flags = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")}
    wanted = "host port env image loop no-stop no-ssl-check gen-token nocapture junit target contract time"
    assert flags >= {f"--{name}" for name in wanted.split(" ")}
