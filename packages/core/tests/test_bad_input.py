"""Whatever keeps a service from starting: one line that names place and mend, status 2, before the socket opens."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from harness import CONTRACT, SERVICE, free_port, listens, pym, python, write

if TYPE_CHECKING:
    from pathlib import Path

OTHER = CONTRACT.replace("/hello/{name}", "/hello/{who}").replace("name: name", "name: who")
SECURED = CONTRACT.replace("operationId: hello", "operationId: hello\n          security: [{jwt: []}]") + (
    "    components: {securitySchemes: {jwt: {type: http, scheme: bearer}}}\n"
)

#: What is changed in the service, the variables that are set, and what the one line must say.
CASES: dict[str, tuple[dict[str, str | bytes | None], dict[str, str], list[str]]] = {
    "contract folder missing": (
        {"apis/greetings.yaml": None},
        {},
        ["apis: no such folder; put the contracts there or give load_apis(path) another"],
    ),
    "contract unreadable": (
        {"apis/greetings.yaml": b"openapi: 3.1.0\nx: \xff\n"},
        {},
        ["apis/greetings.yaml: byte 18 is not UTF-8; save the file as UTF-8"],
    ),
    "contract is no yaml": (
        {"apis/greetings.yaml": "openapi: 3.1.0\npaths: [\n"},
        {},
        ["apis/greetings.yaml:3:1: this is no yaml: "],
    ),
    "key twice": (
        {"apis/greetings.yaml": "openapi: 3.1.0\ninfo: {}\ninfo: {}\n"},
        {},
        ["apis/greetings.yaml:3:1: the key 'info' stands twice in one mapping; remove one"],
    ),
    "empty": ({"apis/greetings.yaml": ""}, {}, ["apis/greetings.yaml: this is no OpenAPI document; it needs swagger"]),
    "unknown version": (
        {"apis/greetings.yaml": "openapi: 4.0.0\n"},
        {},
        ["apis/greetings.yaml: openapi: '4.0.0' is not supported; write 3.0.x or 3.1.x"],
    ),
    "dangling reference": (
        {"apis/greetings.yaml": CONTRACT.replace("{type: object}", '{$ref: "#/components/schemas/Greting"}')
         + "    components: {schemas: {Greeting: {type: object}}}\n"},
        {},
        ["apis/greetings.yaml:13:", "'#/components/schemas/Greting' dangles", "did you mean 'Greeting'?"],
    ),
    "reference to a missing file": (
        {"apis/greetings.yaml": CONTRACT.replace("{type: object}", '{$ref: "other.yaml#/a"}')},
        {},
        ["apis/greetings.yaml:13:", "dangles: there is no file"],
    ),
    "reference to a host": (
        {"apis/greetings.yaml": CONTRACT.replace("{type: object}", '{$ref: "https://example.com/x.yaml"}')},
        {},
        ["apis/greetings.yaml:13:", "leads to another host; save that file beside the contract"],
    ),
    "no such function": (
        {"handlers.py": "def helo(name): return {}\n"},
        {},
        ["apis/greetings.yaml:6:", "the operation 'hello'", "handlers has no 'hello'; did you mean 'helo'?"],
    ),
    "no such module": (
        {"handlers.py": None},
        {},
        ["apis/greetings.yaml:6:", "the operation 'hello'", "there is no module 'handlers' on the path"],
    ),
    "handlers that cannot be imported": (
        {"handlers.py": "import nothing_of_that_name\n"},
        {},
        ["apis/greetings.yaml:6:", "importing handlers failed", "No module named 'nothing_of_that_name'"],
    ),
    "handler that is no function": (
        {"handlers.py": "hello = 5\n"},
        {},
        ["apis/greetings.yaml:6:", "which is a int and cannot be called; bind it to a function"],
    ),
    "handler without the argument": (
        {"handlers.py": "def hello(): return {}\n"},
        {},
        ["apis/greetings.yaml:6:", "handlers.hello, which takes no argument 'name'; add it, or **kwargs"],
    ),
    "one route twice": (
        {"apis/zzz.yaml": OTHER, "handlers.py": "def hello(**_): return {}\n"},
        {},
        ["apis/zzz.yaml:6:", "'hello' claims GET /v1/hello/{who}, which 'hello' at apis/greetings.yaml:6:",
         "has; change one of the paths"],
    ),
    "missing secret": (
        {"apis/greetings.yaml": SECURED, "pym-config.yaml": "name: x\n"},
        {"PYM_ENV": "live"},
        ["apis/greetings.yaml:6:", "the operation 'hello'", "pym-config.yaml: the key 'jwt_secret' is missing"],
    ),
    "secret that is too short": (
        {"apis/greetings.yaml": SECURED, "pym-config.yaml": "jwt_secret: short\n"},
        {},
        ["jwt_secret has 5 bytes; HS256 needs at least 32, such as those of: python3 -c"],
    ),
    "variable not set": (
        {"pym-config.yaml": "env_secrets: [SHOP_KEY]\njwt_secret: SHOP_KEY\n"},
        {},
        ["pym-config.yaml: env_secrets names SHOP_KEY, which the environment does not set; export it first"],
    ),
    "unknown environment": (
        {"pym-config.yaml": "environments: [live, staging]\n"},
        {"PYM_ENV": "prod"},
        ["PYM_ENV is 'prod', which", "does not allow; use one of live, staging"],
    ),
    "wrong configuration": (
        {"pym-config.yaml": "timeout: soon\n"},
        {},
        ["pym-config.yaml: timeout is 'soon'; it must be of type int"],
    ),
    "configuration is no yaml": ({"pym-config.yaml": "name: [\n"}, {}, ["pym-config.yaml: this is no yaml: "]),
    "server.py that fails": (
        {"server.py": "x = 1\nraise RuntimeError('bad day')\n"},
        {},
        ["server.py: importing it failed: RuntimeError: bad day (at server.py:2)"],
    ),
    "server.py that is no Python": (
        {"server.py": "def (:\n"},
        {},
        ["server.py: importing it failed: SyntaxError: invalid syntax (server.py, line 1)"],
    ),
    "server.py without app": (
        {"server.py": "x = 1\n"},
        {},
        ["server.py: there is no Flask app named 'app' in it; write app = Flask(__name__)"],
    ),
    "no server.py": ({"server.py": None}, {}, ["there is no server.py; go to the service's folder, or give pym -C"]),
    "no configuration": ({"pym-config.yaml": None}, {}, ["there is no pym-config.yaml; go to the service's folder"]),
    "unknown scheme of security": (
        {"apis/greetings.yaml": SECURED.replace("{jwt: []}", "{token: []}")},
        {},
        ["apis/greetings.yaml:8:", "no security scheme is named 'token'; declared are: jwt"],
    ),
    "bad path template": (
        {"apis/greetings.yaml": CONTRACT.replace("/hello/{name}:", "/hello/{nam}:")},
        {},
        ["apis/greetings.yaml:6:", "names {nam}, but no parameter with in: path does"],
    ),
}  # fmt: skip


def change(folder: Path, changes: dict[str, str | bytes | None]) -> None:
    """Write a service and change some of its files: None removes one."""
    write(folder, SERVICE)
    for name, text in changes.items():
        if text is None:
            (folder / name).unlink()
        elif isinstance(text, bytes):
            (folder / name).write_bytes(text)
        else:
            write(folder, {name: text})
    if not list((folder / "apis").iterdir()):
        (folder / "apis").rmdir()


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_status_2(tmp_path: Path, name: str) -> None:
    """``pym run`` says in one line what is wrong, where, and how to mend it; nothing ever listened."""
    changes, variables, said = CASES[name]
    change(tmp_path, changes)
    port = free_port()
    done = pym(tmp_path, "run", "--no-reload", "--port", str(port), **variables)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    line, *more = done.stderr.splitlines()
    assert more == []
    assert line.startswith("pym: ")
    for text in said:
        assert text in line
    assert not listens(port)


@pytest.mark.parametrize("name", ["no such function", "dangling reference", "unknown environment", "one route twice"])
def test_the_same_as_a_script(tmp_path: Path, name: str) -> None:
    """``python server.py`` says the same."""
    changes, variables, said = CASES[name]
    change(tmp_path, changes)
    done = python(tmp_path, "server.py", "--port", str(free_port()), **variables)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("server.py: ")
    for text in said:
        assert text in line


@pytest.mark.parametrize("command", [["run"], ["run", "--production"]])
def test_port_in_use(tmp_path: Path, command: list[str]) -> None:
    """A port that somebody listens on is named, with what to do."""
    write(tmp_path, SERVICE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = pym(tmp_path, *command, "--port", str(port))
        assert (done.returncode, done.stdout, done.stderr) == (
            2, "", f"pym: port {port} on 127.0.0.1 is in use; choose another one with --port\n",
        )  # fmt: skip
        done = python(tmp_path, "server.py", "--port", str(port))
        assert (done.returncode, done.stderr) == (
            2, f"server.py: port {port} on 127.0.0.1 is in use; choose another one with --port\n",
        )  # fmt: skip


def test_production_refuses_as_well(tmp_path: Path) -> None:
    """A service that cannot start ends with status 2 in production too, instead of starting its workers again."""
    change(tmp_path, {"handlers.py": ""})
    done = pym(tmp_path, "run", "--production", "--port", str(free_port()))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "handlers has no 'hello'" in line


def test_address_that_is_none(tmp_path: Path) -> None:
    """A host that this machine does not have is named."""
    done = pym(write(tmp_path, SERVICE), "run", "--host", "192.0.2.1", "--port", str(free_port()))
    assert done.returncode == 2
    assert "pym: cannot listen on 192.0.2.1:" in done.stderr


def test_debug_shows_the_trace(tmp_path: Path) -> None:
    """With --debug the trace stands before the line."""
    change(tmp_path, {"handlers.py": ""})
    done = pym(tmp_path, "--debug", "run", "--no-reload", "--port", str(free_port()))
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("pym: apis/greetings.yaml:6:")
