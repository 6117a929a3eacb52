"""The service in the working folder: its configuration, contracts and app."""

from __future__ import annotations

import importlib
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from pymacaron.api import looking
from pymacaron.config import Config, get_config, set_config
from pymacaron.exceptions import ConfigError, PyMacaronException
from pymacaron.spec import find_contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEND = "go to the service's folder, or give pym -C FOLDER"


def service_config() -> Config:
    """Return the configuration of the service in the working folder.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    set_config(None)
    config = get_config(Path.cwd())
    if config.path is None:
        raise ConfigError(f"{Path.cwd()}: there is no pym-config.yaml; {_MEND}")
    return config


def service_contracts() -> dict[str, Path]:
    """Return the contracts of the service in the working folder, by API name."""
    config = service_config()
    return find_contracts(config.folder / config.apis)


def load_app(module: str = "server", serves: bool = True) -> Flask:
    """Import ``server.py`` of the working folder and return its app, prepared.

    Args:
        module: its name.
        serves: whether the app is to serve, or to do the work of a service, and not only to be looked at.

    Raises:
        StartError: the service cannot start.
    """
    folder = Path.cwd()
    if not (folder / f"{module}.py").is_file():
        raise ConfigError(f"{folder}: there is no {module}.py; {_MEND}")
    service_config()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        with nullcontext() if serves else looking():
            imported = importlib.import_module(module)
    except PyMacaronException:
        raise
    except Exception as error:
        raise ConfigError(f"{folder / module}.py: {_cause(error, folder)}") from error
    app = getattr(imported, "app", None)
    if not isinstance(app, Flask):
        raise ConfigError(f"{folder / module}.py: there is no Flask app named 'app' in it; write app = Flask(__name__)")
    return app


def _cause(error: BaseException, folder: Path) -> str:
    """Say what went wrong and in which line of the service."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(str(folder)):
            place = f" (at {Path(file).relative_to(folder)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"importing it failed: {type(error).__name__}: {error}{place}"


def watched_files(config: Config) -> Iterator[Path]:
    """Yield every file whose change means that the service must start again: code, contracts, configuration."""
    for pattern in ("*.py", "*.yaml", "*.yml", "*.json"):
        for path in config.folder.rglob(pattern):
            if not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(config.folder).parts):
                yield path


def configure_logging(level: int = logging.INFO) -> None:
    """Log to standard error, one line an entry."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)


def echo_json(value: Any) -> None:
    """Print a value as JSON for scripts."""
    import click
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))
