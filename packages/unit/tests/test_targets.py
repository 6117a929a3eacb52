"""What a text names as the target, and what each kind of target can do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, make_response, request
from werkzeug.serving import make_server

from pymacaron_unit.exceptions import NoContractError, TargetError
from pymacaron_unit.targets import Target, UrlTarget, open_target
from pymacaron_unit.targets.app import AppTarget
from pymacaron_unit.targets.container import ContainerTarget
from pymacaron_unit.targets.folder import FolderTarget
from pymacaron_unit.targets.tokens import read_claims
from pymacaron_unit.targets.waiting import wait_for_ping
from service import PETS_SERVICE, make_service
from serving import served

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a key for tests that is long enough for HS256"
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """Make a service; its modules have names of their own, as one process has many of them."""
    return make_service(tmp_path / "pets", PETS_SERVICE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("app", AppTarget),
        ("server:app", AppTarget),
        ("shop.main:make", AppTarget),
        ("http://127.0.0.1:8080", UrlTarget),
        ("https://api.example.com/", UrlTarget),
        (".", FolderTarget),
        ("../pets", FolderTarget),
        ("toolshed", ContainerTarget),
        ("toolshed:1.2", ContainerTarget),
        ("registry.example.com:5000/team/toolshed:latest", ContainerTarget),
        ("localhost/toolshed@sha256:" + "0" * 64, ContainerTarget),
    ],
)
def test_a_text_names_a_target(service: Path, text: str, kind: type[Target]) -> None:
    """An app, a module, a URL, a folder and an image are told apart."""
    make_service(service, {"shop/main.py": ""})
    assert type(open_target(text, folder=service)) is kind


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("localhost:8080", "write http://localhost:8080"),
        ("127.0.0.1:80", "write http://127.0.0.1:80"),
        ("api.example.com:443", "write http://api.example.com:443"),
        ("./nowhere", "there is no such folder"),
        ("/nowhere", "there is no such folder"),
        ("http://", "write http://HOST:PORT or https://HOST"),
        ("ftp://example.com", "write http://HOST:PORT or https://HOST"),
        ("My Image", "give app, module:attribute, a URL, the folder of a service, or the name of an image"),
        ("", "give app, module:attribute, a URL, the folder of a service, or the name of an image"),
    ],
)
def test_a_text_that_names_none(tmp_path: Path, text: str, hint: str) -> None:
    """The message says what the text is nearest to."""
    with pytest.raises(TargetError) as raised:
        open_target(text, folder=tmp_path)
    assert str(raised.value) == f"{text!r} is no target: {hint}"


def test_a_folder_without_a_service(tmp_path: Path) -> None:
    """The message names what is missing."""
    with pytest.raises(TargetError, match=r"holds no service: there is no server\.py"):
        open_target(str(tmp_path))
    (tmp_path / "server.py").touch()
    with pytest.raises(TargetError, match=r"holds no service: there is no pym-config\.yaml"):
        open_target(str(tmp_path))


def try_service(target: Target) -> None:
    """Call a pets service the way a suite does."""
    token = target.token("ann", ["pets", "cats"])
    assert (read_claims(token)["sub"], read_claims(token)["scope"]) == ("ann", "pets cats")
    headers = {"Authorization": f"Bearer {token}"}
    pets = f"{target.base_url}/v1/pets"
    assert target.session().get(f"{target.base_url}/ping").json() == {}
    assert target.session().post(pets, json={"name": "Tom"}).status_code == 401
    made = target.session().post(pets, json={"name": "Tom", "kind": "cat"}, headers=headers)
    assert (made.status_code, made.json()["owner"]) == (201, "ann")
    contracts = target.contracts()
    assert contracts is not None
    assert [contract.name for contract in contracts] == ["pets"]
    match = contracts.match("POST", pets)
    assert match is not None
    assert match.operation.name == "createPet"


def test_app_in_this_process(service: Path) -> None:
    """The app is called without a socket; its contracts and its key are the process's."""
    with open_target("app", folder=service) as target:
        assert target.describe() == f"the app server:app of {service}"
        try_service(target)


def test_app_shares_the_services_types(service: Path) -> None:
    """The contract of an app in this process has the models that its handlers use."""
    from pymacaron import apipool

    with open_target("app", folder=service) as target:
        contracts = target.contracts()
        assert contracts is not None
        assert next(iter(contracts)).types.model("Pet") is apipool.pets.Pet


