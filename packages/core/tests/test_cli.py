"""The ``pym`` command: what each of its commands shows, and how they fail."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from harness import CONTRACT, SECRET, SERVICE, pym, python, write
from pymacaron import cli
from pymacaron.auth import load_auth_token
from pymacaron.cli.main import pymconfig, pymversion
from pymacaron.cli.scaffold import template
from pymacaron.cli.showing import table
from pymacaron.config import load_config, set_config

if TYPE_CHECKING:
    from pathlib import Path

Run = Any


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a service."""
    return write(tmp_path / "service", SERVICE)


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs ``pym`` in the service's folder, in this process: status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(["-C", str(folder), *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_help(run: Run) -> None:
    """Help lists every command with what it does."""
    status, out, _ = run("--help")
    assert status == 0
    commands = ("check", "compile", "config", "init", "plugins", "routes", "run", "token", "version")
    for name in commands:
        assert f"  {name} " in out
        assert run(name, "-h")[0] == 0
    assert "  serve " not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'"),
        (["routes", "--nope"], "No such option"),
        (["run", "--port", "x"], "'x' is not a valid integer"),
        (["run", "--port", "70000"], "70000 is not in the range"),
        (["init"], "Missing argument 'NAME'"),
        (["-C", "/no/such/folder", "routes"], "does not exist"),
    ],
)
def test_misuse(run: Run, arguments: list[str], message: str) -> None:
    """A wrong word is a message and status 2."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_routes(run: Run, folder: Path) -> None:
    """Every operation is listed with its prefix, handler and who may call it."""
    more = CONTRACT.replace("operationId: hello", "x-no-bind-server: true\n          security: [{jwt: []}, {}]")
    more = more.replace("/hello/{name}", "/bye/{name}")
    write(folder, {"apis/more.yaml": more + "    components: {securitySchemes: {jwt: {type: http, scheme: bearer}}}\n"})
    status, out, _ = run("routes", "--json")
    assert status == 0
    assert json.loads(out) == [
        {
            "api": "greetings",
            "method": "GET",
            "path": "/v1/hello/{name}",
            "operation": "hello",
            "handler": "hello",
            "security": [],
        },
        {
            "api": "more",
            "method": "GET",
            "path": "/v1/bye/{name}",
            "operation": "get_bye__name_",
            "handler": None,
            "security": [["jwt"], []],
        },
    ]
    lines = [line.split("  ") for line in run("routes")[1].splitlines()]
    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["METHOD", "PATH", "API", "OPERATION", "HANDLER", "SECURITY"],
        ["GET", "/v1/hello/{name}", "greetings", "hello", "hello", "anybody"],
        ["GET", "/v1/bye/{name}", "more", "get_bye__name_", "(not served)", "jwt or anybody"],
    ]


def test_routes_without_prefix(run: Run, folder: Path) -> None:
    """The paths are those that the service answers at."""
    write(folder, {"pym-config.yaml": "ignore_base_path: true\n"})
    assert json.loads(run("routes", "--json")[1])[0]["path"] == "/hello/{name}"


def test_table() -> None:
    """Columns are as wide as their widest cell; lines have no blanks at their end."""
    assert table([("a", "bbb"), ("cccc", "d")], ("X", "Y")) == "X     Y\na     bbb\ncccc  d"


def test_config(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are shown with their values, secrets masked whatever they are called."""
    monkeypatch.setenv("STRIPE", "hush")
    text = f"name: shop\njwt_secret: {SECRET}\nenv_secrets: [STRIPE]\npayment: STRIPE\nlist: [1, a]\nport: 5\n"
    write(folder, {"pym-config.yaml": text})
    status, out, _ = run("config")
    assert (status, out.splitlines()) == (0, [
        f"# {folder / 'pym-config.yaml'} (PYM_ENV: dev)",
        "name: shop", "jwt_secret: ***", 'env_secrets: ["STRIPE"]', "payment: ***", 'list: [1,"a"]', "port: 5",
    ])  # fmt: skip
    shown = json.loads(run("config", "--json")[1])
    assert (shown["env"], shown["path"]) == ("dev", str(folder / "pym-config.yaml"))
    assert shown["values"]["payment"] == shown["values"]["jwt_secret"] == "***"


