"""Plugins: found by their entry points, called in order, and named when they fail."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from harness import SERVICE, json_of, make_api, openapi, pym, python, write
from pymacaron import API, apipool, plugins
from pymacaron.config import KEYS, Config, set_config
from pymacaron.exceptions import ConfigError, PluginError
from pymacaron.plugins import HOOKS, LoadedPlugin, Plugin, Plugins, load_plugins
from wheels import make_wheel, pip_install, unpack

if TYPE_CHECKING:
    from pathlib import Path

Installer = Any

SEEN = """
    import sys
    from pymacaron.plugins import Plugin, Process, ReleaseStep


    def saw(hook, context):
        shown = ",".join(sorted(vars(context)))
        print(f"{NAME} {hook} {shown}", file=sys.stderr)


    class Base:
        def __init__(self, handler):
            self.handler = handler


    class Everything(Plugin):
        def config_keys(self, context):
            saw("config_keys", context)
            context.keys[NAME + "_key"] = ("a default", "what it is for")

        def formats(self, context):
            saw("formats", context)

        def model_bases(self, context):
            saw("model_bases", context)

        def wrap_operation(self, context):
            saw("wrap_operation", context)
            inner = context.handler

            def wrapped(*args, **kwargs):
                made = inner(*args, **kwargs)
                return {**made, "by": made.get("by", "") + NAME + " "} if "hello" in made else made

            context.handler = wrapped

        def app_created(self, context):
            saw("app_created", context)
            context.app.add_url_rule("/" + NAME, NAME, lambda: context.config.get(NAME + "_key"))

        def error_raised(self, context):
            saw("error_raised", context)

        def client_call(self, context):
            saw("client_call", context)
            context.request.headers["X-" + NAME] = "1"

        def commands(self, context):
            import click

            context.commands[NAME + "-greet"] = click.Command(NAME + "-greet", callback=lambda: print("hi from", NAME))

        def processes(self, context):
            saw("processes", context)
            code = "import time; open('ran-%s', 'w').close(); time.sleep(60)" % NAME
            context.processes.append(Process(NAME, [sys.executable, "-c", code]))

        def release_steps(self, context):
            context.steps.append(ReleaseStep(NAME, lambda: None))
"""


def code(name: str) -> str:
    return f"NAME = {name!r}\n" + SEEN.replace("\n    ", "\n")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install two plugins from their wheels with pip, the later one in the alphabet first."""
    folder = tmp_path_factory.mktemp("plugins")
    wheels = [
        make_wheel(folder, f"shop_{name}", {f"shop_{name}": code(name)}, {name: f"shop_{name}:Everything"}, "1.2")
        for name in ("zebra", "ant")
    ]
    return pip_install(folder / "site", *wheels)


@pytest.fixture
def install(tmp_path: Path) -> Installer:
    """Return what installs a plugin into this process."""

    def install(name: str, module: str, entries: dict[str, str] | None = None, distribution: str = "") -> None:
        distribution = distribution or f"dist_{name}"
        entries = entries if entries is not None else {name: f"plugin_{name}:Made"}
        wheel = make_wheel(tmp_path, distribution, {f"plugin_{name}": module}, entries)
        site = unpack(tmp_path / f"site-{distribution}", wheel)
        sys.path.insert(0, str(site))

    return install


MADE = "from pymacaron.plugins import Plugin\nclass Made(Plugin): pass\n"


def own() -> list[str]:
    """Return the loaded plugins, without those that the environment may have."""
    return [loaded.name for loaded in load_plugins().loaded if loaded.distribution.startswith("dist_")]


def test_wheel_is_found_and_every_hook_runs(installed: Path, tmp_path: Path) -> None:
    """A wheel that pip installed is found by its entry point; hooks run in the order of the plugins' names."""
    write(tmp_path, SERVICE)
    script = """
        import server
        from pymacaron import apipool
        client = server.app.test_client()
        print(sorted(client.get("/v1/hello/ann").json.items()))
        print(client.get("/ant").text, client.get("/nowhere").status_code)
    """
    write(tmp_path, {"try.py": script})
    done = python(tmp_path, "try.py", PYTHONPATH=path_with(installed))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[('by', 'ant zebra '), ('hello', 'ann')]", "a default 404"]
    seen = [line.split() for line in done.stderr.splitlines()]
    hooks = ["config_keys", "formats", "wrap_operation", "app_created", "error_raised"]
    assert [hook for name, hook, _ in seen if name == "ant" and hook in hooks][:2] == hooks[:2]
    for hook in hooks:
        names = [name for name, called, _ in seen if called == hook]
        assert names[:2] == ["ant", "zebra"], hook
        contexts = {context for _, called, context in seen if called == hook}
        assert contexts == {",".join(sorted(field.name for field in dataclasses.fields(HOOKS[hook])))}


