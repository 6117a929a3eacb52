"""What an answer exercised of its operation. Needs pymacaron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.codec.codec import decode_any
from pymacaron.codec.text import is_json
from pymacaron.negotiation import content_for

from .branches import UNREADABLE, taken_if_valid

if TYPE_CHECKING:
    from pymacaron.contract import Operation
    from pymacaron.contract import Response as Declared

    from ..response import Response
    from .operations import BodySpot, OperationKeys


def answered(keys: OperationKeys, response: Response) -> set[str]:
    """Return the keys of what an answer exercised; nothing where its status is not declared."""
    declared = keys.declared(response.status)
    if declared is None:
        return set()
    key = keys.response(declared)
    made = {key} | {f"{key} header {header.name}" for header in declared.headers if header.name in response.headers}
    if is_success(keys.operation, response.status):
        made.add(keys.key)
    return made | _body(keys, declared, response)


def is_success(operation: Operation, status: int) -> bool:
    """Tell whether an answer shows an operation at work: 2xx or 3xx, or any where only others are declared."""
    only_failures = all(response.status[0] in "45" for response in operation.responses)
    return 200 <= status < 400 or only_failures


def _body(keys: OperationKeys, declared: Declared, response: Response) -> set[str]:
    media = content_for(declared.content, response.headers.get("Content-Type", ""))
    body = next((each for each in keys.contents(declared) if each.media is media), None)
    if body is None or response.request.method == "HEAD":
        return set()
    return {body.key, keys.produced(body.media)} | _branches(keys, body, response)


def _branches(keys: OperationKeys, body: BodySpot, response: Response) -> set[str]:
    if vars(response.answer).get("_content") is False:
        return set()  # Still a stream; whoever made the call reads it. Requests has no public word for this.
    try:
        return taken_if_valid(body.spot, _value(response))
    except UNREADABLE:
        return set()


def _value(response: Response) -> Any:
    return decode_any(response.content) if is_json(response.media_type) else response.content.decode()