def test_env(run: Run, folder: Path) -> None:
    """--env picks the configuration."""
    write(folder, {"pym-config.test.yaml": "name: tested\n"})
    assert "name: tested" in run("--env", "test", "config")[1]


def test_token(run: Run, folder: Path) -> None:
    """A token is for a user, with data, issuer and lifetime as asked; it alone is printed."""
    write(folder, {"pym-config.yaml": f"jwt_secret: {SECRET}\ndefault_user_id: robot\n"})
    status, out, err = run("token", "ann", "--expire-in", "60", "--data", '{"a": [1]}', "--issuer", "me")
    assert (status, err) == (0, "")
    set_config(load_config(folder / "pym-config.yaml"))
    claims = load_auth_token(out.strip()).claims
    assert (claims["sub"], claims["iss"], claims["data"]) == ("ann", "me", {"a": [1]})
    assert 59 <= claims["exp"] - claims["iat"] <= 61
    assert load_auth_token(run("token")[1].strip()).user_id == "robot"


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("name: x", ["token"], "pym: generate_token: user_id is None and pym-config has no default_user_id"),
        ("name: x", ["token", "ann", "--data", "{"], "pym: --data '{' is no JSON: "),
        ("name: x", ["--env", "live", "token", "ann"], "the key 'jwt_secret' is missing"),
        ("name: [", ["config"], "this is no yaml"),
        ("name: [", ["routes"], "this is no yaml"),
    ],
)
def test_errors_are_one_line(run: Run, folder: Path, text: str, arguments: list[str], message: str) -> None:
    """What is wrong is one line and status 2, whatever the command."""
    write(folder, {"pym-config.yaml": text + "\n"})
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize("command", ["routes", "config", "token", "check", "compile", "run"])
def test_outside_of_a_service(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """A command that needs a service says so where there is none."""
    assert cli.main(["-C", str(tmp_path), command]) == 2
    assert "there is no pym-config.yaml; go to the service's folder, or give pym -C FOLDER" in capsys.readouterr().err


def test_unexpected_error_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is one line too, with status 1; --debug shows where."""

    def fail(_: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("pymacaron.cli.showing.echo_json", fail)
    assert run("version", "--json") == (1, "", "pym: ZeroDivisionError: division by zero\n")
    status, _, err = run("--debug", "version", "--json")
    assert status == 1
    assert "Traceback" in err
    assert err.endswith("pym: ZeroDivisionError: division by zero\n")


def test_version(run: Run) -> None:
    """The versions of PyMacaron and Python are shown."""
    found = json.loads(run("version", "--json")[1])
    assert (found["pymacaron"], found["python"]) == (version("pymacaron"), platform.python_version())
    assert f"pymacaron {version('pymacaron')}\n" in run("version")[1]


def test_no_plugins(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are none, that is said; as JSON it is an empty list."""
    monkeypatch.setenv("PYM_PLUGINS", "")
    assert run("plugins") == (0, "", "no plugins are installed\n")
    assert json.loads(run("plugins", "--json")[1]) == []


def test_older_names(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """pymconfig and pymversion are names of the commands."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["pymconfig", "--json"])
    assert pymconfig() == 0
    assert json.loads(capsys.readouterr().out)["values"] == {"name": "greetings"}
    monkeypatch.setattr("sys.argv", ["pymversion"])
    assert pymversion() == 0
    assert capsys.readouterr().out.startswith("pymacaron ")


def test_closed_pipe(folder: Path) -> None:
    """Output that nobody reads any more ends the command silently."""
    script = """
        import os, subprocess, sys
        command = [sys.executable, "-m", "pymacaron.cli", "routes"]
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=15)
        print(done.returncode, repr(done.stderr))
    """
    done = python(write(folder, {"pipe.py": script}), "pipe.py")
    assert done.stdout == "1 ''\n", done.stderr


# check and compile

BROKEN = CONTRACT.replace("{type: string}", "{type: strin}")


def test_check_of_the_service(run: Run) -> None:
    """A service without faults passes, its handlers included."""
    assert run("check") == (0, "", "0 errors, 0 warnings\n")


def test_check_lists_faults(run: Run, folder: Path) -> None:
    """Each fault is a line with place and mend; there being any is status 1."""
    write(folder, {"apis/greetings.yaml": BROKEN})
    status, out, err = run("check")
    assert status == 1
    assert any(line.startswith("apis/greetings.yaml:9:") and "strin" in line for line in out.splitlines())
    assert err.startswith(f"{len(out.splitlines())} errors")
    found = json.loads(run("check", "--json")[1])["findings"]
    assert {"severity", "file", "line", "column", "pointer"} <= found[0].keys()
    assert found[0]["severity"] == "error"


def test_check_of_files(run: Run, folder: Path, tmp_path: Path) -> None:
    """Files can be named, in a service or not; their handlers are not looked for."""
    write(tmp_path, {"good.yaml": CONTRACT, "bad.yaml": BROKEN})
    write(folder, {"handlers.py": ""})
    assert run("check", str(tmp_path / "good.yaml"))[0] == 0
    assert run("check", str(tmp_path / "good.yaml"), str(tmp_path / "bad.yaml"))[0] == 1
    assert run("check", str(tmp_path / "missing.yaml"))[0] in (1, 2)


def test_check_of_handlers(run: Run, folder: Path) -> None:
    """An operation whose handler is missing is an error of the service, unless that is not wanted."""
    write(folder, {"handlers.py": ""})
    status, out, _ = run("check")
    assert status == 1
    assert "handlers has no 'hello'" in out
    assert "handlers has no 'hello'" in json.loads(run("check", "--json")[1])["binding"]
    assert run("check", "--no-bind")[0] == 0


def test_compile(run: Run, folder: Path, tmp_path: Path) -> None:
    """Contracts are compiled into the cache, which the next start uses."""
    status, out, _ = run("compile")
    (entry,) = (tmp_path / "cache").iterdir()
    assert status == 0
    assert out == f"{folder / 'apis' / 'greetings.yaml'}: 1 operations, 0 schemas -> {entry}\n"
    write(folder, {"apis/greetings.yaml": BROKEN})
    status, out, err = run("compile")
    assert (status, out) == (2, "")
    assert "'strin' is no type" in err


def test_compile_where_nothing_can_be_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that would start slowly is not built silently."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "file" / "cache"))
    status, _, err = run("compile")
    assert status == 2
    assert "cannot be written; set PYM_CONTRACT_CACHE" in err


# init


@pytest.mark.once
def test_init(tmp_path: Path) -> None:
    """A new service has contract, handlers, configuration and tests, which pass; it passes the check."""
    made = pym(tmp_path, "init", "my-notes")
    assert (made.returncode, made.stderr) == (0, "")
    folder = tmp_path / "my-notes"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"server.py", "handlers.py", "pym-config.yaml", "apis/notes.yaml", "tests/test_notes.py"} <= files
    assert made.stdout.splitlines()[-1] == "now: cd my-notes && pym run"
    assert "{{" not in "".join(path.read_text() for path in folder.rglob("*.*") if path.is_file())
    assert pym(folder, "check", "--strict").returncode == 0
    done = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-c", "/dev/null", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pym(folder, "config").stdout.count("my-notes") >= 2


@pytest.mark.parametrize("name", ["Upper", "1st", "a b", "../up", "a/b", "", "-x" * 40, "ä"])
def test_init_refuses_a_name(run: Run, folder: Path, name: str) -> None:
    """A name that is none for a folder and a service is refused."""
    status, _, err = run("init", "--", name)
    assert status == 2
    assert "is no name for a service; use small letters, digits and dashes, such as my-service" in err


def test_init_overwrites_nothing(run: Run, folder: Path) -> None:
    """A folder that has something in it stays as it is; an empty one is filled."""
    write(folder, {"taken/file": "mine"})
    status, _, err = run("init", "taken")
    assert status == 2
    assert "exists and is not empty; choose another name" in err
    (folder / "empty").mkdir()
    assert run("init", "empty")[0] == 0
    (folder / "plain").write_text("mine")
    assert run("init", "plain")[0] == 2


def test_template_has_nothing_else() -> None:
    """Each file of a new service comes from the template, named without its ending."""
    assert all(not path.endswith(".tmpl") and text.strip() for path, text in template("x"))