def path_with(folder: Path) -> str:
    """Return a PYTHONPATH that has a folder, beside what this process was started with."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def test_commands_of_plugins(installed: Path, tmp_path: Path) -> None:
    """``pym`` has the commands of plugins, and lists plugins with version and hooks."""
    path = path_with(installed)
    assert pym(tmp_path, "ant-greet", PYTHONPATH=path).stdout == "hi from ant\n"
    assert "zebra-greet" in pym(tmp_path, "--help", PYTHONPATH=path).stdout
    listed = json.loads(pym(tmp_path, "plugins", "--json", PYTHONPATH=path).stdout)
    (found,) = [plugin for plugin in listed if plugin["name"] == "ant"]
    assert (found["distribution"], found["version"], found["hooks"]) == ("shop_ant", "1.2", list(HOOKS))
    assert "ant " in pym(tmp_path, "plugins", PYTHONPATH=path).stdout
    assert json.loads(pym(tmp_path, "version", "--json", PYTHONPATH=path).stdout)["shop_ant"] == "1.2"


def test_plugins_can_be_chosen(installed: Path, tmp_path: Path) -> None:
    """PYM_PLUGINS loads those alone that it names, none where it is empty, and refuses an unknown name."""
    path = path_with(installed)

    def listed(chosen: str) -> Any:
        return json.loads(pym(tmp_path, "plugins", "--json", PYTHONPATH=path, PYM_PLUGINS=chosen).stdout)

    assert [plugin["name"] for plugin in listed("zebra, ant,zebra")] == ["ant", "zebra"]
    assert [plugin["name"] for plugin in listed("zebra")] == ["zebra"]
    assert listed("") == []
    done = pym(tmp_path, "plugins", PYTHONPATH=path, PYM_PLUGINS="zebr")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pym: PYM_PLUGINS names 'zebr', which is not installed; did you mean 'zebra'?\n"


def test_tracing(install: Installer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """PYM_TRACE_PLUGINS=1 logs each call of a hook."""
    monkeypatch.setenv("PYM_TRACE_PLUGINS", "1")
    install("a", MADE.replace("pass", "\n    def formats(self, context): pass"))
    set_config(Config())
    API(Flask("x"))
    assert any("plugin a: formats took" in record.message for record in caplog.records)


def test_no_tracing(install: Installer, caplog: pytest.LogCaptureFixture) -> None:
    """Without it nothing is logged."""
    install("a", MADE.replace("pass", "\n    def formats(self, context): pass"))
    set_config(Config())
    API(Flask("x"))
    assert not caplog.records


def test_order_is_by_name(install: Installer) -> None:
    """Plugins run by their names, not in the order in which they were installed."""
    for name in ("b", "c", "a"):
        install(name, MADE)
    assert own() == ["a", "b", "c"]


def test_import_loads_nothing(install: Installer) -> None:
    """Plugins are looked for when an API is made, not when pymacaron is imported."""
    install("broken", "raise RuntimeError('never imported')")
    assert "plugin_broken" not in sys.modules


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("import missing_thing", "cannot be loaded: ModuleNotFoundError: No module named 'missing_thing'; mend or"),
        ("raise ValueError('bad day')", "cannot be loaded: ValueError: bad day"),
        ("x = 1", "cannot be loaded: AttributeError"),
        ("Made = 5", "plugin_a:Made is no subclass of pymacaron.plugins.Plugin"),
        ("class Made: pass", "plugin_a:Made is no subclass of pymacaron.plugins.Plugin"),
        (MADE.replace("pass", "hook_api = 99"), "was written for hook_api 99; this PyMacaron has 1; install versions"),
        (MADE.replace("pass", "hook_api = None"), "was written for hook_api None"),
        (MADE.replace("pass", "\n    def __init__(self): raise OSError('disk')"), "cannot be made: OSError: disk"),
        (MADE.replace("pass", "\n    def __init__(self, x): pass"), "cannot be made: TypeError"),
        (
            MADE.replace("pass", "\n    def app_create(self, c): pass"),
            "has a hook 'app_create', which does not",
        ),
    ],
)
def test_plugin_that_cannot_be_loaded(install: Installer, module: str, message: str) -> None:
    """The message names plugin, distribution, version and cause."""
    install("a", module)
    with pytest.raises(PluginError, match=message) as caught:
        load_plugins()
    assert str(caught.value).startswith("the plugin 'a' (dist_a 1.0)")


def test_helpers_of_a_plugin_are_no_hooks(install: Installer) -> None:
    """A plugin may have methods and attributes of its own."""
    install("a", MADE.replace("pass", "\n    color = 'red'\n    def paint(self): pass\n    def _formats(self): pass"))
    assert own() == ["a"]


def test_two_distributions_with_one_name(install: Installer) -> None:
    """A name that two distributions have is refused, with both named."""
    install("a", MADE)
    install("a", MADE, distribution="dist_other")
    with pytest.raises(PluginError, match=r"the plugin 'a' is in dist_\w+ 1.0 and in dist_\w+ 1.0; uninstall one"):
        load_plugins()


def test_same_distribution_on_the_path_twice(install: Installer, tmp_path: Path) -> None:
    """A distribution that two folders of the path have is one plugin."""
    install("a", MADE)
    install("a", MADE)
    assert own() == ["a"]


def failing(hook: str, error: Exception) -> Plugins:
    """Make plugins of which one fails in a hook."""

    def fail(self: Any, context: Any) -> None:
        raise error

    made = type("Made", (Plugin,), {hook: fail})
    return Plugins([LoadedPlugin("a", "dist-a", "1.0", made())])


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_that_fails_is_named(hook: str) -> None:
    """What a hook raises is named after plugin, version and hook; PyMacaron's own errors pass."""
    with pytest.raises(PluginError, match=rf"the plugin 'a' \(dist-a 1.0\) failed in {hook}: KeyError: 'x'"):
        failing(hook, KeyError("x")).call(hook, None)
    with pytest.raises(ConfigError, match="clear"):
        failing(hook, ConfigError("clear")).call(hook, None)


