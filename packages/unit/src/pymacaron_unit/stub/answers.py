"""What a stub answers, checked against the contract when it is programmed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from pymacaron.codec.text import is_json
from pymacaron.contract import Schema
from pymacaron.exceptions import BadResponseError, PyMacaronException
from pymacaron.messages import Outgoing
from pymacaron.negotiation import acceptable
from pymacaron.responses_out import ResponseEncoder
from pymacaron.spec import describe_place

from ..checking import declared_response
from ..examples import NoExampleError, examples_of
from ..exceptions import ContractBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.contract import MediaType, Operation, Response

    from ..contracts import Contract

_FILE = b"example"


@dataclass(frozen=True)
class Answer:
    """What is answered to a call.

    Attributes:
        body: a model or what JSON holds, or text or bytes; left out, the contract's own example.
        status: the code; None for the operation's first declared success.
        headers: those of the response; required ones that are left out get example values.
        unchecked: whether it is sent whatever the contract says.
    """

    body: Any | UnsetType = UNSET
    status: int | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    unchecked: bool = False


class Answers:
    """Writes the answers of one operation."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self.contract = contract
        self.types = contract.types
        self.operation = operation
        self.examples = examples_of(contract.types)
        self._encoder = ResponseEncoder(contract.types, operation)

    def write(self, answer: Answer, accept: str | None = None) -> Outgoing:
        """Return an answer as it is sent.

        Args:
            answer: that.
            accept: the media types that the client takes.

        Raises:
            ContractBroken: the contract does not allow it; the message lists every fault.
        """
        status = answer.status if answer.status is not None else self.success()
        declared = declared_response(self.operation, status)
        if answer.unchecked:
            return _unchecked(self.types.dump(answer.body), status, answer, declared)
        if declared is None:
            known = ", ".join(each.status for each in self.operation.responses) or "none"
            raise self._refused(status, [f"the status is not declared; declared are: {known}"])
        try:
            body = self._body(declared, answer.body, accept)
            headers = {**self._headers(declared, answer.headers), **answer.headers}
            return self._encoder.encode((body, status, headers), accept)
        except BadResponseError as error:
            told = [f"{each['pointer'] or '(whole)'}: {each['message']} ({each['keyword']})" for each in error.errors]
            raise self._refused(status, told or [error.message]) from None
        except NoExampleError as error:
            raise self._refused(status, [str(error)]) from None

    def success(self) -> int:
        """Return the first declared status that tells of success."""
        for response in self.operation.responses:
            if response.status.isdigit() and response.status[0] == "2":
                return int(response.status)
        exact = [int(response.status) for response in self.operation.responses if response.status.isdigit()]
        is_open = any(response.status in ("2XX", "default") for response in self.operation.responses)
        return min(exact) if exact and not is_open else int(HTTPStatus.OK)

    def failure(self, status: int, body: Any | UnsetType, headers: Mapping[str, Any]) -> Answer:
        """Return the answer of a failure: in the declared shape of such an error, else in PyMacaron's.

        A status from 500 on need not be declared: whatever stands before a service answers with those.
        """
        if declared_response(self.operation, status) is None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            told = f"the stub of {self.contract.name} fails"
            own = {"status": status, "error": "SERVER_ERROR", "error_description": told}
            return Answer(own if body is UNSET else body, status, headers, unchecked=True)
        declared = declared_response(self.operation, status)
        if body is UNSET and declared is not None and declared.content:
            body = self._named(declared.content[0], status)
        return Answer(body, status, headers)

    def _named(self, media: MediaType, status: int) -> Any:
        """Return the example of an error body; its property ``status`` is the status where that may be."""
        if not is_json(media.name):
            return UNSET
        try:
            made = self.examples.one(media.schema, "response")
        except NoExampleError:
            return UNSET
        if isinstance(made, dict) and isinstance(made.get("status"), int):
            changed = {**made, "status": status}
            made = changed if self.types.codec(media.schema, "response").accepts(changed) else made
        return made

    def _body(self, declared: Response, body: Any, accept: str | None) -> Any:
        if not declared.content:
            return None if body is UNSET else body
        media = acceptable(declared.content, accept) or declared.content[0]
        if body is not UNSET:
            return self.types.dump(body) if is_json(media.name) else body
        if is_json(media.name):
            return self.examples.one(media.schema, "response")
        return self._raw(media)

    def _raw(self, media: MediaType) -> Any:
        shape = self.types.shape(media.schema)
        if isinstance(shape, Schema) and shape.format == "binary":
            return _FILE
        made = self.examples.one(media.schema, "response")
        return made if isinstance(made, str) else json.dumps(made)

    def _headers(self, declared: Response, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return example values for the declared headers that are not given."""
        known = {name.lower() for name in given}
        wanted = [each for each in declared.headers if each.name.lower() not in known | {"content-type"}]
        return {each.name: self.examples.one(each.schema, "response") for each in wanted}

    def _refused(self, status: int, faults: list[str]) -> ContractBroken:
        place = describe_place(self.operation.place)
        return ContractBroken(
            f"{self.operation.name} of {self.contract.name!r} cannot answer {status} so ({place}):\n"
            + "\n".join(f"  - {fault}" for fault in faults)
            + "\nmend it, or give unchecked=True to send it all the same"
        )


def _unchecked(body: Any, status: int, answer: Answer, declared: Response | None) -> Outgoing:
    headers = [(name, str(value)) for name, value in answer.headers.items() if name.lower() != "content-type"]
    kind = next((str(value) for name, value in answer.headers.items() if name.lower() == "content-type"), None)
    if answer.body is UNSET or (body is None and declared is not None and not declared.content):
        return Outgoing(status, b"", kind, headers)
    if isinstance(answer.body, (bytes, bytearray)):
        return Outgoing(status, bytes(answer.body), kind or "application/octet-stream", headers)
    names = [media.name for media in declared.content if "*" not in media.name] if declared is not None else []
    if isinstance(body, str) and (kind or names) and not is_json(kind or names[0]):
        return Outgoing(status, body.encode(), kind or names[0], headers)
    named = kind or next(filter(is_json, names), "application/json")
    return Outgoing(status, json.dumps(body).encode(), named, headers)


def error_answer(error: PyMacaronException) -> Outgoing:
    """Write an error that a service answers a faulty request with, as PyMacaron's own services do."""
    body: dict[str, Any] = {"status": error.status, "error": error.code, "error_description": error.message}
    if error.errors:
        body["errors"] = [dict(each) for each in error.errors]
    return Outgoing(error.status, json.dumps(body).encode(), "application/json", list(error.headers.items()))
