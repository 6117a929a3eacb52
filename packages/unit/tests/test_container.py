"""Images as the target: the example service's, run by podman."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt
import pytest

import container_image
from pymacaron_unit.exceptions import TargetError
from pymacaron_unit.targets import open_target
from pymacaron_unit.targets.container import ContainerTarget, exposed_port, find_engine
from pymacaron_unit.targets.waiting import wait_for_ping
from targets_commands import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let podman run with the settings and images of the tests."""
    container_image.require_system()
    for name, value in container_image.engine_variables().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def image(podman: None) -> str:
    """Return the name of the example service's image."""
    return container_image.example_image()


def containers() -> str:
    shown = subprocess.run(
        ["podman", "ps", "--all", "--quiet", "--no-trunc"], capture_output=True, text=True, check=True
    )
    return shown.stdout


def test_image_is_run_and_removed(image: str) -> None:
    """The image's own port is published; its docs page tells its contracts, its own Python makes tokens."""
    with open_target(image) as target:
        assert isinstance(target, ContainerTarget)
        assert target.describe() == f"the image {image}"
        assert exposed_port(target.engine, image) == container_image.PORT
        assert target.container_id in containers()
        session, url = target.session(), target.base_url
        assert session.get(f"{url}/ping").json() == {}
        contracts = target.contracts()
        assert contracts is not None
        assert [contract.name for contract in contracts] == ["loans", "tools"]
        token = target.token("ann", ["shed"])
        found = session.get(f"{url}/auth/version", headers={"Authorization": f"Bearer {token}"})
        assert found.json()["name"] == "toolshed"
        assert contracts.match("GET", f"{url}/v1/tools") is not None
    assert target.container_id not in containers()
    with pytest.raises(TargetError, match="refused"):
        wait_for_ping(target, 0)


def test_image_that_ends(image: str) -> None:
    """A container that ends is told with what it said, and removed."""
    with image_with('CMD ["sh", "-c", "echo no key is set; exit 3"]', image) as broken:
        target = ContainerTarget(broken)
        with pytest.raises(TargetError) as raised:
            target.start()
    assert f"the image {broken} ended with status 3:" in str(raised.value)
    assert "    no key is set" in str(raised.value)
    assert target.container_id not in containers()


def test_image_that_listens_elsewhere(image: str) -> None:
    """A container that does not answer on the port that is published is told with that port, and removed."""
    with image_with('CMD ["sh", "-c", "trap exit TERM; sleep 60 & wait"]', image) as silent:
        target = ContainerTarget(silent, patience=2)
        message = rf"its port {container_image.PORT} was tried, write EXPOSE into the image"
        with pytest.raises(TargetError, match=message):
            target.start()
    assert target.container_id not in containers()


def test_settings_reach_the_container(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYM_ENV, and the variables that the working folder's env_secrets names, are the container's too."""
    key = "a key for tests that is long enough for HS256"
    config = "name: toolshed\\njwt_secret: SHED_KEY\\nenv_secrets: [SHED_KEY]\\n"
    monkeypatch.setenv("SHED_KEY", key)
    monkeypatch.setenv("PYM_ENV", "ci")
    (tmp_path / "pym-config.ci.yaml").write_text(config.replace("\\n", "\n"))
    with image_with(f"RUN printf '{config}' > pym-config.ci.yaml", image) as secret, open_target(secret) as target:
        token = target.token("ann")
        assert jwt.decode(token, key, algorithms=["HS256"])["sub"] == "ann"
        headers = {"Authorization": f"Bearer {token}"}
        assert target.session().get(f"{target.base_url}/auth/version", headers=headers).json()["pym_env"] == "ci"


def test_container_does_not_survive_its_starter(image: str) -> None:
    """Where the process that started it is killed, the container is stopped and removed all the same."""
    text = f"""if True:
        import time
        from pymacaron_unit.targets import open_target
        target = open_target({image!r})
        target.start()
        print(target.container_id, flush=True)
        time.sleep(60)
    """
    starter = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        container = starter.stdout.readline().strip()
        assert container in containers()
        starter.kill()
        starter.wait(30)
    wait_until(lambda: container not in containers(), "the container's end")


@contextmanager
def image_with(line: str, base: str) -> Iterator[str]:
    """Build an image that differs from another by one line."""
    name = f"localhost/pymacaron-tests/made-{uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Containerfile").write_text(f"FROM {base}\n{line}\n")
        built = ["buildah", "bud", "--isolation=chroot", "--tag", name, folder]
        subprocess.run(built, capture_output=True, check=True)
    try:
        yield name
    finally:
        subprocess.run(["podman", "rmi", name], capture_output=True, check=True)


def test_image_that_is_not_there(podman: None) -> None:
    """The message names the image and how to get it."""
    with pytest.raises(TargetError, match=r"nowhere/nothing.*; build or pull it first: podman pull localhost/nowhere"):
        ContainerTarget("localhost/nowhere/nothing").start()


def test_without_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what was looked for and what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match=r"podman is not installed; docker is not installed\): install podman"):
        find_engine()
    monkeypatch.setenv("PYM_CONTAINER_ENGINE", "nerdctl")
    with pytest.raises(TargetError, match=r"run \(nerdctl is not installed\)"):
        find_engine()


def test_an_engine_that_does_not_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last words are shown; the next engine is tried unless one was picked."""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'cannot connect to the daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="docker version failed: cannot connect to the daemon"):
        find_engine()
    podman = tmp_path / "podman"
    podman.write_text("#!/bin/sh\n")
    podman.chmod(0o755)
    assert find_engine() == "podman"


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Debian packages are missing these tests fail with the command to run, unless they are to be left out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(container_image.LEFT_OUT, raising=False)
    with pytest.raises(pytest.fail.Exception, match=r"apt-get install .*buildah debootstrap podman runc"):
        container_image.require_system()
    monkeypatch.setenv(container_image.LEFT_OUT, "1")
    with pytest.raises(pytest.skip.Exception, match="leaves out what needs Debian packages"):
        container_image.require_system()