def test_hook_that_fails_at_start_is_one_line(install: Installer, tmp_path: Path) -> None:
    """A service whose plugin fails does not start, and says why in one line."""
    install("a", MADE.replace("pass", "\n    def app_created(self, context): raise KeyError('x')"))
    write(tmp_path, SERVICE)
    done = pym(tmp_path, "run", "--port", "0", "--no-reload", PYTHONPATH=path_with(tmp_path / "site-dist_a"))
    assert done.returncode == 2
    assert "the plugin 'a' (dist_a 1.0) failed in app_created: KeyError: 'x'" in done.stderr
    assert "Traceback" not in done.stderr


def test_error_raised_that_fails_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error page is sent although a plugin fails on the error."""
    monkeypatch.setattr("pymacaron.api.load_plugins", lambda: failing("error_raised", KeyError("x")))
    assert make_api(openapi({})).app.test_client().get("/nowhere").status_code == 404


class Taste:
    """A format of a service."""

    format = "taste"

    def to_python(self, text: str) -> Any:
        return ("taste", text)

    def to_wire(self, value: Any) -> str:
        return str(value[1])

    def validate(self, text: str) -> None:
        if text not in ("sweet", "sour"):
            raise ValueError("no taste")


class Loud:
    def shout(self) -> str:
        return str(self["name"]).upper()  # type: ignore[index]  # it is mixed into a model


class Mixing(Plugin):
    """A plugin that adds a key, a format and a base."""

    def config_keys(self, context: plugins.ConfigKeysContext) -> None:
        context.keys["mixing"] = (7, "how much")

    def formats(self, context: plugins.FormatsContext) -> None:
        context.formats.append(Taste())

    def model_bases(self, context: plugins.ModelBasesContext) -> None:
        if any(schema.extensions.get("x-loud") for schema in (context.schema, *context.extends)):
            context.bases.append(Loud)


def test_keys_formats_and_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's key has its default, its format converts values, its base gives models methods."""
    loaded = Plugins([LoadedPlugin("mixing", "dist", "1", Mixing())])
    monkeypatch.setattr("pymacaron.api.load_plugins", lambda: loaded)
    item = {
        "type": "object",
        "x-loud": True,
        "properties": {
            "name": {"type": "string"},
            "taste": {"type": "string", "format": "taste"},
            "shout": {"type": "integer"},
        },
    }
    quiet = {"type": "object", "properties": {"name": {"type": "string"}}}
    ref = {"$ref": "#/components/schemas/Item"}
    paths = {"/x": {"post": {"operationId": "x", "requestBody": json_of(ref), "responses": {"200": json_of(ref)}}}}
    small = {"allOf": [{"$ref": "#/components/schemas/Item"}, {"type": "object", "properties": {"size": {}}}]}
    document = openapi(paths, components={"schemas": {"Item": item, "Small": small, "Quiet": quiet}})

    def handler(body: Any) -> Any:
        assert body.taste == ("taste", "sour")
        assert body.shout_ is None
        body.name = body.shout()
        return body

    client: Any = make_api(document, {"x": handler}).app.test_client()
    assert client.post("/x", json={"name": "a", "taste": "sour"}).json == {"name": "A", "taste": "sour"}
    assert client.post("/x", json={"name": "a", "taste": "blue"}).status_code == 400
    assert not hasattr(apipool.shop.Quiet, "shout")
    small_one: Any = apipool.shop.Small(name="b")
    assert small_one.shout() == "B"
    assert KEYS["mixing"] == (7, "how much")


def test_every_hook_is_documented() -> None:
    """Each hook is a method of Plugin with one line of documentation, and has its context."""
    methods = [name for name in vars(Plugin) if not name.startswith("_") and callable(getattr(Plugin, name))]
    assert methods == list(HOOKS)
    for name in methods:
        doc = getattr(Plugin, name).__doc__ or ""
        assert doc.strip(), name
        assert "\n" not in doc, name
        assert HOOKS[name].__doc__, name
