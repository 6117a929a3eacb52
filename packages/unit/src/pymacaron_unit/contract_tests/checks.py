"""The checks of single answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pymacaron.codec.text import is_json
from pymacaron.negotiation import content_for
from pymacaron.spec.document import tokens

from ..checking import declared_response, faults, is_built_in_error
from .discriminators import unknown_kinds
from .failures import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pymacaron.contract import Operation

    from ..response import Response
    from .call import Call

#: 4xx that HTTP, a framework or a proxy answers on its own account.
REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 422, 428, 429, 431})
_INDEX = re.compile(r"/[0-9]+(?=/|$)")
_BODY = re.compile(r"body (?P<pointer>.*?): .*\((?P<keyword>\w+)\)", re.DOTALL)
_HEADER = re.compile(r"the header (?P<name>[^\s:]+)")


def check(
    operation: Operation,
    call: Call,
    response: Response,
    wrong: list[dict[str, str]],
    made_invalid: bool,
    enabled: Collection[str],
) -> Iterator[Fault]:
    """Yield in what an answer is wrong.

    Args:
        operation: that was called.
        call: the request.
        response: the answer.
        wrong: in what the request breaks the contract; empty where it is valid.
        made_invalid: whether it was made to be invalid, even if it reads as valid.
        enabled: the false alarms that are switched on.
    """
    status = response.status
    if status >= 500:
        kind = "an invalid" if wrong else "a valid"
        yield Fault("server_error", f"on {kind} request", f"the answer to {kind} request is {status}{_reason(wrong)}")
        return
    yield from _refusal(call, status, wrong, made_invalid, enabled)
    yield from _presence(operation, call, status, wrong)
    if _is_plain_refusal(operation, response) and "undeclared_refusals" not in enabled:
        return
    told = [classify(text) for text in faults(response)]
    yield from (each for each in told if each.check != "undeclared_body" or each.check in enabled)
    if not told:
        yield from _discriminators(operation, response)


def _discriminators(operation: Operation, response: Response) -> Iterator[Fault]:
    declared = declared_response(operation, response.status)
    media = declared and content_for(declared.content, response.headers.get("Content-Type", ""))
    if media and response.match is not None and response.content and is_json(media.name):
        for pointer, says, names in unknown_kinds(response.match.contract.types, media.schema, response.json()):
            place = f"{_INDEX.sub('/*', pointer)} discriminator"
            expects = f"answer.json(){subscripts(pointer)} in {names!r}"
            yield Fault("response_body", place, f"body {pointer}: {says}", expects=expects)


def subscripts(pointer: str) -> str:
    """Return a JSON pointer as the Python that takes the value out of what was parsed."""
    return "".join(f"[{token}]" if token.isdecimal() else f"[{token!r}]" for token in tokens(pointer))


def _is_plain_refusal(operation: Operation, response: Response) -> bool:
    undeclared = declared_response(operation, response.status) is None
    return undeclared and (response.status in REFUSALS or is_built_in_error(response))


def _refusal(
    call: Call, status: int, wrong: list[dict[str, str]], made_invalid: bool, enabled: Collection[str]
) -> Iterator[Fault]:
    if wrong and status < 300:
        if "nested_parameters" in enabled or not _is_nested(call, wrong[0]):
            says = f"it was accepted with {status}{_reason(wrong)}"
            yield Fault("invalid_accepted", _place(wrong[0]), says)
    elif made_invalid and not wrong and status < 300 and "unsure_invalid" in enabled:
        says = f"it was accepted with {status}: {call.method} {call.target}"
        yield Fault("invalid_accepted", "as generated", says, reducible=False)
    elif not wrong and not made_invalid and status in (400, 422) and "valid_refused" in enabled:
        yield Fault("valid_refused", "", f"the request follows the contract and was refused with {status}")
    elif not wrong and status == 401:
        yield Fault(
            "token_refused", "", "a valid request with the credential that the contract asks for is answered with 401"
        )


def _is_nested(call: Call, fault: dict[str, str]) -> bool:
    """Tell whether a fault is inside an object or array that was written as text."""
    is_text = fault["in"] != "body" or not call.is_json
    return is_text and fault["pointer"].count("/") > 1


def _presence(operation: Operation, call: Call, status: int, wrong: list[dict[str, str]]) -> Iterator[Fault]:
    """Tell an operation that is not there from one that does not know what it is asked for."""
    asked = "{" in operation.path or (not wrong and (call.query or call.content))
    unknown = status == 404 and not asked and declared_response(operation, status) is None
    if status in (405, 501) or unknown:
        yield Fault("operation_missing", "", f"the answer is {status}")


def _place(fault: dict[str, str]) -> str:
    return f"{fault['in']} {_INDEX.sub('/*', fault['pointer']) or '(whole)'} {fault['keyword']}"


def _reason(wrong: list[dict[str, str]]) -> str:
    if not wrong:
        return ""
    first = wrong[0]
    return f", though {first['in']} {first['pointer'] or '(whole)'} breaks {first['keyword']}: {first['message']}"


def classify(text: str) -> Fault:
    """Return a fault that :mod:`pymacaron_unit.checking` tells as text as one of a check."""
    header = _HEADER.match(text)
    if header is not None:
        return Fault("missing_header" if text.endswith("is missing") else "response_header", header["name"], text)
    if text.startswith("the status"):
        return Fault("undeclared_status", text.split()[2], text)
    if text.startswith("the content type"):
        return Fault("undeclared_content_type", "", text)
    body = _BODY.fullmatch(text)
    if body is not None:
        return Fault("response_body", f"{_INDEX.sub('/*', body['pointer'])} {body['keyword']}", text)
    return Fault("undeclared_body", "", text)
