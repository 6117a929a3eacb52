"""Images as the target: the example service's, run by podman."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import container_image
from pymacaron_unit.container import ContainerTarget, exposed_port, find_engine
from pymacaron_unit.exceptions import TargetError
from pymacaron_unit.targets import open_target
from pymacaron_unit.waiting import wait_for_ping

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let podman run with the settings and images of the tests."""
    container_image.require_programs()
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


def test_image_that_ends(podman: None, image: str, tmp_path: Path) -> None:
    """A container that ends is told with what it said, and removed."""
    broken = make_image(tmp_path, image, 'CMD ["sh", "-c", "echo no key is set; exit 3"]')
    target = ContainerTarget(broken)
    with pytest.raises(TargetError) as raised:
        target.start()
    assert f"the image {broken} ended with status 3:" in str(raised.value)
    assert "    no key is set" in str(raised.value)
    assert target.container_id not in containers()


def test_image_that_listens_elsewhere(podman: None, image: str, tmp_path: Path) -> None:
    """A container that does not answer on the port that is published is told with that port, and removed."""
    silent = make_image(tmp_path, image, 'CMD ["sh", "-c", "trap exit TERM; sleep 60 & wait"]')
    target = ContainerTarget(silent, patience=2)
    with pytest.raises(TargetError, match=rf"its port {container_image.PORT} was tried, write EXPOSE into the image"):
        target.start()
    assert target.container_id not in containers()


def make_image(folder: Path, base: str, line: str) -> str:
    """Build an image that differs from another by one line."""
    (folder / "Containerfile").write_text(f"FROM {base}\n{line}\n")
    name = f"localhost/pymacaron-tests/made-{folder.name.replace('_', '-')}".rstrip("-")
    subprocess.run(["buildah", "bud", "--isolation=chroot", "-t", name, str(folder)], capture_output=True, check=True)
    return name


def test_image_that_is_not_there(podman: None) -> None:
    """The message names the image and how to get it."""
    with pytest.raises(TargetError, match=r"nowhere/nothing.*; build or pull it first: podman pull localhost/nowhere"):
        ContainerTarget("localhost/nowhere/nothing").start()


def test_without_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what was looked for and what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match=r"podman is not installed; docker is not installed\. Install podman"):
        find_engine()
    monkeypatch.setenv("PYM_CONTAINER_ENGINE", "nerdctl")
    with pytest.raises(TargetError, match="run: nerdctl is not installed"):
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
