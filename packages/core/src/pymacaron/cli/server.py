"""``pym run``: the service on this machine, started again when code or a contract changes; Granian in production."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from pymacaron.config import Config, get_config
from pymacaron.exceptions import ConfigError, StartError
from pymacaron.plugins import Plugins, ProcessesContext, load_plugins

from .service import configure_logging, load_app, service_config, watched_files
from .supervisor import Child, Supervisor
from .welcome import welcome

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PORT = 8080
CANNOT_START = 2
_PORT = click.IntRange(0, 65535)
_TICK = 0.25


@click.command()
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--debug/--no-debug", default=None, help="Let error bodies say what happened (default in development).")
@click.option("--reload/--no-reload", default=None, help="Start again when code or a contract changes.")
@click.option("--production", is_flag=True, help="Serve with Granian, without reload and debug.")
@click.option("--workers", type=click.IntRange(1), help="Server processes in production.")
@click.option("--threads", type=click.IntRange(1), help="Threads of each server process in production.")
def run(
    port: int,
    host: str,
    debug: bool | None,
    reload: bool | None,
    production: bool,
    workers: int | None,
    threads: int | None,
) -> None:
    """Run the service in this folder until ^C."""
    from pymacaron.flaskapp.serving import check_port

    config = service_config()
    check_port(host, port)
    plugins = load_plugins()
    argv = [sys.executable, "-m", "pymacaron.cli", "serve", "--host", host, "--port", str(port)]
    if production:
        argv += ["--production", *_number("--workers", workers), *_number("--threads", threads)]
    elif debug is not False:
        argv += ["--debug"]
    keep_fresh = reload if reload is not None else not production
    status = _supervise(config, plugins, Child("the server", argv, keep=production), keep_fresh and not production)
    raise Exit(status)


def _number(option: str, value: int | None) -> list[str]:
    return [option, str(value)] if value is not None else []


def _supervise(config: Config, plugins: Plugins, server: Child, reload: bool) -> int:
    """Run the server and the processes of plugins until stopped; return the exit status."""
    supervisor = Supervisor()
    supervisor.install_signals()
    found: ProcessesContext = plugins.call("processes", ProcessesContext(config, []))
    server.env = found.env
    try:
        supervisor.add(server)
        for process in found.processes:
            supervisor.add(Child(process.name, process.argv, {**found.env, **process.env}, reload=process.reload))
        return _watch(config, supervisor, server, reload)
    finally:
        supervisor.stop_all()


def _watch(config: Config, supervisor: Supervisor, server: Child, reload: bool) -> int:
    seen = _times(config) if reload else {}
    first = True
    while not supervisor.stopping:
        time.sleep(_TICK)
        status = server.poll()
        if status is not None and first and (status == CANNOT_START or not server.keep):
            return status if status >= 0 else 128 - status
        supervisor.tend()
        if reload:
            now = _times(config)
            if now != seen:
                changed = sorted(str(p.relative_to(config.folder)) for p, t in (now.items() ^ seen.items()))
                click.echo(f"pym: {changed[0]} changed, starting again", err=True)
                seen, first = now, False
                for child in (server, *(child for child in supervisor.children if child.reload)):
                    child.stop()
                    child.start()
    return 0


def _times(config: Config) -> dict[Path, float]:
    """Return when each watched file was changed last."""
    made: dict[Path, float] = {}
    for path in watched_files(config):
        try:
            made[path] = path.stat().st_mtime
        except OSError:
            continue
    return made


@click.command(hidden=True)
@click.option("--port", type=int, required=True)
@click.option("--host", default="127.0.0.1")
@click.option("--debug", is_flag=True)
@click.option("--production", is_flag=True)
@click.option("--workers", type=int)
@click.option("--threads", type=int)
def serve(port: int, host: str, debug: bool, production: bool, workers: int | None, threads: int | None) -> None:
    """Serve without supervision; what `pym run` starts."""
    from pymacaron.flaskapp.serving import serve_development, serve_production

    configure_logging()
    app = load_app()
    config = get_config()
    if production:
        serve_production(
            "server:app",
            host,
            port,
            workers or config.get("worker_count") or os.cpu_count() or 1,
            threads or config.get("threads"),
        )
    else:
        click.echo(welcome(app, config, f"http://{f'[{host}]' if ':' in host else host}:{port}"), err=True)
        serve_development(app, host, port, debug)


@click.command()
@click.option("--port", type=_PORT, default=None, help="Port to listen on.")
@click.option("--env", default=None, help="Value for PYM_ENV.")
@click.option("--debug/--no-debug", default=False, help="Let error bodies say what happened.")
def _script(port: int | None, env: str | None, debug: bool) -> tuple[int | None, str | None, bool]:
    """Run this service."""
    return port, env, debug


def run_script(folder: Path, callback: Callable[..., Any] | None, serving: list[bool]) -> None:
    """Run ``server.py`` as a script: read its options, then let the callback start the service.

    Exits with status 2 and one line where the service cannot start.
    """
    try:
        options = _script.main(sys.argv[1:], prog_name=Path(sys.argv[0]).name, standalone_mode=False)
        if not isinstance(options, tuple):
            sys.exit(options)  # --help was all
        port, env, debug = options
        if env:
            os.environ["PYM_ENV"] = env
        configure_logging()
        config = get_config(folder)
        if callback is None:
            raise ConfigError("letsgo: give it a callback that makes the API and starts it")
        serving.append(True)
        callback(port if port is not None else config.get("port", DEFAULT_PORT), debug)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except StartError as error:
        click.echo(f"{Path(sys.argv[0]).name}: {' '.join(error.message.split())}", err=True)
        sys.exit(2)
