"""Callbacks of asynchronous operations (OpenAPI 3, ``callbacks``): the result is sent to a URL that the request named.

Each is a task of its own, queued before the end of the operation's task is written, so that it is not lost; it waits
for that end, and is sent again with growing pauses until somebody answers 2xx. After the last time it is among the
dead.
"""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from flask import current_app, request
from msgspec.structs import replace

from pymacaron.calls import outgoing_headers
from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import is_json
from pymacaron.config import get_config
from pymacaron.exceptions import BindError, ValidationError, fault
from pymacaron.flaskapp.routes import flask_rule
from pymacaron.pool import apipool

from .arguments import encode_call
from .current import current_task
from .egress import Refused, check_url, send
from .expressions import Message as Seen
from .expressions import NoValue, filled, parts_of, problems
from .message import Message
from .results import error_response, kept_result, task_document
from .runtime import get_runtime
from .settings import value_of
from .signing import HEADER, callback_secret, sign
from .store import State
from .tasks import AsyncTask, Options, register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymacaron.contract import Callback, Operation

    from .store import Record

NAME = "pymacaron_async.call_back"
_PATIENCE = 10.0
_PAUSE = 0.05


class CallbackFailed(Exception):
    """A callback was not taken: nobody answered, or not with a status of 2xx."""


class Plan(msgspec.Struct, frozen=True, array_like=True):
    """A callback that a request asked for.

    Attributes:
        api: whose operation it belongs to.
        operation: of that API.
        name: of the callback.
        url: its parts, of which those may be open that speak of the response.
        location: where the task is asked for.
    """

    api: str
    operation: str
    name: str
    method: str
    url: list[Any]
    location: str = ""


# When the operation is bound.


def check_callbacks(operation: Operation) -> None:
    """Refuse callbacks that could never be sent.

    Raises:
        BindError: an expression is none, or the body is no JSON.
    """
    for callback in operation.callbacks:
        wrong = problems(callback.url)
        if wrong is not None:
            raise BindError(f"its callback {callback.name!r} has the URL {callback.url}: {wrong}")
        for media in callback.body.content if callback.body is not None else ():
            if not is_json(media.name):
                raise BindError(
                    f"its callback {callback.name!r} has a body of type {media.name}; results are sent as JSON"
                )
    if operation.callbacks:
        callback_secret()
        register(CALL_BACK)


# In the request.


def planned(api: str, operation: Operation, location: str) -> list[Plan]:
    """Return the callbacks that the current request asks for; one whose URL it leaves out is none.

    Raises:
        ValidationError: a URL is none that may be called.
    """
    made = []
    for callback in operation.callbacks:
        try:
            url = filled(parts_of(callback.url), "request", _request_seen(operation), _constants())
        except NoValue:
            continue
        if all(isinstance(part, str) for part in url):
            _check(callback, "".join(map(str, url)))
        made.append(Plan(api, operation.name, callback.name, callback.method, url, location))
    return made


def _constants() -> dict[str, str]:
    return {"$url": request.url, "$method": request.method}


def _request_seen(operation: Operation) -> Seen:
    names = flask_rule(operation.path)[1]
    path = {names[key]: str(value) for key, value in (request.view_args or {}).items() if key in names}
    return Seen(request.headers.get, _request_body, request.args, path)


def _request_body() -> Any:
    if request.form:
        return request.form.to_dict()
    data = request.get_data()
    return msgspec.json.decode(data) if data else None


def _check(callback: Callback, url: str) -> None:
    try:
        check_url(url, _allowed_hosts())
    except Refused as error:
        pointer = callback.url.partition("#")[2].partition("}")[0]
        where = "body" if pointer else "query"
        raise ValidationError(
            errors=[fault(where, pointer, "callback", f"the URL of the callback {callback.name}: {error}")]
        ) from None


def _allowed_hosts() -> tuple[str, ...]:
    return tuple(map(str, value_of(get_config(), "async_callback_hosts")))


