"""Services for tests: an app made of a contract, with a real store, whose messages are run in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Flask

from pymacaron import API
from pymacaron.auth import generate_token
from pymacaron.config import Config, set_config
from pymacaron_async.connections import open_store
from pymacaron_async.execution import Executor, Retried
from pymacaron_async.runtime import Runtime, set_runtime
from pymacaron_async.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pymacaron_async.message import Message
    from pymacaron_async.store import State

SECRET = "a key for tests that is long enough for HS256"


@dataclass
class Queue:
    """A transport that keeps messages until a test runs them."""

    sent: list[tuple[Message, float]] = field(default_factory=list)

    def send(self, message: Message, delay: float = 0) -> None:
        """Keep a message."""
        self.sent.append((message, delay))

    def close(self) -> None:
        """Keep what is there."""


class Service:
    """An app with tasks.

    Attributes:
        client: calls the app in this process.
        queue: what was sent to workers.
    """

    def __init__(self, app: Flask, config: Config) -> None:
        settings = read_settings(config)
        self.app = app
        self.queue = Queue()
        self.store = open_store(settings)
        self.runtime = Runtime(settings, self.store, self.queue)
        self.executor = Executor(app, self.runtime, "worker of a test")
        self.client: Any = app.test_client()
        set_runtime(self.runtime)

    def work(self) -> list[State | BaseException | None]:
        """Run all messages that were sent, as a worker does; return how each run ended."""
        ends: list[State | BaseException | None] = []
        while self.queue.sent:
            message, _ = self.queue.sent.pop(0)
            try:
                ends.append(self.executor.run(message))
            except Retried as error:
                ends.append(error)
            except Exception as error:  # noqa: BLE001  # whatever a task raised
                ends.append(error)
        return ends


def make_service(redis_url: str, app: Flask | None = None, **config: Any) -> Service:
    """Make a service without a contract."""
    made = Config({"name": "shop", "jwt_secret": SECRET, "celery_broker_url": redis_url, **config})
    set_config(made)
    return Service(app or Flask("app"), made)


def serve(
    redis_url: str,
    document: dict[str, Any],
    handlers: Mapping[str, Callable[..., Any]],
    app: Flask | None = None,
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Service:
    """Make a service of a contract and its handlers."""
    values = {"name": "shop", "jwt_secret": SECRET, "celery_broker_url": redis_url, **(config or {})}
    made = Config(values)
    set_config(made)
    module = ModuleType("handlers")
    vars(module).update(handlers)
    sys.modules["handlers"] = module
    api = API(app or Flask("app"), **options)
    api.load_api("shop", document)
    api.prepare()
    return Service(api.app, made)


def openapi(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write an OpenAPI 3 document."""
    return {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "paths": paths, **more}


def json_of(schema: Any, description: str = "as asked") -> dict[str, Any]:
    """Write a response, or a request body, that is JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def bearer(user: str, **options: Any) -> dict[str, str]:
    """Return the header that a user calls with."""
    return {"Authorization": f"Bearer {generate_token(user, **options)}"}
