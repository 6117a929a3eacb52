"""``@asynctask``: a function that runs later, in a worker, as if it had run here."""

from __future__ import annotations

import hashlib
import inspect
import random
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload
from uuid import uuid4

from flask import has_request_context

from pymacaron.config import get_config

from .arguments import encode_call, shown_call
from .caller import current_caller
from .exceptions import ArgumentError, AsyncConfigError
from .message import Message
from .runtime import get_runtime
from .settings import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

#: All tasks of this process, by name.
REGISTRY: dict[str, AsyncTask[Any, Any]] = {}

#: Whether the code that runs is a task's already: what it calls runs here.
inside_task: ContextVar[bool] = ContextVar("pymacaron_inside_task", default=False)


@dataclass(frozen=True)
class Queued:
    """A task that was queued.

    Attributes:
        id: of the task.
        is_new: False where another task holds the unique key: ``id`` is that one's, and nothing was queued.
    """

    id: str
    is_new: bool = True


@dataclass(frozen=True)
class Options:
    """How a task is queued and run; see :func:`asynctask`."""

    delay: float = 0
    max_retries: int = 0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    backoff: float = 1.0
    backoff_max: float = 300.0
    time_limit: float | None = None
    queue: str | None = None
    unique_for: float = 0
    unique_key: Callable[..., Any] | None = None
    idempotency_key: Callable[..., Any] | None = None


class AsyncTask(Generic[P, R]):
    """A function that runs in a worker when it is called inside a request; made by :func:`asynctask`."""

    #: Whether its state is kept from the moment it is queued, so that it can be asked for.
    is_tracked = False

    def __init__(self, function: Callable[P, R], name: str, options: Options) -> None:
        update_wrapper(self, function)
        self.function = function
        self.name = name
        self.options = options
        self.signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Queue the task inside a request, and return a :class:`Queued`; run it here anywhere else."""
        if has_request_context() and not inside_task.get():
            return self.delay(*args, **kwargs)
        return self.function(*args, **kwargs)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here, wherever this is."""
        return self.function(*args, **kwargs)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> Queued:
        """Queue the task, wherever this is; see :meth:`apply_async`."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        delay: float | None = None,
        queue: str | None = None,
        task_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Queued:
        """Queue the task.

        Args:
            args: what the function is called with.
            kwargs: likewise.
            delay: seconds to wait before it runs; the task's own where it is None.
            queue: the task's own where it is None.
            task_id: unique; made where it is None.
            idempotency_key: see :func:`asynctask`.

        Raises:
            ArgumentError: the function takes no such arguments, or one is of a type that no message can carry.
            TaskNotQueued: the broker did not take it in time.
        """
        message = self.message(args, dict(kwargs or {}), queue, task_id, idempotency_key)
        return get_runtime().submit(message, self.options.delay if delay is None else delay, track=self.is_tracked)

    def message(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        queue: str | None = None,
        task_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Message:
        """Make the message that stands for a call."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.name}{self.signature}: {error}") from None
        call, options = encode_call(args, kwargs), self.options
        if idempotency_key is None and options.idempotency_key is not None:
            idempotency_key = str(options.idempotency_key(*args, **kwargs))
        return Message(
            id=task_id or str(uuid4()),
            name=self.name,
            call=call,
            queue=queue or options.queue or get_runtime().settings.queue,
            caller=current_caller(),
            enqueued=time.time(),
            unique=self._unique_key(args, kwargs, call),
            unique_for=options.unique_for,
            idempotency_key=f"{self.name}:{idempotency_key}" if idempotency_key else "",
            shown=shown_call(args, kwargs),
        )

    def _unique_key(self, args: tuple[Any, ...], kwargs: dict[str, Any], call: str) -> str:
        if not self.options.unique_for:
            return ""
        key = str(self.options.unique_key(*args, **kwargs)) if self.options.unique_key else call
        return f"{self.name}:{hashlib.sha256(key.encode()).hexdigest()}"

    def run(self, args: list[Any], kwargs: dict[str, Any]) -> str | None:
        """Run the function in a worker; return what is kept of its result, which of most tasks is nothing."""
        self.function(*args, **kwargs)
        return None

    def followers(self, message: Message) -> Iterable[Message]:
        """Return messages that are sent when the task has ended, before its end is written."""
        return ()

    def runs_again(self, attempt: int, error: BaseException) -> bool:
        """Tell whether there is another attempt after an error."""
        return attempt <= self.options.max_retries and isinstance(error, self.options.retry_on)

    def retry_delay(self, attempt: int, error: BaseException) -> float | None:
        """Return the seconds until the next attempt, or None where there is none.

        The delay is random, from none to a bound that doubles with each attempt ("full jitter"), so that tasks that
        failed together do not come back together.
        """
        if not self.runs_again(attempt, error):
            return None
        bound = min(self.options.backoff_max, self.options.backoff * 2 ** (attempt - 1))
        return random.uniform(0, bound)

    @property
    def time_limit(self) -> float:
        """Seconds after which it is stopped."""
        default: float = value_of(get_config(), "async_time_limit")
        return self.options.time_limit or default

    def __repr__(self) -> str:
        return f"<asynctask {self.name}>"