# When the operation's task ends.


def callback_messages(message: Message, plans: Iterable[Plan]) -> Iterable[Message]:
    """Return the messages that send callbacks; they are the same however often the task ends, until it is sent anew."""
    for index, plan in enumerate(plans):
        yield Message(
            id=str(uuid5(NAMESPACE_URL, f"{NAME}:{message.id}:{message.enqueued!r}:{index}")),
            name=NAME,
            call=encode_call((message.id, msgspec.to_builtins(plan)), {}),
            queue=message.queue,
            caller=replace(message.caller, token=None),
            enqueued=time.time(),
            shown=f"{plan.name} of {message.name} {message.id}",
        )


# In the task of the callback.


def call_back(task_id: str, plan: list[Any]) -> None:
    """Send one callback.

    Raises:
        CallbackFailed: nobody took it.
        Refused: nothing may be sent to its URL.
    """
    made = msgspec.convert(plan, Plan)
    record = _ended(task_id)
    try:
        parts = filled(made.url, "response", _response_seen(record), _status(record))
    except NoValue as error:
        raise Refused(f"the response has no {error}, which the URL of the callback {made.name} speaks of") from None
    body = _body(made, record)
    url = "".join(map(str, parts))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "pymacaron-async",
        HEADER: sign(body, callback_secret()),
        "PymTaskID": record.id,
        "PymTaskState": str(record.state),
        **outgoing_headers(str(get_config().get("name") or "service"), made.name),
    }
    try:
        status = send(made.method, url, body, headers, _allowed_hosts())
    except (OSError, http.client.HTTPException) as error:
        raise CallbackFailed(
            f"{made.name} of {task_id}: {made.method} {url}: {type(error).__name__}: {error}"
        ) from error
    if not 200 <= status < 300:
        raise CallbackFailed(f"{made.name} of {task_id}: {made.method} {url} was answered {status}")


def _ended(task_id: str) -> Record:
    """Return the record of a task that is about to end."""
    current = current_task()
    store = current.store if current is not None else get_runtime().store
    until = time.monotonic() + _PATIENCE
    while True:
        record = store.get(task_id)
        if record is None:
            raise Refused(f"the task {task_id} is not known any more")
        if record.has_ended:
            return record
        if time.monotonic() > until:
            raise CallbackFailed(f"the task {task_id} has not ended yet")
        time.sleep(_PAUSE)


def _response_seen(record: Record) -> Seen:
    kept = kept_result(record)
    headers = {name.lower(): value for name, value in kept.headers} if kept is not None else {}
    body = msgspec.json.decode(kept.json) if kept is not None and kept.json is not None else None
    return Seen(lambda name: headers.get(name.lower()), lambda: body)


def _status(record: Record) -> dict[str, str]:
    kept = kept_result(record)
    return {"$statusCode": str(kept.status)} if kept is not None else {}


def _body(plan: Plan, record: Record) -> bytes:
    """Return what is sent: the result where the callback's own schema is that of the result, else the task."""
    error = error_response(record, current_app) if record.state == State.FAILED else None
    document = msgspec.json.encode(task_document(record, plan.location, error))
    kept = kept_result(record)
    callback = _declared(plan)
    if callback is None or callback.body is None or not callback.body.content or kept is None or kept.json is None:
        return document
    codec = apipool.get(plan.api).types.codec(callback.body.content[0].schema, "request")
    try:
        codec.decode(kept.json)
    except Invalid:
        return document
    return kept.json


def _declared(plan: Plan) -> Callback | None:
    for operation in apipool.get(plan.api).api.operations:
        if operation.name == plan.operation:
            named = (each for each in operation.callbacks if (each.name, each.method) == (plan.name, plan.method))
            return next(named, None)
    return None


CALL_BACK: AsyncTask[Any, Any] = AsyncTask(
    call_back,
    NAME,
    Options(max_retries=9, backoff=2, backoff_max=600, time_limit=60, retry_on=(CallbackFailed,)),
)
