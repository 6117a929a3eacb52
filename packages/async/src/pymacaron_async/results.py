"""How operations ended, as the store keeps it, and tasks as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, current_app, g

from pymacaron.codec.text import is_json
from pymacaron.config import get_config
from pymacaron.exceptions import BadResponseError, PyMacaronException, ServerError
from pymacaron.flaskapp.errors import ErrorPages
from pymacaron.plugins import Plugins

from .exceptions import TaskTimedOut
from .store import State

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

    from .store import Record

#: A longer answer is refused: a task's result is kept in the store's memory.
MOST_BYTES = 16 * 1024 * 1024

# They are made anew with each response.
_UNKEPT = frozenset({"content-type", "content-length", "date", "connection", "transfer-encoding", "set-cookie"})


class KeptResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A response, kept until somebody fetches it.

    Attributes:
        text: the body where it is UTF-8.
        data: the body where it is not.
    """

    status: int
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    data: bytes = b""

    @property
    def body(self) -> bytes:
        """The body."""
        return self.data or self.text.encode()

    @property
    def json(self) -> bytes | None:
        """The body where it is JSON, else None."""
        return self.body if self.text and is_json(self.content_type or "") else None

    def to_text(self) -> str:
        """Write it for the store."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str) -> KeptResponse:
        """Read it from the store."""
        return msgspec.json.decode(text, type=cls)

    def to_response(self) -> Response:
        """Make a response of Flask's of it."""
        made: Response = current_app.response_class(self.body, self.status)
        made.headers.pop("Content-Type", None)
        if self.content_type is not None:
            made.headers["Content-Type"] = self.content_type
        for name, value in self.headers:
            made.headers.add(name, value)
        return made


def keep(response: AnyResponse) -> KeptResponse:
    """Read a whole response, streams too.

    Raises:
        BadResponseError: it is larger than :data:`MOST_BYTES`.
    """
    headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _UNKEPT)
    body = _body(response)
    try:
        text, data = body.decode(), b""
    except UnicodeDecodeError:
        text, data = "", body
    return KeptResponse(response.status_code, response.headers.get("Content-Type"), headers, text, data)


def _body(response: AnyResponse) -> bytes:
    parts, size = [], 0
    response.direct_passthrough = False
    for part in response.iter_encoded():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            response.close()
            raise BadResponseError(
                f"the result has more than {MOST_BYTES} bytes, which is more than is kept of a task; store it elsewhere"
                " and return where it is"
            )
    response.close()
    return b"".join(parts)


def task_document(record: Record, location: str, error: KeptResponse | None = None) -> dict[str, Any]:
    """Return a task as its client sees it; a value may be a :class:`msgspec.Raw`.

    Args:
        record: what is known of it.
        location: where it is asked for.
        error: how it failed.
    """
    made: dict[str, Any] = {
        "id": record.id,
        "state": str(record.state),
        "progress": _progress(record),
        "attempt": record.attempt,
    }
    for name, seconds in (("created", record.enqueued), ("started", record.started), ("ended", record.ended)):
        if seconds:
            made[name] = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    for name, kept in (("result", kept_result(record)), ("error", error)):
        if kept is not None:
            made |= {"result_status": kept.status, "result_url": f"{location}/result"}
            if kept.json is not None:
                made[name] = msgspec.Raw(kept.json)
    return made


def _progress(record: Record) -> dict[str, Any]:
    """Return how far a task is; one that never told is at 0 of 1 until it has succeeded."""
    if record.progress is not None:
        return {"done": record.progress.done, "total": record.progress.total, "message": record.progress.message}
    return {"done": int(record.state == State.SUCCEEDED), "total": 1, "message": ""}


def kept_result(record: Record) -> KeptResponse | None:
    """Return the answer of an operation that succeeded; None of any other task."""
    if record.state != State.SUCCEEDED or not record.result:
        return None
    return KeptResponse.from_text(record.result)


def kept_error(record: Record) -> KeptResponse | None:
    """Return the error that an operation failed with; None where it is not known, as its worker died of it."""
    answer = (record.error or {}).get("answer")
    return KeptResponse.from_text(answer) if isinstance(answer, str) else None


def error_response(record: Record, app: Flask) -> KeptResponse:
    """Return the error that a task failed with, in the format of the API.

    Where its worker died or was stopped there is no answer of the operation's own: then the task's id is the
    ``error_id``.
    """
    kept = kept_error(record)
    if kept is not None:
        return kept
    error = _failure(record.error or {})
    g.setdefault("pym_reported", []).append(error)  # the worker has reported it
    made = ErrorPages(app, get_config(), Plugins(), None).answer(error)
    body = msgspec.json.decode(made.body)
    body |= {"instance": f"urn:uuid:{record.id}"} if "instance" in body else {"error_id": record.id}
    return KeptResponse(made.status, made.content_type, text=msgspec.json.encode(body).decode())


def _failure(error: dict[str, Any]) -> Exception:
    """Return the error that stands for one whose task is gone; of the service's own nothing is told."""
    status, code = error.get("status"), error.get("code")
    if code == TaskTimedOut.code:
        return TaskTimedOut("the task ran longer than it may, and was stopped")
    if isinstance(status, int) and isinstance(code, str) and 400 <= status < 500:
        return PyMacaronException(str(error.get("message")), code=code, status=status)
    return ServerError()
