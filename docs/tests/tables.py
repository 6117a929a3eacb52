"""The tables of the documentation that must say what the code says, made from the code."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from pymacaron.cli.main import pym
from pymacaron.config import KEYS
from pymacaron.plugins import HOOKS, Plugin
from pymacaron.spec.check import RULES
from pymacaron_async.brokers import BROKERS
from pymacaron_async.settings import KEYS as ASYNC_KEYS


def configuration() -> list[str]:
    """Return one row for each key of pym-config."""
    return [f"| `{key}` | {_default(default)} | {meaning} |" for key, (default, meaning) in KEYS.items()]


def _default(value: Any) -> str:
    if value is None or value == ():
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
