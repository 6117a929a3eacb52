"""Celery, with settings that lose nothing, and the way to its workers.

Celery's own defaults acknowledge a task before it runs and forget one whose process was killed; on Redis they hand
out a task again after an hour, run or not. Here a task is acknowledged when it has ended, comes back when its process
dies, and is run by one worker at a time, see :mod:`.execution`.
"""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

from celery import Celery
from kombu.exceptions import OperationalError

from .brokers import broker_of
from .exceptions import TaskNotQueued
from .message import HEADER
from .redis_transport import as_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .message import Message
    from .settings import Settings
    from .store import Store

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


def make_celery(settings: Settings) -> Celery:
    """Make the Celery app of a service."""
    url = str(settings.broker_url)
    broker = broker_of(url)
    options = broker.transport_options(settings.visibility_timeout)
    if settings.sentinel_master:
        options["master_name"] = settings.sentinel_master
    app = Celery(settings.service, broker=as_ours(url), set_as_current=False)
    if url.startswith("rediss://"):
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=settings.publish_within,
        broker_transport_options=options,
        result_backend=None,
        result_backend_transport_options={"visibility_timeout": settings.visibility_timeout},
        visibility_timeout=settings.visibility_timeout,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_default_queue=settings.queue,
        task_create_missing_queues=True,
        task_ignore_result=True,
        task_publish_retry=False,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        task_time_limit=settings.time_limit,
        task_track_started=False,
        timezone="UTC",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        task_send_sent_event=False,
        **broker.settings,
    )
    return app


class CeleryTransport:
    """The way to the workers through Celery's broker.

    Args:
        app: Celery's.
        settings: of the service.
        store: keeps what waits longer than a worker should hold it.
    """

    def __init__(self, app: Celery, settings: Settings, store: Store) -> None:
        self.app = app
        self.settings = settings
        self.store = store

    def send(self, message: Message, delay: float = 0) -> None:
        """Send a message; one that waits long is kept in the store, where it outlives every worker."""
        broker = self.settings.broker
        if delay > self.settings.longest_countdown or (delay and broker is not None and not broker.holds_delays):
            self.store.put_later(message, delay)
            return
        until = time.monotonic() + self.settings.publish_within
        for pause in _pauses():
            try:
                self._send(message, delay)
            except (OperationalError, OSError) as error:
                if time.monotonic() + pause > until:
                    raise TaskNotQueued(
                        f"{message.name} was not queued: the broker did not take it within"
                        f" {self.settings.publish_within:g} s: {error}",
                        headers={"Retry-After": "5"},
                    ) from error
                time.sleep(pause)
            else:
                return

    def _send(self, message: Message, delay: float) -> None:
        self.app.send_task(
            message.name,
            args=[message.call],
            task_id=message.id,
            queue=message.queue,
            countdown=delay or None,
            headers={HEADER: message.header()},
            argsrepr=f"({message.shown})",
            kwargsrepr="{}",
            retry=False,
            ignore_result=True,
        )

    def close(self) -> None:
        """Close the connections to the broker."""
        self.app.close()


def _pauses() -> Iterator[float]:
    """Yield the seconds to wait between tries, each twice the one before it."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)
