"""``API`` and ``letsgo``: contracts loaded, services prepared, and started in each way there is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from harness import CONTRACT, SERVICE, bind, caller, json_of, make_api, openapi, python, running, write
from pymacaron import API, apipool, get_model, letsgo
from pymacaron.config import Config, load_config, set_config
from pymacaron.exceptions import BindError, ConfigError, ContractError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"Item": {"type": "object", "properties": {"a": {"type": "integer"}}}}


def contract(operation: str, path: str) -> str:
    return CONTRACT.replace("operationId: hello", f"operationId: {operation}").replace("/hello/{name}", path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write two contracts in a service's folder, and make its configuration the current one."""
    files = {
        "apis/one.yaml": contract("one", "/one/{name}"),
        "apis/deep/two.yml": contract("two", "/two/{name}"),
        "pym-config.yaml": "name: shop\n",
    }
    set_config(load_config(write(tmp_path, files) / "pym-config.yaml"))
    bind({"one": lambda name: {"one": name}, "two": lambda name: {"two": name}})
    return tmp_path


def test_all_contracts_of_the_folder(folder: Path) -> None:
    """Without a path every contract below ``apis/`` beside pym-config is served."""
    client = caller(API(Flask("x")).load_apis().prepare())
    assert client.get("/v1/one/a").json == {"one": "a"}
    assert client.get("/v1/two/b").json == {"two": "b"}
    assert apipool.get_api_names() == ["one", "ping", "two"]


def test_another_folder(folder: Path) -> None:
    """A path may be given, as text or as a Path."""
    for path in (str(folder / "apis" / "deep"), folder / "apis" / "deep"):
        apipool.clear()
        API(Flask("x")).load_apis(path)
        assert apipool.get_api_names() == ["two"]


def test_ignored_apis(folder: Path) -> None:
    """Those to be ignored are not loaded at all."""
    client = caller(API(Flask("x")).load_apis(ignore=["two"]).prepare())
    assert client.get("/v1/two/b").status_code == 404
    assert apipool.get_api_names() == ["one", "ping"]


def test_only_models(folder: Path) -> None:
    """Those loaded for their models are in the pool and not served."""
    client = caller(API(Flask("x")).load_apis(only_models=["two"]).publish_apis().prepare())
    assert client.get("/v1/two/b").status_code == 404
    assert client.get("/v1/one/b").status_code == 200
    assert client.get("/doc/two.json").status_code == 404
    assert "two" in apipool.get_api_names()


@pytest.mark.parametrize("option", ["ignore", "only_models"])
def test_name_that_is_no_api(folder: Path, option: str) -> None:
    """A misspelt name is refused, instead of serving what should not be."""
    with pytest.raises(ConfigError, match=r"has no contract named 'tow'; did you mean 'two'\?"):
        API(Flask("x")).load_apis(None, **{option: ["tow"]})


def test_name_of_a_contract_that_is_gone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A name that is like no other one is told of, and keeps no service from its start."""
    API(Flask("x")).load_apis(ignore=["removed-last-year"])
    assert apipool.get_api_names() == ["one", "two"]
    assert "has no contract named 'removed-last-year'" in caplog.text


def test_load_clients(folder: Path) -> None:
    """Contracts of other services are loaded without serving them, all or those that are named."""
    API(Flask("x")).load_clients(apis=["two"])
    assert apipool.get_api_names() == ["two"]
    client = caller(API(Flask("x")).load_clients(folder / "apis").prepare())
    assert apipool.get_api_names() == ["one", "ping", "two"]
    assert client.get("/v1/one/a").status_code == 404
    with pytest.raises(ConfigError, match="has no contract named 'three'; it has "):
        API(Flask("x")).load_clients(apis=["three"])


def test_document_of_python_and_of_a_file(folder: Path) -> None:
    """One contract is loaded under a name, from a dict or a path."""
    api = API(Flask("x"))
    api.load_api("shed", openapi({}, components={"schemas": ITEM})).load_api("uno", folder / "apis" / "one.yaml")
    assert apipool.shed.Item(a=1)["a"] == 1
    assert caller(api.prepare()).get("/v1/one/z").json == {"one": "z"}
    with pytest.raises(ContractError, match="no such file"):
        api.load_api("x", folder / "missing.yaml")


def test_prepare_twice() -> None:
    """A second call changes nothing."""
    api = make_api(openapi({}))
    rules = len(list(api.app.url_map.iter_rules()))
    assert api.prepare() is api.app
    assert len(list(api.app.url_map.iter_rules())) == rules


def test_two_apis_on_two_apps() -> None:
    """Two services in one process do not get in each other's way."""
    document = openapi({"/x": {"get": {"operationId": "x", "responses": {"200": json_of(True)}}}})
    first = make_api(document, {"x": lambda: 1}, name="first")
    second = make_api(document, {"x": lambda: 2}, name="second")
    assert (caller(first.app).get("/x").json, caller(second.app).get("/x").json) == (1, 2)


