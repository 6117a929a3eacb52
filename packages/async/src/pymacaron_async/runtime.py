"""What a process needs to queue tasks: the settings, the store, and the way to the workers."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pymacaron.config import get_config

from .settings import Settings, read_settings

if TYPE_CHECKING:
    from .message import Message
    from .store import Store
    from .tasks import Queued


class Transport(Protocol):
    """The way to the workers."""

    def send(self, message: Message, delay: float = 0) -> None:
        """Send a message, to be run after some seconds.

        Raises:
            TaskNotQueued: it was not taken in time.
        """

    def close(self) -> None:
        """Close what is open."""


class Runtime:
    """What a process needs to queue tasks.

    Args:
        settings: of the service.
        store: shared with the workers.
        transport: the way to them.
    """

    def __init__(self, settings: Settings, store: Store, transport: Transport) -> None:
        self.settings = settings
        self.store = store
        self.transport = transport

    def submit(self, message: Message, delay: float, track: bool = False) -> Queued:
        """Queue a task; where it has a unique key that another one holds, nothing is queued.

        Args:
            track: whether its state is noted at once, so that it can be asked for.

        Raises:
            TaskNotQueued: broker or store did not take it in time.
        """
        from .tasks import Queued

        if track or message.unique:
            holder = self.store.enqueue(message)
            if holder is not None:
                return Queued(holder, is_new=False)
        try:
            self.transport.send(message, delay)
        except BaseException:
            if track or message.unique:
                self.store.withdraw(message)
            raise
        return Queued(message.id)


_current: list[Runtime] = []
_opening = Lock()


def get_runtime() -> Runtime:
    """Return this process's runtime, made from pym-config when first asked for.

    Raises:
        AsyncConfigError: the settings would lose tasks.
    """
    if not _current:
        with _opening:
            if not _current:
                _current.append(make_runtime())
    return _current[0]


def set_runtime(runtime: Runtime | None) -> None:
    """Use a runtime in this process; None closes the current one, and makes another when it is next asked for."""
    for old in _current:
        if old is not runtime:
            old.transport.close()
    _current[:] = [] if runtime is None else [runtime]


def make_runtime() -> Runtime:
    """Make a runtime from pym-config: through the broker where there is one, else in a thread of this process.

    Raises:
        AsyncConfigError: the settings would lose tasks.
    """
    from .embedded import private_url

    config = get_config()
    settings = read_settings(config, private_url(config))
    return (_with_broker if settings.broker is not None else _in_process)(settings)


def _with_broker(settings: Settings) -> Runtime:
    from .celery_app import CeleryTransport, make_celery
    from .connections import open_store

    store = open_store(settings)
    return Runtime(settings, store, CeleryTransport(make_celery(settings), settings, store))


def _in_process(settings: Settings) -> Runtime:
    from .in_process import make_in_process_runtime

    return make_in_process_runtime(settings)
