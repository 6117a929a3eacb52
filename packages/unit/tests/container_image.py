"""An image of the example service, built once on this machine and kept in the user's cache.

No registry is asked: the root file system is Debian's own (debootstrap), with Python 3.11 whatever Python runs the
tests. Three layers, each made again only when what it is made from changes: Debian, what pymacaron requires, and
pymacaron with the example.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).parents[3]
LEFT_OUT = "PYM_TEST_NO_SYSTEM"
PROGRAMS = ("buildah", "debootstrap", "podman", "runc")
PORT = 8099

_CORE = REPOSITORY / "packages" / "core"
_EXAMPLE = REPOSITORY / "examples" / "helloworld"
_DEBIAN = ["--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm"]
# What is no part of a package or service; the key of a service's development least of all.
_NOT_COPIED = (".*", "__pycache__", "tests", "changelog.d")
_CERTIFICATES = Path("/etc/ssl/certs")
_PIP = Path("/etc/pip.conf")

_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:20000", "nproc=1024:4096"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_STORAGE = """\
[storage]
driver = "overlay"
runroot = "{folder}/run"
graphroot = "{folder}/graph"
"""
_REQUIREMENTS = """\
FROM {base}
COPY requirements.txt /
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir --quiet -r /requirements.txt
"""
_SERVICE = """\
FROM {base}
COPY core /core
RUN /venv/bin/pip install --no-cache-dir --quiet --no-deps --no-build-isolation /core
COPY service /service
WORKDIR /service
ENV PATH=/venv/bin:/usr/bin:/bin
EXPOSE {port}
CMD ["pym", "run", "--production", "--workers", "1", "--host", "0.0.0.0", "--port", "{port}"]
"""


def require_system() -> None:
    """Leave the test out where that was asked for; fail where a program or a right is missing, with the mend."""
    if os.environ.get(LEFT_OUT) == "1":
        pytest.skip(f"{LEFT_OUT}=1 leaves out what needs Debian packages")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        names = (Path(__file__).parents[1] / "system-packages.txt").read_text().splitlines()
        needed = " ".join(name for name in names if not name.startswith("#"))
        reason = f"there is no {' and no '.join(missing)}; run: sudo apt-get install --no-install-recommends {needed}"
    elif os.geteuid() != 0:
        reason = "a root file system is made by root alone; run these tests as root"
    else:
        return
    pytest.fail(f"{reason} (or set {LEFT_OUT}=1 to leave such tests out)", pytrace=False)


def engine_variables() -> dict[str, str]:
    """Return the variables that give podman and buildah settings and images of their own."""
    folder = _cache()
    (folder / "containers.conf").write_text(_CONTAINERS)
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "PYM_CONTAINER_ENGINE": "podman",
    }


def example_image() -> str:
    """Return the name of the example service's image, built if need be.

    Raises:
        AssertionError: a step failed; the message has what it said.
    """
    with _locked():
        env = {**os.environ, **engine_variables()}
        base = _layer(env, "debian", _digest(" ".join(_DEBIAN)), _add_debian)
        project = tomllib.loads((_CORE / "pyproject.toml").read_text())
        requirements = "\n".join([*project["build-system"]["requires"], *project["project"]["dependencies"]])
        python = _layer(
            env,
            "requirements",
            _digest(base, requirements),
            lambda env, name: _build(env, name, _REQUIREMENTS.format(base=base), {}, requirements),
        )
        sources = {"core": _CORE, "service": _EXAMPLE}
        return _layer(
            env,
            "toolshed",
            _digest(python, *map(_content, sources.values())),
            lambda env, name: _build(env, name, _SERVICE.format(base=python, port=PORT), sources),
        )


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "pymacaron-tests" / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _locked() -> Iterator[None]:
    """Let one process build at a time; others wait and find what it built."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _layer(env: Mapping[str, str], kind: str, recipe: str, build: Callable[[Mapping[str, str], str], None]) -> str:
    """Return the name of a layer, built if it is not there.

    Layers of other recipes go away after a day: another checkout may be using them now.
    """
    name = f"localhost/pymacaron-tests/{kind}:{recipe}"
    if subprocess.run(["podman", "image", "exists", name], env=env, check=False).returncode == 0:
        return name
    build(env, name)
    old = ["--filter", "until=24h", "--filter", f"reference={name.rpartition(':')[0]}"]
    for other in _run(env, "podman", "images", *old, "--format", "{{.Repository}}:{{.Tag}}").split():
        subprocess.run(["podman", "rmi", other], env=env, capture_output=True, check=False)
    return name


def _add_debian(env: Mapping[str, str], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _run(env, "debootstrap", *_DEBIAN, f"{folder}/root")
        shutil.rmtree(f"{folder}/root/var/cache/apt/archives")
        container = _run(env, "buildah", "from", "scratch")
        _run(env, "buildah", "add", "--quiet", container, f"{folder}/root", "/")
        _run(env, "buildah", "commit", "--quiet", "--rm", container, name)


def _build(
    env: Mapping[str, str], name: str, recipe: str, folders: Mapping[str, Path], requirements: str | None = None
) -> None:
    with tempfile.TemporaryDirectory() as text:
        context = Path(text)
        (context / "Containerfile").write_text(recipe)
        if requirements is not None:
            (context / "requirements.txt").write_text(requirements)
        for target, source in folders.items():
            shutil.copytree(source, context / target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        mounts = [f"--volume={path}:{path}:ro" for path in (_CERTIFICATES, _PIP) if path.exists()]
        _run(env, "buildah", "bud", "--isolation=chroot", "--network=host", *mounts, f"--tag={name}", str(context))


def _run(env: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def _content(folder: Path) -> str:
    """Return the digest of a folder's files."""
    left_out = shutil.ignore_patterns(*_NOT_COPIED)
    files: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - left_out(place, folders))
        files += [Path(place, name) for name in sorted(set(names) - left_out(place, names))]
    return _digest(*(f"{path.relative_to(folder)}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
