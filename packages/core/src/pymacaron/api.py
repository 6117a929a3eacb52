"""``API``: a service made from contracts, on a Flask app; and ``letsgo``, the last line of ``server.py``."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from .client import ApiClient, ClientSettings
from .codec.formats import Formats
from .codec.subschemas import extended
from .codec.types import Types
from .config import KEYS, get_config
from .crash import set_error_reporter
from .exceptions import ConfigError
from .flaskapp.builtin import CONTRACTS, builtin
from .flaskapp.docs import add_docs
from .flaskapp.errors import ErrorPages
from .flaskapp.lane_switch import switch_on
from .flaskapp.routes import Routes
from .plugins import AppCreatedContext, ConfigKeysContext, FormatsContext, ModelBasesContext, load_plugins
from .pool import LoadedApi, apipool
from .spec import find_contracts, load_contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask import Flask

    from .contract import Api, Schema

log = logging.getLogger("pymacaron")


class API:
    """A service: contracts, handlers and everything between, on a Flask app.

    Args:
        app: the Flask app; it may have routes, blueprints and extensions of its own.
        host: to listen on, for :meth:`start`.
        port: to listen on, for :meth:`start`.
        debug: for :meth:`start`; error bodies then say what happened.
        log_level: of the root logger.
        formats: the service's own string formats; see :class:`pymacaron.SwaggerFormat`.
        timeout: seconds after which a client gives up a call.
        error_callback: ``callback(exception) -> dict`` makes the body of error responses.
        error_reporter: ``reporter(title=, data=, exception=)`` receives each 5xx and each warning.
        default_user_id: of generated tokens; overrides pym-config's.
        json_encoders: ``(type, function)`` pairs for values that handlers return and JSON has no form for.
        ping_hook: runs with each ``GET /ping``; the ping fails where it raises.

    Raises:
        PluginError: an installed plugin cannot be loaded.
    """

    def __init__(
        self,
        app: Flask,
        host: str = "127.0.0.1",
        port: int = 8080,
        debug: bool = False,
        log_level: int = logging.INFO,
        formats: Iterable[Any] | None = None,
        timeout: float | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
        error_reporter: Callable[..., Any] | None = None,
        default_user_id: str | None = None,
        json_encoders: Iterable[tuple[type, Callable[[Any], Any]]] | None = None,
        ping_hook: Callable[[], Any] | None = None,
    ) -> None:
        self.app = app
        self.host = host
        self.port = port
        self.debug = debug
        self.ping_hook = ping_hook
        self.error_callback = error_callback
        logging.getLogger().setLevel(log_level)
        self.plugins = load_plugins()
        self.plugins.call("config_keys", ConfigKeysContext(KEYS))
        self.config = get_config()
        if default_user_id is not None:
            self.config.values["default_user_id"] = default_user_id
        given = self.plugins.call("formats", FormatsContext(list(formats or ()))).formats
        self.formats = Formats(given, json_encoders or ())
        self.client_settings = ClientSettings(timeout, self.plugins)
        self.contracts: dict[str, Any] = {}
        self.routes = Routes(app, self.config, self.plugins)
        self._apis: dict[str, LoadedApi] = {}
        self._handlers: dict[str, dict[str, Callable[..., Any]]] = {}
        self._served: dict[str, LoadedApi] = {}
        self._prepared = False
        if error_reporter is not None:
            set_error_reporter(error_reporter)

    def load_apis(
        self, path: str | Path | None = None, ignore: Iterable[str] = (), only_models: Iterable[str] = ()
    ) -> API:
        """Load every contract below a folder.

        Args:
            path: the folder; ``apis/`` beside pym-config where it is None.
            ignore: names of APIs to leave out.
            only_models: names of APIs to load for their models and clients, without serving them.

        Raises:
            ContractError: a contract cannot be read.
            ConfigError: ``ignore`` or ``only_models`` misspells the name of an API.
        """
        folder, found = self._found(path)
        ignored, unserved = set(ignore), set(only_models)
        for name in (ignored | unserved) - set(found):
            # A misspelt name would serve what should not be; one of a contract that is gone harms nothing.
            if get_close_matches(name, found, 1):
                _check_names("load_apis", [name], folder, found)
            log.warning("load_apis: %s has no contract named %r; remove the name", folder, name)
        for name, file in found.items():
            if name not in ignored:
                self._load(name, file, serve=name not in unserved)
        return self

    def _found(self, path: str | Path | None) -> tuple[Path, dict[str, Path]]:
        folder = Path(path) if path is not None else self.config.folder / self.config.apis
        return folder, find_contracts(folder)

    def load_api(self, name: str, source: str | Path | dict[str, Any]) -> API:
        """Load one contract, from a file or a dict, under a name.

        Raises:
            ContractError: the contract cannot be read.
        """
        self._load(name, source, serve=True)
        return self

    def load_builtin_apis(self, names: Iterable[str] = ("ping",)) -> API:
        """Load built-in APIs: ``ping`` (always there), ``crash``."""
        for name in names:
            if name not in self._apis:
                contract, handlers = builtin(name, self.ping_hook)
                self._handlers[name] = handlers
                self._load(name, contract, serve=True)
        return self

    def load_clients(self, path: str | Path | None = None, apis: Iterable[str] | None = None) -> API:
        """Load contracts of other services, for their models and clients alone.

        Args:
            path: a folder of contracts; ``apis/`` beside pym-config where it is None.
            apis: names of those to load; all of them where it is None.

        Raises:
            ContractError: a contract cannot be read.
            ConfigError: ``apis`` names one that is not there.
        """
        folder, found = self._found(path)
        wanted = list(apis) if apis is not None else list(found)
        _check_names("load_clients", wanted, folder, found)
        for name in wanted:
            self._load(name, found[name], serve=False)
        return self

    def publish_apis(self, path: str = "doc") -> API:
        """Serve a docs page of all served contracts at ``/<path>``."""

        def published() -> dict[str, Any]:
            return {name: source for name, source in self.contracts.items() if name not in CONTRACTS}

        add_docs(self.app, path, published, str(self.config.get("name") or "API"))
        return self

    def _load(self, name: str, source: str | Path | dict[str, Any], serve: bool) -> None:
        api = load_contract(source, name, cache=self.config.contract_cache)
        for warning in api.warnings:
            log.warning("%s", warning)
        types = Types(
            api,
            self.formats,
            lambda schema: self._bases(api, schema),
            self.config.max_errors,
            lambda: (apipool.get(other).types for other in apipool.get_api_names()),
        )
        loaded = LoadedApi(api, types, ApiClient(api, types, self.client_settings))
        apipool.add(loaded)
        self._apis[name] = loaded
        if serve:
            self.contracts[name] = source if isinstance(source, dict) else Path(source).resolve()
            self._served[name] = loaded

    def _bases(self, api: Api, schema: Schema) -> list[type]:
        if not self.plugins.implements("model_bases"):
            return []
        context = ModelBasesContext(api.name, schema, [], extended(schema, api.schemas))
        bases: list[type] = self.plugins.call("model_bases", context).bases
        return bases

    def prepare(self) -> Flask:
        """Register everything on the app and return it, without serving; a second call changes nothing.

        Raises:
            BindError: an operation has no handler, or its route is taken.
        """
        if self._prepared:
            return self.app
        self.load_builtin_apis()
        limits = {"MAX_CONTENT_LENGTH": "max_body_bytes", "MAX_FORM_MEMORY_SIZE": "max_form_memory_bytes"}
        for flask_key, key in limits.items():
            if self.app.config.get(flask_key) is None or flask_key == "MAX_FORM_MEMORY_SIZE":
                self.app.config[flask_key] = getattr(self.config, key)
        ErrorPages(self.app, self.config, self.plugins, self.error_callback).register()
        for name, loaded in self._served.items():
            api = self._without_replaced(loaded.api) if name in CONTRACTS else loaded.api
            self.routes.add_api(api, loaded.types, self._handlers.get(name))
        if self.config.contract_lane:
            switch_on(self.app, self.routes)
        self.plugins.call("app_created", AppCreatedContext(self.app, self.config, serves=not _looking))
        self._prepared = True
        return self.app

    def _without_replaced(self, builtin: Api) -> Api:
        """Return a built-in API without the operations that the service's own contracts have."""
        own = {
            (operation.method, ("" if self.config.ignore_base_path else loaded.api.base_path) + operation.path)
            for name, loaded in self._served.items()
            for operation in loaded.api.operations
            if name not in CONTRACTS and operation.handler is not None
        }
        return replace(builtin, operations=tuple(o for o in builtin.operations if (o.method, o.path) not in own))

    def start(self) -> None:
        """Prepare the app and serve it, unless a WSGI server or a worker has loaded this code and serves nothing here.

        Raises:
            StartError: the service cannot start.
        """
        self.prepare()
        if _serving:
            from .flaskapp.serving import serve_development

            serve_development(self.app, self.host, self.port, self.debug)