def test_app_keeps_its_own(folder: Path) -> None:
    """Routes that the app has already stay."""
    app = Flask("x")
    app.add_url_rule("/own", "own", lambda: "mine")
    client = caller(API(app).load_apis().prepare())
    assert client.get("/own").text == "mine"
    assert client.get("/v1/one/a").status_code == 200


def test_start_serves_nothing_when_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a WSGI server or in a test, start() prepares and returns."""
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *_, **__: pytest.fail("it served"))
    set_config(Config())
    api = API(Flask("x"))
    api.start()
    assert caller(api.app).get("/ping").status_code == 200


def test_options() -> None:
    """What API is given is there, and overrides pym-config."""
    set_config(Config({"default_user_id": "config", "timeout": 5}))
    api = API(Flask("x"), default_user_id="given", log_level=logging.ERROR, host="h", port=1, debug=True)
    assert (api.config.default_user_id, logging.getLogger().level) == ("given", logging.ERROR)
    assert (api.host, api.port, api.debug) == ("h", 1, True)
    assert api.client_settings.timeout == 5
    assert API(Flask("x"), timeout=0.5).client_settings.timeout == 0.5


def test_json_encoders() -> None:
    """Values that JSON has no form for are converted by the service's own encoders."""
    document = openapi({"/x": {"get": {"operationId": "x", "responses": {"200": json_of(True)}}}})
    handlers = {"x": lambda: {"z": complex(1, 2)}}
    api = make_api(document, handlers, json_encoders=[(complex, lambda value: [value.real, value.imag])])
    assert caller(api.app).get("/x").json == {"z": [1.0, 2.0]}


def test_models_of_all_apis(folder: Path) -> None:
    """get_model finds a model in whichever API has it, unless two have different ones."""
    api = API(Flask("x")).load_api("a", openapi({}, components={"schemas": ITEM}))
    assert get_model("Item") is apipool.a.Item
    other = {"Item": {"type": "object", "properties": {"b": {"type": "string"}}}}
    api.load_api("b", openapi({}, components={"schemas": other}))
    with pytest.raises(ModelError, match="the APIs 'a' and 'b' have different schemas named 'Item'"):
        get_model("Item")
    with pytest.raises(ModelError, match="no loaded API has a model 'None'"):
        get_model("None")


def test_pool(folder: Path) -> None:
    """The pool loads a contract for its models, makes models of dicts, and names what it does not have."""
    loaded = apipool.load_swagger("shed", openapi({}, components={"schemas": ITEM}))
    assert loaded is apipool.shed
    assert apipool.shed.json_to_model("Item", {"a": 1}) == apipool.shed.Item(a=1)
    assert (hasattr(apipool, "nope"), hasattr(apipool.shed, "Nope")) == (False, False)
    with pytest.raises(ModelError, match="no API named 'nope' is loaded; loaded are: shed"):
        _ = apipool.nope
    apipool.remove("shed")
    assert apipool.get_api_names() == []


def test_handlers_of_both_kinds(tmp_path: Path) -> None:
    """A dotted path is imported; a name alone is looked up in the module that pym-config names."""
    paths = {
        "/a": {"get": {"operationId": "ignored", "x-bind-server": "mod_one.sub", "responses": {"200": json_of(True)}}},
        "/b": {"get": {"operationId": "plain", "responses": {"200": json_of(True)}}},
    }
    write(tmp_path, {"mod_one.py": "def sub(): return 1\n", "mod_two.py": "def plain(): return 2\n"})
    import sys

    sys.path.insert(0, str(tmp_path))
    client = caller(make_api(openapi(paths), config={"handlers": "mod_two"}).app)
    assert (client.get("/a").json, client.get("/b").json) == (1, 2)


def test_no_handler_is_asked_for() -> None:
    """x-no-bind-server leaves an operation out of the routes."""
    paths = {"/a": {"get": {"x-no-bind-server": True, "responses": {}}}}
    assert caller(make_api(openapi(paths)).app).get("/a").status_code == 404
    with pytest.raises(BindError, match="it is bound to nothing; add x-bind-server"):
        make_api(openapi({"/a": {"get": {"responses": {}}}}))


