"""Plugins: what they may hook into, and how they are found.

A plugin is an entry point in the group ``pymacaron.plugins`` that names a subclass of :class:`Plugin`. Installing its
distribution is all it takes. Plugins run in the order of their names. ``PYM_PLUGINS=a,b`` loads those alone (empty:
none); ``PYM_TRACE_PLUGINS=1`` logs each call of a hook.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from .exceptions import PluginError, PyMacaronException, StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping

    import click
    import requests
    from flask import Flask

    from .config import Config
    from .contract import Operation, Schema

log = logging.getLogger("pymacaron.plugins")

GROUP = "pymacaron.plugins"
HOOK_API = 1


@dataclass
class ConfigKeysContext:
    """Add keys to ``keys``: name to (default, meaning)."""

    keys: dict[str, tuple[Any, str]]


@dataclass
class FormatsContext:
    """Append formats to ``formats``; see :class:`pymacaron.codec.formats.UserFormat`."""

    formats: list[Any]


@dataclass
class ModelBasesContext:
    """Append base classes for the model of ``schema`` of ``api`` to ``bases``; ``extends`` holds what it is made from.

    Attributes:
        extends: the named schemas that it refers to by ``allOf``, and those that these refer to, nearest first.
    """

    api: str
    schema: Schema
    bases: list[type]
    extends: list[Schema] = field(default_factory=list)


@dataclass
class WrapOperationContext:
    """Replace ``handler`` by a function that takes the same arguments and calls it."""

    api: str
    operation: Operation
    handler: Callable[..., Any]


@dataclass
class AppCreatedContext:
    """The Flask app with all its routes, before it serves.

    Attributes:
        serves: False where a command only looks at the service, and nothing outside of it should change.
    """

    app: Flask
    config: Config
    serves: bool = True


@dataclass
class ErrorRaisedContext:
    """An error that became a response with ``status``."""

    error: BaseException
    status: int
    error_id: str


@dataclass
class ClientCallContext:
    """A call to another service, about to be sent; change ``request`` in place."""

    api: str
    operation: Operation
    request: requests.Request


@dataclass
class CommandsContext:
    """Add click commands to ``commands``, by name, for ``pym <name>``."""

    commands: MutableMapping[str, click.Command]


@dataclass
class Process:
    """A process that ``pym run`` starts beside the server and supervises.

    Attributes:
        reload: whether it is started again when code or a contract changes, as the server is.
    """

    name: str
    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    reload: bool = False


@dataclass
class ProcessesContext:
    """Append processes to ``processes``; variables in ``env`` are set for the server and for all of them."""

    config: Config
    processes: list[Process]
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class ReleaseStep:
    """Something to do between the push of an image and its traffic."""

    name: str
    run: Callable[[], None]


@dataclass
class ReleaseStepsContext:
    """Append steps to ``steps``; they run in order."""

    config: Config
    steps: list[ReleaseStep]


class Plugin:
    """Base class of plugins. Every hook is optional and takes one context object.

    Attributes:
        hook_api: the version of this interface that the plugin was written for.
    """

    hook_api: int = HOOK_API

    def config_keys(self, context: ConfigKeysContext) -> None:
        """Declare keys of pym-config that the plugin reads."""

    def formats(self, context: FormatsContext) -> None:
        """Add string formats to those that contracts may use."""

    def model_bases(self, context: ModelBasesContext) -> None:
        """Give the model class of a schema further base classes."""

    def wrap_operation(self, context: WrapOperationContext) -> None:
        """Wrap the handler of an operation when it is bound."""

    def app_created(self, context: AppCreatedContext) -> None:
        """Extend the Flask app before it serves."""

    def error_raised(self, context: ErrorRaisedContext) -> None:
        """Learn of an error that became a response."""

    def client_call(self, context: ClientCallContext) -> None:
        """Change a call to another service before it is sent."""

    def commands(self, context: CommandsContext) -> None:
        """Add sub-commands to ``pym``."""

    def processes(self, context: ProcessesContext) -> None:
        """Name processes that run beside the server."""

    def release_steps(self, context: ReleaseStepsContext) -> None:
        """Name steps of a release that come before traffic."""


#: Each hook and the class of its context, in the order of the base class.
HOOKS: dict[str, type] = {
    "config_keys": ConfigKeysContext,
    "formats": FormatsContext,
    "model_bases": ModelBasesContext,
    "wrap_operation": WrapOperationContext,
    "app_created": AppCreatedContext,
    "error_raised": ErrorRaisedContext,
    "client_call": ClientCallContext,
    "commands": CommandsContext,
    "processes": ProcessesContext,
    "release_steps": ReleaseStepsContext,
}


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin with the distribution that it came from."""

    name: str
    distribution: str
    version: str
    plugin: Plugin

    def hooks(self) -> list[str]:
        """Name the hooks that the plugin implements."""
        return [name for name in HOOKS if getattr(type(self.plugin), name) is not getattr(Plugin, name)]


