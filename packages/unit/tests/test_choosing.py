"""Which target ``pym test`` chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from pymacaron_unit import choosing
from pymacaron_unit.choosing import Wanted, choose, url_of
from pymacaron_unit.exceptions import TargetError
from pymacaron_unit.targets import Target, UrlTarget
from pymacaron_unit.targets.app import AppTarget
from pymacaron_unit.targets.container import ContainerTarget
from pymacaron_unit.targets.folder import FolderTarget
from pymacaron_unit.targets.process import free_port
from service import PETS_SERVICE, make_service
from serving import served

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("localhost", None, "http://localhost:8080"),
        ("127.0.0.1", 5000, "http://127.0.0.1:5000"),
        ("api.example.com", None, "https://api.example.com"),
        ("api.example.com", 443, "https://api.example.com"),
        ("api.example.com", 80, "http://api.example.com"),
        ("api.example.com", 8443, "http://api.example.com:8443"),
        ("https://api.example.com/", 8443, "https://api.example.com:8443"),
        ("http://api.example.com", None, "http://api.example.com"),
        ("::1", 5000, "http://[::1]:5000"),
    ],
)
def test_url_of_a_host(host: str, port: int | None, url: str) -> None:
    """https is for port 443, for other machines' default, and where the host says so."""
    assert url_of(host, port) == url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a service's folder; the default port is one that nothing listens on."""
    monkeypatch.setattr(choosing, "DEFAULT_PORT", free_port())
    monkeypatch.chdir(make_service(tmp_path, PETS_SERVICE))
    return tmp_path


def chosen(wanted: Wanted) -> tuple[Target, list[str]]:
    said: list[str] = []
    return choose(wanted, said.append), said


def version_app(name: str | None) -> Flask:
    """Return an app that says what service it is."""
    app = Flask("version")
    if name is not None:
        app.add_url_rule("/version", "version", lambda: {"name": name})
    return app


def test_what_is_named_is_chosen(folder: Path) -> None:
    """A target, an image and a host are taken as they are said."""
    assert isinstance(chosen(Wanted(target="app"))[0], AppTarget)
    assert isinstance(chosen(Wanted(image="server:app"))[0], ContainerTarget)
    target, _ = chosen(Wanted(host="api.example.com", verify=False))
    assert isinstance(target, UrlTarget)
    assert (target.base_url, target.verify) == ("https://api.example.com", False)


def test_service_of_the_folder_is_started_where_nothing_answers(folder: Path) -> None:
    """On a free port, or on the one that is said."""
    target, said = chosen(Wanted())
    assert isinstance(target, FolderTarget)
    assert (target.folder, target.port, said) == (folder, None, [])
    target, _ = chosen(Wanted(port=5001))
    assert isinstance(target, FolderTarget)
    assert target.port == 5001


def test_service_of_the_folder_that_runs_already_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers on the default port with the service's name is it; its contracts are the folder's."""
    with served(version_app("pets")) as url:
        monkeypatch.setattr(choosing, "DEFAULT_PORT", int(url.rpartition(":")[2]))
        target, said = chosen(Wanted())
        assert isinstance(target, UrlTarget)
        assert (target.base_url, target.folder, said) == (url, folder, [])
        contracts = target.contracts()
        assert contracts is not None
        assert [contract.name for contract in contracts] == ["pets"]


@pytest.mark.parametrize(("name", "shown"), [("shop", "'shop'"), (None, "something without a name")])
def test_another_service_is_not_tested_by_mistake(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, shown: str
) -> None:
    """What answers on the default port with another name is let be; it is tested where its port is said."""
    with served(version_app(name)) as url:
        port = int(url.rpartition(":")[2])
        monkeypatch.setattr(choosing, "DEFAULT_PORT", port)
        target, said = chosen(Wanted())
        assert isinstance(target, FolderTarget)
        assert said == [f"on port {port} runs {shown}, not the service in {folder}, which is started on another port"]
        target, said = chosen(Wanted(port=port))
        assert isinstance(target, UrlTarget)
        assert (target.base_url, said) == (url, [])


def test_outside_of_a_services_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers on the port is tested; where nothing does there is nothing to test."""
    with served(version_app("pets")) as url:
        monkeypatch.setattr(choosing, "DEFAULT_PORT", int(url.rpartition(":")[2]))
        assert chosen(Wanted())[0].base_url == url
    monkeypatch.setattr(choosing, "DEFAULT_PORT", free_port())
    with pytest.raises(TargetError, match=r"holds no service .* and nothing answers on port"):
        chosen(Wanted())
