"""What the commands of ``pym tasks`` are about: the service in the working folder."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import click

from pymacaron.cli.service import load_app, service_config
from pymacaron.exceptions import PyMacaronException

from .embedded import private_url
from .exceptions import AsyncConfigError
from .queues import NO_BROKER
from .runtime import get_runtime
from .settings import read_settings
from .tasks import queues_in_use

if TYPE_CHECKING:
    from .runtime import Runtime

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


class Service:
    """The service in the working folder: its broker and store, and the queues that its tasks name."""

    @cached_property
    def runtime(self) -> Runtime:
        """Its store and broker.

        Raises:
            AsyncConfigError: it has no broker, so that nothing can be seen from outside the server.
        """
        config = service_config()
        if read_settings(config, private_url(config)).broker is None:
            raise AsyncConfigError(NO_BROKER)
        return get_runtime()

    @cached_property
    def queues(self) -> list[str]:
        """The queues that its tasks name; its own alone where its code cannot be loaded."""
        try:
            load_app()
        except PyMacaronException as error:
            click.echo(f"pym: only the queue {self.runtime.settings.queue!r} is known: {error.message}", err=True)
        return queues_in_use(self.runtime.settings.queue)