def register(task: AsyncTask[Any, Any]) -> None:
    """Keep a task under its name.

    Raises:
        AsyncConfigError: another function has the name.
    """
    other = REGISTRY.get(task.name)
    if other is not None and other.function.__code__ != task.function.__code__:
        raise AsyncConfigError(f"two tasks are named {task.name!r}; rename one, or give it @asynctask(name=...)")
    REGISTRY[task.name] = task


def queues_in_use(own: str) -> list[str]:
    """Return the service's own queue and every one that a task names, in order."""
    return sorted({own, *(task.options.queue for task in REGISTRY.values() if task.options.queue)})


@overload
def asynctask(function: Callable[P, R], /) -> AsyncTask[P, R]: ...


@overload
def asynctask(
    *,
    delay: float = ...,
    max_retries: int = ...,
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = ...,
    backoff: float = ...,
    backoff_max: float = ...,
    time_limit: float | None = ...,
    queue: str | None = ...,
    unique_for: float = ...,
    unique_key: Callable[..., Any] | None = ...,
    idempotency_key: Callable[..., Any] | None = ...,
    name: str | None = ...,
) -> Callable[[Callable[P, R]], AsyncTask[P, R]]: ...


def asynctask(function: Any = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Let a function run in a worker when it is called inside a request.

    Called in a script, inside another task, or by ``.call(...)`` it runs here. Inside a request, or by
    ``.delay(...)`` and ``.apply_async(...)``, it is queued, and what comes back is a :class:`Queued`. The task runs
    at least once: it runs again where the worker dies before it ends.

    Args:
        delay: seconds to wait before it runs.
        max_retries: how often it runs again after an error; after the last time it is among the dead (``pym tasks
            dead``).
        retry_on: errors that it runs again after.
        backoff: seconds that the first retry waits at most; the bound doubles with each.
        backoff_max: seconds that any retry waits at most.
        time_limit: seconds after which it is stopped, which counts as an error; ``async_time_limit`` where it is None.
        queue: where it is queued; ``async_queue`` where it is None.
        unique_for: seconds for which another call with the same key queues nothing while this one waits or runs; the
            time starts anew while it runs. 0: calls do not exclude each other.
        unique_key: makes that key from the arguments; all arguments together where it is None.
        idempotency_key: makes a key from the arguments. A task whose key was seen to succeed before does not run again,
            and ``task.idempotency_key`` is to be handed to whatever has the effect, such as a payment provider.
        name: of the task, if not the function's own.

    Raises:
        AsyncConfigError: another task has the name, or the function is a task already.
        TypeError: an option is unknown.
    """
    if "retry_on" in options and not isinstance(options["retry_on"], tuple):
        options["retry_on"] = (options["retry_on"],)
    made_options = Options(**options)

    def decorate(function: Callable[P, R]) -> AsyncTask[P, R]:
        if isinstance(function, AsyncTask):
            raise AsyncConfigError(f"{function.name} is a task already; @schedule stands above @asynctask")
        made = AsyncTask(function, name or task_name(function), made_options)
        register(made)
        return made

    return decorate if function is None else decorate(function)


def task_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, the same in the server and in the worker.

    A module that is run as a script is named after its file, as the worker imports it by that name.
    """
    module = function.__module__
    if module == "__main__":
        module = Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    return f"{module}.{function.__qualname__}"
