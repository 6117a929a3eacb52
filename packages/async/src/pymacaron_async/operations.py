"""Operations with ``x-pym-async: true``: the request is answered 202, and a worker runs the handler.

The request is validated and authorized as ever. Then the decoded arguments are queued, with what the handler may want
to know of the request, and the answer names the task: ``Location: /tasks/<id>``. The worker runs the handler, checks
its result against the contract, and keeps the response.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
from flask import current_app, g, request
from msgspec.structs import replace

from pymacaron.binding import import_object
from pymacaron.config import get_config
from pymacaron.exceptions import BadResponseError, BindError
from pymacaron.flaskapp.routes import passes, to_response
from pymacaron.messages import Outgoing
from pymacaron.pool import apipool
from pymacaron.responses_out import ResponseEncoder

from .callbacks import Plan, callback_messages, check_callbacks, planned
from .current import current_task
from .exceptions import Answered
from .origin import Origin, current_origin
from .results import KeptResponse, keep, task_document
from .runtime import get_runtime
from .settings import value_of
from .store import Record, State
from .streams import refuse_streams
from .tasks import REGISTRY, AsyncTask, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Response

    from pymacaron.contract import Operation
    from pymacaron.plugins import WrapOperationContext
    from pymacaron.pool import LoadedApi

    from .message import Message

KEY = "x-pym-async"
#: Seconds after which a client may ask again.
RETRY_AFTER = 1
_SAMPLE_ID = "00000000-0000-4000-8000-000000000000"


class AsyncOperation(AsyncTask[..., Any]):
    """The handler of an operation, as a task that keeps its response.

    Args:
        loaded: the API.
        operation: of it.
        handler: the function that a worker calls; where it is a task itself, its options count.
    """

    is_tracked = True

    def __init__(self, loaded: LoadedApi, operation: Operation, handler: Callable[..., Any]) -> None:
        options = handler.options if isinstance(handler, AsyncTask) else Options()
        function = handler.function if isinstance(handler, AsyncTask) else handler
        super().__init__(function, f"{loaded.api.name}:{operation.name}", options)
        config = get_config()
        self.loaded = loaded
        self.operation = operation
        self.prefix = "" if config.ignore_base_path else loaded.api.base_path
        self.tasks_path = self.prefix + str(value_of(config, "async_tasks_path")).rstrip("/")
        own = tuple(response for response in operation.responses if response.status != "202")
        self.answers_nothing = not any(response.status[0] in "2d" for response in own)
        self.encoder = ResponseEncoder(loaded.types, replace(operation, responses=own))
        self.accepting = ResponseEncoder(loaded.types, operation) if len(own) < len(operation.responses) else None

    # In the request.

    def enter(self, *args: Any, **kwargs: Any) -> Response:
        """Queue the handler's call, and answer 202."""
        message = self.message(args, kwargs)
        answer = self.accepted(message.id)
        queued = get_runtime().submit(message, self.options.delay, track=True)
        return answer if queued.is_new else self.accepted(queued.id)

    def message(self, args: tuple[Any, ...], kwargs: dict[str, Any], *more: Any) -> Message:
        """Make the message that stands for a request."""
        made = super().message(args, kwargs, *more)
        callbacks = planned(self.loaded.api.name, self.operation, self.location(made.id))
        context = msgspec.json.encode([current_origin(), callbacks]).decode()
        return replace(made, call=f"[[{context},{made.call}],{{}}]")

    def location(self, id: str) -> str:
        """Return where a task is asked for."""
        return f"{request.script_root}{self.tasks_path}/{id}"

    def accepted(self, id: str) -> Response:
        """Return the answer to the request that started a task.

        Raises:
            BadResponseError: the contract declares another 202.
        """
        location = self.location(id)
        made = to_response(self.encode_accepted(id, location))
        made.headers["Location"] = location
        made.headers["Retry-After"] = str(RETRY_AFTER)
        return made

    def encode_accepted(self, id: str, location: str) -> Outgoing:
        """Write the body of that answer, by the contract's 202 where it has one."""
        document = task_document(Record(id, self.name, State.QUEUED, enqueued=time.time(), attempt=0), location)
        if self.accepting is None:
            return Outgoing(202, msgspec.json.encode(document), "application/json")
        declared = self.accepting.exact[202]
        given = {"Location": location, "Retry-After": str(RETRY_AFTER)}
        wanted = {header.name.lower() for header in declared.headers}
        headers = {name: value for name, value in given.items() if name.lower() in wanted}
        made = self.accepting.encode((document if declared.content else None, 202, headers), None)
        made.headers = [(name, value) for name, value in made.headers if name.lower() not in map(str.lower, given)]
        return made

    # In the worker.

    def run(self, args: list[Any], kwargs: dict[str, Any]) -> str:
        """Run the handler inside a request like the one that started it; return its response as it is kept.

        Raises:
            Answered: it answered with an error that running it again would not mend.
        """
        (origin, _), (arguments, named) = args
        current = current_task()
        token = current.message.caller.token if current is not None else None
        with msgspec.convert(origin, Origin).context(current_app._get_current_object(), token):  # type: ignore[attr-defined]  # of a proxy
            g.pym_started = time.perf_counter()
            try:
                made = keep(self._respond(arguments, named))
            except Exception as error:
                made = keep_error(error)
                if made.status >= 500:
                    raise
                if made.status >= 400:
                    raise _answered(made, error) from error
        if made.status >= 400:
            raise _answered(made)
        return made.to_text()

    def _respond(self, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Do what the app does with a request once it is decoded."""
        answer = current_app.preprocess_request()
        if answer is not None:
            return current_app.make_response(answer)
        result = current_app.ensure_sync(self.function)(*arguments, **named)
        if passes(result):
            return result
        if result is None and self.answers_nothing:
            return to_response(Outgoing(204))
        return to_response(self.encoder.encode(result, request.headers.get("Accept")))

    def followers(self, message: Message) -> Iterable[Message]:
        """Return the callbacks that the request asked for."""
        callbacks = msgspec.json.decode(message.call)[0][0][1]
        return callback_messages(message, msgspec.convert(callbacks, list[Plan]))


def keep_error(error: Exception) -> KeptResponse:
    """Return what the endpoint would have answered to an error; note it on the error, for record and report.

    The worker reports the error itself, so that this reports it to nobody.
    """
    g.setdefault("pym_reported", []).append(error)
    made = keep(current_app.make_response(current_app.handle_user_exception(error)))
    vars(error).update(pym_answer=made.to_text(), pym_error_id=_error_id(made))
    return made


def _error_id(made: KeptResponse) -> str | None:
    """Return the id in an error's body; None where the service makes bodies of its own, without one."""
    body = msgspec.json.decode(made.json) if made.json is not None else None
    found = body.get("error_id") or body.get("instance") if isinstance(body, dict) else None
    return found.removeprefix("urn:uuid:") if isinstance(found, str) else None


def _answered(made: KeptResponse, error: Exception | None = None) -> Answered:
    name = type(error).__name__ if error is not None else "Answered"
    return Answered({"type": name, "message": str(error or made.status), "trace": "", "answer": made.to_text()})


def wrap(context: WrapOperationContext) -> None:
    """Let a worker run the handler of an operation with ``x-pym-async: true`` (hook ``wrap_operation``).

    Raises:
        BindError: its arguments cannot be sent to a worker, or its 202 is none that could be answered.
    """
    operation = context.operation
    if operation.extensions.get(KEY) is not True:
        return
    loaded = apipool.get(context.api)
    refuse_streams(loaded.types, operation)
    check_callbacks(operation)
    task = AsyncOperation(loaded, operation, _bare_handler(context))
    try:
        task.encode_accepted(_SAMPLE_ID, f"{task.tasks_path}/{_SAMPLE_ID}")
    except BadResponseError as error:
        raise BindError(
            f"its response 202 does not fit what {KEY} answers, an object with id, state and progress:"
            f" {error.message}; mend that schema, or leave the 202 out"
        ) from None
    REGISTRY[task.name] = task
    context.handler = _decorated(operation, _with_signature(task))


def _bare_handler(context: WrapOperationContext) -> Callable[..., Any]:
    """Return the handler without what ``x-decorate-server`` put around it, which is to run in the request."""
    operation, handler = context.operation, context.handler
    if operation.decorate_server and operation.handler:
        path = operation.handler
        handler = import_object(path if "." in path else f"{get_config().handlers}.{path}", "x-bind-server")
    return handler


def _with_signature(task: AsyncOperation) -> Callable[..., Any]:
    """Return a function that queues, and takes the arguments of the handler."""

    def enter(*args: Any, **kwargs: Any) -> Response:
        return task.enter(*args, **kwargs)

    enter.__name__ = enter.__qualname__ = task.operation.name
    enter.__wrapped__ = task.function  # type: ignore[attr-defined]  # inspect.signature reads it
    return enter


def _decorated(operation: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    if not operation.decorate_server:
        return function
    made: Callable[..., Any] = import_object(operation.decorate_server, "x-decorate-server")(function)
    return made