def test_app_serves_some_of_the_loaded_contracts(service: Path) -> None:
    """A contract that is loaded for its client alone is not the app's."""
    server = (service / "server.py").read_text()
    (service / "server.py").write_text(server.replace("load_apis()", "load_apis(only_models=['other'])"))
    pets = (service / "apis" / "pets.yaml").read_text()
    (service / "apis" / "other.yaml").write_text(pets.replace("/v1", "/v2"))
    with open_target("app", folder=service) as target:
        contracts = target.contracts()
        assert contracts is not None
        assert [contract.name for contract in contracts] == ["pets"]


@pytest.mark.parametrize("kind", ["app", "folder"])
def test_routes_without_base_path(service: Path, kind: str) -> None:
    """With ignore_base_path the contract's paths are found where they are served."""
    (service / "pym-config.yaml").write_text("name: pets\nignore_base_path: true\n")
    target = open_target("app", folder=service) if kind == "app" else open_target(str(service))
    contracts = target.contracts()
    assert contracts is not None
    assert contracts.match("GET", "/pets") is not None
    assert contracts.match("GET", "/v1/pets") is None


def test_a_function_that_makes_the_app(tmp_path: Path) -> None:
    """``module:attribute`` may be a function without arguments; any WSGI app will do."""
    make_service(
        tmp_path,
        {
            "made_apps.py": """
                def plain(environ, start_response):
                    start_response("200 OK", [("Content-Length", "5")])
                    return [b"plain"]

                def make():
                    return plain
            """
        },
    )
    for name in ("made_apps:plain", "made_apps:make"):
        with open_target(name, folder=tmp_path) as target:
            assert target.session().get(target.base_url).text == "plain"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("broken_app:app", "importing broken_app failed: ZeroDivisionError: division by zero"),
        ("empty_app:app", "empty_app has no 'app'; name its app as module:attribute"),
        ("empty_app:NUMBER", "empty_app:NUMBER is no WSGI app but a int"),
        ("app", "importing server failed: ModuleNotFoundError"),
    ],
)
def test_an_app_that_cannot_be_loaded(tmp_path: Path, text: str, message: str) -> None:
    """The message says what is wrong with which module."""
    make_service(tmp_path, {"broken_app.py": "1 / 0\n", "empty_app.py": "NUMBER = 1\n"})
    with pytest.raises(TargetError) as raised:
        open_target(text, folder=tmp_path).start()
    assert message in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_another_folders_module_is_not_taken_for_this_ones(tmp_path: Path, service: Path) -> None:
    """A module of the same name that was imported from elsewhere is refused, not tested."""
    other = make_service(tmp_path / "other", {"server.py": "app = lambda environ, start: []\n"})
    open_target("app", folder=other).start()
    with pytest.raises(TargetError, match=r"server is .*other/server\.py already"):
        open_target("app", folder=service).start()


def test_folder_is_started_and_stopped(service: Path) -> None:
    """``pym run`` serves the folder on a free port, until the target is stopped."""
    target = open_target(str(service))
    with target:
        assert target.describe() == f"the service in {service}"
        assert target.base_url.startswith("http://127.0.0.1:")
        try_service(target)
    with pytest.raises(TargetError, match="Connection refused"):
        wait_for_ping(target, 0)


@pytest.mark.once
def test_folder_that_cannot_start(service: Path) -> None:
    """The message has the status and what the service said."""
    (service / "pets.py").write_text("1 / 0\n")
    with pytest.raises(TargetError) as raised:
        open_target(str(service)).start()
    lines = str(raised.value).splitlines()
    assert lines[0] == f"the service in {service} ended with status 2:"
    assert "ZeroDivisionError" in str(raised.value)


@pytest.mark.once
def test_folder_that_never_answers(service: Path) -> None:
    """A service whose ping fails is given up after a while, and stopped; the message has its answer and its log."""
    server = (service / "server.py").read_text()
    (service / "server.py").write_text(server.replace("debug=debug", "debug=debug, ping_hook=lambda: 1 / 0"))
    target = FolderTarget(service, patience=3)
    with pytest.raises(TargetError) as raised:
        target.start()
    assert "/ping was not answered within 3 s: the last answer was 500" in str(raised.value)
    assert "ZeroDivisionError" in str(raised.value)
    assert target.process is None