def _check_names(caller: str, names: Iterable[str], folder: Path, found: dict[str, Path]) -> None:
    """Refuse the name of an API that a folder does not have."""
    for name in names:
        if name not in found:
            close = get_close_matches(name, found, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(found) or 'none'}"
            raise ConfigError(f"{caller}: {folder} has no contract named {name!r}; {hint}")


_serving: list[bool] = []
_looking: list[bool] = []


@contextmanager
def looking() -> Iterator[None]:
    """Let services that are loaded in this block know that they are only looked at."""
    _looking.append(True)
    try:
        yield
    finally:
        _looking.pop()


def letsgo(name: str, callback: Callable[..., Any] | None = None) -> None:
    """Start the service; the last line of ``server.py``.

    Run as a script it takes ``--port --env --debug/--no-debug``, loads pym-config and calls ``callback(port, debug)``.
    Loaded by a WSGI server it calls the callback too, which prepares ``server:app`` without serving.

    Args:
        name: ``__name__`` of ``server.py``.
        callback: makes an :class:`API`, loads contracts and calls :meth:`API.start`.
    """
    module = sys.modules.get(name)
    folder = Path(getattr(module, "__file__", None) or ".").resolve().parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if name == "__main__":
        from .cli.server import run_script

        run_script(folder, callback, _serving)
        return
    config = get_config(folder)
    if callback is not None:
        callback(config.get("port", 8080), False)
