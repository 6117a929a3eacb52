"""Debian packages that tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from tools import debian, packages
from tools.tests.samples import add_package

if TYPE_CHECKING:
    from pathlib import Path

# Both are told by files beside them what is installed and how often apt-get is to fail.
DPKG_QUERY = """\
#!/bin/sh
shift 3
for name in "$@"; do
    grep -qx "$name" "$FAKE/installed" && echo "$name installed" || { echo "$name not-installed"; bad=1; }
done
exit ${bad:-0}
"""
APT_GET = """\
#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> "$FAKE/log"
"$FAKE/policy-rc.d"; echo "services: $?" >> "$FAKE/log"
case "$*" in
    *update*) exit 0 ;;
esac
if [ -s "$FAKE/failures" ]; then
    sed -i 1d "$FAKE/failures"; echo "E: Unable to locate package"; exit 100
fi
while [ "$1" != "--" ]; do shift; done; shift
for name in "$@"; do echo "$name" >> "$FAKE/installed"; done
"""


class Machine:
    """A machine whose apt-get and dpkg-query only write down what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy-rc.d"
        self.policy.write_text("#!/bin/sh\nexit 0\n")
        self.policy.chmod(0o755)
        for name, text in (("apt-get", APT_GET), ("dpkg-query", DPKG_QUERY)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        for name in ("installed", "failures", "log"):
            (folder / name).touch()

    def ensure(self, *names: str) -> bool:
        return debian.ensure(names, self.policy, self.folder / "lock")

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Debian machine where this is run by root."""
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    monkeypatch.setenv("FAKE", str(made.folder))
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


def test_wanted_reads_the_lists(tmp_path: Path) -> None:
    """Each package's own list, comments left out, nothing twice; no list is an empty one."""
    (add_package(tmp_path, "base") / debian.FILE).write_text(
        "# a cache\nredis-server  # version 7\n\nlibxml++2.6-dev\n"
    )
    (add_package(tmp_path, "new") / debian.FILE).write_text("chromium\nredis-server\n")
    add_package(tmp_path, "plain")
    assert debian.wanted(packages.find(tmp_path)) == ["redis-server", "libxml++2.6-dev", "chromium"]


@pytest.mark.parametrize("line", ["redis-server chromium", "--allow-downgrades", "Redis", "redis;reboot"])
def test_line_that_is_no_name_is_refused(tmp_path: Path, line: str) -> None:
    """What reaches apt-get, run by root, can only be a package's name."""
    (add_package(tmp_path, "base") / debian.FILE).write_text(f"chromium\n{line}\n")
    with pytest.raises(packages.PackageError, match=r"system-packages\.txt:2: '.*' is no name of a Debian package"):
        debian.wanted(packages.find(tmp_path))


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no Debian: no dpkg-query")
def test_missing_asks_dpkg() -> None:
    """The real dpkg-query tells an installed package from one that is not, and from a name that nobody has."""
    assert debian.missing(["dpkg", "no-such-package-of-debian", "base-files"]) == ["no-such-package-of-debian"]


def test_nothing_to_install(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """Where all is there nothing is printed, and apt-get is not called."""
    (machine.folder / "installed").write_text("redis-server\n")
    assert machine.ensure("redis-server")
    assert machine.ensure()
    assert (capfd.readouterr().out, machine.log()) == ("", [])


def test_missing_are_installed_once(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """One line says what; apt-get asks nothing, takes no recommendations, fetches no lists, and starts no service."""
    (machine.folder / "installed").write_text("chromium\n")
    assert machine.ensure("redis-server", "chromium", "podman")
    assert machine.ensure("redis-server", "chromium", "podman")
    assert capfd.readouterr().out == "installing Debian packages: redis-server podman\n"
    apt, services = machine.log()
    assert apt.startswith("noninteractive ")
    assert apt.endswith(" install --no-install-recommends -- redis-server podman")
    assert services == "services: 101"


def test_second_try_has_fresh_lists(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """A package that old lists do not know is found after one update."""
    (machine.folder / "failures").write_text("1\n")
    assert machine.ensure("redis-server")
    assert [line.split()[-1] for line in machine.log() if "services" not in line] == [
        "redis-server", "update", "redis-server",
    ]  # fmt: skip
    assert capfd.readouterr().out == "installing Debian packages: redis-server\n"


def test_failure_shows_why_and_goes_on(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    """After the second failure: apt-get's words, the command to run, and no third try."""
    (machine.folder / "failures").write_text("1\n2\n3\n")
    assert not machine.ensure("redis-server")
    lines = capfd.readouterr().out.splitlines()
    assert lines[1] == "E: Unable to locate package"
    assert lines[2].endswith("sudo apt-get install --no-install-recommends redis-server")
    assert len(machine.log()) == 6


@pytest.mark.parametrize("lack", ["root", "apt"])
def test_machine_that_can_not_is_told_the_command(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], lack: str
) -> None:
    """Neither a user nor another system installs anything; the line has the one command to run."""
    if lack == "root":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    else:
        monkeypatch.setenv("PATH", str(machine.folder / "nowhere"))
    assert not machine.ensure("redis-server", "podman")
    [line] = capfd.readouterr().out.splitlines()
    assert line.endswith("to install them: sudo apt-get install --no-install-recommends redis-server podman")
    assert machine.log() == []


def test_two_runs_at_once_install_once(machine: Machine) -> None:
    """The second waits for the first and finds all done."""
    threads = [threading.Thread(target=machine.ensure, args=["redis-server"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(machine.log()) == 2
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"


@pytest.mark.parametrize("before", ["none", "file", "link", "file and a killed run", "none and a killed run"])
def test_policy_is_restored(tmp_path: Path, before: str) -> None:
    """Whatever there was, a file, a link to one or nothing, is there again, also after a failure or a killed run."""
    policy, target = tmp_path / "policy-rc.d", tmp_path / "target"
    target.write_text("exit 0")
    if before == "link":
        policy.symlink_to(target)
    elif before.startswith("file"):
        policy.write_text("exit 0")
    if before.endswith("killed run"):
        killed = debian.services_stay_down(policy)
        killed.__enter__()
        assert policy.read_text() == debian.FORBID
    with pytest.raises(subprocess.CalledProcessError, match="101"), debian.services_stay_down(policy):
        subprocess.run([policy], check=True)
    assert policy.is_symlink() == (before == "link")
    assert policy.exists() == (not before.startswith("none"))
    assert not before.startswith("file") or policy.read_text() == "exit 0"
    assert target.read_text() == "exit 0"
    assert {path.name for path in tmp_path.iterdir()} <= {"policy-rc.d", "target"}
