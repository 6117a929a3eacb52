"""The tables of the documentation that must say what the code says, made from the code."""

from __future__ import annotations

import inspect
import re
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from pymacaron.cli.main import pym
from pymacaron.config import KEYS
from pymacaron.exceptions import PyMacaronException
from pymacaron.plugins import HOOKS, Plugin
from pymacaron.spec.check import RULES
from pymacaron_async.brokers import BROKERS
from pymacaron_async.settings import KEYS as ASYNC_KEYS
from pymacaron_dynamodb import PersistentSwaggerObject
from pymacaron_dynamodb import exceptions as dynamodb_errors
from pymacaron_dynamodb.db_command import db
from pymacaron_dynamodb.definition import SETTINGS, SHORT
from pymacaron_dynamodb.settings import KEYS as DYNAMODB_KEYS

DIFFERENCES = Path(__file__).parents[2] / "packages" / "dynamodb" / "tests" / "differences.py"


def configuration() -> list[str]:
    """Return one row for each key of pym-config."""
    return [f"| `{key}` | {_default(default)} | {meaning} |" for key, (default, meaning) in KEYS.items()]


def _default(value: Any) -> str:
    if value is None or value in ((), ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def hooks() -> list[str]:
    """Return one row for each hook, with the fields of its context."""
    return [
        f"| `{name}` | {', '.join(f'`{field.name}`' for field in fields(context))} | {_summary(name)} |"
        for name, context in HOOKS.items()
    ]


def _summary(hook: str) -> str:
    return str(getattr(Plugin, hook).__doc__).strip()


def commands() -> list[str]:
    """Return one row for each command, with its options."""
    own = {name: command for name, command in pym.commands.items() if not command.hidden}
    return [
        f"| `{_usage(name, command)}` | {command.get_short_help_str(200)} |" for name, command in sorted(own.items())
    ]


def _usage(name: str, command: click.Command) -> str:
    parts = [f"pym {name}"]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown = parameter.make_metavar(click.Context(command))
            parts.append(shown)
        else:
            parts.append(f"[{'/'.join([*parameter.opts, *parameter.secondary_opts])}]")
    return " ".join(parts)


def rules() -> list[str]:
    """Return one row for each rule of ``pym check``."""
    return [f"| `{rule}` | {meaning} |" for rule, meaning in RULES.items()]


def async_keys() -> list[str]:
    """Return one row for each key of pym-config that is of asynchronous tasks."""
    return [f"| `{key}` | {_default(default)} | {meaning} |" for key, (default, meaning) in ASYNC_KEYS.items()]


def brokers() -> list[str]:
    """Return one row for each broker of tasks."""
    return [
        f"| {broker.name} | {', '.join(f'`{scheme}://`' for scheme in broker.schemes)} | {broker.meaning} |"
        for broker in BROKERS
    ]


def dynamodb_keys() -> list[str]:
    """Return one row for each key of pym-config that is of the database."""
    return [f"| `{key}` | {_default(default)} | {meaning} |" for key, (default, meaning) in DYNAMODB_KEYS.items()]


def table_settings() -> list[str]:
    """Return one row for each setting of a table: what a class calls it, and what x-pym-table does."""
    described = inspect.cleandoc(str(PersistentSwaggerObject.__doc__)).partition("Attributes:\n")[2]
    meanings = dict(re.findall(r"(?ms)^    (\w+): (.*?)(?=^    \w|\Z)", described))
    names = {**{name: name for name in SETTINGS}, **{long: name for name, long in SHORT.items()}}
    return [
        f"| `{name}` | `{names[name]}` | {_default(default or None)} | {_meaning(meanings[name])} |"
        for name, default in SETTINGS.items()
    ]


def _meaning(text: str) -> str:
    return " ".join(text.split()).rstrip(".").replace("``", "`").replace(":meth:", "")


def dynamodb_exceptions() -> list[str]:
    """Return one row for each error of the database."""
    return [
        f"| `{name}` | `{found.code}` | {found.status} | {_first_line(found)} |"
        for name, found in vars(dynamodb_errors).items()
        if inspect.isclass(found) and issubclass(found, PyMacaronException)
        if found.__module__ == dynamodb_errors.__name__ and not name.startswith("_")
    ]


def _first_line(thing: Any) -> str:
    return inspect.cleandoc(str(thing.__doc__)).partition("\n")[0].rstrip(".").replace("``", "`")


def db_commands() -> list[str]:
    """Return one row for each command of ``pym db``, with its options."""
    return [
        f"| `{_usage(f'db {name}', command)}` | {_first_line(command.callback)} |"
        for name, command in db.commands.items()
    ]


def differences() -> list[str]:
    """Return the lines of the table of differences between the engines of the tests."""
    lines: list[str] = runpy.run_path(str(DIFFERENCES))["as_markdown"]().splitlines()
    return lines
