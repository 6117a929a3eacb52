"""The command group, and the one place where errors become exit statuses."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

import click

from pymacaron.exceptions import PyMacaronException, StartError
from pymacaron.plugins import CommandsContext, load_plugins

from .checking import check, compile_contracts
from .scaffold import init
from .server import CANNOT_START, run, serve
from .showing import config, plugins, routes, token, version

FAILED = 1


class PymGroup(click.Group):
    """The group with the commands of installed plugins, which are looked for when a command is not our own."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *_plugin_commands()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return super().get_command(context, name) or _plugin_commands().get(name)


def _plugin_commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    load_plugins().call("commands", CommandsContext(found))
    return found


@click.group(cls=PymGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
@click.option(
    "-C",
    "--folder",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    help="Folder of the service, where server.py and pym-config.yaml stand.",
)
@click.option("--env", help="Value for PYM_ENV, which picks pym-config.<env>.yaml.")
def pym(debug: bool, folder: str, env: str | None) -> None:
    """Run, check and look at services that are made from OpenAPI contracts."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    os.chdir(folder)
    if env:
        os.environ["PYM_ENV"] = env
    if debug:
        os.environ["PYM_DEBUG"] = "1"


for _command in (check, compile_contracts, config, init, plugins, routes, run, serve, token, version):
    pym.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run ``pym`` and return its exit status: 0, 1 where it failed, 2 where something cannot start or was misused."""
    try:
        status: Any = pym.main(arguments, prog_name="pym", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PyMacaronException as error:
        return _say(error, error.message, CANNOT_START if isinstance(error, StartError) else FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001  # the last stop: whatever it is becomes one line
        return _say(error, f"{type(error).__name__}: {error}", FAILED)
    return status if isinstance(status, int) else 0


def _say(error: BaseException, message: str, status: int) -> int:
    if os.environ.get("PYM_DEBUG") == "1":
        traceback.print_exception(error)
    click.echo(f"pym: {' '.join(message.split())}", err=True)
    return status


def pymconfig() -> int:
    """Run ``pym config``, under its older name."""
    return main(["config", *sys.argv[1:]])


def pymversion() -> int:
    """Run ``pym version``, under its older name."""
    return main(["version", *sys.argv[1:]])