# letsgo


def test_letsgo_imported(tmp_path: Path) -> None:
    """Imported, as a WSGI server does, server:app is ready and nothing is served."""
    write(tmp_path, SERVICE)
    done = python(tmp_path, "-c", "import server; print(server.app.test_client().get('/v1/hello/a').json, __name__)")
    assert (done.returncode, done.stdout) == (0, "{'hello': 'a'} __main__\n"), done.stderr


def test_letsgo_imported_from_elsewhere(tmp_path: Path) -> None:
    """The configuration and the contracts beside server.py are found from any working folder."""
    write(tmp_path / "service", {**SERVICE, "pym-config.yaml": "name: found\n"})
    work = tmp_path / "work"
    work.mkdir()
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'service')!r}); import server; from pymacaron import *\n"
    done = python(work, "-c", script + "print(get_config().name, server.app.test_client().get('/v1/hello/a').status)")
    assert done.stdout == "found 200 OK\n", done.stderr


def test_letsgo_in_a_worker(tmp_path: Path) -> None:
    """A worker that imports the service has its models and clients, and listens on no port."""
    write(tmp_path, SERVICE)
    script = """
        import socket
        from importlib import import_module

        def refuse(*_):
            raise SystemExit("it listens")

        socket.socket.listen = refuse
        import_module("server")
        from pymacaron import apipool, get_config
        print(apipool.get_api_names(), get_config().name)
    """
    done = python(write(tmp_path, {"worker.py": script}), "worker.py")
    assert done.stdout == "['greetings', 'ping'] greetings\n", done.stderr


def test_letsgo_as_a_script(tmp_path: Path) -> None:
    """Run as a script, server.py serves on the port and in the environment that it is given."""
    write(tmp_path, {**SERVICE, "pym-config.test.yaml": "name: tested\n"})
    with running(tmp_path, ["server.py", "--env", "test"]) as server:
        assert server.get("/v1/hello/ann").json() == {"hello": "ann"}
        assert server.get("/version").json() == {
            "name": "tested", "version": "0.1.0", "apis": ["greetings"], "pym_env": "test",
        }  # fmt: skip


@pytest.mark.parametrize(("flag", "shown"), [("--debug", "ValueError: boom"), ("--no-debug", "the service failed")])
def test_letsgo_debug(tmp_path: Path, flag: str, shown: str) -> None:
    """--debug lets error bodies say what happened."""
    write(tmp_path, {**SERVICE, "handlers.py": "def hello(name):\n    raise ValueError('boom')\n"})
    with running(tmp_path, ["server.py", flag]) as server:
        assert shown in server.get("/v1/hello/ann").json()["error_description"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "'x' is not a valid integer"),
        (["--port", "99999"], "99999 is not in the range"),
        (["--nope"], "No such option"),
        (["--env"], "requires an argument"),
    ],
)
def test_letsgo_misused(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A wrong option is named, with exit status 2."""
    done = python(write(tmp_path, SERVICE), "server.py", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_letsgo_help(tmp_path: Path) -> None:
    """--help lists the options and starts nothing."""
    done = python(write(tmp_path, SERVICE), "server.py", "--help")
    assert (done.returncode, "--port" in done.stdout) == (0, True)


def test_letsgo_without_callback(tmp_path: Path) -> None:
    """A script that gives no callback is told to."""
    done = python(write(tmp_path, {"server.py": "from pymacaron import letsgo\nletsgo(__name__)\n"}), "server.py")
    assert (done.returncode, done.stderr) == (
        2, "server.py: letsgo: give it a callback that makes the API and starts it\n",
    )  # fmt: skip
    letsgo("imported")


def test_port_of_the_configuration(tmp_path: Path) -> None:
    """The callback gets the port of pym-config where no option says another."""
    write(tmp_path, {"pym-config.yaml": "port: 4711\n"})
    given: list[Any] = []
    set_config(load_config(tmp_path / "pym-config.yaml"))
    letsgo("imported", callback=lambda port, debug: given.append((port, debug)))
    assert given == [(4711, False)]


def test_error_at_import_is_ours(tmp_path: Path) -> None:
    """A service that cannot start raises one of our errors when it is imported."""
    write(tmp_path, {**SERVICE, "handlers.py": ""})
    done = python(tmp_path, "-c", "import server")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("pymacaron.exceptions.BindError: apis/greetings.yaml:6:")
