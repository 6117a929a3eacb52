"""Debian packages that tests need: one name a line, `#` before a comment, in packages/<name>/system-packages.txt.

python3 -m tools.debian PACKAGE ...    install what the tests of these packages need (all, if none is named)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools import children, packages, stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FILE = "system-packages.txt"

# Asked before an installed service is started (invoke-rc.d, deb-systemd-invoke); 101 forbids it.
POLICY = Path("/usr/sbin/policy-rc.d")
FORBID = "#!/bin/sh\n# Written by tools/debian.py while it installs; no service is to start.\nexit 101\n"

# In a folder that only root writes to, because it is for all checkouts on this machine.
LOCK = Path("/run/pymacaron-debian.lock")

APT = ("apt-get", "--quiet", "--assume-yes", "-o", "DPkg::Lock::Timeout=300")


def wanted(chosen: Iterable[packages.Package]) -> list[str]:
    """Return the Debian packages that the tests of these packages need."""
    return list(dict.fromkeys(name for package in chosen for name in _listed(package.folder / FILE)))


def missing(names: Sequence[str]) -> list[str]:
    """Return those that are not installed: all, where no dpkg can tell."""
    if not names or shutil.which("dpkg-query") is None:
        return list(names)
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n", *names]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    installed = {line.removesuffix(" installed") for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def ensure(names: Sequence[str], policy: Path = POLICY, lock: Path = LOCK) -> bool:
    """Install those that are missing, or say how; return whether all are there now.

    Prints one line where there is something to do, and more only where apt-get fails.
    """
    absent = missing(names)
    if absent and not (os.geteuid() == 0 and shutil.which("apt-get")):
        print(f"some tests will fail for lack of Debian packages; to install them: {command_for(absent)}", flush=True)
    elif absent:
        with stamps.locked(lock):
            # Another run may have installed them while this one waited.
            if absent := missing(names):
                print(f"installing Debian packages: {' '.join(absent)}", flush=True)
                with services_stay_down(policy):
                    _install(absent)
                absent = missing(names)
    return not absent


def command_for(names: Sequence[str]) -> str:
    """Return the command with which a person installs them."""
    return f"sudo apt-get install --no-install-recommends {' '.join(names)}"


@contextmanager
def services_stay_down(policy: Path) -> Iterator[None]:
    """Forbid that installed services start; afterwards the policy is what it was.

    A run that was killed leaves our policy and, beside it, the one that it replaced; the next run mends both.
    """
    aside = policy.with_name(f"{policy.name}.aside")
    if os.path.lexists(policy) and not os.path.lexists(aside) and not _is_ours(policy):
        policy.rename(aside)
    try:
        policy.unlink(missing_ok=True)
        policy.write_text(FORBID)
        policy.chmod(0o755)
        yield
    finally:
        policy.unlink(missing_ok=True)
        if os.path.lexists(aside):
            aside.rename(policy)


def _listed(path: Path) -> Iterator[str]:
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if name := line.partition("#")[0].strip():
            if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name):
                raise packages.PackageError(f"{path}:{number}: {name!r} is no name of a Debian package; one a line")
            yield name


def _is_ours(policy: Path) -> bool:
    return policy.is_file() and policy.read_bytes() == FORBID.encode()


def _install(names: Sequence[str]) -> None:
    """Install; if that fails once more with fresh lists of what there is, because old ones are the usual fault."""
    install = [*APT, "install", "--no-install-recommends", "--", *names]
    if _run(install)[0] == 0:
        return
    _run([*APT, "update"])
    status, output = _run(install)
    if status:
        print(f"{output[-2000:].strip()}\nsome tests will fail; to see why: {command_for(names)}", flush=True)


def _run(command: Sequence[str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:
        status = children.run(command, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, output)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def main(arguments: Sequence[str]) -> int:
    """Answer the command line in this module's docstring."""
    try:
        found = packages.find(Path(__file__).resolve().parent.parent)
        names = wanted(package for package in found if not arguments or package.name in arguments)
    except packages.PackageError as error:
        print(f"tools/debian.py: {error}", file=sys.stderr)
        return 2
    return 0 if ensure(names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