@pytest.mark.once
def test_folders_environment_picks_its_configuration(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PYM_ENV, the service and the tokens have the configuration of that name; this process's stays its own."""
    from pymacaron.config import get_config

    (service / "pym-config.test.yaml").write_text("name: pets\njwt_secret: KEY\nenv_secrets: [KEY]\njwt_issuer: me\n")
    monkeypatch.setenv("PYM_ENV", "test")
    monkeypatch.setenv("KEY", SECRET)
    before = get_config()
    with open_target(str(service)) as target:
        token = target.token("ann")
        assert read_claims(token)["iss"] == "me"
        headers = {"Authorization": f"Bearer {token}"}
        found = target.session().get(f"{target.base_url}/auth/version", headers=headers)
        assert found.json()["pym_env"] == "test"
    assert get_config() is before
    assert not (service / ".pym").exists()


def test_what_answers_at_a_url(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running service is tested by its URL: its docs page tells its contracts, the folder where this runs its key."""
    with open_target(str(service)) as running:
        monkeypatch.chdir(service)
        with open_target(f"{running.base_url}/") as target:
            assert target.base_url == running.base_url
            try_service(target)
        assert running.session().get(f"{running.base_url}/ping").status_code == 200


def test_contracts_published_elsewhere(service: Path) -> None:
    """``/openapi.json`` of any service is found; nothing is found where nothing is published."""
    import yaml

    app = Flask("other")
    with served(app) as url, UrlTarget(url) as target:
        contracts = target.contracts()
        assert contracts is not None
        assert len(contracts) == 0
    document = yaml.safe_load((service / "apis" / "pets.yaml").read_text())
    app = Flask("other")
    app.add_url_rule("/openapi.json", "openapi", lambda: document)
    with served(app) as url, UrlTarget(url) as target:
        contracts = target.contracts()
        assert contracts is not None
        assert contracts.match("GET", "/v1/pets") is not None


def test_files_come_before_what_is_found(service: Path) -> None:
    """Contracts that are given are used in place of the target's own."""
    other = service / "other.yaml"
    other.write_text((service / "apis" / "pets.yaml").read_text().replace("/v1", "/v2"))
    for text in ("app", str(service)):
        contracts = open_target(text, [other], folder=service).contracts()
        assert contracts is not None
        assert [contract.prefix for contract in contracts] == ["/v2"]
    with pytest.raises(NoContractError, match=r"nowhere\.yaml: there is no such contract"):
        open_target("app", [service / "nowhere.yaml"], folder=service).contracts()


def test_folders_contracts_that_cannot_be_read(service: Path) -> None:
    """The message names the folder and the fault."""
    (service / "apis" / "pets.yaml").write_text("openapi: 3.1.0\npaths: [\n")
    with pytest.raises(TargetError, match=r"its contracts cannot be read: .*pets\.yaml"):
        open_target(str(service)).contracts()


def test_no_cookies_are_kept(tmp_path: Path) -> None:
    """A cookie of one answer is not sent with the next call, but is with a redirect of its own."""
    app = Flask("cookies")

    @app.get("/<path>")
    def answer(path: str) -> Any:
        made = make_response({"seen": request.cookies.to_dict()})
        made.set_cookie("a", "1")
        if path == "go":
            made.status_code, made.headers["Location"] = 303, "/there"
        return made

    with served(app) as url, UrlTarget(url) as target:
        first = target.session().get(f"{url}/x")
        assert first.cookies.get_dict() == {"a": "1"}
        assert target.session().get(f"{url}/x").json() == {"seen": {}}
        assert target.session().get(f"{url}/go").json() == {"seen": {"a": "1"}}


def test_netrc_and_proxies_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user's files and environment say of other calls does not change those of tests on this machine."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    app = Flask("headers")
    app.add_url_rule("/", "headers", lambda: dict(request.headers))
    with served(app) as url, UrlTarget(url) as target:
        assert "Authorization" not in target.session().get(url).json()


def test_a_url_that_nobody_answers() -> None:
    """The message has the URL and the reason."""
    with pytest.raises(TargetError, match=r"http://127\.0\.0\.1:1/ping was not answered within 0 s: .*refused"):
        wait_for_ping(UrlTarget(NOBODY), 0)


def test_a_url_that_is_none() -> None:
    """It is told at once."""
    with pytest.raises(TargetError, match=r"^http://127\.0\.0\.1:99999 is no URL of a server; write http://HOST:PORT"):
        open_target("http://127.0.0.1:99999").start()


def test_a_service_without_ping_is_up() -> None:
    """Any answer below 500 to ``GET /ping`` means that the service is up."""
    with served(Flask("nothing")) as url:
        wait_for_ping(UrlTarget(url), 0)


def test_a_certificate_that_is_not_trusted() -> None:
    """It is refused at once, with the mend; it is taken where it need not be verified."""
    app = Flask("secure")
    app.add_url_rule("/ping", "ping", lambda: {"secure": request.is_secure})
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"https://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(
            TargetError, match=r": certificate verify failed: self-signed certificate; --no-ssl-check takes any"
        ):
            open_target(url).start()
        with open_target(url, verify=False) as target:
            assert target.session().get(f"{url}/ping").json() == {"secure": True}
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
