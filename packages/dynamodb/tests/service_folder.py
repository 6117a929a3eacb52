"""The folder of a service whose objects persist, and ``pym`` as it is typed there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

import pymacaron_dynamodb
from pymacaron.cli.main import main
from pymacaron.config import load_config, set_config
from pymacaron_dynamodb.database import Database, database, set_database
from pymacaron_dynamodb.service_tables import find_binding
from pymacaron_dynamodb.settings import read_settings

if TYPE_CHECKING:
    from pymacaron.config import Config
    from pymacaron_dynamodb.binding import Binding

PATIENCE = 60.0

SERVER = """\
from flask import Flask
from pymacaron import API, letsgo

app = Flask(__name__)


def start(port, debug):
    api = API(app, port=port, debug=debug)
    api.load_apis()
    api.start()


letsgo(__name__, callback=start)
"""

STORE = """\
import time

from pymacaron_dynamodb import PersistentSwaggerObject


class Customer(PersistentSwaggerObject):
    table_name = "customers"
    primary_key = "id"
    {settings}

    @classmethod
    def upgrade(cls, old_item, from_version):
        {upgrade}
        return old_item
"""

TEXT = {"type": "string"}
CUSTOMER: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "x-persist": "store.Customer",
    "properties": {"id": TEXT, "version": {"type": "integer"}, "name": TEXT, "visits": {"type": "integer"}},
}
#: What `upgrade` does where the contract calls `full` what it called `name` before.
RENAME = 'old_item["full"] = old_item.pop("name", "") + "!"'


class Said(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read."""
        return json.loads(self.out)


class Service:
    """A service's folder.

    Args:
        config: leads to an engine.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.values = dict(config.values)
        self.write("pym-config.yaml", yaml.safe_dump(self.values))
        self.write("server.py", SERVER)
        self.define({"Customer": CUSTOMER})

    def write(self, name: str, text: str) -> None:
        """Write one file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def define(self, schemas: dict[str, Any], settings: str = "", upgrade: str = "pass") -> None:
        """Write a contract of these schemas, and the class of customers."""
        document = {"openapi": "3.1.0", "info": {"title": "shop", "version": "1"}, "paths": {}}
        self.write("apis/shop.yaml", yaml.safe_dump({**document, "components": {"schemas": schemas}}))
        self.write("store.py", STORE.format(settings=settings, upgrade=upgrade))

    def rename(self, upgrade: str = RENAME, settings: str = 'version = "version"') -> None:
        """Let the contract call `full` what it called `name` before."""
        properties = {**CUSTOMER["properties"], "full": TEXT}
        del properties["name"]
        schema = {**CUSTOMER, "properties": properties, "additionalProperties": False}
        self.define({"Customer": schema}, f"item_version = 2\n    {settings}", upgrade)

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs ``pym`` in this folder."""
        return [sys.executable, "-m", "pymacaron.cli", "-C", str(self.folder), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        package = str(Path(pymacaron_dynamodb.__file__).parents[1])
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYM_PLUGINS": "dynamodb", "PYTHONPATH": package}

    def pym(self, *arguments: str, stdin: str | bytes = b"") -> Said:
        """Run one command of ``pym`` in this process, as one of the service's."""
        self.enter()
        data = stdin.encode() if isinstance(stdin, str) else stdin
        streams = [TextIOWrapper(BytesIO(each), encoding="utf-8") for each in (data, b"", b"")]
        before = sys.stdin, sys.stdout, sys.stderr
        sys.stdin, sys.stdout, sys.stderr = streams
        try:
            status = main(["-C", str(self.folder), *arguments])
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
        return Said(status, *(_text(each) for each in streams[1:]))

    def process(self, *arguments: str, stdin: str | bytes = b"") -> Said:
        """Run one command of ``pym`` as a process of its own."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        made = subprocess.run(
            self.command(*arguments), env=self.environment, input=data, capture_output=True, timeout=PATIENCE
        )
        return Said(made.returncode, made.stdout.decode(), made.stderr.decode())

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start one command of ``pym``."""
        return subprocess.Popen(self.command(*arguments), env=self.environment, **more)

    def enter(self) -> None:
        """Make this process one of the service, whose code is not loaded yet."""
        os.chdir(self.folder)
        for module in ("server", "store"):
            sys.modules.pop(module, None)
        config = load_config(self.folder / "pym-config.yaml")
        made, before = Database(read_settings(config)), database()
        if made.settings.endpoint is not None and made.settings.endpoint == before.settings.endpoint:
            made._connection = before._connection  # making one takes its time
        set_config(config)
        set_database(made)

    def binding(self, name: str = "customers") -> Binding:
        """Load the service into this process, and return a table's binding."""
        self.enter()
        return find_binding(name)


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()