class Plugins:
    """Loaded plugins, in the order of their names."""

    def __init__(self, loaded: Iterable[LoadedPlugin] = ()) -> None:
        self.loaded = sorted(loaded, key=lambda p: p.name)
        self._tracing = os.environ.get("PYM_TRACE_PLUGINS") == "1"
        self._by_hook = {hook: [p for p in self.loaded if hook in p.hooks()] for hook in HOOKS}

    def implements(self, hook: str) -> bool:
        """Tell whether any plugin has a hook."""
        return bool(self._by_hook[hook])

    def call(self, hook: str, context: Any) -> Any:
        """Call a hook of every plugin that has it; return the context.

        Raises:
            PluginError: a plugin failed; the message names it, its version and the hook. PyMacaron's own errors pass.
        """
        for loaded in self._by_hook[hook]:
            started = time.perf_counter()
            try:
                getattr(loaded.plugin, hook)(context)
            except (PyMacaronException, StartError):
                raise
            except Exception as error:  # whatever a plugin raises is named after it
                raise PluginError(
                    f"the plugin {_shown(loaded)} failed in {hook}: {type(error).__name__}: {error}"
                ) from error
            if self._tracing:
                elapsed = (time.perf_counter() - started) * 1000
                log.warning("plugin %s: %s took %.3f ms", loaded.name, hook, elapsed)
        return context


def _shown(loaded: LoadedPlugin) -> str:
    return f"{loaded.name!r} ({loaded.distribution} {loaded.version})"


def discover() -> list[EntryPoint]:
    """List the entry points that are to be loaded, by name.

    Raises:
        PluginError: two distributions have a plugin of one name, or ``PYM_PLUGINS`` names one that is not installed.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        other = found.get(entry.name)
        if other is not None and (other.value, _owner(other)) != (entry.value, _owner(entry)):
            raise PluginError(
                f"the plugin {entry.name!r} is in {' '.join(_owner(other))} and in {' '.join(_owner(entry))};"
                f" uninstall one of them"
            )
        found[entry.name] = entry
    chosen = os.environ.get("PYM_PLUGINS")
    if chosen is None:
        return list(found.values())
    wanted = [name.strip() for name in chosen.split(",") if name.strip()]
    for name in wanted:
        if name not in found:
            close = get_close_matches(name, found, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"installed are: {', '.join(found) or 'none'}"
            raise PluginError(f"PYM_PLUGINS names {name!r}, which is not installed; {hint}")
    return [found[name] for name in sorted(set(wanted))]


def _owner(entry: EntryPoint) -> tuple[str, str]:
    distribution = entry.dist
    return (distribution.name, distribution.version) if distribution is not None else ("an unknown distribution", "?")


def load_plugins() -> Plugins:
    """Find and load all installed plugins.

    Raises:
        PluginError: one cannot be imported, is no :class:`Plugin`, has a hook that does not exist, or was written for
            another version of this interface.
    """
    return Plugins(_load(entry) for entry in discover())


def _load(entry: EntryPoint) -> LoadedPlugin:
    name, version = _owner(entry)
    label = f"the plugin {entry.name!r} ({name} {version})"
    try:
        found = entry.load()
    except Exception as error:  # whatever a plugin's import raises is named after it
        raise PluginError(f"{label} cannot be loaded: {type(error).__name__}: {error}; mend or uninstall it") from error
    if not (isinstance(found, type) and issubclass(found, Plugin)):
        raise PluginError(f"{label}: {entry.value} is no subclass of pymacaron.plugins.Plugin")
    if found.hook_api != HOOK_API:
        raise PluginError(
            f"{label} was written for hook_api {found.hook_api}; this PyMacaron has {HOOK_API};"
            f" install versions that match"
        )
    _check_hooks(found, label)
    try:
        plugin = found()
    except Exception as error:  # as above
        raise PluginError(f"{label} cannot be made: {type(error).__name__}: {error}") from error
    return LoadedPlugin(entry.name, name, version, plugin)


def _check_hooks(found: type[Plugin], label: str) -> None:
    """Refuse a public method that is no hook but nearly the name of one: it would never be called."""
    for name in vars(found):
        if name.startswith("_") or name in HOOKS or not callable(getattr(found, name)):
            continue
        close = get_close_matches(name, HOOKS, 1, cutoff=0.75)
        if close:
            raise PluginError(f"{label} has a hook {name!r}, which does not exist; did you mean {close[0]!r}?")
